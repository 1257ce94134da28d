//! Which coupon codes are given out: a code is never issued again, whatever became of its mail.

use super::{Error, Ledger, Result};
use crate::domain::coupon::folded;
use chrono::NaiveDate;
use rusqlite::{Connection, params};
use std::collections::HashSet;

impl Ledger {
    /// The codes of all adopted runs of all jobs, folded, as `job` sees them before `as_of`: without those of the very run that is planned
    /// and of later ones, and without what was adopted after `until` (microseconds UTC).
    pub fn issued_codes(&self, job: &str, as_of: NaiveDate, until: i64) -> Result<HashSet<String>> {
        let read = || -> rusqlite::Result<HashSet<String>> {
            let mut statement = self.connection.prepare(
                "SELECT DISTINCT mails.coupon_code FROM mails JOIN adoptions USING (job, as_of)
                 WHERE mails.coupon_code IS NOT NULL AND adoptions.adopted_at <= ?3 AND NOT (mails.job = ?1 AND mails.as_of >= ?2)",
            )?;
            let codes = statement.query_map(params![job, as_of.to_string(), until], |row| row.get::<_, String>(0))?;
            codes.map(|code| code.map(|code| folded(&code))).collect()
        };
        read().map_err(|error| Error::read(&error))
    }
}

/// Refuses codes that another run has given out since the plan was made.
pub(super) fn refuse_again(change: &Connection, job: &str, as_of: NaiveDate, codes: &HashSet<String>) -> Result<()> {
    if codes.is_empty() {
        return Ok(());
    }
    let find = || -> rusqlite::Result<Option<(String, String, String)>> {
        let mut statement = change.prepare("SELECT coupon_code, job, as_of FROM mails WHERE coupon_code IS NOT NULL")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let code: String = row.get(0)?;
            if codes.contains(&folded(&code)) {
                return Ok(Some((code, row.get(1)?, row.get(2)?)));
            }
        }
        Ok(None)
    };
    match find().map_err(|error| Error::read(&error))? {
        Some((code, by, on)) => Err(Error::IssuedAgain { job: job.to_owned(), as_of, code, by, on }),
        None => Ok(()),
    }
}
