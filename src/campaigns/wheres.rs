//! The conditions on customer columns.

use crate::domain::campaign::WhereTest;
use crate::domain::text::narrow;
use crate::domain::{Moment, Value, Zone};
use chrono::{Datelike, NaiveDate};

/// Whether a column's value passes. A column that lists several values passes when any of them does.
pub fn holds(test: &WhereTest, value: &Value, zone: Zone) -> bool {
    match test {
        WhereTest::OneOf(texts) => texts.iter().any(|text| value.is_written(text)),
        WhereTest::Truth(truth) => value.says(*truth),
        WhereTest::Range(range) => any(value, &|value| number(value).is_some_and(|number| range.holds(number))),
        WhereTest::DateRange { from, to } => {
            any(value, &|value| date(value, zone).is_some_and(|day| from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to)))
        }
        WhereTest::Missing(wanted) => is_missing(value) == *wanted,
    }
}

fn any(value: &Value, holds: &impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::List(values) => values.iter().any(holds),
        value => holds(value),
    }
}

fn is_missing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::List(values) => values.iter().all(is_missing),
        _ => false,
    }
}

/// A number, or a text that is one. A date is the number 20261201.
#[expect(clippy::cast_precision_loss, reason = "whole numbers beyond 2^53 are ids, and nobody asks for a range of those")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number).filter(|number| number.is_finite()),
        Value::Text(text) => text.chars().map(narrow).collect::<String>().trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Date(day) => Some(f64::from(day.year()) * 10_000.0 + f64::from(day.month()) * 100.0 + f64::from(day.day())),
        _ => None,
    }
}

/// A date, or a text or a whole number that is one, in the forms that are read for birthdays too.
fn date(value: &Value, zone: Zone) -> Option<NaiveDate> {
    let read = |text: &str| Moment::parse(text).map(|moment| moment.date(zone));
    match value {
        Value::Date(day) => Some(*day),
        Value::Text(text) => read(text),
        Value::Int(number) => read(&number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::NumberRange;

    fn holds(test: &WhereTest, value: &Value) -> bool {
        super::holds(test, value, Zone("Asia/Tokyo".parse().unwrap()))
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn lists_are_compared_as_text() {
        let test = WhereTest::OneOf(vec!["京都".into(), "3".into(), "true".into()]);
        let list = Value::List(vec!["大阪".into(), "京都".into()]);
        for value in ["京都".into(), Value::Int(3), Value::Float(3.0), Value::Bool(true), list] {
            assert!(holds(&test, &value), "{value:?}");
        }
        for value in ["京都 ".into(), Value::Int(33), Value::Bool(false), Value::Null, Value::List(vec![])] {
            assert!(!holds(&test, &value), "{value:?}");
        }
    }

    #[test]
    fn truths_are_known_in_any_word() {
        for (value, truth) in
            [("TRUE".into(), true), ("有".into(), true), (Value::Int(1), true), ("いいえ".into(), false), (Value::Bool(false), false)]
        {
            assert_eq!((holds(&WhereTest::Truth(true), &value), holds(&WhereTest::Truth(false), &value)), (truth, !truth), "{value:?}");
        }
        assert!(!holds(&WhereTest::Truth(false), &Value::Null), "an empty cell says neither");
    }

    #[test]
    fn ranges_take_numbers_and_texts_that_are_numbers() {
        let test = WhereTest::Range(NumberRange { from: Some(3.0), to: Some(20_261_231.0) });
        for value in [
            Value::Int(3),
            Value::Float(3.5),
            " 4 ".into(),
            "　２５".into(),
            Value::Date(day("2026-12-31")),
            Value::List(vec![Value::Null, Value::Int(9)]),
        ] {
            assert!(holds(&test, &value), "{value:?}");
        }
        for value in
            [Value::Int(2), Value::Float(f64::NAN), "inf".into(), "".into(), Value::Bool(true), Value::Null, Value::Date(day("2027-01-01"))]
        {
            assert!(!holds(&test, &value), "{value:?}");
        }
    }

    #[test]
    fn ranges_of_dates_include_both_ends() {
        let test = WhereTest::DateRange { from: Some(day("2026-12-01")), to: Some(day("2026-12-31")) };
        for value in [Value::Date(day("2026-12-01")), "2026-12-31".into(), "2026/12/5".into(), "2026-12-31T23:00:00+09:00".into()] {
            assert!(holds(&test, &value), "{value:?}");
        }
        for value in ["R8.12.5".into(), "令和8年12月5日".into(), "20261205".into(), Value::Int(20_261_205), "２０２６／１２／５".into()]
        {
            assert!(holds(&test, &value), "{value:?}");
        }
        for value in [
            Value::Date(day("2027-01-01")),
            "2026-11-30 10:00".into(),
            "2026-12-31T23:00:00Z".into(),
            "soon".into(),
            Value::Int(12),
            Value::Null,
        ] {
            assert!(!holds(&test, &value), "{value:?}");
        }
        assert!(holds(&WhereTest::DateRange { from: None, to: Some(day("2026-01-01")) }, &"1999-01-01".into()));
    }

    #[test]
    fn blanks_and_empty_lists_are_missing() {
        for (value, missing) in
            [(Value::Null, true), ("　".into(), true), (Value::List(vec![Value::Null]), true), ("x".into(), false), (Value::Int(0), false)]
        {
            assert_eq!(
                (holds(&WhereTest::Missing(true), &value), holds(&WhereTest::Missing(false), &value)),
                (missing, !missing),
                "{value:?}"
            );
        }
    }
}
