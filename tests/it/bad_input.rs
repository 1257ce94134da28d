//! Bad input gets a clear error and its exit code, and nothing comes of the run: no plan, no mail, no row of the ledger. Bad people are
//! data: they are left out with a reason, or cleaned, and counted.

use crate::shop::{self, DATE, Shop};
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use mail_parser::MessageParser;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A campaign with mails for some hundred customers and nothing special about it.
const CAMPAIGN: &str = "cross_sell";

/// A date on which the shop has run before.
const BEFORE: &str = "2026-11-01";

fn refused(edit: (&str, &str), code: i32, words: &[&str]) {
    let mut shop = Shop::with(&[]);
    shop.edit(edit.0, edit.1);
    shop.refuses(code, words);
}

#[test]
fn a_column_that_is_missing_or_of_another_type() {
    refused(
        ("amount   = \"amount\"", "amount = \"amounts\""),
        3,
        &["column `amounts` is not in `", "did you mean `amount`?", "`purchased_at`", "[purchases.columns]"],
    );
    refused(("amount   = \"amount\"", "amount = \"category\""), 3, &["column `category` in `", "is Utf8", "expected a number"]);
    refused(("at       = \"purchased_at\"", "at = \"quantity\""), 3, &["column `quantity` in `", "is Int64", "expected a "]);
    refused(("customer = \"customer_id\"\norder ", "customer = \"customer\"\norder "), 3, &["column `customer` is not in `"]);
    refused(("{ status = [\"cancelled\"", "{ state = [\"cancelled\""), 3, &["column `state` is not in `", "[purchases] exclude"]);
    refused(
        ("birthday = \"birthday\"", "birthday = \"birth_day\""),
        3,
        &["no column `birth_day`", "did you mean `birthday`?", "[customers.columns]"],
    );
    refused(("email    = \"email\"", "email = \"birthday\""), 3, &["column `birthday` in `", "is Date32"]);
    refused(("price    = \"price\"", "price = \"cost\""), 3, &["no column `cost`", "[products.columns]"]);
}

#[test]
fn a_folder_without_purchases() {
    let mut shop = Shop::with(&[]);
    let folder = shop.own_purchases();
    fs::remove_dir_all(&folder).unwrap();
    shop.refuses(3, &["`../data/purchases` is not there", "[purchases]"]);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("_SUCCESS"), "").unwrap();
    shop.refuses(3, &["`../data/purchases` holds no Parquet file", "[purchases]"]);
    shop.edit("\"../data/purchases\"", "\"../data/purchases/*.parquet\"");
    shop.refuses(3, &["no file matches `../data/purchases/*.parquet`"]);
}

#[test]
fn a_file_that_was_cut_off() {
    let mut shop = Shop::with(&[]);
    let folder = shop.own_purchases();
    let file = folder.join("year=2026/month=11/purchases.parquet");
    let whole = fs::read(&file).unwrap();
    for left in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..left]).unwrap();
        shop.refuses(3, &["`../data/purchases/year=2026/month=11/purchases.parquet` is not a Parquet file", "write it anew"]);
    }
    fs::write(&file, &whole).unwrap();
    let list = shop.own_customers();
    let whole = fs::read(&list).unwrap();
    fs::write(&list, &whole[..whole.len() / 2]).unwrap();
    shop.refuses(3, &["`../data/customers.parquet` is not readable as Parquet", "cut short"]);
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let mut shop = Shop::with(&[]);
    let files = [shop.own_purchases().join("year=2026/month=11/purchases.parquet"), shop.own_customers()];
    let mut dice: u64 = 20_261_201;
    let mut refused = 0;
    for round in 0..24 {
        let file = &files[round % files.len()];
        let whole = fs::read(file).unwrap();
        let mut damaged = whole.clone();
        for _ in 0..=round / 4 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = usize::try_from(dice >> 33).unwrap();
            // Every other time the footer is hit, which tells where everything is.
            let at = if round % 4 < 2 { random % whole.len() } else { whole.len() - 1 - random % 1_500 };
            damaged[at] ^= 1 << (random % 8);
        }
        fs::write(file, damaged).unwrap();
        let (code, out, err) = shop.attempt("plan", &["--as-of", DATE]);
        assert!(!err.contains("panicked") && !out.contains("panicked"), "{err}");
        // Damage inside a value cannot be seen by anybody; then it is a plan like any other.
        match code {
            0 => fs::remove_dir_all(shop.runs()).unwrap(),
            3 => {
                refused += 1;
                assert!(err.contains("../data/"), "no file is named: {err}");
                assert!(shop.traces().0.is_empty() && shop.traces().1.is_empty());
            }
            _ => panic!("exit {code}: {err}"),
        }
        fs::write(file, whole).unwrap();
    }
    assert!(refused > 12, "only {refused} damaged files were noticed");
}

