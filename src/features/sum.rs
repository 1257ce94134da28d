//! Adds orders up: what one customer's orders amount to, whatever the order in which they come.

use crate::domain::{Bounds, FeatureRow};

/// The mark of one order by its time and its net. Marks of several orders add up, so that no order of rows plays a part.
pub(super) fn mark(at: i64, net: i128) -> i64 {
    // The lowest 64 bits tell nets apart as well as all of them: greater ones are an error elsewhere.
    let low = (net & i128::from(u64::MAX)).to_le_bytes();
    let mut low8 = [0; 8];
    low8.copy_from_slice(&low[..8]);
    let mut mixed = at.cast_unsigned() ^ u64::from_le_bytes(low8).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    (mixed ^ (mixed >> 31)).cast_signed()
}

/// An order before the as-of date; sums cannot overflow here.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub at: i64,
    pub net: i128,
    pub net_closing: i128,
    pub bought: u64,
}

/// A customer's figures while orders are added; money is kept wide until all is known.
#[derive(Debug, Default)]
pub(super) struct Sum {
    row: FeatureRow,
    spend_ever: i128,
    spend: i128,
    due_spend: i128,
    next_spend_known: i128,
    keep_spend_known: i128,
    next_spend_ever_known: i128,
    keep_spend_ever_known: i128,
}

impl Sum {
    pub fn add(&mut self, order: &Order, bounds: &Bounds) {
        let Order { at, net, bought, .. } = *order;
        // What may still come back decides nothing yet, neither the order nor what was returned of it so far.
        let net_closing = if at < bounds.settled { order.net_closing } else { 0 };
        let (known, closed) = (i64::from(net > 0), i64::from(net_closing > 0));
        let row = &mut self.row;
        row.mark = row.mark.wrapping_add(mark(at, net));
        if net > 0 {
            row.first_order_at = Some(row.first_order_at.map_or(at, |first| first.min(at)));
            row.last_order_at = Some(row.last_order_at.map_or(at, |last| last.max(at)));
            row.bought |= bought;
        }
        if net_closing > 0 {
            row.first_order_closing = Some(row.first_order_closing.map_or(at, |first| first.min(at)));
        }
        row.orders_ever += closed;
        self.spend_ever += net_closing;
        if at >= bounds.window_start {
            row.orders += closed;
            self.spend += net_closing;
        }
        if at >= bounds.due_start {
            row.due_orders += closed;
            self.due_spend += net_closing;
        }
        if at < bounds.next_settled {
            row.next_orders_ever_known += known;
            self.next_spend_ever_known += net;
            if at >= bounds.next_start {
                row.next_orders_known += known;
                self.next_spend_known += net;
            }
        }
        if at < bounds.keep_settled {
            row.keep_orders_ever_known += known;
            self.keep_spend_ever_known += net;
            if at >= bounds.keep_start {
                row.keep_orders_known += known;
                self.keep_spend_known += net;
            }
        }
    }

    /// The figures, unless one of them does not fit into 64 bits.
    pub fn row(&self) -> Option<FeatureRow> {
        let narrow = |sum: i128| i64::try_from(sum).ok();
        Some(FeatureRow {
            spend_ever: narrow(self.spend_ever)?,
            spend: narrow(self.spend)?,
            due_spend: narrow(self.due_spend)?,
            next_spend_known: narrow(self.next_spend_known)?,
            keep_spend_known: narrow(self.keep_spend_known)?,
            next_spend_ever_known: narrow(self.next_spend_ever_known)?,
            keep_spend_ever_known: narrow(self.keep_spend_ever_known)?,
            ..self.row
        })
    }
}
