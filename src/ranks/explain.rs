//! The figures behind a rank: each condition of each rank, what it asks for, and what the customer has.

use super::conditions::{Figures, Metric, ways_to_keep};
use super::{RowIn, Tops};
use crate::domain::ladder::{Admission, Condition};
use crate::domain::{Dates, Ladder, Rank, Value};
use chrono::NaiveDate;

/// One metric of one condition of one rank.
#[derive(Debug, Clone, PartialEq)]
pub struct RankCheck {
    pub rank: String,
    pub purpose: Purpose,
    /// Which alternative of `any_of` this belongs to, from 1. A rank is admitted to or kept when all checks of one alternative hold.
    pub way: usize,
    /// The key in the job file: `orders`, `spend`, `orders_ever`, `spend_ever`, `tenure_months`, `top`. Spend is minor units.
    pub metric: &'static str,
    /// A number; for `top` the spend of the last one admitted, `Null` when nobody is.
    pub wanted: Value,
    /// A number; for `tenure_months` the day from which it counts, `Null` when nothing has begun.
    pub found: Value,
    pub holds: bool,
}

/// What a condition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be admitted, at the closing.
    Admits,
    /// To keep the rank held, at the review that is due.
    Keeps,
}

/// Lists every check that decided a customer's rank, the lowest rank first; after a rank's own checks, if it is the one held and a
/// review is due, those that would keep it.
#[must_use]
pub fn explain(ladder: &Ladder, dates: &Dates, tops: &Tops, row: &RowIn<'_>) -> Vec<RankCheck> {
    let mut checks = Vec::new();
    for (at, rank) in ladder.ranks.iter().enumerate() {
        match &rank.admits {
            Admission::AnyOf(ways) => check(&mut checks, rank, Purpose::Admits, ways, &Figures::at_closing(row), dates.closing),
            Admission::Top(_) => checks.push(RankCheck {
                rank: rank.name.clone(),
                purpose: Purpose::Admits,
                way: 1,
                metric: "top",
                wanted: Value::maybe(tops.cutoff(at).map(|last| last.spend)),
                found: Value::Int(row.features.spend),
                holds: tops.admit(at, row.id, row.features),
            }),
        }
        if dates.review.is_some() && row.held.is_some_and(|held| usize::from(held.rank) == at) {
            check(&mut checks, rank, Purpose::Keeps, ways_to_keep(rank), &Figures::at_review(row), dates.closing);
        }
    }
    checks
}

/// Adds the checks of a rank's alternatives.
fn check(checks: &mut Vec<RankCheck>, rank: &Rank, purpose: Purpose, ways: &[Condition], figures: &Figures, on: NaiveDate) {
    for (way, condition) in ways.iter().enumerate() {
        let mut add = |metric, wanted, found, holds| {
            checks.push(RankCheck { rank: rank.name.clone(), purpose, way: way + 1, metric, wanted, found, holds });
        };
        for metric in Metric::ALL {
            let Some(wanted) = metric.wanted(condition) else { continue };
            let found = figures.of(metric);
            add(metric.word(), Value::Int(wanted), Value::Int(found), found >= wanted);
        }
        if let Some(months) = condition.tenure_months {
            add("tenure_months", Value::Int(months.into()), Value::maybe(figures.tenure_from), figures.tenure_by(condition, on));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive::{day, ladder};
    use super::super::{assign, dates};
    use super::*;
    use crate::domain::FeatureRow;
    use crate::domain::ladder::PreviousRun;
    use crate::domain::standing::Held;

    #[test]
    fn checks_show_the_figures_and_agree_with_the_rank() {
        let ladder = ladder();
        let before = PreviousRun { as_of: day("2026-11-01"), closing: day("2026-11-01"), keep_by: Some(day("2026-12-01")) };
        let dates = dates(day("2026-12-01"), &ladder, Some(&before), None);
        let features = FeatureRow {
            orders: 6,
            spend: 90_000,
            due_orders: 6,
            due_spend: 90_000,
            orders_ever: 9,
            spend_ever: 200_000,
            ..FeatureRow::default()
        };
        let row = RowIn {
            id: "c",
            features: &features,
            tenure_from_closing: Some(day("2024-05-01")),
            tenure_from_next: Some(day("2024-05-01")),
            tenure_from_keep: Some(day("2024-05-01")),
            held: Some(Held { rank: 3, since: None, missed: 0, safe_until: None }),
            given: None,
        };
        let checks = explain(&ladder, &dates, &Tops::default(), &row);
        let spend = |rank: &str, purpose| {
            let check = checks.iter().find(|check| check.rank == rank && check.purpose == purpose && check.metric == "spend").unwrap();
            (check.wanted.clone(), check.found.clone(), check.holds)
        };
        assert_eq!(spend("AAA", Purpose::Admits), (Value::Int(100_000), Value::Int(90_000), false));
        assert_eq!(spend("AAA", Purpose::Keeps), (Value::Int(80_000), Value::Int(90_000), true));
        assert_eq!(checks.len(), 1 + 2 + 2 + 3 + 1 + 3);
        let tenure = checks.iter().find(|check| check.rank == "VIP" && check.metric == "tenure_months").unwrap();
        assert_eq!((&tenure.wanted, &tenure.found, tenure.holds), (&Value::Int(12), &Value::Date(day("2024-05-01")), true));
        assert_eq!(assign(&ladder, &dates, &Tops::default(), &row).rank, Some(3));
    }
}
