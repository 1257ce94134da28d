//! Who gets an offer when there is not enough for everybody, what it costs, and which offers come together.

use crate::other_shops::{Line, Shop, lawful, line};
use crate::shop::rows;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Twenty customers; the later ones spend more, and the upper half is Gold.
fn people() -> Vec<Line> {
    let products = ["cup", "pot"];
    (0..20_usize)
        .map(|number| line(&format!("c{number:02}"), "1", 10 * i64::try_from(number).unwrap() + 10, products[number % 2]))
        .collect()
}

/// A shop whose `news` has these keys, maybe followed by whole campaigns. Every body may be rendered with or without an offer.
fn shop(campaigns: &str) -> Shop {
    let body = lawful("<p>{% if offer %}{{ offer.kind }} {{ offer.percent or \"\" }}{% if offer.reduced %} less{% endif %}{% endif %}</p>");
    let shop = Shop::new(&people(), campaigns, &body);
    for name in ["first", "second"] {
        shop.put(&format!("templates/{name}/subject.txt"), "Hello\n");
        shop.put(&format!("templates/{name}/body.html"), &body);
    }
    shop
}

fn edit(shop: &Shop, from: &str, to: &str) {
    let text = fs::read_to_string(shop.folder.path().join("job.toml")).unwrap();
    assert!(text.contains(from), "{text}");
    shop.put("job.toml", &text.replace(from, to));
}

type Rows = Vec<BTreeMap<String, String>>;

/// Makes the plan; its JSON, the rows of mails and those of skips.
fn plan(shop: &Shop) -> (Value, Rows, Rows) {
    let json = shop.call("plan", &["--as-of", "2026-11-02", "--json"]).any_output().run().json();
    let table = |name: &str| rows(&shop.folder.path().join("runs/small/2026-11-02").join(name));
    let (mails, skipped) = (table("mails.parquet"), table("skipped.parquet"));
    assert_eq!(json["matched"].as_u64().unwrap(), (mails.len() + skipped.len()) as u64);
    let exposure = |campaign: &str| -> i64 {
        mails
            .iter()
            .filter(|mail| campaign.is_empty() || mail["campaign"] == campaign)
            .map(|mail| mail["exposure"].parse::<i64>().unwrap())
            .sum()
    };
    assert_eq!(json["offer_exposure"], exposure(""), "the exposure is the sum over the mails");
    for campaign in json["campaigns"].as_array().unwrap() {
        assert_eq!(campaign["exposure"]["face"], exposure(campaign["campaign"].as_str().unwrap()));
    }
    let written: Value = serde_json::from_slice(&shop.file("runs/small/2026-11-02", "plan.json")).unwrap();
    assert_eq!(written["offer_exposure"], exposure(""));
    (json, mails, skipped)
}

fn customers<'a>(rows: &'a [BTreeMap<String, String>], campaign: &str) -> Vec<&'a str> {
    rows.iter().filter(|row| row["campaign"] == campaign).map(|row| row["customer_id"].as_str()).collect()
}

#[test]
fn a_limit_and_a_budget_serve_the_best_customers() {
    let limited = shop("offer = { kind = 'coupon', amount = 5, limit = 3 }");
    let (_, mails, skipped) = plan(&limited);
    assert_eq!(customers(&mails, "news"), ["c17", "c18", "c19"]);
    assert!(skipped.len() == 17 && skipped.iter().all(|skip| skip["reason"] == "over_budget"));
    // The look at one customer knows of all the others.
    let explained = |id: &str| {
        let json = limited.call("explain", &["--as-of", "2026-11-02", "--customer", id, "--json"]).any_output().run().json();
        json["campaigns"][0]["reason"].clone()
    };
    assert_eq!((explained("c16"), explained("c17")), ("over_budget".into(), Value::Null));

    let (_, mails, skipped) = plan(&shop("offer = { kind = 'coupon', amount = 5, budget = 12.50 }"));
    assert_eq!((customers(&mails, "news"), skipped.len()), (vec!["c18", "c19"], 18));

    // Only Gold has an offer: who has none is not limited by it.
    let (_, mails, _) = plan(&shop("offer = { kind = 'coupon', amount = { Gold = 5 }, limit = 1 }"));
    let with_offer: Vec<&str> = mails.iter().filter(|mail| !mail["offer"].is_empty()).map(|mail| mail["customer_id"].as_str()).collect();
    assert_eq!((with_offer, mails.len()), (vec!["c19"], 5));
}

#[test]
fn a_percentage_costs_its_share_of_the_average_order() {
    let (json, mails, _) = plan(&shop("offer = { kind = 'coupon', percent = 10 }"));
    assert_eq!((mails[0]["exposure"].as_str(), mails[19]["exposure"].as_str()), ("100", "2000"));
    assert_eq!(json["offer_exposure"], 21_000);
    assert_eq!(json["campaigns"][0]["exposure"]["expected"], Value::Null, "there is no history yet");
}

