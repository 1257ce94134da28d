//! What must hold when a server is at its worst: it takes mails and tells nobody, or says nothing at all.

use crate::sink::{Manners, Sink};
use crate::small_shop::{DATE, Shop, finish};
use rankmail::domain::State;
use std::process::Command;
use std::time::{Duration, Instant};

/// A stop takes less than two seconds; the rest is for a busy machine. A silent server is silent for twenty.
const STOPPED: Duration = Duration::from_secs(6);

fn smtp(keys: &str) -> String {
    format!("[mail.smtp]\n{keys}\n")
}

fn once(sink: &Sink) -> usize {
    let taken = sink.taken();
    let mut ids: Vec<&str> = taken.iter().map(|mail| mail.message_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), taken.len(), "taken more than once: {taken:?}");
    ids.len()
}

#[test]
fn a_server_that_takes_every_mail_and_answers_none_stops_the_run() {
    const CONNECTIONS: u64 = 4;
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let shop = Shop::with(60, |number| format!("dot-250drop-c{number:03}@b.example"), "", &smtp(&format!("connections = {CONNECTIONS}")));
    shop.plan();
    let mut before = 0;
    for _ in 0..2 {
        let told = shop.send(&sink, &[], 5);
        assert!(
            told.contains("in doubt") && told.contains("rankmail resolve") && told.contains("the server closed the connection"),
            "{told}"
        );
        let doubts = shop.count(State::InDoubt);
        assert!((10..10 + CONNECTIONS).contains(&(doubts - before)), "{doubts} in doubt, {before} before");
        assert_eq!((shop.count(State::Planned) + doubts, once(&sink) as u64), (60, doubts));
        before = doubts;
    }
}

#[test]
fn doubts_between_mails_that_are_accepted_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let address = |number| match number % 3 {
        0 => format!("good-c{number:03}@b.example"),
        1 => format!("dot-250drop-c{number:03}@b.example"),
        _ => format!("rcpt-550-c{number:03}@b.example"),
    };
    // Broken connections slow a domain down that has not taken the mail; these were taken.
    let shop = Shop::with(60, address, "", &smtp("connections = 1"));
    shop.plan();
    shop.send(&sink, &[], 1);
    assert_eq!([State::Accepted, State::InDoubt, State::Rejected].map(|state| shop.count(state)), [20; 3]);
    assert_eq!(once(&sink), 40);
}

fn manners(greeting: &'static str, ehlo: &'static str, offers: &'static [&'static str]) -> Manners {
    Manners { greeting, ehlo, offers, ..Manners::default() }
}

/// A mail whose dot has not left can wait; nobody has to wait for the server then.
#[test]
fn a_stop_does_not_wait_for_a_silent_server() {
    for (place, manners, from, local) in [
        ("at the greeting", manners("stall", "250", &[]), "hello", "good"),
        ("at EHLO", manners("220", "stall", &[]), "hello", "good"),
        ("at MAIL", manners("220", "250", &[]), "mail-stall", "good"),
        ("at RCPT", manners("220", "250", &[]), "hello", "rcpt-stall"),
        ("at RCPT, of several commands", manners("220", "250", &["SIZE 1000000", "PIPELINING"]), "hello", "rcpt-stall"),
        ("at DATA", manners("220", "250", &[]), "hello", "data-stall"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::with(folder.path(), manners);
        let shop = Shop::with(12, |number| format!("{local}-c{number:03}@b.example"), "", "");
        shop.write_job(&format!("from = \"{from}@tsubaki.example\""), "", &smtp("connections = 3"));
        shop.plan();
        let mut child = shop.start(&["send", "--smtp", &sink.url()]);
        let start = Instant::now();
        while sink.connections() == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "{place}: nobody came");
            std::thread::sleep(Duration::from_millis(5));
        }
        // Long enough to be where the server is silent.
        std::thread::sleep(Duration::from_millis(700));
        let start = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(143), "{place}");
        assert!(start.elapsed() < STOPPED, "{place}: it took {:?}", start.elapsed());
        assert_eq!((shop.count(State::Planned), sink.taken().len()), (12, 0), "{place}: {:?}", shop.states());
    }
}

