//! Every source against a plain implementation on small shops, and what single customers are told.

use super::naive::{Customer, Order, Shop};
use super::*;
use crate::domain::book::{BookLines, NOTHING};
use crate::domain::job::Language;
use crate::domain::offer::On;
use crate::domain::recommend::{Because, Overdue};
use crate::domain::zone::DAY;
use crate::domain::{BookPart, Texts};
use proptest::prelude::*;
use std::collections::BTreeSet;

const AS_OF: i64 = 400;

fn names(of: impl Fn(&(String, String, i64)) -> String, shop: &Shop) -> Texts {
    let lines = shop.customers.iter().flat_map(|customer| &customer.orders).flat_map(|order| &order.lines);
    let names: BTreeSet<String> = lines.map(of).filter(|name| !name.is_empty()).collect();
    names.iter().map(String::as_str).collect()
}

fn place(names: &Texts, name: &str) -> u32 {
    names.iter().position(|known| known == name).map_or(NOTHING, |at| u32::try_from(at).unwrap())
}

/// The shop's order book, its customers dealt to three parts.
fn book(shop: &Shop) -> OrderBook {
    let (products, categories) = (names(|line| line.0.clone(), shop), names(|line| line.1.clone(), shop));
    let mut parts = vec![BookPart::default(); 3];
    for (nth, customer) in shop.customers.iter().enumerate() {
        let part = &mut parts[nth % 3];
        part.customer_id.push(&customer.id);
        part.orders_from.push(part.at.len());
        for (number, order) in customer.orders.iter().enumerate() {
            let at = order.day * DAY;
            part.order_id.push(&format!("{number:03}"));
            part.at.push(at);
            part.net.push(order.lines.iter().map(|line| line.2).sum());
            part.lines_from.push(part.lines.at.len());
            let lines: &mut BookLines = &mut part.lines;
            for (product, category, amount) in &order.lines {
                lines.at.push(at);
                lines.amount.push(*amount);
                lines.product.push(place(&products, product));
                lines.category.push(place(&categories, category));
            }
        }
    }
    for part in &mut parts {
        part.orders_from.push(part.at.len());
        part.lines_from.push(part.lines.at.len());
    }
    OrderBook { products, categories, parts, ..OrderBook::default() }
}

