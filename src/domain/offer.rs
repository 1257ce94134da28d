//! Offers: the rule in the job, and what one mail offers to one customer.

use super::RankIndex;
use super::recommend::{Item, Recommend};
use super::zone::{first_of_month, months_before};
use chrono::{Days, NaiveDate, NaiveTime};

/// A value for each rank of the ladder, spread when the job is read: a rank that is not named has the value of the nearest named
/// rank below, and none when there is none. `None` or zero is no offer.
pub type PerRank<T> = Vec<Option<T>>;

#[derive(Debug, Clone, PartialEq)]
pub struct OfferRule {
    pub kind: OfferKind,
    /// The only ranks that get it; `None`: every rank of the campaign.
    pub ranks: Option<Vec<RankIndex>>,
    pub valid: Option<Valid>,
    /// What each costs the shop beside what it takes off an order, minor units.
    pub cost: PerRank<i64>,
    /// The most people who get it.
    pub limit: Option<u64>,
    /// The most that all of them together may cost, minor units.
    pub budget: Option<i64>,
}

impl OfferRule {
    /// An offer for every rank of its campaign, without end, cost or limit.
    #[must_use]
    pub fn of(kind: OfferKind) -> Self {
        Self { kind, ranks: None, valid: None, cost: Vec::new(), limit: None, budget: None }
    }
}

impl OfferRule {
    /// Where its code comes from, if it has one.
    #[must_use]
    pub fn code(&self) -> Option<&CodeSource> {
        match &self.kind {
            OfferKind::Coupon { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether rankmail makes a code of its own for each mail.
    #[must_use]
    pub fn makes_codes(&self) -> bool {
        self.code() == Some(&CodeSource::Own)
    }

    /// Whether each mail has a code that no other mail has.
    #[must_use]
    pub fn has_unique_codes(&self) -> bool {
        matches!(self.code(), Some(CodeSource::Own | CodeSource::Pool(_)))
    }

    /// How many people get it on one occasion, where not everybody does: the seats of a draw, else the limit.
    #[must_use]
    pub fn places(&self) -> Option<u64> {
        match self.kind {
            OfferKind::Draw { seats, .. } => Some(seats),
            _ => self.limit,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum OfferKind {
    Coupon {
        discount: Discount,
        /// Only for orders over this amount (minor units).
        over: PerRank<i64>,
        on: Option<On>,
        code: CodeSource,
    },
    Gift {
        /// The customer column that chooses, and for each of its values the gift.
        choose_by: Option<String>,
        gifts: Vec<Gift>,
        /// The customer column that lists allergies.
        allergies: Option<String>,
        /// For whom no gift was chosen.
        otherwise: Option<String>,
    },
    /// Percent off by number of pieces, ascending.
    Bundle {
        steps: Vec<(u32, f64)>,
        on: Option<On>,
    },
    FreeShipping {
        over: PerRank<i64>,
    },
    /// Products that cost less together.
    Set {
        products: Vec<String>,
        deal: Deal,
    },
    /// Points of an order are multiplied.
    Points {
        times: PerRank<f64>,
        over: PerRank<i64>,
        on: Option<On>,
    },
    /// A prize for as many as there are seats, drawn by lot; only the drawn get the mail.
    Draw {
        prize: String,
        seats: u64,
    },
    /// Something opens for higher ranks before it opens for others.
    EarlyAccess {
        what: String,
        opens: PerRank<Opening>,
        url: Option<String>,
    },
    Invitation {
        what: String,
        on: Option<NaiveDate>,
        place: Option<String>,
        reply_url: Option<String>,
        /// The best customers get them; `None`: everybody.
        seats: Option<u64>,
    },
    Recommend(Recommend),
}

impl OfferKind {
    /// Whether it takes something off a price. A coupon of cashback does not: it is the customer's own money, as points are.
    #[must_use]
    pub fn is_discount(&self) -> bool {
        match self {
            Self::Coupon { discount, .. } => *discount != Discount::Cashback,
            Self::Bundle { .. } | Self::Set { .. } => true,
            _ => false,
        }
    }
}

/// What a set costs.
#[derive(Debug, Clone, PartialEq)]
pub enum Deal {
    /// Percent off its prices, above 0 up to 100.
    Percent(PerRank<f64>),
    /// One price for all of it, minor units.
    Price(PerRank<i64>),
}

/// When something opens: a local day, from its beginning or from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    pub day: NaiveDate,
    pub time: Option<NaiveTime>,
}

/// Where the code of a coupon comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeSource {
    /// Each mail has a code that rankmail makes.
    Own,
    /// One for all.
    Fixed(String),
    /// Each mail has one out of a file of codes that were made elsewhere: its path as the job writes it.
    Pool(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Discount {
    /// Percent, above 0 up to 100.
    Percent(PerRank<f64>),
    /// Minor units.
    Amount(PerRank<i64>),
    /// What the review of this closing pays back to the customer.
    Cashback,
}

/// A gift for those who like something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gift {
    pub likes: String,
    pub gift: String,
    /// Whose allergies name one of these does not get it.
    pub never_with: Vec<String>,
}

/// What a discount is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct On {
    pub category: Vec<String>,
    pub product: Vec<String>,
}

/// Until when an offer is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    ThisMonth,
    NextMonth,
    /// The last valid day is the as-of date plus this many days.
    Days(u32),
    Until(NaiveDate),
}

impl Valid {
    /// The last day on which an offer of this as-of date is valid; `None` beyond the calendar.
    #[must_use]
    pub fn last_day(self, as_of: NaiveDate) -> Option<NaiveDate> {
        let first = first_of_month(as_of);
        match self {
            Self::ThisMonth => months_before(first, -1).pred_opt(),
            Self::NextMonth => months_before(first, -2).pred_opt(),
            Self::Days(days) => as_of.checked_add_days(Days::new(days.into())),
            Self::Until(day) => Some(day),
        }
    }
}

/// What one mail offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// `coupon`, `gift`, `bundle`, `free_shipping`, `invitation`, `set`, `points`, `draw`, `early_access`,
    /// `recommend`.
    pub kind: &'static str,
    pub percent: Option<f64>,
    /// Minor units.
    pub amount: Option<i64>,
    /// Minor units.
    pub over: Option<i64>,
    pub on: Option<On>,
    pub code: Option<String>,
    pub valid_until: Option<NaiveDate>,
    pub gift: Option<String>,
    /// Minor units, what it costs the shop beside what it takes off an order.
    pub cost: Option<i64>,
    /// Pieces and percent.
    pub steps: Vec<(u32, f64)>,
    pub what: Option<String>,
    pub held_on: Option<NaiveDate>,
    pub place: Option<String>,
    pub reply_url: Option<String>,
    /// What is recommended, and why.
    pub items: Vec<Item>,
    pub reason: Option<String>,
    /// The products of a set.
    pub products: Vec<String>,
    /// What a set costs, minor units.
    pub price: Option<i64>,
    pub times: Option<f64>,
    pub prize: Option<String>,
    pub seats: Option<u64>,
    pub opens: Option<Opening>,
    pub url: Option<String>,
    /// An earlier mail of the run made it smaller.
    pub reduced: bool,
}
