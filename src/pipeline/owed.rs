//! Cashback that reviews of adopted runs paid as a coupon and that no mail has given yet: it is owed until one does.

use super::error::Error;
use super::list::List;
use super::{inputs, previous};
use crate::domain::merges::Merges;
use crate::domain::offer::{Discount, OfferKind};
use crate::domain::plan::{PastAccount, PlanPart};
use crate::domain::points::Cashback;
use crate::domain::{Campaign, Customers, Job, Value};
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::HashMap;

/// What is owed to each customer.
#[derive(Debug, Clone, Default)]
pub struct Owed {
    /// In minor units, more than 0; a household's is with the first of its members.
    amounts: HashMap<String, i64>,
    /// The first of a household's members, for each member. Who is paid for a household may change while something is owed to it.
    firsts: HashMap<String, String>,
}

impl Owed {
    /// Nothing is owed to anybody yet.
    pub fn nothing(job: &Job, customers: &List) -> Result<Self, Error> {
        let mut owed = Self::default();
        if !job.campaigns.iter().any(gives) {
            return Ok(owed);
        }
        let members = |customers: &Customers| -> Vec<(String, String)> {
            let pairs = customers.household.iter().zip(customers.id.iter()).filter(|(name, _)| !name.is_empty());
            pairs.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
        };
        let mut households: HashMap<String, Vec<String>> = HashMap::new();
        for (name, id) in customers.scan(members)?.into_iter().flatten() {
            households.entry(name).or_default().push(id);
        }
        for members in households.into_values() {
            let Some(first) = members.iter().min().cloned() else { continue };
            owed.firsts.extend(members.into_iter().map(|member| (member, first.clone())));
        }
        Ok(owed)
    }

    /// What is owed to a customer, or to the household they stand for.
    pub fn to(&self, id: &str) -> i64 {
        self.amounts.get(self.first(id)).copied().unwrap_or(0)
    }

    fn first<'a>(&'a self, id: &'a str) -> &'a str {
        self.firsts.get(id).map_or(id, String::as_str)
    }

    /// A run's review paid so much, beside what the run carried on.
    fn pay(&mut self, id: &str, cashback: Cashback) {
        let own = cashback.amount.unwrap_or(0).saturating_sub(cashback.carried.unwrap_or(0));
        if own > 0 {
            let owed = self.amounts.entry(self.first(id).to_owned()).or_default();
            *owed = owed.saturating_add(own);
        }
    }

    /// A mail gave so much.
    fn give(&mut self, id: &str, amount: i64) {
        let first = self.first(id).to_owned();
        if let Some(owed) = self.amounts.get_mut(&first) {
            *owed = owed.saturating_sub(amount);
            if *owed <= 0 {
                self.amounts.remove(&first);
            }
        }
    }

    /// Adds what a run that is only played pays and gives.
    pub fn remember(&mut self, job: &Job, parts: &[PlanPart]) {
        if !job.campaigns.iter().any(gives) {
            return;
        }
        for part in parts {
            for (row, holding) in part.holdings.iter().enumerate() {
                self.pay(part.customer_id.get(row), holding.cashback);
            }
            let given = part.mails.iter().filter(|mail| mail.offer.is_some() && gives(&job.campaigns[mail.campaign]));
            for mail in given {
                let amount = part.holdings.get(mail.customer).and_then(|holding| holding.cashback.amount);
                self.give(part.customer_id.get(mail.customer), amount.unwrap_or(0));
            }
        }
    }
}

/// Whether the campaign's coupon pays cashback.
fn gives(campaign: &Campaign) -> bool {
    let kind = campaign.offer.as_ref().map(|offer| &offer.kind);
    matches!(kind, Some(OfferKind::Coupon { discount: Discount::Cashback, .. }))
}

/// Reads what the adopted runs before `as_of` left, as it was at the instant `until` (microseconds UTC). Only runs count whose job gave such
/// coupons: where the shop makes them itself, it knows what it gave. A mail that came to nothing gave nothing; one that still waits did.
pub fn read(
    job: &Job,
    ledger: &ledger::Ledger,
    (customers, merges): (&List, &Merges),
    as_of: NaiveDate,
    until: i64,
) -> Result<Owed, Error> {
    let mut owed = Owed::nothing(job, customers)?;
    if !job.campaigns.iter().any(gives) {
        return Ok(owed);
    }
    let adoptions = ledger.adoptions(&job.name)?;
    for adoption in adoptions.iter().filter(|run| run.as_of < as_of && run.adopted_at <= until) {
        let past = previous::open_adopted_customers(job, adoption)?;
        if past.summary.counts.cashback.is_none_or(|paid| paid.amount == 0) {
            continue;
        }
        let opened = previous::open_adopted(job, adoption)?;
        let planned = inputs::planned_job(job, &opened)?;
        let giving: Vec<&str> =
            planned.campaigns.iter().filter(|campaign| gives(campaign)).map(|campaign| campaign.name.as_str()).collect();
        if giving.is_empty() {
            continue;
        }
        for customer in past.accounts()? {
            let PastAccount { customer_id, cashback, .. } = customer?;
            owed.pay(merges.present(&customer_id), cashback);
        }
        let void = ledger.void_mails(&job.name, adoption.as_of, until)?;
        for mail in opened.mails()? {
            let mail = mail?;
            if mail.offer.is_none() || !giving.contains(&mail.campaign.as_str()) || void.contains(&mail.mail_id) {
                continue;
            }
            if let Some(Value::Int(amount)) = runs::values_read(&mail.values)?.get("offer").and_then(|offer| offer.get("amount")) {
                owed.give(merges.present(&mail.customer_id), *amount);
            }
        }
    }
    Ok(owed)
}
