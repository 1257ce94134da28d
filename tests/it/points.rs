//! Points and cashback in a shop of a few customers: what only several runs, one after the other, can show.

use crate::program::{Call, rankmail};
use crate::shop;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// Customer, order, local day at noon, yen, points used.
type Line = (&'static str, &'static str, &'static str, i64, i64);

/// `a` earns 1 % as an A and 5 % as a B; `b` uses what is not there.
const LINES: [Line; 6] = [
    ("a", "1", "2026-01-10", 1_000, 0),
    ("a", "2", "2026-02-10", 20_000, 4),
    ("a", "3", "2026-03-10", 2_000, 0),
    ("b", "4", "2026-02-20", 3_000, 50),
    ("b", "5", "2026-03-20", 3_000, 10),
    ("c", "6", "2026-03-05", 900, 0),
];

const RULES: &str = "[points]\nrate = { none = '1%', A = '1%', B = '5%' }\nexpire = '3 months after earning'\n";

struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    /// `rules` are tables of the job, `when` is the condition of its campaign.
    fn new(rules: &str, when: &str) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        shop.put("customers.csv", "id,email,consent,points,soon,until\na,a@shop.example,true,70,20,2026-04-02\nb,b@shop.example,true,,,\nc,c@shop.example,true,many,,\n");
        shop.put("templates/points/subject.txt", "{% if points %}{{ points.balance }} / {{ points.expiring or 0 }}{% endif %}{% if cashback %} +{{ cashback.points or cashback.amount }}{% endif %}.\n");
        let legal = "{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>out</a>";
        shop.put("templates/points/body.html", &format!("<p>{legal}</p>\n"));
        shop.purchases(&LINES);
        shop.job(rules, when, "");
        shop
    }

    fn job(&self, rules: &str, when: &str, columns: &str) {
        self.put(
            "job.toml",
            &format!(
                "name = 'small'\ntime_zone = 'Asia/Tokyo'\ncurrency = 'JPY'\nlanguage = 'en'\n\
                 [shop]\nname = 'Tea'\naddress = 'Kyoto'\ncontact = 'hi@tea.example'\nurl = 'https://tea.example'\n\
                 [purchases]\npath = 'purchases.parquet'\n[purchases.columns]\ncustomer = 'customer'\norder = 'order'\nat = 'at'\namount = 'amount'\npoints_used = 'points'\n\
                 [customers]\npath = 'customers.csv'\n[customers.columns]\ncustomer = 'id'\nemail = 'email'\nconsent = 'consent'\n{columns}\n\
                 [[rank]]\nname = 'A'\nat_least = {{ orders_ever = 1 }}\n[[rank]]\nname = 'B'\nat_least = {{ orders_ever = 1, spend = 20_000 }}\n\
                 {rules}\n[[campaign]]\nname = 'points'\nranks = 'A and up'\n{when}\n\
                 [mail]\nfrom = 'hi@tea.example'\nunsubscribe = 'https://tea.example/u/{{token}}'\n\
                 [brakes]\naudience = 'off'\nstale = 'off'\nnames = 'off'\nhistory = 'off'\n"
            ),
        );
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn purchases(&self, lines: &[Line]) {
        self.purchases_with_code(lines, "", "");
    }

    /// One order used a coupon code.
    fn purchases_with_code(&self, lines: &[Line], order: &str, code: &str) {
        let text =
            |pick: fn(&Line) -> &'static str| Arc::new(lines.iter().map(|line| Some(pick(line))).collect::<StringArray>()) as ArrayRef;
        let whole = |pick: fn(&Line) -> i64| Arc::new(lines.iter().map(|line| Some(pick(line))).collect::<Int64Array>()) as ArrayRef;
        let noon = |line: &Line| line.2.parse::<chrono::NaiveDate>().unwrap().and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp_micros();
        let at: TimestampMicrosecondArray = lines.iter().map(|line| Some(noon(line))).collect();
        let columns = [
            ("customer", text(|line| line.0)),
            ("order", text(|line| line.1)),
            ("at", Arc::new(at) as ArrayRef),
            ("amount", whole(|line| line.3)),
            ("points", whole(|line| line.4)),
            ("coupon", Arc::new(lines.iter().map(|line| (line.1 == order).then_some(code)).collect::<StringArray>()) as ArrayRef),
        ];
        shop::write(&self.path("purchases.parquet"), &RecordBatch::try_from_iter(columns).unwrap());
    }

    fn call(&self, command: &str, more: &[&str]) -> Call {
        let job = self.path("job.toml").to_string_lossy().into_owned();
        let mut arguments = vec![command, &job];
        arguments.extend(more);
        rankmail(&arguments)
    }

    fn run(&self, date: &str) {
        self.call("run", &["--as-of", date, "-q"]).run();
    }

    /// Some columns of `customers.parquet`, by customer.
    fn customers(&self, date: &str, columns: &[&str]) -> BTreeMap<String, Vec<String>> {
        let rows = shop::rows(&self.path("runs/small").join(date).join("customers.parquet"));
        rows.into_iter().map(|row| (row["customer_id"].clone(), columns.iter().map(|column| row[*column].clone()).collect())).collect()
    }

    fn subjects(&self, date: &str) -> Vec<(String, String)> {
        let rows = shop::rows(&self.path("runs/small").join(date).join("mails.parquet"));
        rows.into_iter().map(|row| (row["customer_id"].clone(), row["subject"].clone())).collect()
    }

    fn warnings(&self, date: &str) -> String {
        let plan = fs::read(self.path("runs/small").join(date).join("plan.json")).unwrap();
        let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
        plan["warnings"].to_string()
    }
}