#[test]
fn a_customer_who_is_twice_in_the_list() {
    let mut shop = Shop::with(&[]);
    let list = shop.own_customers();
    let customers = shop::read(&list);
    shop::write(&list, &concat_batches(&customers.schema(), &[customers.clone(), customers.slice(4, 1)]).unwrap());
    let id = shop::rows(&list)[4]["customer_id"].clone();
    let again = customers.num_rows() + 1;
    shop.refuses(3, &["`../data/customers.parquet` has the same customer more than once", &format!("`{id}` (row 5, row {again})")]);
}

#[test]
fn a_rank_that_was_renamed() {
    let mut shop = Shop::with(&[]);
    shop.run(BEFORE);
    let held = shop.table(BEFORE, "customers.parquet").iter().filter(|row| row["rank"] == "VIP").count();
    assert!(held > 20);
    shop.edit("name = \"VIP\"", "name = \"Gold\"");
    shop.edit("not = [\"VIP\"]", "not = [\"Gold\"]");
    shop.refuses(3, &[&format!("the run of {BEFORE} left {held} customers in rank `VIP`"), "was = [\"VIP\"]"]);
    shop.edit("name = \"Gold\"", "name = \"Gold\"\nwas = [\"VIP\"]");
    // No brake minds: a new name moves nobody.
    shop.run(DATE);
    let after = shop.table(DATE, "customers.parquet");
    assert_eq!(after.iter().filter(|row| row["previous_rank"] == "Gold").count(), held);
    assert!(after.iter().filter(|row| row["rank"] == "Gold" && row["rank_change"] == "kept").count() > held / 2);
}

#[test]
fn a_job_that_contradicts_itself() {
    let job = |campaigns: &[&str], edit: (&str, &str), words: &[&str]| {
        let mut shop = Shop::with(campaigns);
        shop.edit(edit.0, edit.1);
        let shown = shop.refuses(2, words);
        assert!(shown.contains("monthly.toml:") && shown.contains("^^^"), "no place is shown: {shown}");
    };
    job(
        &[],
        ("spend = 100_000, tenure", "spend = 10_000, tenure"),
        &["`spend` falls from rank AA+ to rank AAA", "50,000円 here", "only 10,000円 here"],
    );
    job(&[CAMPAIGN], ("ranks = \"AAA\"", "ranks = \"AAAA\""), &["AAAA", "did you mean \"AAA\"?"]);
    job(&["birthday"], ("birthday = \"birthday\"\n", ""), &["no customer can ever meet `birthday`"]);
    job(&["win_back"], ("\"90..180\"", "\"180..90\""), &["180..90"]);
    job(&[], ("\"7 10 1 * *\"", "\"7 10 1 *\""), &["`schedule` is not a cron line", "five fields"]);
    job(&[], ("\"7 10 1 * *\"", "\"7 10 31 2 *\""), &["`schedule` never comes due"]);
    job(&[], ("\"Asia/Tokyo\"", "\"Asia/Tokio\""), &["there is no time zone \"Asia/Tokio\"", "did you mean \"Asia/Tokyo\"?"]);
    job(&[], ("address = \"〒604-0000 京都市中京区椿町1-2-3\"\n", ""), &["`address` is missing"]);
}

