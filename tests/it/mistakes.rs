//! Mistakes that look like nothing: a date or a word that is typed wrong, and what stops or tells before it costs something.

use crate::other_shops::{self, lawful, line};
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
    rewrite(&shop, "stale = \"off\"\n", "stale = \"off\"\nfuture = \"7 days\"\n");
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
fn a_wrong_column_of_addresses_stops_the_run() {
    let shop = Shop::new(3);
    rewrite(&shop, "email = \"email\"", "email = \"name\"");
    let told = shop.call(&["run", "--as-of", DATE], 6);
    assert!(told.contains("stopped by the brake `consent`"), "{told}");
    assert!(told.contains("none of the 3 that match can be reached (bad address 3)"), "{told}");
    assert!(told.contains("`email` is the column `name`"), "{told}");
    assert!(!shop.call(&["status", "--json"], 0).contains(DATE), "nothing was adopted");
    shop.call(&["run", "--as-of", DATE, "--accept", "consent"], 0);
    assert!(shop.call(&["status", "--json"], 0).contains(DATE));
}

#[test]
fn one_with_an_address_is_enough() {
    let shop = Shop::new(3);
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), list.replacen('@', " at ", 2)).unwrap();
    shop.call(&["run", "--as-of", DATE], 0);
    assert_eq!(shop.outbox().len(), 1);
}

#[test]
fn a_share_written_as_a_percent_is_warned_of() {
    let shop = Shop::new(1);
    assert!(!shop.call(&["check"], 0).contains("if 5% is meant"));
    rewrite(&shop, "percent = 10", "percent = { A = 0.05 }");
    let told = shop.call(&["check"], 0);
    assert!(told.contains("`percent` of 0.05 is 0.05%; write 5 if 5% is meant"), "{told}");
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
    let other = shop.call(&["plan", "--as-of", DATE, "--runs", "other-runs"], 0);
    let hint = other.lines().find(|line| line.contains("To send it")).unwrap();
    assert!(hint.trim_end().ends_with(" --runs other-runs"), "{hint}");
    let elsewhere = shop.call(&["plan", "--as-of", "2026-12-02", "--into", "elsewhere"], 0);
    assert!(!elsewhere.contains("rankmail send") && elsewhere.contains("plan without --into"), "{elsewhere}");
}

/// A shop of two customers whose job is changed; what `check --data` says of it, as JSON.
fn checked(campaign: &str, customers: &str, more: &str) -> (other_shops::Shop, serde_json::Value) {
    let shop = other_shops::Shop::new(&[line("a", "1", 10, "cup"), line("b", "2", 9_000, "pot")], campaign, &lawful("Hello"));
    shop.put("customers.csv", customers);
    shop.put("templates/more/subject.txt", "Hello\n");
    shop.put("templates/more/body.html", &lawful("More"));
    shop.put("products.csv", "id,kind\ncup,tea\npot,beef\n");
    let job = String::from_utf8(shop.file("", "job.toml")).unwrap();
    let job = if more.starts_with("exclude") {
        job.replace("path = 'customers.csv'", &format!("path = 'customers.csv'\n{more}"))
    } else {
        job + more
    };
    shop.put("job.toml", &job);
    let json = shop.call("check", &["--data", "--as-of", "2026-11-02", "--json"]).any_output().run().json();
    (shop, json)
}

const LIST: &str = "id,email,name,consent\na,a@shop.example,Ann,true\nb,b@shop.example,Ben,true\n";
const PRODUCTS: &str = "[products]\npath = 'products.csv'\ncolumns = { product = 'id', category = 'kind' }\n";

