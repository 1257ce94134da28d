//! The studio's server: nobody keeps others waiting, every answer is a page in the job's language, and a mail that is looked at calls nobody.

use crate::small_shop::Shop;
use crate::studio_pages::{Pages, wait_for};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

#[test]
fn idle_connections_keep_nobody_waiting() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let mut listening = pages.listen();
    let half = format!("GET {}/ HTTP/1.1\r\nHo", pages.base);
    let mut idle: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(&pages.host).unwrap();
            if number % 3 > 0 {
                // The server may have closed it already, to make room.
                let _ = stream.write_all(half.as_bytes());
            }
            stream
        })
        .collect();
    for _ in 0..3 {
        let start = Instant::now();
        assert!(pages.page("/templates").contains("letter"));
        assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    }
    // Nobody stands in the door for long.
    let last = idle.last_mut().unwrap();
    last.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let start = Instant::now();
    assert!(matches!(last.read(&mut [0_u8; 64]), Ok(0) | Err(_)));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // The page in use is still told.
    fs::write(shop.path("templates/letter/subject.txt"), "Other").unwrap();
    wait_for(&mut listening, "event: changed");
}

#[test]
fn a_locked_ledger_delays_its_own_pages_only() {
    let shop = Shop::new(1);
    shop.plan();
    drop(rankmail::ledger::Ledger::open(&shop.path("runs/ledger.sqlite")).unwrap());
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    assert_eq!(pages.get("/approve").status, 200);
    let other = rusqlite::Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version = 9").unwrap();
    let waiting: Vec<TcpStream> = (0..12)
        .map(|number| {
            let mut stream = TcpStream::connect(&pages.host).unwrap();
            let path = ["/approve", "/changes", "/person?id=c000"][number % 3];
            write!(stream, "GET {}{path} HTTP/1.1\r\nHost: {}\r\n\r\n", pages.base, pages.host).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    for path in ["/templates", "/templates/letter/subject.txt", "/mail?campaign=letter", "/people"] {
        let start = Instant::now();
        assert_eq!(pages.get(path).status, 200);
        assert!(start.elapsed() < SECOND, "{path}: {:?}", start.elapsed());
    }
    drop(waiting);
    drop(other);
    let start = Instant::now();
    while pages.get("/approve").status != 200 {
        assert!(start.elapsed() < Duration::from_secs(25));
    }
}

#[test]
fn it_ends_before_it_takes_all_memory() {
    let shop = Shop::new(1);
    shop.plan();
    let told = shop.call(&["studio", "--listen", "127.0.0.1:0", "--memory", "1MB"], 2);
    assert!(told.contains("took more than 1 MiB") && told.contains("--memory 1MB"), "{told}");
    // Nobody has worked on a template here: both that may be to blame are named.
    assert!(told.contains("large shop") && told.contains("template"), "{told}");
}

#[test]
fn every_refusal_is_a_page_in_the_language_of_the_job() {
    let shop = Shop::new(1);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("language = \"en\"", "language = \"ja\"")).unwrap();
    let pages = open(&shop);
    let (base, host) = (&pages.base, &pages.host);
    let ask = |line: &str, more: &str, body: &str| {
        let length = body.len();
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n{more}");
        pages.talk(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (answer, status) in [
        (ask(&format!("PUT {base}/"), "", ""), 405),
        (ask(&format!("POST {base}/mail"), form, ""), 405),
        (ask(&format!("POST {base}/templates/letter/subject.txt"), "Content-Type: text/plain\r\n", "x"), 415),
        (ask(&format!("POST {base}/templates/letter/subject.txt"), form, "text=x"), 422),
        (ask(&format!("POST {base}/templates/letter/subject.txt"), form, &"a".repeat(9_000_000)), 413),
        (pages.get("/preview/x/html"), 400),
        (pages.get("/nowhere"), 404),
        (pages.get("/mail?campaign=letter&campaign=letter"), 400),
    ] {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.header("Content-Type").starts_with("text/html"), "{status}: {}", answer.head);
        assert!(answer.body.contains("lang=\"ja\"") && answer.body.contains("表示できません"), "{status}: {}", answer.body);
        assert!(answer.header("Content-Security-Policy").contains("default-src 'none'"), "{}", answer.head);
    }
    let slash = pages.get("");
    assert_eq!((slash.status, slash.header("Location")), (308, format!("{base}/").as_str()));
    // Who does not know the token is told that, and nothing of the shop.
    let none = pages.ask("/0123", host, "");
    assert!(none.status == 404 && none.body.contains("前のアドレスです") && !none.body.contains("Small Shop"), "{}", none.body);
    assert!(none.header("Content-Security-Policy").contains("default-src 'none'"), "{}", none.head);
}

#[test]
fn what_calls_elsewhere_is_left_out_of_the_copy_that_is_shown() {
    let shop = Shop::new(1);
    let body = fs::read_to_string(shop.path("templates/letter/body.html")).unwrap();
    let calls = "<iframe src='https://a.example/'></iframe><object data='https://b.example/'>In it</object><embed src='https://c.example/'>\
                 <LINK rel=preconnect href='https://d.example/'><meta http-equiv='Refresh' content='0;url=https://e.example/'>";
    fs::write(shop.path("templates/letter/body.html"), body.replace("<body>", &format!("<body>{calls}"))).unwrap();
    let pages = open(&shop);
    let html = pages.page("/mail/html?customer=c000&campaign=letter");
    for host in ["a.example/", "//b.example", "//c.example", "//d.example", "//e.example"] {
        assert!(!html.replace("good-c000@b.example", "").contains(host), "{host}: {html}");
    }
    assert!(
        html.contains("canary-c000-end")
            && html.starts_with("<!DOCTYPE html><style>@namespace")
            && html.contains("</style><html><body>In it"),
        "{html}"
    );
    let page = pages.page("/mail?campaign=letter");
    assert!(page.contains("Left out of what is shown here") && page.contains("embed, iframe, link, meta, object"), "{page}");
    // The source is what is sent.
    let source = pages.page("/mail/source?customer=c000&campaign=letter");
    assert_eq!(source, shop.call(&["show", "--customer", "c000", "--eml"], 0));
    let editor = pages.page("/templates/letter/body.html");
    assert!(editor.contains("Left out of what is shown here"), "{editor}");
}

#[test]
fn a_mail_without_rules_for_the_dark_is_told() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let none = "no rules of its own for dark mode";
    assert!(!pages.page("/mail?campaign=letter").contains(none));
    assert!(pages.page("/mail?campaign=letter&dark=1").contains(none));
    assert!(pages.page("/templates/letter/body.html?dark=1").contains(none));
    let body = fs::read_to_string(shop.path("templates/letter/body.html")).unwrap();
    let rules = "<body><style>@media (prefers-color-scheme: dark) { p { color: #eee } }</style>";
    fs::write(shop.path("templates/letter/body.html"), body.replace("<body>", rules)).unwrap();
    assert!(!pages.page("/templates/letter/body.html?dark=1").contains(none));
}
