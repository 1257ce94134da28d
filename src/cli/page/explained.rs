//! One customer explained: the rank and the figures behind it, the orders that counted and those left out, every campaign.

use super::super::table;
use super::super::words::{self, pick};
use super::{BOLD, FAINT, colour, heading, points};
use crate::domain::job::Language;
use crate::domain::orders::LineFate;
use crate::domain::standing::Given;
use crate::domain::{Channel, HistoryLine, Job, Standing, Value};
use crate::pipeline::{Explanation, PairFate, Purpose};
use anstyle::AnsiColor;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Room for an amount: most have no more letters.
const AMOUNT: usize = 10;

/// The whole explanation.
pub fn explained(job: &Job, explanation: &Explanation) -> String {
    let language = job.language;
    let mut out = format!("{BOLD}{}{BOLD:#} · {}\n", explanation.customer, explanation.dates.as_of);
    if let Some(old) = &explanation.merged {
        let now = &explanation.customer;
        out += &format!("  {}\n", language.pick(format!("{old} は {now} に統合されています。"), format!("{old} is now {now}.")));
    }
    if let Some(why) = &explanation.excluded {
        out += &format!("  {}: {why}\n", pick(language, "対象外のお客様（顧客リストの除外条件）", "excluded by the customer list"));
    }
    out += &rank(job, explanation);
    out += &explanation.known.as_ref().map(|known| points::account(job, known)).unwrap_or_default();
    out += &orders(job, explanation);
    out += &campaigns(job, explanation);
    out
}

fn rank(job: &Job, explanation: &Explanation) -> String {
    let Some(known) = &explanation.known else { return String::new() };
    let language = job.language;
    let standing = &known.standing;
    let name = |rank: Option<u8>| rank.map_or(pick(language, "なし", "none"), |rank| job.ladder.name(rank)).to_owned();
    let mut out = heading(&format!("{} {}", pick(language, "ランク", "Rank"), name(standing.rank)));
    out += &format!(
        "  {} · {} {} · {} {} · {} {}\n",
        standing.change.told(language),
        pick(language, "前回", "before"),
        name(standing.previous),
        pick(language, "条件上は", "qualifies for"),
        name(standing.qualifies),
        pick(language, "締め日", "closing"),
        explanation.dates.closing,
    );
    if let Some(household) = &known.household {
        let (name, members) = (&household.name, household.members.join(", "));
        out += &format!(
            "  {}\n",
            language.pick(format!("世帯 {name} の合算です: {members}"), format!("Figures of household {name} together: {members}"))
        );
    }
    let features = &known.features;
    out += &format!(
        "  {} {}～{}: {} {} · {}; {}: {} · {}\n",
        pick(language, "期間", "window"),
        explanation.dates.window_start,
        explanation.dates.closing,
        features.orders,
        pick(language, "回", "orders"),
        job.currency.show(features.spend),
        pick(language, "通算", "ever"),
        features.orders_ever,
        job.currency.show(features.spend_ever),
    );
    for check in &known.checks {
        let (mark, style) = if check.holds { ("✓", colour(AnsiColor::Green)) } else { ("✗", colour(AnsiColor::Red)) };
        let purpose = match check.purpose {
            Purpose::Admits => "",
            Purpose::Keeps => pick(language, "（維持）", " (to keep)"),
        };
        let (found, wanted) = (figure(job, check.metric, &check.found), figure(job, check.metric, &check.wanted));
        out += &format!("  {style}{mark}{style:#} {}{purpose} {}: {found} / {wanted}\n", check.rank, check.metric);
    }
    let distance = distance(job, standing.next_orders, standing.next_spend, standing.next_on);
    if standing.next_rank.is_some() && !distance.is_empty() {
        out += &format!("  → {}: {distance}\n", name(standing.next_rank));
    }
    if let Some(by) = standing.keep_by {
        out += &format!("  {} {by}: {}\n", pick(language, "維持の判定", "to keep it at"), distance_to_keep(job, standing));
    }
    if let Some(given) = known.given {
        out += &format!("  {}\n", given_by_hand(job, given, explanation.dates.closing));
    }
    if known.holdout {
        out += &format!("  {}\n", pick(language, "対照群です。", "In the holdout."));
    }
    if !known.listed {
        out += &format!("  {}\n", pick(language, "顧客リストにいません。", "Not in the customer list."));
    }
    out
}

