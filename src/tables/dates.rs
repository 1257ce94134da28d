//! Dates and times as people and programs write them into lists.

use crate::domain::Zone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat};

/// A date with what else the text said: a time of day, and how far that clock is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub day: NaiveDate,
    pub time: Option<NaiveTime>,
    /// Seconds ahead of UTC; none is a local time of the job.
    pub offset: Option<i32>,
}

impl Moment {
    /// The instant in microseconds UTC; a bare date is its first moment.
    pub fn instant(&self, zone: Zone) -> i64 {
        let clock = self.day.and_time(self.time.unwrap_or(NaiveTime::MIN));
        match self.offset {
            Some(offset) => clock.and_utc().timestamp_micros().saturating_sub(i64::from(offset) * 1_000_000),
            None => zone.instant(clock),
        }
    }

    /// The date in the job's zone.
    pub fn date(&self, zone: Zone) -> NaiveDate {
        match self.offset {
            Some(_) => zone.date(self.instant(zone)).unwrap_or(self.day),
            None => self.day,
        }
    }
}

/// Reads `2026-12-25`, `2026/12/25`, `2026/1/5`, `2026.1.5`, `20261225`, `2026年12月25日`, each with an optional time of day
/// (`10:07`, `10:07:30.5`) and an optional offset (`Z`, `+09:00`) behind it. Years are 1 to 9999.
pub fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    let (year, rest) = digits(text, 4, 4)?;
    let (month, day, rest) = if let Some(rest) = rest.strip_prefix('年') {
        let (month, rest) = digits(rest, 1, 2)?;
        let (day, rest) = digits(rest.strip_prefix('月')?, 1, 2)?;
        (month, day, rest.strip_prefix('日')?)
    } else if let Some(mark) = rest.chars().next().filter(|mark| matches!(mark, '-' | '/' | '.')) {
        let (month, rest) = digits(rest.strip_prefix(mark)?, 1, 2)?;
        let (day, rest) = digits(rest.strip_prefix(mark)?, 1, 2)?;
        (month, day, rest)
    } else {
        let (month, rest) = digits(rest, 2, 2)?;
        let (day, rest) = digits(rest, 2, 2)?;
        (month, day, rest)
    };
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok().filter(|year| *year > 0)?, month, day)?;
    if rest.is_empty() {
        return Some(Moment { day, time: None, offset: None });
    }
    let rest = rest.strip_prefix('T').unwrap_or_else(|| rest.trim_start());
    let (time, rest) = time_of_day(rest)?;
    let rest = rest.trim_start();
    let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
    Some(Moment { day, time: Some(time), offset })
}

/// An instant as RFC 3339 text on the clocks of the job's zone; `None` beyond the years that can be written.
pub fn written(instant: i64, zone: Zone) -> Option<String> {
    let utc = DateTime::from_timestamp_micros(instant)?;
    Some(utc.with_timezone(&zone.0).to_rfc3339_opts(SecondsFormat::AutoSi, false))
}

/// A local time of the job as microseconds since 1970-01-01 00:00 local, as an instant.
pub fn local_instant(local: i64, zone: Zone) -> Option<i64> {
    let clock: NaiveDateTime = DateTime::from_timestamp_micros(local)?.naive_utc();
    Some(zone.instant(clock))
}

fn time_of_day(text: &str) -> Option<(NaiveTime, &str)> {
    let (hour, rest) = digits(text, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2, 2)?,
        None => (0, rest),
    };
    // A fraction of a second moves nothing that is decided here, but it must be one.
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let behind = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
            (behind.len() < fraction.len()).then_some(behind)?
        }
        None => rest,
    };
    Some((NaiveTime::from_hms_opt(hour, minute, second)?, rest))
}

/// Seconds ahead of UTC.
fn offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = digits(rest, 2, 2)?;
    let (minutes, rest) = if rest.is_empty() { (0, rest) } else { digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2)? };
    let right = rest.is_empty() && hours < 24 && minutes < 60;
    i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| right).map(|seconds| sign * seconds)
}

/// A number of `least` to `most` ASCII digits at the start of a text, and what follows.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKYO: Zone = Zone(chrono_tz::Asia::Tokyo);

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn dates_are_read_in_every_usual_spelling() {
        for text in
            ["2026-12-05", "2026/12/05", "2026/12/5", "2026.12.5", "20261205", "2026年12月5日", "2026年12月05日 9:05", " 2026-12-05 "]
        {
            assert_eq!(parse(text).map(|moment| moment.day), Some(day("2026-12-05")), "{text}");
        }
        for text in [
            "",
            "2026",
            "12/25",
            "2026-13-01",
            "2026-02-29",
            "2026-12",
            "2026-12/25",
            "昭和60年1月1日",
            "0000-00-00",
            "26-12-25",
            "202612250",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_and_offsets_make_instants() {
        let noon = day("2026-12-05").and_hms_opt(3, 0, 0).expect("a time").and_utc().timestamp_micros();
        for text in [
            "2026-12-05 12:00",
            "2026/12/5 12:00:00",
            "2026-12-05T12:00:00.123",
            "2026-12-05T03:00:00Z",
            "2026-12-05 12:00:00+09:00",
            "2026-12-05 12:00:00 +0900",
            "2026-12-05 12:00:00+09",
            "2026-12-04 22:00:00.5-05:00",
            "20261205 12:00",
        ] {
            assert_eq!(parse(text).map(|moment| moment.instant(TOKYO)), Some(noon), "{text}");
        }
        for text in [
            "2026-12-05 25:00",
            "2026-12-05 12",
            "2026-12-05 12:00x",
            "2026-12-05 12:00:00.",
            "2026-12-05 12:00 +9",
            "2026-12-05 12:00 +24:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_has_the_date_of_the_jobs_zone() {
        assert_eq!(parse("1990-05-04T15:00:00Z").map(|moment| moment.date(TOKYO)), Some(day("1990-05-05")));
        assert_eq!(parse("1990-05-04 23:59").map(|moment| moment.date(TOKYO)), Some(day("1990-05-04")));
        assert_eq!(written(0, TOKYO).as_deref(), Some("1970-01-01T09:00:00+09:00"));
        assert_eq!(
            parse(&written(1_234_567_890_123_456, TOKYO).expect("text")).map(|moment| moment.instant(TOKYO)),
            Some(1_234_567_890_000_000)
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"\PC*|[0-9]{4}[-/年.]?[0-9]{1,2}[-/月.]?[0-9]{1,2}日?[ T]?[0-9:.+Z-]{0,20}") {
            let _ = parse(&text).map(|moment| (moment.instant(TOKYO), moment.date(TOKYO)));
        }

        #[test]
        fn written_dates_come_back(days in 0_i32..3_000_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(days + 1).expect("a date");
            prop_assert_eq!(parse(&day.to_string()), Some(Moment { day, time: None, offset: None }));
        }
    }
}
