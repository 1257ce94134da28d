//! The values a mail was rendered with, as JSON text and back.

use super::Error;
use crate::domain::{DayText, Value};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

/// The values of most mails take no more bytes as text.
const USUAL: usize = 2_048;

/// JSON text of a value. Integers and finite floats come back exactly; dates become ISO text, a float that JSON cannot hold becomes null.
#[must_use]
pub fn values_text(value: &Value) -> String {
    let mut text = Vec::with_capacity(USUAL);
    // Writing plain values to memory has no way to fail, and JSON is UTF-8.
    let written = serde_json::to_writer(&mut text, &Shown(value)).ok();
    written.and_then(|()| simdutf8::basic::from_utf8(&text).ok()).unwrap_or_default().to_owned()
}

/// The value of JSON text.
///
/// # Errors
/// `Values` when the text is no JSON, is nested more than 120 deep or holds an integer beyond 64 bits.
pub fn values_read(text: &str) -> Result<Value, Error> {
    serde_json::from_str::<Read>(text).map(|read| read.0).map_err(|error| Error::Values { problem: error.to_string() })
}

struct Shown<'a>(&'a Value);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => out.serialize_unit(),
            Value::Bool(truth) => out.serialize_bool(*truth),
            Value::Int(number) => out.serialize_i64(*number),
            Value::Float(number) => out.serialize_f64(*number),
            Value::Text(text) => out.serialize_str(text),
            Value::Date(day) => match DayText::of(*day) {
                Some(text) => out.serialize_str(text.as_str()),
                None => out.collect_str(day),
            },
            Value::List(items) => out.collect_seq(items.iter().map(Shown)),
            Value::Record(fields) => {
                let mut map = out.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Shown(value))?;
                }
                map.end()
            }
        }
    }
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
