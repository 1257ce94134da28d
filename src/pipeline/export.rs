//! Lists on demand: a campaign's people for other hands, and everybody's rank for the cart.

use super::error::Error;
use super::{handed_out, inputs, letters, listed, previous, stops};
use crate::domain::cells::Sheet;
use crate::domain::list::ListKind;
use crate::domain::offer::OfferKind;
use crate::domain::plan::MailRow;
use crate::domain::{Campaign, Channel, Job, SkipReason, State};
use crate::{ledger, lists, runs};
use chrono::NaiveDate;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Customers whose ranks are written at a time.
const CHUNK: u64 = 8_192;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// Everybody's rank, for the cart.
    Ranks,
    /// Those whom a campaign reaches.
    People { campaign: &'a str, kind: ListKind },
}

/// What was written.
#[derive(Debug)]
pub struct Exported {
    pub as_of: NaiveDate,
    /// Whether the plan was adopted: only then does the ledger know of it.
    pub adopted: bool,
    pub rows: u64,
    /// People of the campaign who are stopped by now, or whose row was set aside.
    pub stopped: u64,
    /// People of the campaign of whom the list could tell nothing: no mail address with consent, no gift, or there twice.
    pub passed_over: u64,
    /// Gifts on the list that have no postal address.
    pub nowhere: u64,
}

/// Writes a list to a file, or else to `standard`. Ranks are those of the last adopted run, people those of the newest plan, unless a date
/// is given.
pub fn export(
    job: &Job,
    as_of: Option<NaiveDate>,
    wanted: Wanted<'_>,
    out: Option<&Path>,
    standard: &mut dyn Write,
) -> Result<Exported, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let plan = open(job, as_of, ledger.as_ref(), wanted)?;
    let write = |out: &mut dyn Write| match wanted {
        Wanted::Ranks => ranks(&plan, out),
        Wanted::People { campaign, kind } => people(job, &plan, ledger.as_ref(), campaign, kind, out),
    };
    let Some(path) = out else { return write(standard) };
    let mut file = handed_out::create(job, path)?;
    let exported = write(&mut file)?;
    file.finish()?;
    Ok(exported)
}

/// A plan, and whether it was adopted.
struct Plan {
    opened: runs::Opened,
    adopted: bool,
}

fn open(job: &Job, as_of: Option<NaiveDate>, ledger: Option<&ledger::Ledger>, wanted: Wanted<'_>) -> Result<Plan, Error> {
    let adoption = |as_of| ledger.map(|ledger| ledger.adoption(&job.name, as_of)).transpose().map(Option::flatten);
    let adoption = match (as_of, wanted) {
        (Some(as_of), _) => adoption(as_of)?.ok_or(as_of),
        (None, Wanted::Ranks) => {
            let last = ledger.map(|ledger| ledger.latest_adoption(&job.name)).transpose()?.flatten();
            Ok(last.ok_or_else(|| {
                let way = "run it (`rankmail run`), or name the plan whose ranks you want with --as-of";
                Error::Usage(format!("no run of {} was adopted yet, so nobody has been told a rank; {way}", job.name))
            })?)
        }
        (None, Wanted::People { .. }) => {
            let newest = super::latest_plan(job)?;
            let none = || Error::Usage(format!("there is no plan of {}; make one: rankmail plan {}", job.name, job.path.display()));
            let newest = newest.ok_or_else(none)?;
            adoption(newest)?.ok_or(newest)
        }
    };
    Ok(match adoption {
        Ok(adoption) => Plan { opened: previous::open_adopted(job, &adoption)?, adopted: true },
        Err(as_of) => Plan { opened: runs::open(&runs::folder(&job.runs, &job.name, as_of))?, adopted: false },
    })
}

fn ranks(plan: &Plan, out: &mut dyn Write) -> Result<Exported, Error> {
    let as_of = plan.opened.summary.as_of;
    let mut sheet = Sheet::for_people();
    lists::ranks_head(&mut sheet);
    let mut rows = 0;
    for customer in plan.opened.customer_rows()? {
        lists::ranks_row(&mut sheet, &customer?, as_of);
        rows += 1;
        if rows % CHUNK == 0 {
            put(out, &sheet.take())?;
        }
    }
    put(out, &sheet.take())?;
    Ok(Exported { as_of, adopted: plan.adopted, rows, stopped: 0, passed_over: 0, nowhere: 0 })
}

