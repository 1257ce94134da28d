//! Who is one customer: merged ids and households against the same shop with the ids replaced beforehand.

use crate::shop::{DATE, Shop, parquet_files, read, rows, write};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

type Rows = BTreeMap<String, BTreeMap<String, String>>;

/// What `customers.parquet` says of each customer.
fn customers(shop: &Shop, date: &str) -> Rows {
    shop.table(date, "customers.parquet").into_iter().map(|row| (row["customer_id"].clone(), row)).collect()
}

/// The file with a column of texts changed, or added; rows without a value are left out.
fn change(path: &Path, column: &str, value: impl Fn(&BTreeMap<String, String>) -> Option<String>) {
    let (batch, old) = (read(path), rows(path));
    let values: StringArray = old.iter().map(&value).collect();
    let keep = arrow::compute::is_not_null(&values).unwrap();
    let mut columns: Vec<(String, ArrayRef)> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(batch.columns().iter().cloned())
        .filter(|(name, _)| name != column)
        .collect();
    columns.push((column.to_owned(), Arc::new(values)));
    let changed = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true))).unwrap();
    write(path, &filter_record_batch(&changed, &keep).unwrap());
}

fn ids(path: &Path) -> Vec<String> {
    let batch = read(path);
    let ids = cast(batch.column_by_name("customer_id").unwrap(), &DataType::Utf8).unwrap();
    ids.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}

/// A list in which every fifth customer was merged into the one after, and every fiftieth of those further; and where each id ends.
fn merges(ids: &[String]) -> (String, BTreeMap<String, String>) {
    let mut ids = ids.to_vec();
    ids.sort();
    let mut text = "old,new\nnobody,nobody else\n".to_owned();
    let mut ends = BTreeMap::new();
    for (number, five) in ids.chunks_exact(5).enumerate() {
        let chain = if number % 10 == 0 { 2 } else { 1 };
        for pair in five[..=chain].windows(2) {
            text += &format!("{},{}\n", pair[0], pair[1]);
            ends.insert(pair[0].clone(), five[chain].clone());
        }
    }
    (text, ends)
}

#[test]
fn merged_customers_are_what_replaced_ids_would_be() {
    let mut merged = Shop::with(&[]);
    let list = merged.own_customers();
    let (text, ends) = merges(&ids(&list));
    fs::write(merged.path("jobs/merges.csv"), &text).unwrap();
    let mut replaced = Shop::with(&[]);
    let end = |id: &str| ends.get(id).cloned().unwrap_or_else(|| id.to_owned());
    for file in parquet_files(&replaced.own_purchases()) {
        let nobody = |row: &BTreeMap<String, String>| Some(end(&row["customer_id"]));
        change(&file, "customer_id", nobody);
    }
    change(&replaced.own_customers(), "customer_id", |row| Some(row["customer_id"].clone()).filter(|id| !ends.contains_key(id)));
    merged.edit("exclude = { status = [\"退会\"", "merged = \"merges.csv\"\nexclude = { status = [\"退会\"");

    for shop in [&merged, &replaced] {
        shop.call("plan", &["--as-of", DATE, "-q"]).run();
    }
    let (one, other) = (customers(&merged, DATE), customers(&replaced, DATE));
    assert!(one == other, "{:?}", one.iter().zip(&other).find(|(one, other)| one != other));
    assert!(!ends.keys().any(|id| one.contains_key(id)), "nobody has an old id");
    let inputs = merged.plan_json(DATE)["inputs"].to_string();
    assert!(inputs.contains("merges.csv"), "{inputs}");

    let (old, new) = ends.iter().find(|(old, new)| one.contains_key(*new) && *old != *new).unwrap();
    let explained = merged.call("explain", &["--customer", old, "--as-of", DATE, "--json"]).any_output().run().json();
    assert_eq!((explained["customer"].as_str(), explained["merged"].as_str()), (Some(new.as_str()), Some(old.as_str())));

    fs::write(merged.path("jobs/merges.csv"), "a,b\nb,c\nc,a\n").unwrap();
    merged.refuses(3, &["merges customers in a circle: a → b → c"]);
}

