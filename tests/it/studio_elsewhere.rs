//! What the studio says of files that another program removes, changes or puts back while a page is open.

use crate::small_shop::Shop;
use crate::studio_pages::{Answer, Pages};
use crate::studio_templates::{digest_of, save};
use std::fs;

const SUBJECT: &str = "letter/subject.txt";

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

/// What an open page asks when it hears of a change; `clean` where nothing was written in it.
fn asked(pages: &Pages, file: &str, text: &str, digest: &str, clean: bool) -> Answer {
    let mut fields = vec![("file", file), ("text", text), ("digest", digest), ("customer", "c000"), ("campaign", "letter")];
    if clean {
        fields.push(("clean", "1"));
    }
    pages.post("/preview", &fields)
}

#[test]
fn a_file_that_another_program_removes_is_told_and_its_text_stays() {
    let shop = Shop::new(2);
    fs::create_dir_all(shop.path("templates/parts")).unwrap();
    fs::write(shop.path("templates/parts/foot.html"), "<p>Foot</p>").unwrap();
    fs::write(shop.path("templates/letter/body.txt"), "{{ shop.name }} {{ shop.address }} {{ shop.contact }} {{ links.unsubscribe }}")
        .unwrap();
    let pages = open(&shop);
    for file in [SUBJECT, "letter/body.html", "letter/body.txt", "parts/foot.html"] {
        let (digest, path) = (digest_of(&pages, file), shop.path(&format!("templates/{file}")));
        let before = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for clean in [true, false] {
            let told = asked(&pages, file, &before, &digest, clean);
            assert_eq!(told.status, 200, "{file}: {}", told.body);
            assert!(told.body.contains("data-elsewhere") && told.body.contains("is not there any more"), "{file}: {}", told.body);
            assert!(told.body.contains(&format!("templates/{file}")) && told.body.contains("Put it back"), "{file}: {}", told.body);
            assert!(!told.body.contains("<textarea") && !told.body.contains("the law asks for"), "{file}: {}", told.body);
        }
        fs::write(&path, before).unwrap();
        assert!(!asked(&pages, file, "x", &digest, true).body.contains("data-elsewhere"), "{file}");
    }
}

#[test]
fn a_part_that_is_missing_is_told_as_that() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    fs::remove_file(shop.path("templates/letter/body.html")).unwrap();
    for page in [pages.page("/templates/letter/body.html"), pages.page("/templates/letter/subject.txt")] {
        assert!(page.contains("has no `body.html`") && page.contains("put `letter/body.html` back"), "{page}");
        assert!(!page.contains("the law asks for"), "{page}");
    }
    // Also where the page of the missing file looks again with nothing written in it.
    let told = asked(&pages, "letter/body.html", "", "", true).body;
    assert!(told.contains("has no `body.html`") && !told.contains("the law asks for"), "{told}");
}

#[test]
fn a_file_that_another_program_changes_is_told() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    let digest = digest_of(&pages, SUBJECT);
    fs::write(shop.path("templates/letter/subject.txt"), "Theirs").unwrap();
    let told = asked(&pages, SUBJECT, "x", &digest, true).body;
    assert!(told.contains("data-elsewhere") && told.contains("Another program") && told.contains("Theirs</textarea>"), "{told}");
    let told = asked(&pages, SUBJECT, "Mine", &digest, false).body;
    assert!(told.contains("data-elsewhere") && told.contains("changed elsewhere") && !told.contains("<textarea"), "{told}");
}

#[test]
fn what_the_file_holds_already_is_saved() {
    let shop = Shop::new(1);
    let path = shop.path("templates/letter/subject.txt");
    let pages = open(&shop);
    let digest = digest_of(&pages, SUBJECT);
    fs::write(&path, "\u{feff}Same\r\nsecond\r\n").unwrap();
    let saved = save(&pages, SUBJECT, "Same\nsecond\n", &digest);
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(fs::read(&path).unwrap(), "\u{feff}Same\r\nsecond\r\n".as_bytes());
    // The next one is saved by what the page was told then.
    fs::write(&path, "Again").unwrap();
    let hx = format!("Origin: http://{}\r\nHX-Request: true\r\n", pages.host);
    let fields = [("file", SUBJECT), ("text", "Again"), ("digest", &digest)];
    let saved = pages.post_from("/templates/letter/subject.txt", &fields, &hx);
    assert!(saved.status == 200 && saved.body.contains(&digest_of(&pages, SUBJECT)), "{}", saved.body);
    assert_eq!(save(&pages, SUBJECT, "Other", &digest).status, 409);
}

#[test]
fn a_page_that_found_no_folder_is_opened_again_when_there_is_one() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    fs::rename(shop.path("templates"), shop.path("aside")).unwrap();
    for path in ["/templates", "/templates/letter/subject.txt"] {
        let page = pages.get(path).body;
        assert!(page.contains("data-listens=\"page\"") && page.contains("opens by itself"), "{page}");
    }
    // Other pages that cannot be shown do not wait for that.
    assert!(!pages.get("/nowhere").body.contains("data-listens"));
    fs::rename(shop.path("aside"), shop.path("templates")).unwrap();
    assert!(!pages.page("/templates").contains("data-listens"));
}

#[test]
fn the_mail_is_answered_before_it_is_tried_on_others() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let text = "{% if customer.id == 'c002' %}{{ 1/0 }}{% endif %}ok";
    let digest = digest_of(&pages, SUBJECT);
    let told = asked(&pages, SUBJECT, text, &digest, false).body;
    assert!(told.contains("<iframe") && !told.contains("fails for"), "{told}");
    assert!(told.contains(&format!("hx-post=\"{}/preview/others\"", pages.base)) && told.contains("hx-sync=\"#editor:abort\""), "{told}");
    let fields = [("file", SUBJECT), ("text", text), ("digest", &digest), ("customer", "c000"), ("campaign", "letter")];
    let others = pages.post("/preview/others", &fields);
    assert!(others.status == 200 && others.body.contains("fails for 1 of the 3"), "{}", others.body);
    assert!(!others.body.contains("<iframe") && !others.body.contains("hx-post"), "{}", others.body);
    // The page itself does not wait either; without scripts there is a way to ask.
    fs::write(shop.path("templates/letter/subject.txt"), text).unwrap();
    let page = pages.page("/templates/letter/subject.txt");
    assert!(page.contains("<iframe") && !page.contains("fails for") && page.contains("/preview/others"), "{page}");
    let way = page.split("<noscript><a href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&").replace(&pages.base, "");
    assert!(pages.page(&way).contains("fails for 1 of the 3"), "{way}");
}
