//! Forgetting a customer: plans, outbox, lists and ledger of a job hold nothing of them any more, and nothing is sent to them again.

use super::error::Error;
use super::{doctor, forgotten, inputs, letters, listed, optout};
use crate::domain::plan::MailRow;
use crate::domain::{Channel, Job};
use crate::{keys, ledger, runs};
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::io::ErrorKind;

/// What was forgotten.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// Whether the ledger or an adopted run of the job had anything of the customer.
    pub found: bool,
    /// Rows of the ledger.
    pub rows: u64,
    /// Adopted runs whose folders were written anew.
    pub runs: Vec<NaiveDate>,
    /// Plans that were not adopted and are gone: they can be made again.
    pub removed: Vec<NaiveDate>,
    /// Mails in the outbox that are gone, and lists that were written anew.
    pub files: u64,
    /// Other jobs of the shop that still know the customer.
    pub elsewhere: Vec<String>,
}

/// Forgets a customer of a job, and the ids that were merged into theirs. A call that was cut off is made again. The ledger comes last,
/// because it knows where the rest is.
pub fn forget(job: &Job, customer: &str, now: i64) -> Result<Forgotten, Error> {
    if customer.trim().is_empty() {
        return Err(Error::Usage("`--customer` is empty; name the id of the customer who is to be forgotten".to_owned()));
    }
    let _lock = runs::Lock::take(&job.runs.join(&job.name))?;
    let mut ledger = optout::open(job)?;
    let key = keys::load(&job.keys, false)?;
    let (merges, _) = inputs::merges(job)?;
    let present = merges.present(customer);
    let ids: Vec<String> = std::iter::once(present.to_owned()).chain(merges.former(present).iter().cloned()).collect();
    let (own, others): (Vec<_>, Vec<_>) = ledger.traces(&ids)?.into_iter().partition(|trace| trace.job == job.name);
    let mut elsewhere: BTreeSet<String> = others.into_iter().map(|trace| trace.job).collect();
    for other in runs::jobs(&job.runs)?.into_iter().filter(|other| *other != job.name) {
        if !elsewhere.contains(&other) && is_ranked_by(job, &other, &ids)? {
            elsewhere.insert(other);
        }
    }
    let mut done = Forgotten { elsewhere: elsewhere.into_iter().collect(), ..Forgotten::default() };
    runs::remove(&doctor::passing(job))?;
    plans(job, &mut ledger, &ids, now, &mut done)?;
    for trace in &own {
        done.files += remove_letter(job, &trace.mail_id)?;
    }
    let lists: BTreeSet<_> =
        own.iter().filter_map(|trace| Some((trace.as_of, &trace.campaign, Channel::from_word(&trace.channel)?))).collect();
    for (as_of, campaign, channel) in lists {
        done.files += write_list(job, &ledger, as_of, campaign, channel)?;
    }
    let live = optout::live_keys(job)?;
    let aged = |id: &str| live.iter().map(|key| forgotten::aged_mark(key, id)).collect();
    done.rows = ledger.forget(&job.name, &ids, &|text| forgotten::mark(&key, text), &aged, now)?;
    done.found |= done.rows > 0;
    Ok(done)
}

/// Takes the customer out of the folders of adopted runs, and removes plans that were not adopted.
fn plans(job: &Job, ledger: &mut ledger::Ledger, ids: &[String], now: i64, done: &mut Forgotten) -> Result<(), Error> {
    for as_of in runs::plans(&job.runs, &job.name)? {
        let folder = runs::folder(&job.runs, &job.name, as_of);
        let Some(adoption) = ledger.adoption(&job.name, as_of)? else {
            runs::remove(&folder)?;
            done.removed.push(as_of);
            continue;
        };
        let Some(erased) = runs::erase(&folder, ids)? else { continue };
        // A folder that is not the adopted one must not become it.
        if !ledger.stands_for(&adoption, &erased.before)? {
            return Err(Error::Runs(runs::Error::Altered { folder, file: "plan.json".to_owned() }));
        }
        ledger.allow_instead(&adoption, &erased.summary.digest, "forgotten", now)?;
        done.found |= erased.is_held;
        erased.take_place()?;
        done.runs.push(as_of);
    }
    Ok(())
}

/// Whether a plan of another job has the customer: it may rank people whom it never mails.
fn is_ranked_by(job: &Job, other: &str, ids: &[String]) -> Result<bool, Error> {
    for as_of in runs::plans(&job.runs, other)? {
        // What cannot be read may hold them.
        let Ok(opened) = runs::open(&runs::folder(&job.runs, other, as_of)) else { return Ok(true) };
        for id in ids {
            if opened.customer(id)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Removes a mail from the outbox, also one that was only half written.
pub fn remove_letter(job: &Job, mail_id: &str) -> Result<u64, Error> {
    let mut removed = 0;
    for folder in ["new", "cur", "tmp"] {
        let path = super::outbox(job).join(folder).join(format!("{mail_id}.eml"));
        match std::fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(Error::File { path, source }),
        }
    }
    Ok(removed)
}

/// Writes a list of another channel anew, where there is one, from a plan that no longer has the customer.
fn write_list(job: &Job, ledger: &ledger::Ledger, as_of: NaiveDate, campaign: &str, channel: Channel) -> Result<u64, Error> {
    if !listed::path(job, as_of, campaign, channel).exists() {
        return Ok(0);
    }
    let opened = runs::open(&runs::folder(&job.runs, &job.name, as_of))?;
    let planned = inputs::planned_job(job, &opened)?;
    let writer = letters::Writer::open(&planned, &opened)?;
    let mails: Vec<MailRow> = opened.mails()?.collect::<Result<_, _>>()?;
    let list = listed::List { job, planned: &planned, as_of, campaign, channel };
    Ok(u64::from(list.write(ledger, &writer, &mails)?.is_some()))
}
