//! Numbers as people and programs write them into a CSV.

use crate::domain::currency;
use crate::domain::text::narrow;
use std::borrow::Cow;

/// Digits that a decimal of 128 bits holds.
pub const MOST_DIGITS: u32 = 38;

/// An exact number: `digits` × 10^-`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    pub digits: i128,
    /// Digits behind the point, closing zeros left out.
    pub scale: u32,
    /// Digits before the point.
    pub whole: u32,
    /// Nothing but digits, a plus before them at most, as an id or a telephone number could be too.
    pub bare: bool,
}

/// What stands before the digits of a fraction; the other mark parts thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    #[default]
    Point,
    Comma,
}

/// Full-width letters as plain ones, without outer white space.
fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let plain = |letter: char| match letter {
        '￥' => '¥',
        '￡' => '£',
        '−' | '▲' | '△' => '-',
        other => narrow(other),
    };
    Cow::Owned(text.chars().map(plain).collect())
}

/// `1200`, `-3.5`, `1,200`, `¥1,200`, `1,200円`, `▲500`, `€12.50`, `12.50 EUR`, `+5`, `(12.50)`, full-width too. No leading zeros: those are
/// ids and telephone numbers. No exponents: a program that writes them has lost digits.
pub fn number(text: &str, mark: Mark) -> Option<Number> {
    if !text.contains(char::is_numeric) {
        return None;
    }
    let text = plain(text);
    let unsigned = text.strip_prefix('+').unwrap_or(&text);
    let bare = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let (negative, rest) = without_signs(&text)?;
    let rest = match mark {
        Mark::Point => Cow::Borrowed(rest),
        Mark::Comma => with_point(rest)?,
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((&rest, "0"));
    let fraction = Some(fraction).filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let fraction = fraction.trim_end_matches('0');
    let whole = whole_digits(whole)?;
    let (scale, length) = (u32::try_from(fraction.len()).ok()?, u32::try_from(whole.len()).ok()?);
    if scale + length > MOST_DIGITS {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some(Number { digits: if negative { -digits } else { digits }, scale, whole: length, bare })
}

/// The number without its sign and its currency, and whether it is negative. A sign, or the parentheses of accountants, may stand on either
/// side of the currency, once; a currency in front and one behind.
fn without_signs(text: &str) -> Option<(bool, &str)> {
    let (mut rest, mut negative) = (text, None);
    let (mut front, mut back) = (false, false);
    loop {
        let parted = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        if let Some(inner) = parted.filter(|_| negative.is_none()) {
            (negative, rest) = (Some(true), inner.trim());
        } else if let Some(behind) = rest.strip_prefix(['-', '+']).filter(|_| negative.is_none()) {
            (negative, rest) = (Some(rest.starts_with('-')), behind.trim_start());
        } else if let Some(behind) = money_before(rest).filter(|_| !front) {
            (front, rest) = (true, behind);
        } else if let Some(before) = money_behind(rest).filter(|_| !back) {
            (back, rest) = (true, before);
        } else {
            return rest.starts_with(|letter: char| letter.is_ascii_digit()).then_some((negative.unwrap_or(false), rest));
        }
    }
}

fn is_sign_of_money(letter: char) -> bool {
    matches!(letter, '¥' | '\\' | '$' | '£' | '฿' | '\u{20a0}'..='\u{20cf}')
}

/// What follows a currency.
fn money_before(text: &str) -> Option<&str> {
    if let Some(behind) = text.strip_prefix(is_sign_of_money) {
        return Some(behind.trim_start());
    }
    let (code, rest) = text.split_at_checked(3)?;
    let number = rest.trim_start();
    (!is_code(rest) && is_currency(code)).then_some(number)
}

/// What stands before a currency.
fn money_behind(text: &str) -> Option<&str> {
    if let Some(before) = text.strip_suffix(|letter| letter == '円' || is_sign_of_money(letter)) {
        return Some(before.trim_end());
    }
    let (rest, code) = text.split_at_checked(text.len().checked_sub(3)?)?;
    (!is_code(rest) && is_currency(code)).then_some(rest.trim_end())
}

fn is_currency(code: &str) -> bool {
    code.bytes().all(|letter| letter.is_ascii_uppercase()) && currency::find(code).is_some()
}

/// Digits that touch three letters are no amount but a product's code, such as `PEN12`.
fn is_code(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number with a comma before its fraction as one with a point. Blanks part thousands only where there is such a comma, for telephone
/// numbers have blanks too.
fn with_point(text: &str) -> Option<Cow<'_, str>> {
    let of_mark = |letter: char| matches!(letter, ',' | '.' | ' ' | '\u{a0}' | '\u{202f}' | '\'');
    if !text.contains(of_mark) {
        return Some(Cow::Borrowed(text));
    }
    let blank = text.contains([' ', '\u{a0}', '\u{202f}', '\'']);
    if blank && (!text.contains(',') || text.contains('.')) {
        return None;
    }
    let swap = |letter| match letter {
        ',' => '.',
        letter if of_mark(letter) => ',',
        other => other,
    };
    Some(Cow::Owned(text.chars().map(swap).collect()))
}

/// The digits before the point, without the commas between thousands.
fn whole_digits(text: &str) -> Option<Cow<'_, str>> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = if text.contains(',') {
        let mut groups = text.split(',');
        let first = groups.next().filter(|group| group.len() <= 3 && digits(group))?;
        groups
            .all(|group| group.len() == 3 && digits(group))
            .then(|| Cow::Owned(text.replace(',', "")))
            .filter(|_| !first.starts_with('0'))?
    } else {
        Cow::Borrowed(text)
    };
    (digits(&plain) && (plain.len() == 1 || !plain.starts_with('0'))).then_some(plain)
}

