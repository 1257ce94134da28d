//! What the ledger says of a run.

use super::error::Error;
use crate::domain::{Approval, Job, State};
use crate::ledger;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// The state of one adopted run.
pub struct Status {
    pub as_of: NaiveDate,
    pub destination: String,
    pub digest: String,
    pub adopted_at: i64,
    pub states: BTreeMap<State, u64>,
    /// Mails in doubt: nobody knows whether the server took them.
    pub in_doubt: Vec<ledger::Doubt>,
    /// Campaigns that an operator stopped.
    pub stopped: Vec<String>,
    /// Who approved the plan before it was adopted.
    pub approvals: Vec<Approval>,
}

/// The status of the run of a date, or of the latest adopted one; none when nothing was adopted.
pub fn status(job: &Job, as_of: Option<NaiveDate>) -> Result<Option<Status>, Error> {
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else { return Ok(None) };
    let adoption = match as_of {
        Some(as_of) => ledger.adoption(&job.name, as_of)?,
        None => ledger.latest_adoption(&job.name)?,
    };
    let Some(adoption) = adoption else { return Ok(None) };
    Ok(Some(Status {
        as_of: adoption.as_of,
        states: ledger.states(&job.name, adoption.as_of)?,
        in_doubt: ledger.in_doubt(&job.name, adoption.as_of)?,
        stopped: ledger.stopped(&job.name, adoption.as_of)?,
        approvals: ledger.approvals(&job.name, adoption.as_of, &adoption.digest)?,
        destination: adoption.destination,
        digest: adoption.digest,
        adopted_at: adoption.adopted_at,
    }))
}
