//! Everybody of a plan, so that whoever looks finds people by any part of what is known of them.
//!
//! The plan's own tables say who has which rank and what became of each campaign; the plan's copy of the customer list says the rest.

use super::super::error::Error;
use super::super::forgotten::Marks;
use super::super::inputs;
use super::super::list::List;
use super::super::progress::{Step, Watch};
use super::trouble::told;
use crate::audience::{Entry, Fate, Index, Layout, Writer};
use crate::domain::plan::CustomerRow;
use crate::domain::{Address, Channel, Customers, Job, RankIndex, SkipReason, Value};
use crate::piles::{Dealt, Piles};
use crate::{features, runs};
use std::collections::HashMap;

/// Bytes of a plan's tables that are held in memory on their way to the index.
const HELD: usize = 8 << 20;

/// Everybody, and what people must know of where it is from.
pub struct People {
    pub index: Index,
    pub note: Option<String>,
}

/// A table on its way: what of it is done, and how much there is of all tables.
struct Progress<'a> {
    done: u64,
    total: u64,
    watch: &'a Watch<'a>,
}

impl Progress<'_> {
    fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(4_096) {
            (self.watch)(Step::Read, self.done, self.total);
        }
    }
}

/// Makes the index of a plan's people.
pub fn people(planned: &Job, opened: &runs::Opened, watch: &Watch) -> Result<People, Error> {
    let (list, note) = match list(planned, opened) {
        Ok(list) => (list, None),
        Err(error) => (List::default(), Some(without_list(planned, &error))),
    };
    let counts = &opened.summary.counts;
    let total = 3 * counts.customers + counts.mails + counts.skipped;
    let mut progress = Progress { done: 0, total, watch };
    let dealt = dealt(planned, opened, &list, &mut progress)?;
    let source = planned.customers.as_ref();
    let is_shown = |name: &String| {
        source.is_some_and(|source| *name == source.customer || source.email.as_ref() == Some(name) || source.name == [name.clone()])
    };
    let columns: Vec<String> = list.facts().columns.iter().filter(|name| !is_shown(name)).cloned().collect();
    let layout = Layout { campaigns: opened.summary.campaigns.clone(), columns };
    let mut writer = Writer::new(layout.clone(), &planned.runs).map_err(Error::Audience)?;
    for at in 0..features::PARTITIONS {
        partition(&dealt, at, &*list.partition(at)?, &layout, &mut writer)?;
        progress.done += counts.customers / features::PARTITIONS as u64;
        watch(Step::Read, progress.done, total);
    }
    drop((dealt, list));
    let rest = total.saturating_sub(progress.done);
    let sorted = |done: u64, orders: u64| watch(Step::Read, progress.done + rest * done / orders.max(1), total);
    Ok(People { index: writer.done(&sorted).map_err(Error::Audience)?, note })
}

fn without_list(planned: &Job, error: &Error) -> String {
    planned.language.pick(
        format!("顧客リストを読めないため、氏名などは表示できません。{}", told(error, planned.language)),
        format!("the customer list cannot be read, so names are missing here: {error}"),
    )
}

/// The customer list that the plan was made from; where the plan keeps no copy, that of today.
fn list(planned: &Job, opened: &runs::Opened) -> Result<List, Error> {
    let Some(source) = &planned.customers else { return Ok(List::default()) };
    let mut source = source.clone();
    if let Some(kept) = opened.list("customers") {
        source.path = kept;
    }
    if let (Some(merged), Some(kept)) = (&mut source.merged, opened.list("merged")) {
        *merged = kept;
    }
    let job = Job { customers: Some(source.clone()), ..planned.clone() };
    let (merges, _) = inputs::merges(&job)?;
    let (list, ..) = List::read(&job, &source, &merges, opened.summary.as_of, Marks::of(&job)?.as_ref(), features::Partitions::default())?;
    Ok(list)
}

