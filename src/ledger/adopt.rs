//! Adoption: the moment at which a plan becomes the run that counts, and all its mails enter the ledger.

use super::{Error, Ledger, Result, issued, look};
use crate::domain::Channel;
use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::collections::HashSet;

/// One adopted plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    pub job: String,
    pub as_of: NaiveDate,
    pub closing: NaiveDate,
    /// The plan's digest, as in `plan.json`.
    pub digest: String,
    /// Where its mails go: `outbox`, or the server's URL without a password.
    pub destination: String,
    /// How many mails the plan holds.
    pub mails: u64,
    /// Microseconds UTC.
    pub adopted_at: i64,
    /// When nothing was left to do; microseconds UTC.
    pub finished_at: Option<i64>,
}

/// A mail on its way into the ledger, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMail {
    pub mail_id: String,
    pub customer_id: String,
    pub campaign: String,
    pub occasion: String,
    pub channel: Channel,
    /// Where the channel reaches the customer: a mail address, a postal one, a LINE id, a telephone number.
    pub address: String,
    /// It counts towards `min_days_between`.
    pub counts: bool,
    pub coupon_code: Option<String>,
}

const COLUMNS: &str = "SELECT job, as_of, closing, digest, destination, mails, adopted_at, finished_at FROM adoptions";

impl Ledger {
    /// Adopts a plan: its row and all its mails (as planned) in one transaction. The same plan again changes nothing, so that a
    /// stopped `send` can be resumed; another destination is taken over as long as nothing was accepted, in doubt or under way.
    ///
    /// # Errors
    /// The job and date were adopted with another digest, or another destination already has mails; a later date was adopted;
    /// `adoption.mails` is not the number of mails; the ledger cannot be written. Nothing is kept then.
    pub fn adopt(&mut self, adoption: &Adoption, mails: impl IntoIterator<Item = NewMail>) -> Result<()> {
        self.adopt_issuing(adoption, &HashSet::new(), mails)
    }

    /// As [`Ledger::adopt`], for a plan whose mails hold these codes (folded), which nobody else may have.
    ///
    /// # Errors
    /// As there; or another run has given out one of the codes.
    pub fn adopt_issuing(&mut self, adoption: &Adoption, codes: &HashSet<String>, mails: impl IntoIterator<Item = NewMail>) -> Result<()> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| Error::write(&error))?;
        if let Some(earlier) = find(&change, &adoption.job, adoption.as_of)? {
            resume(&change, &earlier, adoption)?;
        } else {
            if let Some(last) = latest(&change, &adoption.job)?.filter(|last| last.as_of > adoption.as_of) {
                return Err(Error::Behind { job: last.job, as_of: adoption.as_of, last: last.as_of });
            }
            issued::refuse_again(&change, &adoption.job, adoption.as_of, codes)?;
            insert(&change, adoption, mails)?;
        }
        change.commit().map_err(|error| Error::write(&error))
    }

    /// The last adopted run of a job with an as-of date before this one.
    pub fn last_adopted(&self, job: &str, before: NaiveDate) -> Result<Option<Adoption>> {
        self.adopted_until(job, before, i64::MAX)
    }

    /// The same as it was at an instant (microseconds UTC): runs that were adopted later are not seen.
    pub fn adopted_until(&self, job: &str, before: NaiveDate, until: i64) -> Result<Option<Adoption>> {
        let sql = format!("{COLUMNS} WHERE job = ?1 AND as_of < ?2 AND adopted_at <= ?3 ORDER BY as_of DESC LIMIT 1");
        one(&self.connection, &sql, (job, before.to_string(), until))
    }

    pub fn adoption(&self, job: &str, as_of: NaiveDate) -> Result<Option<Adoption>> {
        find(&self.connection, job, as_of)
    }

    /// The adoption of a job with the latest as-of date.
    pub fn latest_adoption(&self, job: &str) -> Result<Option<Adoption>> {
        latest(&self.connection, job)
    }

    /// All adoptions of a job, the earliest date first.
    pub fn adoptions(&self, job: &str) -> Result<Vec<Adoption>> {
        let read = || -> rusqlite::Result<Vec<rusqlite::Result<Result<Adoption>>>> {
            let mut statement = self.connection.prepare(&format!("{COLUMNS} WHERE job = ?1 ORDER BY as_of"))?;
            Ok(statement.query_map([job], from_row)?.collect())
        };
        let rows = read().map_err(|error| Error::read(&error))?;
        rows.into_iter().map(|row| row.map_err(|error| Error::read(&error))?).collect()
    }

    /// Adopted runs of a job that still have mails to send (planned, handing or deferred), the earliest date first.
    pub fn unfinished(&self, job: &str) -> Result<Vec<Adoption>> {
        let mut left = Vec::new();
        for adoption in self.adoptions(job)? {
            if adoption.finished_at.is_none() && has_open(&self.connection, job, adoption.as_of)? {
                left.push(adoption);
            }
        }
        Ok(left)
    }

    /// Writes down that a run has nothing left to send, if that is so, and tells whether it is. Mails in doubt do not keep it open.
    pub fn finish(&mut self, job: &str, as_of: NaiveDate, now: i64) -> Result<bool> {
        if has_open(&self.connection, job, as_of)? {
            return Ok(false);
        }
        let sql = "UPDATE adoptions SET finished_at = ?3 WHERE job = ?1 AND as_of = ?2 AND finished_at IS NULL";
        self.connection.execute(sql, params![job, as_of.to_string(), now]).map_err(|error| Error::write(&error))?;
        Ok(true)
    }

    /// After a trial run to the outbox: puts its mails back to planned, as if they had never been tried, and sets the destination.
    /// Suppressed, held and cancelled ones stay as they are, and so do those of customers who were forgotten. Gives the number of mails put back.
    ///
    /// # Errors
    /// The run was never adopted, or its destination is not an outbox: those mails have left.
    pub fn accept_trial(&mut self, job: &str, as_of: NaiveDate, destination: &str) -> Result<u64> {
        let mut work = || -> rusqlite::Result<Result<u64>> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let adopted = match find(&change, job, as_of) {
                Ok(Some(adopted)) => adopted,
                Ok(None) => return Ok(Err(Error::NotAdopted { job: job.to_owned(), as_of })),
                Err(error) => return Ok(Err(error)),
            };
            if !adopted.destination.starts_with("outbox") {
                return Ok(Err(Error::NotATrial { job: job.to_owned(), as_of, destination: adopted.destination }));
            }
            let date = as_of.to_string();
            let mails = change.execute(
                "UPDATE mails SET state = 'planned', attempts = 0, first_claim_at = NULL, first_attempt_at = NULL, settled_at = NULL,
                        not_before = NULL, code = NULL, reply = NULL, reason = NULL
                 WHERE job = ?1 AND as_of = ?2 AND state IN ('handing', 'accepted', 'rejected', 'deferred', 'in_doubt')
                 AND address <> ''",
                params![job, date],
            )?;
            change.execute(
                "UPDATE adoptions SET destination = ?3, finished_at = NULL WHERE job = ?1 AND as_of = ?2",
                params![job, date, destination],
            )?;
            change.commit()?;
            Ok(Ok(u64::try_from(mails).unwrap_or(u64::MAX)))
        };
        work().map_err(|error| Error::write(&error))?
    }
}

