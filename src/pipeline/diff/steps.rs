//! The first plan made again, step by step with more of the second plan's inputs.

use super::super::error::Error;
use super::super::inputs::{self, Knowledge, Lists};
use super::super::progress::Watch;
use super::super::{assess, choose, letters};
use super::ends::Pair;
use super::known::{self, Stage};
use super::side::Side;
use crate::domain::diff::{Cause, Fate};
use crate::domain::job::Language;
use crate::domain::plan::{MailRow, PlanPart, PlannedMail};
use crate::domain::{Customers, Job, Key};
use crate::{job as job_room, keys, ledger, message};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The steps, in their order.
const STEPS: [Cause; 9] = [
    Cause::Rules,
    Cause::Campaigns,
    Cause::Templates,
    Cause::ConsentAndStops,
    Cause::NewCustomers,
    Cause::Lists,
    Cause::Window,
    Cause::Refunds,
    Cause::NewOrders,
];

/// Where the pairs end after each step.
pub struct Replay {
    /// Made from the first plan's inputs.
    pub start: Vec<Fate>,
    pub steps: Vec<(Cause, Vec<Fate>)>,
    /// Customers whose earlier orders are not as the first plan knew them.
    pub corrected: HashSet<String>,
    /// Steps that cannot be taken without the next one, and why.
    joined: Vec<(Cause, String)>,
}

impl Replay {
    /// What people must know to read the counts.
    pub fn notes(&self, language: Language) -> Vec<String> {
        let note = |(cause, why): &(Cause, String)| {
            let told = cause.told(language);
            language.pick(
                format!("「{told}」だけを入れ替えることはできません（{why}）。次の段階の変化もここに数えます"),
                format!("\"{told}\" cannot be replaced alone ({why}): what the next step changes is counted here too"),
            )
        };
        self.joined.iter().map(note).collect()
    }
}

/// The inputs between two plans.
struct Blend {
    job: Job,
    plan: usize,
    templates: Vec<(String, Vec<u8>)>,
    lists: Lists,
    stops: usize,
    stage: Stage,
}

/// What all steps look into.
struct Replayer<'a> {
    sides: [&'a Side; 2],
    key: Key,
    lines: Arc<known::Lines>,
    alone: &'a HashMap<String, usize>,
    pasts: [ledger::Past; 2],
    /// The second plan's lists.
    lists: Lists,
    wanted: HashMap<&'a str, Vec<(&'a str, usize)>>,
    count: usize,
    watch: &'a Watch<'a>,
}

/// Takes all steps. An error is that of the first or the last: without them there is nothing to compare with.
pub fn replay<'a>(
    before: &'a Side,
    after: &'a Side,
    pairs: &'a [Pair],
    alone: &'a HashMap<String, usize>,
    watch: &'a Watch<'a>,
) -> Result<Replay, Error> {
    let mut wanted: HashMap<&str, Vec<(&str, usize)>> = HashMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        wanted.entry(&pair.customer).or_default().push((&pair.campaign, at));
    }
    before.need_place()?;
    after.need_place()?;
    let replayer = Replayer {
        sides: [before, after],
        key: key(after),
        lines: Arc::new(known::lines(before, after, alone)?),
        alone,
        pasts: [before.past()?, after.past()?],
        lists: after.lists(&after.job)?,
        wanted,
        count: pairs.len(),
        watch,
    };
    let lists = before.lists(&before.job)?;
    let templates = before.templates.clone();
    let mut blend = Blend { job: before.job.clone(), plan: 0, templates, lists, stops: 0, stage: Stage::Old };
    let start = replayer.fates(&blend)?;
    let mut steps: Vec<(Cause, Result<Vec<Fate>, Error>)> = Vec::new();
    for cause in STEPS {
        let fates = match replayer.replace(&mut blend, cause) {
            Ok(true) => replayer.fates(&blend),
            Ok(false) => match steps.last() {
                Some((_, Ok(fates))) => Ok(fates.clone()),
                None => Ok(start.clone()),
                Some((_, Err(_))) => replayer.fates(&blend),
            },
            Err(error) => Err(error),
        };
        steps.push((cause, fates));
    }
    join(steps, start, replayer.lines.corrected.clone())
}

