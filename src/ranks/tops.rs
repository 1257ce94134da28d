//! `top` ranks: the last one admitted, which only the whole shop knows.

use crate::domain::ladder::Admission;
use crate::domain::{FeatureRow, Ladder};
use std::cmp::{Ordering, Reverse};

/// The cut-offs of a ladder's `top` ranks at one closing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tops {
    /// One place for each rank of the ladder; `None` where the rank is no `top` or admits nobody.
    cutoffs: Vec<Option<Cutoff>>,
}

/// The last one whom a `top` rank admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cutoff {
    /// Minor units in the window.
    pub spend: i64,
    pub orders: i64,
    pub id: String,
    /// How many are admitted, and of how many.
    pub admitted: usize,
    pub of: usize,
}

impl Tops {
    /// The last one admitted to the rank at this place of the ladder.
    #[must_use]
    pub fn cutoff(&self, rank: usize) -> Option<&Cutoff> {
        self.cutoffs.get(rank).and_then(Option::as_ref)
    }

    /// Whether the rank at this place of the ladder admits a customer.
    #[must_use]
    pub fn admit(&self, rank: usize, id: &str, features: &FeatureRow) -> bool {
        self.cutoff(rank).is_some_and(|last| {
            eligible(features) && order(&(features.spend, features.orders, id), &(last.spend, last.orders, &last.id)) != Ordering::Greater
        })
    }
}

/// Finds the cut-off of each `top` rank among all customers of the shop, given in any order. It takes linear time, and 32 bytes for
/// each customer who spent something; without a `top` rank it does not look at anybody.
#[must_use]
pub fn tops<'a>(ladder: &Ladder, people: impl Iterator<Item = (&'a str, &'a FeatureRow)>) -> Tops {
    if !ladder.ranks.iter().any(|rank| matches!(rank.admits, Admission::Top(_))) {
        return Tops::default();
    }
    let mut keys: Vec<(i64, i64, &str)> =
        people.filter(|(_, features)| eligible(features)).map(|(id, features)| (features.spend, features.orders, id)).collect();
    let cutoffs = ladder.ranks.iter().map(|rank| match rank.admits {
        Admission::Top(share) => last_admitted(&mut keys, share),
        Admission::AnyOf(_) => None,
    });
    Tops { cutoffs: cutoffs.collect() }
}

/// Of whom a share is taken: positive spend in the window, and an order in it.
fn eligible(features: &FeatureRow) -> bool {
    features.spend > 0 && features.orders > 0
}

/// Who comes first: more spend, then more orders, then the smaller id (UTF-8 bytes).
fn order(a: &(i64, i64, &str), b: &(i64, i64, &str)) -> Ordering {
    (Reverse((a.0, a.1)), a.2).cmp(&(Reverse((b.0, b.1)), b.2))
}

/// Selects, without sorting, the last of those who are admitted. Ids are compared only where spend and orders are equal.
fn last_admitted(keys: &mut [(i64, i64, &str)], share: f64) -> Option<Cutoff> {
    let of = keys.len();
    let admitted = rounded_up(share, of);
    let last = admitted.checked_sub(1).filter(|at| *at < of)?;
    let (_, (spend, orders, id), _) = keys.select_nth_unstable_by(last, order);
    Some(Cutoff { spend: *spend, orders: *orders, id: (*id).to_owned(), admitted, of })
}

