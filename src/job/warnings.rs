//! What looks like a mistake in a job and is none for sure, for people.

use crate::domain::campaign::{Campaign, RankRange};
use crate::domain::ladder::{Review, Window};
use crate::domain::offer::{Deal, Discount, OfferKind, PerRank, Valid};
use crate::domain::{Channel, Job, SkipReason};
use chrono::{Datelike, NaiveDate, NaiveTime, TimeZone};
use croner::Cron;
use std::str::FromStr;

/// Warnings that hold on any date, in the job's language.
pub fn standing(job: &Job) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |ja: String, en: String| warnings.push(job.language.pick(ja, en));
    if !job.campaigns.is_empty() {
        match &job.customers {
            None => warn(
                "[customers] がなく宛先がわからないため、すべてのメールが見送りになります".to_owned(),
                "there is no [customers], so nobody has an address: every mail will be skipped".to_owned(),
            ),
            Some(list) => {
                let needed =
                    [("email", list.email.is_some(), SkipReason::NoAddress), ("consent", list.consent.is_some(), SkipReason::NoConsent)];
                let by_mail = job.campaigns.iter().any(|campaign| campaign.goes_by(Channel::Mail));
                for (column, _, reason) in needed.iter().filter(|(_, mapped, _)| by_mail && !mapped) {
                    let reason = reason.word();
                    warn(
                        format!("[customers.columns] に `{column}` がないため、すべてのメールが見送りになります（{reason}）"),
                        format!("no `{column}` in [customers.columns]: every mail will be skipped ({reason})"),
                    );
                }
            }
        }
    }
    for campaign in job.campaigns.iter().filter(|campaign| gives_all_away(campaign)) {
        let name = &campaign.name;
        warn(format!("キャンペーン `{name}`: 100% 引きは無料です"), format!("campaign `{name}`: 100% off is for nothing"));
    }
    for (campaign, percent) in job.campaigns.iter().filter_map(|campaign| Some((campaign, tiny_percent(campaign)?))) {
        let name = &campaign.name;
        let meant = percent * 100.0;
        warn(
            format!(
                "キャンペーン `{name}`: `percent` の {percent} は {percent}% です。{meant:.0}% のつもりなら {meant:.0} と書いてください"
            ),
            format!("campaign `{name}`: `percent` of {percent} is {percent}%; write {meant:.0} if {meant:.0}% is meant"),
        );
    }
    for (campaign, rank) in job.campaigns.iter().filter_map(|campaign| Some((campaign, without_shipping(job, campaign)?))) {
        let name = &campaign.name;
        warn(
            format!(
                "キャンペーン `{name}`: `over` が 0 の {rank} には送料無料は付きません。一円目から無料なら 1 と書き、付けないなら offer の `ranks` で外してください"
            ),
            format!(
                "campaign `{name}`: with `over` of 0, {rank} gets the mail without free shipping; write 1 where it is free from the first yen, or leave the rank out with `ranks` of the offer"
            ),
        );
    }
    points_warnings(job, &mut warn);
    if !job.mail.unsubscribe.contains("{token}") {
        warn(
            "`unsubscribe` に {token} がないため、どなたが配信を止めたのかわかりません".to_owned(),
            "`unsubscribe` has no {token}: the page cannot tell who opts out".to_owned(),
        );
    }
    if job.returns_without_token() {
        warn(
            "`return_path` に {token} がないため、不達の報告がどのメールのものかわからず、どれも信用しません".to_owned(),
            "`return_path` has no {token}: no report of a bounce can be told to be of a mail, so none is believed".to_owned(),
        );
    }
    let dated = job.campaigns.iter().filter_map(|campaign| campaign.when.dates.map(|dates| (campaign, dates)));
    for (campaign, (first, last)) in dated {
        if !due_within(job, first, last) {
            let name = &campaign.name;
            warn(
                format!("キャンペーン `{name}`: {first} から {last} までに `schedule` の予定がありません。手で実行したときだけ送ります"),
                format!("campaign `{name}`: `schedule` has no due time from {first} to {last}; only a run by hand would mail it"),
            );
        }
    }
    warnings
}

