//! Ladders of real shops, run month by month: ranks given by hand, return periods, rising at reviews only.

use crate::program::{Call, rankmail};
use crate::shop::rows;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

/// A shop of a few orders, given as customer, day and yen; each is an order of its own.
struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    fn new(ranks: &str, columns: &str, list: &str, orders: &[(&str, &str, i64)]) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(shop.folder.path().join("customers.csv"), list).unwrap();
        let micros = |day: &str| day.parse::<NaiveDate>().unwrap().and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp_micros();
        let batch = arrow::array::RecordBatch::try_from_iter([
            (
                "customer",
                Arc::new(orders.iter().map(|order| Some(order.0)).collect::<arrow::array::StringArray>()) as arrow::array::ArrayRef,
            ),
            ("at", Arc::new(orders.iter().map(|order| Some(micros(order.1))).collect::<arrow::array::TimestampMicrosecondArray>())),
            ("amount", Arc::new(orders.iter().map(|order| Some(order.2)).collect::<arrow::array::Int64Array>())),
        ]);
        crate::shop::write(&shop.folder.path().join("purchases.parquet"), &batch.unwrap());
        fs::create_dir(shop.folder.path().join("templates")).unwrap();
        let job = format!(
            "name = 'small'\ntime_zone = 'Asia/Tokyo'\ncurrency = 'JPY'\nlanguage = 'en'\n\
             [shop]\nname = 'Tea'\naddress = 'Kyoto'\ncontact = 'hi@tea.example'\nurl = 'https://tea.example'\n\
             [purchases]\npath = 'purchases.parquet'\ncolumns = {{ customer = 'customer', at = 'at', amount = 'amount' }}\n\
             [customers]\npath = 'customers.csv'\ncolumns = {{ customer = 'id'{columns} }}\n\
             [ranks]\n{ranks}\n\
             [[rank]]\nname = 'Silver'\nat_least = {{ orders_ever = 1 }}\n\
             [[rank]]\nname = 'Gold'\nat_least = {{ orders_ever = 1, spend = 5000 }}\n\
             [[rank]]\nname = 'Star'\nat_least = {{ orders_ever = 1, spend = 9000 }}\n\
             [mail]\nfrom = 'hi@tea.example'\nunsubscribe = 'https://tea.example/u/{{token}}'\n[brakes]\nstale = 'off'\n"
        );
        fs::write(shop.folder.path().join("job.toml"), job).unwrap();
        shop
    }

    fn call(&self, command: &str, more: &[&str]) -> Call {
        let job = self.folder.path().join("job.toml").display().to_string();
        rankmail(&[&[command, job.as_str()], more].concat())
    }

    /// Runs a date and tells of each customer: rank, change, since, keep_by, keep_spend.
    fn run(&self, date: &str) -> BTreeMap<String, String> {
        self.call("run", &["--as-of", date, "-q"]).run();
        let table = rows(&self.folder.path().join("runs/small").join(date).join("customers.parquet"));
        let told = |row: &BTreeMap<String, String>| {
            ["rank", "rank_change", "rank_since", "keep_by", "keep_spend"].map(|column| row[column].clone())
        };
        table.iter().map(|row| (row["customer_id"].clone(), told(row).join(" "))).collect()
    }

    fn explain(&self, date: &str) -> String {
        self.call("explain", &["--customer", "a", "--as-of", date]).any_output().run().out
    }
}

const BY_HAND: &str = ", rank_at_least = 'given', rank_at_least_until = 'until'";

