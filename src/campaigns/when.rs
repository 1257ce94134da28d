//! The conditions of time and history.

use super::{RunFacts, days};
use crate::domain::campaign::{DayRange, NumberRange, RankMove, When};
use crate::domain::{Person, RankChange};
use chrono::{Datelike, NaiveDate};

/// A key of `when`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Birthday,
    Anniversary,
    Month,
    Dates,
    DaysSinceLastOrder,
    DaysSinceFirstOrder,
    Orders,
    Spend,
    OrdersEver,
    SpendEver,
    Rank,
    Bought,
    NotBought,
    Overdue,
    Points,
    PointsExpireWithin,
    Cashback,
}

/// The yearly days that were found when all conditions hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hit {
    pub birthday: Option<NaiveDate>,
    pub anniversary: Option<NaiveDate>,
}

/// Checks the conditions in a fixed order; the error is the first that fails.
pub fn check(when: &When, person: &Person<'_>, run: &RunFacts<'_>) -> Result<Hit, Key> {
    let mut hit = Hit::default();
    if let Some(range) = when.birthday {
        let found = person.birthday().and_then(|birthday| days::falls(range, birthday, run.as_of));
        hit.birthday = Some(found.ok_or(Key::Birthday)?);
    }
    if let Some(range) = when.anniversary {
        hit.anniversary = Some(anniversary(range, person, run.as_of).ok_or(Key::Anniversary)?);
    }
    let month = when.month.as_ref().is_none_or(|months| months.contains(&run.as_of.month()));
    require(month, Key::Month)?;
    require(when.dates.is_none_or(|(first, last)| (first..=last).contains(&run.as_of)), Key::Dates)?;
    require(lies_back(when.days_since_last_order, person.last_order_on, run.as_of), Key::DaysSinceLastOrder)?;
    require(lies_back(when.days_since_first_order, person.first_order_on, run.as_of), Key::DaysSinceFirstOrder)?;
    let figures = person.features;
    require(counts(when.orders, figures.orders), Key::Orders)?;
    require(counts(when.spend, figures.spend), Key::Spend)?;
    require(counts(when.orders_ever, figures.orders_ever), Key::OrdersEver)?;
    require(counts(when.spend_ever, figures.spend_ever), Key::SpendEver)?;
    require(when.rank.is_none_or(|wanted| moved(wanted, person, run)), Key::Rank)?;
    require(when.bought.as_ref().is_none_or(|categories| figures.bought & categories.bits != 0), Key::Bought)?;
    require(when.not_bought.as_ref().is_none_or(|categories| figures.bought & categories.bits == 0), Key::NotBought)?;
    let overdue = when.overdue.is_none_or(|overdue| person.interval.is_some_and(|interval| interval.is(overdue)));
    require(overdue, Key::Overdue)?;
    let holding = &person.holding;
    require(counts_of(when.points, holding.points.map(|points| points.balance)), Key::Points)?;
    require(when.points_expire_within.is_none_or(|days| expires(days, person, run.as_of)), Key::PointsExpireWithin)?;
    require(counts_of(when.cashback, holding.cashback.paid()), Key::Cashback)?;
    Ok(hit)
}

fn require(holds: bool, key: Key) -> Result<(), Key> {
    if holds { Ok(()) } else { Err(key) }
}

/// The day of the first order comes back in the range, from the first full year on: the first order itself is no anniversary.
fn anniversary(range: DayRange, person: &Person<'_>, as_of: NaiveDate) -> Option<NaiveDate> {
    let first = person.anniversary_of?;
    days::falls(range, first, as_of).filter(|day| days::full_years(first, *day) >= 1)
}

/// How many days a local date lies before the as-of date; who has no such date never matches.
fn lies_back(range: Option<NumberRange>, day: Option<NaiveDate>, as_of: NaiveDate) -> bool {
    range.is_none_or(|range| day.is_some_and(|day| counts(Some(range), (as_of - day).num_days())))
}

#[expect(clippy::cast_precision_loss, reason = "job files hold no number that an f64 cannot, and no figure of a shop reaches 2^53")]
fn counts(range: Option<NumberRange>, figure: i64) -> bool {
    range.is_none_or(|range| range.holds(figure as f64))
}

/// A figure that not everybody has; who has none never matches.
fn counts_of(range: Option<NumberRange>, figure: Option<i64>) -> bool {
    range.is_none() || figure.is_some_and(|figure| counts(range, figure))
}

/// The last day of some points is at most so many days ahead, and not past.
fn expires(days: u32, person: &Person<'_>, as_of: NaiveDate) -> bool {
    let last = person.holding.points.filter(|points| points.expiring > 0).and_then(|points| points.expire_on);
    last.is_some_and(|last| (0..=i64::from(days)).contains(&(last - as_of).num_days()))
}

fn moved(wanted: RankMove, person: &Person<'_>, run: &RunFacts<'_>) -> bool {
    let standing = person.standing;
    match wanted {
        RankMove::Up => standing.change == RankChange::Up,
        RankMove::Down => standing.change == RankChange::Down,
        // At the first run everybody would be new.
        RankMove::New => standing.change == RankChange::New && !run.first_run,
        RankMove::AtRisk => standing.at_risk(),
    }
}
