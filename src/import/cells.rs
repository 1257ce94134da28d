//! Numbers as people and programs write them into a CSV.

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
    /// Nothing but digits, as an id could be too.
    pub bare: bool,
}

/// Full-width letters as plain ones, without outer white space.
fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let plain = |letter: char| match letter {
        '￥' => '¥',
        '−' | '▲' | '△' => '-',
        other => narrow(other),
    };
    Cow::Owned(text.chars().map(plain).collect())
}

/// `1200`, `-3.5`, `1,200`, `¥1,200`, `1,200円`, `▲500`, full-width too. No leading zeros and no plus sign: those are ids and telephone
/// numbers. No exponents: a program that writes them has lost digits.
pub fn number(text: &str) -> Option<Number> {
    let text = plain(text);
    let bare = text.bytes().all(|byte| byte.is_ascii_digit());
    let money =
        |text: &'_ str| -> Option<usize> { text.chars().next().filter(|sign| matches!(sign, '¥' | '\\' | '$')).map(char::len_utf8) };
    let mut rest = text.as_ref();
    let mut negative = false;
    // The sign may stand before the currency or behind it, once.
    if let Some(behind) = rest.strip_prefix('-') {
        (negative, rest) = (true, behind);
    }
    if let Some(length) = money(rest) {
        rest = rest.get(length..)?.trim_start();
        if let Some(behind) = rest.strip_prefix('-').filter(|_| !negative) {
            (negative, rest) = (true, behind);
        }
    }
    let rest = rest.strip_suffix('円').map_or(rest, str::trim_end);
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
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
        ] {
            let found = number(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.digits, found.scale), (digits, scale), "{text}");
        }
        for text in [
            "",
            "007",
            "00",
            "+8190",
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
            &"9".repeat(39),
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn labels_are_told_from_spoiled_numbers() {
        for text in ["007", "０７", "+8190", "A12", "12a", "600-8001", "a_1"] {
            assert!(is_label(text), "{text}");
        }
        for text in ["", "-", "N/A", "--1", "1 200", "1.2.3", "0,123", "#REF!", "1E+05", "なし", "abc", "¥", "5個"] {
            assert!(!is_label(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}|[-0-9,.¥円:/ T+０-９]{0,24}") {
            let _ = (number(&text), is_label(&text));
        }

        #[test]
        fn written_numbers_come_back(value in any::<i64>()) {
            prop_assert_eq!(number(&value.to_string()).map(|number| number.digits), Some(i128::from(value)));
        }
    }
}
