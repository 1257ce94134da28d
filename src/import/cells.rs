//! Numbers, dates and times as people and programs write them into a CSV.

use chrono::{NaiveDate, NaiveTime};
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
}

/// A date with what else the cell said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub day: NaiveDate,
    /// Microseconds of the day.
    pub time: Option<i64>,
    /// Seconds ahead of UTC.
    pub offset: Option<i64>,
}

/// Full-width letters as plain ones, without outer white space.
fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let narrow = |letter: char| match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        '\u{3000}' => ' ',
        '￥' => '¥',
        '−' | '▲' | '△' => '-',
        other => other,
    };
    Cow::Owned(text.chars().map(narrow).collect())
}

/// `1200`, `-3.5`, `1,200`, `¥1,200`, `1,200円`, `▲500`, full-width too. No leading zeros and no plus sign: those are ids and telephone
/// numbers. No exponents: a program that writes them has lost digits.
pub fn number(text: &str) -> Option<Number> {
    let text = plain(text);
    let money =
        |text: &'_ str| -> Option<usize> { text.chars().next().filter(|sign| matches!(sign, '¥' | '\\' | '$')).map(char::len_utf8) };
    let mut rest = text.as_ref();
    let mut negative = false;
    // The sign may stand before the currency or behind it, once.
    if let Some(behind) = rest.strip_prefix('-') {
        (negative, rest) = (true, behind);
    }
    if let Some(length) = money(rest) {
        rest = rest.get(length..)?;
        if let Some(behind) = rest.strip_prefix('-').filter(|_| !negative) {
            (negative, rest) = (true, behind);
        }
    }
    let rest = rest.strip_suffix('円').unwrap_or(rest);
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let fraction = Some(fraction).filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let fraction = fraction.trim_end_matches('0');
    let whole = whole_digits(whole)?;
    let (scale, length) = (u32::try_from(fraction.len()).ok()?, u32::try_from(whole.len()).ok()?);
    if scale + length > MOST_DIGITS {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some(Number { digits: if negative { -digits } else { digits }, scale, whole: length })
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

/// `2026-12-01`, `2026/12/1`, `2026年12月1日`, each with an optional time of day (`10:07`, `10:07:30.5`) and offset (`Z`, `+09:00`).
pub fn moment(text: &str) -> Option<Moment> {
    let text = plain(text);
    let (year, rest) = digits(&text, 4, 4)?;
    let (month, day, rest) = if let Some(rest) = rest.strip_prefix('年') {
        let (month, rest) = digits(rest, 1, 2)?;
        let (day, rest) = digits(rest.strip_prefix('月')?, 1, 2)?;
        (month, day, rest.strip_prefix('日')?)
    } else {
        let mark = rest.chars().next().filter(|mark| matches!(mark, '-' | '/'))?;
        let (month, rest) = digits(rest.strip_prefix(mark)?, 1, 2)?;
        let (day, rest) = digits(rest.strip_prefix(mark)?, 1, 2)?;
        (month, day, rest)
    };
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok().filter(|year| *year > 0)?, month, day)?;
    if rest.is_empty() {
        return Some(Moment { day, time: None, offset: None });
    }
    let rest = rest.strip_prefix('T').or_else(|| rest.strip_prefix(' ').map(str::trim_start))?;
    let (time, rest) = time_of_day(rest)?;
    let rest = rest.trim_start();
    let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
    Some(Moment { day, time: Some(time), offset })
}

/// Microseconds of the day; finer digits are cut off.
fn time_of_day(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = digits(text, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2, 2)?,
        None => (0, rest),
    };
    let (micros, rest) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let behind = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let length = fraction.len() - behind.len();
            let kept: String = fraction.chars().take(length.min(6)).chain("000000".chars()).take(6).collect();
            (kept.parse::<i64>().ok().filter(|_| length > 0)?, behind)
        }
        None => (0, rest),
    };
    NaiveTime::from_hms_opt(hour, minute, second)?;
    Some(((i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second)) * 1_000_000 + micros, rest))
}

/// Seconds ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = digits(rest, 2, 2)?;
    let (minutes, rest) = if rest.is_empty() { (0, rest) } else { digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2)? };
    (rest.is_empty() && hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
}

/// A number of `least` to `most` ASCII digits at the start of a text, and what follows.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    Some((number.parse().ok()?, rest))
}

impl Moment {
    /// Microseconds since 1970: of the instant where there is an offset, else on the shop's own clocks.
    pub fn micros(&self) -> i64 {
        let midnight = self.day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        midnight + self.time.unwrap_or(0) - self.offset.unwrap_or(0) * 1_000_000
    }
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
    fn moments_are_read_as_people_write_them() {
        let of = |text: &str| moment(text).map(|moment| (moment.micros(), moment.time.is_some(), moment.offset.is_some()));
        let day = 20_788 * 86_400_000_000_i64;
        assert_eq!(of("2026-12-01"), Some((day, false, false)));
        assert_eq!(of("2026/12/1"), Some((day, false, false)));
        assert_eq!(of("２０２６年１２月１日"), Some((day, false, false)));
        assert_eq!(of("2026-12-01 10:07:30"), Some((day + 36_450_000_000, true, false)));
        assert_eq!(of("2026-12-01T10:07:30.1234567+09:00"), Some((day + 36_450_123_456 - 32_400_000_000, true, true)));
        assert_eq!(of("2026/12/1 9:05 Z"), Some((day + 32_700_000_000, true, true)));
        for text in [
            "",
            "20261201",
            "2026-02-29",
            "2026-12-01x",
            "2026-12-01 25:00",
            "12/1/2026",
            "2026.12.1",
            "2026-12-01 10:07 JST",
            "2026-12/01",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}|[-0-9,.¥円:/ T+０-９]{0,24}") {
            let _ = (number(&text), moment(&text));
        }

        #[test]
        fn written_numbers_come_back(value in any::<i64>()) {
            prop_assert_eq!(number(&value.to_string()).map(|number| number.digits), Some(i128::from(value)));
        }
    }
}
