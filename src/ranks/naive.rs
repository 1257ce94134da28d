//! A plain second implementation of days, figures and rank moves, for tests only. It walks day by day and line by line, as one would
//! with pencil and paper, and shares no code with the room.

use crate::domain::ladder::{Admission, Closing, Condition, Down, PreviousRun, Review, Up, Window};
use crate::domain::standing::Given;
use crate::domain::{FeatureRow, Ladder, Rank};
use chrono::{Datelike, NaiveDate, TimeDelta};
use std::collections::BTreeMap;

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The ladder of the sample job, in yen.
pub fn ladder() -> Ladder {
    let rank = |name: &str, condition: Condition, keep: Option<Condition>| Rank {
        name: name.to_owned(),
        was: Vec::new(),
        admits: Admission::AnyOf(vec![condition]),
        keep,
    };
    let bought =
        |orders, spend, tenure_months| Condition { orders: Some(orders), spend: Some(spend), tenure_months, ..Condition::default() };
    Ladder {
        of: None,
        closing: Closing::Month,
        window: Window::Months(12),
        settle_days: 0,
        review: Review::Monthly,
        up: Up::AtOnce,
        down: Down::ToQualifying,
        grace: 0,
        keep_for_months: 6,
        ranks: vec![
            rank("A", Condition { orders_ever: Some(1), ..Condition::default() }, None),
            rank("AA", bought(2, 20_000, None), None),
            rank("AA+", bought(3, 50_000, None), None),
            rank("AAA", bought(5, 100_000, Some(6)), Some(Condition { spend: Some(80_000), ..Condition::default() })),
            rank("VIP", bought(8, 250_000, Some(12)), None),
        ],
    }
}

/// A purchase line of one customer: order, day, amount. Lines of one order share its number.
pub type Line = (u8, NaiveDate, i64);

/// Moves a day by whole months; a day that is not there becomes the last of its month.
pub fn plus_months(day: NaiveDate, months: i32) -> NaiveDate {
    let count = day.year() * 12 + day.month0().cast_signed() + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12).cast_unsigned() + 1);
    (1..=day.day()).rev().find_map(|last| NaiveDate::from_ymd_opt(year, month, last)).unwrap()
}

pub fn minus_window(day: NaiveDate, ladder: &Ladder) -> NaiveDate {
    let last = day - TimeDelta::days(ladder.settle_days.into());
    match ladder.window {
        Window::Months(months) => plus_months(day, -months.cast_signed()),
        Window::Days(days) => day - TimeDelta::days(days.into()),
        Window::AllTime => NaiveDate::from_ymd_opt(1, 1, 1).unwrap(),
        Window::YearFrom(month, first) => walk_back(last, |day| is_yearly(day, month, first)),
        Window::HalfYearFrom(month, first) => walk_back(last, |day| {
            is_yearly(day, month, first)
                || (178..188).any(|ago| {
                    let begun = day - TimeDelta::days(ago);
                    is_yearly(begun, month, first) && plus_months(begun, 6) == day
                })
        }),
    }
}

fn walk_back(mut day: NaiveDate, begins: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    loop {
        day = day.pred_opt().unwrap();
        if begins(day) {
            return day;
        }
    }
}

fn is_yearly(day: NaiveDate, month: u32, first: u32) -> bool {
    let leap_day_elsewhere = (month, first) == (2, 29) && !day.leap_year() && (day.month(), day.day()) == (2, 28);
    (day.month(), day.day()) == (month, first) || leap_day_elsewhere
}

fn is_review(review: &Review, day: NaiveDate) -> bool {
    match review {
        Review::Monthly => day.day() == 1,
        Review::Dates(dates) => dates.iter().any(|(month, first)| is_yearly(day, *month, *first)),
    }
}

/// The days of a run, found by walking.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    pub as_of: NaiveDate,
    pub closing: NaiveDate,
    pub review: Option<NaiveDate>,
    pub next_closing: NaiveDate,
    pub next_review: NaiveDate,
}

