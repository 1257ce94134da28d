//! Rounds of sending: a bounded pool of connections claims, hands over and settles the mails that are due.

use super::destination::Destination;
use super::error::Error;
use super::lanes::{Lanes, Next};
use super::progress::Step;
use super::send::{self, Request, retry};
use super::shelf::{Due, Held, Shelf};
use super::{brakes, letters};
use crate::delivery::{Door, Mailer};
use crate::domain::delivery::RunTrouble;
use crate::domain::plan::MailRow;
use crate::domain::{Letter, Outcome};
use crate::ledger::{self, Claim, Desk};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a connection that found nobody waits before it asks again.
const GLANCE: Duration = Duration::from_millis(10);
/// No pause is longer without a look at whether the run was interrupted.
const NAP: Duration = Duration::from_millis(50);
/// A server that leaves so many mails in doubt, and accepts none between them, is asked to take no more.
const DOUBTS: u32 = 10;

/// What all rounds of one sending share.
pub struct Round<'a> {
    request: &'a Request<'a>,
    destination: &'a Destination,
    writer: &'a letters::Writer,
    shelf: &'a Shelf<'a>,
    lanes: Mutex<Lanes>,
    /// Nothing is begun at this instant or later (microseconds UTC).
    until: AtomicI64,
    claims_left: AtomicU64,
    tally: Mutex<Tally>,
    total: u64,
    stopped: AtomicBool,
    fault: Mutex<Option<Error>>,
    /// What a connection that gave up had heard last.
    away: Mutex<Option<String>>,
}

/// What was settled so far.
#[derive(Default)]
struct Tally {
    done: u64,
    /// Of the last mails, whether they were refused for good.
    recent: VecDeque<bool>,
    /// In doubt since the last one that was accepted.
    doubts: u32,
}

/// Outcomes that are not in the ledger yet.
type Settled = Vec<(String, Outcome)>;

impl<'a> Round<'a> {
    pub fn new(request: &'a Request<'a>, destination: &'a Destination, writer: &'a letters::Writer, shelf: &'a Shelf<'a>) -> Self {
        let smtp = request.job.smtp.as_ref().filter(|_| !destination.is_outbox());
        Self {
            request,
            destination,
            writer,
            shelf,
            lanes: Mutex::new(Lanes::new(smtp, shelf.domains())),
            until: AtomicI64::new(i64::MAX),
            claims_left: AtomicU64::new(request.limit.unwrap_or(u64::MAX)),
            tally: Mutex::new(Tally::default()),
            total: shelf.mails() as u64,
            stopped: AtomicBool::new(false),
            fault: Mutex::new(None),
            away: Mutex::new(None),
        }
    }

    /// Whether `--limit` allows no more claims.
    pub fn is_exhausted(&self) -> bool {
        self.claims_left.load(Ordering::SeqCst) == 0
    }

    /// In how long the first of the domains that were left alone may be tried again.
    pub fn resumes(&self) -> Option<Duration> {
        lock(&self.lanes).resumes(Instant::now())
    }

    /// Sends what is due until an instant, and comes back when that is done or must wait for long, when the run was interrupted, or when it must stop.
    pub fn run(&self, due: Vec<Due>, until: i64, ledger: ledger::Ledger, run: ledger::Run) -> Result<ledger::Ledger, Error> {
        let (mailers, door) = self.destination.mailers(due.len(), self.request.interrupted)?;
        lock(&self.tally).done = self.total.saturating_sub(due.len() as u64);
        lock(&self.lanes).fill(due);
        self.until.store(until, Ordering::SeqCst);
        let desk = Desk::start(ledger, run);
        std::thread::scope(|scope| {
            let (desk, door) = (&desk, &door);
            for mut mailer in mailers {
                // With its thread the connection ends, and nobody waits for its goodbye in another's place.
                scope.spawn(move || self.work(&mut *mailer, desk, door));
            }
        });
        let ledger = desk.finish()?;
        if let Some(fault) = lock(&self.fault).take() {
            return Err(fault);
        }
        match lock(&self.away).take() {
            Some(reply) if !lock(&self.lanes).is_empty() && !self.is_exhausted() => Err(Error::Server(format!(
                "the mail server cannot be reached: {reply}; the mails stay planned, `rankmail send` goes on where it stopped"
            ))),
            _ => Ok(ledger),
        }
    }

