//! Moulds: what was learnt from a few mails of a campaign spares the others the long way from HTML to text.
//!
//! Two mails of one campaign differ in a few words between the same tags. When two came that differ so, one of them is made once more with marks in
//! the places of those words, and from then on a text is that one with the words put in. A mould only guesses: what it gives must be
//! compared with what was planned, and where that is something else, the long way is taken.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// So many moulds are kept; the mails of other shapes take the long way.
const MOST: usize = 256;
/// A mould that was made so often has no fixed words to speak of.
const TRIES: u32 = 24;
/// The marks: characters of a private plane, in which nobody writes.
const FIRST_MARK: u32 = 0xF_0000;
const LAST_MARK: u32 = 0xF_FFFD;

/// What is known, by template and shape of the HTML.
#[derive(Debug, Default)]
pub(super) struct Moulds {
    known: RwLock<HashMap<u64, Arc<Mould>>>,
    hasher: foldhash::fast::FixedState,
}

/// One mail's HTML, and the text with holes that came of it.
#[derive(Debug)]
struct Mould {
    sample: String,
    pieces: Vec<Range<usize>>,
    /// Which pieces have been seen to differ between mails.
    differs: Vec<bool>,
    /// How often it was made, and the text; `None` as long as there was nothing to compare with.
    tries: u32,
    text: Option<Vec<Part>>,
}

#[derive(Debug)]
enum Part {
    Words(String),
    /// The words of this piece.
    Hole(usize),
}

impl Moulds {
    /// The text of an HTML. `long` is the long way to it.
    pub fn text<E>(&self, name: &str, html: &str, long: impl Fn(&str) -> Result<String, E>) -> Result<String, E> {
        let (pieces, key) = split(html, self.hasher.hash_one(name), &self.hasher);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let Some(mould) = known.filter(|mould| mould.pieces.len() == pieces.len()) else {
            self.keep(key, || Mould::of(html, &pieces));
            return long(html);
        };
        let new = mould.differing(html, &pieces);
        if new.is_empty()
            && let Some(text) = mould.fill(html, &pieces)
        {
            return Ok(text);
        }
        if mould.tries < TRIES {
            let better = Arc::new(mould.again(&new, &long)?);
            let text = better.fill(html, &pieces);
            self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key, better);
            if let Some(text) = text {
                return Ok(text);
            }
        }
        long(html)
    }

    fn keep(&self, key: u64, mould: impl FnOnce() -> Mould) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            known.entry(key).or_insert_with(|| Arc::new(mould()));
        }
    }
}

impl Mould {
    fn of(html: &str, pieces: &[Range<usize>]) -> Self {
        Self { sample: html.to_owned(), pieces: pieces.to_vec(), differs: vec![false; pieces.len()], tries: 0, text: None }
    }

    /// The pieces that were the same until now and differ here.
    fn differing(&self, html: &str, pieces: &[Range<usize>]) -> Vec<usize> {
        let mine = self.pieces.iter().map(|piece| self.sample.get(piece.clone()));
        let theirs = pieces.iter().map(|piece| html.get(piece.clone()));
        let same = mine.zip(theirs).map(|(mine, theirs)| mine == theirs);
        same.zip(&self.differs).enumerate().filter(|(_, (same, differs))| !same && !**differs).map(|(at, _)| at).collect()
    }

    /// The same with more holes.
    fn again<E>(&self, new: &[usize], long: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        let mut differs = self.differs.clone();
        for at in new {
            if let Some(differs) = differs.get_mut(*at) {
                *differs = true;
            }
        }
        let holes: Vec<usize> = differs.iter().enumerate().filter(|(_, differs)| **differs).map(|(at, _)| at).collect();
        let mut marked = String::with_capacity(self.sample.len());
        let mut end = 0;
        for (mark, at) in (FIRST_MARK..=LAST_MARK).filter_map(char::from_u32).zip(&holes) {
            let Some(piece) = self.pieces.get(*at) else { continue };
            let words = words(&self.sample, piece);
            marked.push_str(self.sample.get(end..words.start).unwrap_or_default());
            marked.push(mark);
            end = words.end;
        }
        marked.push_str(self.sample.get(end..).unwrap_or_default());
        let text = parts(&long(&marked)?, &holes);
        Ok(Self { sample: self.sample.clone(), pieces: self.pieces.clone(), differs, tries: self.tries + 1, text: Some(text) })
    }

    fn fill(&self, html: &str, pieces: &[Range<usize>]) -> Option<String> {
        let mut out = String::with_capacity(self.sample.len());
        for part in self.text.as_ref()? {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Hole(at) => put(&mut out, html.get(words(html, pieces.get(*at)?))?),
            }
        }
        Some(out)
    }
}

