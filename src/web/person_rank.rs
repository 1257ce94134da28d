//! The rank of one person in words: what the plan says, the conditions behind it, what is missing to rise and to stay.

use super::person::tone_of;
use super::sheet;
use super::words::counted;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::domain::orders::LineFate;
use crate::domain::plan::CustomerRow;
use crate::domain::points::Holding;
use crate::domain::{Currency, Job, RankChange, Value};
use crate::pipeline::studio::{Person, Ready};
use crate::pipeline::{Explanation, Known, Purpose, Studio};
use serde::Serialize;

/// The rank of one person.
#[derive(Serialize)]
pub struct Shown {
    rank: String,
    tone: &'static str,
    change: &'static str,
    facts: Vec<(&'static str, String)>,
    /// What is missing, in sentences.
    distances: Vec<String>,
    checks: Vec<Check>,
    points: Vec<String>,
}

#[derive(Serialize)]
struct Check {
    rank: String,
    metric: String,
    found: String,
    wanted: String,
    holds: bool,
}

impl Shown {
    pub fn of(studio: &Studio, person: &Person) -> Self {
        let (job, language) = (&studio.planned, studio.job.language);
        let known = match &person.explained {
            Ready::Yes(Some(explained)) => Some(&explained.explanation).and_then(|explanation| explanation.known.as_ref()),
            _ => None,
        };
        let checks = known.map_or_else(Vec::new, |known| known.checks.iter().map(|check| Check::of(job, check)).collect());
        let Some(planned) = &person.planned else {
            let rank = language.pick("計画にいません", "not in the plan").to_owned();
            return Self { rank, tone: "kept", change: "", facts: Vec::new(), distances: Vec::new(), checks, points: Vec::new() };
        };
        Self {
            rank: planned.rank.clone().unwrap_or_else(|| language.pick("ランクなし", "no rank").to_owned()),
            tone: tone_of(person, job),
            change: if planned.rank_change == RankChange::None { "" } else { planned.rank_change.told(language) },
            facts: facts(studio, planned, known),
            distances: distances(job, language, planned, known),
            checks,
            points: points(language, &job.currency, &planned.holding),
        }
    }
}

impl Shown {
    /// On paper: lines of the rank with what is known of it, and of each condition.
    pub fn lines(&self) -> (usize, Vec<usize>) {
        let told = self.distances.iter().chain(&self.points).map(|line| sheet::lines(line, sheet::HALF - 4)).sum::<usize>();
        let facts = self.facts.iter().map(|(name, value)| sheet::lines(&format!("{name} {value}"), sheet::HALF)).sum::<usize>();
        let checks = self.checks.iter().map(|check| {
            let letters = check.metric.len().max(1) + check.found.len() + check.wanted.len();
            sheet::lines(&check.rank, 10).max(letters.div_ceil(sheet::HALF))
        });
        (2 + told + facts, checks.collect())
    }
}

impl Check {
    fn of(job: &Job, check: &crate::pipeline::RankCheck) -> Self {
        let purpose = match check.purpose {
            Purpose::Admits => "",
            Purpose::Keeps => job.language.pick("（維持）", " (to keep)"),
        };
        Self {
            rank: check.rank.clone(),
            metric: format!("{}{purpose}", metric(job.language, check.metric)),
            found: figure(job, check.metric, &check.found),
            wanted: figure(job, check.metric, &check.wanted),
            holds: check.holds,
        }
    }
}

/// A key of the job file in words.
fn metric(language: Language, key: &str) -> &str {
    let (ja, en) = match key {
        "orders" => ("期間の注文", "orders in the window"),
        "spend" => ("期間の金額", "spend in the window"),
        "orders_ever" => ("通算の注文", "orders ever"),
        "spend_ever" => ("通算の金額", "spend ever"),
        "tenure_months" => ("お取引の期間", "time as a customer"),
        "top" => ("上位", "the top"),
        other => (other, other),
    };
    language.pick(ja, en)
}

fn figure(job: &Job, metric: &str, value: &Value) -> String {
    match value {
        Value::Int(amount) if ["spend", "spend_ever", "top"].contains(&metric) => job.currency.show(*amount),
        Value::Int(months) if metric == "tenure_months" => counted(job.language, months.unsigned_abs(), "か月", "month", "months"),
        Value::Int(number) => number.to_string(),
        Value::Date(day) => job.language.pick(format!("{day} から"), format!("from {day}")),
        _ => "–".to_owned(),
    }
}

fn facts(studio: &Studio, planned: &CustomerRow, known: Option<&Known>) -> Vec<(&'static str, String)> {
    let (job, summary, language) = (&studio.planned, studio.summary(), studio.job.language);
    let none = || language.pick("なし", "none").to_owned();
    let day = |at: Option<i64>| at.and_then(|at| job.zone.date(at)).map(|day| day.to_string());
    let sum = |orders: i64, spend: i64| {
        format!("{} · {}", counted(language, orders.unsigned_abs(), "回", "order", "orders"), job.currency.show(spend))
    };
    let mut facts = vec![
        (language.pick("前回のランク", "Rank before"), planned.previous_rank.clone().unwrap_or_else(none)),
        (language.pick("条件上のランク", "Qualifies for"), planned.qualifies.clone().unwrap_or_else(none)),
        (language.pick("締め日", "Closing"), summary.closing.to_string()),
    ];
    let mut fact = |label: &'static str, value: Option<String>| facts.extend(value.map(|value| (label, value)));
    fact(language.pick("このランクになった日", "In this rank since"), planned.rank_since.map(|day| day.to_string()));
    fact(language.pick("期間の注文", "In the window"), Some(sum(planned.orders, planned.spend)));
    fact(language.pick("通算", "Ever"), Some(sum(planned.orders_ever, planned.spend_ever)));
    fact(language.pick("最初の注文", "First order"), day(planned.first_order_at));
    fact(language.pick("最後の注文", "Last order"), day(planned.last_order_at));
    let missed = language.pick(format!("{} 回", planned.missed_reviews), planned.missed_reviews.to_string());
    fact(language.pick("見直しで届かなかった回数", "Reviews missed in a row"), (planned.missed_reviews > 0).then_some(missed));
    let safe = planned.safe_until.map(|day| language.pick(format!("{day} まで"), format!("until {day}")));
    fact(language.pick("下がらない期間", "Safe"), safe);
    let given = known.and_then(|known| known.given).map(|given| {
        let until = given.until.map_or_else(String::new, |day| language.pick(format!("（{day} まで）"), format!(" until {day}")));
        let over = if given.lasts(summary.closing) { "" } else { language.pick("。期限切れです", "; that is over") };
        let name = studio.job.ladder.name(given.rank);
        language.pick(format!("{name} 以上{until}{over}"), format!("{name} at least{until}{over}"))
    });
    fact(language.pick("手動の指定", "Given by hand"), given);
    fact(language.pick("対照群", "Holdout"), planned.holdout.then(|| language.pick("はい", "yes").to_owned()));
    let unlisted = known.filter(|known| !known.listed).map(|_| language.pick("いません", "no").to_owned());
    fact(language.pick("顧客リスト", "In the customer list"), unlisted);
    facts
}

/// What is missing to the next rank, and to keep this one.
fn distances(job: &Job, language: Language, planned: &CustomerRow, known: Option<&Known>) -> Vec<String> {
    let mut told = Vec::new();
    told.extend(to_next(job, language, planned));
    let Some(by) = planned.keep_last_day.or(planned.keep_by) else { return told };
    let rank = planned.rank.as_deref().unwrap_or_default();
    let short = missing(job, language, planned.keep_orders, planned.keep_spend);
    let out_of_reach = known.is_some_and(|known| known.standing.keep_out_of_reach);
    told.push(if out_of_reach {
        language.pick(
            format!("{rank} の維持（{by} まで）: 取引期間の条件、または注文の確定が間に合いません"),
            format!("to keep {rank} by {by}: out of reach, the tenure or what is bought now comes too late"),
        )
    } else if short.is_empty() {
        language.pick(format!("{rank} の維持（{by} まで）: 達成済み"), format!("to keep {rank} by {by}: already safe"))
    } else {
        language.pick(format!("{rank} の維持（{by} まで）: あと {short}"), format!("to keep {rank} by {by}: {short} missing"))
    });
    told
}

/// What is missing to the next rank. Time passes by itself: it is told as the day on which there is enough of it.
fn to_next(job: &Job, language: Language, planned: &CustomerRow) -> Option<String> {
    let next = planned.next_rank.as_ref()?;
    let missing = missing(job, language, planned.next_orders, planned.next_spend);
    if missing.is_empty() {
        return planned.next_on.map(|day| {
            language.pick(
                format!("{next} の条件のうち、足りないのはお取引の期間だけです。{day} に満たします"),
                format!("to {next} only time is missing: on {day} the first order is long enough ago"),
            )
        });
    }
    let by = planned.next_last_day.map_or_else(String::new, |day| language.pick(format!("（{day} までに）"), format!(" by {day}")));
    let also = planned.next_on.map_or_else(String::new, |day| {
        language.pick(format!("。お取引の期間は {day} に満たします"), format!("; the first order is long enough ago on {day}"))
    });
    Some(language.pick(format!("{next} まであと {missing}{by}{also}"), format!("{missing} missing to {next}{by}{also}")))
}

fn missing(job: &Job, language: Language, orders: Option<i64>, spend: Option<i64>) -> String {
    let orders = orders.filter(|count| *count > 0).map(|count| counted(language, count.unsigned_abs(), "回", "order", "orders"));
    let spend = spend.filter(|amount| *amount > 0).map(|amount| job.currency.show(amount));
    orders.into_iter().chain(spend).collect::<Vec<_>>().join(" · ")
}

fn points(language: Language, currency: &Currency, holding: &Holding) -> Vec<String> {
    let number = |points: i64| format!("{}{}", if points < 0 { "−" } else { "" }, grouped(points.unsigned_abs()));
    let mut told = Vec::new();
    if let Some(points) = holding.points {
        told.push(language.pick(format!("残高 {}", number(points.balance)), format!("balance {}", number(points.balance))));
        if let Some(day) = points.expire_on {
            let expiring = number(points.expiring);
            told.push(language.pick(format!("{expiring} が {day} まで"), format!("{expiring} can be used until {day}")));
        }
    }
    let cashback = &holding.cashback;
    let paid = cashback.points.map(number).or_else(|| cashback.amount.map(|amount| currency.show(amount)));
    told.extend(paid.map(|paid| language.pick(format!("今回の還元 {paid}"), format!("paid back now: {paid}"))));
    told
}

/// How an order counts for the rank, and whether it does.
pub fn verdict(job: &Job, explanation: &Explanation, at: i64, net: i64, counted: bool) -> (&'static str, bool) {
    let dates = &explanation.dates;
    let language = job.language;
    if !counted {
        return (language.pick("集計外", "left out"), false);
    }
    let Some(day) = job.zone.date(at) else { return ("", false) };
    if day >= dates.closing {
        return (language.pick("判定日より後（次回に反映）", "after the closing: counts next time"), false);
    }
    if day >= dates.settled {
        return (language.pick("返品期間中（確定後に反映）", "not settled yet: counts when it cannot come back any more"), false);
    }
    match (net > 0, day >= dates.window_start) {
        (true, true) => (language.pick("期間内", "in the window"), true),
        (true, false) => (language.pick("期間より前（通算のみ）", "before the window: counts for all time"), false),
        (false, _) => (language.pick("返品・差引（金額のみ）", "not positive: its sum counts, the order does not"), false),
    }
}

/// Why a line does not count.
pub fn fate(language: Language, fate: &LineFate) -> String {
    match fate {
        LineFate::Counted => String::new(),
        LineFate::LeftOut { column, value, .. } => {
            let value = value.as_deref().unwrap_or(language.pick("空欄", "nothing"));
            language.pick(format!("{column} が {value}"), format!("{column} is {value}"))
        }
        LineFate::Later => language.pick("基準日以降", "on or after the as-of date").to_owned(),
        LineFate::Bad(what) => what.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_somebody_is_a_customer_is_not_told_by_the_first_order() {
        // The list may know of a relationship that is older than the purchases.
        assert_eq!(metric(Language::En, "tenure_months"), "time as a customer");
    }
}
