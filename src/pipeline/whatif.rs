//! What-if: plays the past months again, month by month, with today's rules and with changed ones. Nothing is planned or written; every
//! decision is that of a plan, only the rendering is left out, so a mail that could not be rendered counts as one.
//!
//! A play begins with the state that the last adopted run before it left, or as a first run. Where it comes to the shop's first adopted run,
//! it begins anew, as the shop did. From there on it keeps ranks and mails in
//! memory: what `once` and `min_days_between` see of these months is what the play itself mailed. Lists and purchases are those of today.

use super::error::Error;
use super::held::HeldBefore;
use super::owed::Owed;
use super::progress::Watch;
use super::spent::SpentBefore;
use super::{assess, check, choose, figures, inputs, previous};
use crate::domain::ladder::PreviousRun;
use crate::domain::mail::PastMail;
use crate::domain::plan::PlanPart;
use crate::domain::standing::Held;
use crate::domain::whatif::{Replay, ReplayedRun, WhatIf};
use crate::domain::zone::{first_of_month, months_before};
use crate::domain::{Job, Standing};
use crate::{job as job_room, ledger, report};
use chrono::NaiveDate;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// What is asked.
pub struct Request<'a> {
    pub job: &'a Job,
    /// `PATH=VALUE`, each of them.
    pub settings: &'a [String],
    /// How many months are played, the as-of date's the last.
    pub months: u32,
    pub as_of: NaiveDate,
    /// Where a picture is drawn, if one is wanted.
    pub picture: Option<&'a Path>,
    pub watch: &'a Watch<'a>,
}

/// Plays the months under today's rules and, where something is set anew, under those.
pub fn whatif(request: &Request) -> Result<WhatIf, Error> {
    let job = request.job;
    if let Some(other) = &job.ladder.of {
        return Err(Error::Usage(format!("the ranks of `{}` are decided by the job `{other}`: ask there what if", job.name)));
    }
    let changed = (!request.settings.is_empty()).then(|| changed(job, request.settings)).transpose()?;
    let stops = stops(request)?;
    let today = replay(job, &stops, request.watch)?;
    let changed = changed.map(|changed| replay(&changed, &stops, request.watch)).transpose()?;
    let found = WhatIf { job: job.name.clone(), settings: request.settings.to_vec(), today, changed };
    if let Some(path) = request.picture {
        let html = report::whatif(&found, job.language, &job.currency)?;
        std::fs::write(path, html).map_err(|source| Error::File { path: path.to_owned(), source })?;
    }
    Ok(found)
}

/// The job with some of its keys set anew, checked as a whole.
fn changed(job: &Job, settings: &[String]) -> Result<Job, Error> {
    let text = job_room::with_settings(&job.text, settings).map_err(Error::Usage)?;
    let mut changed = job_room::load_text(&job.path, &text)?;
    changed.runs.clone_from(&job.runs);
    changed.memory = job.memory;
    if let Some(other) = &changed.ladder.of {
        return Err(Error::Usage(format!("--set ranks.of: the job `{other}` would decide the ranks; ask there what if")));
    }
    Ok(changed)
}

/// One date of a play.
struct Stop {
    as_of: NaiveDate,
    adopted: bool,
    /// No run was adopted before: the ranks and mails that a play made up until here were not the shop's.
    is_first: bool,
    /// What the ledger noted after this instant (microseconds UTC) was not known then.
    until: i64,
}

/// The dates that are played: those of the adopted runs, and the 1st of each month before the first of them or after the last. A month
/// between them that the shop skipped is skipped: what the next run found was not what a run of that month would have left.
fn stops(request: &Request) -> Result<Vec<Stop>, Error> {
    let job = request.job;
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let mut adoptions = ledger.map_or_else(|| Ok(Vec::new()), |ledger| ledger.adoptions(&job.name))?;
    adoptions.retain(|run| run.as_of <= request.as_of);
    let ends = adoptions.first().map(|run| run.as_of).zip(adoptions.last().map(|run| run.as_of));
    let this_month = first_of_month(request.as_of);
    let mut stops = Vec::new();
    for ago in (0..request.months).rev() {
        let first = months_before(this_month, i32::try_from(ago).unwrap_or(i32::MAX));
        let ran = adoptions.iter().filter(|run| first_of_month(run.as_of) == first);
        let before = stops.len();
        stops.extend(ran.map(|run| {
            let is_first = ends.is_some_and(|(begin, _)| begin == run.as_of);
            Stop { as_of: run.as_of, adopted: true, is_first, until: run.adopted_at }
        }));
        let is_skipped = ends.is_some_and(|(begin, end)| begin < first && first < end);
        if stops.len() == before && !is_skipped {
            stops.push(Stop { as_of: first, adopted: false, is_first: false, until: i64::MAX });
        }
    }
    Ok(stops)
}

