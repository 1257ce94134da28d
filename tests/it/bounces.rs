//! Mails that came back, from outside: each report counts once, only with a token of the shop, and stops whom it should.

use crate::sink::Sink;
use crate::small_shop::{DATE, Shop};
use rankmail::domain::State;
use rankmail::domain::job::KeySource;
use rankmail::keys;
use rusqlite::Connection;
use std::fs;
use std::path::Path;

/// The token of a customer's mail of a run, as its return path carries it.
fn token(shop: &Shop, customer: &str, as_of: &str) -> String {
    let key = keys::load(&KeySource::File(shop.path("rankmail.key")), false).unwrap();
    let ledger = Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
    let sql = "SELECT mail_id FROM mails WHERE customer_id = ?1 AND as_of = ?2";
    let mail: String = ledger.query_row(sql, (customer, as_of), |row| row.get(0)).unwrap();
    keys::bounce_token(&key, &mail)
}

/// A delivery report to a return path.
fn report(token: &str, status: &str, words: &str) -> String {
    format!(
        "From: MAILER-DAEMON@relay.example\r\nTo: bounce+{token}@tsubaki.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; x@b.example\r\n\
         Action: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n\r\n--b--\r\n"
    )
}

fn complaint(token: &str) -> String {
    format!(
        "From: fbl@b.example\r\nTo: fbl@tsubaki.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nOriginal-Mail-From: <bounce+{token}@tsubaki.example>\r\n\r\n--b--\r\n"
    )
}

fn bounces(shop: &Shop, mailbox: &Path) -> serde_json::Value {
    serde_json::from_str(&shop.call(&["bounces", &mailbox.display().to_string(), "--json"], 0)).unwrap()
}

fn counts(found: &serde_json::Value, names: [&str; 4]) -> [u64; 4] {
    names.map(|name| found[name].as_u64().unwrap())
}

const KINDS: [&str; 4] = ["hard", "soft", "blocked", "complaint"];

#[test]
fn reports_of_a_maildir_count_once_and_stop_whom_they_should() {
    let shop = Shop::new(8);
    let mail = shop.path("maildir");
    fs::create_dir_all(mail.join("new")).unwrap();
    fs::create_dir_all(mail.join("cur")).unwrap();
    let told = shop.call(&["bounces", &mail.display().to_string()], 2);
    assert!(told.contains("nothing of small was adopted"), "{told}");
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let token = |customer| token(&shop, customer, DATE);
    let forged = token("c004").replace(|letter: char| letter.is_ascii_digit(), "0");
    for (name, text) in [
        ("a", report(&token("c000"), "5.1.1", "550 5.1.1 User unknown")),
        ("b", complaint(&token("c001").to_uppercase())),
        ("c", report(&token("c002"), "5.7.1", "554 5.7.1 blocked")),
        ("d", report(&token("c003"), "5.2.2", "552 5.2.2 mailbox full")),
        ("e", report(&forged, "5.1.1", "550 5.1.1 User unknown")),
        ("f", report("no token at all", "5.1.1", "550 5.1.1 good-c005@b.example")),
        ("g", "From: c006@b.example\r\nSubject: hello\r\n\r\nuser unknown\r\n".to_owned()),
    ] {
        fs::write(mail.join("new").join(name), text).unwrap();
    }
    let found = bounces(&shop, &mail);
    assert_eq!(counts(&found, KINDS), [1, 1, 1, 1], "{found}");
    assert_eq!(counts(&found, ["mails", "strangers", "notices", "stopped"]), [7, 2, 1, 2], "{found}");
    // A mail program has looked at one of them, and somebody has copied the rest into an mbox.
    fs::rename(mail.join("new/a"), mail.join("cur/a:2,S")).unwrap();
    let again = bounces(&shop, &mail);
    assert_eq!(counts(&again, ["known", "hard", "soft", "stopped"]), [4, 0, 0, 0], "{again}");

    let plan: serde_json::Value = serde_json::from_str(&shop.call(&["plan", "--as-of", "2027-01-01", "--json"], 0)).unwrap();
    assert_eq!(plan["mails"], 6, "{plan}");
    for (customer, reason) in [("c000", "bounced"), ("c001", "unsubscribed")] {
        let told = shop.call(&["explain", "--customer", customer, "--as-of", "2027-01-01", "--json"], 0);
        assert!(told.contains(reason), "{told}");
    }
    let nowhere = shop.call(&["bounces", "nowhere"], 4);
    assert!(nowhere.contains("nowhere"), "{nowhere}");
}

