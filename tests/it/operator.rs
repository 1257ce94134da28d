//! What an operator does to the ledger by hand: what is in doubt is settled, what has not left is called off, a campaign is stopped
//! while it is being sent.

use crate::sink::{Sink, Taken};
use crate::small_shop::{DATE, Shop, finish};
use arrow::array::{Array, Date32Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rankmail::domain::State;
use std::fs::{self, File};
use std::time::{Duration, Instant};

fn server() -> (tempfile::TempDir, Sink) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    (folder, sink)
}

/// Of ten customers, these get a mail whose answer is lost.
fn doubtful(numbers: &'static [usize]) -> Shop {
    let address = |number: usize| {
        let action = if numbers.contains(&number) { "dot-250drop" } else { "good" };
        format!("{action}-c{number:03}@b.example")
    };
    let shop = Shop::with(10, address, "", "");
    shop.plan();
    shop
}

#[test]
fn mails_in_doubt_are_settled_one_by_one_or_all_at_once() {
    let shop = doubtful(&[2, 5, 7]);
    let nothing = shop.call(&["resolve", "--all", "--as", "sent"], 2);
    assert!(nothing.contains("nothing of small was adopted"), "{nothing}");
    let (_folder, sink) = server();
    shop.send(&sink, &[], 1);
    let doubts = shop.in_doubt();
    assert_eq!((doubts.len(), sink.taken().len()), (3, 10));

    shop.call(&["resolve", "--mail", &doubts[0], "--as", "sent"], 0);
    assert_eq!((shop.count(State::Accepted), shop.count(State::InDoubt)), (8, 2));
    let told = shop.call(&["resolve", "--mail", &doubts[0], "--as", "again"], 2);
    assert!(told.contains("is `accepted`"), "{told}");
    let told = shop.call(&["resolve", "--mail", "nobody", "--as", "again"], 2);
    assert!(told.contains("no mail nobody"), "{told}");

    std::thread::sleep(Duration::from_millis(1_100));
    let told = shop.call(&["resolve", "--all", "--as", "again", "--json"], 0);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["mails"], &told["to"], &told["states"]["planned"]), (&2.into(), &"planned".into(), &2.into()));
    shop.send(&sink, &[], 1);
    let copies = |id: &str| -> Vec<Taken> { sink.taken().into_iter().filter(|mail| mail.message_id.contains(id)).collect() };
    for doubt in &doubts[1..] {
        let copies = copies(doubt);
        assert_eq!(copies.len(), 2);
        assert_eq!(copies[0], copies[1], "what goes again is the same, with the same date");
    }
    assert_eq!((copies(&doubts[0]).len(), sink.taken().len()), (1, 12), "what has arrived does not go again");
}

#[test]
fn what_is_cancelled_never_leaves() {
    let shop = Shop::new(12);
    shop.plan();
    let (_folder, sink) = server();
    shop.call(&["cancel"], 2);
    shop.send(&sink, &["--limit", "3"], 0);
    let told = shop.call(&["cancel", "--campaign", "lettre"], 2);
    assert!(told.contains("it has letter"), "{told}");
    shop.call(&["cancel", "--customer", "c011"], 0);
    assert_eq!((shop.count(State::Cancelled), shop.count(State::Planned)), (1, 8));
    let plan = shop.call(&["show", "--customer", "c010", "--json"], 0);
    let mail = plan.split("\"mail_id\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    shop.call(&["cancel", "--mail", &mail], 0);
    assert_eq!(shop.count(State::Cancelled), 2);
    let told = shop.call(&["cancel", "--mail", &mail], 2);
    assert!(told.contains("is `cancelled`"), "{told}");
    shop.send(&sink, &["--limit", "1"], 0);
    shop.call(&["cancel", "--campaign", "letter"], 0);
    assert_eq!((shop.count(State::Accepted), shop.count(State::Cancelled)), (4, 8));
    shop.send(&sink, &["--as-of", DATE], 0);
    assert_eq!(sink.taken().len(), 4);
    shop.call(&["cancel"], 0);
    assert_eq!(shop.count(State::Accepted), 4, "what has left stays as it is");
}

#[test]
fn a_campaign_stops_while_it_is_sent_and_goes_on_when_it_may() {
    const CONNECTIONS: usize = 2;
    let nap = |number| format!("dot-250nap-c{number:03}@b.example");
    let shop = Shop::with(80, nap, "", &format!("[mail.smtp]\nconnections = {CONNECTIONS}\n"));
    shop.plan();
    let (_folder, sink) = server();
    let mut child = shop.start(&["send", "--smtp", &sink.url(), "-q"]);
    let start = Instant::now();
    while sink.taken().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is sent");
        std::thread::sleep(Duration::from_millis(2));
    }
    shop.call(&["stop", "--campaign", "letter"], 0);
    let then = sink.taken().len();
    assert_eq!(child.wait().unwrap().code(), Some(1), "what is held is not done");
    let (accepted, held) = (shop.count(State::Accepted), shop.count(State::Held));
    assert_eq!(accepted + held, 80, "{:?}", shop.states());
    assert!(held > 0 && sink.taken().len() <= then + CONNECTIONS, "{then} had left, {accepted} left in the end");
    let status = shop.call(&["status"], 0);
    assert!(status.contains("letter is stopped"), "{status}");
    shop.send(&sink, &["--as-of", DATE], 1);
    assert_eq!(shop.count(State::Held), held);

    shop.call(&["stop", "--campaign", "letter", "--resume"], 0);
    shop.send(&sink, &[], 0);
    assert_eq!((shop.count(State::Accepted), sink.taken().len()), (80, 80), "nothing is lost and nothing goes twice");
}

