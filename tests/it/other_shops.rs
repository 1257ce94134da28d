//! Shops of a few customers, made here: what holds for any shop and cannot be seen in the demo.

use crate::program::{Call, rankmail};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
/// 2026-10-30 in days since 1970.
const OCTOBER_30: i64 = 20_756;

/// Customer, order, local time, dollars, product.
pub type Line = (String, &'static str, i64, i64, &'static str);

pub struct Shop {
    pub folder: tempfile::TempDir,
}

impl Shop {
    pub fn new(lines: &[Line], campaign: &str, body: &str) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        shop.purchases("a", lines);
        let mut customers: Vec<&str> = lines.iter().map(|(customer, ..)| customer.as_str()).collect();
        customers.sort_unstable();
        customers.dedup();
        let rows: Vec<String> = customers.iter().map(|id| format!("{id},{id}@shop.example,Ann,true\n")).collect();
        shop.put("customers.csv", &format!("id,email,name,consent\n{}", rows.concat()));
        shop.put("templates/news/subject.txt", "Hello\n");
        shop.put("templates/news/body.html", body);
        shop.job(campaign, "");
        shop
    }

    pub fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn purchases(&self, name: &str, lines: &[Line]) {
        let folder = self.folder.path().join("purchases");
        fs::create_dir_all(&folder).unwrap();
        let text =
            |pick: &dyn Fn(&Line) -> String| Arc::new(lines.iter().map(|line| Some(pick(line))).collect::<StringArray>()) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("customer", text(&|line| line.0.clone())),
            ("order", text(&|line| line.1.to_owned())),
            ("at", Arc::new(lines.iter().map(|line| Some(line.2)).collect::<TimestampMicrosecondArray>()) as ArrayRef),
            ("amount", Arc::new(lines.iter().map(|line| Some(line.3)).collect::<Int64Array>()) as ArrayRef),
            ("product", text(&|line| line.4.to_owned())),
        ])
        .unwrap();
        let mut writer = ArrowWriter::try_new(File::create(folder.join(format!("{name}.parquet"))).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// `rank` is what the upper rank's table says besides its conditions.
    fn job(&self, campaign: &str, rank: &str) {
        let rank = if rank.is_empty() { "name = 'Gold'" } else { rank };
        self.put(
            "job.toml",
            &format!(
                "name = 'small'\ntime_zone = 'America/New_York'\ncurrency = 'USD'\nlanguage = 'en'\n{}\n\
                 [shop]\nname = 'Tea'\naddress = '1 Main St'\ncontact = 'hi@tea.example'\nurl = 'https://tea.example'\n\
                 [purchases]\npath = 'purchases'\n[purchases.columns]\n\
                 customer = 'customer'\norder = 'order'\nat = 'at'\namount = 'amount'\nproduct = 'product'\n\
                 [customers]\npath = 'customers.csv'\n[customers.columns]\ncustomer = 'id'\nemail = 'email'\nname = 'name'\nconsent = 'consent'\n\
                 [[rank]]\nname = 'Silver'\nat_least = {{ orders_ever = 1 }}\n[[rank]]\n{rank}\nat_least = {{ orders_ever = 1, spend = 50 }}\n\
                 [[campaign]]\nname = 'news'\nranks = 'Silver and up'\n{campaign}\n\
                 [mail]\nfrom = 'hi@tea.example'\nunsubscribe = 'https://tea.example/u/{{token}}'\n",
                if campaign.contains("skip these") { "on_render_error = 'skip'" } else { "" }
            ),
        );
    }

    pub fn call(&self, command: &str, more: &[&str]) -> Call {
        let job = self.folder.path().join("job.toml");
        let mut arguments = vec![command, job.to_str().unwrap()];
        arguments.extend(more);
        rankmail(&arguments)
    }

    pub fn file(&self, folder: &str, name: &str) -> Vec<u8> {
        fs::read(Path::new(self.folder.path()).join(folder).join(name)).unwrap()
    }
}

/// Everything that a mail must show.
pub fn lawful(body: &str) -> String {
    format!(
        "{body}<p>{{{{ shop.name }}}} {{{{ shop.address }}}} {{{{ shop.contact }}}} <a href=\"{{{{ links.unsubscribe }}}}\">out</a></p>\n"
    )
}

pub fn line(customer: &str, order: &'static str, amount: i64, product: &'static str) -> Line {
    (customer.to_owned(), order, OCTOBER_30 * DAY + 9 * HOUR, amount, product)
}

