//! One of two plans that are compared, with all that its folder keeps of its inputs.

use super::super::error::Error;
use super::super::inputs::{self, Lists};
use super::super::stops;
use super::Request;
use crate::domain::Job;
use crate::{job as job_room, ledger, purchases, runs};
use chrono::NaiveDate;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Takes those out of the customers of one plan only whom the rules of the other leave out: they are not new and not gone, and their
/// changes are the rules'. Where a list cannot be read, the replay says so.
pub fn keep_known(before: &Side, after: &Side, alone: &mut HashMap<String, usize>) {
    let exclude = |side: &Side| side.job.customers.as_ref().map(|list| list.exclude.clone());
    if alone.is_empty() || exclude(before) == exclude(after) {
        return;
    }
    let left_out = |side: &Side, rules: &Job| -> Option<HashSet<String>> {
        let excluded = side.lists(rules).ok()?.customers.facts().excluded.iter().map(|(id, _)| id.clone()).collect();
        Some(excluded)
    };
    let (Some(old), Some(new), Some(now)) = (left_out(before, &before.job), left_out(before, &after.job), left_out(after, &after.job))
    else {
        return;
    };
    // Who is gone from the second list as well is gone, whatever its rules would do.
    alone.retain(|id, plan| {
        let by_rules = if *plan == 1 { old.contains(id) && !new.contains(id) } else { new.contains(id) && now.contains(id) };
        !by_rules
    });
}

/// A plan and the job it was made by.
pub struct Side {
    pub opened: runs::Opened,
    pub job: Job,
    pub as_of: NaiveDate,
    /// Whether it is known where the job file is: purchases and lists lie somewhere from there.
    placed: bool,
    /// Names relative to the templates folder, and contents.
    pub templates: Vec<(String, Vec<u8>)>,
}

impl Side {
    /// Opens a plan. Paths of its job start from where the job file was, seen from the plan.
    pub fn open(folder: &Path, request: &Request) -> Result<Self, Error> {
        let opened = runs::open(folder)?;
        let origin = opened.summary.origin.as_ref();
        let place = |typed: Option<&Path>, told: Option<&Path>, usual: &str| {
            typed.map(Path::to_owned).or_else(|| told.map(|way| opened.folder().join(way))).unwrap_or_else(|| opened.folder().join(usual))
        };
        let path = place(request.job, origin.map(|origin| origin.job.as_path()), "job.toml");
        let mut job = job_room::load_text(&path, &opened.job_text)?;
        job.runs = place(request.runs, origin.map(|origin| origin.runs.as_path()), "../..");
        let mut templates = Vec::new();
        for (name, _) in &opened.summary.templates {
            let path = opened.templates_dir().join(name);
            let bytes = fs::read(&path).map_err(|source| Error::File { path, source })?;
            templates.push((name.clone(), bytes));
        }
        let placed = request.job.is_some() || origin.is_some();
        Ok(Self { as_of: opened.summary.as_of, placed, opened, job, templates })
    }

    /// Nothing can be read again for a plan that does not tell where its job file is.
    pub fn need_place(&self) -> Result<(), Error> {
        if self.placed {
            return Ok(());
        }
        let folder = self.opened.folder().display();
        Err(Error::Usage(format!("the plan `{folder}` does not tell where its job file is; name it with --job")))
    }

    /// The lists as they were when the plan was made, read as a job says.
    pub fn lists(&self, rules: &Job) -> Result<Lists, Error> {
        inputs::lists(&self.with_kept_lists(rules)?, self.as_of)
    }

    /// The purchases of this plan's job, with the customers merged that were merged then.
    pub fn purchases(&self) -> Result<purchases::Purchases, Error> {
        let (merges, _) = inputs::merges(&self.with_kept_lists(&self.job)?)?;
        inputs::purchases(&self.job, merges)
    }

    fn with_kept_lists(&self, rules: &Job) -> Result<Job, Error> {
        let mut job = rules.clone();
        if let Some(source) = &mut job.customers {
            source.path = self.kept("customers")?;
            if let Some(merged) = &mut source.merged {
                *merged = self.kept("merged")?;
            }
        }
        if let Some(source) = &mut job.products {
            source.path = self.kept("products")?;
        }
        Ok(job)
    }

    fn kept(&self, name: &str) -> Result<PathBuf, Error> {
        self.opened.list(name).ok_or_else(|| {
            let folder = self.opened.folder().display();
            Error::Folder(format!(
                "the plan `{folder}` keeps no copy of its list of {name}: plans of earlier versions do not, and `rankmail forget` takes it out"
            ))
        })
    }

    /// What the ledger knew when the plan was made.
    pub fn past(&self) -> Result<ledger::Past, Error> {
        let past = match ledger::Ledger::open_existing(&self.job.runs.join("ledger.sqlite"))? {
            Some(ledger) => ledger.history(&self.job.name, self.as_of, self.opened.summary.planned_at)?,
            None => ledger::Past::default(),
        };
        Ok(past.stopping(stops::kept(&self.job, &self.opened)?))
    }
}
