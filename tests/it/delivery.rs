//! The SMTP mailer against a server that answers, or fails to, in every way of the table.

use crate::sink::{Manners, Sink, Taken};
use rankmail::delivery::{Access, Deadlines, Door, Mailer, Smtp, SmtpOptions, Target, target};
use rankmail::domain::delivery::RunTrouble;
use rankmail::domain::{Letter, Outcome};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for a busy machine, and short beside the six seconds of a `slow` reply.
const SHORT: Duration = Duration::from_secs(2);

fn options() -> SmtpOptions {
    let deadlines =
        Deadlines { connect: SHORT, greeting: SHORT, hello: SHORT, mail: SHORT, rcpt: SHORT, data: SHORT, text: SHORT, dot: SHORT };
    SmtpOptions { deadlines, ..SmtpOptions::default() }
}

fn plain(url: &str) -> Target {
    target(url, true, &Access::default()).unwrap()
}

fn mailer(sink: &Sink) -> Smtp {
    Smtp::new(plain(&sink.url()), options())
}

fn server() -> (TempDir, Sink) {
    offering(&[])
}

fn offering(offers: &'static [&'static str]) -> (TempDir, Sink) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::with(folder.path(), Manners { offers, ..Manners::default() });
    (folder, sink)
}

/// A letter with lines that need stuffing, and one that ends in a dot.
fn letter(id: &str, from: &str, to: &str) -> Letter {
    let bytes = format!("Message-ID: <{id}@tsubaki.example>\r\nSubject: x\r\n\r\n.\r\n..\r\n.two\r\nend.\r\n\r\n.\r\n").into_bytes();
    Letter { mail_id: id.into(), from: from.into(), to: to.into(), bytes }
}

fn good(id: &str) -> Letter {
    letter(id, "shop@tsubaki.example", &format!("good-{id}@b.example"))
}

fn taken(letter: &Letter) -> Taken {
    Taken {
        message_id: format!("<{}@tsubaki.example>", letter.mail_id),
        recipient: letter.to.clone(),
        hash: blake3::hash(&letter.bytes).to_hex().to_string(),
    }
}

fn one(mailer: &mut Smtp, letter: &Letter) -> Outcome {
    let mut outcomes = mailer.send(std::slice::from_ref(letter));
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// The cell of the table: what the mail became, and the code that is kept.
fn cell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".into(),
        Outcome::Rejected { code, .. } => format!("rejected {code}"),
        Outcome::Deferred { code: Some(code), .. } => format!("deferred {code}"),
        Outcome::Deferred { code: None, .. } => "deferred".into(),
        Outcome::InDoubt { .. } => "in doubt".into(),
        Outcome::Untouched(RunTrouble::Unreachable { .. } | RunTrouble::Waiting { .. }) => "planned, later".into(),
        Outcome::Untouched(RunTrouble::Refused { .. }) => "planned, stop".into(),
        Outcome::Untouched(RunTrouble::Outbox { .. }) => "planned, outbox".into(),
        Outcome::Untouched(RunTrouble::Stopped { .. }) => "planned, stopped".into(),
    }
}

/// Runs one cell on a new connection and on one that was used before. Whatever happens to the mail, the next one must arrive: a
/// mailer that is one reply behind would show it there.
fn run(stage: &str, action: &str, offers: &'static [&'static str]) -> (String, usize) {
    let (_folder, sink) = offering(offers);
    let odd = |id: &str| match stage {
        "mail" => letter(id, &format!("mail-{action}@tsubaki.example"), "a@b.example"),
        _ => letter(id, "shop@tsubaki.example", &format!("{stage}-{action}@b.example")),
    };
    let mut mailer = mailer(&sink);
    let first = cell(&one(&mut mailer, &odd("m1")));
    let before = sink.connections();
    assert_eq!(cell(&one(&mut mailer, &good("m2"))), "accepted", "{stage} {action}: the mail after it");
    let reconnects = sink.connections() - before;
    assert_eq!(cell(&one(&mut mailer, &odd("m3"))), first, "{stage} {action}: on a used connection");
    assert_eq!(cell(&one(&mut mailer, &good("m4"))), "accepted", "{stage} {action}: the last mail");
    let arrived = sink.taken();
    for letter in [good("m2"), good("m4")] {
        assert_eq!(arrived.iter().filter(|mail| **mail == taken(&letter)).count(), 1, "{stage} {action}: {arrived:?}");
    }
    let odd_ones = arrived.len() - 2;
    let is_known = first == "accepted" || first == "in doubt";
    assert!(odd_ones == 0 || (odd_ones == 2 && is_known), "{stage} {action}: {first}, but {odd_ones} arrived");
    assert!(first != "accepted" || odd_ones == 2, "{stage} {action}: accepted, but {odd_ones} arrived");
    assert_eq!(sink.offences(), 0, "{stage} {action}");
    (first, reconnects)
}

