//! Everybody's points and cashback: ranks held at earlier runs, what their reviews paid back and their mails promised, and every order,
//! joined into accounts.

use super::assess::Assessed;
use super::error::Error;
use super::inputs::Inputs;
use super::owed::Owed;
use super::people::People;
use super::previous;
use super::promises::{self, Promises};
use crate::domain::book::OrderView;
use crate::domain::money::grouped;
use crate::domain::offer::On;
use crate::domain::plan::PastAccount;
use crate::domain::points::{Account, Cashback, CashbackTotals, Holding, Kept, Millionths, PointsTotals, Rate};
use crate::domain::{Dates, Job, OrderBook, PointsRule, RankIndex};
use crate::points;
use chrono::NaiveDate;
use points::{Bought, Event};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How many customers a warning names.
const NAMED: usize = 5;

/// What earlier adopted runs say, for the accounts of this one.
pub struct Past {
    /// Their as-of dates, the earliest first.
    runs: Vec<NaiveDate>,
    parts: Vec<PartPast>,
    /// What their mails promised.
    promises: Promises,
}

/// Earlier runs as they concern the customers of one partition.
#[derive(Default)]
struct PartPast {
    /// Changes of rank, sorted by row and run; before the first one there is no rank.
    ranks: Vec<(usize, usize, Option<RankIndex>)>,
    /// What reviews paid into accounts, sorted by row and day.
    paid: Vec<(usize, NaiveDate, i64)>,
    /// While a run is read: its next row, and the rank of each row so far.
    next: usize,
    current: Vec<Option<RankIndex>>,
}

/// What the whole shop's accounts amount to.
#[derive(Default)]
pub struct Totals {
    pub points: Option<PointsTotals>,
    pub cashback: Option<CashbackTotals>,
    /// Who used more than there was, for people.
    pub warnings: Vec<String>,
}

/// Gives every customer points and cashback, as far as the job has them. Ranks must be assigned.
pub fn settle(
    job: &Job,
    inputs: &Inputs,
    dates: &Dates,
    book: Option<&OrderBook>,
    people: &mut [People],
) -> Result<(Option<Past>, Totals), Error> {
    if job.points.is_none() && job.cashback.is_none() && !is_told(job) {
        return Ok((None, Totals::default()));
    }
    let past = job.accounts().map(|_| read(job, inputs, people)).transpose()?;
    people.par_iter_mut().for_each(|part| part.holdings = vec![Holding::default(); part.len()]);
    pay(job, dates, &inputs.before.owed, people);
    let mut totals = Totals { cashback: cashback_totals(job, people), ..Totals::default() };
    if let (Some(earlier), Some(rule), Some(book)) = (&past, job.accounts(), book) {
        let keeper = Keeper { job, rule, dates, book, earlier };
        let sums: Vec<PointsTotals> = people.par_iter_mut().enumerate().map(|(at, part)| keeper.keep(at, part)).collect();
        totals.points = Some(sums.into_iter().fold(PointsTotals::default(), PointsTotals::plus));
        totals.warnings = overdrawn(job, people, totals.points.unwrap_or_default());
    } else if is_told(job) {
        totals.points = Some(told(people));
    }
    Ok((past, totals))
}

/// Whether the customer list tells the balances.
fn is_told(job: &Job) -> bool {
    job.customers.as_ref().is_some_and(|list| list.points.is_some())
}

/// Pays back what the review of this closing pays, if there is one, and what earlier reviews still owe.
fn pay(job: &Job, dates: &Dates, owed: &Owed, people: &mut [People]) {
    let rule = job.cashback.as_ref().filter(|_| dates.review.is_some());
    people.par_iter_mut().for_each(|part| {
        // A household's figures are those of all its members together, so it is paid once: to the one who stands for it.
        for row in 0..part.len() {
            if part.ranked_as(row) != part.id.get(row) {
                continue;
            }
            let own = |rule| points::cashback(rule, part.features[row].spend, part.standings[row].rank, &job.currency);
            part.holdings[row].cashback = rule.map(own).unwrap_or_default().carrying(owed.to(part.id.get(row)));
        }
    });
}