const BALANCE: [&str; 4] = ["points_balance", "points_expiring", "points_expire_on", "points_overdrawn"];

#[test]
fn an_order_earns_by_the_rank_held_on_its_day_and_mails_tell_what_expires() {
    let shop = Shop::new(RULES, "when = { points_expire_within = '30 days' }");
    shop.run("2026-02-01");
    // The first run made `a` an A, and orders before it have earned as one.
    assert_eq!(shop.customers("2026-02-01", &BALANCE)["a"], ["10", "10", "2026-04-10", ""]);
    shop.run("2026-03-01");
    // In February `a` was an A still: 4 were used of the 10 before 200 were earned.
    assert_eq!(shop.customers("2026-03-01", &BALANCE)["a"], ["206", "6", "2026-04-10", ""]);
    assert_eq!(shop.customers("2026-03-01", &BALANCE)["b"], ["30", "30", "2026-05-20", "50"]);
    assert!(
        shop.warnings("2026-03-01").contains("more points than there were: 1 (50 points in all; the first: b)"),
        "{}",
        shop.warnings("2026-03-01")
    );
    shop.run("2026-04-01");
    // March's order came while `a` was a B, and `c` is new.
    let april = shop.customers("2026-04-01", &BALANCE);
    assert_eq!(april["a"], ["306", "6", "2026-04-10", ""]);
    assert_eq!((&april["b"][0], &april["c"][0]), (&"50".to_owned(), &"9".to_owned()));
    assert_eq!(shop.subjects("2026-04-01"), [("a".to_owned(), "306 / 6.".to_owned())]);
    // The same day is told once; the next day that is near is told again.
    shop.run("2026-04-03");
    assert!(shop.subjects("2026-04-03").is_empty());
    shop.run("2026-04-20");
    assert_eq!(shop.customers("2026-04-20", &BALANCE)["a"], ["300", "200", "2026-05-10", ""]);
    assert_eq!(shop.subjects("2026-04-20"), [("a".to_owned(), "300 / 200.".to_owned()), ("b".to_owned(), "50 / 20.".to_owned())]);

    let explained = shop.call("explain", &["--as-of", "2026-04-20", "--customer", "a", "--json"]).any_output().run().json();
    let points = &explained["points"];
    let sums = ["earned", "used", "expired", "balance"].map(|name| points[name].as_i64().unwrap());
    assert_eq!(sums, [310, 4, 6, 300]);
    assert_eq!(points["lots"][1], serde_json::json!({"earned_on": "2026-03-10", "points": 100, "last_day": "2026-06-10"}));
    let told = shop.call("explain", &["--as-of", "2026-04-20", "--customer", "b"]).any_output().run().out;
    assert!(told.contains("2026-02-20") && told.contains("50 used, 0 were there"), "{told}");
}