#[test]
fn a_password_that_was_written_into_the_job() {
    for table in [
        "[mail.smtp]\nurl = \"smtp://mailer:correct-horse@127.0.0.1:2525\"\n",
        "[mail.smtp]\nurl = \"smtp://127.0.0.1:2525\"\npassword = \"correct-horse\"\n",
    ] {
        let mut shop = Shop::with(&[]);
        shop.edit("[keys]", &format!("{table}[keys]"));
        let shown = shop.refuses(2, &["password"]);
        assert!(!shown.contains("correct-horse"), "{shown}");
    }
}

#[test]
fn a_value_that_one_customer_lacks() {
    let mut shop = Shop::with(&[CAMPAIGN]);
    shop.call("plan", &["--as-of", DATE, "-q"]).run();
    let mails = shop.table(DATE, "mails.parquet");
    let one = mails[mails.len() / 2]["customer_id"].clone();
    fs::remove_dir_all(shop.runs()).unwrap();

    let list = shop.own_customers();
    change(&list, |customers| {
        let ids = texts(&customers, "customer_id");
        let greeting: StringArray = ids.iter().map(|id| (id != Some(one.as_str())).then_some("拝啓")).collect();
        with_column(&customers, "greeting", Arc::new(greeting))
    });
    let body = shop.own_templates().join(CAMPAIGN).join("body.html");
    let text = fs::read_to_string(&body).unwrap().replace("{{ <button", "<p>{{ customer.greeting }}</p>\n{{ <button");
    let line = text.lines().position(|line| line.contains("customer.greeting")).unwrap() + 1;
    fs::write(&body, text).unwrap();
    shop.refuses(
        2,
        &[
            &format!("campaign `{CAMPAIGN}`, customer `{one}`"),
            &format!("{CAMPAIGN}/body.html:{line}:"),
            "customer.greeting",
            "on_render_error",
        ],
    );

    shop.edit("[shop]", "on_render_error = \"skip\"\n[shop]");
    shop.edit("names    = \"2%\"", "names = \"off\"");
    shop.run(DATE);
    let skipped = shop.table(DATE, "skipped.parquet");
    let failed: Vec<&str> = skipped.iter().filter(|row| row["reason"] == "render_failed").map(|row| row["customer_id"].as_str()).collect();
    assert_eq!(failed, [one.as_str()]);
    let counts = shop.plan_json(DATE);
    assert_eq!(counts["matched"].as_u64(), Some((mails.len() + skipped.len() - 1) as u64));
    assert_eq!(counts["mails"].as_u64(), Some((mails.len() - 1) as u64));
}

#[test]
fn a_subject_of_two_lines() {
    let mut shop = Shop::with(&[CAMPAIGN]);
    let subject = shop.own_templates().join(CAMPAIGN).join("subject.txt");
    fs::write(&subject, "{{ customer.name | honorific }}\nへのお知らせ\n").unwrap();
    shop.refuses(2, &["cross_sell/subject.txt", "line"]);
    shop.call("check", &[]).code(2).complains("cross_sell/subject.txt").run();
}

#[test]
fn a_mail_without_what_the_law_asks_for() {
    for (display, words) in [
        ("{{ shop.address }}", ["does not show `shop.address`", "which the law asks for"]),
        ("{{ shop.contact }}", ["does not show `shop.contact`", "which the law asks for"]),
        ("{{ links.unsubscribe }}", ["has no opt-out link", "which the law asks for"]),
    ] {
        let mut shop = Shop::with(&[CAMPAIGN]);
        let footer = shop.own_templates().join("parts/footer.html");
        let text = fs::read_to_string(&footer).unwrap();
        fs::write(&footer, text.replace(display, "")).unwrap();
        shop.refuses(2, &words);
    }
}

