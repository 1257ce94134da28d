//! Offers of points that mails of adopted runs made, and the orders that earned them.

use crate::domain::offer::On;
use crate::domain::points::{Millionths, Promise};
use chrono::NaiveDate;

/// Millionths in a whole.
const WHOLE: i128 = 1_000_000;

/// An order as promises look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// The local day.
    pub on: NaiveDate,
    /// Minor units; 0 or less was taken back and earns nothing.
    pub net: i64,
}

/// What each order earns beside its own points: the promise's place, and the points. Each promise is good for one order, the first
/// that fits, and no order is multiplied twice: of several promises it takes the one that gives most, of equals the earliest. `earned`
/// tells what an order, or what of it a promise is on, earns by itself. Orders come in the order of time.
pub fn keep(promises: &[Promise], orders: &[Bought], earned: &dyn Fn(usize, Option<&On>) -> i64) -> Vec<Option<(usize, i64)>> {
    let mut open: Vec<usize> = (0..promises.len()).collect();
    let mut kept = vec![None; orders.len()];
    for ((at, order), kept) in orders.iter().enumerate().zip(&mut kept).filter(|((_, order), _)| order.net > 0) {
        let fits = open.iter().copied().filter(|place| fits(&promises[*place], *order));
        let gives = fits.map(|place| (place, more(&promises[place], earned(at, promises[place].on.as_deref()))));
        // Of equals `max_by_key` takes the last one.
        *kept = gives.filter(|(_, points)| *points > 0).rev().max_by_key(|(_, points)| *points);
        if let Some((taken, _)) = *kept {
            open.retain(|place| *place != taken);
        }
    }
    kept
}

fn fits(promise: &Promise, order: Bought) -> bool {
    promise.from <= order.on && promise.until.is_none_or(|last| order.on <= last) && order.net >= promise.over
}

/// The points that a promise gives beside those that are earned anyway, rounded down.
fn more(promise: &Promise, earned: i64) -> i64 {
    i64::try_from(i128::from(earned.max(0)) * i128::from(promise.more) / WHOLE).unwrap_or(i64::MAX)
}

/// Three times the points are two times more. Offers have at most 1,000 times.
#[must_use]
pub fn beyond_once(times: f64) -> Millionths {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a thousand million")]
    let millionths = ((times - 1.0).clamp(0.0, 1_000.0) * 1e6).round() as Millionths;
    millionths
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::*;
    use chrono::Days;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(number)
    }

    fn promise(from: u64, until: Option<u64>, times: f64, over: i64) -> Promise {
        Promise { campaign: "triple".into(), from: day(from), until: until.map(day), more: beyond_once(times), over, on: None }
    }

    fn kept(promises: &[Promise], orders: &[(u64, i64)]) -> Vec<Option<(usize, i64)>> {
        let orders: Vec<Bought> = orders.iter().map(|(on, net)| Bought { on: day(*on), net: *net }).collect();
        keep(promises, &orders, &|at, on| if on.is_some() { 1 } else { orders[at].net / 100 })
    }

    #[test]
    fn one_order_in_time_earns_what_a_mail_promised() {
        let triple = promise(10, Some(20), 3.0, 5_000);
        let orders = [(9, 9_000), (10, 4_999), (10, -6_000), (20, 5_000), (20, 9_000)];
        assert_eq!(kept(std::slice::from_ref(&triple), &orders), [None, None, None, Some((0, 100)), None]);
        assert_eq!(kept(std::slice::from_ref(&triple), &[(21, 5_000)]), [None]);
        assert_eq!(kept(&[promise(10, None, 1.5, 0)], &[(900, 330)]), [Some((0, 1))], "half of 3, rounded down");
        let twice = promise(10, Some(20), 2.0, 0);
        assert_eq!(kept(&[twice.clone(), triple.clone()], &[(12, 9_000), (13, 9_000)]), [Some((1, 180)), Some((0, 90))]);
        assert_eq!(kept(&[twice.clone(), twice.clone()], &[(12, 9_000)]), [Some((0, 90))], "an order is multiplied once");
        assert_eq!(kept(&[twice], &[(12, 99), (13, 100)]), [None, Some((0, 1))], "an order that earns nothing leaves it open");
        let of_tea = Promise { on: Some(Arc::new(On::default())), ..triple };
        assert_eq!(kept(&[of_tea], &[(10, 9_000)]), [Some((0, 2))], "of what it is on");
    }

    #[test]
    fn times_are_exact() {
        assert_eq!([1.1, 1.5, 3.0, 1_000.0].map(beyond_once), [100_000, 500_000, 2_000_000, 999_000_000]);
    }

    proptest! {
        #[test]
        fn promises_are_kept_as_somebody_would_by_hand(
            promises in prop::collection::vec((0_u64..20, prop::option::of(0_u64..30), 1_u8..5, 0_i64..900), 0..5),
            orders in prop::collection::vec((0_u64..30, -500_i64..1_500), 0..8),
        ) {
            let promises: Vec<Promise> =
                promises.into_iter().map(|(from, until, times, over)| promise(from, until, f64::from(times), over)).collect();
            let mut orders = orders;
            orders.sort_unstable();
            let by_hand = naive::promised(&promises, &orders.iter().map(|(on, net)| (day(*on), *net, net / 100)).collect::<Vec<_>>());
            prop_assert_eq!(kept(&promises, &orders), by_hand);
        }
    }
}
