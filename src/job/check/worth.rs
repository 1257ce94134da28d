//! What an offer is worth for the ranks that get it.

use super::super::file::OfferFile;
use super::super::report::Report;
use crate::domain::campaign::RankRange;
use crate::domain::offer::{Discount, OfferKind};
use crate::domain::{OfferRule, RankIndex};

/// The ranks that have the offer; `None` where that is for people without a rank.
pub fn ranks<'a>(rule: &'a OfferRule, range: Option<&'a RankRange>) -> Option<&'a [RankIndex]> {
    match (&rule.ranks, range) {
        (Some(ranks), _) | (None, Some(RankRange::Ranks(ranks))) => Some(ranks),
        (None, _) => None,
    }
}

/// A coupon cannot take off more than the order that it asks for.
pub fn within_reach(rule: &OfferRule, file: &OfferFile, range: Option<&RankRange>, report: &mut Report) {
    let OfferKind::Coupon { discount: Discount::Amount(amounts), over, .. } = &rule.kind else { return };
    let more = |at: usize| amounts.get(at).copied().flatten().zip(over.get(at).copied().flatten()).is_some_and(|(off, over)| off > over);
    let beyond = match ranks(rule, range) {
        Some(ranks) => ranks.iter().any(|rank| more(usize::from(*rank))),
        None => more(0),
    };
    if let Some(span) = file.amount.span().filter(|_| beyond) {
        report.add(
            span,
            "`amount` takes off more than the order that `over` asks for",
            "more than the order",
            "raise `over`, or lower `amount`",
        );
        if let Some(over) = file.over.span() {
            report.also(over, "so much at least");
        }
    }
}
