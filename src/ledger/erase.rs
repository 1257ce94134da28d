//! Forgetting a customer: what tells of them goes, what proves that mails went out stays.

use super::{Adoption, Error, Ledger, Result, look};
use chrono::NaiveDate;
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use std::collections::HashSet;

/// A row of a customer who is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub job: String,
    pub as_of: NaiveDate,
    pub mail_id: String,
    pub campaign: String,
    /// By which way it went.
    pub channel: String,
}

/// What stands before the mark of an id in rows of runs that are older than the shop keeps them.
pub const AGED: &str = "aged:";
/// Why a plan stands for an adopted one that was cleaned.
pub const AGED_REASON: &str = "aged";

/// What a forgotten id or address begins with in the ledger, before its mark.
pub const FORGOTTEN: &str = "forgotten:";

impl Ledger {
    /// The rows of some customers, of all jobs.
    pub fn traces(&self, ids: &[String]) -> Result<Vec<Trace>> {
        let sql = "SELECT job, as_of, mail_id, campaign, channel FROM mails WHERE customer_id = ?1 ORDER BY job, as_of, place";
        let mut traces = Vec::new();
        for id in ids {
            let rows = self.all(sql, [id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
            for (job, as_of, mail_id, campaign, channel) in rows {
                traces.push(Trace { job, as_of: look::date(&as_of)?, mail_id, campaign, channel });
            }
        }
        Ok(traces)
    }

    /// The rows of one run whose customers are not yet under marks.
    pub fn traces_of(&self, job: &str, as_of: NaiveDate) -> Result<Vec<Trace>> {
        let sql = "SELECT mail_id, campaign, channel FROM mails WHERE job = ?1 AND as_of = ?2 AND customer_id NOT LIKE 'aged:%'";
        let rows = self.all(sql, params![job, as_of.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let trace = |(mail_id, campaign, channel)| Trace { job: job.to_owned(), as_of, mail_id, campaign, channel };
        Ok(rows.into_iter().map(trace).collect())
    }

    /// Whether mails of a run have not reached their end: they wait, or are in doubt.
    pub fn is_open(&self, job: &str, as_of: NaiveDate) -> Result<bool> {
        let sql = "SELECT 1 FROM mails WHERE job = ?1 AND as_of = ?2
                   AND state IN ('planned', 'handing', 'deferred', 'held', 'in_doubt') LIMIT 1";
        let found = self.connection.query_row(sql, params![job, as_of.to_string()], |_| Ok(())).optional();
        Ok(found.map_err(|error| Error::read(&error))?.is_some())
    }

    /// Whether a plan with this digest is what is left of an adopted one that was cleaned.
    pub fn is_aged(&self, adoption: &Adoption, digest: &str) -> Result<bool> {
        if !self.has_table("rewritten")? {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM rewritten WHERE job = ?1 AND as_of = ?2 AND digest = ?3 AND reason = ?4";
        let asked = params![adoption.job, adoption.as_of.to_string(), digest, AGED_REASON];
        let found = self.connection.query_row(sql, asked, |_| Ok(())).optional();
        Ok(found.map_err(|error| Error::read(&error))?.is_some())
    }

    /// Takes out of the rows of a run whom it mailed and where: ids become marks, by which their customers are known as long as they are on
    /// the list; addresses, also those of its bounces, and the words of servers go. Gives the number of rows.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was taken out.
    pub fn age(&mut self, job: &str, as_of: NaiveDate, mark: &dyn Fn(&str) -> String) -> Result<u64> {
        let day = as_of.to_string();
        let mut work = || -> rusqlite::Result<u64> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "SELECT DISTINCT customer_id FROM mails WHERE job = ?1 AND as_of = ?2
                       AND customer_id NOT LIKE 'aged:%' AND customer_id NOT LIKE 'forgotten:%'";
            let ids: Vec<String> = change.prepare(sql)?.query_map(params![job, day], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let mut rows = 0;
            for id in ids {
                let sql =
                    "UPDATE mails SET customer_id = ?4, address = '', reply = NULL WHERE job = ?1 AND as_of = ?2 AND customer_id = ?3";
                rows += change.prepare_cached(sql)?.execute(params![job, day, id, mark(&id)])? as u64;
            }
            let sql = "UPDATE bounces SET address = '' WHERE mail_id IN (SELECT mail_id FROM mails WHERE job = ?1 AND as_of = ?2)";
            change.execute(sql, params![job, day])?;
            change.commit()?;
            Ok(rows)
        };
        let rows = work().map_err(|error| Error::write(&error))?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(|error| Error::write(&error))?;
        Ok(rows)
    }

    /// Whether this is the mark of an id or an address that was forgotten.
    pub fn is_forgotten(&self, mark: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM suppressions WHERE customer_id = ?1 UNION ALL SELECT 1 FROM suppressions WHERE address = ?1 LIMIT 1";
        let found = self.connection.query_row(sql, [mark], |_| Ok(())).optional();
        Ok(found.map_err(|error| Error::read(&error))?.is_some())
    }

    /// Lets a plan stand for an adopted one: the same without somebody. The chain of runs holds with either of them, so it does not
    /// matter when the folder is changed.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn allow_instead(&mut self, adoption: &Adoption, digest: &str, reason: &str, at: i64) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO rewritten (job, as_of, digest, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let date = adoption.as_of.to_string();
        self.connection.execute(sql, params![adoption.job, date, digest, reason, at]).map_err(|error| Error::write(&error))?;
        Ok(())
    }

    /// Whether a plan with this digest is the one that was adopted, or stands for it.
    pub fn stands_for(&self, adoption: &Adoption, digest: &str) -> Result<bool> {
        if adoption.digest == digest {
            return Ok(true);
        }
        if !self.has_table("rewritten")? {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM rewritten WHERE job = ?1 AND as_of = ?2 AND digest = ?3";
        let date = adoption.as_of.to_string();
        let found = self.connection.query_row(sql, params![adoption.job, date, digest], |_| Ok(())).optional();
        Ok(found.map_err(|error| Error::read(&error))?.is_some())
    }

    /// Forgets a customer of a job, known by one id or by several: what has not left is cancelled; of each row stay mail, campaign, state and
    /// dates under the mark of the id, without address and without the words of servers. Whoever is forgotten counts as opted out for ever,
    /// by the mark; what waits of other jobs is suppressed. `mark` makes one of an id or an address, `aged` the names of an id in rows that were cleaned before. Gives the number of rows.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was forgotten.
    pub fn forget(
        &mut self,
        job: &str,
        ids: &[String],
        mark: &dyn Fn(&str) -> String,
        aged: &dyn Fn(&str) -> Vec<String>,
        at: i64,
    ) -> Result<u64> {
        let mut work = || -> rusqlite::Result<u64> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut rows = 0;
            for id in ids {
                let mut addresses =
                    change.prepare("SELECT DISTINCT address FROM mails WHERE customer_id = ?1 AND channel = 'mail' AND address <> ''")?;
                let addresses: Vec<String> = addresses.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                let own = mark(id);
                change.execute(
                    "UPDATE mails SET state = 'cancelled', settled_at = ?3, not_before = NULL
                     WHERE job = ?1 AND customer_id = ?2 AND state IN ('planned', 'deferred', 'held')",
                    params![job, id, at],
                )?;
                // Claims of other jobs look for the id, and from now on there is only its mark.
                change.execute(
                    "UPDATE mails SET state = 'suppressed', reason = 'unsubscribed', settled_at = ?2, not_before = NULL
                     WHERE customer_id = ?1 AND state IN ('planned', 'deferred', 'held')",
                    params![id, at],
                )?;
                rows += change.execute(
                    "UPDATE mails SET customer_id = ?3, address = '', reply = NULL, state = CASE state WHEN 'handing' THEN 'in_doubt' ELSE state END
                     WHERE job = ?1 AND customer_id = ?2",
                    params![job, id, own],
                )?;
                for aged in aged(id) {
                    let sql = "UPDATE mails SET customer_id = ?3 WHERE job = ?1 AND customer_id = ?2";
                    rows += change.execute(sql, params![job, aged, own])?;
                }
                for address in addresses.iter().map(|address| address.to_lowercase()) {
                    let mark = mark(&address);
                    // A claim looks for the address, not for its mark, so whoever else has it is stopped now.
                    change.execute(
                        "UPDATE mails SET state = 'suppressed', settled_at = ?2, not_before = NULL,
                                reason = (SELECT reason FROM suppressions WHERE address = ?1 ORDER BY reason = 'unsubscribed' DESC LIMIT 1)
                         WHERE lower(address) = ?1 AND channel = 'mail' AND state IN ('planned', 'deferred', 'held')
                         AND EXISTS (SELECT 1 FROM suppressions WHERE address = ?1)",
                        params![address, at],
                    )?;
                    change.execute("UPDATE suppressions SET address = ?2 WHERE address = ?1", params![address, mark])?;
                    change.execute("UPDATE bounces SET address = ?2 WHERE address = ?1", params![address, mark])?;
                }
                change.execute("UPDATE suppressions SET customer_id = ?2 WHERE customer_id = ?1", params![id, own])?;
                change.execute(
                    "INSERT INTO suppressions (customer_id, reason, at) SELECT ?1, 'unsubscribed', ?2
                     WHERE NOT EXISTS (SELECT 1 FROM suppressions WHERE customer_id = ?1 AND address IS NULL AND reason = 'unsubscribed')",
                    params![own, at],
                )?;
            }
            change.commit()?;
            Ok(rows as u64)
        };
        let rows = work().map_err(|error| Error::write(&error))?;
        // The log still has the pages from before. Where another process reads it now, its own next checkpoint writes over them.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(|error| Error::write(&error))?;
        Ok(rows)
    }

    /// The marks of forgotten ids and addresses.
    pub fn forgotten(&self) -> Result<HashSet<String>> {
        let sql = "SELECT customer_id FROM suppressions WHERE customer_id >= ?1 AND customer_id < ?2
                   UNION SELECT address FROM suppressions WHERE address >= ?1 AND address < ?2";
        let end = format!("{}{}", FORGOTTEN.trim_end_matches(':'), ';');
        Ok(self.all(sql, params![FORGOTTEN, end], |row| row.get(0))?.into_iter().collect())
    }
}
