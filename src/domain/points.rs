//! Points and cashback: the rules, the account that they make of a customer's orders, and what mails say of it.

use super::offer::{On, PerRank};
use chrono::NaiveDate;
use std::sync::Arc;

/// A share in millionths: 11,000 is 1.1 %. Points are exact, so no rate is ever a float.
pub type Millionths = u32;

/// `[points]`: what an order earns, and until when it may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsRule {
    pub rate: Rate,
    pub expire: Expire,
    /// The last day moves to the end of its month.
    pub month_end: bool,
}

/// A share of money, for everybody or by rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rate {
    All(Millionths),
    /// For each rank of the ladder, and for those without a rank.
    ByRank {
        ranks: PerRank<Millionths>,
        none: Millionths,
    },
}

impl Rate {
    /// The share of somebody who holds this rank.
    #[must_use]
    pub fn of(&self, rank: Option<super::RankIndex>) -> Millionths {
        match self {
            Self::All(rate) => *rate,
            Self::ByRank { none, ranks } => rank.map_or(*none, |rank| ranks.get(usize::from(rank)).copied().flatten().unwrap_or(0)),
        }
    }
}

/// When points are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expire {
    Never,
    /// So long after the last order, all of them; each order moves it.
    AfterLastOrder(Lasting),
    /// So long after they were earned.
    AfterEarning(Lasting),
    /// At the end of this day of each year; 29 February is the 28th in other years.
    Yearly {
        month: u32,
        day: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    Months(u32),
    Days(u32),
}

/// `[cashback]`: a share of the window's spend that is paid back at each review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CashbackRule {
    pub share: Rate,
    pub paid_as: CashbackAs,
    /// Less than this is not paid: points, or minor units.
    pub at_least: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CashbackAs {
    /// Into the account of `[points]`, at the closing.
    Points,
    /// As the amount of a coupon.
    Coupon,
}

/// What a mail may say of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Points {
    pub balance: i64,
    /// How many of them expire next, and the last day on which they can be used; none when nothing ever expires.
    pub expiring: i64,
    pub expire_on: Option<NaiveDate>,
}

/// What is paid back to a customer: what the review of the closing pays, and what earlier ones still owe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cashback {
    /// Points, which are in the account from the closing on.
    pub points: Option<i64>,
    /// Minor units, for a coupon.
    pub amount: Option<i64>,
    /// Of the amount, what earlier reviews paid and no mail has given yet.
    pub carried: Option<i64>,
}

/// What a plan says of a customer's points and cashback. The default is that of a job which has neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    pub points: Option<Points>,
    /// Points that orders used beyond the balance; only where rankmail keeps the accounts.
    pub overdrawn: Option<i64>,
    pub cashback: Cashback,
}

/// A customer's account at 00:00 of an as-of date. Earned is used, expired or in the balance: the sums agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Cashback is earned too, and what mails promised.
    pub earned: i64,
    pub used: i64,
    pub expired: i64,
    pub balance: i64,
    /// What is left, the oldest first.
    pub lots: Vec<Lot>,
    /// Orders that used more than there was.
    pub overdrawn: Vec<Overdrawn>,
    /// What orders earned beside their own points because a mail had promised it.
    pub promised: Vec<Kept>,
}

/// What a mail of an adopted run promised: for one order, its points several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub campaign: Arc<str>,
    /// The first and the last day; `None`: it has no end.
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
    /// What it gives beside the order's own points, as a share of those: 2,000,000 for three times.
    pub more: Millionths,
    /// Only for an order of this net or more, minor units.
    pub over: i64,
    /// Only for what the order has of this.
    pub on: Option<Arc<On>>,
}

/// A promise that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub order: String,
    pub on: NaiveDate,
    pub campaign: Arc<str>,
    pub points: i64,
}

/// Points that were earned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    pub earned_on: NaiveDate,
    /// How many of them are left.
    pub points: i64,
    /// The last day on which they can be used; `None`: they never expire.
    pub last_day: Option<NaiveDate>,
}

/// An order that used more points than there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdrawn {
    pub order: String,
    pub on: NaiveDate,
    /// What the order says, and what the balance held.
    pub asked: i64,
    pub used: i64,
}

impl Cashback {
    /// With what earlier reviews still owe (minor units; nothing for 0 or less).
    #[must_use]
    pub fn carrying(self, owed: i64) -> Self {
        if owed <= 0 {
            return self;
        }
        Self { amount: Some(self.amount.unwrap_or(0).saturating_add(owed)), carried: Some(owed), ..self }
    }

    /// What is paid back, in what it counts in.
    #[must_use]
    pub fn paid(&self) -> Option<i64> {
        self.points.or(self.amount)
    }
}

impl Account {
    /// What mails say of it.
    #[must_use]
    pub fn points(&self) -> Points {
        let expire_on = self.lots.iter().filter_map(|lot| lot.last_day).min();
        let next = self.lots.iter().filter(|lot| expire_on.is_some() && lot.last_day == expire_on);
        Points { balance: self.balance, expiring: next.map(|lot| lot.points).sum(), expire_on }
    }

    /// Points that orders used and that were not there.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.overdrawn.iter().fold(0, |sum, each| sum.saturating_add(each.asked.saturating_sub(each.used)))
    }
}

/// The accounts of a whole shop, for `plan.json`. Where the customer list tells the balances, only those are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointsTotals {
    pub earned: i64,
    pub used: i64,
    pub expired: i64,
    pub balance: i64,
    /// Customers with a balance.
    pub holders: u64,
    /// Customers with orders that used more than there was, and by how much.
    pub overdrawn: u64,
    pub missing: i64,
}

impl PointsTotals {
    /// One account.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let missing = account.missing();
        Self {
            earned: account.earned,
            used: account.used,
            expired: account.expired,
            balance: account.balance,
            holders: u64::from(account.balance > 0),
            overdrawn: u64::from(missing > 0),
            missing,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            earned: self.earned.saturating_add(other.earned),
            used: self.used.saturating_add(other.used),
            expired: self.expired.saturating_add(other.expired),
            balance: self.balance.saturating_add(other.balance),
            holders: self.holders + other.holders,
            overdrawn: self.overdrawn + other.overdrawn,
            missing: self.missing.saturating_add(other.missing),
        }
    }
}

/// What is paid back to the whole shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CashbackTotals {
    pub customers: u64,
    pub points: i64,
    /// Minor units.
    pub amount: i64,
    /// Of the amount, what earlier reviews still owed.
    pub carried: i64,
}

impl CashbackTotals {
    /// With one more customer.
    #[must_use]
    pub fn plus(self, paid: Cashback) -> Self {
        Self {
            customers: self.customers + u64::from(paid.paid().is_some()),
            points: self.points.saturating_add(paid.points.unwrap_or(0)),
            amount: self.amount.saturating_add(paid.amount.unwrap_or(0)),
            carried: self.carried.saturating_add(paid.carried.unwrap_or(0)),
        }
    }
}
