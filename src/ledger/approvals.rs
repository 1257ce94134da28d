//! Who approved which plan. An approval is of one digest: a plan with other contents has none of it.

use super::{Error, Ledger, Result};
use crate::domain::approval::{self, Approval};
use chrono::NaiveDate;
use rusqlite::{Connection, Row, TransactionBehavior, params};

/// What became of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    New,
    /// The same person had approved this plan before.
    Again,
    /// A run of this date or of a later one is adopted.
    TooLate,
}

impl Ledger {
    /// Writes down that somebody approved a plan that can still be adopted. The same person once more changes nothing, not even the time.
    /// Of several at once, each finds what the others wrote, and nobody approves what a run adopts at the same moment.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn approve(&mut self, job: &str, as_of: NaiveDate, digest: &str, approval: &Approval) -> Result<Signed> {
        let Approval { name, at } = approval;
        let mut work = || -> rusqlite::Result<Signed> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "SELECT EXISTS (SELECT 1 FROM adoptions WHERE job = ?1 AND as_of >= ?2)";
            if change.query_row(sql, params![job, as_of.to_string()], |row| row.get(0))? {
                return Ok(Signed::TooLate);
            }
            if given(&change, job, as_of, digest)?.iter().any(|other| approval::is_same(name, &other.name)) {
                return Ok(Signed::Again);
            }
            let sql = "INSERT OR IGNORE INTO approvals (job, as_of, digest, person, name, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let is_new = change.execute(sql, params![job, as_of.to_string(), digest, approval::folded(name), name, at])? > 0;
            change.commit()?;
            Ok(if is_new { Signed::New } else { Signed::Again })
        };
        work().map_err(|error| Error::write(&error))
    }

    /// Who approved this very plan, the first one first. A ledger of an earlier format knows of nobody.
    pub fn approvals(&self, job: &str, as_of: NaiveDate, digest: &str) -> Result<Vec<Approval>> {
        if !self.has_table("approvals")? {
            return Ok(Vec::new());
        }
        given(&self.connection, job, as_of, digest).map_err(|error| Error::read(&error))
    }
}

fn given(connection: &Connection, job: &str, as_of: NaiveDate, digest: &str) -> rusqlite::Result<Vec<Approval>> {
    let sql = "SELECT name, at FROM approvals WHERE job = ?1 AND as_of = ?2 AND digest = ?3 ORDER BY at, person";
    let read = |row: &Row<'_>| Ok(Approval { name: row.get(0)?, at: row.get(1)? });
    connection.prepare(sql)?.query_map(params![job, as_of.to_string(), digest], read)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of versions that compared names otherwise.
    #[test]
    fn earlier_approvals_count_and_are_compared_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let as_of = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        for (person, name) in [("minamiume", "Minami Ume"), ("min\u{3164}amiume", "Min\u{3164}ami Ume")] {
            let sql = "INSERT INTO approvals (job, as_of, digest, person, name, at) VALUES ('monthly', ?1, 'aa', ?2, ?3, 3)";
            ledger.connection.execute(sql, params![as_of.to_string(), person, name]).unwrap();
        }
        let by = |name: &str| Approval { name: name.to_owned(), at: 9 };
        assert_eq!(ledger.approve("monthly", as_of, "aa", &by("MINAMI UME")).unwrap(), Signed::Again);
        assert_eq!(ledger.approve("monthly", as_of, "aa", &by("Ken")).unwrap(), Signed::New);
        let names: Vec<String> = ledger.approvals("monthly", as_of, "aa").unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["Minami Ume", "Min\u{3164}ami Ume", "Ken"]);
    }

    #[test]
    fn nobody_approves_what_is_adopted_or_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let day = |day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
        let adoption = crate::ledger::Adoption {
            job: "monthly".into(),
            as_of: day(2),
            closing: day(1),
            digest: "aa".into(),
            destination: "outbox".into(),
            mails: 0,
            adopted_at: 5,
            finished_at: None,
        };
        ledger.adopt(&adoption, []).unwrap();
        let by = Approval { name: "Hana".to_owned(), at: 9 };
        let entries = [(1, Signed::TooLate), (2, Signed::TooLate), (3, Signed::New)];
        for (at, entry) in entries {
            assert_eq!(ledger.approve("monthly", day(at), "aa", &by).unwrap(), entry);
        }
        assert_eq!(ledger.approve("weekly", day(1), "aa", &by).unwrap(), Signed::New, "another job");
        assert!(ledger.approvals("monthly", day(2), "aa").unwrap().is_empty());
    }

    #[test]
    fn a_person_approves_a_plan_once_and_no_other_plan() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let as_of = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let by = |name: &str, at| Approval { name: name.to_owned(), at };
        let mut approve = |name, at| ledger.approve("monthly", as_of, "aa", &by(name, at)).unwrap();
        assert_eq!(approve("Hana Yamada", 7), Signed::New);
        assert_eq!(approve("HANA yamada", 9), Signed::Again, "the same person");
        assert_eq!(approve("Hаna Yаmadа", 9), Signed::Again, "letters that look alike");
        assert_eq!(approve("Ken", 5), Signed::New);
        assert_eq!(ledger.approvals("monthly", as_of, "aa").unwrap(), [by("Ken", 5), by("Hana Yamada", 7)]);
        for (job, day, digest) in [("weekly", as_of, "aa"), ("monthly", as_of.succ_opt().unwrap(), "aa"), ("monthly", as_of, "bb")] {
            assert!(ledger.approvals(job, day, digest).unwrap().is_empty());
        }
    }
}
