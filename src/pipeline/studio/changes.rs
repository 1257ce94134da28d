//! What changed against another plan of the job: compared in the background, once for each plan, and kept until the plan is opened anew.

use super::super::diff::{Request, diff};
use super::super::error::Error;
use super::super::progress::Step;
use super::super::run;
use super::Studio;
use crate::domain::diff::Diff;
use crate::domain::job::Language;
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Comparisons that are kept: each holds every change.
const MOST: usize = 4;
/// A page waits so long before it tells how far the comparison is.
const PATIENCE: Duration = Duration::from_millis(100);

/// Comparisons with other plans, by their dates.
#[derive(Default)]
pub(super) struct Comparisons {
    by_date: Mutex<BTreeMap<NaiveDate, Arc<Comparison>>>,
    /// One at a time: each takes all cores.
    turn: Arc<Mutex<()>>,
}

/// One comparison, while it goes on and afterwards.
#[derive(Default)]
struct Comparison {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Default)]
struct Told {
    progress: Option<(Step, u64, u64)>,
    over: Option<Result<Arc<Diff>, String>>,
}

/// How far a comparison is.
pub enum Compared {
    /// The step, what is done and how much there is; nothing while it waits for its turn.
    Going(Option<(Step, u64, u64)>),
    Done(Arc<Diff>),
    /// Why the plans cannot be compared.
    Failed(String),
}

/// A plan that this one can be compared with.
pub struct Other {
    pub as_of: NaiveDate,
    pub is_adopted: bool,
}

impl Studio {
    /// The other plans of the job, the newest first.
    pub fn others(&self) -> Result<Vec<Other>, Error> {
        let job = &self.job;
        let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
        let adopted = ledger.map_or_else(|| Ok(Vec::new()), |ledger| ledger.adoptions(&job.name))?;
        let mut dates = runs::plans(&job.runs, &job.name)?;
        dates.sort_unstable();
        let others = dates.into_iter().rev().filter(|date| *date != self.summary().as_of);
        let is_adopted = |as_of| adopted.iter().any(|adoption| adoption.as_of == as_of);
        Ok(others.map(|as_of| Other { as_of, is_adopted: is_adopted(as_of) }).collect())
    }

    /// Compares the plan of a date with this one, in the background. Asked again it tells how far that is, and then what came of it.
    pub fn compared(&self, with: NaiveDate) -> Result<Compared, Error> {
        if !self.others()?.iter().any(|other| other.as_of == with) {
            return Err(Error::Data(self.job.language.pick(
                format!("{with} の計画はありません。一覧から選び直してください"),
                format!("there is no other plan of {with}; choose one of the list"),
            )));
        }
        let comparison = self.begun(with)?;
        let told = hold(&comparison.told);
        let waited = comparison.changed.wait_timeout_while(told, PATIENCE, |told| told.over.is_none());
        let (told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Ok(match &told.over {
            None => Compared::Going(told.progress),
            Some(Ok(diff)) => Compared::Done(Arc::clone(diff)),
            Some(Err(why)) => Compared::Failed(why.clone()),
        })
    }

    /// The comparison with a plan; where there is none yet, it begins.
    fn begun(&self, with: NaiveDate) -> Result<Arc<Comparison>, Error> {
        let mut all = hold(&self.comparisons.by_date);
        if let Some(known) = all.get(&with) {
            return Ok(Arc::clone(known));
        }
        if all.len() >= MOST {
            let over = all.iter().find(|(_, one)| hold(&one.told).over.is_some()).map(|(date, _)| *date);
            let Some(over) = over else {
                return Err(Error::Usage(self.job.language.pick(
                    "ほかの比較が進行中です。終わってから開いてください".to_owned(),
                    "other comparisons are under way; come back when they are done".to_owned(),
                )));
            };
            all.remove(&over);
        }
        let comparison = Arc::new(Comparison::default());
        all.insert(with, Arc::clone(&comparison));
        let (before, after) = (run::folder(&self.job, with), self.opened.folder().to_owned());
        let language = self.job.language;
        let (job, runs, turn) = (self.job.path.clone(), self.job.runs.clone(), Arc::clone(&self.comparisons.turn));
        let own = Arc::clone(&comparison);
        std::thread::spawn(move || {
            let _turn = hold(&turn);
            own.carry_out([&before, &after], &job, &runs, language);
        });
        Ok(comparison)
    }
}

impl Comparison {
    fn carry_out(&self, [before, after]: [&Path; 2], job: &Path, runs: &Path, language: Language) {
        let watch = |step, done, total| hold(&self.told).progress = Some((step, done, total));
        let found = diff(&Request { before, after, job: Some(job), runs: Some(runs), watch: &watch });
        hold(&self.told).over = Some(found.map(Arc::new).map_err(|error| super::told(&error, language)));
        self.changed.notify_all();
    }
}

/// What a panic elsewhere left is still the best that is known.
fn hold<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
