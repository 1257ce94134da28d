//! The only file that reads the clock.

use chrono::{NaiveDate, TimeZone, Utc};

/// Microseconds since 1970-01-01 00:00 UTC, now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// Today in a time zone.
#[must_use]
pub fn today(zone: crate::domain::Zone) -> NaiveDate {
    zone.date(now()).unwrap_or_else(|| Utc.timestamp_nanos(0).date_naive())
}
