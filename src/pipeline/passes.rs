//! The two passes over a shop's partitions, and what comes of them: the parts of a plan, one after the other, into its draft.
//!
//! Where nothing but a few facts of each customer has to meet, a partition's people are made twice and kept never: memory follows the
//! partition, not the shop. Where ranks, accounts or gifts depend on everybody, all people stay in memory between the passes.

use super::accounts::Totals;
use super::addresses::{self, Claim};
use super::assess::{self, Assessed, Folded, MeanOrder};
use super::choose::{self, Failures, GivenAway, LastOrders, OrderLines};
use super::coupons;
use super::error::Error;
use super::figures::Tally;
use super::inputs::Inputs;
use super::people::People;
use super::progress::{Step, Watch};
use super::turns;
use crate::domain::features::ReadCounts;
use crate::domain::ladder::Admission;
use crate::domain::plan::PlanPart;
use crate::domain::{Dates, Job, OfferRule, Rate};
use crate::{campaigns, features, ranks, runs};
use chrono::NaiveDate;
use rayon::prelude::*;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a plan decided, but for its parts.
pub struct Decided<'a> {
    pub dates: Dates,
    pub read: ReadCounts,
    pub totals: Totals,
    pub tally: Tally<'a>,
    pub given: GivenAway,
    /// How many of each campaign's codes of earlier runs were redeemed, where the job can tell.
    pub rates: Vec<Option<Rate>>,
}

/// Plans everybody's mails into a draft; `begin` begins one.
pub fn run<'a>(
    job: &'a Job,
    inputs: &Inputs,
    as_of: NaiveDate,
    begin: impl Fn() -> Result<runs::Draft, Error>,
    watch: &Watch,
) -> Result<(Decided<'a>, runs::Draft), Error> {
    let mut draft = begin()?;
    if !is_of_parts(job, inputs) {
        return Ok((whole(job, inputs, as_of, &mut draft, watch)?, draft));
    }
    if let Some(decided) = part_by_part(job, inputs, as_of, &mut draft, watch)? {
        return Ok((decided, draft));
    }
    // Two customers came to one code, of 10^17 that there are. Who keeps it is a question for the whole shop.
    drop(draft);
    let mut draft = begin()?;
    Ok((whole(job, inputs, as_of, &mut draft, watch)?, draft))
}

/// Whether a partition's mails can be decided without the other partitions' people.
pub fn is_of_parts(job: &Job, inputs: &Inputs) -> bool {
    let told = job.customers.as_ref().is_some_and(|list| list.points.is_some());
    let accounts = job.points.is_some() || job.cashback.is_some() || told;
    let tops = job.ladder.ranks.iter().any(|rank| matches!(rank.admits, Admission::Top(_)));
    !accounts && !tops && !assess::wants_orders(job, inputs) && !inputs.shop.customers.facts().together.any() && !choose::meets(job)
}

/// All people in memory at once.
fn whole<'a>(job: &'a Job, inputs: &Inputs, as_of: NaiveDate, draft: &mut runs::Draft, watch: &Watch) -> Result<Decided<'a>, Error> {
    let mut assessed = assess::run(job, inputs, as_of, watch)?;
    let (parts, given) = choose::run(job, inputs, &mut assessed, watch)?;
    let mut tally = Tally::new(job);
    for (people, part) in assessed.people.iter().zip(&parts) {
        tally.add(&inputs.shop, people, part);
    }
    let layout = draft.layout();
    let rows = |at: usize| Ok::<_, Error>(layout.rows(&parts[at])?);
    turns::in_turn(parts.len(), ahead(), rows, |rows| Ok(draft.add(&rows)?))?;
    let rates = coupons::rates(job, inputs, assessed.book.as_ref(), as_of)?;
    Ok(Decided { dates: assessed.dates, read: assessed.read, totals: assessed.totals, tally, given, rates })
}

/// One partition after the other; `None` where two mails came to one code.
fn part_by_part<'a>(
    job: &'a Job,
    inputs: &Inputs,
    as_of: NaiveDate,
    draft: &mut runs::Draft,
    watch: &Watch,
) -> Result<Option<Decided<'a>>, Error> {
    let dates = assess::dates(job, inputs, as_of);
    let Folded { features, read, .. } = assess::fold(job, inputs, dates.bounds(job.zone), watch)?;
    let passes = Passes { job, inputs, dates: &dates, features: &features };
    let met = passes.first()?;
    let (tally, given, failures, mut codes) = passes.second(&met, draft, watch)?;
    failures.refuse(job)?;
    codes.sort_unstable();
    if codes.is_sorted_by(|one, next| one < next) {
        let rates = coupons::rates(job, inputs, None, as_of)?;
        return Ok(Some(Decided { dates, read, totals: Totals::default(), tally, given, rates }));
    }
    Ok(None)
}

/// So many of a partition's people are decided on at a time.
const PIECE: usize = 1_024;

/// How many partitions may be under work or wait to be written.
fn ahead() -> usize {
    2 * rayon::current_num_threads() + 2
}

/// What both passes look into.
pub struct Passes<'a, 'i> {
    pub job: &'a Job,
    pub inputs: &'i Inputs,
    pub dates: &'i Dates,
    pub features: &'i features::Folded,
}

/// What the first pass leaves to the second.
pub struct Met {
    mean_order: i64,
    matched: u64,
    /// By partition: the places of the matches whose address is somebody else's.
    lost: Vec<Vec<usize>>,
    /// The last orders that mails show.
    orders: OrderLines,
}

