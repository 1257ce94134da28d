//! Who approved which plan. An approval is of one digest: a plan with other contents has none of it.

use super::{Error, Ledger, Result};
use crate::domain::approval::{Approval, folded};
use chrono::NaiveDate;
use rusqlite::params;

impl Ledger {
    /// Writes down that somebody approved a plan. The same person once more changes nothing, not even the time. Gives whether it is new.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn approve(&mut self, job: &str, as_of: NaiveDate, digest: &str, approval: &Approval) -> Result<bool> {
        let Approval { name, at } = approval;
        let sql = "INSERT OR IGNORE INTO approvals (job, as_of, digest, person, name, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![job, as_of.to_string(), digest, folded(name), name, at];
        Ok(self.connection.execute(sql, row).map_err(|error| Error::write(&error))? > 0)
    }

    /// Who approved this very plan, the first one first. A ledger of an earlier format knows of nobody.
    pub fn approvals(&self, job: &str, as_of: NaiveDate, digest: &str) -> Result<Vec<Approval>> {
        if !self.has_table("approvals")? {
            return Ok(Vec::new());
        }
        let sql = "SELECT name, at FROM approvals WHERE job = ?1 AND as_of = ?2 AND digest = ?3 ORDER BY at, person";
        self.all(sql, params![job, as_of.to_string(), digest], |row| Ok(Approval { name: row.get(0)?, at: row.get(1)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_approves_a_plan_once_and_no_other_plan() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let as_of = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let by = |name: &str, at| Approval { name: name.to_owned(), at };
        assert!(ledger.approve("monthly", as_of, "aa", &by("Hana Yamada", 7)).unwrap());
        assert!(!ledger.approve("monthly", as_of, "aa", &by("HANA yamada", 9)).unwrap(), "the same person");
        assert!(ledger.approve("monthly", as_of, "aa", &by("Ken", 5)).unwrap());
        assert_eq!(ledger.approvals("monthly", as_of, "aa").unwrap(), [by("Ken", 5), by("Hana Yamada", 7)]);
        for (job, day, digest) in [("weekly", as_of, "aa"), ("monthly", as_of.succ_opt().unwrap(), "aa"), ("monthly", as_of, "bb")] {
            assert!(ledger.approvals(job, day, digest).unwrap().is_empty());
        }
    }
}