fn with_history<T>(shop: &Shop, use_it: impl FnOnce(&History<'_>) -> T) -> T {
    let book = book(shop);
    let excluded = shop.customers.iter().filter(|customer| customer.excluded);
    let excluded: Vec<(String, String)> = excluded.map(|customer| (customer.id.clone(), String::new())).collect();
    let day = |number: i64| NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::TimeDelta::days(number);
    let (start, end) = (shop.window.0 * DAY, shop.window.1 * DAY);
    let bounds = Bounds {
        as_of: shop.as_of * DAY,
        closing: end,
        window_start: start,
        due_start: start,
        next_start: start,
        keep_start: start,
        settled: end,
        next_settled: end,
        keep_settled: end,
    };
    use_it(&History {
        book: &book,
        products: shop.products.as_deref(),
        tells_stock: shop.tells_stock,
        wallets: &shop.wallets,
        zone: Zone(chrono_tz::UTC),
        as_of: day(shop.as_of),
        bounds,
        excluded: &excluded,
    })
}

/// What each customer is recommended, with the reason's product, wallet or days.
fn recommended(shop: &Shop, rule: &Recommend) -> Vec<Vec<(String, String)>> {
    with_history(shop, |history| {
        let tally = Tally::count(history, &[rule]);
        let told = |pick: &Pick| {
            let because = match pick.because {
                Because::Wallet(wallet) => tally.goods.wallets[wallet as usize].clone(),
                Because::With(product) => history.book.products.get(product as usize).to_owned(),
                Because::Again(days) => days.to_string(),
            };
            (history.book.products.get(pick.product as usize).to_owned(), because)
        };
        let one = |nth: usize| tally.picks(history, nth % 3, nth / 3, rule).iter().map(told).collect();
        (0..shop.customers.len()).map(one).collect()
    })
}

fn rule(from: Source) -> Recommend {
    Recommend { from, count: 3, on: None, support: Support::Count(1), overdue: Overdue { from: 1_000, to: Some(3_000) } }
}

fn order(day: i64, lines: &[(&str, &str, i64)]) -> Order {
    Order { day, lines: lines.iter().map(|(product, category, amount)| ((*product).into(), (*category).into(), *amount)).collect() }
}

fn customer(id: &str, orders: Vec<Order>) -> Customer {
    Customer { id: id.into(), excluded: false, orders }
}

fn shop(customers: Vec<Customer>) -> Shop {
    Shop { customers, products: None, tells_stock: false, wallets: Vec::new(), window: (35, 390), as_of: AS_OF }
}

fn product(id: &str, stock: Option<i64>) -> Product {
    Product { id: id.into(), name: format!("The {id}"), stock, price: Some(700), ..Product::default() }
}

fn pairs_of(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found.iter().map(|(product, because)| (product.as_str(), because.as_str())).collect()
}

#[test]
fn other_wallets_are_those_that_customers_alike_went_on_to() {
    let tea = |id: &str, then: &[(&str, &str, i64)]| customer(id, vec![order(100, &[("sencha", "tea", 900)]), order(200, then)]);
    let mut small = shop(vec![
        customer("a", vec![order(300, &[("bancha", "green", 950), ("vase", "craft", 50)])]),
        tea("b", &[("cake", "sweets", 300)]),
        tea("c", &[("cake", "sweets", 300), ("cup", "ware", 100)]),
        tea("d", &[("jelly", "sweets", 300)]),
        // Who spends most on meat is not alike.
        customer("e", vec![order(100, &[("beef", "meat", 9_000)]), order(200, &[("knife", "ware", 10)])]),
    ]);
    small.wallets = vec![Wallet { name: "teas".into(), categories: vec!["tea".into(), "green".into()] }];
    let found = recommended(&small, &rule(Source::OtherWallets));
    assert_eq!(pairs_of(&found[0]), [("cake", "teas"), ("cup", "teas"), ("jelly", "teas")], "the wallets take turns");
    assert_eq!(pairs_of(&found[1]), [("cup", "teas")], "sweets are no other wallet of somebody who spends a quarter on them");
    small.products = Some(vec![product("cake", Some(0)), product("cup", Some(2)), product("jelly", None)]);
    small.tells_stock = true;
    assert_eq!(pairs_of(&recommended(&small, &rule(Source::OtherWallets))[0]), [("cup", "teas")], "in stock only when the list says so");
    let firm = Recommend { support: Support::Count(2), ..rule(Source::OtherWallets) };
    assert!(recommended(&small, &firm)[0].is_empty(), "only one of them bought from ware");
}

#[test]
fn what_is_bought_together_goes_with_the_last_order() {
    let pot = |id: &str| customer(id, vec![order(10, &[("tea", "", 5), ("pot", "", 5)])]);
    let mut small = shop(vec![
        customer("a", vec![order(1, &[("rice", "", 5)]), order(2, &[("tea", "", 5)]), order(3, &[("tea", "", 5), ("tea", "", -5)])]),
        pot("b"),
        pot("c"),
        customer("d", vec![order(1, &[("rice", "", 5), ("salt", "", 5)])]),
        customer("e", vec![order(1, &[("rice", "", 5), ("salt", "", 5)]), order(2, &[("rice", "", 5), ("salt", "", 5)])]),
    ]);
    let found = recommended(&small, &rule(Source::BoughtTogether));
    assert_eq!(pairs_of(&found[0]), [("pot", "tea")], "an order that was taken back is not the last, and rice was before it");
    assert!(found[1].is_empty(), "nothing is left that was not bought");
    small.customers[1].excluded = true;
    small.customers[2].excluded = true;
    assert!(recommended(&small, &rule(Source::BoughtTogether))[0].is_empty(), "those whom the shop excludes count nowhere");
}

#[test]
fn what_is_due_again_is_told_with_its_interval() {
    let lines = |product: &'static str| -> [(&str, &str, i64); 1] { [(product, "", 5)] };
    let days = [("tea", 310), ("tea", 340), ("tea", 371), ("rice", 100), ("rice", 120), ("rice", 150), ("salt", 330), ("salt", 350)];
    let mut orders: Vec<Order> = days.iter().map(|(product, day)| order(*day, &lines(product))).collect();
    orders.extend([350, 360, 370, 380].map(|day| order(day, &lines("milk"))));
    orders.sort_by_key(|order| order.day);
    let small = shop(vec![customer("a", orders)]);
    let found = recommended(&small, &Recommend { overdue: Overdue { from: 900, to: Some(3_000) }, ..rule(Source::BuyAgain) });
    assert_eq!(pairs_of(&found[0]), [("milk", "10"), ("tea", "31")], "rice was given up long ago, salt has no habit yet");
    let found = recommended(&small, &Recommend { overdue: Overdue { from: 1_000, to: None }, ..rule(Source::BuyAgain) });
    assert_eq!(pairs_of(&found[0]), [("rice", "25"), ("milk", "10")], "tea is not due before its interval has passed");
}

#[test]
fn a_template_is_told_what_and_why() {
    let tea = |id: &str| customer(id, vec![order(100, &[("sencha", "お茶", 900)]), order(200, &[("cake", "菓子", 50)])]);
    let mut small = shop(vec![customer("a", vec![order(300, &[("sencha", "お茶", 950)])]), tea("b")]);
    small.products = Some(vec![product("cake", None)]);
    with_history(&small, |history| {
        let rules = [rule(Source::OtherWallets), rule(Source::BuyAgain)];
        let tally = Tally::count(history, &[&rules[0], &rules[1]]);
        let (items, reason) = tally.items(history, &tally.picks(history, 0, 0, &rules[0]), Language::Ja);
        assert_eq!(reason.as_deref(), Some("お茶をお求めの方に"));
        let item = Item {
            product: "cake".into(),
            name: "The cake".into(),
            category: Some("菓子".into()),
            price: Some(700),
            reason: "お茶をお求めの方に".into(),
            ..Item::default()
        };
        assert_eq!(items, [item]);
        let picks = [(0, 30), (1, 40)].map(|(product, days)| Pick { product, because: Because::Again(days) });
        let (items, reason) = tally.items(history, &picks, Language::Ja);
        assert_eq!((items[1].reason.as_str(), items[1].name.as_str()), ("いつもの間隔（約40日）を過ぎました", "sencha"));
        assert_eq!(reason.as_deref(), Some("いつもの間隔を過ぎた品です"));
        assert_eq!(tally.items(history, &[], Language::En), (vec![], None));
    });
}

#[test]
fn pairs_have_their_lift() {
    let with = |id: &str, products: &[&str]| customer(id, vec![order(9, &products.iter().map(|one| (*one, "", 5)).collect::<Vec<_>>())]);
    let small = shop(vec![with("a", &["x", "y"]), with("b", &["x", "y"]), with("c", &["x", "z"]), with("d", &["z"]), with("e", &[""])]);
    let found = with_history(&small, |history| pairs(history, Support::Count(2)));
    assert_eq!((found.orders, found.pairs.len()), (4, 1));
    let pair = &found.pairs[0];
    assert_eq!((pair.products[0].0.as_str(), pair.products[1].0.as_str(), pair.orders, pair.together), ("x", "y", [3, 2], 2));
    assert!((pair.lift - 4.0 / 3.0).abs() < 1e-12);
    assert_eq!(with_history(&small, |history| pairs(history, Support::Count(1)).pairs.len()), 2);
}

#[test]
fn wholesale_orders_tell_nothing_of_two_products() {
    let many: Vec<String> = (0..=together::WIDEST).map(|number| format!("p{number:03}")).collect();
    let lines: Vec<(&str, &str, i64)> = many.iter().map(|product| (product.as_str(), "", 5)).collect();
    let small = shop(vec![customer("a", vec![order(9, &lines)]), customer("b", vec![order(9, &lines[1..])])]);
    let found = with_history(&small, |history| pairs(history, Support::Count(1)));
    assert_eq!((found.orders, found.pairs.len()), (1, together::WIDEST * (together::WIDEST - 1) / 2));
}

#[test]
fn a_usual_interval_is_between_days_with_an_order_that_counts() {
    let days = [(10, 5), (10, 5), (20, 5), (25, 0), (40, 5)];
    let orders = days.iter().map(|(day, amount)| order(*day, &[("tea", "", *amount)])).collect();
    let small = shop(vec![customer("a", orders), customer("b", vec![order(10, &[("tea", "", 5)])])]);
    let found = with_history(&small, |history| [usual_interval(history, 0, 0), usual_interval(history, 1, 0)]);
    assert_eq!(found, [Some(Interval { twice_usual: 30, since: 360 }), None]);
}

fn any_line() -> impl Strategy<Value = (String, String, i64)> {
    let product = prop_oneof![9 => (0..7_u8).prop_map(|number| format!("p{number}")), 1 => Just(String::new())];
    let category = prop_oneof![8 => (0..4_u8).prop_map(|number| format!("k{number}")), 2 => Just(String::new())];
    (product, category, prop_oneof![8 => 1..200_i64, 1 => Just(0), 2 => -150..0_i64])
}

fn any_shop() -> impl Strategy<Value = Shop> {
    let order = (0..20_i64, proptest::collection::vec(any_line(), 1..4)).prop_map(|(day, lines)| Order { day: day * 20, lines });
    let customer = (proptest::collection::vec(order, 1..9), prop::bool::weighted(0.1));
    let stock = prop_oneof![1 => Just(None), 1 => Just(Some(0)), 3 => Just(Some(4))];
    let product = (0..7_u8, stock, prop_oneof![1 => Just(None), 2 => (0..5_u8).prop_map(|number| Some(format!("k{number}")))])
        .prop_map(|(number, stock, category)| Product { category, ..product(&format!("p{number}"), stock) });
    let wallets = proptest::collection::vec(0..3_u8, 5).prop_map(|wallet_of| {
        let of = |wallet: u8| wallet_of.iter().enumerate().filter(|(_, of)| **of == wallet).map(|(at, _)| format!("k{at}")).collect();
        vec![Wallet { name: "w".into(), categories: of(0) }, Wallet { name: "k4".into(), categories: of(1) }]
    });
    let products = proptest::option::of(proptest::collection::vec(product, 3..9));
    (proptest::collection::vec(customer, 1..9), products, any::<bool>(), wallets).prop_map(|(customers, products, tells_stock, wallets)| {
        let customers = customers.into_iter().enumerate().map(|(nth, (mut orders, excluded))| {
            orders.sort_by_key(|order| order.day);
            Customer { id: format!("c{nth:02}"), excluded, orders }
        });
        let products = products.map(|mut products| {
            products.sort_by(|one, other| one.id.cmp(&other.id));
            products.dedup_by(|one, other| one.id == other.id);
            products
        });
        Shop { customers: customers.collect(), products, tells_stock, wallets, window: (35, 390), as_of: AS_OF }
    })
}

fn any_rule() -> impl Strategy<Value = Recommend> {
    let source = prop_oneof![Just(Source::OtherWallets), Just(Source::BoughtTogether), Just(Source::BuyAgain)];
    let support = prop_oneof![(1..4_u64).prop_map(Support::Count), (1..400_000_u64).prop_map(Support::Millionths)];
    let on = proptest::option::weighted(0.2, Just(On { category: vec!["k1".into(), "k2".into()], product: vec!["p0".into()] }));
    let overdue = (1..30_u32, proptest::option::of(0..50_u32))
        .prop_map(|(from, more)| Overdue { from: from * 100, to: more.map(|more| (from + more) * 100) });
    (source, 1..5_usize, support, on, overdue).prop_map(|(from, count, support, on, overdue)| Recommend {
        from,
        count,
        on,
        support,
        overdue,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_source_agrees_with_the_plain_implementation(shop in any_shop(), rule in any_rule()) {
        let found = recommended(&shop, &rule);
        for (customer, found) in shop.customers.iter().zip(found) {
            prop_assert_eq!(found, shop.recommends(customer, &rule), "{:?}", customer);
        }
    }
}