#[test]
fn runs_that_cannot_be_written() {
    // A file stands where the folder should be; modes would not stop everybody.
    let shop = Shop::with(&[]);
    fs::write(shop.runs(), "").unwrap();
    shop.refuses(4, &["runs/ledger.sqlite`", "Not a directory", "check that the folder exists and is yours to write"]);
    let shop = Shop::with(&[]);
    fs::create_dir(shop.runs()).unwrap();
    fs::write(shop.runs().join("monthly"), "").unwrap();
    shop.refuses(4, &["cannot make the folder `"]);
    let shop = Shop::with(&[]);
    fs::create_dir_all(shop.runs().join("ledger.sqlite")).unwrap();
    shop.refuses(4, &["ledger"]);
}

#[test]
fn formats_of_a_newer_program() {
    let shop = Shop::with(&[]);
    shop.run(BEFORE);
    let plan = shop.runs().join("monthly").join(BEFORE).join("plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, text.replacen("\"format\": 1", "\"format\": 99", 1)).unwrap();
    shop.refuses(4, &["has plan format 99", "use the newer rankmail"]);
    fs::write(&plan, text).unwrap();
    let ledger = rusqlite::Connection::open(shop.runs().join("ledger.sqlite")).unwrap();
    let known: i64 = ledger.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    ledger.pragma_update(None, "user_version", 99).unwrap();
    drop(ledger);
    shop.refuses(4, &["has format 99", "use the newer rankmail"]);
    ledger_version(&shop, known);
    shop.run(DATE);
}