#[test]
fn an_order_that_was_taken_back_has_earned_nothing() {
    let shop = Shop::new("[points]\nrate = '1%'\n", "");
    shop.run("2026-03-01");
    assert_eq!(shop.customers("2026-03-01", &BALANCE)["a"], ["206", "0", "", ""]);
    let mut lines = LINES.to_vec();
    lines.push(("a", "2", "2026-03-02", -20_000, -4));
    shop.purchases(&lines);
    shop.run("2026-04-01");
    assert_eq!(shop.customers("2026-04-01", &BALANCE)["a"], ["30", "0", "", ""], "and what it used is back");
}

#[test]
fn an_order_earns_the_extra_points_that_a_mail_promised_and_once() {
    let offer = "offer = { kind = 'points', times = 3, over = 2_000, valid = '31 days' }";
    let shop = Shop::new(&RULES.replace("3 months", "9 months"), offer);
    let mut lines = LINES.to_vec();
    lines.push(("a", "2b", "2026-02-20", 5_000, 0));
    shop.purchases(&lines);
    shop.run("2026-02-01");
    assert_eq!(shop.customers("2026-02-01", &BALANCE)["a"][0], "10", "order 1 came before the mail");
    shop.run("2026-03-01");
    // The first order that fits has three times its points, the next of the same month its own.
    assert_eq!(shop.customers("2026-03-01", &BALANCE)["a"][0], (10 - 4 + 3 * 200 + 50).to_string());
    assert_eq!(shop.customers("2026-03-01", &BALANCE)["b"][0], "30", "nobody had written to b");
    shop.run("2026-04-01");
    let april = shop.customers("2026-04-01", &BALANCE);
    assert_eq!(april["a"][0], (656 + 3 * 100).to_string(), "as the B that a was in March");
    assert_eq!((april["b"][0].as_str(), april["c"][0].as_str()), ("110", "9"));
    let explained = shop.call("explain", &["--as-of", "2026-04-01", "--customer", "a", "--json"]).any_output().run().json();
    let kept = |order: &str, on: &str, points: i64| serde_json::json!({"order": order, "on": on, "campaign": "points", "points": points});
    assert_eq!(explained["points"]["promised"], serde_json::json!([kept("2", "2026-02-10", 400), kept("3", "2026-03-10", 200)]));
    assert_eq!(explained["points"]["earned"], 10 + 600 + 50 + 300);
    let told = shop.call("explain", &["--as-of", "2026-04-01", "--customer", "a"]).any_output().run().out;
    assert!(told.contains("+ 2026-02-10  2  400 more, as points promised"), "{told}");
    // What was promised stays promised when the job no longer promises it; an altered plan stops the run.
    shop.job(RULES, "", "");
    shop.run("2026-04-15");
    assert_eq!(
        shop.call("explain", &["--as-of", "2026-04-15", "--customer", "a", "--json"]).any_output().run().json()["points"]["promised"][0]["points"],
        400
    );
    fs::write(shop.path("runs/small/2026-02-01/values.parquet"), "").unwrap();
    shop.call("plan", &["--as-of", "2026-05-01"]).code(4).complains("values.parquet").run();
}

#[test]
fn a_mail_that_was_called_off_promises_nothing() {
    let offer = "offer = { kind = 'points', times = 3, over = 2_000, valid = '31 days' }";
    let shop = Shop::new(&RULES.replace("3 months", "9 months"), offer);
    shop.call("run", &["--as-of", "2026-02-01", "--limit", "0"]).any_output().run();
    shop.call("cancel", &["--as-of", "2026-02-01"]).any_output().run();
    shop.run("2026-03-01");
    assert_eq!(shop.customers("2026-03-01", &BALANCE)["a"][0], (10 - 4 + 200).to_string());
}

