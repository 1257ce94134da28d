//! Offers of every kind.

use super::*;
use crate::domain::offer::{Gift, On, Valid};
use crate::domain::person::Listed;
use crate::domain::points::Holding;
use crate::domain::{Customers, FeatureRow, Standing, Value, Values};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What a rule offers on 2026-12-03 to a customer of a rank who likes something, and whether a code was asked for.
fn offered(kind: OfferKind, rank: Option<RankIndex>, likes: Value) -> (Option<Offer>, bool) {
    offered_by(&OfferRule::of(kind), rank, likes)
}

fn offered_by(rule: &OfferRule, rank: Option<RankIndex>, likes: Value) -> (Option<Offer>, bool) {
    let customers = Customers { columns: vec![("likes".into(), Values::from_iter([likes]))], ..Customers::default() };
    let standing = Standing { rank, ..Standing::default() };
    let person = Person {
        id: "c",
        features: &FeatureRow::default(),
        standing: &standing,
        listed: Some(Listed { customers: &customers, row: 0 }),
        first_order_on: None,
        anniversary_of: None,
        last_order_on: None,
        last_order: None,
        holdout: false,
        received: &[],
        interval: None,
        holding: Holding::default(),
    };
    let mut asked = false;
    let offer = make(rule, &person, day("2026-12-03"), || {
        asked = true;
        "OWN".to_owned()
    });
    (offer, asked)
}

fn percent(values: PerRank<f64>, code: Option<&str>) -> OfferKind {
    OfferKind::Coupon {
        discount: Discount::Percent(values),
        over: vec![],
        on: None,
        code: code.map_or(CodeSource::Own, |code| CodeSource::Fixed(code.to_owned())),
    }
}

#[test]
fn a_coupon_has_its_ranks_value_and_a_code() {
    let values = vec![Some(5.0), Some(8.0), Some(0.0), None];
    let (offer, asked) = offered(percent(values.clone(), None), Some(1), Value::Null);
    let offer = offer.unwrap();
    assert_eq!((offer.kind, offer.percent, offer.amount, offer.code.as_deref(), asked), ("coupon", Some(8.0), None, Some("OWN"), true));
    for rank in [Some(2), Some(3), Some(9), None] {
        assert_eq!(offered(percent(values.clone(), None), rank, Value::Null), (None, false), "{rank:?}: no offer takes no code");
    }
    let (offer, asked) = offered(percent(values, Some("WINTER15")), Some(0), Value::Null);
    assert_eq!((offer.unwrap().code.as_deref(), asked), (Some("WINTER15"), false));
    assert_eq!(offered(percent(vec![Some(7.0); 3], None), None, Value::Null).0.unwrap().percent, Some(7.0));
}

#[test]
fn a_coupon_of_an_amount_may_ask_for_more_and_be_on_something() {
    let on = On { category: vec!["お茶".into()], product: vec![] };
    let kind = OfferKind::Coupon {
        discount: Discount::Amount(vec![Some(500)]),
        over: vec![Some(5_000)],
        on: Some(on.clone()),
        code: CodeSource::Own,
    };
    let offer = offered(kind, Some(0), Value::Null).0.unwrap();
    assert_eq!((offer.amount, offer.percent, offer.over, offer.on), (Some(500), None, Some(5_000), Some(on)));
}

#[test]
fn only_its_ranks_get_it() {
    let rule = OfferRule { ranks: Some(vec![1]), ..OfferRule::of(percent(vec![Some(7.0); 3], None)) };
    assert!(offered_by(&rule, Some(1), Value::Null).0.is_some());
    assert_eq!(offered_by(&rule, Some(2), Value::Null), (None, false));
    assert_eq!(offered_by(&rule, None, Value::Null), (None, false));
}

