//! The job's stop lists: read for a plan, and again while mails are sent.

use super::error::Error;
use super::{forgotten, inputs};
use crate::domain::Job;
use crate::domain::stop::StopList;
use crate::{ledger, runs, tables};
use std::path::PathBuf;

/// What a plan calls its copies of them, with a number.
pub const NAME: &str = "stops";

/// Everybody on the lists now.
pub fn listed(job: &Job) -> Result<StopList, Error> {
    Ok(files(job).changed()?.unwrap_or_default())
}

/// Where the lists are, for a plan that keeps copies of them.
pub fn paths(job: &Job) -> Result<Vec<PathBuf>, Error> {
    Ok(files(job).paths()?)
}

/// Everybody on the copies that a plan kept of its lists.
pub fn kept(job: &Job, opened: &runs::Opened) -> Result<StopList, Error> {
    let copies = opened.lists(NAME).iter().map(|path| path.to_string_lossy().into_owned()).collect();
    listed(&Job { stop_files: copies, ..job.clone() })
}

/// Lets the ledger look at the lists whenever it is to claim something. Of this plan's people, those who were forgotten by another job since
/// it was made are as if they were on them.
pub fn obey(job: &Job, ledger: &mut ledger::Ledger, opened: &runs::Opened, now: i64) -> Result<(), Error> {
    let mut files = files(job);
    let forgotten = forgotten::planned(job, opened)?;
    let look = move || {
        let list = files.changed().map_err(|error| error.to_string())?;
        Ok(list.map(|mut list| {
            list.customers.extend(forgotten.customers.iter().cloned());
            list.addresses.extend(forgotten.addresses.iter().cloned());
            list
        }))
    };
    Ok(ledger.obey(Box::new(look), now)?)
}

fn files(job: &Job) -> tables::StopFiles {
    tables::StopFiles::new(&job.stop_files, inputs::base(job))
}
