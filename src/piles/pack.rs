//! Values as bytes: each has a mark of its kind before it, and a row begins with how many there are. Whoever reads takes bytes from the
//! front of a slice; `None` is that they are not those that were written.

use crate::domain::Value;
use chrono::{Datelike, NaiveDate};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const DATE: u8 = 6;
const LIST: u8 = 7;
const RECORD: u8 = 8;
/// Lists and records that lie deeper in each other are damage: of no file that is read do columns lie more than 64 deep.
const DEEPEST: usize = 96;

/// A value of few kinds, which need not be made for the row.
#[derive(Debug, Clone, Copy)]
pub enum Lent<'a> {
    Null,
    Int(i64),
    Text(&'a str),
}

impl<'a> Lent<'a> {
    /// A text, or nothing.
    #[must_use]
    pub fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    /// A number, or nothing.
    #[must_use]
    pub fn int(int: Option<i64>) -> Self {
        int.map_or(Self::Null, Self::Int)
    }
}

/// Appends a lent value.
pub(super) fn append_lent(value: Lent<'_>, out: &mut Vec<u8>) {
    match value {
        Lent::Null => out.push(NULL),
        Lent::Int(int) => {
            out.push(INT);
            signed(int, out);
        }
        Lent::Text(text) => {
            out.push(TEXT);
            append_text(text, out);
        }
    }
}

/// Appends a row, of which `append` appends each value.
pub(super) fn row<T>(row: impl IntoIterator<Item = T>, append: impl Fn(T, &mut Vec<u8>), out: &mut Vec<u8>) {
    let start = out.len();
    out.push(0);
    let mut count = 0;
    for value in row {
        count += 1;
        append(value, out);
    }
    // Rows are short: their number is a byte, and longer ones have it before them.
    match u8::try_from(count) {
        Ok(short) if short < u8::MAX => out[start] = short,
        _ => {
            out[start] = u8::MAX;
            let mut length = Vec::new();
            number(count, &mut length);
            out.splice(start + 1..=start, length);
        }
    }
}

/// Takes all rows.
pub(super) fn rows(mut bytes: &[u8], take: &mut impl FnMut(Vec<Value>)) -> Option<()> {
    while let Some((short, rest)) = bytes.split_first() {
        bytes = rest;
        let count = if *short == u8::MAX { length(&mut bytes)? } else { usize::from(*short) };
        let mut row = Vec::with_capacity(count.min(bytes.len()));
        for _ in 0..count {
            row.push(value(&mut bytes)?);
        }
        take(row);
    }
    Some(())
}

/// Appends a value.
pub fn append(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Int(int) => {
            out.push(INT);
            signed(*int, out);
        }
        Value::Float(float) => {
            out.push(FLOAT);
            out.extend_from_slice(&float.to_le_bytes());
        }
        Value::Text(text) => {
            out.push(TEXT);
            append_text(text, out);
        }
        Value::Date(day) => {
            out.push(DATE);
            out.extend_from_slice(&day.num_days_from_ce().to_le_bytes());
        }
        Value::List(values) => {
            out.push(LIST);
            number(values.len() as u64, out);
            for value in values {
                append(value, out);
            }
        }
        Value::Record(fields) => {
            out.push(RECORD);
            number(fields.len() as u64, out);
            for (name, value) in fields {
                append_text(name, out);
                append(value, out);
            }
        }
    }
}

/// Appends a number: seven bits a byte, the lowest first.
pub fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a number that may be negative; those near zero are short.
pub fn signed(int: i64, out: &mut Vec<u8>) {
    number(((int << 1) ^ (int >> 63)).cast_unsigned(), out);
}

/// Appends a text with its length.
pub fn append_text(text: &str, out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Reads a value.
#[must_use]
pub fn value(bytes: &mut &[u8]) -> Option<Value> {
    value_within(bytes, DEEPEST)
}

/// A value in which others lie so deep at most.
fn value_within(bytes: &mut &[u8], depth: usize) -> Option<Value> {
    Some(match take::<1>(bytes)?[0] {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT => Value::Int(read_signed(bytes)?),
        FLOAT => Value::Float(f64::from_le_bytes(take(bytes)?)),
        TEXT => Value::Text(read_text(bytes)?.to_owned()),
        DATE => Value::Date(NaiveDate::from_num_days_from_ce_opt(i32::from_le_bytes(take(bytes)?))?),
        LIST => {
            let (count, depth) = (length(bytes)?, depth.checked_sub(1)?);
            Value::List((0..count).map(|_| value_within(bytes, depth)).collect::<Option<_>>()?)
        }
        RECORD => {
            let (count, depth) = (length(bytes)?, depth.checked_sub(1)?);
            let field = |_| Some((read_text(bytes)?.to_owned().into(), value_within(bytes, depth)?));
            Value::Record((0..count).map(field).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// Reads so many bytes.
#[must_use]
pub fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// Reads so many bytes where only the writer knew how many.
#[must_use]
pub fn take_some<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (first, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(first)
}

/// Reads a number.
#[must_use]
pub fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take::<1>(bytes)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Reads a number that may be negative.
#[must_use]
pub fn read_signed(bytes: &mut &[u8]) -> Option<i64> {
    let folded = read_number(bytes)?;
    Some((folded >> 1).cast_signed() ^ -((folded & 1).cast_signed()))
}

/// Reads a number that says how many.
#[must_use]
pub fn length(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(read_number(bytes)?).ok()
}

/// Reads a text with its length.
#[must_use]
pub fn read_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    let length = length(bytes)?;
    std::str::from_utf8(take_some(bytes, length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_may_lie_as_deep_in_each_other_as_columns_of_files_do() {
        let deep = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        let read = |levels: usize| {
            let mut bytes = Vec::new();
            append(&deep(levels), &mut bytes);
            value(&mut bytes.as_slice())
        };
        assert_eq!(read(64), Some(deep(64)));
        assert_eq!(read(DEEPEST + 1), None);
        // Damage that would take more than all of the stack.
        let bytes = [LIST, 1].repeat(1_000_000);
        assert_eq!(value(&mut bytes.as_slice()), None);
    }
}