/// A step that cannot be taken alone is taken together with the next one.
fn join(steps: Vec<(Cause, Result<Vec<Fate>, Error>)>, start: Vec<Fate>, corrected: HashSet<String>) -> Result<Replay, Error> {
    let mut replay = Replay { start, steps: Vec::new(), corrected, joined: Vec::new() };
    for (cause, fates) in steps.into_iter().rev() {
        let fates = match (fates, replay.steps.last()) {
            (Ok(fates), _) => fates,
            (Err(error), None) => return Err(error),
            (Err(error), Some((_, next))) => {
                replay.joined.push((cause, super::first_line(&error)));
                next.clone()
            }
        };
        replay.steps.push((cause, fates));
    }
    replay.steps.reverse();
    replay.joined.reverse();
    Ok(replay)
}

/// The shop's key decides draws and shares. Without it they cannot be replayed, and then no cause is told for those pairs.
fn key(side: &Side) -> Key {
    keys::load(&side.job.keys, false).unwrap_or(Key { bytes: [0; 32], id: String::new(), demo: false })
}

impl Replayer<'_> {
    /// Replaces a part of the inputs; false when it is the same in both plans.
    fn replace(&self, blend: &mut Blend, cause: Cause) -> Result<bool, Error> {
        let [before, after] = self.sides;
        match cause {
            Cause::Rules => {
                let text = job_room::blend(&after.job.path, &after.job.text, &before.job.text)?;
                let mut job = job_room::load_text(&after.job.path, &text)?;
                job.runs.clone_from(&after.job.runs);
                let lists = before.lists(&job)?;
                (blend.job, blend.lists) = (job, lists);
                Ok(before.job.text != after.job.text)
            }
            Cause::Campaigns => {
                blend.job = after.job.clone();
                blend.lists = before.lists(&after.job)?;
                blend.templates = with_new_campaigns(before, after);
                Ok(before.job.text != after.job.text)
            }
            Cause::Templates => {
                let same = blend.templates == after.templates;
                blend.templates.clone_from(&after.templates);
                Ok(!same)
            }
            Cause::ConsentAndStops => {
                let (own, other) = (&blend.lists.customers, &self.lists.customers);
                let same = own.all(other, |one, other| consent(one, other) == one.consent)? && self.pasts[0].stops_as(&self.pasts[1]);
                let with_consent = |one: &Customers, other: &Customers| Customers { consent: consent(one, other), ..one.clone() };
                blend.lists.customers = own.blended(&blend.job, other, with_consent)?;
                blend.stops = 1;
                Ok(!same)
            }
            Cause::NewCustomers => {
                let (own, other) = (&blend.lists.customers, &self.lists.customers);
                blend.lists.customers = own.blended(&blend.job, other, |one, other| joined(one, other, self.alone))?;
                blend.stage = Stage::Joined;
                Ok(!self.alone.is_empty())
            }
            Cause::Lists => {
                let (one, other) = (&blend.lists, &self.lists);
                let same = one.products == other.products && one.merges == other.merges;
                let same = same && one.customers.all(&other.customers, |one, other| one == other)?;
                blend.lists = self.lists.clone();
                Ok(!same)
            }
            Cause::Window => {
                blend.plan = 1;
                Ok(true)
            }
            Cause::Refunds | Cause::NewOrders => {
                blend.stage = if cause == Cause::Refunds { Stage::Refunded } else { Stage::New };
                Ok(self.lines.any_moved)
            }
            Cause::Unknown => Ok(false),
        }
    }

    /// Makes the plan of these inputs and says where the pairs end in it.
    fn fates(&self, blend: &Blend) -> Result<Vec<Fate>, Error> {
        let (side, job) = (self.sides[blend.plan], &blend.job);
        let templates = inputs::given_templates(job, &blend.templates)?;
        let known = Knowledge { until: side.opened.summary.planned_at, lines: Some(self.lines.sieve(blend.stage)) };
        let mut inputs = inputs::join(job, side.as_of, self.key.clone(), blend.lists.clone(), templates, known)?;
        inputs.before.past.stop_as(&self.pasts[blend.stops]);
        let mut assessed = assess::run(job, &inputs, side.as_of, self.watch)?;
        let parts = choose::weigh(job, &inputs, &mut assessed, self.watch)?;
        let mut fates = vec![Fate::Unmatched; self.count];
        let found: Vec<Vec<(usize, Fate)>> =
            parts.par_iter().map(|part| self.found(job, &inputs.templates, part)).collect::<Result<_, _>>()?;
        for (at, fate) in found.into_iter().flatten() {
            fates[at] = fate;
        }
        Ok(fates)
    }

    fn found(&self, job: &Job, templates: &message::Templates, part: &PlanPart) -> Result<Vec<(usize, Fate)>, Error> {
        let mut found = Vec::new();
        let place = |customer: usize, campaign: usize| {
            let pairs = self.wanted.get(part.customer_id.get(customer))?;
            pairs.iter().find(|(name, _)| *name == job.campaigns[campaign].name).map(|(_, at)| *at)
        };
        for mail in &part.mails {
            if let Some(at) = place(mail.customer, mail.campaign) {
                found.push((at, Fate::Mailed(letters::look(templates, job, &row(job, part, mail))?)));
            }
        }
        for skip in &part.skipped {
            found.extend(place(skip.customer, skip.campaign).map(|at| (at, Fate::Skipped(skip.reason))));
        }
        Ok(found)
    }
}

