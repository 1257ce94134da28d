//! Dates and times as people and programs write them into a cell.

use super::Zone;
use super::text::narrow;
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

/// A date with what else the text said: a time of day, and how far that clock is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub day: NaiveDate,
    /// To the microsecond; what is finer is cut off.
    pub time: Option<NaiveTime>,
    /// Seconds ahead of UTC; none is a local time of the job.
    pub offset: Option<i32>,
}

/// In which order a date that is all digits names its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    #[default]
    YearFirst,
    /// `25/12/2026`.
    DayFirst,
    /// `12/25/2026`.
    MonthFirst,
}

/// The eras of the Japanese calendar: letter, name, and the first day. An era is read to the end of the year in which the next one begins,
/// for forms that were printed before go on being used.
const ERAS: [(char, &str, (i32, u32, u32)); 5] = [
    ('M', "明治", (1868, 1, 25)),
    ('T', "大正", (1912, 7, 30)),
    ('S', "昭和", (1926, 12, 25)),
    ('H', "平成", (1989, 1, 8)),
    ('R', "令和", (2019, 5, 1)),
];

impl Moment {
    /// Reads `2026-12-25`, `2026/12/25`, `2026/1/5`, `2026.1.5`, `20261225`, `2026年12月25日`, and years of an era: `R8.12.25`, `R8/12/25`,
    /// `令和8年12月25日`, `令和元年5月1日`; each with an optional time of day (`10:07`, `10:07:30.5`, `1:07 PM`, `午後1:07`; `24:00` is the
    /// start of the next day) and an optional offset (`Z`, `+09:00`) behind it, full-width too. Years are 1 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_in(text, DateOrder::YearFirst)
    }

    /// Reads the same in an order of its own: `25/12/2026`, `25.12.2026` and `25-12-2026`, or with the month first.
    #[must_use]
    pub fn parse_in(text: &str, order: DateOrder) -> Option<Self> {
        let text = text.trim();
        if text.is_ascii() {
            return Self::read(text, order);
        }
        Self::read(text.chars().map(narrow).collect::<String>().trim(), order)
    }

    fn read(text: &str, order: DateOrder) -> Option<Self> {
        let (day, rest) = if order == DateOrder::YearFirst { day(text)? } else { year_last(text, order)? };
        if rest.is_empty() {
            return Some(Self { day, time: None, offset: None });
        }
        let rest = rest.strip_prefix('T').unwrap_or_else(|| rest.trim_start());
        let (time, ends_day, rest) = time_of_day(rest)?;
        let day = if ends_day { day.succ_opt().filter(|day| day.year() <= 9999)? } else { day };
        let rest = rest.trim_start();
        let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
        Some(Self { day, time: Some(time), offset })
    }

    /// The instant in microseconds UTC; a bare date is its first moment.
    #[must_use]
    pub fn instant(&self, zone: Zone) -> i64 {
        match self.offset {
            Some(_) => self.micros(),
            None => zone.instant(self.day.and_time(self.time.unwrap_or(NaiveTime::MIN))),
        }
    }

    /// The date in the job's zone.
    #[must_use]
    pub fn date(&self, zone: Zone) -> NaiveDate {
        match self.offset {
            Some(_) => zone.date(self.instant(zone)).unwrap_or(self.day),
            None => self.day,
        }
    }

    /// Microseconds since 1970: of the instant where there is an offset, else on the shop's own clocks.
    #[must_use]
    pub fn micros(&self) -> i64 {
        let clock = self.day.and_time(self.time.unwrap_or(NaiveTime::MIN)).and_utc().timestamp_micros();
        clock.saturating_sub(i64::from(self.offset.unwrap_or(0)) * 1_000_000)
    }
}

/// The day at the start of a text, and what follows.
fn day(text: &str) -> Option<(NaiveDate, &str)> {
    let era = |(letter, name, first): &(char, &str, (i32, u32, u32))| {
        let rest = text.strip_prefix(*name).or_else(|| text.strip_prefix([*letter, letter.to_ascii_lowercase()]))?;
        Some((*first, rest))
    };
    let Some((first, rest)) = ERAS.iter().find_map(era) else {
        let (year, rest) = digits(text, 4, 4)?;
        let (month, day, rest) = if rest.starts_with(|letter: char| letter.is_ascii_digit()) {
            let (month, rest) = digits(rest, 2, 2)?;
            let (day, rest) = digits(rest, 2, 2)?;
            (month, day, rest)
        } else {
            month_and_day(rest)?
        };
        let year = i32::try_from(year).ok().filter(|year| *year > 0)?;
        return Some((NaiveDate::from_ymd_opt(year, month, day)?, rest));
    };
    let (year, rest) = match rest.strip_prefix('元') {
        Some(rest) => (1, rest),
        None => digits(rest, 1, 2)?,
    };
    // A letter with hyphens is a product's code sooner than a date.
    let (month, day, rest) = month_and_day(rest).filter(|_| !rest.starts_with('-'))?;
    let (first_year, first_month, first_day) = first;
    let year = first_year + i32::try_from(year).ok()?.checked_sub(1)?;
    let day = NaiveDate::from_ymd_opt(year, month, day)?;
    let last_year = ERAS.iter().map(|(_, _, (year, ..))| *year).find(|year| *year > first_year);
    let lies_in_it = day >= NaiveDate::from_ymd_opt(first_year, first_month, first_day)? && last_year.is_none_or(|last| day.year() <= last);
    lies_in_it.then_some((day, rest))
}

