//! The first pass: from purchases to features, ranks and matches, a partition at a time, and the two meetings of the whole shop
//! (who is among the top, who shares an address).

use super::accounts;
use super::addresses;
use super::coupons;
use super::error::Error;
use super::households;
use super::inputs::{self, Inputs};
use super::people::{Match, People};
use super::progress::{Step, Watch};
use super::recommend::{self, Advice, Tally};
use crate::domain::features::ReadCounts;
use crate::domain::{Bounds, Campaign, Channel, Dates, Features, Job, OrderBook, Person, SkipReason, Standing};
use crate::{campaigns, features, keys, purchases, ranks, schedule};
use chrono::NaiveDate;
use rayon::prelude::*;

/// Everybody with rank and matches.
pub struct Assessed {
    pub dates: Dates,
    pub tops: ranks::Tops,
    /// No run of the job was adopted before.
    pub first_run: bool,
    pub people: Vec<People>,
    pub read: ReadCounts,
    /// Every order, where the job has something that looks at single orders.
    pub book: Option<OrderBook>,
    /// What the whole shop tells of what goes with what, where a campaign recommends.
    pub tally: Option<Tally>,
    /// What earlier runs say of accounts, and what the accounts amount to.
    pub past: Option<accounts::Past>,
    pub totals: accounts::Totals,
    /// The net of the shop's average order in the window; 0 where there is none.
    pub mean_order: i64,
}

/// What one read of the purchases gives.
pub struct Folded {
    pub features: features::Folded,
    pub read: ReadCounts,
    pub book: Option<OrderBook>,
}

/// The days of a run.
pub fn dates(job: &Job, inputs: &Inputs, as_of: NaiveDate) -> Dates {
    let next_due = job.schedule.as_deref().and_then(|line| schedule::next_due_date(line, job.zone, as_of));
    ranks::dates(as_of, &job.ladder, inputs.before.run.as_ref(), next_due)
}

/// Whether anything of the job looks at single orders, so that a book of them is kept.
pub fn wants_orders(job: &Job, inputs: &Inputs) -> bool {
    job.accounts().is_some() || recommend::is_asked(job, inputs) || coupons::has_history(job, inputs)
}

/// Reads the purchases once and folds them into features, one table for each partition, and into the order book where it is wanted.
pub fn fold(job: &Job, inputs: &Inputs, bounds: Bounds, watch: &Watch) -> Result<Folded, Error> {
    let categories: Vec<String> = job.categories().into_iter().map(str::to_owned).collect();
    let wants_items = inputs.templates.uses_last_order();
    let book = wants_orders(job, inputs).then(|| features::Book::new(bounds.as_of, inputs.shop.customers.partitions().clone()));
    let request = purchases::Request {
        as_of: bounds.as_of,
        history_before: inputs.before.summary.as_ref().map(|summary| job.zone.midnight(summary.as_of)),
        category: !categories.is_empty(),
        details: book.is_some(),
        progress: Some(&|done, total| watch(Step::Read, done, total)),
    };
    let fold =
        features::Fold::new(bounds, &categories, wants_items, inputs.shop.customers.partitions().clone(), inputs::room(job, &job.runs)?);
    let add = |lines: &_| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        fold.add(lines)?;
        Ok(book.as_ref().map_or(Ok(()), |book| book.add(lines))?)
    };
    let read = inputs.purchases.read(&request, &add)?;
    Ok(Folded { features: fold.finish(), read, book: book.map(features::Book::finish).transpose()? })
}

/// Runs the first pass.
pub fn run(job: &Job, inputs: &Inputs, as_of: NaiveDate, watch: &Watch) -> Result<Assessed, Error> {
    let dates = dates(job, inputs, as_of);
    let Folded { features, read, book } = fold(job, inputs, dates.bounds(job.zone), watch)?;
    let partition = |at| -> Result<People, Error> {
        let joined = join(job, inputs, at, &features.partition(at)?)?;
        features.release(at);
        Ok(joined)
    };
    let mut people: Vec<People> = (0..features::PARTITIONS).into_par_iter().with_max_len(1).map(partition).collect::<Result<_, _>>()?;
    households::join(&mut people)?;
    // A household takes one place among the top, that of its first member.
    let places =
        people.iter().flat_map(|part| (0..part.len()).map(move |row| (part.id.get(row), part.ranked_as(row), &part.features[row])));
    let tops = ranks::tops(&job.ladder, places.filter(|(id, ranked_as, _)| id == ranked_as).map(|(id, _, features)| (id, features)));
    let first_run = inputs.before.run.is_none();
    let facts = facts(job, &dates, first_run);
    let tally = book.as_ref().and_then(|book| recommend::tally(job, &inputs.shop, book, &dates));
    let advice = Advice::of(job, inputs, book.as_ref(), tally.as_ref(), &dates);
    people.par_iter_mut().for_each(|part| assign(job, inputs, &dates, &tops, part));
    let (past, totals) = accounts::settle(job, inputs, &dates, book.as_ref(), &mut people)?;
    people.par_iter_mut().enumerate().for_each(|(at, part)| {
        part.intervals = advice.as_ref().map_or_else(Vec::new, |advice| advice.intervals(at, part.id.iter()));
        part.matches = matches(job, inputs, &facts, advice.as_ref(), (at, part));
    });
    let several = &inputs.shop.customers.facts().several;
    let claims: Vec<_> = people.par_iter().enumerate().flat_map_iter(|(at, part)| several.claims(&inputs.shop, at, part)).collect();
    for (at, nth) in addresses::lost(&claims) {
        people[at].matches[nth].address_lost = true;
    }
    let mean_order = people.iter().map(MeanOrder::of).sum::<MeanOrder>().net();
    Ok(Assessed { first_run, tops, people, read, book, tally, past, totals, mean_order, dates: dates.clone() })
}

