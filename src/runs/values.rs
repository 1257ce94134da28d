//! The values a mail was rendered with, as JSON text and back.

use super::Error;
use crate::domain::{DayText, Value};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;
use std::fmt;

/// The values of most mails take no more bytes as text.
const USUAL: usize = 2_048;

/// JSON text of a value. Integers and finite floats come back exactly; dates become ISO text, a float that JSON cannot hold becomes null.
#[must_use]
pub fn values_text(value: &Value) -> String {
    let mut text = Vec::with_capacity(USUAL);
    write(value, &mut text);
    // JSON is UTF-8.
    simdutf8::basic::from_utf8(&text).unwrap_or_default().to_owned()
}

/// The value of JSON text.
///
/// # Errors
/// `Values` when the text is no JSON, is nested more than 120 deep or holds an integer beyond 64 bits.
pub fn values_read(text: &str) -> Result<Value, Error> {
    serde_json::from_str::<Read>(text).map(|read| read.0).map_err(|error| Error::Values { problem: error.to_string() })
}

/// Appends JSON. Millions of mails have a hundred values each, and hardly one of them has a letter that JSON writes in another way: what
/// has is left to the library.
fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Int(number) => by_library(number, out),
        Value::Float(number) => by_library(number, out),
        Value::Text(text) => quote(text, out),
        Value::Date(day) => match DayText::of(*day) {
            Some(text) => quote(text.as_str(), out),
            None => quote(&day.to_string(), out),
        },
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Record(fields) => {
            out.push(b'{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                quote(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

fn quote(text: &str, out: &mut Vec<u8>) {
    // All bytes are looked at, without a branch for each.
    let is_plain = text.bytes().fold(true, |plain, byte| plain & !matches!(byte, ..b' ' | b'"' | b'\\'));
    if !is_plain {
        return by_library(text, out);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn by_library<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Writing plain values to memory has no way to fail.
    let _ = serde_json::to_writer(out, value);
}

struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Reader).map(Read)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(|_| E::custom(format!("{number} is more than 64 bits hold")))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Read(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut record = Vec::new();
        while let Some((name, Read(value))) = fields.next_entry()? {
            record.push((name, value));
        }
        Ok(Value::Record(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("JSON holds finite floats", |number| number.is_finite()).prop_map(Value::Float),
            any::<String>().prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                proptest::collection::vec((any::<String>().prop_map(Name::from), inner), 0..6).prop_map(Value::Record),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_value()) {
            let back = values_read(&values_text(&value)).unwrap();
            // Debug tells 0.0 from -0.0, and PartialEq does not.
            prop_assert_eq!(format!("{:?}", back), format!("{:?}", value));
        }

        #[test]
        fn a_text_is_written_as_the_library_does(letters in proptest::collection::vec(prop_oneof![any::<char>(), proptest::char::range('\0', '\u{7f}')], 0..9)) {
            let text = String::from_iter(letters);
            prop_assert_eq!(values_text(&Value::Text(text.clone())), serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn dates_become_text_and_kinds_of_numbers_stay() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let value =
            Value::Record(vec![("on".into(), Value::Date(day)), ("n".into(), Value::Float(2.0)), ("nan".into(), Value::Float(f64::NAN))]);
        let text = values_text(&value);
        assert_eq!(text, r#"{"on":"2026-12-01","n":2.0,"nan":null}"#);
        let back = values_read(&text).unwrap();
        assert_eq!(back.get("on"), Some(&Value::Text("2026-12-01".into())));
        assert_eq!(back.get("n"), Some(&Value::Float(2.0)));
        assert_eq!(values_read("9223372036854775807").unwrap(), Value::Int(i64::MAX));
    }

    #[test]
    fn hostile_text_is_an_error() {
        assert!(values_read("{").is_err());
        assert!(values_read("18446744073709551615").is_err());
        assert!(values_read(&"[".repeat(100_000)).is_err());
    }
}