/// The share of a count, rounded up. 5 % is no binary fraction, and 0.05 × 100 in floats may come out above 5 and round up to 6. So
/// the share is read as a whole number of billionths, finer than any that people write, and the rest is exact.
fn rounded_up(share: f64, count: usize) -> usize {
    const WHOLE: u128 = 1_000_000_000;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1e9 right here; NaN becomes 0")]
    let billionths = (share.clamp(0.0, 1.0) * 1e9).round() as u128;
    let exact = (billionths * count as u128).div_ceil(WHOLE);
    usize::try_from(exact).unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Rank;
    use proptest::prelude::*;

    fn ladder(shares: &[f64]) -> Ladder {
        let ranks = shares.iter().map(|share| Rank { name: String::new(), was: vec![], admits: Admission::Top(*share), keep: None });
        Ladder { ranks: ranks.collect(), ..super::super::naive::ladder() }
    }

    fn bought(spend: i64, orders: i64) -> FeatureRow {
        FeatureRow { orders, spend, ..FeatureRow::default() }
    }

    #[test]
    fn a_share_is_rounded_up_from_its_exact_value() {
        assert_eq!(rounded_up(0.05, 100), 5);
        assert_eq!(rounded_up(0.05, 101), 6);
        for hundredth in 1..=100_u32 {
            let count = hundredth as usize;
            assert_eq!(rounded_up(f64::from(hundredth) / 100.0, 100), count);
            assert_eq!(rounded_up(f64::from(hundredth) / 100.0, 10_000_000), count * 100_000);
        }
        assert_eq!((rounded_up(0.001, 1), rounded_up(0.5, 0), rounded_up(1.0, 7)), (1, 0, 7));
    }

    #[test]
    fn ties_go_by_orders_then_by_the_bytes_of_the_id() {
        let rows = [("b", bought(100, 2)), ("京", bought(100, 2)), ("a", bought(100, 1)), ("Z", bought(100, 2))];
        let found = tops(&ladder(&[0.5]), rows.iter().map(|(id, row)| (*id, row)));
        assert_eq!(found.cutoff(0), Some(&Cutoff { spend: 100, orders: 2, id: "b".into(), admitted: 2, of: 4 }));
        let admitted: Vec<&str> = rows.iter().filter(|(id, row)| found.admit(0, id, row)).map(|(id, _)| *id).collect();
        assert_eq!(admitted, ["b", "Z"]);
    }

    #[test]
    fn nobody_is_admitted_where_nobody_spent() {
        let rows = [("a", bought(0, 1)), ("b", bought(500, 0)), ("c", bought(-5, 2))];
        let found = tops(&ladder(&[1.0]), rows.iter().map(|(id, row)| (*id, row)));
        assert!(rows.iter().all(|(id, row)| !found.admit(0, id, row)));
        assert_eq!(found.cutoff(0), None);
    }

    proptest! {
        #[test]
        fn cut_offs_equal_a_full_sort_in_any_order_of_rows(
            (rows, shuffled) in proptest::collection::vec((-2_i64..6, 0_i64..3), 0..60).prop_flat_map(|rows| {
                let rows: Vec<(String, FeatureRow)> =
                    rows.into_iter().enumerate().map(|(at, (spend, orders))| (format!("c{at}"), bought(spend, orders))).collect();
                (Just(rows.clone()), Just(rows).prop_shuffle())
            }),
            percents in proptest::collection::vec(1_u32..=100, 1..3),
        ) {
            let ladder = ladder(&percents.iter().map(|percent| f64::from(*percent) / 100.0).collect::<Vec<_>>());
            let found = tops(&ladder, shuffled.iter().map(|(id, row)| (id.as_str(), row)));
            prop_assert_eq!(&found, &tops(&ladder, rows.iter().map(|(id, row)| (id.as_str(), row))));
            let mut sorted: Vec<&(String, FeatureRow)> = rows.iter().filter(|(_, row)| row.spend > 0 && row.orders > 0).collect();
            sorted.sort_by(|a, b| b.1.spend.cmp(&a.1.spend).then(b.1.orders.cmp(&a.1.orders)).then(a.0.cmp(&b.0)));
            for (rank, percent) in percents.iter().enumerate() {
                let wanted = (sorted.len() * *percent as usize).div_ceil(100);
                for (at, (id, row)) in sorted.iter().enumerate() {
                    prop_assert_eq!(found.admit(rank, id, row), at < wanted);
                }
                let count = rows.iter().filter(|(id, row)| found.admit(rank, id, row)).count();
                prop_assert_eq!(count, wanted);
            }
        }
    }
}
