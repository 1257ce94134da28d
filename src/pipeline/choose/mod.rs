//! The second pass: campaign by campaign in file order, each matched pair becomes a rendered mail or is skipped for one reason.
//!
//! A campaign goes through three stages. What concerns one customer alone is decided partition by partition (`candidates`); what there
//! is not enough of for everybody is shared out in a meeting of the whole shop (`meeting`); then each offer is made and each mail
//! rendered (`mails`), partition by partition again.

mod candidates;
mod codes;
mod failures;
mod last_orders;
mod mails;
mod meeting;
mod purse;

use super::assess::Assessed;
use super::error::Error;
use super::inputs::Inputs;
use super::people::People;
use super::progress::{Step, Watch};
use super::recommend::Advice;
use crate::domain::campaign::Discounts;
use crate::domain::job::OnRenderError;
use crate::domain::offer::CodeSource;
use crate::domain::plan::{PlanPart, PlannedMail, Skip};
use crate::domain::recommend::Pick;
use crate::domain::{Campaign, Job, Offer, OfferRule, Person, SkipReason};
use crate::message::Law;
use crate::{campaigns, offers};
use candidates::{Candidate, Stake};
use failures::Failure;
pub use failures::Failures;
pub use last_orders::{LastOrders, OrderLines};
pub use meeting::GivenAway;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whose mails are rendered. Everybody takes part in every decision: a seat that one customer gets is lost to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everybody,
    /// One customer: a partition and a row of it.
    Only {
        part: usize,
        row: usize,
    },
    /// Nobody: mails are counted only.
    Nobody,
}

impl Scope {
    fn holds(self, at: usize, row: usize) -> bool {
        self == Self::Everybody || self == Self::Only { part: at, row }
    }
}

/// A pair that becomes a mail, unless it cannot be rendered.
struct Admitted {
    /// The place of the match in its partition.
    nth: usize,
    stake: Stake,
    /// The code of its own that its offer asks for.
    code: Option<String>,
}

impl From<Candidate> for Admitted {
    fn from(pair: Candidate) -> Self {
        Self { nth: pair.nth, stake: pair.stake, code: None }
    }
}

/// Partition by partition, and what there was not enough of.
type Decided = (Vec<Progress>, GivenAway);

/// Runs the second pass over all campaigns. `watch` hears of rendered mails.
pub fn run(job: &Job, inputs: &Inputs, assessed: &mut Assessed, watch: &Watch) -> Result<(Vec<PlanPart>, GivenAway), Error> {
    let (mut progress, given) = fetch_and_decide(job, inputs, assessed, Scope::Everybody, watch)?;
    Failures::of(job, progress.iter_mut()).refuse(job)?;
    Ok((into_parts(assessed, progress), given))
}

/// The same for one partition of a shop in which no campaign has a meeting. Last orders are given already.
pub fn part(job: &Job, inputs: &Inputs, assessed: &Assessed) -> (Vec<PlanPart>, GivenAway, Failures) {
    let (mut progress, given) = decide(job, inputs, assessed, Scope::Everybody, &super::progress::unwatched);
    let failures = Failures::of(job, progress.iter_mut());
    (into_parts(assessed, progress), given, failures)
}

/// The same for a plan that is only looked at: a mail that fails is a skip there, whatever the job says.
pub fn weigh(job: &Job, inputs: &Inputs, assessed: &mut Assessed, watch: &Watch) -> Result<Vec<PlanPart>, Error> {
    let (progress, _) = fetch_and_decide(job, inputs, assessed, Scope::Everybody, watch)?;
    Ok(into_parts(assessed, progress))
}

/// The same for a look at one customer, whose partition of the plan comes back. A mail that fails is a skip there, whatever the job
/// says; of the others it is only decided whether they get a mail.
pub fn look(job: &Job, inputs: &Inputs, assessed: &mut Assessed, part: usize, row: usize) -> Result<PlanPart, Error> {
    let scope = Scope::Only { part, row };
    last_orders::fetch(job, inputs, assessed, &|at, place, row| renders(job, scope, at, place, row))?;
    Ok(look_at(job, inputs, assessed, part, row))
}

/// The same where the last orders are given already.
pub fn look_at(job: &Job, inputs: &Inputs, assessed: &Assessed, part: usize, row: usize) -> PlanPart {
    let mut progress = decide(job, inputs, assessed, Scope::Only { part, row }, &super::progress::unwatched).0;
    progress.swap_remove(part).into_part(&assessed.people[part])
}

/// Gives everybody the last orders that their mails show.
pub fn give_last_orders(job: &Job, inputs: &Inputs, assessed: &mut Assessed) -> Result<(), Error> {
    last_orders::fetch(job, inputs, assessed, &|_, _, _| true)
}