#[test]
fn the_last_valid_day() {
    let until = |valid: Valid| valid.last_day(day("2028-01-30"));
    assert_eq!(until(Valid::ThisMonth), Some(day("2028-01-31")));
    assert_eq!(until(Valid::NextMonth), Some(day("2028-02-29")));
    assert_eq!(until(Valid::Days(31)), Some(day("2028-03-01")));
    assert_eq!(until(Valid::Until(day("2028-12-25"))), Some(day("2028-12-25")));
    assert_eq!(Valid::ThisMonth.last_day(day("2026-12-03")), Some(day("2026-12-31")));
    let rule = OfferRule { valid: Some(Valid::Days(31)), ..OfferRule::of(percent(vec![Some(7.0)], None)) };
    assert_eq!(offered_by(&rule, Some(0), Value::Null).0.unwrap().valid_until, Some(day("2027-01-03")));
}

#[test]
fn gifts_are_chosen_by_the_column_in_file_order() {
    let gift = |otherwise: Option<&str>, likes| {
        let gift = |likes: &str, gift: &str| Gift { likes: likes.into(), gift: gift.into(), never_with: vec![] };
        let gifts = vec![gift("肉", "近江牛"), gift("甘味", "和菓子")];
        let (choose_by, otherwise) = (Some("likes".into()), otherwise.map(str::to_owned));
        let kind = OfferKind::Gift { choose_by, gifts, allergies: None, otherwise };
        let rule = OfferRule { cost: vec![Some(5_000)], ..OfferRule::of(kind) };
        offered_by(&rule, Some(0), likes).0.map(|offer| (offer.gift.unwrap(), offer.cost))
    };
    assert_eq!(gift(None, "甘味".into()), Some(("和菓子".into(), Some(5_000))));
    assert_eq!(gift(None, Value::List(vec!["甘味".into(), "肉".into()])), Some(("近江牛".into(), Some(5_000))));
    assert_eq!(gift(Some("お手紙"), "お茶".into()), Some(("お手紙".into(), Some(5_000))));
    assert_eq!(gift(None, "お茶".into()), None);
    assert_eq!(gift(None, Value::Null), None);
}

#[test]
fn gifts_mind_half_width_katakana() {
    let gift = |likes: &str, never: &str, told: Value| {
        let gifts = vec![Gift { likes: likes.into(), gift: "ギフト".into(), never_with: vec![never.into()] }];
        let column = Some("likes".to_owned());
        let kind = OfferKind::Gift { choose_by: column.clone(), gifts, allergies: column, otherwise: None };
        offered(kind, Some(0), told).0.map(|offer| offer.gift.unwrap())
    };
    let given = Some("ギフト".to_owned());
    assert_eq!(gift("ﾋﾞｰﾙ", "エビ", "ビール".into()), given, "the width does not matter to who likes it");
    let list = |allergy: &str| Value::List(vec!["ビール".into(), allergy.into()]);
    for (never, allergy) in [("エビ", "ｴﾋﾞ"), ("ｴﾋﾞ", "エビ（少量可）"), ("エビ", "ｶﾆ､ｴﾋﾞ"), ("エビ", "エヒ\u{3099}"), ("パン", "ﾊﾟﾝ")]
    {
        assert_eq!(gift("ビール", never, list(allergy)), None, "{never} {allergy}");
    }
    assert_eq!(gift("ビール", "エビ", list("えび")), given, "another word is another word");
}

