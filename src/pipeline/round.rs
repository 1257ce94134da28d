//! One round of sending: a bounded pool of connections claims, hands over and settles the mails that are due.

use super::error::Error;
use super::progress::Step;
use super::send::{Destination, RETRY, Request};
use super::{brakes, letters};
use crate::delivery::{self, Mailer};
use crate::domain::delivery::RunTrouble;
use crate::domain::plan::MailRow;
use crate::domain::{Letter, Outcome};
use crate::ledger;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One round: a bounded pool of connections works through the mails that are due.
pub struct Round<'a> {
    request: &'a Request<'a>,
    writer: &'a letters::Writer,
    mails: &'a HashMap<String, MailRow>,
    queue: Mutex<VecDeque<String>>,
    claims_left: &'a AtomicU64,
    done: AtomicU64,
    total: u64,
    stopped: AtomicBool,
    fault: Mutex<Option<Error>>,
    recent: Mutex<VecDeque<bool>>,
    knocking: Mutex<()>,
    started: std::time::Instant,
}

impl<'a> Round<'a> {
    pub fn new(
        request: &'a Request<'a>,
        writer: &'a letters::Writer,
        mails: &'a HashMap<String, MailRow>,
        due: Vec<String>,
        claims_left: &'a AtomicU64,
        (done, total): (u64, u64),
    ) -> Self {
        Self {
            request,
            writer,
            mails,
            queue: Mutex::new(due.into()),
            claims_left,
            done: AtomicU64::new(done),
            total,
            stopped: AtomicBool::new(false),
            fault: Mutex::new(None),
            recent: Mutex::new(VecDeque::new()),
            knocking: Mutex::new(()),
            started: std::time::Instant::now(),
        }
    }

    pub fn run(self, destination: &Destination, ledger: ledger::Ledger, run: ledger::Run) -> Result<ledger::Ledger, Error> {
        let desk = ledger::Desk::start(ledger, run);
        std::thread::scope(|scope| -> Result<(), Error> {
            match destination {
                Destination::Outbox(folder) => {
                    let mut outbox = delivery::Outbox::open(folder)?;
                    scope.spawn({
                        let (round, desk) = (&self, &desk);
                        move || round.work(&mut outbox, desk, 0)
                    });
                }
                Destination::Smtp(target) => {
                    let connections = self.request.job.smtp.as_ref().map_or(8, |smtp| smtp.connections);
                    for nth in 0..connections.min(lock(&self.queue).len()) {
                        let mut smtp = delivery::Smtp::new(target.clone(), delivery::SmtpOptions::default())?;
                        scope.spawn({
                            let (round, desk) = (&self, &desk);
                            move || round.work(&mut smtp, desk, nth as u64)
                        });
                    }
                }
            }
            Ok(())
        })?;
        let ledger = desk.finish()?;
        match lock(&self.fault).take() {
            Some(fault) => Err(fault),
            None => Ok(ledger),
        }
    }

    /// One connection's work: take a batch, render, claim, send, settle; until the queue is empty or the run stops.
    fn work(&self, mailer: &mut dyn Mailer, desk: &ledger::Desk, seed: u64) {
        let mut failed_attempts = 0;
        while !self.is_over() {
            if let Err(trouble) = mailer.ready() {
                // While a server is away one connection knocks for all of them, so that it hears at most one attempt a second.
                let _turn = lock(&self.knocking);
                if !self.is_over() {
                    self.on_trouble(&trouble, &mut failed_attempts, seed);
                }
                continue;
            }
            let batch = self.take(mailer.batch());
            if batch.is_empty() {
                return;
            }
            match self.hand(mailer, desk, &batch) {
                Ok(None) => failed_attempts = 0,
                Ok(Some(trouble)) => self.on_trouble(&trouble, &mut failed_attempts, seed),
                Err(fault) => self.stop(fault),
            }
        }
    }

