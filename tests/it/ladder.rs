//! The linter of ladders: each rule has a job that it speaks about, one that it is silent about, and can be allowed by name.

use crate::program::rankmail;
use rankmail::domain::finding::Rule;
use std::fs;

/// A whole job but for its campaigns, on a tiny shop.
const AROUND: &str = include_str!("jobs/around.toml");

/// A rule: campaigns that it speaks about, campaigns that it is silent about, and the body of the mail named `letter`.
struct Case {
    rule: Rule,
    about: &'static str,
    silent: &'static str,
    bodies: [&'static str; 2],
}

const THANKS: &str = "[[campaign]]\nname = 'thanks'\nranks = 'A and up'\nwhen = { anniversary = 'this month' }\nsells = false\n";
const PLAIN: &str = "plain";

fn cases() -> Vec<Case> {
    let case = |rule, about, silent| Case { rule, about, silent, bodies: [PLAIN, PLAIN] };
    vec![
        case(
            Rule::RankWithoutMail,
            "[[campaign]]\nname = 'letter'\nranks = 'AA to AAA'\nwhen = { month = 5 }",
            "[[campaign]]\nname = 'letter'\nranks = 'A and up'\nwhen = { month = 5 }",
        ),
        case(
            Rule::ShadowedCampaign,
            "[[campaign]]\nname = 'first'\nranks = 'AA and up'\n[[campaign]]\nname = 'letter'\nranks = 'VIP'\nnot_with = 'first'",
            "[[campaign]]\nname = 'first'\nranks = 'AA to AAA'\n[[campaign]]\nname = 'letter'\nranks = 'AAA and up'\nnot_with = 'first'",
        ),
        case(
            Rule::ShadowedCampaign,
            "[contact]\nmax_per_run = 1\n[[campaign]]\nname = 'first'\nranks = 'AA and up'\n[[campaign]]\nname = 'letter'\nranks = 'VIP'",
            "[contact]\nmax_per_run = 2\n[[campaign]]\nname = 'first'\nranks = 'AA and up'\n[[campaign]]\nname = 'letter'\nranks = 'VIP'",
        ),
        case(
            Rule::FallingDiscount,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }
offer = { kind = 'coupon', percent = { A = 10, AA = 5 }, valid = 'this month' }",
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }
offer = { kind = 'coupon', percent = { A = 5, AA = 10, AAA = 0 }, valid = 'this month' }",
        ),
        case(
            Rule::FallingDiscount,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'set', products = ['a', 'b'], percent = { A = 10, AA = 5 } }",
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'set', products = ['a', 'b'], percent = { A = 5, AA = 10 } }",
        ),
        case(
            Rule::FallingDiscount,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'set', products = ['a', 'b'], price = { A = 3_000, AA = 4_000 } }",
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'set', products = ['a', 'b'], price = { A = 4_000, AA = 3_000 } }",
        ),
        case(
            Rule::FallingDiscount,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'points', times = { A = 3, AA = 2 } }",
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'points', times = { A = 2, AA = 3 } }",
        ),
        case(
            Rule::FallingDiscount,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'free_shipping', over = { A = 3_000, AA = 5_000 } }",
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'free_shipping', over = { A = 5_000, AA = 3_000 } }",
        ),
        case(
            Rule::FallingDiscount,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'coupon', amount = 500, over = { A = 3_000, AA = 5_000 } }",
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'\nwhen = { birthday = 'today' }\noffer = { kind = 'coupon', amount = { A = 500, AA = 800 }, over = { A = 3_000, AA = 5_000 } }",
        ),
        Case {
            rule: Rule::PriceWithoutSelling,
            about: "[[campaign]]\nname = 'letter'\nranks = 'VIP'\nsells = false",
            silent: "[[campaign]]\nname = 'letter'\nranks = 'VIP'\nsells = false",
            bodies: ["only 3,000円 today", "ten years of tea"],
        },
        Case {
            rule: Rule::LinkWithoutSelling,
            about: "[[campaign]]\nname = 'letter'\nranks = 'VIP'\nsells = false",
            silent: "[[campaign]]\nname = 'letter'\nranks = 'VIP'\nsells = false",
            bodies: ["<a href='{{ shop.url }}'>shop</a>", "<a href='mailto:{{ shop.contact }}'>answer</a>"],
        },
        Case {
            rule: Rule::LinkWithoutSelling,
            about: "[[campaign]]\nname = 'letter'\nranks = 'VIP'\nsells = false",
            silent: "[[campaign]]\nname = 'letter'\nranks = 'VIP'",
            bodies: ["https://tsubaki.example/sale", "https://tsubaki.example/sale"],
        },
        case(
            Rule::TwoDiscounts,
            "[[campaign]]\nname = 'first'\nranks = 'AA'\nwhen = { month = 12 }\noffer = { kind = 'coupon', percent = 5, valid = 'this month' }
[[campaign]]\nname = 'letter'\nranks = 'AA to AAA'\nwhen = { birthday = 'this month' }\noffer = { kind = 'bundle', buy = { 2 = '10%' } }",
            "[[campaign]]\nname = 'first'\nranks = 'AA'\nwhen = { month = 12 }\noffer = { kind = 'coupon', percent = 5, valid = 'this month', on = { category = ['tea'] } }
[[campaign]]\nname = 'letter'\nranks = 'AA to AAA'\nwhen = { birthday = 'this month' }\noffer = { kind = 'bundle', buy = { 2 = '10%' }, on = { category = ['beef'] } }",
        ),
        case(
            Rule::TwoDiscounts,
            "[[campaign]]\nname = 'first'\nranks = 'AA'\nwhen = { days_since_last_order = '10..90' }\noffer = { kind = 'coupon', percent = 5 }
[[campaign]]\nname = 'letter'\nranks = 'AA'\nwhen = { days_since_last_order = '90..' }\noffer = { kind = 'coupon', percent = 5 }",
            "[[campaign]]\nname = 'first'\nranks = 'AA'\nwhen = { days_since_last_order = '10..89' }\noffer = { kind = 'coupon', percent = 5 }
[[campaign]]\nname = 'letter'\nranks = 'AA'\nwhen = { days_since_last_order = '90..' }\noffer = { kind = 'coupon', percent = 5 }",
        ),
        case(
            Rule::NewsletterForLowest,
            "[[campaign]]\nname = 'letter'\nranks = 'A to AAA'",
            "[[campaign]]\nname = 'letter'\nranks = 'AA to AAA'",
        ),
        case(
            Rule::EventDiscountNearTop,
            "[[campaign]]\nname = 'letter'\nranks = 'AA+ to AAA'\nwhen = { month = 12 }\noffer = { kind = 'coupon', percent = 10 }",
            "[[campaign]]\nname = 'letter'\nranks = 'AA+ to AAA'\nwhen = { month = 12 }\noffer = { kind = 'coupon', percent = 10, ranks = ['AA+'] }",
        ),
        case(
            Rule::CostlyGift,
            "[[campaign]]\nname = 'letter'\nranks = 'AA and up'\nwhen = { month = 12 }\noffer = { kind = 'gift', otherwise = 'flowers', cost = 4_001 }",
            "[[campaign]]\nname = 'letter'\nranks = 'AA and up'\nwhen = { month = 12 }\noffer = { kind = 'gift', otherwise = 'flowers', cost = 4_000 }",
        ),
    ]
}

