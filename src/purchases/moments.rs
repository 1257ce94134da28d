//! Times of any type as instants: microseconds UTC.

use super::Error;
use crate::domain::zone::{DAY, LocalClock, Zone};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Int64Array, PrimitiveArray, TimestampMicrosecondArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};

pub(super) const EXPECTED: &str = "a timestamp or a date";

/// Whether a column of this type can hold the time of a purchase.
pub(super) fn usable(found: &DataType) -> bool {
    matches!(found, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null)
}

/// Instants of a column. A time that is null, or lies outside the years that can be told, is null.
#[derive(Debug)]
pub(super) struct Moments {
    clock: LocalClock,
}

impl Moments {
    pub fn new(zone: Zone) -> Self {
        Self { clock: LocalClock::new(zone) }
    }

    /// Times with a zone are instants already, the others are local. `Err` tells the type that is no time.
    pub fn instants(&mut self, times: &ArrayRef) -> Result<Int64Array, DataType> {
        let micros = match times.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => whole(times.as_primitive::<TimestampSecondType>(), 1_000_000),
            DataType::Timestamp(TimeUnit::Millisecond, _) => whole(times.as_primitive::<TimestampMillisecondType>(), 1_000),
            DataType::Timestamp(TimeUnit::Microsecond, _) => times.as_primitive::<TimestampMicrosecondType>().reinterpret_cast(),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                times.as_primitive::<TimestampNanosecondType>().unary::<_, Int64Type>(|nanos| nanos.div_euclid(1_000))
            }
            DataType::Date32 => times.as_primitive::<Date32Type>().unary_opt::<_, Int64Type>(|days| i64::from(days).checked_mul(DAY)),
            DataType::Date64 => whole(times.as_primitive::<Date64Type>(), 1_000),
            DataType::Null => Int64Array::new_null(times.len()),
            other => return Err(other.clone()),
        };
        match times.data_type() {
            DataType::Timestamp(_, Some(_)) => Ok(micros),
            _ => Ok(self.local(&micros)),
        }
    }

    fn local(&mut self, micros: &Int64Array) -> Int64Array {
        if micros.null_count() == 0 {
            // The common case needs no look at nulls, and has none in the end; where no clock moves between the first and the last time,
            // there is one thing to do for all.
            let ends = micros.values().iter().fold((i64::MAX, i64::MIN), |(first, last), &local| (first.min(local), last.max(local)));
            match self.clock.one_offset(ends.0, ends.1) {
                Some(0) => return micros.clone(),
                Some(offset) => return micros.unary(|local| local.wrapping_sub(offset)),
                None => {}
            }
            let instants: Option<Vec<i64>> = micros.values().iter().map(|&local| self.clock.instant(local)).collect();
            if let Some(instants) = instants {
                return Int64Array::from(instants);
            }
        }
        micros.iter().map(|local| local.and_then(|local| self.clock.instant(local))).collect()
    }
}

fn whole<T: ArrowPrimitiveType<Native = i64>>(times: &PrimitiveArray<T>, scale: i64) -> Int64Array {
    times.unary_opt(|time| time.checked_mul(scale))
}

/// The column as it travels: timestamps, µs, UTC.
pub(super) fn timestamps(instants: &Int64Array) -> TimestampMicrosecondArray {
    instants.reinterpret_cast::<TimestampMicrosecondType>().with_timezone("UTC")
}

/// Reads a date that a folder name gives: `2026-11-05`.
pub(super) fn folder_date(value: &str, file: &str, column: &str, zone: Zone) -> Result<i64, Error> {
    let wrong = |_| Error::ColumnType {
        file: file.to_owned(),
        column: column.to_owned(),
        found: format!("the folder name's `{value}`"),
        expected: "a date such as `2026-11-05`",
    };
    value.parse().map(|day| zone.midnight(day)).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, Date64Array, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray};
    use std::sync::Arc;

    #[test]
    fn every_type_of_time_becomes_an_instant() {
        let tokyo = Zone(chrono_tz::Asia::Tokyo);
        let nine_hours = 9 * 3_600_000_000;
        let cases: Vec<(ArrayRef, i64)> = vec![
            (Arc::new(TimestampSecondArray::from(vec![86_400])), DAY - nine_hours),
            (Arc::new(TimestampMillisecondArray::from(vec![86_400_000])), DAY - nine_hours),
            (Arc::new(TimestampMicrosecondArray::from(vec![DAY])), DAY - nine_hours),
            (Arc::new(TimestampNanosecondArray::from(vec![DAY * 1_000 + 999])), DAY - nine_hours),
            (Arc::new(TimestampNanosecondArray::from(vec![-1]).with_timezone("UTC")), -1),
            (Arc::new(TimestampSecondArray::from(vec![86_400]).with_timezone("+05:00")), DAY),
            (Arc::new(Date32Array::from(vec![1])), DAY - nine_hours),
            (Arc::new(Date64Array::from(vec![86_400_000])), DAY - nine_hours),
        ];
        for (array, expected) in cases {
            assert_eq!(Moments::new(tokyo).instants(&array).unwrap().value(0), expected, "{:?}", array.data_type());
        }
    }

    #[test]
    fn times_that_cannot_be_told_are_null() {
        let utc = Zone(chrono_tz::UTC);
        let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(i64::MAX), None, Some(1)]));
        let instants = Moments::new(utc).instants(&seconds).unwrap();
        assert_eq!(instants.iter().collect::<Vec<_>>(), [None, None, Some(1_000_000)]);
        let far: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX, 5]));
        assert_eq!(Moments::new(utc).instants(&far).unwrap().iter().collect::<Vec<_>>(), [None, Some(5)]);
        let text: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["2026-01-01"]));
        assert_eq!(Moments::new(utc).instants(&text).unwrap_err(), DataType::Utf8);
    }
}
