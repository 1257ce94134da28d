//! The demo shop's purchases written in other ways: what they amount to stays the same.

use crate::program::rankmail;
use crate::shop::{DATE, Shop, parquet_files, read, rows, write};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The features of a shop, as text.
fn features(shop: &Shop) -> Vec<std::collections::BTreeMap<String, String>> {
    let out = shop.path("features.parquet");
    shop.call("features", &["--as-of", DATE, "-q", "--out", &out.to_string_lossy()]).run();
    rows(&out)
}

/// The same file with the columns changed.
fn rewrite(path: &Path, change: impl Fn(&RecordBatch, &mut Vec<(String, ArrayRef)>)) {
    let batch = read(path);
    let names = batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let mut columns: Vec<(String, ArrayRef)> = names.into_iter().zip(batch.columns().iter().cloned()).collect();
    change(&batch, &mut columns);
    write(path, &RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true))).unwrap());
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = arrow::compute::cast(batch.column_by_name(name).unwrap(), &arrow::datatypes::DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn put(columns: &mut Vec<(String, ArrayRef)>, name: &str, values: impl Array + 'static) {
    columns.retain(|(there, _)| there != name);
    columns.push((name.to_owned(), Arc::new(values)));
}

#[test]
fn refunds_with_ids_of_their_own_are_taken_off_the_orders_they_name() {
    let plain = features(&Shop::with(&[]));
    let mut shop = Shop::with(&[]);
    for file in parquet_files(&shop.own_purchases()) {
        rewrite(&file, |batch, columns| {
            let amounts = batch.column_by_name("amount").unwrap().as_primitive::<Int64Type>().clone();
            let orders = texts(batch, "order_id");
            let refund = |row: usize| amounts.value(row) < 0;
            let own = orders.iter().enumerate().map(|(row, id)| if refund(row) { Some(format!("refund {row}")) } else { id.clone() });
            put(columns, "order_id", own.collect::<StringArray>());
            let named = orders.iter().enumerate().map(|(row, id)| id.clone().filter(|_| refund(row)));
            put(columns, "original", named.collect::<StringArray>());
        });
    }
    assert_ne!(features(&shop), plain, "the demo has refunds");
    shop.edit("order    = \"order_id\"", "order    = \"order_id\"\nrefund_of = \"original\"");
    assert_eq!(features(&shop), plain);
}

#[test]
fn an_amount_in_parts_and_states_that_are_included_give_the_same_features() {
    let plain = features(&Shop::with(&[]));
    let mut shop = Shop::with(&[]);
    for file in parquet_files(&shop.own_purchases()) {
        rewrite(&file, |batch, columns| {
            let amounts = batch.column_by_name("amount").unwrap().as_primitive::<Int64Type>().clone();
            let parts = |part: fn(i64) -> Option<i64>| amounts.iter().map(|amount| part(amount?)).collect::<Int64Array>();
            put(columns, "price", parts(|amount| Some(amount + amount % 7 * 100)));
            put(columns, "shipping", parts(|amount| (amount % 3 != 0).then_some(660)));
            put(columns, "discount", parts(|amount| Some(amount % 7 * 100 + if amount % 3 == 0 { 0 } else { 660 })));
            columns.retain(|(name, _)| name != "amount");
            // The demo excludes two states and keeps the nulls; here the same lines are kept by name.
            let states = texts(batch, "status").into_iter().map(|state| Some(state.unwrap_or_else(|| "shipped".to_owned())));
            put(columns, "status", states.collect::<StringArray>());
        });
    }
    shop.edit("exclude = { status = [\"cancelled\", \"test\"] }", "include = { status = [\"paid\", \"shipped\"] }");
    shop.edit("amount   = \"amount\"", "amount   = { add = [\"price\", \"shipping\"], minus = [\"discount\"] }");
    assert_eq!(features(&shop), plain);

    let listed = shop.call("check", &["--data", "--json"]).any_output().run().json();
    let state = |name: &str| {
        let values = listed["data"]["exclude_values"].as_array().unwrap();
        values.iter().find(|value| value["value"] == name).unwrap().clone()
    };
    assert_eq!((&state("test")["excluded"], &state("paid")["excluded"]), (&true.into(), &false.into()));
    assert!(state("shipped")["lines"].as_u64().unwrap() > 20_000 && state("paid")["sum"].as_i64().unwrap() > 0);

    let out = with_a_cancelled_line(&shop);
    let explained = shop.call("explain", &["--customer", &out, "--as-of", DATE, "--json"]).any_output().run().json();
    let why: Vec<&str> = explained["lines"].as_array().unwrap().iter().filter_map(|line| line["why"].as_str()).collect();
    assert!(why.contains(&"not included: status = cancelled"), "{why:?}");
}

/// Somebody with a cancelled line.
fn with_a_cancelled_line(shop: &Shop) -> String {
    let files = parquet_files(&shop.path("data/purchases"));
    let found = files.iter().find_map(|file| {
        let batch = read(file);
        let (customers, states) = (texts(&batch, "customer_id"), texts(&batch, "status"));
        customers.into_iter().zip(states).find_map(|(customer, state)| customer.filter(|_| state.as_deref() == Some("cancelled")))
    });
    found.unwrap()
}

#[test]
fn purchases_as_csv_are_imported_and_give_the_same_features() {
    let plain = features(&Shop::with(&[]));
    let mut shop = Shop::with(&[]);
    let (data, csv) = (shop.own_purchases(), shop.path("csv"));
    fs::create_dir(&csv).unwrap();
    for (number, file) in parquet_files(&data).into_iter().enumerate() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows(&file) {
            if writer.get_ref().is_empty() {
                writer.write_record(row.keys()).unwrap();
                writer.flush().unwrap();
            }
            // A yen amount as a shop's till writes it.
            writer
                .write_record(row.iter().map(|(name, value)| if name == "amount" { format!("¥{value}") } else { value.clone() }))
                .unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let bytes =
            if number % 2 == 0 { text.into_bytes() } else { encoding_rs::SHIFT_JIS.encode(&text.replace('¥', "￥")).0.into_owned() };
        let path = csv.join(format!("sales {number}.csv"));
        fs::write(&path, bytes).unwrap();
        fs::remove_file(file).unwrap();
        let call = rankmail(&["import", &path.to_string_lossy(), "--to", &data.join("imported").to_string_lossy(), "--json"]);
        let told = call.any_output().run().json();
        assert_eq!(
            (told["encoding"].as_str(), told["not_read"].as_u64()),
            (Some(if number % 2 == 0 { "UTF-8" } else { "CP932" }), Some(0))
        );
    }
    assert_eq!(features(&shop), plain);

    let till = csv.join("till.csv");
    let good = |row: u32| format!("{row:05},\"￥1,{row:03}\",R8.11.{}\n", row % 30 + 1);
    let sold: String = (0..40).map(good).collect();
    fs::write(&till, format!("customer_id,amount,at\n{sold}00041,要確認,令和8年11月4日\n00042,△500,2026年11月4日\n")).unwrap();
    let to = shop.path("till");
    let call = ["import", till.to_str().unwrap(), "--to", to.to_str().unwrap()];
    let told = rankmail(&[&call[..], &["--json"]].concat()).code(1).any_output().run().json();
    let kinds: Vec<&str> = told["columns"].as_array().unwrap().iter().map(|column| column["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "whole numbers", "dates"]);
    assert_eq!((told["rows"].as_u64(), told["first_not_read"][0]["line"].as_u64()), (Some(41), Some(42)));
    let last = rows(&to.join("till.parquet")).pop().unwrap();
    assert_eq!([&last["customer_id"], &last["amount"], &last["at"]], ["00042", "-500", "2026-11-04"]);
    rankmail(&[&call[..], &["--force", "--max-bad-rows", "1%"]].concat()).code(3).complains("1 of 42 rows").run();
    rankmail(&[&call[..], &["--force", "--type", "amount=text"]].concat()).any_output().run();
    rankmail(&[&call[..], &["--max-bad-rows", "1"]].concat()).code(2).complains("write a percentage from 0% to 100%").run();
    rankmail(&[&call[..], &["--type", "amount=money"]].concat()).code(2).complains("COLUMN=dmy, COLUMN=mdy or COLUMN=text").run();

    let ragged = csv.join("ragged.csv");
    fs::write(&ragged, "id,amount\n1,2\n1\n").unwrap();
    let to = shop.path("elsewhere");
    rankmail(&["import", &ragged.to_string_lossy(), "--to", &to.to_string_lossy()]).code(1).says("line 3 has 1 fields").run();
    fs::write(&ragged, "id,amount\n").unwrap();
    rankmail(&["import", &ragged.to_string_lossy(), "--to", &to.to_string_lossy(), "-q"])
        .code(3)
        .complains("has no row below its header")
        .run();
}

#[test]
fn an_import_says_what_to_write_where_a_column_does_not_tell() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("us.csv");
    fs::write(&csv, "id,sold at,amount\n=\"001\",01/05/2026 1:02 PM,€12.50\n'002,02/05/2026 9:00 AM,\"€1,003\"\n").unwrap();
    let to = folder.path().join("out");
    let call = ["import", csv.to_str().unwrap(), "--to", to.to_str().unwrap(), "--force"];
    let hint = "`sold at` is text, though most of it looks like numbers or dates (\"01/05/2026 1:02 PM\" on line 2)";
    rankmail(&call).says(hint).says("--type \"sold at=mdy\" or --type \"sold at=dmy\"").says("2 cells of `id`").run();
    rankmail(&[&call[..], &["--type", "sold at=date"]].concat()).code(3).complains("nothing in the column tells its days").run();
    rankmail(&[&call[..], &["--type", "sold at=mdy"]].concat()).any_output().run();
    let last = rows(&to.join("us.parquet")).pop().unwrap();
    assert_eq!([&last["id"], &last["sold at"], &last["amount"]], ["002", "2026-02-05T09:00:00", "1003.0"]);
}

#[test]
fn the_memory_that_a_run_may_take_changes_nothing_but_where_purchases_wait() {
    let shop = Shop::with(&[]);
    let free = features(&shop);
    let out = shop.path("features.parquet");
    let written = fs::read(&out).unwrap();
    let call =
        |memory: &str| shop.attempt("features", &["--as-of", DATE, "--threads", "2", "--memory", memory, "--out", &out.to_string_lossy()]);
    let (code, _, told) = call("10MB");
    assert_eq!(code, 2, "{told}");
    let smallest = told.split_once(" need ").and_then(|(_, rest)| rest.split_once(' ')).unwrap().0;
    assert!(told.contains("--threads") && smallest.ends_with("MB"), "{told}");
    let (code, _, told) = call(smallest);
    assert_eq!((code, told.as_str()), (0, ""));
    assert!(fs::read(&out).unwrap() == written && !free.is_empty());
    let (code, _, told) = call("2 pounds");
    assert!(code == 2 && told.contains("such as 2GB"), "{told}");
}
