//! What each kind of offer needs.

use super::super::file::{OfferFile, OnFile, PoolFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar, Span};
use super::{Around, Lack, limits, offer};
use crate::domain::coupon::LONGEST_CODE;
use crate::domain::offer::{CodeSource, Discount, Gift, OfferKind, On};
use crate::domain::points::CashbackAs;
use chrono::NaiveDate;
use std::path::{Component, Path, PathBuf};

pub fn coupon(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> Option<OfferKind> {
    let over = offer::per_rank(&file.over, "over", around, &mut offer::money_of(around), report);
    let on = on(&file.on, report);
    let code = code(&file.code, report);
    let percent = offer::per_rank(&file.percent, "percent", around, &mut percent_of, report);
    let paid_back = cashback(file, around, report);
    let amount = match paid_back {
        Some(_) => Vec::new(),
        None => offer::per_rank(&file.amount, "amount", around, &mut offer::money_of(around), report),
    };
    let discount = match (file.percent.span(), file.amount.span()) {
        (Some(_), None) => Discount::Percent(percent),
        (None, Some(_)) => paid_back.unwrap_or(Discount::Amount(amount)),
        (None, None) => {
            report.missing(span, "percent", "write percent = 10 or amount = 500");
            return None;
        }
        (Some(percent), Some(amount)) => {
            report.add(amount, "a coupon takes off a percentage or an amount, not both", "one too many", "keep one of them");
            report.also(percent, "the other");
            return None;
        }
    };
    Some(OfferKind::Coupon { discount, over, on, code })
}

/// `amount = "cashback"`: the coupon that a review pays back as.
fn cashback(file: &OfferFile, around: &Around<'_>, report: &mut Report) -> Option<Discount> {
    let Some(Or::Plain(Many::One(Scalar::Text(word)))) = file.amount.value() else { return None };
    if word != "cashback" {
        return None;
    }
    if let Some(span) = file.amount.span().filter(|_| around.cashback != Some(CashbackAs::Coupon)) {
        let help = "add [cashback] with as = \"coupon\", or write an amount";
        report.add(span, "there is no cashback that a coupon could pay", "nothing is paid back as a coupon", help);
    }
    Some(Discount::Cashback)
}

/// One code for all, or the file of codes that were made elsewhere; left out, rankmail makes one for each mail.
fn code(key: &Key<Or<PoolFile>>, report: &mut Report) -> CodeSource {
    let Some(At { span, value }) = report.get(key, "code") else { return CodeSource::Own };
    match value {
        Or::Plain(Many::One(Scalar::Text(text))) => {
            let Some(code) = report.checked_line(span, text, "code") else { return CodeSource::Own };
            if code.value.len() > LONGEST_CODE || code.value.contains(char::is_whitespace) {
                let message = format!("`code` has blanks in it or is longer than {LONGEST_CODE} bytes");
                report.add(span, message, "customers type this", "write it like \"WINTER15\"");
            }
            CodeSource::Fixed(text.clone())
        }
        Or::Plain(_) => {
            let help = "write code = \"WINTER15\", or code = { from = \"codes.csv\" } for codes that were made elsewhere";
            report.add(span, "`code` must be a text, or a table that names a file", "", help);
            CodeSource::Own
        }
        Or::Table(file) => {
            let from = report.needed(&file.from, span, "from", "write from = \"codes.csv\": a file with one code in a row");
            from.map_or(CodeSource::Own, |from| CodeSource::Pool(plain_path(from.value)))
        }
    }
}

/// A path without steps that lead nowhere: `./codes.csv` and `codes.csv` are one file.
fn plain_path(written: &str) -> String {
    let steps = Path::new(written).components().filter(|step| *step != Component::CurDir);
    steps.collect::<PathBuf>().to_string_lossy().into_owned()
}

/// The categories and products that an offer is on.
pub fn on(key: &Key<Or<OnFile>>, report: &mut Report) -> Option<On> {
    let At { span, value } = report.get(key, "on")?;
    let table = match value {
        Or::Table(file) if file.date.is_empty() => Some(file),
        Or::Table(_) | Or::Plain(_) => None,
    };
    let Some(file) = table else {
        let help = "write on = { category = [\"…\"] } or on = { product = [\"…\"] }";
        report.add(span, "`on` of this offer is a table", "which categories or products?", help);
        return None;
    };
    let mut list = |key: &Key<Many<Scalar>>, name: &str| {
        let values = report.get(key, name).and_then(|at| report.texts(at.span, at.value, name));
        values.unwrap_or_default().into_iter().map(|value| value.value).collect::<Vec<_>>()
    };
    let on = On { category: list(&file.category, "category"), product: list(&file.product, "product") };
    if matches!((&file.category, &file.product), (Key::Absent, Key::Absent)) {
        report.add(
            span,
            "`on` names nothing",
            "which categories or products?",
            "write category = [\"…\"] or product = [\"…\"], or leave `on` out",
        );
    }
    Some(on)
}

pub fn gift(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> OfferKind {
    let choose_by = report.line(&file.choose_by, "choose_by");
    let otherwise = report.line(&file.otherwise, "otherwise");
    if let Some(choose_by) = choose_by
        && around.lacks.contains(&Lack::Customers)
    {
        report.add(choose_by.span, "`choose_by` looks at the customer list, and there is none", "no such column", "add [customers]");
    }
    let list = report.get(&file.gifts, "gifts");
    match (&list, choose_by, &otherwise) {
        (None, None, None) => {
            report.add(span, "this offer has no gift", "what is given?", "write otherwise = \"…\", or choose_by and gifts");
        }
        (Some(list), None, _) if matches!(file.choose_by, Key::Absent) => {
            let help = "name the customer column that chooses: choose_by = \"…\"";
            report.add(list.span, "`gifts` has no `choose_by`", "who gets which?", help);
        }
        (None, Some(by), _) => {
            report.add(by.span, "`choose_by` has no `gifts`", "which gifts?", "add gifts = [{ … = \"…\", gift = \"…\" }]");
        }
        _ => {}
    }
    let column = choose_by.map(|by| by.value);
    let mut gifts = Vec::new();
    if let (Some(list), Some(column)) = (list, column) {
        for item in list.value {
            gifts.extend(report.get(item, "gifts").and_then(|item| one_gift(item, column, report)));
        }
        if list.value.is_empty() {
            report.add(
                list.span,
                "`gifts` is an empty list",
                "no gift",
                "write { … = \"…\", gift = \"…\" } for each value, or take it out",
            );
        }
    }
    let otherwise = otherwise.map(|otherwise| otherwise.value.to_owned());
    let allergies = allergies(file, &gifts, around, report);
    OfferKind::Gift { choose_by: column.map(str::to_owned), gifts, allergies, otherwise }
}

fn one_gift(item: At<&Entries<Many<Scalar>>>, column: &str, report: &mut Report) -> Option<Gift> {
    let At { span, value: entries } = item;
    let name = words::plain(column);
    for entry in entries.0.iter().filter(|entry| entry.name != column && !["gift", "never_with"].contains(&entry.name.as_str())) {
        let help = format!("a gift has the keys `{name}`, `gift` and `never_with`");
        report.add(entry.span, format!("unknown key `{}` in `gifts`", words::plain(&entry.name)), "not a key of a gift", help);
    }
    let mut text = |key: &str| {
        let Some(entry) = entries.get(key) else {
            report.missing(span, key, &format!("write {{ {name} = \"…\", gift = \"…\" }}"));
            return None;
        };
        let At { span, value } = report.get(&entry.value, key)?;
        match value {
            Many::One(value) => Some(value.text()),
            Many::List(_) => {
                report.add(span, format!("`{key}` of a gift cannot be a list"), "a list", "write one table for each value");
                None
            }
        }
    };
    let (likes, gift) = (text(column), text("gift"));
    let never_with = entries.get("never_with").and_then(|entry| {
        let At { span, value } = report.get(&entry.value, "never_with")?;
        report.texts(span, value, "never_with")
    });
    let never_with = never_with.unwrap_or_default().into_iter().map(|word| word.value).collect();
    Some(Gift { likes: likes?, gift: gift?, never_with })
}

/// Allergies that no gift minds, or a gift that minds allergies that nobody can know, are mistakes.
fn allergies(file: &OfferFile, gifts: &[Gift], around: &Around<'_>, report: &mut Report) -> Option<String> {
    let column = report.line(&file.allergies, "allergies");
    let minds = gifts.iter().any(|gift| !gift.never_with.is_empty());
    match (column, file.gifts.span()) {
        (Some(column), _) if around.lacks.contains(&Lack::Customers) => {
            report.add(column.span, "`allergies` looks at the customer list, and there is none", "no such column", "add [customers]");
        }
        (Some(column), _) if !minds => {
            let help = "write never_with = [\"…\"] for the gifts that some must not have, or take `allergies` out";
            report.add(column.span, "`allergies` is minded by no gift", "no gift has a `never_with`", help);
        }
        (None, Some(span)) if minds && matches!(file.allergies, Key::Absent) => {
            let help = "name the customer column that lists them: allergies = \"…\"";
            report.add(span, "`never_with` has no `allergies`", "who must not have it?", help);
        }
        _ => {}
    }
    column.map(|column| column.value.to_owned())
}

pub fn bundle(file: &OfferFile, span: Span, report: &mut Report) -> Option<OfferKind> {
    let on = on(&file.on, report);
    if matches!(file.buy, Key::Absent) {
        report.missing(span, "buy", "write buy = { 2 = \"10%\", 3 = \"15%\" }: percent off by number of pieces");
    }
    let At { span, value: Entries(entries) } = report.get(&file.buy, "buy")?;
    let mut steps: Vec<(u32, f64)> = Vec::new();
    for entry in entries {
        let pieces = entry.name.parse().ok().filter(|pieces: &u32| (1..=10_000).contains(pieces) && pieces.to_string() == entry.name);
        if pieces.is_none() {
            let message = format!("`{}` is not a number of pieces", words::plain(&entry.name));
            report.add(entry.span, message, "how many pieces?", "write { 2 = \"10%\" } for 10 percent off two pieces");
        }
        let Some(value) = report.get(&entry.value, &entry.name) else { continue };
        match percent_of(value.value) {
            Ok(Some(percent)) => steps.extend(pieces.map(|pieces| (pieces, percent))),
            Ok(None) => report.add(value.span, "0% off is no offer", "nothing off", "take this step out"),
            Err(why) => {
                report.add(value.span, format!("`buy` has a percentage that cannot be: {why}"), "percent off", "write it like \"10%\"");
            }
        }
    }
    steps.sort_by_key(|(pieces, _)| *pieces);
    let falls = steps.windows(2).any(|pair| matches!(pair, [fewer, more] if fewer.0 == more.0 || fewer.1 >= more.1));
    if falls || entries.is_empty() {
        let help = "write at least one step, and let the percentage rise with the pieces: { 2 = \"10%\", 3 = \"15%\" }";
        report.add(span, "`buy` does not rise", "more pieces, more off", help);
    }
    Some(OfferKind::Bundle { steps, on })
}

pub fn invitation(file: &OfferFile, span: Span, report: &mut Report) -> Option<OfferKind> {
    let what = report.needed(&file.what, span, "what", "write what people are invited to");
    let on = report.get(&file.on, "on").and_then(|at| {
        let day = day_of(at.value);
        if day.is_none() {
            report.add(at.span, "`on` of an invitation is a day", "not a date of the calendar", "write it like 2027-01-24");
        }
        day
    });
    let seats = limits::seats(&file.seats, report);
    let place = report.line(&file.place, "place").map(|place| place.value.to_owned());
    let reply_url = web_address(&file.reply_url, "reply_url", report);
    Some(OfferKind::Invitation { what: what?.value.to_owned(), on, place, reply_url, seats })
}

/// The address of a page.
pub fn web_address(key: &Key<String>, name: &str, report: &mut Report) -> Option<String> {
    let At { span, value } = report.line(key, name)?;
    if !(value.starts_with("https://") || value.starts_with("http://")) {
        let help = "write it like \"https://shop.example/salon\"";
        report.add(span, format!("`{name}` is not a web address"), "no https:// in front", help);
    }
    Some(value.to_owned())
}

fn day_of(value: &Or<OnFile>) -> Option<NaiveDate> {
    match value {
        Or::Plain(Many::One(Scalar::Text(text))) => words::day(text),
        Or::Table(OnFile { date, .. }) => words::day(date),
        Or::Plain(_) => None,
    }
}

/// Percent above 0 up to 100; 5 or "5%". Zero is no offer.
pub fn percent_of(value: &Scalar) -> Result<Option<f64>, &'static str> {
    let percent = match value {
        #[expect(clippy::cast_precision_loss, reason = "only 0 to 100 are taken")]
        Scalar::Int(number) => *number as f64,
        Scalar::Float(number) => *number,
        Scalar::Text(text) => words::percent(text).ok_or("it is not a percentage")?,
        _ => return Err("it is not a percentage"),
    };
    if !(0.0..=100.0).contains(&percent) {
        return Err("it must be above 0 and at most 100");
    }
    Ok(Some(percent).filter(|percent| *percent > 0.0))
}
