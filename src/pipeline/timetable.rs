//! When a job is due, and the lines that make a machine's timer run it.

use super::error::Error;
use crate::domain::Job;
use crate::schedule;
use chrono::NaiveDateTime;

/// The next due times, local to the job's zone.
pub fn next_times(job: &Job, now: i64, count: usize) -> Result<Vec<NaiveDateTime>, Error> {
    Ok(schedule::next(line(job)?, job.zone, now, count))
}

/// A systemd service and timer that run the job when it is due.
pub fn systemd(job: &Job, command: &str) -> Result<String, Error> {
    Ok(schedule::systemd(&job.name, line(job)?, job.zone, command)?)
}

/// A crontab line that runs the job when it is due.
pub fn cron(job: &Job, command: &str) -> Result<String, Error> {
    Ok(schedule::cron(line(job)?, job.zone, command)?)
}

fn line(job: &Job) -> Result<&str, Error> {
    job.schedule
        .as_deref()
        .ok_or_else(|| Error::Usage(format!("{} has no schedule; write one, e.g. schedule = \"7 10 1 * *\"", job.path.display())))
}
