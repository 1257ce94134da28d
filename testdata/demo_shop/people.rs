//! The shop's customers, and how each of them buys.

use super::dice::Dice;
use super::homes::{self, Home};
use super::words::{BROKEN, COMPANIES, FAMILIES, GIVENS, IRREGULAR, ODD_NAMES};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

pub const CUSTOMERS: u32 = 2_000;

/// How somebody buys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Never,
    Once,
    Seldom,
    Regular,
    Good,
    Best,
}

pub struct Shopper {
    pub id: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub birthday: Option<NaiveDate>,
    pub consented_at: Option<NaiveDateTime>,
    pub first_visit_on: Option<NaiveDate>,
    /// The rank on the card of the shop's former system; filled in when the orders are known.
    pub rank: Option<&'static str>,
    pub status: &'static str,
    pub store: &'static str,
    pub likes: Option<&'static str>,
    pub vip_type: Option<&'static str>,
    pub nickname: Option<String>,
    pub home: Home,
    pub kind: Kind,
    /// The first and the last day on which this customer may buy.
    pub from: NaiveDate,
    pub until: NaiveDate,
}

/// The few who are there for a reason, by number; all others are ordinary people.
enum Part {
    Plain,
    OddName(&'static str),
    OddAddress(&'static str),
    /// Shares the mail address of a household.
    Household(u32),
    FutureConsent,
    Nameless,
    Staff,
    Tester,
}

fn part(number: u32) -> Part {
    let at = |from: u32| usize::try_from(number - from).unwrap_or(0);
    match number {
        100..=108 => Part::OddName(ODD_NAMES[at(100)]),
        120..=124 => Part::OddAddress(IRREGULAR[at(120)]),
        140..=147 => Part::OddAddress(BROKEN[at(140)]),
        160..=163 => Part::Household(number / 2),
        180..=184 => Part::FutureConsent,
        200..=205 => Part::Nameless,
        1_980..=1_995 => Part::Staff,
        1_996..=2_000 => Part::Tester,
        _ => Part::Plain,
    }
}

/// Which household a customer belongs to: two of them share a mail address, thirty a letter box.
fn household(number: u32) -> Option<u32> {
    matches!(number, 160..=163 | 1_000..=1_059).then_some(number / 2)
}

/// Customer `number`, from 1, whose purchases lie between `first` and `last`.
pub fn make(seed: u64, number: u32, first: NaiveDate, last: NaiveDate) -> Shopper {
    let mut dice = Dice::new(seed, u64::from(number));
    let mut shopper = ordinary(&mut dice, seed, number, first, last);
    let part = part(number);
    if !matches!(part, Part::Plain) {
        // The special ones buy well and long, so that a month's mails meet them.
        shopper = Shopper {
            kind: Kind::Good,
            from: first,
            until: last,
            status: "会員",
            email: Some(format!("demo{number}@example.jp")),
            consented_at: first.and_hms_opt(10, 0, 0),
            ..shopper
        };
    }
    if let Some(house) = household(number) {
        let Home { postal_code, address, .. } = homes::home(seed, house);
        let household = Some(format!("H{house:04}"));
        shopper.home = Home { postal_code, address, household, ..shopper.home };
    }
    match part {
        Part::Plain => {}
        Part::OddName(name) => shopper.name = Some(name.to_owned()),
        Part::OddAddress(address) => shopper.email = Some(address.to_owned()),
        Part::Household(house) => {
            shopper.email = Some(format!("kazoku{house}@example.com"));
            shopper.home = Home { household: shopper.home.household, ..homes::home(seed, house) };
        }
        Part::FutureConsent => shopper.consented_at = last.and_hms_opt(9, 0, 0).map(|at| at + TimeDelta::days(i64::from(number) - 150)),
        Part::Nameless => shopper.name = number.is_multiple_of(2).then(String::new),
        Part::Staff => {
            shopper.status = "社員";
            shopper.email = Some(format!("staff{number}@tsubaki.example"));
        }
        Part::Tester => {
            shopper.status = "テスト";
            shopper.name = Some("テスト　テスト".to_owned());
        }
    }
    shopper
}

fn ordinary(dice: &mut Dice, seed: u64, number: u32, first: NaiveDate, last: NaiveDate) -> Shopper {
    let days = (last - first).num_days();
    let kind = match dice.below(1_000) {
        0..30 => Kind::Never,
        30..390 => Kind::Once,
        390..700 => Kind::Seldom,
        700..865 => Kind::Regular,
        865..955 => Kind::Good,
        _ => Kind::Best,
    };
    let old = kind != Kind::Once && dice.per_mille(450);
    let from = if old { first } else { first + TimeDelta::days(dice.below(days + 1)) };
    let left = (last - from).num_days();
    let stays = matches!(kind, Kind::Best) || dice.per_mille(780);
    let until = if stays { last } else { from + TimeDelta::days(dice.below(left + 1)) };
    let (name, given, romaji) = name(dice);
    let host = *dice.pick(&["example.jp", "example.jp", "example.jp", "example.com", "example.net", "mail.example", "EXAMPLE.JP"]);
    let store = *dice.pick(&["京都", "京都", "京都", "大阪", "大阪", "東京", "オンライン", "オンライン", "オンライン"]);
    let keen = matches!(kind, Kind::Good | Kind::Best);
    Shopper {
        id: format!("T{number:05}"),
        email: (!dice.per_mille(15)).then(|| format!("{romaji}{number}@{host}")),
        home: homes::home(seed, number),
        nickname: given.filter(|_| dice.per_mille(80)).map(|given| format!("{given}さん")),
        name: Some(name),
        birthday: birthday(dice),
        consented_at: consent(dice, from),
        first_visit_on: old.then(|| first - TimeDelta::days(dice.between(1, 5_000))),
        rank: None,
        status: if dice.per_mille(25) { "退会" } else { "会員" },
        store,
        likes: (!dice.per_mille(120)).then(|| *dice.pick(&["肉", "甘味", "甘味", "お茶", "お茶", "お茶", "花"])),
        vip_type: (keen && dice.per_mille(750)).then(|| *dice.pick(&["贈答", "情熱"])),
        kind,
        from,
        until,
    }
}

/// A name, what friends call its bearer, and how it begins an address.
fn name(dice: &mut Dice) -> (String, Option<&'static str>, String) {
    if dice.per_mille(12) {
        return ((*dice.pick(&COMPANIES)).to_owned(), None, "soumu".to_owned());
    }
    let (family, family_romaji) = *dice.pick(&FAMILIES);
    let (given, given_romaji) = *dice.pick(&GIVENS);
    let blank = *dice.pick(&[" ", " ", " ", "　", ""]);
    let romaji =
        if dice.per_mille(500) { format!("{given_romaji}.{family_romaji}") } else { format!("{family_romaji}_{}", &given_romaji[..1]) };
    (format!("{family}{blank}{given}"), Some(given), romaji)
}

fn birthday(dice: &mut Dice) -> Option<NaiveDate> {
    let day = NaiveDate::from_ymd_opt(1940, 1, 1)? + TimeDelta::days(dice.below(66 * 365));
    match dice.below(100) {
        0..14 => None,
        14 => NaiveDate::from_ymd_opt(1984, 2, 29),
        _ => Some(day),
    }
}

/// Most agreed to get mail when they joined, or some time before.
fn consent(dice: &mut Dice, from: NaiveDate) -> Option<NaiveDateTime> {
    let day = from - TimeDelta::days(dice.below(400));
    dice.per_mille(930).then(|| moment(dice, day))
}

/// A time of day at which a shop is open, or somebody sits at home before a screen.
pub fn moment(dice: &mut Dice, day: NaiveDate) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN) + TimeDelta::seconds(dice.between(9 * 3_600, 22 * 3_600 - 1))
}
