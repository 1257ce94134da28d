//! The last orders of those whose mail shows what was in it.

use crate::domain::orders::{LastOrder, LastOrderLine, OrderItem, WantedOrders};
use crate::domain::{Job, Value};
use crate::features;
use crate::piles::{Dealt, Lent, Piles};
use crate::pipeline::assess::Assessed;
use crate::pipeline::error::Error;
use crate::pipeline::inputs::Inputs;
use crate::pipeline::people::People;
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Which orders of which customers are wanted: the id and the instant of the order, by customer.
#[derive(Default)]
pub struct LastOrders {
    /// Whether the templates of a campaign show such an order.
    asking: Vec<bool>,
    wanted: WantedOrders,
}

/// The lines of the orders that were wanted, dealt to the partitions; nothing where none was.
#[derive(Default)]
pub struct OrderLines(Option<Dealt>);

impl LastOrders {
    pub fn new(job: &Job, inputs: &Inputs) -> Self {
        let shows = |name: &str| ["last_order.items", "last_order.store"].iter().any(|path| inputs.templates.uses(name, path));
        Self { asking: job.campaigns.iter().map(|campaign| shows(&campaign.name)).collect(), wanted: WantedOrders::default() }
    }

    /// Asks for the orders of those of a partition who may get a mail that shows them and is rendered; the question is about a campaign
    /// and a row.
    pub fn ask(&mut self, part: &People, renders: impl Fn(usize, usize) -> bool) {
        for matched in part.matches.iter().filter(|matched| self.asking[matched.campaign] && renders(matched.campaign, matched.row)) {
            if let Some(at) = part.features[matched.row].last_order_at {
                self.wanted.insert(part.id.get(matched.row).to_owned(), (part.last_order_id.get(matched.row).to_owned(), at));
            }
        }
    }

    /// The questions of several.
    pub fn joined(all: Vec<Self>) -> Self {
        let mut joined = Self::default();
        joined.wanted.reserve(all.iter().map(|one| one.wanted.len()).sum());
        for one in all {
            joined.wanted.extend(one.wanted);
        }
        joined
    }

    /// Reads what was asked for.
    pub fn read(self, job: &Job, inputs: &Inputs, as_of: NaiveDate) -> Result<OrderLines, Error> {
        if self.wanted.is_empty() {
            return Ok(OrderLines::default());
        }
        let piles = Mutex::new((Piles::new(features::PARTITIONS, &job.runs), None));
        let partitions = inputs.shop.customers.partitions();
        inputs.purchases.last_orders(&self.wanted, job.zone.midnight(as_of), &|lines| {
            let places: Vec<usize> = lines.iter().map(|line| partitions.of(line.customer)).collect();
            let (piles, failed) = &mut *piles.lock().unwrap_or_else(PoisonError::into_inner);
            for (place, LastOrderLine { customer, store, product, category, quantity, amount }) in places.into_iter().zip(lines) {
                let texts = [Lent::Text(customer), Lent::text(*store), Lent::text(*product), Lent::text(*category)];
                if failed.is_none() {
                    *failed = piles.push_lent(place, texts.into_iter().chain([Lent::int(*quantity), Lent::Int(*amount)])).err();
                }
            }
        })?;
        let (piles, failed) = piles.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or_else(|| Ok(OrderLines(Some(piles.done()))), |failed| Err(Error::Piles(failed)))
    }
}

impl OrderLines {
    /// Gives the people of a partition the orders that were read for them.
    pub fn give(&self, at: usize, part: &mut People) -> Result<(), Error> {
        let Some(dealt) = &self.0 else { return Ok(()) };
        let mut lines: HashMap<String, Vec<(Option<String>, OrderItem)>, foldhash::fast::RandomState> = HashMap::default();
        let take = |row: Vec<Value>| {
            if let Some((customer, line)) = line(row) {
                lines.entry(customer).or_default().push(line);
            }
        };
        dealt.each(at, take).map_err(Error::Piles)?;
        for matched in &part.matches {
            if let Some(lines) = lines.remove(part.id.get(matched.row)) {
                part.last_orders.insert(matched.row, LastOrder::of(lines));
            }
        }
        Ok(())
    }
}

/// A line as it was laid on a pile: its customer, the store that it names, and what was bought.
fn line(row: Vec<Value>) -> Option<(String, (Option<String>, OrderItem))> {
    let [Value::Text(customer), store, product, category, quantity, Value::Int(amount)] = <[Value; 6]>::try_from(row).ok()? else {
        return None;
    };
    let text = |value| if let Value::Text(text) = value { Some(text) } else { None };
    let quantity = if let Value::Int(number) = quantity { Some(number) } else { None };
    Some((customer, (text(store), OrderItem { product: text(product), category: text(category), quantity, amount })))
}

/// Fetches the last orders of those who may get a mail that shows them and is rendered; the question is about a campaign, a partition and a
/// row of it.
pub fn fetch(job: &Job, inputs: &Inputs, assessed: &mut Assessed, renders: &dyn Fn(usize, usize, usize) -> bool) -> Result<(), Error> {
    let mut asked = LastOrders::new(job, inputs);
    for (at, part) in assessed.people.iter().enumerate() {
        asked.ask(part, |campaign, row| renders(campaign, at, row));
    }
    let lines = asked.read(job, inputs, assessed.dates.as_of)?;
    assessed.people.iter_mut().enumerate().try_for_each(|(at, part)| lines.give(at, part))
}
