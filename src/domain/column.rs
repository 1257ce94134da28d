//! A column of values of any kind, as small as what is in it: ten million rows of a customer list fit beside everything else.

use super::Value;
use super::text::divides;
use chrono::NaiveDate;
use std::borrow::Cow;
use std::collections::HashMap;

/// Rows that are packed together.
const BLOCK: usize = 4_096;
/// A block with no more different values than this holds each of them once.
const WORDS: usize = 256;
/// So many words are compared one by one; of more the place is looked up.
const COMPARED: usize = 8;

/// A growing column of values. A value is made when its row is asked for.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// Of a column that was made of blocks the last one may have fewer rows, as long as no others come behind them.
    packed: Vec<Block>,
    /// The last rows, until there are enough of them for a block.
    open: Vec<Value>,
}

/// Rows that are packed together, in the form that suits them.
#[derive(Debug, Clone)]
pub enum Block {
    /// Few different values, and for each row the place of its own.
    Words {
        words: Vec<Value>,
        places: Vec<u8>,
    },
    /// Texts one behind the other: where each ends, in bytes, and whether it is there at all.
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
        let Some((last, full)) = self.packed.split_last() else { return self.open.len() };
        full.len() * BLOCK + last.len() + self.open.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty() && self.open.is_empty()
    }

    pub fn push(&mut self, value: Value) {
        if self.open.is_empty() {
            self.reopen();
        }
        self.open.push(value);
        if self.open.len() == BLOCK {
            self.packed.push(Block::of(std::mem::take(&mut self.open)));
        }
    }

    /// Rows that come behind a last block with too few rows belong to it.
    fn reopen(&mut self) {
        if let Some(last) = self.packed.pop_if(|last| last.len() < BLOCK) {
            self.open.extend((0..last.len()).filter_map(|row| last.get(row).map(Cow::into_owned)));
        }
    }

    /// All rows as blocks; those that no block has yet are one, too.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = Cow<'_, Block>> {
        let count = self.packed.len() + usize::from(!self.open.is_empty());
        (0..count).map(|at| match self.packed.get(at) {
            Some(block) => Cow::Borrowed(block),
            None => Cow::Owned(Block::small(&self.open).unwrap_or_else(|| Block::Any(self.open.clone()))),
        })
    }

    /// The column of blocks that another one gave; `None` where they cannot be.
    #[must_use]
    pub fn of_blocks(blocks: Vec<Block>) -> Option<Self> {
        let (last, full) = match blocks.split_last() {
            Some((last, full)) => (last.len(), full),
            None => (BLOCK, &[][..]),
        };
        let is_right = full.iter().all(|block| block.len() == BLOCK) && (1..=BLOCK).contains(&last) && blocks.iter().all(Block::is_sound);
        is_right.then(|| Self { packed: blocks, open: Vec::new() })
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

/// Columns of the same values are equal, however those are packed.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
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
        Self::small(&values).unwrap_or(Self::Any(values))
    }

    /// The block of values that have something in common; `None` where nothing is smaller than the values as they are.
    fn small(values: &[Value]) -> Option<Self> {
        let days = |value: &Value| matches!(value, Value::Date(_) | Value::Null);
        let numbers = |value: &Value| matches!(value, Value::Int(_) | Value::Null);
        let texts = |value: &Value| matches!(value, Value::Text(_) | Value::Null);
        // 0.0 and -0.0 are equal, and not written alike.
        let floats = |value: &Value| matches!(value, Value::Float(_) | Value::List(_) | Value::Record(_));
        if !values.iter().any(floats)
            && let Some(block) = Self::words(values)
        {
            return Some(block);
        }
        if values.iter().all(days) {
            let day = |value: &Value| if let Value::Date(day) = value { Some(*day) } else { None };
            return Some(Self::Days(values.iter().map(day).collect()));
        }
        if values.iter().all(numbers) {
            let number = |value: &Value| if let Value::Int(number) = value { Some(*number) } else { None };
            return Some(Self::Numbers(values.iter().map(number).collect()));
        }
        let bytes: usize = values.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 0 }).sum();
        // Longer texts are few, and could not be told where they end.
        (values.iter().all(texts) && u32::try_from(bytes).is_ok()).then(|| Self::texts(values, bytes))
    }

    /// The block of few different words; `None` where they are many.
    fn words(values: &[Value]) -> Option<Self> {
        let mut words: Vec<Value> = Vec::new();
        let mut further: HashMap<Key, usize> = HashMap::new();
        let mut places = Vec::with_capacity(values.len());
        // Values of lists often come in order, so the word before is looked at first.
        let mut last = 0;
        for value in values {
            let known = || words.iter().take(COMPARED).position(|word| word == value).or_else(|| further.get(&Key::of(value)?).copied());
            last = if words.get(last) == Some(value) { last } else { known().unwrap_or(words.len()) };
            if last == words.len() {
                // What is different in most of the first rows is different in most of all, and comparing each with each takes its time.
                if words.len() == WORDS || (words.len() >= 32 && words.len() * 2 > places.len()) {
                    return None;
                }
                if words.len() >= COMPARED {
                    further.insert(Key::of(value)?, last);
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

    /// How many rows it has.
    fn len(&self) -> usize {
        match self {
            Self::Words { places, .. } => places.len(),
            Self::Texts { ends, .. } => ends.len(),
            Self::Days(days) => days.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Any(values) => values.len(),
        }
    }

    /// Whether each row has a value.
    fn is_sound(&self) -> bool {
        match self {
            Self::Words { words, places } => places.iter().all(|place| usize::from(*place) < words.len()),
            Self::Texts { bytes, ends, there } => ends.len() == there.len() && divides(bytes, ends.iter().map(|end| *end as usize)),
            Self::Days(_) | Self::Numbers(_) | Self::Any(_) => true,
        }
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

/// What a word is looked up by.
#[derive(PartialEq, Eq, Hash)]
enum Key<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Text(&'v str),
    Date(NaiveDate),
}

impl<'v> Key<'v> {
    /// `None` for values that are no words.
    fn of(value: &'v Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(number) => Self::Int(*number),
            Value::Text(text) => Self::Text(text),
            Value::Date(day) => Self::Date(*day),
            Value::Float(_) | Value::List(_) | Value::Record(_) => return None,
        })
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
            (6, _) => Value::Text(format!("word {}", number % 200)),
            (1, _) => Value::Text(format!("text {number}")),
            (2, _) => Value::Int(number),
            (3, _) => {
                NaiveDate::from_num_days_from_ce_opt(700_000 + i32::try_from(number % 10_000).unwrap()).map_or(Value::Null, Value::Date)
            }
            (4, _) => Value::List(vec![Value::Int(number)]),
            (5, _) => Value::Float(if number % 2 == 0 { 0.0 } else { -0.0 }),
            _ => value(u8::try_from(number % 7).unwrap(), number / 7),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn values_come_back_as_they_were_pushed(kind in 0_u8..8, count in 0_usize..3 * BLOCK, step in 1_i64..9_999) {
            let values: Vec<Value> = (0_i64..).take(count).map(|number| value(kind, number * step)).collect();
            let column: Values = values.iter().cloned().collect();
            prop_assert_eq!(column.len(), count);
            // Equal values may be written in two ways.
            let written = |value: &Value| format!("{value:?}");
            prop_assert!(column.iter().map(|value| written(&value)).eq(values.iter().map(written)));
            prop_assert!(column.get(count).is_none());
            // A column that is made of another one's blocks is that column, and grows as that one does.
            let blocks: Vec<Block> = column.blocks().map(Cow::into_owned).collect();
            let mut again = Values::of_blocks(blocks.clone()).unwrap();
            prop_assert!(again.len() == count && again.is_empty() == column.is_empty() && again.get(count).is_none());
            prop_assert!(again.iter().map(|value| written(&value)).eq(values.iter().map(written)));
            again.extend(values.iter().cloned());
            prop_assert!(again.iter().map(|value| written(&value)).eq(values.iter().chain(&values).map(written)));
            prop_assert_eq!(again.packed.len(), 2 * count / BLOCK);
            prop_assert_eq!(&again, &values.iter().chain(&values).cloned().collect());
            // Only the last block may have fewer rows than the others.
            if !count.is_multiple_of(BLOCK) {
                prop_assert!(Values::of_blocks(blocks.iter().chain(&blocks).cloned().collect()).is_none());
            }
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
        let few: Values = (0..100).map(|row| Value::Text(format!("{row}@example.com"))).collect();
        assert!(few.packed.is_empty() && matches!(few.blocks().next().as_deref(), Some(Block::Texts { .. })));
    }

    #[test]
    fn blocks_in_which_a_row_has_no_value_are_no_column() {
        let texts = |ends: &[u32], there: usize| Block::Texts { bytes: "京都".to_owned(), ends: ends.to_vec(), there: vec![true; there] };
        let words = |places: &[u8]| Block::Words { words: vec![Value::Null, Value::Int(7)], places: places.to_vec() };
        for sound in [texts(&[3, 6], 2), texts(&[0, 0, 6, 6], 4), words(&[1, 0, 1])] {
            assert!(Values::of_blocks(vec![sound.clone()]).is_some(), "{sound:?}");
        }
        let ends = [texts(&[4, 6], 2), texts(&[6, 3], 2), texts(&[3], 1), texts(&[3, 9], 2), texts(&[6, 3, 6], 3)];
        for wrong in ends.into_iter().chain([texts(&[3, 6], 1), words(&[0, 2]), Block::Days(Vec::new())]) {
            assert!(Values::of_blocks(vec![wrong.clone()]).is_none(), "{wrong:?}");
        }
    }
}
