//! What the studio says where a file is away, too large or the same already, and how it names people.

use crate::small_shop::Shop;
use crate::studio_pages::{Answer, Pages};
use crate::studio_templates::{digest_of, save};
use std::fs;
use std::time::{Duration, Instant};

const SUBJECT: &str = "letter/subject.txt";

fn open(shop: &Shop, language: &str) -> Pages {
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("language = \"en\"", &format!("language = \"{language}\""))).unwrap();
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

fn preview(pages: &Pages, file: &str, text: &str, digest: &str) -> Answer {
    pages.post("/preview", &[("file", file), ("text", text), ("digest", digest), ("customer", "c000"), ("campaign", "letter")])
}

#[test]
fn a_text_that_is_too_large_is_refused_at_once() {
    let shop = Shop::new(1);
    let pages = open(&shop, "en");
    let (digest, text) = (digest_of(&pages, "letter/body.html"), "{{ customer.name }}\n".repeat(350_000));
    let began = Instant::now();
    let saved = save(&pages, "letter/body.html", &text, &digest);
    assert!(saved.status == 413 && saved.body.contains("was not saved") && saved.body.contains("<iframe"), "{}", saved.status);
    assert!(saved.body.ends_with("</html>\n") && saved.body.contains(&text), "the text comes back");
    let previewed = preview(&pages, "letter/body.html", &text, &digest);
    assert!(previewed.body.contains("larger than 1024 KiB"), "{}", previewed.status);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a_template_with_thousands_of_brackets_does_not_end_the_studio() {
    let shop = Shop::new(1);
    let pages = open(&shop, "en");
    let digest = digest_of(&pages, SUBJECT);
    for text in [
        format!("x{{% if false %}}{}{{% endif %}}", "{% elif false %}".repeat(20_000)),
        format!("x{{{{ {}1{} }}}}", "<a b={".repeat(20_000), "} />".repeat(20_000)),
    ] {
        let told = preview(&pages, SUBJECT, &text, &digest);
        assert!(told.status == 200 && told.body.contains("within each other") && told.body.contains('^'), "{}", told.body);
        fs::write(shop.path("templates/letter/subject.txt"), &text).unwrap();
        assert!(shop.call(&["check"], 4).is_empty());
    }
}

#[test]
fn what_to_do_about_a_file_that_is_gone_is_what_can_be_done() {
    for (language, back, only_back, save_it) in
        [("ja", "元に戻すか、ここで保存して作り直してください", "元に戻してください", "保存して"), ("en", "or save it anew from here", "Put it back.", "save it")]
    {
        let shop = Shop::new(1);
        fs::create_dir_all(shop.path("templates/parts")).unwrap();
        fs::write(shop.path("templates/parts/foot.html"), "x").unwrap();
        let pages = open(&shop, language);
        let (digest, part) = (digest_of(&pages, SUBJECT), digest_of(&pages, "parts/foot.html"));
        fs::remove_file(shop.path("templates/parts/foot.html")).unwrap();
        let told = preview(&pages, "parts/foot.html", "x", &part).body;
        assert!(told.contains(only_back) && !told.contains("戻すして") && !told.contains(back), "{told}");
        fs::remove_file(shop.path("templates/letter/subject.txt")).unwrap();
        let told = preview(&pages, SUBJECT, "x", &digest).body;
        assert!(told.contains(back), "{told}");
        // Nothing can be saved where there is no folder.
        fs::rename(shop.path("templates/letter"), shop.path("aside")).unwrap();
        for answer in [preview(&pages, SUBJECT, "x", &digest), preview(&pages, "parts/foot.html", "x", &part)] {
            assert!(!answer.body.contains(save_it), "{}", answer.body);
        }
    }
}
