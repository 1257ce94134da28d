//! Campaigns that never become a mail, because what stands before them is for the same people.

use super::twice;
use crate::domain::campaign::{Categories, DayRange, Discounts, NumberRange, Once, RankMove, RankRange, When, Where, WhereTest};
use crate::domain::job::OnRenderError;
use crate::domain::offer::{CodeSource, OfferKind, OfferRule};
use crate::domain::{Campaign, Job};
use chrono::Datelike;
use std::collections::BTreeSet;

/// Why the campaign at this place never becomes a mail, or only by way of exception.
pub fn shadowed(job: &Job, at: usize) -> Option<String> {
    let campaign = &job.campaigns[at];
    let taking = campaign.not_with.iter().filter_map(|other| Some((*other, covers(job, *other, campaign)?)));
    if let Some((other, gaps)) = taking.min_by_key(|(_, gaps)| gaps.len()) {
        let name = &job.campaigns[other].name;
        return Some(job.language.pick(
            format!("not_with の `{name}` が同じ人すべてに先に届くため、{}", Gap::told_ja(&gaps)),
            format!("everybody whom it matches gets `{name}` first (not_with){}", Gap::told_en(&gaps)),
        ));
    }
    let most = job.contact.max_per_run.filter(|_| campaign.counts_towards_limit)? as usize;
    let counted = (0..at).filter(|other| job.campaigns[*other].counts_towards_limit);
    let before: Vec<_> = counted.filter_map(|other| Some((other, covers(job, other, campaign)?))).take(most).collect();
    (before.len() == most).then(|| {
        let names: Vec<&str> = before.iter().map(|(other, _)| job.campaigns[*other].name.as_str()).collect();
        let (names, gaps) = (names.join(", "), before.into_iter().flat_map(|(_, gaps)| gaps).collect());
        job.language.pick(
            format!("先に {names} が届いて max_per_run = {most} に達するため、{}", Gap::told_ja(&gaps)),
            format!("everybody whom it matches has {most} mails before it ({names}), which is max_per_run{}", Gap::told_en(&gaps)),
        )
    })
}

/// Where a campaign that covers another lets it through all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    /// A second run in a month: the one was sent, and is not sent again.
    SecondRun,
    /// Of two people at one address another one gets it.
    SharedAddress,
    /// Its mail for somebody cannot be rendered, and is left out.
    Unwritten,
}

impl Gap {
    fn told_ja(gaps: &BTreeSet<Self>) -> String {
        let word = |gap: &Self| match gap {
            Self::SecondRun => "同じ月に二度実行したとき",
            Self::SharedAddress => "先のメールが同じアドレスの別の方に届くとき",
            Self::Unwritten => "先のメールを作成できないとき",
        };
        let words: Vec<&str> = gaps.iter().map(word).collect();
        let except = if words.is_empty() { String::new() } else { format!("{}を除き、", words.join("、または")) };
        format!("{except}送られることがありません")
    }

    fn told_en(gaps: &BTreeSet<Self>) -> String {
        let word = |gap: &Self| match gap {
            Self::SecondRun => "if the job runs more than once in a month",
            Self::SharedAddress => "for somebody at whose address another person gets the other mail",
            Self::Unwritten => "where the other mail cannot be written",
        };
        let words: Vec<&str> = gaps.iter().map(word).collect();
        if words.is_empty() {
            return ", so it never becomes a mail".to_owned();
        }
        format!("; it becomes a mail only {}", words.join(" or "))
    }
}

