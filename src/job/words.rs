//! The small languages inside values: percentages, durations, dates, ranges, money; and the words of messages.

use super::written::Scalar;
use crate::domain::Currency;
use crate::domain::campaign::NumberRange;
use crate::domain::pace::{DayWindow, Pace, SendOn};
use crate::domain::recommend::{Overdue, Support};
use chrono::{Datelike, NaiveDate, NaiveTime};

/// Longer texts are cut in messages and are not compared with known words.
const LONG: usize = 60;

/// A text in quotes, on one line and not endless.
pub fn quote(text: &str) -> String {
    let shown: String = text.chars().take(LONG).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    format!("\"{}{dots}\"", shown.escape_debug().to_string().replace("\\'", "'"))
}

/// A name as it can stand in a message: on one line and not endless.
pub fn plain(text: &str) -> String {
    let quoted = quote(text);
    quoted.trim_matches('"').to_owned()
}

/// The known word that is most like a text, if one is like it.
pub fn nearest<'w>(text: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if text.chars().count() > LONG {
        return None;
    }
    let folded = text.to_lowercase();
    let scored = known.into_iter().map(|word| (strsim::jaro_winkler(&folded, &word.to_lowercase()), word));
    let best = scored.max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))?;
    (best.0 >= 0.8).then_some(best.1)
}

/// What to write instead: the nearest word, and all there are.
pub fn choice<'w>(text: &str, known: impl Iterator<Item = &'w str> + Clone) -> String {
    let all: Vec<_> = known.clone().map(|word| format!("\"{word}\"")).collect();
    let list = match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => all.concat(),
    };
    match nearest(text, known) {
        Some(word) => format!("did you mean \"{word}\"? It can be {list}"),
        None => format!("it can be {list}"),
    }
}

/// What to do about broken syntax.
pub fn syntax_help(words: &str, rest: &str) -> &'static str {
    if words.contains("duplicate") {
        "each key is written once; tables of a list are written with two brackets, [[campaign]]"
    } else if rest.starts_with(['“', '”', '＂', '「']) {
        "use the plain quote \""
    } else if rest.starts_with('　') {
        "this is a wide blank; use plain blanks"
    } else {
        "texts stand in quotes, \"…\"; a key is followed by =; names with other letters than a-z, 0-9, _ and - stand in quotes too"
    }
}

/// What was expected and what was found, from the parser's words about a wrong type.
pub fn type_error(words: &str) -> (String, String) {
    let first = words.lines().next().unwrap_or(words);
    let rest = first.strip_prefix("invalid type: ").or_else(|| first.strip_prefix("invalid value: "));
    let Some((found, expected)) = rest.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return ("something else".to_owned(), String::new());
    };
    let expected = match expected {
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "i64" => "a whole number",
        "a sequence" => "a list",
        "a map" => "a table",
        text => text,
    };
    let found = match found {
        "map" => "a table or a date".to_owned(),
        "sequence" => "a list".to_owned(),
        text if text.starts_with("string ") => "a text".to_owned(),
        text => {
            let value = text.split_once('`').map_or(text, |(_, value)| value);
            value.chars().filter(|letter| *letter != '`').take(LONG).collect()
        }
    };
    (expected.to_owned(), found)
}

/// A percentage: 5 for "5%".
pub fn percent(text: &str) -> Option<f64> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    decimal(number)
}

/// A share written as percent: 0 to 1 for "0%" to "100%".
pub fn share(text: &str) -> Option<f64> {
    percent(text).map(|percent| percent / 100.0).filter(|share| (0.0..=1.0).contains(share))
}

/// A percentage in millionths, exactly: 11,000 for "1.1%".
pub fn millionths(text: &str) -> Result<u32, &'static str> {
    let number = text.trim().strip_suffix('%').ok_or("it is not a percentage")?.trim_end();
    if number.starts_with('-') {
        return Err("it cannot be negative");
    }
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err("it is not a percentage");
    }
    if part.len() > 4 {
        return Err("it has more than 4 digits behind the point");
    }
    let too_much = "it is more than 100%";
    let (whole, part) = (whole.parse::<u32>().map_err(|_| too_much)?, format!("{part:0<4}").parse::<u32>().map_err(|_| too_much)?);
    whole.checked_mul(10_000).and_then(|whole| whole.checked_add(part)).filter(|share| *share <= 1_000_000).ok_or(too_much)
}

