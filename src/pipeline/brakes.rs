//! Brakes: what looks so unlike the last run that a person should look before mails leave.

use super::absent;
use super::error::Error;
use super::list::List;
use crate::domain::job::ConsentSource;
use crate::domain::money::{grouped, many};
use crate::domain::plan::Summary;
use crate::domain::{Channel, Job, SkipReason};
use chrono::{Days, NaiveDate};
use std::collections::VecDeque;

/// A size must have moved by more people than this, too, before the audience brake minds.
const FEW_PEOPLE: u64 = 50;
/// How many settled mails the failures brake looks back on.
pub const FAILURE_SAMPLE: usize = 200;
const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// The brakes that a plan would trip: name and what was seen.
pub fn on_plan(job: &Job, now: &Summary, before: Option<&Summary>, customers: &List) -> Result<Vec<(String, String)>, Error> {
    let checks = [
        ("audience", audience(job, now, before)),
        ("stale", stale(job, now)),
        ("history", history(job, now, before)),
        ("names", names(job, now)),
        ("consent", consent(job, now, customers)?.or_else(|| reach(job, now))),
        ("budget", budget(job, now)),
        ("too-few-codes", too_few_codes(job, now)),
    ];
    Ok(checks.into_iter().filter_map(|(name, seen)| seen.map(|seen| (name.to_owned(), seen))).collect())
}

fn audience(job: &Job, now: &Summary, before: Option<&Summary>) -> Option<String> {
    let limit = job.brakes.audience?;
    let before = before?;
    let moved = |old: u64, new: u64| {
        let by = old.abs_diff(new);
        by > FEW_PEOPLE && ratio(by, old) > limit
    };
    if moved(before.counts.mails, now.counts.mails) {
        let (new, old) = (grouped(now.counts.mails), grouped(before.counts.mails));
        return Some(job.language.pick(
            format!("メール {new} 通、前回は {old} 通"),
            format!("{}, the last run had {old}", many(now.counts.mails, "mail", "mails")),
        ));
    }
    // A rank that was renamed is the same people.
    let former = |rank: &str| -> u64 {
        let old = before.ranks.iter().zip(&before.counts.rank_sizes);
        old.filter(|(name, _)| job.ladder.find_or_was(name).is_some_and(|at| job.ladder.name(at) == rank)).map(|(_, size)| size).sum()
    };
    now.ranks.iter().zip(&now.counts.rank_sizes).find_map(|(rank, new)| {
        let old = former(rank);
        let (was, is) = (grouped(old), grouped(*new));
        let said = || {
            job.language.pick(
                format!("ランク {rank} が {is} 人、前回は {was} 人"),
                format!("rank {rank} has {}, the last run had {was}", many(*new, "customer", "customers")),
            )
        };
        moved(old, *new).then(said)
    })
}

fn stale(job: &Job, now: &Summary) -> Option<String> {
    let days = job.brakes.stale_days?;
    let Some(newest) = now.counts.newest else {
        return Some(job.language.pick("購入が 1 件もありません", "there is no purchase at all").to_owned());
    };
    // Days of the calendar: around a change of the clocks a day is not 24 hours.
    let oldest_allowed = now.as_of.checked_sub_days(Days::new(days.into())).map_or(i64::MIN, |day| job.zone.midnight(day));
    let on = job.zone.date(newest)?;
    let as_of = now.as_of;
    let said = || {
        job.language.pick(
            format!("最新の購入が {on} で、{as_of} の {days} 日前より古いままです"),
            format!("the newest purchase is of {on}, more than {} before {as_of}", many(u64::from(days), "day", "days")),
        )
    };
    (newest < oldest_allowed).then(said)
}

fn history(job: &Job, now: &Summary, before: Option<&Summary>) -> Option<String> {
    let limit = job.brakes.history?;
    let (old, new) = (before?.counts.lines, now.counts.lines_before_previous);
    let as_of = now.previous?;
    let (was, is) = (grouped(old), grouped(new));
    let said = || {
        job.language.pick(
            format!("{as_of} より前の明細が {is} 行、その日の実行では {was} 行でした。過去のデータが変わっています"),
            format!("{is} purchase lines before {as_of}, the run of that date saw {was}: old data has changed"),
        )
    };
    (ratio(old.abs_diff(new), old) > limit).then(said)
}

