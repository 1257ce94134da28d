//! Runs older than `keep_runs`, from outside: they name nobody any more, the proof stays, and later runs do what they would have done.

use crate::small_shop::Shop;
use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;

const FIRST: &str = "2024-01-01";
const SECOND: &str = "2024-02-01";
/// The last run, which is old too; the next one stands on it.
const LAST: &str = "2024-03-01";

/// A shop whose runs are all old; `campaign` goes into its campaign.
fn shop(keep: &str, campaign: &str) -> Shop {
    let shop = Shop::with(4, |number| format!("good-c{number:03}@b.example"), keep, "");
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("ranks = \"A and up\"\n", &format!("ranks = \"A and up\"\n{campaign}\n"))).unwrap();
    shop
}

fn ledger(shop: &Shop) -> Connection {
    Connection::open(shop.path("runs/ledger.sqlite")).unwrap()
}

fn count(shop: &Shop, which: &str) -> i64 {
    ledger(shop).query_row(&format!("SELECT count(*) FROM mails WHERE {which}"), [], |row| row.get(0)).unwrap()
}

/// The files below the runs, save those of a day, that tell of a customer.
fn telling(shop: &Shop, but: &str) -> Vec<PathBuf> {
    crate::forget::telling(shop, "c001", "山田 1").into_iter().filter(|path| !path.to_string_lossy().contains(but)).collect()
}

#[test]
fn old_runs_name_nobody_and_the_proof_stays() {
    let shop = shop("keep_runs = \"24 months\"", "");
    shop.call(&["run", "--as-of", FIRST, "-q"], 0);
    let hashes = || -> Vec<String> {
        let mut rows: Vec<String> = crate::shop::rows(&shop.path("runs/small").join(FIRST).join("mails.parquet"))
            .iter()
            .map(|row| format!("{} {}", row["mail_id"], row["content_hash"]))
            .collect();
        rows.sort();
        rows
    };
    let before = hashes();
    assert_eq!(count(&shop, "customer_id LIKE 'aged:%'"), 0, "the last adopted run stays as it is, however old");
    shop.call(&["run", "--as-of", SECOND, "-q"], 0);
    assert_eq!(count(&shop, "customer_id LIKE 'aged:%' AND address = '' AND state = 'accepted' AND as_of = '2024-01-01'"), 4);
    let told = shop.call(&["run", "--as-of", LAST], 0);
    assert!(told.contains("nobody is named any more in 1 old run (4 rows"), "{told}");
    assert_eq!(count(&shop, "customer_id LIKE 'aged:%'"), 8);
    let left: Vec<PathBuf> = telling(&shop, LAST).into_iter().filter(|path| !path.to_string_lossy().contains("ledger.sqlite")).collect();
    assert!(left.iter().all(|path| path.to_string_lossy().contains("outbox")) && left.len() == 1, "only the last run's: {left:?}");
    assert_eq!(hashes(), before);
    assert_eq!(shop.outbox().len(), 4);

    // Later plans stand on the last run; what stood on a cleaned one cannot be made again, and is no first run.
    shop.call(&["plan", "--as-of", "2024-04-01", "-q"], 0);
    let held = |day: &str| crate::shop::rows(&shop.path("runs/small").join(day).join("customers.parquet"))[0]["previous_rank"].clone();
    assert_eq!(held("2024-04-01"), "A");
    let into = shop.path("again").display().to_string();
    let told = shop.call(&["plan", "--as-of", "2024-02-15", "--into", &into], 4);
    assert!(told.contains("older than `keep_runs`"), "{told}");
    let told = shop.call(&["send", "--as-of", FIRST], 4);
    assert!(told.contains("older than `keep_runs`"), "{told}");

    // Somebody who is forgotten then is out of the old rows too.
    shop.call(&["forget", "--customer", "c001"], 0);
    assert_eq!((count(&shop, "customer_id LIKE 'aged:%'"), count(&shop, "customer_id LIKE 'forgotten:%'")), (6, 3));
    let told: serde_json::Value = serde_json::from_str(&shop.call(&["forget", "--old", "--json"], 0)).unwrap();
    assert_eq!((&told["runs"], &told["rows"]), (&serde_json::json!([]), &0.into()), "again there is nothing to do");
}

