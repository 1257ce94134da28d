//! Orders as people want to see them: one customer's history for `explain`, one order's items for a template.

use super::job::RuleKind;
use std::collections::HashMap;

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

/// The last orders that somebody wants to see: the order's id (empty: its lines have none, and it is known by its instant) and the time of its
/// first line, by customer. Each line of the purchases is looked up in it.
pub type WantedOrders = HashMap<String, (String, i64), foldhash::fast::RandomState>;

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