fn rules(json: &serde_json::Value) -> Vec<&str> {
    json["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

/// A word that leaves nobody out mails those who were meant to be left out.
#[test]
fn words_of_exclude_and_include_that_nothing_has_are_told() {
    let campaign = "offer = { kind = 'coupon', percent = 5 }";
    let (shop, odd) = checked(campaign, LIST, "exclude = { name = ['Ben', 'Benn'], email = ['b@shop.example'] }");
    let customers = "`[customers] exclude`: nobody in the customer list has `Benn`; the column `name` holds `Ann`, `Ben`";
    assert_eq!(odd["data"]["notes"], serde_json::json!([customers]), "whom an earlier word leaves out has the other words too");
    shop.call("plan", &["--as-of", "2026-11-02"]).any_output().complains("To send it").says(customers).run();

    let (shop, sound) = checked(campaign, LIST, "exclude = { name = ['Ben'] }");
    assert_eq!(sound["data"]["notes"], serde_json::json!([]));
    let job = String::from_utf8(shop.file("", "job.toml")).unwrap();
    shop.put(
        "job.toml",
        &job.replace("path = 'purchases'", "path = 'purchases'\nexclude = { product = ['cupp', 'cup'] }\ninclude = { order = ['2', '3'] }"),
    );
    let odd = shop.call("check", &["--data", "--as-of", "2026-11-02", "--json"]).any_output().run().json();
    let lines = [
        "`[purchases] exclude`: no line of the purchases has `cupp`; the column `product` holds `cup`, `pot`",
        "`[purchases] include`: no line of the purchases has `3`; the column `order` holds `1`, `2`",
    ];
    assert_eq!(odd["data"]["notes"], serde_json::json!(lines));
}

#[test]
fn a_gift_is_told_for_each_rank_for_which_it_is_costly() {
    let gift = "when = { month = 12 }\noffer = { kind = 'gift', otherwise = 'flowers', cost = { Silver = 5, Gold = 5_000 } }";
    let (_, json) = checked(gift, LIST, "");
    let findings = json["findings"].as_array().unwrap();
    let told: Vec<&str> =
        findings.iter().filter(|finding| finding["rule"] == "costly-gift").map(|finding| finding["message"].as_str().unwrap()).collect();
    assert!(matches!(told[..], [silver, gold] if silver.contains("rank Silver") && gold.contains("rank Gold")), "{told:?}");
}

/// Somebody of the staff who spends much makes no gift cheap.
#[test]
fn a_gift_is_measured_by_those_who_are_ranked() {
    let gift = "when = { month = 12 }\noffer = { kind = 'gift', otherwise = 'flowers', cost = 5 }";
    let (_, without) = checked(gift, LIST, "exclude = { name = ['Ben'] }");
    assert!(rules(&without).contains(&"costly-gift"), "{without}");
    // A rank that is given by hand is a rank like any other.
    let given = LIST.replace("consent\n", "consent,given\n").replace("true\nb,", "true,Gold\nb,").replace("Ben,true", "Ben,true,");
    let shop = other_shops::Shop::new(&[line("a", "1", 10, "cup"), line("b", "2", 9_000, "pot")], &format!("{gift}\n#"), &lawful("Hello"));
    shop.put("customers.csv", &given);
    let job = String::from_utf8(shop.file("", "job.toml"))
        .unwrap()
        .replace("consent = 'consent'", "consent = 'consent'\nrank_at_least = 'given'");
    shop.put("job.toml", &job.replace("ranks = 'Silver and up'", "ranks = 'Silver'").replace("cost = 5 ", "cost = 3 "));
    let json = shop.call("check", &["--data", "--as-of", "2026-11-02", "--json"]).any_output().run().json();
    assert!(!rules(&json).contains(&"costly-gift"), "nobody is left in the rank: {json}");
}

#[test]
fn a_category_and_a_product_of_it_are_the_same_thing_when_the_list_says_so() {
    let two = |product: &str| {
        format!(
            "offer = {{ kind = 'coupon', percent = 5, on = {{ category = ['tea'] }} }}\n[[campaign]]\nname = 'more'\nranks = 'Silver and up'\n\
             offer = {{ kind = 'coupon', percent = 5, on = {{ product = ['{product}'] }} }}"
        )
    };
    let (_, meet) = checked(&two("cup"), LIST, PRODUCTS);
    assert!(rules(&meet).contains(&"two-discounts"), "{meet}");
    let (_, apart) = checked(&two("pot"), LIST, PRODUCTS);
    assert!(!rules(&apart).contains(&"two-discounts"), "{apart}");
    let (_, unknown) = checked(&two("can"), LIST, PRODUCTS);
    assert!(rules(&unknown).contains(&"two-discounts"), "it may be of it: {unknown}");
    let (_, without) = checked(&two("cup"), LIST, "");
    assert!(!rules(&without).contains(&"two-discounts"), "the job knows no categories: {without}");
}

#[test]
fn names_that_the_data_do_not_have_are_told() {
    let campaign = |name: &str, category: &str, product: &str| {
        format!(
            "where = {{ name = ['Ann', '{name}'] }}\noffer = {{ kind = 'coupon', percent = 5, on = {{ category = ['{category}'], product = ['{product}'] }} }}"
        )
    };
    let (shop, odd) = checked(&campaign("Bob", "teas", "cap"), LIST, PRODUCTS);
    let told = odd.to_string();
    for words in [
        "campaign `news`: nobody in the customer list has `Bob`, which `where` asks for; the column `name` holds `Ann`, `Ben`",
        "campaign `news`: its offer names `cap`, which the product list does not have",
    ] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    shop.call("plan", &["--as-of", "2026-11-02"]).complains("To send it").says("nobody in the customer list has `Bob`").says("`cap`").run();
    let (_, sound) = checked(&campaign("Ben", "beef", "cup"), LIST, PRODUCTS);
    assert!(sound["data"]["notes"].as_array().unwrap().is_empty(), "{sound}");
    // Without a product list it is the purchases that know.
    let (_, unlisted) = checked(&campaign("Ben", "beef", "cap"), LIST, "");
    assert!(unlisted.to_string().contains("its offer names `cap`, which nobody has ever bought"), "{unlisted}");
    let set = "offer = { kind = 'set', products = ['cup', 'pott'], percent = 5 }";
    assert!(checked(set, LIST, "").1.to_string().contains("`pott`, which nobody has ever bought"));
}
