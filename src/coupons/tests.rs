//! Codes and orders of a small shop, by hand and at random against a plain reading of the rules.

use super::*;
use crate::domain::Texts;
use crate::domain::book::BookLines;
use crate::domain::offer::On;
use proptest::prelude::*;
use std::sync::Arc;

const ZONE: Zone = Zone(chrono_tz::Asia::Tokyo);

fn day(number: i64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(number)
}

/// Noon in Tokyo.
fn noon(number: i64) -> i64 {
    ZONE.midnight(day(number)) + 12 * 3_600_000_000
}

/// An order: who, its id, the day, and its lines (amount, code, category).
#[derive(Debug, Clone)]
struct Bought {
    customer: &'static str,
    id: String,
    day: i64,
    lines: Vec<(i64, &'static str, &'static str)>,
}

fn bought(customer: &'static str, id: &str, day: i64, net: i64, code: &'static str) -> Bought {
    Bought { customer, id: id.to_owned(), day, lines: vec![(net, code, "tea")] }
}

/// All in one part; the room does not mind where customers are.
fn book(orders: &[Bought]) -> OrderBook {
    let mut orders = orders.to_vec();
    orders.sort_by(|one, other| (one.customer, one.day, &one.id).cmp(&(other.customer, other.day, &other.id)));
    let names = |pick: fn(&(i64, &'static str, &'static str)) -> &'static str| {
        let mut names: Vec<&str> = orders.iter().flat_map(|order| order.lines.iter().map(pick)).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let (codes, categories) = (names(|line| line.1), names(|line| line.2));
    let place = |names: &[&str], name: &str| names.iter().position(|known| *known == name).map_or(NOTHING, |at| u32::try_from(at).unwrap());
    let mut part = BookPart::default();
    let mut lines = BookLines::default();
    for order in &orders {
        if part.customer_id.is_empty() || part.customer_id.get(part.customer_id.len() - 1) != order.customer {
            part.customer_id.push(order.customer);
            part.orders_from.push(part.at.len());
        }
        part.order_id.push(&order.id);
        part.at.push(noon(order.day));
        part.net.push(order.lines.iter().map(|line| line.0).sum());
        part.lines_from.push(lines.at.len());
        for (amount, code, category) in &order.lines {
            lines.at.push(noon(order.day));
            lines.amount.push(*amount);
            lines.quantity.push(1);
            lines.points_used.push(0);
            lines.product.push(NOTHING);
            lines.category.push(place(&categories, category));
            lines.coupon.push(place(&codes, code));
            lines.store.push(NOTHING);
        }
    }
    part.orders_from.push(part.at.len());
    part.lines_from.push(lines.at.len());
    part.lines = lines;
    let texts = |names: Vec<&str>| names.into_iter().collect::<Texts>();
    OrderBook { coupons: texts(codes), categories: texts(categories), parts: vec![part], ..OrderBook::default() }
}

fn given(code: &str, customer: &str, from: i64, until: Option<i64>) -> IssuedCode {
    let terms = Arc::new(Terms { percent: Some(10.0), ..Terms::default() });
    IssuedCode { code: code.into(), customer: customer.into(), campaign: 0, rank: Some(0), from: day(from), until: until.map(day), terms }
}

fn issued(codes: Vec<IssuedCode>) -> Issued {
    Issued { campaigns: vec!["birthday".into(), "event".into()], ranks: vec!["A".into(), "AA".into()], codes }
}

fn odd(statement: &Statement) -> Vec<(Irregularity, &str, usize)> {
    statement.irregular.iter().map(|odd| (odd.why, odd.order.as_str(), odd.issued)).collect()
}

#[test]
fn a_code_is_redeemed_once_by_its_customer_in_its_time() {
    let codes = issued(vec![given("AAA", "c1", 0, Some(10)), given("BBB", "c2", 0, Some(10)), given("CCC", "c3", 0, None)]);
    let orders = [
        bought("c1", "first", 0, 900, "AAA"),
        bought("c1", "second", 3, 900, "AAA"),
        bought("c2", "late", 11, 900, "BBB"),
        bought("c2", "last", 10, 1_800, " bbb"),
        bought("c3", "theirs", 5, 900, "BBB"),
        bought("c4", "early", -1, 900, "AAA"),
        bought("c1", "stranger's", 5, 900, "WINTER"),
        bought("c3", "none", 5, 900, ""),
    ];
    let statement = state(&codes, &book(&orders), ZONE, day(20));
    let used: Vec<(&str, usize)> = statement.redemptions.iter().map(|used| (used.order.as_str(), used.issued)).collect();
    assert_eq!(used, [("first", 0), ("last", 1)]);
    let (twice, else_, late) = (Irregularity::Twice, Irregularity::SomebodyElse, Irregularity::AfterEnd);
    assert_eq!(odd(&statement), [(else_, "early", 0), (twice, "second", 0), (else_, "theirs", 1), (late, "late", 1)]);
    let tally = Tally { issued: 3, redeemed: 2, expired: 0, open: 1, revenue: 2_700, cost: 300 };
    assert_eq!(statement.groups, [(0, Some(0), tally)]);
}