/// Whether everybody whom `inner` matches, and who could be mailed, is mailed by the campaign at `at` too, and where not. Each reason to
/// skip the one must be a reason to skip the other; where that is not certain it is not so.
fn covers(job: &Job, at: usize, inner: &Campaign) -> Option<BTreeSet<Gap>> {
    let outer = &job.campaigns[at];
    let ranks = match (&outer.ranks, &inner.ranks) {
        (RankRange::NoRank, RankRange::NoRank) => true,
        (RankRange::Ranks(outer), RankRange::Ranks(inner)) => inner.iter().all(|rank| outer.contains(rank)),
        _ => false,
    };
    let wheres = outer.wheres.iter().all(|one| inner.wheres.iter().any(|other| implies(other, one)));
    let matches = ranks && wheres && outer.share.is_none() && when_implies(&inner.when, &outer.when);
    // Whoever can be reached by the one can be reached by the other.
    let reached = inner.channels.iter().all(|channel| outer.channels.contains(channel));
    let held_out = job.contact.holdout.is_none() || !outer.holdout || inner.holdout;
    let superseded = !outer.not_with.is_empty() || gives_way(job, at, inner);
    // Whom a mail of another run or job comes too soon after, and who has enough mails, gets neither if both count.
    let limits = job.contact.max_per_run.is_some() || job.contact.min_days_between > 0;
    let limited = limits && outer.counts_towards_limit && !inner.counts_towards_limit;
    let paid = job.budget.is_none() && outer.budget.is_none() && outer.offer.as_ref().is_none_or(is_for_all);
    let every = outer.once == Once::EveryRun;
    let comes = every || (is_monthly(job) && is_new_each_month(outer));
    if !(matches && reached && held_out && paid && comes) || superseded || limited {
        return None;
    }
    let gaps = [
        (Gap::SecondRun, !every),
        (Gap::SharedAddress, !has_the_same_winner(outer, inner)),
        (Gap::Unwritten, job.on_render_error == OnRenderError::Skip),
    ];
    Some(gaps.into_iter().filter(|(_, open)| *open).map(|(gap, _)| gap).collect())
}

/// Whether the job is planned for one run a month at most; without a schedule it may be.
fn is_monthly(job: &Job) -> bool {
    let Some(line) = &job.schedule else { return true };
    let is_one = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        [minute, hour, day, _, "*"] => is_one(minute) && is_one(hour) && (is_one(day) || day == "L"),
        _ => false,
    }
}

/// Whether a campaign that finds somebody in two months is sent in both, when there is one run in each.
fn is_new_each_month(campaign: &Campaign) -> bool {
    let When { birthday, anniversary, month, dates, days_since_last_order, rank, points_expire_within, cashback, .. } = &campaign.when;
    // A week may lie in two months.
    let yearly = [birthday, anniversary].into_iter().flatten().any(|days| *days != DayRange::ThisWeek);
    let in_one_month = dates.is_some_and(|(first, last)| (first.year(), first.month()) == (last.year(), last.month()));
    match campaign.once {
        Once::EveryRun | Once::Month => true,
        Once::Months(_) | Once::Ever => false,
        Once::Year => yearly || in_one_month || month.as_ref().is_some_and(|months| months.len() == 1),
        Once::Occasion if birthday.is_some() || anniversary.is_some() => yearly,
        Once::Occasion if cashback.is_some() => true,
        Once::Occasion => {
            let lasts = days_since_last_order.is_some() || *rank == Some(RankMove::AtRisk) || points_expire_within.is_some();
            !lasts && (rank.is_some() || dates.is_none() || in_one_month)
        }
    }
}

/// Whether the campaign at this place may be skipped for some whom `inner` matches, because an earlier discount is on the same thing.
fn gives_way(job: &Job, at: usize, inner: &Campaign) -> bool {
    let campaign = &job.campaigns[at];
    let stacks = campaign.discounts.unwrap_or(job.contact.discounts) == Discounts::Stack;
    let reduced = |other: usize| campaign.reduced_by.iter().any(|less| less.by == other);
    let same_people = |other: &Campaign| match &inner.ranks {
        RankRange::NoRank => other.ranks == RankRange::NoRank,
        RankRange::Ranks(ranks) => twice::both_offered(other, campaign).iter().any(|rank| ranks.contains(rank)),
    };
    let meets = |other: &Campaign| same_people(other) && twice::discounts_meet(other, campaign, &|_, _| true);
    !stacks && (0..at).any(|other| !reduced(other) && meets(&job.campaigns[other]))
}

/// Whether of several people at one address the same one gets both: the highest rank wins, so they must be for the same people, or
/// `inner` for the upper ranks of them.
fn has_the_same_winner(outer: &Campaign, inner: &Campaign) -> bool {
    let upper = match (&outer.ranks, &inner.ranks) {
        (RankRange::Ranks(outer), RankRange::Ranks(inner)) => {
            inner.first().is_some_and(|lowest| outer.iter().all(|rank| rank < lowest || inner.contains(rank)))
        }
        (outer, inner) => outer == inner,
    };
    let wheres = inner.wheres.iter().all(|one| outer.wheres.contains(one)) && outer.wheres.iter().all(|one| inner.wheres.contains(one));
    upper && wheres && outer.when == inner.when && outer.channels == inner.channels && inner.share.is_none()
}

