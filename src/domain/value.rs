//! A value that a customer column holds or a template sees.

use super::text::folded;
use chrono::{Datelike, NaiveDate};
use std::borrow::Cow;
use std::fmt;

/// The name of a field. Most are the program's own.
pub type Name = Cow<'static, str>;

/// A tree of values without any format of its own. Dates are local; a time of day travels as RFC 3339 text in the job's zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing is there: a template that uses it fails.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Date(NaiveDate),
    List(Vec<Value>),
    /// Named values in their order.
    Record(Vec<(Name, Value)>),
}

/// A day as it is written, `2026-12-01`. Millions are, and a formatter takes ten times as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayText([u8; 10]);

impl DayText {
    /// `None` for years that are not written with four digits.
    #[must_use]
    pub fn of(day: NaiveDate) -> Option<Self> {
        let year = u32::try_from(day.year()).ok().filter(|year| *year <= 9_999)?;
        let digit = |number: u32, unit: u32| u8::try_from(number / unit % 10).map_or(b'0', |digit| b'0' + digit);
        let [month, day] = [day.month(), day.day()].map(|number| [digit(number, 10), digit(number, 1)]);
        let year = [1_000, 100, 10, 1].map(|unit| digit(year, unit));
        Some(Self([year[0], year[1], year[2], year[3], b'-', month[0], month[1], b'-', day[0], day[1]]))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What lists write for true and false, in capitals or not.
const YES: &[&str] = &["true", "yes", "y", "t", "on", "1", "１", "はい", "有", "有り", "あり", "有効", "○", "〇", "◯"];
const NO: &[&str] = &["false", "no", "n", "f", "off", "0", "０", "いいえ", "無", "無し", "なし", "無効", "×", "✕"];

impl Value {
    /// The value under a name in a record.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Record(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The same without fields of which nothing is there.
    #[must_use]
    pub fn filled(&self) -> Self {
        match self {
            Self::Record(fields) => {
                let there = fields.iter().filter(|(_, value)| *value != Self::Null);
                Self::Record(there.map(|(name, value)| (name.clone(), value.filled())).collect())
            }
            Self::List(values) => Self::List(values.iter().map(Self::filled).collect()),
            other => other.clone(),
        }
    }

    /// Whether the value, written as text, is this text: whole floats without `.0`, dates as `2026-12-01`, `true` and `false`. A list is
    /// when any of its values is; nothing and records never are. It allocates nothing, for it is asked once for each customer.
    #[must_use]
    pub fn is_written(&self, text: &str) -> bool {
        match self {
            Self::Null | Self::Record(_) => false,
            Self::Text(own) => own == text,
            Self::Bool(truth) => text == if *truth { "true" } else { "false" },
            Self::Int(number) => writes(format_args!("{number}"), text),
            Self::Float(number) => writes(format_args!("{number}"), text),
            Self::Date(day) => writes(format_args!("{day}"), text),
            Self::List(values) => values.iter().any(|value| value.is_written(text)),
        }
    }

    /// The same, whatever the width and the case of the letters: ﾋﾞｰﾙ is ビール.
    #[must_use]
    pub fn is_written_alike(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text || folded(own) == folded(text),
            Self::List(values) => values.iter().any(|value| value.is_written_alike(text)),
            other => other.is_written(text),
        }
    }

    /// Whether the value says yes (`truth`) or no, as tills, databases and people write it. Other words, and nothing, say neither. A list
    /// does when any of its values does.
    #[must_use]
    pub fn says(&self, truth: bool) -> bool {
        match self {
            Self::Bool(own) => *own == truth,
            Self::Int(number) => *number == i64::from(truth),
            #[expect(clippy::float_cmp, reason = "a whole number of a column that also has gaps is exact")]
            Self::Float(number) => *number == f64::from(u8::from(truth)),
            Self::Text(text) => {
                let text = text.trim();
                (if truth { YES } else { NO }).iter().any(|word| text.eq_ignore_ascii_case(word))
            }
            Self::List(values) => values.iter().any(|value| value.says(truth)),
            Self::Null | Self::Date(_) | Self::Record(_) => false,
        }
    }

    /// `Null` for nothing, else the value.
    pub fn maybe<T: Into<Value>>(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Whether formatting gives exactly this text. What was formatted is compared as it comes and is never stored.
fn writes(formatted: fmt::Arguments<'_>, text: &str) -> bool {
    struct Rest<'a>(&'a str);
    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(piece).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    fmt::Write::write_fmt(&mut rest, formatted).is_ok() && rest.0.is_empty()
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
impl From<NaiveDate> for Value {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_a_formatter_does() {
        for days in (-10_000..4_000_000).step_by(37) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let text = DayText::of(day);
            assert_eq!(text.is_some(), (0..=9_999).contains(&day.year()), "{day}");
            if let Some(text) = text {
                assert_eq!(text.as_str(), day.to_string());
            }
        }
    }

    #[test]
    fn values_are_compared_as_they_are_written() {
        assert!(Value::Int(-12).is_written("-12") && !Value::Int(12).is_written("1") && !Value::Int(1).is_written("12"));
        assert!(Value::Float(3.0).is_written("3") && !Value::Float(3.0).is_written("3.0") && Value::Float(2.5).is_written("2.5"));
        assert!(Value::Bool(true).is_written("true") && !Value::Bool(false).is_written("true"));
        assert!(Value::Date(NaiveDate::from_ymd_opt(2026, 2, 1).unwrap()).is_written("2026-02-01"));
        let list = Value::List(vec!["肉".into(), Value::Int(7), Value::Null]);
        assert!(list.is_written("肉") && list.is_written("7") && !list.is_written("") && !list.is_written("肉7"));
        assert!(!Value::Null.is_written(""));
    }

    #[test]
    fn yes_and_no_are_known_in_the_words_of_lists() {
        for (yes, no) in [
            ("true", "false"),
            ("TRUE", "False"),
            ("Yes", "no"),
            ("1", "0"),
            (" はい ", "いいえ"),
            ("有", "無"),
            ("あり", "なし"),
            ("○", "×"),
        ] {
            for (value, truth) in [(Value::from(yes), true), (Value::from(no), false)] {
                assert!(value.says(truth) && !value.says(!truth), "{value:?}");
            }
        }
        for (value, truth) in [
            (Value::Bool(true), true),
            (Value::Int(0), false),
            (Value::Float(1.0), true),
            (Value::List(vec![Value::Null, "Y".into()]), true),
        ] {
            assert!(value.says(truth) && !value.says(!truth), "{value:?}");
        }
        for value in ["".into(), "2".into(), "maybe".into(), Value::Int(2), Value::Float(0.5), Value::Null, Value::List(vec![])] {
            assert!(!value.says(true) && !value.says(false), "{value:?}");
        }
    }
}
