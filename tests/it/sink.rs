//! A receiving mail server for tests. It logs each mail it takes, on the disk, before it answers, and misbehaves as the address
//! tells it to, so that tests know what really arrived.
//!
//! The local part `STAGE-ACTION` or `STAGE-ACTION-anything` of the recipient (of the sender for `mail`) makes it act at `rcpt`,
//! `data`, `text` or `dot`; any other address is served well. Actions are in [`act`]. At `dot`, 250 and what follows it mean that
//! the mail was taken.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is read of a line at most, in bytes: more than the wire allows.
const LONGEST: usize = 2_000;

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub message_id: String,
    pub recipient: String,
    /// BLAKE3 of the message, 64 hex digits.
    pub hash: String,
}

/// How a server behaves towards everybody.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Actions; `220` and `250` are the good ones.
    pub greeting: &'static str,
    pub ehlo: &'static str,
    /// What stands in the answer to EHLO.
    pub offers: &'static [&'static str],
    pub tls: Option<Arc<ServerConfig>>,
    /// TLS begins with the first byte. Otherwise, where there is TLS, STARTTLS is offered.
    pub implicit: bool,
    /// The action at STARTTLS; `220inject` sends more in the same packet.
    pub starttls: &'static str,
    /// The user and password that are right; without signing in nobody sends then.
    pub login: Option<(&'static str, &'static str)>,
    /// The action when they are.
    pub auth: &'static str,
    /// The actions at DATA and at the dot after a recipient that was refused; 503 when there is none.
    pub hasty: Option<(&'static str, &'static str)>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            greeting: "220",
            ehlo: "250",
            offers: &[],
            tls: None,
            implicit: false,
            starttls: "220",
            login: None,
            auth: "235",
            hasty: None,
        }
    }
}

/// A server that runs in this process until it ends.
#[derive(Debug)]
pub struct Sink {
    pub address: SocketAddr,
    log: PathBuf,
    seen: Arc<Seen>,
}

/// What a server has seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    pub connections: AtomicUsize,
    pub resets: AtomicUsize,
    /// Lines or mails that broke the rules of the wire.
    pub offences: AtomicUsize,
    /// Sessions that signed in, by the way they did.
    pub logins: Mutex<Vec<String>>,
    /// What was said at MAIL.
    pub senders: Mutex<Vec<String>>,
    /// Recipient and text of each mail that was taken.
    pub mails: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Sink {
    /// Starts a server whose greeting and answer to EHLO are actions; `220` and `250` are the good ones.
    pub fn start(folder: &Path, greeting: &'static str, ehlo: &'static str) -> Self {
        Self::with(folder, Manners { greeting, ehlo, ..Manners::default() })
    }

    pub fn with(folder: &Path, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, log) = (listener.local_addr().unwrap(), folder.join(format!("taken-{}.log", listener.local_addr().unwrap().port())));
        let seen = Arc::new(Seen::default());
        let (path, counts) = (log.clone(), Arc::clone(&seen));
        thread::spawn(move || serve(&listener, &path, &counts, &manners));
        Self { address, log, seen }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The URL by another scheme, and with a user where it ends in `@`: `smtps://mailer@`.
    pub fn url_by(&self, start: &str) -> String {
        format!("{start}{}", self.address)
    }

    pub fn logins(&self) -> Vec<String> {
        self.seen.logins.lock().unwrap().clone()
    }

    pub fn senders(&self) -> Vec<String> {
        self.seen.senders.lock().unwrap().clone()
    }

    pub fn taken(&self) -> Vec<Taken> {
        read_log(&self.log)
    }

    /// Recipient and text of each mail that was taken.
    pub fn mails(&self) -> Vec<(String, Vec<u8>)> {
        self.seen.mails.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub fn resets(&self) -> usize {
        self.seen.resets.load(Ordering::SeqCst)
    }

    pub fn offences(&self) -> usize {
        self.seen.offences.load(Ordering::SeqCst)
    }
}

/// The mails that a log tells of.
pub fn read_log(log: &Path) -> Vec<Taken> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().unwrap();
            Taken { message_id: next(), recipient: next(), hash: next() }
        })
        .collect()
}

/// Serves a listener for ever, one thread for each connection. Needs nothing but the listener and a file, so it can also be the
/// whole of a process.
pub fn serve(listener: &TcpListener, log: &Path, seen: &Arc<Seen>, manners: &Manners) {
    let log = Arc::new(Mutex::new(OpenOptions::new().create(true).append(true).open(log).unwrap()));
    for stream in listener.incoming().flatten() {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let (log, seen, manners) = (Arc::clone(&log), Arc::clone(seen), manners.clone());
        thread::spawn(move || {
            // The client may go at any time; that ends the talk and nothing else.
            let _ = Talk::begin(stream, &manners).and_then(|mut talk| talk.go_on(&log, &seen, &manners));
        });
    }
}

