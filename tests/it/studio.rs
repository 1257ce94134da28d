//! The studio from outside: who is let in, what every answer says to the browser, and how it begins and ends.

use crate::program::root;
use crate::small_shop::{DATE, Shop};
use crate::studio_pages::Pages;
use std::process::Command;
use std::time::{Duration, Instant};

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

#[test]
fn who_does_not_know_the_token_sees_nothing() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    assert!(pages.page("/").contains("letter"));
    for target in ["/", "/templates", "/static/studio.css", "/00000000000000000000000000000000/", &format!("{}0/", pages.base)] {
        let refused = pages.ask(target, &pages.host, "");
        assert_eq!(refused.status, 404, "{target}");
        assert!(!["letter", "small", "Small Shop", &pages.base].iter().any(|secret| refused.body.contains(secret)), "{}", refused.body);
    }
    let port = pages.host.split(':').nth(1).unwrap();
    for host in ["evil.example", &format!("evil.example:{port}"), "127.0.0.1", "127.0.0.1:1", &format!("127.0.0.1.evil.example:{port}")] {
        let refused = pages.ask(&format!("{}/", pages.base), host, "");
        assert_eq!((refused.status, refused.body.as_str()), (403, ""), "{host}");
    }
    assert_eq!(pages.ask(&format!("{}/", pages.base), &format!("localhost:{port}"), "").status, 200);
}

#[test]
fn what_changes_something_must_come_from_the_pages() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    for origin in ["", "Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://127.0.0.1:1\r\n"] {
        assert_eq!(pages.post_from("/reload", &[], origin).status, 403, "{origin}");
    }
    assert_eq!(pages.post("/reload", &[]).status, 303);
    let put = format!("PUT {}/ HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", pages.base, pages.host);
    assert_eq!(pages.talk(put.as_bytes()).status, 405);
}

