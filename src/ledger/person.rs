//! What the ledger knows of one customer: every mail with its state, and why nothing more may be sent.

use super::{Error, Ledger, Result, look};
use crate::domain::{BounceKind, SkipReason, State};
use chrono::NaiveDate;
use rusqlite::params;

/// A mail to a customer, and what became of it. Instants are microseconds UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastState {
    pub job: String,
    pub as_of: NaiveDate,
    pub campaign: String,
    pub occasion: String,
    /// In the form in which two are compared; empty where it was forgotten.
    pub address: String,
    pub state: State,
    /// When the state was reached; where that is not noted, when it was first handed over.
    pub at: Option<i64>,
    pub reply: Option<String>,
    /// As in `Entry`.
    pub reason: Option<String>,
    /// Reports that it came back, or was called spam.
    pub reports: Vec<(BounceKind, i64)>,
}

/// Nothing more may be sent to a customer or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    pub reason: SkipReason,
    pub at: i64,
}

impl Ledger {
    /// The mails of all jobs under these ids, which are one customer's; the latest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn mails_of(&self, ids: &[String]) -> Result<Vec<PastState>> {
        let sql = "SELECT job, as_of, campaign, occasion, address, state, coalesce(settled_at, first_claim_at), reply, reason, mail_id
                   FROM mails WHERE customer_id = ?1 ORDER BY as_of DESC, job, place";
        let has_reports = self.has_table("bounces")?;
        let mut mails = Vec::new();
        for id in ids {
            let rows = self.all(sql, [id], |row| {
                let words = (row.get::<_, String>(1)?, row.get::<_, String>(5)?, row.get::<_, String>(9)?);
                let mail = PastState {
                    job: row.get(0)?,
                    as_of: NaiveDate::default(),
                    campaign: row.get(2)?,
                    occasion: row.get(3)?,
                    address: row.get(4)?,
                    state: State::Planned,
                    at: row.get(6)?,
                    reply: row.get(7)?,
                    reason: row.get(8)?,
                    reports: Vec::new(),
                };
                Ok((words, mail))
            })?;
            for ((as_of, state, mail_id), mail) in rows {
                let reports = if has_reports { self.reports_of(&mail.address, &mail_id)? } else { Vec::new() };
                mails.push(PastState { as_of: look::date(&as_of)?, state: look::state(&state)?, reports, ..mail });
            }
        }
        mails.sort_by_key(|mail| std::cmp::Reverse(mail.as_of));
        Ok(mails)
    }

    /// Reports are found by the address, which has an index.
    fn reports_of(&self, address: &str, mail_id: &str) -> Result<Vec<(BounceKind, i64)>> {
        let sql = "SELECT kind, at FROM bounces WHERE address = ?1 AND mail_id = ?2 ORDER BY at";
        let rows = self.all(sql, params![address, mail_id], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let kind = |word: String| BounceKind::from_word(&word).ok_or(Error::Damaged { what: "the kind of a bounce", found: word });
        rows.into_iter().map(|(word, at)| Ok((kind(word)?, at))).collect()
    }

    /// Why nothing more may be sent under these ids or to these addresses, the earliest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn stops_of(&self, ids: &[String], addresses: &[String]) -> Result<Vec<Stop>> {
        let of_customer = "SELECT reason, at FROM suppressions WHERE customer_id = ?1";
        let of_address = "SELECT reason, at FROM suppressions WHERE address = ?1";
        let asked = ids.iter().map(|id| (of_customer, id)).chain(addresses.iter().map(|address| (of_address, address)));
        let mut stops = Vec::new();
        for (sql, what) in asked.filter(|(_, what)| !what.is_empty()) {
            stops.extend(self.all(sql, [what], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?);
        }
        stops.sort_by(|one, other| one.1.cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
        // An opt-out that names both is found twice.
        stops.dedup();
        let reason = |word: &str| if word == "unsubscribed" { SkipReason::Unsubscribed } else { SkipReason::Bounced };
        Ok(stops.into_iter().map(|(word, at)| Stop { reason: reason(&word), at }).collect())
    }
}
