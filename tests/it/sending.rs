//! Sending from outside: each mail once, whatever happens to the program or the server, and an exit code that says what happened.

use crate::shop;
use crate::sink::{Manners, Sink, Taken};
use crate::small_shop::{DATE, Shop, finish};
use arrow::array::{AsArray, RecordBatch, StringArray};
use mail_parser::MessageParser;
use rankmail::domain::{SkipReason, State};
use rankmail::ledger::{Ledger, Suppression};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn server() -> (TempDir, Sink) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    (folder, sink)
}

/// How often each mail was taken.
fn times(taken: &[Taken]) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for mail in taken {
        *times.entry(mail.message_id.as_str()).or_default() += 1;
    }
    times
}

fn assert_once(sink: &Sink) {
    let taken = sink.taken();
    let twice: Vec<_> = times(&taken).into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "taken more than once: {twice:?}");
    assert_eq!(sink.offences(), 0);
}

/// A URL at which nobody listens.
fn nobody() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("smtp://127.0.0.1:{port}")
}

fn smtp_table(keys: &str) -> String {
    format!("[mail.smtp]\n{keys}\n")
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// A mail without its Date, which is the time of its first claim.
fn undated(text: &[u8]) -> String {
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.split_inclusive("\r\n").filter(|line| !line.starts_with("Date: ")).collect()
}

#[test]
fn every_mail_arrives_once_and_is_the_one_in_the_outbox() {
    let shop = Shop::new(40);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let outbox: BTreeSet<String> = shop.outbox().iter().map(|file| undated(&fs::read(file).unwrap())).collect();
    assert_eq!(outbox.len(), 40);

    let (_folder, sink) = server();
    let refused = shop.send(&sink, &["--as-of", DATE], 2);
    assert!(refused.contains("--accept trial"), "{refused}");
    shop.send(&sink, &["--as-of", DATE, "--accept", "trial", "-q"], 0);
    assert_once(&sink);
    let arrived: BTreeSet<String> = sink.mails().iter().map(|(_, text)| undated(text)).collect();
    assert_eq!(arrived, outbox);
    shop.send(&sink, &["--as-of", DATE], 0);
    shop.call(&["run", "--as-of", DATE, "--smtp", &sink.url()], 0);
    assert_eq!(sink.taken().len(), 40, "nothing is sent again");
    let elsewhere = shop.call(&["send", "--as-of", DATE, "--smtp", &nobody()], 2);
    assert!(elsewhere.contains("already"), "{elsewhere}");
    shop.call(&["send", "--as-of", DATE, "--accept", "trial"], 2);
}

#[test]
fn each_mail_holds_its_own_canary_only() {
    let shop = Shop::new(40);
    shop.plan();
    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
    for (recipient, text) in sink.mails() {
        let own = recipient.split(['-', '@']).nth(1).unwrap();
        let mail = MessageParser::default().parse(&text).unwrap();
        for part in [mail.body_text(0).unwrap(), mail.body_html(0).unwrap()] {
            let canaries: Vec<&str> = part.split("canary-").skip(1).map(|rest| rest.split("-end").next().unwrap()).collect();
            assert_eq!(canaries, [own], "{recipient}");
        }
    }
}

#[test]
fn a_limit_leaves_the_rest_for_later() {
    let shop = Shop::new(30);
    shop.plan();
    let (_folder, sink) = server();
    shop.send(&sink, &["--limit", "7"], 0);
    assert_eq!((sink.taken().len(), shop.count(State::Accepted), shop.count(State::Planned)), (7, 7, 23));
    shop.send(&sink, &["--limit", "0"], 0);
    assert_eq!(sink.taken().len(), 7);
    shop.send(&sink, &[], 0);
    assert_eq!(shop.count(State::Accepted), 30);
    assert_once(&sink);
    shop.send(&sink, &[], 0);
    assert_eq!(sink.taken().len(), 30, "everything is sent");
    let none = Shop::new(1).call(&["send"], 2);
    assert!(none.contains("no unfinished plan"), "{none}");
}

#[test]
fn a_killed_sending_is_resumed_and_nothing_arrives_twice() {
    const CONNECTIONS: u64 = 3;
    let nap = |number| format!("dot-250nap-c{number:03}@b.example");
    let shop = Shop::with(60, nap, "", &smtp_table(&format!("connections = {CONNECTIONS}")));
    shop.plan();
    let (_folder, sink) = server();
    let mut kills = 0;
    for round in 0..6 {
        let mut child = shop.start(&["send", "--as-of", DATE, "--smtp", &sink.url(), "-q"]);
        let before = sink.taken().len();
        // The number of this process makes it another moment each time the test runs.
        let moment = u64::from(std::process::id()).wrapping_mul(7_919).wrapping_add(round * 104_729) % 120;
        let start = Instant::now();
        while sink.taken().len() == before && start.elapsed() < Duration::from_secs(5) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        kills += u64::from(child.wait().unwrap().code().is_none());
    }
    assert!(kills > 0, "no kill hit");
    let end = shop.command(&["send", "--as-of", DATE, "--smtp", &sink.url()]).output().unwrap().status.code().unwrap();
    assert_once(&sink);
    let (accepted, in_doubt) = (shop.count(State::Accepted), shop.count(State::InDoubt));
    assert_eq!(accepted + in_doubt, 60, "{:?}", shop.states());
    assert!(in_doubt <= CONNECTIONS * kills, "{in_doubt} in doubt after {kills} kills");
    assert_eq!(end, i32::from(in_doubt > 0));
    let doubtful: BTreeSet<String> = shop.in_doubt().into_iter().collect();
    let taken: BTreeSet<String> =
        sink.taken().iter().map(|mail| mail.message_id.trim_start_matches('<').split('@').next().unwrap().to_owned()).collect();
    assert_eq!(taken.difference(&doubtful).count() as u64, accepted, "what is accepted was taken");
    let before = sink.taken().len();
    shop.send(&sink, &["--as-of", DATE], end);
    assert_eq!(sink.taken().len(), before, "a mail in doubt is held");
}

#[test]
fn a_killed_run_to_the_outbox_ends_with_every_file_once() {
    let shop = Shop::new(300);
    shop.plan();
    for moment in [10, 25, 40, 60] {
        let mut child = shop.start(&["send", "--as-of", DATE, "-q"]);
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    shop.call(&["send", "--as-of", DATE, "-q"], 0);
    assert_eq!((shop.outbox().len(), shop.count(State::Accepted)), (300, 300));
}

#[test]
fn an_answer_lost_after_the_dot_leaves_doubt_and_is_held() {
    let address =
        |number| if number % 10 == 0 { format!("dot-250drop-c{number:03}@b.example") } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(30, address, "", "");
    shop.plan();
    let (_folder, sink) = server();
    shop.send(&sink, &[], 1);
    assert_eq!((shop.count(State::Accepted), shop.count(State::InDoubt)), (27, 3));
    shop.send(&sink, &["--as-of", DATE], 1);
    assert_eq!(sink.taken().len(), 30);
    assert_once(&sink);
    let status = shop.call(&["status"], 0);
    assert!(status.find("In doubt").unwrap() < status.find("27").unwrap(), "{status}");
}

#[test]
fn resend_sends_the_same_bytes() {
    let address = |number| if number == 3 { "dot-250drop-c003@b.example".to_owned() } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(8, address, "", &smtp_table("on_in_doubt = \"resend\""));
    shop.plan();
    let (_folder, sink) = server();
    shop.send(&sink, &[], 1);
    std::thread::sleep(Duration::from_millis(1_100));
    shop.send(&sink, &[], 1);
    let copies: Vec<Taken> = sink.taken().into_iter().filter(|mail| mail.recipient.starts_with("dot-")).collect();
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0], copies[1], "same Message-ID, same Date, same text");
    assert_eq!(sink.taken().len(), 9, "the others are not sent again");
}

