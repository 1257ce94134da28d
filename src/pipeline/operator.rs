//! What an operator does to the ledger by hand: settle what is in doubt, call mails off, stop a campaign, take the rows out.

use super::error::Error;
use super::handed_out;
use crate::domain::{Job, State};
use crate::ledger;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::path::Path;

pub use crate::ledger::{Verdict, Which as Pick};

/// What a decision changed.
pub struct Moved {
    pub as_of: NaiveDate,
    /// The state that mails were moved to, and how many.
    pub to: State,
    pub mails: u64,
    /// All mails of the run after it.
    pub states: BTreeMap<State, u64>,
}

/// Settles mails in doubt: one, wherever it is, or all of a run.
pub fn resolve(job: &Job, as_of: Option<NaiveDate>, mail: Option<&str>, verdict: Verdict, now: i64) -> Result<Moved, Error> {
    let mut ledger = open(job)?;
    let as_of = match mail {
        Some(mail) => find(job, &ledger, as_of, mail, |state| state == State::InDoubt, "only a mail in doubt can be resolved")?,
        None => run(job, &ledger, as_of)?,
    };
    let mails = ledger.resolve(&job.name, as_of, mail, verdict, now)?;
    let to = match verdict {
        Verdict::Sent => State::Accepted,
        Verdict::Again => State::Planned,
    };
    moved(job, &ledger, as_of, to, mails)
}

/// Calls off mails of a run that have not left.
pub fn cancel(job: &Job, as_of: Option<NaiveDate>, pick: Pick<'_>, now: i64) -> Result<Moved, Error> {
    let mut ledger = open(job)?;
    let as_of = match pick {
        Pick::Mail(mail) => {
            let has_not_left = |state| matches!(state, State::Planned | State::Deferred | State::Held);
            find(job, &ledger, as_of, mail, has_not_left, "only a mail that has not left can be cancelled")?
        }
        Pick::All | Pick::Campaign(_) | Pick::Customer(_) => run(job, &ledger, as_of)?,
    };
    if let Pick::Campaign(campaign) = pick {
        check_campaign(job, &ledger, as_of, campaign)?;
    }
    let mails = ledger.cancel(&job.name, as_of, pick, now)?;
    moved(job, &ledger, as_of, State::Cancelled, mails)
}

/// Stops a campaign in a run, also while it is being sent.
pub fn stop_campaign(job: &Job, as_of: Option<NaiveDate>, campaign: &str, now: i64) -> Result<Moved, Error> {
    let mut ledger = open(job)?;
    let as_of = run(job, &ledger, as_of)?;
    check_campaign(job, &ledger, as_of, campaign)?;
    let mails = ledger.stop_campaign(&job.name, as_of, campaign, now)?;
    moved(job, &ledger, as_of, State::Held, mails)
}

/// Lets a stopped campaign go on.
pub fn resume_campaign(job: &Job, as_of: Option<NaiveDate>, campaign: &str) -> Result<Moved, Error> {
    let mut ledger = open(job)?;
    let as_of = run(job, &ledger, as_of)?;
    check_campaign(job, &ledger, as_of, campaign)?;
    let mails = ledger.resume_campaign(&job.name, as_of, campaign)?;
    moved(job, &ledger, as_of, State::Planned, mails)
}

/// Writes the rows of all mails of the shop to a file of its owner, and gives their number.
pub fn export_ledger(job: &Job, file: &Path) -> Result<u64, Error> {
    let ledger = open(job)?;
    let mut out = handed_out::create(job, file)?;
    let rows = ledger.export(&mut out)?;
    out.finish()?;
    Ok(rows)
}

/// The ledger, to be written. None is made where none is.
pub fn open(job: &Job) -> Result<ledger::Ledger, Error> {
    let path = job.runs.join("ledger.sqlite");
    match ledger::Ledger::open_existing(&path)? {
        Some(_) => Ok(ledger::Ledger::open(&path)?),
        None => Err(nothing_adopted(job)),
    }
}

fn nothing_adopted(job: &Job) -> Error {
    Error::Usage(format!("nothing of {} was adopted yet, so there is no mail to decide about; `rankmail send` adopts a plan", job.name))
}

/// The run that is meant: that of the date, or the last adopted one.
fn run(job: &Job, ledger: &ledger::Ledger, as_of: Option<NaiveDate>) -> Result<NaiveDate, Error> {
    match as_of {
        Some(as_of) => ledger.adoption(&job.name, as_of)?.map(|_| as_of).ok_or_else(|| {
            Error::Usage(format!("the plan of {as_of} was not adopted, so the ledger has none of its mails; `rankmail send` adopts it"))
        }),
        None => ledger.latest_adoption(&job.name)?.map(|last| last.as_of).ok_or_else(|| nothing_adopted(job)),
    }
}

/// The run that holds a mail, whose state must be fit for what is asked.
fn find(
    job: &Job,
    ledger: &ledger::Ledger,
    as_of: Option<NaiveDate>,
    mail: &str,
    is_fit: impl Fn(State) -> bool,
    rule: &str,
) -> Result<NaiveDate, Error> {
    let dates = match as_of {
        Some(as_of) => vec![as_of],
        None => ledger.adoptions(&job.name)?.iter().rev().map(|adoption| adoption.as_of).collect(),
    };
    for as_of in dates {
        if let Some(entry) = ledger.entry(&job.name, as_of, mail)? {
            let word = entry.state.word();
            let unfit = || Error::Usage(format!("the mail {mail} of {as_of} is `{word}`; {rule}"));
            return is_fit(entry.state).then_some(as_of).ok_or_else(unfit);
        }
    }
    Err(Error::Usage(format!("{} has no mail {mail}; `rankmail status` names those in doubt, `rankmail ledger` all", job.name)))
}

fn check_campaign(job: &Job, ledger: &ledger::Ledger, as_of: NaiveDate, campaign: &str) -> Result<(), Error> {
    let known = ledger.campaigns(&job.name, as_of)?;
    if known.iter().any(|name| name == campaign) {
        return Ok(());
    }
    Err(Error::Usage(format!("the run of {as_of} has no mail of a campaign `{campaign}`; it has {}", known.join(", "))))
}

fn moved(job: &Job, ledger: &ledger::Ledger, as_of: NaiveDate, to: State, mails: u64) -> Result<Moved, Error> {
    Ok(Moved { as_of, to, mails, states: ledger.states(&job.name, as_of)? })
}
