//! The customers of all parts of a plan in one order: by id, whatever the number of parts.

use super::Error;
use crate::domain::plan::{PlanPart, PlannedMail, Skip};
use crate::domain::points::Holding;
use crate::domain::{FeatureRow, Standing};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One customer of a plan with everything that was decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned<'a> {
    pub id: &'a str,
    pub features: &'a FeatureRow,
    pub standing: &'a Standing,
    pub holdout: bool,
    pub holding: Holding,
    pub mails: &'a [PlannedMail],
    pub skipped: &'a [Skip],
}

/// How far one part has been read.
struct Reading<'a> {
    part: &'a PlanPart,
    row: usize,
    mails: &'a [PlannedMail],
    skipped: &'a [Skip],
}

/// Walks the customers of all parts in the order of their ids.
pub(super) struct Merge<'a> {
    readings: Vec<Reading<'a>>,
    next: BinaryHeap<Reverse<(&'a str, usize)>>,
    last: Option<&'a str>,
}

impl<'a> Merge<'a> {
    pub fn new(parts: &'a [PlanPart]) -> Self {
        let mut merge = Self { readings: Vec::with_capacity(parts.len()), next: BinaryHeap::new(), last: None };
        for part in parts {
            merge.readings.push(Reading { part, row: 0, mails: &part.mails, skipped: &part.skipped });
            merge.wait_for(merge.readings.len() - 1);
        }
        merge
    }

    fn wait_for(&mut self, at: usize) {
        if let Some(reading) = self.readings.get(at)
            && reading.row < reading.part.customer_id.len()
        {
            self.next.push(Reverse((reading.part.customer_id.get(reading.row), at)));
        }
    }

    /// The next customer, or `None` when all were given and nothing was left behind.
    ///
    /// # Errors
    /// `Contradiction` when a part is not sorted, its columns differ in length, or a customer is in the plan twice.
    pub fn next(&mut self) -> Result<Option<Planned<'a>>, Error> {
        let Some(Reverse((id, at))) = self.next.pop() else {
            let left = self.readings.iter().any(|reading| !reading.mails.is_empty() || !reading.skipped.is_empty());
            return if left { Err(contradiction("mails or skips are not in the order of their customers".into())) } else { Ok(None) };
        };
        if self.last.is_some_and(|last| last >= id) {
            return Err(contradiction(format!("customer `{id}` comes twice or out of order")));
        }
        self.last = Some(id);
        let reading = self.readings.get_mut(at).ok_or_else(|| contradiction("a part is gone".into()))?;
        let planned = reading.take(id)?;
        self.wait_for(at);
        Ok(Some(planned))
    }
}

impl<'a> Reading<'a> {
    fn take(&mut self, id: &'a str) -> Result<Planned<'a>, Error> {
        let (part, row) = (self.part, self.row);
        let short = || contradiction(format!("customer `{id}` has no standing or figures"));
        self.row += 1;
        Ok(Planned {
            id,
            features: part.features.get(row).ok_or_else(short)?,
            standing: part.standings.get(row).ok_or_else(short)?,
            holdout: *part.holdout.get(row).ok_or_else(short)?,
            holding: part.holdings.get(row).copied().unwrap_or_default(),
            mails: run_of(&mut self.mails, id, row, |mail| (mail.customer, mail.campaign))?,
            skipped: run_of(&mut self.skipped, id, row, |skip| (skip.customer, skip.campaign))?,
        })
    }
}

/// Cuts off the front what belongs to this row, and sees that its campaigns ascend.
fn run_of<'a, T>(rest: &mut &'a [T], id: &str, row: usize, place: impl Fn(&T) -> (usize, usize)) -> Result<&'a [T], Error> {
    let (run, after) = rest.split_at(rest.iter().take_while(|item| place(item).0 == row).count());
    if !run.is_sorted_by(|one, next| place(one).1 < place(next).1) {
        return Err(contradiction(format!("the campaigns of customer `{id}` come twice or out of order")));
    }
    *rest = after;
    Ok(run)
}

pub(super) fn contradiction(problem: String) -> Error {
    Error::Contradiction { problem }
}
