//! How the job was understood, for people: ranges written out, and what looks like a mistake but is none for sure.

use crate::domain::campaign::{Campaign, DayRange, NumberRange, Once, RankMove, RankRange, WhereTest};
use crate::domain::ladder::{Down, Review, Window};
use crate::domain::offer::{OfferKind, Valid};
use crate::domain::{Currency, Job};
use chrono::{NaiveDate, NaiveTime, TimeZone};
use croner::Cron;
use std::str::FromStr;

/// Warnings that hold on any date.
pub fn standing_warnings(job: &Job) -> Vec<String> {
    let mut warnings = Vec::new();
    if !job.campaigns.is_empty() {
        match &job.customers {
            None => warnings.push("there is no [customers], so nobody has an address: every mail will be skipped".to_owned()),
            Some(list) => {
                if list.email.is_none() {
                    warnings.push("no `email` in [customers.columns]: every mail will be skipped (no_address)".to_owned());
                }
                if list.consent.is_none() {
                    warnings.push("no `consent` in [customers.columns]: every mail will be skipped (no_consent)".to_owned());
                }
            }
        }
    }
    if !job.mail.unsubscribe.contains("{token}") {
        warnings.push("`unsubscribe` has no {token}: the page cannot tell who opts out".to_owned());
    }
    let dated = job.campaigns.iter().filter_map(|campaign| campaign.when.dates.map(|dates| (campaign, dates)));
    for (campaign, (first, last)) in dated {
        if !due_within(job, first, last) {
            let name = &campaign.name;
            warnings
                .push(format!("campaign `{name}`: `schedule` has no due time from {first} to {last}; only a run by hand would mail it"));
        }
    }
    warnings
}

/// Whether the schedule comes due in these days. True when there is no schedule.
fn due_within(job: &Job, first: NaiveDate, last: NaiveDate) -> bool {
    let Some(cron) = job.schedule.as_deref().and_then(|line| Cron::from_str(line).ok()) else { return true };
    let Some(start) = job.zone.0.from_local_datetime(&first.and_time(NaiveTime::MIN)).earliest() else { return true };
    cron.find_next_occurrence(&start, true).map_or(true, |due| due.date_naive() <= last)
}

/// Warnings as of a date: the standing ones, and dates that are past.
#[must_use]
pub fn warnings(job: &Job, as_of: NaiveDate) -> Vec<String> {
    let mut warnings = job.warnings.clone();
    for campaign in &job.campaigns {
        let name = &campaign.name;
        if let Some((_, last)) = campaign.when.dates.filter(|(_, last)| *last < as_of) {
            warnings.push(format!("campaign `{name}`: its `dates` ended on {last}; take it out or move them"));
        }
        let Some(offer) = &campaign.offer else { continue };
        if let Some(Valid::Until(last)) = offer.valid.filter(|valid| matches!(valid, Valid::Until(last) if *last < as_of)) {
            warnings.push(format!("campaign `{name}`: its offer was valid until {last}; move `valid`"));
        }
        if let OfferKind::Invitation { on: Some(day), .. } = &offer.kind
            && *day < as_of
        {
            warnings.push(format!("campaign `{name}`: it invites to {day}, which is past; move `on`"));
        }
    }
    warnings
}

/// How ranges and dates were understood: one line for the ranks and one for each campaign.
#[must_use]
pub fn echo(job: &Job) -> Vec<String> {
    let ladder = &job.ladder;
    let window = match ladder.window {
        Window::Months(months) => counted(months, "month"),
        Window::Days(days) => counted(days, "day"),
    };
    let review = match (&ladder.review, ladder.down) {
        (_, Down::Never) => "no rank falls".to_owned(),
        (Review::Monthly, _) => "reviews on the 1st of each month".to_owned(),
        (Review::Dates(days), _) => {
            let days: Vec<_> = days.iter().map(|(month, day)| format!("{month:02}-{day:02}")).collect();
            format!("reviews on {} of each year", days.join(", "))
        }
    };
    let names: Vec<_> = ladder.ranks.iter().map(|rank| rank.name.as_str()).collect();
    let of = ladder.of.as_ref().map_or_else(String::new, |of| format!(" (decided by `{of}`)"));
    let mut lines = vec![format!("ranks{of}: {}; orders of {window}; {review}", names.join(" < "))];
    lines.extend(job.campaigns.iter().map(|campaign| format!("{}: {}", campaign.name, campaign_line(job, campaign))));
    lines
}

