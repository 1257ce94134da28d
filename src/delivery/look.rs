//! A look at a mail server: everything up to the first mail, which is never said.

use super::Target;
use super::opening;
use super::smtp::Deadlines;
use crate::domain::delivery::RunTrouble;
use std::sync::Arc;
use std::time::Duration;

/// What a server showed of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Showing {
    /// `None` on a plain connection.
    pub tls: Option<Tls>,
    /// The longest mail it takes, in bytes; `None` where it does not say, 0 where it names no limit.
    pub size: Option<u64>,
    pub pipelining: bool,
    /// Ways to sign in.
    pub auth: Vec<String>,
    /// Whether somebody signed in.
    pub signed_in: bool,
}

/// How a connection is kept secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The last second of the server's certificate, in seconds UTC; `None` where it cannot be read.
    pub ends: Option<i64>,
}

/// Opens a connection as for sending, and says goodbye.
///
/// # Errors
/// Why no mail could be handed over.
pub fn look(target: &Target) -> Result<Showing, RunTrouble> {
    // Somebody sits and waits.
    let deadlines = Deadlines { connect: Duration::from_secs(10), hello: Duration::from_secs(20), ..Deadlines::default() };
    let (mut wire, offers) = opening::open(target, &deadlines, &Arc::default())?;
    let tls = wire.session().map(|session| Tls {
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
            _ => "1.2",
        },
        ends: session.peer_certificates().and_then(|chain| end(chain.first()?)),
    });
    let showing = Showing { tls, size: offers.size, pipelining: offers.pipelining, auth: offers.auth, signed_in: target.login.is_some() };
    let _ = wire.ask("QUIT", Duration::from_secs(2));
    Ok(showing)
}

/// The last second of a certificate.
fn end(certificate: &[u8]) -> Option<i64> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(read.validity().not_after.timestamp())
}
