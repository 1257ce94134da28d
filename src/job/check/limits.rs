//! How many people an offer is for, and how much it may cost.

use super::super::file::OfferFile;
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Scalar};
use super::{Around, Lack};
use crate::domain::offer::OfferKind;
use crate::domain::{Currency, OfferRule};

/// More people than any shop has.
const MOST_PEOPLE: i64 = 1_000_000_000;

/// An amount in major units that is not negative, in minor units.
pub fn money(key: &Key<Scalar>, name: &str, currency: &Currency, report: &mut Report) -> Option<i64> {
    let At { span, value } = report.get(key, name)?;
    let amount = words::money(value, currency);
    if let Err(why) = amount {
        report.add(span, format!("`{name}` is not an amount: {why}"), "in major units", "write it like 300_000");
    }
    amount.ok()
}

/// The most people who get an offer: those of `limit`, or the seats of an invitation.
pub fn limit(file: &OfferFile, report: &mut Report) -> Option<u64> {
    let limit = count(&file.limit, "limit", report);
    // A draw gives its seats away by lot.
    let invited = file.kind.value().is_some_and(|kind| kind == "invitation");
    limit.or_else(|| file.seats.value().filter(|_| invited).and_then(|seats| u64::try_from(*seats).ok()).filter(|seats| *seats > 0))
}

/// How many win or are invited.
pub fn seats(key: &Key<i64>, report: &mut Report) -> Option<u64> {
    count(key, "seats", report)
}

fn count(key: &Key<i64>, name: &str, report: &mut Report) -> Option<u64> {
    report.whole(key, name, 1, MOST_PEOPLE).and_then(|count| u64::try_from(count).ok())
}

/// The share of those a campaign is for who get it.
pub fn share(key: &Key<String>, report: &mut Report) -> Option<f64> {
    let At { span, value } = report.share(key, "share")?;
    if value <= 0.0 {
        report.add(span, "a share of 0% is nobody", "nobody", "write it like \"10%\", or take the campaign out");
    }
    Some(value)
}

/// A budget can only limit what costs something: the offer, or the paper that it is `sent` on.
pub fn has_cost(rule: &OfferRule, file: &OfferFile, sent: bool, around: &Around<'_>, report: &mut Report) {
    let by_itself = match rule.kind {
        OfferKind::Coupon { .. } | OfferKind::Bundle { .. } | OfferKind::Set { .. } => true,
        // That there are no points at all is another error.
        OfferKind::Points { .. } => !around.lacks.contains(&Lack::PointsRate) || around.lacks.contains(&Lack::Points),
        OfferKind::Gift { .. }
        | OfferKind::FreeShipping { .. }
        | OfferKind::Draw { .. }
        | OfferKind::Invitation { .. }
        | OfferKind::Recommend(_)
        | OfferKind::EarlyAccess { .. } => false,
    };
    if let Some(span) = file.budget.span()
        && !by_itself
        && !sent
        && rule.cost.iter().all(Option::is_none)
    {
        let help = match rule.kind {
            OfferKind::Points { .. } => "add [points] with the `rate` of the shop's cart: it tells what points cost",
            _ => "add `cost`: what each costs the shop",
        };
        report.add(span, "this offer has a budget without a cost", "nothing is ever spent of it", help);
    }
}
