//! What the commands of an operator print.

use super::{good, state_lines, words};
use crate::domain::Job;
use crate::domain::money::grouped;
use crate::pipeline::Moved;
use std::path::Path;

pub fn moved(job: &Job, moved: &Moved) -> String {
    let (state, count, as_of) = (words::state(job.language, moved.to), grouped(moved.mails), moved.as_of);
    let done = job
        .language
        .pick(format!("{as_of} のメール {count} 通を「{state}」にしました"), format!("{count} mails of {as_of} are now {state}"));
    good(&done) + &state_lines(job, &moved.states)
}

pub fn ledger_exported(job: &Job, rows: u64, file: &Path) -> String {
    let (count, file) = (grouped(rows), file.display());
    good(&job.language.pick(format!("{file}: {count} 行"), format!("{file}: {count} rows")))
}
