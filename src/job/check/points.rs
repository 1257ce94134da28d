//! `[points]` and `[cashback]`: what orders earn, until when, and what a review pays back.

use super::super::file::{CampaignFile, CashbackFile, JobFile, PointsFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar, Span};
use super::{Around, campaign, offer};
use crate::domain::offer::{Discount, OfferKind};
use crate::domain::points::{CashbackAs, Expire, Lasting, Millionths, Rate};
use crate::domain::{CashbackRule, Currency, OfferRule, PointsRule};
use chrono::Datelike;

const RATE: &str = "write a share such as \"1%\", or one for each rank: { A = \"1%\", VIP = \"3%\" }";
const EXPIRE: &str = "write \"12 months after the last order\", \"12 months after earning\" or \"every 03-31\", or leave it out: never";
/// No shop keeps points for longer, in months and in days.
const LONGEST: [u32; 2] = [1_200, 36_500];

pub fn points(key: &Key<PointsFile>, around: &Around<'_>, report: &mut Report) -> Option<PointsRule> {
    let At { span, value: file } = report.get(key, "points")?;
    let rate = share(&file.rate, span, "rate", around, report);
    let expire = expire(&file.expire, report);
    let month_end = report.get(&file.month_end, "month_end");
    if let Some(At { span, .. }) = month_end
        && matches!(file.expire, Key::Absent)
    {
        let help = "write expire = \"12 months after earning\", or take `month_end` out";
        report.add(span, "`month_end` has no `expire` to move", "points never expire here", help);
    }
    Some(PointsRule { rate: rate?, expire, month_end: month_end.is_some_and(|at| *at.value) })
}

fn expire(key: &Key<String>, report: &mut Report) -> Expire {
    let Some(At { span, value }) = report.line(key, "expire") else { return Expire::Never };
    let lasting = |text: &str| match words::counted(text) {
        Some((months, "month")) if (1..=LONGEST[0]).contains(&months) => Some(Lasting::Months(months)),
        Some((days, "day")) if (1..=LONGEST[1]).contains(&days) => Some(Lasting::Days(days)),
        _ => None,
    };
    let read = match (value.strip_prefix("every "), value.split_once(" after ")) {
        // 2024 has a 29 February; any leap year would do.
        (Some(day), _) => words::day(&format!("2024-{day}")).map(|day| Expire::Yearly { month: day.month(), day: day.day() }),
        (None, Some((length, "the last order"))) => lasting(length).map(Expire::AfterLastOrder),
        (None, Some((length, "earning"))) => lasting(length).map(Expire::AfterEarning),
        _ => None,
    };
    read.unwrap_or_else(|| {
        report.add(span, format!("`expire` cannot be {}", words::quote(value)), "nothing that is understood here", EXPIRE);
        Expire::Never
    })
}

pub fn cashback(file: &JobFile, around: &Around<'_>, report: &mut Report) -> Option<CashbackRule> {
    let At { span, value: CashbackFile { share: key, paid_as, at_least } } = report.get(&file.cashback, "cashback")?;
    let share = share(key, span, "share", around, report);
    if matches!(paid_as, Key::Absent) {
        report.missing(span, "as", "write as = \"points\" or as = \"coupon\"");
    }
    let ways = [("points", CashbackAs::Points), ("coupon", CashbackAs::Coupon)];
    let way = report.word(paid_as, "as", &ways);
    if way == Some(CashbackAs::Points)
        && let Some(place) = paid_as.span()
    {
        no_account(file, place, report);
    }
    if around.ladder.is_some_and(|ladder| ladder.of.is_some()) {
        let help = "put [cashback] into the job that decides the ranks";
        report.add(span, "[cashback] is paid at reviews, and with `[ranks] of` another job has them", "no review here", help);
    }
    let unit = match way {
        Some(CashbackAs::Coupon) => around.currency.clone(),
        _ => Currency { code: String::new(), digits: 0 },
    };
    let at_least = report.get(at_least, "at_least").and_then(|At { span, value }| {
        words::money(value, &unit)
            .map_err(|why| {
                report.add(
                    span,
                    format!("`at_least` cannot be {}: {why}", words::quote(&value.text())),
                    "not an amount",
                    "write it like 100",
                );
            })
            .ok()
    });
    Some(CashbackRule { share: share?, paid_as: way?, at_least: at_least.unwrap_or(0) })
}

