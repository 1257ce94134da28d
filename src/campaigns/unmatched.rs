//! Says in words which condition of a campaign a customer does not meet.

use super::when::Key;
use super::{Fails, RunFacts, days, said};
use crate::domain::campaign::{Campaign, DayRange, NumberRange, RankMove, RankRange, WhereTest};
use crate::domain::points::CashbackAs;
use crate::domain::recommend::Overdue;
use crate::domain::{Currency, Person, Unmatched, Value};
use chrono::{Datelike, NaiveDate};

/// The condition, what it asks for and what the customer has.
pub fn describe(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>, fails: Fails) -> Unmatched {
    let (condition, wanted, found) = match fails {
        Fails::Ranks => {
            let own = person.standing.rank.map_or("no rank", |rank| run.ladder.name(rank));
            ("ranks".to_owned(), ranks(&campaign.ranks, run), own.to_owned())
        }
        Fails::When(key) => {
            let (name, wanted, found) = when(campaign, person, run, key);
            (format!("when.{name}"), wanted, found)
        }
        Fails::Where(at) => match campaign.wheres.get(at) {
            Some(condition) => (format!("where.{}", condition.column), test(&condition.test), show(&person.column(&condition.column))),
            None => ("where".to_owned(), String::new(), String::new()),
        },
    };
    Unmatched { condition, wanted, found, said: said::sentence(campaign, person, run, fails) }
}

fn ranks(ranks: &RankRange, run: &RunFacts<'_>) -> String {
    match ranks {
        RankRange::NoRank => "no rank".to_owned(),
        RankRange::Ranks(ranks) => ranks.iter().map(|rank| run.ladder.name(*rank)).collect::<Vec<_>>().join(", "),
    }
}

/// The key of `when`, what it asks for, and what there is.
fn when(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>, key: Key) -> (&'static str, String, String) {
    let (when, figures) = (&campaign.when, person.features);
    let number = |range: Option<NumberRange>, figure: i64| (range_of(range, None), figure.to_string());
    let money = |range: Option<NumberRange>, figure: i64| (range_of(range, Some(run.currency)), run.currency.show(figure));
    let since = |range: Option<NumberRange>, day: Option<NaiveDate>| {
        let found = day.map_or_else(|| "no order".to_owned(), |day| format!("{} (since {day})", (run.as_of - day).num_days()));
        (range_of(range, None), found)
    };
    let (name, (wanted, found)) = match key {
        Key::Birthday => ("birthday", (days_of(when.birthday, run.as_of), date_or(person.birthday(), "no birthday"))),
        Key::Anniversary => ("anniversary", (days_of(when.anniversary, run.as_of), date_or(person.anniversary_of, "no order"))),
        Key::Month => ("month", (listed(when.month.iter().flatten()), run.as_of.month().to_string())),
        Key::Dates => ("dates", (when.dates.map_or_else(String::new, |(first, last)| format!("{first}..{last}")), run.as_of.to_string())),
        Key::DaysSinceLastOrder => ("days_since_last_order", since(when.days_since_last_order, person.last_order_on)),
        Key::DaysSinceFirstOrder => ("days_since_first_order", since(when.days_since_first_order, person.first_order_on)),
        Key::Orders => ("orders", number(when.orders, figures.orders)),
        Key::Spend => ("spend", money(when.spend, figures.spend)),
        Key::OrdersEver => ("orders_ever", number(when.orders_ever, figures.orders_ever)),
        Key::SpendEver => ("spend_ever", money(when.spend_ever, figures.spend_ever)),
        Key::Rank => ("rank", rank_move(when.rank, person, run)),
        Key::Bought => ("bought", (listed(when.bought.iter().flat_map(|wanted| &wanted.names)), "none of them".to_owned())),
        Key::NotBought => ("not_bought", (listed(when.not_bought.iter().flat_map(|wanted| &wanted.names)), "bought".to_owned())),
        Key::Overdue => ("overdue", interval(when.overdue, person)),
        Key::Points => ("points", (range_of(when.points, None), known(person.holding.points.map(|points| points.balance.to_string())))),
        Key::PointsExpireWithin => {
            let last = person.holding.points.filter(|points| points.expiring > 0).and_then(|points| points.expire_on);
            let wanted = when.points_expire_within.map_or_else(String::new, |days| format!("within {}", days::counted(days.into())));
            ("points_expire_within", (wanted, date_or(last, "nothing expires")))
        }
        Key::Cashback => {
            let paid = person.holding.cashback;
            let currency = Some(run.currency).filter(|_| run.cashback == Some(CashbackAs::Coupon));
            let found = paid.points.map(|points| points.to_string()).or(paid.amount.map(|amount| run.currency.show(amount)));
            ("cashback", (range_of(when.cashback, currency), found.unwrap_or_else(|| "nothing is paid back now".to_owned())))
        }
    };
    (name, wanted, found)
}

