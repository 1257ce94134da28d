//! Whether the opt-out page answers: to people who open the link, and to the one click of a mail program (RFC 8058).

use crate::domain::health::{Check, Topic};
use crate::domain::job::Language;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// For one request, from the first packet to the last.
const PATIENCE: Duration = Duration::from_secs(15);
/// More of a page is not read.
const LONGEST: usize = 256 * 1024;
const TOKEN: &str = "{token}";

/// The page as a job names it, and tokens to try it with. No customer's token is ever used.
pub struct OptOutPage<'a> {
    /// With `{token}` in it where the page is told who opts out.
    pub url: &'a str,
    /// A token that the shop's key made of an id that nobody has.
    pub nobody: Option<&'a str>,
    /// A token that no key made.
    pub unknown: &'a str,
    /// The authorities that a server's certificate may come from.
    pub trusted: &'a Arc<ClientConfig>,
}

/// An answer, as far as it is looked at.
struct Answer {
    status: u16,
    has_page: bool,
    /// Where a redirection leads.
    location: Option<String>,
}

/// Opens the page, and tries the one click with a token that is nobody's.
#[must_use]
pub fn opt_out(page: &OptOutPage, language: Language) -> Check {
    let seen = if page.url.contains(TOKEN) { with_tokens(page, language) } else { without_token(page, language) };
    seen.unwrap_or_else(|why| {
        let advice = language.pick(
            "配信停止できないメールは法律に触れ、迷惑メールと報告されます。ページが外から https で開けるようにしてください",
            "nobody can opt out, so mails are reported as spam: see that the page can be opened from outside, by https",
        );
        Check::bad(Topic::OptOut, why, advice)
    })
}

fn without_token(page: &OptOutPage, language: Language) -> Result<Check, String> {
    let answer = ask(page, page.url, None)?;
    let told = told("GET", &answer);
    match answer.status {
        200 if answer.has_page => Ok(Check::good(Topic::OptOut, told)),
        300..=399 => {
            Ok(Check::hint(Topic::OptOut, told, language.pick("移転先を unsubscribe に書いてください", "write the address it leads to")))
        }
        _ => Err(told),
    }
}

fn with_tokens(page: &OptOutPage, language: Language) -> Result<Check, String> {
    let mut told_all = Vec::new();
    if let Some(token) = page.nobody {
        let answer = ask(page, &page.url.replace(TOKEN, token), None)?;
        let told = told("GET", &answer);
        if answer.status != 200 || !answer.has_page {
            return Err(language.pick(format!("{told}（このお店のトークン）"), format!("{told}, for a token of this shop")));
        }
        told_all.push(told);
    }
    let unknown = page.url.replace(TOKEN, page.unknown);
    let answer = ask(page, &unknown, None)?;
    let told =
        language.pick(format!("{}（知らないトークン）", told("GET", &answer)), format!("{}, for an unknown token", told("GET", &answer)));
    if answer.status >= 500 || !answer.has_page {
        return Err(told);
    }
    told_all.push(told);
    let answer = ask(page, &unknown, Some("List-Unsubscribe=One-Click"))?;
    told_all.push(self::told("POST", &answer));
    // What refuses the way of asking, not the token, refuses everybody's click; a mail program follows no redirection.
    if matches!(answer.status, 300..=399 | 401 | 403 | 405 | 411 | 415 | 500..) {
        let advice = language.pick(
            "メールソフトの一押し（RFC 8058）は、このアドレスへの POST です。移転やログインなしで受け付けてください",
            "mail programs opt out by a POST to this address (RFC 8058): take it there, without redirection, login or form token",
        );
        return Ok(Check::bad(Topic::OptOut, told_all.join("; "), advice));
    }
    Ok(Check::good(Topic::OptOut, told_all.join("; ")))
}

fn told(method: &str, answer: &Answer) -> String {
    match &answer.location {
        Some(location) => format!("{method} {} → {location}", answer.status),
        None => format!("{method} {}", answer.status),
    }
}

/// One request; `form` makes it a POST. The words say why there is no answer.
fn ask(page: &OptOutPage, url: &str, form: Option<&str>) -> Result<Answer, String> {
    let named = |why: String| format!("{}: {why}", page.url);
    let url = Url::parse(url).map_err(|error| named(error.to_string()))?;
    let host = url.host_str().ok_or_else(|| named("no host".to_owned()))?;
    if url.scheme() != "https" {
        return Err(named("https://".to_owned()));
    }
    let port = url.port_or_known_default().unwrap_or(443);
    let place = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let at = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let common = format!("Host: {at}\r\nUser-Agent: rankmail-doctor\r\nAccept: text/html\r\nConnection: close\r\n");
    let request = match form {
        None => format!("GET {place} HTTP/1.1\r\n{common}\r\n"),
        Some(form) => format!(
            "POST {place} HTTP/1.1\r\n{common}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    };
    let bytes = exchange(host, port, page.trusted, &request).map_err(|error| named(error.to_string()))?;
    answer(&bytes).ok_or_else(|| named("what answers there is no web server".to_owned()))
}

/// Says something to a server inside TLS, and gives what it answers, up to a length.
fn exchange(host: &str, port: u16, trusted: &Arc<ClientConfig>, request: &str) -> io::Result<Vec<u8>> {
    let until = Instant::now() + PATIENCE;
    let left = || Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut socket = None;
    for address in (bare, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left()?) {
            Ok(open) => {
                socket = Some(open);
                break;
            }
            Err(error) => last = error,
        }
    }
    let Some(socket) = socket else { return Err(last) };
    socket.set_write_timeout(Some(left()?))?;
    socket.set_read_timeout(Some(left()?))?;
    let session = ClientConnection::new(Arc::clone(trusted), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, socket);
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut bytes = Vec::new();
    let mut space = [0; 8192];
    while bytes.len() < LONGEST && !is_whole(&bytes) {
        stream.sock.set_read_timeout(Some(left()?))?;
        match stream.read(&mut space) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(space.get(..count).unwrap_or_default()),
            // Many servers close without a word, also inside TLS.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Whether an answer is known to be complete; of others the server's close tells.
fn is_whole(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(bytes) else { return false };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok());
    match length {
        Some(length) => bytes.len() >= head.saturating_add(length),
        None => bytes.ends_with(b"\r\n0\r\n\r\n"),
    }
}

fn answer(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(bytes) else { return None };
    let location = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("location"));
    let location = location.map(|header| String::from_utf8_lossy(header.value).chars().filter(|letter| !letter.is_control()).collect());
    Some(Answer { status: response.code?, has_page: bytes.len() > head, location })
}
