//! What a mail could have values for, beside what it has: for people who write templates.

use super::names::{self, Node};
use crate::domain::{Name, Value};

/// A value that templates may use: its path, and what it is for one customer. `None` where there is nothing.
pub type Sample = (String, Option<String>);

/// All that there can be in the values of a mail.
pub struct Possible(Node);

impl Default for Possible {
    fn default() -> Self {
        Self(names::of_values(Node::Any))
    }
}

impl Possible {
    /// Everything that templates may name, with this mail's value of it. Of a list of records the first stands for all (`items[].name`);
    /// of a record that is not there nothing below is named.
    #[must_use]
    pub fn samples(&self, values: &Value) -> Vec<Sample> {
        let mut samples = Vec::new();
        name("", &self.0, Some(values), &mut samples);
        samples
    }

    /// How many values a mail lacks that it could have.
    #[must_use]
    pub fn missing(&self, values: &Value) -> usize {
        missing(&self.0, Some(values))
    }
}

/// What is below a record: what may be there, then what is there beside.
fn below<'n>(node: &'n Node, fields: &'n [(Name, Value)]) -> impl Iterator<Item = (&'n str, &'n Node, Option<&'n Value>)> {
    let known: &[(String, Node)] = if let Node::Record(known) = node { known } else { &[] };
    let of = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let others = fields.iter().filter(|(name, _)| !known.iter().any(|(known, _)| known == name));
    known
        .iter()
        .map(move |(name, node)| (name.as_str(), node, of(name)))
        .chain(others.map(|(name, value)| (&**name, &Node::Any, Some(value))))
}

fn name(path: &str, node: &Node, value: Option<&Value>, samples: &mut Vec<Sample>) {
    match value {
        Some(Value::Record(fields)) => {
            for (field, node, value) in below(node, fields) {
                let path = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
                name(&path, node, value, samples);
            }
        }
        Some(Value::List(members)) => match members.first() {
            Some(Value::Record(_)) => name(&format!("{path}[]"), member(node), members.first(), samples),
            Some(_) => samples.push((path.to_owned(), Some(members.iter().map(told).collect::<Vec<_>>().join(", ")))),
            None => samples.push((path.to_owned(), None)),
        },
        None | Some(Value::Null) => samples.push((path.to_owned(), None)),
        Some(other) => samples.push((path.to_owned(), Some(told(other)))),
    }
}

fn missing(node: &Node, value: Option<&Value>) -> usize {
    match value {
        None | Some(Value::Null) => 1,
        Some(Value::Record(fields)) => below(node, fields).map(|(_, node, value)| missing(node, value)).sum(),
        Some(Value::List(members)) => members.iter().map(|value| missing(member(node), Some(value))).sum(),
        Some(_) => 0,
    }
}

/// What each member of a list is.
fn member(node: &Node) -> &Node {
    if let Node::List(member) = node { member } else { &Node::Any }
}

fn told(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Date(day) => day.to_string(),
        Value::Null | Value::List(_) | Value::Record(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_there_is_named_and_counted() {
        let text = |text: &str| Value::Text(text.into());
        let record =
            |fields: &[(&'static str, Value)]| Value::Record(fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect());
        let item = record(&[("name", text("tea")), ("amount", Value::Int(900))]);
        let values = record(&[
            ("customer", record(&[("id", text("C1")), ("likes", Value::Null)])),
            ("occasion", record(&[("date", text("2026-12-01"))])),
            ("last_order", record(&[("date", text("2026-11-02")), ("items", Value::List(vec![item.clone(), item]))])),
        ]);
        let possible = Possible::default();
        let samples = possible.samples(&values);
        let of = |path: &str| samples.iter().find(|(own, _)| own == path).map(|(_, value)| value.as_deref());
        assert_eq!(of("customer.id"), Some(Some("C1")));
        for nothing in
            ["customer.likes", "offer", "points", "rank", "occasion.years", "last_order.store", "last_order.items[].price", "as_of"]
        {
            assert_eq!(of(nothing), Some(None), "{nothing}");
        }
        assert_eq!(
            (of("last_order.items[].name"), of("last_order.items[].amount"), of("offer.code")),
            (Some(Some("tea")), Some(Some("900")), None)
        );
        // rank, metrics, points, cashback, offer, campaign, links, as_of; likes; years; store; and five of each item.
        assert_eq!(possible.missing(&values), 8 + 1 + 1 + 1 + 2 * 5);
    }
}
