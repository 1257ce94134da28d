//! Questions to a name server, over UDP, and over TCP where an answer is too long for that.

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// For one answer of one server.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often each server is asked.
const ROUNDS: usize = 2;
const PORT: u16 = 53;
const CONFIGURED: &str = "/etc/resolv.conf";

/// Whom to ask.
#[derive(Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
}

impl Resolver {
    /// The server that was typed (`192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`), else those of this machine.
    ///
    /// # Errors
    /// There is none, in words.
    pub fn of(typed: Option<&str>) -> Result<Self, String> {
        if let Some(text) = typed {
            let server = address(text).ok_or_else(|| format!("`--dns {text}`: 192.0.2.1, 192.0.2.1:53, [2001:db8::1]:53"))?;
            return Ok(Self { servers: vec![server] });
        }
        let text = fs::read_to_string(CONFIGURED).map_err(|error| format!("{CONFIGURED}: {error}"))?;
        let servers: Vec<SocketAddr> = text.lines().filter_map(|line| address(line.trim().strip_prefix("nameserver")?.trim())).collect();
        if servers.is_empty() { Err(format!("{CONFIGURED}: nameserver?")) } else { Ok(Self { servers }) }
    }

    /// The texts at a name, each joined from its strings; none where there is no such name.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.ask(name, TYPE::TXT, |data| match data {
            RData::TXT(text) => String::try_from(text).ok(),
            _ => None,
        })
    }

    /// The hosts that take a domain's mail; an empty one says that nobody does (RFC 7505).
    pub fn exchanges(&self, name: &str) -> Result<Vec<String>, String> {
        self.ask(name, TYPE::MX, |data| match data {
            RData::MX(exchange) => Some(exchange.exchange.to_string()),
            _ => None,
        })
    }

    /// Whether a name has an address.
    pub fn has_address(&self, name: &str) -> Result<bool, String> {
        let any = |kind| self.ask(name, kind, |data| matches!(data, RData::A(_) | RData::AAAA(_)).then_some(()));
        Ok(!any(TYPE::A)?.is_empty() || !any(TYPE::AAAA)?.is_empty())
    }

    fn ask<T>(&self, name: &str, kind: TYPE, take: impl Fn(RData) -> Option<T>) -> Result<Vec<T>, String> {
        let mut id = [0; 2];
        getrandom::fill(&mut id).map_err(|error| error.to_string())?;
        let mut query = Packet::new_query(u16::from_be_bytes(id));
        query.set_flags(PacketFlag::RECURSION_DESIRED);
        let asked = Name::new(name).map_err(|error| format!("{name}: {error}"))?;
        query.questions.push(Question::new(asked, kind.into(), CLASS::IN.into(), false));
        let bytes = query.build_bytes_vec().map_err(|error| format!("{name}: {error}"))?;
        let mut why = String::new();
        for server in self.servers.iter().cycle().take(self.servers.len() * ROUNDS) {
            let answer = match exchange(*server, &bytes) {
                Ok(answer) => answer,
                Err(error) => {
                    why = format!("{name} @{server}: {error}");
                    continue;
                }
            };
            let packet = Packet::parse(&answer).map_err(|error| format!("{name} @{server}: {error}"))?;
            match packet.rcode() {
                RCODE::NoError => return Ok(packet.answers.into_iter().filter_map(|record| take(record.rdata)).collect()),
                RCODE::NameError => return Ok(Vec::new()),
                other => why = format!("{name} @{server}: {other:?}"),
            }
        }
        Err(why)
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, PORT)))
}

fn exchange(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let here: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(here)?;
    socket.connect(server)?;
    socket.send(query)?;
    let until = Instant::now() + PATIENCE;
    let mut space = [0; 4096];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let count = socket.recv(&mut space).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
        let answer = space.get(..count).unwrap_or_default();
        // What answers another question is none of ours.
        if answer.get(..2) != query.get(..2) {
            continue;
        }
        let is_cut = Packet::parse(answer).is_ok_and(|packet| packet.has_flags(PacketFlag::TRUNCATION));
        return if is_cut || Packet::parse(answer).is_err() { by_tcp(server, query) } else { Ok(answer.to_vec()) };
    }
}

fn by_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
