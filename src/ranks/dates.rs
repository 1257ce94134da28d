//! The days of a run: closing, windows, the review that is due and the one ahead.

use crate::domain::ladder::{Closing, Down, PreviousRun, Review, Up, Window};
use crate::domain::zone::{first_of_month, months_before, yearly};
use crate::domain::{Dates, Ladder};
use chrono::{Datelike, Days, Months, NaiveDate};

/// Works out the days of the run of an as-of date. `previous` is the job's last adopted run before that date; `next_due` is the first
/// due date of the schedule after it, which matters with `closing = "day"` only.
#[must_use]
pub fn dates(as_of: NaiveDate, ladder: &Ladder, previous: Option<&PreviousRun>, next_due: Option<NaiveDate>) -> Dates {
    let (closing, next_closing) = match ladder.closing {
        Closing::Month => {
            let first = first_of_month(as_of);
            (first, months_before(first, -1))
        }
        Closing::Day => (as_of, next_due.filter(|due| *due > as_of).unwrap_or_else(|| months_before(as_of, -1))),
    };
    let start = |end| start(end, ladder);
    let window_start = start(closing);
    let review = previous.and_then(|run| due(ladder, run, closing));
    let ahead = review_after(&ladder.review, closing);
    let settled = |day| settled(day, ladder.settle_days);
    Dates {
        as_of,
        closing,
        window_start,
        review,
        due_start: review.map_or(window_start, start),
        settled: settled(closing),
        next_closing,
        next_start: start(next_closing),
        next_settled: settled(next_closing),
        keep_by: ahead.filter(|_| ladder.down != Down::Never || ladder.up == Up::AtReview),
        // The window of the review ahead is a feature whether or not anybody moves at it.
        keep_start: ahead.map_or(window_start, start),
        keep_settled: settled(ahead.unwrap_or(closing)),
        previous_closing: previous.map(|run| run.closing),
    }
}

/// R, the review that is due: the first one after the previous closing, up to this one.
///
/// It is taken from what the previous run announced and not worked out anew, because the shop may have changed its review dates
/// since: a review that nobody was told of lowers nobody. Where ranks never fall nothing needs to be announced.
fn due(ladder: &Ladder, previous: &PreviousRun, closing: NaiveDate) -> Option<NaiveDate> {
    let unannounced = || review_after(&ladder.review, previous.closing).filter(|_| ladder.down == Down::Never);
    let day = previous.keep_by.or_else(unannounced);
    day.filter(|day| *day > previous.closing && *day <= closing)
}

/// The first review date strictly after a day.
fn review_after(review: &Review, day: NaiveDate) -> Option<NaiveDate> {
    match review {
        Review::Monthly => first_of_month(day).checked_add_months(Months::new(1)),
        Review::Dates(dates) => {
            let years = [day.year(), day.year() + 1];
            let all = years.into_iter().flat_map(|year| dates.iter().filter_map(move |(month, day)| yearly(year, *month, *day)));
            all.filter(|date| *date > day).min()
        }
    }
}

/// The first day of the window that ends at a day. A window of the calendar is the one that is open on the last day that is settled by
/// then: on the very day on which a new one begins, and while its first orders may still come back, the old one counts.
fn start(end: NaiveDate, ladder: &Ladder) -> NaiveDate {
    let settled = settled(end, ladder.settle_days);
    let start = match ladder.window {
        Window::Months(months) => end.checked_sub_months(Months::new(months)),
        Window::Days(days) => end.checked_sub_days(Days::new(u64::from(days))),
        Window::YearFrom(month, day) => begun(settled, month, day, &[0]),
        Window::HalfYearFrom(month, day) => begun(settled, month, day, &[0, 6]),
        Window::AllTime => None,
    };
    // A window that reaches beyond our calendar holds everything; the year 1 is early enough for that and still an instant.
    let floor = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default();
    start.map_or(floor, |start| start.max(floor))
}

/// The last day strictly before `end` that is a day of the year, or so many months after it.
fn begun(end: NaiveDate, month: u32, day: u32, months_later: &[u32]) -> Option<NaiveDate> {
    let years = [end.year() - 1, end.year()].into_iter().filter_map(|year| yearly(year, month, day));
    let begins = years.flat_map(|first| months_later.iter().filter_map(move |later| first.checked_add_months(Months::new(*later))));
    begins.filter(|begin| *begin < end).max()
}

