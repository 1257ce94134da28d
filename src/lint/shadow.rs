//! Campaigns that stand in each other's way: one that never becomes a mail, two discounts for the same people.

use crate::domain::campaign::Once;
use crate::domain::campaign::{Categories, Discounts, NumberRange, RankRange, When, Where, WhereTest};
use crate::domain::offer::{CodeSource, OfferKind, OfferRule, On};
use crate::domain::{Campaign, Job, RankIndex};
use std::collections::HashMap;

/// Why the campaign at this place never becomes a mail, if so.
pub fn shadowed(job: &Job, at: usize) -> Option<String> {
    let campaign = &job.campaigns[at];
    if let Some(other) = campaign.not_with.iter().map(|other| &job.campaigns[*other]).find(|other| covers(other, campaign)) {
        let name = &other.name;
        return Some(job.language.pick(
            format!("not_with の `{name}` が同じ人すべてに先に届くため、送られることがありません"),
            format!("everybody whom it matches gets `{name}` first (not_with), so it never becomes a mail"),
        ));
    }
    let most = job.contact.max_per_run.filter(|_| campaign.counts_towards_limit)? as usize;
    let before = job.campaigns[..at].iter().filter(|other| other.counts_towards_limit && covers(other, campaign));
    let names: Vec<&str> = before.map(|other| other.name.as_str()).take(most).collect();
    (names.len() == most).then(|| {
        let names = names.join(", ");
        job.language.pick(
            format!("先に {names} が届いて max_per_run = {most} に達するため、送られることがありません"),
            format!("everybody whom it matches has {most} mails before it ({names}), which is max_per_run: it never becomes a mail"),
        )
    })
}