#[test]
fn refused_recipients_do_not_stop_the_others() {
    let address =
        |number| if number % 5 == 0 { format!("rcpt-550-c{number:03}@b.example") } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(30, address, "", "");
    shop.plan();
    let (_folder, sink) = server();
    shop.send(&sink, &[], 1);
    assert_eq!((shop.count(State::Accepted), shop.count(State::Rejected)), (24, 6));
    assert_once(&sink);
}

#[test]
fn a_refused_sender_stops_the_run_and_loses_nothing() {
    let shop = Shop::new(20);
    shop.write_job("from = \"mail-550@tsubaki.example\"", "", "");
    shop.plan();
    let (_folder, sink) = server();
    let stopped = shop.send(&sink, &[], 5);
    assert!(stopped.contains("550"), "{stopped}");
    assert_eq!((shop.count(State::Planned), sink.taken().len()), (20, 0));
}

/// As Postfix does by default, which answers MAIL only when it has heard RCPT.
#[test]
fn a_sender_that_is_refused_with_the_recipient_stops_the_run_and_no_address() {
    for (action, words) in [("550sender", "Sender address rejected"), ("554relay", "Relay access denied")] {
        let shop = Shop::with(20, |number| format!("rcpt-{action}-c{number:03}@b.example"), "", "");
        shop.plan();
        let (_folder, sink) = server();
        let stopped = shop.send(&sink, &[], 5);
        assert!(stopped.contains(words), "{stopped}");
        assert_eq!((shop.count(State::Planned), shop.count(State::Rejected), sink.taken().len()), (20, 0, 0));
    }
}

/// Refusals, broken connections and opt-outs between mails that are well, over one connection.
#[test]
fn what_may_not_be_sent_is_no_mail_beside_others_on_a_pipelined_connection() {
    let stopped = |number: usize| matches!(number, 5 | 6 | 17 | 79 | 99);
    let address = |number| match number {
        20..=22 => format!("rcpt-550-c{number:03}@b.example"),
        24 => format!("dot-250bye-c{number:03}@b.example"),
        26 => format!("dot-550-c{number:03}@b.example"),
        _ => format!("good-c{number:03}@b.example"),
    };
    let shop = Shop::with(100, address, "", &smtp_table("connections = 1"));
    shop.plan();
    let mut ledger = Ledger::open(&shop.path("runs/ledger.sqlite")).unwrap();
    for number in (0..100).filter(|number| stopped(*number)) {
        let customer_id = Some(format!("c{number:03}"));
        ledger.suppress(&Suppression { customer_id, address: None, reason: SkipReason::Unsubscribed, at: 1 }).unwrap();
    }
    drop(ledger);
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::with(folder.path(), Manners { offers: &["PIPELINING"], ..Manners::default() });
    shop.send(&sink, &[], 1);
    assert_once(&sink);
    let told: BTreeSet<String> = sink.mails().into_iter().map(|(to, _)| to).collect();
    let wanted = (0..100).filter(|number| !stopped(*number) && !matches!(number, 20..=22 | 26)).map(address);
    assert_eq!(told, wanted.collect());
    assert!(sink.mails().iter().all(|(_, text)| !text.is_empty()), "no empty mail");
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 91), (State::Rejected, 4), (State::Suppressed, 5)]));
}

