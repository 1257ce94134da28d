//! SMTP over one connection: opened when needed, used for one mail after the other, closed as soon as it cannot be trusted.

use super::answer::{Stage, Verdict};
use super::door::Door;
use super::wire::Wire;
use super::{Mailer, Signer, Target, letter, opening, transaction};
use crate::domain::delivery::{Letter, Outcome, RunTrouble};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A server that is told goodbye may take this long to answer.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long each stage may take. The defaults are those of RFC 5321 §4.5.3.2, save the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    pub connect: Duration,
    /// Until the server says its first words. One that waits for TLS says none, so this is far below the others.
    pub greeting: Duration,
    /// Each step from there until the server takes mails: TLS, EHLO, AUTH.
    pub hello: Duration,
    pub mail: Duration,
    pub rcpt: Duration,
    pub data: Duration,
    /// From the server's 354 until the final dot has left.
    pub text: Duration,
    /// From the final dot to the answer.
    pub dot: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = Duration::from_mins;
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(45),
            hello: minutes(5),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            text: minutes(3),
            dot: minutes(10),
        }
    }
}

/// How a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpOptions {
    pub deadlines: Deadlines,
    /// A connection is replaced after this long, this many mails, or this long without one.
    pub max_age: Duration,
    pub max_mails: u32,
    pub max_idle: Duration,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self { deadlines: Deadlines::default(), max_age: Duration::from_mins(10), max_mails: 1000, max_idle: Duration::from_secs(30) }
    }
}

/// One connection to a mail server, made anew whenever it must be.
#[derive(Debug)]
pub struct Smtp {
    target: Target,
    options: SmtpOptions,
    door: Door,
    signers: Arc<[Signer]>,
    stop: Arc<AtomicBool>,
    line: Option<Line>,
    /// There was a connection before.
    was_open: bool,
}

/// An open connection.
#[derive(Debug)]
struct Line {
    wire: Wire,
    pipelining: bool,
    opened: Instant,
    used: Instant,
    mails: u32,
}

impl Smtp {
    /// Prepares a connection; nothing is sent before `ready` or `send`.
    #[must_use]
    pub fn new(target: Target, options: SmtpOptions) -> Self {
        Self { target, options, door: Door::default(), signers: Arc::default(), stop: Arc::default(), line: None, was_open: false }
    }

    /// Lets this connection stand in one line with others to the same server.
    #[must_use]
    pub fn behind(mut self, door: &Door) -> Self {
        self.door = door.clone();
        self
    }

    /// Signs each mail with these keys.
    #[must_use]
    pub fn signed_by(mut self, signers: &Arc<[Signer]>) -> Self {
        self.signers = Arc::clone(signers);
        self
    }

    /// Waits for nothing any more once this is true, save for the answer to a final dot.
    #[must_use]
    pub fn stopped_by(mut self, stop: &Arc<AtomicBool>) -> Self {
        self.stop = Arc::clone(stop);
        self
    }

    /// That the run is being stopped, where it is.
    fn stopped(&self) -> Option<RunTrouble> {
        let reply = || "the run was stopped before anything was handed over".to_owned();
        self.stop.load(Ordering::SeqCst).then(|| RunTrouble::Stopped { reply: reply() })
    }

    /// The mail with its signatures. None of them signs another.
    fn sign(&self, letter: &Letter) -> Option<Letter> {
        let mut bytes = Vec::with_capacity(letter.bytes.len() + 1_024 * self.signers.len());
        for signer in self.signers.iter() {
            bytes.extend_from_slice(signer.header(&letter.bytes)?.as_bytes());
        }
        bytes.extend_from_slice(&letter.bytes);
        Some(Letter { bytes, ..letter.clone() })
    }

