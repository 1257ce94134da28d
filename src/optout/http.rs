//! One HTTP request, read from a stranger: bounded in size and in time, and nothing is guessed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// A caller has this time in all: to send a request, to take the answer, and to go.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// An answer has this time at least, however long the ledger took.
const LAST_WORD: Duration = Duration::from_secs(1);
/// More than the head of any request to an opt-out link needs.
const LONGEST_HEAD: usize = 16 << 10;
/// More than any form with one field needs, however it is wrapped.
const LONGEST_BODY: usize = 16 << 10;
const MOST_HEADERS: usize = 100;
/// What is still read of a request that was refused, so that its sender gets to see the answer.
const LEFT_OVER: usize = 64 << 10;

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// An answer of one page.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub body: String,
}

/// What a request's head says of what follows.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    method: String,
    target: String,
    content_type: String,
    length: usize,
    /// Where the body begins.
    end: usize,
}

/// Reads a request. `Ok(Err(status))` is one that is refused with that status; an error means that nobody waits for an answer.
pub fn read(stream: &TcpStream, until: Instant) -> io::Result<Result<Request, u16>> {
    let mut bytes = Vec::new();
    let head = loop {
        match head(&bytes) {
            Ok(Some(head)) => break head,
            Ok(None) if bytes.len() >= LONGEST_HEAD => return Ok(Err(431)),
            Ok(None) => {}
            Err(status) => return Ok(Err(status)),
        }
        if !more(stream, &mut bytes, LONGEST_HEAD, until)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let whole = head.end + head.length;
    while bytes.len() < whole {
        if !more(stream, &mut bytes, whole, until)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let body = bytes.get(head.end..whole).unwrap_or_default().to_vec();
    Ok(Ok(Request { method: head.method, target: head.target, content_type: head.content_type, body }))
}

/// Reads what there is, up to a length in all; `false` at the end of the stream. Whoever sends byte by byte has no more time than others.
fn more(mut stream: &TcpStream, bytes: &mut Vec<u8>, limit: usize, until: Instant) -> io::Result<bool> {
    stream.set_read_timeout(Some(left(until)?))?;
    let mut chunk = [0_u8; 2048];
    let room = limit.saturating_sub(bytes.len()).min(chunk.len());
    let (chunk, _) = chunk.split_at_mut(room);
    let read = stream.read(chunk)?;
    bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
    Ok(read > 0)
}

/// The time until then; an error when it is over.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// The head, once it is whole; the status with which it is refused.
fn head(bytes: &[u8]) -> Result<Option<Head>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let end = match request.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    };
    let values = |name: &str| -> Vec<&[u8]> {
        request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value).collect()
    };
    // Two readers of one request must not see two lengths, so a length that can be read in two ways is none.
    let length = match values("Content-Length").as_slice() {
        [] => 0,
        [one] => number(one).ok_or(400_u16)?,
        _ => return Err(400),
    };
    if !values("Transfer-Encoding").is_empty() {
        return Err(411);
    }
    if length > LONGEST_BODY {
        return Err(413);
    }
    let content_type = values("Content-Type").first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
    let (method, target) = (request.method.unwrap_or_default().to_owned(), request.path.unwrap_or_default().to_owned());
    Ok(Some(Head { method, target, content_type, length, end }))
}

/// Digits and nothing else.
fn number(text: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// Writes an answer, and ends the talk. `bodiless` is for HEAD.
pub fn answer(stream: &TcpStream, response: &Response, bodiless: bool, until: Instant) -> io::Result<()> {
    let until = until.max(Instant::now() + LAST_WORD);
    let reason = match response.status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    };
    let more = match response.status {
        405 => "Allow: GET, HEAD, POST\r\n",
        503 => "Retry-After: 60\r\n",
        _ => "",
    };
    let head = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nX-Robots-Tag: noindex\r\n{more}Connection: close\r\n\r\n",
        response.status,
        response.body.len()
    );
    write(stream, head.as_bytes(), until)?;
    if !bodiless {
        write(stream, response.body.as_bytes(), until)?;
    }
    stream.shutdown(Shutdown::Write)?;
    // Closing with something unread would take the answer back from a sender who is still sending.
    drain(stream, until)
}

/// Writes all bytes. Whoever takes them one by one has no more time than others.
fn write(mut stream: &TcpStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        let written = stream.write(bytes)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Reads on until the sender goes, is silent for a second, has sent too much, or its time is over.
fn drain(mut stream: &TcpStream, until: Instant) -> io::Result<()> {
    let mut chunk = [0_u8; 2048];
    let mut drained = 0;
    while drained < LEFT_OVER {
        stream.set_read_timeout(Some(left(until)?.min(LAST_WORD)))?;
        match stream.read(&mut chunk)? {
            0 => break,
            read => drained += read,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"POST /u/1.a.b.c HTTP/1.1\r\nHost: shop.example\r\ncontent-length: 4\r\nCONTENT-TYPE: text/plain\r\n\r\nbody";
        for end in 0..text.len() - 4 {
            assert_eq!(head(&text[..end]), Ok(None), "after {end} bytes");
        }
        let head = head(text).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str(), head.length), ("POST", "/u/1.a.b.c", 4));
        assert_eq!((head.content_type.as_str(), &text[head.end..]), ("text/plain", &b"body"[..]));
    }

    #[test]
    fn a_caller_who_never_ends_is_left_when_the_time_is_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let dripping = std::thread::spawn(move || {
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(10) && caller.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let start = Instant::now();
        let answered = answer(&stream, &Response { status: 400, body: String::new() }, false, start);
        assert!(answered.is_err() && start.elapsed() < Duration::from_secs(5), "{answered:?} after {:?}", start.elapsed());
        drop(stream);
        dripping.join().unwrap();
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let with = |headers: &str| head(format!("POST / HTTP/1.1\r\n{headers}\r\n").as_bytes());
        for (headers, status) in [
            ("Content-Length: 1\r\nContent-Length: 1\r\n", 400),
            ("Content-Length: +1\r\n", 400),
            ("Content-Length: -1\r\n", 400),
            ("Content-Length: 1, 1\r\n", 400),
            ("Content-Length: \r\n", 400),
            ("Content-Length: 99999999999999999999999999\r\n", 400),
            ("Content-Length: 16385\r\n", 413),
            ("Transfer-Encoding: chunked\r\n", 411),
            ("Content-Length : 1\r\n", 400),
            ("a b: c\r\n", 400),
        ] {
            assert_eq!(with(headers), Err(status), "{headers}");
        }
        assert_eq!(head(&b"X: y\r\n".repeat(200)), Err(400));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
        assert_eq!(head(many.as_bytes()), Err(431));
        assert_eq!(head(b"\0\0\0\0"), Err(400));
    }
}
