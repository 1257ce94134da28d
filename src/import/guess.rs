//! What type a whole column has.

use super::cells::{self, MOST_DIGITS};
use crate::domain::Moment;

/// The type that a column is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing in it.
    Empty,
    Whole,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Date,
    /// Times on the shop's own clocks.
    Local,
    /// Times that tell their offset.
    Instant,
    Text,
}

impl Kind {
    /// For people.
    pub fn word(self) -> String {
        match self {
            Self::Empty => "empty".to_owned(),
            Self::Whole => "whole numbers".to_owned(),
            Self::Decimal { scale, .. } => format!("decimals, {scale} digits"),
            Self::Date => "dates".to_owned(),
            Self::Local => "local times".to_owned(),
            Self::Instant => "instants".to_owned(),
            Self::Text => "text".to_owned(),
        }
    }

    /// What a value that does not fit is not.
    pub fn one(self) -> &'static str {
        match self {
            Self::Empty | Self::Text => "text",
            Self::Whole | Self::Decimal { .. } => "number",
            Self::Date => "date",
            Self::Local => "date or time without an offset",
            Self::Instant => "time with an offset",
        }
    }
}

/// What a column is said to hold, whatever it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Number,
    Date,
    Text,
}

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
pub struct Guess {
    values: u64,
    numbers: u64,
    /// Of the numbers: those that are nothing but digits, and whole ones that 64 bits do not hold.
    bare: u64,
    wide: u64,
    whole_digits: u32,
    scale: u32,
    /// Values that are no numbers and look like ids.
    labels: u64,
    times: u64,
    /// Of the times: those that are nothing but digits, those with a time of day, and those with an offset.
    compact: u64,
    clocks: u64,
    offsets: u64,
    /// The first value that is no number, and the first that is no time.
    no_number: Option<(u64, String)>,
    no_time: Option<(u64, String)>,
}

impl Guess {
    pub fn see(&mut self, line: u64, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.values += 1;
        let number = cells::number(text);
        if let Some(number) = number {
            self.numbers += 1;
            self.bare += u64::from(number.bare);
            self.wide += u64::from(number.scale == 0 && i64::try_from(number.digits).is_err());
            self.whole_digits = self.whole_digits.max(number.whole);
            self.scale = self.scale.max(number.scale);
        } else {
            self.labels += u64::from(cells::is_label(text));
            note(&mut self.no_number, line, text);
        }
        if let Some(moment) = Moment::parse(text) {
            self.times += 1;
            self.compact += u64::from(text.trim().chars().all(char::is_numeric));
            self.clocks += u64::from(moment.time.is_some());
            self.offsets += u64::from(moment.offset.is_some());
        } else {
            note(&mut self.no_time, line, text);
        }
    }

    /// Whether no cell held anything.
    pub fn is_empty(&self) -> bool {
        self.values == 0
    }

    /// The type that the column is written with: the one that it is said to have, else the one that nine of ten values have. Values that do
    /// not fit spoil their rows.
    pub fn kind(&self, said: Option<ColumnType>) -> Kind {
        match said {
            _ if self.values == 0 => Kind::Empty,
            Some(ColumnType::Number) => self.numbers(),
            Some(ColumnType::Date) => self.times(),
            None if self.looks_like_numbers() => self.numbers(),
            None if self.looks_like_times() => self.times(),
            Some(ColumnType::Text) | None => Kind::Text,
        }
    }

    fn most(&self, count: u64) -> bool {
        count.saturating_mul(10) >= self.values.saturating_mul(9)
    }

    /// Numbers beyond 64 bits are ids; so are digits beside a value with a leading zero or with letters, unless others have a sign, a
    /// currency or a fraction.
    fn looks_like_numbers(&self) -> bool {
        let ids = (self.scale == 0 && self.wide > 0) || (self.labels > 0 && self.bare == self.numbers);
        self.most(self.numbers) && !ids && self.whole_digits + self.scale <= MOST_DIGITS
    }

    /// Eight digits could be anything, and do not speak for dates.
    fn looks_like_times(&self) -> bool {
        self.most(self.offsets.max(self.times - self.offsets - self.compact))
    }

    fn numbers(&self) -> Kind {
        if self.scale == 0 && self.wide == 0 {
            return Kind::Whole;
        }
        let precision = (self.whole_digits + self.scale).min(MOST_DIGITS);
        Kind::Decimal { precision: u8::try_from(precision).unwrap_or(u8::MAX), scale: i8::try_from(self.scale).unwrap_or(i8::MAX) }
    }

    fn times(&self) -> Kind {
        if self.offsets > self.times - self.offsets {
            Kind::Instant
        } else if self.clocks > self.offsets {
            Kind::Local
        } else {
            Kind::Date
        }
    }

    /// The first value that keeps a column from being numbers or times, where more than half of its values are.
    pub fn odd(&self) -> Option<(u64, String)> {
        let more = |count: u64| count.saturating_mul(2) > self.values;
        if more(self.numbers) {
            self.no_number.clone()
        } else if more(self.times) {
            self.no_time.clone()
        } else {
            None
        }
    }
}

fn note(first: &mut Option<(u64, String)>, line: u64, text: &str) {
    first.get_or_insert_with(|| (line, cells::shown(text)));
}
