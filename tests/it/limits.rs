//! Seats, places and budgets over several runs: what one run gave is gone for the next one of the same occasion.

use crate::other_shops::{Line, Shop, lawful, line};
use crate::shop::rows;
use rankmail::domain::SkipReason;
use rankmail::ledger::{Ledger, Suppression};
use serde_json::Value;
use std::fs;

const NOVEMBER: &str = "when = { dates = '2026-11-01..2026-11-30' }\n";

/// Twenty customers, the later ones spend more. Its template fails for whoever is called Xaver.
fn shop(campaign: &str) -> Shop {
    let people: Vec<Line> =
        (0..20_usize).map(|number| line(&format!("c{number:02}"), "1", 10 * i64::try_from(number).unwrap() + 10, "cup")).collect();
    let shop = Shop::new(
        &people,
        campaign,
        &lawful(
            "<p>{% if customer.name == \"Xaver\" %}{{ customer.city }}{% endif %}{% if offer %}{{ offer.code or \"\" }}{% endif %}</p>",
        ),
    );
    names(&shop, &[]);
    edit(&shop, "[mail]\n", "[brakes]\naudience = 'off'\nstale = 'off'\n[mail]\n");
    shop
}

/// Writes the customer list; the mails of these cannot be rendered.
fn names(shop: &Shop, failing: &[&str]) {
    let name = |id: &str| if failing.contains(&id) { "Xaver" } else { "Ann" };
    let row = |id: String| format!("{id},{id}@shop.example,{},true,\n", name(&id));
    let rows: String = (0..20).map(|number| row(format!("c{number:02}"))).collect();
    shop.put("customers.csv", &format!("id,email,name,consent,city\n{rows}"));
}

fn edit(shop: &Shop, from: &str, to: &str) {
    let text = fs::read_to_string(shop.folder.path().join("job.toml")).unwrap();
    assert!(text.contains(from), "{text}");
    shop.put("job.toml", &text.replacen(from, to, 1));
}

/// Makes a plan; its JSON.
fn plan(shop: &Shop, as_of: &str) -> Value {
    shop.call("plan", &["--as-of", as_of, "--json"]).any_output().run().json()
}

fn run(shop: &Shop, as_of: &str) -> Vec<String> {
    shop.call("run", &["--as-of", as_of, "-q"]).any_output().run();
    mailed(shop, as_of)
}

/// Who has the offer in a plan.
fn mailed(shop: &Shop, as_of: &str) -> Vec<String> {
    let rows = rows(&shop.folder.path().join(format!("runs/small/{as_of}/mails.parquet")));
    rows.into_iter().filter(|mail| !mail["offer"].is_empty()).map(|mail| mail["customer_id"].clone()).collect()
}

/// The reasons of a plan's skips, each with how many.
fn skipped(plan: &Value) -> String {
    plan["campaigns"][0]["skipped"].to_string()
}

