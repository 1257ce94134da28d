//! Days that come every year, and the ranges of days they may fall into.

use crate::domain::campaign::DayRange;
use crate::domain::zone::{first_of_month, months_before, yearly};
use chrono::{Datelike, Days, NaiveDate};

/// The first and the last day of a range, both included.
pub fn range(days: DayRange, as_of: NaiveDate) -> (NaiveDate, NaiveDate) {
    let month = |first: NaiveDate| (first, months_before(first, -1).pred_opt().unwrap_or(first));
    match days {
        DayRange::ThisMonth => month(first_of_month(as_of)),
        DayRange::NextMonth => month(months_before(first_of_month(as_of), -1)),
        DayRange::ThisWeek => {
            let week = as_of.week(chrono::Weekday::Mon);
            (week.checked_first_day().unwrap_or(as_of), week.checked_last_day().unwrap_or(as_of))
        }
        DayRange::Today => (as_of, as_of),
        DayRange::InDays(ahead) => {
            let day = as_of.checked_add_days(Days::new(ahead.into())).unwrap_or(as_of);
            (day, day)
        }
    }
}

/// The day in the range on which the yearly day of `origin` falls. A range that crosses New Year looks at both years.
pub fn falls(days: DayRange, origin: NaiveDate, as_of: NaiveDate) -> Option<NaiveDate> {
    let (first, last) = range(days, as_of);
    let on = |year| yearly(year, origin.month(), origin.day()).filter(|day| (first..=last).contains(day));
    on(first.year()).or_else(|| on(last.year()))
}

/// Full years from `origin` to a yearly day of it.
pub fn full_years(origin: NaiveDate, day: NaiveDate) -> i64 {
    i64::from(day.year()) - i64::from(origin.year())
}

/// Days in English: `1 day`, `14 days`.
pub fn counted(days: i64) -> String {
    format!("{days} {}", if days == 1 { "day" } else { "days" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_calendar_months_and_weeks_from_monday() {
        let of = |days, as_of| range(days, day(as_of));
        assert_eq!(of(DayRange::ThisMonth, "2028-02-10"), (day("2028-02-01"), day("2028-02-29")));
        assert_eq!(of(DayRange::NextMonth, "2026-12-31"), (day("2027-01-01"), day("2027-01-31")));
        assert_eq!(of(DayRange::ThisWeek, "2027-01-03"), (day("2026-12-28"), day("2027-01-03")));
        assert_eq!(of(DayRange::ThisWeek, "2026-12-28"), (day("2026-12-28"), day("2027-01-03")));
        assert_eq!(of(DayRange::InDays(14), "2026-12-25"), (day("2027-01-08"), day("2027-01-08")));
    }

    #[test]
    fn a_week_across_new_year_holds_days_of_both_years() {
        let found = |birthday| falls(DayRange::ThisWeek, day(birthday), day("2026-12-30"));
        assert_eq!(found("1980-01-02"), Some(day("2027-01-02")));
        assert_eq!(found("1980-12-28"), Some(day("2026-12-28")));
        assert_eq!(found("1980-01-04"), None);
    }

    #[test]
    fn a_leap_day_is_the_28th_elsewhere() {
        assert_eq!(falls(DayRange::Today, day("2000-02-29"), day("2027-02-28")), Some(day("2027-02-28")));
        assert_eq!(falls(DayRange::Today, day("2000-02-29"), day("2028-02-28")), None);
        assert_eq!(falls(DayRange::ThisMonth, day("2000-02-29"), day("2028-02-01")), Some(day("2028-02-29")));
    }

    /// Every birthday is greeted on exactly one day of each year, however the year is cut into runs.
    #[test]
    fn each_birthday_falls_once_a_year() {
        let (start, end) = (day("2026-01-01"), day("2030-01-01"));
        for birthday in day("2000-01-01").iter_days().take(366) {
            let runs = start.iter_days().take_while(|as_of| *as_of < end);
            let today = runs.clone().filter(|as_of| falls(DayRange::Today, birthday, *as_of).is_some()).count();
            let months = runs.filter(|as_of| as_of.day() == 1 && falls(DayRange::ThisMonth, birthday, *as_of).is_some()).count();
            let mut monday = day("2025-12-29");
            let mut weeks = Vec::new();
            while monday < end {
                weeks.extend(falls(DayRange::ThisWeek, birthday, monday));
                monday += TimeDelta::days(7);
            }
            weeks.retain(|day| (start..end).contains(day));
            assert_eq!((today, months, weeks.len()), (4, 4, 4), "{birthday}");
        }
    }
}
