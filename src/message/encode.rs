//! Header values: what must be encoded, and what may stand as it is (RFC 2047, RFC 5322).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

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

/// A text without control characters but tabs and the ends of its lines, which are all LF.
pub(super) fn lines(value: &str) -> Cow<'_, str> {
    let is_odd = |byte: u8| (byte < b' ' && byte != b'\t' && byte != b'\n') || byte == 0x7f;
    // In UTF-8 the control characters above ASCII begin with 0xc2, as do some others.
    let bytes = value.as_bytes();
    let has_high = || memchr_iter(0xc2, bytes).any(|at| bytes.get(at + 1).is_some_and(|byte| *byte < 0xa0));
    if has_none(value, is_odd) && !has_high() {
        return Cow::Borrowed(value);
    }
    let ends = value.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(ends.chars().filter(|character| matches!(character, '\t' | '\n') || !character.is_control()).collect())
}

/// Adds a text whose lines end in LF as quoted-printable, in which they end in CRLF. Each line is encoded by itself, and most of plain HTML
/// can stand as it is.
pub(super) fn quoted(lines: &str, out: &mut Vec<u8>) {
    for line in each_line(lines) {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\r\n"));
        let stands = text.len() <= LINE && has_none(text, |byte| !matches!(byte, b' '..=b'~') || byte == b'=');
        if stands && !text.ends_with(' ') {
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(end.as_bytes());
        } else {
            out.extend_from_slice(&quoted_printable::encode([text, end].concat()));
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
        assert_eq!(lines("a\rb\nc\r\nd\0e\u{1b}\tf\r"), "a\nb\nc\nde\tf\n");
        assert_eq!(lines("a\r\r\n\n\rb"), "a\n\n\n\nb");
        assert_eq!(lines("é\u{85}ü\u{7f}\n\u{a0}x\n"), "éü\n\u{a0}x\n");
        for whole in ["", "a\tb\n\n", "\u{a0}©Â椿"] {
            assert!(matches!(lines(whole), Cow::Borrowed(kept) if kept == whole), "{whole:?}");
        }
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
                for text in [format!("{first}\n{second}"), format!("{first}\n{second}\n"), format!("{first}\n\n{second}\n")] {
                    let mut out = Vec::new();
                    quoted(&text, &mut out);
                    assert_eq!(out, quoted_printable::encode(text.replace('\n', "\r\n")), "{text:?}");
                }
            }
        }
    }
}
