//! Runs that are older than the shop keeps them: personal data go, what proves that mails went out and what later runs stand on stay.

use super::error::Error;
use super::{doctor, forgotten, listed, previous};
use crate::domain::zone::months_before;
use crate::domain::{Channel, Job};
use crate::{keys, ledger, runs};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// What was cleaned.
#[derive(Debug, Default)]
pub struct Aged {
    /// Adopted runs that hold nothing personal any more since now.
    pub runs: Vec<NaiveDate>,
    /// Rows of the ledger.
    pub rows: u64,
    /// Mails in the outbox and lists that are gone.
    pub files: u64,
    /// Old plans that were not adopted and are gone.
    pub removed: Vec<NaiveDate>,
    /// Old runs that wait, because mails of theirs have not reached their end.
    pub open: Vec<NaiveDate>,
}

/// Cleans the runs of a job that are older than its `keep_runs`; without that, none. The last adopted run stays: the next one stands on it.
/// A call that was cut off is made again: the ledger comes last, as it knows where the rest is.
pub fn age(job: &Job, now: i64) -> Result<Aged, Error> {
    let mut done = Aged::default();
    let path = job.runs.join("ledger.sqlite");
    let (Some(months), Some(today)) = (job.keep_runs, job.zone.date(now)) else { return Ok(done) };
    let before = months_before(today, i32::try_from(months).unwrap_or(i32::MAX));
    if !runs::plans(&job.runs, &job.name)?.iter().any(|as_of| *as_of < before) {
        return Ok(done);
    }
    let _lock = runs::Lock::take(&job.runs.join(&job.name))?;
    runs::remove(&doctor::passing(job))?;
    let Some(known) = ledger::Ledger::open_existing(&path)? else { return Ok(done) };
    let mut adoptions = known.adoptions(&job.name)?;
    let adopted: BTreeSet<NaiveDate> = adoptions.iter().map(|adoption| adoption.as_of).collect();
    adoptions.pop();
    let key = keys::load(&job.keys, false)?;
    let mut ledger = ledger::Ledger::open(&path)?;
    for adoption in adoptions.iter().filter(|adoption| adoption.as_of < before) {
        if ledger.is_open(&job.name, adoption.as_of)? {
            done.open.push(adoption.as_of);
            continue;
        }
        let is_aged = age_folder(job, &mut ledger, adoption, &|id| forgotten::aged_mark(&key, id), now)?;
        let traces = ledger.traces_of(&job.name, adoption.as_of)?;
        for trace in &traces {
            done.files += super::forget::remove_letter(job, &trace.mail_id)?;
        }
        for (campaign, channel) in traces.iter().map(|trace| (&trace.campaign, &trace.channel)).collect::<BTreeSet<_>>() {
            if let Some(channel) = Channel::from_word(channel) {
                done.files += remove_list(job, adoption.as_of, campaign, channel)?;
            }
        }
        let rows = ledger.age(&job.name, adoption.as_of, &|id| forgotten::aged_mark(&key, id))?;
        done.rows += rows;
        if is_aged || rows > 0 {
            done.runs.push(adoption.as_of);
        }
    }
    for as_of in runs::plans(&job.runs, &job.name)?.into_iter().filter(|as_of| *as_of < before && !adopted.contains(as_of)) {
        runs::remove(&runs::folder(&job.runs, &job.name, as_of))?;
        done.removed.push(as_of);
    }
    Ok(done)
}

/// Puts a folder without personal data in the place of an adopted run's; tells whether it had not been there.
fn age_folder(
    job: &Job,
    ledger: &mut ledger::Ledger,
    adoption: &ledger::Adoption,
    mark: &dyn Fn(&str) -> String,
    now: i64,
) -> Result<bool, Error> {
    let opened = previous::open_any(job, adoption)?;
    if ledger.is_aged(adoption, &opened.summary.digest)? {
        return Ok(false);
    }
    let aged = runs::age(&runs::folder(&job.runs, &job.name, adoption.as_of), mark)?;
    ledger.allow_instead(adoption, &aged.summary.digest, ledger::AGED_REASON, now)?;
    aged.take_place()?;
    Ok(true)
}

fn remove_list(job: &Job, as_of: NaiveDate, campaign: &str, channel: Channel) -> Result<u64, Error> {
    let path = listed::path(job, as_of, campaign, channel);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(1),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(Error::File { path, source }),
    }
}