fn cashback_totals(job: &Job, people: &[People]) -> Option<CashbackTotals> {
    job.cashback.as_ref()?;
    let paid = people.iter().flat_map(|part| &part.holdings).map(|holding| holding.cashback);
    Some(paid.fold(CashbackTotals::default(), CashbackTotals::plus))
}

fn told(people: &mut [People]) -> PointsTotals {
    let mut totals = PointsTotals::default();
    for part in people {
        for (holding, listed) in part.holdings.iter_mut().zip(&part.listed) {
            holding.points = listed.and_then(|row| part.customers.points.get(row).copied().flatten());
            let balance = holding.points.map_or(0, |points| points.balance);
            totals.balance = totals.balance.saturating_add(balance);
            totals.holders += u64::from(balance > 0);
        }
    }
    totals
}

/// Reads the ranks and the payments of the adopted runs that went before.
fn read(job: &Job, inputs: &Inputs, people: &[People]) -> Result<Past, Error> {
    let by_rank = matches!(job.accounts().map(|rule| &rule.rate), Some(Rate::ByRank { .. }));
    let mut parts: Vec<PartPast> = people.iter().map(|part| PartPast { current: vec![None; part.len()], ..PartPast::default() }).collect();
    for (run, adoption) in inputs.before.adopted.iter().enumerate() {
        let opened = previous::open_adopted_customers(job, adoption)?;
        if !by_rank && opened.summary.counts.cashback.is_none_or(|paid| paid.points == 0) {
            continue;
        }
        let mut names = Names::default();
        let closing = opened.summary.closing;
        let mut merged: BTreeMap<String, (Option<RankIndex>, Option<i64>)> = BTreeMap::new();
        for customer in opened.accounts()? {
            let PastAccount { customer_id: id, rank, cashback: Cashback { points: paid, .. } } = customer?;
            let rank = rank.as_deref().filter(|_| by_rank).and_then(|name| names.find(job, name, &id));
            if inputs.merges.is_empty() {
                let at = inputs.shop.customers.partitions().of(&id);
                parts[at].see(&people[at], (run, closing), &id, rank, paid);
            } else {
                // Who is one customer now held the highest of their ranks, and got what all of them were paid.
                let one = merged.entry(inputs.merges.present(&id).to_owned()).or_default();
                *one = (one.0.max(rank), one.1.map_or(paid, |sum| Some(sum.saturating_add(paid.unwrap_or(0)))));
            }
        }
        for (id, (rank, paid)) in &merged {
            let at = inputs.shop.customers.partitions().of(id);
            parts[at].see(&people[at], (run, closing), id, *rank, *paid);
        }
        for part in &mut parts {
            part.end(run);
        }
        previous::refuse_unknown(&names.unknown, &format!("the run of {} left", adoption.as_of), &job.ladder)?;
    }
    for part in &mut parts {
        part.ranks.sort_by_key(|(row, run, _)| (*row, *run));
        part.paid.sort_by_key(|(row, on, _)| (*row, *on));
    }
    let promises = promises::read(job, &inputs.merges, &inputs.before.adopted, inputs.before.until)?;
    Ok(Past { runs: inputs.before.adopted.iter().map(|adoption| adoption.as_of).collect(), parts, promises })
}

/// The ranks of one run by name.
#[derive(Default)]
struct Names {
    known: HashMap<String, RankIndex>,
    unknown: previous::Unknown,
}

impl Names {
    fn find(&mut self, job: &Job, name: &str, id: &str) -> Option<RankIndex> {
        if let Some(rank) = self.known.get(name) {
            return Some(*rank);
        }
        let rank = job.ladder.find_or_was(name);
        match rank {
            Some(rank) => drop(self.known.insert(name.to_owned(), rank)),
            None => previous::note_unknown(&mut self.unknown, name, id),
        }
        rank
    }
}

impl PartPast {
    /// Takes in a customer of a run. They come in the order of their ids, as the rows of the partition do.
    fn see(&mut self, people: &People, (run, closing): (usize, NaiveDate), id: &str, rank: Option<RankIndex>, paid: Option<i64>) {
        while self.next < people.len() && people.id.get(self.next) < id {
            self.hold(run, None);
        }
        if self.next < people.len() && people.id.get(self.next) == id {
            self.paid.extend(paid.map(|paid| (self.next, closing, paid)));
            self.hold(run, rank);
        }
    }

