//! The address of a mail server: `smtps://mailer@relay.shop.example:465`.

// Addresses only: `core` has no sockets.
use core::net::{IpAddr, Ipv6Addr};
use std::fmt;

/// How the way to a mail server is kept from other eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// `smtp://`: not at all.
    Plain,
    /// `smtp+starttls://`: TLS is asked for after the greeting, and nothing is done without it.
    StartTls,
    /// `smtps://`: TLS from the first byte.
    Tls,
}

/// Scheme, and the port that is meant when none is written.
const SCHEMES: [(&str, Security, u16); 3] =
    [("smtp", Security::Plain, 25), ("smtp+starttls", Security::StartTls, 587), ("smtps", Security::Tls, 465)];

/// A mail server, as a URL names it. It never holds a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    pub security: Security,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// Who signs in; nobody does when it is left out.
    pub user: Option<String>,
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlFault {
    /// It begins with none of the schemes.
    Scheme,
    Host,
    Port,
    User,
    /// A password is in it.
    Password,
}

impl MailServer {
    /// Reads a URL. In the user, letters with a meaning are written as `%40`.
    ///
    /// # Errors
    /// What is wrong with it; a password that is in it is not repeated.
    pub fn parse(url: &str) -> Result<Self, UrlFault> {
        let (scheme, place) = url.split_once("://").ok_or(UrlFault::Scheme)?;
        let (_, security, usual) = SCHEMES.into_iter().find(|(name, ..)| *name == scheme).ok_or(UrlFault::Scheme)?;
        let (user, place) = match place.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => return Err(UrlFault::Password),
            Some((user, place)) => (Some(decoded(user).ok_or(UrlFault::User)?), place),
            None => (None, place),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = if let Some(inner) = place.strip_prefix('[') {
            let (host, rest) = inner.split_once(']').ok_or(UrlFault::Host)?;
            host.parse::<Ipv6Addr>().map_err(|_| UrlFault::Host)?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(UrlFault::Host)?) })
        } else {
            let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            if host.is_empty() || !host.bytes().all(is_name) {
                return Err(UrlFault::Host);
            }
            (host, port)
        };
        let port = match port {
            None => usual,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0).ok_or(UrlFault::Port)?
            }
            Some(_) => return Err(UrlFault::Port),
        };
        Ok(Self { security, host: host.to_owned(), port, user })
    }

    /// Whether it is this machine, by an address that cannot be another's. Other names are never looked up to answer this.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl fmt::Display for MailServer {
    /// The URL without the user, as it stands in the ledger.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES.iter().find(|(_, security, _)| *security == self.security).map_or("smtp", |(name, ..)| name);
        // The brackets tell an address's colons from the port's.
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(out, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

/// A text that should have been a URL, without what may be a password in it: all between the scheme and the last `@`, and, where there is
/// none, what stands in the place of a port.
#[must_use]
pub fn masked(url: &str) -> String {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    let ours = |text: &str| SCHEMES.iter().any(|(name, ..)| text.eq_ignore_ascii_case(name));
    let word = url.find([':', '/']).map_or("", |end| &url[..end]);
    let (scheme, place) = match url.split_once("://") {
        Some((scheme, place)) if is_scheme(scheme) => (&url[..scheme.len() + 3], place),
        // A slip of the pen, such as `smtps//` or `smtps:/`.
        _ if ours(word) => {
            let place = url[word.len()..].trim_start_matches([':', '/']);
            (&url[..url.len() - place.len()], place)
        }
        _ => ("", url),
    };
    if let Some((_, host)) = place.rsplit_once('@') {
        return format!("{scheme}…@{host}");
    }
    match place.split_once(':') {
        Some((host, port)) if !host.starts_with('[') && !port.trim_end_matches('/').bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{scheme}{host}:…")
        }
        _ => format!("{scheme}{place}"),
    }
}

/// A user's name with its `%XX` read; `None` when that is no name.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
            let [Some(high), Some(low)] = digits else { return None };
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty() && !name.chars().any(|letter| letter.is_control() || letter == ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_they_are_written() {
        use Security::{Plain, StartTls, Tls};
        for (url, security, host, port, user) in [
            ("smtp://127.0.0.1:2525", Plain, "127.0.0.1", 2525, None),
            ("smtp://localhost", Plain, "localhost", 25, None),
            ("smtp://[::1]:26/", Plain, "::1", 26, None),
            ("smtp+starttls://relay.tsubaki.example", StartTls, "relay.tsubaki.example", 587, None),
            ("smtps://mailer@relay.tsubaki.example", Tls, "relay.tsubaki.example", 465, Some("mailer")),
            ("smtps://hello%40tsubaki.example@[2001:db8::1]:2465", Tls, "2001:db8::1", 2465, Some("hello@tsubaki.example")),
            ("smtps://hello@tsubaki.example@relay.example", Tls, "relay.example", 465, Some("hello@tsubaki.example")),
        ] {
            let wanted = MailServer { security, host: host.into(), port, user: user.map(str::to_owned) };
            assert_eq!(MailServer::parse(url), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for (url, fault) in [
            ("", UrlFault::Scheme),
            ("localhost:25", UrlFault::Scheme),
            ("http://localhost", UrlFault::Scheme),
            ("smtp://", UrlFault::Host),
            ("smtp://:25", UrlFault::Host),
            ("smtp://[::1", UrlFault::Host),
            ("smtp://[::1]25", UrlFault::Host),
            ("smtp://local host", UrlFault::Host),
            ("smtp://localhost\r\nQUIT", UrlFault::Host),
            ("smtp://localhost:0", UrlFault::Port),
            ("smtp://localhost:99999", UrlFault::Port),
            ("smtp://localhost:+25", UrlFault::Port),
            ("smtp://localhost:25/path", UrlFault::Port),
            ("smtps://@localhost", UrlFault::User),
            ("smtps://a%0d%0ab@localhost", UrlFault::User),
            ("smtps://a%4@localhost", UrlFault::User),
            ("smtps://mailer:s3cret@localhost", UrlFault::Password),
            ("smtps://mailer:s3@cret@localhost", UrlFault::Password),
        ] {
            assert_eq!(MailServer::parse(url), Err(fault), "{url}");
        }
    }

    #[test]
    fn a_server_is_named_without_its_user() {
        for (url, name) in [("smtps://mailer@relay.example", "smtps://relay.example:465"), ("smtp://[::1]", "smtp://[::1]:25")] {
            assert_eq!(MailServer::parse(url).unwrap().to_string(), name);
        }
    }

    #[test]
    fn only_an_address_of_this_machine_is_here() {
        for host in ["127.0.0.1", "127.8.9.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(MailServer::parse(&format!("smtp://{host}")).unwrap().is_here(), "{host}");
        }
        for host in ["192.0.2.7", "0.0.0.0", "127.0.0.1.nip.example", "[2001:db8::1]", "localhost.example"] {
            assert!(!MailServer::parse(&format!("smtp://{host}")).unwrap().is_here(), "{host}");
        }
    }
}
