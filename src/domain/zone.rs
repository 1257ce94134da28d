//! The job's time zone: local dates and times to instants and back.
//!
//! An instant is an `i64` of microseconds since 1970-01-01 00:00 UTC.

use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub Tz);

impl Zone {
    /// The instant of a local time. One that exists twice is the earlier; one that does not exist is the first instant after the gap.
    #[must_use]
    pub fn instant(self, local: NaiveDateTime) -> i64 {
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => time.timestamp_micros(),
            MappedLocalTime::None => self.after_gap(local),
        }
    }

    /// The instant at which a local day begins.
    #[must_use]
    pub fn midnight(self, day: NaiveDate) -> i64 {
        self.instant(day.and_time(NaiveTime::MIN))
    }

    /// The local date and time of an instant; `None` outside the years that chrono can hold.
    #[must_use]
    pub fn local(self, instant: i64) -> Option<NaiveDateTime> {
        DateTime::from_timestamp_micros(instant).map(|utc| utc.with_timezone(&self.0).naive_local())
    }

    /// The local date of an instant.
    #[must_use]
    pub fn date(self, instant: i64) -> Option<NaiveDate> {
        self.local(instant).map(|local| local.date())
    }

    /// Local time has no name between the two sides of a gap. Walking back from a time that surely lies behind the gap finds
    /// its end: the first instant whose local time is not before the one asked for.
    fn after_gap(self, local: NaiveDateTime) -> i64 {
        let guess = local.and_utc().timestamp_micros();
        let (mut before, mut behind) = (guess - 2 * DAY, guess + 2 * DAY);
        while behind - before > 1 {
            let middle = before + (behind - before) / 2;
            match self.local(middle) {
                Some(there) if there < local => before = middle,
                _ => behind = middle,
            }
        }
        behind
    }
}

/// How many days a `LocalClock` remembers. A few years fit, so that lines in any order of time find their day.
const DAYS_KEPT: i64 = 2_048;

/// Turns many local times into instants quickly: on a day on which the zone's clocks do not move, one offset serves all of its times.
#[derive(Debug, Clone)]
pub struct LocalClock {
    zone: Zone,
    /// Day number and its offset, at the place that the day's low bits name.
    days: Vec<(i64, Option<i64>)>,
}

impl LocalClock {
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { zone, days: (0..DAYS_KEPT).map(|_| (i64::MIN, None)).collect() }
    }

    /// The instant of a local time that is given as microseconds since 1970-01-01 00:00 local; `None` when chrono cannot hold it.
    pub fn instant(&mut self, local: i64) -> Option<i64> {
        match self.offset_on(local.div_euclid(DAY)) {
            Some(offset) => local.checked_sub(offset),
            None => DateTime::from_timestamp_micros(local).map(|time| self.zone.instant(time.naive_utc())),
        }
    }

    /// The offset of all local times from the first to the last of these, if there is only one.
    pub fn one_offset(&mut self, first: i64, last: i64) -> Option<i64> {
        let (from, to) = (first.div_euclid(DAY), last.div_euclid(DAY));
        let offset = self.offset_on(from)?;
        let alike = to.checked_sub(from)? < DAYS_KEPT && (from..=to).all(|day| self.offset_on(day) == Some(offset));
        alike.then_some(offset)
    }

    /// The zone's offset on a local day, remembered.
    fn offset_on(&mut self, day: i64) -> Option<i64> {
        let place = usize::try_from(day.rem_euclid(DAYS_KEPT)).ok()?;
        match self.days.get(place) {
            Some(&(kept, offset)) if kept == day => offset,
            _ => {
                let offset = self.steady_offset(day);
                if let Some(kept) = self.days.get_mut(place) {
                    *kept = (day, offset);
                }
                offset
            }
        }
    }

    /// The zone's offset on a local day, if it is the same from the day before to the day after.
    fn steady_offset(&self, day: i64) -> Option<i64> {
        let offset = |shift: i64| -> Option<i64> {
            let utc = day.checked_add(shift)?.checked_mul(DAY)?;
            Some(self.zone.local(utc)?.and_utc().timestamp_micros() - utc)
        };
        let first = offset(-1)?;
        (first == offset(0)? && first == offset(1)? && first == offset(2)?).then_some(first)
    }
}

