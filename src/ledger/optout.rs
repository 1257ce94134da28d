//! Opt-outs: who asked to get no more mails, by the page, or by a list of the shop.

use super::{Error, Ledger, Result};
use crate::domain::stop::Stopped;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// An opt-out as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    pub customer_id: Option<String>,
    /// In the form in which two are compared.
    pub address: Option<String>,
    /// Microseconds UTC.
    pub at: i64,
}

impl Ledger {
    /// Writes down that these opted out, all in one transaction; claims after it see it. A customer's last address is stopped too, since it
    /// may stand in another row of the customer list. Gives how many are new.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was.
    pub fn opt_out(&mut self, stopped: &[Stopped], at: i64) -> Result<u64> {
        let mut work = || -> rusqlite::Result<u64> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut new = 0;
            for each in stopped {
                let (customer, address) = match each {
                    Stopped::Customer(id) => (Some(id.as_str()), last_address(&change, id)?),
                    Stopped::Address(address) => (None, Some(address.clone())),
                };
                let sql = "INSERT INTO suppressions (customer_id, address, reason, at) SELECT ?1, ?2, 'unsubscribed', ?3
                           WHERE NOT EXISTS (SELECT 1 FROM suppressions WHERE customer_id IS ?1 AND address IS ?2 AND reason = 'unsubscribed')";
                new += change.prepare_cached(sql)?.execute(params![customer, address, at])? as u64;
            }
            change.commit()?;
            Ok(new)
        };
        work().map_err(|error| Error::write(&error))
    }

    /// Takes an opt-out back that was only a trial.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn take_back(&mut self, customer_id: &str) -> Result<()> {
        let sql = "DELETE FROM suppressions WHERE customer_id = ?1 AND reason = 'unsubscribed'";
        self.connection.execute(sql, [customer_id]).map_err(|error| Error::write(&error))?;
        Ok(())
    }

    /// All opt-outs, in the order in which they came.
    pub fn opt_outs(&self) -> Result<Vec<OptOut>> {
        let sql = "SELECT customer_id, address, at FROM suppressions WHERE reason = 'unsubscribed' ORDER BY at, rowid";
        self.all(sql, [], |row| Ok(OptOut { customer_id: row.get(0)?, address: row.get(1)?, at: row.get(2)? }))
    }
}

/// The address to which a customer was last mailed, in the form in which two are compared.
fn last_address(change: &Connection, customer_id: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT address FROM mails WHERE customer_id = ?1 AND channel = 'mail' AND address <> '' ORDER BY as_of DESC LIMIT 1";
    let address: Option<String> = change.prepare_cached(sql)?.query_row([customer_id], |row| row.get(0)).optional()?;
    Ok(address.map(|address| address.to_lowercase()))
}
