//! Opens what a run reads: the key, the templates, the lists, the purchases, the memory of earlier runs.

use super::check;
use super::error::Error;
use super::people::Shop;
use super::previous::{self, Before};
use crate::domain::job::{Language, Outline};
use crate::domain::{Customers, Job, Key};
use crate::{job, keys, message, purchases, tables};
use chrono::NaiveDate;
use std::path::Path;

/// Everything a run reads, opened and checked.
pub struct Inputs {
    pub key: Key,
    pub templates: message::Templates,
    pub shop: Shop,
    pub purchases: purchases::Purchases,
    pub before: Before,
    /// (relative name, digest), sorted.
    pub digests: Vec<(String, String)>,
    pub warnings: Vec<String>,
}

/// Loads a job file; `runs` stands in for the job's own folder of runs.
pub fn load_job(path: &Path, runs: Option<&Path>) -> Result<Job, Error> {
    let mut job = job::load(path)?;
    if let Some(runs) = runs {
        runs.clone_into(&mut job.runs);
    }
    Ok(job)
}

/// The folder against which the job's paths are read.
pub fn base(job: &Job) -> &Path {
    job.path.parent().unwrap_or(Path::new("."))
}

/// Opens all inputs of a run.
pub fn open(job: &Job, as_of: NaiveDate) -> Result<Inputs, Error> {
    let key = keys::load(&job.keys, true)?;
    let mut digests = Vec::new();
    let mut warnings = job::warnings(job, as_of);
    let customers = match &job.customers {
        Some(source) => {
            let (customers, inputs, notes) = tables::customers(source, job.zone, as_of, base(job))?;
            digests.extend(inputs);
            warnings.extend(list_notes(&notes, job.language));
            customers
        }
        None => Customers::default(),
    };
    let products = match &job.products {
        Some(source) => {
            let (products, inputs) = tables::products(source, &job.currency, base(job))?;
            digests.extend(inputs);
            products
        }
        None => Vec::new(),
    };
    check::columns(job, customers.columns.iter().map(|(name, _)| name.as_str()))?;
    let templates = templates(job, Some(&customers))?;
    let purchases = purchases::open(&job.purchases, job.zone, &job.currency, base(job))?;
    digests.extend(purchases.inputs());
    digests.sort();
    let before = previous::read(job, &customers, as_of)?;
    Ok(Inputs { key, templates, shop: Shop { zone: job.zone, customers, products }, purchases, before, digests, warnings })
}

/// What the customer list says that nobody expected, in words.
pub fn list_notes(notes: &tables::Notes, language: Language) -> Vec<String> {
    let counts = [
        (notes.without_id, "顧客リストで ID のない行（集計外）", "rows of the customer list without an id, left out"),
        (notes.unusable_birthdays, "顧客リストで日付として読めない誕生日", "birthdays of the customer list that are no dates"),
        (notes.unusable_since, "顧客リストで日付として読めない利用開始日", "first visits of the customer list that are no dates"),
    ];
    let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
    let counts = counts.map(|(count, ja, en)| language.pick(format!("{ja}: {count}"), format!("{count} {en}")));
    counts.chain(notes.examples.iter().cloned()).collect()
}

/// Loads the job's templates; with the customer list at hand its columns are known names.
pub fn templates(job: &Job, customers: Option<&Customers>) -> Result<message::Templates, Error> {
    let columns = customers.map(|list| list.columns.iter().map(|(name, _)| name.clone()).collect());
    Ok(load_templates(&Outline::of(job), &job.templates, columns)?.inline_css(job.inline_css))
}

/// Loads the templates of a folder with the job's campaigns and ranks. Without the list's columns any `customer.…` passes.
pub fn load_templates(job: &Outline, root: &Path, columns: Option<Vec<String>>) -> Result<message::Templates, message::Error> {
    let names = message::Names { customer: columns, shop: job.shop.clone(), currency: job.currency.clone(), language: job.language };
    message::Templates::load(root, &job.campaigns, &job.ranks, &names)
}

/// The job as it was when the plan was made. Where to send, and what to stop at, is today's.
pub fn planned_job(job: &Job, opened: &crate::runs::Opened) -> Result<Job, Error> {
    let mut planned = job::load_text(&job.path, &opened.job_text)?;
    planned.runs.clone_from(&job.runs);
    planned.smtp.clone_from(&job.smtp);
    planned.brakes = job.brakes;
    Ok(planned)
}