#[test]
fn a_refund_with_an_id_of_its_own_gives_back_the_points_that_were_used() {
    let shop = Shop::new(RULES, "");
    shop.run("2026-02-01");
    let mut lines = LINES.to_vec();
    lines.push(("a", "return-2", "2026-03-02", -20_000, -4));
    lines.push(("b", "return-4", "2026-03-02", -3_000, -50));
    shop.purchases(&lines);
    shop.run("2026-03-05");
    assert_eq!(shop.customers("2026-03-05", &BALANCE)["a"], ["210", "10", "2026-04-10", ""], "with the last day that they had");
    assert_eq!(shop.customers("2026-03-05", &BALANCE)["b"], ["30", "30", "2026-05-20", "50"], "none of the 50 had been there");
    let explained = shop.call("explain", &["--as-of", "2026-03-05", "--customer", "a", "--json"]).any_output().run().json();
    assert_eq!((&explained["points"]["used"], &explained["points"]["earned"]), (&0.into(), &210.into()));
}

#[test]
fn points_that_the_cart_owns_win() {
    let shop = Shop::new("", "");
    let columns = "points_balance = 'points'\npoints_expiring = 'soon'\npoints_expire_on = 'until'";
    shop.job(RULES, "when = { points_expire_within = '40 days', points = '50..' }", columns);
    shop.run("2026-03-01");
    let told = shop.customers("2026-03-01", &BALANCE);
    assert_eq!(told["a"], ["70", "20", "2026-04-02", ""]);
    assert_eq!((&told["b"], &told["c"]), (&vec![String::new(); 4], &vec![String::new(); 4]));
    assert_eq!(shop.subjects("2026-03-01"), [("a".to_owned(), "70 / 20.".to_owned())]);
    let warnings = shop.warnings("2026-03-01");
    assert!(warnings.contains("[points] is not computed") && warnings.contains("no number of points"), "{warnings}");
}

#[test]
fn what_the_cart_says_of_points_and_makes_no_sense_is_listed_and_not_mailed() {
    let shop = Shop::new("", "");
    shop.job(RULES, "when = { points = '1..' }", "points_balance = 'points'\npoints_expiring = 'soon'\npoints_expire_on = 'until'");
    shop.put(
        "customers.csv",
        "id,email,consent,points,soon,until\na,a@shop.example,true,70,71,2026-04-02\nb,b@shop.example,true,70,20,2026-02-28\nc,c@shop.example,true,70,70,2026-03-01\n",
    );
    shop.run("2026-03-01");
    let told = shop.customers("2026-03-01", &BALANCE);
    assert_eq!((&told["a"][..3], &told["b"][..3]), (&["70", "0", ""].map(str::to_owned)[..], &["70", "0", ""].map(str::to_owned)[..]));
    assert_eq!(told["c"], ["70", "70", "2026-03-01", ""], "the last day counts");
    let subjects: Vec<String> = shop.subjects("2026-03-01").into_iter().map(|(_, subject)| subject).collect();
    assert_eq!(subjects, ["70 / 0.", "70 / 0."]);
    let warnings = shop.warnings("2026-03-01");
    for words in [
        "2 customers of whose points",
        "line 2: points_expiring 71 is more than the balance, 70",
        "line 3: points_expire_on 2026-02-28 is before",
    ] {
        assert!(warnings.contains(words), "{warnings}");
    }
    let explained = shop.call("explain", &["--as-of", "2026-03-01", "--customer", "c"]).any_output().run().out;
    assert!(explained.contains("Points 70") && explained.contains("70 can be used until 2026-03-01"), "{explained}");
}