/// The plan's tables, dealt to the partitions that the customer list is dealt to.
fn dealt(planned: &Job, opened: &runs::Opened, list: &List, progress: &mut Progress) -> Result<Dealt, Error> {
    let summary = &opened.summary;
    let mut piles = Piles::within(features::PARTITIONS, &planned.runs, HELD);
    let ranks: HashMap<&str, i64> = (0..).zip(&summary.ranks).map(|(at, name)| (name.as_str(), at)).collect();
    let rank = |name: &Option<String>| Value::maybe(name.as_deref().and_then(|name| ranks.get(name).copied()));
    let campaigns: HashMap<&str, i64> = (0..).zip(&summary.campaigns).map(|(at, name)| (name.as_str(), at)).collect();
    let campaign = |name: &str| Value::maybe(campaigns.get(name).copied());
    let mut lay = |id: String, rest: &[Value]| -> Result<(), Error> {
        let pile = list.partitions().of(&id);
        piles.push(pile, std::iter::once(&Value::Text(id)).chain(rest)).map_err(Error::Piles)?;
        progress.step();
        Ok(())
    };
    for row in opened.customer_rows()? {
        let CustomerRow { customer_id, rank: now, previous_rank, orders, spend, last_order_at, .. } = row?;
        let rest = [rank(&now), rank(&previous_rank), Value::Int(orders), Value::Int(spend), Value::maybe(last_order_at)];
        lay(customer_id, &rest)?;
    }
    for mail in opened.mails_without_values()? {
        let mail = mail?;
        let address = if mail.channel == Channel::Mail { mail.address } else { String::new() };
        lay(mail.customer_id, &[campaign(&mail.campaign), Value::Text(address)])?;
    }
    for skip in opened.skips()? {
        let skip = skip?;
        let reason = (0..).zip(SkipReason::ALL).find(|(_, reason)| *reason == skip.reason).map(|(at, _)| at);
        lay(skip.customer_id, &[campaign(&skip.campaign), Value::maybe(reason)])?;
    }
    Ok(piles.done())
}

/// What the plan says of one person.
#[derive(Default)]
struct Planned {
    rank: Option<RankIndex>,
    previous: Option<RankIndex>,
    orders: i64,
    spend: i64,
    last_order: Option<i64>,
    fates: Vec<Fate>,
    /// That of a mail.
    address: String,
}

/// Takes the people of a partition into the index, by id.
fn partition(dealt: &Dealt, at: usize, customers: &Customers, layout: &Layout, writer: &mut Writer) -> Result<(), Error> {
    let mut planned: Vec<(String, Planned)> = Vec::new();
    dealt.each(at, |row| take(&row, layout.campaigns.len(), &mut planned)).map_err(Error::Piles)?;
    let mut values = Vec::new();
    for (id, person) in &planned {
        let listed = customers.find(id);
        values.clear();
        if let Some(row) = listed {
            values.extend(layout.columns.iter().map(|column| customers.value(column, row).into_owned()));
        }
        let own = listed.and_then(|row| customers.address.get(row)).map_or("", |address| match address {
            Address::Usable { wire, .. } => wire,
            Address::Missing | Address::Bad => "",
        });
        let entry = Entry {
            id,
            name: listed.map_or("", |row| customers.name.get(row)),
            address: if own.is_empty() { &person.address } else { own },
            rank: person.rank,
            previous: person.previous,
            orders: person.orders,
            spend: person.spend,
            last_order: person.last_order,
            fates: &person.fates,
            values: &values,
        };
        writer.push(&entry).map_err(Error::Audience)?;
    }
    Ok(())
}

/// Takes up a row of one of the three tables: the customers come first, by id, and the others name one of them.
fn take(row: &[Value], campaigns: usize, planned: &mut Vec<(String, Planned)>) {
    let number = |value: &Value| if let Value::Int(number) = value { Some(*number) } else { None };
    let rank = |value: &Value| number(value).and_then(|rank| RankIndex::try_from(rank).ok());
    match row {
        [Value::Text(id), now, before, orders, spend, last] => {
            let person = Planned {
                rank: rank(now),
                previous: rank(before),
                orders: number(orders).unwrap_or(0),
                spend: number(spend).unwrap_or(0),
                last_order: number(last),
                fates: vec![Fate::Unmatched; campaigns],
                address: String::new(),
            };
            planned.push((id.clone(), person));
        }
        [Value::Text(id), campaign, what] => {
            let at = planned.binary_search_by(|(other, _)| other.cmp(id)).ok();
            let Some((_, person)) = at.and_then(|at| planned.get_mut(at)) else { return };
            let campaign = number(campaign).and_then(|at| usize::try_from(at).ok());
            let Some(fate) = campaign.and_then(|at| person.fates.get_mut(at)) else { return };
            let reason = number(what).and_then(|at| usize::try_from(at).ok()).and_then(|at| SkipReason::ALL.get(at));
            *fate = reason.map_or(Fate::Mailed, |reason| Fate::Skipped(*reason));
            if let Value::Text(address) = what {
                person.address.clone_from(address);
            }
        }
        _ => {}
    }
}
