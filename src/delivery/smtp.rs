//! SMTP over one connection: opened when needed, used for one mail after the other, closed as soon as it cannot be trusted.

use super::answer::{Answer, Stage, Verdict, judge};
use super::door::Door;
use super::wire::{Tape, Wire};
use super::{Error, Mailer, Target, letter};
use crate::domain::delivery::{Letter, Outcome, RunTrouble};
use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use std::fmt::Display;
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::{timeout, timeout_at};

/// A server that is told goodbye may take this long to answer.
const FAREWELL: Duration = Duration::from_millis(500);

const NOT_ALIVE: &str = "the server closed the connection, or answered before it was asked";

/// How long each stage may take. The defaults are those of RFC 5321 §4.5.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    pub connect: Duration,
    /// Greeting and EHLO together.
    pub hello: Duration,
    pub mail: Duration,
    pub rcpt: Duration,
    pub data: Duration,
    /// From the server's 354 until the final dot has left.
    pub text: Duration,
    /// From the final dot to the answer; not shorter than `text`.
    pub dot: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = Duration::from_mins;
        Self {
            connect: Duration::from_secs(30),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpOptions {
    /// The host name we give at EHLO.
    pub hello: String,
    pub deadlines: Deadlines,
    /// A connection is replaced after this long, this many mails, or this long without one.
    pub max_age: Duration,
    pub max_mails: u32,
    pub max_idle: Duration,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self {
            hello: "localhost".to_owned(),
            deadlines: Deadlines::default(),
            max_age: Duration::from_mins(10),
            max_mails: 1000,
            max_idle: Duration::from_secs(30),
        }
    }
}

/// One connection to a mail server, made anew whenever it must be.
#[derive(Debug)]
pub struct Smtp {
    target: Target,
    options: SmtpOptions,
    hello: ClientId,
    door: Door,
    line: Option<Line>,
    /// Only this connection runs on it, in the thread that calls.
    runtime: Runtime,
}

