//! A column of values of any kind, as small as what is in it: ten million rows of a customer list fit beside everything else.

use super::Value;
use chrono::NaiveDate;
use std::borrow::Cow;

/// Rows that are packed together.
const BLOCK: usize = 4_096;
/// A block with no more different values than this holds each of them once.
const WORDS: usize = 256;

/// A growing column of values. A value is made when its row is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    packed: Vec<Block>,
    /// The last rows, until there are enough of them for a block.
    open: Vec<Value>,
}

/// So many rows as a block has, in the form that suits them.
#[derive(Debug, Clone, PartialEq)]
enum Block {
    /// Few different values, and for each row the place of its own.
    Words {
        words: Vec<Value>,
        places: Vec<u8>,
    },
    /// Texts one behind the other: where each ends, and whether it is there at all.
    Texts {
        bytes: String,
        ends: Vec<u32>,
        there: Vec<bool>,
    },
    Days(Vec<Option<NaiveDate>>),
    Numbers(Vec<Option<i64>>),
    Any(Vec<Value>),
}

impl Values {
    #[must_use]
    pub fn len(&self) -> usize {
        self.packed.len() * BLOCK + self.open.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty() && self.open.is_empty()
    }

    pub fn push(&mut self, value: Value) {
        self.open.push(value);
        if self.open.len() == BLOCK {
            self.packed.push(Block::of(std::mem::take(&mut self.open)));
        }
    }

    /// These rows of it, each once, in this order.
    #[must_use]
    pub fn picked(mut self, rows: impl Iterator<Item = usize>) -> Self {
        if !self.packed.is_empty() {
            return rows.map(|row| self.get(row).map_or(Value::Null, Cow::into_owned)).collect();
        }
        rows.map(|row| self.open.get_mut(row).map_or(Value::Null, |value| std::mem::replace(value, Value::Null))).collect()
    }

    /// The value of a row; `None` beyond the end.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Cow<'_, Value>> {
        match self.packed.get(row / BLOCK) {
            Some(block) => block.get(row % BLOCK),
            None => self.open.get(row - self.packed.len() * BLOCK).map(Cow::Borrowed),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Value>> {
        (0..self.len()).filter_map(|row| self.get(row))
    }
}

impl FromIterator<Value> for Values {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut column = Self::default();
        column.extend(values);
        column
    }
}

impl Extend<Value> for Values {
    fn extend<I: IntoIterator<Item = Value>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl Block {
    fn of(values: Vec<Value>) -> Self {
        let days = |value: &Value| matches!(value, Value::Date(_) | Value::Null);
        let numbers = |value: &Value| matches!(value, Value::Int(_) | Value::Null);
        let texts = |value: &Value| matches!(value, Value::Text(_) | Value::Null);
        // 0.0 and -0.0 are equal, and not written alike.
        let floats = |value: &Value| matches!(value, Value::Float(_) | Value::List(_) | Value::Record(_));
        if !values.iter().any(floats)
            && let Some(block) = Self::words(&values)
        {
            return block;
        }
        if values.iter().all(days) {
            return Self::Days(values.iter().map(|value| if let Value::Date(day) = value { Some(*day) } else { None }).collect());
        }
        if values.iter().all(numbers) {
            return Self::Numbers(values.iter().map(|value| if let Value::Int(number) = value { Some(*number) } else { None }).collect());
        }
        let bytes: usize = values.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 0 }).sum();
        // Longer texts are few, and could not be told where they end.
        if values.iter().all(texts) && u32::try_from(bytes).is_ok() {
            return Self::texts(&values, bytes);
        }
        Self::Any(values)
    }

    /// The block of few different words; `None` where they are many.
    fn words(values: &[Value]) -> Option<Self> {
        let mut words: Vec<Value> = Vec::new();
        let mut places = Vec::with_capacity(values.len());
        // Values of lists often come in order, so the word before is looked at first.
        let mut last = 0;
        for value in values {
            let place = if words.get(last) == Some(value) { Some(last) } else { words.iter().position(|word| word == value) };
            last = place.unwrap_or(words.len());
            if last == words.len() {
                // What is different in most of the first rows is different in most of all, and comparing each with each takes its time.
                if words.len() == WORDS || (words.len() >= 32 && words.len() * 2 > places.len()) {
                    return None;
                }
                words.push(value.clone());
            }
            places.push(u8::try_from(last).ok()?);
        }
        Some(Self::Words { words, places })
    }

    fn texts(values: &[Value], length: usize) -> Self {
        let (mut bytes, mut ends) = (String::with_capacity(length), Vec::with_capacity(values.len()));
        for value in values {
            if let Value::Text(text) = value {
                bytes.push_str(text);
            }
            ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        }
        Self::Texts { bytes, ends, there: values.iter().map(|value| *value != Value::Null).collect() }
    }

    fn get(&self, row: usize) -> Option<Cow<'_, Value>> {
        let maybe = |value: Option<Value>| Cow::Owned(value.unwrap_or(Value::Null));
        match self {
            Self::Words { words, places } => words.get(usize::from(*places.get(row)?)).map(Cow::Borrowed),
            Self::Texts { bytes, ends, there } => {
                let start = row.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
                let text = bytes.get(start..*ends.get(row)? as usize)?;
                Some(maybe(there.get(row)?.then(|| Value::Text(text.to_owned()))))
            }
            Self::Days(days) => days.get(row).map(|day| maybe(day.map(Value::Date))),
            Self::Numbers(numbers) => numbers.get(row).map(|number| maybe(number.map(Value::Int))),
            Self::Any(values) => values.get(row).map(Cow::Borrowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(kind: u8, number: i64) -> Value {
        match (kind, number % 7) {
            (_, 0) => Value::Null,
            (0, _) => Value::Text(format!("word {}", number % 5)),
            (1, _) => Value::Text(format!("text {number}")),
            (2, _) => Value::Int(number),
            (3, _) => {
                NaiveDate::from_num_days_from_ce_opt(700_000 + i32::try_from(number % 10_000).unwrap()).map_or(Value::Null, Value::Date)
            }
            (4, _) => Value::List(vec![Value::Int(number)]),
            (5, _) => Value::Float(if number % 2 == 0 { 0.0 } else { -0.0 }),
            _ => value(u8::try_from(number % 6).unwrap(), number / 6),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn values_come_back_as_they_were_pushed(kind in 0_u8..7, count in 0_usize..3 * BLOCK, step in 1_i64..9_999) {
            let values: Vec<Value> = (0_i64..).take(count).map(|number| value(kind, number * step)).collect();
            let column: Values = values.iter().cloned().collect();
            prop_assert_eq!(column.len(), count);
            // Equal values may be written in two ways.
            let written = |value: &Value| format!("{value:?}");
            prop_assert!(column.iter().map(|value| written(&value)).eq(values.iter().map(written)));
            prop_assert!(column.get(count).is_none());
            let backwards = column.picked((0..count).rev());
            prop_assert!(backwards.iter().map(|value| written(&value)).eq(values.iter().rev().map(written)));
        }
    }

    #[test]
    fn a_column_is_as_small_as_what_is_in_it() {
        let words: Values = (0..BLOCK).map(|row| Value::Text(["京都", "大阪"][row % 2].to_owned())).collect();
        assert!(matches!(words.packed.as_slice(), [Block::Words { words, places }] if words.len() == 2 && places.len() == BLOCK));
        let texts: Values = (0..BLOCK).map(|row| Value::Text(format!("{row}@example.com"))).collect();
        assert!(matches!(texts.packed.as_slice(), [Block::Texts { .. }]));
    }
}