fn counted(number: u32, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn campaign_line(job: &Job, campaign: &Campaign) -> String {
    let ranks = match &campaign.ranks {
        RankRange::NoRank => "people without a rank".to_owned(),
        RankRange::Ranks(ranks) => ranks.iter().map(|rank| job.ladder.name(*rank)).collect::<Vec<_>>().join(", "),
    };
    let mut parts = vec![ranks];
    conditions(job, campaign, &mut parts);
    match campaign.once {
        Once::Occasion => {}
        Once::Month => parts.push("once a month".to_owned()),
        Once::Months(months) => parts.push(format!("once in {}", counted(months, "month"))),
        Once::Year => parts.push("once a year".to_owned()),
        Once::Ever => parts.push("once ever".to_owned()),
        Once::EveryRun => parts.push("at every run".to_owned()),
    }
    if let Some(Valid::Until(last)) = campaign.offer.as_ref().and_then(|offer| offer.valid) {
        parts.push(format!("offer until {last}"));
    }
    parts.join("; ")
}

fn conditions(job: &Job, campaign: &Campaign, parts: &mut Vec<String>) {
    let when = &campaign.when;
    parts.extend(when.birthday.map(|days| format!("birthday {}", days_of(days))));
    parts.extend(when.anniversary.map(|days| format!("anniversary {}", days_of(days))));
    if let Some(months) = &when.month {
        let months: Vec<_> = months.iter().map(u32::to_string).collect();
        parts.push(format!("as of month {}", months.join(", ")));
    }
    parts.extend(when.dates.map(|(first, last)| format!("as of {first} to {last}, both included")));
    let numbers = [
        ("days since the last order", when.days_since_last_order),
        ("days since the first order", when.days_since_first_order),
        ("orders in the window", when.orders),
        ("orders ever", when.orders_ever),
    ];
    parts.extend(numbers.into_iter().filter_map(|(name, range)| range.map(|range| format!("{name} {}", range_of(range, None)))));
    let amounts = [("spend in the window", when.spend), ("spend ever", when.spend_ever)];
    parts.extend(
        amounts.into_iter().filter_map(|(name, range)| range.map(|range| format!("{name} {}", range_of(range, Some(&job.currency))))),
    );
    parts.extend(when.rank.map(|moved| {
        let word = match moved {
            RankMove::Up => "rank went up",
            RankMove::Down => "rank went down",
            RankMove::New => "rank is new",
            RankMove::AtRisk => "rank is at risk",
        };
        word.to_owned()
    }));
    parts.extend(when.bought.as_ref().map(|found| format!("bought any of {}", found.names.join(", "))));
    parts.extend(when.not_bought.as_ref().map(|found| format!("bought none of {}", found.names.join(", "))));
    parts.extend(campaign.wheres.iter().map(|test| {
        let what = match &test.test {
            WhereTest::OneOf(values) => format!("is {}", values.join(" or ")),
            WhereTest::Range(range) => format!("is {}", range_of(*range, None)),
            WhereTest::DateRange { from, to } => {
                let end = |day: &Option<NaiveDate>, word: &str| day.map_or_else(String::new, |day| format!(" {word} {day}"));
                format!("is{}{}", end(from, "from"), end(to, "to"))
            }
            WhereTest::Missing(true) => "is missing".to_owned(),
            WhereTest::Missing(false) => "is there".to_owned(),
        };
        format!("`{}` {what}", test.column)
    }));
}

fn days_of(days: DayRange) -> String {
    match days {
        DayRange::ThisMonth => "this month".to_owned(),
        DayRange::NextMonth => "next month".to_owned(),
        DayRange::ThisWeek => "this week, Monday to Sunday".to_owned(),
        DayRange::Today => "today".to_owned(),
        DayRange::InDays(days) => format!("in {}", counted(days, "day")),
    }
}

/// A range in words; amounts are minor units.
fn range_of(range: NumberRange, currency: Option<&Currency>) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "amounts are whole and below 9e15")]
    let show = |number: f64| currency.map_or_else(|| number.to_string(), |currency| currency.show(number as i64));
    match (range.from, range.to) {
        (Some(from), Some(to)) if from.total_cmp(&to).is_eq() => show(from),
        (Some(from), Some(to)) => format!("{} to {}", show(from), show(to)),
        (Some(from), None) => format!("{} or more", show(from)),
        (None, Some(to)) => format!("{} or less", show(to)),
        (None, None) => "any".to_owned(),
    }
}
