//! The finished mail: headers from a fixed list and two MIME parts. Nothing of a customer's can add a header or a line.

use super::{Content, encode};
use crate::domain::Zone;
use chrono::{DateTime, Datelike};
use chrono_tz::Tz;
use lettre::message::Body;
use lettre::message::header::ContentTransferEncoding;
use memchr::memchr_iter;

/// Room for the headers of a mail, in bytes.
const HEAD_BYTES: usize = 1_024;

/// What stands above a mail's content.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The left part of the Message-ID: ASCII letters, digits, `-`, `_` and `.`, at most 64.
    pub mail_id: &'a str,
    /// `Name <address>` or an address.
    pub from: &'a str,
    /// The same form.
    pub reply_to: Option<&'a str>,
    /// Empty when there is none.
    pub to_name: &'a str,
    pub to_address: &'a str,
    /// When the mail was first claimed: microseconds UTC, written in `zone`.
    pub date: i64,
    pub zone: Zone,
    /// The opt-out address, https.
    pub unsubscribe: &'a str,
    /// The opt-out address answers to one click (RFC 8058), which it can when it holds the customer's token.
    pub one_click: bool,
    pub list_id: Option<&'a str>,
}

/// Why no mail can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    #[error("`{address}` in {header} cannot be written into a mail; it must be ASCII without blanks, brackets and control characters")]
    Address { header: &'static str, address: String },
    #[error("the {what} `{value}` cannot be written into a mail; it must be plain ASCII without blanks and brackets")]
    Word { what: &'static str, value: String },
    #[error("the date {0} lies outside of the years that a mail can tell")]
    Date(i64),
}

/// The address in `Name <address>`, or in an address alone: the envelope sender where no return path is set.
///
/// # Errors
/// It cannot be an address.
pub fn address_of(written: &str) -> Result<String, ComposeError> {
    Ok(Mailbox::read("From", written)?.address.to_owned())
}

/// The mail as bytes: lines end in CRLF and are shorter than 998 bytes, there is no bare CR or LF and no NUL. The same input gives
/// the same bytes.
///
/// # Errors
/// As for [`check_head`].
pub fn compose(head: &Head, content: &Content) -> Result<Vec<u8>, ComposeError> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + (content.text.len() + content.html.len()) * 3 / 2);
    write_head(head, &content.subject, &mut bytes)?;
    put(&mut bytes, &["Content-Type: multipart/alternative;\r\n boundary=\"=_", head.mail_id, "\"\r\n"]);
    for (kind, text) in [("plain", &content.text), ("html", &content.html)] {
        put(&mut bytes, &["\r\n--=_", head.mail_id, "\r\n"]);
        part(kind, text, &mut bytes);
    }
    put(&mut bytes, &["\r\n--=_", head.mail_id, "--\r\n"]);
    Ok(bytes)
}

/// Sees that the headers of a mail can be written; what stands below them always can.
///
/// # Errors
/// An address, a link or an id that could break a header, or a date out of range.
pub fn check_head(head: &Head) -> Result<(), ComposeError> {
    Sound::of(head).map(drop)
}

fn put(out: &mut Vec<u8>, words: &[&str]) {
    for word in words {
        out.extend_from_slice(word.as_bytes());
    }
}

fn write_head(head: &Head, subject: &str, out: &mut Vec<u8>) -> Result<(), ComposeError> {
    let Sound { from, to, reply_to, date } = Sound::of(head)?;
    let domain = from.address.rsplit('@').next().unwrap_or_default();
    let mut header = |name: &str, value: &[&str]| {
        put(out, &[name, ": "]);
        put(out, value);
        put(out, &["\r\n"]);
    };
    header("From", &[&from.write("From")]);
    header("To", &[&to.write("To")]);
    if let Some(reply_to) = reply_to {
        header("Reply-To", &[&reply_to.write("Reply-To")]);
    }
    header("Subject", &[&encode::text(subject, "Subject: ".len())]);
    header("Date", &[&date.to_rfc2822()]);
    header("Message-ID", &["<", head.mail_id, "@", domain, ">"]);
    header("List-Unsubscribe", &["<", head.unsubscribe, ">"]);
    if head.one_click {
        header("List-Unsubscribe-Post", &["List-Unsubscribe=One-Click"]);
    }
    if let Some(list) = head.list_id {
        header("List-Id", &["<", list, ">"]);
    }
    header("MIME-Version", &["1.0"]);
    Ok(())
}

/// What of a head had to be read, where all of it can be written.
struct Sound<'a> {
    from: Mailbox<'a>,
    to: Mailbox<'a>,
    reply_to: Option<Mailbox<'a>>,
    date: DateTime<Tz>,
}

