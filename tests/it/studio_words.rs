//! What the studio's pages say: in the page's language, in sentences, and of the past what the ledger knows.

use crate::small_shop::{DATE, Shop};
use crate::studio_pages::{Pages, read};
use rankmail::domain::bounce::SoftRule;
use rankmail::domain::{BounceKind, SkipReason};
use rankmail::ledger::{Bounce, Ledger, Suppression};

/// A shop whose pages are in Japanese.
fn japanese(count: usize) -> Shop {
    let shop = Shop::new(count);
    let job = std::fs::read_to_string(shop.path("job.toml")).unwrap_or_default();
    let japanese = job.replace("language = \"en\"", "language = \"ja\"");
    assert!(japanese != job && std::fs::write(shop.path("job.toml"), japanese).is_ok());
    shop
}

/// The words of a page's main part.
fn words(page: &str) -> String {
    // What a frame shows of an error is plain text.
    let Some((_, main)) = page.split_once("<main id=\"main\">") else { return page.to_owned() };
    main.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim()).collect::<Vec<_>>().join(" ")
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|letter| ('ぁ'..='ん').contains(&letter))
}

#[test]
fn errors_are_in_the_language_of_the_page() {
    let bad = [
        ("/nowhere", 404),
        ("/person", 404),
        ("/person?id=nobody", 404),
        ("/mail?campaign=letter&customer=nobody", 404),
        ("/mail?campaign=nothing", 404),
        ("/mail/html?campaign=letter&customer=nobody", 404),
        ("/templates/letter/other.exe", 404),
        ("/templates/letter/strange.html", 400),
        ("/preview/1/html", 404),
        ("/preview/one/html", 400),
        ("/changes?with=2020-01-01", 404),
        ("/mail?campaign=letter&campaign=letter", 400),
    ];
    for (shop, wants_japanese) in [(japanese(2), true), (Shop::new(2), false)] {
        shop.plan();
        std::fs::write(shop.path("templates/letter/strange.html"), b"\xff\xfe").unwrap();
        let pages = Pages::open(&shop.path("job.toml"), &[]);
        read(&pages, "/person?id=c000");
        for (path, status) in bad {
            let answer = pages.get(path);
            let said = words(&answer.body);
            assert_eq!(answer.status, status, "{path}: {said}");
            assert_eq!(is_japanese(&said), wants_japanese, "{path}: {said}");
            assert!(!said.is_empty(), "{path}");
            assert!(!wants_japanese || !said.contains("ustomer `"), "{path}: {said}");
        }
        for (path, fields) in [("/approve", [("name", "x")].as_slice()), ("/approve/test", &[]), ("/preview", &[("text", "x")])] {
            let answer = pages.post(path, fields);
            assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
            assert_eq!(is_japanese(&words(&answer.body)), wants_japanese, "{path}: {}", answer.body);
        }
        // What is wrong deep inside is the detail of a sentence.
        std::fs::write(shop.path(&format!("runs/small/{DATE}/values.parquet")), "x").unwrap();
        let broken = words(&pages.get("/mail?campaign=letter").body);
        assert!(broken.contains("values.parquet") && is_japanese(&broken) == wants_japanese, "{broken}");
    }
}

#[test]
fn one_of_something_is_one() {
    let shop = Shop::new(1);
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    for (path, one, many) in [
        ("/", ">1 mail<", "1 mails"),
        ("/people", ">1 person<", "1 people"),
        ("/person?id=c000", "1 order ·", "1 orders"),
        ("/templates", ">1 mail<", "1 mails"),
    ] {
        let page = read(&pages, path);
        assert!(page.contains(one) && !page.contains(many), "{path}: {page}");
    }
}

#[test]
fn what_is_planned_is_not_said_to_be_done() {
    let shop = Shop::new(3);
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    for path in ["/people", "/person?id=c000"] {
        let page = words(&read(&pages, path));
        assert!(page.contains("planned") && !page.contains("mailed"), "{path}: {page}");
    }
    // The day of the first order and that of the rank are told as what they are, once.
    let page = words(&read(&pages, "/person?id=c000"));
    assert!(page.contains("First order") && !page.contains("since the first order"), "{page}");
}

