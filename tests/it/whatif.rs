//! What-if: the past played again equals what was adopted, and another rule shows what it would have changed.

use crate::shop::Shop;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// September is left out.
const DATES: [&str; 4] = ["2026-08-01", "2026-10-03", "2026-11-01", "2026-12-01"];

/// The demo shop with campaigns that look at ranks, at `once` and at the days between two mails.
fn shop() -> Shop {
    let mut shop = Shop::with(&["vip_gift", "birthday", "rank_up", "keep_your_rank", "win_back"]);
    shop.edit("audience = \"30%\"", "audience = \"off\"");
    shop.edit("stale    = \"3 days\"", "stale = \"off\"");
    shop.edit("min_days_between = 7", "min_days_between = 31");
    // Two gifts for four months: from the third on there is nothing new to give, if the first one is remembered.
    shop.edit("when  = { month = [7, 12] }\n", "");
    shop.edit("where = { vip_type = [\"贈答\"] }\n", "counts_towards_limit = false\n");
    shop.replace_between(
        "gifts = [",
        ", cost = 5_000",
        r#"gifts = [{ likes = "肉", gift = "近江牛" }, { likes = "肉", gift = "但馬牛" }]"#,
    );
    let templates = shop.own_templates();
    // A letter that can do without a gift.
    fs::remove_dir_all(templates.join("vip_gift")).unwrap();
    fs::rename(templates.join("birthday_vip"), templates.join("vip_gift")).unwrap();
    shop
}

/// What an adopted run left: people by rank and by change, mails by campaign.
fn left(shop: &Shop, date: &str) -> [BTreeMap<String, u64>; 3] {
    let count = |table: &str, column: &str| {
        let mut counts = BTreeMap::new();
        for row in shop.table(date, table) {
            *counts.entry(row[column].clone()).or_default() += 1;
        }
        counts
    };
    [count("customers.parquet", "rank"), count("customers.parquet", "rank_change"), count("mails.parquet", "campaign")]
}

/// The same as what-if tells it.
fn played(run: &Value) -> [BTreeMap<String, u64>; 3] {
    let list = |entries: &Value, name: &str, count: &str| -> BTreeMap<String, u64> {
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| (entry[name].as_str().unwrap().to_owned(), entry[count].as_u64().unwrap()))
            .filter(|entry| entry.1 > 0)
            .collect()
    };
    let mut ranks = list(&run["ranks"], "rank", "customers");
    if run["no_rank"] != 0 {
        ranks.insert(String::new(), run["no_rank"].as_u64().unwrap());
    }
    let changes = run["changes"].as_object().unwrap().iter().map(|(change, count)| (change.clone(), count.as_u64().unwrap()));
    [ranks, changes.collect(), list(&run["campaigns"], "campaign", "mails")]
}

#[test]
fn the_past_played_again_is_the_past() {
    let shop = shop();
    for date in DATES {
        shop.run(date);
    }
    let before = shop.traces();
    let months = |months: &str, more: &[&str]| {
        let arguments = [&["--as-of", "2026-12-09", "--json", "--months", months], more].concat();
        shop.call("whatif", &arguments).any_output().run().json()
    };
    for (number, earlier, dates) in [("4", 0, &DATES[1..]), ("2", 0, &DATES[2..]), ("7", 2, &DATES[..])] {
        let found = months(number, &[]);
        let runs = found["today"].as_array().unwrap();
        assert!(found["changed"].is_null());
        let (before, runs) = runs.split_at(earlier);
        assert!(before.iter().all(|run| run["adopted"] == false), "months before the shop began");
        assert_eq!(runs.iter().map(|run| run["as_of"].as_str().unwrap()).collect::<Vec<_>>(), dates);
        for (run, date) in runs.iter().zip(dates) {
            assert_eq!(run["adopted"], true);
            assert_eq!(played(run), left(&shop, date), "{date} in a play of {number} months");
            let adopted = &shop.plan_json(date)["offer_exposure"];
            assert_eq!(&run["offer_exposure"], adopted, "{date}");
        }
    }
    let found = months("2", &["--set", "rank.AA+.at_least.spend=80000", "--set", "campaign.win_back.ranks=A"]);
    let (today, changed) = (played(&found["today"][1]), played(&found["changed"][1]));
    assert_eq!(today, left(&shop, "2026-12-01"), "today's rules are played beside");
    assert!(changed[0]["AA+"] < today[0]["AA+"] && changed[0]["AA"] > today[0]["AA"], "{changed:?} {today:?}");
    assert!(changed[2]["win_back"] < today[2]["win_back"], "{changed:?} {today:?}");
    assert_eq!(shop.traces(), before, "what-if writes nothing");
}

#[test]
fn it_plays_a_shop_that_never_ran_and_draws_where_it_is_told() {
    let shop = shop();
    let picture = shop.path("picture.html");
    let out = picture.display().to_string();
    let call = shop.call("whatif", &["--as-of", "2026-12-09", "--months", "2", "--set", "ranks.down=one step", "--out", &out]);
    let printed = call.any_output().run().out;
    assert!(printed.contains("2026-11-01") && printed.contains("2026-12-01") && printed.contains("ranks.down=one step"), "{printed}");
    assert!(!shop.runs().exists(), "no plan, no ledger");
    let html = fs::read_to_string(picture).unwrap();
    assert!(html.contains("<polyline class=\"today\"") && html.contains("VIP"), "{html}");
}

#[test]
fn what_cannot_be_set_is_told_as_a_job_file_is() {
    let shop = shop();
    let refused = |setting: &str, words: &str| {
        shop.call("whatif", &["--as-of", "2026-12-01", "--set", setting]).code(2).complains(words).run();
    };
    refused("rank.AAAA.at_least.spend=1", "there is none named `AAAA`: did you mean \"AAA\"?");
    refused("rank.AA.at_least.spendd=1", "did you mean `spend`?");
    refused("rank.AA.at_least.spend=much", "`spend`");
    refused("rank.AA.at_least.spend=900000", "fall");
    refused("campaign.birthday", "write --set PATH=VALUE");
    assert!(!shop.runs().exists());
}
