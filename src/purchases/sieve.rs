//! Which of the lines that count are seen: all of them, unless somebody wants the purchases as they once were.

use super::Purchases;
use super::lines::{Lines, Verdict};
use crate::domain::orders::LineKey;
use std::sync::Arc;

/// Lines for which this is false are not seen, as if they came after the as-of date.
#[derive(Clone)]
pub struct Sieve(pub Arc<dyn Fn(&LineKey) -> bool + Send + Sync>);

impl std::fmt::Debug for Sieve {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Sieve")
    }
}

impl Purchases {
    /// The same purchases, of which only some lines are seen.
    #[must_use]
    pub fn through(self, sieve: Option<Sieve>) -> Self {
        Self { sieve, ..self }
    }

    /// What becomes of a row, the sieve included.
    pub(super) fn verdict(&self, lines: &Lines, row: usize, as_of: i64) -> Verdict {
        let verdict = lines.verdict(row, &self.source.rules, as_of);
        let Some(Sieve(seen)) = &self.sieve else { return verdict };
        if verdict != Verdict::Counted {
            return verdict;
        }
        let order = lines.order_id(row);
        let line = LineKey {
            customer: lines.customer.value(row),
            order: order.as_deref(),
            at: lines.at.value(row),
            amount: lines.amount.value(row),
        };
        if seen(&line) { verdict } else { Verdict::Later }
    }
}
