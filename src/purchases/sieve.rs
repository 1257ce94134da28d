//! Which of the lines that count are seen: all of them, unless somebody wants the purchases as they once were.

use super::lines::{Lines, Verdict};
use super::scan::Wanted;
use super::{Error, Purchases};
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

    /// Shows every line before `as_of` that counts, from several threads at once.
    pub fn visit(&self, as_of: i64, look: &(dyn Fn(&LineKey) + Sync)) -> Result<(), Error> {
        self.each(&self.tasks(as_of), |task| {
            self.scan(task, Wanted { category: false, details: false }, |lines, _| {
                for row in 0..lines.len() {
                    if self.verdict(&lines, row, as_of) == Verdict::Counted {
                        show(&lines, row, look);
                    }
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    /// What becomes of a row, the sieve included.
    pub(super) fn verdict(&self, lines: &Lines, row: usize, as_of: i64) -> Verdict {
        let verdict = lines.verdict(row, &self.source.rules, as_of);
        match &self.sieve {
            Some(Sieve(seen)) if verdict == Verdict::Counted && !show(lines, row, |line| seen(line)) => Verdict::Later,
            _ => verdict,
        }
    }
}

/// Shows a row that counts.
fn show<T>(lines: &Lines, row: usize, look: impl FnOnce(&LineKey) -> T) -> T {
    let order = lines.order_id(row);
    look(&LineKey {
        customer: lines.customer.value(row),
        order: order.as_deref(),
        at: lines.at.value(row),
        amount: lines.amount.value(row),
    })
}
