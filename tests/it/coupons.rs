//! Coupon codes over several runs: issued, redeemed, used as they should not be.

use crate::small_shop::{SHOP, finish};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use rankmail::runs;
use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const HEAD: &str = r#"
time_zone = "Asia/Tokyo"
currency = "JPY"
language = "en"
runs = "runs"
"#;

const RULES: &str = r#"
[purchases]
path = "purchases.parquet"
columns = { customer = "customer", order = "order", at = "at", amount = "amount", coupon = "coupon" }
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[[rank]]
name = "AA"
at_least = { spend_ever = 10_000 }
[mail]
from = "hello@tsubaki.example"
unsubscribe = "https://tsubaki.example/u/{token}"
[brakes]
audience = "off"
stale = "off"
history = "off"
"#;

const LETTER: &str =
    "<p>{{ offer.code }}</p><p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>out</a></p>\n";

/// Customer, order, day, amount, code.
type Line = (String, String, &'static str, i64, String);

pub struct Shop {
    folder: TempDir,
    lines: Vec<Line>,
}

impl Shop {
    /// Customers `c0`, `c1`, …; the higher ones spend more, and those from `c5` on are AA.
    pub fn new(count: i64) -> Self {
        let mut shop = Self { folder: tempfile::tempdir().unwrap(), lines: Vec::new() };
        let mut customers = "id,email,name,consent\n".to_owned();
        for number in 0..count {
            customers += &format!("c{number},c{number}@b.example,Ann,true\n");
            shop.lines.push((format!("c{number}"), format!("first{number}"), "2026-01-10", 2_000 * (number + 1) - 1, String::new()));
        }
        shop.put("customers.csv", &customers);
        shop.write_purchases();
        shop
    }

    pub fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a job and the templates of its campaign, which has its name.
    pub fn job(&self, name: &str, offer: &str) {
        self.put(&format!("templates/{name}/subject.txt"), "Hello\n");
        self.put(&format!("templates/{name}/body.html"), LETTER);
        let campaign = format!("[[campaign]]\nname = \"{name}\"\nranks = \"A and up\"\nonce = \"every run\"\noffer = {offer}\n");
        self.put(&format!("{name}.toml"), format!("name = \"{name}\"\n{HEAD}{SHOP}{RULES}{campaign}"));
    }

    pub fn order(&mut self, customer: &str, id: &str, day: &'static str, amount: i64, code: &str) {
        self.lines.push((customer.to_owned(), id.to_owned(), day, amount, code.to_owned()));
        self.write_purchases();
    }

    fn write_purchases(&self) {
        let texts = |pick: fn(&Line) -> &str| {
            Arc::new(self.lines.iter().map(|line| Some(pick(line)).filter(|text| !text.is_empty())).collect::<StringArray>()) as ArrayRef
        };
        let at = |line: &Line| i64::from(Date32Type::from_naive_date(line.2.parse::<NaiveDate>().unwrap())) * 86_400_000_000;
        let at = TimestampMicrosecondArray::from_iter_values(self.lines.iter().map(at)).with_timezone("UTC");
        let batch = RecordBatch::try_from_iter([
            ("customer", texts(|line| &line.0)),
            ("order", texts(|line| &line.1)),
            ("at", Arc::new(at) as ArrayRef),
            ("amount", Arc::new(Int64Array::from_iter_values(self.lines.iter().map(|line| line.3))) as ArrayRef),
            ("coupon", texts(|line| &line.4)),
        ])
        .unwrap();
        let mut writer = ArrowWriter::try_new(File::create(self.path("purchases.parquet")).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    pub fn call(&self, job: &str, arguments: &[&str], code: i32) -> String {
        let (verb, rest) = arguments.split_first().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
        command.arg(verb).arg(self.path(&format!("{job}.toml"))).args(rest).current_dir(self.folder.path());
        finish(&mut command, code)
    }

    pub fn json(&self, job: &str, arguments: &[&str]) -> Value {
        let printed = self.call(job, &[arguments, &["--json"]].concat(), 0);
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in\n{printed}"))
    }

    /// Customers and their codes in a plan.
    pub fn codes(&self, job: &str, as_of: &str) -> Vec<(String, String)> {
        let opened = runs::open(&runs::folder(&self.path("runs"), job, as_of.parse().unwrap())).unwrap();
        opened.mails().unwrap().map(Result::unwrap).filter_map(|mail| Some((mail.customer_id, mail.coupon_code?))).collect()
    }

    fn code_of(&self, job: &str, as_of: &str, customer: &str) -> String {
        self.codes(job, as_of).into_iter().find(|(who, _)| who == customer).unwrap().1
    }
}

const TEN: &str = "{ kind = \"coupon\", percent = { A = 10, AA = 20 }, valid = \"this month\" }";

#[test]
fn codes_of_earlier_runs_are_found_in_the_orders() {
    let mut shop = Shop::new(6);
    shop.job("gift", TEN);
    for as_of in ["2026-02-01", "2026-03-01"] {
        shop.call("gift", &["run", "--as-of", as_of, "-q"], 0);
    }
    let code = |as_of: &str, customer: &str| shop.code_of("gift", as_of, customer);
    let (c0, c1, c5) = (code("2026-02-01", "c0"), code("2026-02-01", "c1"), code("2026-03-01", "c5"));
    assert_ne!(c5, code("2026-02-01", "c5"), "each run has codes of its own");
    shop.order("c0", "good", "2026-02-27", 900, &format!(" {} ", c0.to_lowercase()));
    shop.order("c0", "again", "2026-02-28", 300, &c0);
    shop.order("c3", "theirs", "2026-02-05", 700, &c1);
    shop.order("c1", "late", "2026-03-01", 700, &c1);
    shop.order("c5", "early", "2026-02-20", 800, &c5);
    shop.order("c5", "rich", "2026-03-10", 8_000, &c5);
    let told = shop.json("gift", &["coupons", "--as-of", "2026-03-20", "--list"]);
    let group = |rank: &str, [issued, redeemed, expired, open]: [u64; 4], revenue: i64, cost: i64| {
        serde_json::json!({"campaign": "gift", "rank": rank, "issued": issued, "redeemed": redeemed, "expired": expired, "open": open,
            "revenue": revenue, "cost": cost})
    };
    assert_eq!(told["groups"], serde_json::json!([group("A", [10, 1, 4, 5], 900, 100), group("AA", [2, 1, 1, 0], 8_000, 2_000)]));
    assert_eq!((&told["total"]["issued"], &told["total"]["revenue"]), (&12.into(), &8_900.into()));
    let odd: Vec<_> =
        told["irregular"].as_array().unwrap().iter().map(|odd| format!("{} {} {}", odd["order"], odd["why"], odd["issued_to"])).collect();
    let wanted = [
        "\"theirs\" \"somebody_else\" \"c1\"",
        "\"early\" \"before_its_start\" \"c5\"",
        "\"again\" \"used_twice\" \"c0\"",
        "\"late\" \"after_its_end\" \"c1\"",
    ];
    let mut sorted = (odd.clone(), wanted.to_vec());
    sorted.0.sort();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    let redeemed: Vec<_> = told["redemptions"].as_array().unwrap().iter().map(|used| (&used["order"], &used["date"])).collect();
    assert_eq!(redeemed, [(&"good".into(), &"2026-02-27".into()), (&"rich".into(), &"2026-03-10".into())]);

    let page = shop.call("gift", &["coupons", "--as-of", "2026-03-20"], 0);
    for shown in ["8,900円", "used again", "it is c1's", "after its end on 2026-02-28", "before its start on 2026-03-01", "order late"] {
        assert!(page.contains(shown), "{shown} in\n{page}");
    }
    // What comes later is not known yet.
    let earlier = shop.json("gift", &["coupons", "--as-of", "2026-02-10"]);
    assert_eq!((&earlier["total"]["issued"], &earlier["total"]["redeemed"]), (&6.into(), &0.into()));
    assert_eq!(earlier["irregular"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_expected_is_told_by_codes_that_are_over() {
    for (valid, told) in [(", valid = \"this month\"", true), ("", false)] {
        let mut shop = Shop::new(6);
        shop.job("gift", &format!("{{ kind = \"coupon\", percent = 10{valid} }}"));
        shop.call("gift", &["run", "--as-of", "2026-02-01", "-q"], 0);
        let code = shop.code_of("gift", "2026-02-01", "c0");
        shop.order("c0", "used", "2026-02-10", 900, &code);
        let plan = shop.json("gift", &["plan", "--as-of", "2026-03-01"]);
        let expected = &plan["campaigns"][0]["exposure"]["expected"];
        assert_eq!(expected.is_null(), !told, "a code without an end may still be used: {expected}");
    }
}

/// The ends of the interval at 95 %: the shares p with (share − p)² = z² p (1 − p) / issued.
fn interval(redeemed: f64, issued: f64) -> [f64; 2] {
    let (share, spread) = (redeemed / issued, 1.959_964_f64.powi(2) / issued);
    let (half, root) = (share + spread / 2.0, (spread * (share - share * share) + spread * spread / 4.0).sqrt());
    [-1.0, 1.0].map(|sign| (half + sign * root) / (1.0 + spread))
}

/// The date of a run, and who uses a code of it on which day and pays how much.
type Month = (&'static str, &'static str, &'static [(&'static str, i64)]);

#[test]
fn what_is_expected_follows_the_redemptions_of_all_earlier_runs() {
    let mut shop = Shop::new(6);
    shop.job("gift", "{ kind = \"coupon\", percent = 10, valid = \"this month\" }");
    // The third month's buyer pays nothing, the fourth's brings all back.
    let months: [Month; 4] = [
        ("2026-02-01", "2026-02-10", &[("c0", 900), ("c1", 1_800)]),
        ("2026-03-01", "2026-03-31", &[]),
        ("2026-04-01", "2026-04-05", &[("c5", 0)]),
        ("2026-05-01", "2026-05-09", &[("c2", 700), ("c2", -700)]),
    ];
    let redeemed = [0.0, 2.0, 2.0, 3.0, 3.0];
    let plans = months.iter().map(|month| month.0).chain(["2026-06-01"]);
    for (number, as_of) in plans.enumerate() {
        let plan = shop.json("gift", &["plan", "--as-of", as_of]);
        let exposure = &plan["campaigns"][0]["exposure"];
        let face = exposure["face"].as_f64().unwrap();
        assert!(face > 1_000.0, "{exposure}");
        if number == 0 {
            assert!(exposure["expected"].is_null(), "no history yet");
        } else {
            let issued = 6.0 * f64::from(u32::try_from(number).unwrap());
            let [low, high] = interval(redeemed[number], issued);
            for (key, share) in [("expected_low", low), ("expected", redeemed[number] / issued), ("expected_high", high)] {
                let told = exposure[key].as_f64().unwrap();
                assert!((told - face * share).abs() <= 0.5 + 1e-6, "{as_of} {key}: {told} is not {share} of {face}");
            }
        }
        let Some((_, day, used)) = months.get(number) else { break };
        shop.call("gift", &["run", "--as-of", as_of, "-q"], 0);
        for (customer, paid) in *used {
            let code = shop.code_of("gift", as_of, customer);
            shop.order(customer, &format!("{as_of} {customer}"), day, *paid, &code);
        }
    }
    let told = shop.json("gift", &["coupons", "--as-of", "2026-06-01"]);
    assert_eq!((&told["total"]["issued"], &told["total"]["redeemed"], &told["total"]["revenue"]), (&24.into(), &3.into(), &2_700.into()));
}

#[test]
fn a_plan_that_nobody_sent_has_issued_nothing() {
    let shop = Shop::new(2);
    shop.job("gift", TEN);
    shop.call("gift", &["plan", "--as-of", "2026-02-01", "-q"], 0);
    assert!(shop.call("gift", &["coupons", "--as-of", "2026-03-20"], 0).contains("No run has issued a code yet"));
    shop.call("gift", &["run", "--as-of", "2026-04-01", "-q"], 0);
    let early = shop.call("gift", &["coupons", "--as-of", "2026-03-20"], 0);
    assert!(early.contains("that of 2026-04-01 has: see it with --as-of 2026-04-01"), "{early}");
    let issued_later = |as_of: &str| {
        let told = shop.call("gift", &["coupons", "--as-of", as_of, "--json"], 0);
        serde_json::from_str::<Value>(&told).unwrap()["issued_later"].clone()
    };
    assert_eq!((issued_later("2026-03-20").as_str(), issued_later("2026-05-01").as_str()), (Some("2026-04-01"), None));
    assert!(!shop.call("gift", &["coupons", "--as-of", "2026-04-01"], 0).contains("--as-of"));
    let unmapped = fs::read_to_string(shop.path("gift.toml")).unwrap().replace(", coupon = \"coupon\"", "");
    shop.put("gift.toml", unmapped);
    assert!(shop.call("gift", &["coupons"], 2).contains("coupon = \"coupon_code\""));
}

#[test]
fn codes_that_rankmail_made_are_written_for_the_cart_before_they_are_sent() {
    let shop = Shop::new(6);
    shop.job("gift", "{ kind = \"coupon\", amount = { A = 500, AA = 1_000 }, over = 3_000, on = { category = [\"tea\", \"=beef\"] }, valid = \"this month\" }");
    let text = fs::read_to_string(shop.path("gift.toml")).unwrap();
    let plan = |demanded: bool, as_of: &str| {
        shop.put("gift.toml", if demanded { format!("{text}[coupons]\nregister = true\n") } else { text.clone() });
        shop.json("gift", &["plan", "--as-of", as_of])
    };
    let free = plan(false, "2026-02-01");
    let bound = plan(true, "2026-02-01");
    assert_eq!(free["digest"], bound["digest"], "what the cart knows decides no mail");
    assert_eq!(free["brakes"], serde_json::json!([]));
    assert_eq!(bound["brakes"][0]["brake"], "codes");
    for verb in ["run", "send"] {
        assert!(shop.call("gift", &[verb, "--as-of", "2026-02-01"], 6).contains("--for-cart FILE"));
    }
    let file = shop.path("cart.csv");
    let written = shop.json("gift", &["coupons", "--for-cart", file.to_str().unwrap()]);
    assert_eq!((&written["codes"], &written["as_of"]), (&6.into(), &"2026-02-01".into()));
    let sheet = fs::read_to_string(&file).unwrap();
    let mut rows = sheet.strip_prefix('\u{feff}').unwrap().lines();
    assert_eq!(
        rows.next().unwrap(),
        "code,campaign,customer_id,rank,kind,percent,amount,over,categories,products,valid_from,valid_until,uses"
    );
    let expected: Vec<String> = shop
        .codes("gift", "2026-02-01")
        .into_iter()
        .map(|(customer, code)| {
            let (rank, amount) = if customer == "c5" { ("AA", 1_000) } else { ("A", 500) };
            format!("{code},gift,{customer},{rank},coupon,,{amount},3000,tea|=beef,,2026-02-01,2026-02-28,1")
        })
        .collect();
    assert_eq!(rows.collect::<Vec<_>>(), expected);

    // The same plan made again is registered; another one is not.
    assert_eq!(plan(true, "2026-02-01")["brakes"], serde_json::json!([]));
    shop.call("gift", &["run", "--as-of", "2026-02-01", "-q"], 0);
    shop.call("gift", &["run", "--as-of", "2026-03-01", "-q"], 6);
    shop.call("gift", &["run", "--as-of", "2026-03-01", "-q", "--accept", "codes"], 0);
    assert_eq!(shop.json("gift", &["coupons", "--as-of", "2026-03-02"])["total"]["issued"], 12);
}

#[test]
fn only_codes_that_rankmail_made_need_the_cart() {
    let shop = Shop::new(2);
    shop.job("gift", "{ kind = \"coupon\", percent = 10, code = \"WINTER15\" }");
    let text = fs::read_to_string(shop.path("gift.toml")).unwrap();
    shop.put("gift.toml", format!("{text}[coupons]\nregister = true\n"));
    shop.call("gift", &["coupons", "--for-cart", "cart.csv"], 2);
    shop.call("gift", &["run", "--as-of", "2026-02-01", "-q"], 0);
    assert_eq!(shop.json("gift", &["coupons", "--for-cart", "cart.csv"])["codes"], 0);
    assert!(shop.call("gift", &["coupons", "--for-cart", "no/such/folder.csv"], 4).contains("folder.csv"));
}

fn pool(from: &str) -> String {
    format!("{{ kind = \"coupon\", percent = 10, code = {{ from = \"{from}\" }}, valid = \"this month\" }}")
}

/// However its path is written.
#[test]
fn one_file_of_codes_is_one_pool() {
    let shop = Shop::new(1);
    shop.put("codes.csv", "code\nP1\nP2\n");
    shop.job("second", &pool("codes.csv"));
    shop.job("gift", &pool("codes.csv"));
    let text = fs::read_to_string(shop.path("gift.toml")).unwrap();
    let with = |second: &str| {
        let campaign = format!("[[campaign]]\nname = \"second\"\nranks = \"A and up\"\ndiscounts = \"stack\"\noffer = {second}\n");
        shop.put("gift.toml", format!("{text}{campaign}"));
    };
    with(&pool(".//codes.csv"));
    shop.call("gift", &["check"], 0);
    with(&pool("./codes.csv").replace("10", "15"));
    assert!(shop.call("gift", &["check"], 2).contains("the codes of \"codes.csv\" are another discount in the campaign `gift`"));
}

#[test]
fn codes_of_a_pool_are_given_in_its_order_and_never_again() {
    let shop = Shop::new(3);
    shop.job("gift", &pool("codes.csv"));
    shop.job("other", &pool("codes.csv"));
    shop.put("codes.csv", "code\nP1\nP2\nP3\nP4\nP5\nP6\nP7\nP8\nP9\nP10\nP11\n");
    let codes = |job: &str, as_of: &str| shop.codes(job, as_of).into_iter().map(|(who, code)| format!("{who} {code}")).collect::<Vec<_>>();
    let run = |job: &str, as_of: &str, code: i32| shop.call(job, &["run", "--as-of", as_of, "-q"], code);
    // A plan that nobody sends issues nothing.
    shop.call("other", &["plan", "--as-of", "2026-02-01", "-q"], 0);
    run("gift", "2026-02-01", 0);
    assert_eq!(codes("gift", "2026-02-01"), ["c0 P3", "c1 P2", "c2 P1"], "the best customer comes first");
    assert!(shop.call("other", &["send", "--as-of", "2026-02-01"], 4).contains("went out with `gift` of 2026-02-01"));
    run("other", "2026-02-02", 0);
    assert_eq!(codes("other", "2026-02-02"), ["c0 P6", "c1 P5", "c2 P4"]);
    // Codes that went out may stay in the file or leave it.
    shop.put("codes.csv", "p2\nP9\nP4\nP10\nP11\n");
    run("gift", "2026-03-01", 0);
    assert_eq!(codes("gift", "2026-03-01"), ["c0 P11", "c1 P10", "c2 P9"]);
    // The same run again is the same plan.
    let before = shop.json("gift", &["coupons", "--as-of", "2026-03-02"]);
    run("gift", "2026-03-01", 0);
    assert_eq!(shop.json("gift", &["coupons", "--as-of", "2026-03-02"]), before);
    assert!(run("other", "2026-03-02", 6).contains("too-few-codes"));
}

#[test]
fn too_few_codes_stop_a_run_and_go_to_the_best() {
    let shop = Shop::new(4);
    shop.job("gift", &pool("codes/gift.csv"));
    shop.put("codes/gift.csv", "P1\nP2\n");
    let plan = shop.json("gift", &["plan", "--as-of", "2026-02-01"]);
    assert_eq!(plan["brakes"][0]["brake"], "too-few-codes");
    assert_eq!(plan["brakes"][0]["seen"], "gift has 2 codes left and 2 customers too many");
    assert_eq!(plan["pools"], serde_json::json!([{"campaign": "gift", "free": 2, "given": 2, "missing": 2}]));
    assert_eq!(plan["campaigns"][0]["skipped"], serde_json::json!({"over_budget": 2}));
    shop.call("gift", &["run", "--as-of", "2026-02-01"], 6);
    assert!(shop.call("gift", &["explain", "--as-of", "2026-02-01", "--customer", "c0", "--json"], 0).contains("over_budget"));
    shop.call("gift", &["run", "--as-of", "2026-02-01", "-q", "--accept", "too-few-codes"], 0);
    assert_eq!(shop.codes("gift", "2026-02-01"), [("c2".to_owned(), "P2".to_owned()), ("c3".to_owned(), "P1".to_owned())]);
    shop.put("codes/gift.csv", "P1\nP2\nP3\nP4\nP5\nP6\n");
    shop.call("gift", &["run", "--as-of", "2026-03-01", "-q"], 0);
}

#[test]
fn a_pool_that_cannot_be_used_plans_nothing() {
    let shop = Shop::new(2);
    shop.job("gift", &pool("codes.csv"));
    for (text, told) in [
        (Some("P1\nP2\np1\n"), "`codes.csv` line 1 and again in `codes.csv` line 3"),
        (Some("P1\n\"\"\n"), "line 2 has no code"),
        (None, "look at `from` in `code` of the offer"),
    ] {
        match text {
            Some(text) => shop.put("codes.csv", text),
            None => fs::remove_file(shop.path("codes.csv")).unwrap(),
        }
        for verb in ["check", "plan"] {
            let printed = shop.call("gift", &[verb, "--as-of", "2026-02-01"], 3);
            assert!(printed.contains(told), "{printed}");
        }
        assert!(!shop.path("runs/gift/2026-02-01").exists());
    }
}

#[test]
fn a_customer_who_was_merged_keeps_the_code() {
    let mut shop = Shop::new(2);
    shop.job("gift", TEN);
    shop.call("gift", &["run", "--as-of", "2026-02-01", "-q"], 0);
    let code = shop.code_of("gift", "2026-02-01", "c0");
    shop.order("c1", "theirs", "2026-02-05", 900, &code);
    assert_eq!(shop.json("gift", &["coupons", "--as-of", "2026-02-10"])["irregular"][0]["why"], "somebody_else");
    let text = fs::read_to_string(shop.path("gift.toml")).unwrap();
    shop.put("gift.toml", text.replace("path = \"customers.csv\"", "path = \"customers.csv\"\nmerged = \"merges.csv\""));
    shop.put("merges.csv", "old,new\nc0,c1\n");
    let told = shop.json("gift", &["coupons", "--as-of", "2026-02-10"]);
    assert_eq!((&told["total"]["redeemed"], &told["irregular"]), (&1.into(), &serde_json::json!([])));
}
