//! Ranks and distances once more, as plainly as they can be said: loops over the lines of the Parquet files, and nothing of the program.

use crate::program::root;
use crate::shop::{parquet_files, rows};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};
use std::collections::{BTreeMap, BTreeSet};

/// An order: its lines' times and amounts in yen.
type Order = Vec<(NaiveDateTime, i64)>;

/// The demo shop as its files tell it.
pub struct Demo {
    /// The orders of each customer, guests and excluded lines left out.
    pub orders: BTreeMap<String, Vec<Order>>,
    /// The list: rank at the beginning, and since when a customer is known.
    pub listed: BTreeMap<String, (String, Option<NaiveDate>)>,
    pub excluded: BTreeSet<String>,
}

impl Demo {
    pub fn read() -> Self {
        let mut orders: BTreeMap<String, BTreeMap<String, Order>> = BTreeMap::new();
        let mut alone = 0;
        for row in parquet_files(&root().join("testdata/purchases")).iter().flat_map(|file| rows(file)) {
            if row["customer_id"].is_empty() || ["cancelled", "test"].contains(&row["status"].as_str()) {
                continue;
            }
            alone += 1;
            // A line without an order is one of its own.
            let order = if row["order_id"].is_empty() { format!("line {alone}") } else { row["order_id"].clone() };
            let line = (row["purchased_at"].parse().unwrap(), row["amount"].parse().unwrap());
            orders.entry(row["customer_id"].clone()).or_default().entry(order).or_default().push(line);
        }
        let mut demo = Self {
            orders: orders.into_iter().map(|(customer, orders)| (customer, orders.into_values().collect())).collect(),
            listed: BTreeMap::new(),
            excluded: BTreeSet::new(),
        };
        for row in rows(&root().join("testdata/customers.parquet")) {
            if ["退会", "社員", "テスト"].contains(&row["status"].as_str()) {
                demo.excluded.insert(row["customer_id"].clone());
            } else {
                demo.listed.insert(row["customer_id"].clone(), (row["rank"].clone(), row["first_visit_on"].parse().ok()));
            }
        }
        demo
    }

    /// Whether an order of this customer lost money between two days.
    pub fn returned(&self, customer: &str, from: NaiveDate, until: NaiveDate) -> bool {
        let lines = self.orders.get(customer).into_iter().flatten().flatten();
        lines.into_iter().any(|(at, amount)| *amount < 0 && at.date() >= from && at.date() < until)
    }
}

#[derive(Clone, Copy, Default)]
pub struct Need {
    pub orders: Option<i64>,
    pub spend: Option<i64>,
    pub orders_ever: Option<i64>,
    pub tenure_months: Option<u32>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Down {
    ToQualifying,
    OneStep,
    Never,
}

#[derive(Clone, Copy)]
pub enum Window {
    Months(u32),
    Days(u64),
}

impl Window {
    fn before(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Months(months) => day - Months::new(months),
            Self::Days(days) => day - Days::new(days),
        }
    }
}

/// `[ranks]` and `[[rank]]`.
#[derive(Clone)]
pub struct Rules {
    pub window: Window,
    /// The 1st of these months; none: of each.
    pub reviews: Vec<u32>,
    pub down: Down,
    pub grace: u32,
    pub keep_for: u32,
    /// Name, what admits, what keeps.
    pub ladder: Vec<(&'static str, Need, Option<Need>)>,
}

impl Rules {
    /// The rules as a job file says them.
    pub fn toml(&self) -> String {
        let window = match self.window {
            Window::Months(months) => format!("{months} months"),
            Window::Days(days) => format!("{days} days"),
        };
        let down = match self.down {
            Down::ToQualifying => "to qualifying",
            Down::OneStep => "one step",
            Down::Never => "never",
        };
        let dates: Vec<String> = self.reviews.iter().map(|month| format!("\"{month:02}-01\"")).collect();
        let review = if dates.is_empty() { "\"monthly\"".to_owned() } else { format!("[{}]", dates.join(", ")) };
        let mut text = format!("[ranks]\nwindow = \"{window}\"\nreview = {review}\ndown = \"{down}\"\ngrace = {}\n", self.grace);
        if self.keep_for > 0 {
            text += &format!("keep_for = \"{} months\"\n", self.keep_for);
        }
        for (name, admits, keeps) in &self.ladder {
            text += &format!("[[rank]]\nname = \"{name}\"\nat_least = {}\n", admits.toml());
            if let Some(keeps) = keeps {
                text += &format!("keep_at_least = {}\n", keeps.toml());
            }
        }
        text
    }