/// Each cell with and without PIPELINING: what a server offers must not change what its answers mean.
fn check(stage: &'static str, cells: &'static [(&'static str, &'static str, usize)]) {
    let both: [&[&str]; 2] = [&[], &["SIZE 1000000", "PIPELINING"]];
    let threads: Vec<_> = cells
        .iter()
        .flat_map(|cell| both.map(|offers| (cell, offers)))
        .map(|((action, wanted, reconnects), offers)| {
            std::thread::spawn(move || {
                let found = run(stage, action, offers);
                assert_eq!(found, ((*wanted).to_owned(), *reconnects), "{stage} {action} {offers:?}");
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn every_answer_to_mail() {
    check(
        "mail",
        &[
            ("250", "accepted", 0),
            ("250bare", "accepted", 0),
            ("251", "deferred", 1),
            ("354", "deferred", 1),
            ("451", "deferred 451", 0),
            ("421", "deferred 421", 1),
            ("550", "planned, stop", 0),
            ("571", "planned, stop", 0),
            ("drop", "deferred", 1),
            ("stall", "deferred", 1),
            ("endless", "deferred", 1),
            ("slow", "deferred", 1),
            ("garbage", "deferred", 1),
            ("mixed", "deferred", 1),
        ],
    );
}

#[test]
fn every_answer_to_rcpt() {
    check(
        "rcpt",
        &[
            ("250", "accepted", 0),
            ("251", "accepted", 0),
            ("250lf", "accepted", 0),
            ("250kanji", "accepted", 0),
            ("252", "deferred", 1),
            ("354", "deferred", 1),
            ("450", "deferred 450", 0),
            ("452", "deferred 452", 0),
            ("421", "deferred 421", 1),
            ("550", "rejected 550", 0),
            ("552", "rejected 552", 0),
            ("550gone", "rejected 550", 0),
            ("550sender", "planned, stop", 0),
            ("571", "rejected 571", 0),
            ("drop", "deferred", 1),
            ("stall", "deferred", 1),
            ("endless", "deferred", 1),
            ("slow", "deferred", 1),
            ("garbage", "deferred", 1),
            ("mixed", "deferred", 1),
        ],
    );
}

#[test]
fn every_answer_to_data() {
    check(
        "data",
        &[
            ("354", "accepted", 0),
            ("354bare", "accepted", 0),
            ("354twice", "deferred", 1),
            ("250", "deferred", 1),
            ("300", "deferred", 1),
            ("451", "deferred 451", 0),
            ("421", "deferred 421", 1),
            ("554", "rejected 554", 0),
            ("drop", "deferred", 1),
            ("stall", "deferred", 1),
            ("endless", "deferred", 1),
            ("slow", "deferred", 1),
            ("garbage", "deferred", 1),
        ],
    );
}

#[test]
fn every_answer_to_the_dot() {
    check(
        "dot",
        &[
            ("250", "accepted", 0),
            ("250bare", "accepted", 0),
            ("250lf", "accepted", 0),
            ("250kanji", "accepted", 0),
            ("251", "in doubt", 1),
            ("354", "in doubt", 1),
            ("451", "deferred 451", 0),
            ("421", "deferred 421", 1),
            ("499", "deferred 499", 0),
            ("550", "rejected 550", 0),
            ("552", "rejected 552", 0),
            ("571", "rejected 571", 0),
            ("drop", "in doubt", 1),
            ("250drop", "in doubt", 1),
            ("stall", "in doubt", 1),
            ("endless", "in doubt", 1),
            ("slow", "in doubt", 1),
            ("garbage", "in doubt", 1),
            ("mixed", "in doubt", 1),
        ],
    );
}

#[test]
fn a_server_that_closes_between_mails_costs_none() {
    check("dot", &[("250bye", "accepted", 1), ("250bye421", "accepted", 1)]);
    let (_folder, sink) = server();
    let mut mailer = mailer(&sink);
    assert_eq!(cell(&one(&mut mailer, &letter("m1", "shop@tsubaki.example", "dot-250bye421@b.example"))), "accepted");
    std::thread::sleep(Duration::from_millis(100));
    mailer.ready().unwrap();
    assert_eq!(sink.connections(), 2, "the dead connection was seen before anything was claimed");
}

/// The text is larger than the socket's buffers, so that it cannot leave while the server does not read.
fn large(id: &str, to: &str) -> Letter {
    let mut bytes = format!("Message-ID: <{id}@tsubaki.example>\r\n\r\n").into_bytes();
    bytes.extend(b".a line of a very long mail\r\n".repeat(1_000_000));
    Letter { bytes, ..letter(id, "shop@tsubaki.example", to) }
}

#[test]
fn what_breaks_before_the_dot_is_deferred() {
    let (_folder, sink) = server();
    let mut mailer = mailer(&sink);
    for to in ["text-drop@b.example", "text-stall@b.example"] {
        let started = Instant::now();
        assert_eq!(cell(&one(&mut mailer, &large("m1", to))), "deferred", "{to}");
        assert!(started.elapsed() < Duration::from_secs(15), "{to} took {:?}", started.elapsed());
        assert_eq!(cell(&one(&mut mailer, &good("m2"))), "accepted");
    }
    assert!(sink.taken().iter().all(|mail| mail.message_id.starts_with("<m2@")));
}

#[test]
fn a_refused_recipient_keeps_the_connection() {
    let (_folder, sink) = server();
    let mut mailer = mailer(&sink);
    let refused = letter("m1", "shop@tsubaki.example", "rcpt-550@b.example");
    let outcomes = mailer.send(&[good("m2"), refused.clone(), good("m3"), refused, good("m4")]);
    assert_eq!(outcomes.iter().map(cell).collect::<Vec<_>>(), ["accepted", "rejected 550", "accepted", "rejected 550", "accepted"]);
    assert_eq!((sink.connections(), sink.resets()), (1, 2));
    assert!(matches!(&outcomes[1], Outcome::Rejected { reply, .. } if reply == "550 words of the server"));
}

/// A server that offers PIPELINING may answer DATA before it has thought about the recipient. What it then gets is a lone dot, which
/// is nobody's mail.
#[test]
fn a_text_for_nobody_is_ended_and_counts_for_nothing() {
    for (data, dot, connections) in
        [("354", "554", 1), ("354", "250", 1), ("354", "421", 2), ("354", "drop", 2), ("503", "", 1), ("250", "", 2)]
    {
        let folder = tempfile::tempdir().unwrap();
        let hasty = Some((data, dot));
        let sink = Sink::with(folder.path(), Manners { offers: &["PIPELINING"], hasty, ..Manners::default() });
        let mut mailer = mailer(&sink);
        let refused = |id: &str, code: &str| letter(id, "shop@tsubaki.example", &format!("rcpt-{code}@b.example"));
        let outcomes = mailer.send(&[refused("m1", "550"), good("m2"), good("m3")]);
        assert_eq!(outcomes.iter().map(cell).collect::<Vec<_>>(), ["rejected 550", "accepted", "accepted"], "{data} {dot}");
        assert_eq!(sink.taken(), [taken(&good("m2")), taken(&good("m3"))], "{data} {dot}");
        assert_eq!((sink.connections(), sink.offences()), (connections, 0), "{data} {dot}");
        let outcome = one(&mut mailer, &refused("m4", "451"));
        assert_eq!(cell(&outcome), "deferred 451", "{data} {dot}");
        assert!(matches!(&outcome, Outcome::Deferred { reply, .. } if reply == "451 words of the server"));
    }
}

/// The sender is refused, the recipient is not, and the server waits for a text: an empty mail would arrive.
#[test]
fn nothing_is_ended_where_somebody_would_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let hasty = Some(("354", "250"));
    let sink = Sink::with(folder.path(), Manners { offers: &["PIPELINING"], hasty, ..Manners::default() });
    let mut mailer = mailer(&sink);
    let outcome = one(&mut mailer, &letter("m1", "mail-451@tsubaki.example", "a@b.example"));
    assert_eq!((cell(&outcome).as_str(), sink.connections()), ("deferred 451", 1));
    assert_eq!(cell(&one(&mut mailer, &good("m2"))), "accepted");
    assert_eq!((sink.taken(), sink.connections()), (vec![taken(&good("m2"))], 2), "no empty mail");
}

#[test]
fn the_door_decides_for_the_run_not_for_the_mail() {
    let cells = [
        ("220", "250bare", "accepted"),
        ("220bare", "250", "accepted"),
        ("250", "250", "planned, later"),
        ("421", "250", "planned, later"),
        ("450", "250", "planned, later"),
        ("554", "250", "planned, stop"),
        ("571", "250", "planned, stop"),
        ("drop", "250", "planned, later"),
        ("stall", "250", "planned, later"),
        ("endless", "250", "planned, later"),
        ("garbage", "250", "planned, later"),
        ("220", "220", "planned, later"),
        ("220", "451", "planned, later"),
        ("220", "502", "planned, stop"),
        ("220", "drop", "planned, later"),
        ("220", "stall", "planned, later"),
        ("220", "endless", "planned, later"),
    ];
    let door = |(greeting, ehlo, wanted)| {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::start(folder.path(), greeting, ehlo);
        let mut mailer = mailer(&sink);
        let is_ready = mailer.ready().is_ok();
        assert_eq!(is_ready, wanted == "accepted", "{greeting} {ehlo}");
        let outcomes = mailer.send(&[good("m1"), good("m2")]);
        assert_eq!(outcomes.iter().map(cell).collect::<Vec<_>>(), [wanted, wanted], "{greeting} {ehlo}");
        assert_eq!(sink.taken().len(), if is_ready { 2 } else { 0 });
    };
    let threads: Vec<_> = cells.into_iter().map(|cell| std::thread::spawn(move || door(cell))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_server_that_is_away_leaves_mails_planned() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut mailer = Smtp::new(plain(&format!("smtp://127.0.0.1:{port}")), options());
    let trouble = mailer.ready().unwrap_err();
    assert!(matches!(&trouble, RunTrouble::Unreachable { reply } if reply.contains(&port.to_string())), "{trouble:?}");
    let RunTrouble::Unreachable { reply } = trouble else { unreachable!() };
    assert_eq!(mailer.send(&[good("m1")]), [Outcome::Untouched(RunTrouble::Waiting { reply })], "no second attempt within a second");
}

#[test]
fn a_server_that_is_away_hears_one_attempt_a_second_over_all_connections() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "drop", "250");
    let door = Door::default();
    let until = Instant::now() + Duration::from_millis(2_500);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let mut mailer = mailer(&sink).behind(&door);
            scope.spawn(move || {
                while Instant::now() < until {
                    assert!(mailer.ready().is_err());
                    std::thread::sleep(Duration::from_millis(3));
                }
            });
        }
    });
    assert!((2..=3).contains(&sink.connections()), "{} attempts in 2.5 seconds", sink.connections());
    assert!(door.away().unwrap() > Duration::from_secs(2));
}