#[test]
fn a_server_that_is_away_loses_nothing() {
    // It would be waited for for two days.
    let hasty = Shop::new(20);
    hasty.plan();
    let start = Instant::now();
    let away = hasty.call(&["send", "--smtp", &nobody(), "--no-wait"], 5);
    assert!(away.contains("cannot be reached") && start.elapsed() < Duration::from_secs(15), "{away}");
    assert_eq!(hasty.count(State::Planned), 20);

    let shop = Shop::with(
        20,
        |number| format!("good-c{number:03}@b.example"),
        "",
        &smtp_table("retry = { every = \"1 seconds\", for = \"2 seconds\" }"),
    );
    shop.plan();
    let folder = tempfile::tempdir().unwrap();
    let closed = Sink::start(folder.path(), "drop", "250");
    let start = Instant::now();
    shop.send(&closed, &[], 5);
    assert!(start.elapsed() >= Duration::from_secs(2), "it tried for as long as the job says");
    assert!(closed.connections() as u64 <= start.elapsed().as_secs() + 1, "{} attempts", closed.connections());
    assert_eq!(shop.count(State::Planned), 20);

    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
    assert_eq!(shop.count(State::Accepted), 20);
    assert_once(&sink);
}

#[test]
fn a_deferred_mail_is_waited_for_and_given_up() {
    let address = |number| if number == 0 { "rcpt-451-c000@b.example".to_owned() } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(5, address, "", &smtp_table("retry = { every = \"1 seconds\", for = \"2 seconds\" }"));
    shop.plan();
    let (_folder, sink) = server();
    shop.send(&sink, &["--no-wait"], 1);
    assert_eq!((shop.count(State::Accepted), shop.count(State::Deferred)), (4, 1));
    shop.send(&sink, &[], 1);
    assert_eq!((shop.count(State::Accepted), shop.count(State::Rejected)), (4, 1));
}

#[test]
fn too_many_refusals_pull_the_brake() {
    let address = |number| format!("rcpt-550-c{number:03}@b.example");
    let shop = Shop::with(260, address, "", "");
    shop.plan();
    let (_folder, sink) = server();
    let stopped = shop.send(&sink, &[], 6);
    assert!(stopped.contains("failures"), "{stopped}");
    let rejected = shop.count(State::Rejected);
    assert!((200..208).contains(&rejected), "{rejected} refused before it stopped");
    assert_eq!(shop.count(State::Planned) + rejected, 260);
    shop.send(&sink, &["--accept", "failures"], 1);
    assert_eq!(shop.count(State::Rejected), 260);
}

#[test]
fn signals_end_a_sending_that_can_be_resumed() {
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        let shop = Shop::with(80, |number| format!("dot-250nap-c{number:03}@b.example"), "", &smtp_table("connections = 2"));
        shop.plan();
        let (_folder, sink) = server();
        let mut child = shop.start(&["send", "--smtp", &sink.url()]);
        wait_for("the first mail", || sink.taken().len() > 3);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
        let (accepted, planned) = (shop.count(State::Accepted), shop.count(State::Planned));
        assert_eq!((accepted + planned, sink.taken().len() as u64), (80, accepted), "open dots were finished");
        shop.send(&sink, &[], 0);
        assert_eq!(shop.count(State::Accepted), 80);
        assert_once(&sink);
    }
}