/// A number written with digits and at most one point; no exponents, no signs but a minus.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|letter: char| letter.is_ascii_digit())
        && digits.len() <= 24
        && digits.chars().all(|letter| letter.is_ascii_digit() || letter == '.' || letter == '_');
    if !plain {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// A number and its unit in the singular: 12 and "month" for "12 months".
pub fn counted(text: &str) -> Option<(u32, &str)> {
    let (number, unit) = text.trim().split_once(' ')?;
    let unit = unit.trim_start();
    if !number.chars().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, unit.strip_suffix('s').unwrap_or(unit)))
}

/// A duration in seconds: "5 minutes".
pub fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = counted(text)?;
    let one = match unit {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    Some(u64::from(number) * one)
}

/// A date written as year, month and day.
pub fn day(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    if !shaped {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| *day >= NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default())
}

/// A day of each year written as month and day, 29 February among them.
pub fn day_of_year(text: &str) -> Option<(u32, u32)> {
    // 2024 has a 29 February; any leap year would do.
    day(&format!("2024-{text}")).map(|day| (day.month(), day.day()))
}

/// A range of dates; at least one end is there, and the first is not after the last.
pub fn day_range(text: &str) -> Result<(Option<NaiveDate>, Option<NaiveDate>), &'static str> {
    let (from, to) = ends(text)?;
    let read = |end: Option<&str>| end.map(|end| day(end).ok_or("not a date of the calendar")).transpose();
    let (from, to) = (read(from)?, read(to)?);
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err("the first day is after the last"),
        _ => Ok((from, to)),
    }
}

/// Both ends of `a..b`, trimmed; a single value is both.
fn ends(text: &str) -> Result<(Option<&str>, Option<&str>), &'static str> {
    let text = text.trim();
    let Some((from, to)) = text.split_once("..") else { return Ok((Some(text), Some(text))) };
    let (from, to) = (Some(from.trim_end()).filter(|end| !end.is_empty()), Some(to.trim_start()).filter(|end| !end.is_empty()));
    if from.is_none() && to.is_none() { Err("a range without ends") } else { Ok((from, to)) }
}

/// An inclusive range of numbers: `90..180`, `3..`, `..2`, or one number. `read` turns each end's text into a number.
pub fn number_range(value: &Scalar, read: impl Fn(f64) -> Result<f64, &'static str>) -> Result<NumberRange, &'static str> {
    let text = match value {
        Scalar::Text(text) => text.clone(),
        Scalar::Int(_) | Scalar::Float(_) => value.text(),
        Scalar::Bool(_) | Scalar::Date(_) => return Err("not a range of numbers"),
    };
    let (from, to) = ends(&text)?;
    let number = |end: Option<&str>| end.map(|end| decimal(end).ok_or("not a range of numbers").and_then(&read)).transpose();
    let range = NumberRange { from: number(from)?, to: number(to)? };
    match (range.from, range.to) {
        (Some(from), Some(to)) if from > to => Err("it begins after its end, so nothing is in it"),
        _ => Ok(range),
    }
}

/// Whole numbers that are not negative.
pub fn whole(number: f64) -> Result<f64, &'static str> {
    if number < 0.0 {
        Err("it cannot be negative")
    } else if number.fract() != 0.0 {
        Err("it must be whole")
    } else {
        Ok(number)
    }
}

/// The most minor units that an amount in a job may have; every whole number up to here is exact in a float.
const MOST_MONEY: f64 = 9e15;

/// Major units, as people write them, in minor units.
pub fn minor(major: f64, currency: &Currency) -> Result<f64, &'static str> {
    let scaled = major * 10_f64.powi(i32::try_from(currency.digits).unwrap_or(0));
    if !scaled.is_finite() || scaled.abs() > MOST_MONEY {
        return Err("it is too large");
    }
    // 19.99 is not exact in binary; what remains after rounding tells such a number from one with a digit too many.
    if (scaled - scaled.round()).abs() > 1e-6 * scaled.abs().clamp(1.0, 1e4) {
        return Err("it has more digits than the currency");
    }
    Ok(scaled.round())
}

/// An amount that is not negative, in minor units.
pub fn money(value: &Scalar, currency: &Currency) -> Result<i64, &'static str> {
    let minor = match value {
        #[expect(clippy::cast_precision_loss, reason = "amounts beyond 9e15 are refused, and all below are exact")]
        Scalar::Int(number) => minor(*number as f64, currency)?,
        Scalar::Float(number) => minor(*number, currency)?,
        _ => return Err("it must be a number without quotes"),
    };
    if minor < 0.0 {
        return Err("it cannot be negative");
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is rounded and no more than 9e15")]
    Ok(minor as i64)
}

