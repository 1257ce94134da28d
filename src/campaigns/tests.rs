//! Matching, occasions, and the words for what does not match.

use super::someone::{Someone, campaign, day};
use super::*;
use crate::domain::campaign::{Categories, DayRange, NumberRange, RankMove, RankRange, When, Where, WhereTest};
use crate::domain::ladder::{Admission, Closing, Down, Review, Up, Window};
use crate::domain::{Points, Rank, RankChange, Standing, Zone};

fn ladder() -> Ladder {
    let rank = |name: &str| Rank { name: name.into(), was: vec![], admits: Admission::AnyOf(vec![]), keep: None };
    Ladder {
        of: None,
        closing: Closing::Month,
        window: Window::Months(12),
        settle_days: 0,
        review: Review::Monthly,
        up: Up::AtOnce,
        down: Down::ToQualifying,
        grace: 0,
        keep_for_months: 0,
        ranks: vec![rank("A"), rank("AA"), rank("AAA")],
    }
}

/// Asks on 2026-12-03.
fn ask(campaign: &Campaign, someone: &Someone) -> Result<Occasion, Unmatched> {
    ask_at(campaign, someone, false)
}

fn ask_at(campaign: &Campaign, someone: &Someone, first_run: bool) -> Result<Occasion, Unmatched> {
    asked_in(campaign, someone, first_run, Language::En)
}

fn asked_in(campaign: &Campaign, someone: &Someone, first_run: bool, language: Language) -> Result<Occasion, Unmatched> {
    let (ladder, currency) = (ladder(), Currency { code: "JPY".into(), digits: 0 });
    let run = RunFacts {
        zone: Zone("Asia/Tokyo".parse().unwrap()),
        as_of: day("2026-12-03"),
        closing: day("2026-12-01"),
        first_run,
        ladder: &ladder,
        currency: &currency,
        language,
        cashback: None,
    };
    let answer = matches(campaign, &someone.person(), &run);
    assert_eq!(is_for(campaign, &someone.person(), &run), answer.clone().ok());
    answer
}

fn word(when: When, someone: &Someone) -> Option<String> {
    ask(&campaign(when), someone).ok().map(|occasion| occasion.word)
}

fn failed(campaign: &Campaign, someone: &Someone) -> (String, String, String) {
    let unmatched = ask(campaign, someone).unwrap_err();
    (unmatched.condition, unmatched.wanted, unmatched.found)
}

/// The sentence in each language.
fn said(campaign: &Campaign, someone: &Someone) -> [String; 2] {
    [Language::Ja, Language::En].map(|language| asked_in(campaign, someone, false, language).unwrap_err().said)
}

#[test]
fn what_does_not_hold_is_a_sentence() {
    let someone = Someone::new();
    let on_birthday = campaign(When { birthday: Some(DayRange::ThisMonth), ..When::default() });
    assert_eq!(said(&on_birthday, &someone), ["誕生日の登録がありません", "no birthday is known"]);
    let ordered = campaign(When { orders: Some(range(50.0, None)), ..When::default() });
    let [ja, en] = said(&ordered, &someone);
    assert!(ja.starts_with("期間の注文回数は ") && ja.ends_with(" です。条件は 50 以上"), "{ja}");
    assert!(en.starts_with("the number of orders in the window is ") && en.ends_with("; asked for is 50 or more"), "{en}");
    let risen = campaign(When { rank: Some(RankMove::AtRisk), ..When::default() });
    assert_eq!(said(&risen, &someone), ["ランクの維持に足りないものはありません", "nothing is missing to keep the rank"]);
}

fn range(from: impl Into<Option<f64>>, to: impl Into<Option<f64>>) -> NumberRange {
    NumberRange { from: from.into(), to: to.into() }
}

fn words(condition: &str, wanted: &str, found: &str) -> (String, String, String) {
    (condition.into(), wanted.into(), found.into())
}

