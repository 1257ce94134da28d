//! What sets, points, draws and early access need.

use super::super::file::OfferFile;
use super::super::report::Report;
use super::super::words;
use super::super::written::{Entries, Key, Or, Scalar, Span};
use super::{Around, Lack, kinds, limits, offer};
use crate::domain::offer::{Deal, OfferKind, Opening, PerRank};
use chrono::NaiveTime;

/// No shop multiplies points by more.
const MOST_TIMES: f64 = 1_000.0;

pub fn set(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> Option<OfferKind> {
    if matches!(file.products, Key::Absent) {
        report.missing(span, "products", "write products = [\"P-100\", \"P-200\"]: what is bought together");
    }
    let list = report.get(&file.products, "products").and_then(|at| report.texts(at.span, at.value, "products"));
    let mut products: Vec<String> = Vec::new();
    for product in list.unwrap_or_default() {
        if products.contains(&product.value) {
            let message = format!("`products` names {} twice", words::quote(&product.value));
            report.add(product.span, message, "again", "take it out once");
        }
        products.push(product.value);
    }
    if let (Some(place), [_]) = (file.products.span(), products.as_slice()) {
        report.add(place, "a set is two products or more", "only one", "add a product, or make it a coupon on this one");
    }
    let percent = offer::per_rank(&file.percent, "percent", around, &mut kinds::percent_of, report);
    let price = offer::per_rank(&file.price, "price", around, &mut offer::money_of(around), report);
    let deal = match (file.percent.span(), file.price.span()) {
        (Some(_), None) => Deal::Percent(percent),
        (None, Some(_)) => Deal::Price(price),
        (None, None) => {
            report.missing(span, "price", "write price = 5_000 or percent = 10");
            return None;
        }
        (Some(percent), Some(price)) => {
            report.add(price, "a set has a price or a percentage off, not both", "one too many", "keep one of them");
            report.also(percent, "the other");
            return None;
        }
    };
    Some(OfferKind::Set { products, deal })
}

pub fn points(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> Option<OfferKind> {
    if matches!(file.times, Key::Absent) {
        report.missing(span, "times", "write times = 3 for three times the points");
        return None;
    }
    if around.lacks.contains(&Lack::Points) {
        let help = "add [points], or map `points_balance` in [customers.columns] if the shop's cart keeps the points";
        report.add(file.kind.span().unwrap_or(span), "an offer of points in a job that has no points", "nothing to multiply", help);
    }
    let times = offer::per_rank(&file.times, "times", around, &mut times_of, report);
    let over = offer::per_rank(&file.over, "over", around, &mut offer::money_of(around), report);
    Some(OfferKind::Points { times, over, on: kinds::on(&file.on, report) })
}

/// More than 1; 0 is no offer.
fn times_of(value: &Scalar) -> Result<Option<f64>, &'static str> {
    let times = match value {
        #[expect(clippy::cast_precision_loss, reason = "only small numbers are taken")]
        Scalar::Int(number) => *number as f64,
        Scalar::Float(number) => *number,
        _ => return Err("it must be a number without quotes"),
    };
    match times {
        0.0 => Ok(None),
        times if times > 1.0 && times <= MOST_TIMES => Ok(Some(times)),
        _ => Err("it must be more than 1 and at most 1,000"),
    }
}

pub fn draw(file: &OfferFile, span: Span, report: &mut Report) -> Option<OfferKind> {
    let prize = report.needed(&file.prize, span, "prize", "write what is won: prize = \"…\"");
    if matches!(file.seats, Key::Absent) {
        report.missing(span, "seats", "write how many win: seats = 30");
    }
    let seats = limits::seats(&file.seats, report);
    Some(OfferKind::Draw { prize: prize?.value.to_owned(), seats: seats? })
}

pub fn early_access(file: &OfferFile, span: Span, around: &Around<'_>, report: &mut Report) -> Option<OfferKind> {
    let what = report.needed(&file.what, span, "what", "write what opens: what = \"…\"");
    if matches!(file.opens, Key::Absent) {
        report.missing(span, "opens", "write opens = { VIP = 2026-12-01, AAA = 2026-12-03 }");
    }
    let opens = opens(&file.opens, around, report);
    let url = kinds::web_address(&file.url, "url", report);
    Some(OfferKind::EarlyAccess { what: what?.value.to_owned(), opens: opens?, url })
}

/// When it opens for each rank: never later for a higher one.
fn opens(key: &Key<Or<Entries<Scalar>>>, around: &Around<'_>, report: &mut Report) -> Option<PerRank<Opening>> {
    let span = report.get(key, "opens")?.span;
    let before = report.found.len();
    let opens = offer::per_rank(key, "opens", around, &mut opening_of, report);
    if before < report.found.len() {
        return None;
    }
    let later = opens.windows(2).position(|pair| matches!(pair, [Some(lower), Some(higher)] if higher > lower));
    if let Some(at) = later {
        let name = around.names.as_ref().and_then(|names| names.get(at + 1)).map_or("", String::as_str);
        let message = format!("`opens` is later for {} than for the rank below", words::plain(name));
        report.add(span, message, "the higher rank waits", "let it open earlier, or on the same day, for the higher rank");
    }
    Some(opens)
}

/// A day, or a day and a time.
fn opening_of(value: &Scalar) -> Result<Option<Opening>, &'static str> {
    let (Scalar::Text(text) | Scalar::Date(text)) = value else { return Err("it is not a date") };
    let (day, time) = match text.trim().split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time)),
        None => (text.trim(), None),
    };
    let read = |time: &str| ["%H:%M:%S", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(time.trim(), format).ok());
    let time = time.map(|time| read(time).ok_or("its time is not one of the job's zone, like 10:00")).transpose()?;
    words::day(day).map(|day| Some(Opening { day, time })).ok_or("it is not a date of the calendar")
}
