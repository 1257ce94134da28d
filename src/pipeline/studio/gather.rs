//! What is read once of a plan, while its first pages are shown already.

use super::super::error::Error;
use super::super::previous;
use super::super::run;
use super::Studio;
use super::crowd::Crowd;
use super::people::{self, People};
use super::trouble::told;
use crate::audience::{Found, Query, Row};
use crate::domain::plan::Summary;
use crate::report;
use crate::runs;
use chrono::NaiveDate;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs of the past that the pictures of ranks look back on.
const PAST: usize = 12;

/// What is kept of a plan between two pages.
#[derive(Default)]
pub struct Gathered {
    people: OnceLock<Result<People, String>>,
    crowd: OnceLock<Result<Option<Crowd>, String>>,
    past: OnceLock<Vec<Summary>>,
    /// How much of the people is read, in thousandths; and of what explains them.
    done: AtomicU64,
    crowd_done: AtomicU64,
}

/// Something that is read while pages are shown already.
pub enum Ready<T> {
    Yes(T),
    /// It is being read; so many thousandths are done.
    Soon(u64),
    /// It cannot be read, and why.
    Never(String),
}

impl<T> Ready<T> {
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Ready<U> {
        match self {
            Self::Yes(found) => Ready::Yes(map(found)),
            Self::Soon(done) => Ready::Soon(done),
            Self::Never(why) => Ready::Never(why),
        }
    }
}

/// Notes how far something is.
fn note(of: &AtomicU64, done: u64, total: u64) {
    of.store((done * 1_000).checked_div(total).unwrap_or(0).min(999), Ordering::Relaxed);
}

impl Studio {
    /// Reads everybody of the plan. Called once, on a thread of its own.
    pub fn read_people(&self) {
        let watch = |_, done, total| note(&self.gathered.done, done, total);
        let people = people::people(&self.planned, &self.opened, &watch).map_err(|error| told(&error, self.job.language));
        // Nobody else sets it.
        let _ = self.gathered.people.set(people);
    }

    /// Reads what explains single people. Called once, on a thread of its own.
    pub fn read_crowd(&self) {
        let crowd = Crowd::read(&self.job, self.summary().as_of, &|done, total| note(&self.gathered.crowd_done, done, total));
        let _ = self.gathered.crowd.set(crowd.map_err(|error| told(&error, self.job.language)));
    }

    /// What explains single people; `None` in a shop that is too large for it.
    pub(super) fn crowd(&self) -> Ready<Option<&Crowd>> {
        match self.gathered.crowd.get() {
            Some(Ok(crowd)) => Ready::Yes(crowd.as_ref()),
            Some(Err(why)) => Ready::Never(why.clone()),
            None => Ready::Soon(self.gathered.crowd_done.load(Ordering::Relaxed)),
        }
    }

    /// Everybody of the plan.
    pub fn people(&self) -> Ready<&People> {
        match self.gathered.people.get() {
            Some(Ok(people)) => Ready::Yes(people),
            Some(Err(why)) => Ready::Never(why.clone()),
            None => Ready::Soon(self.gathered.done.load(Ordering::Relaxed)),
        }
    }

    /// Those of the plan whom a query means.
    ///
    /// # Errors
    /// The disk fails.
    pub fn find(&self, query: &Query) -> Result<Ready<Found>, Error> {
        match self.people() {
            Ready::Yes(people) => Ok(Ready::Yes(people.index.find(query).map_err(Error::Audience)?)),
            other => Ok(other.map(|_| Found::default())),
        }
    }

    /// Somebody of the plan; `None` where nobody has this id, or people are not read yet.
    ///
    /// # Errors
    /// The disk fails.
    pub fn listed(&self, id: &str) -> Result<Option<Row>, Error> {
        match self.people() {
            Ready::Yes(people) => people.index.by_id(id).map_err(Error::Audience),
            Ready::Soon(_) | Ready::Never(_) => Ok(None),
        }
    }

    /// The adopted runs before this plan whose ranks count, the earliest first; the last twelve of them, as far as they can be read.
    pub fn past(&self) -> &[Summary] {
        if let Some(past) = self.gathered.past.get() {
            return past;
        }
        let as_of: NaiveDate = self.summary().as_of;
        // A ledger that cannot be read now may be read later.
        let Ok(adopted) = previous::adopted(&self.planned, as_of, i64::MAX) else { return &[] };
        let last = adopted.iter().skip(adopted.len().saturating_sub(PAST));
        let own = |adoption: &crate::ledger::Adoption| runs::folder(&self.planned.runs, &adoption.job, adoption.as_of);
        let read = last.filter_map(|adoption| runs::glance(&own(adoption)).ok()).map(|glance| glance.summary);
        let read = read.filter(|summary| summary.as_of < as_of);
        self.gathered.past.get_or_init(|| read.collect())
    }

    /// The pictures of ranks.
    pub fn pictures(&self) -> report::Pictures {
        report::pictures(self.summary(), self.past().last(), self.job.language)
    }

    /// The command that explains somebody in a terminal.
    #[must_use]
    pub fn explain_command(&self, id: &str) -> String {
        let quoted = format!("'{}'", id.replace('\'', r"'\''"));
        format!("rankmail explain {} --customer {quoted} --as-of {}", self.job.path.display(), self.summary().as_of)
    }

    /// Where the plan lies.
    pub fn folder(&self) -> std::path::PathBuf {
        run::folder(&self.job, self.summary().as_of)
    }
}