#[test]
fn a_review_pays_back_once_and_what_it_paid_stays() {
    let rules = "[points]\nrate = '1%'\n[cashback]\nshare = { A = '10%', B = '1%' }\nas = 'points'\nat_least = 100\n[ranks]\nreview = ['03-01', '09-01']\n";
    let shop = Shop::new(rules, "when = { cashback = '1..' }");
    let paid = ["cashback_points", "points_balance"];
    shop.run("2026-02-01");
    assert_eq!(shop.customers("2026-02-01", &paid)["a"], ["", "10"], "the first run has no review");
    // The review of 1 March is paid in April, when the job runs next, and once.
    shop.run("2026-04-01");
    let april = shop.customers("2026-04-01", &paid);
    assert_eq!(
        (&april["a"], &april["b"], &april["c"]),
        (&vec!["230".to_owned(), "456".into()], &vec!["600".to_owned(), "650".into()], &vec![String::new(), "9".into()])
    );
    assert_eq!(shop.subjects("2026-04-01"), [("a".to_owned(), "456 / 0 +230.".to_owned()), ("b".to_owned(), "650 / 0 +600.".to_owned())]);
    shop.run("2026-04-15");
    assert_eq!(shop.customers("2026-04-15", &paid)["a"], ["", "456"]);
    assert!(shop.subjects("2026-04-15").is_empty());
    // What was paid is in the plans of then: a rule that is gone takes nothing back, and a plan that is not as it was stops the run.
    shop.job("[points]\nrate = '1%'\n", "", "");
    shop.run("2026-05-01");
    assert_eq!(shop.customers("2026-05-01", &paid)["a"], ["", "456"]);
    fs::remove_file(shop.path("runs/small/2026-04-01/customers.parquet")).unwrap();
    shop.call("plan", &["--as-of", "2026-06-01"]).code(4).complains("customers.parquet").run();
}

#[test]
fn cashback_as_a_coupon_is_an_amount_of_minor_units() {
    let shop = Shop::new("[cashback]\nshare = '0.5%'\nas = 'coupon'\n", "when = { cashback = '100..' }");
    shop.run("2026-03-01");
    shop.run("2026-04-01");
    assert_eq!(shop.customers("2026-04-01", &["cashback_amount", "cashback_points", "points_balance"])["a"], ["115", "", ""]);
    assert_eq!(shop.subjects("2026-04-01"), [("a".to_owned(), "+115.".to_owned())]);
    let told = shop.call("explain", &["--as-of", "2026-04-01", "--customer", "b", "--json"]).any_output().run().json();
    assert_eq!((&told["campaigns"][0]["found"], &told["points"]), (&"30円".into(), &serde_json::Value::Null));
}

#[test]
fn cashback_as_a_coupon_has_a_code_that_is_redeemed_and_told_of() {
    let offer = "when = { cashback = '1..' }\noffer = { kind = 'coupon', amount = 'cashback', valid = '31 days' }";
    let shop = Shop::new("[cashback]\nshare = '0.5%'\nas = 'coupon'\n", offer);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    shop.put("job.toml", &job.replace("points_used = 'points'", "coupon = 'coupon'"));
    shop.run("2026-03-01");
    shop.run("2026-04-01");
    let mails = shop::rows(&shop.path("runs/small/2026-04-01/mails.parquet"));
    let given: Vec<[&str; 4]> =
        mails.iter().map(|mail| ["customer_id", "offer", "valid_until", "exposure"].map(|name| mail[name].as_str())).collect();
    assert_eq!(given, [["a", "coupon", "2026-05-02", "115"], ["b", "coupon", "2026-05-02", "30"], ["c", "coupon", "2026-05-02", "4"]]);
    let code = mails[0]["coupon_code"].as_str();
    assert!(code.len() == 12 && code != mails[1]["coupon_code"], "{code}");
    let out = shop.path("codes.csv");
    shop.call("coupons", &["--for-cart", out.to_str().unwrap(), "--as-of", "2026-04-01"]).any_output().run();
    let codes = fs::read_to_string(out).unwrap();
    assert!(codes.lines().any(|row| row.contains(code) && row.contains(",115,")), "{codes}");
    shop.run("2026-04-15");
    assert!(shop.subjects("2026-04-15").is_empty(), "once for each review");
    let mut lines = LINES.to_vec();
    lines.push(("a", "9", "2026-04-20", 5_000, 0));
    shop.purchases_with_code(&lines, "9", code);
    let told = shop.call("coupons", &["--as-of", "2026-05-01", "--json"]).any_output().run().json();
    let total = ["issued", "redeemed", "revenue", "cost"].map(|name| told["total"][name].as_i64().unwrap());
    assert_eq!(total, [3, 1, 5_000, 115]);
}

