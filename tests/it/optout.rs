//! Opting out from outside: the page over HTTP, lists that go in and out, stop lists; and that a running send keeps to them at once.

use crate::sink::Sink;
use crate::small_shop::{DATE, Shop};
use rankmail::domain::State;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const URLENCODED: &str = "application/x-www-form-urlencoded";

fn server() -> (tempfile::TempDir, Sink) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    (folder, sink)
}

/// The opt-out page of a shop, as a process of its own.
struct Page {
    child: Child,
    address: String,
}

impl Page {
    fn start(shop: &Shop) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
        command.args(["optout", "serve"]).arg(shop.path("job.toml")).args(["--listen", "127.0.0.1:0", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while !told.ends_with("}\n") {
            assert!(out.read_line(&mut told).unwrap() > 0, "it ended: {told}");
        }
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        Self { child, address: told["listening"].as_str().unwrap().to_owned() }
    }

    /// Sends bytes, and gives status, head and body of the answer; nothing where there is none.
    fn talk(&self, bytes: &[u8]) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned()))
    }

    fn get(&self, target: &str) -> (u16, String, String) {
        self.talk(format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n").as_bytes()).unwrap()
    }

    fn post(&self, target: &str, kind: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        let head = format!("POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        self.talk(format!("{head}{body}").as_bytes()).unwrap()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of a customer's opt-out link.
fn link(shop: &Shop, customer: &str) -> String {
    let mail = shop.call(&["show", "--customer", customer], 0);
    let rest = mail.split("https://tsubaki.example").find(|rest| rest.starts_with("/u/1.")).unwrap();
    rest.split(|letter: char| letter.is_whitespace() || ")>\"'".contains(letter)).next().unwrap().to_owned()
}

fn opt_outs(shop: &Shop) -> Vec<String> {
    let file = shop.path("opt-outs.csv");
    let printed = optout(shop, "export", &["--out", &file.display().to_string()], 0);
    assert!(printed.contains("opt-outs"), "{printed}");
    fs::read_to_string(&file).unwrap().lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

fn optout(shop: &Shop, what: &str, more: &[&str], code: i32) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    command.args(["optout", what]).arg(shop.path("job.toml")).args(more);
    crate::small_shop::finish(&mut command, code)
}

#[test]
fn one_click_and_the_button_opt_out_and_looking_does_not() {
    let shop = Shop::new(6);
    shop.plan();
    let page = Page::start(&shop);
    let link_of = |customer| link(&shop, customer);
    let (status, head, body) = page.get(&link_of("c000"));
    assert_eq!(status, 200);
    assert!(body.contains("<button") && body.contains("Small Shop"), "{body}");
    let head = head.to_lowercase();
    assert!(!head.contains("set-cookie") && !head.contains("location:") && head.contains("cache-control: no-store"), "{head}");
    let seen = page.talk(format!("HEAD {} HTTP/1.1\r\n\r\n", link_of("c000")).as_bytes()).unwrap();
    assert_eq!((seen.0, seen.2.as_str()), (200, ""));
    assert!(opt_outs(&shop).is_empty(), "nobody opts out by looking");

    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    assert_eq!(page.post(&link_of("c000"), URLENCODED, ONE_CLICK).0, 200);
    assert_eq!(page.post(&link_of("c001"), "multipart/form-data; boundary=x", multipart).0, 200);
    assert_eq!(page.post(&format!("/other/place?t={}", &link_of("c002")[3..]), URLENCODED, ONE_CLICK).0, 200);
    assert_eq!(page.post(&link_of("c000"), URLENCODED, ONE_CLICK).0, 200, "the second click says the same");
    assert_eq!(opt_outs(&shop), ["c000", "c001", "c002"]);
    for body in ["", "List-Unsubscribe=no", "x"] {
        assert_eq!(page.post(&link_of("c003"), URLENCODED, body).0, 400, "{body}");
    }
    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
    assert_eq!((shop.count(State::Suppressed), shop.count(State::Accepted)), (3, 3));
    let next = shop.call(&["plan", "--as-of", "2026-12-02", "--json"], 0);
    assert!(next.contains("unsubscribed"), "{next}");
}

#[test]
fn every_token_that_is_none_gets_the_same_answer() {
    let shop = Shop::new(3);
    shop.plan();
    let page = Page::start(&shop);
    let good = link(&shop, "c000");
    let parts: Vec<&str> = good.split('.').collect();
    let (id, customer, mark) = (parts[1], parts[2], parts[3]);
    let bad = [
        "/".to_owned(),
        "/u/".to_owned(),
        "/u/1.".to_owned(),
        format!("/u/1.{id}.{customer}."),
        format!("/u/1.{id}.YzAwMQ.{mark}"),
        format!("/u/1.00000000.{customer}.{mark}"),
        format!("/u/2.{id}.{customer}.{mark}"),
        format!("/u/1.{id}.{customer}.{mark}AA"),
        format!("/u/1.{id}.%00.{mark}"),
    ];
    let (looked, posted) = (page.get(&bad[0]), page.post(&bad[0], URLENCODED, ONE_CLICK));
    assert_eq!((looked.0, posted.0, &looked), (404, 404, &posted));
    assert!(looked.2.contains("support@tsubaki.example"), "{}", looked.2);
    for target in bad {
        assert_eq!(page.get(&target), looked, "{target}");
        assert_eq!(page.post(&target, URLENCODED, ONE_CLICK), looked, "{target}");
    }
    assert!(opt_outs(&shop).is_empty());
}

#[test]
fn a_key_that_was_changed_still_opens_the_links_it_made() {
    let shop = Shop::new(3);
    shop.plan();
    let (old, stale) = (link(&shop, "c000"), link(&shop, "c001"));
    fs::rename(shop.path("rankmail.key"), shop.path("old.key")).unwrap();
    shop.write_job("", "", "[keys]\nprevious = \"old.key\"\n");
    shop.call(&["plan", "--as-of", "2026-12-02", "-q"], 0);
    let new = link(&shop, "c002");
    assert_ne!(old.split('.').nth(1), new.split('.').nth(1), "another key has made it");
    let page = Page::start(&shop);
    assert_eq!((page.post(&old, URLENCODED, ONE_CLICK).0, page.post(&new, URLENCODED, ONE_CLICK).0), (200, 200));
    drop(page);
    shop.write_job("", "", "");
    assert_eq!(Page::start(&shop).post(&stale, URLENCODED, ONE_CLICK).0, 404, "a key that is no longer named");
    assert_eq!(opt_outs(&shop), ["c000", "c002"]);
}

#[test]
fn strangers_are_answered_within_bounds() {
    let shop = Shop::new(2);
    shop.plan();
    let page = Page::start(&shop);
    let link = link(&shop, "c000");
    let status = |bytes: &[u8]| page.talk(bytes).map(|(status, ..)| status);
    let head = |line: &str| format!("POST {link} HTTP/1.1\r\n{line}\r\n\r\n").into_bytes();
    assert_eq!(status(&head("Content-Length: 99999999")), Some(413));
    assert_eq!(status(&head("Transfer-Encoding: chunked")), Some(411));
    assert_eq!(status(&head("Content-Length: 1\r\nContent-Length: 2")), Some(400));
    assert_eq!(status(&head(&"X: y\r\n".repeat(150))), Some(431));
    assert_eq!(status(&head(&format!("X: {}", "y".repeat(40_000)))), Some(431));
    assert_eq!(status(b"\x16\x03\x01\x02\x00\x01\x00"), Some(400));
    assert_eq!(status(format!("DELETE {link} HTTP/1.1\r\n\r\n").as_bytes()), Some(405));
    // Those who say nothing, or half of it, keep nobody else waiting.
    let idle: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(&page.address).unwrap()).collect();
    for mut half in &idle {
        half.write_all(format!("POST {link} HTTP/1.1\r\nContent-Len").as_bytes()).unwrap();
    }
    let start = Instant::now();
    assert_eq!(page.post(&link, URLENCODED, ONE_CLICK).0, 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    idle[0].shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    assert_eq!((&idle[0]).read_to_end(&mut rest).unwrap_or(0), 0, "half a request is no request");
    assert_eq!(opt_outs(&shop), ["c000"]);
}

#[test]
fn an_opt_out_that_cannot_be_kept_is_not_confirmed() {
    let shop = Shop::new(2);
    shop.plan();
    let page = Page::start(&shop);
    let other = rusqlite::Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
    other.execute_batch("DROP TABLE suppressions").unwrap();
    let (status, _, body) = page.post(&link(&shop, "c000"), URLENCODED, ONE_CLICK);
    assert_eq!(status, 503);
    assert!(!body.contains("You are unsubscribed"), "{body}");
}

/// A sending of 90 mails, two at a time, that takes seconds.
fn slow_sending(end: &str) -> (Shop, tempfile::TempDir, Sink, Child) {
    let nap = |number| format!("dot-250nap-c{number:03}@b.example");
    let shop = Shop::with(90, nap, "", &format!("[mail.smtp]\nconnections = 1\n{end}"));
    shop.plan();
    let (folder, sink) = server();
    let child = shop.start(&["send", "--smtp", &sink.url(), "-q"]);
    let start = Instant::now();
    while sink.taken().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is sent");
        std::thread::sleep(Duration::from_millis(2));
    }
    (shop, folder, sink, child)
}

fn arrived(sink: &Sink, customer: &str) -> bool {
    sink.taken().iter().any(|mail| mail.recipient.contains(customer))
}

#[test]
fn an_opt_out_holds_at_once_for_a_running_send() {
    let (shop, _folder, sink, mut child) = slow_sending("");
    let page = Page::start(&shop);
    let late = ["c087", "c088", "c089"];
    for customer in late {
        assert_eq!(page.post(&link(&shop, customer), URLENCODED, ONE_CLICK).0, 200);
    }
    assert!(late.iter().all(|customer| !arrived(&sink, customer)), "it was not too late");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((shop.count(State::Suppressed), shop.count(State::Accepted)), (3, 87));
    assert!(late.iter().all(|customer| !arrived(&sink, customer)));
    let stopped = opt_outs(&shop);
    assert!(stopped.contains(&"dot-250nap-c089@b.example".to_owned()), "the address is stopped too: {stopped:?}");
}

#[test]
fn stop_lists_hold_for_plans_and_for_a_running_send() {
    let lists = "[stop]\nfiles = [\"stop/*.csv\", \"out.txt\"]\n";
    let shop = Shop::new(5);
    shop.write_job("", "", lists);
    let told = shop.call(&["plan", "--as-of", DATE], 3);
    assert!(told.contains("out.txt") && told.contains("[stop]"), "{told}");
    shop.call(&["check"], 0);
    let told = shop.call(&["check", "--data"], 3);
    assert!(told.contains("out.txt"), "{told}");
    fs::write(shop.path("out.txt"), "customer\nc001\n").unwrap();
    shop.plan();
    let explained = shop.call(&["explain", "--customer", "c001", "--as-of", DATE], 0);
    assert!(explained.to_lowercase().contains("unsubscribed"), "{explained}");
    fs::create_dir(shop.path("stop")).unwrap();
    fs::write(shop.path("stop/page.csv"), "GOOD-C003@b.example,2026-12-01\n").unwrap();
    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
    assert_eq!((shop.count(State::Suppressed), sink.taken().len()), (1, 3));
    assert!(!arrived(&sink, "c001") && !arrived(&sink, "c003"));

    let (shop, _folder, sink, mut child) = slow_sending("[stop]\nfiles = \"stop/*.csv\"\n");
    fs::create_dir(shop.path("stop")).unwrap();
    fs::write(shop.path("stop/page.csv"), "c088\nc089\n").unwrap();
    let written = Instant::now();
    std::thread::sleep(Duration::from_millis(1_100));
    assert!(!arrived(&sink, "c088"), "it was not too late after {:?}", written.elapsed());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((shop.count(State::Suppressed), shop.count(State::Accepted)), (2, 88));
}

#[test]
fn lists_go_in_and_out() {
    let shop = Shop::new(4);
    fs::write(shop.path("in.csv"), "who,why\nc001,letter\nGood-C002@B.example,phone\n").unwrap();
    let file = shop.path("in.csv").display().to_string();
    let told: serde_json::Value = serde_json::from_str(&optout(&shop, "import", &[&file, "--json"], 0)).unwrap();
    assert_eq!((&told["rows"], &told["new"]), (&3.into(), &3.into()), "the head is nobody");
    let again: serde_json::Value = serde_json::from_str(&optout(&shop, "import", &[&file, "--json"], 0)).unwrap();
    assert_eq!(again["new"], 0, "a list may be taken over again");
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    assert_eq!(shop.count(State::Accepted), 2);
    let out = opt_outs(&shop);
    assert!(out.contains(&"c001".to_owned()) && out.contains(&"good-c002@b.example".to_owned()), "{out:?}");
    let told = optout(&shop, "import", &["nowhere.csv"], 3);
    assert!(told.contains("nowhere.csv"), "{told}");
}

#[test]
fn a_way_out_must_lead_to_rankmail() {
    let shop = Shop::new(2);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap().replace("/u/{token}", "/unsubscribe");
    fs::write(shop.path("job.toml"), &job).unwrap();
    let told = shop.call(&["check"], 2);
    assert!(told.contains("nobody would hear of an opt-out"), "{told}");
    fs::write(shop.path("job.toml"), format!("{job}[stop]\nfiles = [\"stop/*.csv\"]\n")).unwrap();
    shop.call(&["check"], 0);
}

#[test]
fn a_public_key_serves_this_machine_only() {
    let shop = Shop::with(2, |number| format!("good-c{number:03}@b.example"), "", "[keys]\nfile = \"demo.key\"");
    fs::copy(crate::program::root().join("jobs/demo.key"), shop.path("demo.key")).unwrap();
    let told = optout(&shop, "serve", &["--listen", "0.0.0.0:0"], 2);
    assert!(told.contains("key is public"), "{told}");
    let told = optout(&shop, "serve", &["--listen", "nowhere"], 2);
    assert!(told.contains("cannot listen on nowhere"), "{told}");
}

#[test]
fn a_stop_list_knows_former_ids_too() {
    let shop = Shop::new(3);
    fs::write(shop.path("out.txt"), "").unwrap();
    shop.write_job("", "", "[stop]\nfiles = \"out.txt\"\n");
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("path = \"customers.csv\"", "path = \"customers.csv\"\nmerged = \"merges.csv\"")).unwrap();
    fs::write(shop.path("merges.csv"), "old,new\nlong ago,c001\n").unwrap();
    shop.plan();
    fs::write(shop.path("out.txt"), "long ago\n").unwrap();
    let (_folder, sink) = server();
    shop.send(&sink, &[], 0);
    assert_eq!((shop.count(State::Suppressed), sink.taken().len()), (1, 2));
    assert!(!arrived(&sink, "c001"));
}

#[test]
fn a_click_on_the_link_of_somebody_who_was_forgotten_writes_no_id() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let link = link(&shop, "c001");
    shop.call(&["forget", "--customer", "c001"], 0);
    let page = Page::start(&shop);
    assert_eq!(page.post(&link, URLENCODED, ONE_CLICK).0, 200);
    let stopped = opt_outs(&shop);
    assert!(stopped.len() == 1 && stopped[0].starts_with("forgotten:"), "{stopped:?}");
}