fn ledger_version(shop: &Shop, version: i64) {
    rusqlite::Connection::open(shop.runs().join("ledger.sqlite")).unwrap().pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn an_adopted_plan_that_is_missing_or_altered() {
    let shop = Shop::with(&[]);
    shop.run(BEFORE);
    let folder = shop.runs().join("monthly").join(BEFORE);
    for name in ["customers.parquet", "mails.parquet", "job.toml", "plan.json"] {
        let whole = fs::read(folder.join(name)).unwrap();
        let mut altered = whole.clone();
        // In the digest of a plan.json: counts and notes are for people, and in no digest.
        let digest = altered.windows(10).position(|word| word == b"\"digest\": ").map(|at| at + 20);
        let at = digest.filter(|_| name == "plan.json").unwrap_or(altered.len() / 2);
        altered[at] = if altered[at] == b'7' { b'8' } else { b'7' };
        fs::write(folder.join(name), altered).unwrap();
        shop.refuses(4, &[name, "bring it back from a backup"]);
        fs::remove_file(folder.join(name)).unwrap();
        shop.refuses(4, &[&format!("`{name}` is missing from the plan"), "bring it back from a backup"]);
        fs::write(folder.join(name), whole).unwrap();
    }
    let away = shop.path("away");
    fs::rename(&folder, &away).unwrap();
    shop.refuses(4, &["is missing from the plan", "bring it back from a backup"]);
    fs::rename(away, folder).unwrap();
    shop.run(DATE);
}

#[test]
fn a_date_before_the_last_adopted_one() {
    let shop = Shop::with(&[]);
    shop.call("plan", &["--as-of", BEFORE, "-q"]).run();
    shop.run(DATE);
    for command in ["run", "send"] {
        let before = shop.traces();
        shop.call(command, &["--as-of", BEFORE]).code(2).complains(&format!("{DATE} was adopted already")).run();
        assert_eq!(shop.traces(), before);
    }
    shop.refuses_on("2026-10-01", 2, &[&format!("{DATE} was adopted already"), "plan a date after it"]);
}

#[test]
fn too_many_rows_that_cannot_be_used() {
    let mut shop = Shop::with(&[]);
    let file = shop.own_purchases().join("year=2026/month=11/purchases.parquet");
    change(&file, |lines| {
        let holes: Int64Array = (0..lines.num_rows()).map(|row| (row % 2 == 0).then_some(100)).collect();
        with_column(&lines, "amount", Arc::new(holes))
    });
    shop.refuses(3, &["rows cannot be used", "`max_bad_rows`", "month=11/purchases.parquet row 2"]);
    shop.edit("[purchases.columns]", "max_bad_rows = \"20%\"\n[purchases.columns]");
    shop.run(DATE);
    assert!(shop.plan_json(DATE)["read"]["bad_rows"].as_u64().unwrap() > 100);
}

#[test]
fn broken_people_are_data() {
    let mut shop = Shop::with(&[CAMPAIGN]);
    shop.call("plan", &["--as-of", DATE, "-q"]).run();
    let mails = shop.table(DATE, "mails.parquet");
    let ids: Vec<String> = mails.iter().take(5).map(|row| row["customer_id"].clone()).collect();
    fs::remove_dir_all(shop.runs()).unwrap();
    let [broken, broken_line, no_address, broken_name, no_name] = ids.as_slice() else { panic!() };
    let list = shop.own_customers();
    change(&list, |customers| {
        let values = |column: &str, set: &[(&String, Option<&'static str>)]| -> ArrayRef {
            let (ids, old) = (texts(&customers, "customer_id"), texts(&customers, column));
            let new = (0..old.len()).map(|row| {
                let set = set.iter().find(|(id, _)| id.as_str() == ids.value(row)).map(|(_, value)| *value);
                set.unwrap_or_else(|| old.is_valid(row).then(|| old.value(row))).map(str::to_owned)
            });
            Arc::new(new.collect::<StringArray>())
        };
        let addresses =
            [(broken, Some("nobody at example.jp")), (broken_line, Some("a@b.example\nBcc: x@y.example")), (no_address, Some("  "))];
        let names = [(broken_name, Some("椿\r\nBcc: x@y.example")), (no_name, None)];
        let (addresses, names) = (values("email", &addresses), values("name", &names));
        with_column(&with_column(&customers, "email", addresses), "name", names)
    });
    shop.edit("names    = \"2%\"", "names = \"off\"");
    shop.run(DATE);

    let skipped = shop.table(DATE, "skipped.parquet");
    let reason = |id: &String| skipped.iter().find(|row| row["customer_id"] == *id).map(|row| row["reason"].as_str());
    assert_eq!(reason(broken), Some("bad_address"));
    assert_eq!(reason(broken_line), Some("bad_address"));
    assert_eq!(reason(no_address), Some("no_address"));
    let plan = shop.plan_json(DATE);
    assert_eq!(plan["matched"].as_u64(), Some((mails.len() - 3 + skipped.len()) as u64));
    assert!(plan["nameless"].as_u64().unwrap() >= 1);

    let written = shop.table(DATE, "mails.parquet");
    let mail = |id: &String| {
        let row = written.iter().find(|row| row["customer_id"] == *id).unwrap();
        fs::read(shop.runs().join("monthly/outbox/new").join(format!("{}.eml", row["mail_id"]))).unwrap()
    };
    let bytes = mail(broken_name);
    let parsed = MessageParser::default().parse(&bytes).unwrap();
    assert!(parsed.bcc().is_none(), "a name has made a header");
    let name = parsed.to().unwrap().first().unwrap().name().unwrap();
    assert!(name.starts_with("椿") && !name.contains(['\r', '\n']), "{name:?}");
    let bytes = mail(no_name);
    let parsed = MessageParser::default().parse(&bytes).unwrap();
    assert!(parsed.body_html(0).unwrap().contains("お客様"), "a customer without a name is greeted all the same");
}

#[test]
fn check_tells_of_job_and_templates_at_once() {
    let mut shop = Shop::with(&[CAMPAIGN]);
    let templates = shop.own_templates();
    fs::remove_file(templates.join(CAMPAIGN).join("subject.txt")).unwrap();
    let body = templates.join(CAMPAIGN).join("body.html");
    fs::write(&body, fs::read_to_string(&body).unwrap().replace("{{ shop.name }}", "{% if customer.x and shop.nmae %}{% endif %}"))
        .unwrap();
    // The templates alone, then the job's own problems together with them.
    shop.call("check", &[]).code(2).complains("cross_sell").complains("subject.txt").complains("unknown name `shop.nmae`").run();
    shop.edit("\"Asia/Tokyo\"", "\"Asia/Tokio\"");
    shop.call("check", &[])
        .code(2)
        .complains("there is no time zone \"Asia/Tokio\"")
        .complains("subject.txt")
        .complains("unknown name `shop.nmae`")
        .run();
    let printed = shop.call("check", &["--json"]).code(2).any_output().run().json();
    assert!(printed["problems"].as_array().unwrap().len() >= 3, "{printed}");
}

#[test]
fn check_tells_of_columns_folders_and_data() {
    let mut shop = Shop::with(&["vip_gift", "event"]);
    shop.edit("{ store = [", "{ shop_nearby = [");
    shop.edit("likes", "taste");
    shop.edit("not_with = [\"birthday\"]", "");
    let asks = ["campaign `vip_gift` asks for the customer column `taste`", "campaign `event` asks for the customer column `shop_nearby`"];
    shop.refuses(3, &[asks[0], asks[1], "it has: customer_id"]);
    shop.call("check", &[]).code(3).complains(asks[0]).complains(asks[1]).run();
    // With the data every part is looked at, whatever is wrong with the others.
    shop.edit("amount   = \"amount\"", "amount = \"amounts\"");
    shop.edit("price    = \"price\"", "price = \"cost\"");
    shop.call("check", &["--data"]).code(3).complains(asks[1]).complains("column `amounts` is not in").complains("no column `cost`").run();

    let mut shop = Shop::with(&[CAMPAIGN]);
    let templates = shop.own_templates();
    fs::rename(templates.join(CAMPAIGN), templates.join("crosssell")).unwrap();
    shop.call("check", &[])
        .code(2)
        .complains("the campaign `cross_sell` has no templates")
        .complains("no campaign of this job is called `crosssell`")
        .run();
    fs::rename(templates.join("crosssell"), templates.join(CAMPAIGN)).unwrap();
    shop.call("check", &[]).says("no campaign of this job is called `newsletter`").run();
    // Another job beside it may have the same folder.
    let beside = |templates: &str| format!("templates = \"{templates}\"\n[[campaign]]\nname = \"newsletter\"\n");
    fs::write(shop.path("jobs/other.toml"), beside("elsewhere")).unwrap();
    shop.call("check", &[]).says("no campaign of this job is called `newsletter`").run();
    fs::write(shop.path("jobs/other.toml"), beside(templates.to_str().unwrap())).unwrap();
    let told = shop.call("check", &[]).any_output().run().out;
    assert!(!told.contains("`newsletter`") && told.contains("no campaign of this job is called `win_back`"), "{told}");

    let mut shop = Shop::with(&["win_back"]);
    shop.edit("{ days_since_last_order = \"90..180\" }", "{ bought = [\"お茶\"] }");
    shop.edit("category = \"category\"\ncoupon", "coupon");
    shop.refuses(2, &["`bought` needs the categories of purchases"]);
}

/// Writes a file anew with its content changed.
fn change(path: &Path, by: impl FnOnce(RecordBatch) -> RecordBatch) {
    let batch = by(shop::read(path));
    shop::write(path, &batch);
}

fn texts<'a>(batch: &'a RecordBatch, column: &str) -> &'a StringArray {
    batch.column_by_name(column).unwrap().as_any().downcast_ref().unwrap()
}

/// The batch with a column put in the place of the one of that name, or behind the last.
fn with_column(batch: &RecordBatch, name: &str, values: ArrayRef) -> RecordBatch {
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns = batch.columns().to_vec();
    let data_type: DataType = values.data_type().clone();
    if let Some(at) = fields.iter().position(|field| field.name() == name) {
        columns[at] = values;
    } else {
        fields.push(Field::new(name, data_type, true));
        columns.push(values);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}
