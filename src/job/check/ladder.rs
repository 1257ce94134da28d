//! `[ranks]` and `[[rank]]`: a ladder that rises.

use super::super::file::{ConditionFile, JobFile, RankFile, RanksFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Scalar, Span};
use super::{Borrow, rising};
use crate::domain::ladder::{Admission, Closing, Condition, Down, Rank, Review, Up, Window};
use crate::domain::{Currency, Ladder};

/// Ranks are counted in a byte, and a shop with more of them has made a mistake.
const MOST_RANKS: usize = 250;
/// A shop that takes orders back for longer does not know what it sold.
const LONGEST_SETTLING: u32 = 100;
/// No order lies further back than this, in months.
const MOST_MONTHS: i64 = 1_200;

/// The names that campaigns may use, where they can be known, and the ladder when nothing is wrong with it.
pub fn check(
    file: &JobFile,
    top: Span,
    currency: &Currency,
    job: Option<&str>,
    borrow: Borrow<'_>,
    report: &mut Report,
) -> (Option<Vec<String>>, Option<Ladder>) {
    let missing = RanksFile::default();
    let ranks = report.get(&file.ranks, "ranks").map(|at| at.value);
    if matches!(file.ranks, Key::Absent) && matches!(file.rank, Key::Absent) {
        report.missing(top, "[[rank]]", "add the ranks, the lowest first: [[rank]] with name and at_least");
        return (None, None);
    }
    let ranks = ranks.unwrap_or(&missing);
    if !matches!(ranks.of, Key::Absent) {
        let ladder = borrowed(file, ranks, currency, job, borrow, report);
        return (ladder.as_ref().map(|ladder| ladder.ranks.iter().map(|rank| rank.name.clone()).collect()), ladder);
    }
    let (closing, window, review) = (closing(ranks, report), window(ranks, report), review(ranks, report));
    let settle_days = settle_days(ranks, window, report);
    let up = report.word(&ranks.up, "up", &[("at once", Up::AtOnce), ("at review", Up::AtReview)]).unwrap_or(Up::AtOnce);
    let downs = [("to qualifying", Down::ToQualifying), ("one step", Down::OneStep), ("never", Down::Never)];
    let down = report.word(&ranks.down, "down", &downs).unwrap_or(Down::ToQualifying);
    let grace = report.whole(&ranks.grace, "grace", 0, MOST_MONTHS).unwrap_or(0);
    let keep_for = keep_for(ranks, report).unwrap_or(0);
    let Some(list) = report.get(&file.rank, "rank") else {
        if matches!(file.rank, Key::Absent) {
            report.missing(
                file.ranks.span().unwrap_or(top),
                "[[rank]]",
                "add the ranks, the lowest first: [[rank]] with name and at_least",
            );
        }
        return (None, None);
    };
    if list.value.is_empty() || list.value.len() > MOST_RANKS {
        let message = format!("there are {} ranks", list.value.len());
        report.add(list.span, message, "the first", format!("a ladder has 1 to {MOST_RANKS} ranks"));
        return (None, None);
    }
    let before = report.found.len();
    let ranks: Vec<_> = list.value.iter().map(|rank| rank_of(rank, currency, report)).collect();
    let names = ranks.iter().flatten().map(|read| read.rank.name.clone()).collect::<Vec<_>>();
    let complete: Option<Vec<Read>> = ranks.into_iter().collect();
    let Some(complete) = complete else { return (None, None) };
    rising::doubles(&complete, report);
    complete.windows(2).for_each(|pair| {
        if let [lower, upper] = pair {
            rising::check(lower, upper, currency, report);
        }
    });
    if before < report.found.len() {
        return (Some(names), None);
    }
    let ranks = complete.into_iter().map(|read| read.rank).collect();
    let grace = u32::try_from(grace).unwrap_or(0);
    let closing_key = closing.1;
    let closing = closing.0;
    let ladder = Ladder { of: None, closing, window, settle_days, review, up, down, grace, keep_for_months: keep_for, ranks };
    first_of_month(&ladder, closing_key, file, report);
    (Some(names), Some(ladder))
}

