//! Texts of mails that differ in a few words only. The mails of a campaign have their HTML in common but for names, numbers and links; what
//! reading one has shown holds for the others, whose words come to the same places.
//!
//! A stencil is the HTML of some mails with slots where they differ: runs of text between two tags, and values of attributes. It is read
//! once, with a character of private use in each slot. A mail that fits has the text that came of it, with its own words there: how the
//! reader goes about words of plain characters does not depend on which they are, and a mail with any others is read whole.

use super::markup::{Markup, Piece, blank, cut, decoded};
use super::page::{LONGEST, is_wordy};
use super::reading::{self, Reading};
use super::tags::Tags;
use super::{plain, space, tags};
use memchr::memchr;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

/// No template has more stencils than this, nor more bytes of HTML in them.
const KEPT: usize = 16;
const ROOM: usize = 512 << 10;
/// A mail that is learned from costs what so many save that fit.
const LEARNING: usize = 4;
/// Where learning cost so much more than it saved, the template's mails have too little in common: they are read whole from then on.
const PATIENCE: usize = 256;
/// What stands in the first slot when a stencil is read; the others follow.
const FIRST: u32 = 0xf_0000;
/// So many slots there may be.
const SLOTS: u32 = 0x1000;

/// The stencils of each template, for all threads that render it.
#[derive(Default)]
pub(super) struct Stencils(HashMap<String, Known>);

/// What is known of the mails of a template.
#[derive(Default)]
struct Known {
    stencils: RwLock<Vec<Stencil>>,
    /// What learning cost, less what it saved.
    spent: AtomicUsize,
}

/// The text of an HTML, tidied, from itself alone.
pub(super) fn whole(html: &str) -> Option<Reading> {
    let Reading { text, hidden, is_mirror } = reading::read(html)?;
    let tidied = plain::tidy(&text);
    space::keep(text);
    Some(Reading { text: tidied, hidden, is_mirror })
}

impl Stencils {
    pub fn of<'n>(templates: impl Iterator<Item = &'n String>) -> Self {
        Self(templates.map(|name| (name.clone(), Known::default())).collect())
    }

    /// The text of an HTML that was rendered from a template, tidied, where the short way leads to it.
    pub fn read(&self, template: &str, html: &str) -> Option<Reading> {
        self.0.get(template).map_or_else(|| whole(html), |known| known.read(html))
    }
}

impl Known {
    fn read(&self, html: &str) -> Option<Reading> {
        if self.spent.load(Relaxed) >= PATIENCE {
            return whole(html);
        }
        for stencil in self.stencils.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let Some(values) = stencil.values(html) else { continue };
            let Some(reading) = stencil.filled(&values) else { return whole(html) };
            stencil.fitted.fetch_add(1, Relaxed);
            let _ = self.spent.fetch_update(Relaxed, Relaxed, |spent| spent.checked_sub(1));
            return Some(reading);
        }
        let reading = whole(html)?;
        // Of what shows such characters it could not be told where a slot is.
        if html.len() <= ROOM && ![&reading.text, &reading.hidden].iter().any(|text| text.chars().any(|one| number_of(one).is_some())) {
            tags::with(|tags| self.learn(html, tags));
        }
        Some(reading)
    }

    /// Widens a stencil so that this HTML fits, or makes one of it.
    fn learn(&self, html: &str, tags: &mut Tags) {
        let is_given_up = self.spent.fetch_add(LEARNING, Relaxed) + LEARNING >= PATIENCE;
        let mut stencils = self.stencils.write().unwrap_or_else(PoisonError::into_inner);
        if is_given_up {
            return stencils.clear();
        }
        let Some(runs) = runs(html, tags) else { return };
        let like = stencils.iter().position(|known| known.is_like(html, &runs));
        let slots = match like.map(|at| stencils.remove(at)) {
            Some(known) => known.slots_with(html, &runs),
            None => vec![false; runs.len()],
        };
        let Some(stencil) = Stencil::of(html.to_owned(), runs, slots, tags) else { return };
        // Those that fitted least make room.
        stencils.sort_by_key(|known| std::cmp::Reverse(known.fitted.load(Relaxed)));
        let bytes = |stencils: &[Stencil]| stencils.iter().map(|known| known.html.len()).sum::<usize>();
        while stencils.len() == KEPT || bytes(&stencils) + html.len() > ROOM {
            stencils.pop();
        }
        stencils.push(stencil);
    }
}

/// A part of an HTML in which mails may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    place: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Words between two tags, without the blanks around them.
    Words,
    /// The value of an attribute, and its quote.
    Value(u8),
}

