//! Points: what a customer's orders earn, use and lose, told from all of them anew at each run. Pure; nothing is kept.
//!
//! The house owns four questions: what an order earns ([`earned`]), what mails promised to it beside that ([`keep`]), what an account
//! holds after everything that happened ([`account`]), and what a review pays back ([`cashback`]). Who held which rank when is handed in as rates.

mod account;
mod promises;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod properties;

pub use account::account;
pub use promises::{Bought, beyond_once, keep};

use crate::domain::points::{Cashback, CashbackAs, CashbackRule, Millionths};
use crate::domain::{Currency, RankIndex};
use chrono::NaiveDate;

/// Millionths in a whole.
const WHOLE: i128 = 1_000_000;

/// Something that moves an account. Days are local.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    Order {
        id: &'a str,
        on: NaiveDate,
        /// It was not taken back: only then it moves the end of points that expire after the last order.
        stands: bool,
        /// Points that its lines say were used.
        used: i64,
        earned: i64,
    },
    /// Points that a review paid back. They are there from 00:00 of the day on, before its orders.
    Credit { on: NaiveDate, points: i64 },
}

impl Event<'_> {
    /// The day on which it happens.
    #[must_use]
    pub fn on(&self) -> NaiveDate {
        match self {
            Self::Order { on, .. } | Self::Credit { on, .. } => *on,
        }
    }
}

/// What an order of this net earns: whole points of major units, rounded down. One that was taken back earns nothing.
#[must_use]
pub fn earned(net: i64, rate: Millionths, currency: &Currency) -> i64 {
    share_of(net, rate, currency.scale())
}

/// What a review pays back to somebody who holds this rank after it and spent this much in the window.
#[must_use]
pub fn cashback(rule: &CashbackRule, spend: i64, rank: Option<RankIndex>, currency: &Currency) -> Cashback {
    let share = rule.share.of(rank);
    let paid = |scale| Some(share_of(spend, share, scale)).filter(|paid| *paid > 0 && *paid >= rule.at_least);
    match rule.paid_as {
        CashbackAs::Points => Cashback { points: paid(currency.scale()), ..Cashback::default() },
        CashbackAs::Coupon => Cashback { amount: paid(1), ..Cashback::default() },
    }
}

/// The share of an amount of minor units, in units of `scale` minor units, rounded down.
fn share_of(amount: i64, share: Millionths, scale: i64) -> i64 {
    let exact = i128::from(amount.max(0)) * i128::from(share) / (WHOLE * i128::from(scale));
    i64::try_from(exact).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::points::Rate;

    fn currency(digits: u32) -> Currency {
        Currency { code: "XXX".into(), digits }
    }

    #[test]
    fn rates_are_exact_and_points_round_down() {
        assert_eq!(earned(1_000, 11_000, &currency(0)), 11, "1.1 % of 1,000, which a float makes 11.000000000000002");
        assert_eq!(earned(99, 10_000, &currency(0)), 0);
        assert_eq!(earned(19_999, 10_000, &currency(2)), 1, "one point is one dollar: 1 % of 199.99");
        assert_eq!(earned(-5_000, 10_000, &currency(0)), 0, "what was taken back earns nothing and costs nothing");
        assert_eq!(earned(i64::MAX, 1_000_000, &currency(0)), i64::MAX);
    }

    #[test]
    fn cashback_is_points_or_an_amount_and_not_too_little() {
        let rule = |paid_as, at_least| CashbackRule { share: Rate::ByRank { ranks: vec![None, Some(15_000)], none: 0 }, paid_as, at_least };
        let paid = |paid_as, at_least, rank| {
            let paid = cashback(&rule(paid_as, at_least), 1_000_050, rank, &currency(2));
            (paid.points, paid.amount)
        };
        assert_eq!(paid(CashbackAs::Points, 0, Some(1)), (Some(150), None));
        assert_eq!(paid(CashbackAs::Coupon, 0, Some(1)), (None, Some(15_000)));
        assert_eq!(paid(CashbackAs::Points, 151, Some(1)), (None, None));
        assert_eq!(paid(CashbackAs::Points, 0, Some(0)), (None, None));
        assert_eq!(paid(CashbackAs::Points, 0, None), (None, None));
    }
}