/// The day at the start of a text that ends with its year.
fn year_last(text: &str, order: DateOrder) -> Option<(NaiveDate, &str)> {
    let (first, rest) = digits(text, 1, 2)?;
    let mark = rest.chars().next().filter(|mark| matches!(mark, '-' | '/' | '.'))?;
    let (second, rest) = digits(rest.strip_prefix(mark)?, 1, 2)?;
    let (year, rest) = digits(rest.strip_prefix(mark)?, 4, 4)?;
    let (day, month) = if order == DateOrder::DayFirst { (first, second) } else { (second, first) };
    let year = i32::try_from(year).ok().filter(|year| *year > 0 && !rest.starts_with(|letter: char| letter.is_ascii_digit()))?;
    Some((NaiveDate::from_ymd_opt(year, month, day)?, rest))
}

/// `年12月5日`, or both behind the same mark: `-12-5`, `/12/5`, `.12.5`.
fn month_and_day(text: &str) -> Option<(u32, u32, &str)> {
    if let Some(rest) = text.strip_prefix('年') {
        let (month, rest) = digits(rest, 1, 2)?;
        let (day, rest) = digits(rest.strip_prefix('月')?, 1, 2)?;
        return Some((month, day, rest.strip_prefix('日')?));
    }
    let mark = text.chars().next().filter(|mark| matches!(mark, '-' | '/' | '.'))?;
    let (month, rest) = digits(text.strip_prefix(mark)?, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix(mark)?, 1, 2)?;
    Some((month, day, rest))
}

/// The time at the start of a text, whether it is the end of the day, and what follows.
fn time_of_day(text: &str) -> Option<(NaiveTime, bool, &str)> {
    let halves = [("午前", false), ("午後", true)];
    let before = halves.iter().find_map(|(half, later)| Some((*later, text.strip_prefix(half)?.trim_start())));
    let (hour, rest) = digits(before.map_or(text, |(_, rest)| rest), 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2, 2)?,
        None => (0, rest),
    };
    let (nanos, rest) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let behind = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let length = fraction.len() - behind.len();
            let micros: String = fraction.chars().take(length.min(6)).chain("000000".chars()).take(6).collect();
            (micros.parse::<u32>().ok().filter(|_| length > 0)? * 1_000, behind)
        }
        None => (0, rest),
    };
    let behind = if before.is_none() { half_behind(rest) } else { None };
    let (half, rest) = behind.map_or((before.map(|(later, _)| later), rest), |(later, rest)| (Some(later), rest));
    let ends_day = half.is_none() && (hour, minute, second, nanos) == (24, 0, 0, 0);
    let hour = match half {
        None if ends_day => 0,
        None => hour,
        Some(later) => (hour <= 12).then_some(hour % 12 + if later { 12 } else { 0 })?,
    };
    Some((NaiveTime::from_hms_opt(hour, minute, second)?.with_nanosecond(nanos)?, ends_day, rest))
}

