//! How a mail moves from state to state: `planned → handing → accepted | rejected | deferred | in_doubt`, and `suppressed`.

use super::stops::Stops;
use super::{Error, Ledger, Result, Run, look, operator, past};
use crate::domain::delivery::RunTrouble;
use crate::domain::{Outcome, SkipReason, State};
use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::time::Duration;

/// Deferred mails are tried at least this often, unless the job says less.
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// What came of asking for a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is committed as `handing`; hand it over now, then settle it. `first_claim_at` (microseconds UTC) is its `Date`.
    Claimed { first_claim_at: i64 },
    /// Its customer or address opted out, bounced or is on a stop list; it is committed as `suppressed`.
    Suppressed(SkipReason),
    /// It is in another state, or not due yet, or its campaign was stopped and it is committed as `held`; `None`: the run has no such
    /// mail.
    NotClaimable(Option<State>),
}

/// What was found unfinished at the start of a send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Mails that may have been delivered and are held back.
    pub in_doubt: u64,
    /// Mails that will be handed over again.
    pub planned: u64,
}

impl Ledger {
    /// Clears up after a send that was cut off, before a new one claims anything. A mail that was being handed over may have
    /// arrived: it becomes in doubt. To an outbox it is planned again, because the same file is simply written again, and so is what
    /// goes on a list. With
    /// `resend` (`on_in_doubt = "resend"`) it and all others in doubt are planned again; they keep their first claim, hence their
    /// `Date`, so that what is sent again is the same byte for byte. A mail of somebody who was forgotten has no address to go to.
    pub fn recover(&mut self, job: &str, as_of: NaiveDate, outbox: bool, resend: bool) -> Result<Recovered> {
        let mut work = || -> rusqlite::Result<Recovered> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let date = as_of.to_string();
            let (sql, again) = match (outbox, resend) {
                (_, true) => (
                    "UPDATE mails SET state = 'planned' WHERE job = ?1 AND as_of = ?2 AND state IN ('handing', 'in_doubt') AND address <> ''",
                    true,
                ),
                (true, false) => ("UPDATE mails SET state = 'planned' WHERE job = ?1 AND as_of = ?2 AND state = 'handing'", true),
                (false, false) => (
                    "UPDATE mails SET state = 'in_doubt', code = NULL, reply = 'the program stopped while this mail was handed over'
                     WHERE job = ?1 AND as_of = ?2 AND state = 'handing'",
                    false,
                ),
            };
            let listed = change.execute(
                "UPDATE mails SET state = 'planned' WHERE job = ?1 AND as_of = ?2 AND state = 'handing' AND channel <> 'mail'",
                params![job, date],
            )?;
            let listed = u64::try_from(listed).unwrap_or(u64::MAX);
            let found = u64::try_from(change.execute(sql, params![job, date])?).unwrap_or(u64::MAX);
            change.commit()?;
            let (in_doubt, planned) = if again { (0, found) } else { (found, 0) };
            Ok(Recovered { in_doubt, planned: planned + listed })
        };
        work().map_err(|error| Error::write(&error))
    }

    /// Claims what goes on a list, all of it in one transaction. With each row comes the customer's mail address in the form in which two
    /// are compared: whoever opted out at it gets nothing by other ways either.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was claimed.
    pub fn claim_listed(&mut self, run: &Run, rows: &[(&str, &str)], now: i64) -> Result<Vec<Claim>> {
        self.stops.refresh(now)?;
        self.change(|change, stops| {
            let turn = Turn::of(change, run)?;
            rows.iter().map(|(mail_id, same_address)| claim(change, stops, &turn, mail_id, Some(same_address), now)).collect()
        })
    }

    /// Settles what went on a list, all of it in one transaction.
    ///
    /// # Errors
    /// The ledger cannot be written: the rows stay `handing` and are put on the list again at the next start.
    pub fn settle_listed(&mut self, run: &Run, mail_ids: &[&str], outcome: &Outcome, now: i64) -> Result<Vec<State>> {
        self.change(|change, _| {
            let turn = Turn::of(change, run)?;
            mail_ids.iter().map(|mail_id| settle(change, &turn, mail_id, outcome, now)).collect()
        })
    }

    fn change<T>(&mut self, work: impl FnOnce(&Connection, &Stops) -> rusqlite::Result<Vec<Result<T>>>) -> Result<Vec<T>> {
        let write = |error: rusqlite::Error| Error::write(&error);
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(write)?;
        let done = work(&change, &self.stops).map_err(write)?.into_iter().collect::<Result<Vec<T>>>()?;
        change.commit().map_err(write)?;
        Ok(done)
    }

    /// Lets the mails of a campaign that were never claimed wait until an instant (microseconds UTC). Saying it again changes nothing.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn postpone(&mut self, run: &Run, campaign: &str, not_before: i64) -> Result<()> {
        let sql = "UPDATE mails SET not_before = ?4
                   WHERE job = ?1 AND as_of = ?2 AND campaign = ?3 AND channel = 'mail' AND state = 'planned' AND first_claim_at IS NULL";
        let done = self.connection.execute(sql, params![run.job, run.as_of.to_string(), campaign, not_before]);
        done.map(drop).map_err(|error| Error::write(&error))
    }

    /// Rejects mails that are still to be sent and would come too late: reason `too_late`.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was changed.
    pub fn too_late(&mut self, run: &Run, mail_ids: &[impl AsRef<str>], now: i64) -> Result<()> {
        let sql = "UPDATE mails SET state = 'rejected', reason = 'too_late', settled_at = ?4, not_before = NULL
                   WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3 AND state IN ('planned', 'deferred')";
        let date = run.as_of.to_string();
        self.change(|change, _| {
            let mut update = change.prepare_cached(sql)?;
            mail_ids.iter().map(|mail_id| update.execute(params![run.job, date, mail_id.as_ref(), now]).map(Ok)).collect()
        })?;
        Ok(())
    }

    /// Gives up deferred mails whose first attempt is `retry_for` ago or longer: they become rejected, reason `gave_up`.
    pub fn give_up(&mut self, job: &str, as_of: NaiveDate, now: i64, retry_for: Duration) -> Result<u64> {
        let sql = "UPDATE mails SET state = 'rejected', reason = 'gave_up', settled_at = ?3, not_before = NULL
                   WHERE job = ?1 AND as_of = ?2 AND state = 'deferred' AND first_attempt_at <= ?4";
        let before = now.saturating_sub(micros(retry_for));
        let given_up = self.connection.execute(sql, params![job, as_of.to_string(), now, before]).map_err(|error| Error::write(&error))?;
        Ok(u64::try_from(given_up).unwrap_or(u64::MAX))
    }
}