fn names(job: &Job, now: &Summary) -> Option<String> {
    let limit = job.brakes.names?;
    let (nameless, mails) = (now.counts.nameless, now.counts.mails);
    let (part, all) = (grouped(nameless), grouped(mails));
    let said = || {
        job.language.pick(
            format!("メール {all} 通のうち {part} 通に名前がありません"),
            format!("{part} of {} {} without a name", many(mails, "mail", "mails"), if nameless == 1 { "greets" } else { "greet" }),
        )
    };
    (ratio(nameless, mails) > limit).then(said)
}

fn budget(job: &Job, now: &Summary) -> Option<String> {
    let limit = job.brakes.budget?;
    let (cost, most) = (job.currency.show(now.counts.offer_exposure), job.currency.show(limit));
    let said = || {
        job.language.pick(
            format!("特典の費用が {cost}、上限の目安は {most} です"),
            format!("the offers cost {cost} when all are used, more than {most}"),
        )
    };
    (now.counts.offer_exposure > limit).then(said)
}

fn too_few_codes(job: &Job, now: &Summary) -> Option<String> {
    let short = now.counts.pools.iter().filter(|used| used.missing > 0);
    let said = short.filter_map(|used| {
        let (name, missing, free) = (now.campaigns.get(used.campaign)?, grouped(used.missing), grouped(used.free));
        Some(job.language.pick(
            format!("{name} のコードは {free} 件で、{missing} 人分足りません"),
            format!("{name} has {} left and {} too many", many(used.free, "code", "codes"), many(used.missing, "customer", "customers")),
        ))
    });
    Some(said.collect::<Vec<_>>().join(job.language.pick("、", "; "))).filter(|said| !said.is_empty())
}

/// A list in which nobody consents has most likely another word for it than the job.
fn consent(job: &Job, now: &Summary, customers: &List) -> Result<Option<String>, Error> {
    let Some(list) = &job.customers else { return Ok(None) };
    let ways = &list.contacts;
    let asked = [
        (Channel::Mail, "consent", &list.consent),
        (Channel::Post, "post_consent", &ways.post_consent),
        (Channel::Line, "line_consent", &ways.line_consent),
        (Channel::Call, "call_consent", &ways.call_consent),
    ];
    let stops_some = |channel: Channel| {
        let skips = job.campaigns.iter().zip(&now.counts.skips).filter(|(campaign, _)| campaign.goes_by(channel));
        skips.flat_map(|(_, skips)| skips).any(|(reason, _)| *reason == SkipReason::NoConsent)
    };
    let nobody = |channel: Channel| customers.facts().consents.contains(&(channel, false));
    let found = asked
        .into_iter()
        .find_map(|(channel, key, source)| source.as_ref().filter(|_| nobody(channel) && stops_some(channel)).map(|source| (key, source)));
    let told = |(key, source): (&str, &ConsentSource)| -> Result<String, Error> {
        let (column, people) = (&source.column, grouped(customers.facts().customers as u64));
        let held = absent::some_values(customers, column)?;
        let yes = source.yes.as_ref().map(|yes| yes.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", "));
        Ok(match yes {
            Some(yes) => job.language.pick(
                format!("顧客リスト {people} 人のだれも同意していません。列 `{column}` の値は {held} で、`{key}` の yes = [{yes}] に当たるものがありません。同意を表す値を `yes` に書いてください"),
                format!("none of the {people} in the customer list consents: the column `{column}` holds {held}, and `{key}` has yes = [{yes}]; write the value that means consent into `yes`"),
            ),
            None => job.language.pick(
                format!("顧客リスト {people} 人のだれも同意していません。`{key}` の列 `{column}` の値は {held} です。列が正しいか確かめてください"),
                format!("none of the {people} in the customer list consents: the column `{column}`, which is `{key}`, holds {held}; see whether it is the right one"),
            ),
        })
    };
    found.map(told).transpose()
}