/// Whether a text is how an id, a postal code or a telephone number looks, rather than a number that somebody spoiled: digits with a
/// leading zero or a plus sign, digits among letters.
pub fn is_label(text: &str) -> bool {
    let text = plain(text);
    let rest = text.strip_prefix('+').unwrap_or(&text);
    rest.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && rest.contains(|letter: char| letter.is_ascii_digit())
        && rest.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}

/// Whether a text is mostly digits, as numbers and dates are that are written in some other way.
pub fn is_strange_number(text: &str) -> bool {
    let text = plain(text);
    let (digits, others) = text.chars().fold((0, 0), |(digits, others), letter| {
        if letter.is_ascii_digit() { (digits + 1, others) } else { (digits, others + usize::from(!letter.is_whitespace())) }
    });
    // What begins with another sign is a label too, such as `#1001`.
    let begins = text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '(') || is_sign_of_money(first));
    begins && digits > 0 && digits >= others && text.len() <= 40 && !is_label(&text)
}

/// The start of a cell, for a message.
pub fn shown(text: &str) -> String {
    text.chars().take(40).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, digits, scale) in [
            ("0", 0, 0),
            ("-12", -12, 0),
            ("1,234,567", 1_234_567, 0),
            ("¥1,200", 1_200, 0),
            ("￥－１，２００", -1_200, 0),
            ("\\800", 800, 0),
            ("1,200円", 1_200, 0),
            ("１，２００　円", 1_200, 0),
            ("¥ 1,200", 1_200, 0),
            ("△1,200円", -1_200, 0),
            ("▲500", -500, 0),
            ("-$3.50", -35, 1),
            ("０．２５", 25, 2),
            (" 7 ", 7, 0),
            ("1001.0", 1_001, 0),
            ("-0", 0, 0),
            ("€12.50", 125, 1),
            ("12.50 €", 125, 1),
            ("12.50\u{a0}€", 125, 1),
            ("£1", 1, 0),
            ("￡１", 1, 0),
            ("$1,234.50", 12_345, 1),
            ("$12.50 USD", 125, 1),
            ("EUR 12.50", 125, 1),
            ("EUR12.50", 125, 1),
            ("-12 EUR", -12, 0),
            ("(12.50)", -125, 1),
            ("($12.50)", -125, 1),
            ("$(12.50)", -125, 1),
            ("(12.50 €)", -125, 1),
            ("+5", 5, 0),
            ("+8190", 8_190, 0),
        ] {
            let found = number(text, Mark::Point).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.digits, found.scale), (digits, scale), "{text}");
        }
        for text in [
            "",
            "007",
            "00",
            "1e5",
            "1,20",
            "12,34,567",
            "0,123",
            ",1",
            "1,",
            "--1",
            "¥",
            "1.",
            ".5",
            "1 200",
            "N/A",
            "1.2.3",
            "-¥-1",
            "NaN",
            "(-5)",
            "((5))",
            "(5",
            "+-5",
            "€€5",
            "PEN12",
            "12PEN",
            "XYZ 12",
            "eur 12",
            "12,50",
            "1.234,50",
            &"9".repeat(39),
        ] {
            assert_eq!(number(text, Mark::Point), None, "{text}");
        }
    }

    #[test]
    fn a_comma_may_stand_before_the_fraction() {
        for (text, digits, scale) in [
            ("12,50", 125, 1),
            ("1.234,50", 12_345, 1),
            ("-1.234.567,89 €", -123_456_789, 2),
            ("1 234,50 €", 12_345, 1),
            ("1\u{202f}234,50", 12_345, 1),
            ("1.234", 1_234, 0),
            ("0,125", 125, 3),
            ("7", 7, 0),
        ] {
            let found = number(text, Mark::Comma).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.digits, found.scale), (digits, scale), "{text}");
        }
        for text in ["12.50", "1,234,567", "612 345 678", "1.23,4.5", "1 2.345,6", ",5"] {
            assert_eq!(number(text, Mark::Comma), None, "{text}");
        }
    }

    #[test]
    fn labels_are_told_from_spoiled_numbers() {
        for text in ["007", "０７", "+8190", "A12", "12a", "600-8001", "a_1"] {
            assert!(is_label(text), "{text}");
        }
        assert!(["12.50-", "26/11/01", "1.5E+3", "2026/2/30", "$ 1 200"].into_iter().all(is_strange_number));
        assert!(!["#1001", "A-12", "600-8001", "山1", "", "3 rue de la Paix"].into_iter().any(is_strange_number));
        for text in ["", "-", "N/A", "--1", "1 200", "1.2.3", "0,123", "#REF!", "1E+05", "なし", "abc", "¥", "5個"] {
            assert!(!is_label(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}|[-0-9,.¥円:/ T+０-９()€EUR]{0,24}") {
            let _ = (number(&text, Mark::Point), number(&text, Mark::Comma), is_label(&text), is_strange_number(&text));
        }

        #[test]
        fn written_numbers_come_back(value in any::<i64>()) {
            prop_assert_eq!(number(&value.to_string(), Mark::Point).map(|number| number.digits), Some(i128::from(value)));
        }
    }
}
