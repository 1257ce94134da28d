//! What a customer's purchases amount to: the columns of `features.sql`, one hash partition of customers at a time.

use super::Texts;

/// The features of one hash partition, as columns of equal length, sorted by customer id (UTF-8 bytes).
/// Instants are microseconds UTC, money is minor units. Everyone here has at least one line before the as-of date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    pub customer_id: Texts,
    pub rows: Vec<FeatureRow>,
    /// The order id of the last order with a positive net, where it was asked for, else empty strings. A line without an order id
    /// has none, and neither has a customer without such an order.
    pub last_order: Texts,
}

/// One customer's figures, as `features.sql` defines them. The default is that of somebody who never bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeatureRow {
    pub first_order_at: Option<i64>,
    pub last_order_at: Option<i64>,
    pub first_order_closing: Option<i64>,
    pub orders_ever: i64,
    pub spend_ever: i64,
    pub orders: i64,
    pub spend: i64,
    pub due_orders: i64,
    pub due_spend: i64,
    pub next_orders_known: i64,
    pub next_spend_known: i64,
    pub keep_orders_known: i64,
    pub keep_spend_known: i64,
    /// Orders and spend of all time that are known at the as-of date and settled by the next closing, or by the review ahead.
    /// Distances need them, `features.sql` does not list them.
    pub next_orders_ever_known: i64,
    pub next_spend_ever_known: i64,
    pub keep_orders_ever_known: i64,
    pub keep_spend_ever_known: i64,
    /// Which of the categories that were asked for this customer has bought: bit n for the nth. Bought is a line with a positive
    /// amount in an order with a positive net.
    pub bought: u64,
    /// A mark of all orders that are known at the as-of date, whatever their net: the sum of a mark of each. A later look at the purchases
    /// tells by it whether they still hold what was known.
    pub mark: i64,
}

/// What the fold tells about the file as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Lines that were counted.
    pub lines: u64,
    pub guests: u64,
    pub excluded: u64,
    /// Lines at or after the as-of date that were read (those of pruned row groups are not).
    pub later: u64,
    pub bad_rows: u64,
    /// The first bad rows, for people: file, row, what is wrong.
    pub bad_row_notes: Vec<String>,
    /// The newest counted purchase (instant), if any.
    pub newest: Option<i64>,
    /// Counted lines before `history_before`, when that was given.
    pub lines_before: u64,
}