#[test]
fn a_rank_given_by_hand_lasts_to_its_day_and_its_end_is_told() {
    let list = "id,given,until\na,Gold,2026-10-15\nb,Star,\nc,,2020-01-01\nd,Gold,2026-08-31\n";
    let shop = Shop::new("window = '1 month'", BY_HAND, list, &[("a", "2026-08-10", 300), ("c", "2026-08-10", 300)]);
    let told = |date, id: &str| shop.run(date)[id].clone();
    let september = shop.run("2026-09-01");
    assert_eq!(september["a"], "Gold new 2026-09-01  ", "the review of 1 October cannot lower it");
    assert_eq!(september["b"], "Star new 2026-09-01  ", "who never bought may be given a rank, for ever");
    assert_eq!(september["c"], "Silver new 2026-09-01 2026-10-01 ");
    assert_eq!(september["d"], " none   ", "it was over before the closing");
    let explained = shop.explain("2026-09-01");
    assert!(explained.contains("given by hand: Gold at least until 2026-10-15\n"), "{explained}");
    assert_eq!(told("2026-10-03", "a"), "Gold kept 2026-09-01 2026-11-01 5000", "now the end comes into sight");
    assert_eq!(told("2026-11-01", "a"), "Silver down 2026-11-01 2026-12-01 ");
    let explained = shop.explain("2026-11-01");
    assert!(explained.contains("until 2026-10-15; that is over"), "{explained}");
}

#[test]
fn who_is_lifted_by_hand_went_up_and_a_late_run_lowers_nobody_untold() {
    let list = "id,given,until\na,,\n";
    let shop = Shop::new("window = '1 month'\nkeep_for = '6 months'", BY_HAND, list, &[("a", "2026-08-10", 300)]);
    assert_eq!(shop.run("2026-09-01")["a"], "Silver new 2026-09-01 2026-10-01 ");
    fs::write(shop.folder.path().join("customers.csv"), "id,given,until\na,Star,2026-11-01\n").unwrap();
    assert_eq!(shop.run("2026-10-01")["a"], "Star up 2026-10-01  ");
    assert_eq!(shop.run("2026-12-01")["a"], "Star kept 2026-10-01 2027-01-01 9000", "the review of November was within its time");
    assert_eq!(shop.run("2027-01-01")["a"], "Silver down 2027-01-01 2027-02-01 ");
}

#[test]
fn a_rank_given_by_hand_that_makes_no_sense_is_refused() {
    let refused = |list: &str, words: &str| {
        let shop = Shop::new("", BY_HAND, list, &[("a", "2026-08-10", 300)]);
        shop.call("plan", &["--as-of", "2026-09-01"]).code(3).complains(words).run();
        // A timer is no place to learn it.
        shop.call("check", &["--data", "--as-of", "2026-09-01"]).code(3).complains(words).run();
    };
    refused(
        "id,given,until\na,Golden,\nb,Golden,\n",
        "the customer list gives (rank_at_least) 2 customers in rank `Golden` (`a`, for one)",
    );
    refused("id,given,until\na,Gold,soon\n", "column `until` in `customers.csv` holds `soon` (line 2), which is no usable end date");
}

#[test]
fn an_order_counts_when_it_cannot_come_back_any_more() {
    let orders = [("a", "2026-08-22", 5_000), ("a", "2026-08-25", 5_000)];
    let shop = Shop::new("settle_after = '7 days'", "", "id\na\n", &orders);
    assert_eq!(shop.run("2026-09-01")["a"], "Gold new 2026-09-01 2026-10-01 0");
    let explained = shop.explain("2026-09-01");
    assert!(explained.contains("2026-08-25") && explained.contains("not settled yet"), "{explained}");
    assert!(explained.lines().any(|line| line.contains("2026-08-22") && line.contains("in the window")), "{explained}");
    assert_eq!(shop.run("2026-10-01")["a"], "Star up 2026-10-01 2026-11-01 0");
}

#[test]
fn ranks_rise_at_reviews_only_where_the_shop_says_so() {
    let orders = [("a", "2026-08-10", 300), ("a", "2026-09-10", 9_000), ("b", "2026-09-10", 9_000)];
    let shop = Shop::new("up = 'at review'\nreview = ['03-01', '11-01']\ndown = 'never'", "", "id\na\nb\n", &orders);
    assert_eq!(shop.run("2026-09-01")["a"], "Silver new 2026-09-01  ");
    let october = shop.run("2026-10-01");
    assert_eq!((october["a"].as_str(), october["b"].as_str()), ("Silver kept 2026-09-01  ", "Star new 2026-10-01  "));
    assert_eq!(shop.run("2026-11-03")["a"], "Star up 2026-11-01  ");
}

