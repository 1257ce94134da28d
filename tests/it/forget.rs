//! Forgetting a customer, from outside: nothing tells of them any more, what proves that mails went out stays, and runs go on.

use crate::sink::Sink;
use crate::small_shop::{DATE, Shop, finish};
use rankmail::domain::State;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

const NEXT: &str = "2027-01-01";

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The files below the folder of runs that tell of a customer, by name, address or canary; in tables by the id too. (The id alone may
/// be a part of a hash.)
pub fn telling(shop: &Shop, customer: &str, name: &str) -> Vec<PathBuf> {
    let words = [name.to_owned(), format!("{customer}@b.example"), format!("canary-{customer}-"), format!("\"{customer}\"")];
    let tells = |path: &PathBuf| {
        if path.extension().is_some_and(|end| end == "parquet") {
            let rows = crate::shop::rows(path);
            return rows.iter().flat_map(|row| row.values()).any(|cell| cell == customer || words.iter().any(|word| cell.contains(word)));
        }
        let bytes = fs::read(path).unwrap();
        words.iter().any(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
    };
    files(&shop.path("runs")).into_iter().filter(tells).collect()
}

fn forget(shop: &Shop, customer: &str, code: i32) -> serde_json::Value {
    serde_json::from_str(&shop.call(&["forget", "--customer", customer, "--json"], code)).unwrap()
}

fn ledger(shop: &Shop) -> Connection {
    Connection::open(shop.path("runs/ledger.sqlite")).unwrap()
}

#[test]
fn nothing_tells_of_who_is_forgotten_and_runs_go_on() {
    let shop = Shop::new(6);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    shop.call(&["run", "--as-of", NEXT, "-q"], 0);
    shop.call(&["plan", "--as-of", "2027-02-01", "-q"], 0);
    let id: String =
        ledger(&shop).query_row("SELECT mail_id FROM mails WHERE customer_id = 'c002' AND as_of = ?1", [DATE], |row| row.get(0)).unwrap();
    // A doctor that was killed leaves behind what it looked at.
    shop.call(&["plan", "--as-of", "2027-02-01", "--into", &shop.path("runs/small/.doctor").display().to_string(), "-q"], 0);
    let telling = || telling(&shop, "c002", "山田 2");
    assert!(telling().len() > 8, "{:?}", telling());

    let told = forget(&shop, "c002", 0);
    assert_eq!((&told["rows"], &told["files"]), (&2.into(), &2.into()), "{told}");
    assert_eq!((&told["runs"], &told["removed_plans"]), (&serde_json::json!([DATE, NEXT]), &serde_json::json!(["2027-02-01"])));
    assert_eq!(telling(), Vec::<PathBuf>::new());
    let known: i64 = ledger(&shop).query_row("SELECT count(*) FROM mails WHERE customer_id = 'c002'", [], |row| row.get(0)).unwrap();
    assert_eq!(known, 0);
    assert_eq!(shop.outbox().len(), 10);

    let row = |column: &str| -> String {
        let sql = format!("SELECT CAST({column} AS TEXT) FROM mails WHERE mail_id = ?1");
        ledger(&shop).query_row(&sql, [&id], |row| row.get(0)).unwrap()
    };
    assert_eq!(
        (row("state"), row("address"), row("campaign")),
        ("accepted".into(), String::new(), "letter".into()),
        "what proves it stays"
    );
    assert!(row("customer_id").starts_with("forgotten:") && row("first_claim_at > 0") == "1");

    // The shop's own list still has them.
    shop.call(&["run", "--as-of", "2027-02-01", "-q"], 0);
    assert_eq!(shop.outbox().len(), 15);
    let explained = shop.call(&["explain", "--customer", "c002", "--as-of", "2027-02-01"], 0);
    assert!(explained.contains("rankmail forget"), "{explained}");
    shop.call(&["send", "--as-of", DATE], 0);
    let again = forget(&shop, "c002", 0);
    assert_eq!((&again["rows"], &again["runs"]), (&0.into(), &serde_json::json!([])), "they have not come back");
    assert_eq!(self::telling(&shop, "c002", "山田 2"), Vec::<PathBuf>::new());
    let plan = fs::read_to_string(shop.path("runs/small/2027-02-01/plan.json")).unwrap();
    assert!(plan.contains("customers.csv still has 1 who were forgotten"), "{plan}");

    let folder = shop.path("runs/small/2027-02-01");
    fs::write(folder.join("skipped.parquet"), fs::read(folder.join("mails.parquet")).unwrap()).unwrap();
    let altered = shop.call(&["forget", "--customer", "c003"], 4);
    assert!(altered.contains("skipped.parquet"), "{altered}");
    shop.call(&["plan", "--as-of", "2027-03-01"], 4);
}

#[test]
fn a_plan_that_was_not_adopted_does_not_become_it_by_forgetting() {
    let shop = Shop::new(4);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let copy = shop.path("copy");
    shop.write_job("reply_to = \"x@tsubaki.example\"", "", "");
    shop.call(&["plan", "--as-of", DATE, "--into", &copy.display().to_string(), "-q"], 0);
    fs::remove_dir_all(shop.path("runs/small").join(DATE)).unwrap();
    fs::rename(&copy, shop.path("runs/small").join(DATE)).unwrap();
    shop.call(&["forget", "--customer", "c001"], 4);
    shop.call(&["plan", "--as-of", NEXT], 4);
}

#[test]
fn what_has_not_left_is_cancelled_and_the_rest_is_sent() {
    let address = |number| if number == 0 { "dot-250drop-c000@b.example".to_owned() } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(5, address, "", "[mail.smtp]\non_in_doubt = \"resend\"\n");
    shop.plan();
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    shop.send(&sink, &["--limit", "2"], 1);
    assert_eq!((shop.count(State::InDoubt), shop.count(State::Accepted)), (1, 1));
    forget(&shop, "c000", 0);
    forget(&shop, "c004", 0);
    assert_eq!((shop.count(State::Cancelled), shop.count(State::Planned), shop.count(State::InDoubt)), (1, 2, 1));
    shop.call(&["resolve", "--all", "--as", "again"], 0);
    shop.send(&sink, &["--as-of", DATE], 1);
    assert_eq!((shop.count(State::Accepted), shop.count(State::InDoubt), sink.taken().len()), (3, 1, 4), "nobody knows where to any more");
    assert!(!sink.taken().iter().any(|mail| mail.recipient.contains("c004")));
}

#[test]
fn other_jobs_that_know_the_customer_are_named() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let other = fs::read_to_string(shop.path("job.toml")).unwrap().replace("name = \"small\"", "name = \"other\"");
    fs::write(shop.path("other.toml"), other).unwrap();
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    run.arg("run").arg(shop.path("other.toml")).args(["--as-of", DATE, "-q"]);
    finish(&mut run, 0);
    assert_eq!(forget(&shop, "c001", 1)["other_jobs"], serde_json::json!(["other"]));
    let mut forget_there = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    forget_there.arg("forget").arg(shop.path("other.toml")).args(["--customer", "c001"]);
    finish(&mut forget_there, 0);
    assert_eq!(telling(&shop, "c001", "山田 1"), Vec::<PathBuf>::new());
}

#[test]
fn an_address_that_was_stopped_stays_stopped_for_others_who_have_it() {
    let shop = Shop::with(3, |number| if number == 0 { "good-c000@b.example".into() } else { "good-both@b.example".to_owned() }, "", "");
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    assert_eq!(shop.outbox().len(), 2, "one of the two gets the mail");
    fs::write(shop.path("out.csv"), "c001\n").unwrap();
    let mut import = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    import.args(["optout", "import"]).args([shop.path("job.toml"), shop.path("out.csv")]);
    finish(&mut import, 0);
    forget(&shop, "c001", 0);
    let plain: i64 = ledger(&shop)
        .query_row("SELECT count(*) FROM suppressions WHERE address LIKE '%@%' OR customer_id = 'c001'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(plain, 0);
    shop.call(&["plan", "--as-of", NEXT, "-q"], 0);
    let reasons: Vec<String> =
        crate::shop::rows(&shop.path("runs/small").join(NEXT).join("skipped.parquet")).iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(reasons, ["unsubscribed"], "c002 at the same address");
}

#[test]
fn forgetting_lets_nobody_through_whose_address_was_stopped() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let list = "id,email,name,consent\nc000,good-c000@b.example,a,true\nc002,good-c001@b.example,b,true\n";
    fs::write(shop.path("customers.csv"), list).unwrap();
    shop.call(&["run", "--as-of", NEXT, "--limit", "0", "-q"], 0);
    fs::write(shop.path("out.csv"), "c001\n").unwrap();
    let mut import = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    import.args(["optout", "import"]).args([shop.path("job.toml"), shop.path("out.csv")]);
    finish(&mut import, 0);
    forget(&shop, "c001", 0);
    shop.call(&["send", "--as-of", NEXT, "-q"], 0);
    let state: (String, String) = ledger(&shop)
        .query_row("SELECT state, reason FROM mails WHERE customer_id = 'c002' AND as_of = ?1", [NEXT], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(state, ("suppressed".to_owned(), "unsubscribed".to_owned()));
}

#[test]
fn an_id_that_nobody_has_is_told_and_an_empty_one_is_none() {
    let shop = Shop::new(2);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    for empty in ["", " "] {
        let told = shop.call(&["forget", "--customer", empty], 2);
        assert!(told.contains("--customer"), "{told}");
    }
    let told = shop.call(&["forget", "--customer", "c0001"], 0);
    assert!(told.contains("have nothing of `c0001`") && !told.contains('✓'), "{told}");
    assert_eq!(forget(&shop, "c0001", 0)["found"], false);
    assert_eq!(forget(&shop, "c001", 0)["found"], true);
}

#[test]
fn a_job_that_ranks_the_customer_and_mails_nobody_is_named_too() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let other = fs::read_to_string(shop.path("job.toml")).unwrap().replace("name = \"small\"", "name = \"other\"");
    fs::write(shop.path("other.toml"), other.replace("ranks = \"A and up\"", "ranks = \"none\"").replace("offer = ", "#")).unwrap();
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    run.arg("run").arg(shop.path("other.toml")).args(["--as-of", DATE, "-q"]);
    finish(&mut run, 0);
    let mailed: i64 = ledger(&shop).query_row("SELECT count(*) FROM mails WHERE job = 'other'", [], |row| row.get(0)).unwrap();
    assert_eq!(mailed, 0);
    assert_eq!(forget(&shop, "c001", 1)["other_jobs"], serde_json::json!(["other"]));
    assert_eq!(forget(&shop, "nobody", 0)["other_jobs"], serde_json::json!([]));
}

#[test]
fn an_opt_out_that_comes_later_brings_no_id_back() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    forget(&shop, "c001", 0);
    fs::write(shop.path("out.csv"), "c001\nc002\n").unwrap();
    let mut import = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    import.args(["optout", "import"]).args([shop.path("job.toml"), shop.path("out.csv")]);
    finish(&mut import, 0);
    let stopped: Vec<Option<String>> = ledger(&shop)
        .prepare("SELECT customer_id FROM suppressions WHERE customer_id NOT LIKE 'forgotten:%' OR customer_id IS NULL")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(stopped, [Some("c002".to_owned())]);
}

