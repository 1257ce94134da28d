//! Campaigns: for whom, when, how often.

use super::finding::Rule;
use super::pace::SendOn;
use super::recommend::Overdue;
use super::{Channel, OfferRule, RankIndex};
use chrono::NaiveDate;

/// One `[[campaign]]`. Its place in the job's list is its priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    pub name: String,
    pub ranks: RankRange,
    pub when: When,
    pub wheres: Vec<Where>,
    pub once: Once,
    /// Whether its mail may sell something.
    pub sells: bool,
    /// Names of earlier campaigns whose mail in this run takes this one's place, as indices into the job's campaigns.
    pub not_with: Vec<usize>,
    /// Earlier campaigns whose mail in this run makes this one's discount smaller.
    pub reduced_by: Vec<Reduction>,
    /// `None`: as `[contact]` says.
    pub discounts: Option<Discounts>,
    /// The share (0 to 1) of those it is for who get it, the same people at every run.
    pub share: Option<f64>,
    /// Everybody gets the templates of one of these, the same one at every run. Empty: there are none.
    pub variants: Vec<Variant>,
    pub offer: Option<OfferRule>,
    /// `holdout = false` exempts it.
    pub holdout: bool,
    pub counts_towards_limit: bool,
    /// When its mails leave; `None`: with the others.
    pub send: Option<SendOn>,
    pub from: Option<String>,
    pub reply_to: Option<String>,
    /// Rules of the linter that are allowed here.
    pub allow: Vec<Rule>,
    /// The first that reaches a customer is taken; never empty.
    pub channels: Vec<Channel>,
    /// What it costs each time by a channel, minor units; nothing where a channel is not named.
    pub costs: Vec<(Channel, i64)>,
    /// The most that all of its mails may cost on one occasion, minor units.
    pub budget: Option<i64>,
}

impl Campaign {
    #[must_use]
    pub fn goes_by(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// Whether it has only so many places or so much money for one occasion.
    #[must_use]
    pub fn is_allotted(&self) -> bool {
        self.budget.is_some() || self.offer.as_ref().is_some_and(|rule| rule.places().is_some() || rule.budget.is_some())
    }

    /// What reaching one customer by a channel costs, minor units.
    #[must_use]
    pub fn cost_of(&self, channel: Channel) -> i64 {
        self.costs.iter().find(|(known, _)| *known == channel).map_or(0, |(_, cost)| *cost)
    }
}

/// Templates of their own for a part of a campaign's people.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub name: String,
    /// 0 to 1; those of a campaign are 1 together.
    pub share: f64,
}

/// How many discounts on the same thing one customer gets in one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Discounts {
    #[default]
    One,
    Stack,
}

/// How much of a discount an earlier campaign's mail takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reduction {
    /// The campaign's place in the job.
    pub by: usize,
    /// Hundredths of a percent, above 0 up to 10,000.
    pub off: u32,
}

/// The ranks a campaign is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RankRange {
    /// Those without a rank.
    NoRank,
    /// These ranks, ascending, no doubles.
    Ranks(Vec<RankIndex>),
}

impl RankRange {
    #[must_use]
    pub fn holds(&self, rank: Option<RankIndex>) -> bool {
        match (self, rank) {
            (Self::NoRank, None) => true,
            (Self::Ranks(ranks), Some(rank)) => ranks.contains(&rank),
            _ => false,
        }
    }
}

/// The conditions of time and history; all that are set must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    pub birthday: Option<DayRange>,
    pub anniversary: Option<DayRange>,
    /// Months (1 to 12) of the as-of date.
    pub month: Option<Vec<u32>>,
    /// First and last day, both included.
    pub dates: Option<(NaiveDate, NaiveDate)>,
    pub days_since_last_order: Option<NumberRange>,
    pub days_since_first_order: Option<NumberRange>,
    pub orders: Option<NumberRange>,
    /// Minor units.
    pub spend: Option<NumberRange>,
    pub orders_ever: Option<NumberRange>,
    /// Minor units.
    pub spend_ever: Option<NumberRange>,
    pub rank: Option<RankMove>,
    /// Categories; any one of them was bought in all history. The bits are those of `FeatureRow::bought`.
    pub bought: Option<Categories>,
    /// Categories; none of them was bought in all history.
    pub not_bought: Option<Categories>,
    /// So many times the customer's usual interval between two orders have passed.
    pub overdue: Option<Overdue>,
    /// The balance of points.
    pub points: Option<NumberRange>,
    /// Points expire within so many days, the as-of date and the last day included.
    pub points_expire_within: Option<u32>,
    /// What the review of this closing pays back: points, or minor units.
    pub cashback: Option<NumberRange>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Categories {
    pub names: Vec<String>,
    pub bits: u64,
}

/// A yearly day that falls into …, seen from the as-of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayRange {
    ThisMonth,
    NextMonth,
    /// Monday to Sunday.
    ThisWeek,
    Today,
    /// Exactly this many days ahead.
    InDays(u32),
}

/// An inclusive range; an open end is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NumberRange {
    pub from: Option<f64>,
    pub to: Option<f64>,
}

impl NumberRange {
    #[must_use]
    pub fn holds(&self, number: f64) -> bool {
        self.from.is_none_or(|from| number >= from) && self.to.is_none_or(|to| number <= to)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankMove {
    Up,
    Down,
    New,
    AtRisk,
}

/// A condition on a customer column.
#[derive(Debug, Clone, PartialEq)]
pub struct Where {
    pub column: String,
    pub test: WhereTest,
}

#[derive(Debug, Clone, PartialEq)]
pub enum WhereTest {
    /// The value, written as text, is one of these. (A column that lists several values holds when any of them is.)
    OneOf(Vec<String>),
    /// The value means yes (true) or no (false), in whatever word a list writes it.
    Truth(bool),
    /// The value is a number, or a date written as one, in this range.
    Range(NumberRange),
    /// The value is a date in this range; both ends are included, one of them may be open.
    DateRange { from: Option<NaiveDate>, to: Option<NaiveDate> },
    /// The value is missing (true) or there (false).
    Missing(bool),
}

/// How often the same customer may get the same campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// Once for each occasion.
    Occasion,
    Month,
    /// Not before the as-of date of the last one plus this many months.
    Months(u32),
    Year,
    Ever,
    EveryRun,
}

/// `[contact]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contact {
    pub max_per_run: Option<u32>,
    pub min_days_between: u32,
    pub holdout: Option<Holdout>,
    /// Mail irregular addresses (`a..b@docomo.ne.jp`) too.
    pub send_irregular: bool,
    pub discounts: Discounts,
}

/// A share of customers (0 to 1) who get nothing, so that the effect can be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdout {
    pub share: f64,
    /// Ranks that are never held out.
    pub not: Vec<RankIndex>,
    pub salt: String,
}