/// What holds for all moves of one transaction.
pub(super) struct Turn<'a> {
    run: &'a Run,
    /// The run's as-of date, as the tables have it.
    date: String,
    /// The campaigns that an operator stopped in this run.
    stopped: Vec<String>,
}

impl<'a> Turn<'a> {
    pub(super) fn of(change: &Connection, run: &'a Run) -> rusqlite::Result<Self> {
        let date = run.as_of.to_string();
        let mut stopped = change.prepare_cached("SELECT campaign FROM stopped WHERE job = ?1 AND as_of = ?2")?;
        let stopped = stopped.query_map([&run.job, &date], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(Self { run, date, stopped })
    }
}

/// The mail as a claim finds it.
struct Found {
    state: String,
    customer_id: String,
    address: String,
    campaign: String,
    first_claim_at: Option<i64>,
    not_before: Option<i64>,
}

/// Moves a planned or due mail to handing, or to suppressed. What goes by another channel than mail comes with the mail address at which
/// its customer may have opted out. The caller commits.
pub(super) fn claim(
    change: &Connection,
    stops: &Stops,
    turn: &Turn,
    mail_id: &str,
    listed: Option<&str>,
    now: i64,
) -> rusqlite::Result<Result<Claim>> {
    let Turn { run, date, stopped } = turn;
    let found = change
        .prepare_cached(
            "SELECT state, customer_id, address, campaign, first_claim_at, not_before
             FROM mails WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3",
        )?
        .query_row(params![run.job, date, mail_id], |row| {
            Ok(Found {
                state: row.get(0)?,
                customer_id: row.get(1)?,
                address: row.get(2)?,
                campaign: row.get(3)?,
                first_claim_at: row.get(4)?,
                not_before: row.get(5)?,
            })
        })
        .optional()?;
    let Some(found) = found else { return Ok(Ok(Claim::NotClaimable(None))) };
    let state = match look::state(&found.state) {
        Ok(state) => state,
        Err(error) => return Ok(Err(error)),
    };
    let due = found.not_before.is_none_or(|not_before| not_before <= now);
    if !(due && matches!(state, State::Planned | State::Deferred)) {
        return Ok(Ok(Claim::NotClaimable(Some(state))));
    }
    if stopped.contains(&found.campaign) {
        operator::hold(change, &run.job, date, mail_id)?;
        return Ok(Ok(Claim::NotClaimable(Some(State::Held))));
    }
    let same_address = listed.map_or_else(|| found.address.to_lowercase(), str::to_owned);
    let mut ids = std::iter::once(&found.customer_id).chain(run.merges.former(&found.customer_id));
    let stop = if ids.any(|id| stops.holds(id, &same_address)) {
        Some(SkipReason::Unsubscribed)
    } else {
        past::suppressed(change, &found.customer_id, &run.merges, &same_address)?
    };
    // A bounce tells of a mail address, and stops nothing that does not go there.
    if let Some(reason) = stop.filter(|reason| listed.is_none() || *reason == SkipReason::Unsubscribed) {
        change
            .prepare_cached(
                "UPDATE mails SET state = 'suppressed', reason = ?4, settled_at = ?5, not_before = NULL
                 WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3",
            )?
            .execute(params![run.job, date, mail_id, reason.word(), now])?;
        return Ok(Ok(Claim::Suppressed(reason)));
    }
    let first_claim_at = found.first_claim_at.unwrap_or(now);
    change
        .prepare_cached(
            "UPDATE mails SET state = 'handing', attempts = attempts + 1, first_claim_at = ?4,
                    first_attempt_at = coalesce(first_attempt_at, ?5), settled_at = NULL, not_before = NULL
             WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3",
        )?
        .execute(params![run.job, date, mail_id, first_claim_at, now])?;
    Ok(Ok(Claim::Claimed { first_claim_at }))
}

/// Writes down what came of a mail that was being handed over, and gives the state it is in now. Any other mail stays as it is.
/// The caller commits.
pub(super) fn settle(change: &Connection, turn: &Turn, mail_id: &str, outcome: &Outcome, now: i64) -> rusqlite::Result<Result<State>> {
    // Most mails are accepted, and whether this one was being handed over is seen by the change itself.
    if let Outcome::Accepted { reply } = outcome
        && end(change, turn, mail_id, &End { state: State::Accepted, not_before: None, code: None, reply, reason: None }, now)?
    {
        return Ok(Ok(State::Accepted));
    }
    let Turn { run, date, .. } = turn;
    let found: Option<(String, Option<i64>, u32)> = change
        .prepare_cached("SELECT state, first_attempt_at, attempts FROM mails WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3")?
        .query_row(params![run.job, date, mail_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((word, first_attempt_at, attempts)) = found else {
        return Ok(Err(Error::Damaged { what: "a mail to settle", found: mail_id.to_owned() }));
    };
    match look::state(&word) {
        Ok(State::Handing) => {}
        other => return Ok(other),
    }
    let too_long = first_attempt_at.is_some_and(|first| now.saturating_sub(first) >= micros(run.retry_for));
    let (state, code, reply, reason) = match outcome {
        Outcome::Untouched(trouble) => return untouched(change, turn, mail_id, trouble).map(Ok),
        Outcome::Accepted { reply } => (State::Accepted, None, reply, None),
        Outcome::Rejected { code, reply } => (State::Rejected, Some(*code), reply, None),
        Outcome::Deferred { code, reply } if too_long => (State::Rejected, *code, reply, Some("gave_up")),
        Outcome::Deferred { code, reply } => (State::Deferred, *code, reply, None),
        Outcome::InDoubt { reply } => (State::InDoubt, None, reply, None),
    };
    let not_before = (state == State::Deferred).then(|| now.saturating_add(micros(retry_after(run, mail_id, attempts))));
    end(change, turn, mail_id, &End { state, not_before, code, reply, reason }, now)?;
    Ok(Ok(state))
}

/// How an attempt has ended.
struct End<'a> {
    state: State,
    not_before: Option<i64>,
    code: Option<u16>,
    reply: &'a str,
    reason: Option<&'static str>,
}

/// Writes it down for a mail that was being handed over, and tells whether this one was.
fn end(change: &Connection, turn: &Turn, mail_id: &str, end: &End<'_>, now: i64) -> rusqlite::Result<bool> {
    let ended = change
        .prepare_cached(
            "UPDATE mails SET state = ?4, settled_at = ?5, not_before = ?6, code = ?7, reply = ?8, reason = ?9
             WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3 AND state = 'handing'",
        )?
        .execute(params![turn.run.job, turn.date, mail_id, end.state.word(), now, end.not_before, end.code, end.reply, end.reason])?;
    Ok(ended > 0)
}

/// Nothing was tried, so the attempt does not count; the first claim stays, as the mail's date.
fn untouched(change: &Connection, turn: &Turn, mail_id: &str, trouble: &RunTrouble) -> rusqlite::Result<State> {
    let (RunTrouble::Unreachable { reply }
    | RunTrouble::Waiting { reply }
    | RunTrouble::Refused { reply }
    | RunTrouble::Stopped { reply }
    | RunTrouble::Outbox { reply }) = trouble;
    change
        .prepare_cached(
            "UPDATE mails SET state = 'planned', attempts = attempts - 1, reply = ?4,
                    first_attempt_at = CASE WHEN attempts > 1 THEN first_attempt_at END
             WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3 AND state = 'handing'",
        )?
        .execute(params![turn.run.job, turn.date, mail_id, reply])?;
    Ok(State::Planned)
}

/// How long a mail that was deferred at this attempt (1 is the first) waits for the next: `retry_every`, doubling up to an hour where
/// that is longer. Up to a quarter is added, another for each mail, so that those that were deferred together do not come back together.
#[must_use]
pub fn retry_after(run: &Run, mail_id: &str, attempts: u32) -> Duration {
    let longest = run.retry_every.max(LONGEST_RETRY);
    let pause = run.retry_every.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(longest);
    // FNV-1a over the id and the attempt spreads well enough for this, and is the same on every machine.
    let bytes = mail_id.bytes().chain(attempts.to_be_bytes());
    let mixed = bytes.fold(0x811c_9dc5_u32, |mixed, byte| (mixed ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    pause + pause / 4 * (mixed % 1001) / 1000
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