/// The HTML of some mails.
struct Stencil {
    /// One of the mails, its runs, and which of them are slots.
    html: String,
    runs: Vec<Run>,
    slots: Vec<bool>,
    /// Where in that HTML stands what is before, between and behind the slots.
    fixed: Vec<Range<usize>>,
    /// What each slot ends with, and so many blanks before that.
    ends: Vec<(u8, usize)>,
    shown: Shown,
    /// How many mails fitted.
    fitted: AtomicUsize,
}

/// What reading a stencil gave.
struct Shown {
    text: Mixed,
    hidden: Mixed,
    is_mirror: bool,
    /// The bytes of the longest line.
    longest: usize,
}

/// Text with words of slots in it: what stands before each, and the number of the slot; in the end what stands behind the last.
struct Mixed {
    parts: Vec<(String, usize)>,
    rest: String,
}

impl Stencil {
    /// `None` where the short way does not lead there.
    fn of(html: String, runs: Vec<Run>, slots: Vec<bool>, tags: &mut Tags) -> Option<Self> {
        let (mut fixed, mut ends, mut marked, mut from) = (Vec::new(), Vec::new(), String::with_capacity(html.len()), 0);
        for (run, number) in runs.iter().zip(&slots).filter(|(_, is_slot)| **is_slot).map(|(run, _)| run).zip(FIRST..) {
            marked.push_str(html.get(from..run.place.start)?);
            marked.push(char::from_u32(number).filter(|mark| number_of(*mark).is_some())?);
            fixed.push(from..run.place.start);
            let behind = html.get(run.place.end..)?;
            ends.push(match run.kind {
                Kind::Words => (b'<', behind.len() - behind.trim_start_matches(blank).len()),
                Kind::Value(quote) => (quote, 0),
            });
            from = run.place.end;
        }
        marked.push_str(html.get(from..)?);
        fixed.push(from..html.len());
        let Reading { text, hidden, is_mirror } = reading::read_with(&marked, tags)?;
        let longest = text.lines().map(str::len).max().unwrap_or(0);
        let shown = Shown { text: Mixed::of(&plain::tidy(&text)), hidden: Mixed::of(&hidden), is_mirror, longest };
        Some(Self { html, runs, slots, fixed, ends, shown, fitted: AtomicUsize::new(0) })
    }

    /// Whether an HTML with these runs differs in runs only.
    fn is_like(&self, html: &str, runs: &[Run]) -> bool {
        let kinds = |runs: &[Run]| runs.iter().map(|run| run.kind).collect::<Vec<_>>();
        self.runs.len() == runs.len() && kinds(&self.runs) == kinds(runs) && between(&self.html, &self.runs).eq(between(html, runs))
    }

    /// Its slots, and beside them the runs in which such an HTML differs.
    fn slots_with(&self, html: &str, runs: &[Run]) -> Vec<bool> {
        let differs = |(one, other): (&Run, &Run)| self.html.get(one.place.clone()) != html.get(other.place.clone());
        self.runs.iter().zip(runs).map(differs).zip(&self.slots).map(|(differs, is_slot)| differs || *is_slot).collect()
    }

    /// What stands in its slots, where an HTML fits.
    fn values<'h>(&self, html: &'h str) -> Option<Vec<&'h str>> {
        let fixed = |place: &Range<usize>| self.html.get(place.clone());
        let (first, others) = self.fixed.split_first()?;
        let mut rest = html.strip_prefix(fixed(first)?)?;
        let mut values = Vec::with_capacity(others.len());
        for ((end, blanks), place) in self.ends.iter().zip(others) {
            let (value, behind) = rest.split_at_checked(memchr(*end, rest.as_bytes())?.checked_sub(*blanks)?)?;
            rest = behind.strip_prefix(fixed(place)?)?;
            values.push(value);
        }
        rest.is_empty().then_some(values)
    }

    /// The text with these words in the slots; `None` where one of them may be read in another way.
    fn filled(&self, values: &[&str]) -> Option<Reading> {
        let shown = &self.shown;
        let values: Vec<Cow<str>> = values.iter().zip(&self.ends).map(|(value, (end, _))| said(value, *end)).collect::<Option<_>>()?;
        let words = |number: usize| values.get(number).map(Cow::as_ref);
        let mut length = shown.longest;
        for (_, number) in &shown.text.parts {
            let words = words(*number).filter(|words| is_wordy(words))?;
            length += words.len();
        }
        if length > LONGEST {
            return None;
        }
        let mut text = space::text();
        shown.text.write(words, &mut text)?;
        let mut hidden = String::new();
        shown.hidden.write(words, &mut hidden)?;
        Some(Reading { text, hidden, is_mirror: shown.is_mirror })
    }
}

