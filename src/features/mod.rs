//! Folds purchase lines into orders and orders into customers: the figures of `features.sql`, and few more.
//!
//! Lines arrive as Arrow batches from many threads at once, in any order. Each thread writes what it gets, much compacted, into a
//! stream for each partition of customers; when all lines are there, each partition is worked off when it is asked for, so that
//! what is worked on fits the processor's caches. This room reads no files, knows no calendar and ranks nobody.

mod book;
mod fold;
mod folded;
mod gather;
mod known;
mod merge;
mod pack;
mod partitions;
mod room;
mod stream;
mod sum;
mod write;

pub use book::Book;
pub use fold::Fold;
pub use folded::Folded;
pub use known::came_later;
pub use partitions::Partitions;
pub use room::Room;
pub use write::write;

use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

/// Customers are dealt to this many partitions. Tables that travel partition by partition use the same number.
pub const PARTITIONS: usize = 256;

/// Why a fold or a features file failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the batch of lines has column {column} of type {found}, expected customer, order, at, amount and category as purchases gives them"
    )]
    Column { column: &'static str, found: String },
    #[error("order ids are numbers in one batch and text in another; read all files with one `Purchases`")]
    MixedOrders,
    #[error("the amounts of customer `{customer}` add up to more than 64 bits hold; look for a wrong amount or `amount_unit`")]
    Overflow { customer: String },
    #[error("one of {PARTITIONS} partitions holds more than 2,000,000,000 orders; split the job")]
    TooMany,
    #[error("{threads} threads need {smallest}MB at least; allow more `--memory` or fewer `--threads`")]
    Little { smallest: u64, threads: u64 },
    #[error(
        "cannot write `{path}`, where purchases go that do not fit into the memory: {source}; make room in that folder, or allow more `--memory`"
    )]
    Spill { path: PathBuf, source: std::io::Error },
    #[error(
        "cannot read `{path}` again, where purchases went that did not fit into the memory: {source}; look after that disk, or allow more `--memory`"
    )]
    Unspill { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{path}`: {source}; check that the folder is there and can be written")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{path}` as Parquet: {source}; make room in that folder, or write elsewhere")]
    Parquet { path: PathBuf, source: parquet::errors::ParquetError },
}

/// A hash of a customer id that is the same in every run and thread.
fn hash_of(id: &[u8]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(0x7261_6e6b).build_hasher();
    hasher.write(id);
    hasher.finish()
}

#[cfg(test)]
mod tests;