/// The ladder of another job, which decides everything about ranks.
fn borrowed(
    file: &JobFile,
    ranks: &RanksFile,
    currency: &Currency,
    job: Option<&str>,
    borrow: Borrow<'_>,
    report: &mut Report,
) -> Option<Ladder> {
    let extra = [
        ("closing", ranks.closing.span()),
        ("window", ranks.window.span()),
        ("settle_after", ranks.settle_after.span()),
        ("review", ranks.review.span()),
        ("up", ranks.up.span()),
        ("down", ranks.down.span()),
        ("grace", ranks.grace.span()),
        ("keep_for", ranks.keep_for.span()),
        ("[[rank]]", file.rank.span()),
        ("rank_at_least", file.customers.value().and_then(|list| list.columns.value()).and_then(|columns| columns.rank_at_least.span())),
    ];
    for (name, span) in extra {
        if let Some(span) = span {
            let help = format!("take it out, or take `of` out; with `of` the other job decides `{name}`");
            report.add(span, format!("`{name}` cannot stand beside `of`"), "decided by the other job", help);
        }
    }
    let At { span, value: of } = report.line(&ranks.of, "of")?;
    if !words::is_name(of) {
        report.add(
            span,
            format!("`of` cannot be {}", words::quote(of)),
            "not the name of a job",
            "write the `name` of a job beside this one",
        );
        return None;
    }
    if job == Some(of) {
        report.add(span, "`of` names this job itself", "a job cannot take its own ranks", "name another job, or write the ranks here");
        return None;
    }
    match borrow(of) {
        Ok((_, theirs)) if !currency.code.is_empty() && theirs != *currency => {
            let message = format!("`{of}` counts in {}, this job in {}", theirs.code, currency.code);
            report.add(span, message, "its thresholds are in another currency", "use one currency in both jobs");
            None
        }
        Ok((ladder, _)) => Some(Ladder { of: Some(of.to_owned()), ..ladder }),
        Err(why) => {
            let help = format!("`of` takes the ranks from {of}.toml beside this file; write that job, or the ranks here");
            report.add(span, format!("the ranks of `{of}` cannot be had: {why}"), "this job decides the ranks", help);
            None
        }
    }
}

/// The closing, and where it is written.
fn closing(ranks: &RanksFile, report: &mut Report) -> (Closing, Option<Span>) {
    let closings = [("month", Closing::Month), ("day", Closing::Day)];
    (report.word(&ranks.closing, "closing", &closings).unwrap_or(Closing::Month), ranks.closing.span())
}

fn window(ranks: &RanksFile, report: &mut Report) -> Window {
    let usual = Window::Months(12);
    let Some(At { span, value }) = report.line(&ranks.window, "window") else { return usual };
    let found = match words::counted(value) {
        Some((months, "month")) if (1..=1_200).contains(&months) => Some(Window::Months(months)),
        Some((days, "day")) if (1..=36_500).contains(&days) => Some(Window::Days(days)),
        _ => calendar_window(value),
    };
    found.unwrap_or_else(|| {
        let help = "write \"12 months\" or \"365 days\" (at most a hundred years), \"calendar year\", \"year from 04-01\", \
                    \"half year from 03-01\" or \"all time\"";
        report.add(span, format!("`window` cannot be {}", words::quote(value)), "not a window", help);
        usual
    })
}

/// A window that begins on days of the calendar.
fn calendar_window(value: &str) -> Option<Window> {
    match value {
        "calendar year" => return Some(Window::YearFrom(1, 1)),
        "all time" => return Some(Window::AllTime),
        _ => {}
    }
    let (half, from) = match value.strip_prefix("half year from ") {
        Some(from) => (true, from),
        None => (false, value.strip_prefix("year from ")?),
    };
    let (month, day) = words::day_of_year(from)?;
    Some(if half { Window::HalfYearFrom(month, day) } else { Window::YearFrom(month, day) })
}