/// What one stop leaves to the next.
struct Left {
    run: PreviousRun,
    held: HeldBefore,
    /// The gifts that customers have had.
    gifts: HashMap<String, Vec<String>>,
    /// Places, seats and money that were given.
    spent: SpentBefore,
    /// Cashback that no mail has given.
    owed: Owed,
}

fn replay(job: &Job, stops: &[Stop], watch: &Watch) -> Result<Replay, Error> {
    let key = inputs::key_to_look(job)?;
    let mut left: Option<Left> = None;
    let mut mailed: Arc<HashMap<String, Vec<PastMail>>> = Arc::default();
    let mut runs = Vec::with_capacity(stops.len());
    let Some(first) = stops.first().map(|stop| stop.as_of) else {
        return Err(Error::Usage("--months 0 plays nothing; write a number of months from 1".to_owned()));
    };
    for stop in stops {
        if stop.is_first {
            (left, mailed) = (None, Arc::default());
        }
        let lists = inputs::lists(job, stop.as_of)?;
        check::columns(job, lists.customers.facts().columns.iter().map(String::as_str))?;
        let templates = inputs::templates(job, Some(&lists.customers))?;
        let before = match left {
            None => previous::read(job, &lists.customers, &lists.merges, stop.as_of, stop.until)?,
            Some(Left { run, held, gifts, spent, owed }) => {
                let past = previous::past(job, &lists.customers, &lists.merges, stop.as_of, stop.until)?.replayed(
                    &job.name,
                    first,
                    Arc::clone(&mailed),
                );
                let issued = previous::issued(job, stop.as_of, stop.until)?;
                let adopted = previous::adopted(job, stop.as_of, stop.until)?;
                previous::Before { until: stop.until, run: Some(run), summary: None, adopted, held, past, gifts, issued, spent, owed }
            }
        };
        let mut inputs = inputs::assemble(job, stop.as_of, key.clone(), lists, templates, before, None)?;
        let mut assessed = assess::run(job, &inputs, stop.as_of, watch)?;
        let parts = choose::count(job, &inputs, &mut assessed, watch)?;
        let mut tally = figures::Tally::new(job);
        for (people, part) in assessed.people.iter().zip(&parts) {
            tally.add(&inputs.shop, people, part);
        }
        let counts = tally.counts(&inputs, &assessed.read, &assessed.totals);
        let mut gifts = std::mem::take(&mut inputs.shop.gifts);
        let mut spent = std::mem::take(&mut inputs.before.spent);
        let mut owed = std::mem::take(&mut inputs.before.owed);
        drop(inputs);
        remember(job, stop.as_of, &parts, Arc::make_mut(&mut mailed), &mut gifts);
        spent.remember(job, stop.as_of, &parts);
        owed.remember(job, &parts);
        let dates = &assessed.dates;
        let run = PreviousRun { as_of: dates.as_of, closing: dates.closing, keep_by: dates.keep_by };
        left = Some(Left { run, held: held(&parts), gifts, spent, owed });
        runs.push(ReplayedRun { as_of: stop.as_of, adopted: stop.adopted, counts });
    }
    let ranks = job.ladder.ranks.iter().map(|rank| rank.name.clone()).collect();
    Ok(Replay { ranks, campaigns: job.campaigns.iter().map(|campaign| campaign.name.clone()).collect(), runs })
}

/// The ranks that a stop leaves.
fn held(parts: &[PlanPart]) -> HeldBefore {
    let held = |(id, standing): (&str, &Standing)| {
        let Standing { rank, since, missed, safe_until, .. } = *standing;
        rank.map(|rank| (id.to_owned(), Held { rank, since, missed, safe_until }))
    };
    HeldBefore::Played(parts.iter().map(|part| part.customer_id.iter().zip(&part.standings).filter_map(held).collect()).collect())
}

/// Adds the mails and gifts of a stop to those of the play.
fn remember(
    job: &Job,
    as_of: NaiveDate,
    parts: &[PlanPart],
    mailed: &mut HashMap<String, Vec<PastMail>>,
    gifts: &mut HashMap<String, Vec<String>>,
) {
    for part in parts {
        for mail in &part.mails {
            let campaign = &job.campaigns[mail.campaign];
            let customer = part.customer_id.get(mail.customer);
            if let Some(gift) = &mail.gift {
                gifts.entry(customer.to_owned()).or_default().push(gift.clone());
            }
            mailed.entry(customer.to_owned()).or_default().push(PastMail {
                job: job.name.clone(),
                campaign: campaign.name.clone(),
                occasion: mail.occasion.clone(),
                as_of,
                counts: campaign.counts_towards_limit,
            });
        }
    }
}
