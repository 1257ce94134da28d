//! Looks at job and templates, and at the data when asked, without planning anything.

use super::error::Error;
use super::list::List;
use super::progress::unwatched;
use super::{absent, assess, inputs, previous, stops};
use crate::domain::customers::Product;
use crate::domain::job::Outline;
use crate::domain::offer::OfferKind;
use crate::domain::{Finding, Job, RuleValue};
use crate::features::Partitions;
use crate::{job as job_room, lint, message, tables};
use chrono::NaiveDate;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// What a check found that is not an error.
pub struct Checked {
    pub job: Job,
    /// How ranges and dates were understood.
    pub echo: Vec<String>,
    pub warnings: Vec<String>,
    /// What is worth a second look at the ladder.
    pub findings: Vec<Finding>,
}

/// What the data look like.
#[derive(Default)]
pub struct DataCheck {
    pub files: usize,
    pub rows: u64,
    pub customers: u64,
    pub excluded_customers: u64,
    /// The values of each column of `exclude` and `include`, with how many lines and how much money they have.
    pub values: Vec<(String, Vec<RuleValue>)>,
    pub notes: Vec<String>,
}

/// Checks a job file, its templates and, when asked, its data: every problem of all of them at once. `today` is the as-of date of a job.
pub fn check(path: &Path, today: &dyn Fn(&Job) -> NaiveDate, data: bool) -> Result<(Checked, Option<DataCheck>), Error> {
    let job = match inputs::load_job(path, None) {
        Ok(job) => job,
        Err(error) => return Err(with_templates(path, error)),
    };
    let mut problems = Vec::new();
    let names = match &job.customers {
        Some(source) => tables::customer_columns(source, inputs::base(&job)).ok(),
        None => Some(Vec::new()),
    };
    let mut warnings = job_room::warnings(&job, today(&job));
    let mut seen = lint::Seen::default();
    let mut loaded = None;
    let known = names.as_ref().map(|names| inputs::known_names(&job, names.iter().cloned()));
    let elsewhere = job_room::campaigns_beside(path, &job.templates);
    match inputs::load_templates(&Outline::of(&job), &job.templates, known, elsewhere) {
        Ok(templates) => {
            warnings.extend(templates.warnings().iter().map(|problem| format!("{}: {}", problem.file, problem.message)));
            seen.shown = job.campaigns.iter().map(|campaign| templates.shows(&campaign.name)).collect();
            loaded = Some(templates);
        }
        Err(error) => problems.push(error.into()),
    }
    if let Some(names) = &names {
        problems.extend(columns(&job, names.iter().map(String::as_str)).err());
    }
    problems.extend(inputs::pools(&job).err());
    let data = data.then(|| look_at_data(&job, today(&job), &mut seen.categories, &mut problems));
    Error::of(problems)?;
    if let (Some(templates), true) = (loaded, data.is_some() && gives_something(&job)) {
        seen.mean_spend = Some(mean_spend(&job, today(&job), templates)?);
    }
    let findings = lint::lint(&job, &seen);
    Ok((Checked { echo: job_room::echo(&job), warnings, findings, job }, data))
}

/// The problems of a job together with those of its templates, as far as the job is certain enough to look at them.
fn with_templates(path: &Path, error: Error) -> Error {
    let templates = job_room::outline(path).and_then(|outline| {
        let elsewhere = job_room::campaigns_beside(path, &outline.templates);
        inputs::load_templates(&outline, &outline.templates, None, elsewhere).err()
    });
    match templates {
        Some(templates) => Error::Several(vec![error, templates.into()]),
        None => error,
    }
}

