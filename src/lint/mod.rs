//! The linter of ladders: what a job says without mistakes and probably does not mean.
//!
//! It looks at the checked job, at what the templates show, and, where somebody has looked, at what the ranks spend. A job allows a rule
//! by its name, for all (`[check] allow`) or for one campaign (`allow`). It reads nothing, and it stops nothing.

mod apart;
mod shadow;
mod twice;

use crate::domain::campaign::{RankRange, When};
use crate::domain::finding::{Rule, Showing, Shown, Subject};
use crate::domain::ladder::Admission;
use crate::domain::money::grouped;
use crate::domain::offer::{Deal, Discount, OfferKind, PerRank};
use crate::domain::{Campaign, Finding, Job, RankIndex};
use std::collections::HashMap;

/// A gift above this share of what its rank spends is told: in percent.
const COSTLY: i64 = 20;

/// What the linter knows besides the job.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What each campaign's templates show, in the order of campaigns.
    pub shown: Vec<Vec<Shown>>,
    /// The mean spend in the window of those who hold each rank, minor units; a rank that nobody holds has none. `None`: nobody looked.
    pub mean_spend: Option<Vec<Option<i64>>>,
    /// The category of each product of the product list; empty where nobody looked.
    pub categories: HashMap<String, String>,
}

/// Everything worth a look that the job does not allow, rank by rank and then campaign by campaign.
#[must_use]
pub fn lint(job: &Job, seen: &Seen) -> Vec<Finding> {
    let mut found: Vec<Finding> = ranks_without_mail(job).collect();
    for (at, campaign) in job.campaigns.iter().enumerate() {
        let shown = seen.shown.get(at).map_or(&[][..], Vec::as_slice);
        let about = |rule: Rule, message: String| Finding { rule, subject: Subject::Campaign(campaign.name.clone()), message };
        let mut notes = vec![
            (Rule::ShadowedCampaign, shadow::shadowed(job, at)),
            (Rule::FallingDiscount, falling(job, campaign)),
            (Rule::PriceWithoutSelling, without_selling(job, campaign, shown, Showing::Price)),
            (Rule::LinkWithoutSelling, without_selling(job, campaign, shown, Showing::Link)),
            (Rule::NewsletterForLowest, newsletter(job, campaign)),
            (Rule::EventDiscountNearTop, event(job, campaign)),
        ];
        notes.extend(costly(job, campaign, seen.mean_spend.as_deref()).into_iter().map(|message| (Rule::CostlyGift, Some(message))));
        notes.extend(twice::two_discounts(job, at, &seen.categories).into_iter().map(|message| (Rule::TwoDiscounts, Some(message))));
        let allowed = |rule: &Rule| campaign.allow.contains(rule);
        found.extend(notes.into_iter().filter(|(rule, _)| !allowed(rule)).filter_map(|(rule, note)| Some(about(rule, note?))));
    }
    found.retain(|finding| !job.allow.contains(&finding.rule));
    found
}

fn ranks_without_mail(job: &Job) -> impl Iterator<Item = Finding> + '_ {
    let ranks = (0..).zip(&job.ladder.ranks).filter(|(rank, _)| !job.campaigns.iter().any(|campaign| campaign.ranks.holds(Some(*rank))));
    ranks.map(|(_, rank)| Finding {
        rule: Rule::RankWithoutMail,
        subject: Subject::Rank(rank.name.clone()),
        message: job
            .language
            .pick(format!("ランク {} に届くキャンペーンがありません", rank.name), format!("no campaign is for rank {}", rank.name)),
    })
}

/// The ranks that get the campaign's offer, the lowest first.
fn offered(campaign: &Campaign) -> Vec<RankIndex> {
    let RankRange::Ranks(ranks) = &campaign.ranks else { return Vec::new() };
    let only = campaign.offer.as_ref().and_then(|offer| offer.ranks.as_ref());
    let gives = |rank: &RankIndex| campaign.offer.as_ref().is_some_and(|offer| gives(&offer.kind, usize::from(*rank)));
    ranks.iter().copied().filter(|rank| only.is_none_or(|only| only.contains(rank))).filter(gives).collect()
}