#[test]
fn the_highest_rank_of_merged_customers_is_held() {
    let mut shop = Shop::with(&[]);
    shop.run("2026-11-01");
    let before = customers(&shop, "2026-11-01");
    let of = |rank: &str| before.values().filter(|row| row["rank"] == rank).map(|row| row["customer_id"].clone()).collect::<Vec<_>>();
    let (vip, a) = (of("VIP"), of("A"));
    fs::write(shop.path("jobs/merges.csv"), format!("{},{}\n{},{}\n", vip[0], a[0], a[1], vip[1])).unwrap();
    shop.edit("exclude = { status = [\"退会\"", "merged = \"merges.csv\"\nexclude = { status = [\"退会\"");
    shop.call("plan", &["--as-of", DATE, "-q"]).run();
    let after = customers(&shop, DATE);
    assert_eq!((&after[&a[0]]["previous_rank"], &after[&vip[1]]["previous_rank"]), (&"VIP".to_owned(), &"VIP".to_owned()));
    assert!(!after.contains_key(&vip[0]) && !after.contains_key(&a[1]));
}

/// What decides a rank, and what comes of it.
const RANKED: [&str; 17] = [
    "orders_ever",
    "spend_ever",
    "orders",
    "spend",
    "first_order_at",
    "qualifies",
    "rank",
    "previous_rank",
    "rank_change",
    "rank_since",
    "missed_reviews",
    "safe_until",
    "next_rank",
    "next_orders",
    "next_spend",
    "next_on",
    "keep_by",
];

#[test]
fn a_household_ranks_as_one_customer_with_all_of_its_purchases_would() {
    let home = |row: &BTreeMap<String, String>| {
        // Customers of a few neighbouring numbers live together; many live alone.
        let number: usize = row["customer_id"].trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap();
        if number % 10 < 4 { format!("home {}", number / 10) } else { String::new() }
    };
    let mut together = Shop::with(&[]);
    let list = together.own_customers();
    let homes: BTreeMap<String, String> = rows(&list).iter().map(|row| (row["customer_id"].clone(), home(row))).collect();
    change(&list, "home", |row| Some(home(row)));
    let excluded: BTreeSet<String> = rows(&list)
        .iter()
        .filter(|row| ["退会", "社員", "テスト"].contains(&row["status"].as_str()))
        .map(|row| row["customer_id"].clone())
        .collect();
    let mut leads: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, home) in homes.iter().filter(|(id, home)| !home.is_empty() && !excluded.contains(*id)) {
        leads.entry(home).or_insert(id);
    }
    let lead = |id: &str| match homes.get(id).and_then(|home| leads.get(home.as_str())) {
        Some(lead) if !excluded.contains(id) => (*lead).to_owned(),
        _ => id.to_owned(),
    };
    let mut one = Shop::with(&[]);
    for file in parquet_files(&one.own_purchases()) {
        change(&file, "customer_id", |row| Some(lead(&row["customer_id"])));
    }
    together.edit("exclude = { status = [\"退会\"", "household = \"home\"\nexclude = { status = [\"退会\"");
    for shop in [&mut together, &mut one] {
        // Since when somebody is known is each row's own in the one shop and the household's in the other.
        shop.edit("since    = \"first_visit_on\"", "# since");
        shop.edit("rank     = \"rank\"", "# rank");
    }
    for shop in [&together, &one] {
        shop.call("plan", &["--as-of", DATE, "-q"]).run();
    }
    let (together_rows, one_rows) = (customers(&together, DATE), customers(&one, DATE));
    let mut members = 0;
    for (id, row) in &together_rows {
        let other = &one_rows[&lead(id)];
        for column in RANKED {
            assert_eq!(row[column], other[column], "{column} of {id}, who ranks with {}", lead(id));
        }
        members += usize::from(lead(id) != *id);
    }
    assert!(members > 100, "{members} members of households");

    let (id, _) = together_rows.iter().find(|(id, _)| lead(id) != **id).unwrap();
    let explained = together.call("explain", &["--customer", id, "--as-of", DATE, "--json"]).any_output().run().json();
    let told: Vec<&str> = explained["household"]["members"].as_array().unwrap().iter().filter_map(|member| member.as_str()).collect();
    assert!(told.contains(&id.as_str()) && told.contains(&lead(id).as_str()), "{told:?}");
}
