//! Says in a sentence why a campaign is not for a customer, as somebody who answers the telephone would.

use super::unmatched::listed;
use super::when::Key;
use super::{Fails, RunFacts, days};
use crate::domain::campaign::{Campaign, DayRange, NumberRange, RankMove, RankRange, WhereTest};
use crate::domain::job::Language;
use crate::domain::points::CashbackAs;
use crate::domain::recommend::Overdue;
use crate::domain::{Currency, Person, Value};
use chrono::{Datelike, NaiveDate};

/// The condition that does not hold: what it is about, what there is and what is asked for.
pub fn sentence(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>, fails: Fails) -> String {
    let words = Words { language: run.language };
    match fails {
        Fails::Ranks => {
            let own = person.standing.rank.map_or_else(|| words.no_rank(), |rank| run.ladder.name(rank).to_owned());
            let wanted = match &campaign.ranks {
                RankRange::NoRank => words.no_rank(),
                RankRange::Ranks(ranks) => listed(ranks.iter().map(|rank| run.ladder.name(*rank))),
            };
            words.differs("ランク", "the rank", &own, &wanted)
        }
        Fails::When(key) => when(campaign, person, run, key, words),
        Fails::Where(at) => campaign.wheres.get(at).map_or_else(String::new, |condition| {
            let column = &condition.column;
            let (ja, en) = (format!("顧客リストの {column} "), format!("`{column}` of the customer list"));
            words.differs(&ja, &en, &words.value(&person.column(column)), &words.test(&condition.test))
        }),
    }
}

fn when(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>, key: Key, words: Words) -> String {
    let (when, figures, pick) = (&campaign.when, person.features, run.language);
    let is = |ja, en, found: String, wanted: String| words.differs(ja, en, &found, &wanted);
    let number = |ja, en, range, figure: i64| is(ja, en, figure.to_string(), words.range(range, None));
    let money = |ja, en, range, figure: i64| is(ja, en, run.currency.show(figure), words.range(range, Some(run.currency)));
    let since = |(ja, en), range, day: Option<NaiveDate>| match day {
        None => words.no_order(),
        Some(day) => {
            let past = (run.as_of - day).num_days();
            is(ja, en, pick.pick(format!("{past} 日（{day} から）"), format!("{past} (since {day})")), words.range(range, None))
        }
    };
    match key {
        Key::Birthday => match person.birthday() {
            None => pick.pick("誕生日の登録がありません", "no birthday is known").to_owned(),
            Some(day) => is("誕生日", "the birthday", day.to_string(), words.days(when.birthday, run.as_of)),
        },
        Key::Anniversary => match person.anniversary_of {
            None => words.no_order(),
            Some(day) => is("最初の注文の日", "the day of the first order", day.to_string(), words.days(when.anniversary, run.as_of)),
        },
        Key::Month => {
            let months = listed(when.month.iter().flatten());
            is("基準日の月", "the month of the as-of date", run.as_of.month().to_string(), months)
        }
        Key::Dates => {
            let wanted = when.dates.map_or_else(String::new, |(first, last)| words.between(first, last));
            is("基準日", "the as-of date", run.as_of.to_string(), wanted)
        }
        Key::DaysSinceLastOrder => {
            since(("最後の注文からの日数", "the number of days since the last order"), when.days_since_last_order, person.last_order_on)
        }
        Key::DaysSinceFirstOrder => {
            since(("最初の注文からの日数", "the number of days since the first order"), when.days_since_first_order, person.first_order_on)
        }
        Key::Orders => number("期間の注文回数", "the number of orders in the window", when.orders, figures.orders),
        Key::Spend => money("期間の購入金額", "what was spent in the window", when.spend, figures.spend),
        Key::OrdersEver => number("通算の注文回数", "the number of orders ever", when.orders_ever, figures.orders_ever),
        Key::SpendEver => money("通算の購入金額", "what was ever spent", when.spend_ever, figures.spend_ever),
        Key::Rank => rank_move(when.rank, person, run),
        Key::Bought => {
            let names = listed(when.bought.iter().flat_map(|wanted| &wanted.names));
            pick.pick(format!("次のどれも買っていません: {names}"), format!("has bought none of these: {names}"))
        }
        Key::NotBought => {
            let names = listed(when.not_bought.iter().flat_map(|wanted| &wanted.names));
            pick.pick(format!("次のどれかをもう買っています: {names}"), format!("has bought one of these already: {names}"))
        }
        Key::Overdue => overdue(when.overdue, person, run.language),
        Key::Points => match person.holding.points {
            None => pick.pick("ポイントの残高が分かりません", "the balance of points is not known").to_owned(),
            Some(points) => number("ポイントの残高", "the balance of points", when.points, points.balance),
        },
        Key::PointsExpireWithin => {
            let within = when.points_expire_within.unwrap_or_default();
            match person.holding.points.filter(|points| points.expiring > 0).and_then(|points| points.expire_on) {
                None => pick.pick("期限の近いポイントがありません", "no points expire").to_owned(),
                Some(day) => {
                    let wanted = pick.pick(format!("{within} 日以内"), format!("within {}", days::counted(within.into())));
                    is("ポイントの期限", "the day on which points expire", day.to_string(), wanted)
                }
            }
        }
        Key::Cashback => {
            let paid = person.holding.cashback;
            let currency = Some(run.currency).filter(|_| run.cashback == Some(CashbackAs::Coupon));
            match paid.points.map(|points| points.to_string()).or(paid.amount.map(|amount| run.currency.show(amount))) {
                None => pick.pick("今回の還元はありません", "nothing is paid back now").to_owned(),
                Some(found) => is("今回の還元", "what is paid back now", found, words.range(when.cashback, currency)),
            }
        }
    }
}