#[test]
fn waiting_for_deferred_mails_ends_at_a_signal() {
    let shop = Shop::with(1, |_| "rcpt-451-c000@b.example".to_owned(), "", "");
    shop.plan();
    let (_folder, sink) = server();
    let mut child = shop.start(&["send", "--smtp", &sink.url()]);
    wait_for("the deferral", || shop.count(State::Deferred) == 1);
    let start = Instant::now();
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn two_runs_at_once_are_one() {
    let shop = Shop::with(60, |number| format!("dot-250nap-c{number:03}@b.example"), "", &smtp_table("connections = 1"));
    shop.plan();
    let (_folder, sink) = server();
    let mut child = shop.start(&["send", "--smtp", &sink.url()]);
    wait_for("the first mail", || !sink.taken().is_empty());
    shop.send(&sink, &["--as-of", DATE], 4);
    shop.call(&["plan", "--as-of", "2026-12-02"], 4);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(shop.count(State::Accepted), 60);
    assert_once(&sink);
}

#[test]
fn without_a_ledger_nothing_is_sent() {
    let (_folder, sink) = server();
    let shop = Shop::new(5);
    shop.plan();
    fs::create_dir(shop.path("runs/ledger.sqlite")).unwrap();
    shop.send(&sink, &["--as-of", DATE], 4);
    fs::remove_dir(shop.path("runs/ledger.sqlite")).unwrap();
    let newer = Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
    newer.execute_batch("CREATE TABLE adoptions (job TEXT); PRAGMA user_version = 99").unwrap();
    drop(newer);
    let told = shop.send(&sink, &["--as-of", DATE], 4);
    assert!(told.contains("format 99"), "{told}");
    assert_eq!(sink.connections(), 0);
}

#[test]
fn an_outbox_that_cannot_be_written_leaves_the_plan_as_it_was() {
    let shop = Shop::new(5);
    shop.plan();
    fs::write(shop.path("runs/small/outbox"), "a file in its place").unwrap();
    let told = shop.call(&["send"], 4);
    assert!(told.contains("outbox"), "{told}");
    assert!(shop.states().is_empty(), "it is not adopted");
    fs::remove_file(shop.path("runs/small/outbox")).unwrap();
    // A folder in a file's place fails while mails are written.
    shop.call(&["send", "--limit", "1"], 0);
    let name = shop.outbox()[0].file_name().unwrap().to_owned();
    let plan = shop.call(&["show", "--customer", "c004", "--json"], 0);
    let next = plan.split("\"mail_id\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(!name.to_string_lossy().starts_with(&next));
    fs::create_dir(shop.path("runs/small/outbox/tmp").join(format!("{next}.eml"))).unwrap();
    shop.call(&["send"], 4);
    assert_eq!((shop.count(State::Accepted), shop.count(State::Planned)), (1, 4));
    fs::remove_dir(shop.path("runs/small/outbox/tmp").join(format!("{next}.eml"))).unwrap();
    shop.call(&["send"], 0);
    assert_eq!(shop.outbox().len(), 5);
}

#[test]
fn a_changed_plan_is_not_sent() {
    let shop = Shop::new(5);
    shop.plan();
    let (_folder, sink) = server();
    let body = shop.path("runs/small").join(DATE).join("templates/letter/body.html");
    let text = fs::read_to_string(&body).unwrap();
    fs::write(&body, format!("{text}<!-- -->")).unwrap();
    let told = shop.send(&sink, &[], 4);
    assert!(told.contains("body.html"), "{told}");
    assert!(sink.connections() == 0 && shop.states().is_empty());
    fs::write(&body, text).unwrap();
    let other = shop.send(&sink, &["--digest", "zz"], 2);
    assert!(other.contains("made again"), "{other}");
    let digest = shop.call(&["plan", "--as-of", DATE, "--json"], 0).split("\"digest\": \"").nth(1).unwrap()[..8].to_owned();
    shop.send(&sink, &["--digest", &digest], 0);
}

/// Rewrites a plan whose second mail can no longer be rendered as it was planned, as if another program had made it so.
fn foreign(folder: &Path, program: Option<&str>) {
    let table = folder.join("mails.parquet");
    let batch = shop::read(&table);
    let at = batch.schema().index_of("content_hash").unwrap();
    let hashes = batch.column(at).as_string::<i32>();
    let changed: StringArray =
        hashes.iter().enumerate().map(|(row, hash)| if row == 1 { Some("00".repeat(32)) } else { hash.map(str::to_owned) }).collect();
    let mut columns = batch.columns().to_vec();
    columns[at] = Arc::new(changed);
    shop::write(&table, &RecordBatch::try_new(batch.schema(), columns).unwrap());
    let mut plan: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("plan.json")).unwrap()).unwrap();
    for file in plan["files"].as_array_mut().unwrap().iter_mut().filter(|file| file["name"] == "mails.parquet") {
        file["digest"] = blake3::hash(&fs::read(&table).unwrap()).to_hex().to_string().into();
    }
    plan["digest"] = digest(&plan).into();
    match program {
        Some("") => drop(plan.as_object_mut().unwrap().remove("program")),
        Some(other) => plan["program"] = other.into(),
        None => assert!(plan["program"].is_string()),
    }
    fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
}

/// The digest that names a plan, made from its plan.json: each field behind its length.
fn digest(plan: &serde_json::Value) -> String {
    let mut bytes = Vec::new();
    let count = |bytes: &mut Vec<u8>, number: usize| bytes.extend((number as u64).to_le_bytes());
    let add = |bytes: &mut Vec<u8>, field: &[u8]| {
        count(bytes, field.len());
        bytes.extend(field);
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    add(&mut bytes, b"rankmail plan");
    add(&mut bytes, &plan["format"].as_u64().unwrap().to_le_bytes());
    for key in ["job", "as_of", "closing", "keep_by", "rules"] {
        add(&mut bytes, text(&plan[key]).as_bytes());
    }
    let templates = plan["templates"].as_array().unwrap();
    bytes.extend((templates.len() as u64).to_le_bytes());
    for template in templates {
        add(&mut bytes, text(&template["name"]).as_bytes());
        add(&mut bytes, text(&template["digest"]).as_bytes());
    }
    add(&mut bytes, text(&plan["key_id"]).as_bytes());
    for table in ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet"] {
        let file = plan["files"].as_array().unwrap().iter().find(|file| file["name"] == table).unwrap();
        add(&mut bytes, text(&file["digest"]).as_bytes());
    }
    blake3::hash(&bytes).to_hex().to_string()
}

