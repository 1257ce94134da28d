//! The figures of a plan: what `plan.json`, the report and the terminal show.

use super::assess::Assessed;
use super::error::Error;
use super::inputs::Inputs;
use super::previous::rank_slots;
use crate::domain::plan::{Counts, PlanPart, PlannedMail, Sample, Summary};
use crate::domain::{Channel, Exposure, Job, RankChange, RankIndex, SkipReason};
use crate::{message, runs};
use std::collections::BTreeMap;

/// How many sample mails a report shows.
const SAMPLES: usize = 3;

/// Counts a plan and says what it was made from.
pub fn summary(job: &Job, inputs: &Inputs, assessed: &Assessed, parts: &[PlanPart], planned_at: i64) -> Summary {
    Summary {
        job: job.name.clone(),
        as_of: assessed.dates.as_of,
        closing: assessed.dates.closing,
        next_closing: assessed.dates.next_closing,
        keep_by: assessed.dates.keep_by,
        review: assessed.dates.review,
        previous: inputs.before.summary.as_ref().map(|summary| summary.as_of),
        planned_at,
        digest: String::new(),
        inputs: inputs.digests.clone(),
        rules: String::new(),
        templates: inputs.templates.files().to_vec(),
        key_id: inputs.key.id.clone(),
        origin: None,
        files: Vec::new(),
        ranks: job.ladder.ranks.iter().map(|rank| rank.name.clone()).collect(),
        campaigns: job.campaigns.iter().map(|campaign| campaign.name.clone()).collect(),
        counts: counts(job, inputs, assessed, parts),
        brakes: Vec::new(),
        warnings: inputs.warnings.iter().chain(&assessed.totals.warnings).cloned().collect(),
    }
}

/// The figures alone.
pub fn counts(job: &Job, inputs: &Inputs, assessed: &Assessed, parts: &[PlanPart]) -> Counts {
    let slots: Vec<Option<RankIndex>> = rank_slots(&job.ladder).collect();
    let slot = |rank: Option<RankIndex>| slots.iter().position(|slot| *slot == rank).unwrap_or(slots.len() - 1);
    let mut sizes = vec![0_u64; slots.len()];
    let mut moves: BTreeMap<(Option<RankIndex>, Option<RankIndex>), u64> = BTreeMap::new();
    let mut changes: BTreeMap<RankChange, u64> = BTreeMap::new();
    let mut mails_by_rank = vec![vec![0_u64; slots.len()]; job.campaigns.len()];
    let mut channels: Vec<BTreeMap<Channel, u64>> = vec![BTreeMap::new(); job.campaigns.len()];
    let mut skips: Vec<BTreeMap<SkipReason, u64>> = vec![BTreeMap::new(); job.campaigns.len()];
    let mut counts = Counts { exposure: vec![Exposure::default(); job.campaigns.len()], ..Counts::default() };
    for (part, people) in parts.iter().zip(&assessed.people) {
        for standing in &part.standings {
            sizes[slot(standing.rank)] += 1;
            *moves.entry((standing.previous, standing.rank)).or_default() += 1;
            *changes.entry(standing.change).or_default() += 1;
        }
        for mail in &part.mails {
            mails_by_rank[mail.campaign][slot(mail.rank)] += 1;
            *channels[mail.campaign].entry(mail.channel).or_default() += 1;
            let person = people.person(&inputs.shop, mail.customer);
            counts.nameless += u64::from(person.name().is_empty());
            let face = &mut counts.exposure[mail.campaign].face;
            *face = face.saturating_add(mail.exposure);
            counts.offer_exposure = counts.offer_exposure.saturating_add(mail.exposure);
        }
        for skip in &part.skipped {
            *skips[skip.campaign].entry(skip.reason).or_default() += 1;
        }
        counts.customers += part.customer_id.len() as u64;
        counts.mails += part.mails.len() as u64;
        counts.skipped += part.skipped.len() as u64;
        counts.matched += people.matches.len() as u64;
        counts.holdout += part.holdout.iter().filter(|held| **held).count() as u64;
    }
    let read = &assessed.read;
    Counts {
        customers_excluded: inputs.shop.customers.excluded.len() as u64,
        lines: read.lines,
        lines_before_previous: read.lines_before,
        lines_excluded: read.excluded,
        guests: read.guests,
        bad_rows: read.bad_rows,
        bad_row_notes: read.bad_row_notes.clone(),
        newest: read.newest,
        no_rank: sizes.pop().unwrap_or_default(),
        rank_sizes: sizes,
        points: assessed.totals.points,
        cashback: assessed.totals.cashback,
        moves: moves.into_iter().map(|((from, to), count)| (from, to, count)).collect(),
        changes: changes.into_iter().collect(),
        mails_by_rank,
        channels: channels.into_iter().map(|channels| channels.into_iter().collect()).collect(),
        skips: skips.into_iter().map(|reasons| reasons.into_iter().collect()).collect(),
        ..counts
    }
}

/// Three mails as they look, in the order of the job: the first of each of the campaigns that have most mails. Campaigns that offer the
/// same kind of thing look alike, so the largest of each kind goes first.
pub fn samples(job: &Job, inputs: &Inputs, parts: &[PlanPart]) -> Result<Vec<Sample>, Error> {
    let mut firsts: BTreeMap<usize, (u64, &str, &PlannedMail)> = BTreeMap::new();
    for part in parts {
        // What has no HTML part has no looks.
        for mail in part.mails.iter().filter(|mail| mail.channel == Channel::Mail) {
            let customer = part.customer_id.get(mail.customer);
            let entry = firsts.entry(mail.campaign).or_insert((0, customer, mail));
            entry.0 += 1;
            if customer < entry.1 {
                (entry.1, entry.2) = (customer, mail);
            }
        }
    }
    let mut largest: Vec<_> = firsts.into_iter().collect();
    largest.sort_by_key(|(campaign, (count, ..))| (std::cmp::Reverse(*count), *campaign));
    let kind = |campaign: &usize| job.campaigns[*campaign].offer.as_ref().map(|offer| std::mem::discriminant(&offer.kind));
    let mut shown = Vec::new();
    let (mut largest, alike): (Vec<_>, Vec<_>) = largest.into_iter().partition(|(campaign, _)| {
        let fresh = !shown.contains(&kind(campaign));
        shown.push(kind(campaign));
        fresh
    });
    largest.extend(alike);
    largest.truncate(SAMPLES);
    largest.sort_by_key(|(campaign, _)| *campaign);
    largest.into_iter().map(|(campaign, (_, _, mail))| sample(job, inputs, campaign, mail)).collect()
}

fn sample(job: &Job, inputs: &Inputs, campaign: usize, mail: &PlannedMail) -> Result<Sample, Error> {
    let rank = mail.rank.map(|rank| job.ladder.name(rank));
    let values = runs::values_read(&mail.values)?;
    let name = &job.campaigns[campaign].name;
    let content: message::Content = inputs
        .templates
        .render(name, mail.variant.as_deref(), rank, &values, &job.shop)
        .map_err(|error| Error::Render(error.to_string()))?;
    Ok(Sample { campaign: name.clone(), rank: rank.unwrap_or_default().to_owned(), subject: content.subject, html: content.html })
}
