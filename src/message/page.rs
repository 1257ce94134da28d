//! The page of a text part while it is written: lines, blocks and what stands before the lines of headings, lists and quotes. It lays
//! out as `html2text` does, which makes the text where the short way to it does not lead.

use super::space;
use unicode_width::UnicodeWidthChar;

/// No line may come near the width at which lines would break, in bytes, of which a character has at least as many as columns.
pub(super) const LONGEST: usize = 2_900;
/// Goes over each letter that is struck out.
const STROKE: char = '\u{336}';

/// Lines behind each other.
#[derive(Default)]
pub(super) struct Page {
    out: String,
    /// Where the line begins that is being written.
    line: usize,
    /// A space stands before the next word, if one comes.
    is_spaced: bool,
    pub is_struck: bool,
    frame: Frame,
    outer: Vec<Frame>,
}

/// Lines that get something before them when they are all there.
#[derive(Default)]
struct Frame {
    from: usize,
    has_content: bool,
    /// A block has ended, and an empty line stands before what follows.
    is_after_block: bool,
}

impl Page {
    pub fn new() -> Self {
        Self { out: space::text(), ..Self::default() }
    }

    /// Ends the line, if anything stands in it.
    pub fn flush(&mut self) -> Option<()> {
        if self.out.len() > self.line {
            if self.out.len() - self.line > LONGEST {
                return None;
            }
            self.out.push('\n');
            self.line = self.out.len();
            self.frame.has_content = true;
        }
        self.is_spaced = false;
        Some(())
    }

    /// Begins a block: an empty line stands before it, unless it is the first.
    pub fn block(&mut self) -> Option<()> {
        self.flush()?;
        if self.frame.has_content {
            self.empty_line();
        }
        self.frame.is_after_block = false;
        Some(())
    }

    pub fn end_block(&mut self) {
        self.frame.is_after_block = true;
    }

    /// Ends the line, also an empty one.
    pub fn line_break(&mut self) -> Option<()> {
        if self.out.len() > self.line {
            return self.flush();
        }
        self.empty_line();
        self.frame.is_after_block = false;
        Some(())
    }

    fn empty_line(&mut self) {
        self.out.push('\n');
        self.line = self.out.len();
    }

    /// Begins lines that stand for themselves.
    pub fn enter(&mut self) {
        let inner = Frame { from: self.out.len(), ..Frame::default() };
        self.outer.push(std::mem::replace(&mut self.frame, inner));
    }

    /// Ends them, and puts something before the first and the others.
    pub fn leave(&mut self, first: &str, others: &str) -> Option<()> {
        self.flush()?;
        let outer = self.outer.pop()?;
        let mut inner = std::mem::replace(&mut self.frame, outer);
        if !first.is_empty() && self.out.len() > inner.from {
            let lines = self.out.split_off(inner.from);
            for (number, line) in lines.split_inclusive('\n').enumerate() {
                self.out.push_str(if number == 0 { first } else { others });
                self.out.push_str(line);
            }
            inner.has_content = true;
        }
        self.frame.has_content |= inner.has_content;
        self.line = self.out.len();
        Some(())
    }

    /// Writes words. White space parts them and no more; `None` where a character would take no room at the beginning of a word.
    pub fn text(&mut self, text: &str) -> Option<()> {
        if self.frame.is_after_block {
            if text.chars().all(char::is_whitespace) {
                return Some(());
            }
            self.block()?;
        }
        if self.is_struck || !is_plain(text) {
            return self.each(text);
        }
        self.plain(text);
        Some(())
    }

    /// Writes words of ASCII that stand apart by single spaces, which stay where they are.
    fn plain(&mut self, text: &str) {
        let words = text.strip_prefix(' ').unwrap_or(text);
        let words = words.strip_suffix(' ').unwrap_or(words);
        self.is_spaced |= text.starts_with(' ') && self.out.len() > self.line;
        self.word(words);
        self.is_spaced |= !words.is_empty() && text.ends_with(' ');
    }