impl Mixed {
    fn of(text: &str) -> Self {
        let (mut parts, mut from) = (Vec::new(), 0);
        for (at, character) in text.char_indices() {
            if let Some(number) = number_of(character) {
                parts.push((text.get(from..at).unwrap_or_default().to_owned(), number));
                from = at + character.len_utf8();
            }
        }
        Self { parts, rest: text.get(from..).unwrap_or_default().to_owned() }
    }

    fn write<'w>(&self, words: impl Fn(usize) -> Option<&'w str>, out: &mut String) -> Option<()> {
        for (before, number) in &self.parts {
            out.push_str(before);
            out.push_str(words(*number)?);
        }
        out.push_str(&self.rest);
        Some(())
    }
}

/// What stands between the runs of an HTML.
fn between<'h>(html: &'h str, runs: &[Run]) -> impl Iterator<Item = &'h str> {
    let starts = std::iter::once(0).chain(runs.iter().map(|run| run.place.end));
    let ends = runs.iter().map(|run| run.place.start).chain([html.len()]);
    starts.zip(ends).map(|(start, end)| html.get(start..end).unwrap_or_default())
}

/// What a slot's words say; `None` where they are nothing, or something else than words. `mailto:` is left out of what a link shows, however
/// it is written.
fn said(value: &str, end: u8) -> Option<Cow<'_, str>> {
    let is_odd = value.is_empty() || value.bytes().any(|byte| matches!(byte, b'<' | b'>'));
    let said = if is_odd { None } else { decoded(value, end != b'<') };
    said.filter(|said| !said.starts_with("mailto:"))
}

/// The number of the slot that a character stands for.
fn number_of(character: char) -> Option<usize> {
    usize::try_from(u32::from(character).checked_sub(FIRST).filter(|number| *number < SLOTS)?).ok()
}

/// Where mails with such an HTML may differ: words between tags, where links lead, and what stands for pictures. `None` where the reader
/// would look at single letters, or does not read on.
fn runs(html: &str, tags: &mut Tags) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    let mut markup = Markup { rest: html, tags };
    loop {
        let from = html.len() - markup.rest.len();
        match markup.next()? {
            None => return Some(runs),
            // A slot ends with a tag.
            Some(Piece::Text(text)) if from + text.len() == html.len() => {}
            Some(Piece::Text(text)) => runs.extend(words(text, from)),
            Some(Piece::Open(tag)) => {
                if matches!(&*tag.name, "s" | "del" | "sup") {
                    return None;
                }
                let behind = html.len() - markup.rest.len();
                runs.extend(values(html, from..behind));
                if &*tag.name == "title" {
                    runs.extend(cut(markup.rest, b'<').and_then(|(title, _)| words(title, behind)));
                }
                if matches!(&*tag.name, "title" | "style") {
                    markup.skip_raw(&tag.name)?;
                }
            }
            Some(Piece::Close(_) | Piece::Doctype | Piece::Comment) => {}
        }
    }
}

/// The words of a text that begins there.
fn words(text: &str, from: usize) -> Option<Run> {
    let words = text.trim_matches(blank);
    let start = from + text.len() - text.trim_start_matches(blank).len();
    (!words.is_empty()).then_some(Run { place: start..start + words.len(), kind: Kind::Words })
}

/// The quoted values of a tag's attributes that lead somewhere or stand for something.
fn values(html: &str, tag: Range<usize>) -> Vec<Run> {
    let bytes = html.as_bytes();
    let (mut runs, mut at) = (Vec::new(), tag.start);
    while let Some(open) = bytes.get(at..tag.end).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\''))) {
        let quote = at + open;
        let Some(length) = bytes.get(quote + 1..tag.end).and_then(|rest| memchr(*bytes.get(quote)?, rest)) else { break };
        let place = quote + 1..quote + 1 + length;
        let name = html.get(at..quote).and_then(|before| before.strip_suffix('=')).map(|before| before.trim_start_matches(blank));
        let value = html.get(place.clone()).unwrap_or_default();
        let is_run = name.is_some_and(|name| name.rsplit(blank).next().is_some_and(|name| matches!(name, "href" | "src" | "alt")));
        if is_run && !value.is_empty() && value.trim().len() == value.len() {
            runs.push(Run { place: place.clone(), kind: Kind::Value(bytes.get(quote).copied().unwrap_or_default()) });
        }
        at = place.end + 1;
    }
    runs
}

#[cfg(test)]
mod tests;