    /// One connection's work, until the queue is empty or the run stops.
    fn work(&self, mailer: &mut dyn Mailer, desk: &Desk, door: &Door) {
        let mut settled = Settled::new();
        while !self.is_over() {
            if !mailer.is_ready() {
                // No connection is made, or made anew, as long as there is nothing for it to do.
                match self.next(0) {
                    Next::Mails(_) => {}
                    Next::Wait(time) => {
                        self.rest(desk, &mut settled, time);
                        continue;
                    }
                    Next::Nothing => break,
                }
                // What is known is written down before anything that may take long.
                self.write_down(desk, &mut settled);
                if let Err(trouble) = mailer.ready() {
                    if self.is_hopeless(&trouble, door) {
                        break;
                    }
                    continue;
                }
            }
            let batch = match self.next(mailer.batch()) {
                Next::Mails(batch) => batch,
                Next::Wait(time) => {
                    self.rest(desk, &mut settled, time);
                    continue;
                }
                Next::Nothing => break,
            };
            match self.hand(mailer, desk, &batch, &mut settled) {
                Ok(Some(trouble)) if self.is_hopeless(&trouble, door) => break,
                Ok(_) => {}
                Err(fault) => self.stop(fault),
            }
        }
        self.write_down(desk, &mut settled);
    }

    /// Renders a batch, claims it in one commit with the outcomes of the batch before, and hands it over. Its own outcomes are left
    /// in `settled`. Mails that were not touched go back into the queue.
    fn hand(&self, mailer: &mut dyn Mailer, desk: &Desk, batch: &[Due], settled: &mut Settled) -> Result<Option<RunTrouble>, Error> {
        let held: Vec<Held> = batch.iter().map(|due| self.shelf.row(due.row)).collect::<Result<_, _>>()?;
        let rows: Vec<&MailRow> = held.iter().map(|held| &**held).collect();
        let rendered = self.writer.render(&rows)?;
        let ids: Vec<&str> = rows.iter().map(|mail| mail.mail_id.as_str()).collect();
        let before = std::mem::take(settled);
        let (_, claims) = desk.turn(&borrowed(&before), &ids, (self.request.now)())?;
        let (mut dues, mut claimed) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for (((due, mail), rendered), claim) in batch.iter().zip(rows).zip(&rendered).zip(claims) {
            match claim {
                Claim::Claimed { first_claim_at } => {
                    dues.push(*due);
                    claimed.push((mail, rendered, first_claim_at));
                }
                Claim::Suppressed(_) | Claim::NotClaimable(_) => {
                    lock(&self.lanes).ended(*due, None, Instant::now());
                    self.give_back(1);
                    self.on_done();
                }
            }
        }
        let mut letters: Vec<Letter> = Vec::with_capacity(claimed.len());
        let mut handed = Vec::with_capacity(claimed.len());
        for ((due, (mail, ..)), letter) in dues.into_iter().zip(&claimed).zip(self.writer.compose_all(&claimed)) {
            match letter {
                Ok(letter) => {
                    letters.push(letter);
                    handed.push((due, *mail));
                }
                // It is claimed and can never leave. Like a letter that the wire refuses, it fails alone.
                Err(error) => {
                    lock(&self.lanes).ended(due, None, Instant::now());
                    settled.push((mail.mail_id.clone(), Outcome::Rejected { code: 0, reply: format!("not sent, {error}") }));
                }
            }
        }
        let mut untouched = Vec::new();
        let mut trouble = None;
        for ((due, mail), outcome) in handed.into_iter().zip(mailer.send(&letters)) {
            if let Outcome::Untouched(what) = &outcome {
                trouble = Some(what.clone());
                untouched.push(due);
            } else {
                lock(&self.lanes).ended(due, Some(&outcome), Instant::now());
            }
            settled.push((mail.mail_id.clone(), outcome));
        }
        for (_, outcome) in settled.iter() {
            self.on_settled(outcome);
        }
        if !untouched.is_empty() {
            // They can be claimed again only after the ledger knows that nothing happened to them.
            self.write_down(desk, settled);
            self.give_back(untouched.len() as u64);
            let mut lanes = lock(&self.lanes);
            for due in untouched {
                lanes.put_back(due, Instant::now());
            }
        }
        Ok(trouble)
    }

    /// Waits for a moment, and at most for so long; what is known is written down before.
    fn rest(&self, desk: &Desk, settled: &mut Settled, time: Duration) {
        self.write_down(desk, settled);
        std::thread::sleep(time.min(NAP));
    }

