//! Offers: what one mail offers to one customer.
//!
//! The rule comes from the job, the choice from the customer's rank and columns. A code of one's own is made by whoever asks, because it
//! needs the key; this room only says when one is needed. It reads and writes nothing.

mod discounts;
mod exposure;
mod gifts;
#[cfg(test)]
mod tests;

pub use discounts::{overlap, reduce};
pub use exposure::{Worth, exposure};

use crate::domain::offer::{CodeSource, Deal, Discount, OfferKind, PerRank};
use crate::domain::{Offer, OfferRule, Person, RankIndex};
use chrono::NaiveDate;

/// The offer of a rule to a customer; `None` when there is none for this rank, or no gift for this customer. `code` is called only for
/// a coupon without a fixed code.
pub fn make(rule: &OfferRule, person: &Person<'_>, as_of: NaiveDate, code: impl FnOnce() -> String) -> Option<Offer> {
    let rank = person.standing.rank;
    if rule.ranks.as_ref().is_some_and(|only| !rank.is_some_and(|rank| only.contains(&rank))) {
        return None;
    }
    let valid_until = rule.valid.and_then(|valid| valid.last_day(as_of));
    let blank = Offer { valid_until, cost: of_rank(&rule.cost, rank).filter(|cost| *cost > 0), ..Offer::default() };
    match &rule.kind {
        OfferKind::Coupon { discount, over, on, code: fixed } => {
            let (percent, amount) = match discount {
                Discount::Percent(values) => (Some(of_rank(values, rank).filter(|percent| *percent > 0.0)?), None),
                Discount::Amount(values) => (None, Some(of_rank(values, rank).filter(|amount| *amount > 0)?)),
                Discount::Cashback => (None, Some(person.holding.cashback.amount.filter(|amount| *amount > 0)?)),
            };
            let over = of_rank(over, rank).filter(|over| *over > 0);
            let code = Some(match fixed {
                CodeSource::Fixed(code) => code.clone(),
                CodeSource::Own | CodeSource::Pool(_) => code(),
            });
            Some(Offer { kind: "coupon", percent, amount, over, on: on.clone(), code, ..blank })
        }
        OfferKind::Gift { choose_by, gifts, allergies, otherwise } => {
            let gift = gifts::choose(gifts, otherwise.as_ref(), choose_by.as_ref(), allergies.as_ref(), person)?;
            Some(Offer { kind: "gift", gift: Some(gift.clone()), ..blank })
        }
        OfferKind::Bundle { steps, on } => {
            let steps: Vec<(u32, f64)> = steps.iter().copied().filter(|(_, percent)| *percent > 0.0).collect();
            (!steps.is_empty()).then(|| Offer { kind: "bundle", steps, on: on.clone(), ..blank })
        }
        OfferKind::FreeShipping { over } => {
            // Without any amount shipping is free for every order; where amounts are named, a rank without one has no offer.
            let unconditional = over.iter().all(Option::is_none);
            let over = of_rank(over, rank).filter(|over| *over > 0);
            (unconditional || over.is_some()).then_some(Offer { kind: "free_shipping", over, ..blank })
        }
        OfferKind::Set { products, deal } => {
            let (percent, price) = match deal {
                Deal::Percent(values) => (Some(of_rank(values, rank).filter(|percent| *percent > 0.0)?), None),
                Deal::Price(values) => (None, Some(of_rank(values, rank).filter(|price| *price > 0)?)),
            };
            Some(Offer { kind: "set", products: products.clone(), percent, price, ..blank })
        }
        OfferKind::Points { times, over, on } => {
            let times = of_rank(times, rank)?;
            let over = of_rank(over, rank).filter(|over| *over > 0);
            Some(Offer { kind: "points", times: Some(times), over, on: on.clone(), ..blank })
        }
        OfferKind::Draw { prize, seats } => Some(Offer { kind: "draw", prize: Some(prize.clone()), seats: Some(*seats), ..blank }),
        OfferKind::EarlyAccess { what, opens, url } => {
            let opens = Some(of_rank(opens, rank)?);
            Some(Offer { kind: "early_access", what: Some(what.clone()), opens, url: url.clone(), ..blank })
        }
        OfferKind::Invitation { what, on, place, reply_url, seats } => Some(Offer {
            kind: "invitation",
            what: Some(what.clone()),
            held_on: *on,
            place: place.clone(),
            reply_url: reply_url.clone(),
            seats: *seats,
            ..blank
        }),
        // What is recommended depends on the whole shop, so whoever asks puts it in.
        OfferKind::Recommend(_) => Some(Offer { kind: "recommend", ..blank }),
    }
}

/// A rank's value. Somebody without a rank has one only where it is the same for all ranks: nothing below can be named for them.
fn of_rank<T: Copy + PartialEq>(values: &PerRank<T>, rank: Option<RankIndex>) -> Option<T> {
    match rank {
        Some(rank) => values.get(usize::from(rank)).copied().flatten(),
        None => values.first().copied().flatten().filter(|first| values.iter().all(|value| *value == Some(*first))),
    }
}
