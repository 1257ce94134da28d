//! What is missing to the next rank, and what is missing to keep the one held.
//!
//! The second number is a promise: who is told 0 does not fall at the review ahead, and who falls was told. It holds because the review
//! asks for the same thing over the same days as the telling. The telling counts the orders from the start of the window of `keep_by`
//! to the as-of date, as far as they are settled by `keep_by`; the review, whenever it is run, takes place at R = `keep_by` and counts
//! from the same day to its closing, which is neither before the as-of date of the telling nor before R. So without returns the
//! review's figures are at least those that were told; and whoever it finds short was short already. Grace, safety and a rank given by
//! hand are read after this closing's move, as the review will find them; runs in between move them only together with a new telling.

use super::conditions::{Figures, Metric, ways_to_keep};
use super::{RowIn, Tops};
use crate::domain::ladder::{Admission, Condition, Down, Up};
use crate::domain::{Dates, Ladder, RankIndex, Standing};
use chrono::NaiveDate;
use std::cmp::Ordering;

/// Fills in the distances of a standing whose rank is decided.
pub fn measure(ladder: &Ladder, dates: &Dates, tops: &Tops, row: &RowIn<'_>, standing: &mut Standing) {
    to_next(ladder, dates, tops, row, standing);
    to_keep(ladder, dates, row, standing);
}

/// The next chance to rise, and what is known today of it.
struct Chance {
    on: NaiveDate,
    figures: Figures,
    /// What is known of the spend in its window.
    spend: i64,
    /// Orders before this day count for it.
    settled: NaiveDate,
}

impl Chance {
    /// The next closing; for those who hold a rank and rise at reviews only, the review ahead.
    fn next(ladder: &Ladder, dates: &Dates, row: &RowIn<'_>, rank: Option<RankIndex>) -> Option<Self> {
        if ladder.up == Up::AtReview && rank.is_some() {
            let spend = row.features.keep_spend_known;
            Some(Self { on: dates.keep_by?, figures: Figures::for_keep(row), spend, settled: dates.keep_settled })
        } else {
            let spend = row.features.next_spend_known;
            Some(Self { on: dates.next_closing, figures: Figures::for_next(row), spend, settled: dates.next_settled })
        }
    }
}

/// The distance to the rank above, or to the lowest one for those without a rank, on the window of the next chance to rise. What is
/// missing is told as long as an order of today still counts for it: later no number would be true.
fn to_next(ladder: &Ladder, dates: &Dates, tops: &Tops, row: &RowIn<'_>, standing: &mut Standing) {
    let above = standing.rank.map_or(0, |rank| usize::from(rank) + 1);
    let Some(rank) = ladder.ranks.get(above) else { return };
    standing.next_rank = RankIndex::try_from(above).ok();
    let Some(chance) = Chance::next(ladder, dates, row, standing.rank) else { return };
    standing.next_last_day = chance.settled.pred_opt();
    let too_late = dates.as_of >= chance.settled;
    match &rank.admits {
        Admission::Top(_) => {
            standing.next_spend = tops.cutoff(above).map(|last| last.spend.saturating_sub(chance.spend).max(0));
        }
        Admission::AnyOf(ways) => {
            let Some(nearest) = nearest(ways.iter(), &chance.figures, chance.on) else { return };
            standing.next_orders = nearest.orders;
            standing.next_spend = nearest.spend;
            standing.next_on = nearest.tenure_on.filter(|day| *day > dates.as_of);
        }
    }
    if too_late && is_missing(standing.next_orders, standing.next_spend) {
        (standing.next_orders, standing.next_spend) = (None, None);
    }
}

fn is_missing(orders: Option<i64>, spend: Option<i64>) -> bool {
    [orders, spend].into_iter().flatten().any(|missing| missing > 0)
}