fn overdue(wanted: Option<Overdue>, person: &Person<'_>, language: Language) -> String {
    let Some(interval) = person.interval else {
        return language
            .pick("注文した日が 3 日に満たず、間隔が分かりません", "orders on fewer than three days tell no usual interval")
            .to_owned();
    };
    let (since, usual) = (interval.since, interval.usual_days());
    let wanted = wanted.map_or_else(String::new, |overdue| overdue.to_string());
    language.pick(
        format!("最後の注文から {since} 日です（ふだんの間隔は {usual} 日）。条件は {wanted}"),
        format!("the last order was {} ago, usually it is {usual}; asked for is {wanted}", days::counted(since)),
    )
}

fn rank_move(wanted: Option<RankMove>, person: &Person<'_>, run: &RunFacts<'_>) -> String {
    let change = person.standing.change.told(run.language);
    let (ja, en) = match wanted {
        Some(RankMove::Up) => ("今回は昇格していません", "the rank did not go up"),
        Some(RankMove::Down) => ("今回は降格していません", "the rank did not go down"),
        Some(RankMove::New) if run.first_run => {
            return run.language.pick("初回の実行では、だれも新規としません", "at the first run nobody is new").to_owned();
        }
        Some(RankMove::New) => ("新規のお客様ではありません", "the customer is not new"),
        Some(RankMove::AtRisk) => {
            return run.language.pick("ランクの維持に足りないものはありません", "nothing is missing to keep the rank").to_owned();
        }
        None => ("", ""),
    };
    run.language.pick(format!("{ja}（{change}）"), format!("{en} ({change})"))
}

/// Puts conditions into the words of a language.
#[derive(Clone, Copy)]
struct Words {
    language: Language,
}

impl Words {
    fn differs(self, ja: &str, en: &str, found: &str, wanted: &str) -> String {
        // No space behind what closes in full width.
        let space = if found.ends_with('）') { "" } else { " " };
        self.language.pick(format!("{ja}は {found}{space}です。条件は {wanted}"), format!("{en} is {found}; asked for is {wanted}"))
    }

    fn no_rank(self) -> String {
        self.language.pick("ランクなし", "no rank").to_owned()
    }

    fn no_order(self) -> String {
        self.language.pick("注文がありません", "there is no order").to_owned()
    }

    fn between(self, first: NaiveDate, last: NaiveDate) -> String {
        self.language.pick(format!("{first}～{last}"), format!("{first} to {last}"))
    }

