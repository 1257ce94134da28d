//! Ranks beside each other: their names differ, and each is harder to reach than the one below.

use super::super::report::Report;
use super::super::words;
use super::ladder::Read;
use crate::domain::Currency;
use crate::domain::ladder::{Admission, Condition};

/// Two ranks of one name, or a former name that somebody else has.
pub fn doubles(ranks: &[Read], report: &mut Report) {
    for (at, read) in ranks.iter().enumerate() {
        if let Some(first) = ranks.iter().take(at).find(|earlier| earlier.rank.name == read.rank.name) {
            let name = words::plain(&read.rank.name);
            report.add(read.name, format!("two ranks are named `{name}`"), "again", "give each rank a name of its own");
            report.also(first.name, "first here");
        }
        for (old, span) in read.rank.was.iter().zip(&read.was) {
            let others = ranks.iter().enumerate().filter(|(other, _)| *other != at);
            let present = ranks.iter().find(|other| other.rank.name == *old);
            let former = others.take_while(|(other, _)| *other < at).find(|(_, other)| other.rank.was.contains(old));
            if let Some(other) = present.or(former.map(|(_, other)| other)) {
                let message = format!("`was` names {}, which another rank is or was", words::quote(old));
                report.add(*span, message, "whose rank would that be?", "a former name belongs to one rank and is no present one");
                report.also(other.name, "this rank");
            }
        }
    }
}

const METRICS: [&str; 5] = ["orders", "spend", "orders_ever", "spend_ever", "tenure_months"];

/// The metrics of a condition, in the order of [`METRICS`].
fn metrics(condition: &Condition) -> [Option<i64>; 5] {
    [condition.orders, condition.spend, condition.orders_ever, condition.spend_ever, condition.tenure_months.map(i64::from)]
}

/// A rank must be harder to reach than the one below it: no metric that both name falls, and something rises.
pub fn check(lower: &Read, upper: &Read, currency: &Currency, report: &mut Report) {
    let (low, up) = (words::plain(&lower.rank.name), words::plain(&upper.rank.name));
    match (&lower.rank.admits, &upper.rank.admits) {
        (Admission::AnyOf(below), Admission::AnyOf(above)) => {
            let before = report.found.len();
            for (at, metric) in METRICS.iter().enumerate() {
                // With several conditions the easiest one counts, and only where each of them names the metric.
                let easiest = |conditions: &[Condition]| {
                    let values: Option<Vec<i64>> = conditions.iter().map(|one| metrics(one).get(at).copied().flatten()).collect();
                    values.and_then(|values| values.into_iter().min())
                };
                if let (Some(less), Some(more)) = (easiest(above), easiest(below))
                    && less < more
                {
                    let show = |value: i64| if metric.starts_with("spend") { currency.show(value) } else { value.to_string() };
                    let label = format!("only {} here", show(less));
                    let help = format!("ranks are written lowest first; let `{metric}` rise from {low} to {up}");
                    report.add(upper.admits, format!("`{metric}` falls from rank {low} to rank {up}"), &label, help);
                    report.also(lower.admits, format!("{} here", show(more)));
                }
            }
            let easier = |one: &Condition, other: &Condition| {
                metrics(one)
                    .into_iter()
                    .zip(metrics(other))
                    .all(|(one, other)| one.is_none_or(|one| other.is_some_and(|other| one <= other)))
            };
            if before == report.found.len() && below.iter().all(|low| above.iter().any(|up| easier(up, low))) {
                let help = "raise a figure, or add one; nobody would ever be in the lower rank";
                let message = format!("nothing rises from rank {low} to rank {up}");
                report.add(upper.admits, message, "whoever reaches the rank below is in here", help);
                report.also(lower.admits, "the rank below");
            }
        }
        (Admission::Top(below), Admission::Top(above)) if above >= below => {
            report.add(upper.admits, format!("rank {up} is not smaller than rank {low}"), "as many or more people", "let the share shrink");
            report.also(lower.admits, "the rank below");
        }
        _ => {}
    }
}
