//! The index of people: everybody of a plan as columns on the disk, so that who is meant is found, counted, sorted and paged without
//! holding a shop in memory.
//!
//! A `Writer` takes people in; the `Index` that comes of it answers a `Query` with a count and one page of rows. All columns lie in one
//! file that has lost its name before anything is written. This room decides nothing about anybody, and knows neither plan nor list.

mod cells;
mod find;
mod order;
mod query;
mod shelf;
mod texts;
mod words;
mod writer;

#[cfg(test)]
mod tests;

pub use find::Found;
pub use query::{Fate, Filter, Query, Row, Sort, Wanted};
pub use writer::{Entry, Layout, Writer};

use crate::domain::RankIndex;
use cells::Cells;
use order::Order;
use shelf::Shelf;
use std::io;
use std::path::PathBuf;
use texts::Texts;
use words::Column;

/// Why people cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write a file in `{folder}`, where the index of people goes: {source}; make room in that folder")]
    Write { folder: PathBuf, source: io::Error },
    #[error("cannot read the index of people in `{folder}` again: {source}; look after that disk, and open the studio again")]
    Read { folder: PathBuf, source: io::Error },
    #[error("a plan of more than 4,000,000,000 customers cannot be looked through")]
    TooMany,
}

/// Everybody of a plan.
#[derive(Debug)]
pub struct Index {
    layout: Layout,
    disk: Shelf,
    people: u32,
    id: Texts,
    name: Texts,
    address: Texts,
    /// Name, id and address in the form in which they are compared.
    search: Texts,
    rank: Cells,
    previous: Cells,
    orders: Cells,
    spend: Cells,
    last_order: Cells,
    /// For each campaign what became of it.
    fates: Vec<Cells>,
    columns: Vec<Column>,
    sorted: Vec<(Sort, Order)>,
}

impl Index {
    /// How many there are.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.people
    }

    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The different values of a column of the list, sorted, where they are few.
    #[must_use]
    pub fn values(&self, column: usize) -> Option<Vec<&str>> {
        self.columns.get(column)?.values()
    }
}

/// A rank as one byte.
fn rank_cell(rank: Option<RankIndex>) -> u8 {
    rank.filter(|rank| *rank < u8::MAX).unwrap_or(u8::MAX)
}

fn rank_of(cell: u8) -> Option<RankIndex> {
    (cell != u8::MAX).then_some(cell)
}