/// The return period. In a window that is no longer, no order would ever be both settled and young enough.
fn settle_days(ranks: &RanksFile, window: Window, report: &mut Report) -> u32 {
    let Some(At { span, value }) = report.line(&ranks.settle_after, "settle_after") else { return 0 };
    let days = match words::counted(value) {
        Some((days, "day")) if days <= LONGEST_SETTLING => days,
        _ => {
            let help = format!("write a number of days, at most {LONGEST_SETTLING}: \"7 days\"");
            report.add(span, format!("`settle_after` cannot be {}", words::quote(value)), "not a number of days", help);
            return 0;
        }
    };
    let length = match window {
        Window::Days(days) => days,
        Window::Months(months) => months.saturating_mul(28),
        Window::YearFrom(..) | Window::HalfYearFrom(..) | Window::AllTime => u32::MAX,
    };
    if days >= length {
        let help = "make the window longer, or `settle_after` shorter";
        report.add(span, "`settle_after` is as long as the window", "no order would ever count", help);
        if let Some(window) = ranks.window.span() {
            report.also(window, "the window");
        }
    }
    days
}

fn review(ranks: &RanksFile, report: &mut Report) -> Review {
    let Some(lines) = report.lines(&ranks.review, "review") else { return Review::Monthly };
    if let [only] = lines.as_slice()
        && only.value == "monthly"
    {
        return Review::Monthly;
    }
    let mut days: Vec<(u32, u32)> = Vec::new();
    for At { span, value } in lines {
        match words::day_of_year(value) {
            None => {
                let help = "write \"monthly\", or days of the year as month and day: [\"04-01\", \"10-01\"]";
                report.add(span, format!("`review` cannot be {}", words::quote(value)), "not a day of the year", help);
            }
            Some(day) if days.contains(&day) => report.add(span, "this review is named twice", "named before", "take one of them out"),
            Some(day) => days.push(day),
        }
    }
    days.sort_unstable();
    Review::Dates(days)
}

/// With `closing = "month"` ranks only move on the 1st, so a review on another day would come late.
fn first_of_month(ladder: &Ladder, closing: Option<Span>, file: &JobFile, report: &mut Report) {
    let Review::Dates(days) = &ladder.review else { return };
    let Some((month, day)) = days.iter().find(|(_, day)| *day != 1) else { return };
    let Some(review) = file.ranks.value().and_then(|ranks| ranks.review.span()) else { return };
    if ladder.closing == Closing::Month {
        let message = format!("the review on {month:02}-{day:02} is not the 1st of a month");
        report.add(review, message, "ranks are decided on the 1st", "write 1sts such as \"04-01\", or closing = \"day\"");
        if let Some(closing) = closing {
            report.also(closing, "because of this");
        }
    }
}

fn keep_for(ranks: &RanksFile, report: &mut Report) -> Option<u32> {
    let At { span, value } = report.line(&ranks.keep_for, "keep_for")?;
    match words::counted(value) {
        Some((months, "month")) if months <= 1_200 => Some(months),
        _ => {
            let help = "write a number of months: \"6 months\"";
            report.add(span, format!("`keep_for` cannot be {}", words::quote(value)), "not a number of months", help);
            None
        }
    }
}

/// A rank and the places that neighbours are compared at.
pub struct Read {
    pub rank: Rank,
    pub name: Span,
    pub admits: Span,
    pub was: Vec<Span>,
}

