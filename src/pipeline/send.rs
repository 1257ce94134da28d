//! Sends a plan, each mail once: adopt, then claim → send → settle until nothing is left.

use super::destination::{Destination, Server, outbox};
use super::error::Error;
use super::progress::{Step, Watch};
use super::round::Round;
use super::shelf::{Due, Left, Shelf};
use super::{adopt, approvals, inputs, letters, listed, previous};
use crate::domain::job::OnInDoubt;
use crate::domain::plan::Summary;
use crate::domain::{Job, State};
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where the job does not say: a deferred mail is tried again every so many seconds, for so many.
const RETRY: (u64, u64) = (300, 172_800);

/// What is sent where. The clock is handed in, so that the Date of a mail and the ledger tell the same time.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub job: &'a Job,
    pub as_of: NaiveDate,
    pub server: Server<'a>,
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
    pub interrupted: &'a Arc<AtomicBool>,
    pub watch: &'a Watch<'a>,
}

/// How a sending ended.
pub struct Sent {
    pub as_of: NaiveDate,
    pub destination: String,
    pub states: BTreeMap<State, u64>,
    /// How many mails this call handed over; the states count those of earlier calls too.
    pub handed: u64,
    /// The lists of other channels that were written.
    pub lists: Vec<PathBuf>,
    /// It was interrupted before everything was done.
    pub interrupted: bool,
    /// Mails were left for a time of the day, or for a domain that is left alone for a while.
    pub waits: bool,
}

impl Sent {
    /// Whether every mail that was tried has reached its end without trouble. What `--limit` leaves planned does not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.waits
            && self.states.iter().all(|(state, count)| {
                *count == 0 || matches!(state, State::Accepted | State::Suppressed | State::Cancelled | State::Planned)
            })
    }
}

/// Sends what is left of a plan.
pub fn send(request: &Request) -> Result<Sent, Error> {
    carry_out(request, false)
}

/// As [`send`]; `fresh` says that this process has just rendered every mail of the plan.
pub fn carry_out(request: &Request, fresh: bool) -> Result<Sent, Error> {
    let (job, as_of) = (request.job, request.as_of);
    let destination = Destination::of(job, request.server, outbox(job))?;
    let _lock = runs::Lock::take(&job.runs.join(&job.name))?;
    let opened = runs::open(&runs::folder(&job.runs, &job.name, as_of))?;
    let adoption =
        ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?.map(|ledger| ledger.adoption(&job.name, as_of)).transpose()?;
    let adoption = adoption.flatten();
    if let Some(adoption) = &adoption {
        previous::refuse_aged(job, adoption, &opened.summary.digest)?;
    }
    check_digest(request.digest, &opened.summary, opened.folder())?;
    let planned = inputs::planned_job(job, &opened)?;
    // What was adopted had its approvals then. The lock keeps plan and adoption as they are from here on.
    if adoption.is_none() {
        approvals::demand(job, as_of, &opened.summary.digest, planned.approvals)?;
    }
    let writer = letters::Writer::open(&planned, &opened)?;
    let mut ledger = ledger::Ledger::open(&job.runs.join("ledger.sqlite"))?;
    // What can be found wrong is found before the plan is adopted, because then it can still be made again.
    destination.mailers(0, request.interrupted)?;
    let is_new = ledger.adoption(&job.name, as_of)?.is_none();
    let mut codes = adopt::Codes::of(&planned);
    // What this very program has rendered from these very files it renders again; each mail is looked at once more at its own turn.
    let is_proven = !is_new || fresh || opened.is_of_this_program();
    let shelf = Shelf::open(&opened, |mails| {
        codes.see(mails);
        if is_proven { Ok(()) } else { writer.prove(mails) }
    })?;
    let (mut lists, mut waits) = (Vec::new(), false);
    let accepted = |ledger: &ledger::Ledger| -> Result<u64, Error> {
        Ok(ledger.states(&job.name, as_of)?.get(&State::Accepted).copied().unwrap_or_default())
    };
    let mut before = accepted(&ledger)?;
    if !request.interrupted.load(Ordering::SeqCst) {
        adopt::adopt(request, &mut ledger, &opened, &planned, &destination.name(), &codes)?;
        drop(codes);
        let resend = job.smtp.as_ref().is_some_and(|smtp| smtp.on_in_doubt == OnInDoubt::Resend);
        ledger.recover(&job.name, as_of, destination.is_outbox(), resend)?;
        before = accepted(&ledger)?;
        let (retry_every, retry_for) = retry(job);
        let run = ledger::Run { job: job.name.clone(), as_of, retry_every, retry_for, merges: inputs::kept_merges(&planned, &opened)? };
        for campaign in &planned.campaigns {
            if let Some(send) = campaign.send {
                ledger.postpone(&run, &campaign.name, send.instant(planned.zone, as_of))?;
            }
        }
        let handed = listed::hand_over(request, &planned, &mut ledger, &run, &writer, shelf.others())?;
        lists = handed.files;
        let rest = Request { limit: request.limit.map(|limit| limit.saturating_sub(handed.claims)), ..*request };
        (ledger, waits) = deliver_all(&rest, &destination, ledger, &run, &writer, &shelf)?;
    }
    let states = ledger.states(&job.name, as_of)?;
    let left = [State::Planned, State::Deferred].iter().any(|state| states.get(state).is_some_and(|count| *count > 0));
    let is_done = !left && ledger.adoption(&job.name, as_of)?.is_some();
    let interrupted = request.interrupted.load(Ordering::SeqCst) && !is_done;
    let handed = accepted(&ledger)?.saturating_sub(before);
    Ok(Sent { as_of, destination: destination.name(), states, handed, lists, interrupted, waits })
}