/// The other end, plain or inside TLS.
enum Peer {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Peer {
    fn secure(&mut self, config: &Arc<ServerConfig>) -> io::Result<()> {
        if let Self::Plain(stream) = self {
            let mut stream = stream.try_clone()?;
            let mut session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            while session.is_handshaking() {
                session.complete_io(&mut stream)?;
            }
            *self = Self::Tls(Box::new(StreamOwned::new(session, stream)));
        }
        Ok(())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

/// One connection's talk.
struct Talk {
    peer: Peer,
    unread: Vec<u8>,
}

impl Talk {
    fn begin(stream: TcpStream, manners: &Manners) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut peer = Peer::Plain(stream);
        if let Some(config) = manners.tls.as_ref().filter(|_| manners.implicit) {
            peer.secure(config)?;
        }
        Ok(Self { peer, unread: Vec::new() })
    }

    fn go_on(&mut self, log: &Mutex<File>, seen: &Seen, manners: &Manners) -> io::Result<()> {
        let mut recipient = String::new();
        // Whether there is nobody that a text could be for.
        let mut is_refused = false;
        let mut signed_in = manners.login.is_none();
        self.act(manners.greeting)?;
        loop {
            let line = self.read_line(seen)?;
            let verb = line.get(..4).unwrap_or_default();
            match verb {
                "EHLO" => self.hello(manners)?,
                "STAR" if manners.tls.is_some() => {
                    self.act(manners.starttls)?;
                    if manners.starttls.starts_with("220") {
                        self.unread.clear();
                        self.peer.secure(manners.tls.as_ref().unwrap())?;
                    }
                }
                "AUTH" => signed_in = self.sign_in(&line, seen, manners)?,
                "MAIL" | "RCPT" | "DATA" if !signed_in => self.act("530")?,
                "MAIL" => {
                    let sender = address(&line);
                    seen.senders.lock().unwrap().push(sender.clone());
                    let answer = action(&sender, "mail").unwrap_or("250");
                    is_refused = answer.starts_with(['4', '5']) && manners.hasty.is_none();
                    self.act(answer)?;
                }
                "RCPT" if is_refused => self.act("503")?,
                "RCPT" => {
                    recipient = address(&line);
                    let answer = action(&recipient, "rcpt").unwrap_or("250");
                    is_refused = answer.starts_with(['4', '5']);
                    self.act(answer)?;
                }
                "DATA" if is_refused => self.end_refused(seen, manners)?,
                "DATA" => {
                    let answer = action(&recipient, "data").unwrap_or("354");
                    self.act(answer)?;
                    if answer.starts_with("354") {
                        self.take_text(&recipient, log, seen)?;
                    }
                }
                "RSET" => {
                    seen.resets.fetch_add(1, Ordering::SeqCst);
                    is_refused = false;
                    self.act(action(&recipient, "rset").unwrap_or("250"))?;
                }
                "QUIT" => return self.act("221"),
                _ => {
                    seen.offences.fetch_add(1, Ordering::SeqCst);
                    self.act("500")?;
                }
            }
        }
    }

    fn hello(&mut self, manners: &Manners) -> io::Result<()> {
        let mut offers = manners.offers.to_vec();
        if manners.tls.is_some() && matches!(self.peer, Peer::Plain(_)) {
            offers.push("STARTTLS");
        }
        if manners.ehlo != "250" || offers.is_empty() {
            return self.act(manners.ehlo);
        }
        let (last, rest) = offers.split_last().unwrap();
        let mut lines = vec!["250-sink\r\n".to_owned()];
        lines.extend(rest.iter().map(|offer| format!("250-{offer}\r\n")));
        lines.push(format!("250 {last}\r\n"));
        self.peer.write_all(lines.concat().as_bytes())
    }

    /// Like a server that is too talkative, it repeats what it was told.
    fn sign_in(&mut self, line: &str, seen: &Seen, manners: &Manners) -> io::Result<bool> {
        if manners.tls.is_some() && matches!(self.peer, Peer::Plain(_)) {
            seen.offences.fetch_add(1, Ordering::SeqCst);
        }
        let (user, password) = manners.login.unwrap();
        let mut words = line.split(' ').skip(1);
        let (way, first) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let told = match way.as_str() {
            "LOGIN" => {
                let mut told = Vec::new();
                for question in ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"] {
                    self.peer.write_all(question.as_bytes())?;
                    told.push(self.read_line(seen)?);
                }
                told.join(" ")
            }
            _ => first,
        };
        let right = match way.as_str() {
            "PLAIN" => STANDARD.encode(format!("\0{user}\0{password}")),
            "LOGIN" => format!("{} {}", STANDARD.encode(user), STANDARD.encode(password)),
            _ => STANDARD.encode(format!("user={user}\x01auth=Bearer {password}\x01\x01")),
        };
        if told == right {
            self.act(manners.auth)?;
            if manners.auth == "235" {
                seen.logins.lock().unwrap().push(way);
            }
            return Ok(manners.auth == "235");
        }
        if way == "XOAUTH2" {
            self.peer.write_all(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n")?;
            self.read_line(seen)?;
        }
        // In every way in which somebody could have written it into a message.
        let secret = told.split(' ').filter_map(|word| STANDARD.decode(word).ok()).next_back().unwrap_or_default();
        let secret = String::from_utf8_lossy(&secret).trim_matches('\x01').to_owned();
        let secret = secret.rsplit(['\0', ' ']).next().unwrap();
        let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        let (coded, pair) = (STANDARD.encode(secret), STANDARD.encode(format!("{user}:{secret}")));
        let lines = [told.clone(), secret.to_owned(), format!("<{secret}>,"), hex.concat(), hex.join(":"), hex.join(" "), coded, pair];
        let lines: Vec<String> = lines.iter().map(|line| format!("535-5.7.8 wrong: {line}\r\n")).collect();
        self.peer.write_all(format!("{}535 5.7.8 try again\r\n", lines.concat()).as_bytes())?;
        Ok(false)
    }

    /// DATA after a recipient that was refused. What comes then must be a lone dot.
    fn end_refused(&mut self, seen: &Seen, manners: &Manners) -> io::Result<()> {
        let (data, dot) = manners.hasty.unwrap_or(("503", ""));
        self.act(data)?;
        if data == "354" {
            if !self.read_text(seen)?.is_empty() {
                seen.offences.fetch_add(1, Ordering::SeqCst);
            }
            self.act(dot)?;
        }
        Ok(())
    }

    fn take_text(&mut self, recipient: &str, log: &Mutex<File>, seen: &Seen) -> io::Result<()> {
        if let Some(action) = action(recipient, "text") {
            self.act(action)?;
        }
        let text = self.read_text(seen)?;
        let answer = action(recipient, "dot").unwrap_or("250");
        if answer.starts_with("250") {
            take(log, &text, recipient)?;
            seen.mails.lock().unwrap().push((recipient.to_owned(), text));
        }
        self.act(answer)
    }

    /// One line with its end, or what there is of it when the client goes.
    fn read_raw(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let end = self.unread.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let end = end.or((self.unread.len() >= LONGEST).then_some(LONGEST));
            if let Some(end) = end {
                return Ok(self.unread.drain(..end).collect());
            }
            let mut space = [0; 16_384];
            match self.peer.read(&mut space) {
                Ok(0) => return Ok(std::mem::take(&mut self.unread)),
                Ok(count) => self.unread.extend_from_slice(&space[..count]),
                Err(error) => return Err(error),
            }
        }
    }

