//! The figures of a plan: what `plan.json`, the report and the terminal show.

use super::accounts::Totals;
use super::error::Error;
use super::inputs::Inputs;
use super::passes::Decided;
use super::people::{People, Shop};
use super::previous::rank_slots;
use crate::domain::customers::Strangers;
use crate::domain::features::ReadCounts;
use crate::domain::plan::{Counts, PlanPart, PlannedMail, Sample, Summary};
use crate::domain::{Channel, Exposure, Job, OfferRule, RankChange, RankIndex, SkipReason};
use crate::{message, runs};
use std::collections::BTreeMap;

/// How many sample mails a report shows.
const SAMPLES: usize = 3;

/// A plan's figures while its parts come in, whatever their order.
pub struct Tally<'a> {
    job: &'a Job,
    slots: Vec<Option<RankIndex>>,
    /// What adds up by itself.
    counts: Counts,
    sizes: Vec<u64>,
    moves: BTreeMap<(Option<RankIndex>, Option<RankIndex>), u64>,
    changes: BTreeMap<RankChange, u64>,
    channels: Vec<BTreeMap<Channel, u64>>,
    skips: Vec<BTreeMap<SkipReason, u64>>,
    /// By campaign: the mails that have looks, and the first of them by customer.
    firsts: BTreeMap<usize, (u64, String, PlannedMail)>,
    strangers: Strangers,
    /// Mails with a code that rankmail made.
    coded: usize,
}

impl<'a> Tally<'a> {
    pub fn new(job: &'a Job) -> Self {
        let slots: Vec<Option<RankIndex>> = rank_slots(&job.ladder).collect();
        let campaigns = job.campaigns.len();
        Self {
            job,
            sizes: vec![0; slots.len()],
            counts: Counts {
                exposure: vec![Exposure::default(); campaigns],
                mails_by_rank: vec![vec![0; slots.len()]; campaigns],
                ..Counts::default()
            },
            slots,
            moves: BTreeMap::new(),
            changes: BTreeMap::new(),
            channels: vec![BTreeMap::new(); campaigns],
            skips: vec![BTreeMap::new(); campaigns],
            firsts: BTreeMap::new(),
            strangers: Strangers::default(),
            coded: 0,
        }
    }

    fn slot(&self, rank: Option<RankIndex>) -> usize {
        self.slots.iter().position(|slot| *slot == rank).unwrap_or(self.slots.len() - 1)
    }

    /// Counts one part of the plan, and the people whom it is about.
    pub fn add(&mut self, shop: &Shop, people: &People, part: &PlanPart) {
        for standing in &part.standings {
            let slot = self.slot(standing.rank);
            self.sizes[slot] += 1;
            *self.moves.entry((standing.previous, standing.rank)).or_default() += 1;
            *self.changes.entry(standing.change).or_default() += 1;
        }
        for mail in &part.mails {
            self.add_mail(shop, people, mail);
        }
        for skip in &part.skipped {
            *self.skips[skip.campaign].entry(skip.reason).or_default() += 1;
        }
        for row in (0..people.len()).filter(|row| people.features[*row].orders_ever > 0) {
            self.strangers.count(people.id.get(row), people.listed[row].is_some());
        }
        let counts = &mut self.counts;
        counts.customers += part.customer_id.len() as u64;
        counts.mails += part.mails.len() as u64;
        counts.skipped += part.skipped.len() as u64;
        counts.matched += people.matches.len() as u64;
        counts.holdout += part.holdout.iter().filter(|held| **held).count() as u64;
    }

    fn add_mail(&mut self, shop: &Shop, people: &People, mail: &PlannedMail) {
        let slot = self.slot(mail.rank);
        let counts = &mut self.counts;
        counts.mails_by_rank[mail.campaign][slot] += 1;
        *self.channels[mail.campaign].entry(mail.channel).or_default() += 1;
        counts.nameless += u64::from(people.person(shop, mail.customer).name().is_empty());
        let face = &mut counts.exposure[mail.campaign].face;
        *face = face.saturating_add(mail.exposure);
        counts.offer_exposure = counts.offer_exposure.saturating_add(mail.exposure);
        let offer = self.job.campaigns[mail.campaign].offer.as_ref();
        self.coded += usize::from(mail.coupon_code.is_some() && offer.is_some_and(OfferRule::makes_codes));
        // What has no HTML part has no looks.
        if mail.channel == Channel::Mail {
            let customer = people.id.get(mail.customer);
            let first = self.firsts.entry(mail.campaign).or_insert_with(|| (0, customer.to_owned(), mail.clone()));
            first.0 += 1;
            if customer < first.1.as_str() {
                (first.1, first.2) = (customer.to_owned(), mail.clone());
            }
        }
    }

