//! When a job is due: cron lines read in the job's time zone, and the same lines written for systemd and crontab.
//!
//! It never asks what time it is; the caller hands in the moment. It starts nothing and knows no job but its line.

use crate::domain::Zone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

mod emit;

pub use emit::{cron, systemd};

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// What is wrong with a schedule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    #[error("`{line}` is not a cron line: {why}; write five fields (minute, hour, day of month, month, day of week), as in `7 10 1 * *`")]
    BadLine { line: String, why: String },
    #[error("`{line}` is never due: no such day exists; write a day that its months have")]
    Never { line: String },
    #[error(
        "{target} cannot express {what} of `{line}`; use another schedule, or start `rankmail run --if-due` more often, which does nothing on other days"
    )]
    Inexpressible { target: &'static str, what: String, line: String },
    #[error("the command for the timer holds a line break or another control character; rename what it names")]
    BadCommand,
}

/// A moment at which a job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Microseconds UTC.
    pub at: i64,
    /// The same moment on the clocks of the job's zone.
    pub local: NaiveDateTime,
}

/// Reads a line and finds that it comes due at least once.
pub fn check(line: &str) -> Result<(), Error> {
    let cron = parse(line)?;
    // The year 2000 had a 29 February, so that whatever can happen does within four years of it, or within a few centuries
    // where weekday and date must meet.
    let start = DateTime::from_timestamp(946_684_800, 0).unwrap_or_default();
    cron.find_next_occurrence(&start, true).map(|_| ()).map_err(|_| Error::Never { line: line.to_owned() })
}

/// The next `count` due times after an instant (microseconds UTC), as local times. Fewer when the line has no more, none for a
/// line that `check` refuses. A fixed time that the clocks skip is due when they have moved; one that they repeat is due once.
#[must_use]
pub fn next(line: &str, zone: Zone, after: i64, count: usize) -> Vec<NaiveDateTime> {
    let Ok(cron) = parse(line) else { return Vec::new() };
    let mut found = Vec::new();
    let mut from = moment(zone, after);
    while found.len() < count {
        let Some(due) = from.and_then(|from| cron.find_next_occurrence(&from, false).ok()) else { break };
        found.push(due.naive_local());
        from = Some(due);
    }
    found
}

/// The latest due time at or before an instant (microseconds UTC).
#[must_use]
pub fn last_due(line: &str, zone: Zone, now: i64) -> Option<Due> {
    let due = parse(line).ok()?.find_previous_occurrence(&moment(zone, now)?, true).ok()?;
    Some(Due { at: due.timestamp_micros(), local: due.naive_local() })
}

/// The first local date after `after` on which the line comes due.
#[must_use]
pub fn next_due_date(line: &str, zone: Zone, after: NaiveDate) -> Option<NaiveDate> {
    let cron = parse(line).ok()?;
    // The search starts a second before the next day, because a midnight that the clocks skip belongs to that day too.
    let eve = zone.midnight(after.succ_opt()?).checked_sub(SECOND)?;
    let mut from = moment(zone, eve)?;
    loop {
        let due = cron.find_next_occurrence(&from, false).ok()?;
        if due.date_naive() > after {
            return Some(due.date_naive());
        }
        from = due + TimeDelta::seconds(1);
    }
}

/// Reads a line of five fields (or a nickname such as `@monthly`).
fn parse(line: &str) -> Result<Cron, Error> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let bad = |why: String| Error::BadLine { line: line.to_owned(), why };
    let fields = line.split_whitespace().count();
    if !line.trim_start().starts_with('@') && fields != 5 {
        return Err(bad(format!("it has {fields} fields")));
    }
    parser.parse(line).map_err(|error| bad(error.to_string()))
}

