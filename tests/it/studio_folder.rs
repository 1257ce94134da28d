//! The template folder as a whole: another one in its place is seen, and one that is gone is told.

use crate::small_shop::Shop;
use crate::studio_pages::{Pages, wait_for};
use crate::studio_templates::{digest_of, save};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const SUBJECT: &str = "letter/subject.txt";

fn open(language: &str) -> (Shop, Pages) {
    let shop = Shop::new(2);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("language = \"en\"", &format!("language = \"{language}\""))).unwrap();
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    (shop, pages)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &into);
        } else {
            fs::copy(entry.path(), into).unwrap();
        }
    }
}

/// Saves a subject elsewhere; how long it takes until a page that listens was told and has the new mail.
fn seen(shop: &Shop, pages: &Pages, text: &str) -> Duration {
    let mut listening = pages.listen();
    let digest = digest_of(pages, SUBJECT);
    let start = Instant::now();
    fs::write(shop.path("templates/letter/subject.txt"), text).unwrap();
    wait_for(&mut listening, "event: changed");
    let fields = [("file", SUBJECT), ("text", "old"), ("digest", &digest), ("customer", "c001"), ("campaign", "letter"), ("clean", "1")];
    let page = pages.post("/preview", &fields).body;
    assert!(page.contains(&format!("{text}</textarea>")), "{page}");
    start.elapsed()
}

#[test]
fn a_folder_in_the_place_of_another_is_seen() {
    let (shop, pages) = open("en");
    let (folder, other, aside) = (shop.path("templates"), shop.path("other"), shop.path("aside"));
    let mut times = Vec::new();
    for round in 0..5 {
        copy(&folder, &other);
        fs::write(other.join(SUBJECT), format!("Folder {round}")).unwrap();
        let mut listening = pages.listen();
        fs::rename(&folder, &aside).unwrap();
        fs::rename(&other, &folder).unwrap();
        wait_for(&mut listening, "event: changed");
        // Nobody listens to the one that went away.
        fs::remove_dir_all(&aside).unwrap();
        std::thread::sleep(Duration::from_millis(150));
        times.push(seen(&shop, &pages, &format!("Round {round}")));
    }
    times.sort();
    // The machine may be busy with other tests; a slow round is its own.
    assert!(times[2] < Duration::from_millis(200), "{times:?}");
}

#[test]
fn a_folder_that_is_gone_is_told_until_it_is_back() {
    for (language, told, not_told) in
        [("ja", "テンプレートのフォルダーがありません", "No such file"), ("en", "The template folder is not there", "os error")]
    {
        let (shop, pages) = open(language);
        let (folder, aside) = (shop.path("templates"), shop.path("aside"));
        let digest = digest_of(&pages, SUBJECT);
        let mut listening = pages.listen();
        fs::rename(&folder, &aside).unwrap();
        wait_for(&mut listening, "event: changed");
        let fields = [("file", SUBJECT), ("text", "x"), ("digest", &digest), ("customer", "c001"), ("campaign", "letter")];
        let saved = save(&pages, SUBJECT, "mine", &digest);
        assert!(saved.body.contains("mine</textarea>"), "{}", saved.body);
        for answer in [pages.get("/templates"), pages.get("/templates/letter/subject.txt"), pages.post("/preview", &fields), saved] {
            assert!((400..600).contains(&answer.status), "{}", answer.status);
            assert!(answer.body.contains(told) && answer.body.contains("templates"), "{}", answer.body);
            assert!(!answer.body.contains(not_told), "{}", answer.body);
        }
        std::thread::sleep(Duration::from_millis(300));
        let mut listening = pages.listen();
        copy(&aside, &folder);
        wait_for(&mut listening, "event: changed");
        std::thread::sleep(Duration::from_millis(150));
        seen(&shop, &pages, "Back again");
    }
}