/// The rank that the customer list gives, and whether it still does.
fn given_by_hand(job: &Job, given: Given, closing: NaiveDate) -> String {
    let name = job.ladder.name(given.rank);
    let until = given.until.map_or_else(String::new, |day| job.language.pick(format!("（{day} まで）"), format!(" until {day}")));
    let over = if given.lasts(closing) { "" } else { pick(job.language, "。期限切れです", "; that is over") };
    job.language.pick(format!("手動で {name} 以上に指定{until}{over}"), format!("given by hand: {name} at least{until}{over}"))
}

/// A figure of a check, money as money.
fn figure(job: &Job, metric: &str, value: &Value) -> String {
    match value {
        Value::Int(amount) if ["spend", "spend_ever", "top"].contains(&metric) => job.currency.show(*amount),
        Value::Int(months) if metric == "tenure_months" => {
            format!("{months} {}", pick(job.language, "か月", if *months == 1 { "month" } else { "months" }))
        }
        Value::Int(number) => number.to_string(),
        Value::Date(day) => job.language.pick(format!("{day} から"), format!("from {day}")),
        _ => "-".to_owned(),
    }
}

/// What is missing, metric by metric; nothing where nothing is.
fn distance(job: &Job, orders: Option<i64>, spend: Option<i64>, on: Option<NaiveDate>) -> String {
    let word = |count: i64| pick(job.language, "回", if count == 1 { "order" } else { "orders" });
    let orders = orders.filter(|count| *count > 0).map(|count| format!("{count} {}", word(count)));
    let spend = spend.filter(|amount| *amount > 0).map(|amount| job.currency.show(amount));
    let on = on.map(|day| day.to_string());
    orders.into_iter().chain(spend).chain(on).collect::<Vec<_>>().join(" · ")
}

fn distance_to_keep(job: &Job, standing: &Standing) -> String {
    if standing.keep_out_of_reach {
        let (ja, en) =
            ("取引期間の条件、または注文の確定が間に合いません", "out of reach: the tenure, or what is bought now, comes too late");
        return pick(job.language, ja, en).to_owned();
    }
    if !standing.at_risk() {
        return pick(job.language, "達成済み", "already safe").to_owned();
    }
    let missing = distance(job, standing.keep_orders, standing.keep_spend, None);
    match job.language {
        Language::Ja => format!("あと {missing}"),
        Language::En => format!("{missing} missing"),
    }
}

/// Lines grouped by order, in the order of time; those without an order id stand alone.
fn orders(job: &Job, explanation: &Explanation) -> String {
    let language = job.language;
    let mut orders: BTreeMap<(i64, String), Vec<&HistoryLine>> = BTreeMap::new();
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    // A line that does not count does not move its order, unless none of them does.
    let counts = |line: &&HistoryLine| line.fate == LineFate::Counted;
    let others = explanation.lines.iter().filter(|line| !counts(line));
    for line in explanation.lines.iter().filter(counts) {
        if let Some(id) = &line.order_id {
            let at = line.at.unwrap_or(i64::MAX);
            first.entry(id).and_modify(|earliest| *earliest = at.min(*earliest)).or_insert(at);
        }
    }
    for line in others {
        if let Some(id) = &line.order_id {
            first.entry(id).or_insert(line.at.unwrap_or(i64::MAX));
        }
    }
    for line in &explanation.lines {
        let key = match &line.order_id {
            Some(id) => (first.get(id.as_str()).copied().unwrap_or(i64::MAX), id.clone()),
            None => (line.at.unwrap_or(i64::MAX), format!("\u{0}{}", line.place)),
        };
        orders.entry(key).or_default().push(line);
    }
    let label = |id: &str| if id.starts_with('\u{0}') { "-".to_owned() } else { id.to_owned() };
    let labels: Vec<String> = orders.keys().map(|(_, id)| label(id)).collect();
    let width = table::widest(labels.iter().map(String::as_str));
    let show = |amount: Option<i64>| table::flush_right(&amount.map_or_else(|| "-".to_owned(), |amount| job.currency.show(amount)), AMOUNT);
    let mut out = heading(pick(language, "注文", "Orders"));
    for (((at, _), lines), label) in orders.iter().zip(&labels) {
        let net: i64 = lines.iter().filter(|line| line.fate == LineFate::Counted).filter_map(|line| line.amount).sum();
        let counted = lines.iter().any(|line| line.fate == LineFate::Counted);
        let day = job.zone.date(*at).map_or_else(|| "-".to_owned(), |day| day.to_string());
        let label = table::flush_left(label, width);
        out += &format!("  {day:10}  {label}  {}  {}\n", show(Some(net)), verdict(job, explanation, *at, net, counted));
        for line in lines.iter().filter(|line| line.fate != LineFate::Counted) {
            let (blank, amount) = (table::flush_left("", width), show(line.amount));
            out += &format!("  {:10}  {FAINT}{blank}  {amount}  {}  ({}){FAINT:#}\n", "", fate(language, &line.fate), line.place);
        }
    }
    out
}

