//! Where a customer stands on the ladder, and what is missing to rise or to stay.

use super::RankIndex;
use super::job::Language;
use chrono::NaiveDate;

/// The standings of one partition, row for row beside its features.
pub type Standings = Vec<Standing>;

/// A customer's rank state after the closing, as `customers.parquet` holds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Q: the highest rank whose conditions hold at the closing.
    pub qualifies: Option<RankIndex>,
    pub rank: Option<RankIndex>,
    pub previous: Option<RankIndex>,
    pub change: RankChange,
    pub since: Option<NaiveDate>,
    pub missed: u32,
    pub safe_until: Option<NaiveDate>,
    pub next_rank: Option<RankIndex>,
    /// What is missing to the next rank: orders, minor units, and the day on which the tenure is reached.
    pub next_orders: Option<i64>,
    pub next_spend: Option<i64>,
    pub next_on: Option<NaiveDate>,
    /// The last day whose orders count for the next rank at the next chance to rise.
    pub next_last_day: Option<NaiveDate>,
    /// The review that can lower this customer, and what is missing to pass it (0: nothing any more).
    pub keep_by: Option<NaiveDate>,
    pub keep_orders: Option<i64>,
    pub keep_spend: Option<i64>,
    /// The last day whose orders count at `keep_by`.
    pub keep_last_day: Option<NaiveDate>,
    /// The rank is going to be lost at `keep_by` whatever is bought: it asks for a tenure that is reached later, or what is bought now
    /// is not settled by then. Then `keep_orders` and `keep_spend` are `None`, for no number would be true. It is in no file.
    pub keep_out_of_reach: bool,
}

impl Standing {
    /// Something is missing to keep the rank at the review ahead.
    #[must_use]
    pub fn at_risk(&self) -> bool {
        self.keep_out_of_reach || [self.keep_orders, self.keep_spend].into_iter().flatten().any(|missing| missing > 0)
    }
}

/// What happened to a rank at this closing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RankChange {
    /// There was no rank and there is none.
    #[default]
    None,
    New,
    Up,
    Kept,
    Missed,
    Down,
}

impl RankChange {
    pub const ALL: [Self; 6] = [Self::None, Self::New, Self::Up, Self::Kept, Self::Missed, Self::Down];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::New => "new",
            Self::Up => "up",
            Self::Kept => "kept",
            Self::Missed => "missed",
            Self::Down => "down",
        }
    }

    /// The change for people.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::None => language.pick("ランクなし", "no rank"),
            Self::New => language.pick("新規", "new"),
            Self::Up => language.pick("昇格", "up"),
            Self::Kept => language.pick("維持", "kept"),
            Self::Missed => language.pick("猶予", "missed, forgiven"),
            Self::Down => language.pick("降格", "down"),
        }
    }

    /// The change of a word in files.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.word() == word)
    }
}

/// A rank given by hand: while it lasts, the customer holds no lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    pub rank: RankIndex,
    /// The last day on which it is given; none for ever.
    pub until: Option<NaiveDate>,
}

impl Given {
    #[must_use]
    pub fn lasts(&self, day: NaiveDate) -> bool {
        self.until.is_none_or(|until| day <= until)
    }
}

/// H, the state before this closing: what the last adopted run says of a customer, or the customer list at the first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub rank: RankIndex,
    pub since: Option<NaiveDate>,
    pub missed: u32,
    pub safe_until: Option<NaiveDate>,
}