#[test]
fn a_coupon_of_cashback_comes_beside_a_discount() {
    let rules = "[cashback]\nshare = '0.5%'\nas = 'coupon'\n[[campaign]]\nname = 'off'\nranks = 'A and up'\noffer = { kind = 'coupon', percent = 5 }\n";
    let shop = Shop::new(rules, "when = { cashback = '1..' }\noffer = { kind = 'coupon', amount = 'cashback' }");
    for part in ["subject.txt", "body.html"] {
        shop.put(&format!("templates/off/{part}"), &fs::read_to_string(shop.path("templates/points").join(part)).unwrap());
    }
    shop.run("2026-03-01");
    shop.run("2026-04-01");
    let mails = shop::rows(&shop.path("runs/small/2026-04-01/mails.parquet"));
    let of_a: Vec<&str> = mails.iter().filter(|mail| mail["customer_id"] == "a").map(|mail| mail["campaign"].as_str()).collect();
    assert_eq!(of_a, ["off", "points"], "what is paid back is owed");
}

#[test]
fn cashback_that_no_mail_gave_is_owed_until_one_does() {
    let rules = "[cashback]\nshare = '0.5%'\nas = 'coupon'\n[contact]\nmax_per_run = 1\n[[campaign]]\nname = 'first'\nranks = 'A and up'\n";
    let shop = Shop::new(rules, "when = { cashback = '1..' }\noffer = { kind = 'coupon', amount = 'cashback' }");
    for part in ["subject.txt", "body.html"] {
        shop.put(&format!("templates/first/{part}"), &fs::read_to_string(shop.path("templates/points").join(part)).unwrap());
    }
    let told = ["cashback_amount", "cashback_carried"];
    shop.run("2026-03-01");
    shop.run("2026-04-01");
    assert_eq!(shop.customers("2026-04-01", &told)["a"], ["115", ""]);
    let given = |date: &str| {
        let mails = shop::rows(&shop.path("runs/small").join(date).join("mails.parquet"));
        let mut given: Vec<_> = mails
            .iter()
            .filter(|mail| mail["campaign"] == "points")
            .map(|mail| mail["customer_id"].clone() + " " + &mail["exposure"])
            .collect();
        given.sort();
        given
    };
    assert!(given("2026-04-01").is_empty(), "the campaign before it fills what a run may send");
    // The month's letter was sent, so this run has room; it has no review of its own.
    shop.run("2026-04-15");
    assert_eq!(shop.customers("2026-04-15", &told)["a"], ["115", "115"]);
    assert_eq!(given("2026-04-15"), ["a 115", "b 30", "c 4"]);
    let explained = shop.call("explain", &["--as-of", "2026-04-15", "--customer", "a"]).any_output().run().out;
    assert!(explained.contains("115円 paid back, 115円 of it carried over from earlier reviews"), "{explained}");
    // What was given is owed no more, and two reviews whose mails had no room add up.
    shop.run("2026-05-01");
    shop.run("2026-06-01");
    assert_eq!(shop.customers("2026-05-01", &told)["a"], ["115", ""]);
    assert_eq!(shop.customers("2026-06-01", &told)["a"], ["230", "115"]);
    shop.run("2026-06-02");
    assert_eq!(given("2026-06-02"), ["a 230", "b 60", "c 8"]);
    let played = shop.call("whatif", &["--as-of", "2026-06-30", "--months", "4", "--json"]).any_output().run().json();
    let runs = played["today"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["offer_exposure"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 0, 149, 0, 0, 298]);
}
