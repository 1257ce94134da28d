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
pub use crate::message::{LEADS, note_memory, quiet};
pub use crate::report::{COLOURS, FLOW, Pictures};
pub use attempt::{Attempt, Failed, Progress};
pub use gather::Ready;
pub use mails::{Hardship, Seen, Stranger};
pub use people::People;
pub use person::Person;
pub use preview::{Failing, Preview, Shown};
pub use templates::{LARGEST, Listed, Listing, Removed, Saved, Text};
pub use trouble::told;
mod approving;
mod changes;

pub use approving::Approving;
pub use changes::{Compared, Other};

use super::error::Error;
use super::{approvals, inputs, letters, run, show};
use crate::domain::Job;
use crate::domain::plan::Summary;
use crate::{ledger, runs};
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

    /// What has become of the plan that is shown.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let as_of = self.summary().as_of;
        let newest = self.asked.is_none().then(|| show::latest_plan(&self.job).ok().flatten()).flatten();
        match (newest.filter(|newest| *newest > as_of), mark(&run::folder(&self.job, as_of))) {
            (Some(newest), _) => Standing::Older(newest),
            (None, None) => Standing::Gone,
            // `run` writes the same plan once more.
            (None, mark) if mark != self.mark && !self.is_same() => Standing::Replaced,
            _ => Standing::Here,
        }
    }

    /// Whether the plan in its folder has the digest of the one that is shown.
    fn is_same(&self) -> bool {
        let there = runs::glance(&run::folder(&self.job, self.summary().as_of));
        there.is_ok_and(|there| there.summary.digest == self.summary().digest)
    }

    /// Whether the plan is adopted: its mails are being sent, or were.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn is_adopted(&self) -> Result<bool, Error> {
        let ledger = ledger::Ledger::open_existing(&self.job.runs.join("ledger.sqlite"))?;
        let adoption = ledger.map(|ledger| ledger.adoption(&self.job.name, self.summary().as_of)).transpose()?.flatten();
        Ok(adoption.is_some_and(|adoption| adoption.digest == self.summary().digest))
    }

    /// That the plan is not in its folder any more, and what to do; none when there is one. For people.
    #[must_use]
    pub fn gone(&self) -> Option<String> {
        let as_of = self.summary().as_of;
        let folder = run::folder(&self.job, as_of);
        let again = approvals::plan_again(&self.job, as_of);
        let folder_shown = folder.display();
        mark(&folder).is_none().then(|| {
            self.job.language.pick(
                format!(
                    "この計画はもうありません（{folder_shown} から消されたか、移されました）。作り直してから開き直してください: {again}"
                ),
                format!("This plan is gone: it was removed from {folder_shown}, or moved. Plan again, then open it again: {again}"),
            )
        })
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

/// What has become of a plan since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Here,
    /// Another plan of this date is in its place.
    Replaced,
    /// There is a plan of this later date, and no date was asked for.
    Older(NaiveDate),
    /// Its folder is gone.
    Gone,
}

/// What tells one plan of a folder from the next: its plan.json is written once.
fn mark(folder: &Path) -> Option<u128> {
    let written = std::fs::metadata(folder.join("plan.json")).ok()?.modified().ok()?;
    written.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_nanos())
}