/// Makes sure that the plan is the one that somebody looked at.
pub fn check_digest(wanted: Option<&str>, summary: &Summary, folder: &std::path::Path) -> Result<(), Error> {
    match wanted.filter(|prefix| !summary.digest.starts_with(*prefix)) {
        Some(prefix) => Err(Error::Usage(format!(
            "the plan in {} has the digest {}, not {prefix}…: it was made again since you looked; look at it once more",
            folder.display(),
            summary.digest
        ))),
        None => Ok(()),
    }
}

/// How often a deferred mail is tried again, and for how long; a server that is away is waited for as long.
pub fn retry(job: &Job) -> (Duration, Duration) {
    let (every, lasting) = job.smtp.as_ref().map_or(RETRY, |smtp| (smtp.retry_every_seconds, smtp.retry_for_seconds));
    (Duration::from_secs(every), Duration::from_secs(lasting))
}

/// When mails may leave for this destination again; `None` while they may.
pub fn opens(request: &Request, destination: &Destination, now: i64) -> Option<i64> {
    let smtp = request.job.smtp.as_ref().filter(|_| !destination.is_outbox());
    smtp.and_then(|smtp| smtp.send_between)?.opens(request.job.zone, now)
}

/// Rounds of sending until nothing is left, or nothing can be done now; with whether mails wait for a later call.
fn deliver_all(
    request: &Request,
    destination: &Destination,
    mut ledger: ledger::Ledger,
    run: &ledger::Run,
    writer: &letters::Writer,
    shelf: &Shelf,
) -> Result<(ledger::Ledger, bool), Error> {
    let (job, as_of) = (&request.job.name, request.as_of);
    let ends = ends(request, &ledger, shelf)?;
    let round = Round::new(request, destination, writer, shelf);
    loop {
        let now = (request.now)();
        ledger.give_up(job, as_of, now, run.retry_for)?;
        let left = shelf.left(&ledger, job, as_of)?;
        let is_late = |left: &Left| shelf.end(*left).and_then(|day| ends.get(&day)).is_some_and(|end| *end <= now);
        let late: Vec<String> = left.iter().filter(|left| is_late(left)).map(|left| shelf.mail_id(*left)).collect::<Result<_, _>>()?;
        ledger.too_late(run, &late, now)?;
        let due = left.iter().filter(|left| left.not_before.is_none_or(|at| at <= now) && !is_late(left));
        let due: Vec<Due> = due.map(|left| shelf.due(*left)).collect();
        drop(left);
        // At the end of an offer the round ends too, so that its mails are looked at again.
        let until = ends.values().copied().filter(|end| *end > now).min().unwrap_or(i64::MAX);
        if !due.is_empty() && opens(request, destination, now).is_none() {
            ledger = round.run(due, until, ledger, run.clone())?;
        }
        let now = (request.now)();
        ledger.finish(job, as_of, now)?;
        let left = shelf.left(&ledger, job, as_of)?;
        let over = request.interrupted.load(Ordering::SeqCst) || round.is_exhausted();
        if now >= until && !over {
            continue;
        }
        match next_try(request, destination, &left, round.resumes(), now) {
            Some(at) if !over && !request.no_wait => wait(request, at),
            next => return Ok((ledger, next.is_some() && !over)),
        }
    }
}

