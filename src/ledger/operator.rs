//! What an operator decides: mails in doubt are settled, mails that have not left are called off, a campaign is stopped in a run.

use super::{Error, Ledger, Result, adopt};
use chrono::NaiveDate;
use rusqlite::{Connection, TransactionBehavior, params};

/// What an operator found out about a mail in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived, so it is never sent again.
    Sent,
    /// It has not: it is planned again and keeps its date.
    Again,
}

/// Some of the mails of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    All,
    Campaign(&'a str),
    Customer(&'a str),
    Mail(&'a str),
}

impl<'a> Which<'a> {
    /// The campaign, the customer and the mail that are meant; what is `None` may be any.
    fn parts(self) -> [Option<&'a str>; 3] {
        match self {
            Self::All => [None; 3],
            Self::Campaign(name) => [Some(name), None, None],
            Self::Customer(id) => [None, Some(id), None],
            Self::Mail(id) => [None, None, Some(id)],
        }
    }
}

impl Ledger {
    /// Settles mails in doubt, one or all of a run, and gives their number. What is to go again is tried for as long as a new mail.
    ///
    /// # Errors
    /// The run was never adopted; the ledger cannot be written.
    pub fn resolve(&mut self, job: &str, as_of: NaiveDate, mail: Option<&str>, verdict: Verdict, now: i64) -> Result<u64> {
        let sql = match verdict {
            Verdict::Sent => {
                "UPDATE mails SET state = 'accepted', reason = 'resolved', settled_at = ?4
                 WHERE job = ?1 AND as_of = ?2 AND state = 'in_doubt' AND (?3 IS NULL OR mail_id = ?3)"
            }
            Verdict::Again => {
                "UPDATE mails SET state = 'planned', reason = 'resolved', settled_at = NULL, first_attempt_at = NULL
                 WHERE job = ?1 AND as_of = ?2 AND state = 'in_doubt' AND address <> '' AND (?3 IS NULL OR mail_id = ?3) AND ?4 = ?4"
            }
        };
        self.decide(job, as_of, |change, date| {
            let moved = change.execute(sql, params![job, date, mail, now])?;
            if moved > 0 && verdict == Verdict::Again {
                reopen(change, job, date)?;
            }
            Ok(moved)
        })
    }

    /// Calls off mails that have not left: planned, deferred or held ones. Gives their number. A sending that is going on finds them
    /// cancelled when it would claim them.
    ///
    /// # Errors
    /// As for `resolve`.
    pub fn cancel(&mut self, job: &str, as_of: NaiveDate, which: Which<'_>, now: i64) -> Result<u64> {
        let [campaign, customer, mail] = which.parts();
        let cancelled = self.decide(job, as_of, |change, date| {
            change.execute(
                "UPDATE mails SET state = 'cancelled', settled_at = ?6, not_before = NULL
                 WHERE job = ?1 AND as_of = ?2 AND state IN ('planned', 'deferred', 'held')
                 AND (?3 IS NULL OR campaign = ?3) AND (?4 IS NULL OR customer_id = ?4) AND (?5 IS NULL OR mail_id = ?5)",
                params![job, date, campaign, customer, mail, now],
            )
        })?;
        self.finish(job, as_of, now)?;
        Ok(cancelled)
    }

    /// Stops a campaign in a run, also while it is being sent: what has not left is held, and nothing of it can be claimed until
    /// [`Ledger::resume_campaign`]. Gives the number of mails that were held now.
    ///
    /// # Errors
    /// As for `resolve`.
    pub fn stop_campaign(&mut self, job: &str, as_of: NaiveDate, campaign: &str, now: i64) -> Result<u64> {
        self.decide(job, as_of, |change, date| {
            // What is under way at this moment may come back; the row keeps it from being claimed again.
            change.execute(
                "INSERT OR IGNORE INTO stopped (job, as_of, campaign, at) VALUES (?1, ?2, ?3, ?4)",
                params![job, date, campaign, now],
            )?;
            change.execute(
                // The day that a mail waits for stays its day.
                "UPDATE mails SET state = 'held'
                 WHERE job = ?1 AND as_of = ?2 AND campaign = ?3 AND state IN ('planned', 'deferred')",
                params![job, date, campaign],
            )
        })
    }

    /// Lets a stopped campaign go on: what was held is planned again, and tried for as long as a new mail. Gives the number of mails.
    ///
    /// # Errors
    /// As for `resolve`.
    pub fn resume_campaign(&mut self, job: &str, as_of: NaiveDate, campaign: &str) -> Result<u64> {
        self.decide(job, as_of, |change, date| {
            change.execute("DELETE FROM stopped WHERE job = ?1 AND as_of = ?2 AND campaign = ?3", params![job, date, campaign])?;
            let moved = change.execute(
                "UPDATE mails SET state = 'planned', first_attempt_at = NULL WHERE job = ?1 AND as_of = ?2 AND campaign = ?3 AND state = 'held'",
                params![job, date, campaign],
            )?;
            if moved > 0 {
                reopen(change, job, date)?;
            }
            Ok(moved)
        })
    }

    /// The campaigns that are stopped in a run. A ledger of an earlier format knows of none.
    pub fn stopped(&self, job: &str, as_of: NaiveDate) -> Result<Vec<String>> {
        if !self.has_table("stopped")? {
            return Ok(Vec::new());
        }
        self.all("SELECT campaign FROM stopped WHERE job = ?1 AND as_of = ?2 ORDER BY campaign", params![job, as_of.to_string()], |row| {
            row.get(0)
        })
    }

    /// The campaigns that have mails in a run.
    pub fn campaigns(&self, job: &str, as_of: NaiveDate) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT campaign FROM mails WHERE job = ?1 AND as_of = ?2 ORDER BY campaign";
        self.all(sql, params![job, as_of.to_string()], |row| row.get(0))
    }

    /// One decision about an adopted run, in one transaction.
    fn decide(&mut self, job: &str, as_of: NaiveDate, work: impl FnOnce(&Connection, &str) -> rusqlite::Result<usize>) -> Result<u64> {
        let write = |error: rusqlite::Error| Error::write(&error);
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(write)?;
        if adopt::find(&change, job, as_of)?.is_none() {
            return Err(Error::NotAdopted { job: job.to_owned(), as_of });
        }
        let moved = work(&change, &as_of.to_string()).map_err(write)?;
        change.commit().map_err(write)?;
        Ok(u64::try_from(moved).unwrap_or(u64::MAX))
    }
}

/// A run that was finished has something to send again.
fn reopen(change: &Connection, job: &str, date: &str) -> rusqlite::Result<usize> {
    change.execute("UPDATE adoptions SET finished_at = NULL WHERE job = ?1 AND as_of = ?2", params![job, date])
}

/// Holds a mail back whose campaign was stopped in its run.
pub(super) fn hold(change: &Connection, job: &str, date: &str, mail_id: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE mails SET state = 'held' WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3";
    change.prepare_cached(sql)?.execute(params![job, date, mail_id]).map(drop)
}