    /// One mail, with one more try where an old connection turns out to be dead before anything about the mail was heard.
    fn send_one(&mut self, letter: &Letter) -> Outcome {
        if let Some(refused) = letter::refuse(letter) {
            return refused;
        }
        let signed = (!self.signers.is_empty()).then(|| self.sign(letter));
        let letter = match &signed {
            None => letter,
            Some(Some(signed)) => signed,
            Some(None) => {
                let reply = "this machine gives no random bytes, so mails cannot be signed".to_owned();
                return Outcome::Untouched(RunTrouble::Refused { reply });
            }
        };
        loop {
            // A connection that has been used is looked at by its first command, and is made anew where it is dead.
            if !(self.is_young() && self.line.as_ref().is_some_and(|line| line.mails > 0))
                && let Err(trouble) = self.ready()
            {
                return Outcome::Untouched(trouble);
            }
            let Some(line) = &mut self.line else {
                return Outcome::Untouched(RunTrouble::Unreachable { reply: "there is no connection".to_owned() });
            };
            let was_used = line.mails > 0;
            line.mails = line.mails.saturating_add(1);
            let (stage, verdict) = transaction::transact(&mut line.wire, line.pipelining, &self.options.deadlines, letter);
            line.used = Instant::now();
            match verdict {
                Verdict::Done { outcome, reset } => {
                    self.door.heard();
                    if reset && !transaction::reset(&mut line.wire, self.options.deadlines.mail) {
                        self.line = None;
                    }
                    return outcome;
                }
                Verdict::Close(_) if stage == Stage::Mail && was_used => self.line = None,
                Verdict::Close(outcome) => {
                    self.line = None;
                    // Before its dot a mail has not left, and that nobody waited any longer is no fault of the server.
                    let stopped = self.stopped().filter(|_| matches!(outcome, Outcome::Deferred { code: None, .. }));
                    return stopped.map_or(outcome, Outcome::Untouched);
                }
                Verdict::Go => {
                    self.line = None;
                    return Outcome::InDoubt { reply: "the mail ended without an answer".to_owned() };
                }
            }
        }
    }

    fn connect(&self) -> Result<Line, RunTrouble> {
        let (wire, offers) = opening::open(&self.target, &self.options.deadlines, &self.stop)?;
        let now = Instant::now();
        Ok(Line { wire, pipelining: offers.pipelining, opened: now, used: now, mails: 0 })
    }

    /// Leaves politely; what comes of it does not matter.
    fn hang_up(&mut self) {
        if let Some(mut line) = self.line.take() {
            let _ = line.wire.ask("QUIT", FAREWELL);
        }
    }

    /// Whether the connection may still be used, as far as our own limits go.
    fn is_young(&self) -> bool {
        let options = &self.options;
        self.line.as_ref().is_some_and(|line| {
            line.opened.elapsed() < options.max_age && line.mails < options.max_mails && line.used.elapsed() < options.max_idle
        })
    }
}

impl Mailer for Smtp {
    fn send(&mut self, letters: &[Letter]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(letters.len());
        let mut trouble = None;
        for letter in letters {
            let outcome = trouble.clone().map_or_else(|| self.send_one(letter), Outcome::Untouched);
            if let Outcome::Untouched(found) = &outcome {
                trouble = Some(found.clone());
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// Each connection has one mail under way, so that a crash leaves no more than that in doubt.
    fn batch(&self) -> usize {
        1
    }

    fn ready(&mut self) -> Result<(), RunTrouble> {
        if self.is_ready() {
            return Ok(());
        }
        self.hang_up();
        if let Some(stopped) = self.stopped() {
            return Err(stopped);
        }
        let burst = self.door.knock(!self.was_open)?;
        if let Some(stopped) = self.stopped() {
            self.door.left();
            return Err(stopped);
        }
        match self.connect() {
            Ok(line) => {
                self.door.opened();
                self.line = Some(line);
                self.was_open = true;
                Ok(())
            }
            Err(trouble) => {
                if let (Some(stopped), RunTrouble::Unreachable { .. }) = (self.stopped(), &trouble) {
                    self.door.left();
                    return Err(stopped);
                }
                match &trouble {
                    RunTrouble::Unreachable { reply } => self.door.failed(burst, reply),
                    _ => self.door.opened(),
                }
                Err(trouble)
            }
        }
    }

    fn is_ready(&mut self) -> bool {
        self.is_young() && self.line.as_mut().is_some_and(|line| line.wire.is_alive())
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.hang_up();
    }
}