/// How many must speak for a recommendation: a whole number, or a percentage.
pub fn support(value: &Scalar) -> Result<Support, &'static str> {
    const WHY: &str = "it is neither a whole number nor a percentage";
    let text = match value {
        Scalar::Int(count) => return u64::try_from(*count).ok().filter(|count| *count > 0).map(Support::Count).ok_or("it must be above 0"),
        Scalar::Text(text) => text.trim(),
        _ => return Err(WHY),
    };
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let count = text.parse().map_err(|_| WHY)?;
        return if count > 0 { Ok(Support::Count(count)) } else { Err("it must be above 0") };
    }
    let percent = percent(text).ok_or(WHY)?;
    if !(percent > 0.0 && percent <= 100.0) {
        return Err("it must be above 0% and at most 100%");
    }
    let share = (percent * 10_000.0).round();
    if (share - percent * 10_000.0).abs() > 1e-6 {
        return Err("it has more than four digits behind the point");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is rounded and from 1 to a million")]
    Ok(Support::Millionths(share as u64))
}

/// Times a usual interval, in thousandths: 1500 for "1.5x".
fn times(text: &str) -> Result<u32, &'static str> {
    let number = text.trim().strip_suffix('x').and_then(|number| decimal(number.trim_end())).ok_or("it is not so many times")?;
    if number <= 0.0 {
        return Err("it must be above 0x");
    }
    let thousandths = (number * 1_000.0).round();
    if number > 1_000.0 {
        return Err("it is too large");
    }
    if (thousandths - number * 1_000.0).abs() > 1e-6 {
        return Err("it has more than three digits behind the point");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is rounded and at most a million")]
    Ok(thousandths as u32)
}

/// How overdue: "1.5x", or between two of them, "1.5x..3x".
pub fn overdue(text: &str) -> Result<Overdue, &'static str> {
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    let overdue = Overdue { from: times(from)?, to: Some(to).filter(|to| !to.trim().is_empty()).map(times).transpose()? };
    if overdue.to.is_some_and(|to| to < overdue.from) { Err("it begins after its end, so nothing is in it") } else { Ok(overdue) }
}

/// How fast: `50/s`, `600/min`, `1000/h`.
pub fn pace(text: &str) -> Option<Pace> {
    let (mails, unit) = text.trim().split_once('/')?;
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        _ => return None,
    };
    let mails = mails.bytes().all(|byte| byte.is_ascii_digit()).then(|| mails.parse().ok()).flatten()?;
    (1..=1_000_000).contains(&mails).then_some(Pace { mails, seconds })
}

/// A time of the day: `09:00`.
pub fn time_of_day(text: &str) -> Option<NaiveTime> {
    let is_shaped =
        text.len() == 5 && text.bytes().enumerate().all(|(at, byte)| if at == 2 { byte == b':' } else { byte.is_ascii_digit() });
    is_shaped.then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten()
}

/// A part of each day: `09:00..20:00`.
pub fn day_window(text: &str) -> Option<DayWindow> {
    let (from, to) = text.split_once("..")?;
    let window = DayWindow { from: time_of_day(from.trim())?, to: time_of_day(to.trim())? };
    (window.from != window.to).then_some(window)
}

/// A day of the month and a time: `10th 11:07`.
pub fn send_on(text: &str) -> Option<SendOn> {
    let (day, time) = text.trim().split_once(' ')?;
    let digits = day.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let day: u32 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
    let ending = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        4..=30 => "th",
        _ => return None,
    };
    let is_written_so = text.trim().strip_prefix(digits)?.strip_prefix(ending)?.starts_with(' ');
    is_written_so.then(|| time_of_day(time.trim())).flatten().map(|time| SendOn { day, time })
}