#[test]
fn no_space_stands_between_japanese_and_what_it_quotes() {
    let shop = japanese(2);
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    read(&pages, "/people");
    let page = pages.page("/people?rank=ZZZ&sort=nope");
    assert!(page.contains("今回のランク「ZZZ」、並べ替え「nope」は、この計画にありません"), "{page}");
}

#[test]
fn a_page_behind_the_last_is_the_last_and_addresses_are_short() {
    let shop = Shop::new(61);
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    let page = read(&pages, "/people?page=99");
    assert!(page.contains("51–61") && page.contains("山田 60") && page.contains("rel=\"prev\""), "{page}");
    // What a browser shows of a search has no empty fields.
    let found = pages.get("/people?q=c00&campaign=&fate=mailed&rank=&has.name=&sort=&page=");
    assert_eq!(found.header("HX-Push-Url"), format!("{}/people?q=c00&fate=mailed", pages.base));
}

#[test]
fn the_past_is_told_as_the_ledger_has_it() {
    let shop = Shop::new(3);
    shop.plan();
    shop.call(&["send", "-q"], 0);
    let mut ledger = Ledger::open(&shop.path("runs/ledger.sqlite")).unwrap();
    let at = 1_796_000_000_000_000;
    let out = Suppression { customer_id: Some("c001".to_owned()), address: None, reason: SkipReason::Unsubscribed, at };
    ledger.suppress(&out).unwrap();
    let mail_id = ledger.traces(&["c002".to_owned()]).unwrap().remove(0).mail_id;
    let mailed = ledger.mailed(&mail_id).unwrap().unwrap();
    let bounce = Bounce { report: "r".to_owned(), kind: BounceKind::Hard, mailed };
    ledger.note_bounces(&[bounce], SoftRule::default(), at).unwrap();
    drop(ledger);
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    let told = |id: &str| words(&read(&pages, &format!("/person?id={id}")));
    let (sent, gone, back) = (told("c000"), told("c001"), told("c002"));
    for page in [&sent, &gone, &back] {
        assert!(page.contains("2026-12-01 letter") && page.contains("accepted 20"), "{page}");
    }
    assert!(!sent.contains("Opted out") && !sent.contains("came back"), "{sent}");
    assert!(gone.contains("Opted out since 2026-11-"), "{gone}");
    assert!(back.contains("came back: no such address 2026-11-") && back.contains("Nothing goes to the address since"), "{back}");
}

#[test]
fn the_picture_of_the_past_holds_the_last_twelve_runs() {
    let shop = Shop::new(3);
    let months = ["2025-10", "2025-11", "2025-12"].into_iter().map(str::to_owned).chain((1..=11).map(|month| format!("2026-{month:02}")));
    for month in months {
        let date = format!("{month}-01");
        shop.call(&["plan", "--as-of", &date, "-q"], 0);
        shop.call(&["send", "--as-of", &date, "-q"], 0);
    }
    shop.plan();
    let page = Pages::open(&shop.path("job.toml"), &[]).page("/");
    let picture = page.split("<svg class=\"past-sizes\"").nth(1).unwrap().split("</svg>").next().unwrap();
    let labels: Vec<&str> = picture.split("text-anchor=\"middle\">").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert_eq!((labels.len(), labels[0], labels[12]), (13, "25-12", "26-12"), "{labels:?}");
    // All of it is within the picture, as wide as that may be.
    for bar in picture.split("<rect").skip(1) {
        let number = |name: &str| -> f64 {
            let text = bar.split(&format!("{name}=\"")).nth(1).unwrap().split(['"', '%']).next().unwrap();
            text.parse().unwrap()
        };
        assert!(number(" x") + number("width") <= 100.0 && number(" y") + number("height") <= 151.0, "{bar}");
    }
}