/// The rules that `check` names for a job of these campaigns.
fn found(campaigns: &str, body: &str) -> Vec<String> {
    findings("", campaigns, body).iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

/// What `check` finds in a job of these keys at its top and these campaigns.
pub fn findings(top: &str, campaigns: &str, body: &str) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.toml");
    // A column for letters too, whatever it holds: nothing is sent.
    let around = AROUND.replace("email = \"email\"\n", "email = \"email\"\npostal_address = \"email\"\n");
    let points = if campaigns.contains("'points'") { "[points]\nrate = '1%'\n" } else { "" };
    fs::write(&path, format!("{top}\n{around}\n{points}\n{campaigns}\n")).unwrap();
    fs::write(folder.path().join("customers.csv"), "customer_id,email,birthday,consented_at\nc1,a@example.jp,,\n").unwrap();
    fs::write(folder.path().join("codes.csv"), "code\nP1\n").unwrap();
    for name in ["thanks", "first", "letter"].iter().filter(|name| campaigns.contains(&format!("name = '{name}'"))) {
        let campaign = folder.path().join("templates").join(name);
        fs::create_dir_all(&campaign).unwrap();
        let body = if *name == "letter" { body } else { PLAIN };
        fs::write(campaign.join("subject.txt"), "a letter\n").unwrap();
        let law = "{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>stop</a>";
        fs::write(campaign.join("body.html"), format!("<html><body><p>{body}</p><p>{law}</p></body></html>")).unwrap();
    }
    let checked = rankmail(&["check", path.to_str().unwrap(), "--json"]).any_output().run().json();
    checked["findings"].as_array().unwrap().clone()
}

