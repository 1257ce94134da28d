//! A connection to a mail server, plain or inside TLS. Every read and write has a deadline, and no reply is believed that came
//! before it was asked for.

use super::answer::Answer;
use super::reply;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes taken at once.
const GULP: usize = 4096;
/// Nobody waits longer than this without a look at whether the run is being stopped.
const SLICE: Duration = Duration::from_millis(100);

const NOT_ALIVE: &str = "the server closed the connection, or answered before it was asked";

/// An open connection.
pub struct Wire {
    stream: Stream,
    /// Received, not yet taken as a reply.
    raw: Vec<u8>,
}

enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

/// A socket with a deadline for whatever is done with it.
struct Timed {
    socket: TcpStream,
    until: Instant,
    /// How long a read and a write wait, as the socket was told last.
    told: [Option<Duration>; 2],
    /// Only what is there already is read, without waiting.
    glance: bool,
    /// Ends all waiting, save where a mail hangs on it.
    stop: Arc<AtomicBool>,
    heeds: bool,
}

impl fmt::Debug for Wire {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Wire").field("tls", &self.is_secret()).finish_non_exhaustive()
    }
}

impl Wire {
    /// A plain socket, to the first address that takes us.
    ///
    /// # Errors
    /// Nobody does.
    pub fn dial(addresses: &[SocketAddr], deadline: Duration, stop: &Arc<AtomicBool>) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "it has no address");
        for address in addresses {
            match connect(*address, deadline, stop) {
                Ok(socket) => {
                    // What is written is whole; without this its last packet would wait for an acknowledgement.
                    socket.set_nodelay(true)?;
                    let until = Instant::now() + deadline;
                    let timed = Timed { socket, until, told: [None; 2], glance: false, stop: Arc::clone(stop), heeds: true };
                    return Ok(Self { stream: Stream::Plain(timed), raw: Vec::new() });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Begins TLS with a server of this name. What was received so far is forgotten: nobody has vouched for it.
    ///
    /// # Errors
    /// The server is not who it should be, or the connection fails.
    pub fn secure(self, config: &Arc<ClientConfig>, name: ServerName<'static>, deadline: Duration) -> io::Result<Self> {
        let Stream::Plain(mut timed) = self.stream else { return Ok(self) };
        timed.until = Instant::now() + deadline;
        let mut session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut timed)?;
        }
        Ok(Self { stream: Stream::Tls(Box::new(StreamOwned::new(session, timed))), raw: Vec::new() })
    }

    /// Whether nobody between us and the server can read along.
    pub fn is_secret(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// What keeps the connection secret; `None` where nothing does.
    pub fn session(&self) -> Option<&ClientConnection> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => Some(&stream.conn),
        }
    }

    /// Whether something is there that was not asked for.
    pub fn is_ahead(&self) -> bool {
        !self.raw.is_empty()
    }

    /// Whether the connection is open and silent. A server that is about to close one says so unasked (421), or just closes it.
    pub fn is_alive(&mut self) -> bool {
        if self.is_ahead() {
            return false;
        }
        let timed = self.timed();
        timed.glance = true;
        let looked = timed.socket.set_nonblocking(true);
        // Inside TLS this also takes in what the protocol itself has to say.
        let found = looked.and_then(|()| self.stream.read(&mut [0]));
        let timed = self.timed();
        timed.glance = false;
        timed.socket.set_nonblocking(false).is_ok() && matches!(found, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Our end of the connection.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Plain(timed) => timed.socket.local_addr(),
            Stream::Tls(stream) => stream.sock.socket.local_addr(),
        }
    }

    /// Writes all of it, to the last byte. Where that fails, the last byte has not left and never will.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn say(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), String> {
        if !self.is_alive() {
            return Err(NOT_ALIVE.to_owned());
        }
        self.timed().until = Instant::now() + deadline;
        let written = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => format!("the server did not take it within {deadline:?}"),
            _ => error.to_string(),
        })
    }

    /// Waits for one reply.
    pub fn listen(&mut self, deadline: Duration) -> Answer {
        self.timed().until = Instant::now() + deadline;
        loop {
            match reply::take(&mut self.raw) {
                Ok(Some(reply)) => return Answer::Reply(reply),
                Ok(None) => {}
                Err(why) => return Answer::Lost(why.to_owned()),
            }
            let mut space = [0; GULP];
            match self.stream.read(&mut space) {
                Ok(0) => return Answer::Lost("the server closed the connection".to_owned()),
                Ok(count) => self.raw.extend_from_slice(space.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Answer::Lost(format!("no answer within {deadline:?}")),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Answer::Lost("the server closed the connection".to_owned());
                }
                Err(error) => return Answer::Lost(error.to_string()),
            }
        }
    }

    /// Waits for the answer to a final dot, also while the run is being stopped: what comes decides whether a mail is in doubt.
    pub fn hear_out(&mut self, deadline: Duration) -> Answer {
        self.timed().heeds = false;
        let answer = self.listen(deadline);
        self.timed().heeds = true;
        answer
    }

    /// Sends a command, without its line end, and waits for the reply.
    pub fn ask(&mut self, command: &str, deadline: Duration) -> Answer {
        match self.say(format!("{command}\r\n").as_bytes(), deadline) {
            Ok(()) => self.listen(deadline),
            Err(why) => Answer::Lost(why),
        }
    }

    fn timed(&mut self) -> &mut Timed {
        match &mut self.stream {
            Stream::Plain(timed) => timed,
            Stream::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Timed {
    /// How long to wait before the next look, or the error that says why not.
    fn patience(&self) -> io::Result<Duration> {
        if self.heeds && self.stop.load(Ordering::SeqCst) {
            return Err(stopped());
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left.min(SLICE)) }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the run is being stopped")
}

/// A socket that has waited long enough says that it would block.
fn has_waited(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Connects on a thread of its own, which is left behind when the run is being stopped: nothing else ends that wait.
fn connect(address: SocketAddr, deadline: Duration, stop: &AtomicBool) -> io::Result<TcpStream> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().spawn(move || tell.send(TcpStream::connect_timeout(&address, deadline)))?;
    loop {
        match told.recv_timeout(SLICE) {
            Ok(connected) => return connected,
            Err(mpsc::RecvTimeoutError::Timeout) if !stop.load(Ordering::SeqCst) => {}
            Err(_) => return Err(stopped()),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.glance {
            return self.socket.read(into);
        }
        loop {
            let patience = Some(self.patience()?);
            if self.told[0] != patience {
                self.socket.set_read_timeout(patience)?;
                self.told[0] = patience;
            }
            match self.socket.read(into) {
                Err(error) if has_waited(&error) => {}
                other => return other,
            }
        }
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.glance {
            return self.socket.write(bytes);
        }
        loop {
            let patience = Some(self.patience()?);
            if self.told[1] != patience {
                self.socket.set_write_timeout(patience)?;
                self.told[1] = patience;
            }
            match self.socket.write(bytes) {
                Err(error) if has_waited(&error) => {}
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
