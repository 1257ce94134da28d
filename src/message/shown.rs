//! Finds prices and links in template sources, for campaigns that say they do not sell.

use super::lexer::{self, Kind, Token};
use crate::domain::finding::{Showing, Shown};

/// Filters that write money.
const MONEY: [&str; 2] = ["yen", "money"];
/// Last parts of paths that are a price or a discount.
const PRICES: [&str; 3] = ["price", "percent", "amount"];
/// Longest piece that is quoted, in characters.
const PIECE: usize = 40;

/// What one file shows, in the order of its lines.
pub(super) fn shown(file: &str, source: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let mut note = |what: Showing, at: usize, text: &str| {
        let line = source.get(..at).unwrap_or_default().matches('\n').count() + 1;
        found.push(Shown { what, file: file.to_owned(), line, text: text.chars().take(PIECE).collect() });
    };
    for tag in lexer::tags(source) {
        in_tag(&tag.tokens, &mut note);
    }
    for (start, text) in between_tags(source) {
        in_text(start, text, &mut note);
    }
    found.sort_by(|one, other| (one.line, one.what, &one.text).cmp(&(other.line, other.what, &other.text)));
    found.dedup();
    found
}

fn in_tag(tokens: &[Token], note: &mut impl FnMut(Showing, usize, &str)) {
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let after = tokens.get(at + 1);
        let after_dot = before.is_some_and(|mark| mark.is(".") || mark.is("?."));
        let ends = !after.is_some_and(|mark| mark.is(".") || mark.is("?."));
        match token.kind {
            Kind::Text if is_address(token.text) => note(Showing::Link, token.span.start, token.text),
            Kind::Ident if before.is_some_and(|mark| mark.is("|")) && MONEY.contains(&token.text) => {
                note(Showing::Price, token.span.start, token.text);
            }
            Kind::Ident if after_dot && ends && token.text == "url" => note(Showing::Link, token.span.start, &path(tokens, at)),
            Kind::Ident if after_dot && ends && PRICES.contains(&token.text) => note(Showing::Price, token.span.start, &path(tokens, at)),
            _ => {}
        }
    }
}

/// The dotted path that ends at a token.
fn path(tokens: &[Token], end: usize) -> String {
    let mut start = end;
    while let Some(dot) = start.checked_sub(1).and_then(|at| tokens.get(at))
        && (dot.is(".") || dot.is("?."))
        && start >= 2
    {
        start -= 2;
    }
    tokens.get(start..=end).unwrap_or_default().iter().map(|token| token.text).collect()
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The text that a mail shows as it is written, with the byte at which each piece begins.
fn between_tags(source: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let open = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].into_iter().filter_map(|(open, close)| Some((rest.find(open)?, close))).min();
        let Some((open, close)) = open else {
            pieces.push((at, rest));
            break;
        };
        pieces.push((at, &rest[..open]));
        let Some(end) = rest[open..].find(close) else { break };
        at += open + end + close.len();
    }
    pieces
}

fn in_text(start: usize, text: &str, note: &mut impl FnMut(Showing, usize, &str)) {
    for scheme in ["https://", "http://"] {
        for (at, _) in text.match_indices(scheme) {
            let piece = text[at..].split(|letter: char| letter.is_whitespace() || ['"', '\'', '<', '>'].contains(&letter)).next();
            // The name of a document's format is an address that nobody follows.
            if !text[..at].ends_with("xmlns=\"") && !text[..at].ends_with("xmlns='") && !in_doctype(&text[..at]) {
                note(Showing::Link, start + at, piece.unwrap_or_default());
            }
        }
    }
    for mark in ["円", "%引", "％引", "%OFF", "％OFF", "% OFF", "%オフ", "％オフ", "% off"] {
        for (at, _) in text.match_indices(mark) {
            let from: usize = text[..at].chars().rev().take_while(|letter| is_digit(*letter)).map(char::len_utf8).sum();
            let piece = &text[at - from..at + mark.len()];
            // 関東一円 is a region.
            if from > 0 && piece != "一円" {
                note(Showing::Price, start + at - from, piece);
            }
        }
    }
    for mark in ['¥', '￥', '$'] {
        for (at, found) in text.match_indices(mark) {
            if text[at + found.len()..].starts_with(char::is_numeric) {
                let piece: String = text[at..].chars().take_while(|letter| !letter.is_whitespace() && *letter != '<').collect();
                note(Showing::Price, start + at, &piece);
            }
        }
    }
}

/// What numbers are written with, before a mark of money: 1,200 and 三千 and 3万.
fn is_digit(letter: char) -> bool {
    letter.is_numeric() || [',', '，', '.'].contains(&letter) || "〇一二三四五六七八九十百千万億".contains(letter)
}

fn in_doctype(before: &str) -> bool {
    before.rfind("<!").is_some_and(|open| !before[open..].contains('>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(source: &str) -> Vec<(Showing, usize, String)> {
        shown("a.html", source).into_iter().map(|shown| (shown.what, shown.line, shown.text)).collect()
    }

    #[test]
    fn prices_are_found_in_tags_and_in_words() {
        let price = |line, text: &str| (Showing::Price, line, text.to_owned());
        assert_eq!(seen("{{ offer.over | money }}"), [price(1, "money")]);
        assert_eq!(seen("a\n{{ item.price }}円"), [price(2, "item.price")]);
        assert_eq!(
            seen("<b>1,200円</b> ¥300 10%引き\n１５％OFF"),
            [price(1, "1,200円"), price(1, "10%引"), price(1, "¥300"), price(2, "１５％OFF"),]
        );
        for price_in_words in ["三千円", "3千円", "3万円", "千円", "二万五千円"] {
            assert_eq!(seen(&format!("今なら{price_in_words}です")), [price(1, price_in_words)]);
        }
        assert_eq!(seen("関東一円にお届けします。円い缶、百円硬貨の形"), [price(1, "百円")]);
        assert_eq!(seen("{{ offer.percent }}%引き"), [price(1, "offer.percent")]);
    }

    #[test]
    fn links_are_found_wherever_they_come_from() {
        let link = |text: &str| (Showing::Link, 1, text.to_owned());
        assert_eq!(seen(r#"<a href="https://shop.example/x">"#), [link("https://shop.example/x")]);
        assert_eq!(seen("{{ shop.url }}"), [link("shop.url")]);
        assert_eq!(seen(r#"{{ <button url="http://a.example" text="t" /> }}"#), [link("http://a.example")]);
        assert_eq!(seen("{% for item in offer.items %}{{ item.url }}{% endfor %}"), [link("item.url")]);
    }

    #[test]
    fn opting_out_answering_and_layout_are_neither() {
        let source = r#"<!DOCTYPE html PUBLIC "x" "http://www.w3.org/TR/html4/strict.dtd"><html xmlns="http://www.w3.org/1999/xhtml">
<table width="100%" style="width:100%"><a href="{{ links.unsubscribe }}">1月</a><a href="mailto:a@b.example">{{ offer.reply_url }}</a>
<a href="{{ url }}">{{ amount }} {{ offer.amounts }}</a>円 {# https://x 100円 #}"#;
        assert_eq!(seen(source), []);
    }
}