fn people(
    job: &Job,
    plan: &Plan,
    ledger: Option<&ledger::Ledger>,
    campaign: &str,
    kind: ListKind,
    out: &mut dyn Write,
) -> Result<Exported, Error> {
    let as_of = plan.opened.summary.as_of;
    let planned = inputs::planned_job(job, &plan.opened)?;
    let channel = channel_of(kind);
    check(&planned, as_of, campaign, kind)?;
    let fates = match ledger.filter(|_| plan.adopted) {
        Some(ledger) => ledger.fates(&job.name, as_of, campaign)?,
        None => std::collections::HashMap::new(),
    };
    let stopping = ledger.map(ledger::Ledger::stops).transpose()?.unwrap_or_default().stopping(stops::listed(job)?);
    let stopping = stopping.merging(inputs::kept_merges(&planned, &plan.opened)?);
    let mut rows: Vec<MailRow> = Vec::new();
    let mut stopped = 0;
    for mail in plan.opened.mails()? {
        let mail = mail?;
        if mail.campaign != campaign || channel.is_some_and(|channel| channel != mail.channel) {
            continue;
        }
        let set_aside = [State::Suppressed, State::Cancelled, State::Held, State::Rejected];
        let stop = stopping.suppressed(&mail.customer_id, &listed::same_address(&runs::values_read(&mail.values)?));
        // A bounce tells of a mail address; a letter still arrives, an ad platform would not know the address.
        let goes_elsewhere = mail.channel != Channel::Mail && !matches!(kind, ListKind::Google | ListKind::Meta);
        let is_stopped = stop.is_some_and(|reason| reason == SkipReason::Unsubscribed || !goes_elsewhere);
        if is_stopped || fates.get(&mail.mail_id).is_some_and(|state| set_aside.contains(state)) {
            stopped += 1;
        } else {
            rows.push(mail);
        }
    }
    let writer = channel.map(|_| letters::Writer::open(&planned, &plan.opened)).transpose()?;
    let rows: Vec<&MailRow> = rows.iter().collect();
    let entries = listed::entries(&rows, writer.as_ref())?;
    let (text, count) = lists::write(kind, &entries, planned.language);
    put(out, &text)?;
    let nowhere = match kind {
        ListKind::Gifts => entries.iter().filter(|entry| !entry.gift.is_empty() && entry.postal_address.is_empty()).count() as u64,
        _ => 0,
    };
    Ok(Exported { as_of, adopted: plan.adopted, rows: count, stopped, passed_over: entries.len() as u64 - count, nowhere })
}

/// The channel whose people a list holds; `None` where it holds all of a campaign's.
fn channel_of(kind: ListKind) -> Option<Channel> {
    Channel::ALL.into_iter().find(|channel| listed::kind(*channel) == Some(kind))
}

/// A list of people whom the campaign does not reach that way would go past caps and ledger.
fn check(planned: &Job, as_of: NaiveDate, name: &str, kind: ListKind) -> Result<(), Error> {
    let Some(campaign) = planned.campaigns.iter().find(|campaign| campaign.name == name) else {
        let known: Vec<&str> = planned.campaigns.iter().map(|campaign| campaign.name.as_str()).collect();
        return Err(Error::Usage(format!("the plan of {as_of} has no campaign `{name}`; it has {}", known.join(", "))));
    };
    if let Some(channel) = channel_of(kind).filter(|channel| !campaign.goes_by(*channel)) {
        let word = channel.word();
        let by: Vec<&str> = campaign.channels.iter().map(|channel| channel.word()).collect();
        return Err(Error::Usage(format!(
            "in the plan of {as_of} campaign `{name}` goes by {}, so nobody is planned for {word}; write channel = \"{word}\", or a list, and plan again",
            by.join(", ")
        )));
    }
    if kind == ListKind::Gifts && !gives(campaign) {
        return Err(Error::Usage(format!("in the plan of {as_of} campaign `{name}` gives nothing: its offer is not of kind \"gift\"")));
    }
    Ok(())
}

fn gives(campaign: &Campaign) -> bool {
    campaign.offer.as_ref().is_some_and(|offer| matches!(offer.kind, OfferKind::Gift { .. }))
}

/// Writes a text. A reader that went away is no error.
fn put(out: &mut dyn Write, text: &str) -> Result<(), Error> {
    match out.write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(source) => Err(Error::File { path: "the list".into(), source }),
        Ok(()) => Ok(()),
    }
}