pub fn days(ladder: &Ladder, as_of: NaiveDate, previous: Option<PreviousRun>, next_due: Option<NaiveDate>) -> Days {
    let closing = if ladder.closing == Closing::Month { as_of.with_day(1).unwrap() } else { as_of };
    let next_closing = match ladder.closing {
        Closing::Month => plus_months(closing, 1),
        Closing::Day => next_due.unwrap_or_else(|| plus_months(as_of, 1)),
    };
    let review = previous
        .and_then(|run| run.closing.iter_days().skip(1).take_while(|day| *day <= closing).find(|day| is_review(&ladder.review, *day)));
    let next_review = closing.iter_days().skip(1).find(|day| is_review(&ladder.review, *day)).unwrap();
    Days { as_of, closing, review, next_closing, next_review }
}

/// Number and sum of the orders from `start` on that were placed more than `settle` days before `day`, from what happened before `end`.
fn figures(lines: &[Line], start: NaiveDate, end: NaiveDate, (day, settle): (NaiveDate, u32)) -> (i64, i64, Option<NaiveDate>) {
    let mut by_order: BTreeMap<u8, (NaiveDate, i64)> = BTreeMap::new();
    for (order, day, amount) in lines.iter().filter(|line| line.1 < end) {
        let (ordered, net) = by_order.entry(*order).or_insert((*day, 0));
        *ordered = (*ordered).min(*day);
        *net += amount;
    }
    let (mut orders, mut spend, mut first) = (0, 0, None);
    let settled = |ordered: NaiveDate| (day - ordered).num_days() > i64::from(settle);
    for (ordered, net) in by_order.into_values().filter(|(ordered, _)| *ordered >= start && settled(*ordered)) {
        spend += net;
        if net > 0 {
            orders += 1;
            first = first.map_or(Some(ordered), |other: NaiveDate| Some(other.min(ordered)));
        }
    }
    (orders, spend, first)
}

/// One customer's figures and the days that a tenure counts from: at the closing, and as known at the next closing and at the next
/// review. (Orders begin before the as-of date, so an order whose first line lies behind the closing has no net there and adds nothing.)
pub fn features(lines: &[Line], ladder: &Ladder, days: &Days) -> (FeatureRow, [Option<NaiveDate>; 3]) {
    let always = NaiveDate::MIN;
    let (closing, next, keep) =
        ((days.closing, ladder.settle_days), (days.next_closing, ladder.settle_days), (days.next_review, ladder.settle_days));
    let start = |end| minus_window(end, ladder);
    let (orders_ever, spend_ever, first_closing) = figures(lines, always, days.closing, closing);
    let (next_orders_ever_known, next_spend_ever_known, first_next) = figures(lines, always, days.as_of, next);
    let (keep_orders_ever_known, keep_spend_ever_known, first_keep) = figures(lines, always, days.as_of, keep);
    let (orders, spend, _) = figures(lines, start(days.closing), days.closing, closing);
    let (due_orders, due_spend, _) = figures(lines, start(days.review.unwrap_or(days.closing)), days.closing, closing);
    let (next_orders_known, next_spend_known, _) = figures(lines, start(days.next_closing), days.as_of, next);
    let (keep_orders_known, keep_spend_known, _) = figures(lines, start(days.next_review), days.as_of, keep);
    let row = FeatureRow {
        orders_ever,
        spend_ever,
        orders,
        spend,
        due_orders,
        due_spend,
        next_orders_known,
        next_spend_known,
        keep_orders_known,
        keep_spend_known,
        next_orders_ever_known,
        next_spend_ever_known,
        keep_orders_ever_known,
        keep_spend_ever_known,
        ..FeatureRow::default()
    };
    (row, [first_closing, first_next, first_keep])
}

/// What a run leaves of a customer's rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    pub rank: Option<u8>,
    pub change: &'static str,
    pub since: Option<NaiveDate>,
    pub missed: u32,
    pub safe_until: Option<NaiveDate>,
}