    /// Those who bought, and whom of them the customer list does not have.
    pub fn strangers(&self) -> &Strangers {
        &self.strangers
    }

    /// How many mails have a code that rankmail made.
    pub fn coded(&self) -> usize {
        self.coded
    }

    /// The figures of all parts, and what was read for them.
    pub fn counts(&self, inputs: &Inputs, read: &ReadCounts, totals: &Totals) -> Counts {
        let mut sizes = self.sizes.clone();
        Counts {
            customers_excluded: inputs.shop.customers.facts().excluded.len() as u64,
            lines: read.lines,
            lines_before_previous: read.lines_before,
            lines_excluded: read.excluded,
            guests: read.guests,
            bad_rows: read.bad_rows,
            bad_row_notes: read.bad_row_notes.clone(),
            newest: read.newest,
            no_rank: sizes.pop().unwrap_or_default(),
            rank_sizes: sizes,
            points: totals.points,
            cashback: totals.cashback,
            moves: self.moves.iter().map(|((from, to), count)| (*from, *to, *count)).collect(),
            changes: self.changes.iter().map(|(change, count)| (*change, *count)).collect(),
            channels: self.channels.iter().map(|channels| channels.iter().map(|(channel, count)| (*channel, *count)).collect()).collect(),
            skips: self.skips.iter().map(|reasons| reasons.iter().map(|(reason, count)| (*reason, *count)).collect()).collect(),
            ..self.counts.clone()
        }
    }

    /// Three mails as they look, in the order of the job: the first of each of the campaigns that have most mails. Campaigns that offer the
    /// same kind of thing look alike, so the largest of each kind goes first.
    pub fn samples(&self, inputs: &Inputs) -> Result<Vec<Sample>, Error> {
        let job = self.job;
        let mut largest: Vec<_> = self.firsts.iter().collect();
        largest.sort_by_key(|(campaign, (count, ..))| (std::cmp::Reverse(*count), **campaign));
        let kind = |campaign: usize| job.campaigns[campaign].offer.as_ref().map(|offer| std::mem::discriminant(&offer.kind));
        let mut shown = Vec::new();
        let (mut largest, alike): (Vec<_>, Vec<_>) = largest.into_iter().partition(|(campaign, _)| {
            let fresh = !shown.contains(&kind(**campaign));
            shown.push(kind(**campaign));
            fresh
        });
        largest.extend(alike);
        largest.truncate(SAMPLES);
        largest.sort_by_key(|(campaign, _)| **campaign);
        largest.into_iter().map(|(campaign, (_, _, mail))| sample(job, inputs, *campaign, mail)).collect()
    }
}

/// What a plan is and how much it holds; what a plan's folder is asked for is filled in when it is written.
pub fn summary(inputs: &Inputs, decided: &Decided, planned_at: i64) -> Summary {
    let (job, dates) = (decided.tally.job, &decided.dates);
    Summary {
        job: job.name.clone(),
        as_of: dates.as_of,
        closing: dates.closing,
        next_closing: dates.next_closing,
        keep_by: dates.keep_by,
        review: dates.review,
        previous: inputs.before.summary.as_ref().map(|summary| summary.as_of),
        planned_at,
        digest: String::new(),
        inputs: inputs.digests.clone(),
        rules: String::new(),
        templates: inputs.templates.files().to_vec(),
        key_id: inputs.key.id.clone(),
        origin: None,
        program: None,
        files: Vec::new(),
        ranks: job.ladder.ranks.iter().map(|rank| rank.name.clone()).collect(),
        campaigns: job.campaigns.iter().map(|campaign| campaign.name.clone()).collect(),
        counts: decided.tally.counts(inputs, &decided.read, &decided.totals),
        brakes: Vec::new(),
        warnings: inputs.warnings.iter().chain(&decided.totals.warnings).cloned().collect(),
    }
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
