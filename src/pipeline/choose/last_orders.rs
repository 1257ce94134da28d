//! The last orders of those whose mail shows what was in it.

use crate::domain::Job;
use crate::domain::orders::LastOrder;
use crate::pipeline::assess::Assessed;
use crate::pipeline::error::Error;
use crate::pipeline::inputs::Inputs;
use crate::pipeline::people::People;
use chrono::NaiveDate;
use std::collections::HashMap;

/// Which orders of which customers are wanted: the id and the instant of the order, by customer.
#[derive(Default)]
pub struct LastOrders {
    /// Whether the templates of a campaign show such an order.
    asking: Vec<bool>,
    wanted: HashMap<String, (String, i64)>,
}

impl LastOrders {
    pub fn new(job: &Job, inputs: &Inputs) -> Self {
        let shows = |name: &str| ["last_order.items", "last_order.store"].iter().any(|path| inputs.templates.uses(name, path));
        Self { asking: job.campaigns.iter().map(|campaign| shows(&campaign.name)).collect(), wanted: HashMap::new() }
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

    /// The same for somebody else's questions.
    pub fn join(&mut self, other: Self) {
        self.wanted.extend(other.wanted);
    }

    /// Reads what was asked for.
    pub fn read(self, job: &Job, inputs: &Inputs, as_of: NaiveDate) -> Result<HashMap<String, LastOrder>, Error> {
        if self.wanted.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(inputs.purchases.last_orders(&self.wanted, job.zone.midnight(as_of))?)
    }
}

/// Gives the people of a partition what was read for them.
pub fn give(part: &mut People, orders: &mut HashMap<String, LastOrder>) {
    if orders.is_empty() {
        return;
    }
    for matched in &part.matches {
        if let Some(order) = orders.remove(part.id.get(matched.row)) {
            part.last_orders.insert(matched.row, order);
        }
    }
}

/// Fetches the last orders of those who may get a mail that shows them and is rendered; the question is about a campaign, a partition and a
/// row of it.
pub fn fetch(job: &Job, inputs: &Inputs, assessed: &mut Assessed, renders: &dyn Fn(usize, usize, usize) -> bool) -> Result<(), Error> {
    let mut asked = LastOrders::new(job, inputs);
    for (at, part) in assessed.people.iter().enumerate() {
        asked.ask(part, |campaign, row| renders(campaign, at, row));
    }
    let mut orders = asked.read(job, inputs, assessed.dates.as_of)?;
    assessed.people.iter_mut().for_each(|part| give(part, &mut orders));
    Ok(())
}