/// A plan that matches people and reaches none of them, for want of consent or of an address: a column is most likely the wrong one.
fn reach(job: &Job, now: &Summary) -> Option<String> {
    let list = job.customers.as_ref()?;
    let count = |wanted: SkipReason| -> u64 {
        now.counts.skips.iter().flatten().filter(|(reason, _)| *reason == wanted).map(|(_, count)| count).sum()
    };
    let reasons = [SkipReason::NoConsent, SkipReason::NoAddress, SkipReason::BadAddress].map(|reason| (reason, count(reason)));
    let (skipped, matched) = (reasons.iter().map(|(_, count)| count).sum::<u64>(), now.counts.matched);
    let addresses = skipped - reasons[0].1;
    if addresses == 0 || skipped < matched {
        return None;
    }
    let told = reasons.iter().filter(|(_, count)| *count > 0);
    let told = told.map(|(reason, count)| format!("{} {}", reason.told(job.language), grouped(*count))).collect::<Vec<_>>();
    let matched = grouped(matched);
    let column = list.email.as_ref().map_or_else(String::new, |column| {
        job.language.pick(
            format!("。`email` の列は `{column}` です。列が正しいか確かめてください"),
            format!("; `email` is the column `{column}`; see whether it is the right one"),
        )
    });
    Some(job.language.pick(
        format!("条件に合う {matched} 件のどれも届きません（{}）{column}", told.join("、")),
        format!("none of the {matched} that match can be reached ({}){column}", told.join(", ")),
    ))
}

/// Whether an as-of date is so far ahead that it was hardly meant: adopting it closes every date before it.
pub fn on_future(job: &Job, as_of: NaiveDate, newest: Option<i64>, now: i64) -> Option<(String, String)> {
    let days = job.brakes.future_days?;
    let today = job.zone.date(now)?;
    let newest = newest.and_then(|newest| job.zone.date(newest)).unwrap_or(today);
    let last = today.max(newest).checked_add_days(Days::new(days.into()))?;
    let said = || {
        job.language.pick(
            format!("{as_of} は今日（{today}）からも最新の購入（{newest}）からも {days} 日より先です。送ると {as_of} より前の日付はもう送れません。`--as-of` を確かめてください"),
            format!("{as_of} is more than {days} days after today ({today}) and after the newest purchase ({newest}), and once it is sent every date before it is closed; look at `--as-of`"),
        )
    };
    (as_of > last).then(|| ("future".to_owned(), said()))
}

/// Whether a plan has grown too old to be sent without another look.
pub fn on_age(job: &Job, planned_at: i64, now: i64) -> Option<(String, String)> {
    let days = job.brakes.old_plan_days?;
    let age = now.saturating_sub(planned_at) / MICROS_PER_DAY;
    (now.saturating_sub(planned_at) > i64::from(days) * MICROS_PER_DAY)
        .then(|| ("old-plan".to_owned(), job.language.pick(format!("{age} 日前の計画です"), format!("it was planned {age} days ago"))))
}

/// Whether a due time has passed by too long ago.
pub fn on_late(job: &Job, due: i64, now: i64) -> Option<(String, String)> {
    let hours = job.brakes.late_hours?;
    let late = now.saturating_sub(due);
    let ago = late / MICROS_PER_HOUR;
    let said = || {
        job.language
            .pick(format!("予定を {ago} 時間過ぎています（{hours} 時間まで）"), format!("it was due {ago} hours ago, more than {hours}"))
    };
    (late > i64::from(hours) * MICROS_PER_HOUR).then(|| ("late".to_owned(), said()))
}

/// Whether too many of the last mails, as many as [`FAILURE_SAMPLE`], were refused for good.
pub fn on_failures(job: &Job, refused: &VecDeque<bool>) -> Option<(String, String)> {
    let limit = job.brakes.failures.filter(|_| refused.len() >= FAILURE_SAMPLE)?;
    let count = refused.iter().filter(|refused| **refused).count();
    let said = || {
        job.language.pick(
            format!("最近の {FAILURE_SAMPLE} 通のうち {count} 通が拒否されました"),
            format!("{count} of the last {FAILURE_SAMPLE} mails were refused for good"),
        )
    };
    (ratio(count as u64, FAILURE_SAMPLE as u64) > limit).then(|| ("failures".to_owned(), said()))
}

/// Stops at the first tripped brake that nobody accepted.
pub fn stop(job: &Job, tripped: &[(String, String)], accepted: &[String]) -> Result<(), Error> {
    match tripped.iter().find(|(name, _)| !accepted.contains(name)) {
        Some((name, seen)) => Err(Error::Brake { name: name.clone(), seen: seen.clone(), language: job.language }),
        None => Ok(()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of people needs no more than 52 bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { if part == 0 { 0.0 } else { f64::INFINITY } } else { part as f64 / whole as f64 }
}
