//! How many people an offer is for, and how much it may cost.

use super::super::file::{CampaignFile, JobFile, OfferFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Scalar};
use super::{Around, Lack, worth};
use crate::domain::campaign::RankRange;
use crate::domain::offer::{Deal, OfferKind, PerRank};
use crate::domain::{Campaign, Channel, Currency, OfferRule};

/// More people than any shop has.
const MOST_PEOPLE: i64 = 1_000_000_000;

/// An amount in major units that is not negative, in minor units.
pub fn money(key: &Key<Scalar>, name: &str, currency: &Currency, report: &mut Report) -> Option<i64> {
    let At { span, value } = report.get(key, name)?;
    let amount = words::money(value, currency);
    if let Err(why) = amount {
        report.add(span, format!("`{name}` is not an amount: {why}"), "in major units", "write it like 300_000");
    }
    amount.ok()
}

/// The most people who get an offer: those of `limit`, or the seats of an invitation.
pub fn limit(file: &OfferFile, report: &mut Report) -> Option<u64> {
    let limit = count(&file.limit, "limit", report);
    // A draw gives its seats away by lot.
    let invited = file.kind.value().is_some_and(|kind| kind == "invitation");
    limit.or_else(|| file.seats.value().filter(|_| invited).and_then(|seats| u64::try_from(*seats).ok()).filter(|seats| *seats > 0))
}

/// How many win or are invited.
pub fn seats(key: &Key<i64>, report: &mut Report) -> Option<u64> {
    count(key, "seats", report)
}

fn count(key: &Key<i64>, name: &str, report: &mut Report) -> Option<u64> {
    report.whole(key, name, 1, MOST_PEOPLE).and_then(|count| u64::try_from(count).ok())
}

/// The share of those a campaign is for who get it.
pub fn share(key: &Key<String>, report: &mut Report) -> Option<f64> {
    let At { span, value } = report.share(key, "share")?;
    if value <= 0.0 {
        report.add(span, "a share of 0% is nobody", "nobody", "write it like \"10%\", or take the campaign out");
    }
    Some(value)
}

/// An amount that may be spent: more than nothing.
pub fn budget(key: &Key<Scalar>, currency: &Currency, report: &mut Report) -> Option<i64> {
    let amount = money(key, "budget", currency, report)?;
    if let Some(span) = key.span().filter(|_| amount == 0) {
        report.add(span, "a budget of 0 is for nobody", "nothing can be spent", "write an amount like 300_000, or take it out");
    }
    Some(amount)
}

/// Budgets can only limit what costs something: `costs` are those of the ways to reach people.
pub fn have_costs(
    file: &CampaignFile,
    rule: Option<&OfferRule>,
    range: &RankRange,
    costs: &[(Channel, i64)],
    around: &Around<'_>,
    report: &mut Report,
) {
    let written = file.offer.value().and_then(|offer| offer.budget.span());
    if let (Some(own), Some(of_offer)) = (file.budget.span(), written) {
        report.add(of_offer, "this campaign has two budgets", "one too many", "keep one: that of the campaign is for its offers too");
        report.also(own, "the other");
        return;
    }
    let free = cost_nothing(rule, range, costs, around);
    let (Some(why), Some(span)) = (free, file.budget.span().or(written)) else { return };
    let what = if written.is_some() { "this offer" } else { "this campaign" };
    report.add(span, format!("{what} has a budget without a cost"), "nothing is ever spent of it", why);
}

/// What to do about a campaign that costs nothing by itself and whose ways to reach people do not either; `None` where something costs.
pub fn cost_nothing(rule: Option<&OfferRule>, range: &RankRange, costs: &[(Channel, i64)], around: &Around<'_>) -> Option<&'static str> {
    if costs.iter().any(|(_, cost)| *cost > 0) {
        return None;
    }
    let Some(rule) = rule else { return Some("add `cost_each`: what each letter, message or call costs") };
    let paid = |costs: &PerRank<i64>| match worth::ranks(rule, Some(range)) {
        Some(ranks) => ranks.iter().any(|rank| costs.get(usize::from(*rank)).copied().flatten().is_some_and(|cost| cost > 0)),
        None => costs.first().copied().flatten().is_some_and(|cost| cost > 0),
    };
    if paid(&rule.cost) {
        return None;
    }
    match &rule.kind {
        OfferKind::Coupon { .. } | OfferKind::Bundle { .. } | OfferKind::Set { deal: Deal::Percent(_), .. } => None,
        OfferKind::Set { deal: Deal::Price(_), .. } => around.lacks.contains(&Lack::Prices).then_some(
            "name the column of prices in [products.columns] with price = \"…\": without it nobody knows what the set takes off",
        ),
        OfferKind::Points { .. } => {
            // That there are no points at all is another error.
            let untold = around.lacks.contains(&Lack::PointsRate) && !around.lacks.contains(&Lack::Points);
            untold.then_some("add [points] with the `rate` of the shop's cart: it tells what points cost")
        }
        OfferKind::Recommend(_) => Some("add `cost_each` to the campaign: what each letter, message or call costs"),
        OfferKind::Gift { .. }
        | OfferKind::FreeShipping { .. }
        | OfferKind::Draw { .. }
        | OfferKind::Invitation { .. }
        | OfferKind::EarlyAccess { .. } => Some("add `cost`: what each costs the shop, for a rank that gets the offer"),
    }
}

/// A budget of the run, and the brake on it, need a campaign that costs something.
pub fn run_has_costs(file: &JobFile, campaigns: &[Campaign], around: &Around<'_>, report: &mut Report) {
    let costs = |campaign: &Campaign| cost_nothing(campaign.offer.as_ref(), &campaign.ranks, &campaign.costs, around).is_none();
    if campaigns.iter().any(costs) {
        return;
    }
    let brake = file.brakes.value().map(|brakes| &brakes.budget).filter(|key| !matches!(key.value(), Some(Scalar::Text(_))));
    for span in [file.budget.span(), brake.and_then(Key::span)].into_iter().flatten() {
        let help = "give a campaign an offer that costs something, or `cost_each`; or take the budget out";
        report.add(span, "no campaign of this job costs anything", "a budget without a cost", help);
    }
}