/// The cells of each row of a list, by heading.
fn list(text: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(|line| line.split(','));
    let heads: Vec<&str> = lines.next().unwrap().collect();
    lines.map(|cells| heads.iter().copied().zip(cells).collect()).collect()
}

/// What the cart is told of a customer is what the mail says; `wanted` are the two last days of a Silver and of a Gold.
fn cart_and_mail_agree(ranks: &str, date: &str, wanted: [[&str; 2]; 2]) {
    const TOLD: &str = "{% if rank.next %}{{ rank.next.last_day or '' }} {{ rank.next.orders or 0 }} {{ rank.next.spend or 0 }}{% endif %}|\
        {% if rank.keep %}{{ rank.keep.last_day }} {{ rank.keep.by }} {{ rank.keep.spend or 0 }}{% endif %}|\
        {{ points.balance }} {{ points.expiring or 0 }} {{ points.expire_on or '' }}\n";
    let people = "id,email,consent\na,a@shop.example,true\nb,b@shop.example,true\n";
    let orders = [("a", "2026-05-10", 300), ("b", "2026-05-10", 6_000), ("b", "2026-06-20", 200)];
    let shop = Shop::new(ranks, ", email = 'email', consent = 'consent'", people, &orders);
    let path = |name: &str| shop.folder.path().join(name);
    let job = fs::read_to_string(path("job.toml")).unwrap();
    let more =
        "names = 'off'\n[points]\nrate = '10%'\nexpire = '12 months after earning'\n[[campaign]]\nname = 'told'\nranks = 'Silver and up'\n";
    fs::write(path("job.toml"), job + more).unwrap();
    fs::create_dir(path("templates/told")).unwrap();
    fs::write(path("templates/told/subject.txt"), TOLD).unwrap();
    let legal = "{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>out</a>";
    fs::write(path("templates/told/body.html"), format!("<p>{legal}</p>\n")).unwrap();
    shop.run(date);
    let mails = rows(&path(&format!("runs/small/{date}/mails.parquet")));
    let printed = shop.call("export", &["--ranks", "-q"]).any_output().run().out;
    let cart = list(&printed);
    assert_eq!((cart.len(), mails.len()), (2, 2));
    for ((row, mail), wanted) in cart.iter().zip(&mails).zip(wanted) {
        let number = |name: &str| if row[name].is_empty() { "0" } else { row[name] };
        let days = |name: &str| {
            if row["keep_by"].is_empty() { String::new() } else { format!("{} {} {}", row[name], row["keep_by"], number("keep_spend")) }
        };
        let next = format!("{} {} {}", row["next_last_day"], number("next_orders"), number("next_spend"));
        let points = format!("{} {} {}", row["points_balance"], row["points_expiring"], row["points_expire_on"]);
        assert_eq!(mail["subject"], format!("{next}|{}|{points}", days("keep_last_day")), "{ranks}");
        assert_eq!([row["next_last_day"], row["keep_last_day"]], wanted, "{ranks}");
    }
}

#[test]
fn the_cart_is_told_the_last_days_and_the_points_that_mails_tell() {
    let date = "2026-07-03";
    cart_and_mail_agree("", date, [["2026-07-31"; 2]; 2]);
    cart_and_mail_agree("settle_after = '7 days'", date, [["2026-07-24"; 2]; 2]);
    cart_and_mail_agree("up = 'at review'\nreview = ['09-01']", date, [["2026-08-31"; 2]; 2]);
    cart_and_mail_agree("up = 'at review'\nreview = ['09-01']\nsettle_after = '10 days'", date, [["2026-08-21"; 2]; 2]);
    cart_and_mail_agree("window = 'year from 04-01'\nreview = ['04-01']", date, [["2026-07-31", "2027-03-31"]; 2]);
    cart_and_mail_agree("window = 'all time'\nreview = ['10-01']", date, [["2026-07-31", "2026-09-30"]; 2]);
    cart_and_mail_agree("window = 'all time'\ndown = 'never'", date, [["2026-07-31", ""]; 2]);
}
