//! Recommendations from the purchase history alone: what customers alike went on to, what is bought together, what is due again.
//!
//! A *counted order* has a positive net and lies before the as-of date; what a customer has *bought* are the products of its lines with a
//! positive amount. Customers that the shop excludes count nowhere. First the whole shop is counted ([`Tally::count`]), in whole numbers
//! only, so that the outcome depends neither on threads nor on the order of rows. Then each customer is looked at alone ([`Tally::picks`]). Ties end at the smaller product id (UTF-8 bytes).
//!
//! The room reads and writes nothing.

mod again;
mod baskets;
mod goods;
mod together;
mod wallets;
mod words;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use crate::domain::customers::Product;
use crate::domain::recommend::{Interval, Item, Pair, Pairs, Pick, Recommend, Source, Support, Wallet};
use crate::domain::{Bounds, OrderBook, Zone};
use chrono::{Datelike, NaiveDate};
use goods::Goods;
use together::Together;
use wallets::Alike;

/// What is known of the shop.
pub struct History<'a> {
    pub book: &'a OrderBook,
    /// Sorted by id; `None` when the shop keeps no list.
    pub products: Option<&'a [Product]>,
    /// The list tells what is in stock.
    pub tells_stock: bool,
    pub wallets: &'a [Wallet],
    pub zone: Zone,
    pub as_of: NaiveDate,
    pub bounds: Bounds,
    /// The customers that the shop excludes, by id, sorted.
    pub excluded: &'a [(String, String)],
}

/// What the whole shop tells.
pub struct Tally {
    goods: Goods,
    together: Option<Together>,
    alike: Option<Alike>,
}

impl Tally {
    /// Counts what these rules need.
    #[must_use]
    pub fn count(history: &History<'_>, rules: &[&Recommend]) -> Self {
        let goods = Goods::of(history);
        let asked = |source| rules.iter().filter(move |rule| rule.from == source);
        let supports: Vec<Support> = asked(Source::BoughtTogether).map(|rule| rule.support).collect();
        let together = (!supports.is_empty()).then(|| Together::count(history, &supports));
        let alike = asked(Source::OtherWallets).next().map(|_| Alike::count(history, &goods));
        Self { goods, together, alike }
    }

    /// What a rule recommends to the customer in a row of a part, the best first; nothing when nothing can be.
    #[must_use]
    pub fn picks(&self, history: &History<'_>, part: usize, row: usize, rule: &Recommend) -> Vec<Pick> {
        let may = |product: u32| self.goods.may(product, rule.on.as_ref(), history);
        let part_of = &history.book.parts[part];
        match rule.from {
            Source::BuyAgain => again::picks(history, part_of, row, rule, &may),
            Source::BoughtTogether => self.together.as_ref().map_or_else(Vec::new, |together| together.picks(part_of, row, rule, &may)),
            Source::OtherWallets => {
                self.alike.as_ref().map_or_else(Vec::new, |alike| alike.picks(history, &self.goods, (part, row), rule, &may))
            }
        }
    }

    /// The products that were picked as a template shows them, and one reason for all of them.
    #[must_use]
    pub fn items(&self, history: &History<'_>, picks: &[Pick], language: crate::domain::job::Language) -> (Vec<Item>, Option<String>) {
        let items = picks.iter().map(|pick| words::item(history, &self.goods, pick, language)).collect();
        (items, picks.first().map(|first| words::reason_of_all(history, &self.goods, first, picks, language)))
    }
}

/// The products that at least so many orders hold together, the highest lift first.
#[must_use]
pub fn pairs(history: &History<'_>, support: Support) -> Pairs {
    let together = Together::count(history, &[support]);
    let goods = Goods::of(history);
    let shown = |product: u32| {
        let name = goods.listed(product, history).map(|product| product.name.clone()).filter(|name| !name.is_empty());
        let id = history.book.products.get(product as usize).to_owned();
        (id.clone(), name.unwrap_or(id))
    };
    let pairs = together.all().into_iter().map(|(one, other, both)| {
        let orders = [together.orders_with(one), together.orders_with(other)];
        #[expect(clippy::cast_precision_loss, reason = "for people, who need no more than 52 bits")]
        let lift = (both as f64) * (together.orders() as f64) / ((orders[0] as f64) * (orders[1] as f64));
        Pair { products: [shown(one), shown(other)], orders, together: both, lift }
    });
    Pairs { orders: together.orders(), pairs: pairs.collect() }
}

/// How long the customer in a row usually waits between two days with a counted order, and waits now.
#[must_use]
pub fn usual_interval(history: &History<'_>, part: usize, row: usize) -> Option<Interval> {
    let orders = history.book.parts[part].orders(row).filter(|order| order.net() > 0);
    let mut days: Vec<i64> = orders.filter_map(|order| day(history.zone, order.at())).collect();
    days.dedup();
    Interval::of(&days, day_number(history.as_of))
}

/// The local day of an instant as a number.
fn day(zone: Zone, at: i64) -> Option<i64> {
    zone.date(at).map(day_number)
}

fn day_number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}