fn rank_of(key: &Key<RankFile>, currency: &Currency, report: &mut Report) -> Option<Read> {
    let At { span, value: file } = report.get(key, "rank")?;
    let name = report.needed(&file.name, span, "name", "write name = \"…\"").filter(|name| can_be_named(*name, report));
    let former = report.lines(&file.was, "was").unwrap_or_default();
    let keep = report.get(&file.keep_at_least, "keep_at_least").map(|keep| condition(keep, "keep_at_least", currency, report));
    let one = report.get(&file.at_least, "at_least").map(|at| (at.span, condition(at, "at_least", currency, report)));
    let any = report.get(&file.any_of, "any_of").map(|at| (at.span, conditions(at, currency, report)));
    let top = report.share(&file.top, "top");
    let ways = [file.at_least.span(), file.any_of.span(), file.top.span()];
    let mut ways = ways.into_iter().flatten();
    match (ways.next(), ways.next()) {
        (None, _) => {
            let help = "write at_least = { orders = 2 }, any_of = [{ … }, { … }], or top = \"5%\"";
            report.add(span, "nothing says who gets into this rank", "it needs at_least, any_of or top", help);
        }
        (Some(_), Some(second)) => {
            report.add(second, "a rank has only one of `at_least`, `any_of` and `top`", "one too many", "keep one of them");
            return None;
        }
        _ => {}
    }
    let (admits, admission) = match (one, any, top) {
        (Some((span, condition)), ..) => (span, Admission::AnyOf(vec![condition?])),
        (_, Some((span, conditions)), _) => (span, Admission::AnyOf(conditions?)),
        (.., Some(At { span, value: 0.0 })) => {
            report.add(span, "a rank for the top 0% is for nobody", "nobody can reach it", "write a share above 0%");
            return None;
        }
        (.., Some(At { span, value })) => (span, Admission::Top(value)),
        _ => return None,
    };
    let keep = match keep {
        Some(None) => return None,
        Some(keep) => keep,
        None => None,
    };
    let name = name?;
    let places = former.iter().map(|old| old.span).collect();
    let former = former.into_iter().map(|old| old.value.to_owned()).collect();
    Some(Read { rank: Rank { name: name.value.to_owned(), was: former, admits: admission, keep }, name: name.span, admits, was: places })
}

/// Ranges are written with names inside, and templates for one rank have its name in theirs.
fn can_be_named(name: At<&str>, report: &mut Report) -> bool {
    let At { span, value } = name;
    let words =
        value == "none" || value == "at risk" || value.contains(" to ") || value.ends_with(" and up") || value.ends_with(" and below");
    let trouble = if words {
        "it reads like a range of ranks"
    } else if value.contains(['/', '\\']) {
        "it is part of file names"
    } else if value.trim() != value {
        "it has blanks around it"
    } else {
        return true;
    };
    report.add(span, format!("a rank cannot be named {}", words::quote(value)), trouble, "choose another name");
    false
}

fn conditions(list: At<&Vec<Key<ConditionFile>>>, currency: &Currency, report: &mut Report) -> Option<Vec<Condition>> {
    if list.value.is_empty() {
        report.add(list.span, "`any_of` is an empty list", "nobody can reach this rank", "write at least one condition");
        return None;
    }
    let read: Vec<_> =
        list.value.iter().map(|item| report.get(item, "any_of").and_then(|item| condition(item, "any_of", currency, report))).collect();
    read.into_iter().collect()
}

fn condition(at: At<&ConditionFile>, name: &str, currency: &Currency, report: &mut Report) -> Option<Condition> {
    let file = at.value;
    let before = report.found.len();
    let amount = |key: &Key<Scalar>, name: &str, report: &mut Report| {
        let At { span, value } = report.get(key, name)?;
        words::money(value, currency)
            .map_err(|why| {
                report.add(span, format!("`{name}` is not an amount: {why}"), "in major units", "write it like 20_000, without a unit");
            })
            .ok()
    };
    let condition = Condition {
        spend: amount(&file.spend, "spend", report),
        spend_ever: amount(&file.spend_ever, "spend_ever", report),
        orders: report.whole(&file.orders, "orders", 0, 1_000_000_000),
        orders_ever: report.whole(&file.orders_ever, "orders_ever", 0, 1_000_000_000),
        tenure_months: report.whole(&file.tenure_months, "tenure_months", 0, MOST_MONTHS).and_then(|months| u32::try_from(months).ok()),
    };
    if before < report.found.len() {
        return None;
    }
    if condition == Condition::default() {
        let help = "write at least one of orders, spend, orders_ever, spend_ever and tenure_months";
        report.add(at.span, format!("`{name}` asks for nothing"), "no condition in here", help);
        return None;
    }
    Some(condition)
}