#[test]
fn a_plan_of_another_program_is_proven_whole_before_it_is_adopted() {
    for (program, adopted) in [(None, true), (Some("another"), false), (Some(""), false)] {
        let shop = Shop::with(5, |number| format!("good-c{number:03}@b.example"), "", "[mail.smtp]\nconnections = 1\n");
        shop.plan();
        foreign(&shop.path("runs/small").join(DATE), program);
        let (_folder, sink) = server();
        let told = shop.send(&sink, &[], 4);
        assert!(told.contains("customer c001") && told.contains("no longer renders to what was planned"), "{told}");
        // The same program looks at a mail before that one is claimed, and another at all of them before it takes the plan on.
        assert_eq!((sink.taken().len(), shop.states().is_empty()), (usize::from(adopted), !adopted), "{program:?}");
        assert_eq!(shop.count(State::Planned), if adopted { 4 } else { 0 });
    }
}

#[test]
fn a_plan_that_is_changed_while_it_is_sent_is_sent_no_further() {
    let shop = Shop::new(5);
    let folder = shop.path("runs/small").join(DATE);
    let files = ["mails.parquet", "values.parquet"].map(|name| folder.join(name));
    shop.plan();
    let other = files.clone().map(|file| fs::read(file).unwrap());
    let customers = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), customers.replace("@b.example", "@c.example")).unwrap();
    shop.plan();
    let (_folder, sink) = server();
    let job = rankmail::pipeline::load_job(&shop.path("job.toml"), None).unwrap();
    let (time, url) = (job.zone.instant("2026-12-01T10:00:00".parse().unwrap()), sink.url());
    let ledger = shop.path("runs/ledger.sqlite");
    // As soon as the plan is adopted, other mails lie in its folder.
    let once = std::sync::Once::new();
    let now = || {
        if Ledger::open_existing(&ledger).unwrap().is_some_and(|ledger| ledger.adoption("small", DATE.parse().unwrap()).unwrap().is_some())
        {
            once.call_once(|| files.iter().zip(&other).for_each(|(file, bytes)| fs::write(file, bytes).unwrap()));
        }
        time
    };
    let request = rankmail::pipeline::SendRequest {
        job: &job,
        as_of: DATE.parse().unwrap(),
        server: rankmail::pipeline::Server { typed: Some(&url), environment: None },
        limit: None,
        digest: None,
        no_wait: true,
        accept: &[],
        now: &now,
        interrupted: &Arc::default(),
        watch: &rankmail::pipeline::unwatched,
    };
    let told = rankmail::pipeline::send(&request).map(drop).unwrap_err().to_string();
    assert!(told.contains("was changed while it was sent"), "{told}");
    assert_eq!((sink.taken().len(), shop.count(State::Planned)), (0, 5));
}

#[test]
fn an_old_plan_pulls_the_brake() {
    let shop = Shop::new(5);
    shop.plan();
    let (_folder, sink) = server();
    let path = shop.path("runs/small").join(DATE).join("plan.json");
    let mut plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let now = plan["planned_at"].as_str().unwrap().to_owned();
    plan["planned_at"] = serde_json::Value::from(now.replacen("20", "19", 1));
    fs::write(&path, plan.to_string()).unwrap();
    assert!(shop.send(&sink, &[], 6).contains("old-plan"));
    assert!(sink.connections() == 0 && shop.states().is_empty());
    shop.send(&sink, &["--accept", "old-plan", "--limit", "2"], 0);
    shop.send(&sink, &[], 6);
    shop.send(&sink, &["--accept", "old-plan"], 0);
    shop.send(&sink, &["--as-of", DATE], 0);
    assert_eq!(sink.taken().len(), 5);
}

#[test]
fn a_plan_without_mails_is_adopted_and_done() {
    let shop = Shop::with(3, |_| String::new(), "", "");
    // Nobody has an address, which the operator has to accept.
    shop.call(&["run", "--as-of", DATE], 6);
    shop.call(&["run", "--as-of", DATE, "--accept", "consent"], 0);
    let status = shop.call(&["status", "--json"], 0);
    assert!(status.contains(DATE), "{status}");
    shop.call(&["run", "--as-of", DATE], 0);
    shop.call(&["run", "--as-of", "2026-11-30"], 2);
}

#[test]
fn several_unfinished_plans_are_named() {
    let shop = Shop::new(3);
    shop.call(&["plan", "--as-of", "2026-12-01", "-q"], 0);
    shop.call(&["plan", "--as-of", "2026-12-02", "-q"], 0);
    let told = shop.call(&["send"], 2);
    assert!(told.contains("2026-12-01, 2026-12-02"), "{told}");
}

