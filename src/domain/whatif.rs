//! What-if: the past months played again under today's rules, and under changed ones.

use super::plan::Counts;
use chrono::NaiveDate;

/// Both plays of the same months.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    pub job: String,
    /// What was set anew, as it was typed.
    pub settings: Vec<String>,
    pub today: Replay,
    /// None when nothing was set anew.
    pub changed: Option<Replay>,
}

impl WhatIf {
    /// The rules that were asked about.
    #[must_use]
    pub fn asked(&self) -> &Replay {
        self.changed.as_ref().unwrap_or(&self.today)
    }
}

/// The months under one set of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The lowest first.
    pub ranks: Vec<String>,
    pub campaigns: Vec<String>,
    pub runs: Vec<ReplayedRun>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedRun {
    pub as_of: NaiveDate,
    /// A run of this date was adopted.
    pub adopted: bool,
    pub counts: Counts,
}

impl ReplayedRun {
    /// The size of a rank; of the place behind the last, those without a rank.
    #[must_use]
    pub fn size(&self, rank: usize) -> u64 {
        self.counts.rank_sizes.get(rank).copied().unwrap_or(if rank == self.counts.rank_sizes.len() { self.counts.no_rank } else { 0 })
    }

    /// How many moved like this.
    #[must_use]
    pub fn moved(&self, change: super::RankChange) -> u64 {
        self.counts.changes.iter().find(|(found, _)| *found == change).map_or(0, |(_, count)| *count)
    }
}