/// Whether `AM` or `PM` stands at the start of a text, and what follows.
fn half_behind(text: &str) -> Option<(bool, &str)> {
    let text = text.trim_start();
    let halves = [("AM", false), ("PM", true), ("A.M.", false), ("P.M.", true)];
    halves.into_iter().find_map(|(half, later)| {
        let (start, rest) = text.split_at_checked(half.len())?;
        start.eq_ignore_ascii_case(half).then_some((later, rest))
    })
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
        text.parse().unwrap()
    }

    #[test]
    fn dates_are_read_in_every_usual_spelling() {
        for text in [
            "2026-12-05",
            "2026/12/05",
            "2026/12/5",
            "2026.12.5",
            "20261205",
            "2026年12月5日",
            "2026年12月05日 9:05",
            " 2026-12-05 ",
            "２０２６年１２月５日",
            "２０２６／１２／５",
            "R8.12.5",
            "r08/12/05",
            "Ｒ８．１２．５",
            "令和8年12月5日",
            "令和08年12月05日　9:05",
        ] {
            assert_eq!(Moment::parse(text).map(|moment| moment.day), Some(day("2026-12-05")), "{text}");
        }
        for text in [
            "",
            "2026",
            "12/25",
            "2026-13-01",
            "2026-02-29",
            "2026-12",
            "2026-12/25",
            "昭和65年1月1日",
            "H32.1.1",
            "令和元年4月30日",
            "R8-12-5",
            "R8.12",
            "R8",
            "令和年1月1日",
            "R0.1.1",
            "X8.12.5",
            "0000-00-00",
            "26-12-25",
            "202612250",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn years_of_an_era_count_from_its_first() {
        for (text, expected) in [
            ("令和元年5月1日", "2019-05-01"),
            ("R1.5.1", "2019-05-01"),
            ("平成31年4月30日", "2019-04-30"),
            ("H31.5.1", "2019-05-01"),
            ("昭和64年1月7日", "1989-01-07"),
            ("S60.1.1", "1985-01-01"),
            ("大正15年12月24日", "1926-12-24"),
            ("M45/7/29", "1912-07-29"),
        ] {
            assert_eq!(Moment::parse(text).map(|moment| moment.day), Some(day(expected)), "{text}");
        }
    }

    #[test]
    fn times_and_offsets_make_instants() {
        let noon = day("2026-12-05").and_hms_opt(3, 0, 0).unwrap().and_utc().timestamp_micros();
        for text in [
            "2026-12-05 12:00",
            "2026/12/5 12:00:00",
            "2026-12-05T12:00:00.0000001",
            "2026-12-05T03:00:00Z",
            "2026-12-05 12:00:00+09:00",
            "2026-12-05 12:00:00 +0900",
            "2026-12-05 12:00:00+09",
            "2026-12-04 22:00:00-05:00",
            "20261205 12:00",
            "2026年12月5日12:00",
        ] {
            assert_eq!(Moment::parse(text).map(|moment| moment.instant(TOKYO)), Some(noon), "{text}");
        }
        let fraction = Moment::parse("2026-12-05T12:00:00.1234567+09:00").map(|moment| moment.instant(TOKYO));
        assert_eq!(fraction, Some(noon + 123_456));
        for text in [
            "2026-12-05 25:00",
            "2026-12-05 12",
            "2026-12-05 12:00x",
            "2026-12-05 12:00:00.",
            "2026-12-05 12:00 +9",
            "2026-12-05 12:00 +24:00",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_may_stand_last_where_the_order_is_known() {
        let of = |text: &str, order| Moment::parse_in(text, order).map(|moment| moment.day);
        for text in ["25/12/2026", "25.12.2026", "25-12-2026", "２５／１２／２０２６", "25/12/2026 10:07 PM"] {
            assert_eq!((of(text, DateOrder::DayFirst), of(text, DateOrder::MonthFirst)), (Some(day("2026-12-25")), None), "{text}");
        }
        assert_eq!(of("1/5/2026", DateOrder::DayFirst), Some(day("2026-05-01")));
        assert_eq!(of("1/5/2026", DateOrder::MonthFirst), Some(day("2026-01-05")));
        for text in ["1/5/26", "1/5-2026", "1/5/20261", "1/5/20261:07", "0/5/2026", "2026/5/1", "31/02/2026", "1/5"] {
            assert_eq!(of(text, DateOrder::DayFirst), None, "{text}");
        }
        assert_eq!(Moment::parse("25/12/2026"), None);
    }

    #[test]
    fn halves_of_a_day_and_its_end_are_times() {
        for (text, expected) in [
            ("2026-12-05 1:02 PM", "2026-12-05T13:02:00"),
            ("2026-12-05 1:02:03pm", "2026-12-05T13:02:03"),
            ("2026-12-05 12:00 a.m.", "2026-12-05T00:00:00"),
            ("2026-12-05 12:30 PM", "2026-12-05T12:30:00"),
            ("2026年12月5日 午後1:02", "2026-12-05T13:02:00"),
            ("2026-12-05 午前 9:00", "2026-12-05T09:00:00"),
            ("2026-12-05 24:00", "2026-12-06T00:00:00"),
            ("2026-12-31 24:00:00", "2027-01-01T00:00:00"),
        ] {
            let utc = Zone(chrono_tz::UTC);
            let expected = expected.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp_micros();
            assert_eq!(Moment::parse(text).map(|moment| moment.instant(utc)), Some(expected), "{text}");
        }
        for text in ["2026-12-05 24:01", "2026-12-05 13:00 PM", "2026-12-05 1 PM", "2026-12-05 午後1:00 PM", "9999-12-31 24:00"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_has_the_date_of_the_jobs_zone() {
        assert_eq!(Moment::parse("1990-05-04T15:00:00Z").map(|moment| moment.date(TOKYO)), Some(day("1990-05-05")));
        assert_eq!(Moment::parse("1990-05-04 23:59").map(|moment| moment.date(TOKYO)), Some(day("1990-05-04")));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"\PC*|[0-9]{4}[-/年.]?[0-9]{1,2}[-/月.]?[0-9]{1,2}日?[ T]?[0-9:.+Z-]{0,20}|[MTSHR令和元0-9./年月日 -]{0,14}") {
            let _ = Moment::parse(&text).map(|moment| (moment.instant(TOKYO), moment.date(TOKYO)));
        }

        #[test]
        fn written_dates_come_back(days in 0_i32..3_000_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(days + 1).unwrap();
            prop_assert_eq!(Moment::parse(&day.to_string()), Some(Moment { day, time: None, offset: None }));
        }
    }
}