/// Whether a text can be the name of an environment variable.
pub fn is_variable(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a name may be a folder, a header and a word of the command line.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yen() -> Currency {
        Currency { code: "JPY".into(), digits: 0 }
    }

    fn dollar() -> Currency {
        Currency { code: "USD".into(), digits: 2 }
    }

    #[test]
    fn money_is_major_units_with_no_digit_too_many() {
        assert_eq!(money(&Scalar::Int(20_000), &yen()), Ok(20_000));
        assert_eq!(money(&Scalar::Float(19.99), &dollar()), Ok(1_999));
        assert_eq!(money(&Scalar::Float(1_234_567.89), &dollar()), Ok(123_456_789));
        assert!(money(&Scalar::Float(19.999), &dollar()).is_err());
        assert!(money(&Scalar::Float(0.5), &yen()).is_err());
        assert!(money(&Scalar::Int(-1), &yen()).is_err());
        assert!(money(&Scalar::Int(i64::MAX), &yen()).is_err());
        assert!(money(&Scalar::Float(f64::NAN), &yen()).is_err());
        assert!(money(&Scalar::Text("5".into()), &yen()).is_err());
    }

    #[test]
    fn ranges_have_one_end_at_least_and_do_not_run_backwards() {
        let range = |text: &str| number_range(&Scalar::Text(text.into()), whole);
        assert_eq!(range("90..180"), Ok(NumberRange { from: Some(90.0), to: Some(180.0) }));
        assert_eq!(range(" 3.. "), Ok(NumberRange { from: Some(3.0), to: None }));
        assert_eq!(range("..2"), Ok(NumberRange { from: None, to: Some(2.0) }));
        assert_eq!(range("7"), Ok(NumberRange { from: Some(7.0), to: Some(7.0) }));
        for bad in ["5..3", "..", "", "a..b", "1e5..", "-1..", "1.5..", "1...3"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_are_dates_of_the_calendar() {
        assert!(day("2026-12-01").is_some());
        for bad in ["2026-02-29", "2026-2-1", "20261201", "2026-13-01", "0000-01-01", "２０２６-01"] {
            assert_eq!(day(bad), None, "{bad}");
        }
        assert!(day_range("2026-12-25..2026-12-01").is_err());
    }

    #[test]
    fn times_and_supports_are_exact() {
        assert_eq!(overdue("1.5x"), Ok(Overdue { from: 1_500, to: None }));
        assert_eq!(overdue("1.1x .. 3x"), Ok(Overdue { from: 1_100, to: Some(3_000) }));
        assert_eq!(overdue("2x.."), Ok(Overdue { from: 2_000, to: None }));
        for bad in ["0x", "0.0001x", "1.5", "-1x", "x", "3x..1x", "..2x", "1001x", "often"] {
            assert!(overdue(bad).is_err(), "{bad}");
        }
        let support = |text: &str| support(&Scalar::Text(text.into()));
        assert_eq!((support("20"), support("0.1%")), (Ok(Support::Count(20)), Ok(Support::Millionths(1_000))));
        for bad in ["0", "-3", "0%", "101%", "0.00001%", "some", "", "99999999999999999999"] {
            assert!(support(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paces_and_parts_of_the_day_are_read() {
        assert_eq!(pace("50/s"), Some(Pace { mails: 50, seconds: 1 }));
        assert_eq!(pace("600/min"), Some(Pace { mails: 600, seconds: 60 }));
        assert_eq!(pace("1/h"), Some(Pace { mails: 1, seconds: 3_600 }));
        for bad in ["", "50", "0/s", "-1/s", "+1/s", "1.5/s", "5/d", "/s", "99999999999/s", "2000000/s"] {
            assert_eq!(pace(bad), None, "{bad}");
        }
        let time = |text: &str| time_of_day(text).unwrap();
        assert_eq!(day_window("09:00..20:30"), Some(DayWindow { from: time("09:00"), to: time("20:30") }));
        assert_eq!(day_window("22:00 .. 06:00"), Some(DayWindow { from: time("22:00"), to: time("06:00") }));
        assert_eq!(send_on("10th 11:07"), Some(SendOn { day: 10, time: time("11:07") }));
        assert_eq!(send_on("31st 00:00").map(|send| send.day), Some(31));
        for bad in ["", "10th", "10 11:07", "10st 11:07", "32nd 11:07", "0th 11:07", "th 11:07", "10th 24:00", "10th 1:07", "+1st 11:07"] {
            assert_eq!(send_on(bad), None, "{bad}");
        }
        for bad in ["", "09:00", "9:00..20:00", "09:00..09:00", "09:00..24:00", "09:00..", "..20:00", "09.00..20.00", "09:00:00..20:00"] {
            assert_eq!(day_window(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_and_percentages_are_read() {
        assert_eq!(counted("12 months"), Some((12, "month")));
        assert_eq!(counted("1 day"), Some((1, "day")));
        assert_eq!(counted("-1 day"), None);
        assert_eq!(counted("99999999999 days"), None);
        assert_eq!(seconds("5 minutes"), Some(300));
        assert_eq!(seconds("2 days"), Some(172_800));
        assert_eq!(percent("0.1 %"), Some(0.1));
        assert_eq!(percent("5"), None);
        assert_eq!(percent("1e1%"), None);
        assert_eq!(["1.1%", "0.0001 %", "100%", "0%"].map(millionths), [Ok(11_000), Ok(1), Ok(1_000_000), Ok(0)]);
        for bad in ["100.0001%", "-1%", "1", "%", "1.%", ".5%", "1.00001%", "99999999999%", "1e1%", "１%"] {
            assert!(millionths(bad).is_err(), "{bad}");
        }
    }
}