/// A planned mail as it would be read back.
fn row(job: &Job, part: &PlanPart, mail: &PlannedMail) -> MailRow {
    MailRow {
        mail_id: mail.mail_id.clone(),
        customer_id: part.customer_id.get(mail.customer).to_owned(),
        rank: mail.rank.map(|rank| job.ladder.name(rank).to_owned()),
        campaign: job.campaigns[mail.campaign].name.clone(),
        variant: mail.variant.clone(),
        occasion: mail.occasion.clone(),
        channel: mail.channel,
        address: mail.address.clone(),
        subject: mail.subject.clone(),
        offer: mail.offer.map(str::to_owned),
        coupon_code: mail.coupon_code.clone(),
        valid_until: mail.valid_until,
        exposure: mail.exposure,
        content_hash: mail.content_hash,
        values: mail.values.clone(),
    }
}

/// The first plan's templates; a campaign that is new comes with its own, and with what these need and the first plan has not.
fn with_new_campaigns(before: &Side, after: &Side) -> Vec<(String, Vec<u8>)> {
    let is_old = |name: &str| match name.split_once('/') {
        Some((top, _)) if before.job.campaigns.iter().any(|campaign| campaign.name == top) => true,
        _ => before.templates.iter().any(|(other, _)| other == name),
    };
    let mut templates = before.templates.clone();
    templates.extend(after.templates.iter().filter(|(name, _)| !is_old(name)).cloned());
    templates.sort_unstable();
    templates
}

/// The consent of the second list for those who are in both.
fn consent(one: &Customers, other: &Customers) -> Vec<bool> {
    let own = one.id.iter().zip(&one.consent);
    own.map(|(id, own)| other.find(id).and_then(|row| other.consent.get(row)).copied().unwrap_or(*own)).collect()
}

/// The first list with those customers of the second whom the first plan does not know, and without those whom the second does not.
fn joined(one: &Customers, other: &Customers, alone: &HashMap<String, usize>) -> Customers {
    let own = one.id.iter().enumerate().filter(|(_, id)| alone.get(*id) != Some(&0)).map(|(row, id)| (id, (0, row)));
    let new = other.id.iter().enumerate().filter(|(_, id)| alone.get(*id) == Some(&1)).map(|(row, id)| (id, (1, row)));
    // Somebody whom the first plan's rules left out may be in its list all the same.
    let own = own.filter(|(id, _)| alone.get(*id) != Some(&1));
    let mut rows: Vec<(&str, (usize, usize))> = own.chain(new).collect();
    rows.sort_unstable();
    let rows: Vec<(usize, usize)> = rows.into_iter().map(|(_, row)| row).collect();
    Customers::woven([one, other], &rows)
}
