//! Campaigns whose conditions no date and no customer can ever meet together.

use super::super::file::CampaignFile;
use super::super::report::Report;
use super::super::written::Span;
use super::{Around, Lack};
use crate::domain::campaign::{NumberRange, RankMove, RankRange, When};
use crate::domain::ladder::{Admission, Closing, Down};
use chrono::{Datelike, Months};

/// The first anniversary comes after a year; "next month" sees it up to two months before.
const BEFORE_ANNIVERSARY: f64 = 300.0;
/// With `closing = "month"` orders since the closing are not counted yet: at most this many days of them.
const SINCE_CLOSING: f64 = 30.0;
const NOBODY_FALLS: &str = "`down = \"never\"` lets nobody fall";
const NOBODY_MOVES: &str = "with `[ranks] of` another job moves people, and this one moves nobody";

/// Reports what can never hold together.
pub fn check(file: &CampaignFile, ranks: &RankRange, when: &When, around: &Around<'_>, report: &mut Report) {
    let Some(written) = file.when.value() else { return };
    let mut never = |span: Option<Span>, message: &str, label: &str, help: &str, other: Option<Span>| {
        if let Some(span) = span {
            report.add(span, format!("nobody can ever get this: {message}"), label, help);
            if let Some(other) = other {
                report.also(other, "together with this");
            }
        }
    };
    if !months_meet(when) {
        never(
            written.month.span(),
            "`month` and `dates` never meet",
            "no day of `dates` is in it",
            "change one of them",
            written.dates.span(),
        );
    }
    if let Some((message, help)) = rank_trouble(when, ranks, around) {
        // Where no rank ever falls or moves, it does not matter which ranks the campaign is for.
        let other = file.ranks.span().filter(|_| ![NOBODY_FALLS, NOBODY_MOVES].contains(&message));
        never(written.rank.span(), message, "never happens", help, other);
    }
    let end = |range: Option<NumberRange>| range.and_then(|range| range.to);
    let start = |range: Option<NumberRange>| range.and_then(|range| range.from);
    let exceeds = |from: Option<f64>, to: Option<f64>| from.zip(to).is_some_and(|(from, to)| from > to);
    if exceeds(start(when.orders), end(when.orders_ever)) {
        let help = "orders of the window are among the orders of all time";
        never(written.orders.span(), "`orders` is more than `orders_ever`", "more than of all time", help, written.orders_ever.span());
    }
    if exceeds(start(when.days_since_last_order), end(when.days_since_first_order)) {
        let (last, first) = (written.days_since_last_order.span(), written.days_since_first_order.span());
        never(last, "the last order would be before the first", "longer ago than the first", "change one of them", first);
    }
    if when.anniversary.is_some() && end(when.days_since_first_order).is_some_and(|to| to < BEFORE_ANNIVERSARY) {
        let first = written.days_since_first_order.span();
        never(first, "an `anniversary` comes after a year", "less than a year", "leave one of them out", written.anniversary.span());
    }
    let no_orders = end(when.orders_ever).is_some_and(|to| to < 1.0);
    // A customer whose first order came after the closing has none yet, as far as `orders_ever` knows.
    let slack = if around.ladder.is_some_and(|ladder| ladder.closing == Closing::Month) { SINCE_CLOSING } else { -1.0 };
    let asks = |range: Option<NumberRange>| range.is_some_and(|range| range.from.unwrap_or(0.0) > slack);
    if no_orders && asks(when.days_since_last_order) {
        let last = written.days_since_last_order.span();
        let help = "leave one of them out; who never ordered has no last order";
        never(last, "there is no last order with `orders_ever` 0", "needs an order", help, written.orders_ever.span());
    }
    if no_orders && around.lacks.contains(&Lack::Since) && when.anniversary.is_some() {
        let help = "leave one of them out; who never ordered has no anniversary";
        never(
            written.anniversary.span(),
            "there is no anniversary with `orders_ever` 0",
            "needs an order",
            help,
            written.orders_ever.span(),
        );
    }
    let bits = |categories: &Option<crate::domain::campaign::Categories>| categories.as_ref().map_or(0, |found| found.bits);
    let (bought, not_bought) = (bits(&when.bought), bits(&when.not_bought));
    if bought != 0 && bought & !not_bought == 0 {
        let help = "take the category out of one of them";
        never(
            written.bought.span(),
            "every category of `bought` is in `not_bought` too",
            "excluded again",
            help,
            written.not_bought.span(),
        );
    }
}

/// Whether a month of `month` has a day of `dates`.
fn months_meet(when: &When) -> bool {
    let (Some(months), Some((first, last))) = (&when.month, when.dates) else { return true };
    let mut month = first.with_day(1).unwrap_or(first);
    for _ in 0..12 {
        if month > last {
            return false;
        }
        if months.contains(&month.month()) {
            return true;
        }
        month = month.checked_add_months(Months::new(1)).unwrap_or(last);
    }
    false
}

/// Why no one in these ranks can have moved like this.
fn rank_trouble(when: &When, ranks: &RankRange, around: &Around<'_>) -> Option<(&'static str, &'static str)> {
    let asked = when.rank?;
    if around.ladder.is_some_and(|ladder| ladder.of.is_some()) {
        return Some((NOBODY_MOVES, "put this campaign into the job that decides the ranks"));
    }
    let RankRange::Ranks(ranks) = ranks else {
        let help = "name ranks, or ask for rank = \"down\": who fell off the ladder has no rank";
        return (asked != RankMove::Down).then_some(("people without a rank did not move like that", help));
    };
    let ladder = around.ladder?;
    let highest = ladder.ranks.len().checked_sub(1)?;
    let only_top =
        ranks.iter().all(|rank| matches!(ladder.ranks.get(usize::from(*rank)).map(|rank| &rank.admits), Some(Admission::Top(_))));
    let falls = matches!(asked, RankMove::Down | RankMove::AtRisk);
    if falls && ladder.down == Down::Never {
        return Some((NOBODY_FALLS, "take the condition out, or let ranks fall"));
    }
    if asked == RankMove::AtRisk && only_top {
        return Some(("a rank with `top` is never at risk", "name other ranks"));
    }
    if asked == RankMove::Down && ranks.iter().all(|rank| usize::from(*rank) == highest) {
        return Some(("nobody falls to the highest rank", "name lower ranks"));
    }
    if asked == RankMove::Up && ranks.iter().all(|rank| *rank == 0) {
        return Some(("who gets into the lowest rank is \"new\" and not \"up\"", "write rank = \"new\", or name higher ranks"));
    }
    None
}
