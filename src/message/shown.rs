//! Finds prices and links in template sources, for campaigns that say they do not sell.

use super::lexer::{self, Kind, Token};
use crate::domain::finding::{Showing, Shown};

/// Filters that write money.
const MONEY: [&str; 2] = ["yen", "money"];
/// Last parts of paths that are a price or a discount.
const PRICES: [&str; 3] = ["price", "percent", "amount"];
/// What stands after a number that is money or a share, in small letters.
const AFTER: [&str; 5] = ["円", "%", "％", "割", "jpy"];
/// Of these the shares, which say what is taken off only with a word behind them.
const SHARES: [&str; 3] = ["%", "％", "割"];
const LESS: [&str; 11] = ["引", "割引", "割り引", "り引", "値引", "off", "ＯＦＦ", "オフ", "お得", "おトク", "お徳"];
/// What stands before a number that is money, in small letters.
const BEFORE: [&str; 7] = ["¥", "￥", "$", "&yen;", "&#165;", "jpy", "usd"];
/// Blanks as HTML writes them.
const BLANKS: [&str; 2] = ["&nbsp;", "&#160;"];
/// What is in numbers and not a number alone.
const POINTS: [char; 3] = [',', '，', '.'];
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
    let low = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    // Without a scheme it is that of the page; two strokes alone are none.
    low.starts_with("https://")
        || low.starts_with("http://")
        || text.strip_prefix("//").is_some_and(|host| host.starts_with(char::is_alphanumeric))
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
    // Only ASCII letters change, so that a byte is at the same place in both.
    let low = text.to_ascii_lowercase();
    for scheme in ["https://", "http://"] {
        for (at, _) in low.match_indices(scheme) {
            // The name of a document's format is an address that nobody follows.
            if !low[..at].ends_with("xmlns=\"") && !low[..at].ends_with("xmlns='") && !in_doctype(&text[..at]) {
                note(Showing::Link, start + at, address(&text[at..]));
            }
        }
    }
    for (at, _) in low.match_indices("//") {
        let before = low[..at].trim_end_matches(['"', '\'']).trim_end();
        if before.ends_with('=') && is_address(&text[at..]) {
            note(Showing::Link, start + at, address(&text[at..]));
        }
    }
    in_words(start, text, &low, note);
}

/// An address up to where it ends.
fn address(text: &str) -> &str {
    text.split(|letter: char| letter.is_whitespace() || ['"', '\'', '<', '>'].contains(&letter)).next().unwrap_or_default()
}

/// Prices and discounts in words, in a text and the same in small letters.
fn in_words(start: usize, text: &str, low: &str, note: &mut impl FnMut(Showing, usize, &str)) {
    for (at, half) in text.match_indices("半額") {
        note(Showing::Price, start + at, half);
    }
    for mark in AFTER {
        for (at, _) in low.match_indices(mark) {
            let number = before_blanks(&low[..at]);
            let from: usize = number.chars().rev().take_while(|letter| is_digit(*letter)).map(char::len_utf8).sum();
            let after = &low[at + mark.len()..];
            let less = if SHARES.contains(&mark) { less(after) } else { Some(0).filter(|_| !goes_on(mark, after)) };
            let Some(less) = less else { continue };
            let from = number.len() - from;
            let piece = &text[from..at + mark.len() + less];
            // 関東一円 is a region, and a full stop is no number.
            if number[from..].chars().any(|letter| !POINTS.contains(&letter)) && piece != "一円" {
                note(Showing::Price, start + from, piece);
            }
        }
    }
    for mark in BEFORE {
        for (at, _) in low.match_indices(mark) {
            let after = after_blanks(&text[at + mark.len()..]);
            if after.starts_with(char::is_numeric) {
                let number: usize = after.chars().take_while(|letter| !letter.is_whitespace() && *letter != '<').map(char::len_utf8).sum();
                note(Showing::Price, start + at, &text[at..text.len() - after.len() + number]);
            }
        }
    }
}

/// Whether a word of Latin letters is only the begin of another.
fn goes_on(word: &str, after: &str) -> bool {
    word.ends_with(|letter: char| letter.is_ascii_alphabetic()) && after.starts_with(|letter: char| letter.is_ascii_alphanumeric())
}

/// How many bytes of what follows a share say that it is taken off; `None` where nothing says so.
fn less(after: &str) -> Option<usize> {
    let words = after_blanks(after);
    let word = LESS.into_iter().find(|word| words.strip_prefix(word).is_some_and(|rest| !goes_on(word, rest)))?;
    Some(after.len() - words.len() + word.len())
}

/// Without the blanks at its begin, of one line.
fn after_blanks(mut text: &str) -> &str {
    loop {
        let rest = text.trim_start_matches(is_blank);
        let rest = BLANKS.into_iter().find_map(|blank| rest.strip_prefix(blank)).unwrap_or(rest);
        if rest.len() == text.len() {
            return text;
        }
        text = rest;
    }
}

/// Without the blanks at its end, of one line.
fn before_blanks(mut text: &str) -> &str {
    loop {
        let rest = text.trim_end_matches(is_blank);
        let rest = BLANKS.into_iter().find_map(|blank| rest.strip_suffix(blank)).unwrap_or(rest);
        if rest.len() == text.len() {
            return text;
        }
        text = rest;
    }
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() && !letter.is_control()
}

/// What numbers are written with, before a mark of money: 1,200 and 三千 and 3万.
fn is_digit(letter: char) -> bool {
    letter.is_numeric() || POINTS.contains(&letter) || "〇一二三四五六七八九十百千万億".contains(letter)
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
    fn prices_are_found_however_they_are_written() {
        for written in [
            "1,200 円",
            "¥ 1,200",
            "&yen;1,200",
            "&#165; 1,200",
            "&yen;&nbsp;1,200",
            "1,200&nbsp;円",
            "1,200\u{a0}円",
            "半額",
            "2割引",
            "２割り引",
            "三割引",
            "20%お得",
            "20% お得",
            "20 %引",
            "JPY 1,200",
            "jpy1,200",
            "1,200 JPY",
            "50% Off",
            "10％ＯＦＦ",
            "USD 12.50",
            "10%割引",
        ] {
            assert_eq!(seen(&format!("<b>今なら {written} です</b>")), [(Showing::Price, 1, written.to_owned())], "{written}");
        }
        for other in [
            "半年",
            "割引はありません",
            "関東一円",
            "終わり.円い缶",
            "width:50% ",
            "20%以上の方",
            "2割の方",
            "¥",
            "5\n円い缶",
            "JPYはありません",
            "100%offline",
        ] {
            assert_eq!(seen(&format!("<b>{other}</b>")), [], "{other}");
        }
    }

    #[test]
    fn links_are_found_wherever_they_come_from() {
        let link = |text: &str| (Showing::Link, 1, text.to_owned());
        assert_eq!(seen(r#"<a href="https://shop.example/x">"#), [link("https://shop.example/x")]);
        assert_eq!(seen("{{ shop.url }}"), [link("shop.url")]);
        assert_eq!(seen(r#"<a href="HTTPS://shop.example/x">"#), [link("HTTPS://shop.example/x")]);
        for href in [r#"href="//shop.example/x""#, "HREF='//shop.example/x'", "href = //shop.example/x"] {
            assert_eq!(seen(&format!("<a {href}>")), [link("//shop.example/x")], "{href}");
        }
        assert_eq!(seen(r#"{{ <button url="HTTP://a.example" text="t" /> }}{{ <button url="//a.example" text="t" /> }}"#).len(), 2);
        assert_eq!(seen(r#"<p>a // b, and/or, c="//"</p>"#), []);
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
