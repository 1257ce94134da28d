//! The conditions of a campaign: `when` and `where`.

use super::super::file::{WhenFile, WhereFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar};
use super::{Around, Lack, recommend};
use crate::domain::Where;
use crate::domain::campaign::{Categories, DayRange, NumberRange, RankMove, When, WhereTest};
use crate::domain::points::CashbackAs;
use chrono::NaiveDate;

/// Reads `when`. `categories` are those that the campaigns above have named: their places are the bits of `bought`.
pub fn conditions(file: &WhenFile, around: &Around<'_>, categories: &mut Vec<String>, report: &mut Report) -> When {
    let birthday = yearly(&file.birthday, "birthday", report);
    if let Some(span) = file.birthday.span()
        && around.lacks.contains(&Lack::Birthdays)
    {
        let help = "name the column in [customers.columns] with birthday = \"…\"";
        report.add(span, "no customer can ever meet `birthday`: there is no birthday column", "nobody has a birthday", help);
    }
    let whole = |key: &Key<Scalar>, name: &str, report: &mut Report| number(key, name, &words::whole, "\"3..\", \"90..180\" or 2", report);
    let money = |key: &Key<Scalar>, name: &str, report: &mut Report| {
        let minor = |major: f64| words::minor(major, &around.currency);
        number(key, name, &minor, "\"10000..\" or \"..5000\", in major units", report)
    };
    let moves = [("up", RankMove::Up), ("down", RankMove::Down), ("new", RankMove::New), ("at risk", RankMove::AtRisk)];
    let when = When {
        birthday,
        anniversary: yearly(&file.anniversary, "anniversary", report),
        month: months(&file.month, report),
        dates: dates(&file.dates, report),
        days_since_last_order: whole(&file.days_since_last_order, "days_since_last_order", report),
        days_since_first_order: whole(&file.days_since_first_order, "days_since_first_order", report),
        orders: whole(&file.orders, "orders", report),
        spend: money(&file.spend, "spend", report),
        orders_ever: whole(&file.orders_ever, "orders_ever", report),
        spend_ever: money(&file.spend_ever, "spend_ever", report),
        rank: report.word(&file.rank, "rank", &moves),
        bought: bought(&file.bought, "bought", around, categories, report),
        overdue: recommend::overdue(&file.overdue, report),
        not_bought: bought(&file.not_bought, "not_bought", around, categories, report),
        points: whole(&file.points, "points", report),
        points_expire_within: within(&file.points_expire_within, report),
        cashback: match around.cashback {
            Some(CashbackAs::Coupon) => money(&file.cashback, "cashback", report),
            _ => whole(&file.cashback, "cashback", report),
        },
    };
    needed(file, around, report);
    when
}

/// Conditions on what the job does not have hold for nobody.
fn needed(file: &WhenFile, around: &Around<'_>, report: &mut Report) {
    let needs = [
        ("points", file.points.span(), Lack::Points, "there are no points", "add [points], or map `points_balance` in [customers.columns]"),
        (
            "points_expire_within",
            file.points_expire_within.span(),
            Lack::Expiry,
            "no points expire",
            "write `expire` in [points], or map `points_expiring` and `points_expire_on` in [customers.columns]",
        ),
        ("cashback", file.cashback.span(), Lack::Cashback, "nothing is paid back", "add [cashback]"),
    ];
    for (name, span, lack, why, help) in needs {
        if let Some(span) = span.filter(|_| around.lacks.contains(&lack)) {
            report.add(span, format!("no customer can ever meet `{name}`: {why}"), "holds for nobody", help);
        }
    }
}

fn within(key: &Key<String>, report: &mut Report) -> Option<u32> {
    let At { span, value } = report.line(key, "points_expire_within")?;
    match words::counted(value) {
        Some((days, "day")) if days <= 3_660 => Some(days),
        _ => {
            let message = format!("`points_expire_within` cannot be {}", words::quote(value));
            report.add(span, message, "not a number of days", "write a number of days: \"30 days\"");
            None
        }
    }
}

fn yearly(key: &Key<String>, name: &str, report: &mut Report) -> Option<DayRange> {
    let At { span, value } = report.line(key, name)?;
    match value {
        "this month" => return Some(DayRange::ThisMonth),
        "next month" => return Some(DayRange::NextMonth),
        "this week" => return Some(DayRange::ThisWeek),
        "today" => return Some(DayRange::Today),
        _ => {}
    }
    match value.strip_prefix("in ").and_then(words::counted) {
        Some((days, "day")) if days <= 366 => return Some(DayRange::InDays(days)),
        _ => {}
    }
    let known = ["this month", "next month", "this week", "today", "in 14 days"];
    report.add(span, format!("`{name}` cannot be {}", words::quote(value)), "not a range of days", words::choice(value, known.into_iter()));
    None
}