/// A campaign for everybody goes with it, unless it would hide what is looked for.
fn with_thanks(case: &Case, campaigns: &str) -> String {
    if case.rule == Rule::RankWithoutMail { campaigns.to_owned() } else { format!("{THANKS}{campaigns}") }
}

#[test]
fn every_rule_speaks_where_it_should_and_only_there() {
    for (at, case) in cases().iter().enumerate() {
        let word = case.rule.word().to_owned();
        let about = found(&with_thanks(case, case.about), case.bodies[0]);
        assert!(about.contains(&word), "case {at}: {word} says nothing, only {about:?}");
        let silent = found(&with_thanks(case, case.silent), case.bodies[1]);
        assert!(!silent.contains(&word), "case {at}: {word} speaks");
    }
}

/// Who is not chosen for the first campaign gets the second.
#[test]
fn a_campaign_that_only_some_get_hides_no_other() {
    let second = "[[campaign]]\nname = 'letter'\nranks = 'VIP'\nonce = 'ever'\nnot_with = 'first'\n";
    let first = |keys: &str| format!("{THANKS}[[campaign]]\nname = 'first'\nranks = 'VIP'\n{keys}\n{second}");
    let speaks = |keys: &str| found(&first(keys), PLAIN).contains(&"shadowed-campaign".to_owned());
    assert!(speaks("once = 'every run'"), "nobody is left out");
    for some in [
        "share = '10%'",
        "channel = 'post'",
        "once = 'ever'",
        "offer = { kind = 'draw', prize = 'tea', seats = 3 }",
        "offer = { kind = 'coupon', percent = 5, limit = 3 }",
        "offer = { kind = 'coupon', percent = 5, budget = 3_000 }",
        "offer = { kind = 'coupon', percent = 5, code = { from = 'codes.csv' } }",
    ] {
        let once = if some.starts_with("once") { "" } else { "\nonce = 'every run'" };
        assert!(!speaks(&format!("{some}{once}")), "{some}");
    }
}

#[test]
fn every_rule_has_a_case() {
    for rule in Rule::ALL {
        assert!(cases().iter().any(|case| case.rule == rule), "{}", rule.word());
        assert_eq!(Rule::from_word(rule.word()), Some(rule));
    }
}

#[test]
fn what_is_meant_can_be_allowed_by_name() {
    for case in cases() {
        let word = case.rule.word();
        let speaks = |campaigns: &str| found(&with_thanks(&case, campaigns), case.bodies[0]).contains(&word.to_owned());
        assert!(!speaks(&format!("{}\n[check]\nallow = '{word}'", case.about)), "{word} in [check]");
        if case.rule != Rule::RankWithoutMail {
            assert!(!speaks(&format!("{}\nallow = ['{word}']", case.about)), "{word} in the campaign");
        }
    }
}

/// The gift of 5,000円 is small beside what a VIP spends, and large beside the spend that is made up here.
#[test]
fn data_tell_what_a_gift_is_measured_by() {
    let demo = crate::program::root().join("jobs/monthly.toml");
    let text = fs::read_to_string(&demo).unwrap().replace("\"../", &format!("\"{}/", crate::program::root().display()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monthly.toml");
    for (cost, told) in [("cost = 5_000", false), ("cost = 500_000", true)] {
        fs::write(&path, text.replace("cost = 5_000", cost)).unwrap();
        let checked = rankmail(&["check", path.to_str().unwrap(), "--data", "--json", "--as-of", "2026-12-01"]).any_output().run().json();
        let findings = checked["findings"].as_array().unwrap();
        let gift = findings.iter().find(|finding| finding["rule"] == "costly-gift");
        assert_eq!(gift.is_some(), told, "{findings:?}");
        if let Some(gift) = gift {
            assert_eq!((gift["of"].as_str(), gift["name"].as_str()), (Some("campaign"), Some("vip_gift")));
            assert!(gift["message"].as_str().unwrap().contains("平均購入額"), "{gift}");
        }
    }
}

#[test]
fn people_read_why_and_how_to_allow_it() {
    let demo = crate::program::root().join("jobs/monthly.toml");
    let text = fs::read_to_string(&demo).unwrap().replace("\"../", &format!("\"{}/", crate::program::root().display()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monthly.toml");
    fs::write(&path, text.replace("\"A to AAA\"", "\"AA to AAA\"").replace("\"A and up\"", "\"AA and up\"").replace("AA = 8", "AA = 18"))
        .unwrap();
    rankmail(&["check", path.to_str().unwrap()])
        .says("[falling-discount]")
        .says("ランクが上がると損をします")
        .says("allow = [\"rank-without-mail\", \"falling-discount\", \"two-discounts\"]")
        .run();
}
