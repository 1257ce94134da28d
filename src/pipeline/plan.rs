//! A plan, step by step: this page is the program.

use super::approvals::{self, Approvals};
use super::error::Error;
use super::figures::{self, Tally};
use super::inputs::{self, Inputs};
use super::progress::Watch;
use super::{absent, adopt, brakes, forgotten, passes, stops};
use crate::domain::Job;
use crate::domain::plan::{Origin, Summary};
use crate::{job as job_room, ledger, report, runs};
use chrono::NaiveDate;
use std::path::{Path, PathBuf};

/// What a plan is made for. The as-of date and the wall clock are handed in: planning reads no clock.
pub struct Request<'a> {
    pub job: &'a Job,
    pub as_of: NaiveDate,
    /// Microseconds UTC.
    pub planned_at: i64,
    /// Plan into this folder instead of RUNS/JOB/AS-OF.
    pub into: Option<&'a Path>,
    pub watch: &'a Watch<'a>,
}

/// A plan that lies in its folder.
pub struct Planned {
    pub folder: PathBuf,
    pub summary: Summary,
    /// How ranges and dates of the job were understood.
    pub echo: Vec<String>,
    pub next: Next,
    /// Who has approved this very plan, when it was made before.
    pub approvals: Approvals,
}

/// What can be done with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Send,
    /// Nothing but look: the run of this later date is adopted, and dates are adopted in their order.
    Behind(NaiveDate),
    /// Nothing but look: it does not lie where `send` looks for it.
    Elsewhere,
}

/// Decides who gets which mail, renders every one of them, and writes the plan's folder. Nothing is sent, and nothing here could.
pub fn plan(request: &Request) -> Result<Planned, Error> {
    let job = request.job;
    let folder = request.into.map_or_else(|| runs::folder(&job.runs, &job.name, request.as_of), Path::to_path_buf);
    let _lock = match request.into {
        Some(_) => None,
        None => Some(runs::Lock::take(&job.runs.join(&job.name))?),
    };
    let next = next(request)?;
    let inputs = inputs::open(job, request.as_of)?;
    let (ranks, campaigns) = (job.ladder.ranks.iter().map(|rank| &rank.name), job.campaigns.iter().map(|campaign| &campaign.name));
    let begin = || Ok(runs::Draft::begin(&folder, ranks.clone().cloned().collect(), campaigns.clone().cloned().collect())?);
    let (mut decided, draft) = passes::run(job, &inputs, request.as_of, begin, request.watch)?;
    let mut summary = figures::summary(&inputs, &decided, request.planned_at);
    for (exposure, used) in summary.counts.exposure.iter_mut().zip(&decided.rates) {
        exposure.used = *used;
    }
    let given = std::mem::take(&mut decided.given);
    summary.counts.pools = given.pools;
    (summary.counts.places, summary.counts.budgets) = (given.places, given.budgets);
    summary.warnings.extend(absent::in_lists(job, &inputs.shop.customers, &inputs.shop.products)?);
    summary.warnings.extend(forgotten::told(job, &inputs.shop.customers));
    summary.warnings.extend(absent::in_list(job, &inputs.shop.customers, decided.tally.strangers())?);
    summary.brakes = brakes::on_plan(job, &summary, inputs.before.summary.as_ref(), &inputs.shop.customers)?;
    let mut summary = write(request, &folder, &inputs, (draft, &decided.tally), summary)?;
    // Whether the cart knows the codes, and what day it is, is not for the folder to say: that changes without it.
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let (own_codes, now) = (decided.tally.coded(), request.planned_at);
    let leaving = adopt::Leaving { job, planned: job, summary: &summary, own_codes, is_adopted: false, now };
    let stops = adopt::tripped(&leaving, ledger.as_ref())?;
    let approvals = approvals::of_plan(job, request.as_of, &summary.digest, job.approvals)?.accepting(&stops);
    summary.brakes.extend(stops);
    Ok(Planned { folder, summary, echo: job_room::echo(job), next, approvals })
}

/// A plan may be made again until it is adopted, and never after: its mails are in the ledger.
fn next(request: &Request) -> Result<Next, Error> {
    let job = request.job;
    if request.into.is_some() {
        return Ok(Next::Elsewhere);
    }
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else {
        return Ok(Next::Send);
    };
    if ledger.adoption(&job.name, request.as_of)?.is_some() {
        return Err(Error::Usage(format!(
            "the plan of {} for {} is adopted: its mails are being sent or were; look at it with `rankmail status`, send what is left \
             with `rankmail send`, or plan elsewhere with --into DIR",
            job.name, request.as_of
        )));
    }
    let later = ledger.latest_adoption(&job.name)?.filter(|last| last.as_of > request.as_of);
    Ok(later.map_or(Next::Send, |last| Next::Behind(last.as_of)))
}

/// Where the job and its runs lie, seen from the plan's folder.
fn origin(job: &Job, folder: &Path) -> Result<Option<Origin>, Error> {
    let (job, runs) = (runs::way(folder, &job.path)?, runs::way(folder, &job.runs)?);
    Ok(job.zip(runs).map(|(job, runs)| Origin { job, runs }))
}

fn write(
    request: &Request,
    folder: &Path,
    inputs: &Inputs,
    (draft, tally): (runs::Draft, &Tally),
    summary: Summary,
) -> Result<Summary, Error> {
    let job = request.job;
    let samples = tally.samples(inputs)?;
    let before = inputs.before.summary.as_ref();
    let paint = |summary: &Summary| report::html(summary, before, &samples, job.language, job.zone, job.shop("name"), &job.currency);
    let mut summary = summary;
    summary.origin = origin(job, folder)?;
    // A copy of a list that still has somebody who was forgotten would bring them back into the runs.
    let keeps = !forgotten::is_listed(&inputs.shop.customers);
    let customers = job.customers.as_ref().filter(|_| keeps).map(|source| ("customers", source.path.clone()));
    let merged = job.customers.as_ref().filter(|_| keeps).and_then(|source| source.merged.clone()).map(|path| ("merged", path));
    let products = job.products.as_ref().map(|source| ("products", source.path.clone()));
    let lists = [customers, merged, products].into_iter().flatten().map(|(name, path)| (name.to_owned(), path));
    let stops = if forgotten::is_stopped(job, &stops::listed(job)?)? { Vec::new() } else { stops::paths(job)? };
    let stops = stops.into_iter().zip(1..).map(|(path, number)| (format!("{}{number}", stops::NAME), path));
    let lists: Vec<_> = lists.chain(stops).collect();
    let whole = runs::WholePlan { summary, job_text: &job.text, templates: &inputs.templates.sources(), lists: &lists };
    Ok(draft.finish(whole, paint)?)
}
