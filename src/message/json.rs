//! Template values as JSON text and back. A date becomes ISO text; a template writes both alike.

use crate::domain::Value;
use std::fmt::Write;

/// The values as one line of JSON. Numbers that JSON cannot hold become null.
#[must_use]
pub fn to_json(value: &Value) -> String {
    let mut out = String::with_capacity(1_024);
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => drop(write!(out, "{number}")),
        // Debug keeps the point of a whole float, so that it comes back as a float.
        Value::Float(number) if number.is_finite() => drop(write!(out, "{number:?}")),
        Value::Null | Value::Float(_) => out.push_str("null"),
        Value::Text(text) => write_text(out, text),
        Value::Date(day) => drop(write!(out, "\"{day}\"")),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Record(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(out, name);
                out.push(':');
                write_value(out, field);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => drop(write!(out, "\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// Says what is not JSON, and where.
pub fn from_json(text: &str) -> Result<Value, String> {
    serde_json::from_str::<serde_json::Value>(text).map(from_parsed).map_err(|error| format!("template values are not JSON: {error}"))
}

fn from_parsed(parsed: serde_json::Value) -> Value {
    match parsed {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::MAX)),
        },
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_parsed).collect()),
        serde_json::Value::Object(fields) => Value::Record(fields.into_iter().map(|(name, field)| (name, from_parsed(field))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            proptest::num::f64::NORMAL.prop_map(Value::Float),
            ".*".prop_map(Value::Text),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                proptest::collection::btree_map(".*", inner, 0..4).prop_map(|map| Value::Record(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_went(value in any_value()) {
            prop_assert_eq!(from_json(&to_json(&value)).unwrap(), value);
        }
    }

    #[test]
    fn dates_and_odd_numbers_have_a_form() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        assert_eq!(to_json(&Value::List(vec![Value::Date(day), Value::Float(f64::NAN), Value::Float(5.0)])), "[\"2026-12-01\",null,5.0]");
        assert!(from_json("{").is_err());
    }
}
