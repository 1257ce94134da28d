//! What a mail is on the occasion of, so that it is sent once for it.

use super::RunFacts;
use super::days::full_years;
use super::when::Hit;
use crate::domain::campaign::{RankMove, When};
use crate::domain::{Occasion, Person};
use chrono::{Datelike, NaiveDate};

/// The occasion of a match: the first of these that `when` asks for: birthday, anniversary, the closing that pays back, last order,
/// rank move, risk, the day on which points expire, dates; else the month of the as-of date.
pub fn occasion(when: &When, person: &Person<'_>, run: &RunFacts<'_>, hit: Hit) -> Occasion {
    let yearly = |day: NaiveDate, origin: Option<NaiveDate>| Occasion {
        word: day.year().to_string(),
        date: Some(day),
        // A birth year that lies ahead is a placeholder, and nobody's age.
        years: origin.map(|origin| full_years(origin, day)).filter(|years| *years >= 0),
    };
    if let Some(day) = hit.birthday {
        return yearly(day, person.birthday());
    }
    if let Some(day) = hit.anniversary {
        return yearly(day, person.anniversary_of);
    }
    match day(when, person, run) {
        Some(day) => Occasion { word: day.to_string(), date: Some(day), years: None },
        None => Occasion { word: run.as_of.format("%Y-%m").to_string(), date: None, years: None },
    }
}

/// The day that names the occasion, where it is a day.
fn day(when: &When, person: &Person<'_>, run: &RunFacts<'_>) -> Option<NaiveDate> {
    let win_back = when.days_since_last_order.and(person.last_order_on);
    let moved = || match when.rank? {
        RankMove::AtRisk => person.standing.keep_by,
        // Who fell to no rank has no `rank_since`; the move happened at this closing.
        RankMove::Up | RankMove::Down | RankMove::New => Some(person.standing.since.unwrap_or(run.closing)),
    };
    let points = || when.points_expire_within.and(person.holding.points).and_then(|points| points.expire_on);
    let cashback = || when.cashback.map(|_| run.closing);
    // What one closing pays back is not what the next one pays, though the last order be the same.
    cashback().or(win_back).or_else(moved).or_else(points).or_else(|| when.dates.map(|(first, _)| first))
}