#[test]
fn a_draw_gives_its_seats_once_for_an_occasion() {
    let shop = shop(&format!("{NOVEMBER}offer = {{ kind = 'draw', prize = 'a pot', seats = 5, cost = 30 }}"));
    let winners = run(&shop, "2026-11-02");
    assert_eq!(winners.len(), 5);
    let later = plan(&shop, "2026-11-09");
    assert_eq!((&later["mails"], skipped(&later)), (&0.into(), r#"{"already_sent":5,"not_drawn":15}"#.to_owned()));
    let told = shop.call("plan", &["--as-of", "2026-11-09"]).any_output().complains("To send it").run();
    assert!(told.out.contains("news: 0 of 5 places given now, 5 by earlier runs, 0 left"), "{}", told.out);
    assert_eq!(later["campaigns"][0]["places"], serde_json::json!({"most": 5, "before": 5, "now": 0, "left": 0}));
    // The report says so too, and the look at one customer knows of the earlier run.
    let report = String::from_utf8(shop.file("runs/small/2026-11-09", "report.html")).unwrap();
    assert!(report.contains("0 of 5 places given now, 5 by earlier runs, 0 left"));
    let loser = (0..20).map(|number| format!("c{number:02}")).find(|id| !winners.contains(id)).unwrap();
    let explained = shop.call("explain", &["--as-of", "2026-11-09", "--customer", &loser, "--json"]).any_output().run().json();
    assert_eq!(explained["campaigns"][0]["reason"], "not_drawn");
}

#[test]
fn a_seat_that_came_free_goes_to_the_next_lot() {
    let campaign = |seats: u32| format!("{NOVEMBER}offer = {{ kind = 'draw', prize = 'a pot', seats = {seats}, cost = 30 }}");
    let shop = shop(&campaign(6));
    plan(&shop, "2026-11-02");
    let six = mailed(&shop, "2026-11-02");
    edit(&shop, "seats = 6", "seats = 5");
    plan(&shop, "2026-11-02");
    let five = mailed(&shop, "2026-11-02");
    let sixth: Vec<String> = six.into_iter().filter(|id| !five.contains(id)).collect();
    assert_eq!((five.len(), sixth.len()), (5, 1));
    // One of the five opts out between plan and sending.
    let mut ledger = Ledger::open(&shop.folder.path().join("runs/ledger.sqlite")).unwrap();
    let out = Suppression { customer_id: Some(five[2].clone()), address: None, reason: SkipReason::Unsubscribed, at: 1 };
    ledger.suppress(&out).unwrap();
    drop(ledger);
    shop.call("send", &["--as-of", "2026-11-02", "-q"]).any_output().run();
    assert_eq!(run(&shop, "2026-11-09"), sixth, "the lots of one occasion are the same in all of its runs");
    assert!(run(&shop, "2026-11-16").is_empty());
}

#[test]
fn a_limit_and_a_budget_last_for_an_occasion() {
    // Without dates the month is the occasion.
    let limited = shop("offer = { kind = 'coupon', amount = 5, limit = 3 }");
    assert_eq!(run(&limited, "2026-11-02"), ["c17", "c18", "c19"]);
    assert!(run(&limited, "2026-11-09").is_empty());
    edit(&limited, "limit = 3", "limit = 4");
    assert_eq!(run(&limited, "2026-11-16"), ["c16"], "places that are added are given");
    assert_eq!(run(&limited, "2026-12-01"), ["c16", "c17", "c18", "c19"], "another month, another occasion");

    let paid = shop(&format!("{NOVEMBER}offer = {{ kind = 'coupon', amount = 5, budget = 12.50 }}"));
    assert_eq!(run(&paid, "2026-11-02"), ["c18", "c19"]);
    let later = plan(&paid, "2026-11-09");
    assert_eq!(skipped(&later), r#"{"already_sent":2,"over_budget":18}"#);
    assert_eq!(later["campaigns"][0]["budget"], serde_json::json!({"most": 1_250, "before": 1_000, "now": 0, "left": 250}));
    edit(&paid, "12.50", "15");
    assert_eq!(run(&paid, "2026-11-09"), ["c17"]);

    let birthdays = shop("when = { anniversary = 'this month' }\noffer = { kind = 'coupon', amount = 5, limit = 3 }");
    assert_eq!(run(&birthdays, "2027-10-04").len(), 3);
    assert!(run(&birthdays, "2027-10-11").is_empty(), "where each customer has a day of their own, places are those of a month");
    let each = shop("once = 'every run'\noffer = { kind = 'coupon', amount = 5, limit = 3 }");
    assert_eq!(run(&each, "2026-11-02"), run(&each, "2026-11-03"), "at every run everything begins anew");
    let drawn = shop("once = 'every run'\noffer = { kind = 'draw', prize = 'a pot', seats = 5 }");
    assert_ne!(run(&drawn, "2026-11-02"), run(&drawn, "2026-11-03"), "and each run draws lots of its own");
}

#[test]
fn what_cannot_be_rendered_takes_nothing_from_anybody() {
    let skipping = |offer: &str| {
        let shop = shop(&format!("# skip these\n{NOVEMBER}offer = {offer}"));
        names(&shop, &["c19", "c17"]);
        shop
    };
    let limited = skipping("{ kind = 'coupon', amount = 5, limit = 3 }");
    let found = plan(&limited, "2026-11-02");
    assert_eq!(mailed(&limited, "2026-11-02"), ["c15", "c16", "c18"]);
    assert_eq!(skipped(&found), r#"{"over_budget":15,"render_failed":2}"#);
    // The look at one customer finds the same.
    let reason = |id: &str| {
        let json = limited.call("explain", &["--as-of", "2026-11-02", "--customer", id, "--json"]).any_output().run().json();
        json["campaigns"][0]["reason"].clone()
    };
    assert_eq!(["c14", "c15", "c17"].map(reason), ["over_budget".into(), Value::Null, "render_failed".into()]);

    let paid = skipping("{ kind = 'coupon', amount = 5, budget = 11 }");
    assert_eq!(plan(&paid, "2026-11-02")["campaigns"][0]["budget"]["now"], 1_000);
    assert_eq!(mailed(&paid, "2026-11-02"), ["c16", "c18"]);

    let pooled = skipping("{ kind = 'coupon', amount = 5, code = { from = 'codes.csv' } }");
    pooled.put("codes.csv", "code\nONE\nTWO\nTHREE\n");
    let found = plan(&pooled, "2026-11-02");
    assert_eq!(mailed(&pooled, "2026-11-02"), ["c15", "c16", "c18"]);
    assert_eq!(found["pools"][0], serde_json::json!({"campaign": "news", "free": 3, "given": 3, "missing": 15}));

    let drawn = skipping("{ kind = 'draw', prize = 'a pot', seats = 18 }");
    assert_eq!(plan(&drawn, "2026-11-02")["mails"], 18, "nobody who could get it goes without it");

    let stopped = skipping("{ kind = 'coupon', amount = 5, limit = 3 }");
    edit(&stopped, "on_render_error = 'skip'", "");
    stopped.call("plan", &["--as-of", "2026-11-02"]).code(2).complains("cannot be rendered").run();
}

#[test]
fn paper_without_an_offer_stays_within_its_budget() {
    let shop = shop(&format!("{NOVEMBER}channel = 'call'\ncost_each = 2\nbudget = 9"));
    edit(&shop, "consent = 'consent'", "consent = 'consent'\nphone = 'phone'\ncall_consent = 'consent'");
    let rows: Vec<String> = (0..20).map(|number| format!("c{number:02},Ann,true,090-0000-00{number:02},\n")).collect();
    shop.put("customers.csv", &format!("id,name,consent,phone,city\n{}", rows.concat()));
    edit(&shop, "email = 'email'\n", "");
    shop.put("templates/news/body.txt", "Call {{ customer.name }}\n");
    let found = plan(&shop, "2026-11-02");
    assert_eq!((&found["mails"], skipped(&found)), (&4.into(), r#"{"over_budget":16}"#.to_owned()));
    assert_eq!(found["campaigns"][0]["budget"], serde_json::json!({"most": 900, "before": 0, "now": 800, "left": 100}));
}
