//! What became of the coupon codes of a job's adopted runs.

use super::error::Error;
use super::inputs;
use super::previous;
use super::progress::{Step, Watch};
use crate::domain::coupon::{Issued, IssuedCode, Statement, Terms};
use crate::domain::merges::Merges;
use crate::domain::offer::{OfferKind, On};
use crate::domain::plan::MailRow;
use crate::domain::{Campaign, Job, OrderBook, Rate, Value};
use crate::{coupons as room, features, ledger, purchases, runs};
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::Arc;

/// The codes of all adopted runs, and what became of them.
pub struct Coupons {
    pub as_of: NaiveDate,
    pub issued: Issued,
    pub statement: Statement,
    /// Where none of these runs has issued a code: the as-of date of a later run, with which there are some.
    pub later: Option<NaiveDate>,
}

/// Looks for the codes of the runs up to `as_of` in the orders before it.
pub fn coupons(job: &Job, as_of: NaiveDate, watch: &Watch) -> Result<Coupons, Error> {
    if job.purchases.coupon.is_none() {
        return Err(Error::Usage(format!(
            "{} does not say in which column an order's coupon code is, so nobody can tell which codes were used; write it under \
             [purchases.columns]: coupon = \"coupon_code\"",
            job.path.display()
        )));
    }
    let (merges, _) = inputs::merges(job)?;
    let issued = issued(job, &merges, as_of)?;
    let statement = room::state(&issued, &book(job, Arc::clone(&merges), as_of, watch)?, job.zone, as_of);
    let later = if issued.codes.is_empty() { later(job, &merges, as_of)? } else { None };
    Ok(Coupons { as_of, issued, statement, later })
}

/// The first as-of date after this one with which there are codes.
fn later(job: &Job, merges: &Merges, as_of: NaiveDate) -> Result<Option<NaiveDate>, Error> {
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else { return Ok(None) };
    let mut days: Vec<_> = ledger.adoptions(&job.name)?.iter().map(|adoption| adoption.as_of).filter(|day| *day > as_of).collect();
    days.sort_unstable();
    for day in days {
        if !issued(job, merges, day)?.codes.is_empty() {
            return Ok(Some(day));
        }
    }
    Ok(None)
}

fn book(job: &Job, merges: Arc<Merges>, as_of: NaiveDate, watch: &Watch) -> Result<OrderBook, Error> {
    let purchases = inputs::purchases(job, merges)?;
    let progress = |done, total| watch(Step::Read, done, total);
    let end = job.zone.midnight(as_of);
    let request = purchases::Request { as_of: end, details: true, progress: Some(&progress), ..purchases::Request::default() };
    let book = features::Book::new(end, features::Partitions::default());
    purchases.read(&request, &|lines| book.add(lines).map_err(Into::into))?;
    Ok(book.finish()?)
}

/// Whether earlier runs can tell how many coupons of this one will be used.
pub fn has_history(job: &Job, inputs: &inputs::Inputs) -> bool {
    let coupons = |campaign: &Campaign| matches!(campaign.offer.as_ref().map(|rule| &rule.kind), Some(OfferKind::Coupon { .. }));
    job.purchases.coupon.is_some() && inputs.before.summary.is_some() && job.campaigns.iter().any(coupons)
}

/// How many of each campaign's codes of earlier runs were redeemed by `as_of`. Codes that may still be used are left out: they would
/// make it look like fewer than it will be.
pub fn rates(job: &Job, inputs: &inputs::Inputs, book: Option<&OrderBook>, as_of: NaiveDate) -> Result<Vec<Option<Rate>>, Error> {
    let mut rates = vec![Rate::default(); job.campaigns.len()];
    if let Some(book) = book.filter(|_| has_history(job, inputs)) {
        let issued = issued(job, &inputs.merges, as_of)?;
        let over = |code: &&IssuedCode| code.until.is_some_and(|last| last < as_of);
        for code in issued.codes.iter().filter(over) {
            if let Some(rate) = rates.get_mut(code.campaign) {
                rate.issued += 1;
            }
        }
        let redemptions = room::state(&issued, book, job.zone, as_of).redemptions;
        for code in redemptions.iter().filter_map(|redemption| issued.codes.get(redemption.issued)).filter(over) {
            if let Some(rate) = rates.get_mut(code.campaign) {
                rate.redeemed += 1;
            }
        }
    }
    Ok(rates.into_iter().map(|rate| Some(rate).filter(|rate| rate.issued > 0)).collect())
}

