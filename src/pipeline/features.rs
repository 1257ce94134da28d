//! Only the features table.

use super::error::Error;
use super::progress::{Step, Watch};
use super::{inputs, previous};
use crate::domain::features::ReadCounts;
use crate::domain::{Bounds, Job};
use crate::{features as fold, ledger, purchases, ranks, schedule};
use chrono::NaiveDate;
use std::path::Path;

/// Computes the features at an as-of date and writes them as Parquet. Returns how many customers there are, and what was read.
pub fn features(job: &Job, as_of: NaiveDate, out: &Path, watch: &Watch) -> Result<(u64, ReadCounts), Error> {
    let bounds = bounds(job, as_of)?;
    let purchases = inputs::purchases(job, inputs::merges(job)?.0)?;
    let progress = |done, total| watch(Step::Read, done, total);
    let request =
        purchases::Request { as_of: bounds.as_of, history_before: None, category: false, details: false, progress: Some(&progress) };
    let table =
        fold::Fold::new(bounds, &[], false, fold::Partitions::default(), inputs::room(job, out.parent().unwrap_or(Path::new(".")))?);
    let read = purchases.read(&request, &|lines| table.add(lines).map_err(Into::into))?;
    Ok((fold::write(&table.finish(), out)?, read))
}

/// The days of a run on this date.
pub fn bounds(job: &Job, as_of: NaiveDate) -> Result<Bounds, Error> {
    let next_due = job.schedule.as_deref().and_then(|line| schedule::next_due_date(line, job.zone, as_of));
    Ok(ranks::dates(as_of, &job.ladder, last_run(job, as_of)?.as_ref(), next_due).bounds(job.zone))
}

/// The last adopted run decides which review is due, and so two of the columns.
fn last_run(job: &Job, as_of: NaiveDate) -> Result<Option<crate::domain::ladder::PreviousRun>, Error> {
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else { return Ok(None) };
    let Some(adoption) = ledger.last_adopted(job.ladder.of.as_deref().unwrap_or(&job.name), as_of)? else { return Ok(None) };
    let summary = previous::open_adopted(job, &adoption)?.summary;
    Ok(Some(crate::domain::ladder::PreviousRun { as_of: summary.as_of, closing: summary.closing, keep_by: summary.keep_by }))
}