/// When the next of these mails may be tried; `None` where there is nothing to wait for.
fn next_try(request: &Request, destination: &Destination, left: &[Left], resumes: Option<Duration>, now: i64) -> Option<i64> {
    let later = left.iter().filter_map(|mail| mail.not_before).filter(|at| *at > now).min();
    // What is due and was not tried waits for the day or for its domain.
    let is_due = left.iter().any(|mail| mail.not_before.is_none_or(|at| at <= now));
    let opens_at = opens(request, destination, now);
    let resumes_at = resumes.map(|time| now.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)));
    let due_at = opens_at.or(resumes_at).filter(|_| is_due);
    let at = later.into_iter().chain(due_at).min()?;
    Some(opens(request, destination, at).unwrap_or(at))
}

/// When what mails offer ends (microseconds UTC), by its last day, for what could still be used when the plan was adopted. Whoever sends a plan that
/// is older than its offers means to, and other brakes look at that; but waiting must not make a mail useless.
fn ends(request: &Request, ledger: &ledger::Ledger, shelf: &Shelf) -> Result<HashMap<NaiveDate, i64>, Error> {
    let adopted_at = ledger.adoption(&request.job.name, request.as_of)?.map_or(i64::MAX, |adoption| adoption.adopted_at);
    let ends = shelf.ends().into_iter().filter_map(|day| Some((day, request.job.zone.midnight(day.succ_opt()?))));
    Ok(ends.filter(|(_, end)| *end > adopted_at).collect())
}

/// Waits until the next mails may be tried; an interruption ends it.
fn wait(request: &Request, until: i64) {
    let missing = until.saturating_sub((request.now)()).max(0).unsigned_abs();
    // At least a second, so that clocks that are not quite sure of it do not make this a busy loop.
    let length = Duration::from_micros(missing).max(Duration::from_secs(1));
    let start = Instant::now();
    while start.elapsed() < length && !request.interrupted.load(Ordering::SeqCst) {
        (request.watch)(Step::Wait, start.elapsed().as_secs(), length.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The dates of adopted runs that are not finished. Where mails in doubt are sent again, the last run is unfinished as long as it has any.
pub fn open_dates(job: &Job, ledger: &ledger::Ledger) -> Result<Vec<NaiveDate>, Error> {
    let mut dates: Vec<NaiveDate> = ledger.unfinished(&job.name)?.iter().map(|adoption| adoption.as_of).collect();
    let resend = job.smtp.as_ref().is_some_and(|smtp| smtp.on_in_doubt == OnInDoubt::Resend);
    if let Some(last) = ledger.latest_adoption(&job.name)?.filter(|_| resend)
        && !ledger.in_doubt(&job.name, last.as_of)?.is_empty()
    {
        dates.push(last.as_of);
    }
    Ok(dates)
}

/// The plan that `send` means when no date is given: the only one that is unfinished, or not adopted yet and newer than the adopted ones.
pub fn unfinished(job: &Job) -> Result<NaiveDate, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let (mut dates, last) = match &ledger {
        Some(ledger) => (open_dates(job, ledger)?, ledger.latest_adoption(&job.name)?.map(|adoption| adoption.as_of)),
        None => (Vec::new(), None),
    };
    dates.extend(runs::plans(&job.runs, &job.name)?.into_iter().filter(|date| last.is_none_or(|last| *date > last)));
    dates.sort_unstable();
    dates.dedup();
    match (dates.as_slice(), last) {
        ([date], _) => Ok(*date),
        // Everything is sent: sending the last one again does nothing, and says so.
        ([], Some(last)) => Ok(last),
        ([], None) => {
            Err(Error::Usage(format!("there is no unfinished plan of {}; make one: rankmail plan {}", job.name, job.path.display())))
        }
        (several, _) => {
            let named: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Error::Usage(format!("there are several unfinished plans; say which one with --as-of: {}", named.join(", "))))
        }
    }
}