#[test]
fn bundles_shipping_and_invitations() {
    let bundle = OfferKind::Bundle { steps: vec![(2, 10.0), (3, 15.0)], on: None };
    assert_eq!(offered(bundle, Some(0), Value::Null).0.unwrap().steps, [(2, 10.0), (3, 15.0)]);
    assert_eq!(offered(OfferKind::Bundle { steps: vec![], on: None }, Some(0), Value::Null).0, None);
    let shipping = |over, rank| offered(OfferKind::FreeShipping { over }, rank, Value::Null).0.map(|offer| offer.over);
    assert_eq!(shipping(vec![None, Some(3_000), Some(0)], Some(1)), Some(Some(3_000)));
    assert_eq!(shipping(vec![None, Some(3_000), Some(0)], Some(0)), None);
    assert_eq!(shipping(vec![None, Some(3_000), Some(0)], Some(2)), None);
    assert_eq!(shipping(vec![None, None], Some(1)), Some(None));
    let on = Some(day("2027-01-24"));
    let kind = OfferKind::Invitation { what: "会".into(), on, place: Some("京都".into()), reply_url: None, seats: None };
    let offer = offered(kind, Some(0), Value::Null).0.unwrap();
    assert_eq!((offer.kind, offer.what.as_deref(), offer.held_on, offer.place.as_deref()), ("invitation", Some("会"), on, Some("京都")));
    assert_eq!((offer.code, offer.reply_url), (None, None));
}