    /// The first review date after a day.
    fn review_after(&self, day: NaiveDate) -> NaiveDate {
        let mut day = day + Days::new(1);
        while day.day() != 1 || !(self.reviews.is_empty() || self.reviews.contains(&day.month())) {
            day = day + Days::new(1);
        }
        day
    }
}

impl Need {
    fn toml(&self) -> String {
        let metrics = [
            ("orders", self.orders),
            ("spend", self.spend),
            ("orders_ever", self.orders_ever),
            ("tenure_months", self.tenure_months.map(i64::from)),
        ];
        let said: Vec<String> = metrics.iter().filter_map(|(name, least)| least.map(|least| format!("{name} = {least}"))).collect();
        format!("{{ {} }}", said.join(", "))
    }
}

/// A run that was adopted.
pub struct Run {
    pub as_of: NaiveDate,
    pub closing: NaiveDate,
    pub people: BTreeMap<String, Person>,
}

/// One customer's line of `customers.parquet`.
#[derive(Default)]
pub struct Person {
    orders_ever: i64,
    spend_ever: i64,
    orders: i64,
    spend: i64,
    qualifies: Option<usize>,
    rank: Option<usize>,
    previous: Option<usize>,
    change: &'static str,
    since: Option<NaiveDate>,
    missed: u32,
    safe_until: Option<NaiveDate>,
    next_rank: Option<usize>,
    next_orders: Option<i64>,
    next_spend: Option<i64>,
    next_on: Option<NaiveDate>,
    keep_by: Option<NaiveDate>,
    keep_orders: Option<i64>,
    keep_spend: Option<i64>,
}

impl Person {
    /// The values by column, as text.
    pub fn columns(&self, rules: &Rules) -> Vec<(&'static str, String)> {
        let rank = |rank: Option<usize>| rank.map_or(String::new(), |rank| rules.ladder[rank].0.to_owned());
        let day = |day: Option<NaiveDate>| day.map_or(String::new(), |day| day.to_string());
        let number = |number: Option<i64>| number.map_or(String::new(), |number| number.to_string());
        vec![
            ("orders_ever", self.orders_ever.to_string()),
            ("spend_ever", self.spend_ever.to_string()),
            ("orders", self.orders.to_string()),
            ("spend", self.spend.to_string()),
            ("qualifies", rank(self.qualifies)),
            ("rank", rank(self.rank)),
            ("previous_rank", rank(self.previous)),
            ("rank_change", self.change.to_owned()),
            ("rank_since", day(self.since)),
            ("missed_reviews", self.missed.to_string()),
            ("safe_until", day(self.safe_until)),
            ("next_rank", rank(self.next_rank)),
            ("next_orders", number(self.next_orders)),
            ("next_spend", number(self.next_spend)),
            ("next_on", day(self.next_on)),
            ("keep_by", day(self.keep_by)),
            ("keep_orders", number(self.keep_orders)),
            ("keep_spend", number(self.keep_spend)),
        ]
    }
}

/// What one customer's orders amount to.
struct Figures {
    orders: i64,
    spend: i64,
    orders_ever: i64,
    spend_ever: i64,
    /// What a tenure counts from.
    begun: Option<NaiveDate>,
}

/// The days of a run.
struct Dates {
    as_of: NaiveDate,
    closing: NaiveDate,
    next_closing: NaiveDate,
    due: Option<NaiveDate>,
    ahead: NaiveDate,
}

/// Adds up the orders from a day on, with what is known before another day. Orders have the time of their earliest line.
fn figures(orders: &[Order], known_since: Option<NaiveDate>, from: NaiveDate, until: NaiveDate, as_of: NaiveDate) -> Figures {
    let mut sum = Figures { orders: 0, spend: 0, orders_ever: 0, spend_ever: 0, begun: known_since };
    for order in orders {
        let Some(at) = order.iter().map(|(at, _)| at.date()).filter(|day| *day < as_of).min() else { continue };
        let net: i64 = order.iter().filter(|(at, _)| at.date() < until).map(|(_, amount)| amount).sum();
        sum.spend_ever += net;
        sum.orders_ever += i64::from(net > 0);
        if at >= from {
            sum.spend += net;
            sum.orders += i64::from(net > 0);
        }
        if net > 0 && sum.begun.is_none_or(|begun| at < begun) {
            sum.begun = Some(at);
        }
    }
    sum
}

fn reached(need: &Need, have: &Figures) -> Option<NaiveDate> {
    Some(have.begun? + Months::new(need.tenure_months?))
}

fn lack(wanted: Option<i64>, have: i64) -> Option<i64> {
    wanted.map(|wanted| (wanted - have).max(0))
}

fn holds(need: &Need, have: &Figures, on: NaiveDate) -> bool {
    lack(need.orders, have.orders).unwrap_or(0) == 0
        && lack(need.spend, have.spend).unwrap_or(0) == 0
        && lack(need.orders_ever, have.orders_ever).unwrap_or(0) == 0
        && (need.tenure_months.is_none() || reached(need, have).is_some_and(|day| day <= on))
}

/// What every customer's line must be.
pub fn run(demo: &Demo, rules: &Rules, as_of: NaiveDate, before: Option<&Run>) -> Run {
    let closing = as_of.with_day(1).unwrap();
    let due = before.map(|before| rules.review_after(before.closing)).filter(|review| *review <= closing);
    let days = Dates { as_of, closing, next_closing: closing + Months::new(1), due, ahead: rules.review_after(closing) };
    let bought = demo.orders.iter().filter(|(_, orders)| orders.iter().flatten().any(|(at, _)| at.date() < as_of));
    let ids: BTreeSet<&String> = demo.listed.keys().chain(bought.map(|(id, _)| id)).collect();
    let people = ids.into_iter().filter(|id| !demo.excluded.contains(*id)).map(|id| {
        let (listed_rank, known_since) = demo.listed.get(id).cloned().unwrap_or_default();
        let nobody = Vec::new();
        let orders = demo.orders.get(id).unwrap_or(&nobody);
        let at_first = || Person { rank: rules.ladder.iter().position(|(name, ..)| *name == listed_rank), ..Person::default() };
        let held = match before {
            Some(before) => before.people.get(id).map(|held| Person {
                rank: held.rank,
                since: held.since,
                missed: held.missed,
                safe_until: held.safe_until,
                ..Person::default()
            }),
            None => Some(at_first()),
        };
        let mut person = moved(rules, &days, orders, known_since, &held.unwrap_or_default());
        measure(rules, &days, orders, known_since, &mut person);
        (id.clone(), person)
    });
    Run { as_of, closing, people: people.collect() }
}

/// The table of rank moves.
fn moved(rules: &Rules, days: &Dates, orders: &[Order], known_since: Option<NaiveDate>, held: &Person) -> Person {
    let closing = days.closing;
    let have = figures(orders, known_since, rules.window.before(closing), closing, days.as_of);
    let qualifies = rules.ladder.iter().rposition(|(_, admits, _)| holds(admits, &have, closing));
    let mut person = Person {
        orders_ever: have.orders_ever,
        spend_ever: have.spend_ever,
        orders: have.orders,
        spend: have.spend,
        qualifies,
        rank: held.rank,
        previous: held.rank,
        change: "kept",
        since: held.since,
        missed: held.missed,
        safe_until: held.safe_until,
        ..Person::default()
    };
    let Some(rank) = held.rank else {
        person.rank = qualifies;
        person.change = if qualifies.is_some() { "new" } else { "none" };
        person.since = qualifies.map(|_| closing);
        (person.missed, person.safe_until) = (0, None);
        return person;
    };
    if qualifies.is_some_and(|qualifies| qualifies > rank) {
        (person.rank, person.change, person.since, person.missed) = (qualifies, "up", Some(closing), 0);
        person.safe_until = (rules.keep_for > 0).then(|| closing + Months::new(rules.keep_for));
        return person;
    }
    let (_, admits, keeps) = &rules.ladder[rank];
    let keeps_at = |review: NaiveDate| {
        let have = figures(orders, known_since, rules.window.before(review), closing, days.as_of);
        holds(keeps.as_ref().unwrap_or(admits), &have, closing)
    };
    if qualifies == Some(rank) || days.due.is_some_and(keeps_at) {
        person.missed = 0;
        return person;
    }
    let Some(review) = days.due else { return person };
    if held.safe_until.is_some_and(|safe_until| review < safe_until) || rules.down == Down::Never {
        return person;
    }
    if held.missed < rules.grace {
        (person.change, person.missed) = ("missed", held.missed + 1);
        return person;
    }
    person.rank = if rules.down == Down::OneStep { rank.checked_sub(1) } else { qualifies };
    person.since = person.rank.map(|_| closing);
    (person.change, person.missed, person.safe_until) = ("down", 0, None);
    person
}

/// The distances.
fn measure(rules: &Rules, days: &Dates, orders: &[Order], known_since: Option<NaiveDate>, person: &mut Person) {
    let known = |end: NaiveDate| figures(orders, known_since, rules.window.before(end), days.as_of, days.as_of);
    let next = person.rank.map_or(0, |rank| rank + 1);
    if let Some((_, need, _)) = rules.ladder.get(next) {
        let have = known(days.next_closing);
        person.next_rank = Some(next);
        person.next_orders = lack(need.orders, have.orders).max(lack(need.orders_ever, have.orders_ever));
        person.next_spend = lack(need.spend, have.spend);
        person.next_on = reached(need, &have).filter(|day| *day > days.as_of);
    }
    let Some(rank) = person.rank else { return };
    let lowers =
        person.missed + 1 > rules.grace && person.safe_until.is_none_or(|safe_until| days.ahead >= safe_until) && rules.down != Down::Never;
    if !lowers {
        return;
    }
    person.keep_by = Some(days.ahead);
    let (_, admits, keeps) = &rules.ladder[rank];
    let need = keeps.as_ref().unwrap_or(admits);
    let have = known(days.ahead);
    // A tenure that comes too late cannot be bought: then there is no number that would be true.
    if need.tenure_months.is_none() || reached(need, &have).is_some_and(|day| day <= days.ahead) {
        person.keep_orders = lack(need.orders, have.orders).max(lack(need.orders_ever, have.orders_ever));
        person.keep_spend = lack(need.spend, have.spend);
    }
}