    fn write_down(&self, desk: &Desk, settled: &mut Settled) {
        let settled = std::mem::take(settled);
        if !settled.is_empty()
            && let Err(fault) = desk.settle(&borrowed(&settled), (self.request.now)())
        {
            self.stop(fault.into());
        }
    }

    /// Takes so many mails at most, or with 0 only tells whether there are any.
    fn next(&self, size: usize) -> Next {
        let now = (self.request.now)();
        if now >= self.until.load(Ordering::SeqCst) || send::opens(self.request, self.destination, now).is_some() {
            return Next::Nothing;
        }
        let mut lanes = lock(&self.lanes);
        let allowed = self.claims_left.load(Ordering::SeqCst);
        if allowed == 0 {
            return Next::Nothing;
        }
        if size == 0 {
            return lanes.look(Instant::now());
        }
        let size = size.min(usize::try_from(allowed).unwrap_or(usize::MAX));
        let next = lanes.take(size, Instant::now());
        if let (Next::Mails(mails), Some(_)) = (&next, self.request.limit) {
            self.claims_left.fetch_sub(mails.len() as u64, Ordering::SeqCst);
        }
        next
    }

    /// Mails that were taken and stay as they were do not count towards the limit.
    fn give_back(&self, count: u64) {
        if self.request.limit.is_some() {
            self.claims_left.fetch_add(count, Ordering::SeqCst);
        }
    }

    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::SeqCst) || self.request.interrupted.load(Ordering::SeqCst)
    }

    fn stop(&self, fault: Error) {
        self.stopped.store(true, Ordering::SeqCst);
        lock(&self.fault).get_or_insert(fault);
    }

    fn on_done(&self) {
        let mut tally = lock(&self.tally);
        tally.done += 1;
        (self.request.watch)(Step::Send, tally.done.min(self.total), self.total);
    }

    /// Counts a mail that has an outcome, and stops the run when too many of the last ones were refused, or left in doubt.
    fn on_settled(&self, outcome: &Outcome) {
        if matches!(outcome, Outcome::Untouched(_)) {
            return;
        }
        self.on_done();
        let mut tally = lock(&self.tally);
        // Code 0 is our own refusal of a letter that would break the wire; it says nothing of the server.
        tally.recent.push_back(matches!(outcome, Outcome::Rejected { code, .. } if *code > 0));
        if tally.recent.len() > brakes::FAILURE_SAMPLE {
            tally.recent.pop_front();
        }
        if let Some(tripped) = brakes::on_failures(self.request.job, &tally.recent)
            && let Err(fault) = brakes::stop(self.request.job, &[tripped], self.request.accept)
        {
            self.stop(fault);
        }
        match outcome {
            Outcome::Accepted { .. } => tally.doubts = 0,
            Outcome::InDoubt { reply } => {
                tally.doubts += 1;
                if tally.doubts >= DOUBTS {
                    self.stop(Error::Server(format!(
                        "{DOUBTS} mails in a row were handed over and the mail server did not say that it has them: {reply}; nothing more is sent, and \
                         these are in doubt: look for their Message-IDs in the server's log, tell with `rankmail resolve` what became of them, and \
                         `rankmail send` goes on with the others"
                    )));
                }
            }
            _ => {}
        }
    }

    /// Whether a connection should leave its post: the server refuses us, or has been away for too long. Otherwise it waits a moment.
    fn is_hopeless(&self, trouble: &RunTrouble, door: &Door) -> bool {
        match trouble {
            RunTrouble::Refused { reply } => {
                self.stop(Error::Server(format!("the mail server refuses this run: {reply}; nothing more is sent, nothing is lost")));
                true
            }
            RunTrouble::Outbox { reply } => {
                self.stop(Error::Outbox(reply.clone()));
                true
            }
            RunTrouble::Stopped { .. } => true,
            RunTrouble::Unreachable { reply } | RunTrouble::Waiting { reply } => {
                let patience = if self.request.no_wait { Duration::ZERO } else { retry(self.request.job).1 };
                if door.away().is_some_and(|away| away >= patience) {
                    *lock(&self.away) = Some(reply.clone());
                    return true;
                }
                if matches!(trouble, RunTrouble::Unreachable { .. }) {
                    std::thread::sleep(GLANCE);
                }
                false
            }
        }
    }
}

fn borrowed(settled: &Settled) -> Vec<(&str, &Outcome)> {
    settled.iter().map(|(mail_id, outcome)| (mail_id.as_str(), outcome)).collect()
}

/// A worker that panicked leaves plain data behind, which is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
