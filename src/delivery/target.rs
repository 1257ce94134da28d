//! The mail server's URL. Plain SMTP goes to this machine only, until there is TLS.

use super::Error;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};

const PORT: u16 = 25;

/// A mail server on this machine, looked up once, so that it cannot be led elsewhere later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub(super) addresses: Vec<SocketAddr>,
}

/// Reads a URL such as `smtp://localhost:2525`; the port is 25 when it is left out. `demo_key`: the mails were made with a key that
/// everybody may know, so they must stay on this machine, whatever is supported.
///
/// # Errors
/// It is no such URL, asks for what is not supported yet, or leads to another machine. A user or password is never repeated.
pub fn target(url: &str, demo_key: bool) -> Result<Target, Error> {
    let bad = || Error::Url { url: url.to_owned() };
    if url.contains('@') {
        return Err(Error::Credentials);
    }
    let (scheme, place) = url.split_once("://").ok_or_else(bad)?;
    match scheme {
        "smtp" => {}
        "smtps" | "smtp+starttls" => return Err(Error::Scheme { scheme: scheme.to_owned() }),
        _ => return Err(bad()),
    }
    let place = place.strip_suffix('/').unwrap_or(place);
    let (host, port) = if let Some(inner) = place.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or_else(bad)?;
        host.parse::<Ipv6Addr>().map_err(|_| bad())?;
        (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(bad)?) })
    } else {
        place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)))
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err(bad());
    }
    let port = match port {
        None => PORT,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().filter(|port| *port > 0).ok_or_else(bad)?,
        Some(_) => return Err(bad()),
    };
    match look_up(host, port) {
        Ok(addresses) => Ok(Target { host: host.to_owned(), port, addresses }),
        Err(Error::Elsewhere { host }) if demo_key => Err(Error::DemoKey { host }),
        Err(error) => Err(error),
    }
}

/// The loopback addresses of a host that has no others.
fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let elsewhere = || Error::Elsewhere { host: host.to_owned() };
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            (host, port).to_socket_addrs().map_err(|error| Error::Unknown { host: host.to_owned(), why: error.to_string() })?.collect()
        }
        // Other names are not even looked up: who answers for them is not ours to trust without TLS.
        Err(_) => return Err(elsewhere()),
    };
    if addresses.is_empty() || !addresses.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        return Err(elsewhere());
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_a_target() {
        for (url, host, port) in [
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525),
            ("smtp://127.8.9.1", "127.8.9.1", 25),
            ("smtp://[::1]:26/", "::1", 26),
            ("smtp://[::1]", "::1", 25),
            ("smtp://localhost:1025", "localhost", 1025),
        ] {
            let target = target(url, true).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{url}");
            assert!(target.addresses.iter().all(|address| address.ip().is_loopback()));
        }
    }

    #[test]
    fn other_machines_are_refused_until_there_is_tls() {
        for url in [
            "smtp://192.0.2.7",
            "smtp://relay.tsubaki.example:587",
            "smtp://[2001:db8::1]",
            "smtp://0.0.0.0",
            "smtp://127.0.0.1.nip.example",
        ] {
            assert!(matches!(target(url, false), Err(Error::Elsewhere { .. })), "{url}");
            assert!(matches!(target(url, true), Err(Error::DemoKey { .. })), "{url}");
        }
    }

    #[test]
    fn what_is_not_supported_is_said() {
        assert_eq!(target("smtps://localhost", false).unwrap_err(), Error::Scheme { scheme: "smtps".into() });
        assert_eq!(target("smtp+starttls://localhost", false).unwrap_err(), Error::Scheme { scheme: "smtp+starttls".into() });
        let error = target("smtp://mailer:s3cret@localhost", false).unwrap_err();
        assert_eq!(error, Error::Credentials);
        assert!(!error.to_string().contains("s3cret"));
        for url in [
            "",
            "localhost:25",
            "http://localhost",
            "smtp://",
            "smtp://:25",
            "smtp://localhost:0",
            "smtp://localhost:99999",
            "smtp://localhost:+25",
            "smtp://[::1",
            "smtp://[::1]25",
            "smtp://local host",
            "smtp://localhost\r\nQUIT",
            "smtp://localhost:25/path",
        ] {
            assert_eq!(target(url, false).unwrap_err(), Error::Url { url: url.into() }, "{url}");
        }
    }
}
