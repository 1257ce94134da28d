//! Recommendations: hands the order book, the lists and the days of a run to the room that knows what goes with what.

use super::error::Error;
use super::inputs::{self, Inputs};
use super::list::List;
use super::people::Shop;
use super::progress::{Step, Watch};
use crate::domain::customers::Product;
use crate::domain::job::Language;
use crate::domain::mail::Unmatched;
use crate::domain::offer::OfferKind;
use crate::domain::recommend::{Interval, Pairs, Pick, Recommend, Support};
use crate::domain::{Bounds, Campaign, Dates, Job, Offer, OrderBook, RankIndex};
use crate::recommend::{self, History};
use crate::{features, job as job_room, purchases};
use chrono::NaiveDate;

pub use crate::recommend::Tally;

/// What recommends to a campaign's mails, and tells how overdue a customer is.
pub struct Advice<'a> {
    job: &'a Job,
    inputs: &'a Inputs,
    history: History<'a>,
    tally: Option<&'a Tally>,
}

/// What the shop knows of its customers' orders.
fn history<'a>(job: &'a Job, lists: (&'a List, &'a [Product]), book: &'a OrderBook, as_of: NaiveDate, bounds: Bounds) -> History<'a> {
    History {
        book,
        products: job.products.as_ref().map(|_| lists.1),
        tells_stock: job.products.as_ref().is_some_and(|source| source.stock.is_some()),
        wallets: &job.wallets,
        zone: job.zone,
        as_of,
        bounds,
        excluded: &lists.0.facts().excluded,
    }
}

/// Whether a campaign or a template asks for what only the order book tells.
pub fn is_asked(job: &Job, inputs: &Inputs) -> bool {
    asks_for_intervals(job, inputs) || job.campaigns.iter().any(|campaign| rule(campaign).is_some())
}

fn asks_for_intervals(job: &Job, inputs: &Inputs) -> bool {
    let asks = |campaign: &Campaign| campaign.when.overdue.is_some() || inputs.templates.uses(&campaign.name, "metrics.usual_interval");
    job.campaigns.iter().any(asks)
}

fn rule(campaign: &Campaign) -> Option<&Recommend> {
    match &campaign.offer.as_ref()?.kind {
        OfferKind::Recommend(rule) => Some(rule),
        _ => None,
    }
}

/// The rule of a campaign that recommends to this rank. Ranks that its offer leaves out get the mail without it.
fn rule_for(campaign: &Campaign, rank: Option<RankIndex>) -> Option<&Recommend> {
    let only = campaign.offer.as_ref()?.ranks.as_ref();
    rule(campaign).filter(|_| only.is_none_or(|only| rank.is_some_and(|rank| only.contains(&rank))))
}

/// Counts what the whole shop tells, where a campaign recommends.
pub fn tally(job: &Job, shop: &Shop, book: &OrderBook, dates: &Dates) -> Option<Tally> {
    let rules: Vec<&Recommend> = job.campaigns.iter().filter_map(rule).collect();
    (!rules.is_empty())
        .then(|| Tally::count(&history(job, (&shop.customers, &shop.products), book, dates.as_of, dates.bounds(job.zone)), &rules))
}

impl<'a> Advice<'a> {
    /// `None` without an order book.
    pub fn of(job: &'a Job, inputs: &'a Inputs, book: Option<&'a OrderBook>, tally: Option<&'a Tally>, dates: &Dates) -> Option<Self> {
        let history = history(job, (&inputs.shop.customers, &inputs.shop.products), book?, dates.as_of, dates.bounds(job.zone));
        Some(Self { job, inputs, history, tally })
    }

    /// How long customers of a partition, by id, usually wait between two orders; nothing where nobody asks.
    pub fn intervals<'i>(&self, part: usize, ids: impl Iterator<Item = &'i str>) -> Vec<Option<Interval>> {
        if !asks_for_intervals(self.job, self.inputs) {
            return Vec::new();
        }
        ids.map(|id| recommend::usual_interval(&self.history, part, self.row(part, id)?)).collect()
    }

    /// What a campaign recommends to a customer; `None` when it recommends to this rank and has nothing for this customer.
    pub fn picks(&self, campaign: &Campaign, rank: Option<RankIndex>, (part, id): (usize, &str)) -> Option<Vec<Pick>> {
        let Some(rule) = rule_for(campaign, rank) else { return Some(Vec::new()) };
        let picks = self.tally?.picks(&self.history, part, self.row(part, id)?, rule);
        Some(picks).filter(|picks| !picks.is_empty())
    }

    /// Puts what was picked into an offer.
    pub fn fill(&self, picks: &[Pick], offer: &mut Offer) {
        if let Some(tally) = self.tally {
            (offer.items, offer.reason) = tally.items(&self.history, picks, self.job.language);
        }
    }

    /// The customer's row in the order book.
    fn row(&self, part: usize, id: &str) -> Option<usize> {
        self.history.book.parts.get(part)?.find(id)
    }
}

/// Why a campaign that recommends is not for a customer whom its other conditions fit.
pub fn nothing_to_recommend(campaign: &Campaign, language: Language) -> Unmatched {
    let from = rule(campaign).map_or("", |rule| rule.from.word());
    let said = language.pick("お勧めできる商品がありません", "there is nothing to recommend").to_owned();
    Unmatched { condition: "offer.items".to_owned(), wanted: from.to_owned(), found: "nothing to recommend".to_owned(), said }
}

/// How many orders, or which share of them, a support is, as a job or the command line writes it.
pub fn support(text: &str) -> Result<Support, Error> {
    job_room::support(text).map_err(|why| Error::Usage(format!("a support of `{text}`: {why}; write it like 20 or 0.1%")))
}

/// The products that at least so many orders hold together. Nothing is written.
pub fn pairs(job: &Job, as_of: NaiveDate, support: Support, watch: &Watch) -> Result<Pairs, Error> {
    if job.purchases.product.is_none() {
        let help = "name the column with the product's id in [purchases.columns]: product = \"…\"";
        return Err(Error::Usage(format!("the job does not say what was bought; {help}")));
    }
    let bounds = super::features::bounds(job, as_of)?;
    let lists = inputs::lists(job, as_of)?;
    let purchases = inputs::purchases(job, lists.merges)?;
    let request = purchases::Request {
        as_of: bounds.as_of,
        details: true,
        progress: Some(&|done, total| watch(Step::Read, done, total)),
        ..purchases::Request::default()
    };
    let book = features::Book::new(bounds.as_of, lists.customers.partitions().clone());
    purchases.read(&request, &|lines| book.add(lines).map_err(Into::into))?;
    let book = book.finish()?;
    Ok(recommend::pairs(&history(job, (&lists.customers, &lists.products), &book, as_of, bounds), support))
}
