//! Looks at job and templates, and at the data when asked, without planning anything.

use super::error::Error;
use super::{inputs, stops};
use crate::domain::job::Outline;
use crate::domain::offer::OfferKind;
use crate::domain::{Finding, Job, RuleValue};
use crate::{features, lint, purchases, ranks};
use crate::{job as job_room, tables};
use chrono::NaiveDate;
use std::path::Path;

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
    let known = names.as_ref().map(|names| inputs::known_names(&job, names.iter().cloned()));
    match inputs::load_templates(&Outline::of(&job), &job.templates, known) {
        Ok(templates) => {
            warnings.extend(templates.warnings().iter().map(|problem| format!("{}: {}", problem.file, problem.message)));
            seen.shown = job.campaigns.iter().map(|campaign| templates.shows(&campaign.name)).collect();
        }
        Err(error) => problems.push(error.into()),
    }
    if let Some(names) = &names {
        problems.extend(columns(&job, names.iter().map(String::as_str)).err());
    }
    problems.extend(inputs::pools(&job).err());
    let data = data.then(|| look_at_data(&job, today(&job), &mut problems));
    Error::of(problems)?;
    if data.is_some() {
        seen.mean_spend = mean_spend(&job, today(&job))?;
    }
    let findings = lint::lint(&job, &seen);
    Ok((Checked { echo: job_room::echo(&job), warnings, findings, job }, data))
}

/// The problems of a job together with those of its templates, as far as the job is certain enough to look at them.
fn with_templates(path: &Path, error: Error) -> Error {
    let templates = job_room::outline(path).and_then(|outline| inputs::load_templates(&outline, &outline.templates, None).err());
    match templates {
        Some(templates) => Error::Several(vec![error, templates.into()]),
        None => error,
    }
}

/// Opens the data of a checked job.
fn look_at_data(job: &Job, as_of: NaiveDate, problems: &mut Vec<Error>) -> DataCheck {
    let mut found = DataCheck::default();
    if let Some(source) = &job.customers {
        let list = inputs::merges(job).and_then(|(merges, _)| Ok(tables::customers(source, &merges, job.zone, as_of, inputs::base(job))?));
        match list {
            Ok((list, _, notes)) => {
                (found.customers, found.excluded_customers) = (list.len() as u64, list.excluded.len() as u64);
                found.notes.extend(inputs::list_notes(&notes, job.language));
            }
            Err(error) => problems.push(error),
        }
    }
    if let Some(source) = &job.products {
        problems.extend(tables::products(source, &job.currency, inputs::base(job)).err().map(Error::from));
    }
    problems.extend(stops::listed(job).err());
    let purchases = purchases::open(&job.purchases, job.zone, &job.currency, inputs::base(job));
    let values = purchases.and_then(|purchases| {
        (found.files, found.rows) = (purchases.inputs().len(), purchases.rows());
        purchases.rule_values()
    });
    match values {
        Ok(values) => found.values = values,
        Err(error) => problems.push(error.into()),
    }
    found
}

/// The mean spend in the window of those who qualify for each rank now, whatever they hold.
fn mean_spend(job: &Job, as_of: NaiveDate) -> Result<Vec<Option<i64>>, Error> {
    if job.ladder.of.is_some() {
        return Ok(Vec::new());
    }
    let dates = ranks::dates(as_of, &job.ladder, None, None);
    let purchases = inputs::purchases(job, inputs::merges(job)?.0)?;
    let request = purchases::Request { as_of: job.zone.midnight(as_of), ..purchases::Request::default() };
    let fold = features::Fold::new(dates.bounds(job.zone), &[], false);
    purchases.read(&request, &|lines| fold.add(lines).map_err(Into::into))?;
    let parts = fold.finish()?;
    let rows = || parts.iter().flat_map(|part| part.customer_id.iter().zip(&part.rows));
    let tops = ranks::tops(&job.ladder, rows());
    let mut sums = vec![(0_i128, 0_i128); job.ladder.ranks.len()];
    for (id, features) in rows() {
        let day = |instant: Option<i64>| instant.and_then(|instant| job.zone.date(instant));
        let (closing, known) = (day(features.first_order_closing), day(features.first_order_at));
        let row = ranks::RowIn {
            id,
            features,
            tenure_from_closing: closing,
            tenure_from_next: known,
            tenure_from_keep: known,
            held: None,
            given: None,
        };
        let rank = ranks::assign(&job.ladder, &dates, &tops, &row).rank;
        if let Some((people, spend)) = rank.and_then(|rank| sums.get_mut(usize::from(rank))) {
            *people += 1;
            *spend += i128::from(features.spend);
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
