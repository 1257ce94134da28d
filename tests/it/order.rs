//! A plan follows from what was bought, not from how the lines lie in their files; and every matched pair ends in one place.

use crate::shop::{self, DATE, Shop, parquet_files};
use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

#[test]
fn the_plan_does_not_depend_on_how_purchases_lie_in_their_files() {
    let mut shop = Shop::with(&["birthday", "keep_your_rank", "win_back"]);
    shop.edit("days_since_last_order = \"90..180\"", "days_since_last_order = \"90..120\"");
    let folder = shop.own_purchases();
    shop.call("plan", &["--as-of", DATE, "-q"]).run();
    let tables = ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet"];
    let read = |name: &str| fs::read(shop.runs().join("monthly").join(DATE).join(name)).unwrap();
    let before: Vec<Vec<u8>> = tables.iter().map(|name| read(name)).collect();
    let plan = shop.plan_json(DATE);

    let files = parquet_files(&folder);
    let months: Vec<RecordBatch> = files.iter().map(|file| shop::read(file)).collect();
    let lines = concat_batches(&months[0].schema(), &months).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    // A multiplier without a common divisor with the number of rows brings each to another place.
    let rows = lines.num_rows() as u64;
    let step = (7_919..8_000).find(|step| gcd(*step, rows) == 1).unwrap();
    let shuffled: UInt64Array = (0..rows).map(|row| (row * step + 17) % rows).collect();
    let lines = take_record_batch(&lines, &shuffled).unwrap();
    let third = lines.num_rows() / 3;
    for (name, start, length) in [("b", 0, third), ("a", third, third), ("deep/c", 2 * third, lines.num_rows() - 2 * third)] {
        let path = folder.join(format!("{name}.parquet"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        shop::write(&path, &lines.slice(start, length));
    }
    shop.call("plan", &["--as-of", DATE, "-q"]).run();
    for (name, before) in tables.iter().zip(&before) {
        assert!(read(name) == *before, "{name} is not the same");
    }
    let after = shop.plan_json(DATE);
    for key in ["rules", "templates", "key_id", "files", "customers", "ranks", "moves", "campaigns"] {
        assert_eq!(plan[key], after[key], "{key}");
    }
    assert_ne!(plan["inputs"], after["inputs"]);
    count_pairs(&shop);
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// Matched = mails + skipped for each campaign, counted from the tables; no pair is there twice.
fn count_pairs(shop: &Shop) {
    let (mails, skipped) = (shop.table(DATE, "mails.parquet"), shop.table(DATE, "skipped.parquet"));
    let pairs: BTreeSet<(&str, &str)> =
        mails.iter().chain(&skipped).map(|row| (row["campaign"].as_str(), row["customer_id"].as_str())).collect();
    assert_eq!(pairs.len(), mails.len() + skipped.len(), "a pair is in two places");
    let plan = shop.plan_json(DATE);
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    assert_eq!(number(&plan["matched"]), pairs.len());
    assert_eq!((number(&plan["mails"]), number(&plan["skipped"])), (mails.len(), skipped.len()));
    for campaign in plan["campaigns"].as_array().unwrap() {
        let name = campaign["campaign"].as_str().unwrap();
        let of = |rows: &[std::collections::BTreeMap<String, String>]| rows.iter().filter(|row| row["campaign"] == name).count();
        let told: usize = campaign["mails"].as_array().unwrap().iter().map(number).sum();
        assert_eq!(told, of(&mails), "mails of {name}");
        let told: usize = campaign["skipped"].as_array().unwrap().iter().map(|reason| number(&reason["pairs"])).sum();
        assert_eq!(told, of(&skipped), "skipped of {name}");
    }
}

/// Where there might not be enough for everybody, all people are in memory at once; else the plan is made partition by partition.
#[test]
fn a_plan_made_part_by_part_is_the_one_that_is_made_of_the_whole_shop() {
    let names = ["birthday", "win_back", "event"];
    let tables = ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet"];
    let plan = |limit: &str| {
        let mut shop = Shop::with(&names);
        shop.edit("AAA = 10 }, valid = \"this month\" }", &format!("AAA = 10 }}, valid = \"this month\"{limit} }}"));
        let list = shop.own_customers();
        let customers = shop::read(&list);
        // Some share an address, and only the best of them gets a mail there.
        let emails = customers.column_by_name("email").unwrap().as_string::<i32>();
        let emails: StringArray =
            (0..emails.len()).map(|row| if row % 9 == 0 { Some("all@example.com") } else { Some(emails.value(row)) }).collect();
        let at = customers.schema().index_of("email").unwrap();
        let mut columns = customers.columns().to_vec();
        columns[at] = std::sync::Arc::new(emails);
        shop::write(&list, &RecordBatch::try_new(customers.schema(), columns).unwrap());
        shop.call("run", &["--as-of", "2026-11-01", "-q", "--accept", "names"]).run();
        shop.call("plan", &["--as-of", DATE, "-q"]).run();
        let read = |name: &&str| fs::read(shop.runs().join("monthly").join(DATE).join(name)).unwrap();
        assert!(shop.table(DATE, "mails.parquet").len() > 200);
        (tables.iter().map(read).collect::<Vec<_>>(), shop.table(DATE, "skipped.parquet"))
    };
    let (parts, skipped) = plan("");
    let (whole, _) = plan(", limit = 9_000_000");
    for (name, (part, whole)) in tables.iter().zip(parts.iter().zip(&whole)) {
        assert!(part == whole, "{name} is not the same");
    }
    assert!(skipped.iter().any(|row| row["reason"] == "same_address"));
}

#[test]
fn an_interrupted_plan_ends_at_once_and_leaves_nothing() {
    let shop = Shop::with(&["newsletter"]);
    let job = shop.job();
    let mut plan = Command::new(env!("CARGO_BIN_EXE_rankmail")).args(["plan", &job, "--as-of", DATE, "-q"]).spawn().unwrap();
    let folder = shop.runs().join("monthly");
    for _ in 0..2_000 {
        if folder.is_dir() {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-TERM", &plan.id().to_string()]).status().unwrap().success());
    assert_eq!(plan.wait().unwrap().signal(), Some(15));
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).filter(|name| name != "lock").collect();
    assert!(left.is_empty(), "{left:?}");
}