    /// Looks at each character.
    fn each(&mut self, text: &str) -> Option<()> {
        let (bytes, mut from, mut at) = (text.as_bytes(), 0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += broad(rest);
            if from < at && !self.is_struck && bytes.get(at) == Some(&b' ') && bytes.get(at + 1..).is_some_and(|rest| broad_first(rest) > 0)
            {
                // A single space between words stays where it is.
                at += 1;
                continue;
            }
            let Some(character) = text.get(at..)?.chars().next() else { break };
            let end = at + character.len_utf8();
            if character != '\u{a0}' && character.is_whitespace() {
                self.word(text.get(from..at)?);
                from = end;
                if self.is_struck {
                    return None;
                }
                self.is_spaced |= self.out.len() > self.line;
            } else {
                let width = character.width()?;
                let begins = from == at && (self.is_spaced || self.out.len() == self.line);
                if width == 0 && begins || character == '\u{200b}' {
                    return None;
                }
            }
            at = end;
        }
        self.word(text.get(from..)?);
        Some(())
    }

    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if self.is_spaced {
            self.out.push(' ');
            self.is_spaced = false;
        }
        if !self.is_struck {
            self.out.push_str(word);
            return;
        }
        for character in word.chars() {
            self.out.push(character);
            if character.width().unwrap_or(0) > 0 {
                self.out.push(STROKE);
            }
        }
    }

    pub fn finish(mut self) -> Option<String> {
        self.flush()?;
        Some(self.out)
    }
}

/// Whether a text is printed ASCII in which no two spaces stand beside each other.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    // All are looked at, without a branch for each.
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let is_odd = bytes.iter().fold(false, |odd, byte| odd | !matches!(byte, b' '..=b'~'));
    let is_wide = |one, next| (one, next) == (b' ', b' ');
    !is_odd && !pairs.fold(false, |wide, (one, next)| wide | is_wide(*one, *next))
}

/// Whether a text is words of characters that are known to take room, apart by single spaces.
pub(super) fn is_wordy(text: &str) -> bool {
    let mut rest = text.as_bytes();
    loop {
        let words = broad(rest);
        match rest.get(words..) {
            Some([]) => return words > 0,
            Some([b' ', behind @ ..]) if words > 0 => rest = behind,
            _ => return false,
        }
    }
}

/// How many bytes at the beginning are characters that are known to take room.
fn broad(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match text.get(at..).map_or(0, broad_first) {
            0 => return at,
            bytes => at += bytes,
        }
    }
}

/// The length of the first character where it is known to take room: printed ASCII, 、 to 〩, kana, the most frequent kanji, and the wide
/// forms of ASCII. 0 for any other, and at the end.
#[inline]
fn broad_first(text: &[u8]) -> usize {
    match *text {
        [b'!'..=b'~', ..] => 1,
        [0xe5..=0xe9, _, _, ..]
        | [0xe4, 0xb8..=0xbf, _, ..]
        | [0xe3, 0x80, 0x81..=0xa9, ..]
        | [0xe3, 0x81, 0x81..=0xbf, ..]
        | [0xe3, 0x82, 0x80..=0x96 | 0xa1..=0xbf, ..]
        | [0xe3, 0x83, _, ..]
        | [0xef, 0xbc, 0x81..=0xbf, ..]
        | [0xef, 0xbd, 0x80..=0x9e, ..] => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_written_as_if_each_letter_were_looked_at() {
        let mut plain = 0;
        for number in 0..3_usize.pow(7) {
            let digit = |place: u32| number / 3_usize.pow(place) % 3;
            let text: String = (0..6).map(|place| ["a", " ", "~"][digit(place)]).collect();
            let text = &text[..6 - number % 7];
            if !is_plain(text) {
                continue;
            }
            plain += 1;
            for before in ["", "x", "x ", "x\u{a0}"] {
                let [mut one, mut other] = [Page::default(), Page::default()];
                assert!(one.each(before).is_some() && other.each(before).is_some());
                one.plain(text);
                assert!(other.each(text).is_some());
                assert_eq!((&one.out, one.is_spaced, one.line), (&other.out, other.is_spaced, other.line), "{before:?} {text:?}");
            }
        }
        assert!(plain > 100);
        assert!(["a\tb", "a  b", "é", "a\n", "\u{7f}", "  "].iter().all(|text| !is_plain(text)));
    }

    #[test]
    fn whatever_is_known_to_take_room_takes_room() {
        let mut known = 0;
        for character in '\0'..=char::MAX {
            let mut bytes = [0; 4];
            let written = character.encode_utf8(&mut bytes);
            let length = broad_first(written.as_bytes());
            if length > 0 {
                assert_eq!(length, written.len(), "{character:?}");
                assert!(character.width() > Some(0) && !character.is_whitespace(), "{character:?}");
                known += 1;
            }
        }
        assert_eq!(known, 94 + 0x29 + (0x30_97 - 0x30_41) + (0x31_00 - 0x30_a1) + (0xa0_00 - 0x4e_00) + (0xff_5f - 0xff_01));
        assert_eq!(broad("椿a、！ b".as_bytes()), 3 + 1 + 3 + 3);
    }
}
