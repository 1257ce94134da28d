//! Mails that came back: whose they were, what they mean, and whom they stop.

use super::error::Error;
use super::{mailbox, operator, optout};
use crate::bounces::{Evidence, Report, judge, read};
use crate::domain::{BounceKind, Job, Key};
use crate::keys;
use crate::ledger::{self, Bounce, Noted};
use std::collections::BTreeMap;
use std::path::Path;

/// Reports that are noted in one commit.
const GROUP: usize = 256;

/// What was found in a mailbox.
#[derive(Debug, Default)]
pub struct Bounced {
    pub mails: u64,
    /// New reports of each kind, those of servers while mails were sent among them.
    pub kinds: BTreeMap<BounceKind, u64>,
    /// Reports that were read before.
    pub known: u64,
    /// Mails that report nothing that went wrong for good.
    pub notices: u64,
    /// Reports without a token that one of the job's keys has made for a mail of the ledger: they stop nobody.
    pub strangers: u64,
    pub too_long: u64,
    /// Addresses that get no more mails from now on.
    pub stopped: u64,
}

impl Bounced {
    fn count(&mut self, bounce: &Bounce, noted: Noted) {
        match noted {
            Noted::Known => self.known += 1,
            Noted::Kept | Noted::Stopped => *self.kinds.entry(bounce.kind).or_default() += 1,
        }
        self.stopped += u64::from(noted == Noted::Stopped);
    }
}

/// Reads a mailbox, and what servers said while mails were sent. Nothing is moved or removed; to read it again changes nothing.
pub fn bounces(job: &Job, path: &Path, now: i64) -> Result<Bounced, Error> {
    let mut ledger = operator::open(job)?;
    let keys = optout::live_keys(job)?;
    let mut bounced = of_servers(job, &mut ledger, now)?;
    let mut group: Vec<Bounce> = Vec::new();
    mailbox::each(path, &mut |mail| {
        bounced.mails += 1;
        let Some(bytes) = mail else {
            bounced.too_long += 1;
            return Ok(());
        };
        let (tokens, evidence) = match read(bytes, keys::BOUNCE_TOKEN) {
            Report::Refused { tokens, evidence } => (tokens, Some(evidence)),
            Report::Complaint { tokens } => (tokens, None),
            Report::Notice => {
                bounced.notices += 1;
                return Ok(());
            }
        };
        let Some(mailed) = mail_of(&ledger, &keys, &tokens)? else {
            bounced.strangers += 1;
            return Ok(());
        };
        let kind = evidence.map_or(BounceKind::Complaint, |evidence| judge(&evidence, &mailed.address));
        group.push(Bounce { report: format!("mail {}", blake3::hash(bytes).to_hex()), kind, mailed });
        if group.len() == GROUP {
            note(job, &mut ledger, &std::mem::take(&mut group), now, &mut bounced)?;
        }
        Ok(())
    })?;
    note(job, &mut ledger, &group, now, &mut bounced)?;
    Ok(bounced)
}

/// Notes what servers refused for good while mails were sent, as if it had come by mail.
pub fn of_servers(job: &Job, ledger: &mut ledger::Ledger, now: i64) -> Result<Bounced, Error> {
    let mut bounced = Bounced::default();
    let refused = ledger.refused()?.into_iter().map(|refused| {
        let evidence = Evidence::of_words(Some(refused.code), &refused.reply);
        let kind = judge(&evidence, &refused.mailed.address);
        Bounce { report: format!("smtp {}", refused.mailed.mail_id), kind, mailed: refused.mailed }
    });
    let refused: Vec<Bounce> = refused.collect();
    note(job, ledger, &refused, now, &mut bounced)?;
    Ok(bounced)
}

fn note(job: &Job, ledger: &mut ledger::Ledger, group: &[Bounce], now: i64, bounced: &mut Bounced) -> Result<(), Error> {
    if group.is_empty() {
        return Ok(());
    }
    let noted = ledger.note_bounces(group, job.soft_bounces, now)?;
    for (bounce, noted) in group.iter().zip(noted) {
        bounced.count(bounce, noted);
    }
    Ok(())
}

/// The mail of the first of some tokens that one of the keys has made.
fn mail_of(ledger: &ledger::Ledger, keys: &[Key], tokens: &[String]) -> Result<Option<ledger::Mailed>, Error> {
    match tokens.iter().find_map(|token| keys::mail_of(keys, token)) {
        Some(mail_id) => Ok(ledger.mailed(&mail_id)?),
        None => Ok(None),
    }
}
