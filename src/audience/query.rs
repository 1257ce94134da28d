//! What is asked of an index, and one row of the answer.

use crate::domain::{RankIndex, SkipReason};

/// Longer texts are looked for up to here, and no more words of them than this.
pub(super) const TEXT: usize = 200;
pub(super) const WORDS: usize = 6;
/// More filters than this are passed over.
pub(super) const FILTERS: usize = 16;
/// A page has no more rows.
pub(super) const PAGE: usize = 500;

/// What became of a campaign for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Unmatched,
    Mailed,
    Skipped(SkipReason),
}

/// What a column of the customer list must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Is(String),
    /// It holds this, whatever the width and the case of the letters.
    Has(String),
}

/// A column of the customer list, by its place, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub column: usize,
    pub wanted: Wanted,
}

/// What rows are sorted by; ranks from the lowest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Id,
    Name,
    Address,
    Rank,
    Orders,
    Spend,
    LastOrder,
    /// A column of the customer list.
    Column(usize),
}

/// Who is asked for: everybody of whom all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// A campaign by its place, and what became of it. Without a fate: who matched; without a campaign: of any campaign.
    pub campaign: Option<usize>,
    pub mailed: bool,
    pub skipped: bool,
    pub reason: Option<SkipReason>,
    /// `Some(None)`: no rank.
    pub rank: Option<Option<RankIndex>>,
    pub previous: Option<Option<RankIndex>>,
    /// Words that stand in name, id or address, whatever the width and the case of the letters.
    pub text: String,
    pub filters: Vec<Filter>,
    pub sort: Sort,
    pub descending: bool,
    /// How many are passed over, and how many rows are wanted.
    pub from: usize,
    pub many: usize,
}

/// One of everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub address: String,
    pub rank: Option<RankIndex>,
    pub previous: Option<RankIndex>,
    pub orders: i64,
    /// Minor units.
    pub spend: i64,
    /// Microseconds UTC.
    pub last_order: Option<i64>,
    /// What became of each campaign.
    pub fates: Vec<Fate>,
    /// The columns of the customer list as they are shown.
    pub values: Vec<String>,
}

const UNMATCHED: u8 = 0;
const MAILED: u8 = 1;
/// The first reason; the others follow in their order.
const SKIPPED: u8 = 2;

impl Fate {
    pub(super) fn cell(self) -> u8 {
        match self {
            Self::Unmatched => UNMATCHED,
            Self::Mailed => MAILED,
            Self::Skipped(reason) => {
                let at = SkipReason::ALL.iter().position(|other| *other == reason).and_then(|at| u8::try_from(at).ok());
                SKIPPED + at.unwrap_or(0)
            }
        }
    }

    pub(super) fn of(cell: u8) -> Self {
        match cell {
            UNMATCHED => Self::Unmatched,
            MAILED => Self::Mailed,
            other => SkipReason::ALL.get(usize::from(other - SKIPPED)).map_or(Self::Unmatched, |reason| Self::Skipped(*reason)),
        }
    }
}

impl Query {
    /// Whether it asks for what became of campaigns.
    pub(super) fn asks_fates(&self) -> bool {
        self.campaign.is_some() || self.mailed || self.skipped || self.reason.is_some()
    }

    /// Whether a fate is one of those that are asked for.
    pub(super) fn fits(&self, fate: Fate) -> bool {
        match fate {
            Fate::Unmatched => false,
            Fate::Mailed => self.mailed || !(self.skipped || self.reason.is_some()),
            Fate::Skipped(reason) => match self.reason {
                Some(wanted) => wanted == reason,
                None => self.skipped || !self.mailed,
            },
        }
    }
}
