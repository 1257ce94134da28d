//! Recommendations: what a job asks for, and what one customer is recommended and why.

use super::offer::On;

/// An offer that recommends products, as the job asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommend {
    pub from: Source,
    /// The most products that one mail recommends.
    pub count: usize,
    /// The only categories and products that may be recommended; `None`: all.
    pub on: Option<On>,
    /// How many orders, or customers, must speak for a recommendation.
    pub support: Support,
    /// How overdue a product is that is bought again.
    pub overdue: Overdue,
}

/// What a recommendation is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    OtherWallets,
    BoughtTogether,
    BuyAgain,
}

impl Source {
    /// The word in the job.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OtherWallets => "other wallets",
            Self::BoughtTogether => "bought together",
            Self::BuyAgain => "buy again",
        }
    }
}

/// The least number that must speak for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    Count(u64),
    /// Of all there are: 1,000 is 0.1 %.
    Millionths(u64),
}

impl Support {
    /// The least number out of `all`, at least 1.
    #[must_use]
    pub fn floor(self, all: u64) -> u64 {
        let least = match self {
            Self::Count(count) => count,
            Self::Millionths(share) => u64::try_from((u128::from(share) * u128::from(all)).div_ceil(1_000_000)).unwrap_or(u64::MAX),
        };
        least.max(1)
    }
}

/// How many times the usual interval has passed, in thousandths; both ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    pub from: u32,
    pub to: Option<u32>,
}

impl std::fmt::Display for Overdue {
    /// As the job writes it: `1.5x..3x`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}x", f64::from(self.from) / 1_000.0)?;
        self.to.map_or(Ok(()), |to| write!(out, "..{}x", f64::from(to) / 1_000.0))
    }
}

/// How long somebody usually waits, and how long it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Twice the median of the days between two neighbours, which may be a half.
    pub twice_usual: i64,
    /// Days since the last.
    pub since: i64,
}

impl Interval {
    /// Of days on which something happened (ascending, each once), seen from another day: there must be three of them, so that two
    /// intervals can be compared.
    #[must_use]
    pub fn of(days: &[i64], today: i64) -> Option<Self> {
        let (last, 3..) = (*days.last()?, days.len()) else { return None };
        let mut between: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        between.sort_unstable();
        let upper = between[between.len() / 2];
        let lower = between[(between.len() - 1) / 2];
        Some(Self { twice_usual: lower + upper, since: today - last })
    }

    /// Whether so many times the usual interval has passed.
    #[must_use]
    pub fn is(&self, overdue: Overdue) -> bool {
        let (passed, usual) = (2_000 * i128::from(self.since), i128::from(self.twice_usual));
        passed >= i128::from(overdue.from) * usual && overdue.to.is_none_or(|to| passed <= i128::from(to) * usual)
    }

    /// The usual interval in whole days, a half rounded up.
    #[must_use]
    pub fn usual_days(&self) -> i64 {
        (self.twice_usual + 1) / 2
    }
}

/// What competes for the same money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    pub name: String,
    pub categories: Vec<String>,
}

/// A product that is recommended to one customer. Numbers are places: of a product in the order book, of a wallet among all wallets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    pub product: u32,
    pub because: Because,
}

/// Why a product is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The customer spends most on this wallet, and others who do went on to the product's.
    Wallet(u32),
    /// The customer has just bought this product.
    With(u32),
    /// The customer buys it again after so many days.
    Again(i64),
}

/// Two products that orders hold together.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Ids and names; the first has the smaller id.
    pub products: [(String, String); 2],
    /// Orders that hold each of them.
    pub orders: [u64; 2],
    /// Orders that hold both.
    pub together: u64,
    /// How many times more often they are together than they would be by chance.
    pub lift: f64,
}

/// What orders hold together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs {
    /// The orders that were looked at.
    pub orders: u64,
    /// The highest lift first.
    pub pairs: Vec<Pair>,
}

/// A recommended product as a template shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    pub product: String,
    pub name: String,
    pub category: Option<String>,
    /// Minor units.
    pub price: Option<i64>,
    pub url: Option<String>,
    pub image: Option<String>,
    /// For people, in the job's language.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_interval_is_the_median() {
        let of = |days: &[i64], today| Interval::of(days, today).map(|interval| (interval.twice_usual, interval.since));
        assert_eq!(of(&[0, 30], 90), None, "one interval is no habit");
        assert_eq!(of(&[0, 30, 61], 90), Some((61, 29)));
        assert_eq!(of(&[0, 10, 110, 140], 150), Some((60, 10)));
        assert_eq!(Interval { twice_usual: 61, since: 0 }.usual_days(), 31);
    }

    #[test]
    fn overdue_is_exact_and_includes_its_ends() {
        let interval = |since| Interval { twice_usual: 60, since };
        let (late, long) = (Overdue { from: 1_100, to: None }, Overdue { from: 1_500, to: Some(3_000) });
        assert!(interval(33).is(late) && !interval(32).is(late));
        assert!(!interval(44).is(long) && interval(45).is(long) && interval(90).is(long) && !interval(91).is(long));
    }

    #[test]
    fn a_share_is_rounded_up_and_never_nothing() {
        assert_eq!(Support::Millionths(1_000).floor(9_000), 9);
        assert_eq!(Support::Millionths(1_000).floor(9_001), 10);
        assert_eq!((Support::Millionths(1).floor(10), Support::Millionths(1).floor(0), Support::Count(7).floor(3)), (1, 1, 7));
    }
}
