//! Reads purchases: Parquet of many writers becomes Arrow batches with mapped columns, row group by row group, in parallel.
//!
//! Every type of id becomes text (or a whole number), every time an instant, every amount minor units, and lines that do not count are
//! left out and counted. This room adds nothing up: what lines amount to is no business of its own. Files come from outside: a damaged
//! one is an error that names it, never a panic.

mod amounts;
mod buyers;
mod columns;
mod error;
mod files;
mod footer;
mod lines;
mod moments;
mod names;
mod read;
mod rules;
mod sampled;
mod scan;
mod sieve;
mod single;
mod words;

pub use error::Error;
pub use names::Names;
pub use read::Sink;
pub use rules::MOST_RULE_VALUES;
pub use sieve::Sieve;

use crate::domain::job::{AmountUnit, PurchasesSource};
use crate::domain::merges::Merges;
use crate::domain::{Currency, Zone};
use columns::Table;
use footer::Footer;
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// Purchases whose files have been found and whose footers and columns have been checked.
#[derive(Debug)]
pub struct Purchases {
    tables: Vec<Table>,
    source: PurchasesSource,
    zone: Zone,
    /// Decimal digits between what is written and minor units.
    digits: u32,
    /// Order ids, and those that refunds name, are whole numbers in every file, and travel as such.
    number_orders: bool,
    sieve: Option<Sieve>,
    /// Customer ids that are one now.
    merges: Arc<Merges>,
}

/// What is to be read.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// Lines at or after this instant (microseconds UTC) are not seen.
    pub as_of: i64,
    /// Counts the lines before this instant in `ReadCounts::lines_before`.
    pub history_before: Option<i64>,
    /// Whether the category column is wanted; where none is mapped there is none.
    pub category: bool,
    /// Whether everything else that is mapped is wanted: quantity, product, category, coupon, points used, store.
    pub details: bool,
    /// Told rows done and rows in all, now and then, from any thread.
    pub progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
}

/// Finds the files that `source` names, reads their footers and checks the mapped columns in each. `base` is the job file's folder:
/// names in messages and digests are relative to it.
pub fn open(source: &PurchasesSource, zone: Zone, currency: &Currency, base: &Path) -> Result<Purchases, Error> {
    let found = files::find(&source.paths, base)?;
    let tables: Vec<Table> =
        found.par_iter().map(|found| Table::of(Footer::open(found)?, &found.folders, source, zone)).collect::<Result<_, _>>()?;
    let digits = if source.amount_unit == AmountUnit::Major { currency.digits } else { 0 };
    let number_orders = tables.iter().all(|table| table.layout.number_order);
    Ok(Purchases { tables, source: source.clone(), zone, digits, number_orders, sieve: None, merges: Arc::default() })
}

impl Purchases {
    /// The same purchases, in which the lines of merged customers are those of the id that stands for them now.
    #[must_use]
    pub fn merging(self, merges: Arc<Merges>) -> Self {
        Self { merges, ..self }
    }

    /// The files' relative names, sorted, and a digest of each over name, size and footer.
    pub fn inputs(&self) -> Vec<(String, String)> {
        self.tables.iter().map(|table| (table.footer.name.clone(), table.footer.digest())).collect()
    }

    /// Rows of all files, as their footers tell.
    pub fn rows(&self) -> u64 {
        self.tasks(i64::MAX).iter().fold(0, |rows, task| rows.saturating_add(task.rows))
    }
}

#[cfg(test)]
mod mapping_tests;
#[cfg(test)]
mod tests;