fn person_with<T>(orders: i64, spend: i64, ask: impl FnOnce(&Person<'_>) -> T) -> T {
    let standing = Standing { rank: Some(0), ..Standing::default() };
    let features = FeatureRow { orders, spend, ..FeatureRow::default() };
    ask(&Person {
        id: "c",
        features: &features,
        standing: &standing,
        listed: None,
        first_order_on: None,
        anniversary_of: None,
        last_order_on: None,
        last_order: None,
        interval: None,
        received: &[],
        holding: Holding::default(),
        holdout: false,
    })
}

fn costs(rule: &OfferRule, orders: i64, spend: i64) -> i64 {
    let price = |id: &str| [("tea", 1_200), ("pot", 3_800)].into_iter().find(|(name, _)| *name == id).map(|(_, price)| price);
    let worth = Worth { shop_mean: 4_000, points: 0.02, price: &price };
    person_with(orders, spend, |person| exposure(&make(rule, person, day("2026-12-03"), String::new).unwrap(), person, &worth))
}

#[test]
fn an_offer_costs_what_its_kind_takes_off() {
    let of = |kind: OfferKind| OfferRule::of(kind);
    let coupon = of(percent(vec![Some(10.0)], None));
    assert_eq!(costs(&coupon, 3, 30_000), 1_000, "of the customer's own average order");
    assert_eq!((costs(&coupon, 0, 0), costs(&coupon, 1, -5)), (400, 400), "of the shop's, where there is none");
    let amount = OfferKind::Coupon { discount: Discount::Amount(vec![Some(500)]), over: vec![], on: None, code: CodeSource::Own };
    assert_eq!(costs(&of(amount), 3, 30_000), 500);
    let bundle = OfferKind::Bundle { steps: vec![(2, 10.0), (3, 15.0)], on: None };
    assert_eq!(costs(&of(bundle), 3, 30_000), 1_500, "at the highest step");
    let set = |products: &[&str], deal| of(OfferKind::Set { products: products.iter().map(ToString::to_string).collect(), deal });
    assert_eq!(costs(&set(&["tea", "pot"], Deal::Price(vec![Some(4_500)])), 1, 1), 500);
    assert_eq!(costs(&set(&["tea", "pot"], Deal::Percent(vec![Some(10.0)])), 1, 1), 500);
    assert_eq!(costs(&set(&["tea", "pot"], Deal::Price(vec![Some(9_000)])), 1, 1), 0, "dearer than its products takes nothing off");
    assert_eq!(costs(&set(&["tea", "?"], Deal::Percent(vec![Some(10.0)])), 3, 30_000), 1_000, "of the order, where a price is unknown");
    let points = OfferKind::Points { times: vec![Some(3.0)], over: vec![], on: None };
    assert_eq!(costs(&of(points), 3, 30_000), 400, "twice two percent more");
    let shipping = OfferRule { cost: vec![Some(700)], ..of(OfferKind::FreeShipping { over: vec![] }) };
    assert_eq!(costs(&shipping, 3, 30_000), 700);
    let draw = OfferRule { cost: vec![Some(3_000)], ..of(OfferKind::Draw { prize: "tea".into(), seats: 3 }) };
    assert_eq!(costs(&draw, 0, 0), 3_000);
}

#[test]
fn an_earlier_mail_makes_a_discount_smaller() {
    let (yen, dollar) =
        (crate::domain::Currency { code: "JPY".into(), digits: 0 }, crate::domain::Currency { code: "USD".into(), digits: 2 });
    let off = |off: u32| crate::domain::campaign::Reduction { by: 0, off };
    let smaller = |offer: Offer, by: &[u32], currency| reduce(offer, by.iter().map(|by| off(*by)), currency);
    let percent = |percent: f64| Offer { percent: Some(percent), ..Offer::default() };
    assert_eq!(smaller(percent(5.0), &[5_000], &yen).unwrap().percent, Some(2.5));
    assert_eq!(smaller(percent(5.0), &[3_333], &yen).unwrap().percent, Some(3.3));
    assert_eq!(smaller(percent(10.0), &[5_000, 5_000], &yen).unwrap().percent, Some(2.5));
    assert_eq!((smaller(percent(10.0), &[10_000], &yen), smaller(percent(0.1), &[9_000], &yen)), (None, None), "nothing is no offer");
    assert_eq!(smaller(percent(10.0), &[], &yen), Some(percent(10.0)), "not reduced is not called reduced");
    let amount = |amount: i64| Offer { amount: Some(amount), ..Offer::default() };
    assert_eq!(smaller(amount(1_000), &[9_000], &yen).unwrap().amount, Some(100));
    assert_eq!(smaller(amount(550), &[5_000], &dollar).unwrap().amount, Some(200), "2.75 is 2 whole dollars");
    assert_eq!(smaller(amount(1), &[5_000], &yen), None);
    let bundle = Offer { steps: vec![(2, 0.1), (3, 15.0)], ..Offer::default() };
    let reduced = smaller(bundle, &[9_000], &yen).unwrap();
    assert_eq!((reduced.steps, reduced.reduced), (vec![(3, 1.5)], true));
}

#[test]
fn discounts_on_the_same_thing_overlap() {
    let coupon = |category: &[&str], product: &[&str]| {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let on = (category.len() + product.len() > 0).then(|| On { category: list(category), product: list(product) });
        OfferKind::Coupon { discount: Discount::Percent(vec![Some(5.0)]), over: vec![], on, code: CodeSource::Own }
    };
    let category = |id: &str, name: &str| id == "P-1" && name == "tea";
    let both = |one: &OfferKind, other: &OfferKind| {
        let answer = overlap(one, other, &category);
        assert_eq!(answer, overlap(other, one, &category), "it does not matter which is first");
        answer
    };
    let all = coupon(&[], &[]);
    let shipping = OfferKind::FreeShipping { over: vec![] };
    let own = OfferKind::Coupon { discount: Discount::Cashback, over: vec![], on: None, code: CodeSource::Own };
    assert!(!both(&all, &own) && !both(&own, &own), "what is paid back to a customer is no discount");
    assert!(both(&all, &coupon(&["tea"], &[])) && both(&all, &all) && !both(&all, &shipping));
    assert!(both(&coupon(&["tea"], &[]), &coupon(&["pots", "tea"], &[])) && !both(&coupon(&["tea"], &[]), &coupon(&["pots"], &[])));
    assert!(both(&coupon(&["tea"], &[]), &coupon(&[], &["P-1"])) && !both(&coupon(&["tea"], &[]), &coupon(&[], &["P-2"])));
    let set = OfferKind::Set { products: vec!["P-1".into(), "P-2".into()], deal: Deal::Price(vec![Some(1)]) };
    assert!(both(&set, &coupon(&[], &["P-2"])) && both(&set, &coupon(&["tea"], &[])) && !both(&set, &coupon(&["pots"], &[])));
}
