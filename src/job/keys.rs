//! Keys that do not belong: unknown ones, and secrets.
//!
//! Which keys belong where is read from the JSON Schema, so that the schema, the checks and an editor cannot disagree.

use super::report::Report;
use super::words;
use super::written::Span;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys that say where a secret is.
const PLACES: &[&str] = &["password_env", "password_file"];

/// Whether an address has a password in it: `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

/// Reports every key that the schema does not name. Returns the places of secrets, which must not be shown.
pub fn check(table: &Spanned<DeTable<'_>>, schema: &Value, report: &mut Report) -> Vec<Span> {
    let mut walk = Walk { root: schema, report, secrets: Vec::new() };
    walk.table(table.get_ref(), &[schema], "");
    walk.secrets
}

struct Walk<'s, 'r> {
    root: &'s Value,
    report: &'r mut Report,
    secrets: Vec<Span>,
}

impl<'s> Walk<'s, '_> {
    /// The schemas that a value of this kind may have: references are followed, alternatives are opened.
    fn open(&self, schema: &'s Value, out: &mut Vec<&'s Value>) {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
            if let Some(target) = self.root.pointer(target) {
                self.open(target, out);
            }
        } else if let Some(list) = schema.get("anyOf").and_then(Value::as_array) {
            for one in list {
                self.open(one, out);
            }
        } else {
            out.push(schema);
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schemas: &[&'s Value], place: &str) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, schemas, place),
            DeValue::Array(list) => {
                let items: Vec<_> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
                let mut opened = Vec::new();
                for item in items {
                    self.open(item, &mut opened);
                }
                for item in list {
                    self.value(item, &opened, place);
                }
            }
            DeValue::String(text) if has_password(text) => {
                let span = Span::from(value.span());
                self.secrets.push(span);
                let help = "take it out; a job file is copied into every plan";
                self.report.add(span, format!("`{}` has a password in it", words::plain(place)), "hidden here", help);
            }
            _ => {}
        }
    }

    fn table(&mut self, table: &DeTable<'_>, schemas: &[&'s Value], place: &str) {
        let tables: Vec<_> =
            schemas.iter().filter(|schema| schema.get("properties").is_some() || schema.get("additionalProperties").is_some()).collect();
        let known: Vec<&str> = tables
            .iter()
            .filter_map(|schema| schema.get("properties").and_then(Value::as_object))
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if self.is_secret(name, value) {
                continue;
            }
            let mut below = Vec::new();
            for schema in &tables {
                let inside = schema.get("properties").and_then(|properties| properties.get(name));
                let inside = inside.or_else(|| schema.get("additionalProperties").filter(|free| free.is_object()));
                if let Some(inside) = inside {
                    self.open(inside, &mut below);
                }
            }
            // Where a value of another type is wanted there is no list of keys: the check of types speaks then.
            if below.is_empty() && !tables.is_empty() {
                self.unknown(key.span().into(), name, &known, place);
                self.value(value, &[], name);
            } else {
                self.value(value, &below, name);
            }
        }
    }

    /// A password belongs in no file that is shown, copied into plans and kept in a repository.
    fn is_secret(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> bool {
        let folded = name.to_lowercase();
        let secret = folded.contains("password") || ["passwd", "pass", "secret", "api_key", "apikey", "token"].contains(&folded.as_str());
        if !secret || PLACES.contains(&folded.as_str()) || !matches!(value.get_ref(), DeValue::String(_)) {
            return false;
        }
        let span = Span::from(value.span());
        self.secrets.push(span);
        self.report.add(
            span,
            format!("`{}` puts a secret into the job file", words::plain(name)),
            "hidden here",
            "take it out; a job file is copied into every plan: name an environment variable or a file that holds it, as password_env and \
             password_file in [mail.smtp] do",
        );
        true
    }

    fn unknown(&mut self, span: Span, name: &str, known: &[&str], place: &str) {
        let shown = words::plain(name);
        let inside = if place.is_empty() { String::new() } else { format!(" in `{}`", words::plain(place)) };
        let help = match words::nearest(name, known.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None if known.is_empty() => String::new(),
            None => format!("the keys here are {}", known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")),
        };
        self.report.add(span, format!("unknown key `{shown}`{inside}"), "not a key of this table", help);
    }
}