#[test]
fn a_timer_runs_what_is_due_once_and_never_too_late() {
    let shop = Shop::with(4, |number| format!("good-c{number:03}@b.example"), "schedule = \"* * * * *\"\n", "");
    shop.call(&["run", "--if-due"], 0);
    assert_eq!(shop.outbox().len(), 4);
    let again = shop.call(&["run", "--if-due"], 0);
    assert!(again.contains("nothing is due"), "{again}");
    assert_eq!(shop.outbox().len(), 4);

    // A file's time is a clock that a test may read.
    let now = fs::metadata(shop.path("job.toml")).unwrap().modified().unwrap();
    let two_days_ago = chrono::DateTime::<chrono::Utc>::from(now) - chrono::TimeDelta::days(2);
    let schedule = format!("schedule = \"{}\"\n", two_days_ago.format("%-M %-H %-d %-m *"));
    let late = Shop::with(4, |number| format!("good-c{number:03}@b.example"), &schedule, "");
    assert!(late.call(&["run", "--if-due"], 6).contains("late"));
    assert!(late.outbox().is_empty());
    late.call(&["run", "--if-due", "--accept", "late"], 0);
    assert_eq!(late.outbox().len(), 4);
    late.call(&["run", "--if-due"], 0);
}

#[test]
fn the_environment_names_a_server_only_for_jobs_that_send() {
    let (_folder, sink) = server();
    let shop = Shop::new(4);
    let run = |shop: &Shop, url: &str| {
        finish(shop.command(&["run", "--as-of", DATE]).env("RANKMAIL_SMTP_URL", url), 0);
    };
    run(&shop, &sink.url());
    assert_eq!((shop.outbox().len(), sink.taken().len()), (4, 0));
    let url = format!("url = \"{}\"", nobody());
    let shop = Shop::with(4, |number| format!("good-c{number:03}@b.example"), "", &smtp_table(&url));
    run(&shop, &sink.url());
    assert_eq!((shop.outbox().len(), sink.taken().len()), (0, 4), "it comes before the job's own");
    let (_folder, typed) = server();
    let shop = Shop::with(4, |number| format!("good-c{number:03}@b.example"), "", &smtp_table(""));
    finish(shop.command(&["run", "--as-of", DATE, "--smtp", &typed.url()]).env("RANKMAIL_SMTP_URL", sink.url()), 0);
    assert_eq!((typed.taken().len(), sink.taken().len()), (4, 4), "what is typed comes first");
    let shop = Shop::with(4, |number| format!("good-c{number:03}@b.example"), "", &smtp_table(""));
    run(&shop, "");
    assert_eq!(shop.outbox().len(), 4);
}

#[test]
fn the_demo_key_stays_on_this_machine() {
    let shop = Shop::with(2, |number| format!("good-c{number:03}@b.example"), "", "[keys]\nfile = \"demo.key\"");
    fs::copy(crate::program::root().join("jobs/demo.key"), shop.path("demo.key")).unwrap();
    shop.plan();
    let told = shop.call(&["send", "--smtp", "smtp://192.0.2.1"], 2);
    assert!(told.contains("key is public"), "{told}");
    let own = Shop::new(2);
    own.plan();
    let told = own.call(&["send", "--smtp", "smtp://192.0.2.1"], 2);
    assert!(told.contains("another machine") && told.contains("allow_plaintext"), "{told}");
    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
}

#[test]
fn an_opt_out_of_a_former_id_stops_what_was_planned_for_the_present_one() {
    let shop = Shop::new(4);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("path = \"customers.csv\"", "path = \"customers.csv\"\nmerged = \"merges.csv\"")).unwrap();
    fs::write(shop.path("merges.csv"), "old,new\nc000,c001\nlong ago,c002\n").unwrap();
    shop.plan();
    // Whoever is merged later is not who the plan was made for.
    fs::write(shop.path("merges.csv"), "old,new\nlong ago,c003\n").unwrap();
    let mut ledger = Ledger::open(&shop.path("runs/ledger.sqlite")).unwrap();
    for id in ["c000", "long ago"] {
        let opt_out = Suppression { customer_id: Some(id.to_owned()), address: None, reason: SkipReason::Unsubscribed, at: 1 };
        ledger.suppress(&opt_out).unwrap();
    }
    drop(ledger);
    let list = shop.call(&["export", "--campaign", "letter", "--as", "meta", "--as-of", DATE], 0);
    assert!(list.contains("1 row") && list.contains("2 left out: stopped by now"), "only c003 is left: {list}");
    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 1), (State::Suppressed, 2)]));
    assert_eq!(sink.mails().iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), ["good-c003@b.example"]);
}

#[test]
fn test_mails_adopt_nothing_and_hold_dummy_codes() {
    let shop = Shop::new(6);
    shop.plan();
    let (_folder, sink) = server();
    shop.call(&["test", "--to", "team@tsubaki.example", "--smtp", &sink.url()], 0);
    let mails = sink.mails();
    assert!(!mails.is_empty());
    for (recipient, text) in &mails {
        assert_eq!(recipient, "team@tsubaki.example");
        let mail = MessageParser::default().parse(text).unwrap();
        assert!(mail.subject().unwrap().starts_with("[TEST"), "{:?}", mail.subject());
        for part in [mail.body_text(0).unwrap(), mail.body_html(0).unwrap()] {
            let code = part.split("-end").nth(1).unwrap().split_whitespace().next().unwrap();
            assert!(code.starts_with("TESTTESTTEST"), "{code}");
        }
    }
    assert!(shop.states().is_empty());
    shop.plan();
    shop.call(&["test", "--to", "team@tsubaki.example", "--smtp", &nobody()], 5);
    shop.call(&["test", "--to", "no address"], 2);
    let told = shop.call(&["test"], 2);
    assert!(told.contains("test_to") && told.contains("--to"), "{told}");
}