#[test]
fn a_letter_that_breaks_the_wire_never_reaches_it() {
    let (_folder, sink) = server();
    let mut mailer = mailer(&sink);
    let smuggler = Letter { bytes: b"Subject: x\r\n\r\n\n.\r\nMAIL FROM:<x@y.example>\r\n".to_vec(), ..good("m1") };
    let injector = Letter { to: "a@b.example>\r\nRCPT TO:<c@d.example".into(), ..good("m2") };
    let irregular = letter("m3", "shop@tsubaki.example", "a..b.@docomo.ne.jp");
    let outcomes = mailer.send(&[smuggler, injector, irregular.clone()]);
    assert_eq!(outcomes.iter().map(cell).collect::<Vec<_>>(), ["rejected 0", "rejected 0", "accepted"]);
    assert_eq!(sink.taken(), [taken(&irregular)]);
    assert_eq!(sink.offences(), 0);
}

#[test]
fn connections_are_replaced_by_age_and_number_of_mails() {
    let (_folder, sink) = server();
    let mut mailer = Smtp::new(plain(&sink.url()), SmtpOptions { max_mails: 2, ..options() });
    mailer.send(&[good("m1"), good("m2"), good("m3"), good("m4"), good("m5")]);
    assert_eq!((sink.connections(), sink.taken().len()), (3, 5));
    let mut mailer = Smtp::new(plain(&sink.url()), SmtpOptions { max_age: Duration::ZERO, ..options() });
    mailer.send(&[good("m6"), good("m7")]);
    assert_eq!((sink.connections(), sink.taken().len()), (5, 7));
}