fn months(key: &Key<Many<i64>>, report: &mut Report) -> Option<Vec<u32>> {
    let At { span, value } = report.get(key, "month")?;
    let listed = match value {
        Many::One(month) => vec![At { span, value: *month }],
        Many::List(list) => {
            if list.is_empty() {
                report.add(span, "`month` is an empty list", "no month is in it", "write months from 1 to 12");
                return None;
            }
            list.iter().filter_map(|item| report.get(item, "month").map(|item| At { span: item.span, value: *item.value })).collect()
        }
    };
    let mut months = Vec::new();
    for At { span, value } in listed {
        match u32::try_from(value) {
            Ok(month @ 1..=12) => months.push(month),
            _ => report.add(span, format!("there is no month {value}"), "not a month", "write months from 1 to 12"),
        }
    }
    months.sort_unstable();
    months.dedup();
    Some(months)
}

fn dates(key: &Key<Scalar>, report: &mut Report) -> Option<(NaiveDate, NaiveDate)> {
    let At { span, value } = report.get(key, "dates")?;
    let (why, label) = match words::day_range(&value.text()) {
        Ok((Some(first), Some(last))) => return Some((first, last)),
        Ok(_) => ("a range of dates has two ends here", "one end is open"),
        Err(why) => (why, "not a range of dates"),
    };
    let message = format!("`dates` cannot be {}: {why}", words::quote(&value.text()));
    report.add(span, message, label, "write first and last day: \"2026-12-01..2026-12-25\"");
    None
}

fn number(
    key: &Key<Scalar>,
    name: &str,
    read: &dyn Fn(f64) -> Result<f64, &'static str>,
    example: &str,
    report: &mut Report,
) -> Option<NumberRange> {
    let At { span, value } = report.get(key, name)?;
    match words::number_range(value, read) {
        Ok(range) => Some(range),
        Err(why) => {
            let message = format!("`{name}` cannot be {}: {why}", words::quote(&value.text()));
            report.add(span, message, "not a range of numbers that anybody can be in", format!("write it like {example}"));
            None
        }
    }
}

fn bought(
    key: &Key<Many<Scalar>>,
    name: &str,
    around: &Around<'_>,
    categories: &mut Vec<String>,
    report: &mut Report,
) -> Option<Categories> {
    let At { span, value } = report.get(key, name)?;
    if around.lacks.contains(&Lack::Categories) {
        let help = "name the column in [purchases.columns] with category = \"…\"";
        report.add(span, format!("`{name}` needs the categories of purchases"), "there is no category column", help);
    }
    let mut found = Categories::default();
    for text in report.texts(span, value, name)? {
        let at = categories.iter().position(|known| *known == text.value).unwrap_or_else(|| {
            categories.push(text.value.clone());
            categories.len() - 1
        });
        // The campaign that goes beyond 64 is reported by the caller; its bits do not matter any more.
        found.bits |= u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0);
        if !found.names.contains(&text.value) {
            found.names.push(text.value);
        }
    }
    Some(found)
}

/// Reads `where`: one condition for each column.
pub fn wheres(key: &Key<Entries<Or<WhereFile>>>, around: &Around<'_>, report: &mut Report) -> Vec<Where> {
    let Some(At { span, value: Entries(entries) }) = report.get(key, "where") else { return Vec::new() };
    if around.lacks.contains(&Lack::Customers) {
        report.add(span, "`where` looks at the customer list, and there is none", "no columns to look at", "add [customers]");
    }
    let mut wheres = Vec::new();
    for entry in entries {
        let Some(At { span, value }) = report.get(&entry.value, &entry.name) else { continue };
        let test = match value {
            Or::Plain(Many::One(Scalar::Text(text))) if text.contains("..") => range(At { span, value: text }, &entry.name, report),
            Or::Plain(Many::One(Scalar::Bool(truth))) => Some(WhereTest::Truth(*truth)),
            Or::Plain(many) => {
                let values = report.texts(span, many, &entry.name);
                values.map(|values| WhereTest::OneOf(values.into_iter().map(|value| value.value).collect()))
            }
            Or::Table(WhereFile { date, .. }) if !date.is_empty() => Some(WhereTest::OneOf(vec![date.clone()])),
            Or::Table(file) => {
                if matches!(file.missing, Key::Absent) {
                    let name = words::plain(&entry.name);
                    report.add(
                        span,
                        format!("`{name}` has no condition"),
                        "nothing is asked for",
                        "write { missing = true }, or a list of values",
                    );
                }
                report.get(&file.missing, "missing").map(|missing| WhereTest::Missing(*missing.value))
            }
        };
        wheres.extend(test.map(|test| Where { column: entry.name.clone(), test }));
    }
    wheres
}

/// A range of numbers, or of dates when an end looks like one.
fn range(at: At<&String>, name: &str, report: &mut Report) -> Option<WhereTest> {
    let At { span, value } = at;
    let why = match words::number_range(&Scalar::Text(value.clone()), Ok) {
        Ok(range) => return Some(WhereTest::Range(range)),
        Err(why) => match words::day_range(value) {
            Ok((from, to)) => return Some(WhereTest::DateRange { from, to }),
            Err(day) if value.contains('-') && value.bytes().filter(u8::is_ascii_digit).count() >= 4 => day,
            Err(_) => why,
        },
    };
    let message = format!("`{}` cannot be in {}: {why}", words::plain(name), words::quote(value));
    let help = "write \"3..\", \"1..5\" or \"2026-01-01..\"; a text that has two points in it is written as a list of one";
    report.add(span, message, "not a range", help);
    None
}