/// What one partition brings to the meeting.
struct Seen {
    mean_order: MeanOrder,
    matched: u64,
    claims: Vec<Claim>,
    orders: LastOrders,
}

/// What the second pass comes to, with a mark of each code that was made.
type Came<'a> = (Tally<'a>, GivenAway, Failures, Vec<u64>);

impl<'a> Passes<'a, '_> {
    /// The people of a partition with ranks and matches.
    fn people(&self, at: usize) -> Result<People, Error> {
        let (job, inputs) = (self.job, self.inputs);
        let mut people = assess::join(job, inputs, at, &self.features.partition(at)?)?;
        assess::assign(job, inputs, self.dates, &ranks::Tops::default(), &mut people);
        let facts: campaigns::RunFacts = assess::facts(job, self.dates, inputs.before.run.is_none());
        people.matches = assess::matches(job, inputs, &facts, None, (at, &people));
        Ok(people)
    }

    /// What only the whole shop knows: the average order, who shares an address, and the last orders that are to be read.
    pub fn first(&self) -> Result<Met, Error> {
        let (job, inputs) = (self.job, self.inputs);
        let several = &inputs.shop.customers.facts().several;
        let look = |at| -> Result<Seen, Error> {
            let people = self.people(at)?;
            let mut orders = LastOrders::new(job, inputs);
            orders.ask(&people, |_, _| true);
            Ok(Seen {
                mean_order: MeanOrder::of(&people),
                matched: people.matches.len() as u64,
                claims: several.claims(&inputs.shop, at, &people),
                orders,
            })
        };
        let seen: Vec<Seen> = (0..features::PARTITIONS).into_par_iter().with_max_len(1).map(look).collect::<Result<_, _>>()?;
        let mut met = Met {
            mean_order: seen.iter().map(|seen| seen.mean_order).sum::<MeanOrder>().net(),
            matched: seen.iter().map(|seen| seen.matched).sum(),
            lost: vec![Vec::new(); features::PARTITIONS],
            orders: OrderLines::default(),
        };
        let mut claims = Vec::new();
        let mut orders = Vec::with_capacity(seen.len());
        for seen in seen {
            claims.extend(seen.claims);
            orders.push(seen.orders);
        }
        for (at, nth) in addresses::lost(&claims) {
            met.lost[at].push(nth);
        }
        met.orders = LastOrders::joined(orders).read(job, inputs, self.dates.as_of)?;
        Ok(met)
    }

    /// Decides and renders the mails of each partition, which then is done with.
    fn second(&self, met: &Met, draft: &mut runs::Draft, watch: &Watch) -> Result<Came<'a>, Error> {
        let layout = draft.layout();
        let came: Mutex<Came<'a>> = Mutex::new((Tally::new(self.job), GivenAway::default(), Failures::default(), Vec::new()));
        let done = AtomicU64::new(0);
        let work = |at: usize| -> Result<Vec<runs::PartRows>, Error> {
            let people = self.people_of(at, met)?;
            self.features.release(at);
            let matched = people.matches.len() as u64;
            let mut rows = Vec::new();
            // Campaign by campaign everybody is looked at: so few that they stay at hand.
            for people in people.cut(PIECE) {
                let assessed = self.assessed(people, met);
                let (parts, given, failures) = choose::part(self.job, self.inputs, &assessed);
                rows.extend(parts.iter().map(|part| layout.rows(part)).collect::<Result<Vec<_>, _>>()?);
                let codes: Vec<u64> = parts.iter().flat_map(|part| self.codes(part)).collect();
                let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
                for (people, part) in assessed.people.iter().zip(&parts) {
                    came.0.add(&self.inputs.shop, people, part);
                }
                came.1 = given;
                came.2.join(failures);
                came.3.extend(codes);
            }
            watch(Step::Render, done.fetch_add(matched, Ordering::Relaxed) + matched, met.matched);
            Ok(rows)
        };
        turns::in_turn(features::PARTITIONS, ahead(), work, |rows| Ok(rows.iter().try_for_each(|rows| draft.add(rows))?))?;
        Ok(came.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The people of a partition with what the meeting told of them.
    pub fn people_of(&self, at: usize, met: &Met) -> Result<People, Error> {
        let mut people = self.people(at)?;
        for nth in &met.lost[at] {
            people.matches[*nth].address_lost = true;
        }
        met.orders.give(at, &mut people)?;
        Ok(people)
    }

    /// Some people as if they were the shop.
    pub fn assessed(&self, people: People, met: &Met) -> Assessed {
        Assessed {
            dates: self.dates.clone(),
            tops: ranks::Tops::default(),
            first_run: self.inputs.before.run.is_none(),
            people: vec![people],
            read: ReadCounts::default(),
            book: None,
            tally: None,
            past: None,
            totals: Totals::default(),
            mean_order: met.mean_order,
        }
    }

    /// Marks of the codes that were made for a part: two alike would be noticed.
    fn codes(&self, part: &PlanPart) -> Vec<u64> {
        let hasher = foldhash::fast::FixedState::default();
        let makes = |campaign: usize| self.job.campaigns[campaign].offer.as_ref().is_some_and(OfferRule::makes_codes);
        let made = part.mails.iter().filter(|mail| makes(mail.campaign)).filter_map(|mail| mail.coupon_code.as_deref());
        made.map(|code| hasher.hash_one(code)).collect()
    }
}