/// An open connection.
struct Line {
    connection: AsyncSmtpConnection,
    tape: Tape,
    /// The same socket once more, to look whether the server has closed it.
    probe: TcpStream,
    opened: Instant,
    used: Instant,
    mails: u32,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Line").field("opened", &self.opened).field("mails", &self.mails).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Prepares a connection; nothing is sent before `ready` or `send`.
    ///
    /// # Errors
    /// `options.hello` is no host name, or the system refuses what a connection needs.
    pub fn new(target: Target, options: SmtpOptions) -> Result<Self, Error> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        if options.hello.is_empty() || options.hello.len() > 253 || !options.hello.bytes().all(is_name) {
            return Err(Error::Hello { name: options.hello });
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Runtime { why: error.to_string() })?;
        let hello = ClientId::Domain(options.hello.clone());
        Ok(Self { target, options, hello, door: Door::default(), line: None, runtime })
    }

    /// Lets this connection stand in one line with others to the same server.
    #[must_use]
    pub fn behind(mut self, door: &Door) -> Self {
        self.door = door.clone();
        self
    }

    /// One mail, with one more try where an old connection turns out to be dead before anything about the mail was heard.
    fn send_one(&mut self, letter: &Letter) -> Outcome {
        if let Some(refused) = letter::refuse(letter) {
            return refused;
        }
        loop {
            if let Err(trouble) = self.ready() {
                return Outcome::Untouched(trouble);
            }
            let Some(line) = &mut self.line else {
                return Outcome::Untouched(RunTrouble::Unreachable { reply: "there is no connection".to_owned() });
            };
            let was_used = line.mails > 0;
            line.mails = line.mails.saturating_add(1);
            let (stage, verdict) = self.runtime.block_on(transact(line, &self.options.deadlines, letter));
            line.used = Instant::now();
            match verdict {
                Verdict::Done { outcome, reset } => {
                    self.door.heard();
                    if reset && !self.runtime.block_on(reset_line(line, self.options.deadlines.mail)) {
                        self.line = None;
                    }
                    return outcome;
                }
                Verdict::Close(_) if stage == Stage::Mail && was_used => self.line = None,
                Verdict::Close(outcome) => {
                    self.line = None;
                    return outcome;
                }
                Verdict::Go => {
                    self.line = None;
                    return Outcome::InDoubt { reply: "the mail ended without an answer".to_owned() };
                }
            }
        }
    }

    fn connect(&self) -> Result<Line, RunTrouble> {
        let unreachable = |error: &dyn Display| RunTrouble::Unreachable {
            reply: format!("cannot reach {}:{}: {error}", self.target.host, self.target.port),
        };
        let stream = self.dial().map_err(|error| unreachable(&error))?;
        let probe = stream.try_clone().map_err(|error| unreachable(&error))?;
        let deadline = self.options.deadlines.hello;
        self.runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).map_err(|error| unreachable(&error))?;
            let (wire, tape) = Wire::new(stream);
            let opening = timeout(deadline, AsyncSmtpConnection::connect_with_transport(Box::new(wire), &self.hello)).await;
            let trouble = match &opening {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("no answer within {deadline:?}")),
            };
            // lettre takes any 2xx or 3xx for a welcome, so both replies are judged here.
            let mut replies = tape.take().into_iter();
            for stage in [Stage::Greeting, Stage::Ehlo] {
                let missing = || Answer::Lost(trouble.clone().unwrap_or_else(|| "the server did not answer".to_owned()));
                let answer = replies.next().map_or_else(missing, Answer::Reply);
                if let Verdict::Close(Outcome::Untouched(trouble)) = judge(stage, &answer) {
                    return Err(match trouble {
                        RunTrouble::Unreachable { reply } => unreachable(&reply),
                        other => other,
                    });
                }
            }
            let connection = opening.ok().and_then(Result::ok).ok_or_else(|| unreachable(&trouble.clone().unwrap_or_default()))?;
            let now = Instant::now();
            Ok(Line { connection, tape, probe, opened: now, used: now, mails: 0 })
        })
    }

    /// A plain socket, to the first address that takes us.
    fn dial(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "it has no address");
        for address in &self.target.addresses {
            match TcpStream::connect_timeout(address, self.options.deadlines.connect) {
                Ok(stream) => {
                    // lettre writes a mail's text and its dot apart; without this the dot would wait for an acknowledgement.
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Leaves politely; what comes of it does not matter.
    fn hang_up(&mut self) {
        if let Some(mut line) = self.line.take()
            && line.is_alive()
        {
            let _ = self.runtime.block_on(async { timeout(FAREWELL, line.connection.command(Quit)).await });
        }
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
        self.door.knock()?;
        match self.connect() {
            Ok(line) => {
                self.door.opened();
                self.line = Some(line);
                Ok(())
            }
            Err(trouble) => {
                match &trouble {
                    RunTrouble::Unreachable { reply } => self.door.failed(reply),
                    _ => self.door.opened(),
                }
                Err(trouble)
            }
        }
    }

    fn is_ready(&self) -> bool {
        let options = &self.options;
        self.line.as_ref().is_some_and(|line| {
            let is_young = line.opened.elapsed() < options.max_age && line.mails < options.max_mails;
            is_young && line.used.elapsed() < options.max_idle && line.is_alive()
        })
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Line {
    /// Whether the connection is open and silent. A server that is about to close one says so unasked (421), or just closes it.
    fn is_alive(&self) -> bool {
        let silent = matches!(self.probe.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        silent && !self.tape.is_ahead()
    }

    /// Sends a command and gives the server's own reply to it.
    async fn ask(&mut self, command: impl Display, deadline: Duration) -> Answer {
        if !self.is_alive() {
            return Answer::Lost(NOT_ALIVE.to_owned());
        }
        self.tape.take();
        let trouble = match timeout(deadline, self.connection.command(command)).await {
            Ok(Ok(_)) => "the server did not answer".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {deadline:?}"),
        };
        self.tape.take().pop().map_or(Answer::Lost(trouble), Answer::Reply)
    }

    /// Sends the text and the final dot, and gives the reply together with how far we came.
    async fn hand_over(&mut self, text: &[u8], deadlines: &Deadlines) -> (Stage, Answer) {
        if !self.is_alive() {
            return (Stage::Text, Answer::Lost(NOT_ALIVE.to_owned()));
        }
        self.tape.take();
        self.tape.begin();
        // lettre puts a CRLF before the dot, which is the end of the letter's own last line.
        let text = text.strip_suffix(b"\r\n").unwrap_or(text);
        let started = tokio::time::Instant::now();
        let mut sending = Box::pin(self.connection.message(text));
        let trouble = loop {
            let dot_at = self.tape.dot_at();
            let deadline = dot_at.map_or(started + deadlines.text, |dot_at| dot_at + deadlines.dot);
            match timeout_at(deadline, &mut sending).await {
                Ok(Ok(_)) => break "the server did not answer".to_owned(),
                Ok(Err(error)) => break error.to_string(),
                // The dot may have left in the meantime; then its own deadline counts.
                Err(_) if self.tape.dot_at() != dot_at => {}
                Err(_) if dot_at.is_some() => break format!("no answer within {:?} after the final dot", deadlines.dot),
                Err(_) => break format!("the server did not take the text within {:?}", deadlines.text),
            }
        };
        drop(sending);
        let stage = if self.tape.dot_at().is_some() { Stage::Dot } else { Stage::Text };
        (stage, self.tape.take().pop().map_or(Answer::Lost(trouble), Answer::Reply))
    }
}

/// Takes one mail through the stages, until one of them decides.
async fn transact(line: &mut Line, deadlines: &Deadlines, letter: &Letter) -> (Stage, Verdict) {
    let mail = Mail::new(Some(address(&letter.from)), vec![]);
    let verdict = judge(Stage::Mail, &line.ask(mail, deadlines.mail).await);
    if verdict != Verdict::Go {
        return (Stage::Mail, verdict);
    }
    let verdict = judge(Stage::Rcpt, &line.ask(Rcpt::new(address(&letter.to), vec![]), deadlines.rcpt).await);
    if verdict != Verdict::Go {
        return (Stage::Rcpt, verdict);
    }
    let verdict = judge(Stage::Data, &line.ask(Data, deadlines.data).await);
    if verdict != Verdict::Go {
        return (Stage::Data, verdict);
    }
    let (stage, answer) = line.hand_over(&letter.bytes, deadlines).await;
    (stage, judge(stage, &answer))
}

/// Forgets the open transaction; whether the connection can be used on.
async fn reset_line(line: &mut Line, deadline: Duration) -> bool {
    matches!(line.ask(Rset, deadline).await, Answer::Reply(reply) if reply.code == 250)
}

/// lettre's own check refuses addresses that exist; ours has been made before.
fn address(text: &str) -> Address {
    let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    Address::new_dangerous(local, domain)
}
