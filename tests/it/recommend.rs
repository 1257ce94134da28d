//! Recommendations from end to end, in a shop of a few customers made here.

use crate::program::{Call, rankmail};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::sync::Arc;

const DAY: i64 = 86_400_000_000;
/// The as-of date of these tests, 2026-12-01, in days since 1970.
const AS_OF: i64 = 20_788;

/// Customer, order, days before the as-of date, yen, product, category.
type Line = (&'static str, &'static str, i64, i64, &'static str, &'static str);

struct Shop {
    folder: tempfile::TempDir,
}

/// Three who went from tea on to sweets, and one who drinks the same tea every month.
const LINES: [Line; 12] = [
    ("a", "1", 200, 900, "sencha", "煎茶"),
    ("a", "2", 100, 300, "cake", "菓子"),
    ("b", "3", 200, 900, "sencha", "煎茶"),
    ("b", "4", 100, 300, "cake", "菓子"),
    ("c", "5", 200, 900, "bancha", "番茶"),
    ("c", "5", 200, 100, "pot", "茶器"),
    ("c", "6", 100, 300, "jelly", "菓子"),
    ("d", "7", 106, 900, "sencha", "煎茶"),
    ("d", "8", 76, 900, "sencha", "煎茶"),
    ("d", "9", 45, 900, "sencha", "煎茶"),
    ("e", "10", 9, 900, "bancha", "番茶"),
    ("staff", "11", 9, 900, "bancha", "番茶"),
];

const PRODUCTS: &str =
    "id,name,price,stock\nsencha,朝の煎茶,860,9\nbancha,番茶,500,9\ncake,羊羹,1200,3\njelly,水菓子,700,0\npot,急須,4000,1\n";

impl Shop {
    fn new(campaigns: &str) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        shop.purchases("a", &LINES);
        shop.put("products.csv", PRODUCTS);
        let rows: Vec<String> = ["a", "b", "c", "d", "e"].iter().map(|id| format!("{id},{id}@shop.example,花子,true,\n")).collect();
        shop.put("customers.csv", &format!("id,email,name,consent,status\n{}staff,s@shop.example,花子,true,社員\n", rows.concat()));
        shop.put("templates/news/subject.txt", "おすすめ\n");
        shop.put(
            "templates/news/body.html",
            "{% if offer %}<p>{{ offer.reason }}</p>{% for item in offer.items %}<p>[{{ item.name }} {{ item.price | money }} {{ item.reason }}]</p>{% endfor %}{% endif %}\
             <p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href=\"{{ links.unsubscribe }}\">out</a></p>\n",
        );
        shop.job(campaigns, "product = 'product'\ncategory = 'category'");
        shop
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn job(&self, campaign: &str, columns: &str) {
        self.put(
            "job.toml",
            &format!(
                "name = 'small'\ntime_zone = 'Asia/Tokyo'\ncurrency = 'JPY'\nlanguage = 'ja'\n\
                 [shop]\nname = 'つばき堂'\naddress = '京都'\ncontact = 'hi@tea.example'\nurl = 'https://tea.example'\n\
                 [purchases]\npath = 'purchases'\n[purchases.columns]\ncustomer = 'customer'\norder = 'order'\nat = 'at'\namount = 'amount'\n{columns}\n\
                 [customers]\npath = 'customers.csv'\nexclude = {{ status = ['社員'] }}\n[customers.columns]\ncustomer = 'id'\nemail = 'email'\nname = 'name'\nconsent = 'consent'\n\
                 [products]\npath = 'products.csv'\n[products.columns]\nproduct = 'id'\nname = 'name'\nprice = 'price'\nstock = 'stock'\n\
                 [wallets]\n'お茶' = ['煎茶', '番茶']\n\
                 [[rank]]\nname = 'A'\nat_least = {{ orders_ever = 1 }}\n[[rank]]\nname = 'AA'\nat_least = {{ orders_ever = 3 }}\n\
                 [[campaign]]\nname = 'news'\nranks = 'A and up'\n{campaign}\n\
                 [mail]\nfrom = 'hi@tea.example'\nunsubscribe = 'https://tea.example/u/{{token}}'\n[brakes]\nstale = 'off'\n"
            ),
        );
    }