/// Whether a kind of offer has something for a rank.
fn gives(kind: &OfferKind, rank: usize) -> bool {
    fn has<T: Copy + Default + PartialOrd>(values: &PerRank<T>, rank: usize) -> bool {
        values.get(rank).copied().flatten().is_some_and(|value| value > T::default())
    }
    match kind {
        OfferKind::Coupon { discount: Discount::Percent(values), .. } | OfferKind::Set { deal: Deal::Percent(values), .. } => {
            has(values, rank)
        }
        OfferKind::Coupon { discount: Discount::Amount(values), .. } | OfferKind::Set { deal: Deal::Price(values), .. } => {
            has(values, rank)
        }
        OfferKind::Points { times, .. } => has(times, rank),
        OfferKind::FreeShipping { over } => over.iter().all(Option::is_none) || has(over, rank),
        OfferKind::EarlyAccess { opens, .. } => opens.get(rank).is_some_and(Option::is_some),
        OfferKind::Coupon { discount: Discount::Cashback, .. }
        | OfferKind::Bundle { .. }
        | OfferKind::Gift { .. }
        | OfferKind::Draw { .. }
        | OfferKind::Invitation { .. }
        | OfferKind::Recommend(_) => true,
    }
}

/// What a rank gets, to be compared: more is better, of equal ones that which asks for a smaller order. And how it is written.
struct Worth {
    value: (f64, f64),
    shown: String,
}

/// An offer that is worth less on a higher rank. No offer at all there is a choice, and not told.
fn falling(job: &Job, campaign: &Campaign) -> Option<String> {
    let kind = &campaign.offer.as_ref()?.kind;
    let values: Vec<(RankIndex, Worth)> =
        offered(campaign).into_iter().filter_map(|rank| Some((rank, worth(job, kind, usize::from(rank))?))).collect();
    let fall = values.windows(2).find(|pair| pair[1].1.value < pair[0].1.value)?;
    let ((low, Worth { shown: more, .. }), (high, Worth { shown: less, .. })) = (&fall[0], &fall[1]);
    let (low, high) = (job.ladder.name(*low), job.ladder.name(*high));
    Some(job.language.pick(
        format!("ランク {low} は {more}、上の {high} は {less} です"),
        format!("rank {low} gets {more}, the higher {high} gets {less}"),
    ))
}

/// What an offer is worth to a rank; `None` where the rank gets nothing, or all ranks the same.
#[expect(clippy::cast_precision_loss, reason = "two amounts are compared; equal ones stay equal")]
fn worth(job: &Job, kind: &OfferKind, rank: usize) -> Option<Worth> {
    fn at<T: Copy>(values: &PerRank<T>, rank: usize) -> Option<T> {
        values.get(rank).copied().flatten()
    }
    let money = |amount: i64| job.currency.show(amount);
    let percent = |values: &PerRank<f64>| at(values, rank).map(|percent| (percent, format!("{percent}%")));
    let from = |over: &PerRank<i64>, (value, shown): (f64, String)| {
        let over = at(over, rank).filter(|over| *over > 0);
        let asked =
            over.map_or(String::new(), |over| job.language.pick(format!("（{} 以上）", money(over)), format!(" over {}", money(over))));
        Worth { value: (value, -(over.unwrap_or(0) as f64)), shown: format!("{shown}{asked}") }
    };
    let everything = PerRank::new();
    match kind {
        OfferKind::Coupon { discount: Discount::Percent(values), over, .. } => Some(from(over, percent(values)?)),
        OfferKind::Coupon { discount: Discount::Amount(values), over, .. } => {
            at(values, rank).map(|amount| from(over, (amount as f64, money(amount))))
        }
        OfferKind::Set { deal: Deal::Percent(values), .. } => Some(from(&everything, percent(values)?)),
        OfferKind::Set { deal: Deal::Price(values), .. } => {
            at(values, rank).map(|price| from(&everything, (-(price as f64), money(price))))
        }
        OfferKind::Points { times, over, .. } => at(times, rank).map(|times| from(over, (times, format!("×{times}")))),
        OfferKind::FreeShipping { over } => {
            at(over, rank).map(|_| from(over, (0.0, job.language.pick("送料無料", "free shipping").to_owned())))
        }
        // A bundle has the same steps for all, cashback follows what each customer spent, early access is never later for a higher rank,
        // and the others have no size.
        OfferKind::Bundle { .. }
        | OfferKind::Coupon { discount: Discount::Cashback, .. }
        | OfferKind::EarlyAccess { .. }
        | OfferKind::Gift { .. }
        | OfferKind::Draw { .. }
        | OfferKind::Invitation { .. }
        | OfferKind::Recommend(_) => None,
    }
}