/// Whether somebody gets something for nothing.
fn gives_all_away(campaign: &Campaign) -> bool {
    let whole = |percent: f64| percent >= 100.0;
    let for_a_rank = |values: &PerRank<f64>| {
        let has = |(rank, value): (u8, &Option<f64>)| campaign.ranks.holds(Some(rank)) && value.is_some_and(whole);
        (0..).zip(values).any(has) || (campaign.ranks == RankRange::NoRank && values.iter().flatten().copied().any(whole))
    };
    campaign.offer.as_ref().is_some_and(|rule| match &rule.kind {
        OfferKind::Coupon { discount: Discount::Percent(values), .. } | OfferKind::Set { deal: Deal::Percent(values), .. } => {
            for_a_rank(values)
        }
        OfferKind::Bundle { steps, .. } => steps.iter().any(|(_, percent)| whole(*percent)),
        _ => false,
    })
}

/// A discount of less than one percent: probably a share was written.
fn tiny_percent(campaign: &Campaign) -> Option<f64> {
    let tiny = |percent: &f64| *percent > 0.0 && *percent < 1.0;
    match &campaign.offer.as_ref()?.kind {
        OfferKind::Coupon { discount: Discount::Percent(values), .. } | OfferKind::Set { deal: Deal::Percent(values), .. } => {
            values.iter().flatten().copied().find(tiny)
        }
        OfferKind::Bundle { steps, .. } => steps.iter().map(|(_, percent)| *percent).find(tiny),
        _ => None,
    }
}

/// A rank that gets the mail of free shipping and not the shipping.
fn without_shipping<'a>(job: &'a Job, campaign: &Campaign) -> Option<&'a str> {
    let Some(OfferKind::FreeShipping { over }) = campaign.offer.as_ref().map(|offer| &offer.kind) else { return None };
    // A rank that is not named has the amount of one below, so above an amount there is none only where 0 was written.
    let named = over.iter().position(Option::is_some)?;
    let is_out = |(rank, over): &(u8, &Option<i64>)| over.is_none() && campaign.ranks.holds(Some(*rank));
    (0..).zip(over).skip(named).find(is_out).map(|(rank, _)| job.ladder.name(rank))
}

/// What of points is probably not meant.
fn points_warnings(job: &Job, warn: &mut dyn FnMut(String, String)) {
    if job.points.is_some() && job.accounts().is_none() {
        warn(
            "[customers.columns] に `points_balance` があるため、[points] の計算はしません".to_owned(),
            "[points] is not computed: the customer list tells the balance with `points_balance`".to_owned(),
        );
    }
    if job.accounts().is_some() && job.purchases.points_used.is_none() {
        warn(
            "[purchases.columns] に `points_used` がないため、使われたポイントは差し引きません".to_owned(),
            "no `points_used` in [purchases.columns]: points are earned and never used".to_owned(),
        );
    }
    if job.cashback.is_some() {
        match reviews_of_an_order(job) {
            None => warn(
                "[cashback]: 集計期間が全期間のため、同じ注文が見直しのたびに還元されます".to_owned(),
                "[cashback]: the window is all time, so each order is paid back for at every review".to_owned(),
            ),
            Some(times) if times > 1 => warn(
                format!("[cashback]: 集計期間に見直しが {times} 回あるため、同じ注文が {times} 回還元されます"),
                format!("[cashback]: there are {times} reviews within the window, so each order is paid back for {times} times"),
            ),
            Some(_) => {}
        }
    }
}

/// How many reviews see the same order in their window; `None` where it stays there for ever.
fn reviews_of_an_order(job: &Job) -> Option<u32> {
    let months = match job.ladder.window {
        Window::Months(months) => months,
        Window::Days(days) => days.div_ceil(31),
        Window::YearFrom(..) => 12,
        Window::HalfYearFrom(..) => 6,
        Window::AllTime => return None,
    };
    let yearly = match &job.ladder.review {
        Review::Monthly => 12,
        Review::Dates(dates) => u32::try_from(dates.len()).ok()?,
    };
    Some(months.saturating_mul(yearly) / 12)
}

