//! Mistakes that look like nothing: a date or a word that is typed wrong, and what stops or tells before it costs something.

use crate::small_shop::{DATE, Shop};
use std::fs;

/// Changes the shop's job.
fn rewrite(shop: &Shop, from: &str, to: &str) {
    let text = fs::read_to_string(shop.path("job.toml")).unwrap();
    assert!(text.contains(from), "{from} is not in\n{text}");
    fs::write(shop.path("job.toml"), text.replace(from, to)).unwrap();
}

/// Whatever day the tests run, this is far ahead.
const FAR: &str = "2199-12-01";

#[test]
fn a_date_far_ahead_is_planned_and_not_sent_unless_it_is_meant() {
    let shop = Shop::new(2);
    rewrite(&shop, "future = \"off\"\n", "");
    let planned = shop.call(&["plan", "--as-of", FAR], 0);
    assert!(planned.contains("brake future"), "{planned}");
    for command in ["run", "send"] {
        let told = shop.call(&[command, "--as-of", FAR], 6);
        assert!(told.contains("stopped by the brake `future`") && told.contains("--accept future"), "{told}");
        assert!(told.contains("2020-11-10") && told.contains("--as-of"), "{told}");
    }
    assert!(shop.outbox().is_empty());
    // Nothing was closed by the date that was typed wrong.
    shop.call(&["run", "--as-of", "2020-12-02"], 0);
    assert_eq!(shop.outbox().len(), 2);
    shop.call(&["run", "--as-of", FAR, "--accept", "future"], 0);
    assert_eq!(shop.outbox().len(), 4);
}

#[test]
fn a_word_for_consent_that_nobody_has_stops_the_run() {
    let shop = Shop::new(3);
    rewrite(&shop, "consent = \"consent\"", "consent = { column = \"consent\", yes = [\"yes\"] }");
    let told = shop.call(&["run", "--as-of", DATE], 6);
    assert!(told.contains("stopped by the brake `consent`"), "{told}");
    assert!(told.contains("none of the 3 in the customer list consents: the column `consent` holds `true`"), "{told}");
    assert!(told.contains("yes = [\"yes\"]") && told.contains("write the value that means consent"), "{told}");
    assert!(shop.states().is_empty(), "nothing was adopted");
    assert!(!shop.call(&["status", "--json"], 0).contains(DATE), "nothing was adopted");
    shop.call(&["run", "--as-of", DATE, "--accept", "consent"], 0);
    assert!(shop.call(&["status", "--json"], 0).contains(DATE));
}

#[test]
fn one_who_consents_is_enough() {
    let shop = Shop::new(3);
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), list.replace("000,true", "000,false").replacen(",true", ",false", 2)).unwrap();
    shop.call(&["run", "--as-of", DATE], 0);
    assert_eq!(shop.outbox().len(), 1);
}

#[test]
fn a_plan_that_cannot_be_sent_does_not_say_how_to_send_it() {
    let shop = Shop::new(1);
    let sendable = shop.call(&["plan", "--as-of", DATE], 0);
    assert!(sendable.contains("To send it: rankmail send"), "{sendable}");
    shop.call(&["run", "--as-of", DATE], 0);
    let behind = shop.call(&["plan", "--as-of", "2026-11-01"], 0);
    assert!(!behind.contains("rankmail send"), "{behind}");
    assert!(behind.contains("Only to look at: the run of 2026-12-01 is adopted, so the earlier 2026-11-01 cannot be sent"), "{behind}");
    let elsewhere = shop.call(&["plan", "--as-of", "2026-12-02", "--into", "elsewhere"], 0);
    assert!(!elsewhere.contains("rankmail send") && elsewhere.contains("plan without --into"), "{elsewhere}");
}