    fn read_line(&mut self, seen: &Seen) -> io::Result<String> {
        let line = self.read_raw()?;
        note_offence(whole(&line)?, seen);
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// The text of a mail up to its dot, with the stuffing taken out.
    fn read_text(&mut self, seen: &Seen) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let line = self.read_raw()?;
            note_offence(whole(&line)?, seen);
            match line.strip_prefix(b".") {
                Some(b"\r\n") => return Ok(text),
                Some(rest) => text.extend_from_slice(rest),
                None => text.extend_from_slice(&line),
            }
        }
    }
}

impl Talk {
    /// What an action does: an error ends the talk.
    /// - a code: that reply; `550gone`: with the words for an address that does not exist; `550sender`: with those for a refused sender; `554relay`: with those of a server that does not send for us; `250bare`: without a word; `250lf`: without CR; `250kanji`: with bytes that are no UTF-8; `250bye`: the
    ///   reply, then closed; `250bye421`: the reply, then 421 unasked, then closed; `354twice`: the reply and a 250 at once;
    ///   `250nap`: the reply, a little later; `250drop`: no reply at all (the mail is taken at `dot`), closed
    /// - `drop`: closed; `stall`: silence, also while a text should be read; `endless`: a line without end; `slow`: a reply, byte by byte;
    ///   `garbage`: no reply; `mixed`: lines of different codes; `220inject`: the reply, and more of it than was asked for
    fn act(&mut self, action: &str) -> io::Result<()> {
        let stream = &mut self.peer;
        let close = || Err(io::ErrorKind::ConnectionAborted.into());
        let (code, manner) = action.split_at(action.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(action.len()));
        match manner {
            "" => stream.write_all(format!("{code}-words of\r\n{code} the server\r\n").as_bytes()),
            "gone" => stream.write_all(format!("{code} 5.1.1 User unknown\r\n").as_bytes()),
            "sender" => {
                stream.write_all(format!("{code} 5.1.8 <b@shop.example>: Sender address rejected: Domain not found\r\n").as_bytes())
            }
            "relay" => stream.write_all(format!("{code} 5.7.1 <b@shop.example>: Relay access denied\r\n").as_bytes()),
            "bare" => stream.write_all(format!("{code}\r\n").as_bytes()),
            "lf" => stream.write_all(format!("{code} ok\n").as_bytes()),
            "kanji" => stream.write_all(&[code.as_bytes(), b" \x8e\xf3\x90M\r\n"].concat()),
            "bye" => {
                stream.write_all(format!("{code} ok\r\n").as_bytes())?;
                close()
            }
            "bye421" => {
                stream.write_all(format!("{code} ok\r\n").as_bytes())?;
                thread::sleep(Duration::from_millis(20));
                stream.write_all(b"421 too long idle\r\n")?;
                close()
            }
            "twice" => stream.write_all(format!("{code} ok\r\n250 ok\r\n").as_bytes()),
            "nap" => {
                thread::sleep(Duration::from_millis(20));
                self.act(code)
            }
            "drop" => close(),
            "stall" => {
                // Nothing is read meanwhile, so that a long text cannot leave the client either.
                thread::sleep(Duration::from_secs(20));
                close()
            }
            "endless" => loop {
                stream.write_all(&[b'2'; 1000])?;
            },
            "slow" => {
                for byte in b"250 I am slow today, very slow\r\n" {
                    thread::sleep(Duration::from_millis(200));
                    stream.write_all(&[*byte])?;
                }
                Ok(())
            }
            "garbage" => stream.write_all(b"what do you want?\r\n"),
            "mixed" => stream.write_all(b"250-yes\r\n550 no\r\n"),
            "inject" => stream.write_all(format!("{code} ok\r\n250 AUTH PLAIN\r\n").as_bytes()),
            other => panic!("the sink knows no action {other}"),
        }
    }
}