/// The same day `months` earlier (negative: later); a day that does not exist there becomes the month's last.
#[must_use]
pub fn months_before(day: NaiveDate, months: i32) -> NaiveDate {
    let count = chrono::Months::new(months.unsigned_abs());
    let moved = if months >= 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) };
    moved.unwrap_or(day)
}

/// The first day of a date's month.
#[must_use]
pub fn first_of_month(day: NaiveDate) -> NaiveDate {
    day - TimeDelta::days(i64::from(day.day0()))
}

/// The day on which a yearly day falls in a year: 29 February is the 28th where there is no 29th. `None` for a day no year has.
#[must_use]
pub fn yearly(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    let eve = if (month, day) == (2, 29) { NaiveDate::from_ymd_opt(year, 2, 28) } else { None };
    NaiveDate::from_ymd_opt(year, month, day).or(eve)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_local_time_in_a_gap_is_the_first_instant_after_it() {
        let zone = Zone(chrono_tz::America::New_York);
        let gap = day("2026-03-08").and_hms_opt(2, 30, 0).unwrap_or_default();
        let after = day("2026-03-08").and_hms_opt(3, 0, 0).unwrap_or_default();
        assert_eq!(zone.instant(gap), zone.instant(after));
        assert_eq!(zone.local(zone.instant(gap)), Some(after));
    }

    #[test]
    fn a_local_time_that_exists_twice_is_the_earlier() {
        let zone = Zone(chrono_tz::America::New_York);
        let twice = day("2026-11-01").and_hms_opt(1, 30, 0).unwrap_or_default();
        assert_eq!(zone.instant(twice) % DAY / 3_600_000_000, 5, "01:30 EDT is 05:30 UTC");
    }

    #[test]
    fn the_quick_clock_agrees_with_the_slow_one() {
        for zone in [chrono_tz::America::New_York, chrono_tz::Asia::Tokyo, chrono_tz::Pacific::Apia, chrono_tz::Africa::Cairo] {
            let zone = Zone(zone);
            let mut clock = LocalClock::new(zone);
            for half_hour in 0..48 * 366 {
                let local = day("2011-06-01").and_time(NaiveTime::MIN) + TimeDelta::minutes(30 * half_hour);
                assert_eq!(clock.instant(local.and_utc().timestamp_micros()), Some(zone.instant(local)), "{zone:?} {local}");
            }
        }
    }

    #[test]
    fn times_of_several_days_have_one_offset_where_no_clock_moves() {
        let mut clock = LocalClock::new(Zone(chrono_tz::America::New_York));
        let micros = |date: &str| day(date).and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        assert_eq!(clock.one_offset(micros("2026-01-05"), micros("2026-02-05") - 1), Some(-5 * 3_600_000_000));
        assert_eq!(clock.one_offset(micros("2026-01-05"), micros("2026-04-05")), None, "the clocks move in March");
        assert_eq!(LocalClock::new(Zone(chrono_tz::UTC)).one_offset(micros("2020-01-05"), micros("2025-04-05")), Some(0));
        assert_eq!(clock.one_offset(i64::MIN, i64::MAX), None);
    }

    #[test]
    fn calendar_months_end_where_a_month_ends() {
        assert_eq!(months_before(day("2024-02-29"), 12), day("2023-02-28"));
        assert_eq!(months_before(day("2026-01-31"), -1), day("2026-02-28"));
        assert_eq!(first_of_month(day("2026-12-25")), day("2026-12-01"));
    }

    #[test]
    fn a_leap_day_comes_every_year() {
        assert_eq!(yearly(2026, 2, 29), Some(day("2026-02-28")));
        assert_eq!(yearly(2028, 2, 29), Some(day("2028-02-29")));
        assert_eq!(yearly(2028, 2, 30), None);
    }
}
