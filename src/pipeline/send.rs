//! Sends a plan, each mail once: adopt, then claim → send → settle until nothing is left.

use super::error::Error;
use super::progress::Watch;
use super::round::{self, Round};
use super::{brakes, letters};
use crate::delivery;
use crate::domain::job::OnInDoubt;
use crate::domain::plan::MailRow;
use crate::domain::{Job, State};
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Retry of a deferred mail: every this many seconds, for this many.
pub const RETRY: (u64, u64) = (300, 172_800);

/// What is sent where. The clock is handed in, so that the Date of a mail and the ledger tell the same time.
pub struct Request<'a> {
    pub job: &'a Job,
    pub as_of: NaiveDate,
    /// An smtp:// address that stands in for the job's.
    pub smtp: Option<&'a str>,
    /// Stop after this many claims.
    pub limit: Option<u64>,
    /// The plan's digest must begin with this.
    pub digest: Option<&'a str>,
    /// Leave deferred mails for a later call.
    pub no_wait: bool,
    /// Brakes that are overridden, and `trial`.
    pub accept: &'a [String],
    /// Microseconds UTC.
    pub now: &'a (dyn Fn() -> i64 + Sync),
    pub interrupted: &'a AtomicBool,
    pub watch: &'a Watch<'a>,
}

/// How a sending ended.
pub struct Sent {
    pub as_of: NaiveDate,
    pub destination: String,
    pub states: BTreeMap<State, u64>,
    pub interrupted: bool,
}

impl Sent {
    /// Whether every mail that was tried has reached its end without trouble. What `--limit` leaves planned does not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.states
            .iter()
            .all(|(state, count)| *count == 0 || matches!(state, State::Accepted | State::Suppressed | State::Cancelled | State::Planned))
    }
}

/// Where mails go.
pub enum Destination {
    Outbox(PathBuf),
    Smtp(delivery::Target),
}

impl Destination {
    fn of(request: &Request) -> Result<Self, Error> {
        let from_job = request.job.smtp.as_ref().and_then(|smtp| smtp.url.as_deref());
        match request.smtp.or(from_job) {
            Some(url) => Ok(Self::Smtp(delivery::target(url)?)),
            None => Ok(Self::Outbox(outbox(request.job))),
        }
    }

    /// The name in the ledger: of no use to anybody who must not know a password.
    fn name(&self) -> String {
        match self {
            Self::Outbox(_) => "outbox".to_owned(),
            Self::Smtp(target) => format!("smtp://{}:{}", target.host, target.port),
        }
    }
}

/// The folder of the outbox.
pub fn outbox(job: &Job) -> PathBuf {
    job.mail.outbox.clone().unwrap_or_else(|| job.runs.join(&job.name).join("outbox"))
}

/// Sends what is left of a plan.
pub fn send(request: &Request) -> Result<Sent, Error> {
    let job = request.job;
    let destination = Destination::of(request)?;
    let _lock = runs::Lock::take(&job.runs.join(&job.name))?;
    let folder = runs::folder(&job.runs, &job.name, request.as_of);
    let opened = runs::open(&folder)?;
    let summary = &opened.summary;
    if let Some(prefix) = request.digest.filter(|prefix| !summary.digest.starts_with(*prefix)) {
        return Err(Error::Usage(format!(
            "the plan in {} has the digest {}, not {prefix}…: it was made again since you looked; look at it once more",
            folder.display(),
            summary.digest
        )));
    }
    let planned = super::inputs::planned_job(job, &opened)?;
    let mut ledger = ledger::Ledger::open(&job.runs.join("ledger.sqlite"))?;
    let mails: Vec<MailRow> = opened.mails()?.collect::<Result<_, _>>()?;
    adopt(request, &mut ledger, summary, &planned, &destination, &mails)?;
    let resend = job.smtp.as_ref().is_some_and(|smtp| smtp.on_in_doubt == OnInDoubt::Resend);
    ledger.recover(&job.name, request.as_of, matches!(destination, Destination::Outbox(_)), resend)?;
    let writer = letters::Writer::open(&planned, &opened)?;
    let total = mails.len() as u64;
    let mails: HashMap<String, MailRow> = mails.into_iter().map(|mail| (mail.mail_id.clone(), mail)).collect();
    let outcome = deliver_all(request, &destination, ledger, &writer, &mails, total)?;
    Ok(Sent { as_of: request.as_of, destination: destination.name(), ..outcome })
}

/// Writes the adoption before the first claim, or finds the one that is there and makes sure that it is this plan's.
fn adopt(
    request: &Request,
    ledger: &mut ledger::Ledger,
    summary: &crate::domain::plan::Summary,
    planned: &Job,
    destination: &Destination,
    mails: &[MailRow],
) -> Result<(), Error> {
    let job = request.job;
    let name = destination.name();
    if let Some(adoption) = ledger.adoption(&job.name, request.as_of)? {
        if adoption.digest != summary.digest {
            return Err(Error::Usage(format!(
                "the plan of {} was adopted with the digest {}, the folder now holds {}: put the adopted folder back",
                request.as_of, adoption.digest, summary.digest
            )));
        }
        return change_destination(request, ledger, adoption, &name);
    }
    refuse_behind(job, ledger, request.as_of)?;
    let previous = ledger.last_adopted(&job.name, request.as_of)?.map(|adoption| adoption.as_of);
    if previous != summary.previous {
        return Err(Error::Usage(format!(
            "the plan of {} was made when {} was the last adopted run, now it is {}: plan again",
            request.as_of,
            summary.previous.map_or("none".to_owned(), |date| date.to_string()),
            previous.map_or("none".to_owned(), |date| date.to_string()),
        )));
    }
    if let Some(tripped) = brakes::on_age(job, summary.planned_at, (request.now)()) {
        brakes::stop(&[tripped], request.accept)?;
    }
    let adoption = ledger::Adoption {
        job: job.name.clone(),
        as_of: request.as_of,
        digest: summary.digest.clone(),
        destination: name,
        closing: summary.closing,
        mails: mails.len() as u64,
        adopted_at: (request.now)(),
        finished_at: None,
    };
    let counted: HashMap<&str, bool> =
        planned.campaigns.iter().map(|campaign| (campaign.name.as_str(), campaign.counts_towards_limit)).collect();
    let rows = mails.iter().map(|mail| ledger::NewMail {
        mail_id: mail.mail_id.clone(),
        customer_id: mail.customer_id.clone(),
        campaign: mail.campaign.clone(),
        occasion: mail.occasion.clone(),
        address: mail.address.clone(),
        coupon_code: mail.coupon_code.clone(),
        counts: counted.get(mail.campaign.as_str()).copied().unwrap_or(true),
    });
    Ok(ledger.adopt(&adoption, rows)?)
}

