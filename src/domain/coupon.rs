//! Coupon codes: what was given to whom, and what became of it.

use super::offer::On;
use chrono::NaiveDate;
use std::sync::Arc;

/// A code as codes are compared: without outer white space, ASCII letters as capitals. Carts and people write them either way.
#[must_use]
pub fn folded(code: &str) -> String {
    code.trim().to_ascii_uppercase()
}

/// No code is longer, in bytes: customers type it.
pub const LONGEST_CODE: usize = 64;

/// What a campaign took out of its pool in one plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// The campaign's place in the job.
    pub campaign: usize,
    /// Codes that were never issued before this campaign's turn.
    pub free: u64,
    pub given: u64,
    /// Customers who got no mail because there was no code left.
    pub missing: u64,
}

/// A code that an adopted run gave to a customer. A code that is one for all is given many times.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuedCode {
    pub code: String,
    pub customer: String,
    /// Places in [`Issued::campaigns`] and [`Issued::ranks`].
    pub campaign: usize,
    pub rank: Option<usize>,
    /// The as-of date of the run: the first valid day.
    pub from: NaiveDate,
    /// The last valid day; `None`: it has no end.
    pub until: Option<NaiveDate>,
    pub terms: Arc<Terms>,
}

/// What a code takes off.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    pub percent: Option<f64>,
    /// Minor units.
    pub amount: Option<i64>,
    pub on: Option<On>,
}

/// All codes that the adopted runs of a job gave out, in the order of runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Issued {
    /// Names: first those of the job, in its order, then those that it no longer has.
    pub campaigns: Vec<String>,
    /// Names, the lowest rank first.
    pub ranks: Vec<String>,
    pub codes: Vec<IssuedCode>,
}

/// What became of the codes of a campaign for one rank. Money is minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub issued: u64,
    /// Used by the customer who got it, in time, for the first time.
    pub redeemed: u64,
    /// Not redeemed, and the last valid day is past.
    pub expired: u64,
    /// Not redeemed yet, and still valid.
    pub open: u64,
    /// The net of the orders that redeemed them.
    pub revenue: i64,
    /// What they took off.
    pub cost: i64,
}

/// A code that was used as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// The place in [`Issued::codes`].
    pub issued: usize,
    pub order: String,
    pub day: NaiveDate,
    /// Minor units: the order's net, and what the code took off.
    pub net: i64,
    pub cost: i64,
}

/// A use of a code that is not as it was meant. It is in no figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irregular {
    pub why: Irregularity,
    /// The place in [`Issued::codes`] of the code, where it was given to several the latest before the order.
    pub issued: usize,
    /// Who ordered.
    pub customer: String,
    pub order: String,
    pub day: NaiveDate,
    /// Minor units.
    pub net: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Irregularity {
    /// The customer had redeemed it before.
    Twice,
    /// It was given to other people only.
    SomebodyElse,
    AfterEnd,
    BeforeStart,
}

impl Irregularity {
    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Twice => "used_twice",
            Self::SomebodyElse => "somebody_else",
            Self::AfterEnd => "after_its_end",
            Self::BeforeStart => "before_its_start",
        }
    }
}

/// What became of all codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// (campaign, rank, figures), in the order of campaigns, the lowest rank first and no rank last.
    pub groups: Vec<(usize, Option<usize>, Tally)>,
    /// By day, customer, order and code.
    pub redemptions: Vec<Redemption>,
    /// By day, customer, order and code.
    pub irregular: Vec<Irregular>,
}

impl Tally {
    /// The figures of both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            issued: self.issued + other.issued,
            redeemed: self.redeemed + other.redeemed,
            expired: self.expired + other.expired,
            open: self.open + other.open,
            revenue: self.revenue.saturating_add(other.revenue),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}
