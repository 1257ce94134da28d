//! The ladder of ranks and the rules by which people climb and leave it.

use chrono::NaiveDate;

/// A rank's place on the ladder, the lowest is 0. No rank is `None` around it.
pub type RankIndex = u8;

/// `[ranks]` and `[[rank]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Take the ranks of another job's last adopted run, and move nobody.
    pub of: Option<String>,
    pub closing: Closing,
    pub window: Window,
    /// How many days the shop takes orders back: an order counts for ranks when they are over.
    pub settle_days: u32,
    pub review: Review,
    pub up: Up,
    pub down: Down,
    /// Missed reviews in a row that are forgiven.
    pub grace: u32,
    /// Months that a rank risen to is safe.
    pub keep_for_months: u32,
    /// Lowest first. With `of` these are the other job's ranks, which the pipeline fills in.
    pub ranks: Vec<Rank>,
}

impl Ladder {
    /// The place of a rank by its present name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<RankIndex> {
        self.ranks.iter().position(|rank| rank.name == name).and_then(|at| RankIndex::try_from(at).ok())
    }

    /// The place of a rank by its present name or one that it had.
    #[must_use]
    pub fn find_or_was(&self, name: &str) -> Option<RankIndex> {
        self.find(name).or_else(|| {
            let at = self.ranks.iter().position(|rank| rank.was.iter().any(|old| old == name))?;
            RankIndex::try_from(at).ok()
        })
    }

    /// The name of a rank; empty beyond the ladder.
    #[must_use]
    pub fn name(&self, rank: RankIndex) -> &str {
        self.ranks.get(usize::from(rank)).map_or("", |rank| rank.name.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    Month,
    Day,
}

/// How far back orders count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Months(u32),
    Days(u32),
    /// From a month and day of each year on; 29 February counts as the 28th in other years.
    YearFrom(u32, u32),
    /// From a month and day of each year on, and anew six months later.
    HalfYearFrom(u32, u32),
    AllTime,
}

/// When ranks may fall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// The 1st of each month.
    Monthly,
    /// (month, day) of each year, sorted; 29 February counts as the 28th in other years.
    Dates(Vec<(u32, u32)>),
}

/// When ranks may rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// At every closing.
    AtOnce,
    /// At a closing at which a review is due. Who holds no rank enters the ladder at any closing.
    AtReview,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    ToQualifying,
    OneStep,
    Never,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    pub name: String,
    /// Former names.
    pub was: Vec<String>,
    pub admits: Admission,
    /// What keeps the rank at a review; `None`: what admits to it.
    pub keep: Option<Condition>,
}

/// How one gets in.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// One of these conditions holds (`at_least` is a list of one).
    AnyOf(Vec<Condition>),
    /// This share (0 to 1) of customers with positive window spend and an order in it, rounded up.
    Top(f64),
}

/// Metrics that must all be reached. Money is minor units. At least one is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Condition {
    pub orders: Option<i64>,
    pub spend: Option<i64>,
    pub orders_ever: Option<i64>,
    pub spend_ever: Option<i64>,
    pub tenure_months: Option<u32>,
}

/// What an earlier adopted run left behind, for the ranks room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousRun {
    pub as_of: NaiveDate,
    pub closing: NaiveDate,
    /// The review that run announced.
    pub keep_by: Option<NaiveDate>,
}