/// The distance to keep the rank at the review ahead, for those whom it can lower. Below the lowest rank lies none, so with either way
/// of falling it can lower everybody who is neither safe nor forgiven nor held up by hand. `top` ranks have no such distance: it
/// depends on the others.
///
/// A tenure, once reached, stays reached; it is missing only where a rank was taken from the list or the ladder was changed. If it
/// comes in time, it does not matter here. If not, or if no order of today is settled by then, buying cannot keep the rank: then the
/// customer is at risk without a number, because 0 would be untrue and so would every other number.
fn to_keep(ladder: &Ladder, dates: &Dates, row: &RowIn<'_>, standing: &mut Standing) {
    let Some(held) = standing.rank else { return };
    let Some(rank) = ladder.ranks.get(usize::from(held)) else { return };
    let Some(keep_by) = dates.keep_by.filter(|_| ladder.down != Down::Never) else { return };
    let forgiven = standing.missed < ladder.grace;
    let safe = standing.safe_until.is_some_and(|safe_until| keep_by < safe_until);
    let given = row.given.is_some_and(|given| given.lasts(keep_by) && given.rank >= held);
    if forgiven || safe || given || matches!(rank.admits, Admission::Top(_)) {
        return;
    }
    standing.keep_by = Some(keep_by);
    standing.keep_last_day = dates.keep_settled.pred_opt();
    let figures = Figures::for_keep(row);
    let in_time = ways_to_keep(rank).iter().filter(|way| figures.tenure_by(way, keep_by));
    match nearest(in_time, &figures, keep_by) {
        Some(nearest) if dates.as_of < dates.keep_settled || !is_missing(nearest.orders, nearest.spend) => {
            (standing.keep_orders, standing.keep_spend) = (nearest.orders, nearest.spend);
        }
        _ => standing.keep_out_of_reach = true,
    }
}

/// What one condition still asks for.
struct Missing {
    orders: Option<i64>,
    /// Minor units.
    spend: Option<i64>,
    /// The day on which its tenure is or was reached, if it asks for one and something has begun.
    tenure_on: Option<NaiveDate>,
    shortfall: Share,
}

/// The condition that is nearest: the one whose shortfall is the smallest share of what it asks for, the first of equals.
fn nearest<'a>(ways: impl Iterator<Item = &'a Condition>, figures: &Figures, by: NaiveDate) -> Option<Missing> {
    ways.map(|way| missing(way, figures, by)).min_by(|a, b| a.shortfall.compare(b.shortfall))
}

/// What is missing, metric by metric. A need in the window and a need of all time are met by the same orders, so the larger is told.
/// The metric that is relatively farthest away decides how far the condition is, because one order serves all of them.
fn missing(condition: &Condition, figures: &Figures, by: NaiveDate) -> Missing {
    let tenure_on = condition.tenure_months.and_then(|months| figures.tenure_on(months));
    let mut missing = Missing { orders: None, spend: None, tenure_on, shortfall: tenure_shortfall(condition, figures, tenure_on, by) };
    for metric in Metric::ALL {
        let Some(wanted) = metric.wanted(condition) else { continue };
        let lack = wanted.saturating_sub(figures.of(metric)).max(0);
        let told = match metric {
            Metric::Orders | Metric::OrdersEver => &mut missing.orders,
            Metric::Spend | Metric::SpendEver => &mut missing.spend,
        };
        *told = Some(told.map_or(lack, |other| other.max(lack)));
        missing.shortfall = missing.shortfall.larger(Share::new(lack, wanted));
    }
    missing
}

/// How much of a tenure is missing on the day it is needed. Where nothing has begun, all of it is.
fn tenure_shortfall(condition: &Condition, figures: &Figures, reached: Option<NaiveDate>, by: NaiveDate) -> Share {
    match (condition.tenure_months, figures.tenure_from, reached) {
        (None, ..) => Share::new(0, 1),
        (Some(_), Some(from), Some(reached)) => Share::new((reached - by).num_days().max(0), (reached - from).num_days()),
        (Some(_), ..) => Share::new(1, 1),
    }
}

/// A fraction of what is asked for, compared exactly.
#[derive(Debug, Clone, Copy)]
struct Share {
    part: i64,
    whole: i64,
}

impl Share {
    fn new(part: i64, whole: i64) -> Self {
        Self { part, whole: whole.max(1) }
    }

    fn compare(self, other: Self) -> Ordering {
        (i128::from(self.part) * i128::from(other.whole)).cmp(&(i128::from(other.part) * i128::from(self.whole)))
    }