#[test]
fn all_rows_come_out_as_parquet() {
    let shop = doubtful(&[4]);
    let (_folder, sink) = server();
    shop.send(&sink, &[], 1);
    let file = shop.path("ledger.parquet");
    let told = shop.call(&["ledger", "--export", &file.display().to_string()], 0);
    assert!(told.contains("10 rows"), "{told}");
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap().build().unwrap();
    let rows: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let [rows] = rows.as_slice() else { panic!("ten rows are one batch") };
    let texts = |name: &str| -> Vec<Option<String>> {
        let column = rows.column_by_name(name).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
        column.iter().map(|text| text.map(str::to_owned)).collect()
    };
    let mut states = texts("state");
    states.sort();
    assert_eq!(states.iter().flatten().filter(|state| *state == "accepted").count(), 9);
    assert_eq!(states.last().unwrap().as_deref(), Some("in_doubt"));
    let mut customers = texts("customer_id");
    customers.sort();
    assert_eq!(customers, (0..10).map(|number| Some(format!("c{number:03}"))).collect::<Vec<_>>());
    let days = rows.column_by_name("as_of").unwrap().as_any().downcast_ref::<Date32Array>().unwrap();
    assert_eq!(days.value_as_date(0).unwrap().to_string(), DATE);
    assert_eq!(rows.column_by_name("first_claim_at").unwrap().null_count(), 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_campaign_that_was_stopped_keeps_its_day() {
    let shop = Shop::new(2);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    let dated = job.replace("name = \"letter\"\n", "name = \"letter\"\nsend = \"28th 11:07\"\n");
    assert_ne!(job, dated);
    // Whatever day the tests run, this one is still to come.
    fs::write(shop.path("job.toml"), dated.replace("stale = \"off\"\n", "stale = \"off\"\nfuture = \"off\"\n")).unwrap();
    let far = "2199-12-01";
    let (_folder, sink) = server();
    shop.call(&["run", "--as-of", far, "--smtp", &sink.url(), "--no-wait", "-q"], 1);
    shop.call(&["stop", "--campaign", "letter"], 0);
    shop.call(&["stop", "--campaign", "letter", "--resume"], 0);
    shop.call(&["send", "--as-of", far, "--smtp", &sink.url(), "--no-wait", "-q"], 1);
    assert_eq!(sink.taken().len(), 0);
}

#[test]
fn no_export_takes_the_place_of_what_the_runs_folder_holds() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let before = fs::read(shop.path("runs/ledger.sqlite")).unwrap();
    let plan = format!("runs/small/{DATE}/plan.json");
    let of_plan = fs::read(shop.path(&plan)).unwrap();
    fs::create_dir(shop.path("elsewhere")).unwrap();
    let places = [
        "runs/ledger.sqlite",
        "runs/LEDGER.sqlite-wal",
        "runs/ledger.sqlite-shm",
        "elsewhere/../runs/ledger.sqlite",
        &plan,
        "runs/small/new.csv",
    ];
    for place in places {
        let file = shop.path(place).display().to_string();
        let mut opt_outs = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
        opt_outs.args(["optout", "export"]).arg(shop.path("job.toml")).args(["--out", &file]);
        for told in [
            shop.call(&["ledger", "--export", &file], 2),
            shop.call(&["export", "--ranks", "--as-of", DATE, "--out", &file], 2),
            finish(&mut opt_outs, 2),
        ] {
            assert!(told.contains("runs folder") && told.contains("another place"), "{place}: {told}");
        }
    }
    assert_eq!(fs::read(shop.path("runs/ledger.sqlite")).unwrap(), before);
    assert_eq!(fs::read(shop.path(&plan)).unwrap(), of_plan);
    for _ in 0..2 {
        shop.call(&["ledger", "--export", &shop.path("runs/all.parquet").display().to_string()], 0);
    }
}
