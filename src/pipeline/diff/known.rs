//! Which lines of the purchases as they are now each of two plans knew.
//!
//! A plan saw lines before its as-of date and none after the newest one it counted. What came into the files later with an earlier time is
//! found by the mark that the plan keeps of each customer's orders.

use super::super::error::Error;
use super::side::Side;
use crate::domain::Bounds;
use crate::domain::orders::LineKey;
use crate::{features, purchases};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// How far the second plan's lines have taken the place of the first one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As the first plan knew them.
    Old,
    /// Customers of one plan only are as in the second.
    Joined,
    /// Orders of the first plan are as in the second.
    Refunded,
    /// As the second plan knew them.
    New,
}

/// A customer's line: order, time, amount.
type Told = (Option<String>, i64, i64);

/// The lines that each of two plans knew.
pub struct Lines {
    ends: [Known; 2],
    /// Customers of one plan only, with the number of that plan.
    alone: HashMap<String, usize>,
    /// Orders with lines that one plan knew and the other did not, by customer.
    moved: HashMap<String, HashMap<String, Moved>>,
    /// Whether there are any such lines.
    pub any_moved: bool,
    /// Customers whose orders the first plan knew otherwise than they can be put together from the lines there are.
    pub corrected: HashSet<String>,
}

/// What one plan knew.
struct Known {
    /// Lines from this instant on were not known.
    end: i64,
    /// Lines before it that were not known either, by customer.
    hidden: HashMap<String, HashSet<Told>>,
}

/// An order some of whose lines only one plan knew.
#[derive(Default)]
struct Moved {
    known: [bool; 2],
    sells: bool,
}

impl Known {
    fn holds(&self, line: &LineKey) -> bool {
        line.at < self.end
            && self.hidden.get(line.customer).is_none_or(|hidden| !hidden.contains(&(line.order.map(str::to_owned), line.at, line.amount)))
    }
}

impl Lines {
    fn holds(&self, stage: Stage, line: &LineKey) -> bool {
        let [before, after] = [self.ends[0].holds(line), self.ends[1].holds(line)];
        let alone = self.alone.get(line.customer);
        match stage {
            // Of whom the first plan did not have it knew no line, however early.
            Stage::Old => before && alone != Some(&1),
            Stage::New => after,
            Stage::Joined | Stage::Refunded if before == after || alone.is_some() => after,
            Stage::Refunded if self.is_refund(line) => after,
            Stage::Joined | Stage::Refunded => before,
        }
    }

    /// Whether a line that one plan knew and the other did not belongs to an order that both knew, or to one that only gives back.
    fn is_refund(&self, line: &LineKey) -> bool {
        match line.order {
            None => line.amount < 0,
            Some(order) => {
                let moved = self.moved.get(line.customer).and_then(|orders| orders.get(order));
                moved.is_some_and(|moved| moved.known == [true, true] || !moved.sells)
            }
        }
    }

    /// The purchases as they were known at a stage.
    pub fn sieve(self: &Arc<Self>, stage: Stage) -> purchases::Sieve {
        let lines = Arc::clone(self);
        purchases::Sieve(Arc::new(move |line: &LineKey| lines.holds(stage, line)))
    }
}

/// Finds out what both plans knew.
pub fn lines(before: &Side, after: &Side, alone: &HashMap<String, usize>) -> Result<Lines, Error> {
    let (first, corrected) = known(before)?;
    let (second, _) = known(after)?;
    let mut lines = Lines { ends: [first, second], alone: alone.clone(), moved: HashMap::new(), any_moved: false, corrected };
    let end = lines.ends[0].end.max(lines.ends[1].end);
    let purchases = after.purchases()?;
    let found = Mutex::new((false, HashMap::<String, HashMap<String, Moved>>::new()));
    let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
    purchases.visit(end, &|line| {
        if lines.ends[0].holds(line) != lines.ends[1].holds(line) {
            let mut found = lock();
            found.0 = true;
            if let Some(order) = line.order {
                found.1.entry(line.customer.to_owned()).or_default().entry(order.to_owned()).or_default();
            }
        }
    })?;
    if !lock().1.is_empty() {
        purchases.visit(end, &|line| {
            let known = [lines.ends[0].holds(line), lines.ends[1].holds(line)];
            let Some(order) = line.order.filter(|_| known[0] || known[1]) else { return };
            if let Some(moved) = lock().1.get_mut(line.customer).and_then(|orders| orders.get_mut(order)) {
                moved.known = [moved.known[0] || known[0], moved.known[1] || known[1]];
                moved.sells |= line.amount > 0;
            }
        })?;
    }
    (lines.any_moved, lines.moved) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(lines)
}

/// What a plan knew, and the customers of whom that cannot be told.
fn known(side: &Side) -> Result<(Known, HashSet<String>), Error> {
    let midnight = side.job.zone.midnight(side.as_of);
    let newest = side.opened.summary.counts.newest;
    let mut known = Known { end: newest.map_or(i64::MIN, |newest| newest.saturating_add(1).min(midnight)), hidden: HashMap::new() };
    let changed = changed(side, known.end)?;
    let mut corrected = HashSet::new();
    if changed.is_empty() {
        return Ok((known, corrected));
    }
    let found: Mutex<HashMap<String, Vec<Told>>> = Mutex::default();
    side.purchases()?.visit(known.end, &|line| {
        if changed.contains_key(line.customer) {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.entry(line.customer.to_owned()).or_default().push((line.order.map(str::to_owned), line.at, line.amount));
        }
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (customer, mark) in changed {
        let mut rows = found.remove(&customer).unwrap_or_default();
        rows.sort_unstable();
        let keys =
            rows.iter().map(|(order, at, amount)| LineKey { customer: &customer, order: order.as_deref(), at: *at, amount: *amount });
        let keys: Vec<LineKey> = keys.collect();
        match features::came_later(&keys, mark) {
            Some(later) => {
                let later = later.into_iter().map(|line| (line.order.map(str::to_owned), line.at, line.amount)).collect();
                known.hidden.insert(customer, later);
            }
            None => drop(corrected.insert(customer)),
        }
    }
    Ok((known, corrected))
}

/// The customers of a plan whose orders before an instant are others now than the plan knew, with the mark that it keeps of them.
fn changed(side: &Side, end: i64) -> Result<HashMap<String, i64>, Error> {
    let partitions = features::Partitions::default();
    let fold = features::Fold::new(Bounds::at(end), &[], false, partitions.clone(), features::Room::endless());
    let request = purchases::Request { as_of: end, ..purchases::Request::default() };
    side.purchases()?.read(&request, &|lines| fold.add(lines).map_err(Into::into))?;
    let tables = fold.finish().all()?;
    let marks: Vec<HashMap<&str, i64>> =
        tables.par_iter().map(|table| table.customer_id.iter().zip(table.rows.iter().map(|row| row.mark)).collect()).collect();
    let mut changed = HashMap::new();
    for customer in side.opened.customers()? {
        let customer = customer?;
        let Some(mark) = customer.mark else { continue };
        let now = marks[partitions.of(&customer.customer_id)].get(customer.customer_id.as_str()).copied().unwrap_or_default();
        if now != mark {
            changed.insert(customer.customer_id, mark);
        }
    }
    Ok(changed)
}