#[test]
fn without_conditions_the_month_is_the_occasion() {
    let occasion = ask(&campaign(When::default()), &Someone::new()).unwrap();
    assert_eq!(occasion, Occasion { word: "2026-12".into(), date: None, years: None });
}

#[test]
fn ranks_are_looked_up_by_name_in_explanations() {
    let mut someone = Someone::new();
    let two = Campaign { ranks: RankRange::Ranks(vec![1, 2]), ..campaign(When::default()) };
    assert!(ask(&two, &someone).is_ok());
    someone.standing.rank = Some(0);
    assert_eq!(failed(&two, &someone), words("ranks", "AA, AAA", "A"));
    someone.standing.rank = None;
    assert_eq!(failed(&two, &someone), words("ranks", "AA, AAA", "no rank"));
    assert!(ask(&Campaign { ranks: RankRange::NoRank, ..two }, &someone).is_ok());
}

#[test]
fn a_birthday_is_greeted_in_the_year_in_which_it_falls() {
    let next = When { birthday: Some(DayRange::NextMonth), ..When::default() };
    let occasion = ask(&campaign(next.clone()), &Someone::born("1990-01-05")).unwrap();
    assert_eq!(occasion, Occasion { word: "2027".into(), date: Some(day("2027-01-05")), years: Some(37) });
    assert_eq!(ask(&campaign(next.clone()), &Someone::born("2099-01-05")).unwrap().years, None);
    let found = failed(&campaign(next.clone()), &Someone::born("1990-12-05"));
    assert_eq!(found, words("when.birthday", "next month (2027-01-01..2027-01-31)", "1990-12-05"));
    assert_eq!(failed(&campaign(next), &Someone::new()).2, "no birthday");
}

#[test]
fn anniversaries_begin_with_the_first_full_year() {
    let when = When { anniversary: Some(DayRange::ThisMonth), ..When::default() };
    let since = |first: &str| Someone { first_order_on: Some(day(first)), ..Someone::new() };
    let occasion = ask(&campaign(when.clone()), &since("2025-12-31")).unwrap();
    assert_eq!(occasion, Occasion { word: "2026".into(), date: Some(day("2026-12-31")), years: Some(1) });
    assert_eq!(word(when.clone(), &since("2026-12-01")), None);
    assert_eq!(word(when.clone(), &Someone::new()), None);
    let known_longer = Someone { since: Some(day("2019-12-07")), ..since("2025-12-31") };
    assert_eq!(ask(&campaign(when.clone()), &known_longer).unwrap().years, Some(7), "the list's `since` is older");
    let both = When { birthday: Some(DayRange::ThisMonth), ..when };
    let born = Someone { first_order_on: Some(day("2025-12-31")), ..Someone::born("2000-12-24") };
    assert_eq!(ask(&campaign(both), &born).unwrap().date, Some(day("2026-12-24")), "the birthday comes first");
}

#[test]
fn months_and_dates_are_those_of_the_as_of_date() {
    let month = |months: &[u32]| word(When { month: Some(months.to_vec()), ..When::default() }, &Someone::new());
    assert_eq!((month(&[7, 12]), month(&[7])), (Some("2026-12".into()), None));
    let dates = |first, last| word(When { dates: Some((day(first), day(last))), ..When::default() }, &Someone::new());
    assert_eq!(dates("2026-11-20", "2026-12-03"), Some("2026-11-20".into()));
    assert_eq!(dates("2026-12-03", "2026-12-25"), Some("2026-12-03".into()));
    assert_eq!((dates("2026-12-04", "2026-12-25"), dates("2026-11-01", "2026-12-02")), (None, None));
}

