//! What an offer costs the shop when it is used, before anybody knows the order in which it will be.

use crate::domain::exposure::part;
use crate::domain::{Offer, Person};

/// What the cost of an offer depends on, beside the offer.
pub struct Worth<'a> {
    /// The net of the shop's average order in the window, minor units; 0 where there is none.
    pub shop_mean: i64,
    /// The points that an order earns, as a share of its net; 0 without points.
    pub points: f64,
    /// The price of a product, minor units.
    pub price: &'a dyn Fn(&str) -> Option<i64>,
}

/// The cost of an offer in minor units. An order that nobody has placed yet is taken to be the customer's average one of the window, or
/// the shop's where there is none. A bundle is taken at its highest step, a set at its products' prices where all are known.
#[must_use]
pub fn exposure(offer: &Offer, person: &Person<'_>, worth: &Worth<'_>) -> i64 {
    let order = mean_order(person).unwrap_or(worth.shop_mean);
    let of_order = |percent: f64| part(order, percent / 100.0);
    let taken_off = match offer.kind {
        "set" => {
            let prices: Option<i64> = offer.products.iter().map(|id| (worth.price)(id)).sum();
            match (prices, offer.price, offer.percent) {
                (Some(sum), Some(price), _) => (sum - price).max(0),
                (Some(sum), _, Some(percent)) => part(sum, percent / 100.0),
                (None, _, Some(percent)) => of_order(percent),
                _ => 0,
            }
        }
        "points" => offer.times.map_or(0, |times| part(order, (times - 1.0) * worth.points)),
        _ => {
            let step = offer.steps.iter().map(|(_, percent)| *percent).fold(0.0, f64::max);
            offer.amount.unwrap_or(0) + offer.percent.map_or(0, of_order) + of_order(step)
        }
    };
    taken_off.saturating_add(offer.cost.unwrap_or(0))
}

/// The net of a customer's average order in the window.
fn mean_order(person: &Person<'_>) -> Option<i64> {
    let features = person.features;
    (features.orders > 0 && features.spend > 0).then(|| features.spend / features.orders)
}