/// Whether the schedule comes due in these days. True when there is no schedule.
fn due_within(job: &Job, first: NaiveDate, last: NaiveDate) -> bool {
    let Some(cron) = job.schedule.as_deref().and_then(|line| Cron::from_str(line).ok()) else { return true };
    let Some(start) = job.zone.0.from_local_datetime(&first.and_time(NaiveTime::MIN)).earliest() else { return true };
    cron.find_next_occurrence(&start, true).map_or(true, |due| due.date_naive() <= last)
}

/// The day on which early access begins for the last of a campaign's ranks.
fn last_opening(campaign: &Campaign) -> Option<NaiveDate> {
    let offer = campaign.offer.as_ref()?;
    let (OfferKind::EarlyAccess { opens, .. }, RankRange::Ranks(ranks)) = (&offer.kind, &campaign.ranks) else { return None };
    let offered = offer.ranks.as_ref().unwrap_or(ranks);
    offered.iter().filter_map(|rank| opens.get(usize::from(*rank)).copied().flatten()).map(|opening| opening.day).max()
}

/// The day on which a campaign's mails of a run leave, and the last day of their offer, where that is earlier.
fn leaves_late(job: &Job, campaign: &Campaign, as_of: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let has_mails = campaign.goes_by(Channel::Mail)
        && campaign.when.month.as_ref().is_none_or(|months| months.contains(&as_of.month()))
        && campaign.when.dates.is_none_or(|(first, last)| (first..=last).contains(&as_of));
    let leaves = job.zone.local(campaign.send.filter(|_| has_mails)?.instant(job.zone, as_of))?.date();
    let last = campaign.offer.as_ref()?.valid?.last_day(as_of)?;
    // An offer that had ended before the run is another mistake.
    (as_of <= last && last < leaves).then_some((leaves, last))
}

/// Warnings as of a date: the standing ones, and dates that are past.
#[must_use]
pub fn warnings(job: &Job, as_of: NaiveDate) -> Vec<String> {
    let mut warnings = job.warnings.clone();
    let mut warn = |ja: String, en: String| warnings.push(job.language.pick(ja, en));
    for campaign in &job.campaigns {
        let name = &campaign.name;
        if let Some((_, last)) = campaign.when.dates.filter(|(_, last)| *last < as_of) {
            warn(
                format!("キャンペーン `{name}`: `dates` は {last} に終わりました。新しくするか、キャンペーンを外してください"),
                format!("campaign `{name}`: its `dates` ended on {last}; take it out or move them"),
            );
        }
        let Some(offer) = &campaign.offer else { continue };
        if let Some(last) = last_opening(campaign).filter(|last| *last < as_of) {
            warn(
                format!("キャンペーン `{name}`: 先行のご案内はすべて {last} までに始まっています。`opens` を新しくしてください"),
                format!("campaign `{name}`: what it opens early is open for everybody since {last}; move `opens`"),
            );
        }
        if let Some(Valid::Until(last)) = offer.valid.filter(|valid| matches!(valid, Valid::Until(last) if *last < as_of)) {
            warn(
                format!("キャンペーン `{name}`: 特典の期限は {last} までです。`valid` を新しくしてください"),
                format!("campaign `{name}`: its offer was valid until {last}; move `valid`"),
            );
        }
        if let Some((leaves, last)) = leaves_late(job, campaign, as_of) {
            warn(
                format!(
                    "キャンペーン `{name}`: 特典は {last} までですが、メールは `send` により {leaves} に出ます。期限切れのため送られません（too_late）"
                ),
                format!("campaign `{name}`: its offer ends on {last} and `send` lets its mails leave on {leaves}: none is sent (too_late)"),
            );
        }
        if let OfferKind::Invitation { on: Some(day), .. } = &offer.kind
            && *day < as_of
        {
            warn(
                format!("キャンペーン `{name}`: お招きの日 {day} は過ぎています。`on` を新しくしてください"),
                format!("campaign `{name}`: it invites to {day}, which is past; move `on`"),
            );
        }
    }
    warnings
}
