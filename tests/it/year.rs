//! Year after year of adopted runs on the demo shop: what the program writes is what a plain re-implementation says, and what customers
//! are told of keeping their rank comes true.

mod naive;

use crate::shop::Shop;
use chrono::NaiveDate;
use naive::{Demo, Down, Need, Rules, Run, Window};
use std::collections::BTreeMap;

type Row = BTreeMap<String, String>;

/// The ladder of jobs/monthly.toml.
fn ladder() -> Vec<(&'static str, Need, Option<Need>)> {
    let need = |orders, spend, tenure_months| Need { orders: Some(orders), spend: Some(spend), tenure_months, ..Need::default() };
    vec![
        ("A", Need { orders_ever: Some(1), ..Need::default() }, None),
        ("AA", need(2, 20_000, None), None),
        ("AA+", need(3, 50_000, None), None),
        ("AAA", need(5, 100_000, Some(6)), Some(Need { spend: Some(80_000), ..Need::default() })),
        ("VIP", need(8, 250_000, Some(12)), None),
    ]
}

fn rules() -> Rules {
    Rules { window: Window::Months(12), reviews: Vec::new(), down: Down::ToQualifying, grace: 0, keep_for: 6, ladder: ladder() }
}

/// What a series has seen, so that a test can tell that it has tried something.
#[derive(Debug, Default)]
struct Seen {
    changes: BTreeMap<String, usize>,
    /// Customers who were told 0 before a review and kept their rank at it.
    told_safe: usize,
    /// Falls of customers who had been told 0: only a return may cause one.
    returns: usize,
}

/// Runs these dates one after the other, and compares every line of every plan.
fn try_series(rules: &Rules, dates: &[&str]) -> Seen {
    let mut shop = Shop::with(&[]);
    shop.replace_between("[ranks]", "[contact]", &rules.toml());
    shop.edit("audience = \"30%\"\nstale    = \"3 days\"", "audience = \"off\"\nstale = \"off\"");

    let demo = Demo::read();
    let mut seen = Seen::default();
    let mut before: Option<(Run, BTreeMap<String, Row>)> = None;
    for date in dates {
        shop.run(date);
        let now = naive::run(&demo, rules, date.parse().unwrap(), before.as_ref().map(|(run, _)| run));
        let rows: BTreeMap<String, Row> =
            shop.table(date, "customers.parquet").into_iter().map(|row| (row["customer_id"].clone(), row)).collect();
        assert!(rows.keys().eq(now.people.keys()), "{date}: other customers");
        for (id, person) in &now.people {
            for (column, value) in person.columns(rules) {
                assert_eq!(rows[id][column], value, "{date}: {column} of {id}, whose line is {:?}", rows[id]);
            }
            *seen.changes.entry(rows[id]["rank_change"].clone()).or_default() += 1;
        }
        if let Some((run, told)) = &before {
            hold_promises(&demo, run.as_of, now.closing, told, &rows, &mut seen);
        }
        before = Some((now, rows));
    }
    seen
}

/// Nobody falls untold, and nobody who was told 0 falls at that review, unless an order was returned after the telling. This looks only
/// at what the program wrote.
fn hold_promises(
    demo: &Demo,
    told_on: NaiveDate,
    closing: NaiveDate,
    told: &BTreeMap<String, Row>,
    now: &BTreeMap<String, Row>,
    seen: &mut Seen,
) {
    for (id, row) in now {
        let Some(told) = told.get(id) else { continue };
        let review: Option<NaiveDate> = told["keep_by"].parse().ok();
        let missing: Vec<i64> = ["keep_orders", "keep_spend"].iter().filter_map(|column| told[*column].parse().ok()).collect();
        // Without a number the rank is lost whatever is bought, and that was told.
        let told_safe = !missing.is_empty() && missing.iter().all(|missing| *missing == 0);
        let due = review.is_some_and(|review| review <= closing);
        if row["rank_change"] != "down" {
            seen.told_safe += usize::from(due && told_safe);
            continue;
        }
        assert!(due, "{id} fell at {closing} without having been told: {told:?}");
        if told_safe {
            assert!(demo.returned(id, told_on, closing), "{id} was told 0 on {told_on} and fell at {closing}: {told:?}");
            seen.returns += 1;
        }
    }
}

#[test]
fn twelve_months_each_adopted() {
    let seen = try_series(
        &rules(),
        &[
            "2026-01-01",
            "2026-02-01",
            "2026-03-01",
            "2026-04-01",
            "2026-05-01",
            "2026-06-01",
            "2026-07-01",
            "2026-08-01",
            "2026-09-01",
            "2026-10-01",
            "2026-11-01",
            "2026-12-01",
        ],
    );
    for change in ["new", "up", "kept", "down", "none"] {
        assert!(seen.changes.get(change).is_some_and(|count| *count > 20), "{change}: {seen:?}");
    }
    assert!(seen.told_safe > 1_000, "{seen:?}");
}

#[test]
fn months_skipped_and_runs_repeated_in_one_closing() {
    let seen = try_series(
        &rules(),
        &["2025-12-07", "2026-02-01", "2026-02-03", "2026-02-07", "2026-03-31", "2026-06-20", "2026-07-01", "2026-07-03", "2026-12-07"],
    );
    assert!(seen.changes["down"] > 100 && seen.told_safe > 1_000, "{seen:?}");
}

#[test]
fn grace_and_one_step() {
    let rules = Rules { grace: 1, down: Down::OneStep, keep_for: 0, ..rules() };
    let seen = try_series(&rules, &["2026-01-03", "2026-02-01", "2026-03-01", "2026-03-07", "2026-05-01", "2026-06-01"]);
    assert!(seen.changes["missed"] > 20 && seen.changes["down"] > 20, "{seen:?}");
}

#[test]
fn review_dates_of_the_year() {
    let rules = Rules { reviews: vec![4, 10], keep_for: 9, ..rules() };
    let seen = try_series(&rules, &["2026-01-01", "2026-03-07", "2026-04-01", "2026-05-01", "2026-09-15", "2026-12-01"]);
    assert!(seen.changes["down"] > 20 && seen.told_safe > 100, "{seen:?}");
}

#[test]
fn a_window_of_days_and_ranks_that_never_fall() {
    let rules = Rules { window: Window::Days(180), down: Down::Never, grace: 2, ..rules() };
    let seen = try_series(&rules, &["2026-02-01", "2026-03-01", "2026-06-07"]);
    assert!(!seen.changes.contains_key("down") && seen.changes["up"] > 20, "{seen:?}");
    let rules = Rules { down: Down::ToQualifying, grace: 2, keep_for: 1, ..rules };
    let seen = try_series(&rules, &["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-05-03"]);
    assert!(seen.changes["missed"] > 20 && seen.changes["down"] > 20, "{seen:?}");
}
