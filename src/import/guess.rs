//! What type a whole column has.

use super::cells::{self, MOST_DIGITS};

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
}

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
pub struct Guess {
    values: u64,
    numbers: u64,
    /// Numbers that 64 bits hold, when they are whole.
    fitting: u64,
    whole_digits: u32,
    scale: u32,
    times: u64,
    /// Of the times: those with a time of day, and those with an offset.
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
        match cells::number(text) {
            Some(number) => {
                self.numbers += 1;
                self.fitting += u64::from(number.scale > 0 || i64::try_from(number.digits).is_ok());
                self.whole_digits = self.whole_digits.max(number.whole);
                self.scale = self.scale.max(number.scale);
            }
            None => note(&mut self.no_number, line, text),
        }
        match cells::moment(text) {
            Some(moment) => {
                self.times += 1;
                self.clocks += u64::from(moment.time.is_some());
                self.offsets += u64::from(moment.offset.is_some());
            }
            None => note(&mut self.no_time, line, text),
        }
    }

    pub fn kind(&self) -> Kind {
        let all = |count: u64| count == self.values;
        let precision = self.whole_digits + self.scale;
        if self.values == 0 {
            Kind::Empty
        } else if all(self.numbers) && self.scale == 0 {
            // Longer numbers are ids.
            if all(self.fitting) { Kind::Whole } else { Kind::Text }
        } else if all(self.numbers) && precision <= MOST_DIGITS {
            let (precision, scale) = (u8::try_from(precision).unwrap_or(u8::MAX), i8::try_from(self.scale).unwrap_or(i8::MAX));
            Kind::Decimal { precision, scale }
        } else if all(self.times) && self.clocks == 0 {
            Kind::Date
        } else if all(self.times) && self.offsets == 0 {
            Kind::Local
        } else if all(self.times) && all(self.offsets) {
            Kind::Instant
        } else {
            Kind::Text
        }
    }

    /// The value that keeps a column from being numbers or times, where nine of ten values are.
    pub fn odd(&self) -> Option<(u64, String)> {
        let most = |count: u64| count.saturating_mul(10) >= self.values.saturating_mul(9);
        if most(self.numbers) {
            self.no_number.clone()
        } else if most(self.times) {
            self.no_time.clone()
        } else {
            None
        }
    }
}

fn note(first: &mut Option<(u64, String)>, line: u64, text: &str) {
    first.get_or_insert_with(|| (line, text.chars().take(40).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()));
}
