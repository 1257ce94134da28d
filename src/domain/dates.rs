//! The days that decide a run.

use chrono::NaiveDate;

/// The days of one run, all local to the job's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dates {
    /// The run sees purchases before 00:00 of this day and nothing later.
    pub as_of: NaiveDate,
    /// Ranks are decided on what came before 00:00 of this day.
    pub closing: NaiveDate,
    /// Closing minus the window.
    pub window_start: NaiveDate,
    /// R: the review that is due at this closing, if any.
    pub review: Option<NaiveDate>,
    /// R minus the window; the window's start when no review is due.
    pub due_start: NaiveDate,
    /// Orders before this day are settled at the closing: the days in which they can be returned are over.
    pub settled: NaiveDate,
    /// The closing after this one.
    pub next_closing: NaiveDate,
    pub next_start: NaiveDate,
    /// Orders before this day are settled at the next closing.
    pub next_settled: NaiveDate,
    /// The first review date after this closing; none when nobody moves at it.
    pub keep_by: Option<NaiveDate>,
    /// `keep_by` minus the window; the window's start when there is no review ahead.
    pub keep_start: NaiveDate,
    /// Orders before this day are settled at the review ahead.
    pub keep_settled: NaiveDate,
    /// The closing of the last adopted run, if there was one.
    pub previous_closing: Option<NaiveDate>,
}

/// The same days as instants (microseconds UTC), as `features.sql` names them, and until when an order must have been placed to be
/// settled. A lower bound is inclusive, an upper one exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub as_of: i64,
    pub closing: i64,
    pub window_start: i64,
    pub due_start: i64,
    pub next_start: i64,
    pub keep_start: i64,
    pub settled: i64,
    pub next_settled: i64,
    pub keep_settled: i64,
}

impl Bounds {
    /// All at one instant: for who only asks what was known then.
    #[must_use]
    pub fn at(instant: i64) -> Self {
        Self {
            as_of: instant,
            closing: instant,
            window_start: instant,
            due_start: instant,
            next_start: instant,
            keep_start: instant,
            settled: instant,
            next_settled: instant,
            keep_settled: instant,
        }
    }
}

impl Dates {
    /// The instants at which these days begin in `zone`.
    #[must_use]
    pub fn bounds(&self, zone: crate::domain::Zone) -> Bounds {
        Bounds {
            as_of: zone.midnight(self.as_of),
            closing: zone.midnight(self.closing),
            window_start: zone.midnight(self.window_start),
            due_start: zone.midnight(self.due_start),
            next_start: zone.midnight(self.next_start),
            keep_start: zone.midnight(self.keep_start),
            settled: zone.midnight(self.settled),
            next_settled: zone.midnight(self.next_settled),
            keep_settled: zone.midnight(self.keep_settled),
        }
    }
}