/// The same without rendering: the mails of the parts have neither subject nor text.
pub fn count(job: &Job, inputs: &Inputs, assessed: &mut Assessed, watch: &Watch) -> Result<Vec<PlanPart>, Error> {
    let (progress, _) = fetch_and_decide(job, inputs, assessed, Scope::Nobody, watch)?;
    Ok(into_parts(assessed, progress))
}

fn into_parts(assessed: &Assessed, progress: Vec<Progress>) -> Vec<PlanPart> {
    assessed.people.iter().zip(progress).map(|(part, progress)| progress.into_part(part)).collect()
}

/// Whether a campaign, the run or a pool of codes does not have enough for everybody, so that the whole shop has to meet.
pub fn meets(job: &Job) -> bool {
    let is_short = |campaign: &Campaign| {
        let pool = matches!(campaign.offer.as_ref().and_then(OfferRule::code), Some(CodeSource::Pool(_)));
        campaign.is_allotted() || pool
    };
    job.budget.is_some() || job.campaigns.iter().any(is_short)
}

/// What one partition has decided so far.
struct Progress {
    mails: Vec<PlannedMail>,
    skipped: Vec<Skip>,
    mailed: Vec<campaigns::Mailed>,
    failures: Vec<Failure>,
}

/// What all stages look into.
struct Pass<'a> {
    job: &'a Job,
    inputs: &'a Inputs,
    assessed: &'a Assessed,
    scope: Scope,
    law: Law<'a>,
    /// For each campaign the earlier ones whose discount it may not come with: they are on the same thing.
    rivals: Vec<Vec<usize>>,
}

fn fetch_and_decide(job: &Job, inputs: &Inputs, assessed: &mut Assessed, scope: Scope, watch: &Watch) -> Result<Decided, Error> {
    last_orders::fetch(job, inputs, assessed, &|at, place, row| renders(job, scope, at, place, row))?;
    Ok(decide(job, inputs, assessed, scope, watch))
}

fn decide(job: &Job, inputs: &Inputs, assessed: &Assessed, scope: Scope, watch: &Watch) -> Decided {
    let people = &assessed.people;
    let pass = Pass { job, inputs, assessed, scope, law: Law::of(&job.shop), rivals: rivals(job, inputs) };
    let total = people.iter().map(|part| part.matches.len() as u64).sum();
    let mut done = 0;
    let mut progress: Vec<Progress> = people.iter().map(|part| Progress::new(part.len())).collect();
    let mut meeting = meeting::Meeting::new(&pass);
    for at in 0..job.campaigns.len() {
        let candidates: Vec<Vec<Candidate>> =
            people.par_iter().zip(&mut progress).map(|(part, progress)| pass.candidates(at, part, progress)).collect();
        let rendered = AtomicU64::new(0);
        let write = |admitted: Vec<Vec<Admitted>>, progress: &mut [Progress]| -> Vec<Vec<Admitted>> {
            let pairs = people.par_iter().enumerate().zip(progress).zip(admitted);
            let written = pairs.map(|(((place, part), progress), admitted)| {
                let count = admitted.len() as u64;
                let failed = admitted.into_iter().filter_map(|pair| pass.write(at, place, part, pair, progress)).collect();
                watch(Step::Render, done + rendered.fetch_add(count, Ordering::Relaxed) + count, total);
                failed
            });
            written.collect()
        };
        if pass.shares_out(at) {
            meeting.hold(&pass, at, candidates, &mut progress, &write);
        } else {
            write(candidates.into_iter().map(|part| part.into_iter().map(Admitted::from).collect()).collect(), &mut progress);
        }
        done += people.iter().map(|part| part.matches_of(at).len() as u64).sum::<u64>();
        watch(Step::Render, done, total);
    }
    (progress, meeting.into_given_away())
}

/// Whether a campaign's mail of this partition and row is rendered: where a mail that cannot be makes room for the next one, a look at one
/// customer needs those of all.
fn renders(job: &Job, scope: Scope, at: usize, place: usize, row: usize) -> bool {
    scope.holds(place, row) || (scope != Scope::Nobody && passes_on(job, at))
}

/// Whether what a mail of this campaign held goes to the next customer when it cannot be rendered.
fn passes_on(job: &Job, at: usize) -> bool {
    let campaign = &job.campaigns[at];
    let from_pool = matches!(campaign.offer.as_ref().and_then(OfferRule::code), Some(CodeSource::Pool(_)));
    job.on_render_error == OnRenderError::Skip && (job.budget.is_some() || campaign.is_allotted() || from_pool)
}

impl Progress {
    fn new(people: usize) -> Self {
        Self { mails: Vec::new(), skipped: Vec::new(), mailed: vec![campaigns::Mailed::default(); people], failures: Vec::new() }
    }