#[test]
fn a_click_in_a_test_mail_opts_nobody_out() {
    let shop = Shop::new(3);
    shop.plan();
    let (_folder, sink) = server();
    shop.call(&["test", "--to", "team@tsubaki.example", "--smtp", &sink.url()], 0);
    let page = Page::start(&shop);
    let mut links = 0;
    for (_, text) in sink.mails() {
        let mail = mail_parser::MessageParser::default().parse(&text).unwrap();
        let header = mail.header_raw("List-Unsubscribe").unwrap().to_owned();
        for part in [header, mail.body_text(0).unwrap().into_owned(), mail.body_html(0).unwrap().into_owned()] {
            for rest in part.split("https://tsubaki.example").filter(|rest| rest.starts_with("/u/1.")) {
                let link = rest.split(|letter: char| letter.is_whitespace() || "<>)\"'".contains(letter)).next().unwrap();
                let unknown = page.get("/u/1.00000000.bm9ib2R5.AAAAAAAAAAAAAAAAAAAAAA");
                assert_eq!(page.get(link).2, unknown.2, "{link} is nobody's");
                page.post(link, URLENCODED, ONE_CLICK);
                links += 1;
            }
        }
    }
    assert!(links >= 3, "the header and both parts: {links}");
    assert_eq!(opt_outs(&shop), Vec::<String>::new());
}

#[test]
fn an_opt_out_is_in_the_ledger_that_is_there() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let (first, second) = (link(&shop, "c000"), link(&shop, "c001"));
    let page = Page::start(&shop);
    let (ledger, copy) = (shop.path("runs/ledger.sqlite"), shop.path("copy.sqlite"));
    fs::copy(&ledger, &copy).unwrap();
    fs::rename(&copy, &ledger).unwrap();
    assert_eq!(page.post(&first, URLENCODED, ONE_CLICK).0, 200);
    assert_eq!(opt_outs(&shop), ["c000", "good-c000@b.example"]);
    fs::rename(&ledger, &copy).unwrap();
    assert_eq!(page.post(&second, URLENCODED, ONE_CLICK).0, 503, "there is none");
    fs::rename(&copy, &ledger).unwrap();
    assert_eq!(page.post(&second, URLENCODED, ONE_CLICK).0, 200);
    assert_eq!(opt_outs(&shop).len(), 4);
}
