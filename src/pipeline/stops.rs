//! The job's stop lists: read for a plan, and again while mails are sent.

use super::error::Error;
use super::inputs;
use crate::domain::Job;
use crate::domain::stop::StopList;
use crate::{ledger, tables};

/// Everybody on the lists now.
pub fn listed(job: &Job) -> Result<StopList, Error> {
    Ok(files(job).changed()?.unwrap_or_default())
}

/// Lets the ledger look at the lists whenever it is to claim something.
pub fn obey(job: &Job, ledger: &mut ledger::Ledger, now: i64) -> Result<(), Error> {
    let mut files = files(job);
    Ok(ledger.obey(Box::new(move || files.changed().map_err(|error| error.to_string())), now)?)
}

fn files(job: &Job) -> tables::StopFiles {
    tables::StopFiles::new(&job.stop_files, inputs::base(job))
}