/// Whether everybody whom `inner` matches is mailed by `outer` too, each time. Where that is not certain it is not so.
fn covers(outer: &Campaign, inner: &Campaign) -> bool {
    let ranks = match (&outer.ranks, &inner.ranks) {
        (RankRange::NoRank, RankRange::NoRank) => true,
        (RankRange::Ranks(outer), RankRange::Ranks(inner)) => inner.iter().all(|rank| outer.contains(rank)),
        _ => false,
    };
    // What comes once ever is gone at the second run, and hides nothing any more.
    let often = matches!(outer.once, Once::EveryRun)
        || (outer.once == inner.once && outer.once != Once::Ever)
        || (outer.once == Once::Month && inner.once == Once::Occasion);
    let held_out = !outer.holdout || inner.holdout;
    let wheres = outer.wheres.iter().all(|one| inner.wheres.iter().any(|other| implies(other, one)));
    let free = outer.not_with.is_empty() && outer.share.is_none() && outer.budget.is_none();
    // Whoever can be reached by the one can be reached by the other.
    let reached = inner.channels.iter().all(|channel| outer.channels.contains(channel));
    let offered = outer.offer.as_ref().is_none_or(is_for_all);
    ranks && often && held_out && wheres && free && reached && offered && when_implies(&inner.when, &outer.when)
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

/// Earlier campaigns that give the same people a second discount on the same things, where the job does not say what happens then.
pub fn two_discounts(job: &Job, at: usize, categories: &HashMap<String, String>) -> Vec<String> {
    let campaign = &job.campaigns[at];
    if campaign.discounts.unwrap_or(job.contact.discounts) == Discounts::Stack {
        return Vec::new();
    }
    let settled = |place: usize| campaign.not_with.contains(&place) || campaign.reduced_by.iter().any(|less| less.by == place);
    // As the plan does it; where nobody looked into a product list that may tell, nothing is said.
    let looked = !categories.is_empty() || job.products.as_ref().is_none_or(|list| list.category.is_none());
    let may_be_of =
        |product: &str, category: &str| categories.get(product).map_or(looked && job.has_categories(), |known| known == category);
    let earlier = job.campaigns[..at].iter().enumerate().filter(|(place, _)| !settled(*place));
    earlier
        .filter_map(|(_, other)| {
            let ranks = both_offered(other, campaign);
            let first = *ranks.first()?;
            if !discounts_meet(other, campaign, &may_be_of) || never_together(other, campaign) {
                return None;
            }
            let (name, rank) = (&other.name, job.ladder.name(first));
            Some(job.language.pick(
                format!("`{name}` と重なり、ランク {rank} の同じ人に値引きが二つになるため、そのときは見送りになります（superseded）"),
                format!(
                    "together with `{name}` the same people of rank {rank} would be offered two discounts; they are skipped as superseded"
                ),
            ))
        })
        .collect()
}

fn both_offered(one: &Campaign, other: &Campaign) -> Vec<RankIndex> {
    let ranks = super::offered(other);
    super::offered(one).into_iter().filter(|rank| ranks.contains(rank)).collect()
}

/// Whether two discounts are on the same thing, as far as it is known what is in a category.
fn discounts_meet(one: &Campaign, other: &Campaign, may_be_of: &dyn Fn(&str, &str) -> bool) -> bool {
    let on = |campaign: &Campaign| -> Option<On> {
        match campaign.offer.as_ref().map(|rule| &rule.kind).filter(|kind| kind.is_discount())? {
            OfferKind::Coupon { on, .. } | OfferKind::Bundle { on, .. } => Some(on.clone().unwrap_or_default()),
            OfferKind::Set { products, .. } => Some(On { product: products.clone(), ..On::default() }),
            _ => None,
        }
    };
    let within = |products: &On, named: &On| {
        products.product.iter().any(|product| named.category.iter().any(|category| may_be_of(product, category)))
    };
    let everything = |on: &On| on.category.is_empty() && on.product.is_empty();
    match (on(one), on(other)) {
        (Some(one), Some(other)) => {
            everything(&one)
                || everything(&other)
                || one.category.iter().any(|name| other.category.contains(name))
                || one.product.iter().any(|name| other.product.contains(name))
                || within(&one, &other)
                || within(&other, &one)
        }
        _ => false,
    }
}

/// Whether no customer can meet both on one day.
fn never_together(one: &Campaign, other: &Campaign) -> bool {
    let (a, b) = (&one.when, &other.when);
    let apart = |x: Option<NumberRange>, y: Option<NumberRange>| match (x, y) {
        (Some(x), Some(y)) => before(x, y) || before(y, x),
        _ => false,
    };
    let months = matches!((&a.month, &b.month), (Some(x), Some(y)) if x.iter().all(|month| !y.contains(month)));
    let dates = matches!((a.dates, b.dates), (Some(x), Some(y)) if x.1 < y.0 || y.1 < x.0);
    let moves = matches!((a.rank, b.rank), (Some(x), Some(y)) if x != y);
    let columns = one.wheres.iter().any(|x| {
        other.wheres.iter().any(|y| match (&x.test, &y.test) {
            (WhereTest::OneOf(left), WhereTest::OneOf(right)) => x.column == y.column && left.iter().all(|value| !right.contains(value)),
            (WhereTest::Range(left), WhereTest::Range(right)) => x.column == y.column && (before(*left, *right) || before(*right, *left)),
            (WhereTest::Missing(left), WhereTest::Missing(right)) | (WhereTest::Truth(left), WhereTest::Truth(right)) => {
                x.column == y.column && left != right
            }
            _ => false,
        })
    });
    months
        || dates
        || moves
        || columns
        || apart(a.days_since_last_order, b.days_since_last_order)
        || apart(a.days_since_first_order, b.days_since_first_order)
        || apart(a.orders, b.orders)
        || apart(a.spend, b.spend)
        || apart(a.orders_ever, b.orders_ever)
        || apart(a.spend_ever, b.spend_ever)
}

fn before(one: NumberRange, other: NumberRange) -> bool {
    matches!((one.to, other.from), (Some(to), Some(from)) if to < from)
}