#[test]
fn days_are_counted_to_the_as_of_date_and_the_last_order_is_the_occasion() {
    let when =
        When { days_since_last_order: Some(range(90.0, 180.0)), dates: Some((day("2026-12-01"), day("2026-12-25"))), ..When::default() };
    let bought = |last: &str| Someone { last_order_on: Some(day(last)), ..Someone::new() };
    assert_eq!(word(when.clone(), &bought("2026-09-04")), Some("2026-09-04".into()));
    assert_eq!(word(when.clone(), &bought("2026-06-06")), Some("2026-06-06".into()));
    assert_eq!(word(when.clone(), &bought("2026-06-05")), None);
    assert_eq!(
        failed(&campaign(when.clone()), &bought("2026-09-05")),
        words("when.days_since_last_order", "90..180", "89 (since 2026-09-05)")
    );
    assert_eq!(failed(&campaign(when), &Someone::new()).2, "no order");
    let first = When { days_since_first_order: Some(range(None, 1.0)), ..When::default() };
    assert_eq!(word(first.clone(), &Someone { first_order_on: Some(day("2026-12-02")), ..Someone::new() }), Some("2026-12".into()));
    let known_longer = Someone { since: Some(day("2019-12-07")), first_order_on: Some(day("2026-12-02")), ..Someone::new() };
    assert_eq!(word(first.clone(), &known_longer), Some("2026-12".into()), "`since` is no order");
    assert_eq!(word(first, &Someone::new()), None, "who never ordered is not within a day of it");
}

#[test]
fn figures_are_those_of_the_closing() {
    let mut someone = Someone::new();
    someone.features.orders = 3;
    someone.features.spend = 12_000;
    someone.features.orders_ever = 5;
    someone.features.spend_ever = 30_000;
    let holds = |when| word(when, &someone).is_some();
    assert!(holds(When { orders: Some(range(3.0, 3.0)), spend: Some(range(12_000.0, None)), ..When::default() }));
    assert!(holds(When { orders_ever: Some(range(None, 5.0)), spend_ever: Some(range(30_000.0, None)), ..When::default() }));
    assert!(!holds(When { orders_ever: Some(range(None, 4.0)), ..When::default() }));
    assert!(!holds(When { spend_ever: Some(range(None, 29_999.0)), ..When::default() }));
    let spend = campaign(When { spend: Some(range(20_000.0, None)), ..When::default() });
    assert_eq!(failed(&spend, &someone), words("when.spend", "20,000円..", "12,000円"));
    let orders = campaign(When { orders: Some(range(None, 2.0)), ..When::default() });
    assert_eq!(failed(&orders, &someone), words("when.orders", "..2", "3"));
}

#[test]
fn rank_moves_are_told_since_when() {
    let moved = |change, since: Option<&str>| {
        let standing = Standing { rank: Some(1), change, since: since.map(day), ..Standing::default() };
        Someone { standing, ..Someone::new() }
    };
    let when = |rank| When { rank: Some(rank), ..When::default() };
    assert_eq!(word(when(RankMove::Up), &moved(RankChange::Up, Some("2026-12-01"))), Some("2026-12-01".into()));
    assert_eq!(word(when(RankMove::Down), &moved(RankChange::Up, Some("2026-12-01"))), None);
    assert_eq!(word(when(RankMove::New), &moved(RankChange::New, Some("2026-12-01"))), Some("2026-12-01".into()));
    let first = ask_at(&campaign(when(RankMove::New)), &moved(RankChange::New, Some("2026-12-01")), true);
    assert_eq!(first.unwrap_err().found, "at the first run nobody is");
    let mut fallen = moved(RankChange::Down, None);
    fallen.standing.rank = None;
    let down = Campaign { ranks: RankRange::NoRank, ..campaign(when(RankMove::Down)) };
    assert_eq!(ask(&down, &fallen).unwrap().word, "2026-12-01", "below the lowest rank there is no since");
}

#[test]
fn at_risk_are_those_who_miss_something() {
    let when = When { rank: Some(RankMove::AtRisk), ..When::default() };
    let told = |orders, spend| {
        let mut someone = Someone::new();
        someone.standing.keep_by = Some(day("2027-01-01"));
        (someone.standing.keep_orders, someone.standing.keep_spend) = (orders, spend);
        word(when.clone(), &someone)
    };
    assert_eq!(told(Some(0), Some(1)), Some("2027-01-01".into()));
    assert_eq!(told(Some(1), None), Some("2027-01-01".into()));
    assert_eq!((told(Some(0), Some(0)), told(None, None)), (None, None));
}

