//! What the customers buy: orders of several lines, returns, cancelled orders, guests.

use super::dice::Dice;
use super::homes::Home;
use super::people::{self, Kind, Shopper};
use super::words::SHELVES;
use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta};

pub struct Product {
    pub id: String,
    pub name: &'static str,
    pub category: &'static str,
    pub price: i64,
    pub stock: i64,
}

/// One line of the purchase history.
#[derive(Clone)]
pub struct Line {
    pub customer: Option<String>,
    pub order: Option<String>,
    pub at: NaiveDateTime,
    pub amount: i64,
    pub quantity: i64,
    pub product: String,
    pub category: &'static str,
    pub status: Option<&'static str>,
    pub coupon: Option<&'static str>,
    pub points_used: i64,
    pub store: &'static str,
}

/// How much of a year's buying falls into each month, in percent of an ordinary month: gifts in July and December.
const SEASON: [i64; 12] = [75, 72, 95, 100, 105, 90, 125, 85, 88, 97, 110, 158];

pub fn products(seed: u64) -> Vec<Product> {
    let mut products = Vec::new();
    for (category, cheapest, dearest, names) in &SHELVES {
        for (step, name) in (0..).zip(names) {
            let mut dice = Dice::new(seed, 900_000 + products.len() as u64);
            let price = cheapest + (dearest - cheapest) * step / 9;
            let stock = if dice.per_mille(60) { 0 } else { dice.between(2, 300) };
            products.push(Product { id: format!("P{:03}", products.len() + 1), name, category, price: price * 10, stock });
        }
    }
    products
}

/// All orders of one customer; the order ids are still to be given.
pub fn of_customer(seed: u64, number: u32, shopper: &Shopper, goods: &[Product]) -> Vec<Vec<Line>> {
    let mut dice = Dice::new(seed, 100_000 + u64::from(number));
    let (per_year, low, high) = match shopper.kind {
        Kind::Never => return Vec::new(),
        Kind::Once => (0, 2_000, 14_000),
        Kind::Seldom => (22, 5_000, 13_000),
        Kind::Regular => (42, 9_000, 19_000),
        Kind::Good => (72, 12_000, 24_000),
        Kind::Best => (125, 22_000, 42_000),
    };
    let usual = dice.between(low, high);
    let mut orders = Vec::new();
    let mut day = shopper.from;
    while day <= shopper.until {
        let season = SEASON[usize::try_from(day.month0()).unwrap_or(0)];
        let comes = dice.below(365 * 1_000) < per_year * season;
        let newcomer = day == shopper.from && shopper.first_visit_on.is_none();
        if comes || newcomer {
            let at = people::moment(&mut dice, day);
            orders.push(order(&mut dice, at, shopper, usual, goods));
        }
        day += TimeDelta::days(1);
    }
    orders
}

fn order(dice: &mut Dice, at: NaiveDateTime, shopper: &Shopper, usual: i64, goods: &[Product]) -> Vec<Line> {
    let wanted = usual * dice.between(55, 150) / 100;
    let status = match (shopper.status, dice.below(1_000)) {
        ("テスト", _) => Some("test"),
        (_, 0..15) => Some("cancelled"),
        (_, 15..350) => Some("paid"),
        _ => None,
    };
    let coupon = dice.per_mille(70).then(|| *dice.pick(&["SPRING10", "MATCHA10", "HELLO10"]));
    let mut points = if dice.per_mille(90) { dice.between(1, 20) * 100 } else { 0 };
    let mut lines: Vec<Line> = Vec::new();
    let mut sum = 0;
    while lines.is_empty() || (sum < wanted && lines.len() < 5) {
        let product = choose(dice, shopper, wanted - sum, goods);
        let quantity = *dice.pick(&[1, 1, 1, 1, 2, 2, 3]);
        let full = product.price * quantity;
        let amount = if coupon.is_some() { full * 9 / 10 } else { full };
        sum += amount;
        lines.push(Line {
            customer: Some(shopper.id.clone()),
            order: None,
            at,
            amount,
            quantity,
            product: product.id.clone(),
            category: product.category,
            status,
            coupon,
            points_used: std::mem::take(&mut points),
            store: if dice.per_mille(920) { shopper.store } else { "オンライン" },
        });
    }
    lines
}