fn without_selling(job: &Job, campaign: &Campaign, shown: &[Shown], what: Showing) -> Option<String> {
    if campaign.sells {
        return None;
    }
    let mut places = shown.iter().filter(|shown| shown.what == what);
    let Shown { file, line, text, .. } = places.next()?;
    let more = places.count();
    let (ja, en) = match what {
        Showing::Price => ("値段", "a price"),
        Showing::Link => ("配信停止と返信のほかのリンク", "a link other than opt-out and reply"),
    };
    let rest =
        if more == 0 { String::new() } else { job.language.pick(format!("（ほか {more} か所）"), format!(" (and {more} more)")) };
    Some(job.language.pick(format!("{file}:{line} に{ja}があります: {text}{rest}"), format!("{file}:{line} shows {en}: {text}{rest}")))
}

/// A mail for everybody of the lowest rank, each time.
fn newsletter(job: &Job, campaign: &Campaign) -> Option<String> {
    // A recommendation is for those only for whom there is one.
    let recommends = campaign.offer.as_ref().is_some_and(|offer| matches!(offer.kind, OfferKind::Recommend { .. }));
    let always = campaign.when == When::default() && campaign.wheres.is_empty() && !recommends;
    let lowest = job.ladder.ranks.len() > 1 && campaign.ranks.holds(Some(0));
    let rank = job.ladder.name(0);
    (always && lowest && campaign.sells).then(|| {
        job.language.pick(
            format!("条件がないため、ランク {rank} の全員に毎回送ります"),
            format!("it has no condition: everybody of rank {rank} gets it each time"),
        )
    })
}

/// A discount event for the rank below the highest.
fn event(job: &Job, campaign: &Campaign) -> Option<String> {
    let near_top = RankIndex::try_from(job.ladder.ranks.len().checked_sub(2).filter(|place| *place > 0)?).ok()?;
    let is_event = campaign.when.dates.is_some() || campaign.when.month.is_some();
    let discount = campaign.offer.as_ref().is_some_and(|offer| offer.kind.is_discount());
    let rank = job.ladder.name(near_top);
    (is_event && discount && offered(campaign).contains(&near_top))
        .then(|| job.language.pick(format!("ランク {rank} への値引きの催しです"), format!("it is a discount event for rank {rank}")))
}

/// The ranks for which a gift is worth too much, each with its own sums.
fn costly(job: &Job, campaign: &Campaign, mean_spend: Option<&[Option<i64>]>) -> Vec<String> {
    let gift = campaign.offer.as_ref().filter(|offer| matches!(offer.kind, OfferKind::Gift { .. }));
    let Some(offer) = gift else { return Vec::new() };
    let too_much = |cost: i64, spend: i64| i128::from(cost) * 100 > i128::from(spend) * i128::from(COSTLY);
    let of = |rank: RankIndex| {
        let at = usize::from(rank);
        let cost = offer.cost.get(at).copied().flatten()?;
        let (name, gift) = (job.ladder.name(rank), job.currency.show(cost));
        if let Some(spends) = mean_spend {
            // Where nobody holds the rank nobody gets the gift.
            let mean = spends.get(at).copied().flatten()?;
            let (spend, most) = (job.currency.show(mean), grouped(COSTLY.unsigned_abs()));
            return too_much(cost, mean).then(|| {
                job.language.pick(
                    format!("贈り物は {gift}、ランク {name} の平均購入額は {spend} です（{most}% を超えています）"),
                    format!("the gift costs {gift}, rank {name} spends {spend} on average: more than {most} %"),
                )
            });
        }
        // Nobody has looked at the data: what the rank asks for is the least that its people spend.
        let Admission::AnyOf(conditions) = &job.ladder.ranks.get(at)?.admits else { return None };
        let least = conditions.iter().map(|condition| condition.spend).min().flatten()?;
        let asked = job.currency.show(least);
        too_much(cost, least).then(|| {
            job.language.pick(
                format!("贈り物は {gift}、ランク {name} の条件は {asked} です。実際の平均は check --data でわかります"),
                format!("the gift costs {gift}, rank {name} asks for {asked} only; check --data tells what it spends"),
            )
        })
    };
    offered(campaign).into_iter().filter_map(of).collect()
}