    fn days(self, range: Option<DayRange>, as_of: NaiveDate) -> String {
        let Some(range) = range else { return String::new() };
        let (first, last) = days::range(range, as_of);
        let when = match range {
            DayRange::ThisMonth => self.language.pick("今月", "this month").to_owned(),
            DayRange::NextMonth => self.language.pick("来月", "next month").to_owned(),
            DayRange::ThisWeek => self.language.pick("今週", "this week").to_owned(),
            DayRange::Today => self.language.pick("当日", "today").to_owned(),
            DayRange::InDays(ahead) => self.language.pick(format!("{ahead} 日後"), format!("in {}", days::counted(ahead.into()))),
        };
        let of = if first == last { first.to_string() } else { self.between(first, last) };
        self.language.pick(format!("{when}（{of}）"), format!("{when} ({of})"))
    }

    /// A range of numbers; with a currency the ends are amounts of minor units.
    fn range(self, range: Option<NumberRange>, currency: Option<&Currency>) -> String {
        let Some(NumberRange { from, to }) = range else { return String::new() };
        #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range of amounts is shown as the largest amount")]
        let told = |end: f64| currency.map_or_else(|| end.to_string(), |currency| currency.show(end as i64));
        match (from.map(told), to.map(told)) {
            (Some(from), Some(to)) if from == to => from,
            (Some(from), Some(to)) => self.language.pick(format!("{from}～{to}"), format!("{from} to {to}")),
            (Some(from), None) => self.language.pick(format!("{from} 以上"), format!("{from} or more")),
            (None, Some(to)) => self.language.pick(format!("{to} 以下"), format!("{to} or less")),
            (None, None) => String::new(),
        }
    }

    fn test(self, test: &WhereTest) -> String {
        match test {
            WhereTest::OneOf(values) => listed(values),
            WhereTest::Truth(truth) => self.truth(*truth),
            WhereTest::Range(range) => self.range(Some(*range), None),
            WhereTest::DateRange { from: Some(from), to: Some(to) } => self.between(*from, *to),
            WhereTest::DateRange { from: Some(from), to: None } => self.language.pick(format!("{from} 以降"), format!("{from} or later")),
            WhereTest::DateRange { to, .. } => {
                let to = to.map_or_else(String::new, |to| to.to_string());
                self.language.pick(format!("{to} 以前"), format!("{to} or earlier"))
            }
            WhereTest::Missing(true) => self.nothing(),
            WhereTest::Missing(false) => self.language.pick("何かの値", "any value").to_owned(),
        }
    }

    fn truth(self, truth: bool) -> String {
        if truth { self.language.pick("はい", "yes") } else { self.language.pick("いいえ", "no") }.to_owned()
    }

    fn nothing(self) -> String {
        self.language.pick("空欄", "empty").to_owned()
    }

    fn value(self, value: &Value) -> String {
        match value {
            Value::Null => self.nothing(),
            Value::Bool(truth) => self.truth(*truth),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Text(text) if text.is_empty() => self.nothing(),
            Value::Text(text) => text.clone(),
            Value::Date(day) => day.to_string(),
            Value::List(values) => listed(values.iter().map(|value| self.value(value))),
            Value::Record(fields) => listed(fields.iter().map(|(name, value)| format!("{name}: {}", self.value(value)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_aloud() {
        let range = |from: Option<f64>, to: Option<f64>| Some(NumberRange { from, to });
        let (ja, en) = (Words { language: Language::Ja }, Words { language: Language::En });
        let yen = Currency { code: "JPY".into(), digits: 0 };
        assert_eq!(ja.range(range(Some(300.0), Some(330.0)), None), "300～330");
        assert_eq!(ja.range(range(Some(5_000.0), None), Some(&yen)), "5,000円 以上");
        assert_eq!(en.range(range(None, Some(2.0)), None), "2 or less");
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(ja.days(Some(DayRange::ThisMonth), day("2026-12-03")), "今月（2026-12-01～2026-12-31）");
        assert_eq!(en.days(Some(DayRange::Today), day("2026-12-03")), "today (2026-12-03)");
        assert_eq!(ja.test(&WhereTest::DateRange { from: None, to: Some(day("2026-12-03")) }), "2026-12-03 以前");
        assert_eq!((ja.value(&Value::Null), en.value(&Value::Bool(false))), ("空欄".to_owned(), "no".to_owned()));
    }
}