/// A product that fits the customer's taste, mostly, and what is left of the purse.
fn choose<'a>(dice: &mut Dice, shopper: &Shopper, left: i64, goods: &'a [Product]) -> &'a Product {
    let taste: &[&str] = match shopper.likes {
        Some("肉") => &["近江牛", "調味料"],
        Some("甘味") => &["和菓子", "ほうじ茶"],
        Some("お茶") => &["煎茶", "ほうじ茶", "抹茶", "茶器"],
        Some("花") => &["花", "香"],
        _ => &["和菓子", "工芸"],
    };
    let mut product = dice.pick(goods);
    for _ in 0..12 {
        let liked = taste.contains(&product.category) || dice.per_mille(if shopper.kind == Kind::Best { 250 } else { 120 });
        if liked && product.price <= left.max(1_500) * 6 / 5 {
            break;
        }
        product = dice.pick(goods);
    }
    product
}

/// What comes back: lines taken back within their order, whole orders, and returns that were booked as an order of their own.
pub fn returns(dice: &mut Dice, order: &[Line], end: NaiveDateTime) -> (Vec<Line>, Option<Line>) {
    let (mut within, mut apart) = (Vec::new(), None);
    let Some(first) = order.first().filter(|line| line.status.is_none()) else { return (within, apart) };
    let at = first.at + TimeDelta::days(dice.between(2, 25)) + TimeDelta::minutes(dice.between(0, 120));
    let back = |line: &Line| Line { at, amount: -line.amount, quantity: -line.quantity, points_used: 0, ..line.clone() };
    match dice.below(1_000) {
        0..18 => within.push(back(first)),
        18..25 => within.extend(order.iter().map(back)),
        25..32 => apart = Some(back(first)),
        _ => {}
    }
    within.retain(|line| line.at < end);
    (within, apart.filter(|line| line.at < end))
}

/// Somebody without a card, or one whose card is not in the list.
pub fn stranger(number: i64, day: NaiveDate) -> Shopper {
    let unlisted = number % 12 == 0;
    Shopper {
        id: if unlisted { format!("X{:04}", number / 12) } else { String::new() },
        email: None,
        name: None,
        birthday: None,
        consented_at: None,
        first_visit_on: None,
        rank: None,
        status: "会員",
        store: "京都",
        likes: None,
        vip_type: None,
        nickname: None,
        home: Home::default(),
        kind: Kind::Once,
        from: day,
        until: day,
    }
}

/// The rank that the shop's former system would give on `closing`: one year's orders and spend, and how long one has been there.
pub fn former_rank(lines: &[&Line], first_visit: Option<NaiveDate>, closing: NaiveDate) -> Option<usize> {
    let counted = |line: &&&Line| !matches!(line.status, Some("cancelled" | "test")) && line.at.date() < closing;
    let first = lines.iter().filter(counted).map(|line| line.at.date()).min()?;
    let since = first_visit.map_or(first, |visit| visit.min(first));
    let window = closing - Months::new(12);
    let recent: Vec<_> = lines.iter().filter(counted).filter(|line| line.at.date() >= window).collect();
    let spend: i64 = recent.iter().map(|line| line.amount).sum();
    let mut orders: Vec<_> = recent.iter().filter(|line| line.amount > 0).map(|line| &line.order).collect();
    orders.sort();
    orders.dedup();
    let tenure = |months| since + Months::new(months) <= closing;
    Some(match (orders.len(), spend) {
        (8.., 250_000..) if tenure(12) => 4,
        (5.., 100_000..) if tenure(6) => 3,
        (3.., 50_000..) => 2,
        (2.., 20_000..) => 1,
        _ => 0,
    })
}
