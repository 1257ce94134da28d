//! Ranks and points for the shop's cart, so that its page says what the mail says.

use crate::domain::cells::{Cell, Sheet};
use crate::domain::plan::CustomerRow;
use chrono::NaiveDate;

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
            "points_balance",
            "points_expiring",
            "points_expire_on",
        ]
        .map(Cell::Text),
    );
}

/// One customer.
pub fn ranks_row(sheet: &mut Sheet, row: &CustomerRow, as_of: NaiveDate) {
    let points = row.holding.points;
    sheet.row(&[
        Cell::Text(&row.customer_id),
        Cell::Day(as_of),
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
        Cell::day(row.next_last_day),
        Cell::day(row.keep_by),
        Cell::day(row.keep_last_day),
        Cell::number(row.keep_orders),
        Cell::number(row.keep_spend),
        Cell::number(points.map(|points| points.balance)),
        Cell::number(points.map(|points| points.expiring)),
        Cell::day(points.and_then(|points| points.expire_on)),
    ]);
}
