//! Looks at job and templates, and at the data when asked, without planning anything.

use super::error::Error;
use super::inputs;
use crate::domain::ExcludeValue;
use crate::domain::Job;
use crate::purchases;
use crate::{job as job_room, tables};
use chrono::NaiveDate;
use std::path::Path;

/// What a check found that is not an error.
pub struct Checked {
    pub job: Job,
    /// How ranges and dates were understood.
    pub echo: Vec<String>,
    pub warnings: Vec<String>,
}

/// What the data look like.
pub struct DataCheck {
    pub files: usize,
    pub rows: u64,
    pub customers: usize,
    pub excluded_customers: usize,
    /// The values of each `exclude` column, with how many lines and how much money they have.
    pub values: Vec<(String, Vec<ExcludeValue>)>,
    pub notes: Vec<String>,
}

/// Checks a job file and its templates: every problem of both at once.
pub fn check(path: &Path, as_of: NaiveDate) -> Result<Checked, Error> {
    let job = inputs::load_job(path, None)?;
    let columns = match &job.customers {
        Some(source) => tables::customer_columns(source, inputs::base(&job)).ok(),
        None => Some(Vec::new()),
    };
    let templates = inputs::load_templates(&job, &job.templates, columns.clone())?;
    if job.customers.is_some()
        && let Some(columns) = columns
    {
        check_columns(&job, &columns)?;
    }
    let mut warnings = job_room::warnings(&job, as_of);
    warnings.extend(templates.warnings().iter().map(|problem| format!("{}: {}", problem.file, problem.message)));
    Ok(Checked { echo: job_room::echo(&job), warnings, job })
}

/// Opens the data of a checked job.
pub fn check_data(job: &Job, as_of: NaiveDate) -> Result<DataCheck, Error> {
    let purchases = purchases::open(&job.purchases, job.zone, &job.currency, inputs::base(job))?;
    let mut notes = Vec::new();
    let (mut customers, mut excluded) = (0, 0);
    if let Some(source) = &job.customers {
        let (list, _, list_notes) = tables::customers(source, job.zone, as_of, inputs::base(job))?;
        (customers, excluded) = (list.len(), list.excluded.len());
        notes.extend(inputs::list_notes(&list_notes));
    }
    if let Some(source) = &job.products {
        tables::products(source, &job.currency, inputs::base(job))?;
    }
    Ok(DataCheck {
        files: purchases.inputs().len(),
        rows: purchases.rows(),
        customers,
        excluded_customers: excluded,
        values: purchases.exclude_values()?,
        notes,
    })
}

/// A `where` or a gift that asks for a column which the list does not have would never hold.
pub fn check_columns(job: &Job, known: &[String]) -> Result<(), Error> {
    use crate::domain::offer::OfferKind;
    for campaign in &job.campaigns {
        let chooser = match campaign.offer.as_ref().map(|offer| &offer.kind) {
            Some(OfferKind::Gift { choose_by, .. }) => choose_by.as_deref(),
            _ => None,
        };
        for column in campaign.wheres.iter().map(|test| test.column.as_str()).chain(chooser) {
            if !known.iter().any(|name| name == column) {
                return Err(Error::Data(format!(
                    "campaign `{}` asks for the customer column `{column}`, which the list does not have; it has: {}",
                    campaign.name,
                    known.join(", ")
                )));
            }
        }
    }
    Ok(())
}

/// The JSON Schema of a job file.
#[must_use]
pub fn schema() -> String {
    job_room::schema()
}
