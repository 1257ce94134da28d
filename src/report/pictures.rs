//! The pictures of ranks, for a page that shows other things beside them.

use super::figures::{self, Rung};
use super::flow::{self, Flow};
use super::words::Words;
use crate::domain::job::Language;
use crate::domain::plan::Summary;
use serde::Serialize;

/// The ladder, and how people moved on it.
#[derive(Serialize)]
pub struct Pictures {
    ladder: Vec<Rung>,
    /// `None` where nobody had or has a rank.
    flow: Option<Flow>,
    /// There is a state before this one.
    moved: bool,
}

/// Draws the ranks of a plan; `previous` is the last adopted run before it.
#[must_use]
pub fn pictures(summary: &Summary, previous: Option<&Summary>, language: Language) -> Pictures {
    let words = Words(language);
    let moves = &summary.counts.moves;
    Pictures {
        ladder: figures::ladder(summary, previous, words),
        flow: flow::draw(moves, &summary.ranks, words),
        moved: previous.is_some() || moves.iter().any(|each| each.0.is_some() && each.2 > 0),
    }
}
