//! Reads every line that counts and hands it on, in parallel by row group.

use super::lines::{Lines, Verdict};
use super::scan::{Task, Wanted};
use super::{Error, Purchases, Request};
use crate::domain::features::ReadCounts;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bad rows are listed.
const NOTES: usize = 10;

/// Who receives the lines.
pub type Sink<'a> = dyn Fn(&RecordBatch) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Sync + 'a;

impl Purchases {
    /// Hands every line that counts to `sink`, which is called from several threads at once: columns `customer` (Utf8View), `order` (Int64 when all
    /// files have whole numbers, else Utf8View; null: none), `at` (timestamp, µs UTC), `amount` (Int64, minor units) and, where
    /// wanted and mapped, `category`, `product`, `coupon`, `store` (Utf8View), `quantity` and `points_used` (Int64). Excluded lines, guests, bad rows and lines from the as-of date on are counted and left out.
    pub fn read(&self, request: &Request<'_>, sink: &Sink<'_>) -> Result<ReadCounts, Error> {
        let tasks = self.tasks(request.as_of);
        let total = tasks.iter().fold(0_u64, |total, task| total.saturating_add(task.rows));
        let done = AtomicU64::new(0);
        let counts = self.each(&tasks, |task| {
            self.read_group(task, request, sink, &|rows| {
                if let Some(progress) = request.progress {
                    progress(done.fetch_add(rows, Ordering::Relaxed) + rows, total);
                }
            })
        })?;
        let mut sum = ReadCounts::default();
        for counts in counts {
            merge(&mut sum, counts);
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
        let too_many = sum.bad_rows as f64 > self.source.max_bad_rows * total as f64;
        if too_many {
            let (share, notes) = (self.source.max_bad_rows, sum.bad_row_notes);
            return Err(Error::BadRows { bad: sum.bad_rows, rows: total, share, notes });
        }
        Ok(sum)
    }

    fn read_group(&self, task: &Task, request: &Request<'_>, sink: &Sink<'_>, progress: &dyn Fn(u64)) -> Result<ReadCounts, Error> {
        let mut counts = ReadCounts::default();
        let wanted = Wanted { category: (request.category || request.details) && self.source.category.is_some(), details: request.details };
        self.scan(task, wanted, |lines, before| {
            let file = &self.tables[task.table].footer.name;
            let broken = |error: arrow::error::ArrowError| Error::Damaged { file: file.clone(), reason: error.to_string() };
            let mut batch = lines.batch().map_err(broken)?;
            if self.sieve.is_some() || !lines.all_count(request.as_of) {
                let keep = self.judge(&lines, request, &mut counts, |row| format!("{file} row {}", before + row as u64 + 1));
                batch = filter_record_batch(&batch, &keep).map_err(broken)?;
            } else if let Some(newest) = lines.at.values().iter().max() {
                note_times(&mut counts, *newest, lines.at.values(), request);
            }
            if batch.num_rows() > 0 {
                sink(&batch).map_err(Error::Sink)?;
            }
            progress(lines.len() as u64);
            Ok(())
        })?;
        Ok(counts)
    }

    /// Looks at each row; says which count.
    fn judge(&self, lines: &Lines, request: &Request<'_>, counts: &mut ReadCounts, place: impl Fn(usize) -> String) -> BooleanArray {
        let keep = (0..lines.len()).map(|row| match self.verdict(lines, row, request.as_of) {
            Verdict::Counted => {
                note_times(counts, lines.at.value(row), &[lines.at.value(row)], request);
                true
            }
            Verdict::LeftOut(_) => {
                counts.excluded += 1;
                false
            }
            Verdict::Guest => {
                counts.guests += 1;
                false
            }
            Verdict::Later => {
                counts.later += 1;
                false
            }
            Verdict::Bad => {
                counts.bad_rows += 1;
                if counts.bad_row_notes.len() < NOTES {
                    counts.bad_row_notes.push(format!("{}: {}", place(row), lines.complaint(row)));
                }
                false
            }
        });
        keep.map(Some).collect()
    }
}

/// Counts lines at these times; `newest` is the latest of them.
fn note_times(counts: &mut ReadCounts, newest: i64, times: &[i64], request: &Request<'_>) {
    counts.lines += times.len() as u64;
    counts.newest = counts.newest.max(Some(newest));
    if let Some(history) = request.history_before {
        counts.lines_before += times.iter().filter(|&&at| at < history).count() as u64;
    }
}

/// Adds up; the notes are those of the first files and rows, because results come in that order.
fn merge(sum: &mut ReadCounts, other: ReadCounts) {
    sum.lines += other.lines;
    sum.guests += other.guests;
    sum.excluded += other.excluded;
    sum.later += other.later;
    sum.bad_rows += other.bad_rows;
    sum.lines_before += other.lines_before;
    sum.newest = sum.newest.max(other.newest);
    let room = NOTES.saturating_sub(sum.bad_row_notes.len());
    sum.bad_row_notes.extend(other.bad_row_notes.into_iter().take(room));
}