#[test]
fn what_was_stopped_early_goes_out_once_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let address = |number| if number == 5 { "rcpt-stall-c005@b.example".to_owned() } else { format!("dot-250nap-c{number:03}@b.example") };
    let shop = Shop::with(40, address, "", &smtp("connections = 2"));
    shop.plan();
    let mut child = shop.start(&["send", "--smtp", &sink.url()]);
    let start = Instant::now();
    while sink.taken().len() < 10 {
        assert!(start.elapsed() < Duration::from_secs(20), "no mail came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let start = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < STOPPED, "it took {:?}", start.elapsed());
    let accepted = shop.count(State::Accepted);
    assert_eq!((once(&sink) as u64, accepted + shop.count(State::Planned)), (accepted, 40), "open dots were finished");

    shop.call(&["cancel", "--as-of", DATE, "--customer", "c005"], 0);
    shop.send(&sink, &["--as-of", DATE], 0);
    assert_eq!((once(&sink), shop.count(State::Accepted)), (39, 39));
}

/// What the program prints about a sending in which everything happens. Addresses are personal, and the ledger's export has them on purpose;
/// a terminal, a log of a service and the figures for other programs do not.
#[test]
fn what_is_printed_names_no_address_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let address = |number| match number % 6 {
        0 => format!("rcpt-550gone-c{number:03}@b.example"),
        1 => format!("dot-250drop-c{number:03}@b.example"),
        2 => format!("rcpt-451-c{number:03}@b.example"),
        3 => format!("data-554-c{number:03}@b.example"),
        _ => format!("good-c{number:03}@b.example"),
    };
    let shop = Shop::with(30, address, "", &smtp("return_path = \"back+{token}@tsubaki.example\""));
    std::fs::write(shop.path("out.csv"), "c004\ngood-c010@b.example\n").unwrap();
    let send = ["send", "--as-of", DATE, "--smtp", &sink.url(), "--no-wait"];
    let calls: [(&[&str], i32); 13] = [
        (&["check", "--data"], 0),
        (&["plan", "--as-of", DATE, "-v"], 0),
        (&["plan", "--as-of", DATE, "--json"], 0),
        (&["optout", "import"], 0),
        (&send, 1),
        (&[&send[..], &["-v"]].concat(), 1),
        (&[&send[..], &["--json"]].concat(), 1),
        (&["status", "-v"], 0),
        (&["status", "--json"], 0),
        (&["resolve", "--all", "--as", "again"], 0),
        (&["cancel"], 0),
        (&["status", "--json"], 0),
        (&["send", "--as-of", DATE, "--smtp", "smtp://127.0.0.1:1"], 2),
    ];
    let mut told = String::new();
    for (call, code) in calls {
        told += &match call {
            ["optout", "import"] => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
                finish(command.args(call).arg(shop.path("job.toml")).arg(shop.path("out.csv")).current_dir(shop.folder.path()), code)
            }
            _ => shop.call(call, code),
        };
    }
    let key = std::fs::read_to_string(shop.path("rankmail.key")).unwrap_or_default();
    let page = std::fs::read_to_string(shop.path(&format!("runs/small/{DATE}/report.html"))).unwrap();
    let page_names_some = page.matches("@b.example").count();
    assert!(told.len() > 2_000 && !sink.taken().is_empty(), "{told}");
    for secret in ["@b.example", "山田", key.trim()] {
        assert!(!secret.is_empty() && !told.contains(secret), "{secret} in {told}");
    }
    assert_eq!(page_names_some, 0, "the report names addresses");
    assert_eq!(once(&sink), sink.taken().len());
}

#[test]
fn an_owner_that_sleeps_keeps_the_run_and_sends_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let shop = Shop::with(60, |number| format!("dot-250nap-c{number:03}@b.example"), "", &smtp("connections = 2"));
    shop.plan();
    let mut child = shop.start(&["send", "--smtp", &sink.url()]);
    let signal = |name: &str| assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    let start = Instant::now();
    while sink.taken().len() < 5 {
        assert!(start.elapsed() < Duration::from_secs(20), "no mail came");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal("-STOP");
    std::thread::sleep(Duration::from_millis(300));
    let before = sink.taken().len();
    let start = Instant::now();
    shop.send(&sink, &["--as-of", DATE], 4);
    assert!(start.elapsed() < Duration::from_secs(10), "the second run ended after {:?}", start.elapsed());
    assert_eq!(sink.taken().len(), before, "nobody sends while the owner sleeps");
    signal("-CONT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((once(&sink), shop.count(State::Accepted)), (60, 60));
}
