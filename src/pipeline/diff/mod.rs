//! Who gets something else in one plan than in another, and by what cause.
//!
//! Both plans are read as they lie on disk; a pair of customer and campaign that ends otherwise is a change. To find its cause the first
//! plan is made again, step by step with more of the second plan's inputs, by the very passes that plan: a change belongs to the first
//! step after which its pair ends as in the second plan. The last step is the second plan, so every change has one cause, and the counts
//! of causes add up. Where the inputs that are left do not give the plans as they were made, the cause is unknown: nothing is guessed.

mod ends;
mod known;
mod side;
mod steps;

use super::error::Error;
use super::progress::Watch;
use crate::domain::diff::{Cause, Change, Compared, Diff, Fate};
use ends::Pair;
use side::Side;
use std::collections::HashMap;
use std::path::Path;

/// Which plans to compare.
pub struct Request<'a> {
    pub before: &'a Path,
    pub after: &'a Path,
    /// The job file, where the plans do not tell where it is.
    pub job: Option<&'a Path>,
    /// The folder of runs, likewise.
    pub runs: Option<&'a Path>,
    pub watch: &'a Watch<'a>,
}

/// Compares two plans of a job. Nothing is written.
pub fn diff(request: &Request) -> Result<Diff, Error> {
    let before = Side::open(request.before, request)?;
    let after = Side::open(request.after, request)?;
    if before.job.name != after.job.name {
        return Err(Error::Usage(format!(
            "`{}` is a plan of the job `{}`, `{}` one of `{}`: only plans of one job can be compared",
            request.before.display(),
            before.job.name,
            request.after.display(),
            after.job.name
        )));
    }
    let mut pairs = ends::compare(&before, &after)?;
    let mut alone = ends::look_up(&before, &after, &mut pairs)?;
    side::keep_known(&before, &after, &mut alone);
    let mut notes = Vec::new();
    let causes = if pairs.is_empty() { Vec::new() } else { causes(&before, &after, &pairs, &alone, &mut notes, request.watch) };
    let changes = pairs.into_iter().zip(causes);
    let changes = changes.map(|(Pair { customer, campaign, before, after }, cause)| Change { customer, campaign, cause, before, after });
    Ok(Diff {
        job: after.job.name.clone(),
        language: after.job.language,
        changes: changes.collect(),
        before: before.compared(),
        after: after.compared(),
        notes,
    })
}

impl Side {
    fn compared(&self) -> Compared {
        let summary = &self.opened.summary;
        Compared {
            folder: self.opened.folder().to_owned(),
            as_of: summary.as_of,
            digest: summary.digest.clone(),
            mails: summary.counts.mails,
        }
    }
}

/// The cause of each change.
fn causes(
    before: &Side,
    after: &Side,
    pairs: &[Pair],
    alone: &HashMap<String, usize>,
    notes: &mut Vec<String>,
    watch: &Watch,
) -> Vec<Cause> {
    match steps::replay(before, after, pairs, alone, watch) {
        Ok(replay) => {
            notes.extend(replay.notes(after.job.language));
            (0..pairs.len()).map(|at| cause(&replay, at, &pairs[at], alone.contains_key(&pairs[at].customer))).collect()
        }
        Err(error) => {
            notes.push(after.job.language.pick(
                format!("原因は特定できません: {}", first_line(&error)),
                format!("the causes cannot be told: {}", first_line(&error)),
            ));
            vec![Cause::Unknown; pairs.len()]
        }
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The first step after which a pair ends as in the second plan.
fn cause(replay: &steps::Replay, at: usize, pair: &Pair, is_alone: bool) -> Cause {
    let is_end = |fate: Fate| fate == pair.after.fate;
    let first = replay.steps.iter().find(|(cause, fates)| is_end(fates[at]) || (is_alone && *cause == Cause::NewCustomers));
    let last_is_end = replay.steps.last().is_some_and(|(_, fates)| is_end(fates[at]));
    let told = replay.start[at] == pair.before.fate && (is_alone || last_is_end);
    match first {
        Some((cause, _)) if told => *cause,
        // The orders of somebody who is gone may be gone too, and then the first plan cannot be made again for them.
        _ if is_alone => Cause::NewCustomers,
        // The orders that the first plan knew were changed since in a way that cannot be undone: that much is certain.
        _ if replay.corrected.contains(&pair.customer) => Cause::Refunds,
        _ => Cause::Unknown,
    }
}