/// How an order counts for the rank.
fn verdict(job: &Job, explanation: &Explanation, at: i64, net: i64, counted: bool) -> String {
    let language = job.language;
    let dates = &explanation.dates;
    let grey = |text: &str| format!("{FAINT}{text}{FAINT:#}");
    if !counted {
        return grey(pick(language, "集計外", "left out"));
    }
    let Some(day) = job.zone.date(at) else { return String::new() };
    if day >= dates.closing {
        return grey(pick(language, "判定日より後（次回に反映）", "after the closing: counts next time"));
    }
    if day >= dates.settled {
        return grey(pick(language, "返品期間中（確定後に反映）", "not settled yet: counts when it cannot come back any more"));
    }
    let green = colour(AnsiColor::Green);
    let text = match (net > 0, day >= dates.window_start) {
        (true, true) => return format!("{green}{}{green:#}", pick(language, "期間内", "in the window")),
        (true, false) => pick(language, "期間より前（通算のみ）", "before the window: counts for all time"),
        (false, _) => pick(language, "返品・差引（金額のみ）", "not positive: its sum counts, the order does not"),
    };
    grey(text)
}

fn fate(language: Language, fate: &LineFate) -> String {
    match fate {
        LineFate::Counted => String::new(),
        LineFate::LeftOut { rule, column, value } => words::left_out(language, *rule, column, value.as_deref()),
        LineFate::Later => pick(language, "基準日以降", "on or after the as-of date").to_owned(),
        LineFate::Bad(what) => what.clone(),
    }
}

fn campaigns(job: &Job, explanation: &Explanation) -> String {
    let Some(known) = &explanation.known else { return String::new() };
    let language = job.language;
    let mut out = heading(pick(language, "キャンペーン", "Campaigns"));
    let width = table::widest(known.pairs.iter().map(|pair| pair.campaign.as_str()));
    for pair in &known.pairs {
        let name = table::flush_left(&pair.campaign, width);
        out += &match &pair.fate {
            PairFate::Mailed { channel, subject, occasion } => {
                let green = colour(AnsiColor::Green);
                let told = match channel {
                    Channel::Mail => subject.clone(),
                    other if subject.is_empty() => other.told(language).to_owned(),
                    other => format!("{}: {subject}", other.told(language)),
                };
                format!("  {green}✉{green:#} {name}  {told}  {FAINT}{occasion}{FAINT:#}\n")
            }
            PairFate::Skipped { reason, occasion, by } => {
                let yellow = colour(AnsiColor::Yellow);
                let by = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
                format!("  {yellow}–{yellow:#} {name}  {}{by}  {FAINT}{occasion}{FAINT:#}\n", reason.told(language))
            }
            PairFate::Unmatched(no) => {
                format!("    {name}  {}  {FAINT}{}{FAINT:#}\n", no.said, no.condition)
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline;
    use std::path::Path;

    #[test]
    fn what_is_missing_to_keep_a_rank_is_told_as_it_is() {
        let job = pipeline::load_job(Path::new("jobs/monthly.toml"), None).unwrap();
        let told = |orders, spend, out_of_reach| {
            let standing = Standing { keep_orders: orders, keep_spend: spend, keep_out_of_reach: out_of_reach, ..Standing::default() };
            distance_to_keep(&job, &standing)
        };
        assert_eq!(told(Some(0), Some(3_040), false), "あと 3,040円");
        assert_eq!(told(Some(2), Some(3_040), false), "あと 2 回 · 3,040円");
        assert_eq!(told(Some(0), None, false), "達成済み");
        assert_eq!(told(None, None, true), "取引期間の条件、または注文の確定が間に合いません");
    }
}
