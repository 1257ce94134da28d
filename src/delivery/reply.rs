//! Reading a server's reply (RFC 5321 §4.2) with patience: words need not be there, nor be UTF-8, and a line may end without CR.

use crate::domain::delivery::Enhanced;

/// Bytes of one reply; longer ones are a fault of the server.
const REPLY_BYTES: usize = 16 * 1024;
/// Characters of a reply that are kept for people.
const KEPT: usize = 400;

/// One complete reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// The words of each line, printable ASCII, trimmed.
    pub lines: Vec<String>,
}

impl Reply {
    /// Code, enhanced code where there is one, and words in one line, for the ledger.
    pub fn words(&self) -> String {
        let mut lines = self.lines.iter().map(String::as_str);
        let mut told = lines.next().unwrap_or_default().to_owned();
        let first = told.split(' ').next().filter(|word| Enhanced::of_word(word).is_some()).unwrap_or_default().to_owned();
        for line in lines {
            // Each line repeats the enhanced code; once is enough.
            let rest = line.strip_prefix(first.as_str()).filter(|rest| !first.is_empty() && (rest.is_empty() || rest.starts_with(' ')));
            told.extend([" ", rest.map_or(line, str::trim_start)]);
        }
        let mut words = format!("{} {told}", self.code);
        words.truncate(words.trim_end().len());
        // All of it is ASCII.
        words.truncate(KEPT);
        words
    }
}

/// Takes one complete reply off the front of `bytes`; `None` when more must come.
///
/// # Errors
/// What came is no reply, or is too long.
pub fn take(bytes: &mut Vec<u8>) -> Result<Option<Reply>, &'static str> {
    let mut reply: Option<Reply> = None;
    let mut used = 0;
    loop {
        let rest = bytes.get(used..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > REPLY_BYTES { Err("the server's reply does not end") } else { Ok(None) };
        };
        let line = rest.get(..end).unwrap_or_default();
        let (code, is_last, words) = read_line(line).ok_or("the server's reply is not SMTP")?;
        used += end + 1;
        if used > REPLY_BYTES {
            return Err("the server's reply does not end");
        }
        let told = reply.get_or_insert_with(|| Reply { code, lines: Vec::new() });
        if told.code != code {
            return Err("the lines of the server's reply differ in their code");
        }
        told.lines.push(words);
        if is_last {
            bytes.drain(..used);
            return Ok(reply);
        }
    }
}

/// Code, whether it is the last line, and words of one line without its LF.
fn read_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let is_last = match rest.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        b'\t' => ' ',
        _ => '?',
    };
    let words: String = rest.get(1..).unwrap_or_default().trim_ascii().iter().map(shown).collect();
    (200..600).contains(&code).then_some((code, is_last, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Option<Reply>, &'static str> {
        take(&mut text.to_vec())
    }

    #[test]
    fn replies_are_read_as_servers_write_them() {
        for (text, code, words) in [
            (&b"250 ok\r\n"[..], 250, "250 ok"),
            (b"250\r\n", 250, "250"),
            (b"250 ok\n", 250, "250 ok"),
            (b"571 5.7.1 no\r\n", 571, "571 5.7.1 no"),
            (b"250-a\r\n250-\r\n250 b\r\n", 250, "250 a  b"),
            (b"550-5.1.1 The user\r\n550-5.1.1\r\n550-5.1.10 is\r\n550 5.1.1 unknown\r\n", 550, "550 5.1.1 The user  5.1.10 is unknown"),
            (b"550 \x83\x8aX\r\n", 550, "550 ??X"),
        ] {
            let reply = read(text).unwrap().unwrap();
            assert_eq!((reply.code, reply.words().as_str()), (code, words));
        }
    }

    #[test]
    fn half_a_reply_waits_and_two_are_taken_one_by_one() {
        for text in ["", "2", "250", "250 ok", "250-a\r\n", "250-a\r\n250 b"] {
            assert_eq!(read(text.as_bytes()), Ok(None), "{text}");
        }
        let mut bytes = b"354 go\r\n250 queued\r\n2".to_vec();
        assert_eq!(take(&mut bytes).unwrap().unwrap().code, 354);
        assert_eq!(take(&mut bytes).unwrap().unwrap().code, 250);
        assert_eq!(take(&mut bytes), Ok(None));
        assert_eq!(bytes, b"2");
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for text in ["hello\r\n", "\r\n", "25\r\n", "250_x\r\n", "199 x\r\n", "600 x\r\n", "+50 x\r\n", "250-a\r\n550 b\r\n"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(&vec![b'2'; REPLY_BYTES + 1]).is_err());
        assert!(read(&b"250-x\r\n".repeat(REPLY_BYTES)).is_err());
    }
}
