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
/// A larger sample makes no mould, in bytes of its HTML and of the places where it is cut. All samples together take at most 32 MiB, and
/// their texts no more than that again.
const LARGEST: usize = 128 * 1024;
/// A mould that was made so often has no fixed words to speak of.
const TRIES: u32 = 24;
/// The marks: characters of a private plane, in which nobody writes.
const FIRST_MARK: u32 = 0xF_0000;
const LAST_MARK: u32 = 0xF_FFFD;

/// What is known, by template and shape of the HTML; and by template alone the mould that was made last, since most mails have its shape.
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
    /// The pieces that have been seen to differ between mails, and what stands around and between their words.
    holes: Vec<usize>,
    seams: Vec<Range<usize>>,
    /// How often it was made, and the text; `None` as long as there was nothing to compare with.
    tries: u32,
    text: Option<Vec<Part>>,
}

#[derive(Debug)]
enum Part {
    Words(String),
    /// The words of this hole.
    Hole(usize),
}

impl Moulds {
    /// The text of an HTML. `long` is the long way to it.
    pub fn text<E>(&self, name: &str, html: &str, long: impl Fn(&str) -> Result<String, E>) -> Result<String, E> {
        let template = self.hasher.hash_one(name);
        if let Some(text) = self.get(template).and_then(|last| last.fit(html)) {
            return Ok(text);
        }
        let (pieces, key) = split(html, template, &self.hasher);
        if html.len() + size_of_val(pieces.as_slice()) > LARGEST {
            return long(html);
        }
        let Some(mould) = self.get(key).filter(|mould| mould.pieces.len() == pieces.len()) else {
            self.keep(key, || Mould::of(html, &pieces));
            return long(html);
        };
        let new = mould.differing(html, &pieces);
        if new.is_empty()
            && let Some(text) = mould.fill(&mould.words(html, &pieces))
        {
            return Ok(text);
        }
        if mould.tries < TRIES {
            let better = Arc::new(mould.again(&new, &long)?);
            let text = better.fill(&better.words(html, &pieces));
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(key, Arc::clone(&better));
            known.insert(template, better);
            if let Some(text) = text {
                return Ok(text);
            }
        }
        long(html)
    }

    fn get(&self, key: u64) -> Option<Arc<Mould>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
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
        let (sample, pieces) = (html.to_owned(), pieces.to_vec());
        Self { sample, pieces, holes: Vec::new(), seams: Vec::new(), tries: 0, text: None }
    }

    /// The pieces that were the same until now and differ here.
    fn differing(&self, html: &str, pieces: &[Range<usize>]) -> Vec<usize> {
        let mine = self.pieces.iter().map(|piece| self.sample.get(piece.clone()));
        let theirs = pieces.iter().map(|piece| html.get(piece.clone()));
        let changed = mine.zip(theirs).enumerate().filter(|(_, (mine, theirs))| mine != theirs).map(|(at, _)| at);
        changed.filter(|at| self.holes.binary_search(at).is_err()).collect()
    }

    /// The same with more holes.
    fn again<E>(&self, new: &[usize], long: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        let mut holes = [&self.holes, new].concat();
        holes.sort_unstable();
        let mut seams = Vec::with_capacity(holes.len() + 1);
        let mut end = 0;
        for piece in holes.iter().filter_map(|at| self.pieces.get(*at)) {
            let words = words(&self.sample, piece);
            seams.push(end..words.start);
            end = words.end;
        }
        seams.push(end..self.sample.len());
        let mut marked = String::with_capacity(self.sample.len());
        for (seam, mark) in seams.iter().zip(FIRST_MARK..=LAST_MARK) {
            marked.push_str(self.sample.get(seam.clone()).unwrap_or_default());
            marked.extend(char::from_u32(mark));
        }
        // There is a seam more than there are holes.
        marked.pop();
        let text = parts(&long(&marked)?, holes.len());
        Ok(Self { sample: self.sample.clone(), pieces: self.pieces.clone(), holes, seams, tries: self.tries + 1, text: Some(text) })
    }

    /// The words in the holes, where the HTML was cut.
    fn words<'h>(&self, html: &'h str, pieces: &[Range<usize>]) -> Vec<&'h str> {
        self.holes.iter().filter_map(|at| html.get(words(html, pieces.get(*at)?))).collect()
    }

    /// The text, where the HTML is as the seams have it, as far as can be seen without cutting it.
    fn fit(&self, html: &str) -> Option<String> {
        let (first, seams) = self.seams.split_first()?;
        let mut rest = html.strip_prefix(self.sample.get(first.clone())?)?;
        let mut words = Vec::with_capacity(seams.len());
        for (number, seam) in seams.iter().enumerate() {
            let seam = self.sample.get(seam.clone())?;
            // The last seam is the end; any other is known by its beginning.
            let at = if number + 1 == seams.len() { rest.len().checked_sub(seam.len())? } else { rest.find(seam.get(..1)?)? };
            words.push(rest.get(..at)?);
            rest = rest.get(at..)?.strip_prefix(seam)?;
        }
        self.fill(&words).filter(|_| rest.is_empty())
    }

    fn fill(&self, words: &[&str]) -> Option<String> {
        let mut out = String::with_capacity(self.sample.len());
        for part in self.text.as_ref()? {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Hole(number) => put(&mut out, words.get(*number)?),
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
fn parts(text: &str, holes: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    let hole = |character: char| usize::try_from(u32::from(character).checked_sub(FIRST_MARK)?).ok().filter(|number| *number < holes);
    while let Some((at, mark, number)) = rest.char_indices().find_map(|(at, mark)| Some((at, mark, hole(mark)?))) {
        let (before, behind) = rest.split_at(at);
        parts.push(Part::Words(before.to_owned()));
        parts.push(Part::Hole(number));
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
    fn what_is_too_large_is_not_kept() {
        let moulds = Moulds::default();
        let (words, tags) = ("a".repeat(LARGEST), "<b>".repeat(LARGEST / 18));
        for html in [&words, &words, &tags, &tags] {
            assert_eq!(&moulds.text("letter", html, |html| Ok::<_, ()>(html.to_owned())).unwrap(), html);
            assert!(moulds.known.read().unwrap().is_empty(), "{} bytes", html.len());
        }
        moulds.text("letter", &"<b>".repeat(LARGEST / 20), |html| Ok::<_, ()>(html.to_owned())).unwrap();
        assert_eq!(moulds.known.read().unwrap().len(), 1);
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
