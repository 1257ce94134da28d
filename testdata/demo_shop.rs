//! Makes the demo shop: a house in Kyoto that sells tea, sweets, beef and flowers. The same bytes every time.
//!
//! `cargo run --example demo_shop -- testdata` writes `customers.parquet`, `products.parquet` and 24 monthly folders of
//! `purchases/`. A test holds that the committed files are what this makes.

#[path = "demo_shop/dice.rs"]
mod dice;
#[path = "demo_shop/files.rs"]
mod files;
#[path = "demo_shop/homes.rs"]
mod homes;
#[path = "demo_shop/orders.rs"]
mod orders;
#[path = "demo_shop/people.rs"]
mod people;
#[path = "demo_shop/words.rs"]
mod words;

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use dice::Dice;
use orders::{Line, Product};
use people::Shopper;
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

const SEED: u64 = 7;
const MONTHS: u32 = 24;
const RANKS: [&str; 5] = ["A", "AA", "AA+", "AAA", "VIP"];

#[cfg(not(test))]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("say where: cargo run --example demo_shop -- FOLDER")?;
    write_shop(Path::new(&folder))
}

/// Writes the whole shop into `folder`.
pub fn write_shop(folder: &Path) -> Result<(), Box<dyn Error>> {
    let start = NaiveDate::from_ymd_opt(2024, 12, 1).ok_or("no such day")?;
    let end = start + Months::new(MONTHS);
    let goods = orders::products(SEED);
    let mut shoppers: Vec<Shopper> =
        (1..=people::CUSTOMERS).map(|number| people::make(SEED, number, start, end - TimeDelta::days(1))).collect();
    let lines = make_lines(&shoppers, &goods, start, end);
    hand_out_cards(&mut shoppers, &lines, end - Months::new(1));

    files::write_customers(&folder.join("customers.parquet"), &shoppers)?;
    files::write_products(&folder.join("products.parquet"), &goods)?;
    for month in 0..MONTHS {
        let day = start + Months::new(month);
        let these: Vec<Line> =
            lines.iter().filter(|line| (line.at.year(), line.at.month()) == (day.year(), day.month())).cloned().collect();
        let path = format!("purchases/year={}/month={:02}/purchases.parquet", day.year(), day.month());
        files::write_purchases(&folder.join(path), &these)?;
    }
    Ok(())
}

/// Every line of the history in the order of time, with order ids.
fn make_lines(shoppers: &[Shopper], goods: &[Product], start: NaiveDate, end: NaiveDate) -> Vec<Line> {
    let mut all: Vec<Vec<Line>> = Vec::new();
    for (number, shopper) in (1..).zip(shoppers) {
        all.extend(orders::of_customer(SEED, number, shopper, goods));
    }
    let mut dice = Dice::new(SEED, 800_000);
    for number in 0..420 {
        let day = start + TimeDelta::days(dice.below((end - start).num_days()));
        let number_below = u32::try_from(number).unwrap_or(0) + 10_000;
        all.extend(orders::of_customer(SEED, number_below, &orders::stranger(number, day), goods));
    }
    put_some_on_the_edge_of_a_month(&mut all, end);
    all.sort_by(|one, other| key(one).cmp(&key(other)));

    let midnight = end.and_time(NaiveTime::MIN);
    let mut lines = Vec::new();
    let (mut month, mut count) = (0, 0);
    for mut order in all {
        let Some(at) = order.first().map(|line| line.at) else { continue };
        count = if month == at.month() { count + 1 } else { 1 };
        month = at.month();
        let id = format!("K{:02}{month:02}-{count:04}", at.year() % 100);
        // The till in Osaka now and then forgets the number: each such line is an order of its own.
        let forgotten = order.iter().all(|line| line.store == "大阪") && dice.per_mille(40);
        for line in &mut order {
            line.order = if forgotten { dice.per_mille(500).then(String::new) } else { Some(id.clone()) };
            // A guest's customer is empty from the web shop and null from the till.
            line.customer = line.customer.take().filter(|customer| !customer.is_empty() || count % 2 == 0);
        }
        let (within, apart) = orders::returns(&mut dice, &order, midnight);
        lines.extend(apart.map(|line| Line { order: Some(format!("R{}", &id[1..])), ..line }));
        lines.extend(order);
        lines.extend(within);
    }
    lines.sort_by(|one, other| (one.at, &one.customer).cmp(&(other.at, &other.customer)));
    lines
}

fn key(order: &[Line]) -> Option<(NaiveDateTime, &str)> {
    order.first().map(|line| (line.at, line.customer.as_deref().unwrap_or("")))
}

/// A few orders of November begin in its first moment, a few of October end in its last.
fn put_some_on_the_edge_of_a_month(all: &mut [Vec<Line>], end: NaiveDate) {
    let edge = (end - Months::new(1)).and_time(NaiveTime::MIN);
    for (count, order) in all.iter_mut().filter(|order| order.iter().any(|line| (line.at - edge).num_days() == 0)).enumerate() {
        let at = if count % 2 == 0 { edge } else { edge - TimeDelta::microseconds(1) };
        if count < 6 {
            for line in order {
                line.at = at;
            }
        }
    }
}

/// The former system knew ranks for those with a card of a store; it erred a little, as such systems do.
fn hand_out_cards(shoppers: &mut [Shopper], lines: &[Line], closing: NaiveDate) {
    let mut bought: HashMap<&str, Vec<&Line>> = HashMap::new();
    for line in lines {
        bought.entry(line.customer.as_deref().unwrap_or("")).or_default().push(line);
    }
    let mut dice = Dice::new(SEED, 700_000);
    for shopper in shoppers {
        let theirs = bought.get(shopper.id.as_str()).map_or(&[][..], Vec::as_slice);
        let rank = orders::former_rank(theirs, shopper.first_visit_on, closing);
        let rank = match dice.below(100) {
            0..4 => rank.map(|rank| rank.saturating_sub(1)),
            4..6 => rank.map(|rank| (rank + 1).min(RANKS.len() - 1)),
            _ => rank,
        };
        shopper.rank = rank.filter(|_| shopper.store != "オンライン").map(|rank| RANKS[rank]);
    }
}
