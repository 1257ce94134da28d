//! One part of a plan, customer by customer, with everything that was decided about each.

use super::Error;
use crate::domain::plan::{PlanPart, PlannedMail, Skip};
use crate::domain::points::Holding;
use crate::domain::{FeatureRow, Standing};

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

/// The customers of a part in the order of their ids.
///
/// # Errors
/// `Contradiction` when the part is not sorted, its columns differ in length, or a customer is in it twice.
pub(super) fn planned(part: &PlanPart) -> Result<Vec<Planned<'_>>, Error> {
    let mut reading = Reading { part, row: 0, mails: &part.mails, skipped: &part.skipped };
    let mut rows: Vec<Planned<'_>> = Vec::with_capacity(part.customer_id.len());
    for id in part.customer_id.iter() {
        refuse_disorder(rows.last().map(|last| last.id), id)?;
        rows.push(reading.take(id)?);
    }
    if !reading.mails.is_empty() || !reading.skipped.is_empty() {
        return Err(contradiction("mails or skips are not in the order of their customers".into()));
    }
    Ok(rows)
}

/// Refuses a customer who does not come behind the one before.
pub(super) fn refuse_disorder(last: Option<&str>, id: &str) -> Result<(), Error> {
    if last.is_some_and(|last| last >= id) {
        return Err(contradiction(format!("customer `{id}` comes twice or out of order")));
    }
    Ok(())
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