    fn larger(self, other: Self) -> Self {
        if self.compare(other) == Ordering::Less { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive::{day, ladder};
    use super::super::{assign, dates, tops};
    use super::*;
    use crate::domain::standing::Held;
    use crate::domain::{FeatureRow, Rank, RankChange};

    fn one(orders: Option<i64>, spend: Option<i64>, tenure_months: Option<u32>) -> Condition {
        Condition { orders, spend, tenure_months, ..Condition::default() }
    }

    fn rank(admits: Admission, keep: Option<Condition>) -> Rank {
        Rank { name: String::new(), was: vec![], admits, keep }
    }

    fn stands(ladder: &Ladder, features: &FeatureRow, since: Option<&str>, held: Option<RankIndex>) -> Standing {
        let since = since.map(day);
        let held = held.map(|rank| Held { rank, since: None, missed: 0, safe_until: None });
        let row =
            RowIn { id: "c", features, tenure_from_closing: since, tenure_from_next: since, tenure_from_keep: since, held, given: None };
        let tops = tops(ladder, [("c", features), ("d", &FeatureRow { spend: 900, orders: 3, ..FeatureRow::default() })].into_iter());
        assign(ladder, &dates(day("2026-12-03"), ladder, None, None), &tops, &row)
    }

    #[test]
    fn the_nearest_alternative_is_told_and_the_first_of_equals() {
        let ways = vec![one(Some(10), Some(100), None), one(None, Some(400), None), one(Some(4), None, None)];
        let ladder = Ladder { ranks: vec![rank(Admission::AnyOf(ways), None)], ..ladder() };
        let told = |orders, spend| {
            let features = FeatureRow { next_orders_known: orders, next_spend_known: spend, ..FeatureRow::default() };
            let standing = stands(&ladder, &features, None, None);
            (standing.next_rank, standing.next_orders, standing.next_spend)
        };
        assert_eq!(told(1, 350), (Some(0), None, Some(50)));
        assert_eq!(told(3, 10), (Some(0), Some(1), None));
        assert_eq!(told(0, 0), (Some(0), Some(10), Some(100)), "all of each is missing, so the first is told");
        assert_eq!(told(9, 100), (Some(0), Some(0), None), "four orders are there");
    }

    #[test]
    fn a_need_of_all_time_and_one_in_the_window_are_told_as_the_larger() {
        let both = Condition { orders_ever: Some(10), ..one(Some(2), None, Some(12)) };
        let ladder = Ladder { ranks: vec![rank(Admission::AnyOf(vec![both]), None)], ..ladder() };
        let features = FeatureRow { next_orders_known: 1, next_orders_ever_known: 7, ..FeatureRow::default() };
        let standing = stands(&ladder, &features, Some("2026-02-10"), None);
        assert_eq!((standing.next_orders, standing.next_on), (Some(3), Some(day("2027-02-10"))));
        assert_eq!(stands(&ladder, &features, Some("2025-12-03"), None).next_on, None, "reached on the as-of date");
        assert_eq!(stands(&ladder, &features, None, None).next_on, None, "nothing has begun");
    }

    #[test]
    fn a_top_rank_tells_the_spend_to_its_last_one_and_nothing_to_keep() {
        let lowest = rank(Admission::AnyOf(vec![one(Some(1), None, None)]), None);
        let ladder = Ladder { ranks: vec![lowest, rank(Admission::Top(0.5), Some(one(None, Some(5_000), None)))], ..ladder() };
        let features = FeatureRow { orders: 1, spend: 100, next_spend_known: 300, keep_orders_known: 1, ..FeatureRow::default() };
        let standing = stands(&ladder, &features, None, None);
        assert_eq!((standing.rank, standing.next_orders, standing.next_spend), (Some(0), None, Some(600)));
        assert_eq!((standing.keep_by, standing.keep_orders), (Some(day("2027-01-01")), Some(0)));
        let held = stands(&ladder, &features, None, Some(1));
        assert_eq!((held.rank, held.change, held.next_rank, held.keep_by), (Some(1), RankChange::Kept, None, None));
        assert!(!held.at_risk());
    }

    #[test]
    fn a_tenure_that_comes_too_late_is_a_risk_without_a_number() {
        let plain = ladder();
        let features = FeatureRow { keep_orders_known: 9, keep_spend_known: 300_000, ..FeatureRow::default() };
        let late = stands(&plain, &features, Some("2026-03-01"), Some(4));
        assert_eq!((late.rank, late.keep_by, late.keep_orders, late.keep_spend), (Some(4), Some(day("2027-01-01")), None, None));
        assert!(late.keep_out_of_reach && late.at_risk());
        let in_time = stands(&plain, &features, Some("2026-01-01"), Some(4));
        assert_eq!((in_time.keep_orders, in_time.keep_spend, in_time.at_risk()), (Some(0), Some(0), false));
    }
}