#[test]
fn every_answer_keeps_the_browser_in() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    for path in ["/", "/nowhere", "/static/studio.css", "/static/htmx.min.js"] {
        let answer = pages.get(path);
        for (name, value) in [
            ("Referrer-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("Content-Security-Policy");
        for part in ["default-src 'none'", "script-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let head = answer.head.to_lowercase();
        assert!(!head.contains("set-cookie") && !head.contains("access-control"), "{path}: {head}");
    }
    assert_eq!(pages.get("/nowhere").status, 404);
    // Nothing of ours is from elsewhere, and nothing runs or is styled within a page.
    let page = pages.page("/");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<style") && !page.contains(" style="), "{page}");
    assert_eq!(page.matches("<script").count(), page.matches("<script src=").count(), "{page}");
}

#[test]
fn it_is_for_this_machine_only() {
    let shop = Shop::new(1);
    let told = shop.call(&["studio", "--listen", "127.0.0.1:0"], 2);
    assert!(told.contains("no plan") && told.contains("rankmail plan"), "{told}");
    shop.plan();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8026"] {
        let told = shop.call(&["studio", "--listen", listen], 2);
        assert!(told.contains("this machine only"), "{told}");
    }
    let told = shop.call(&["studio", "--listen", "nowhere"], 2);
    assert!(told.contains("cannot listen on nowhere"), "{told}");
    let told = shop.call(&["studio", "--as-of", "2026-11-01"], 2);
    assert!(told.contains("--as-of 2026-11-01"), "{told}");
}

#[test]
fn it_ends_in_order_also_while_a_page_listens() {
    let shop = Shop::new(1);
    let mut pages = open(&shop);
    let mut listening = std::net::TcpStream::connect(&pages.host).unwrap();
    let head = format!("GET {}/events HTTP/1.1\r\nHost: {}\r\n\r\n", pages.base, pages.host);
    std::io::Write::write_all(&mut listening, head.as_bytes()).unwrap();
    let mut bytes = [0_u8; 4096];
    let mut told = String::new();
    while !told.contains("event: hello") {
        let read = std::io::Read::read(&mut listening, &mut bytes).unwrap();
        told += &String::from_utf8_lossy(&bytes[..read]);
    }
    let start = Instant::now();
    let kill = Command::new("kill").args(["-TERM", &pages.child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(pages.child.wait().unwrap().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_plan_that_is_made_anew_is_told_and_opened() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let again = "The plan was made anew";
    assert!(!pages.page("/").contains(again));
    // The same plan once more is no other one.
    shop.plan();
    assert!(!pages.page("/").contains(again));
    std::fs::write(shop.path("templates/letter/subject.txt"), "Other").unwrap();
    shop.plan();
    assert!(pages.page("/").contains(again));
    assert_eq!(pages.post("/reload", &[]).status, 303);
    assert!(!pages.page("/").contains(again));
    shop.call(&["plan", "--as-of", "2026-12-02", "-q"], 0);
    assert!(pages.page("/").contains("There is a newer plan, of 2026-12-02") && !pages.page("/").contains(again));
    assert_eq!(pages.post("/reload", &[]).status, 303);
    assert!(pages.page("/").contains("2026-12-02"));
    // Whoever asked for a date stays with it.
    let pages = Pages::open(&shop.path("job.toml"), &["--as-of", DATE]);
    assert!(pages.page("/").contains(DATE) && !pages.page("/").contains(again));
}

#[test]
fn bounds_hold() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    assert_eq!(pages.get(&format!("/?{}", "a".repeat(9_000))).status, 414);
    let head = format!(
        "POST {}/reload HTTP/1.1\r\nHost: {}\r\nOrigin: http://{}\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n",
        pages.base, pages.host, pages.host
    );
    // The form is not read at all here; nobody waits for its end.
    assert!([303, 413].contains(&pages.talk(head.as_bytes()).status));
    // Those who say half of something keep nobody else waiting.
    let idle: Vec<_> = (0..80).map(|_| std::net::TcpStream::connect(&pages.host).unwrap()).collect();
    for mut half in &idle {
        std::io::Write::write_all(&mut half, format!("GET {}/ HTTP/1.1\r\nHo", pages.base).as_bytes()).unwrap();
    }
    let start = Instant::now();
    assert!(pages.page("/").contains("letter"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn htmx_is_named_with_its_licence() {
    let licence = std::fs::read_to_string(root().join("src/web/pages/htmx.licence.txt")).unwrap();
    let version = licence.split("htmx ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let script = std::fs::read_to_string(root().join("src/web/pages/htmx.min.js")).unwrap();
    assert!(script.contains(&format!("version:\"{version}\"")), "{version}");
}

fn mail_way(customer: &str, more: &str) -> String {
    format!("?customer={customer}&campaign=letter{more}")
}

#[test]
fn a_mail_is_what_would_be_sent() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let first = pages.page("/mail?campaign=letter");
    assert!(first.contains("冬のお便り 山田 0") && first.contains("good-c000@b.example") && first.contains("1 of 3"), "{first}");
    let second = pages.page(&format!("/mail{}", mail_way("c001", "")));
    for way in ["customer=c000&amp;campaign=letter", "customer=c002&amp;campaign=letter"] {
        assert!(second.contains(way), "{second}");
    }
    assert!(second.contains("List-Unsubscribe-Post") && second.contains("canary-c001-end"), "{second}");
    // The source is the mail that `show` tells of, byte for byte.
    let source = pages.page(&format!("/mail/source{}", mail_way("c001", "")));
    assert_eq!(source, shop.call(&["show", "--customer", "c001", "--eml"], 0));
    let size = rankmail::domain::money::grouped(source.len() as u64);
    assert!(second.contains(&format!("{size} bytes")), "{size}: {second}");
    let none = pages.get(&format!("/mail{}", mail_way("nobody", "")));
    assert!(none.status == 404 && none.body.contains("nobody"), "{}", none.body);
    assert_eq!(pages.get("/mail?campaign=other").status, 404);
}

#[test]
fn the_html_of_a_mail_can_do_nothing() {
    let shop = Shop::new(2);
    let body = std::fs::read_to_string(shop.path("templates/letter/body.html")).unwrap();
    let more =
        "<style>@media (prefers-color-scheme: dark) { p { color: #eee } }</style><img src='https://shop.example/x.png'><script>1</script>";
    std::fs::write(shop.path("templates/letter/body.html"), body.replace("<body>", &format!("<body>{more}"))).unwrap();
    let pages = open(&shop);
    let page = pages.page(&format!("/mail{}", mail_way("c000", "")));
    assert_eq!(page.matches("<iframe sandbox class=").count(), 2, "{page}");
    let policy = |more: &str| pages.get(&format!("/mail/html{}", mail_way("c000", more))).header("Content-Security-Policy").to_owned();
    assert_eq!(
        policy(""),
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    );
    assert_eq!(policy("&remote=1"), policy("").replace("data:", "data: https: http:"));
    assert_eq!(pages.get(&format!("/mail/html{}", mail_way("c000", ""))).header("Referrer-Policy"), "no-referrer");
    // By day it is the mail that would be sent, whose links lead nowhere; in the dark its own rules for that hold.
    let html = pages.page(&format!("/mail/html{}", mail_way("c000", "")));
    let sent = shop.call(&["show", "--customer", "c000", "--html"], 0).replace('\'', "\"");
    let target = sent.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let copy = sent.replace(&format!("<a href=\"{target}\""), &format!("<a data-leads=\"{target}\" title=\"{target}\""));
    let (looks, rest) = html.split_once("</style>").unwrap();
    assert!(looks.starts_with("<!DOCTYPE html><style>@namespace"), "{html}");
    assert_eq!(format!("<!DOCTYPE html>{rest}"), copy);
    let dark = pages.page(&format!("/mail/html{}", mail_way("c000", "&dark=1")));
    assert!(dark.contains("color-scheme\" content=\"dark\"") && dark.contains("@media (min-width: 0)"), "{dark}");
}

#[test]
fn a_mail_that_is_no_longer_the_planned_one_is_not_shown() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    assert!(pages.page("/mail?campaign=letter").contains("冬のお便り"));
    let plan = shop.path(&format!("runs/small/{DATE}"));
    let values = plan.join("values.parquet");
    let whole = std::fs::read(&values).unwrap();
    std::fs::write(&values, &whole[..whole.len() / 2]).unwrap();
    let told = pages.get("/mail?campaign=letter");
    assert!(told.status == 500 && told.body.contains("values.parquet"), "{}", told.body);
    std::fs::write(plan.join("templates/letter/subject.txt"), "Other").unwrap();
    drop(pages);
    shop.call(&["studio", "--listen", "127.0.0.1:0"], 4);
}

#[test]
fn hard_ones_are_found() {
    let address = |number| if number == 2 { "a..b@docomo.ne.jp".to_owned() } else { format!("good-c{number:03}@b.example") };
    let shop = Shop::with(12, address, "", "[contact]\nirregular_addresses = \"send\"");
    let pages = open(&shop);
    let hard = |kind: &str| {
        let start = Instant::now();
        loop {
            let answer = pages.get(&format!("/mail/hard?campaign=letter&hard={kind}&dark=1"));
            if answer.status != 503 || start.elapsed() > Duration::from_secs(20) {
                return (answer.status, answer.header("Location").replace(&pages.base, ""));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(hard("name"), (303, "/mail?customer=c010&campaign=letter&dark=1".to_owned()), "山田 10");
    assert_eq!(hard("address"), (303, "/mail?customer=c002&campaign=letter&dark=1".to_owned()));
    assert_eq!(hard("missing").0, 303);
    assert_eq!(hard("other").0, 404);
}
