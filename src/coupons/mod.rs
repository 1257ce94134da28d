//! Coupons: what became of the codes that earlier runs gave out, as the order book tells.
//!
//! A code belongs to the customer whose mail held it. It is redeemed by that customer's first order with it from the run's as-of date to
//! its last day; every other use is irregular. This room reads and writes nothing.

#[cfg(test)]
mod tests;

use crate::domain::book::{BookPart, NOTHING, OrderView};
use crate::domain::coupon::{Irregular, Irregularity, Issued, IssuedCode, Redemption, Statement, Tally, Terms, folded};
use crate::domain::{OrderBook, Zone};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};

/// The places of the mails that hold one code, in the order of runs.
type Holders<'a> = &'a [usize];

/// Says what became of every code by `as_of`. Orders that were taken back use nothing.
#[must_use]
pub fn state(issued: &Issued, book: &OrderBook, zone: Zone, as_of: NaiveDate) -> Statement {
    let mut by_code: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, given) in issued.codes.iter().enumerate() {
        by_code.entry(folded(&given.code)).or_default().push(place);
    }
    let holders: Vec<Option<Holders>> = book.coupons.iter().map(|written| by_code.get(&folded(written)).map(Vec::as_slice)).collect();
    let mut uses = Uses { issued: &issued.codes, redeemed: vec![false; issued.codes.len()], statement: Statement::default() };
    for part in &book.parts {
        for row in 0..part.customer_id.len() {
            for order in part.orders(row).filter(|order| !was_taken_back(part, *order)) {
                let found = used_in(part, order, &holders);
                let Some(day) = zone.date(order.at()).filter(|_| !found.is_empty()) else { continue };
                for holders in found {
                    uses.add(book, &Used { customer: part.customer_id.get(row), order, day, holders });
                }
            }
        }
    }
    let Uses { redeemed, mut statement, .. } = uses;
    statement.groups = groups(issued, &redeemed, &statement.redemptions, as_of);
    let given = |place: usize| &issued.codes[place];
    statement.redemptions.sort_by_cached_key(|used| {
        let IssuedCode { customer, code, .. } = given(used.issued);
        (used.day, customer.clone(), used.order.clone(), code.clone())
    });
    statement.irregular.sort_by_cached_key(|odd| (odd.day, odd.customer.clone(), odd.order.clone(), given(odd.issued).code.clone()));
    statement
}

/// Whether nothing of an order is left: its net is below 0, or 0 because lines took off what others had come to. Where no line takes
/// anything off, a net of 0 is what a coupon left to pay.
fn was_taken_back(part: &BookPart, order: OrderView<'_>) -> bool {
    order.net() < 0 || (order.net() == 0 && part.lines.amount[order.lines()].iter().any(|amount| *amount < 0))
}

/// The codes of ours that an order used, each once.
fn used_in<'a>(part: &BookPart, order: OrderView<'_>, holders: &[Option<Holders<'a>>]) -> Vec<Holders<'a>> {
    let mut used: Vec<Holders> = Vec::new();
    for label in &part.lines.coupon[order.lines()] {
        if *label != NOTHING
            && let Some(Some(holders)) = holders.get(*label as usize)
            && !used.iter().any(|known| known.first() == holders.first())
        {
            used.push(holders);
        }
    }
    used
}

/// A code in an order.
struct Used<'a> {
    customer: &'a str,
    order: OrderView<'a>,
    day: NaiveDate,
    holders: Holders<'a>,
}

/// What was seen so far. A customer's orders come in the order of time.
struct Uses<'a> {
    issued: &'a [IssuedCode],
    redeemed: Vec<bool>,
    statement: Statement,
}