fn moment(zone: Zone, instant: i64) -> Option<DateTime<Tz>> {
    DateTime::from_timestamp(instant.div_euclid(SECOND), 0).map(|utc| utc.with_timezone(&zone.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveTime;

    const TOKYO: Zone = Zone(chrono_tz::Asia::Tokyo);
    const NEW_YORK: Zone = Zone(chrono_tz::America::New_York);

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a local time")
    }

    fn shown(times: &[NaiveDateTime]) -> Vec<String> {
        times.iter().map(|time| time.format("%Y-%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn the_first_of_each_month_is_due_in_the_jobs_zone() {
        let after = TOKYO.instant(local("2026-11-01 10:07"));
        assert_eq!(shown(&next("7 10 1 * *", TOKYO, after, 3)), ["2026-12-01 10:07", "2027-01-01 10:07", "2027-02-01 10:07"]);
        assert_eq!(shown(&next("7 10 1 * *", TOKYO, after - 1, 1)), ["2026-11-01 10:07"]);
    }

    #[test]
    fn working_days_skip_the_weekend() {
        let after = TOKYO.instant(local("2026-11-20 23:40"));
        assert_eq!(shown(&next("*/15 * * * 1-5", TOKYO, after, 3)), ["2026-11-20 23:45", "2026-11-23 00:00", "2026-11-23 00:15"]);
    }

    #[test]
    fn last_days_and_nth_weekdays_are_understood() {
        let after = TOKYO.instant(local("2027-01-31 12:00"));
        assert_eq!(shown(&next("0 9 L * *", TOKYO, after, 2)), ["2027-02-28 09:00", "2027-03-31 09:00"]);
        assert_eq!(shown(&next("0 9 * * 5#2", TOKYO, after, 2)), ["2027-02-12 09:00", "2027-03-12 09:00"]);
        assert_eq!(shown(&next("0 9 * * MON#L", TOKYO, after, 1)), ["2027-02-22 09:00"]);
    }

    #[test]
    fn the_last_due_time_is_at_or_before_now() {
        let due = TOKYO.instant(local("2026-12-01 10:07"));
        let expected = Some(Due { at: due, local: local("2026-12-01 10:07") });
        assert_eq!(last_due("7 10 1 * *", TOKYO, due), expected);
        assert_eq!(last_due("7 10 1 * *", TOKYO, due + 999_999), expected);
        assert_eq!(last_due("7 10 1 * *", TOKYO, due - 1).map(|due| due.local), Some(local("2026-11-01 10:07")));
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_due_when_they_have_moved() {
        let eve = NEW_YORK.midnight(day("2026-03-08"));
        assert_eq!(shown(&next("30 2 * * *", NEW_YORK, eve, 2)), ["2026-03-08 03:00", "2026-03-09 02:30"]);
        let noon = NEW_YORK.instant(local("2026-03-08 12:00"));
        assert_eq!(last_due("30 2 * * *", NEW_YORK, noon).map(|due| due.local), Some(local("2026-03-08 03:00")));
        // In Cairo the clocks moved from 00:00 to 01:00 on 2026-04-24.
        let cairo = Zone(chrono_tz::Africa::Cairo);
        assert_eq!(next_due_date("0 0 24 4 *", cairo, day("2026-04-23")), Some(day("2026-04-24")));
    }

    #[test]
    fn a_time_that_the_clocks_repeat_is_due_once() {
        let eve = NEW_YORK.midnight(day("2026-11-01"));
        assert_eq!(shown(&next("30 1 * * *", NEW_YORK, eve, 2)), ["2026-11-01 01:30", "2026-11-02 01:30"]);
    }

    #[test]
    fn the_next_due_date_lies_strictly_after() {
        assert_eq!(next_due_date("7 10 1 * *", TOKYO, day("2026-12-01")), Some(day("2027-01-01")));
        assert_eq!(next_due_date("7 10 1 * *", TOKYO, day("2026-11-30")), Some(day("2026-12-01")));
        assert_eq!(next_due_date("0 0 * * *", TOKYO, day("2026-12-01")), Some(day("2026-12-02")));
        assert_eq!(next_due_date("0 0 30 2 *", TOKYO, day("2026-12-01")), None);
    }

    #[test]
    fn every_due_time_is_the_last_one_at_its_own_moment() {
        for line in ["7 10 1 * *", "*/20 * * * 1-5", "30 2 * * *", "0 0 L * *"] {
            let start = NEW_YORK.instant(day("2026-02-20").and_time(NaiveTime::MIN));
            for due in next(line, NEW_YORK, start, 40) {
                assert_eq!(last_due(line, NEW_YORK, NEW_YORK.instant(due)).map(|last| last.local), Some(due), "{line}");
            }
        }
    }

    #[test]
    fn bad_lines_say_what_is_expected() {
        for line in ["", "10 1 * *", "0 7 10 1 * *", "61 * * * *", "7 10 1 * XYZ", "7 10 32 * *", "@sometimes", "７ 10 1 * *"] {
            let error = check(line).expect_err(line);
            assert!(matches!(error, Error::BadLine { .. }), "{line}: {error}");
            assert!(error.to_string().contains("five fields"), "{error}");
            assert_eq!(next(line, TOKYO, 0, 3), []);
        }
        assert!(matches!(check("0 0 30 2 *"), Err(Error::Never { .. })));
        for line in ["7 10 1 * *", "@monthly", "0 9 L * *", "0 9 29 2 *", "*/15 9-17 * JAN-MAR MON-FRI"] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }
}