/// Orders before this day are settled on `day`: so many whole days lie between the day on which they were placed and it.
fn settled(day: NaiveDate, settle_days: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(settle_days))).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::super::naive::ladder;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn run(as_of: &str, closing: &str, keep_by: Option<&str>) -> PreviousRun {
        PreviousRun { as_of: day(as_of), closing: day(closing), keep_by: keep_by.map(day) }
    }

    #[test]
    fn a_month_closes_on_its_first_day() {
        let found = dates(day("2026-12-07"), &ladder(), Some(&run("2026-11-01", "2026-11-01", Some("2026-12-01"))), None);
        let wanted = Dates {
            as_of: day("2026-12-07"),
            closing: day("2026-12-01"),
            window_start: day("2025-12-01"),
            review: Some(day("2026-12-01")),
            due_start: day("2025-12-01"),
            settled: day("2026-12-01"),
            next_closing: day("2027-01-01"),
            next_start: day("2026-01-01"),
            next_settled: day("2027-01-01"),
            keep_by: Some(day("2027-01-01")),
            keep_start: day("2026-01-01"),
            keep_settled: day("2027-01-01"),
            previous_closing: Some(day("2026-11-01")),
        };
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_skipped_month_is_reviewed_at_the_date_announced() {
        let found = dates(day("2026-12-01"), &ladder(), Some(&run("2026-09-03", "2026-09-01", Some("2026-10-01"))), None);
        assert_eq!((found.review, found.due_start), (Some(day("2026-10-01")), day("2025-10-01")));
    }

    #[test]
    fn no_review_without_a_run_before_in_the_same_closing_or_unannounced() {
        let none = dates(day("2026-12-01"), &ladder(), None, None);
        let again = dates(day("2026-12-15"), &ladder(), Some(&run("2026-12-01", "2026-12-01", Some("2027-01-01"))), None);
        let later = dates(day("2026-12-15"), &ladder(), Some(&run("2026-11-01", "2026-11-01", Some("2027-04-01"))), None);
        let never = dates(day("2026-12-15"), &ladder(), Some(&run("2026-11-01", "2026-11-01", None)), None);
        for found in [none, again, later, never] {
            assert_eq!((found.review, found.due_start), (None, found.window_start));
        }
    }

    #[test]
    fn a_day_closes_itself_and_looks_ahead_to_the_schedule() {
        let ladder = Ladder { closing: Closing::Day, window: Window::Days(365), review: Review::Dates(vec![(2, 29), (10, 1)]), ..ladder() };
        let found = dates(day("2027-01-31"), &ladder, None, Some(day("2027-02-07")));
        assert_eq!((found.closing, found.next_closing), (day("2027-01-31"), day("2027-02-07")));
        assert_eq!((found.keep_by, found.keep_start), (Some(day("2027-02-28")), day("2026-02-28")));
        assert_eq!(dates(day("2027-01-31"), &ladder, None, Some(day("2027-01-31"))).next_closing, day("2027-02-28"));
        assert_eq!(dates(day("2027-12-31"), &ladder, None, None).keep_by, Some(day("2028-02-29")));
    }

    #[test]
    fn twelve_months_before_a_leap_day_are_the_28th() {
        let ladder = Ladder { closing: Closing::Day, ..ladder() };
        assert_eq!(dates(day("2028-02-29"), &ladder, None, None).window_start, day("2027-02-28"));
    }

    #[test]
    fn a_window_of_the_calendar_begins_at_the_last_start_before_its_end() {
        let begins = |window, end| start(day(end), &Ladder { window, ..ladder() }).to_string();
        let spring = Window::YearFrom(4, 1);
        assert_eq!((begins(spring, "2026-04-01"), begins(spring, "2026-04-02")), ("2025-04-01".into(), "2026-04-01".into()));
        assert_eq!(begins(Window::YearFrom(1, 1), "2026-01-01"), "2025-01-01");
        let halves = Window::HalfYearFrom(9, 1);
        let found = ["2026-03-01", "2026-03-02", "2026-09-01", "2026-12-01"].map(|end| begins(halves, end));
        assert_eq!(found, ["2025-09-01", "2026-03-01", "2026-03-01", "2026-09-01"]);
        let leap = Window::HalfYearFrom(2, 29);
        let found = ["2027-03-01", "2028-03-01", "2028-08-29", "2028-08-30"].map(|end| begins(leap, end));
        assert_eq!(found, ["2027-02-28", "2028-02-29", "2028-02-29", "2028-08-29"]);
        assert_eq!(begins(Window::AllTime, "2026-01-01"), "0001-01-01");
    }

    #[test]
    fn a_return_period_moves_what_is_settled_and_no_window() {
        let ladder = Ladder { settle_days: 7, ..ladder() };
        let found = dates(day("2026-12-03"), &ladder, None, None);
        assert_eq!((found.settled, found.next_settled, found.keep_settled), (day("2026-11-24"), day("2026-12-25"), day("2026-12-25")));
        assert_eq!((found.window_start, found.keep_start), (day("2025-12-01"), day("2026-01-01")));
        let by_the_day = Ladder { window: Window::YearFrom(4, 1), closing: Closing::Day, ..ladder };
        let begins = |as_of| dates(day(as_of), &by_the_day, None, None).window_start;
        assert_eq!((begins("2026-04-08"), begins("2026-04-09")), (day("2025-04-01"), day("2026-04-01")));
    }

    #[test]
    fn a_review_at_which_one_rises_is_announced_where_none_falls() {
        let ladder = Ladder { down: Down::Never, up: Up::AtReview, review: Review::Dates(vec![(4, 1)]), ..ladder() };
        assert_eq!(dates(day("2026-03-01"), &ladder, None, None).keep_by, Some(day("2026-04-01")));
        let due = |keep_by| dates(day("2026-04-07"), &ladder, Some(&run("2026-03-01", "2026-03-01", keep_by)), None).review;
        assert_eq!((due(Some("2026-04-01")), due(None)), (Some(day("2026-04-01")), Some(day("2026-04-01"))));
    }

    #[test]
    fn where_ranks_never_fall_none_is_announced_and_endless_windows_begin_somewhere() {
        let ladder = Ladder { down: Down::Never, window: Window::Months(u32::MAX), ..ladder() };
        let found = dates(day("2026-12-01"), &ladder, Some(&run("2026-10-01", "2026-10-01", None)), None);
        assert_eq!((found.keep_by, found.review), (None, Some(day("2026-11-01"))));
        assert_eq!(found.window_start, day("0001-01-01"));
    }
}
