//! Header values: what must be encoded, and what may stand as it is (RFC 2047, RFC 5322).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;

/// UTF-8 bytes in one encoded word; as base64 within its frame that stays below the 75 characters of RFC 2047.
const WORD: usize = 42;
/// A header line should be no longer than this, in bytes.
const LINE: usize = 76;

/// Text with every control character and Unicode line break as a space: nothing of it can start a new line.
pub(super) fn clean(text: &str) -> String {
    let spaced = |character: char| if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') { ' ' } else { character };
    text.chars().map(spaced).collect::<String>().trim().to_owned()
}

/// Free text such as a subject, behind `used` bytes of its line. It is encoded unless it is short, plain ASCII that cannot be taken
/// for an encoded word.
pub(super) fn text(value: &str, used: usize) -> String {
    let value = clean(value);
    let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !value.contains("=?") && !value.contains("  ");
    if plain && used + value.len() <= LINE { value } else { words(&value) }
}

/// A display name: an atom where possible, else a quoted string, else encoded words.
pub(super) fn name(value: &str, used: usize) -> String {
    let value = clean(value);
    let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !value.contains("=?") && !value.contains("  ");
    if !plain || used + value.len() + 2 > LINE {
        words(&value)
    } else if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&byte)) {
        value
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Encoded words, one a line, cut between characters.
fn words(value: &str) -> String {
    let mut out = String::with_capacity(value.len() * 2);
    let mut rest = value;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, behind) = rest.split_at(end);
        if !out.is_empty() {
            out.push_str("\r\n ");
        }
        out.push_str("=?utf-8?B?");
        STANDARD.encode_string(word, &mut out);
        out.push_str("?=");
        rest = behind;
    }
    out
}

/// A text with CRLF at the end of each line, without NUL and other control characters but tabs.
pub(super) fn lines(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + value.len() / 16);
    for line in each_line(value) {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line.strip_suffix('\r').unwrap_or(line), "\r\n"));
        // In UTF-8 the control characters above ASCII begin with this byte, as do some others.
        if has_none(line, |byte| (byte < b' ' && byte != b'\t') || byte == 0x7f || byte == 0xc2) {
            out.push_str(line);
        } else {
            for character in line.chars() {
                match character {
                    '\r' => out.push_str("\r\n"),
                    '\t' => out.push('\t'),
                    other if other.is_control() => {}
                    other => out.push(other),
                }
            }
        }
        out.push_str(end);
    }
    out
}

/// Adds a text with whole lines as quoted-printable. Each line is encoded by itself, and most of plain HTML can stand as it is.
pub(super) fn quoted(lines: &str, out: &mut Vec<u8>) {
    for line in each_line(lines) {
        let text = line.strip_suffix("\r\n").unwrap_or(line);
        let stands = text.len() <= LINE && has_none(text, |byte| !matches!(byte, b' '..=b'~') || byte == b'=');
        if stands && !text.ends_with(' ') {
            out.extend_from_slice(line.as_bytes());
        } else {
            out.extend_from_slice(&quoted_printable::encode(line));
        }
    }
}

/// The lines of a text, each with its end.
pub(super) fn each_line(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (line, behind) = rest.split_at(memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1));
        rest = behind;
        (!line.is_empty()).then_some(line)
    })
}

/// Whether no byte is of a kind. All of them are looked at, without a branch for each, which takes a fraction of the time.
fn has_none(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    !text.bytes().fold(false, |found, byte| found | kind(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_plain_and_everything_else_is_encoded() {
        assert_eq!(text("Hello there", 9), "Hello there");
        assert_eq!(text("=?utf-8?B?QQ==?=", 9), "=?utf-8?B?PT91dGYtOD9CP1FRPT0/PQ==?=");
        assert_eq!(text("椿", 9), "=?utf-8?B?5qS/?=");
        assert_eq!(name("Ann Lee", 4), "Ann Lee");
        assert_eq!(name("Lee, \"A\\n\"", 4), "\"Lee, \\\"A\\\\n\\\"\"");
        assert_eq!(name("a\r\nBcc: b", 4), "=?utf-8?B?YSAgQmNjOiBi?=");
    }

    #[test]
    fn encoded_words_are_short_and_cut_between_characters() {
        for line in text(&"令和👘".repeat(50), 9).split("\r\n ") {
            assert!(line.len() <= 75 && line.starts_with("=?utf-8?B?"));
            let bytes = STANDARD.decode(&line[10..line.len() - 2]).unwrap();
            assert!(String::from_utf8(bytes).is_ok());
        }
    }

    #[test]
    fn bodies_have_whole_line_ends_only() {
        assert_eq!(lines("a\rb\nc\r\nd\0e\u{1b}\tf\r"), "a\r\nb\r\nc\r\nde\tf\r\n");
        assert_eq!(lines("é\u{85}ü\u{7f}\n\u{a0}x\n"), "éü\r\n\u{a0}x\r\n");
    }

    #[test]
    fn a_line_that_can_stand_is_quoted_as_any_other() {
        let lines = [
            "",
            "a",
            "=",
            "a=b",
            " a",
            "a ",
            "a\tb",
            "\t",
            "é",
            "a .",
            "<p class=\"x\">",
            &"x".repeat(76),
            &"x".repeat(77),
            &"ab ".repeat(60),
        ];
        for first in lines {
            for second in lines {
                for text in [format!("{first}\r\n{second}"), format!("{first}\r\n{second}\r\n"), format!("{first}\r\n\r\n{second}\r\n")] {
                    let mut out = Vec::new();
                    quoted(&text, &mut out);
                    assert_eq!(out, quoted_printable::encode(&text), "{text:?}");
                }
            }
        }
    }
}