/// The action that an address asks for at a stage.
fn action<'a>(address: &'a str, stage: &str) -> Option<&'a str> {
    let mut words = address.split('@').next()?.split('-');
    (words.next()? == stage).then(|| words.next()).flatten()
}

fn address(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map_or("", |(address, _)| address).to_owned()
}

/// A line that was read, or the end of the talk: who is killed while writing leaves half a line, and no rule is broken by it.
fn whole(line: &[u8]) -> io::Result<&[u8]> {
    if line.ends_with(b"\n") || line.len() == LONGEST { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A line ends in CRLF, has no other CR, no NUL, and at most 998 bytes.
fn note_offence(line: &[u8], seen: &Seen) {
    let is_good = line.strip_suffix(b"\r\n").is_some_and(|line| line.len() <= 999 && !line.contains(&b'\r') && !line.contains(&0));
    if !is_good {
        seen.offences.fetch_add(1, Ordering::SeqCst);
    }
}

/// The mail is on the disk before anybody is told.
fn take(log: &Mutex<File>, text: &[u8], recipient: &str) -> io::Result<()> {
    let head = String::from_utf8_lossy(text);
    let id = head.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("Message-ID: ")).unwrap_or("none");
    let mut log = log.lock().unwrap();
    log.write_all(format!("{id}\t{recipient}\t{}\n", blake3::hash(text).to_hex()).as_bytes())?;
    log.sync_data()
}

/// A client that is killed leaves half a command or half a text behind.
#[test]
fn half_a_line_is_the_end_and_a_bare_line_feed_an_offence() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let say = |words: &str| {
        let mut stream = TcpStream::connect(sink.address).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // Read to the end: the server has closed, so it has seen everything.
        let _ = stream.read_to_end(&mut Vec::new());
    };
    say("EHLO a\r\nMAIL FRO");
    say("EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<good@b.example>\r\nDATA\r\nSubject: ha");
    assert_eq!((sink.offences(), sink.taken().len()), (0, 0));
    say("EHLO a\n");
    assert_eq!(sink.offences(), 1);
    say(&format!("EHLO {}\r\n", "a".repeat(3_000)));
    assert!(sink.offences() >= 2);
}
