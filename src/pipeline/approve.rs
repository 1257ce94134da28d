//! Approving a plan: the plan is proved, looked at, and somebody's name is written into the ledger. Nothing is sent.

use super::error::Error;
use super::plan::{Next, Planned};
use super::{adopt, approvals, inputs, send};
use crate::domain::approval;
use crate::domain::plan::Summary;
use crate::domain::{Approval, Job};
use crate::{job as job_room, ledger, runs};
use chrono::NaiveDate;

/// Who approves what.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub job: &'a Job,
    /// The newest plan, when no date is given.
    pub as_of: Option<NaiveDate>,
    /// As it was written.
    pub name: &'a str,
    /// The plan's digest must begin with this.
    pub digest: Option<&'a str>,
    /// Microseconds UTC.
    pub now: i64,
}

/// A plan that somebody approved.
pub struct Approved {
    /// The job as it was planned.
    pub job: Job,
    /// The plan, with the brakes that hold today and all who approved it.
    pub planned: Planned,
    /// The name as it is kept.
    pub name: String,
    /// False where the same person had approved this plan before.
    pub is_new: bool,
}

/// Writes down that somebody approved a plan that can still be adopted. It waits for no other run of the job: the ledger keeps what is
/// written at the same moment apart.
pub fn approve(request: &Request) -> Result<Approved, Error> {
    let Request { job, now, .. } = *request;
    let name = named(job, request.name)?;
    let as_of = date(request)?;
    let opened = runs::open(&runs::folder(&job.runs, &job.name, as_of))?;
    send::check_digest(request.digest, &opened.summary, opened.folder())?;
    let path = job.runs.join("ledger.sqlite");
    refuse_closed(job, &opened.summary)?;
    let planned = inputs::planned_job(job, &opened)?;
    let mut summary = opened.summary.clone();
    let stops = stops_of_today(job, &planned, &opened, &summary, now)?;
    let by = Approval { name: name.clone(), at: now };
    let signed = ledger::Ledger::open(&path)?.approve(&job.name, as_of, &summary.digest, &by)?;
    if signed == ledger::Signed::TooLate {
        refuse_closed(job, &summary)?;
        return Err(adopted(job, as_of));
    }
    let approvals = approvals::of_plan(job, as_of, &summary.digest, planned.approvals)?.accepting(&stops);
    summary.brakes.extend(stops);
    let echo = job_room::echo(&planned);
    let planned_here = Planned { folder: opened.folder().to_owned(), summary, echo, next: Next::Send, approvals };
    Ok(Approved { job: planned, planned: planned_here, name, is_new: signed == ledger::Signed::New })
}

/// The name of who approves, as it is kept.
pub fn named(job: &Job, written: &str) -> Result<String, Error> {
    approval::name(written).map_err(|why| {
        let why = why.told(job.language);
        Error::Usage(job.language.pick(
            format!("承認する人の名前として使えません: {why}。承認する人の名前を書いてください"),
            format!("that is no name to approve by: {why}; write the name of the person who approves the plan"),
        ))
    })
}

fn date(request: &Request) -> Result<NaiveDate, Error> {
    let job = request.job;
    let newest = || runs::plans(&job.runs, &job.name).map(|plans| plans.into_iter().max());
    let missing = || {
        let (name, path) = (&job.name, job.path.display());
        Error::Usage(format!("there is no plan of {name} yet, so there is none to approve; make one: rankmail plan {path}"))
    };
    request.as_of.map_or_else(newest, |as_of| Ok(Some(as_of)))?.ok_or_else(missing)
}

/// A plan that is adopted, or cannot be any more, is not to be approved.
pub fn refuse_closed(job: &Job, summary: &Summary) -> Result<(), Error> {
    let as_of = summary.as_of;
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else { return Ok(()) };
    match ledger.adoption(&job.name, as_of)? {
        Some(_) => Err(adopted(job, as_of)),
        None => adopt::check_order(job, &ledger, summary),
    }
}

fn adopted(job: &Job, as_of: NaiveDate) -> Error {
    Error::Usage(job.language.pick(
        format!(
            "{as_of} の計画は確定しています。メールは送信中か送信済みのため、承認はできません。承認した人は rankmail status で分かります"
        ),
        format!(
            "the plan of {as_of} is adopted: its mails are being sent or were, so an approval comes too late; `rankmail status` tells \
             who approved it"
        ),
    ))
}

/// The brakes on which `send` would stop at the instant `now`. `summary` is that of the plan in its folder.
pub fn stops_of_today(
    job: &Job,
    planned: &Job,
    opened: &runs::Opened,
    summary: &Summary,
    now: i64,
) -> Result<Vec<(String, String)>, Error> {
    let own_codes = if job.register_codes { adopt::Codes::count(planned, opened)? } else { 0 };
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let is_adopted = ledger.as_ref().map(|ledger| ledger.adoption(&job.name, summary.as_of)).transpose()?.flatten().is_some();
    adopt::tripped(&adopt::Leaving { job, planned, summary, own_codes, is_adopted, now }, ledger.as_ref())
}