#[test]
fn what_was_sent_once_for_ever_is_not_sent_again() {
    let shop = shop("keep_runs = \"24 months\"", "once = \"ever\"");
    for (day, mails) in [(FIRST, 4), (SECOND, 0), (LAST, 0)] {
        shop.call(&["run", "--as-of", day, "-q"], 0);
        assert_eq!(count(&shop, &format!("as_of = '{day}'")), mails, "{day}");
    }
    assert_eq!(count(&shop, "customer_id LIKE 'aged:%'"), 4);
    // Under a new key the marks of the old one still hold.
    fs::rename(shop.path("rankmail.key"), shop.path("old.key")).unwrap();
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), format!("{job}[keys]\nprevious = [\"old.key\"]\n")).unwrap();
    shop.call(&["run", "--as-of", "2024-04-01", "-q"], 0);
    assert_eq!(count(&shop, "as_of = '2024-04-01'"), 0);
}

#[test]
fn what_has_not_ended_waits_and_what_was_never_sent_goes() {
    let shop = shop("keep_runs = \"24 months\"", "");
    shop.call(&["run", "--as-of", FIRST, "--limit", "1", "-q"], 0);
    shop.call(&["plan", "--as-of", "2024-01-15", "-q"], 0);
    shop.call(&["run", "--as-of", SECOND, "-q"], 0);
    assert!(!shop.path("runs/small/2024-01-15").exists());
    let told: serde_json::Value = serde_json::from_str(&shop.call(&["forget", "--old", "--json"], 0)).unwrap();
    assert_eq!((&told["runs"], &told["open"]), (&serde_json::json!([]), &serde_json::json!([FIRST])));
    shop.call(&["cancel", "--as-of", FIRST], 0);
    let told: serde_json::Value = serde_json::from_str(&shop.call(&["forget", "--old", "--json"], 0)).unwrap();
    assert_eq!((&told["runs"], &told["rows"], &told["files"]), (&serde_json::json!([FIRST]), &4.into(), &1.into()));
}

#[test]
fn a_job_that_counts_points_or_keeps_no_runs_is_refused() {
    let points = shop("keep_runs = \"24 months\"", "");
    let job = fs::read_to_string(points.path("job.toml")).unwrap();
    fs::write(points.path("job.toml"), format!("{job}[points]\nrate = {{ A = \"1%\" }}\n")).unwrap();
    let told = points.call(&["check"], 2);
    assert!(told.contains("would take points away"), "{told}");
    let told = shop("", "").call(&["forget", "--old"], 2);
    assert!(told.contains("keep_runs = \"37 months\""), "{told}");
    let told = shop("keep_runs = \"3 years\"", "").call(&["check"], 2);
    assert!(told.contains("not a number of months"), "{told}");
}

#[test]
fn a_gift_that_was_given_long_ago_is_not_given_again() {
    let gift = |name: &str| format!("{{ likes = \"a\", gift = \"{name}\" }}");
    let offer = format!("offer = {{ kind = \"gift\", choose_by = \"likes\", gifts = [{}, {}], cost = 100 }}", gift("G1"), gift("G2"));
    let shop = shop("keep_runs = \"24 months\"", "");
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("offer = { kind = \"coupon\", percent = 10, valid = \"this month\" }", &offer)).unwrap();
    fs::write(
        shop.path("templates/letter/body.html"),
        fs::read_to_string(shop.path("templates/letter/body.html"))
            .unwrap()
            .replace("{{ offer.code }}", "{% if offer %}{{ offer.gift }}{% endif %}"),
    )
    .unwrap();
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap();
    let list = list.replace("consent\n", "consent,likes\n").replace(",true\n", ",true,a\n");
    fs::write(shop.path("customers.csv"), list).unwrap();
    let given = |day: &str| {
        shop.call(&["run", "--as-of", day, "-q"], 0);
        let rows = crate::shop::rows(&shop.path("runs/small").join(day).join("values.parquet"));
        rows.iter().flat_map(|row| row.values().cloned()).collect::<Vec<_>>().concat()
    };
    let gifts = [FIRST, SECOND, LAST].map(given);
    assert!(gifts[0].contains(r#""gift":"G1""#) && gifts[1].contains(r#""gift":"G2""#), "{gifts:?}");
    assert_eq!(count(&shop, "customer_id LIKE 'aged:%'"), 8);
    assert!(!gifts[2].contains(r#""gift":"G"#), "{gifts:?}");
}