    fn purchases(&self, name: &str, lines: &[Line]) {
        let folder = self.folder.path().join("purchases");
        fs::create_dir_all(&folder).unwrap();
        let text =
            |pick: &dyn Fn(&Line) -> &'static str| Arc::new(lines.iter().map(|line| Some(pick(line))).collect::<StringArray>()) as ArrayRef;
        let at: TimestampMicrosecondArray = lines.iter().map(|line| Some((AS_OF - line.2) * DAY + DAY / 2)).collect();
        let batch = RecordBatch::try_from_iter([
            ("customer", text(&|line| line.0)),
            ("order", text(&|line| line.1)),
            ("at", Arc::new(at) as ArrayRef),
            ("amount", Arc::new(lines.iter().map(|line| Some(line.3)).collect::<Int64Array>()) as ArrayRef),
            ("product", text(&|line| line.4)),
            ("category", text(&|line| line.5)),
        ])
        .unwrap();
        let file = File::create(folder.join(format!("{name}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn call(&self, command: &str, more: &[&str]) -> Call {
        let job = self.folder.path().join("job.toml");
        let mut arguments = vec![command, job.to_str().unwrap(), "--as-of", "2026-12-01"];
        arguments.extend(more);
        rankmail(&arguments)
    }

    fn plan(&self, into: &str, more: &[&str]) -> serde_json::Value {
        let into = self.folder.path().join(into);
        let mut arguments = vec!["--json", "--into", into.to_str().unwrap()];
        arguments.extend(more);
        self.call("plan", &arguments).any_output().run().json()
    }

    /// The recommended products in a customer's mail, between brackets.
    fn told(&self, customer: &str) -> Vec<String> {
        let mails = self.call("show", &["--customer", customer, "--json"]).any_output().run().json();
        let text = mails["mails"][0]["text"].as_str().unwrap_or_default().replace('\n', " ");
        text.split('[').skip(1).map(|rest| rest.split(']').next().unwrap().to_owned()).collect()
    }

    /// What `explain` says of the campaign.
    fn explained(&self, customer: &str) -> serde_json::Value {
        self.call("explain", &["--customer", customer, "--json"]).any_output().run().json()["campaigns"][0].clone()
    }
}

#[test]
fn mails_recommend_from_other_wallets_and_say_why() {
    let shop = Shop::new("offer = { kind = 'recommend', from = 'other wallets', support = 3, count = 2 }");
    let plan = shop.call("plan", &["--json"]).any_output().run().json();
    // a and b have bought the only thing there is; c never bought the cake, but spends more than a tenth on sweets.
    assert_eq!((&plan["matched"], &plan["mails"]), (&2.into(), &2.into()));
    for customer in ["d", "e"] {
        assert_eq!(shop.told(customer), ["羊羹 1,200円 お茶をお求めの方に"], "{customer}: what is not in stock is not recommended");
    }
    let explained = shop.explained("c");
    assert_eq!((&explained["matched"], &explained["condition"]), (&false.into(), &"offer.items".into()));
    assert_eq!((&explained["wanted"], &explained["found"]), (&"other wallets".into(), &"nothing to recommend".into()));
    shop.call("check", &["-q"]).run();
}

#[test]
fn ranks_that_the_offer_leaves_out_get_the_mail_without_it() {
    let shop = Shop::new("offer = { kind = 'recommend', from = 'buy again', ranks = 'AA' }");
    let plan = shop.call("plan", &["--json"]).any_output().run().json();
    assert_eq!(plan["mails"], 5);
    assert_eq!(shop.told("d"), ["朝の煎茶 860円 いつもの間隔（約31日）を過ぎました"]);
    assert!(shop.told("e").is_empty());
}

#[test]
fn who_is_overdue_is_told_from_who_is_not() {
    let shop = Shop::new("when = { overdue = '1.4x' }\noffer = { kind = 'recommend', from = 'buy again', overdue = '1.4x' }");
    shop.call("plan", &["-q"]).run();
    assert_eq!(shop.told("d").len(), 1);
    assert_eq!(shop.explained("d")["mailed"], true);
    let explained = shop.explained("a");
    assert_eq!((&explained["condition"], &explained["wanted"]), (&"when.overdue".into(), &"1.4x".into()));
    assert_eq!(explained["found"], "orders on fewer than three days");
    shop.job("when = { overdue = '1.5x..3x' }", "");
    assert_eq!(shop.explained("d")["found"], "45 days since the last, usually 31", "45 days are not 1.5 times 30.5");
    shop.put("templates/news/subject.txt", "{{ metrics.usual_interval }}日ごと\n");
    shop.job("when = { orders_ever = 3 }", "");
    assert_eq!(shop.explained("d")["subject"], "31日ごと", "a template alone may ask for it, and needs no product column");
}

#[test]
fn recommendations_do_not_depend_on_threads_or_rows() {
    for offer in ["from = 'other wallets', support = 1", "from = 'bought together', support = '1%'", "from = 'buy again'"] {
        let shop = Shop::new(&format!("offer = {{ kind = 'recommend', {offer} }}"));
        let one = shop.plan("one", &["--threads", "1"]);
        assert!(one["mails"].as_u64() > Some(0), "{offer}");
        let mut turned = LINES;
        turned.reverse();
        let (front, back) = turned.split_at(5);
        shop.purchases("a", back);
        shop.purchases("b", front);
        let two = shop.plan("two", &["--threads", "3"]);
        assert_eq!(one["digest"], two["digest"], "{offer}");
        for name in ["mails.parquet", "values.parquet"] {
            let read = |folder: &str| fs::read(shop.folder.path().join(folder).join(name)).unwrap();
            assert_eq!(read("one"), read("two"), "{offer}: {name}");
        }
    }
}

#[test]
fn a_shop_can_look_at_what_is_bought_together() {
    let shop = Shop::new("");
    let found = shop.call("pairs", &["--support", "1", "--json"]).any_output().run().json();
    assert_eq!(found["orders"], 10, "the staff's order is none");
    let pair = serde_json::json!({"products": ["bancha", "pot"], "names": ["番茶", "急須"], "orders": [2, 1], "together": 1, "lift": 5.0});
    assert_eq!(found["pairs"], serde_json::json!([pair]));
    shop.call("pairs", &["--support", "11%"]).says("ありません").run();
    shop.call("pairs", &["--support", "10%"]).says("番茶  急須").says("5.00").run();
    shop.call("pairs", &["--support", "some"]).code(2).complains("write it like 20 or 0.1%").run();
    shop.job("", "category = 'category'");
    shop.call("pairs", &[]).code(2).complains("product = \"…\"").run();
}