#[test]
fn the_budget_of_a_run_is_spent_campaign_by_campaign() {
    let campaigns = "offer = { kind = 'coupon', amount = 5, limit = 1, code = 'ONE' }\n\
        [[campaign]]\nname = 'first'\nranks = 'Gold'\ndiscounts = 'stack'\noffer = { kind = 'coupon', amount = 5, code = 'TWO' }\n\
        [[campaign]]\nname = 'second'\nranks = 'Gold'\noffer = { kind = 'invitation', what = 'tea' }";
    let shop = shop(campaigns);
    edit(&shop, "currency = 'USD'\n", "currency = 'USD'\nbudget = 12\n");
    let (json, mails, skipped) = plan(&shop);
    assert_eq!(json["offer_exposure"], 1_000);
    assert_eq!((customers(&mails, "news"), customers(&mails, "first")), (vec!["c19"], vec!["c19"]));
    assert_eq!(customers(&mails, "second").len(), 16, "what costs nothing needs no budget");
    assert!(skipped.iter().all(|skip| skip["reason"] == "over_budget"));
}

#[test]
fn a_budget_as_a_brake_stops_a_run_and_skips_nobody() {
    let shop = shop("offer = { kind = 'coupon', amount = 5 }");
    edit(&shop, "[mail]\n", "[brakes]\nbudget = 99.99\n[mail]\n");
    let (json, mails, _) = plan(&shop);
    assert_eq!((mails.len(), &json["brakes"][0]["brake"]), (20, &"budget".into()));
    shop.call("run", &["--as-of", "2026-11-02", "-q"]).code(6).complains("USD 100.00").any_output().run();
    edit(&shop, "99.99", "100");
    assert_eq!(plan(&shop).0["brakes"].to_string(), "[]");
}

#[test]
fn a_draw_takes_its_winners_by_lot_and_the_same_ones_again() {
    let shop = shop("offer = { kind = 'draw', prize = 'a pot', seats = 4, cost = 30, ranks = 'Gold' }");
    let (json, mails, skipped) = plan(&shop);
    let winners: Vec<&str> = mails.iter().filter(|mail| mail["offer"] == "draw").map(|mail| mail["customer_id"].as_str()).collect();
    assert_eq!((winners.len(), mails.len(), skipped.len()), (4, 8, 12), "Silver gets the mail without the draw");
    assert!(skipped.iter().all(|skip| skip["reason"] == "not_drawn"));
    assert_eq!(json["offer_exposure"], 12_000);
    assert_ne!(winners, ["c16", "c17", "c18", "c19"], "a draw does not ask who spends most");
    assert_eq!(plan(&shop).1, mails);
    let told = shop.call("plan", &["--as-of", "2026-11-02"]).any_output().complains("To send it").run();
    assert!(told.out.contains("news drew 4 of 16"), "{}", told.out);
}

#[test]
fn a_share_is_the_same_people_and_the_others_are_not_matched() {
    let shop = shop("share = '40%'");
    let (json, mails, _) = plan(&shop);
    assert!((1..20).contains(&mails.len()), "{}", mails.len());
    assert_eq!(json["matched"].as_u64().unwrap(), mails.len() as u64);
    let chosen = customers(&mails, "news");
    let outside = (0..20).map(|number| format!("c{number:02}")).find(|id| !chosen.contains(&id.as_str())).unwrap();
    let json = shop.call("explain", &["--as-of", "2026-11-02", "--customer", &outside, "--json"]).any_output().run().json();
    assert!(json["campaigns"][0].to_string().contains("share"), "{json}");
    edit(&shop, "40%", "80%");
    let (_, more, _) = plan(&shop);
    assert!(chosen.iter().all(|id| customers(&more, "news").contains(id)), "a larger share has the smaller in it");
}

