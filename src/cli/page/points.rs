//! Points and cashback on the terminal: one customer's account, and what all accounts of a plan amount to.

use super::super::words::pick;
use super::{FAINT, colour, heading};
use crate::domain::Job;
use crate::domain::money::{grouped, many};
use crate::domain::plan::Counts;
use crate::domain::points::{Account, Holding};
use crate::pipeline::Known;
use anstyle::AnsiColor;

/// One customer's points; nothing where the job has none.
pub fn account(job: &Job, known: &Known) -> String {
    let language = job.language;
    let mut out = String::new();
    if let Some(points) = known.holding.points {
        out += &heading(&language.pick(format!("ポイント {}", number(points.balance)), format!("Points {}", number(points.balance))));
        if let Some(day) = points.expire_on {
            let expiring = number(points.expiring);
            out += &language.pick(format!("  {expiring} が {day} まで\n"), format!("  {expiring} can be used until {day}\n"));
        }
        out += &known.account.as_ref().map(|account| kept(job, account)).unwrap_or_default();
    }
    out + &paid(job, &known.holding)
}

/// How the balance came about.
fn kept(job: &Job, account: &Account) -> String {
    let language = job.language;
    let mut out = format!(
        "  {} {} = {} {} + {} {} + {} {}\n",
        pick(language, "獲得", "earned"),
        number(account.earned),
        pick(language, "利用", "used"),
        number(account.used),
        pick(language, "失効", "expired"),
        number(account.expired),
        pick(language, "残高", "balance"),
        number(account.balance),
    );
    for lot in &account.lots {
        let until = lot.last_day.map_or_else(
            || pick(language, "期限なし", "no end").to_owned(),
            |day| language.pick(format!("{day} まで"), format!("until {day}")),
        );
        out += &format!("  {}  {}  {FAINT}{until}{FAINT:#}\n", lot.earned_on, number(lot.points));
    }
    for kept in &account.promised {
        let (order, points) = (&kept.order, number(kept.points));
        let told = language
            .pick(format!("{} の約束どおり {points} を追加", kept.campaign), format!("{points} more, as {} promised", kept.campaign));
        out += &format!("  + {}  {order}  {told}\n", kept.on);
    }
    let yellow = colour(AnsiColor::Yellow);
    for over in &account.overdrawn {
        let (asked, used) = (number(over.asked), number(over.used));
        let told = language.pick(format!("{asked} の利用に対し残高は {used}"), format!("{asked} used, {used} were there"));
        out += &format!("  {yellow}!{yellow:#} {}  {}  {told}\n", over.on, over.order);
    }
    out
}

fn paid(job: &Job, holding: &Holding) -> String {
    let paid = holding.cashback.points.map(number).or(holding.cashback.amount.map(|amount| job.currency.show(amount)));
    let Some(paid) = paid else { return String::new() };
    let carried = carried(job, holding.cashback.carried.unwrap_or(0));
    job.language.pick(format!("  還元 {paid}{carried}\n"), format!("  {paid} paid back{carried}\n"))
}

/// What of an amount is not from the review of this closing.
fn carried(job: &Job, carried: i64) -> String {
    if carried == 0 {
        return String::new();
    }
    let sum = job.currency.show(carried);
    job.language.pick(format!("、うち繰り越し {sum}"), format!(", {sum} of it carried over from earlier reviews"))
}

/// The lines under a plan's mails.
pub fn totals(job: &Job, counts: &Counts) -> String {
    let language = job.language;
    let mut out = String::new();
    if let Some(points) = &counts.points {
        let (balance, holders) = (number(points.balance), grouped(points.holders));
        out += &language.pick(
            format!("  ポイント残高 {balance}（{holders} 人）\n"),
            format!("  points outstanding {balance} ({})\n", many(points.holders, "customer", "customers")),
        );
    }
    if let Some(paid) = counts.cashback.filter(|paid| paid.customers > 0) {
        let customers = grouped(paid.customers);
        let sum = if paid.amount > 0 { job.currency.show(paid.amount) } else { number(paid.points) };
        let carried = carried(job, paid.carried);
        out += &language.pick(
            format!("  還元 {sum}（{customers} 人{carried}）\n"),
            format!("  paid back {sum} ({}{carried})\n", many(paid.customers, "customer", "customers")),
        );
    }
    out
}

fn number(points: i64) -> String {
    grouped(points.unsigned_abs())
}