/// Cuts HTML where tags and quoted attributes begin and end. The key is that of a template and of the tags, with what stands in them unquoted.
fn split(html: &str, template: u64, hasher: &impl BuildHasher) -> (Vec<Range<usize>>, u64) {
    let mut shape = hasher.build_hasher();
    shape.write_u64(template);
    let mut pieces = Vec::with_capacity(html.len() / 16);
    // Within a tag, and within the quotes of one of its attributes.
    let (mut tag, mut quote) = (false, None);
    let mut start = 0;
    for (at, byte) in html.bytes().enumerate() {
        let ends = match (byte, tag, quote) {
            (b'<', false, _) | (b'>' | b'"' | b'\'', true, None) => true,
            (_, true, Some(open)) => byte == open,
            _ => false,
        };
        if !ends {
            continue;
        }
        if tag && quote.is_none() {
            shape.write(html.as_bytes().get(start..at).unwrap_or_default());
        } else {
            pieces.push(start..at);
        }
        shape.write_u8(byte);
        match byte {
            b'<' if !tag => tag = true,
            b'>' if quote.is_none() => tag = false,
            open => quote = if quote.is_none() { Some(open) } else { None },
        }
        start = at + 1;
    }
    pieces.push(start..html.len());
    (pieces, shape.finish())
}

/// A piece without the blanks around it.
fn words(html: &str, piece: &Range<usize>) -> Range<usize> {
    let text = html.get(piece.clone()).unwrap_or_default();
    let start = piece.start + (text.len() - text.trim_ascii_start().len());
    start..(piece.start + text.trim_ascii_end().len()).max(start)
}

/// A text with marks as its parts.
fn parts(text: &str, holes: &[usize]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    let hole = |character: char| holes.get(usize::try_from(u32::from(character).checked_sub(FIRST_MARK)?).ok()?).copied();
    while let Some((at, mark, piece)) = rest.char_indices().find_map(|(at, mark)| Some((at, mark, hole(mark)?))) {
        let (before, behind) = rest.split_at(at);
        parts.push(Part::Words(before.to_owned()));
        parts.push(Part::Hole(piece));
        rest = behind.get(mark.len_utf8()..).unwrap_or_default();
    }
    parts.push(Part::Words(rest.to_owned()));
    parts
}

/// Words of HTML as they stand in a text: blanks do not pile up, and what was escaped is itself again.
fn put(out: &mut String, words: &str) {
    for (number, word) in words.split_ascii_whitespace().enumerate() {
        if number > 0 {
            out.push(' ');
        }
        out.push_str(&unescaped(word));
    }
}

/// What a template escapes in a value.
fn unescaped(word: &str) -> Cow<'_, str> {
    if !word.contains('&') {
        return word.into();
    }
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.iter().fold(word.to_owned(), |word, (written, meant)| word.replace(written, meant)).into()
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use std::cell::Cell;

    fn page(name: &str, link: &str, extra: &str) -> String {
        format!(
            "<html><head><title>{name}</title><style>p{{color:'red'}}</style></head><body class='x'><h1>Dear {name},</h1>\n\
             <p style=\"a:b\">It's a \"letter\" of <b>{name}</b> &amp; all\n  others.</p>{extra}<p><a href='{link}'>{link}</a></p></body></html>"
        )
    }

    #[test]
    fn what_a_mould_gives_is_what_the_long_way_gives() {
        let moulds = Moulds::default();
        let long_ways = Cell::new(0);
        let long = |html: &str| {
            long_ways.set(long_ways.get() + 1);
            plain::from_html(html).map(|text| plain::tidy(&text))
        };
        let mut wanted_long = 0;
        for (number, name) in ["Ann", "Ben", "D&#39;Arc &amp; Sons", "椿 花子", "Two  Words"].into_iter().cycle().take(40).enumerate() {
            let extra = if number % 2 == 0 { "" } else { "<ul><li>one</li></ul>" };
            let html = page(name, &format!("https://shop.example/u/{number}?a=1&amp;b=2"), extra);
            assert_eq!(moulds.text("letter", &html, long).unwrap(), plain::tidy(&plain::from_html(&html).unwrap()), "{html}");
            // Of each of the two shapes, the first takes the long way, and the second makes the mould.
            wanted_long = (number + 1).min(4);
            assert_eq!(long_ways.get(), wanted_long);
        }
        assert_eq!(wanted_long, 4);
    }

    #[test]
    fn a_piece_that_differs_late_makes_the_mould_anew_and_an_end_is_found() {
        let moulds = Moulds::default();
        let long_ways = Cell::new(0);
        let long = |html: &str| {
            long_ways.set(long_ways.get() + 1);
            plain::from_html(html).map(|text| plain::tidy(&text))
        };
        // A mail each in which one more piece is not as it was.
        let html = |differs: usize| {
            let piece = |at: usize| if at == differs { format!("<p>other {at}</p>") } else { format!("<p>same {at}</p>") };
            (0..60).map(piece).collect::<String>()
        };
        for differs in (0..60).chain(0..60) {
            let html = html(differs);
            assert_eq!(moulds.text("letter", &html, long).unwrap(), plain::tidy(&plain::from_html(&html).unwrap()));
        }
        let most = moulds.known.read().unwrap().values().map(|mould| mould.tries).max().unwrap();
        assert!(most <= TRIES && long_ways.get() > 60, "{most} {}", long_ways.get());
    }

    #[test]
    fn so_many_shapes_are_kept() {
        let moulds = Moulds::default();
        for number in 0..MOST + 50 {
            moulds.text("letter", &"<p>a</p>".repeat(number), |html| Ok::<_, ()>(html.to_owned())).unwrap();
        }
        assert_eq!(moulds.known.read().unwrap().len(), MOST);
    }
}
