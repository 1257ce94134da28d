//! Arrow arrays as plain values.

use super::table::{Kind, LONGEST_VALUE};
use crate::domain::{Value, Zone};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat};
use std::borrow::Cow;

/// What a column of this type holds.
pub fn kind(data_type: &DataType) -> Kind {
    use DataType as T;
    match data_type {
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Binary | T::LargeBinary | T::BinaryView => Kind::Text,
        T::Boolean => Kind::Bool,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => Kind::Int,
        T::Float16 | T::Float32 | T::Float64 => Kind::Float,
        T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) | T::Decimal256(..) => Kind::Decimal,
        T::Date32 | T::Date64 => Kind::Date,
        T::Timestamp(..) => Kind::Time,
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) => Kind::List,
        T::Dictionary(_, value) => kind(value),
        _ => Kind::Other,
    }
}

/// Appends the values of an array. Times become RFC 3339 text in the zone, decimals exact text, types without a plain form the text
/// that Arrow writes for them. What no value can hold (NaN, infinity, a year beyond 1 to 9999) is nothing.
pub fn append(array: &ArrayRef, zone: Zone, out: &mut Vec<Value>, room: &mut u64) -> Result<(), String> {
    let to = |target: &DataType| cast(array, target).map_err(|error| error.to_string());
    out.reserve(array.len());
    match array.data_type() {
        DataType::Dictionary(_, value) if !matches!(**value, DataType::Dictionary(..)) => append(&to(value)?, zone, out, room)?,
        DataType::Null => out.extend((0..array.len()).map(|_| Value::Null)),
        DataType::Boolean => out.extend(array.as_boolean().iter().map(Value::maybe)),
        DataType::UInt64 => out.extend(array.as_primitive::<arrow::datatypes::UInt64Type>().iter().map(|number| match number {
            None => Value::Null,
            // Only ids are that large, and ids are text.
            Some(number) => i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Int),
        })),
        data_type => match kind(data_type) {
            Kind::Int => out.extend(to(&DataType::Int64)?.as_primitive::<Int64Type>().iter().map(Value::maybe)),
            Kind::Float => {
                let floats = to(&DataType::Float64)?;
                let number = |number: Option<f64>| number.filter(|number| number.is_finite()).map_or(Value::Null, Value::Float);
                out.extend(floats.as_primitive::<Float64Type>().iter().map(number));
            }
            Kind::Date => {
                let days = to(&DataType::Date32)?;
                let day = |days: Option<i32>| days.and_then(Date32Type::to_naive_date_opt).filter(|day| is_writable(*day));
                out.extend(days.as_primitive::<Date32Type>().iter().map(|days| Value::maybe(day(days))));
            }
            Kind::Time => append_times(array, zone, out)?,
            Kind::Text => append_texts(array, out, room)?,
            Kind::List => append_lists(array, zone, out, room)?,
            Kind::Bool | Kind::Decimal | Kind::Other => append_formatted(array, out, room)?,
        },
    }
    Ok(())
}

fn is_writable(day: NaiveDate) -> bool {
    (1..=9999).contains(&day.year())
}

fn append_times(array: &ArrayRef, zone: Zone, out: &mut Vec<Value>) -> Result<(), String> {
    let DataType::Timestamp(_, of) = array.data_type() else { return Err("is no timestamp".to_owned()) };
    // Whatever zone a timestamp carries is a way of showing it; the number counts from 1970 in UTC. Without one it is a local time.
    let local = of.is_none();
    let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, of.clone())).map_err(|error| error.to_string())?;
    let text = |count: i64| {
        let instant = if local { local_instant(count, zone)? } else { count };
        zone.date(instant).filter(|day| is_writable(*day))?;
        written(instant, zone)
    };
    out.extend(micros.as_primitive::<TimestampMicrosecondType>().iter().map(|count| Value::maybe(count.and_then(text))));
    Ok(())
}

/// An instant as RFC 3339 text on the clocks of the job's zone; `None` beyond the years that can be written.
fn written(instant: i64, zone: Zone) -> Option<String> {
    let utc = DateTime::from_timestamp_micros(instant)?;
    Some(utc.with_timezone(&zone.0).to_rfc3339_opts(SecondsFormat::AutoSi, false))
}

/// A local time of the job as microseconds since 1970-01-01 00:00 local, as an instant.
fn local_instant(local: i64, zone: Zone) -> Option<i64> {
    let clock: NaiveDateTime = DateTime::from_timestamp_micros(local)?.naive_utc();
    Some(zone.instant(clock))
}

fn append_texts(array: &ArrayRef, out: &mut Vec<Value>, room: &mut u64) -> Result<(), String> {
    let is_binary = matches!(array.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    // A column's own values are views already: a text that many rows name is there once.
    let array = cast(array, if is_binary { &DataType::BinaryView } else { &DataType::Utf8View }).map_err(|error| error.to_string())?;
    for row in 0..array.len() {
        if array.is_null(row) {
            out.push(Value::Null);
            continue;
        }
        // Some writers forget to say that their bytes are text. Bytes that are none are written in hex.
        let text = if is_binary {
            let bytes = array.as_binary_view().value(row);
            std::str::from_utf8(bytes).map_or_else(|_| Cow::Owned(hex(bytes)), Cow::Borrowed)
        } else {
            Cow::Borrowed(array.as_string_view().value(row))
        };
        if text.len() > LONGEST_VALUE {
            return Err(format!("it holds a value of {} bytes, more than the {LONGEST_VALUE} that a list may have", text.len()));
        }
        out.push(Value::Text(fitting(text.into_owned(), room)?));
    }
    Ok(())
}

/// A text that there is room for.
fn fitting(text: String, room: &mut u64) -> Result<String, String> {
    match room.checked_sub(text.len() as u64) {
        Some(left) => *room = left,
        None => {
            return Err("its texts unpack to far more bytes than the file has; write it anew without the columns that no mail needs".into());
        }
    }
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn append_lists(array: &ArrayRef, zone: Zone, out: &mut Vec<Value>, room: &mut u64) -> Result<(), String> {
    for row in 0..array.len() {
        if array.is_null(row) {
            out.push(Value::Null);
            continue;
        }
        let items = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().value(row),
            DataType::LargeList(_) => array.as_list::<i64>().value(row),
            _ => array.as_fixed_size_list().value(row),
        };
        let mut values = Vec::new();
        append(&items, zone, &mut values, room)?;
        out.push(Value::List(values));
    }
    Ok(())
}

fn append_formatted(array: &ArrayRef, out: &mut Vec<Value>, room: &mut u64) -> Result<(), String> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options).map_err(|error| error.to_string())?;
    for row in 0..array.len() {
        let text = || formatter.value(row).try_to_string().map_err(|error| error.to_string());
        out.push(if array.is_null(row) { Value::Null } else { Value::Text(fitting(text()?, room)?) });
    }
    Ok(())
}
