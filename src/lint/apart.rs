//! Conditions that exclude each other.

use crate::domain::Campaign;
use crate::domain::campaign::{Categories, DayRange, NumberRange, RankMove, When, Where, WhereTest};
use crate::domain::recommend::Overdue;
use crate::domain::zone::{first_of_month, months_before};
use chrono::{Datelike, NaiveDate};

/// Whether no customer can meet both on one day.
pub fn never_together(one: &Campaign, other: &Campaign) -> bool {
    let (a, b) = (&one.when, &other.when);
    let ranges = [
        (a.days_since_last_order, b.days_since_last_order),
        (a.days_since_first_order, b.days_since_first_order),
        (a.orders, b.orders),
        (a.spend, b.spend),
        (a.orders_ever, b.orders_ever),
        (a.spend_ever, b.spend_ever),
        (a.points, b.points),
        (a.cashback, b.cashback),
    ];
    ranges.into_iter().any(|(x, y)| both(x, y, numbers))
        || both(a.overdue, b.overdue, intervals)
        || both(a.rank, b.rank, moves)
        || both(a.birthday, b.birthday, yearly)
        || both(a.anniversary, b.anniversary, yearly)
        || both(a.bought.as_ref(), b.not_bought.as_ref(), none_left)
        || both(b.bought.as_ref(), a.not_bought.as_ref(), none_left)
        || !have_a_day(a, b)
        || one.wheres.iter().any(|x| other.wheres.iter().any(|y| columns(x, y)))
}

fn both<T>(one: Option<T>, other: Option<T>, apart: impl Fn(T, T) -> bool) -> bool {
    one.zip(other).is_some_and(|(one, other)| apart(one, other))
}

fn numbers(one: NumberRange, other: NumberRange) -> bool {
    let before = |one: NumberRange, other: NumberRange| both(one.to, other.from, |to, from| to < from);
    before(one, other) || before(other, one)
}

fn intervals(one: Overdue, other: Overdue) -> bool {
    one.to.is_some_and(|to| to < other.from) || other.to.is_some_and(|to| to < one.from)
}

/// A rank moves one way at a time; whoever rose, fell or is new may be at risk too.
fn moves(one: RankMove, other: RankMove) -> bool {
    one != other && one != RankMove::AtRisk && other != RankMove::AtRisk
}

/// Whoever bought one of some categories has bought none of others, and those are among them.
fn none_left(bought: &Categories, not_bought: &Categories) -> bool {
    bought.names.iter().all(|name| not_bought.names.contains(name))
}

/// Whether a day that comes every year cannot fall into both.
fn yearly(one: DayRange, other: DayRange) -> bool {
    if matches!((one, other), (DayRange::ThisMonth, DayRange::NextMonth) | (DayRange::NextMonth, DayRange::ThisMonth)) {
        return true;
    }
    // Days from the as-of date on, at the earliest and at the latest.
    let days = |range: DayRange| match range {
        DayRange::ThisMonth => (-30, 30),
        DayRange::NextMonth => (1, 61),
        DayRange::ThisWeek => (-6, 6),
        DayRange::Today => (0, 0),
        DayRange::InDays(ahead) => (i64::from(ahead), i64::from(ahead)),
    };
    let ((first, last), (other_first, other_last)) = (days(one), days(other));
    // Two days that one customer has are whole years apart.
    let (nearest, furthest) = (first - other_last, last - other_first);
    let whole_years = nearest.abs().max(furthest.abs()) / 365;
    !(-whole_years..=whole_years).any(|years| {
        let (short, long) = (years * 365, years * 366);
        short.min(long) <= furthest && nearest <= short.max(long)
    })
}

/// Whether there is a day in the months and dates of both.
fn have_a_day(one: &When, other: &When) -> bool {
    let dates = [one.dates, other.dates].into_iter().flatten().reduce(|x, y| (x.0.max(y.0), x.1.min(y.1)));
    let asked = [&one.month, &other.month];
    let is_asked = |month: u32| asked.into_iter().flatten().all(|months| months.contains(&month));
    match dates {
        Some((first, last)) => first <= last && months_of(first, last).any(is_asked),
        None => (1..=12).any(is_asked),
    }
}

/// The months of these days, each once at least.
fn months_of(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = u32> {
    let begin = first_of_month(first);
    (0..12).map(move |ahead| months_before(begin, -ahead)).take_while(move |month| *month <= last).map(|month| month.month())
}

fn columns(one: &Where, other: &Where) -> bool {
    let asks = |test: &WhereTest| match test {
        WhereTest::OneOf(values) => values.iter().all(|value| !value.trim().is_empty()),
        WhereTest::Range(_) | WhereTest::DateRange { .. } | WhereTest::Truth(_) => true,
        WhereTest::Missing(missing) => !missing,
    };
    one.column == other.column
        && match (&one.test, &other.test) {
            (WhereTest::Missing(true), test) | (test, WhereTest::Missing(true)) => asks(test),
            (WhereTest::OneOf(left), WhereTest::OneOf(right)) => left.iter().all(|value| !right.contains(value)),
            (WhereTest::Range(left), WhereTest::Range(right)) => numbers(*left, *right),
            (WhereTest::Truth(left), WhereTest::Truth(right)) => left != right,
            (WhereTest::DateRange { from, to }, WhereTest::DateRange { from: other_from, to: other_to }) => {
                both(*to, *other_from, |to, from| to < from) || both(*other_to, *from, |to, from| to < from)
            }
            _ => false,
        }
}
