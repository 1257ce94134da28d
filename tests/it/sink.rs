//! A receiving mail server for tests. It logs each mail it takes, on the disk, before it answers, and misbehaves as the address
//! tells it to, so that tests know what really arrived.
//!
//! The local part `STAGE-ACTION` or `STAGE-ACTION-anything` of the recipient (of the sender for `mail`) makes it act at `rcpt`,
//! `data`, `text` or `dot`; any other address is served well. Actions are in [`act`]. At `dot`, 250 and what follows it mean that
//! the mail was taken.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is read of a line at most, in bytes: more than the wire allows.
const LONGEST: u64 = 2_000;

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub message_id: String,
    pub recipient: String,
    /// BLAKE3 of the message, 64 hex digits.
    pub hash: String,
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
    /// Recipient and text of each mail that was taken.
    pub mails: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Sink {
    /// Starts a server whose greeting and answer to EHLO are actions; `220` and `250` are the good ones.
    pub fn start(folder: &Path, greeting: &'static str, ehlo: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, log) = (listener.local_addr().unwrap(), folder.join(format!("taken-{}.log", listener.local_addr().unwrap().port())));
        let seen = Arc::new(Seen::default());
        let (path, counts) = (log.clone(), Arc::clone(&seen));
        thread::spawn(move || serve(&listener, &path, &counts, greeting, ehlo));
        Self { address, log, seen }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
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
pub fn serve(listener: &TcpListener, log: &Path, seen: &Arc<Seen>, greeting: &'static str, ehlo: &'static str) {
    let log = Arc::new(Mutex::new(OpenOptions::new().create(true).append(true).open(log).unwrap()));
    for stream in listener.incoming().flatten() {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let (log, seen) = (Arc::clone(&log), Arc::clone(seen));
        thread::spawn(move || {
            // The client may go at any time; that ends the talk and nothing else.
            let _ = talk(&stream, &log, &seen, greeting, ehlo);
        });
    }
}

fn talk(stream: &TcpStream, log: &Mutex<File>, seen: &Seen, greeting: &str, ehlo: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream);
    let mut recipient = String::new();
    act(stream, greeting)?;
    loop {
        let line = read_line(&mut lines, seen)?;
        match line.get(..4).unwrap_or_default() {
            "EHLO" => act(stream, ehlo)?,
            "MAIL" => {
                let sender = address(&line);
                act(stream, action(&sender, "mail").unwrap_or("250"))?;
            }
            "RCPT" => {
                recipient = address(&line);
                act(stream, action(&recipient, "rcpt").unwrap_or("250"))?;
            }
            "DATA" => {
                let answer = action(&recipient, "data").unwrap_or("354");
                act(stream, answer)?;
                if answer.starts_with("354") {
                    if let Some(action) = action(&recipient, "text") {
                        act(stream, action)?;
                    }
                    let text = read_text(&mut lines, seen)?;
                    let answer = action(&recipient, "dot").unwrap_or("250");
                    if answer.starts_with("250") {
                        take(log, &text, &recipient)?;
                        seen.mails.lock().unwrap().push((recipient.clone(), text));
                    }
                    act(stream, answer)?;
                }
            }
            "RSET" => {
                seen.resets.fetch_add(1, Ordering::SeqCst);
                act(stream, action(&recipient, "rset").unwrap_or("250"))?;
            }
            "QUIT" => return act(stream, "221"),
            _ => {
                seen.offences.fetch_add(1, Ordering::SeqCst);
                act(stream, "500")?;
            }
        }
    }
}

/// What an action does: an error ends the talk.
/// - a code: that reply; `550gone`: with the words for an address that does not exist; `250bare`: without a word; `250lf`: without CR; `250kanji`: with bytes that are no UTF-8; `250bye`: the
///   reply, then closed; `250bye421`: the reply, then 421 unasked, then closed; `354twice`: the reply and a 250 at once;
///   `250nap`: the reply, a little later; `250drop`: no reply at all (the mail is taken at `dot`), closed
/// - `drop`: closed; `stall`: silence, also while a text should be read; `endless`: a line without end; `slow`: a reply, byte by byte;
///   `garbage`: no reply; `mixed`: lines of different codes
fn act(mut stream: &TcpStream, action: &str) -> io::Result<()> {
    let close = || Err(io::ErrorKind::ConnectionAborted.into());
    let (code, manner) = action.split_at(action.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(action.len()));
    match manner {
        "" => stream.write_all(format!("{code}-words of\r\n{code} the server\r\n").as_bytes()),
        "gone" => stream.write_all(format!("{code} 5.1.1 User unknown\r\n").as_bytes()),
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
            act(stream, code)
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
        other => panic!("the sink knows no action {other}"),
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

fn read_line(lines: &mut BufReader<&TcpStream>, seen: &Seen) -> io::Result<String> {
    let mut line = Vec::new();
    lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
    note_offence(whole(&line)?, seen);
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// The text of a mail up to its dot, with the stuffing taken out.
fn read_text(lines: &mut BufReader<&TcpStream>, seen: &Seen) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        let mut line = Vec::new();
        lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        note_offence(whole(&line)?, seen);
        match line.strip_prefix(b".") {
            Some(b"\r\n") => return Ok(text),
            Some(rest) => text.extend_from_slice(rest),
            None => text.extend_from_slice(&line),
        }
    }
}

/// A line that was read, or the end of the talk: who is killed while writing leaves half a line, and no rule is broken by it.
fn whole(line: &[u8]) -> io::Result<&[u8]> {
    if line.ends_with(b"\n") || line.len() as u64 == LONGEST { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
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