impl Uses<'_> {
    fn add(&mut self, book: &OrderBook, used: &Used<'_>) {
        let Used { customer, order, day, holders } = *used;
        match self.judge(customer, day, holders) {
            Ok(place) => {
                self.redeemed[place] = true;
                let cost = cost(&self.issued[place].terms, book, order);
                let order_id = order.id().to_owned();
                self.statement.redemptions.push(Redemption { issued: place, order: order_id, day, net: order.net(), cost });
            }
            Err((why, place)) => {
                let (customer, order_id) = (customer.to_owned(), order.id().to_owned());
                self.statement.irregular.push(Irregular { why, issued: place, customer, order: order_id, day, net: order.net() });
            }
        }
    }

    /// The mail whose code a use redeems: of the customer's own that are valid on the day and not redeemed, the latest. Else why there
    /// is none, and the mail that tells most about it: the latest that was given before the order.
    fn judge(&self, customer: &str, day: NaiveDate, holders: Holders) -> Result<usize, (Irregularity, usize)> {
        let given = |place: usize| &self.issued[place];
        let begun = |place: usize| given(place).from <= day;
        let latest = |places: &[usize]| places.iter().rev().find(|place| begun(**place)).or(places.first()).copied().unwrap_or_default();
        let own: Vec<usize> = holders.iter().copied().filter(|place| given(*place).customer == customer).collect();
        if own.is_empty() {
            return Err((Irregularity::SomebodyElse, latest(holders)));
        }
        let is_valid = |place: usize| begun(place) && given(place).until.is_none_or(|until| day <= until);
        let valid: Vec<usize> = own.iter().copied().filter(|place| is_valid(*place)).collect();
        if let Some(place) = valid.iter().rev().find(|place| !self.redeemed[**place]) {
            return Ok(*place);
        }
        let why = if !valid.is_empty() {
            Irregularity::Twice
        } else if own.iter().any(|place| begun(*place)) {
            Irregularity::AfterEnd
        } else {
            Irregularity::BeforeStart
        };
        Err((why, latest(if valid.is_empty() { &own } else { &valid })))
    }
}

/// What a code took off an order, as its net after the discount tells: the amount, or for p percent n × p / (100 − p), rounded half to
/// even. Of a code for some categories or products n is the net of their lines; the whole order's where the book has neither.
fn cost(terms: &Terms, book: &OrderBook, order: OrderView<'_>) -> i64 {
    if let Some(amount) = terms.amount {
        return amount;
    }
    // Of what was free nothing is left to tell its price.
    let Some(percent) = terms.percent.filter(|percent| *percent < 100.0) else { return 0 };
    let net = terms.on.as_ref().map_or_else(|| order.net(), |on| order.net_on(book, on));
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an order's net is far below 2^52")]
    let off = (net as f64 * percent / (100.0 - percent)).round_ties_even() as i64;
    off
}

/// The figures for each campaign and rank.
fn groups(issued: &Issued, redeemed: &[bool], redemptions: &[Redemption], as_of: NaiveDate) -> Vec<(usize, Option<usize>, Tally)> {
    // No rank comes last.
    let key = |given: &IssuedCode| (given.campaign, given.rank.unwrap_or(usize::MAX));
    let mut tallies: BTreeMap<(usize, usize), Tally> = BTreeMap::new();
    for (given, redeemed) in issued.codes.iter().zip(redeemed) {
        let tally = tallies.entry(key(given)).or_default();
        tally.issued += 1;
        let fate = match (redeemed, given.until) {
            (true, _) => &mut tally.redeemed,
            (false, Some(until)) if until < as_of => &mut tally.expired,
            (false, _) => &mut tally.open,
        };
        *fate += 1;
    }
    for redeemed in redemptions {
        let tally = tallies.entry(key(&issued.codes[redeemed.issued])).or_default();
        tally.revenue = tally.revenue.saturating_add(redeemed.net);
        tally.cost = tally.cost.saturating_add(redeemed.cost);
    }
    tallies.into_iter().map(|((campaign, rank), tally)| (campaign, Some(rank).filter(|rank| *rank != usize::MAX), tally)).collect()
}