#[test]
fn test_mails_go_to_the_addresses_of_the_job_only() {
    let shop = Shop::new(2);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    let with = job.replacen("[mail]\n", "[mail]\ntest_to = [\"team@tsubaki.example\", \"boss@tsubaki.example\"]\n", 1);
    assert_ne!(job, with);
    fs::write(shop.path("job.toml"), with).unwrap();
    shop.plan();
    let (_folder, sink) = server();
    let told = shop.call(&["test", "--to", "customer@else.example", "--smtp", &sink.url()], 2);
    assert!(told.contains("test_to") && told.contains("team@tsubaki.example"), "{told}");
    assert!(sink.mails().is_empty());
    shop.call(&["test", "--to", "Boss@Tsubaki.example", "--smtp", &sink.url()], 0);
    let one = sink.mails().len();
    assert!(one > 0);
    shop.call(&["test", "--smtp", &sink.url()], 0);
    let mails = sink.mails();
    let to = |address: &str| mails.iter().filter(|(to, _)| to.eq_ignore_ascii_case(address)).count();
    assert_eq!((to("team@tsubaki.example"), to("boss@tsubaki.example")), (one, 2 * one));
}

#[test]
fn a_finished_run_says_that_this_call_sent_nothing() {
    let shop = Shop::new(2);
    let first = shop.call(&["run", "--as-of", DATE], 0);
    assert!(first.contains("2  ") && !first.contains("by this call"), "{first}");
    let again = shop.call(&["send", "--as-of", DATE], 0);
    assert!(again.contains("0 of them by this call"), "{again}");
}

#[test]
fn a_mail_whose_headers_cannot_be_written_is_found_by_the_plan() {
    let shop = Shop::new(2);
    // An opt-out link holds the customer's id, and a header is no place for a very long one.
    let id = "c".repeat(900);
    let customers = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), customers.replace("c001,", &format!("{id},"))).unwrap();
    crate::small_shop::write_orders(&shop.path("purchases.parquet"), &["c000".to_owned(), id.clone()]);
    let told = shop.call(&["plan", "--as-of", DATE], 2);
    assert!(told.contains(&id) && told.contains("opt-out link"), "{told}");
}

/// A part of the day that begins and ends so many minutes from now, in the shop's time zone.
fn day_window(from: i64, to: i64) -> String {
    // A file's time is a clock that a test may read.
    let now = tempfile::NamedTempFile::new().unwrap().as_file().metadata().unwrap().modified().unwrap();
    let now = chrono::DateTime::<chrono::Utc>::from(now).with_timezone(&chrono_tz::Asia::Tokyo);
    let time = |minutes| (now + chrono::TimeDelta::minutes(minutes)).format("%H:%M").to_string();
    format!("send_between = \"{}..{}\"", time(from), time(to))
}

