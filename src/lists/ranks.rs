//! Ranks for the shop's cart, so that its page says what the mail says.

use crate::domain::cells::{Cell, Sheet};
use crate::domain::plan::CustomerRow;
use chrono::NaiveDate;

/// The days of the run that all rows share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub as_of: NaiveDate,
    /// The distance to the next rank is counted up to it; the day before is the last on which an order helps.
    pub next_closing: NaiveDate,
}

/// The headings. They are the same in every language, for a program reads them.
pub fn ranks_head(sheet: &mut Sheet) {
    sheet.row(
        &[
            "customer_id",
            "as_of",
            "rank",
            "previous_rank",
            "rank_change",
            "rank_since",
            "orders",
            "spend",
            "next_rank",
            "next_orders",
            "next_spend",
            "next_on",
            "next_last_day",
            "keep_by",
            "keep_last_day",
            "keep_orders",
            "keep_spend",
        ]
        .map(Cell::Text),
    );
}

/// One customer.
pub fn ranks_row(sheet: &mut Sheet, row: &CustomerRow, times: Times) {
    let last_day = |end: Option<NaiveDate>| Cell::day(end.and_then(|end| end.pred_opt()));
    sheet.row(&[
        Cell::Text(&row.customer_id),
        Cell::Day(times.as_of),
        Cell::maybe(row.rank.as_deref()),
        Cell::maybe(row.previous_rank.as_deref()),
        Cell::Text(row.rank_change.word()),
        Cell::day(row.rank_since),
        Cell::Number(row.orders),
        Cell::Number(row.spend),
        Cell::maybe(row.next_rank.as_deref()),
        Cell::number(row.next_orders),
        Cell::number(row.next_spend),
        Cell::day(row.next_on),
        last_day(row.next_rank.as_ref().map(|_| times.next_closing)),
        Cell::day(row.keep_by),
        last_day(row.keep_by),
        Cell::number(row.keep_orders),
        Cell::number(row.keep_spend),
    ]);
}
