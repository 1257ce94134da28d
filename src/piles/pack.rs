//! A row of values as bytes: how many they are, then each with a mark of its kind before it.

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

/// Appends a row.
pub fn row<'v>(row: impl IntoIterator<Item = &'v Value>, out: &mut Vec<u8>) {
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

/// Takes all rows; `None` where the bytes are not those that were written.
pub fn rows(mut bytes: &[u8], take: &mut impl FnMut(Vec<Value>)) -> Option<()> {
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

fn append(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Int(int) => {
            out.push(INT);
            number(((int << 1) ^ (int >> 63)).cast_unsigned(), out);
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

/// Seven bits a byte, the lowest first.
fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn append_text(text: &str, out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn value(bytes: &mut &[u8]) -> Option<Value> {
    Some(match take::<1>(bytes)?[0] {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT => {
            let folded = read_number(bytes)?;
            Value::Int((folded >> 1).cast_signed() ^ -((folded & 1).cast_signed()))
        }
        FLOAT => Value::Float(f64::from_le_bytes(take(bytes)?)),
        TEXT => Value::Text(read_text(bytes)?),
        DATE => Value::Date(NaiveDate::from_num_days_from_ce_opt(i32::from_le_bytes(take(bytes)?))?),
        LIST => {
            let count = length(bytes)?;
            Value::List((0..count).map(|_| value(bytes)).collect::<Option<_>>()?)
        }
        RECORD => {
            let count = length(bytes)?;
            Value::Record((0..count).map(|_| Some((read_text(bytes)?.into(), value(bytes)?))).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
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

fn length(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(read_number(bytes)?).ok()
}

fn read_text(bytes: &mut &[u8]) -> Option<String> {
    let length = length(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok().map(str::to_owned)
}