#[test]
fn nobody_gets_two_discounts_on_the_same_thing_unless_the_job_says_so() {
    let with = |keys: &str| {
        shop(&format!(
            "[[campaign]]\nname = 'first'\nranks = 'Gold'\noffer = {{ kind = 'coupon', percent = 10, on = {{ product = ['cup'] }} }}\n\
             [[campaign]]\nname = 'second'\nranks = 'Silver and up'\n{keys}"
        ))
    };
    let counts = |shop: &Shop| {
        let (_, mails, skipped) = plan(shop);
        let superseded = skipped.iter().filter(|skip| skip["reason"] == "superseded").count();
        (customers(&mails, "second").len(), superseded)
    };
    assert_eq!(counts(&with("offer = { kind = 'coupon', percent = 5 }")), (4, 16));
    assert_eq!(counts(&with("offer = { kind = 'coupon', percent = 5, ranks = 'Silver' }")), (20, 0), "Gold has no second one");
    assert_eq!(counts(&with("offer = { kind = 'coupon', percent = 5, on = { product = ['pot'] } }")), (20, 0));
    assert_eq!(counts(&with("offer = { kind = 'set', percent = 5, products = ['pot', 'cup'] }")), (4, 16));
    let points = with("offer = { kind = 'points', times = 3 }");
    edit(&points, "[mail]\n", "[points]\nrate = '1%'\n[mail]\n");
    assert_eq!(counts(&points), (20, 0), "points are no discount");
    let category = "offer = { kind = 'coupon', percent = 5, on = { category = ['tea'] } }";
    let listed = |kind: &str, keys: &str| {
        let shop = with(keys);
        shop.put("products.csv", &format!("id,kind\ncup,{kind}\npot,beef\n"));
        edit(&shop, "[mail]\n", "[products]\npath = 'products.csv'\ncolumns = { product = 'id', category = 'kind' }\n[mail]\n");
        counts(&shop)
    };
    assert_eq!((listed("tea", category), listed("beef", category)), ((4, 16), (20, 0)));
    assert_eq!(listed("", category), (4, 16), "what is not known to be another thing may be the same");
    assert_eq!(listed("", &format!("discounts = 'stack'\n{category}")), (20, 0));
    let unlisted = with(category);
    assert_eq!(counts(&unlisted), (20, 0), "the job knows no categories");
    edit(&unlisted, "product = 'product'\n", "product = 'product'\ncategory = 'product'\n");
    assert_eq!(counts(&unlisted), (4, 16), "only the purchases know categories");
    assert_eq!(counts(&with("discounts = 'stack'\noffer = { kind = 'coupon', percent = 5 }")), (20, 0));
    let stack = with("offer = { kind = 'coupon', percent = 5 }");
    edit(&stack, "[mail]\n", "[contact]\ndiscounts = 'stack'\n[mail]\n");
    assert_eq!(counts(&stack), (20, 0));

    let reduced = with("reduced_by = { first = '50%' }\noffer = { kind = 'coupon', percent = 5 }");
    assert_eq!(counts(&reduced), (20, 0));
    let shown = |id: &str| {
        let json =
            reduced.call("show", &["--as-of", "2026-11-02", "--customer", id, "--campaign", "second", "--json"]).any_output().run().json();
        json["mails"][0]["text"].as_str().unwrap().to_owned()
    };
    assert!(shown("c19").contains("coupon 2.5 less"), "{}", shown("c19"));
    assert!(shown("c00").contains("coupon 5") && !shown("c00").contains("less"), "{}", shown("c00"));
    assert_eq!(counts(&with("reduced_by = { first = '100%' }\noffer = { kind = 'coupon', percent = 5 }")), (20, 0));
}

#[test]
fn every_kind_has_its_words_for_templates() {
    let told = |offer: &str, body: &str| {
        let shop = Shop::new(&people(), &format!("offer = {offer}"), &lawful(&format!("<p>{body}</p>")));
        shop.put("products.csv", "id,name,price\ncup,Cup,12.50\npot,Pot,30\n");
        edit(
            &shop,
            "[mail]\n",
            "[points]\nrate = '1%'\n[products]\npath = 'products.csv'\n[products.columns]\nproduct = 'id'\nname = 'name'\nprice = 'price'\n[mail]\n",
        );
        let exposure = plan(&shop).0["offer_exposure"].clone();
        let json = shop.call("show", &["--as-of", "2026-11-02", "--customer", "c19", "--json"]).any_output().run().json();
        (json["mails"][0]["text"].as_str().unwrap().lines().next().unwrap().to_owned(), exposure)
    };
    let set = "{% for each in offer.products %}{{ each.name }} {{ each.price | money }} {% endfor %}for {{ offer.price | money }}";
    let (text, exposure) = told("{ kind = 'set', products = ['cup', 'pot'], price = { Silver = 40, Gold = 35 } }", set);
    assert_eq!((text.as_str(), exposure), ("Cup USD 12.50 Pot USD 30.00 for USD 35.00", (4 * 250 + 16 * 750).into()));
    assert_eq!(told("{ kind = 'points', times = { Silver = 2, Gold = 3 }, over = 10 }", "{{ offer.times }} times").0, "3 times");
    let opens = "{{ offer.what }} {{ offer.opens }} {{ offer.opens_at or \"all day\" }} {{ offer.url }}";
    let early = |opens: &str| format!("{{ kind = 'early_access', what = 'spring', url = 'https://tea.example/spring', opens = {opens} }}");
    assert_eq!(
        told(&early("{ Silver = 2026-12-03, Gold = 2026-12-01T10:30:00 }"), opens).0,
        "spring 2026-12-01 10:30 https://tea.example/spring"
    );
    assert_eq!(told(&early("{ Silver = 2026-12-01 }"), opens).0, "spring 2026-12-01 all day https://tea.example/spring");
    let (text, exposure) = told("{ kind = 'invitation', what = 'tea', seats = 2, cost = 10 }", "{{ offer.seats }} seats");
    assert_eq!((text.as_str(), exposure), ("2 seats", 2_000.into()));
    assert_eq!(told("{ kind = 'draw', prize = 'a pot', seats = 20 }", "{{ offer.prize }} {{ offer.seats }}").0, "a pot 20");
}
