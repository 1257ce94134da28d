//! Some customers of the purchases, before they are read in earnest.

use super::columns::Place;
use super::scan::{self, Task};
use super::{Error, Purchases, words};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

/// Row groups that are looked into, and lines of all of them together.
const GROUPS: usize = 64;
const LINES: u64 = 1 << 14;
/// Lines in a batch: it holds the pages that they are from.
const BATCH: usize = 1 << 8;

impl Purchases {
    /// The customers of about 16,000 lines, spread over 64 row groups at most; of all lines where there are fewer.
    ///
    /// # Errors
    /// As for `read`, as far as the column of customers tells.
    pub fn some_customers(&self, as_of: i64) -> Result<Vec<String>, Error> {
        let tasks = self.tasks(as_of);
        let step = tasks.len().div_ceil(GROUPS).max(1);
        let tasks: Vec<Task> = tasks.into_iter().step_by(step).collect();
        let rows: u64 = tasks.iter().map(|task| task.rows).sum();
        let step = rows.div_ceil(LINES).max(1);
        Ok(self.each(&tasks, |task| self.some_of(task, step))?.into_iter().flatten().collect())
    }

    /// The customers of each line that is so many lines behind another one.
    fn some_of(&self, task: &Task, step: u64) -> Result<Vec<String>, Error> {
        let table = &self.tables[task.table];
        let root = match &table.layout.customer {
            Place::Column(root) => *root,
            Place::Same(id) => return Ok(id.iter().map(|id| words::who(id, &self.merges).to_owned()).collect()),
        };
        let mut reader = scan::open_with(table, task.group, &[root], |builder| {
            builder.with_batch_size(BATCH).with_row_selection(spread(task.rows, step))
        })?;
        let mut customers = Vec::new();
        while let Some(batch) = scan::next(table, task.group, &[root], &mut reader)? {
            let ids = words::text(&table.raw(&batch, 0, root)).map_err(|flaw| table.flawed(&self.source.customer, flaw, task.before))?;
            let ids = ids.iter().flatten().map(|id| words::who(id, &self.merges)).filter(|id| !id.is_empty());
            customers.extend(ids.map(str::to_owned));
        }
        Ok(customers)
    }
}

/// The first of each `step` rows.
fn spread(rows: u64, step: u64) -> RowSelection {
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    let firsts = usize::try_from(rows).unwrap_or(usize::MAX).div_ceil(step);
    // Rows that are passed over behind the last of the file need not be there.
    let rest = if step > 1 { Some(RowSelector::skip(step - 1)) } else { None };
    (0..firsts).flat_map(|_| [Some(RowSelector::select(1)), rest].into_iter().flatten()).collect::<Vec<_>>().into()
}