#[test]
fn a_code_for_all_is_each_customers_own() {
    let codes =
        issued(vec![given("WINTER15", "c1", 0, Some(5)), given("WINTER15", "c2", 0, Some(5)), given("WINTER15", "c1", 10, Some(15))]);
    let orders = [
        bought("c1", "a", 1, 100, "WINTER15"),
        bought("c1", "b", 7, 100, "WINTER15"),
        bought("c1", "c", 12, 100, "winter15"),
        bought("c2", "d", 12, 100, "WINTER15"),
        bought("c3", "e", 12, 100, "WINTER15"),
    ];
    let statement = state(&codes, &book(&orders), ZONE, day(13));
    assert_eq!(statement.redemptions.iter().map(|used| (used.order.as_str(), used.issued)).collect::<Vec<_>>(), [("a", 0), ("c", 2)]);
    let (late, else_) = (Irregularity::AfterEnd, Irregularity::SomebodyElse);
    assert_eq!(odd(&statement), [(late, "b", 0), (late, "d", 1), (else_, "e", 2)]);
    assert_eq!(statement.groups[0].2.expired, 1);
}

#[test]
fn an_order_that_was_taken_back_uses_nothing() {
    let codes = issued(vec![given("AAA", "c1", 0, None)]);
    let returned = Bought { customer: "c1", id: "r".into(), day: 1, lines: vec![(500, "AAA", "tea"), (-500, "AAA", "tea")] };
    let statement = state(&codes, &book(&[returned, bought("c1", "kept", 2, 500, "AAA")]), ZONE, day(3));
    assert_eq!(statement.redemptions.len(), 1);
    assert_eq!((statement.redemptions[0].order.as_str(), statement.irregular.len()), ("kept", 0));
}

#[test]
fn an_order_that_its_code_made_free_redeems_it() {
    let mut codes = issued(vec![given("AAA", "c1", 0, None), given("BBB", "c2", 0, None)]);
    let terms = |percent, amount| Arc::new(Terms { percent, amount, ..Terms::default() });
    codes.codes[0].terms = terms(Some(100.0), None);
    codes.codes[1].terms = terms(None, Some(500));
    let orders = [bought("c1", "gift", 1, 0, "AAA"), bought("c2", "small", 2, 0, "BBB"), bought("c1", "again", 3, 0, "AAA")];
    let statement = state(&codes, &book(&orders), ZONE, day(4));
    let used: Vec<(&str, i64, i64)> = statement.redemptions.iter().map(|used| (used.order.as_str(), used.net, used.cost)).collect();
    assert_eq!(used, [("gift", 0, 0), ("small", 0, 500)]);
    assert_eq!(odd(&statement), [(Irregularity::Twice, "again", 0)]);
}

#[test]
fn the_cost_is_what_the_order_would_have_been_more() {
    let terms = |percent, amount, on: Option<&str>| Terms {
        percent,
        amount,
        on: on.map(|category| On { category: vec![category.into()], product: Vec::new() }),
    };
    for (terms, expected) in [
        (terms(None, Some(500), None), 500),
        (terms(Some(10.0), None, None), 1_000),
        (terms(Some(12.5), None, None), 1_286),
        (terms(Some(10.0), None, Some("tea")), 300),
        (terms(Some(10.0), None, Some("beef")), 0),
        (terms(Some(100.0), None, None), 0),
        (terms(None, None, None), 0),
    ] {
        let mut codes = issued(vec![given("AAA", "c1", 0, None)]);
        codes.codes[0].terms = Arc::new(terms.clone());
        let order = Bought { customer: "c1", id: "o".into(), day: 1, lines: vec![(6_300, "AAA", "cup"), (2_700, "AAA", "tea")] };
        assert_eq!(state(&codes, &book(&[order]), ZONE, day(3)).redemptions[0].cost, expected, "{terms:?}");
    }
    let mut codes = issued(vec![given("AAA", "c1", 0, None)]);
    codes.codes[0].terms = Arc::new(terms(Some(10.0), None, Some("tea")));
    let unsorted = Bought { customer: "c1", id: "o".into(), day: 1, lines: vec![(9_000, "AAA", "")] };
    assert_eq!(state(&codes, &book(&[unsorted]), ZONE, day(3)).redemptions[0].cost, 1_000, "no categories are known");
}