/// Whether a condition holds for (orders, spend, orders ever, spend ever) with a tenure from a day to another.
pub fn holds(asked: &Condition, have: (i64, i64, i64, i64), tenure_from: Option<NaiveDate>, on: NaiveDate) -> bool {
    if asked.orders.is_some_and(|orders| have.0 < orders) || asked.spend.is_some_and(|spend| have.1 < spend) {
        return false;
    }
    if asked.orders_ever.is_some_and(|orders| have.2 < orders) || asked.spend_ever.is_some_and(|spend| have.3 < spend) {
        return false;
    }
    match (asked.tenure_months, tenure_from) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(months), Some(from)) => plus_months(from, months.cast_signed()) <= on,
    }
}

/// The state table of ranks, read as a person reads it. Every rank of these ladders has one `at_least`.
pub fn step(
    ladder: &Ladder,
    days: &Days,
    row: &FeatureRow,
    tenure_from: Option<NaiveDate>,
    given: Option<Given>,
    before: Option<State>,
) -> State {
    let at_closing = (row.orders, row.spend, row.orders_ever, row.spend_ever);
    let at_review = (row.due_orders, row.due_spend, row.orders_ever, row.spend_ever);
    let mut q = None;
    for (at, rank) in (0_u8..).zip(&ladder.ranks) {
        let Admission::AnyOf(ways) = &rank.admits else { unreachable!() };
        if ways.iter().any(|way| holds(way, at_closing, tenure_from, days.closing)) {
            q = Some(at);
        }
    }
    let by_hand = |day: NaiveDate| match given {
        Some(Given { rank, until: None }) => Some(rank),
        Some(Given { rank, until: Some(until) }) if until >= day => Some(rank),
        _ => None,
    };
    let before = before.unwrap_or_default();
    let Some(h) = before.rank else {
        return match q.max(by_hand(days.closing)) {
            None => State { change: "none", ..State::default() },
            rank => State { rank, change: "new", since: Some(days.closing), missed: 0, safe_until: None },
        };
    };
    let may_rise = ladder.up == Up::AtOnce || days.review.is_some();
    let lifted = by_hand(days.closing).filter(|rank| *rank > h);
    if lifted.is_some() && !(may_rise && q >= lifted) {
        return State { rank: lifted, change: "up", since: Some(days.closing), missed: 0, safe_until: None };
    }
    if may_rise && q.is_some_and(|q| q > h) {
        let safe_until = (ladder.keep_for_months > 0).then(|| plus_months(days.closing, ladder.keep_for_months.cast_signed()));
        return State { rank: q, change: "up", since: Some(days.closing), missed: 0, safe_until };
    }
    let held = &ladder.ranks[usize::from(h)];
    let Admission::AnyOf(ways) = &held.admits else { unreachable!() };
    let keep: Vec<Condition> = held.keep.map_or_else(|| ways.clone(), |keep| vec![keep]);
    let passed = days.review.is_some() && keep.iter().any(|way| holds(way, at_review, tenure_from, days.closing));
    if q.is_some_and(|q| q >= h) || passed {
        return State { change: "kept", missed: 0, ..before };
    }
    let Some(review) = days.review else { return State { change: "kept", ..before } };
    if before.safe_until.is_some_and(|safe| review < safe) || ladder.down == Down::Never {
        return State { change: "kept", ..before };
    }
    if by_hand(review).is_some_and(|rank| rank >= h) {
        return State { change: "kept", ..before };
    }
    if before.missed < ladder.grace {
        return State { change: "missed", missed: before.missed + 1, ..before };
    }
    let rank = match (ladder.down, h) {
        (Down::OneStep, 0) => None,
        (Down::OneStep, h) => Some(h - 1),
        _ => q,
    };
    let rank = if rank < by_hand(review) { by_hand(review) } else { rank };
    State { rank, change: "down", since: rank.map(|_| days.closing), missed: 0, safe_until: None }
}
