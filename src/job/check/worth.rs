//! What an offer is worth for the ranks that get it: values that no rank has, and discounts that are more than the order.

use super::super::file::OfferFile;
use super::super::report::Report;
use super::super::words;
use super::super::written::{Entries, Key, Or, Scalar};
use super::Around;
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

/// A value that a table gives to a rank is for nobody, when neither that rank nor one that has its value from it gets the offer.
pub fn names_the_campaigns_ranks(rule: &OfferRule, file: &OfferFile, range: Option<&RankRange>, around: &Around<'_>, report: &mut Report) {
    let (Some(ranks), Some(names)) = (ranks(rule, range), &around.names) else { return };
    let tables: [(&str, &Key<Or<Entries<Scalar>>>); 7] = [
        ("percent", &file.percent),
        ("amount", &file.amount),
        ("over", &file.over),
        ("price", &file.price),
        ("times", &file.times),
        ("cost", &file.cost),
        ("opens", &file.opens),
    ];
    for (key, table) in tables {
        let Some(Or::Table(Entries(entries))) = table.value() else { continue };
        let place = |name: &str| names.iter().position(|known| known == name);
        let given: Vec<usize> = entries.iter().filter_map(|entry| place(&entry.name)).collect();
        // The rank whose value somebody of this rank gets.
        let source = |rank: &RankIndex| given.iter().copied().filter(|given| *given <= usize::from(*rank)).max();
        let used: Vec<usize> = ranks.iter().filter_map(source).collect();
        for entry in entries {
            if let Some(rank) = place(&entry.name)
                && !used.contains(&rank)
            {
                let shown = words::plain(&entry.name);
                let message = format!("`{key}` has a value for rank {shown}, and nobody of this campaign gets it");
                report.add(entry.span, message, "for nobody", "take it out, or let the campaign be for that rank");
            }
        }
    }
}
