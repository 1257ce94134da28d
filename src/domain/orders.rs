//! Orders as people want to see them: one customer's history for `explain`, one order's items for a template.

use super::Texts;
use super::job::RuleKind;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// A line of one customer, with what became of it. The order of lines is that of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// Where it stands: file name and row (from 1).
    pub place: String,
    /// The order it belongs to (a refund's is the order it refunds); a line without an order id is an order of its own.
    pub order_id: Option<String>,
    pub at: Option<i64>,
    /// Minor units.
    pub amount: Option<i64>,
    pub product: Option<String>,
    pub category: Option<String>,
    pub quantity: Option<i64>,
    pub fate: LineFate,
}

/// Whether a line counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineFate {
    Counted,
    /// Left out by `exclude` or `include` of `[purchases]`: column and value; a null is `None`.
    LeftOut {
        rule: RuleKind,
        column: String,
        value: Option<String>,
    },
    /// At or after 00:00 of the as-of date.
    Later,
    /// A bad row, and why.
    Bad(String),
}

/// The last orders of some customers that somebody wants to see. Each line of the purchases is looked up in it, so that most of them are to
/// be told by a glance: a place is small, and says from when on there are lines.
#[derive(Debug, Default)]
pub struct WantedOrders {
    places: HashTable<Place>,
    customers: Texts,
    orders: Texts,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// The time of the order's first line.
    from: i64,
    nth: u32,
    /// A part of the hash of the customer's id.
    mark: u32,
}

/// A last order that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedOrder<'a> {
    /// Empty: its lines have no id, and it is known by its instant.
    pub id: &'a str,
    /// The time of its first line, microseconds UTC.
    pub from: i64,
}

impl WantedOrders {
    /// Wants the order of a customer; of one who has one already, no other.
    pub fn insert(&mut self, customer: &str, order: WantedOrder) {
        let Ok(nth) = u32::try_from(self.customers.len()) else { return };
        let hash = hash(customer);
        let Self { places, customers, orders } = self;
        let is_same = |place: &Place| place.mark == mark(hash) && customers.get(place.nth as usize) == customer;
        if places.find(hash, is_same).is_some() {
            return;
        }
        let again = |place: &Place| self::hash(customers.get(place.nth as usize));
        places.insert_unique(hash, Place { from: order.from, nth, mark: mark(hash) }, again);
        customers.push(customer);
        orders.push(order.id);
    }

    /// The order of a customer, unless a line of this time is before all of its lines.
    #[must_use]
    pub fn find(&self, customer: &str, at: i64) -> Option<WantedOrder<'_>> {
        let hash = hash(customer);
        let is_it = |place: &Place| place.mark == mark(hash) && place.from <= at && self.customers.get(place.nth as usize) == customer;
        let place = self.places.find(hash, is_it)?;
        Some(WantedOrder { id: self.orders.get(place.nth as usize), from: place.from })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }
}

fn hash(customer: &str) -> u64 {
    foldhash::fast::FixedState::default().hash_one(customer)
}

/// Bits of a hash that a table does not look for a place by.
fn mark(hash: u64) -> u32 {
    let [_, one, two, three, four, ..] = hash.to_be_bytes();
    u32::from_be_bytes([one, two, three, four])
}

/// A customer's last order with a positive net before the as-of date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastOrder {
    pub store: Option<String>,
    /// Its lines with a positive amount, the largest first.
    pub items: Vec<OrderItem>,
}

impl LastOrder {
    /// The order of these lines, each with the store that it names. What a mail shows does not depend on how they lie in the files.
    #[must_use]
    pub fn of(lines: Vec<(Option<String>, OrderItem)>) -> Self {
        let mut order = Self::default();
        for (store, item) in lines {
            order.store = order.store.take().into_iter().chain(store).min();
            order.items.extend(Some(item).filter(|item| item.amount > 0));
        }
        order.items.sort_by(|one, other| {
            let rest = |item: &OrderItem| (item.product.clone(), item.category.clone(), item.quantity);
            other.amount.cmp(&one.amount).then_with(|| rest(one).cmp(&rest(other)))
        });
        order
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderItem {
    pub product: Option<String>,
    pub category: Option<String>,
    pub quantity: Option<i64>,
    /// Minor units.
    pub amount: i64,
}

/// A line of a last order as it lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastOrderLine<'a> {
    pub customer: &'a str,
    pub store: Option<&'a str>,
    pub product: Option<&'a str>,
    pub category: Option<&'a str>,
    pub quantity: Option<i64>,
    /// Minor units.
    pub amount: i64,
}

/// One value of a column of `exclude` or `include`, with what hangs on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleValue {
    /// As text; `None` is a null.
    pub value: Option<String>,
    pub left_out: bool,
    pub lines: u64,
    /// The sum of the amounts of these lines, in minor units; lines without a usable amount add nothing.
    pub sum: i128,
}

/// What tells one line of the purchases from another, as far as anything does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey<'a> {
    pub customer: &'a str,
    /// `None`: the line is an order of its own.
    pub order: Option<&'a str>,
    /// Microseconds UTC.
    pub at: i64,
    /// Minor units.
    pub amount: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn a_wanted_order_is_found_from_its_first_line_on(
            orders in prop::collection::vec(("[a-d]{0,3}", "[0-9]{0,2}", -5_i64..5), 0..60),
            asked in prop::collection::vec(("[a-d]{0,3}", -6_i64..6), 0..60),
        ) {
            let (mut wanted, mut first) = (WantedOrders::default(), HashMap::new());
            for (customer, id, from) in &orders {
                wanted.insert(customer, WantedOrder { id, from: *from });
                first.entry(customer.as_str()).or_insert(WantedOrder { id, from: *from });
            }
            prop_assert_eq!(wanted.is_empty(), orders.is_empty());
            for (customer, at) in &asked {
                let known = first.get(customer.as_str()).copied().filter(|order| order.from <= *at);
                prop_assert_eq!(wanted.find(customer, *at), known);
            }
        }
    }
}