#[test]
fn a_mailbox_that_is_full_for_months_is_stopped() {
    let shop =
        Shop::with(3, |number| format!("good-c{number:03}@b.example"), "", "[bounces]\nsoft = { times = 2, within = \"30 days\" }\n");
    let mbox = shop.path("mbox");
    let mut text = String::new();
    for (as_of, stopped) in [("2026-12-01", 0), ("2027-01-01", 1)] {
        shop.call(&["run", "--as-of", as_of, "-q"], 0);
        let soft = report(&token(&shop, "c002", as_of), "4.2.2", "452 4.2.2 full");
        text += &format!("From MAILER-DAEMON Tue Dec  1 00:00:00 2026\n{soft}\nFrom MAILER-DAEMON Tue Dec  1 00:00:00 2026\n{soft}\n");
        fs::write(&mbox, &text).unwrap();
        let found = bounces(&shop, &mbox);
        assert_eq!(counts(&found, ["soft", "hard", "stopped", "strangers"]), [1, 0, stopped, 0], "{found}");
    }
    shop.call(&["run", "--as-of", "2027-02-01", "-q"], 0);
    assert_eq!(shop.outbox().len(), 3 + 3 + 2);
}

#[test]
fn a_refusal_while_sending_counts_like_one_that_came_by_mail() {
    let address = |number| match number {
        0 => "rcpt-550gone-c000@b.example".to_owned(),
        1 => "rcpt-550gone-c001@docomo.ne.jp".to_owned(),
        2 => "rcpt-550-c002@b.example".to_owned(),
        _ => format!("good-c{number:03}@b.example"),
    };
    let shop = Shop::with(5, address, "", "");
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    shop.plan();
    shop.send(&sink, &[], 1);
    assert_eq!(shop.count(State::Rejected), 3);
    let empty = shop.path("empty");
    fs::create_dir(&empty).unwrap();
    let found = bounces(&shop, &empty);
    assert_eq!(counts(&found, KINDS), [1, 1, 1, 0], "{found}");
    assert_eq!(found["stopped"], 1, "docomo's 550 stops nobody, nor does one that says nothing");
    let plan: serde_json::Value = serde_json::from_str(&shop.call(&["plan", "--as-of", "2027-01-01", "--json"], 0)).unwrap();
    assert_eq!(plan["mails"], 4, "{plan}");
}

#[test]
fn the_return_path_carries_the_token_that_reports_are_believed_by() {
    let shop = Shop::with(
        2,
        |number| format!("good-c{number:03}@b.example"),
        "",
        "[mail.smtp]\nreturn_path = \"bounce+{token}@tsubaki.example\"\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    shop.plan();
    shop.send(&sink, &[], 0);
    let mut wanted = ["c000", "c001"].map(|customer| format!("bounce+{}@tsubaki.example", token(&shop, customer, DATE)));
    let mut said = sink.senders();
    wanted.sort();
    said.sort();
    assert_eq!(said, wanted);
}

#[test]
fn a_return_path_without_a_token_is_told_of() {
    let told = |path: &str| {
        let shop = Shop::with(1, |number| format!("c{number}@b.example"), "", &format!("[mail.smtp]\nreturn_path = \"{path}\"\n"));
        let mailbox = shop.path("mailbox");
        fs::create_dir(&mailbox).unwrap();
        shop.call(&["run", "--as-of", DATE, "-q"], 0);
        let (check, mailbox) = (shop.call(&["check"], 0), mailbox.display().to_string());
        let json: serde_json::Value = serde_json::from_str(&shop.call(&["bounces", &mailbox, "--json"], 0)).unwrap();
        let [check, bounces] = [check, shop.call(&["bounces", &mailbox], 0)].map(|told| told.contains("`return_path` has no {token}"));
        [Some(check), Some(bounces), json["return_path_without_token"].as_bool()]
    };
    assert_eq!(told("bounce@tsubaki.example"), [Some(true); 3]);
    assert_eq!(told("bounce+{token}@tsubaki.example"), [Some(false); 3]);
}

#[test]
fn the_next_run_knows_of_refusals_before_it_plans() {
    let address = |number| if number == 0 { "rcpt-550gone-c000@b.example".to_owned() } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(3, address, "", "");
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    shop.call(&["run", "--as-of", DATE, "--smtp", &sink.url()], 1);
    let next = shop.call(&["run", "--as-of", "2027-01-01", "--smtp", &sink.url(), "--json"], 0);
    let next: serde_json::Value = serde_json::from_str(&next).unwrap();
    assert_eq!(next["plan"]["mails"], 2, "{next}");
}

#[test]
fn the_next_sending_knows_of_refusals_by_itself() {
    let address = |number| if number == 0 { "rcpt-550gone-c000@b.example".to_owned() } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(3, address, "", "");
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    shop.plan();
    shop.send(&sink, &[], 1);
    shop.call(&["plan", "--as-of", "2027-01-01", "-q"], 0);
    shop.call(&["send", "--as-of", "2027-01-01", "--smtp", &sink.url()], 0);
    let third: serde_json::Value = serde_json::from_str(&shop.call(&["plan", "--as-of", "2027-02-01", "--json"], 0)).unwrap();
    assert_eq!(third["mails"], 2, "{third}");
}
