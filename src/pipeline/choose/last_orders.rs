//! A second look into the purchases, only where a template shows what was bought last.

use crate::domain::Job;
use crate::domain::orders::LastOrder;
use crate::pipeline::assess::Assessed;
use crate::pipeline::error::Error;
use crate::pipeline::inputs::Inputs;
use std::collections::HashMap;

/// Fetches the last orders of those who may get a mail that shows them and is rendered; the question is about a campaign, a partition and a
/// row of it.
pub fn fetch(job: &Job, inputs: &Inputs, assessed: &mut Assessed, renders: &dyn Fn(usize, usize, usize) -> bool) -> Result<(), Error> {
    let asking: Vec<bool> = job
        .campaigns
        .iter()
        .map(|campaign| ["last_order.items", "last_order.store"].iter().any(|name| inputs.templates.uses(&campaign.name, name)))
        .collect();
    let mut wanted = HashMap::new();
    for (at, part) in assessed.people.iter().enumerate() {
        for matched in part.matches.iter().filter(|matched| asking[matched.campaign] && renders(matched.campaign, at, matched.row)) {
            if let Some(at) = part.features[matched.row].last_order_at {
                wanted.insert(part.id.get(matched.row).to_owned(), (part.last_order_id.get(matched.row).to_owned(), at));
            }
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let mut orders: HashMap<String, LastOrder> = inputs.purchases.last_orders(&wanted, job.zone.midnight(assessed.dates.as_of))?;
    for part in &mut assessed.people {
        let rows: Vec<usize> = part.matches.iter().map(|matched| matched.row).collect();
        for row in rows {
            if let Some(order) = orders.remove(part.id.get(row)) {
                part.last_orders.insert(row, order);
            }
        }
    }
    Ok(())
}