/// A plan that was adopted before goes on, to the same place or, while nothing has left, to another.
fn resume(change: &Connection, earlier: &Adoption, now: &Adoption) -> Result<()> {
    let (job, as_of) = (now.job.clone(), now.as_of);
    if earlier.digest != now.digest {
        return Err(Error::OtherDigest { job, as_of, adopted: earlier.digest.clone(), given: now.digest.clone() });
    }
    if earlier.destination == now.destination {
        return Ok(());
    }
    let date = as_of.to_string();
    let left: bool = change
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM mails WHERE job = ?1 AND as_of = ?2 AND state IN ('accepted', 'in_doubt', 'handing'))",
            params![job, date],
            |row| row.get(0),
        )
        .map_err(|error| Error::read(&error))?;
    if left {
        return Err(Error::OtherDestination { job, as_of, adopted: earlier.destination.clone(), given: now.destination.clone() });
    }
    let sql = "UPDATE adoptions SET destination = ?3 WHERE job = ?1 AND as_of = ?2";
    change.execute(sql, params![job, date, now.destination]).map_err(|error| Error::write(&error))?;
    Ok(())
}

fn insert(change: &Connection, adoption: &Adoption, mails: impl IntoIterator<Item = NewMail>) -> Result<()> {
    let date = adoption.as_of.to_string();
    let mut place = 0_i64;
    let write = || -> rusqlite::Result<()> {
        change.execute(
            "INSERT INTO adoptions (job, as_of, closing, digest, destination, mails, adopted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                adoption.job,
                date,
                adoption.closing.to_string(),
                adoption.digest,
                adoption.destination,
                i64::try_from(adoption.mails).unwrap_or(i64::MAX),
                adoption.adopted_at
            ],
        )?;
        let mut statement = change.prepare(
            "INSERT INTO mails (job, as_of, mail_id, place, customer_id, campaign, occasion, address, counts, coupon_code, channel)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        for mail in mails {
            statement.execute(params![
                adoption.job,
                date,
                mail.mail_id,
                place,
                mail.customer_id,
                mail.campaign,
                mail.occasion,
                mail.address,
                mail.counts,
                mail.coupon_code,
                mail.channel.word()
            ])?;
            place += 1;
        }
        Ok(())
    };
    write().map_err(|error| Error::write(&error))?;
    let found = place.unsigned_abs();
    if found == adoption.mails {
        return Ok(());
    }
    Err(Error::Count { job: adoption.job.clone(), as_of: adoption.as_of, told: adoption.mails, found })
}

fn has_open(connection: &Connection, job: &str, as_of: NaiveDate) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM mails WHERE job = ?1 AND as_of = ?2 AND state IN ('planned', 'handing', 'deferred'))";
    connection.query_row(sql, params![job, as_of.to_string()], |row| row.get(0)).map_err(|error| Error::read(&error))
}

pub(super) fn find(connection: &Connection, job: &str, as_of: NaiveDate) -> Result<Option<Adoption>> {
    one(connection, &format!("{COLUMNS} WHERE job = ?1 AND as_of = ?2"), (job, as_of.to_string()))
}

fn latest(connection: &Connection, job: &str) -> Result<Option<Adoption>> {
    one(connection, &format!("{COLUMNS} WHERE job = ?1 ORDER BY as_of DESC LIMIT 1"), [job])
}

fn one(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Option<Adoption>> {
    connection.query_row(sql, params, from_row).optional().map_err(|error| Error::read(&error))?.transpose()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Adoption>> {
    let (as_of, closing): (String, String) = (row.get(1)?, row.get(2)?);
    let (job, digest, destination) = (row.get(0)?, row.get(3)?, row.get(4)?);
    let (mails, adopted_at, finished_at) = (row.get::<_, i64>(5)?.unsigned_abs(), row.get(6)?, row.get(7)?);
    Ok(look::date(&as_of).and_then(|as_of| {
        let closing = look::date(&closing)?;
        Ok(Adoption { job, as_of, closing, digest, destination, mails, adopted_at, finished_at })
    }))
}
