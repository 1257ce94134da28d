//! A value that a customer column holds or a template sees.

use chrono::NaiveDate;

/// A tree of values without any format of its own. Dates are local; a time of day travels as RFC 3339 text in the job's zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing is there: a template that uses it fails.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Date(NaiveDate),
    List(Vec<Value>),
    /// Named values in their order.
    Record(Vec<(String, Value)>),
}

impl Value {
    /// The value under a name in a record.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Record(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// `Null` for nothing, else the value.
    pub fn maybe<T: Into<Value>>(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
impl From<NaiveDate> for Value {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}
