//! How fast and when mails may leave.

use super::zone::{DAY, Zone, first_of_month, months_before};
use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};
use std::time::Duration;

/// So many mails in so many seconds: `50/s`, `600/min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub mails: u32,
    pub seconds: u32,
}

impl Pace {
    /// The time between two mails.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_secs(self.seconds.into()) / self.mails.max(1)
    }
}

/// What a receiving domain bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainPace {
    /// In small letters.
    pub domain: String,
    pub pace: Option<Pace>,
    /// How many mails for it are under way at once.
    pub connections: Option<usize>,
}

/// The part of each day in which mails may leave; one that ends before it begins goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayWindow {
    pub from: NaiveTime,
    /// Not in it any more.
    pub to: NaiveTime,
}

impl DayWindow {
    /// When it opens next (microseconds UTC); `None` while it is open.
    #[must_use]
    pub fn opens(self, zone: Zone, now: i64) -> Option<i64> {
        let local = zone.local(now)?;
        let time = local.time();
        let is_open = if self.from <= self.to { self.from <= time && time < self.to } else { time >= self.from || time < self.to };
        if is_open {
            return None;
        }
        // Today's beginning may have passed, and where clocks are put forward it may be later than it was asked for.
        let days = [0, 1].map(|days| zone.instant((local.date() + TimeDelta::days(days)).and_time(self.from)));
        days.into_iter().find(|at| *at > now).or(Some(now.saturating_add(DAY)))
    }
}

/// A day of the month and a time: `10th 11:07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendOn {
    /// 1 to 31; a month that is too short has it on its last day.
    pub day: u32,
    pub time: NaiveTime,
}

impl SendOn {
    /// The first such time of a run (microseconds UTC), on the run's own day at the earliest.
    #[must_use]
    pub fn instant(self, zone: Zone, as_of: NaiveDate) -> i64 {
        let in_month = |first: NaiveDate| {
            let last = months_before(first, -1).pred_opt().unwrap_or(first);
            first.with_day(self.day).unwrap_or(last)
        };
        let first = first_of_month(as_of);
        let day = Some(in_month(first)).filter(|day| *day >= as_of).unwrap_or_else(|| in_month(months_before(first, -1)));
        zone.instant(day.and_time(self.time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDateTime;

    const TOKYO: Zone = Zone(chrono_tz::Asia::Tokyo);

    fn window(text: &str) -> DayWindow {
        let (from, to) = text.split_once("..").unwrap();
        DayWindow { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn mails_leave_within_the_window_only() {
        for (between, now, opens) in [
            ("09:00:00..20:00:00", "2026-12-01T08:59:59", Some("2026-12-01T09:00:00")),
            ("09:00:00..20:00:00", "2026-12-01T09:00:00", None),
            ("09:00:00..20:00:00", "2026-12-01T19:59:59", None),
            ("09:00:00..20:00:00", "2026-12-01T20:00:00", Some("2026-12-02T09:00:00")),
            ("20:00:00..09:00:00", "2026-12-01T19:00:00", Some("2026-12-01T20:00:00")),
            ("20:00:00..09:00:00", "2026-12-01T23:00:00", None),
            ("20:00:00..09:00:00", "2026-12-01T08:59:00", None),
            ("20:00:00..09:00:00", "2026-12-01T09:00:00", Some("2026-12-01T20:00:00")),
        ] {
            let instant = |text: &str| TOKYO.instant(text.parse::<NaiveDateTime>().unwrap());
            assert_eq!(window(between).opens(TOKYO, instant(now)), opens.map(instant), "{between} at {now}");
        }
    }

    #[test]
    fn a_window_opens_where_the_clocks_are_put_forward() {
        let zone = Zone(chrono_tz::America::New_York);
        let before = zone.instant("2026-03-08T01:30:00".parse().unwrap());
        let opens = window("02:30:00..20:00:00").opens(zone, before).unwrap();
        assert_eq!(zone.local(opens).unwrap().to_string(), "2026-03-08 03:00:00");
        assert_eq!(window("02:30:00..20:00:00").opens(zone, opens), None);
    }

    #[test]
    fn a_campaign_has_its_day_in_the_run_s_month_or_in_the_next() {
        for (day, as_of, wanted) in [
            (10, "2026-12-01", "2026-12-10 11:07:00"),
            (1, "2026-12-01", "2026-12-01 11:07:00"),
            (1, "2026-12-02", "2027-01-01 11:07:00"),
            (31, "2026-02-01", "2026-02-28 11:07:00"),
            (31, "2026-02-28", "2026-02-28 11:07:00"),
            (30, "2026-01-31", "2026-02-28 11:07:00"),
        ] {
            let send = SendOn { day, time: "11:07:00".parse().unwrap() };
            let local = TOKYO.local(send.instant(TOKYO, as_of.parse().unwrap())).unwrap();
            assert_eq!(local.to_string(), wanted, "{day} of {as_of}");
        }
    }

    #[test]
    fn a_pace_is_a_time_between_two_mails() {
        assert_eq!(Pace { mails: 50, seconds: 1 }.interval(), Duration::from_millis(20));
        assert_eq!(Pace { mails: 600, seconds: 60 }.interval(), Duration::from_millis(100));
    }
}
