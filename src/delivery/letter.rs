//! The last look at a letter before anything is written: nothing in it may end a line, a command or the mail too early.

use crate::domain::{Letter, Outcome};
use memchr::{memchr, memchr_iter};

/// RFC 5321 §4.5.3.1.3 allows 256 octets with the angle brackets.
const ADDRESS_BYTES: usize = 254;
/// RFC 5322 §2.1.1, without the CRLF.
const LINE_BYTES: usize = 998;
const ID_BYTES: usize = 200;

/// A letter that must not leave is a fault of this program, not of the person, and no server has seen it. It is rejected with code
/// 0, which no server gives: the run goes on, and the mail is found among the failed ones. (Leaving it planned would stop every
/// later run at the same mail.)
pub fn refuse(letter: &Letter) -> Option<Outcome> {
    check(letter).err().map(|why| Outcome::Rejected { code: 0, reply: format!("not sent, {why}") })
}

fn check(letter: &Letter) -> Result<(), &'static str> {
    if !is_safe_id(&letter.mail_id) {
        return Err("its mail id cannot be the name of a file");
    }
    if !is_safe_address(&letter.from) {
        return Err("its sender's address cannot go on the wire");
    }
    if !is_safe_address(&letter.to) {
        return Err("its recipient's address cannot go on the wire");
    }
    check_lines(&letter.bytes)
}

/// A mail id is part of a file name and of a header.
fn is_safe_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !id.is_empty() && id.len() <= ID_BYTES && !id.starts_with('.') && id.bytes().all(is_plain)
}

/// Irregular addresses such as `a..b@docomo.ne.jp` pass; what could end the command early does not.
fn is_safe_address(address: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'<' && byte != b'>';
    let has_both = address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_both && address.len() <= ADDRESS_BYTES && address.bytes().all(is_plain)
}

/// Every line ends in CRLF and is short enough; there is no other CR, LF, and no NUL. All is 7-bit, because not every server
/// takes more.
fn check_lines(bytes: &[u8]) -> Result<(), &'static str> {
    if !bytes.ends_with(b"\r\n") {
        return Err("its last line does not end in CRLF");
    }
    if !bytes.is_ascii() || memchr(0, bytes).is_some() {
        return Err("it holds a NUL or a byte above 127");
    }
    let (mut begin, mut lines) = (0, 0);
    for end in memchr_iter(b'\n', bytes) {
        let line = bytes.get(begin..end).unwrap_or_default();
        let Some(text) = line.strip_suffix(b"\r") else { return Err("it holds a bare LF") };
        if text.len() > LINE_BYTES {
            return Err("it holds a line over 998 bytes");
        }
        (begin, lines) = (end + 1, lines + 1);
    }
    // Each line has the CR of its end, so one more belongs to none.
    if memchr_iter(b'\r', bytes).count() > lines {
        return Err("it holds a bare CR");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: &str, bytes: &[u8]) -> Letter {
        Letter { mail_id: "m1".into(), from: "shop@tsubaki.example".into(), to: to.into(), bytes: bytes.into() }
    }

    #[test]
    fn real_letters_pass() {
        let long = format!("Subject: x\r\n\r\n{}\r\n", "a".repeat(998));
        for to in ["a@b.example", "a..b@docomo.ne.jp", "a.@ezweb.ne.jp", "\"a@b\"@c.example"] {
            assert_eq!(refuse(&letter(to, long.as_bytes())), None, "{to}");
        }
        assert_eq!(refuse(&letter("a@b.example", b"\r\n")), None);
        assert_eq!(refuse(&letter("a@b.example", b"a\r\n\r\n.\r\n..\r\n")), None);
    }

    #[test]
    fn nothing_that_could_smuggle_a_mail_passes() {
        let long = "a".repeat(999) + "\r\n";
        let bodies: [&[u8]; 12] = [
            b"",
            b"a",
            b"a\n",
            b"a\r",
            b"a\r\nb\n.\r\n",
            b"a\r.\r\n",
            b"a\n.\n\r\n",
            b"a\r\r\n",
            b"\n\r\n",
            b"a\0b\r\n",
            "é\r\n".as_bytes(),
            long.as_bytes(),
        ];
        for body in bodies {
            let refused = refuse(&letter("a@b.example", body));
            assert!(matches!(refused, Some(Outcome::Rejected { code: 0, .. })), "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn addresses_cannot_end_the_command() {
        let long = format!("{}@b.example", "a".repeat(250));
        for to in ["", "a", "@b", "a@", "a b@c.example", "a@b>\r\nDATA", "a@b.example\r\n", "<a@b.example>", "a@b>c", "あ@b.example", &long]
        {
            assert!(refuse(&letter(to, b"\r\n")).is_some(), "{to}");
            let from = Letter { from: to.into(), ..letter("a@b.example", b"\r\n") };
            assert!(refuse(&from).is_some(), "{to}");
        }
    }

    #[test]
    fn a_mail_id_cannot_leave_its_folder() {
        for id in ["", ".", "..", "../x", "a/b", ".hidden", "a\0", "a b", &"x".repeat(201)] {
            let odd = Letter { mail_id: id.into(), ..letter("a@b.example", b"\r\n") };
            assert!(refuse(&odd).is_some(), "{id}");
        }
    }
}