#[test]
fn the_same_lines_in_other_files_and_rows_are_the_same_plan() {
    let lines = [line("a", "1", 3, "cup"), line("a", "1", 9, "pot"), line("b", "2", 60, "tea"), line("b", "2", 60, "jar")];
    let items = lawful("{% for item in last_order.items %}{{ item.amount | money }}{{ item.quantity or \"\" }},{% endfor %}");
    let shop = Shop::new(&lines, "", &items);
    let plan = |into: &str| {
        let into = shop.folder.path().join(into);
        shop.call("plan", &["--as-of", "2026-11-02", "--json", "--into", into.to_str().unwrap()]).any_output().run().json()
    };
    let one = plan("one");
    assert_eq!(one["mails"], 2);
    let [first, second, third, fourth] = lines;
    shop.purchases("a", &[fourth, second]);
    shop.purchases("b", &[third, first]);
    let two = plan("two");
    for name in ["mails.parquet", "skipped.parquet", "values.parquet", "customers.parquet"] {
        assert_eq!(shop.file("one", name), shop.file("two", name), "{name}");
    }
    assert_eq!(one["digest"], two["digest"]);
    shop.purchases("c", &[line("a", "3", 1, "cup")]);
    assert_ne!(plan("three")["digest"], two["digest"]);
}

#[test]
fn a_mail_without_the_legal_displays_is_never_just_skipped() {
    let shop = Shop::new(&[line("a", "1", 60, "cup")], "# skip these", "<p>Hello</p>");
    shop.call("plan", &["--as-of", "2026-11-02"]).code(2).complains("which the law asks for").run();
    let explained = shop.call("explain", &["--as-of", "2026-11-02", "--customer", "a", "--json"]).any_output().run().json();
    assert_eq!(explained["campaigns"][0]["reason"], "render_failed");
}

#[test]
fn the_plan_tells_what_its_offers_may_cost() {
    let lines = [line("a", "1", 60, "cup"), line("b", "2", 60, "cup")];
    let shop = Shop::new(&lines, "offer = { kind = 'coupon', amount = 5.50 }", &lawful("<p>{{ offer.code }}</p>"));
    let plan = shop.call("plan", &["--as-of", "2026-11-02", "--json"]).any_output().run().json();
    assert_eq!((&plan["mails"], &plan["offer_exposure"]), (&2.into(), &1_100.into()));
    let written: serde_json::Value = serde_json::from_slice(&shop.file("runs/small/2026-11-02", "plan.json")).unwrap();
    assert_eq!(written["offer_exposure"], 1_100);
}

#[test]
fn a_rank_that_was_renamed_trips_no_brake() {
    let people: Vec<Line> = (0..60).map(|number| line(&format!("c{number}"), "1", 60, "cup")).collect();
    let shop = Shop::new(&people, "", &lawful(""));
    shop.call("run", &["--as-of", "2026-11-01", "-q"]).run();
    shop.job("", "name = 'Golden'\nwas = ['Gold']");
    let plan = shop.call("plan", &["--as-of", "2026-11-02", "--json"]).any_output().run().json();
    assert_eq!(plan["ranks"][1], serde_json::json!({"rank": "Golden", "customers": 60}));
    let brakes = plan["brakes"].to_string();
    assert!(!brakes.contains("rank Gold"), "{brakes}");
}

#[test]
fn a_condition_on_a_column_that_is_not_there_is_an_error() {
    for campaign in [
        "where = { tier = ['x'] }",
        "where = { tier = { missing = true } }",
        "offer = { kind = 'gift', choose_by = 'tier', gifts = [{ tier = 'x', gift = 'y' }] }",
    ] {
        let shop = Shop::new(&[line("a", "1", 60, "cup")], campaign, &lawful(""));
        shop.call("plan", &["--as-of", "2026-11-02"]).code(3).complains("the customer column `tier`").run();
        shop.call("check", &[]).code(3).complains("it has: id, email, name, consent").run();
    }
}

#[test]
fn a_brake_that_does_not_exist_cannot_be_accepted() {
    let shop = Shop::new(&[line("a", "1", 60, "cup")], "", &lawful(""));
    shop.call("run", &["--as-of", "2026-11-02", "--accept", "audiense"]).code(2).complains("audience").run();
}

#[test]
fn three_days_before_are_days_of_the_calendar() {
    // Clocks go back on 2026-11-01, so the three days before the 2nd have 73 hours.
    let shop = Shop::new(&[("a".to_owned(), "1", OCTOBER_30 * DAY, 60, "cup")], "", &lawful(""));
    let brakes = |date| shop.call("plan", &["--as-of", date, "--json"]).any_output().run().json()["brakes"].to_string();
    assert_eq!(brakes("2026-11-02"), "[]");
    assert!(brakes("2026-11-03").contains("stale"));
}
