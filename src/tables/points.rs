//! What a customer list tells of points that the shop's cart keeps.

use super::customers::{Rows, key, shortened};
use super::error::Error;
use super::notes::{About, Notes};
use super::table::{Kind, word};
use crate::domain::Points;
use crate::domain::job::PointsColumns;
use chrono::NaiveDate;

/// The kinds that a number of points can be read from.
const NUMBERS: [Kind; 4] = [Kind::Int, Kind::Float, Kind::Decimal, Kind::Text];

/// The points of each customer; none where the balance is empty or cannot be used, which is counted. What expires next is left out where
/// it makes no sense, because a mail must not tell it: more than the balance, or a last day before `as_of`.
pub fn points(rows: &Rows<'_>, columns: Option<&PointsColumns>, as_of: NaiveDate, notes: &mut Notes) -> Result<Vec<Option<Points>>, Error> {
    let Some(columns) = columns else { return Ok(Vec::new()) };
    let balances = numbers(rows, &columns.balance, "points_balance", notes)?;
    let balances = balances.into_iter().map(|balance| balance.map(|balance| Points { balance, ..Points::default() }));
    let Some((expiring, expire_on)) = &columns.next else { return Ok(balances.collect()) };
    let expiring = numbers(rows, expiring, "points_expiring", notes)?;
    let days = rows.dates(Some(expire_on), "points_expire_on", notes)?;
    let mut told = Vec::with_capacity(rows.len());
    for ((row, points), (expiring, day)) in rows.places().zip(balances).zip(expiring.into_iter().zip(days)) {
        let next = expiring.filter(|expiring| *expiring > 0).zip(day);
        told.push(points.map(|points| match next {
            Some((expiring, day)) => next_to_expire(points, expiring, day, as_of).unwrap_or_else(|senseless| {
                notes.senseless_points += 1;
                notes.example(About::Points, rows, row, || senseless);
                points
            }),
            None => points,
        }));
    }
    Ok(told)
}

/// Points with what expires next, or what is wrong with that.
fn next_to_expire(points: Points, expiring: i64, day: NaiveDate, as_of: NaiveDate) -> Result<Points, String> {
    if expiring > points.balance {
        return Err(format!("points_expiring {expiring} is more than the balance, {}", points.balance));
    }
    if day < as_of {
        return Err(format!("points_expire_on {day} is before {as_of}"));
    }
    Ok(Points { expiring, expire_on: Some(day), ..points })
}

/// A column of whole numbers that are not negative. Empty ones are nothing, unusable ones are counted.
fn numbers(rows: &Rows<'_>, name: &str, role: &str, notes: &mut Notes) -> Result<Vec<Option<i64>>, Error> {
    let column = rows.table().column_of(name, &key(role), &NUMBERS, "whole numbers")?;
    let mut numbers = Vec::with_capacity(rows.len());
    for (row, value) in rows.of(column) {
        let text = word(&value).unwrap_or_default();
        let number = whole(text.trim());
        if number.is_none() && !text.trim().is_empty() {
            notes.unusable_points += 1;
            notes.example(About::role(role), rows, row, || format!("{role} \"{}\" is no number of points", shortened(&text)));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

/// A whole number as carts write it: `1200`, `1,200`, `1200.0`.
fn whole(text: &str) -> Option<i64> {
    let (digits, part) = text.split_once('.').unwrap_or((text, "0"));
    let plain = digits.starts_with(|first: char| first.is_ascii_digit()) && part.bytes().all(|byte| byte == b'0');
    if plain { digits.replace(',', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_whole_and_not_negative() {
        assert_eq!(["1200", "1,200", "1200.0", "0"].map(whole), [Some(1_200), Some(1_200), Some(1_200), Some(0)]);
        assert_eq!(["-5", "12.5", "", "many", "+3", "99999999999999999999"].map(whole), [None; 6]);
    }
}