#[test]
fn categories_are_bits() {
    let categories = |bits| Some(Categories { names: vec!["お茶".into(), "菓子".into()], bits });
    let mut someone = Someone::new();
    someone.features.bought = 0b0110;
    assert!(word(When { bought: categories(0b0011), ..When::default() }, &someone).is_some());
    assert!(word(When { not_bought: categories(0b1001), ..When::default() }, &someone).is_some());
    let bought = campaign(When { bought: categories(0b1001), ..When::default() });
    assert_eq!(failed(&bought, &someone), words("when.bought", "お茶, 菓子", "none of them"));
    assert_eq!(word(When { not_bought: categories(0b0011), ..When::default() }, &someone), None);
}

#[test]
fn all_columns_asked_for_must_hold() {
    let condition = |column: &str, test| Where { column: column.into(), test };
    let store = |store: &str| condition("store", WhereTest::OneOf(vec![store.into(), "大阪".into()]));
    let visits = condition("visits", WhereTest::Range(NumberRange { from: Some(5.0), to: None }));
    let with = |wheres| Campaign { wheres, ..campaign(When::default()) };
    assert!(ask(&with(vec![store("京都"), condition("none", WhereTest::Missing(true))]), &Someone::new()).is_ok());
    assert_eq!(failed(&with(vec![store("京都"), visits]), &Someone::new()), words("where.visits", "5..", "4"));
    assert_eq!(failed(&with(vec![store("神戸")]), &Someone::new()), words("where.store", "神戸, 大阪", "京都"));
}

#[test]
fn points_are_told_in_time_and_once_for_each_day_on_which_they_expire() {
    let mut someone = Someone::new();
    let within = |days| When { points_expire_within: Some(days), ..When::default() };
    assert_eq!(failed(&campaign(within(30)), &someone), words("when.points_expire_within", "within 30 days", "nothing expires"));
    someone.holding.points = Some(Points { balance: 500, expiring: 200, expire_on: Some(day("2027-01-02")) });
    assert_eq!(word(within(30), &someone).as_deref(), Some("2027-01-02"));
    assert_eq!(failed(&campaign(within(29)), &someone), words("when.points_expire_within", "within 29 days", "2027-01-02"));
    someone.holding.points = Some(Points { expire_on: Some(day("2026-12-03")), ..someone.holding.points.unwrap() });
    assert_eq!(word(within(0), &someone).as_deref(), Some("2026-12-03"), "today is still time");
    someone.holding.points = Some(Points { expire_on: Some(day("2026-12-02")), ..someone.holding.points.unwrap() });
    assert_eq!(word(within(30), &someone), None, "a list that is old tells of what is gone");

    let balance = |from| When { points: Some(range(from, None)), ..When::default() };
    assert!(word(balance(500.0), &someone).is_some());
    assert_eq!(failed(&campaign(balance(501.0)), &someone), words("when.points", "501..", "500"));
    assert_eq!(failed(&campaign(balance(0.0)), &Someone::new()), words("when.points", "0..", "not known"));
}

#[test]
fn cashback_is_on_the_occasion_of_its_closing() {
    let mut someone = Someone::new();
    let paid = When { cashback: Some(range(1.0, None)), ..When::default() };
    assert_eq!(failed(&campaign(paid.clone()), &someone), words("when.cashback", "1..", "nothing is paid back now"));
    someone.holding.cashback.points = Some(30);
    assert_eq!(word(paid.clone(), &someone).as_deref(), Some("2026-12-01"));
    let lapsed = When { days_since_last_order: Some(range(90.0, 180.0)), ..paid };
    someone.last_order_on = Some(day("2026-09-04"));
    assert_eq!(word(lapsed, &someone).as_deref(), Some("2026-12-01"), "the next closing pays again, though the last order be the same");
}