/// Redeemed mails with their orders, and irregular uses.
type Found = (Vec<(usize, String)>, Vec<(Irregularity, String)>);

/// What a plain reading finds.
fn plainly(codes: &Issued, orders: &[Bought]) -> Found {
    let mut orders = orders.to_vec();
    orders.sort_by(|one, other| (one.day, one.customer, &one.id).cmp(&(other.day, other.customer, &other.id)));
    let (mut redeemed, mut odd): (Vec<(usize, String)>, _) = (Vec::new(), Vec::new());
    for order in orders.iter().filter(|order| order.lines[0].0 >= 0 && !order.lines[0].1.is_empty()) {
        let mails: Vec<usize> =
            (0..codes.codes.len()).filter(|at| codes.codes[*at].code.eq_ignore_ascii_case(order.lines[0].1.trim())).collect();
        if mails.is_empty() {
            continue;
        }
        let mut own: Vec<usize> = mails.into_iter().filter(|at| codes.codes[*at].customer == order.customer).collect();
        let on = day(order.day);
        let mut why = Irregularity::SomebodyElse;
        if !own.is_empty() {
            why = Irregularity::BeforeStart;
            own.retain(|at| codes.codes[*at].from <= on);
        }
        if !own.is_empty() {
            why = Irregularity::AfterEnd;
            own.retain(|at| codes.codes[*at].until.is_none_or(|until| until >= on));
        }
        if !own.is_empty() {
            why = Irregularity::Twice;
            own.retain(|at| !redeemed.iter().any(|(done, _)| done == at));
        }
        match own.last() {
            Some(at) => redeemed.push((*at, order.id.clone())),
            None => odd.push((why, order.id.clone())),
        }
    }
    (redeemed, odd)
}

proptest! {
    #[test]
    fn any_orders_are_judged_as_a_plain_reading_does(
        mails in proptest::collection::vec((0..4_usize, 0..3_usize, 0..20_i64, proptest::option::of(0..10_i64)), 0..12),
        uses in proptest::collection::vec((0..3_usize, 0..30_i64, -2..5_i64, 0..7_usize), 0..25),
    ) {
        let customers = ["c1", "c2", "c3"];
        let mut mails = mails;
        mails.sort_by_key(|mail| mail.2);
        let codes = issued(
            mails.iter().map(|(code, who, from, length)| given(["AAA", "BBB", "CCC", "DDD"][*code], customers[*who], *from, length.map(|length| from + length))).collect(),
        );
        let orders: Vec<Bought> = uses
            .iter()
            .enumerate()
            .map(|(at, (who, on, net, code))| bought(customers[*who], &format!("o{at:02}"), *on, net * 100, ["AAA", "bbb", " CCC ", "ddd", "", "EEE", "AAA"][*code]))
            .collect();
        let statement = state(&codes, &book(&orders), ZONE, day(25));
        let (redeemed, odd) = plainly(&codes, &orders);
        let sorted = |mut list: Vec<(usize, String)>| { list.sort(); list };
        prop_assert_eq!(sorted(statement.redemptions.iter().map(|used| (used.issued, used.order.clone())).collect()), sorted(redeemed.clone()));
        let mut found: Vec<(Irregularity, String)> = statement.irregular.iter().map(|odd| (odd.why, odd.order.clone())).collect();
        let mut wanted = odd;
        found.sort();
        wanted.sort();
        prop_assert_eq!(found, wanted);
        let all = statement.groups.iter().fold(Tally::default(), |all, (.., tally)| all.and(*tally));
        prop_assert_eq!(all.issued, all.redeemed + all.expired + all.open);
        prop_assert_eq!((all.issued, all.redeemed), (codes.codes.len() as u64, redeemed.len() as u64));
        let nets: i64 = redeemed.iter().map(|(_, id)| orders.iter().find(|order| order.id == *id).unwrap().lines[0].0).sum();
        prop_assert_eq!(all.revenue, nets);
    }
}