    /// Whoever the run did not know held no rank.
    fn end(&mut self, run: usize) {
        while self.next < self.current.len() {
            self.hold(run, None);
        }
        self.next = 0;
    }

    fn hold(&mut self, run: usize, rank: Option<RankIndex>) {
        if self.current[self.next] != rank {
            self.current[self.next] = rank;
            self.ranks.push((self.next, run, rank));
        }
        self.next += 1;
    }
}

/// What accounts are kept from.
struct Keeper<'a> {
    job: &'a Job,
    rule: &'a PointsRule,
    dates: &'a Dates,
    book: &'a OrderBook,
    earlier: &'a Past,
}

impl Keeper<'_> {
    /// Keeps the accounts of one partition.
    fn keep(&self, at: usize, people: &mut People) -> PointsTotals {
        let mut totals = PointsTotals::default();
        for row in 0..people.len() {
            let account = self.account(at, people, row);
            let missing = account.missing();
            people.holdings[row].points = Some(account.points());
            people.holdings[row].overdrawn = Some(missing).filter(|missing| *missing > 0);
            totals = totals.plus(PointsTotals::of(&account));
        }
        totals
    }

    /// The account of one customer.
    fn account(&self, at: usize, people: &People, row: usize) -> Account {
        let orders = self.orders(at, people, row);
        let earned = |(order, _, rate): &(OrderView<'_>, Bought, Millionths), on: Option<&On>| {
            let net = on.map_or_else(|| order.net(), |on| order.net_on(self.book, on));
            points::earned(net, *rate, &self.job.currency)
        };
        let made = self.earlier.promises.get(people.id.get(row)).map_or(&[][..], Vec::as_slice);
        let bought: Vec<Bought> = orders.iter().map(|(_, bought, _)| *bought).collect();
        let kept = points::keep(made, &bought, &|place, on| earned(&orders[place], on));
        let mut events: Vec<Event<'_>> = Vec::new();
        let mut promised = Vec::new();
        for (each, kept) in orders.iter().zip(kept) {
            let (order, Bought { on, net }, _) = *each;
            let more = kept.map_or(0, |(_, points)| points);
            let earned = earned(each, None).saturating_add(more);
            events.push(Event::Order { id: order.id(), on, stands: net > 0, used: order.points_used(), earned });
            promised.extend(kept.map(|(place, points)| {
                let campaign = Arc::clone(&made[place].campaign);
                Kept { order: order.id().to_owned(), on, campaign, points }
            }));
        }
        events.extend(self.earlier.paid(at, row).map(|(on, points)| Event::Credit { on, points }));
        events.extend(people.holdings[row].cashback.points.map(|points| Event::Credit { on: self.dates.closing, points }));
        events.sort_by_key(|event| (event.on(), matches!(event, Event::Order { .. })));
        Account { promised, ..points::account(self.rule, events, self.dates.as_of) }
    }

    /// The orders of one customer, the earliest first, each with the rate by which it earns.
    fn orders(&self, at: usize, people: &People, row: usize) -> Vec<(OrderView<'_>, Bought, Millionths)> {
        let orders = self.book.parts.get(at).and_then(|part| part.find(people.id.get(row)).map(|own| part.orders(own)));
        let told = |order: OrderView<'_>| {
            // An instant that no calendar holds was refused when it was read.
            let on = self.job.zone.date(order.at())?;
            let rate = match &self.rule.rate {
                Rate::All(rate) => *rate,
                by_rank @ Rate::ByRank { .. } => by_rank.of(self.earlier.rank_on(at, row, on, people.standings[row].rank)),
            };
            Some((Bought { on, net: order.net() }, rate))
        };
        orders.into_iter().flatten().filter_map(|order| told(order).map(|(bought, rate)| (order, bought, rate))).collect()
    }
}

impl Past {
    fn paid(&self, at: usize, row: usize) -> impl Iterator<Item = (NaiveDate, i64)> {
        let paid = self.parts.get(at).map_or(&[][..], |part| &part.paid);
        let from = paid.partition_point(|(each, ..)| *each < row);
        paid[from..].iter().take_while(move |(each, ..)| *each == row).map(|(_, on, points)| (*on, *points))
    }

