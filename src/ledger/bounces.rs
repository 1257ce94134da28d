//! Bounces and complaints: each report counts once, and stops an address when enough of them have come.

use super::{Error, Ledger, Result};
use crate::domain::BounceKind;
use crate::domain::bounce::SoftRule;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// A mail of which a report tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailed {
    pub mail_id: String,
    pub customer_id: String,
    /// In the form in which two are compared.
    pub address: String,
    /// When it was first claimed; microseconds UTC.
    pub sent_at: i64,
}

/// A mail that the server refused for good while it was sent, and of which no report was noted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMail {
    pub mailed: Mailed,
    pub code: u16,
    pub reply: String,
}

/// A report of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// What tells this report from all others, so that it counts once however often it is read.
    pub report: String,
    pub kind: BounceKind,
    pub mailed: Mailed,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It was noted before.
    Known,
    /// It was noted; so far nobody is stopped.
    Kept,
    /// From now on the address, or after a complaint the customer, gets no more mails.
    Stopped,
}

const MAILED: &str = "mail_id, customer_id, address, coalesce(first_claim_at, settled_at, 0)";

impl Ledger {
    /// The mail of an id, in whatever run it is. Of somebody who was forgotten there is none: nobody knows the address any more.
    pub fn mailed(&self, mail_id: &str) -> Result<Option<Mailed>> {
        // A mail is found by its run first, of which there are few.
        let sql = format!(
            "SELECT {MAILED} FROM adoptions CROSS JOIN mails ON mails.job = adoptions.job AND mails.as_of = adoptions.as_of
             WHERE mails.mail_id = ?1 AND channel = 'mail' AND address <> '' LIMIT 1"
        );
        self.connection.query_row(&sql, [mail_id], mailed).optional().map_err(|error| Error::read(&error))
    }

    /// Mails that the server refused for good and that were not noted as bounces yet.
    pub fn refused(&self) -> Result<Vec<RefusedMail>> {
        let sql = format!(
            "SELECT {MAILED}, code, coalesce(reply, '') FROM mails
             WHERE state = 'rejected' AND code BETWEEN 500 AND 599 AND reason IS NULL AND channel = 'mail' AND address <> ''
             AND NOT EXISTS (SELECT 1 FROM bounces WHERE report = 'smtp ' || mails.mail_id)"
        );
        self.all(&sql, [], |row| Ok(RefusedMail { mailed: mailed(row)?, code: row.get(4)?, reply: row.get(5)? }))
    }

    /// Notes reports, all in one transaction, and tells of each what it changed. A hard bounce stops the address, so do as many soft ones
    /// of different mails as the rule says; a complaint stops customer and address as an opt-out does.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was noted.
    pub fn note_bounces(&mut self, bounces: &[Bounce], rule: SoftRule, at: i64) -> Result<Vec<Noted>> {
        let mut work = || -> rusqlite::Result<Vec<Noted>> {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let noted = bounces.iter().map(|bounce| note(&change, bounce, rule, at)).collect::<rusqlite::Result<_>>()?;
            change.commit()?;
            Ok(noted)
        };
        work().map_err(|error| Error::write(&error))
    }
}

fn mailed(row: &Row<'_>) -> rusqlite::Result<Mailed> {
    let address: String = row.get(2)?;
    Ok(Mailed { mail_id: row.get(0)?, customer_id: row.get(1)?, address: address.to_lowercase(), sent_at: row.get(3)? })
}

fn note(change: &Connection, bounce: &Bounce, rule: SoftRule, at: i64) -> rusqlite::Result<Noted> {
    let Bounce { report, kind, mailed } = bounce;
    let new = change
        .prepare_cached("INSERT OR IGNORE INTO bounces (report, kind, mail_id, address, sent_at, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![report, kind.word(), mailed.mail_id, mailed.address, mailed.sent_at, at])?;
    if new == 0 {
        return Ok(Noted::Known);
    }
    let (customer, reason) = match kind {
        BounceKind::Complaint => (Some(mailed.customer_id.as_str()), "unsubscribed"),
        BounceKind::Hard => (None, "bounced"),
        BounceKind::Soft if is_often(change, mailed, rule)? => (None, "bounced"),
        BounceKind::Soft | BounceKind::Blocked => return Ok(Noted::Kept),
    };
    let stopped = change
        .prepare_cached(
            "INSERT INTO suppressions (customer_id, address, reason, at) SELECT ?1, ?2, ?3, ?4
             WHERE NOT EXISTS (SELECT 1 FROM suppressions WHERE customer_id IS ?1 AND address = ?2 AND reason = ?3)",
        )?
        .execute(params![customer, mailed.address, reason, at])?;
    Ok(if stopped > 0 { Noted::Stopped } else { Noted::Kept })
}

/// Whether enough mails to an address came back: the last one, and those sent before it within the days of the rule. Reports come in any
/// order.
fn is_often(change: &Connection, mailed: &Mailed, rule: SoftRule) -> rusqlite::Result<bool> {
    let sql = "SELECT count(DISTINCT mail_id) FROM bounces WHERE address = ?1 AND kind = 'soft'
               AND sent_at >= (SELECT max(sent_at) FROM bounces WHERE address = ?1 AND kind = 'soft') - ?2";
    let span = i64::from(rule.days).saturating_mul(DAY);
    let count: i64 = change.prepare_cached(sql)?.query_row(params![mailed.address, span], |row| row.get(0))?;
    Ok(count >= i64::from(rule.times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SkipReason;

    fn bounce(report: &str, kind: BounceKind, day: i64) -> Bounce {
        let mailed = Mailed { mail_id: format!("m{day}"), customer_id: "C1".into(), address: "a@b.example".into(), sent_at: day * DAY };
        Bounce { report: report.into(), kind, mailed }
    }

    fn noted(bounces: &[Bounce]) -> (Vec<Noted>, Option<SkipReason>, Option<SkipReason>) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let noted = ledger.note_bounces(bounces, SoftRule { times: 3, days: 30 }, 0).unwrap();
        let stops = ledger.stops().unwrap();
        (noted, stops.suppressed("C2", "a@b.example"), stops.suppressed("C1", "new@b.example"))
    }

    #[test]
    fn each_kind_stops_whom_it_should() {
        use BounceKind::{Blocked, Complaint, Hard, Soft};
        use Noted::{Kept, Known, Stopped};
        let (bounced, out) = (Some(SkipReason::Bounced), Some(SkipReason::Unsubscribed));
        assert_eq!(noted(&[bounce("a", Hard, 1), bounce("a", Hard, 1), bounce("b", Hard, 2)]), (vec![Stopped, Known, Kept], bounced, None));
        assert_eq!(noted(&[bounce("a", Complaint, 1)]), (vec![Stopped], out, out));
        assert_eq!(noted(&[bounce("a", Blocked, 1), bounce("b", Blocked, 2), bounce("c", Blocked, 3)]), (vec![Kept; 3], None, None));
        let often = [1, 20, 31].map(|day| bounce(&day.to_string(), Soft, day));
        assert_eq!(noted(&often), (vec![Kept, Kept, Stopped], bounced, None));
        let seldom = [1, 20, 32].map(|day| bounce(&day.to_string(), Soft, day));
        assert_eq!(noted(&seldom), (vec![Kept; 3], None, None), "one of them is too long ago");
        let one_mail = ["a", "b", "c"].map(|report| bounce(report, Soft, 1));
        assert_eq!(noted(&one_mail), (vec![Kept; 3], None, None), "three reports of one mail are one");
    }
}