/// Dates are adopted in their order.
pub fn refuse_behind(job: &Job, ledger: &ledger::Ledger, as_of: NaiveDate) -> Result<(), Error> {
    match ledger.latest_adoption(&job.name)?.filter(|last| last.as_of > as_of) {
        Some(last) => Err(Error::Usage(format!(
            "{} was adopted already: sending the older plan of {as_of} would turn ranks back; plan a date after it",
            last.as_of
        ))),
        None => Ok(()),
    }
}

/// A run goes on where it began. Only the outbox can be left, as a trial, and only when asked for.
fn change_destination(request: &Request, ledger: &mut ledger::Ledger, adoption: ledger::Adoption, destination: &str) -> Result<(), Error> {
    if adoption.destination == destination {
        return Ok(());
    }
    let job = &request.job.name;
    let states = ledger.states(job, request.as_of)?;
    let touched: u64 = [State::Accepted, State::InDoubt, State::Handing].iter().filter_map(|state| states.get(state)).sum();
    let trial = adoption.destination == "outbox" && request.accept.iter().any(|name| name == "trial");
    if touched > 0 && !trial {
        let hint = if adoption.destination == "outbox" { "; if that was a trial, say --accept trial" } else { "" };
        return Err(Error::Usage(format!(
            "{touched} mails of {} went to {} already; the rest cannot go to {destination}{hint}",
            request.as_of, adoption.destination
        )));
    }
    if trial {
        ledger.accept_trial(job, request.as_of, destination)?;
    } else {
        ledger.adopt(&ledger::Adoption { destination: destination.to_owned(), ..adoption }, [])?;
    }
    Ok(())
}

/// Rounds of sending until nothing is left, or nothing can be done now.
fn deliver_all(
    request: &Request,
    destination: &Destination,
    mut ledger: ledger::Ledger,
    writer: &letters::Writer,
    mails: &HashMap<String, MailRow>,
    total: u64,
) -> Result<Sent, Error> {
    let job = &request.job.name;
    let (every, longest) = request.job.smtp.as_ref().map_or(RETRY, |smtp| (smtp.retry_every_seconds, smtp.retry_for_seconds));
    let run = ledger::Run {
        job: job.clone(),
        as_of: request.as_of,
        retry_every: Duration::from_secs(every),
        retry_for: Duration::from_secs(longest),
    };
    let claims_left = AtomicU64::new(request.limit.unwrap_or(u64::MAX));
    loop {
        let now = (request.now)();
        ledger.give_up(job, request.as_of, now, run.retry_for)?;
        let pending = ledger.pending(job, request.as_of)?.into_iter();
        let due: Vec<String> = pending.filter(|mail| mail.not_before.is_none_or(|at| at <= now)).map(|mail| mail.mail_id).collect();
        if !due.is_empty() {
            let done = total.saturating_sub(due.len() as u64);
            let round = Round::new(request, writer, mails, due, &claims_left, (done, total));
            ledger = round.run(destination, ledger, run.clone())?;
        }
        ledger.finish(job, request.as_of, (request.now)())?;
        let states = ledger.states(job, request.as_of)?;
        let interrupted = request.interrupted.load(Ordering::SeqCst);
        let exhausted = claims_left.load(Ordering::SeqCst) == 0;
        let waiting = states.get(&State::Deferred).copied().unwrap_or_default();
        if interrupted || exhausted || request.no_wait || waiting == 0 {
            return Ok(Sent { as_of: request.as_of, destination: String::new(), states, interrupted });
        }
        round::nap(request, Duration::from_secs(1));
    }
}

/// The plan that `send` means when no date is given: the adopted one that is unfinished, else the only one that is not adopted yet.
pub fn unfinished(job: &Job) -> Result<NaiveDate, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let (open, last) = match &ledger {
        Some(ledger) => (ledger.unfinished(&job.name)?, ledger.latest_adoption(&job.name)?.map(|adoption| adoption.as_of)),
        None => (Vec::new(), None),
    };
    let planned = runs::plans(&job.runs, &job.name)?.into_iter().filter(|date| last.is_none_or(|last| *date > last));
    let mut dates: Vec<NaiveDate> = open.iter().map(|adoption| adoption.as_of).chain(planned).collect();
    dates.sort_unstable();
    dates.dedup();
    match dates.as_slice() {
        [date] => Ok(*date),
        [] => Err(Error::Usage(format!("there is no unfinished plan of {}; make one: rankmail plan {}", job.name, show(&job.path)))),
        several => {
            let named: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Error::Usage(format!("there are several unfinished plans; say which one with --as-of: {}", named.join(", "))))
        }
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
