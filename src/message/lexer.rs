//! Cuts a template into its tags, and tags into tokens, so that names in it can be found. It reads what Tera's own lexer reads;
//! where that would report an error this one stops, and Tera tells about it.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ident,
    /// A quoted string.
    Text,
    Number,
    /// Anything else, one or more characters: `.`, `?.`, `|`, `==`, `[`.
    Mark,
}

#[derive(Debug, Clone)]
pub(super) struct Token<'s> {
    pub kind: Kind,
    /// As written; for a string what is between its quotes.
    pub text: &'s str,
    /// Bytes in the source.
    pub span: Range<usize>,
}

impl Token<'_> {
    pub(super) fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Ident && self.text == word
    }
}

/// A `{{ … }}` or a `{% … %}`.
#[derive(Debug)]
pub(super) struct Tag<'s> {
    pub statement: bool,
    pub tokens: Vec<Token<'s>>,
    /// The byte behind it.
    pub end: usize,
}

/// The tags of a template in their order; comments and raw blocks are left out.
pub(super) fn tags(source: &str) -> Vec<Tag<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..) {
        let Some(open) = rest.as_bytes().windows(2).position(|two| matches!(two, b"{{" | b"{%" | b"{#")) else { break };
        let start = at + open;
        let Some(inner) = source.get(start + 2..) else { break };
        if source.get(start..).is_some_and(|rest| rest.starts_with("{#")) {
            let Some(end) = inner.find("#}") else { break };
            at = start + 2 + end + 2;
            continue;
        }
        let statement = source.get(start..).is_some_and(|rest| rest.starts_with("{%"));
        let (tokens, end) = tokens(source, start + 2, if statement { "%}" } else { "}}" });
        at = end;
        if statement && tokens.len() == 1 && tokens.first().is_some_and(|token| token.is_word("raw")) {
            let Some(end) = raw_end(source, at) else { break };
            at = end;
        } else {
            found.push(Tag { statement, tokens, end });
        }
    }
    found
}

/// The byte behind the `{% endraw %}` that closes a raw block.
fn raw_end(source: &str, mut at: usize) -> Option<usize> {
    loop {
        let open = at + source.get(at..)?.find("{%")?;
        let inner = source.get(open + 2..)?;
        let word = inner.strip_prefix('-').unwrap_or(inner).trim_start();
        if let Some(rest) = word.strip_prefix("endraw") {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix('-').unwrap_or(rest);
            if let Some(rest) = rest.strip_prefix("%}") {
                return Some(source.len() - rest.len());
            }
        }
        at = open + 2;
    }
}

/// The tokens up to `close`, and the byte behind it (the end of the source when something cannot be read).
fn tokens<'s>(source: &'s str, mut at: usize, close: &str) -> (Vec<Token<'s>>, usize) {
    let mut found = Vec::new();
    if source.get(at..).is_some_and(|rest| rest.starts_with('-')) {
        at += 1;
    }
    while let Some(rest) = source.get(at..) {
        let Some(first) = rest.chars().next() else { break };
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if rest.starts_with(close) {
            return (found, at + 2);
        }
        if first == '-' && rest.get(1..).is_some_and(|rest| rest.starts_with(close)) {
            return (found, at + 3);
        }
        let Some((kind, length)) = token(rest, first) else { break };
        let text = if kind == Kind::Text { rest.get(1..length - 1) } else { rest.get(..length) };
        found.push(Token { kind, text: text.unwrap_or_default(), span: at..at + length });
        at += length;
    }
    (found, source.len())
}

/// The kind and length of the token that `rest` begins with.
fn token(rest: &str, first: char) -> Option<(Kind, usize)> {
    let run = |accept: fn(&u8) -> bool| rest.bytes().take_while(accept).count();
    match first {
        '"' | '\'' | '`' => {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, character)| {
                let ends = *character == first && !escaped;
                escaped = *character == '\\' && !escaped;
                ends
            })?;
            Some((Kind::Text, end.0 + 1))
        }
        'a'..='z' | 'A'..='Z' | '_' => Some((Kind::Ident, run(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))),
        '0'..='9' => Some((Kind::Number, run(|byte| byte.is_ascii_digit() || *byte == b'.'))),
        _ if rest.starts_with("...") => Some((Kind::Mark, 3)),
        _ if ["//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["].iter().any(|mark| rest.starts_with(mark)) => Some((Kind::Mark, 2)),
        _ if first.is_ascii_punctuation() => Some((Kind::Mark, 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<Vec<&str>> {
        tags(source).into_iter().map(|tag| tag.tokens.into_iter().map(|token| token.text).collect()).collect()
    }

    #[test]
    fn only_tags_are_read() {
        let source = "a {{ b.c }} {# {{ no }} #} {% raw %}{{ no }}{% endraw %} {%- if d?.e[\"f }}\"] -%} ü";
        assert_eq!(words(source), [vec!["b", ".", "c"], vec!["if", "d", "?.", "e", "[", "f }}", "]"]]);
    }

    #[test]
    fn broken_templates_end_early() {
        for source in ["{{ \"open", "{% raw %} {{ x }}", "{# open", "{{ a", "{{ é }} {{ b }}", "{", "{{", "{% raw %}{%"] {
            let _ = words(source);
        }
        assert_eq!(words("{{ a | date('"), [vec!["a", "|", "date", "("]]);
    }
}