/// The codes of every adopted run up to `as_of`.
fn issued(job: &Job, merges: &Merges, as_of: NaiveDate) -> Result<Issued, Error> {
    let mut issued = Issued {
        campaigns: job.campaigns.iter().map(|campaign| campaign.name.clone()).collect(),
        ranks: job.ladder.ranks.iter().map(|rank| rank.name.clone()).collect(),
        codes: Vec::new(),
    };
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else { return Ok(issued) };
    for adoption in ledger.adoptions(&job.name)?.into_iter().filter(|adoption| adoption.as_of <= as_of) {
        let opened = previous::open_any(job, &adoption)?;
        // What is older than the shop keeps runs tells of no codes any more.
        if previous::is_aged(job, &adoption, &opened.summary.digest)? {
            continue;
        }
        let planned = inputs::planned_job(job, &opened)?;
        let mut run = Run { as_of: adoption.as_of, job, merges, on: discounts(&planned), terms: HashMap::new() };
        for mail in opened.mails()? {
            let mail = mail?;
            if let Some(code) = &mail.coupon_code {
                let given = run.issued(code, &mail, &mut issued)?;
                issued.codes.push(given);
            }
        }
    }
    Ok(issued)
}

/// What the coupons of each campaign were on.
fn discounts(planned: &Job) -> HashMap<String, Option<On>> {
    let on = |kind: &OfferKind| match kind {
        OfferKind::Coupon { on, .. } => on.clone(),
        _ => None,
    };
    planned.campaigns.iter().filter_map(|campaign| Some((campaign.name.clone(), on(&campaign.offer.as_ref()?.kind)))).collect()
}

/// One adopted run while its mails are read.
struct Run<'a> {
    as_of: NaiveDate,
    job: &'a Job,
    /// A code that an id got before it was merged is the present one's to use.
    merges: &'a Merges,
    on: HashMap<String, Option<On>>,
    /// Campaigns have few different terms: each is kept once.
    terms: HashMap<(usize, Option<u64>, Option<i64>), Arc<Terms>>,
}

impl Run<'_> {
    fn issued(&mut self, code: &str, mail: &MailRow, names: &mut Issued) -> Result<IssuedCode, Error> {
        let values = runs::values_read(&mail.values)?;
        let offered = |name: &str| values.get("offer").and_then(|offer| offer.get(name));
        #[expect(clippy::cast_precision_loss, reason = "percentages are small")]
        let percent = match offered("percent") {
            Some(Value::Int(percent)) => Some(*percent as f64),
            Some(Value::Float(percent)) => Some(*percent),
            _ => None,
        };
        let amount = match offered("amount") {
            Some(Value::Int(amount)) => Some(*amount),
            _ => None,
        };
        let campaign = place(&mut names.campaigns, &mail.campaign);
        let rank = mail.rank.as_deref().map(|name| match self.job.ladder.find_or_was(name) {
            Some(rank) => usize::from(rank),
            None => place(&mut names.ranks, name),
        });
        let on = self.on.get(&mail.campaign);
        let terms = self
            .terms
            .entry((campaign, percent.map(f64::to_bits), amount))
            .or_insert_with(|| Arc::new(Terms { percent, amount, on: on.cloned().flatten() }));
        Ok(IssuedCode {
            code: code.to_owned(),
            customer: self.merges.present(&mail.customer_id).to_owned(),
            campaign,
            rank,
            from: self.as_of,
            until: mail.valid_until,
            terms: Arc::clone(terms),
        })
    }
}

/// The place of a name; names of before that the job no longer has come last.
fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