/// The orders of a shop and what they came to, on the way to the average order.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeanOrder {
    orders: i128,
    spend: i128,
}

impl MeanOrder {
    /// Those of the people of one partition, in the window.
    pub fn of(part: &People) -> Self {
        let buyers = part.features.iter().filter(|features| features.orders > 0 && features.spend > 0);
        buyers.map(|buyer| Self { orders: i128::from(buyer.orders), spend: i128::from(buyer.spend) }).sum()
    }

    /// The net of the average order; 0 where there is none.
    pub fn net(self) -> i64 {
        self.spend.checked_div(self.orders).and_then(|mean| i64::try_from(mean).ok()).unwrap_or(0)
    }
}

impl std::iter::Sum for MeanOrder {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self { orders: sum.orders + one.orders, spend: sum.spend + one.spend })
    }
}

/// What campaigns know of the run.
pub fn facts<'a>(job: &'a Job, dates: &Dates, first_run: bool) -> campaigns::RunFacts<'a> {
    campaigns::RunFacts {
        zone: job.zone,
        as_of: dates.as_of,
        closing: dates.closing,
        first_run,
        ladder: &job.ladder,
        currency: &job.currency,
        language: job.language,
        cashback: job.cashback.as_ref().map(|rule| rule.paid_as),
    }
}

/// The people of one partition: those who bought and those who are listed.
pub fn join(job: &Job, inputs: &Inputs, at: usize, bought: &Features) -> Result<People, Error> {
    let list = &inputs.shop.customers;
    let customers = list.partition(at)?;
    let given = list.given(job, &customers);
    let held = inputs.before.held.partition(job, at, &customers)?;
    Ok(People::join(job.zone, bought, customers, given, &held))
}

/// Gives the people of a partition their ranks, and says who belongs to the holdout.
pub fn assign(job: &Job, inputs: &Inputs, dates: &Dates, tops: &ranks::Tops, part: &mut People) {
    let bounds = dates.bounds(job.zone);
    part.standings = (0..part.len())
        .map(|row| {
            if job.ladder.of.is_some() {
                return ranks::taken(part.held[row]);
            }
            ranks::assign(&job.ladder, dates, tops, &part.rank_row(&inputs.shop, &bounds, row))
        })
        .collect();
    part.holdout = (0..part.len()).map(|row| held_out(job, part.id.get(row), &part.standings[row])).collect();
}

fn held_out(job: &Job, id: &str, standing: &Standing) -> bool {
    job.contact.holdout.as_ref().is_some_and(|holdout| {
        !standing.rank.is_some_and(|rank| holdout.not.contains(&rank)) && keys::held_out(&holdout.salt, id, holdout.share)
    })
}

/// The matched pairs of a partition. A campaign that recommends is for those only who can be recommended something.
pub fn matches(
    job: &Job,
    inputs: &Inputs,
    facts: &campaigns::RunFacts,
    advice: Option<&Advice>,
    (place, part): (usize, &People),
) -> Vec<Match> {
    let mut found = Vec::new();
    let persons: Vec<Person> = (0..part.len()).map(|row| part.person(&inputs.shop, row)).collect();
    for (at, campaign) in job.campaigns.iter().enumerate() {
        for (row, person) in persons.iter().enumerate() {
            let Some(occasion) = campaigns::is_for(campaign, person, facts) else { continue };
            if !shares(campaign, person.id) {
                continue;
            }
            let reach = reach(job, inputs, campaign, person);
            let picks = || advice.map_or(Some(Vec::new()), |advice| advice.picks(campaign, person.standing.rank, (place, person.id)));
            found.extend(picks().map(|picks| Match { row, campaign: at, occasion, reach, address_lost: false, picks }));
        }
    }
    found
}

/// Whether a customer belongs to the share of people who get a campaign.
pub fn shares(campaign: &Campaign, id: &str) -> bool {
    campaign.share.is_none_or(|share| keys::shared(&campaign.name, id, share))
}

/// The first channel of a campaign that reaches a customer. An opt-out stops all of them, a bounce mail only. Where none does, what the
/// first one lacks is the reason.
fn reach(job: &Job, inputs: &Inputs, campaign: &Campaign, person: &Person) -> Result<Channel, SkipReason> {
    let address = person.address().same().unwrap_or_default();
    let stop = inputs.before.past.suppressed(person.id, &address);
    let mut first = None;
    for channel in &campaign.channels {
        let stop = stop.filter(|reason| *channel == Channel::Mail || *reason == SkipReason::Unsubscribed);
        match campaigns::reachable(*channel, person, &job.contact).and(stop.map_or(Ok(*channel), Err)) {
            Ok(channel) => return Ok(channel),
            Err(reason) => first = first.or(Some(reason)),
        }
    }
    Err(first.unwrap_or(SkipReason::NoAddress))
}