impl<'a> Sound<'a> {
    fn of(head: &Head<'a>) -> Result<Self, ComposeError> {
        word("mail id", head.mail_id, 64)?;
        word("opt-out link", head.unsubscribe, 900)?;
        head.list_id.map_or(Ok(()), |list| word("list id", list, 255))?;
        Ok(Self {
            from: Mailbox::read("From", head.from)?,
            to: Mailbox { name: head.to_name, address: address("To", head.to_address)? },
            reply_to: head.reply_to.map(|reply_to| Mailbox::read("Reply-To", reply_to)).transpose()?,
            date: date(head)?,
        })
    }
}

/// Adds a MIME part. Only quoted-printable and base64 are used: both keep every line short, and neither can hold the boundary.
fn part(kind: &str, text: &str, out: &mut Vec<u8>) {
    let text = encode::lines(text);
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    // As it goes over the wire, with a CR at the end of each line.
    let length = text.len() + memchr_iter(b'\n', text.as_bytes()).count();
    let is_foreign = foreign * 6 > length;
    let encoding = if is_foreign { "base64" } else { "quoted-printable" };
    put(out, &["Content-Type: text/", kind, "; charset=utf-8\r\nContent-Transfer-Encoding: ", encoding, "\r\n\r\n"]);
    if is_foreign {
        // Only an encoding that cannot hold every text fails, and gives the text back.
        let whole = text.replace('\n', "\r\n").into_bytes();
        let body = Body::new_with_encoding(whole, ContentTransferEncoding::Base64).unwrap_or_else(Body::new);
        out.extend_from_slice(body.as_ref());
    } else {
        encode::quoted(&text, out);
    }
}

fn date(head: &Head) -> Result<DateTime<Tz>, ComposeError> {
    let utc = DateTime::from_timestamp_micros(head.date).ok_or(ComposeError::Date(head.date))?;
    let local = utc.with_timezone(&head.zone.0);
    if (1900..=9999).contains(&local.year()) { Ok(local) } else { Err(ComposeError::Date(head.date)) }
}

struct Mailbox<'a> {
    name: &'a str,
    address: &'a str,
}

impl<'a> Mailbox<'a> {
    /// Reads `Name <address>`, `"Name" <address>` or an address.
    fn read(header: &'static str, written: &'a str) -> Result<Self, ComposeError> {
        let written = written.trim();
        let Some((name, rest)) = written.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) else {
            return Ok(Self { name: "", address: address(header, written)? });
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        Ok(Self { name, address: address(header, rest)? })
    }

    /// Angle brackets also where there is no name: in them stands what RFC 5322 would not take for an address otherwise.
    fn write(&self, header: &str) -> String {
        let name = encode::name(self.name, header.len() + 2);
        let last = name.rsplit("\r\n").next().unwrap_or_default().len() + if name.contains("\r\n") { 0 } else { header.len() + 2 };
        match name.as_str() {
            "" => format!("<{}>", self.address),
            _ if last + self.address.len() + 3 > 76 => format!("{name}\r\n <{}>", self.address),
            _ => format!("{name} <{}>", self.address),
        }
    }
}

/// An address that can stand in a header and on the wire, however odd: ASCII, nothing that ends it early.
fn address<'a>(header: &'static str, written: &'a str) -> Result<&'a str, ComposeError> {
    let safe = written.len() <= 320 && written.bytes().all(|byte| IN_ADDRESS[usize::from(byte)]);
    let parts = written.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('"'));
    // Quotes come in pairs around the whole left part, or not at all.
    let quoted = parts.is_some_and(|(local, _)| match local.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(|inner| !inner.contains('"')),
        None => !local.contains('"') && !local.contains('@'),
    });
    if safe && quoted { Ok(written) } else { Err(ComposeError::Address { header, address: encode::clean(written) }) }
}

/// The bytes that no address in a header is ended by.
const IN_ADDRESS: [bool; 256] = {
    let mut safe = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        safe[byte as usize] = !matches!(byte, b'<' | b'>' | b'(' | b')' | b'[' | b']' | b',' | b';' | b':' | b'\\');
        byte += 1;
    }
    safe
};

/// A word of a header that must stay on one line: an id, a link.
fn word(what: &'static str, value: &str, longest: usize) -> Result<(), ComposeError> {
    let strict = what == "mail id";
    let safe = |byte: u8| {
        if strict { byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) } else { byte.is_ascii_graphic() && !b"<>".contains(&byte) }
    };
    if !value.is_empty() && value.len() <= longest && value.bytes().all(safe) {
        Ok(())
    } else {
        Err(ComposeError::Word { what, value: encode::clean(value) })
    }
}

#[cfg(test)]
mod tests;