/// How overdue somebody must be, and is.
fn interval(overdue: Option<Overdue>, person: &Person<'_>) -> (String, String) {
    let found = match person.interval {
        None => "orders on fewer than three days".to_owned(),
        Some(interval) => format!("{} since the last, usually {}", days::counted(interval.since), interval.usual_days()),
    };
    (overdue.map_or_else(String::new, |overdue| overdue.to_string()), found)
}

fn known(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "not known".to_owned())
}

fn rank_move(wanted: Option<RankMove>, person: &Person<'_>, run: &RunFacts<'_>) -> (String, String) {
    let change = person.standing.change.word();
    match wanted {
        Some(RankMove::Up) => ("up".to_owned(), change.to_owned()),
        Some(RankMove::Down) => ("down".to_owned(), change.to_owned()),
        Some(RankMove::New) if run.first_run => ("new".to_owned(), "at the first run nobody is".to_owned()),
        Some(RankMove::New) => ("new".to_owned(), change.to_owned()),
        Some(RankMove::AtRisk) => ("at risk".to_owned(), "nothing is missing".to_owned()),
        None => (String::new(), change.to_owned()),
    }
}

fn days_of(range: Option<DayRange>, as_of: NaiveDate) -> String {
    let Some(range) = range else { return String::new() };
    let (first, last) = days::range(range, as_of);
    let words = match range {
        DayRange::ThisMonth => "this month".to_owned(),
        DayRange::NextMonth => "next month".to_owned(),
        DayRange::ThisWeek => "this week".to_owned(),
        DayRange::Today => "today".to_owned(),
        DayRange::InDays(ahead) => format!("in {}", days::counted(ahead.into())),
    };
    if first == last { format!("{words} ({first})") } else { format!("{words} ({first}..{last})") }
}

/// A range as the job writes it; with a currency the ends are amounts of minor units.
fn range_of(range: Option<NumberRange>, currency: Option<&Currency>) -> String {
    let Some(NumberRange { from, to }) = range else { return String::new() };
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range of amounts is shown as the largest amount")]
    let end = |end: Option<f64>| match (end, currency) {
        (None, _) => String::new(),
        (Some(end), None) => end.to_string(),
        (Some(end), Some(currency)) => currency.show(end as i64),
    };
    format!("{}..{}", end(from), end(to))
}

fn test(test: &WhereTest) -> String {
    match test {
        WhereTest::OneOf(values) => listed(values),
        WhereTest::Truth(truth) => truth.to_string(),
        WhereTest::Range(range) => range_of(Some(*range), None),
        WhereTest::DateRange { from, to } => format!("{}..{}", date_or(*from, ""), date_or(*to, "")),
        WhereTest::Missing(true) => "missing".to_owned(),
        WhereTest::Missing(false) => "a value".to_owned(),
    }
}

fn date_or(day: Option<NaiveDate>, nothing: &str) -> String {
    day.map_or_else(|| nothing.to_owned(), |day| day.to_string())
}

pub fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// A value for people.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "missing".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Date(day) => day.to_string(),
        Value::List(values) => values.iter().map(show).collect::<Vec<_>>().join(", "),
        Value::Record(fields) => fields.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect::<Vec<_>>().join(", "),
    }
}
