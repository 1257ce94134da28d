//! Looking at a run: how many mails are in which state, which are left, and which are in doubt.

use super::{Error, Ledger, Result};
use crate::domain::State;
use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Params, Row, params};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A mail of which nobody knows whether it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    pub mail_id: String,
    pub customer_id: String,
    pub campaign: String,
    /// What was last heard of it.
    pub reply: String,
}

/// All that is known of one mail. Instants are microseconds UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub state: State,
    pub attempts: u32,
    pub first_claim_at: Option<i64>,
    pub settled_at: Option<i64>,
    pub not_before: Option<i64>,
    pub code: Option<u16>,
    pub reply: Option<String>,
    /// `gave_up`, `unsubscribed` or `bounced`, where one of these ended it; `resolved` where an operator decided.
    pub reason: Option<String>,
}

impl Ledger {
    /// The mails of a run that came to nothing, by id: refused for good, suppressed or cancelled, as far as that was so at the instant
    /// `until` (microseconds UTC). What they held may be given to others.
    pub fn void_mails(&self, job: &str, as_of: NaiveDate, until: i64) -> Result<HashSet<String>> {
        let sql = "SELECT mail_id FROM mails WHERE job = ?1 AND as_of = ?2 AND state IN ('rejected', 'suppressed', 'cancelled')
                   AND coalesce(settled_at, 0) <= ?3";
        Ok(self.all(sql, params![job, as_of.to_string(), until], |row| row.get::<_, String>(0))?.into_iter().collect())
    }

    /// The number of mails of a run in each state that occurs.
    pub fn states(&self, job: &str, as_of: NaiveDate) -> Result<BTreeMap<State, u64>> {
        let sql = "SELECT state, count(*) FROM mails WHERE job = ?1 AND as_of = ?2 GROUP BY state";
        let rows =
            self.all(sql, params![job, as_of.to_string()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        rows.into_iter().map(|(word, count)| Ok((state(&word)?, count))).collect()
    }

    /// Mails in doubt, in the order of the plan.
    pub fn in_doubt(&self, job: &str, as_of: NaiveDate) -> Result<Vec<Doubt>> {
        let sql = "SELECT mail_id, customer_id, campaign, coalesce(reply, '') FROM mails
                   WHERE job = ?1 AND as_of = ?2 AND state = 'in_doubt' ORDER BY place";
        self.all(sql, params![job, as_of.to_string()], |row| {
            Ok(Doubt { mail_id: row.get(0)?, customer_id: row.get(1)?, campaign: row.get(2)?, reply: row.get(3)? })
        })
    }

    /// Tells of each mail that is planned or deferred its id and when it may be tried, in no order.
    pub fn pending(&self, job: &str, as_of: NaiveDate, mut each: impl FnMut(&str, Option<i64>)) -> Result<()> {
        let sql = "SELECT mail_id, not_before FROM mails WHERE job = ?1 AND as_of = ?2 AND state IN ('planned', 'deferred')";
        let mut work = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params![job, as_of.to_string()])?;
            while let Some(row) = rows.next()? {
                each(row.get_ref(0)?.as_str()?, row.get(1)?);
            }
            Ok(())
        };
        work().map_err(|error| Error::read(&error))
    }

    /// The state of each mail of a campaign in a run, by mail id.
    pub fn fates(&self, job: &str, as_of: NaiveDate, campaign: &str) -> Result<HashMap<String, State>> {
        let sql = "SELECT mail_id, state FROM mails WHERE job = ?1 AND as_of = ?2 AND campaign = ?3";
        let rows = self.all(sql, params![job, as_of.to_string(), campaign], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.into_iter().map(|(mail_id, word)| Ok((mail_id, state(&word)?))).collect()
    }

    /// One mail of a run; `None` when the run does not have it.
    pub fn entry(&self, job: &str, as_of: NaiveDate, mail_id: &str) -> Result<Option<Entry>> {
        let sql = "SELECT state, attempts, first_claim_at, settled_at, not_before, code, reply, reason FROM mails
                   WHERE job = ?1 AND as_of = ?2 AND mail_id = ?3";
        let found = self.connection.query_row(sql, params![job, as_of.to_string(), mail_id], |row| {
            let word: String = row.get(0)?;
            let (attempts, first_claim_at, settled_at, not_before) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            let (code, reply, reason) = (row.get(5)?, row.get(6)?, row.get(7)?);
            Ok(state(&word).map(|state| Entry { state, attempts, first_claim_at, settled_at, not_before, code, reply, reason }))
        });
        found.optional().map_err(|error| Error::read(&error))?.transpose()
    }

    /// Whether the file has a table: one of an earlier format lacks the later ones.
    pub(super) fn has_table(&self, name: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
        self.connection.query_row(sql, [name], |row| row.get(0)).map_err(|error| Error::read(&error))
    }

    pub(super) fn all<T>(&self, sql: &str, params: impl Params, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let work = || -> rusqlite::Result<Vec<T>> { self.connection.prepare(sql)?.query_map(params, read)?.collect() };
        work().map_err(|error| Error::read(&error))
    }
}

/// The state of a word that the ledger holds.
pub(super) fn state(word: &str) -> Result<State> {
    State::from_word(word).ok_or_else(|| Error::Damaged { what: "the state of a mail", found: word.to_owned() })
}

/// The date of a word that the ledger holds.
pub(super) fn date(word: &str) -> Result<NaiveDate> {
    word.parse().map_err(|_| Error::Damaged { what: "a date", found: word.to_owned() })
}