/// A coupon of cashback is on the occasion of its closing; without the condition it would be on that of the month, and lost to whoever has
/// had the mail of that month.
pub fn once_for_each_review(campaign: &CampaignFile, offer: Option<&OfferRule>, report: &mut Report) {
    let pays = offer.is_some_and(|rule| matches!(rule.kind, OfferKind::Coupon { discount: Discount::Cashback, .. }));
    let asks = campaign.when.value().is_some_and(|when| !matches!(when.cashback, Key::Absent));
    let amount = campaign.offer.value().and_then(|offer| offer.amount.span());
    if let Some(span) = amount.filter(|_| pays && !asks) {
        let help = "add when = { cashback = \"1..\" }: then it is given once for each review, to whom the review pays something";
        report.add(span, "the coupon pays cashback, and the campaign does not ask for any", "who gets it, and when?", help);
    }
}

/// Points can only be paid into accounts that rankmail keeps.
fn no_account(file: &JobFile, place: Span, report: &mut Report) {
    if matches!(file.points, Key::Absent) {
        report.add(place, "there is no [points] that cashback could go to", "no account", "add [points], or write as = \"coupon\"");
    } else if let Some(owned) =
        file.customers.value().and_then(|list| list.columns.value()).and_then(|columns| columns.points_balance.span())
    {
        let help = "the shop's cart owns the points then, so pay them there, or write as = \"coupon\"";
        report.add(place, "cashback cannot go into points that the customer list tells", "no account here", help);
        report.also(owned, "the balance comes from here");
    }
}

/// A share for everybody or by rank. A rank that is not named has that of the nearest named one below.
fn share(key: &Key<Or<Entries<Scalar>>>, table: Span, name: &str, around: &Around<'_>, report: &mut Report) -> Option<Rate> {
    if matches!(key, Key::Absent) {
        report.missing(table, name, RATE);
    }
    let At { span, value } = report.get(key, name)?;
    let one = |value: &Scalar, span: Span, report: &mut Report| -> Option<Millionths> {
        let read = match value {
            Scalar::Text(text) => words::millionths(text),
            _ => Err("it is not a percentage in quotes"),
        };
        read.map_err(|why| report.add(span, format!("`{name}` cannot be {}: {why}", words::quote(&value.text())), "not such a share", RATE))
            .ok()
    };
    let before = report.found.len();
    let rate = match value {
        Or::Plain(Many::One(only)) => Rate::All(one(only, span, report)?),
        Or::Plain(Many::List(_)) => {
            report.add(span, format!("`{name}` cannot be a list"), "a list", RATE);
            return None;
        }
        Or::Table(Entries(entries)) => {
            let mut none = 0;
            let mut named = vec![None; around.names.as_ref().map_or(0, Vec::len)];
            for entry in entries {
                let at = if entry.name == "none" { None } else { campaign::rank(&entry.name, entry.span, around, report) };
                let own = report.get(&entry.value, &entry.name).and_then(|at| one(at.value, at.span, report));
                if entry.name == "none" {
                    none = own.unwrap_or(0);
                }
                if let Some(place) = at.and_then(|at| named.get_mut(usize::from(at))) {
                    *place = Some(own);
                }
            }
            Rate::ByRank { ranks: offer::spread(named), none }
        }
    };
    let nothing = match &rate {
        Rate::All(rate) => *rate == 0,
        Rate::ByRank { ranks, none } => *none == 0 && ranks.iter().all(|rate| rate.unwrap_or(0) == 0),
    };
    if nothing && before == report.found.len() && around.names.is_some() {
        report.add(span, format!("`{name}` is nothing for everybody"), "nobody gets anything", RATE);
    }
    Some(rate)
}
