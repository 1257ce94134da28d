//! Buy again: products whose usual interval has passed for this customer.

use super::baskets::{bought_lines, counted};
use super::{History, day, day_number};
use crate::domain::BookPart;
use crate::domain::book::NOTHING;
use crate::domain::recommend::{Because, Interval, Pick, Recommend};

/// The products that are overdue, the most overdue first. A product's interval is the median of the days between the days on which the
/// customer bought it, three of them at least.
pub fn picks(history: &History<'_>, part: &BookPart, row: usize, rule: &Recommend, may: &dyn Fn(u32) -> bool) -> Vec<Pick> {
    let mut bought: Vec<(u32, i64)> = Vec::new();
    for order in counted(part, row) {
        let Some(day) = day(history.zone, order.at()) else { continue };
        let products = bought_lines(part, order).map(|line| part.lines.product[line]);
        bought.extend(products.filter(|product| *product != NOTHING).map(|product| (product, day)));
    }
    bought.sort_unstable();
    bought.dedup();
    let today = day_number(history.as_of);
    let habits = bought.chunk_by(|one, other| one.0 == other.0).filter_map(|days| {
        let (product, _) = *days.first()?;
        let days: Vec<i64> = days.iter().map(|(_, day)| *day).collect();
        Some((product, Interval::of(&days, today)?))
    });
    let mut due: Vec<(u32, Interval)> = habits.filter(|(product, interval)| interval.is(rule.overdue) && may(*product)).collect();
    // How overdue: days since the last, divided by the interval.
    due.sort_by(|(one, own), (other, theirs)| {
        let product = |one: i64, other: i64| i128::from(one) * i128::from(other);
        product(theirs.since, own.twice_usual).cmp(&product(own.since, theirs.twice_usual)).then(one.cmp(other))
    });
    due.truncate(rule.count);
    due.into_iter().map(|(product, interval)| Pick { product, because: Because::Again(interval.usual_days()) }).collect()
}