/// Opens the data of a checked job.
fn look_at_data(job: &Job, as_of: NaiveDate, categories: &mut HashMap<String, String>, problems: &mut Vec<Error>) -> DataCheck {
    let mut found = DataCheck::default();
    let mut customers = List::default();
    let mut products: Vec<Product> = Vec::new();
    let merges = inputs::merges(job).map(|(merges, _)| merges);
    let present = merges.as_ref().map(Arc::clone).unwrap_or_default();
    if let Some(source) = &job.customers {
        let list = merges.and_then(|merges| List::read(job, source, &merges, as_of, None, Partitions::default()));
        match list {
            Ok((list, _, notes)) => {
                (found.customers, found.excluded_customers) = (list.facts().customers as u64, list.facts().excluded.len() as u64);
                found.notes.extend(inputs::list_notes(&notes, job.language));
                problems.extend(previous::refuse_listed(job, &list).err());
                customers = list;
            }
            Err(error) => problems.push(error),
        }
    }
    if let Some(source) = &job.products {
        match tables::products(source, &job.currency, inputs::base(job)) {
            Ok((list, _)) => products = list,
            Err(error) => problems.push(error.into()),
        }
    }
    let category = |product: &Product| Some((product.id.clone(), product.category.clone()?));
    categories.extend(products.iter().filter_map(category));
    match absent::in_lists(job, &customers, &products) {
        Ok(notes) => found.notes.extend(notes),
        Err(error) => problems.push(error),
    }
    problems.extend(stops::listed(job).err());
    let looked = inputs::purchases(job, present).and_then(|purchases| {
        (found.files, found.rows) = (purchases.inputs().len(), purchases.rows());
        found.values = purchases.rule_values()?;
        found.notes.extend(absent::in_rules(job, &found.values));
        if !customers.is_empty() {
            let ids = customers.ids()?;
            let known = |id: &str| ids.have(id) || customers.excluded(id).is_some();
            let strangers = purchases.strangers(job.zone.midnight(as_of), &known)?;
            found.notes.extend(absent::in_list(job, &customers, &strangers)?);
        }
        absent::in_purchases(job, &products, &purchases, as_of)
    });
    match looked {
        Ok(notes) => found.notes.extend(notes),
        Err(error) => problems.push(error),
    }
    found
}

/// Whether a campaign gives something that costs the shop more than a discount does.
fn gives_something(job: &Job) -> bool {
    job.campaigns.iter().filter_map(|campaign| campaign.offer.as_ref()).any(|offer| matches!(offer.kind, OfferKind::Gift { .. }))
}

/// The mean spend in the window of those who hold each rank in a plan of this day; a household counts once.
fn mean_spend(job: &Job, as_of: NaiveDate, templates: message::Templates) -> Result<Vec<Option<i64>>, Error> {
    // Without a run of the job whose ranks they are nobody has one.
    if job.ladder.of.is_some() && previous::adopted(job, as_of, i64::MAX)?.is_empty() {
        return Ok(Vec::new());
    }
    let (key, lists) = (inputs::key_to_look(job)?, inputs::lists(job, as_of)?);
    let inputs = inputs::join(job, as_of, key, lists, templates, inputs::Knowledge::PRESENT)?;
    let assessed = assess::run(job, &inputs, as_of, &unwatched)?;
    let mut sums = vec![(0_i128, 0_i128); job.ladder.ranks.len()];
    for part in &assessed.people {
        for row in (0..part.len()).filter(|row| part.ranked_as(*row) == part.id.get(*row)) {
            if let Some((people, spend)) = part.standings[row].rank.and_then(|rank| sums.get_mut(usize::from(rank))) {
                *people += 1;
                *spend += i128::from(part.features[row].spend);
            }
        }
    }
    Ok(sums.into_iter().map(|(people, spend)| spend.checked_div(people).and_then(|mean| i64::try_from(mean).ok())).collect())
}

/// A `where` or a gift that asks for a column which the list does not have would never hold.
pub fn columns<'a>(job: &Job, known: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let known: Vec<&str> = known.collect();
    let mut problems = Vec::new();
    for campaign in &job.campaigns {
        let chooser = match campaign.offer.as_ref().map(|offer| &offer.kind) {
            Some(OfferKind::Gift { choose_by, allergies, .. }) => [choose_by.as_deref(), allergies.as_deref()],
            _ => [None, None],
        };
        for column in campaign.wheres.iter().map(|test| test.column.as_str()).chain(chooser.into_iter().flatten()) {
            if !known.contains(&column) {
                problems.push(Error::Data(format!(
                    "campaign `{}` asks for the customer column `{column}`, which the list does not have; it has: {}",
                    campaign.name,
                    known.join(", ")
                )));
            }
        }
    }
    Error::of(problems)
}

/// The JSON Schema of a job file.
#[must_use]
pub fn schema() -> String {
    job_room::schema()
}
