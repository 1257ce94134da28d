//! Two discounts for the same people, of which the plan gives one only.

use super::apart;
use crate::domain::campaign::Discounts;
use crate::domain::offer::{OfferKind, On};
use crate::domain::{Campaign, Job, RankIndex};
use std::collections::HashMap;

/// Earlier campaigns whose discount may be for the same people and things, where the job does not say what happens then: the plan gives one
/// of them only.
pub fn two_discounts(job: &Job, at: usize, categories: &HashMap<String, String>) -> Vec<String> {
    let campaign = &job.campaigns[at];
    if campaign.discounts.unwrap_or(job.contact.discounts) == Discounts::Stack {
        return Vec::new();
    }
    let settled = |place: usize| campaign.not_with.contains(&place) || campaign.reduced_by.iter().any(|less| less.by == place);
    // As the plan does it; where nobody looked into a product list that may tell, nothing is said.
    let looked = !categories.is_empty() || job.products.as_ref().is_none_or(|list| list.category.is_none());
    let may_be_of =
        |product: &str, category: &str| categories.get(product).map_or(looked && job.has_categories(), |known| known == category);
    let earlier = job.campaigns[..at].iter().enumerate().filter(|(place, _)| !settled(*place));
    earlier
        .filter_map(|(_, other)| {
            let ranks = both_offered(other, campaign);
            let first = *ranks.first()?;
            if !discounts_meet(other, campaign, &may_be_of) || apart::never_together(other, campaign) {
                return None;
            }
            let (name, rank) = (&other.name, job.ladder.name(first));
            Some(job.language.pick(
                format!("ランク {rank} では `{name}` と同じ人に当たることがあり、`{name}` の値引きが届く人にはこのメールは送られません（superseded）"),
                format!(
                    "it and `{name}` may be for the same people of rank {rank}: whoever gets the discount of `{name}` does not get this mail (superseded)"
                ),
            ))
        })
        .collect()
}

/// The ranks that get the offers of both.
pub fn both_offered(one: &Campaign, other: &Campaign) -> Vec<RankIndex> {
    let ranks = super::offered(other);
    super::offered(one).into_iter().filter(|rank| ranks.contains(rank)).collect()
}

/// Whether two discounts are on the same thing, as far as it is known what is in a category.
pub fn discounts_meet(one: &Campaign, other: &Campaign, may_be_of: &dyn Fn(&str, &str) -> bool) -> bool {
    let on = |campaign: &Campaign| -> Option<On> {
        match campaign.offer.as_ref().map(|rule| &rule.kind).filter(|kind| kind.is_discount())? {
            OfferKind::Coupon { on, .. } | OfferKind::Bundle { on, .. } => Some(on.clone().unwrap_or_default()),
            OfferKind::Set { products, .. } => Some(On { product: products.clone(), ..On::default() }),
            _ => None,
        }
    };
    let within = |products: &On, named: &On| {
        products.product.iter().any(|product| named.category.iter().any(|category| may_be_of(product, category)))
    };
    let everything = |on: &On| on.category.is_empty() && on.product.is_empty();
    match (on(one), on(other)) {
        (Some(one), Some(other)) => {
            everything(&one)
                || everything(&other)
                || one.category.iter().any(|name| other.category.contains(name))
                || one.product.iter().any(|name| other.product.contains(name))
                || within(&one, &other)
                || within(&other, &one)
        }
        _ => false,
    }
}
