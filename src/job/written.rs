//! The shapes in which a value may be written, each with its place in the text.
//!
//! A key that holds something of the wrong type must not hide the problems of its neighbours. So reading a [`Key`] never fails: it
//! keeps what was wrong until the checks ask for it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use toml::Spanned;

/// Bytes of the job's text, the end not included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// What stands behind a key of the job file, if anything.
#[derive(Debug, Clone, Default)]
pub enum Key<T> {
    #[default]
    Absent,
    /// Something of another type, and the parser's words about it.
    Wrong(Span, String),
    Is(Span, T),
}

impl<T> Key<T> {
    /// Where the value stands; `None` when the key is left out.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Absent => None,
            Self::Wrong(span, _) | Self::Is(span, _) => Some(*span),
        }
    }

    /// The value, when it is there and of the right type.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(_, value) => Some(value),
            _ => None,
        }
    }
}

/// Catches the error of the value inside, so that reading goes on behind it.
struct Lenient<T>(Result<T, String>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Ok(Self(T::deserialize(Strict(source)).map_err(|error| error.to_string())))
    }
}

/// A source in which a list is not taken for a table. Derived readers would read `mail = ["a", "b"]` as the first two keys of `[mail]`.
struct Strict<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, TableOnly(visitor))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// Lets only tables through to the visitor inside.
struct TableOnly<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for TableOnly<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Key<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Lenient<T>>::deserialize(source)?;
        let span = Span::from(spanned.span());
        Ok(match spanned.into_inner().0 {
            Ok(value) => Self::Is(span, value),
            Err(words) => Self::Wrong(span, words),
        })
    }
}

impl<T: JsonSchema> JsonSchema for Key<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A single value.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A date or time that was written without quotes, as text.
    Date(String),
}

impl Scalar {
    /// The value as the text that it is compared with.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Date(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
        }
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a single value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Int(number))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }
    fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(truth))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        // The parser hands dates over as a table with a key of its own; any other table is refused there.
        let date = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map));
        date.map(|date| Scalar::Date(date.to_string())).map_err(|_| A::Error::custom("invalid type: map, expected a single value"))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(ScalarVisitor)
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub enum Many<T> {
    One(T),
    List(Vec<Key<T>>),
}

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value or a list of values")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Many<T>, E> {
        T::deserialize(text.into_deserializer()).map(Many::One)
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Many<T>, E> {
        T::deserialize(number.into_deserializer()).map(Many::One)
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Many<T>, E> {
        T::deserialize(number.into_deserializer()).map(Many::One)
    }
    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Many<T>, E> {
        T::deserialize(truth.into_deserializer()).map(Many::One)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Many::One)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Many::List(list))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(ManyVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Many{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// A table whose keys are free, in the order of the file.
#[derive(Debug, Clone)]
pub struct Entries<T>(pub Vec<Entry<T>>);

/// A key of such a table, and what stands behind it.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub span: Span,
    pub name: String,
    pub value: Key<T>,
}

impl<T> Entries<T> {
    pub fn get(&self, name: &str) -> Option<&Entry<T>> {
        self.0.iter().find(|entry| entry.name == name)
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
        let mut entries = Vec::new();
        // The parser hands a bare date over as a table without places.
        let no_place = |error: A::Error| match error.to_string() {
            words if words.contains("spanned") => A::Error::custom("invalid type: a date, expected a map"),
            _ => error,
        };
        while let Some(key) = map.next_key::<Spanned<String>>().map_err(no_place)? {
            let span = Span::from(key.span());
            entries.push(Entry { span, name: key.into_inner(), value: map.next_value()? });
        }
        Ok(Entries(entries))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(EntriesVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Entries{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}

/// A value written in place of a table, or the table.
#[derive(Debug, Clone)]
pub enum Or<T> {
    Plain(Many<Scalar>),
    Table(T),
}

struct OrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrVisitor<T> {
    type Value = Or<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value or a table")
    }
    fn visit_str<E>(self, text: &str) -> Result<Or<T>, E> {
        Ok(Or::Plain(Many::One(Scalar::Text(text.to_owned()))))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Or<T>, E> {
        Ok(Or::Plain(Many::One(Scalar::Int(number))))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Or<T>, E> {
        Ok(Or::Plain(Many::One(Scalar::Float(number))))
    }
    fn visit_bool<E>(self, truth: bool) -> Result<Or<T>, E> {
        Ok(Or::Plain(Many::One(Scalar::Bool(truth))))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Or<T>, A::Error> {
        ManyVisitor(PhantomData).visit_seq(items).map(Or::Plain)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Or<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Or::Table)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Or<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(OrVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Or<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Or{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<T>();
        let plain = generator.subschema_for::<Many<Scalar>>();
        json_schema!({ "anyOf": [plain, table] })
    }
}
