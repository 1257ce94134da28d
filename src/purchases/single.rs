//! Looks for single customers: one's whole history for `explain`, the last orders' items for templates.

use super::columns::Place;
use super::lines::{Lines, Verdict};
use super::scan::{self, Task, Wanted};
use super::{Error, Purchases, words};
use crate::domain::HistoryLine;
use crate::domain::orders::{LastOrderLine, LineFate, WantedOrders};
use arrow::array::{Array, Int64Array, StringViewArray};

const EVERYTHING: Wanted = Wanted { category: true, details: true };

/// Takes a line of somebody, with the number of its file and of its row there.
pub type TakeLine<'t> = &'t (dyn Fn(&str, (usize, u64), HistoryLine) + Sync);

impl Purchases {
    /// All lines of one customer with their fate, in the order of files and rows.
    pub fn history(&self, customer: &str, as_of: i64) -> Result<Vec<HistoryLine>, Error> {
        // Later lines are listed too, so no row group is passed over by its time.
        let groups = self.each(&self.tasks(i64::MAX), |task| {
            let mut history = Vec::new();
            if self.mentions(task, customer)? {
                self.scan(task, EVERYTHING, |lines, before| {
                    let rows = (0..lines.len()).filter(|&row| lines.customer.is_valid(row) && lines.customer.value(row) == customer);
                    history.extend(rows.map(|row| self.line(&lines, row, task, before, as_of)));
                    Ok(())
                })?;
            }
            Ok(history)
        })?;
        Ok(groups.into_iter().flatten().collect())
    }

    /// All lines of everybody as `history` gives them, each with the number of its file and of its row there: these put a customer's
    /// lines in their order. They are taken from many threads at once, in any order.
    pub fn histories(&self, as_of: i64, take: TakeLine) -> Result<(), Error> {
        self.each(&self.tasks(i64::MAX), |task| {
            self.scan(task, EVERYTHING, |lines, before| {
                for row in (0..lines.len()).filter(|&row| lines.customer.is_valid(row)) {
                    let line = self.line(&lines, row, task, before, as_of);
                    take(lines.customer.value(row), (task.table, before + row as u64), line);
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Where a line stands, for people.
    pub fn place(&self, file: usize, row: u64) -> String {
        format!("{} row {}", self.tables.get(file).map_or("", |table| table.footer.name.as_str()), row + 1)
    }

    /// Whether a row group has lines of a customer: one column is read instead of all.
    fn mentions(&self, task: &Task, customer: &str) -> Result<bool, Error> {
        let table = &self.tables[task.table];
        let root = match &table.layout.customer {
            Place::Column(root) => *root,
            Place::Same(value) => return Ok(value.as_deref().is_some_and(|id| words::who(id, &self.merges) == customer)),
        };
        let mut reader = scan::open(table, task.group, &[root])?;
        let mut before = task.before;
        while let Some(batch) = scan::next(table, task.group, &[root], &mut reader)? {
            let ids = words::text(&table.raw(&batch, 0, root)).map_err(|flaw| table.flawed(&self.source.customer, flaw, before))?;
            before = before.saturating_add(batch.num_rows() as u64);
            if ids.iter().flatten().any(|id| words::who(id, &self.merges) == customer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn line(&self, lines: &Lines, row: usize, task: &Task, before: u64, as_of: i64) -> HistoryLine {
        let fate = match lines.verdict(row, &self.source.rules, as_of) {
            Verdict::Counted | Verdict::Guest => LineFate::Counted,
            Verdict::Later => LineFate::Later,
            Verdict::Bad => LineFate::Bad(lines.complaint(row)),
            Verdict::LeftOut(place) => LineFate::LeftOut {
                rule: self.source.rules[place].kind,
                column: self.source.rules[place].column.clone(),
                value: word(Some(&lines.rules[place]), row),
            },
        };
        HistoryLine {
            place: self.place(task.table, before + row as u64),
            order_id: lines.order_id(row),
            at: number(Some(&lines.at), row),
            amount: number(Some(&lines.amount), row),
            product: word(lines.product.as_ref(), row),
            category: word(lines.category.as_ref(), row),
            quantity: number(lines.quantity.as_ref(), row),
            fate,
        }
    }

    /// The lines of last orders, which are `wanted` as the features tell them. Lines from `as_of` on are not seen. Those of a batch are taken
    /// together, from many threads and in any order.
    pub fn last_orders(&self, wanted: &WantedOrders, as_of: i64, take: &(dyn Fn(&[LastOrderLine]) + Sync)) -> Result<(), Error> {
        self.each(&self.tasks(as_of), |task| {
            self.scan(task, EVERYTHING, |lines, _| {
                let picked = self.pick(&lines, wanted, as_of);
                if !picked.is_empty() {
                    take(&picked);
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    fn pick<'l>(&self, lines: &'l Lines, wanted: &WantedOrders, as_of: i64) -> Vec<LastOrderLine<'l>> {
        let mut picked = Vec::new();
        // The lines of an order mostly lie beside each other. Equal views are equal texts.
        let mut last = (0, None);
        for (row, (&view, &at)) in lines.customer.views().iter().zip(lines.at.values()).enumerate() {
            if lines.customer.is_null(row) {
                continue;
            }
            let customer = lines.customer.value(row);
            let order = if row > 0 && last.0 == view { last.1 } else { wanted.get(customer) };
            last = (view, order);
            // No line of an order is earlier than its first one.
            let Some((order, _)) = order.filter(|(_, first)| *first <= at) else { continue };
            let same = match lines.order_id(row) {
                Some(id) => id == *order,
                None => order.is_empty() && last.1.is_some_and(|(_, first)| *first == at),
            };
            if same && self.verdict(lines, row, as_of) == Verdict::Counted {
                picked.push(LastOrderLine {
                    customer,
                    store: label(lines.store.as_ref(), row),
                    product: label(lines.product.as_ref(), row),
                    category: label(lines.category.as_ref(), row),
                    quantity: number(lines.quantity.as_ref(), row),
                    amount: lines.amount.value(row),
                });
            }
        }
        picked
    }
}

fn label(values: Option<&StringViewArray>, row: usize) -> Option<&str> {
    values.filter(|values| values.is_valid(row)).map(|values| values.value(row))
}

fn word(values: Option<&StringViewArray>, row: usize) -> Option<String> {
    label(values, row).map(str::to_owned)
}

fn number(values: Option<&Int64Array>, row: usize) -> Option<i64> {
    values.filter(|values| values.is_valid(row)).map(|values| values.value(row))
}
