//! A column of the customer list: codes where there are few different values, texts where there are many.

use super::cells::Cells;
use super::find::Rows;
use super::order::{self, Keys};
use super::shelf::Shelf;
use super::texts::Texts;
use super::{Error, Wanted};
use crate::domain::Value;
use crate::domain::text::folded;
use std::borrow::Cow;
use std::collections::HashMap;

/// More different values than this, or more bytes of them, are many.
const FEW: usize = 4_096;
const FEW_BYTES: usize = 1 << 18;

/// A column.
#[derive(Debug)]
pub struct Column {
    held: Held,
    /// Whether every value is a number or nothing.
    numbers: bool,
}

#[derive(Debug)]
enum Held {
    Words {
        words: Vec<String>,
        codes: HashMap<String, u16>,
        bytes: usize,
        cells: Cells,
    },
    /// As they are shown, and in the form in which they are compared.
    Texts {
        shown: Texts,
        search: Texts,
    },
}

/// A value as it is shown.
fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null | Value::Record(_) => Cow::Borrowed(""),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Value::Int(number) => number.to_string().into(),
        Value::Float(number) => number.to_string().into(),
        Value::Date(day) => day.to_string().into(),
        Value::List(values) => values.iter().map(shown).collect::<Vec<_>>().join(", ").into(),
    }
}

impl Column {
    pub fn new() -> Self {
        let held = Held::Words { words: Vec::new(), codes: HashMap::new(), bytes: 0, cells: Cells::new(2) };
        Self { held, numbers: true }
    }

    pub fn push(&mut self, disk: &mut Shelf, value: &Value) -> Result<(), Error> {
        self.numbers &= matches!(value, Value::Null | Value::Int(_) | Value::Float(_));
        let text = shown(value);
        if let Held::Words { words, codes, bytes, cells } = &mut self.held {
            let code = match codes.get(&*text) {
                Some(code) => Some(*code),
                None if words.len() == FEW || *bytes + text.len() > FEW_BYTES => None,
                None => {
                    let code = u16::try_from(words.len()).map_err(|_| Error::TooMany)?;
                    words.push(text.clone().into_owned());
                    codes.insert(text.clone().into_owned(), code);
                    *bytes += text.len();
                    Some(code)
                }
            };
            if let Some(code) = code {
                return cells.push(disk, &code.to_le_bytes());
            }
            self.spread(disk)?;
        }
        if let Held::Texts { shown, search } = &mut self.held {
            shown.push(disk, &text)?;
            search.push(disk, &folded(&text))?;
        }
        Ok(())
    }

    /// Makes texts of codes: the values turned out to be many.
    fn spread(&mut self, disk: &mut Shelf) -> Result<(), Error> {
        let Held::Words { words, cells, .. } = &mut self.held else { return Ok(()) };
        cells.close(disk)?;
        let mut codes: Vec<u16> = Vec::new();
        cells.each(disk, |_, bytes| {
            codes.extend(bytes.as_chunks::<2>().0.iter().map(|code| u16::from_le_bytes(*code)));
            true
        })?;
        let (mut shown, mut search) = (Texts::default(), Texts::default());
        let alike: Vec<String> = words.iter().map(|word| folded(word)).collect();
        for code in codes {
            let at = usize::from(code);
            shown.push(disk, words.get(at).map_or("", String::as_str))?;
            search.push(disk, alike.get(at).map_or("", String::as_str))?;
        }
        self.held = Held::Texts { shown, search };
        Ok(())
    }

    /// No more values come.
    pub fn done(self, disk: &mut Shelf) -> Result<Self, Error> {
        let held = match self.held {
            Held::Words { words, bytes, cells, .. } => Held::Words { words, codes: HashMap::new(), bytes, cells: cells.done(disk)? },
            Held::Texts { shown, search } => Held::Texts { shown: shown.done(disk)?, search: search.done(disk)? },
        };
        Ok(Self { held, ..self })
    }

    /// The different values, sorted, where they are few; nothing is not among them.
    pub fn values(&self) -> Option<Vec<&str>> {
        let Held::Words { words, .. } = &self.held else { return None };
        let mut words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        words.sort_by_cached_key(|word| (self.number(word), folded(word)));
        Some(words)
    }

    /// The value of a row as it is shown.
    pub fn get(&self, disk: &Shelf, row: usize) -> Result<String, Error> {
        match &self.held {
            Held::Words { words, cells, .. } => {
                let code = u16::from_le_bytes(cells.get(disk, row)?);
                words.get(usize::from(code)).cloned().ok_or_else(|| disk.broken())
            }
            Held::Texts { shown, .. } => shown.get(disk, row),
        }
    }

    /// What a number is sorted by; `None` where it is none.
    fn number(&self, shown: &str) -> Option<i64> {
        shown.parse().ok().filter(|_| self.numbers).map(order::number)
    }

    /// What all rows are sorted by.
    pub fn keys(&self, disk: &Shelf) -> Result<Keys, Error> {
        match &self.held {
            Held::Words { words, cells, .. } => {
                // A word's place among all words sorts as the word does, and is smaller.
                let places = self.places(words);
                let mut keys = Vec::new();
                cells.each(disk, |_, bytes| {
                    let codes = bytes.as_chunks::<2>().0.iter().map(|code| usize::from(u16::from_le_bytes(*code)));
                    keys.extend(codes.map(|code| places.get(code).copied().flatten()));
                    true
                })?;
                Ok(Keys::Numbers(keys))
            }
            Held::Texts { shown, .. } if self.numbers => {
                let mut keys = Vec::new();
                let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| self.number(text));
                shown.each(disk, |_, _| true, |block| keys.extend((0..block.rows()).map(|nth| number(block.text(nth)))))?;
                Ok(Keys::Numbers(keys))
            }
            Held::Texts { search, .. } => Keys::texts(disk, search),
        }
    }

    /// For each word its place among all of them; those that fold to one share it, and nothing has none.
    fn places(&self, words: &[String]) -> Vec<Option<i64>> {
        let key = |word: &String| (self.number(word), folded(word));
        let mut sorted: Vec<_> =
            words.iter().enumerate().map(|(at, word)| (key(word), at)).filter(|((_, alike), _)| !alike.is_empty()).collect();
        sorted.sort_unstable();
        let mut places = vec![None; words.len()];
        for (place, alike) in (0..).zip(sorted.chunk_by(|one, other| one.0 == other.0)) {
            for (_, at) in alike {
                places[*at] = Some(place);
            }
        }
        places
    }

    /// Takes out of `rows` whose value is not this one, or does not hold it.
    pub fn keep(&self, disk: &Shelf, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
        match &self.held {
            Held::Words { words, cells, .. } => {
                let holds = |word: &String| match wanted {
                    Wanted::Is(text) => word == text,
                    Wanted::Has(text) => folded(word).contains(&folded(text)),
                };
                let fits: Vec<bool> = words.iter().map(holds).collect();
                rows.keep_cells::<2>(disk, cells, |code| fits.get(usize::from(u16::from_le_bytes(*code))).copied().unwrap_or(false))
            }
            Held::Texts { shown, search } => match wanted {
                Wanted::Is(text) => rows.keep_texts(disk, shown, text, |own| own == text.as_bytes()),
                Wanted::Has(text) => rows.keep_texts(disk, search, &folded(text), |_| true),
            },
        }
    }
}
