//! HTML in pieces, as far as it is well-formed: whatever a browser would have to mend or guess is none of this reader's.

use super::tags::{Tag, Tags};
use memchr::{memchr, memchr2_iter, memmem};
use std::borrow::Cow;
use std::rc::Rc;

/// A piece of HTML.
pub(super) enum Piece<'h> {
    /// As it is written, with its character references.
    Text(&'h str),
    Open(Rc<Tag>),
    Close(&'h str),
    Doctype,
    Comment,
}

/// What is not read yet, and the tags that are known.
pub(super) struct Markup<'h, 't> {
    pub rest: &'h str,
    pub tags: &'t mut Tags,
}

impl<'h> Markup<'h, '_> {
    /// The next piece. The outer `None` is what this reader does not read, the inner one the end.
    #[expect(clippy::option_option, reason = "the one is for `?`, the other for the end")]
    pub fn next(&mut self) -> Option<Option<Piece<'h>>> {
        let Some(behind) = self.rest.strip_prefix('<') else {
            if self.rest.is_empty() {
                return Some(None);
            }
            let (text, rest) = self.rest.split_at(memchr(b'<', self.rest.as_bytes()).unwrap_or(self.rest.len()));
            self.rest = rest;
            return Some(Some(Piece::Text(text)));
        };
        self.rest = behind;
        Some(Some(match behind.as_bytes().first()? {
            b'/' => Piece::Close(self.close()?),
            b'!' => self.declaration()?,
            _ => Piece::Open(self.open()?),
        }))
    }

    /// Passes over text that is no markup, up to the end tag of its element.
    pub fn skip_raw(&mut self, element: &str) -> Option<()> {
        let mut rest = self.rest;
        while let Some(at) = memmem::find(rest.as_bytes(), b"</") {
            let behind = rest.get(at + 2..)?;
            if behind.get(..element.len()).is_some_and(|name| name.eq_ignore_ascii_case(element)) {
                self.rest = behind.get(element.len()..)?.strip_prefix('>')?;
                return Some(());
            }
            rest = behind;
        }
        None
    }

    /// Text up to the end tag of its element, where nothing else stands in it.
    pub fn only_text(&mut self, element: &str) -> Option<&'h str> {
        let (text, behind) = cut(self.rest, b'<')?;
        self.rest = behind.strip_prefix('/')?.strip_prefix(element)?.strip_prefix('>')?;
        Some(text)
    }

    fn close(&mut self) -> Option<&'h str> {
        let (name, rest) = cut(self.rest.strip_prefix('/')?, b'>')?;
        self.rest = rest;
        Some(name.trim_end_matches(blank))
    }

    fn declaration(&mut self) -> Option<Piece<'h>> {
        let Some(comment) = self.rest.strip_prefix("!--") else {
            let (name, rest) = cut(self.rest, b'>')?;
            self.rest = rest;
            return name.get(..9).is_some_and(|name| name.eq_ignore_ascii_case("!doctype ")).then_some(Piece::Doctype);
        };
        let (inside, rest) = comment.split_once("-->")?;
        // These end a comment too.
        if inside.starts_with('>') || inside.starts_with("->") || inside.contains("--!>") {
            return None;
        }
        self.rest = rest;
        Some(Piece::Comment)
    }

    fn open(&mut self) -> Option<Rc<Tag>> {
        let (tag, rest) = self.tags.first(self.rest)?;
        self.rest = rest;
        Some(tag)
    }
}

/// What stands before and behind the first of these bytes, which is ASCII.
pub(super) fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = memchr(mark, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Without the white space of markup at its beginning.
pub(super) fn unspaced(text: &str) -> &str {
    let end = text.as_bytes().iter().position(|byte| !blank(char::from(*byte)));
    text.get(end.unwrap_or(text.len())..).unwrap_or_default()
}

/// What separates words of markup.
pub(super) fn blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Character references that are called by a name, and what they stand for.
const NAMED: [(&str, char); 27] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("yen", '¥'),
    ("middot", '·'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("times", '×'),
    ("deg", '°'),
    ("bull", '•'),
    ("larr", '←'),
    ("rarr", '→'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
];

/// Text with its character references resolved; `None` where one is unknown. In an attribute, `&name=` is what it looks like.
pub(super) fn decoded(text: &str, is_attribute: bool) -> Option<Cow<'_, str>> {
    let Some(first) = memchr(b'&', text.as_bytes()) else { return Some(Cow::Borrowed(text)) };
    let mut out = String::with_capacity(text.len());
    let (before, mut rest) = text.split_at(first);
    out.push_str(before);
    while let Some(reference) = rest.strip_prefix('&') {
        let end = reference.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#').unwrap_or(reference.len());
        let (name, behind) = reference.split_at(end);
        rest = match (name, behind.strip_prefix(';')) {
            ("", _) => {
                out.push('&');
                behind
            }
            (name, Some(behind)) => {
                out.push(referenced(name)?);
                behind
            }
            (name, None) if is_attribute && behind.starts_with('=') && !name.contains('#') => {
                out.push('&');
                out.push_str(name);
                behind
            }
            _ => return None,
        };
        let (plain, next) = rest.split_at(memchr(b'&', rest.as_bytes()).unwrap_or(rest.len()));
        out.push_str(plain);
        rest = next;
    }
    Some(Cow::Owned(out))
}

fn referenced(name: &str) -> Option<char> {
    let Some(digits) = name.strip_prefix('#') else {
        return NAMED.iter().find(|(known, _)| *known == name).map(|(_, character)| *character);
    };
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code).filter(|character| !character.is_control())
}

/// A style without its comments.
fn without_comments(style: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = memchr(b'*', style.as_bytes()).and_then(|_| style.split_once("/*")) else {
        return Cow::Borrowed(style);
    };
    let mut kept = before.to_owned();
    while let Some((_, behind)) = rest.split_once("*/") {
        let (words, next) = behind.split_once("/*").unwrap_or((behind, ""));
        kept.push_str(words);
        rest = next;
    }
    Cow::Owned(kept)
}

/// Whether an inline style hides its element: the last `display` counts, and one that is `!important` before all others.
pub(super) fn hides(style: &str) -> bool {
    let style = without_comments(style);
    let mut found = (false, false);
    // Most styles do not speak of it, and a `y` is seldom.
    for at in memchr2_iter(b'y', b'Y', style.as_bytes()) {
        let Some(value) = display(&style, at) else { continue };
        let (value, important) = match value.split_once('!') {
            Some((value, word)) => (value, word.trim().eq_ignore_ascii_case("important")),
            None => (value, false),
        };
        if important || !found.1 {
            found = (value.trim().eq_ignore_ascii_case("none"), important);
        }
    }
    found.0
}

/// The value of a `display` whose `y` stands there.
fn display(style: &str, y: usize) -> Option<&str> {
    let start = y.checked_sub(6)?;
    let is_it = style.get(start..y)?.eq_ignore_ascii_case("displa");
    let before = style.get(..start).filter(|_| is_it)?.trim_end();
    let value = style.get(y + 1..)?.trim_start().strip_prefix(':')?;
    let end = memchr(b';', value.as_bytes()).unwrap_or(value.len());
    value.get(..end).filter(|_| before.is_empty() || before.ends_with(';'))
}
