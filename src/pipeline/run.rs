//! Plan, brakes, send: what a timer does.

use super::error::Error;
use super::plan::{self, Planned};
use super::send::{self, Sent};
use super::{adopt, bounces, brakes, inputs};
use crate::domain::Job;
use crate::{ledger, runs, schedule};
use chrono::NaiveDate;

/// How a run ended.
pub struct Ran {
    /// The plan, unless one was adopted before.
    pub planned: Option<Planned>,
    pub sent: Sent,
}

/// Plans, stops on brakes, sends. For an adopted date it sends what is left. `seen` is told of the plan before anything is sent.
pub fn run(request: &send::Request, seen: &dyn Fn(&Planned)) -> Result<Ran, Error> {
    let job = request.job;
    if is_adopted(job, request.as_of)? {
        return Ok(Ran { planned: None, sent: send::send(request)? });
    }
    // A plan that could never be sent would only lie about.
    let path = job.runs.join("ledger.sqlite");
    if let Some(ledger) = ledger::Ledger::open_existing(&path)? {
        adopt::refuse_behind(job, &ledger, request.as_of)?;
        // What servers refused last time is known to this plan.
        bounces::of_servers(job, &mut ledger::Ledger::open(&path)?, (request.now)())?;
    }
    let planning = plan::Request { job, as_of: request.as_of, planned_at: (request.now)(), into: None, watch: request.watch };
    let planned = plan::plan(&planning)?;
    seen(&planned);
    send::check_digest(request.digest, &planned.summary, &planned.folder)?;
    brakes::stop(job, &planned.summary.brakes, request.accept)?;
    // Only the very plan that has passed the brakes is sent, should another process have put one in its place.
    let sent = send::carry_out(&send::Request { digest: Some(&planned.summary.digest), ..*request }, true)?;
    Ok(Ran { planned: Some(planned), sent })
}

fn is_adopted(job: &Job, as_of: NaiveDate) -> Result<bool, Error> {
    match ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? {
        Some(ledger) => Ok(ledger.adoption(&job.name, as_of)?.is_some()),
        None => Ok(false),
    }
}

/// The as-of date that a timer should run now: that of the last due time, unless its run is done. Too late is a brake.
pub fn due(job: &Job, now: i64, accept: &[String]) -> Result<Option<NaiveDate>, Error> {
    let Some(line) = &job.schedule else {
        return Err(Error::Usage(format!(
            "{} has no schedule, so nothing can be due; write one, e.g. schedule = \"7 10 1 * *\"",
            job.path.display()
        )));
    };
    let Some(due) = schedule::last_due(line, job.zone, now) else { return Ok(None) };
    let date = due.local.date();
    if let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? {
        if ledger.latest_adoption(&job.name)?.is_some_and(|last| last.as_of > date) {
            return Ok(None);
        }
        if ledger.adoption(&job.name, date)?.is_some() {
            return Ok(send::open_dates(job, &ledger)?.contains(&date).then_some(date));
        }
    }
    let tripped: Vec<_> = brakes::on_late(job, due.at, now).into_iter().collect();
    brakes::stop(job, &tripped, accept)?;
    Ok(Some(date))
}

/// The folder of the plan of a date.
pub fn folder(job: &Job, as_of: NaiveDate) -> std::path::PathBuf {
    runs::folder(&job.runs, &job.name, as_of)
}

/// The plan's own copy of the job and the opened folder.
pub fn open_plan(job: &Job, as_of: NaiveDate) -> Result<(Job, runs::Opened), Error> {
    let opened = runs::open(&folder(job, as_of))?;
    let planned = inputs::planned_job(job, &opened)?;
    Ok((planned, opened))
}
