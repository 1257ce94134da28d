//! Some customers of the purchases, before they are read in earnest.

use super::columns::Place;
use super::scan::{self, Task};
use super::{Error, Purchases, words};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

/// Row groups that are looked into; places in all of them together, so that few pages are unpacked; and lines at each place.
const GROUPS: usize = 64;
const PLACES: usize = 64;
const LINES: usize = 1 << 8;
/// More of an id than tells its place in the order.
const LONGEST: usize = 64;

impl Purchases {
    /// The customers, or how their ids begin, of 64 times 256 lines or a few more, spread over 64 row groups at most; of all lines where there are fewer.
    ///
    /// # Errors
    /// As for `read`, as far as the column of customers tells.
    pub fn some_customers(&self, as_of: i64) -> Result<Vec<String>, Error> {
        let tasks = self.tasks(as_of);
        let step = tasks.len().div_ceil(GROUPS).max(1);
        let tasks: Vec<Task> = tasks.into_iter().step_by(step).collect();
        let places = PLACES.div_ceil(tasks.len().max(1));
        Ok(self.each(&tasks, |task| self.some_of(task, places))?.into_iter().flatten().collect())
    }

    /// The customers of some lines at so many places of a row group.
    fn some_of(&self, task: &Task, places: usize) -> Result<Vec<String>, Error> {
        let table = &self.tables[task.table];
        let root = match &table.layout.customer {
            Place::Column(root) => *root,
            Place::Same(id) => return Ok(id.iter().map(|id| words::who(id, &self.merges).to_owned()).collect()),
        };
        let mut reader = scan::open_with(table, task.group, &[root], |builder| {
            builder.with_batch_size(LINES).with_row_selection(spread(task.rows, places))
        })?;
        let mut customers = Vec::new();
        while let Some(batch) = scan::next(table, task.group, &[root], &mut reader)? {
            let ids = words::text(&table.raw(&batch, 0, root)).map_err(|flaw| table.flawed(&self.source.customer, flaw, task.before))?;
            let ids = ids.iter().flatten().map(|id| words::who(id, &self.merges)).filter(|id| !id.is_empty());
            customers.extend(ids.map(|id| id[..id.floor_char_boundary(LONGEST)].to_owned()));
        }
        Ok(customers)
    }
}

/// Some rows at so many places, as far from each other as can be.
fn spread(rows: u64, places: usize) -> RowSelection {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let (mut at, mut selectors) = (0, Vec::with_capacity(2 * places));
    for start in (0..places).map(|place| rows / places * place) {
        if start > at {
            selectors.push(RowSelector::skip(start - at));
            at = start;
        }
        let upto = start.saturating_add(LINES).min(rows);
        selectors.push(RowSelector::select(upto.saturating_sub(at)));
        at = at.max(upto);
    }
    selectors.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_spread_and_taken_once() {
        let taken = |rows: u64, places| {
            let mut at = 0;
            let mut taken = Vec::new();
            for selector in spread(rows, places).iter() {
                if !selector.skip {
                    taken.push(at..at + selector.row_count);
                }
                at += selector.row_count;
            }
            assert!(at as u64 <= rows);
            taken
        };
        assert_eq!(taken(1_000_000, 2), [0..256, 500_000..500_256]);
        assert_eq!(taken(700, 2), [0..256, 350..606]);
        assert_eq!(taken(300, 2).into_iter().flatten().count(), 300);
        assert_eq!(taken(5, 64).into_iter().flatten().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(taken(0, 3).is_empty());
    }
}