    /// Claims a batch, hands it over, settles it. Mails that were not touched go back into the queue.
    fn hand(&self, mailer: &mut dyn Mailer, desk: &ledger::Desk, batch: &[String]) -> Result<Option<RunTrouble>, Error> {
        let mails: Vec<&MailRow> = batch.iter().filter_map(|id| self.mails.get(id)).collect();
        let contents = self.writer.render(&mails)?;
        let ids: Vec<&str> = mails.iter().map(|mail| mail.mail_id.as_str()).collect();
        let claims = desk.claim(&ids, (self.request.now)())?;
        let mut letters: Vec<Letter> = Vec::with_capacity(mails.len());
        for ((mail, content), claim) in mails.iter().zip(&contents).zip(claims) {
            if let ledger::Claim::Claimed { first_claim_at } = claim {
                letters.push(self.writer.compose(mail, content, first_claim_at)?);
            }
        }
        let outcomes = mailer.send(&letters);
        let settled: Vec<(&str, &Outcome)> = letters.iter().map(|letter| letter.mail_id.as_str()).zip(&outcomes).collect();
        desk.settle(&settled, (self.request.now)())?;
        let mut trouble = None;
        for (letter, outcome) in letters.iter().zip(&outcomes) {
            if let Outcome::Untouched(what) = outcome {
                lock(&self.queue).push_back(letter.mail_id.clone());
                self.claims_left.fetch_add(u64::from(self.request.limit.is_some()), Ordering::SeqCst);
                trouble = Some(what.clone());
            } else {
                self.on_settled(outcome);
            }
        }
        Ok(trouble)
    }

    fn take(&self, size: usize) -> Vec<String> {
        let mut queue = lock(&self.queue);
        let allowed = self.claims_left.load(Ordering::SeqCst);
        let count = queue.len().min(size).min(usize::try_from(allowed).unwrap_or(usize::MAX));
        if self.request.limit.is_some() {
            self.claims_left.fetch_sub(count as u64, Ordering::SeqCst);
        }
        queue.drain(..count).collect()
    }

    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::SeqCst) || self.request.interrupted.load(Ordering::SeqCst)
    }

    fn stop(&self, fault: Error) {
        self.stopped.store(true, Ordering::SeqCst);
        lock(&self.fault).get_or_insert(fault);
    }

    /// Counts a settled mail, and stops the run when too many of the last ones were refused.
    fn on_settled(&self, outcome: &Outcome) {
        let done = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        (self.request.watch)(Step::Send, done.min(self.total), self.total);
        let Some(limit) = self.request.job.brakes.failures else { return };
        if self.request.accept.iter().any(|name| name == "failures") {
            return;
        }
        let mut recent = lock(&self.recent);
        // Code 0 is our own refusal of a letter that would break the wire; it says nothing of the server.
        recent.push_back(matches!(outcome, Outcome::Rejected { code, .. } if *code > 0));
        if recent.len() > brakes::FAILURE_SAMPLE {
            recent.pop_front();
        }
        let refused = recent.iter().filter(|refused| **refused).count();
        #[expect(clippy::cast_precision_loss, reason = "counts up to 200")]
        let too_many = recent.len() == brakes::FAILURE_SAMPLE && refused as f64 > limit * brakes::FAILURE_SAMPLE as f64;
        if too_many {
            let seen = format!("{refused} of the last {} mails were refused for good", brakes::FAILURE_SAMPLE);
            self.stop(Error::Brake { name: "failures".to_owned(), seen });
        }
    }

    /// Backs off from a server that cannot be reached, and stops at one that refuses us.
    fn on_trouble(&self, trouble: &RunTrouble, failed_attempts: &mut u32, seed: u64) {
        match trouble {
            RunTrouble::Refused { reply } => {
                self.stop(Error::Server(format!("the mail server refuses this run: {reply}; nothing more is sent, nothing is lost")));
            }
            RunTrouble::Outbox { reply } => self.stop(Error::Outbox(reply.clone())),
            RunTrouble::Unreachable { reply } => {
                let retry_for = self.request.job.smtp.as_ref().map_or(RETRY.1, |smtp| smtp.retry_for_seconds);
                if self.request.no_wait || self.started.elapsed() > Duration::from_secs(retry_for) {
                    self.stop(Error::Server(format!(
                        "the mail server cannot be reached: {reply}; the mails stay planned, `rankmail send` goes on where it stopped"
                    )));
                    return;
                }
                nap(self.request, delivery::pause(*failed_attempts, seed));
                *failed_attempts += 1;
            }
        }
    }
}

/// A worker that panicked leaves plain data behind, which is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sleeps in short steps, so that an interruption is heard.
pub fn nap(request: &Request, length: Duration) {
    let step = Duration::from_millis(50);
    let mut slept = Duration::ZERO;
    while slept < length && !request.interrupted.load(Ordering::SeqCst) {
        std::thread::sleep(step.min(length));
        slept += step;
    }
}