/// Whether nobody goes without this offer, and so without the mail: there is enough for all, and something for each.
fn is_for_all(offer: &OfferRule) -> bool {
    let enough = offer.limit.is_none() && offer.budget.is_none() && !matches!(offer.code(), Some(CodeSource::Pool(_)));
    let each = match &offer.kind {
        OfferKind::Draw { .. } | OfferKind::Recommend(_) | OfferKind::Invitation { seats: Some(_), .. } => false,
        OfferKind::Coupon { .. }
        | OfferKind::Gift { .. }
        | OfferKind::Bundle { .. }
        | OfferKind::FreeShipping { .. }
        | OfferKind::Set { .. }
        | OfferKind::Points { .. }
        | OfferKind::EarlyAccess { .. }
        | OfferKind::Invitation { seats: None, .. } => true,
    };
    enough && each
}

/// Whether whoever meets `one` meets `other`.
fn when_implies(one: &When, other: &When) -> bool {
    let When {
        birthday,
        anniversary,
        month,
        dates,
        days_since_last_order,
        days_since_first_order,
        orders,
        spend,
        orders_ever,
        spend_ever,
        rank,
        bought,
        not_bought,
        overdue,
        points,
        points_expire_within,
        cashback,
    } = other;
    let ranges = [
        (one.days_since_last_order, days_since_last_order),
        (one.days_since_first_order, days_since_first_order),
        (one.orders, orders),
        (one.spend, spend),
        (one.orders_ever, orders_ever),
        (one.spend_ever, spend_ever),
        (one.points, points),
        (one.cashback, cashback),
    ];
    let subset = |inner: &Categories, outer: &Categories| inner.names.iter().all(|name| outer.names.contains(name));
    holds(one.birthday.as_ref(), birthday.as_ref(), |inner, outer| inner == outer)
        && holds(one.anniversary.as_ref(), anniversary.as_ref(), |inner, outer| inner == outer)
        && holds(one.month.as_ref(), month.as_ref(), |inner, outer| inner.iter().all(|month| outer.contains(month)))
        && holds(one.dates.as_ref(), dates.as_ref(), |inner, outer| inner.0 >= outer.0 && inner.1 <= outer.1)
        && ranges.iter().all(|(inner, outer)| holds(inner.as_ref(), outer.as_ref(), within))
        && holds(one.points_expire_within.as_ref(), points_expire_within.as_ref(), |inner, outer| inner <= outer)
        && holds(one.rank.as_ref(), rank.as_ref(), |inner, outer| inner == outer)
        && holds(one.bought.as_ref(), bought.as_ref(), subset)
        && holds(one.not_bought.as_ref(), not_bought.as_ref(), |inner, outer| subset(outer, inner))
        && holds(one.overdue.as_ref(), overdue.as_ref(), |inner, outer| {
            inner.from >= outer.from && outer.to.is_none_or(|to| inner.to.is_some_and(|inner| inner <= to))
        })
}

/// A condition that is not asked for holds; one that is must follow from the other's.
fn holds<T>(inner: Option<&T>, outer: Option<&T>, follows: impl Fn(&T, &T) -> bool) -> bool {
    match (inner, outer) {
        (_, None) => true,
        (Some(inner), Some(outer)) => follows(inner, outer),
        (None, Some(_)) => false,
    }
}

fn within(inner: &NumberRange, outer: &NumberRange) -> bool {
    outer.from.is_none_or(|from| inner.from.is_some_and(|inner| inner >= from))
        && outer.to.is_none_or(|to| inner.to.is_some_and(|inner| inner <= to))
}

fn implies(one: &Where, other: &Where) -> bool {
    one.column == other.column
        && match (&one.test, &other.test) {
            (WhereTest::OneOf(inner), WhereTest::OneOf(outer)) => inner.iter().all(|value| outer.contains(value)),
            (WhereTest::Range(inner), WhereTest::Range(outer)) => within(inner, outer),
            (inner, outer) => inner == outer,
        }
}
