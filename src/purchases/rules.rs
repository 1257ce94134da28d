//! Lists what the columns of `exclude` and `include` hold, so that a new status is seen.

use super::scan::Wanted;
use super::{Error, Purchases};
use crate::domain::RuleValue;
use crate::domain::job::LineRule;
use arrow::array::Array;
use std::collections::BTreeMap;

/// Values that are listed for a column. One with more is no status column, and nobody would read on.
pub const MOST_RULE_VALUES: usize = 1_000;

/// Lines and sum of each value.
type Tally = BTreeMap<Option<String>, (u64, i128)>;

impl Purchases {
    /// The values of each rule's column, in the order of the job, with lines and sums over all files and times; the most frequent
    /// first. No more than a thousand for each column.
    pub fn rule_values(&self) -> Result<Vec<(String, Vec<RuleValue>)>, Error> {
        let columns = self.source.rules.len();
        let mut tallies: Vec<Tally> = vec![Tally::new(); columns];
        if columns == 0 {
            return Ok(Vec::new());
        }
        let groups = self.each(&self.tasks(i64::MAX), |task| {
            let mut tallies: Vec<Tally> = vec![Tally::new(); columns];
            self.scan(task, Wanted::default(), |lines, _| {
                for (values, tally) in lines.rules.iter().zip(&mut tallies) {
                    for row in 0..lines.len() {
                        let value = values.is_valid(row).then(|| values.value(row));
                        let amount = if lines.amount.is_valid(row) { i128::from(lines.amount.value(row)) } else { 0 };
                        add(tally, value, 1, amount);
                    }
                }
                Ok(())
            })?;
            Ok(tallies)
        })?;
        for group in groups {
            for (sum, tally) in tallies.iter_mut().zip(group) {
                for (value, (lines, amount)) in tally {
                    add(sum, value.as_deref(), lines, amount);
                }
            }
        }
        Ok(self.source.rules.iter().zip(tallies).map(|(rule, tally)| (rule.column.clone(), listed(tally, rule))).collect())
    }
}

fn add(tally: &mut Tally, value: Option<&str>, lines: u64, amount: i128) {
    let key = value.map(str::to_owned);
    if tally.len() < MOST_RULE_VALUES || tally.contains_key(&key) {
        let entry = tally.entry(key).or_default();
        entry.0 += lines;
        entry.1 += amount;
    }
}

fn listed(tally: Tally, rule: &LineRule) -> Vec<RuleValue> {
    let value =
        |(value, (lines, sum)): (Option<String>, (u64, i128))| RuleValue { left_out: rule.leaves_out(value.as_deref()), value, lines, sum };
    let mut values: Vec<RuleValue> = tally.into_iter().map(value).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.lines));
    values
}
