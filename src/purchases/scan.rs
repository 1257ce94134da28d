//! Walks over the row groups: which there are, and one of them batch by batch.

use super::columns::{Place, Table};
use super::footer::guard;
use super::lines::{Lines, Mapper};
use super::moments::Moments;
use super::{Error, Purchases};
use crate::gate::watched;
use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;
use std::fs::File;

/// Rows in a batch: few enough for the processor's cache, enough to make what is done once for each of them cheap.
const BATCH: usize = 16_384;

/// Which columns are read besides customer, order, time, amount and those of rules.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub category: bool,
    /// Product, quantity, store, coupon and points used.
    pub details: bool,
}

/// A row group of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub table: usize,
    pub group: usize,
    /// Rows of the file before it.
    pub before: u64,
    pub rows: u64,
}

impl Purchases {
    /// All row groups that may hold lines before `as_of`, in the order of files and rows.
    pub(super) fn tasks(&self, as_of: i64) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (number, table) in self.tables.iter().enumerate() {
            let mut before = 0_u64;
            for (group, about) in table.footer.metadata.row_groups().iter().enumerate() {
                let rows = u64::try_from(about.num_rows()).unwrap_or(0);
                let later = table.earliest.get(group).copied().flatten().is_some_and(|earliest| earliest >= as_of);
                if !later && rows > 0 {
                    tasks.push(Task { table: number, group, before, rows });
                }
                before = before.saturating_add(rows);
            }
        }
        tasks
    }

    /// Does something for every row group, in parallel; results keep the order. A failure of a file that has changed meanwhile is told as
    /// the change; and nothing that came of a file that has changed is handed on.
    pub(super) fn each<T: Send>(&self, tasks: &[Task], work: impl Fn(&Task) -> Result<T, Error> + Send + Sync) -> Result<Vec<T>, Error> {
        let done: Result<Vec<T>, Error> = tasks.par_iter().with_max_len(1).map(work).collect();
        if matches!(done, Err(Error::Sink(_) | Error::ColumnType { .. })) {
            return done;
        }
        self.tables.par_iter().try_for_each(|table| table.footer.check_unchanged())?;
        done
    }

    /// Hands the lines of one row group to `take`, batch by batch, with the number of rows of the file before the batch.
    pub(super) fn scan(&self, task: &Task, wanted: Wanted, mut take: impl FnMut(Lines, u64) -> Result<(), Error>) -> Result<(), Error> {
        let table = &self.tables[task.table];
        let roots = roots(table, wanted);
        let mut reader = open(table, task.group, &roots)?;
        let mut mapper = Mapper { purchases: self, table, roots: &roots, before: task.before, moments: Moments::new(self.zone) };
        while let Some(batch) = next(table, task.group, &roots, &mut reader)? {
            let lines = guard(&table.footer.name, || Ok::<_, String>(mapper.lines(&batch, wanted)))??;
            let rows = batch.num_rows() as u64;
            take(lines, mapper.before)?;
            mapper.before = mapper.before.saturating_add(rows);
        }
        if mapper.before == task.before.saturating_add(task.rows) {
            return Ok(());
        }
        Err(Error::Damaged { file: table.footer.name.clone(), reason: "it has not as many rows as its footer says".into() })
    }
}

/// The numbers of the columns to read, ascending.
fn roots(table: &Table, wanted: Wanted) -> Vec<usize> {
    let layout = &table.layout;
    let mut places = vec![&layout.customer, &layout.at];
    places.extend(layout.order.iter().chain(&layout.refund_of).chain(&layout.amount).chain(&layout.rules));
    if wanted.category {
        places.extend(&layout.category);
    }
    if wanted.details {
        places.extend(layout.quantity.iter().chain(&layout.product).chain(&layout.store).chain(&layout.coupon).chain(&layout.points_used));
    }
    let mut roots: Vec<usize> = places
        .into_iter()
        .filter_map(|place| match place {
            Place::Column(root) => Some(*root),
            Place::Same(_) => None,
        })
        .collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

/// A reader of some columns of one row group. Each has a file handle of its own: those that are cloned share their position.
pub(super) fn open(table: &Table, group: usize, roots: &[usize]) -> Result<ParquetRecordBatchReader, Error> {
    open_with(table, group, roots, |builder| builder.with_batch_size(BATCH))
}

/// The same with more that is asked of the reader.
pub(super) fn open_with(
    table: &Table,
    group: usize,
    roots: &[usize],
    ask: impl FnOnce(ParquetRecordBatchReaderBuilder<File>) -> ParquetRecordBatchReaderBuilder<File>,
) -> Result<ParquetRecordBatchReader, Error> {
    let file = table.footer.open_file()?;
    table.footer.check_pages(&file, group, roots)?;
    guard(&table.footer.name, || {
        let mask = ProjectionMask::roots(table.reader.parquet_schema(), roots.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, table.reader.clone());
        ask(builder.with_row_groups(vec![group]).with_projection(mask)).build()
    })
}

/// The next batch of a row group; `None` at the end.
pub(super) fn next(
    table: &Table,
    group: usize,
    roots: &[usize],
    reader: &mut ParquetRecordBatchReader,
) -> Result<Option<RecordBatch>, Error> {
    let failed = |reason: String| table.footer.failed(group, roots, &reason);
    watched(|| reader.next().transpose()).map_err(failed)?.map_err(|error| failed(error.to_string()))
}
