//! The extra points that mails of adopted runs promised, for the accounts.

use super::error::Error;
use super::{inputs, previous};
use crate::domain::merges::Merges;
use crate::domain::offer::{OfferKind, On};
use crate::domain::points::Promise;
use crate::domain::{Job, Value};
use crate::ledger::{Adoption, Ledger};
use crate::{job, points, runs};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What mails promised to each customer, in the order of runs and campaigns.
pub type Promises = HashMap<String, Vec<Promise>>;

/// What a campaign of a run promised, as far as it is the same for everybody.
struct Terms {
    campaign: Arc<str>,
    on: Option<Arc<On>>,
}

/// Reads what the mails of adopted runs promised, as far as they went out or still might at the instant `until` (microseconds UTC). Mails
/// are opened of those runs only that had such an offer.
pub fn read(job: &Job, merges: &Merges, adopted: &[Adoption], until: i64) -> Result<Promises, Error> {
    let mut promises = Promises::new();
    let Some(ledger) = Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else { return Ok(promises) };
    for adoption in adopted {
        let planned = job::load_text(&job.path, &previous::open_adopted_customers(job, adoption)?.job_text()?)?;
        if !terms(&planned).is_empty() {
            let void = ledger.void_mails(&adoption.job, adoption.as_of, until)?;
            add(job, merges, adoption, &void, &mut promises)?;
        }
    }
    Ok(promises)
}

fn add(job: &Job, merges: &Merges, adoption: &Adoption, void: &HashSet<String>, promises: &mut Promises) -> Result<(), Error> {
    let opened = previous::open_adopted(job, adoption)?;
    let terms = terms(&inputs::planned_job(job, &opened)?);
    for mail in opened.mails()? {
        let mail = mail?;
        if void.contains(&mail.mail_id) {
            continue;
        }
        let Some(Terms { campaign, on }) = terms.get(&mail.campaign).filter(|_| mail.offer.as_deref() == Some("points")) else { continue };
        let values = runs::values_read(&mail.values)?;
        let offered = |name: &str| values.get("offer").and_then(|offer| offer.get(name));
        #[expect(clippy::cast_precision_loss, reason = "no offer has more than a thousand times")]
        let times = match offered("times") {
            Some(Value::Int(times)) => *times as f64,
            Some(Value::Float(times)) => *times,
            _ => continue,
        };
        let over = match offered("over") {
            Some(Value::Int(over)) => *over,
            _ => 0,
        };
        let promise = Promise {
            campaign: Arc::clone(campaign),
            from: adoption.as_of,
            until: mail.valid_until,
            more: points::beyond_once(times),
            over,
            on: on.clone(),
        };
        promises.entry(merges.present(&mail.customer_id).to_owned()).or_default().push(promise);
    }
    Ok(())
}

/// The campaigns of a job that offer points.
fn terms(planned: &Job) -> HashMap<String, Terms> {
    let of = |campaign: &crate::domain::Campaign| match &campaign.offer.as_ref()?.kind {
        OfferKind::Points { on, .. } => {
            Some((campaign.name.clone(), Terms { campaign: campaign.name.as_str().into(), on: on.clone().map(Arc::new) }))
        }
        _ => None,
    };
    planned.campaigns.iter().filter_map(of).collect()
}
