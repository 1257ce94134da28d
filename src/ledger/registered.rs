//! Which plans' codes were written for the cart.

use super::{Error, Ledger, Result};
use chrono::NaiveDate;
use rusqlite::params;

/// The codes of one plan that were written for the cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub job: String,
    pub as_of: NaiveDate,
    /// The plan's: another plan of that date has other codes.
    pub digest: String,
    pub codes: u64,
    /// Microseconds UTC.
    pub at: i64,
}

impl Ledger {
    /// Remembers that a plan's codes were written for the cart. Doing it again changes nothing but the time.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn register_codes(&mut self, registered: &Registered) -> Result<()> {
        let Registered { job, as_of, digest, codes, at } = registered;
        let sql = "INSERT OR REPLACE INTO registered (job, as_of, digest, codes, at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let count = i64::try_from(*codes).unwrap_or(i64::MAX);
        self.connection.execute(sql, params![job, as_of.to_string(), digest, count, at]).map_err(|error| Error::write(&error))?;
        Ok(())
    }

    /// Whether the codes of this very plan were written for the cart. A ledger of an earlier format knows of none.
    pub fn codes_registered(&self, job: &str, as_of: NaiveDate, digest: &str) -> Result<bool> {
        if !self.has_table("registered")? {
            return Ok(false);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM registered WHERE job = ?1 AND as_of = ?2 AND digest = ?3)";
        self.connection.query_row(sql, params![job, as_of.to_string(), digest], |row| row.get(0)).map_err(|error| Error::read(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_registered_for_one_plan_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let as_of = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let plan = Registered { job: "monthly".into(), as_of, digest: "aa".into(), codes: 3, at: 5 };
        ledger.register_codes(&plan).unwrap();
        ledger.register_codes(&Registered { at: 6, ..plan }).unwrap();
        assert!(ledger.codes_registered("monthly", as_of, "aa").unwrap());
        for (job, day, digest) in [("weekly", as_of, "aa"), ("monthly", as_of.succ_opt().unwrap(), "aa"), ("monthly", as_of, "bb")] {
            assert!(!ledger.codes_registered(job, day, digest).unwrap());
        }
    }
}