    fn skip(&mut self, customer: usize, campaign: usize, reason: SkipReason) {
        self.skipped.push(Skip { customer, campaign, reason });
    }

    fn into_part(mut self, people: &People) -> PlanPart {
        self.mails.sort_by_key(|mail| (mail.customer, mail.campaign));
        self.skipped.sort_by_key(|skip| (skip.customer, skip.campaign));
        PlanPart {
            customer_id: people.id.clone(),
            features: people.features.clone(),
            standings: people.standings.clone(),
            holdout: people.holdout.clone(),
            holdings: people.holdings.clone(),
            mails: self.mails,
            skipped: self.skipped,
        }
    }
}

/// The campaigns whose mails take the place of one that is superseded; `mails` are those that the customer gets, each with whether it has an
/// offer.
pub fn superseding(job: &Job, inputs: &Inputs, campaign: usize, mails: &[(usize, bool)]) -> Vec<usize> {
    let rivals = rivals(job, inputs);
    let is_meant =
        |(at, has_offer): &&(usize, bool)| job.campaigns[campaign].not_with.contains(at) || (*has_offer && rivals[campaign].contains(at));
    mails.iter().filter(is_meant).map(|(at, _)| *at).collect()
}

/// For each campaign the earlier ones whose discount is on what its own is on, and which the job does not let it come with.
fn rivals(job: &Job, inputs: &Inputs) -> Vec<Vec<usize>> {
    // Purchases may know a product as of a category that the product list does not tell: then two discounts could be on it.
    let may_be_of = |product: &str, category: &str| {
        let known = inputs.shop.product(product).and_then(|product| product.category.as_deref());
        known.map_or(job.has_categories(), |known| known == category)
    };
    let meets = |at: usize, other: usize| {
        let rules = job.campaigns[at].offer.as_ref().zip(job.campaigns[other].offer.as_ref());
        rules.is_some_and(|(own, other)| offers::overlap(&own.kind, &other.kind, &may_be_of))
    };
    let of = |at: usize| {
        let campaign = &job.campaigns[at];
        if campaign.discounts.unwrap_or(job.contact.discounts) == Discounts::Stack {
            return Vec::new();
        }
        let reduces = |other: usize| campaign.reduced_by.iter().any(|reduction| reduction.by == other);
        (0..at).filter(|other| !reduces(*other) && meets(at, *other)).collect()
    };
    (0..job.campaigns.len()).map(of).collect()
}

impl Pass<'_> {
    /// Whether there is not enough of something for everybody, or each code must be another one.
    fn shares_out(&self, at: usize) -> bool {
        let campaign = &self.job.campaigns[at];
        let coded = campaign.offer.as_ref().is_some_and(OfferRule::has_unique_codes);
        self.job.budget.is_some() || campaign.is_allotted() || coded
    }

    fn passes_on(&self, at: usize) -> bool {
        passes_on(self.job, at)
    }

    /// What a campaign offers to a customer who gets these mails already, and who may have a code.
    fn offer(&self, at: usize, person: &Person, mailed: &campaigns::Mailed, code: Option<String>) -> Option<Offer> {
        let campaign = &self.job.campaigns[at];
        let rule = campaign.offer.as_ref()?;
        let offer = offers::make(rule, person, self.assessed.dates.as_of, || code.unwrap_or_default())?;
        let reductions = campaign.reduced_by.iter().copied().filter(|reduction| mailed.has(reduction.by));
        offers::reduce(offer, reductions, &self.job.currency)
    }

    /// What an offer costs the shop when it is used, minor units.
    fn exposure(&self, offer: &Offer, person: &Person) -> i64 {
        let points = self.job.points.as_ref().map_or(0, |rule| rule.rate.of(person.standing.rank));
        let price = |id: &str| self.inputs.shop.product(id).and_then(|product| product.price);
        let worth = offers::Worth { shop_mean: self.assessed.mean_order, points: f64::from(points) / 1e6, price: &price };
        offers::exposure(offer, person, &worth)
    }

    /// Whether a campaign's offer takes something off a price.
    fn is_discount(&self, at: usize) -> bool {
        self.job.campaigns[at].offer.as_ref().is_some_and(|rule| rule.kind.is_discount())
    }

    /// Puts what was picked for a customer into an offer.
    fn recommend(&self, picks: &[Pick], offer: Option<&mut Offer>) {
        let Assessed { book, tally, dates, .. } = self.assessed;
        if let (Some(offer), Some(advice)) = (offer, Advice::of(self.job, self.inputs, book.as_ref(), tally.as_ref(), dates)) {
            advice.fill(picks, offer);
        }
    }
}
