//! Discounts that meet: which ones are on the same thing, and how one makes another smaller.

use crate::domain::campaign::Reduction;
use crate::domain::offer::OfferKind;
use crate::domain::{Currency, Offer};

/// What a discount is on.
enum Reach<'a> {
    Everything,
    Some { categories: &'a [String], products: &'a [String] },
}

/// What a kind of offer takes something off; `None` for kinds that take nothing off a price.
fn reach(kind: &OfferKind) -> Option<Reach<'_>> {
    match kind {
        _ if !kind.is_discount() => None,
        OfferKind::Coupon { on, .. } | OfferKind::Bundle { on, .. } => Some(match on {
            Some(on) => Reach::Some { categories: &on.category, products: &on.product },
            None => Reach::Everything,
        }),
        OfferKind::Set { products, .. } => Some(Reach::Some { categories: &[], products }),
        _ => None,
    }
}

/// Whether two offers are discounts on the same thing. `may_be_of` tells whether a product is, or may be, of a category.
pub fn overlap(one: &OfferKind, other: &OfferKind, may_be_of: &dyn Fn(&str, &str) -> bool) -> bool {
    let within = |products: &[String], categories: &[String]| {
        products.iter().any(|product| categories.iter().any(|category| may_be_of(product, category)))
    };
    match (reach(one), reach(other)) {
        (None, _) | (_, None) => false,
        (Some(Reach::Everything), _) | (_, Some(Reach::Everything)) => true,
        (Some(Reach::Some { categories, products }), Some(Reach::Some { categories: others, products: other_products })) => {
            categories.iter().any(|name| others.contains(name))
                || products.iter().any(|name| other_products.contains(name))
                || within(products, others)
                || within(other_products, categories)
        }
    }
}

/// All of a discount, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// An offer whose discount earlier mails make smaller, one after the other; `None` when nothing is left of it. A percentage keeps one
/// decimal; an amount is rounded down to whole units of the currency.
pub fn reduce(mut offer: Offer, by: impl Iterator<Item = Reduction>, currency: &Currency) -> Option<Offer> {
    for Reduction { off, .. } in by {
        let kept = WHOLE.saturating_sub(off);
        let percent = |percent: f64| (percent * f64::from(kept) / f64::from(WHOLE) * 10.0).round() / 10.0;
        offer.percent = offer.percent.map(percent);
        offer.steps = offer.steps.into_iter().map(|(count, share)| (count, percent(share))).filter(|(_, share)| *share > 0.0).collect();
        offer.amount = offer.amount.map(|amount| {
            let left = i64::try_from(i128::from(amount) * i128::from(kept) / i128::from(WHOLE)).unwrap_or(amount);
            left - left % currency.scale()
        });
        offer.reduced = true;
        let something = offer.percent.is_some_and(|percent| percent > 0.0) || offer.amount.is_some_and(|amount| amount > 0);
        if !something && offer.steps.is_empty() {
            return None;
        }
    }
    Some(offer)
}