    /// The rank held on a day: that of the last run up to it, else of the first run, which may be this one.
    fn rank_on(&self, at: usize, row: usize, day: NaiveDate, now: Option<RankIndex>) -> Option<RankIndex> {
        if self.runs.is_empty() {
            return now;
        }
        let run = self.runs.partition_point(|as_of| *as_of <= day).max(1) - 1;
        let ranks = &self.parts.get(at)?.ranks;
        let behind = ranks.partition_point(|(each, since, _)| (*each, *since) <= (row, run));
        let (each, _, rank) = ranks.get(behind.checked_sub(1)?)?;
        rank.filter(|_| *each == row)
    }
}

/// The account of one customer, for people.
pub fn explain(job: &Job, assessed: &Assessed, at: usize, row: usize) -> Option<Account> {
    let (rule, earlier, book) = (job.accounts()?, assessed.past.as_ref()?, assessed.book.as_ref()?);
    Some(Keeper { job, rule, dates: &assessed.dates, book, earlier }.account(at, assessed.people.get(at)?, row))
}

/// Says who used more points than there were: a history that begins too late shows it, or a column that holds something else.
fn overdrawn(job: &Job, people: &[People], totals: PointsTotals) -> Vec<String> {
    if totals.overdrawn == 0 {
        return Vec::new();
    }
    let mut ids: Vec<&str> = Vec::new();
    for part in people {
        let rows = part.holdings.iter().enumerate().filter(|(_, holding)| holding.overdrawn.is_some());
        ids.extend(rows.map(|(row, _)| part.id.get(row)).take(NAMED));
        ids.sort_unstable();
        ids.truncate(NAMED);
    }
    let (count, named) = (grouped(totals.overdrawn), ids.join(", "));
    let missing = grouped(totals.missing.unsigned_abs());
    vec![job.language.pick(
        format!(
            "残高より多くポイントを使った注文があるお客様が {count} 人います（合わせて {missing} ポイント、例: {named}）。残高を超えた分は数えず、customers.parquet の points_overdrawn に載せました"
        ),
        format!(
            "customers with orders that used more points than there were: {count} ({missing} points in all; the first: {named}); what was there is counted as used, the rest is in points_overdrawn of customers.parquet"
        ),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(ids: &[&str]) -> People {
        People { id: ids.iter().copied().collect(), features: vec![crate::domain::FeatureRow::default(); ids.len()], ..People::default() }
    }

    #[test]
    fn the_rank_of_an_order_is_that_of_the_last_run_up_to_its_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (people, closing) = (people(&["a", "b", "c"]), day("2026-01-01"));
        let mut seen = PartPast { current: vec![None; 3], ..PartPast::default() };
        let runs = [
            vec![("a", Some(0)), ("b", Some(2))],
            vec![("a", Some(1)), ("aa", Some(1)), ("c", Some(0))],
            vec![("b", Some(1)), ("c", Some(0))],
        ];
        for (run, ranks) in runs.iter().enumerate() {
            for (id, rank) in ranks {
                seen.see(&people, (run, closing), id, *rank, None);
            }
            seen.end(run);
        }
        seen.ranks.sort_by_key(|(row, run, _)| (*row, *run));
        let past =
            Past { runs: ["2026-01-01", "2026-02-01", "2026-03-05"].map(day).to_vec(), parts: vec![seen], promises: Promises::new() };
        let ranks =
            |row| ["2025-06-01", "2026-01-31", "2026-02-01", "2026-03-04", "2026-03-05"].map(|on| past.rank_on(0, row, day(on), Some(9)));
        assert_eq!(ranks(0), [Some(0), Some(0), Some(1), Some(1), None]);
        assert_eq!(ranks(1), [Some(2), Some(2), None, None, Some(1)]);
        assert_eq!(ranks(2), [None, None, Some(0), Some(0), Some(0)]);
        let first = Past { runs: vec![], parts: vec![], promises: Promises::new() };
        assert_eq!(first.rank_on(0, 0, day("2026-01-01"), Some(9)), Some(9));
    }
}
