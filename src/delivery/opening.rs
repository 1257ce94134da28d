//! From a socket to a server that takes mails: greeting, EHLO, STARTTLS, EHLO again, AUTH.

use super::Target;
use super::answer::{Answer, Stage, Verdict, judge};
use super::reply::Reply;
use super::smtp::Deadlines;
use super::wire::Wire;
use crate::domain::Outcome;
use crate::domain::delivery::RunTrouble;
use crate::domain::server::Security;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What a server offers at EHLO, as far as we use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// Several commands may be sent before the first is answered.
    pub pipelining: bool,
    /// The longest mail that is taken, in bytes; 0: there is no limit (RFC 1870).
    pub size: Option<u64>,
    starttls: bool,
    /// Ways to sign in.
    pub auth: Vec<String>,
}

impl Offers {
    fn of(reply: &Reply) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "PIPELINING" => offers.pipelining = true,
                "STARTTLS" => offers.starttls = true,
                "SIZE" => offers.size = words.next().and_then(|word| word.parse().ok()),
                "AUTH" => offers.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers
    }
}

/// Opens a connection that is ready for a mail.
///
/// # Errors
/// Why there is none, and whether trying again may help.
pub fn open(target: &Target, deadlines: &Deadlines, stop: &Arc<AtomicBool>) -> Result<(Wire, Offers), RunTrouble> {
    let opened = attempt(target, deadlines, stop);
    opened.map_err(|trouble| match trouble {
        RunTrouble::Unreachable { reply } => {
            RunTrouble::Unreachable { reply: format!("cannot reach {}:{}: {reply}", target.server.host, target.server.port) }
        }
        other => other,
    })
}

fn attempt(target: &Target, deadlines: &Deadlines, stop: &Arc<AtomicBool>) -> Result<(Wire, Offers), RunTrouble> {
    let addresses = target.addresses().map_err(|error| away(&error))?;
    let mut wire = Wire::dial(&addresses, deadlines.connect, stop).map_err(|error| away(&error))?;
    if target.server.security == Security::Tls {
        wire = secure(wire, target, deadlines)?;
    }
    greet(&mut wire, target, deadlines)?;
    let mut offers = hello(&mut wire, deadlines)?;
    if target.server.security == Security::StartTls {
        if !offers.starttls {
            return Err(refused("it does not offer STARTTLS, and nothing is sent unencrypted; try smtps://"));
        }
        passed(Stage::StartTls, wire.ask("STARTTLS", deadlines.hello))?;
        if wire.is_ahead() {
            return Err(refused("something came between STARTTLS and TLS: somebody may be meddling with the connection"));
        }
        wire = secure(wire, target, deadlines)?;
        // What was offered before could have been anybody's words.
        offers = hello(&mut wire, deadlines)?;
    }
    if let Some(login) = &target.login {
        login.sign_in(&mut wire, &offers.auth, deadlines.hello)?;
    }
    Ok((wire, offers))
}

/// Waits for the server's first words. Where there are none, it may be waiting for ours: a server that begins with TLS does.
fn greet(wire: &mut Wire, target: &Target, deadlines: &Deadlines) -> Result<(), RunTrouble> {
    let begun = Instant::now();
    let answer = match wire.listen(deadlines.greeting) {
        Answer::Lost(words) if target.server.security != Security::Tls && begun.elapsed() >= deadlines.greeting => {
            Answer::Lost(format!("{words}; for a server that begins with TLS write smtps://"))
        }
        other => other,
    };
    passed(Stage::Greeting, answer).map(|_| ())
}

fn hello(wire: &mut Wire, deadlines: &Deadlines) -> Result<Offers, RunTrouble> {
    // An address as a name (RFC 5321 §4.1.3): it is always true, and no name of this machine need be known to anybody.
    let ours = wire.local_addr().map_err(|error| away(&error))?.ip().to_canonical();
    let kind = if ours.is_ipv6() { "IPv6:" } else { "" };
    passed(Stage::Ehlo, wire.ask(&format!("EHLO [{kind}{ours}]"), deadlines.hello)).map(|reply| Offers::of(&reply))
}

fn secure(wire: Wire, target: &Target, deadlines: &Deadlines) -> Result<Wire, RunTrouble> {
    let Some((config, name)) = &target.tls else { return Err(refused("TLS was not prepared")) };
    wire.secure(config, name.clone(), deadlines.hello).map_err(|error| tls_trouble(&error, &target.server.host))
}

/// The reply to go on with, or why not.
fn passed(stage: Stage, answer: Answer) -> Result<Reply, RunTrouble> {
    match (judge(stage, &answer), answer) {
        (Verdict::Go, Answer::Reply(reply)) => Ok(reply),
        (Verdict::Close(Outcome::Untouched(trouble)), _) => Err(trouble),
        _ => Err(away(&"the server did not answer")),
    }
}

/// What is wrong with the server itself stays wrong; a broken connection may be better next time.
fn tls_trouble(error: &io::Error, host: &str) -> RunTrouble {
    use rustls::Error::{InvalidCertificate, InvalidMessage, PeerIncompatible, PeerMisbehaved};
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(InvalidCertificate(why)) => refused(&format!(
            "its certificate is not one to trust for {host}: {why}; a private authority is named by `ca_file`, and the URL must hold the name \
             in the certificate"
        )),
        Some(InvalidMessage(_)) => refused("it does not speak TLS there; a server that begins without it is written smtp+starttls://"),
        Some(why @ (PeerIncompatible(_) | PeerMisbehaved(_))) => refused(&format!("no TLS with it: {why}")),
        _ if error.kind() == io::ErrorKind::TimedOut => away(&"TLS did not begin in time"),
        _ => away(&format!("TLS: {error}")),
    }
}

fn refused(words: &str) -> RunTrouble {
    RunTrouble::Refused { reply: words.to_owned() }
}

fn away(error: &dyn Display) -> RunTrouble {
    RunTrouble::Unreachable { reply: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_in_any_case_and_in_the_old_way() {
        let offers = |lines: &[&str]| Offers::of(&Reply { code: 250, lines: lines.iter().map(|line| (*line).to_owned()).collect() });
        assert_eq!(offers(&["STARTTLS", "SIZE"]), Offers::default(), "the first line is a name");
        assert_eq!(
            offers(&["mx", "starttls", "Pipelining", "size 1000", "AUTH PLAIN  LOGIN", "AUTH=XOAUTH2", ""]),
            Offers { pipelining: true, size: Some(1000), starttls: true, auth: vec!["PLAIN".into(), "LOGIN".into(), "XOAUTH2".into()] }
        );
    }
}