#[test]
fn mails_wait_for_their_time_of_the_day() {
    let (_folder, sink) = server();
    let shop = Shop::with(3, |number| format!("good-c{number:03}@b.example"), "", &smtp_table(&day_window(60, 120)));
    shop.plan();
    shop.send(&sink, &["--no-wait"], 1);
    assert_eq!((sink.connections(), shop.count(State::Planned)), (0, 3));
    let mut child = shop.start(&["send", "--smtp", &sink.url()]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    signal(&child, "-TERM");
    assert_eq!((child.wait().unwrap().code(), sink.connections()), (Some(143), 0));
    shop.write_job("", "", &smtp_table(&day_window(-60, 60)));
    shop.send(&sink, &["--as-of", DATE, "--no-wait"], 0);
    assert_eq!(sink.taken().len(), 3);
    // The outbox is this machine's own, at any time.
    let shop = Shop::with(3, |number| format!("good-c{number:03}@b.example"), "", &smtp_table(&day_window(60, 120)));
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    assert_eq!(shop.outbox().len(), 3);
}

#[test]
fn a_pace_is_kept() {
    let (_folder, sink) = server();
    let shop = Shop::with(30, |number| format!("good-c{number:03}@b.example"), "", &smtp_table("rate = \"20/s\""));
    shop.plan();
    let start = Instant::now();
    shop.send(&sink, &[], 0);
    assert!(start.elapsed() >= Duration::from_millis(1_300), "30 mails took {:?}", start.elapsed());
    assert_once(&sink);
}

#[test]
fn a_slow_domain_does_not_hold_up_the_others() {
    let (_folder, sink) = server();
    let address = |number| format!("good-c{number:03}@{}.example", if number % 2 == 0 { "slow" } else { "b" });
    let table = smtp_table("per_domain = { \"slow.example\" = { rate = \"2/h\", connections = 1 } }");
    let shop = Shop::with(20, address, "", &table);
    shop.plan();
    let mut child = shop.start(&["send", "--smtp", &sink.url()]);
    wait_for("the quick domain's mails", || sink.taken().len() == 11);
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let slow = sink.taken().iter().filter(|mail| mail.recipient.ends_with("@slow.example")).count();
    assert_eq!((slow, shop.count(State::Accepted), shop.count(State::Planned)), (1, 11, 9));
}

#[test]
fn a_domain_that_refuses_is_left_alone_and_its_mails_stay_planned() {
    let (_folder, sink) = server();
    let address = |number| if number < 30 { format!("rcpt-451-c{number:03}@slow.example") } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(40, address, "", &smtp_table("connections = 1"));
    shop.plan();
    shop.send(&sink, &["--no-wait"], 1);
    assert_eq!((shop.count(State::Accepted), shop.count(State::Deferred), shop.count(State::Planned)), (10, 10, 20));
}

/// Sends what can be sent at a time of the shop's own clock, and tells whether nothing is left.
fn send_at(shop: &Shop, sink: &Sink, time: &str, limit: Option<u64>, accept: &[String]) -> bool {
    let job = rankmail::pipeline::load_job(&shop.path("job.toml"), None).unwrap();
    let now = job.zone.instant(time.parse().unwrap());
    let url = sink.url();
    let request = rankmail::pipeline::SendRequest {
        job: &job,
        as_of: DATE.parse().unwrap(),
        server: rankmail::pipeline::Server { typed: Some(&url), environment: None },
        limit,
        digest: None,
        no_wait: true,
        accept,
        now: &|| now,
        interrupted: &Arc::default(),
        watch: &rankmail::pipeline::unwatched,
    };
    rankmail::pipeline::send(&request).map_or_else(|error| panic!("{error}"), |sent| sent.is_clean())
}

#[test]
fn a_mail_that_waited_until_its_offer_ended_is_not_sent() {
    let (_folder, sink) = server();
    let shop = Shop::new(5);
    shop.plan();
    let accept = ["old-plan".to_owned()];
    assert!(send_at(&shop, &sink, "2026-12-05T10:00:00", Some(1), &accept));
    assert!(send_at(&shop, &sink, "2026-12-31T23:59:59", Some(1), &accept), "the coupon can be used today");
    assert!(!send_at(&shop, &sink, "2027-01-01T00:00:00", None, &accept));
    assert_eq!((sink.taken().len(), shop.count(State::Accepted), shop.count(State::Rejected)), (2, 2, 3));
    let ledger = Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
    let late: i64 = ledger.query_row("SELECT count(*) FROM mails WHERE reason = 'too_late'", [], |row| row.get(0)).unwrap();
    assert_eq!(late, 3);
}

#[test]
fn a_campaign_of_the_same_plan_leaves_on_its_own_day() {
    let (_folder, sink) = server();
    let later = "[[campaign]]\nname = \"later\"\nranks = \"A and up\"\nsend = \"10th 11:07\"\n";
    let shop = Shop::with(2, |number| format!("good-c{number:03}@b.example"), "", later);
    fs::create_dir(shop.path("templates/later")).unwrap();
    fs::write(shop.path("templates/later/subject.txt"), "later\n").unwrap();
    let body = fs::read_to_string(shop.path("templates/letter/body.html")).unwrap();
    fs::write(shop.path("templates/later/body.html"), body.replace("{{ offer.code }}", "")).unwrap();
    shop.plan();
    for (time, is_done, taken) in [
        ("2026-12-01T10:00:00", false, 2),
        ("2026-12-10T11:06:59", false, 2),
        ("2026-12-10T11:07:00", true, 4),
        ("2026-12-30T11:07:00", true, 4),
    ] {
        assert_eq!((send_at(&shop, &sink, time, None, &[]), sink.taken().len()), (is_done, taken), "{time}");
    }
    assert_once(&sink);
    assert_eq!(shop.count(State::Accepted), 4);
}

#[test]
fn an_old_plan_that_is_adopted_after_its_offers_is_sent_whole() {
    let (_folder, sink) = server();
    let shop = Shop::new(2);
    shop.call(&["plan", "--as-of", "2021-01-15", "-q"], 0);
    shop.send(&sink, &["--as-of", "2021-01-15"], 0);
    assert_eq!(sink.taken().len(), 2);
}

/// Mails of an earlier run that were left behind may still go out, so a later run of the same occasion leaves them alone.
#[test]
fn what_waits_in_an_earlier_run_is_not_planned_again() {
    let shop = Shop::with(
        3,
        |number| if number == 0 { "rcpt-450-c000@b.example".to_owned() } else { format!("good-c{number:03}@b.example") },
        "",
        "",
    );
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    let run = |as_of: &str, more: &[&str], code| {
        let printed = shop.call(&[&["run", "--as-of", as_of, "--smtp", &sink.url(), "--no-wait", "--json"], more].concat(), code);
        serde_json::from_str::<serde_json::Value>(&printed).unwrap()["plan"]["mails"].clone()
    };
    assert_eq!(run(DATE, &["--limit", "2"], 1), 3);
    assert_eq!(run("2026-12-08", &[], 0), 0, "one is deferred and one is planned: both may go out");
    shop.send(&sink, &["--as-of", DATE, "--no-wait"], 1);
    let taken: Vec<String> = sink.taken().into_iter().map(|mail| mail.recipient).collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    shop.call(&["cancel", "--as-of", DATE], 0);
    assert_eq!(run("2026-12-15", &[], 1), 1, "what was called off is free again");
}
