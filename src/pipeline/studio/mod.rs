//! What the pages of the studio ask of a plan: everything here is a plain function that reads and computes; `web` puts it on pages.

mod attempt;
mod crowd;
mod gather;
mod mails;
mod people;
mod person;
mod preview;
mod templates;
mod trouble;

pub use crate::audience::{Fate, Filter, Found, Query, Row, Sort, Wanted};
pub use crate::ledger::PastState;
pub use crate::report::{COLOURS, FLOW, Pictures};
pub use attempt::{Attempt, Failed, Progress};
pub use gather::Ready;
pub use mails::{Hardship, Seen};
pub use people::People;
pub use person::Person;
pub use preview::{Preview, Sample, Shown};
pub use templates::{Listed, Listing, Saved, Text};
pub use trouble::told;
mod approving;
mod changes;

pub use approving::Approving;
pub use changes::{Compared, Other};

use super::error::Error;
use super::{inputs, letters, run, show};
use crate::domain::Job;
use crate::domain::plan::Summary;
use crate::runs;
use chrono::NaiveDate;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// An opened plan, and what is kept of it between two pages.
pub struct Studio {
    /// The job as its file is now.
    pub job: Job,
    /// The job as it was when the plan was made.
    pub planned: Job,
    pub(super) opened: runs::Opened,
    writer: letters::Writer,
    trail: OnceLock<mails::Trail>,
    hard: OnceLock<mails::Hard>,
    some: Mutex<Option<preview::Tried>>,
    attempt: Mutex<Option<Arc<Attempt>>>,
    comparisons: changes::Comparisons,
    /// The date that was asked for; without one the newest plan is shown.
    asked: Option<NaiveDate>,
    /// Tells this plan from one that was put in its place.
    mark: Option<u128>,
    gathered: gather::Gathered,
}

/// Opens the plan of a date, or the newest.
///
/// # Errors
/// There is no plan, or it is not as it was planned.
pub fn open(job: &Job, asked: Option<NaiveDate>) -> Result<Studio, Error> {
    let Some(as_of) = asked.map_or_else(|| show::latest_plan(job), |date| Ok(Some(date)))? else {
        let (name, path) = (&job.name, job.path.display());
        return Err(Error::Usage(job.language.pick(
            format!("`{name}` の計画はまだありません。先に rankmail plan {path} を実行してください"),
            format!("there is no plan of `{name}` yet; run `rankmail plan {path}` first"),
        )));
    };
    let folder = run::folder(job, as_of);
    let mark = mark(&folder);
    if mark.is_none() {
        let (name, path) = (&job.name, job.path.display());
        return Err(Error::Usage(job.language.pick(
            format!("`{name}` の {as_of} の計画はありません。先に rankmail plan {path} --as-of {as_of} を実行してください"),
            format!("there is no plan of `{name}` for {as_of}; run `rankmail plan {path} --as-of {as_of}` first"),
        )));
    }
    let opened = runs::open(&folder)?;
    let planned = inputs::planned_job(job, &opened)?;
    let writer = letters::Writer::open(&planned, &opened)?;
    Ok(Studio {
        job: job.clone(),
        planned,
        opened,
        writer,
        trail: OnceLock::new(),
        hard: OnceLock::new(),
        some: Mutex::default(),
        attempt: Mutex::default(),
        comparisons: changes::Comparisons::default(),
        asked,
        mark,
        gathered: gather::Gathered::default(),
    })
}

impl Studio {
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.opened.summary
    }

    /// Whether a plan was made since that is to be shown instead: another one of this date, or a newer one where none was asked for.
    #[must_use]
    pub fn is_past(&self) -> bool {
        let newest = self.asked.is_none().then(|| show::latest_plan(&self.job).ok().flatten()).flatten();
        newest.is_some_and(|newest| newest > self.summary().as_of) || mark(&run::folder(&self.job, self.summary().as_of)) != self.mark
    }

    /// Opens the plan that is to be shown now, with the job as its file is now.
    ///
    /// # Errors
    /// As for `open`.
    pub fn anew(&self) -> Result<Self, Error> {
        let job = inputs::load_job(&self.job.path, Some(&self.job.runs))?;
        open(&Job { memory: self.job.memory, ..job }, self.asked)
    }
}

/// What tells one plan of a folder from the next: its plan.json is written once.
fn mark(folder: &Path) -> Option<u128> {
    let written = std::fs::metadata(folder.join("plan.json")).ok()?.modified().ok()?;
    written.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_nanos())
}