#[test]
fn keys_may_change_more_than_once() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    forget(&shop, "c001", 0);
    for (keys, name) in [("\"old.key\"", "old.key"), ("[\"old.key\", \"older.key\"]", "older.key")] {
        if name == "older.key" {
            fs::rename(shop.path("old.key"), shop.path(name)).unwrap();
        }
        fs::rename(shop.path("rankmail.key"), shop.path("old.key")).unwrap();
        shop.write_job("", "", &format!("[keys]\nprevious = {keys}\n"));
        shop.call(&["plan", "--as-of", NEXT, "-q"], 0);
        let explained = shop.call(&["explain", "--customer", "c001", "--as-of", NEXT], 0);
        assert!(explained.contains("rankmail forget"), "{keys}: {explained}");
    }
}

/// A second job of the shop, and calls of the program on it.
fn other(shop: &Shop, arguments: &[&str], code: i32) -> String {
    let job = fs::read_to_string(shop.path("job.toml")).unwrap().replace("name = \"small\"", "name = \"other\"");
    fs::write(shop.path("other.toml"), job).unwrap();
    let (verb, rest) = arguments.split_first().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    command.arg(verb).arg(shop.path("other.toml")).args(rest);
    finish(&mut command, code)
}

fn states_of_other(shop: &Shop) -> Vec<(String, String)> {
    let ledger = ledger(shop);
    let mut rows = ledger.prepare("SELECT customer_id, state FROM mails WHERE job = 'other' ORDER BY customer_id").unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn who_is_forgotten_by_one_job_gets_nothing_that_waits_of_another() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let words = |states: [(&str, &str); 3]| states.map(|(id, state)| (id.to_owned(), state.to_owned())).to_vec();
    other(&shop, &["run", "--as-of", DATE, "--limit", "0", "-q"], 0);
    assert_eq!(states_of_other(&shop), words([("c000", "planned"), ("c001", "planned"), ("c002", "planned")]));
    forget(&shop, "c000", 1);
    other(&shop, &["send", "-q"], 0);
    assert_eq!(states_of_other(&shop), words([("c000", "suppressed"), ("c001", "accepted"), ("c002", "accepted")]));
}

#[test]
fn a_plan_of_another_job_from_before_sends_nothing_to_who_was_forgotten() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    other(&shop, &["plan", "--as-of", DATE, "-q"], 0);
    fs::write(shop.path("out.csv"), "c000\n").unwrap();
    let mut import = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    import.args(["optout", "import"]).args([shop.path("job.toml"), shop.path("out.csv")]);
    finish(&mut import, 0);
    forget(&shop, "c000", 1);
    other(&shop, &["send", "--as-of", DATE, "-q"], 0);
    let states = states_of_other(&shop);
    assert_eq!(states[0], ("c000".to_owned(), "suppressed".to_owned()));
    assert_eq!(states.iter().filter(|(_, state)| state == "accepted").count(), 2, "{states:?}");
}
