//! Collects the problems of one job file, and takes values out of their keys on the way.

use super::error::Found;
use super::words;
use super::written::{Key, Many, Scalar, Span};

/// A value and its place.
#[derive(Debug, Clone, Copy)]
pub struct At<T> {
    pub span: Span,
    pub value: T,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Report {
    pub found: Vec<Found>,
}

impl Report {
    /// Adds a problem: what is wrong, what the caret says, and what to do.
    pub fn add(&mut self, span: Span, message: impl Into<String>, label: &str, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.found.push(Found { message: message.into(), span, label: label.to_owned(), help, also: None });
    }

    /// Adds to the last problem another place that explains it.
    pub fn also(&mut self, span: Span, label: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
            last.also = Some((span, label.into()));
        }
    }

    /// A key that must be there is not.
    pub fn missing(&mut self, table: Span, name: &str, help: &str) {
        let label = if table.start == 0 { "nowhere in this file" } else { "it belongs in here" };
        self.add(table, format!("`{name}` is missing"), label, help);
    }

    /// The value of a key, if there is one of the right type.
    pub fn get<'k, T>(&mut self, key: &'k Key<T>, name: &str) -> Option<At<&'k T>> {
        match key {
            Key::Absent => None,
            Key::Is(span, value) => Some(At { span: *span, value }),
            Key::Wrong(span, words) => {
                let (expected, found) = words::type_error(words);
                let label = if found.is_empty() { String::new() } else { format!("this is {found}") };
                self.add(*span, format!("`{name}` must be {expected}"), &label, "");
                None
            }
        }
    }

    /// A text that is not empty and is one line without control characters. Most of them end in a header, a path or a message.
    pub fn line<'k>(&mut self, key: &'k Key<String>, name: &str) -> Option<At<&'k str>> {
        let At { span, value } = self.get(key, name)?;
        self.checked_line(span, value, name)
    }

    /// A text as [`Report::line`] wants it, wherever it stands.
    pub fn checked_line<'k>(&mut self, span: Span, value: &'k str, name: &str) -> Option<At<&'k str>> {
        if value.trim().is_empty() {
            self.add(
                span,
                format!("`{name}` is empty"),
                "nothing is written here",
                "write something, or leave the key out where it may be",
            );
            return None;
        }
        if value.chars().any(char::is_control) {
            self.add(
                span,
                format!("`{name}` has a line break or another control character in it"),
                "this must be one line",
                "write it on one line without escapes such as \\n",
            );
            return None;
        }
        Some(At { span, value })
    }

    /// A key that must be there, as [`Report::line`].
    pub fn needed<'k>(&mut self, key: &'k Key<String>, table: Span, name: &str, help: &str) -> Option<At<&'k str>> {
        if matches!(key, Key::Absent) {
            self.missing(table, name, help);
        }
        self.line(key, name)
    }

    /// One line or several of them, each with its place; `None` when the key is left out or something is wrong.
    pub fn lines<'k>(&mut self, key: &'k Key<Many<String>>, name: &str) -> Option<Vec<At<&'k str>>> {
        let At { span, value } = self.get(key, name)?;
        match value {
            Many::One(text) => self.checked_line(span, text, name).map(|line| vec![line]),
            Many::List(list) => {
                if list.is_empty() {
                    self.empty_list(span, name);
                    return None;
                }
                let lines: Vec<_> = list.iter().map(|item| self.line(item, name)).collect();
                lines.into_iter().collect()
            }
        }
    }

    /// One value or several of them as text, each with its place. An empty list is a problem.
    pub fn texts(&mut self, span: Span, many: &Many<Scalar>, name: &str) -> Option<Vec<At<String>>> {
        match many {
            Many::One(value) => Some(vec![At { span, value: value.text() }]),
            Many::List(list) => {
                if list.is_empty() {
                    self.empty_list(span, name);
                    return None;
                }
                let texts: Vec<_> =
                    list.iter().map(|item| self.get(item, name).map(|item| At { span: item.span, value: item.value.text() })).collect();
                texts.into_iter().collect()
            }
        }
    }

    fn empty_list(&mut self, span: Span, name: &str) {
        self.add(
            span,
            format!("`{name}` is an empty list"),
            "nothing can be one of none",
            "write at least one value, or leave the key out",
        );
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, key: &Key<String>, name: &str, words: &[(&str, T)]) -> Option<T> {
        let At { span, value } = self.get(key, name)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == value) {
            return Some(*meaning);
        }
        let help = words::choice(value, words.iter().map(|(word, _)| *word));
        self.add(span, format!("`{name}` cannot be {}", words::quote(value)), "not a word that is known here", help);
        None
    }

    /// A whole number within bounds, both included.
    pub fn whole(&mut self, key: &Key<i64>, name: &str, least: i64, most: i64) -> Option<i64> {
        let At { span, value } = self.get(key, name)?;
        if (least..=most).contains(value) {
            return Some(*value);
        }
        self.add(span, format!("`{name}` is {value}"), "out of bounds", format!("write a whole number from {least} to {most}"));
        None
    }

    /// A share written as percent: 0 to 1 for "0%" to "100%".
    pub fn share(&mut self, key: &Key<String>, name: &str) -> Option<At<f64>> {
        let At { span, value } = self.get(key, name)?;
        let share = words::share(value);
        if share.is_none() {
            self.add(
                span,
                format!("`{name}` cannot be {}", words::quote(value)),
                "not a percentage from 0% to 100%",
                "write it like \"5%\"",
            );
        }
        share.map(|value| At { span, value })
    }
}
