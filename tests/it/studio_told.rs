//! What the studio says where a file is away, too large or the same already, and how it names people.

use crate::small_shop::Shop;
use crate::studio_pages::{Answer, Pages, read};
use crate::studio_templates::{digest_of, save};
use std::fs;
use std::time::{Duration, Instant};

const SUBJECT: &str = "letter/subject.txt";
const EDITOR: &str = "/templates/letter/subject.txt";

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
    let (digest, text) = (digest_of(&pages, "letter/body.html"), "{{ customer.name }}\n".repeat(200_000));
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
        assert!(shop.call(&["check"], 2).contains("within each other"));
    }
}

#[test]
fn what_to_do_about_a_file_that_is_gone_is_what_can_be_done() {
    for (language, back, only_back, save_it) in [
        ("ja", "元に戻すか、ここで保存して作り直してください", "元に戻してください", "保存して"),
        ("en", "or save it anew from here", "Put it back.", "save it"),
    ] {
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

#[test]
fn a_file_that_is_gone_is_made_anew_by_saving() {
    let shop = Shop::new(1);
    let path = shop.path("templates/letter/subject.txt");
    let pages = open(&shop, "en");
    let digest = digest_of(&pages, SUBJECT);
    fs::remove_file(&path).unwrap();
    // Who was not told yet is asked, by words that fit a file that is not there.
    let asked = save(&pages, SUBJECT, "Mine", &digest);
    assert_eq!(asked.status, 409, "{}", asked.body);
    assert!(asked.body.contains("The file was removed") && asked.body.contains("Make the file anew with your text"), "{}", asked.body);
    for word in ["Go on with the file as it is", "Save yours over it", "It was changed meanwhile", "The file as it is now"] {
        assert!(!asked.body.contains(word), "{word}: {}", asked.body);
    }
    assert!(asked.body.contains("data-save"), "{}", asked.body);
    // Who was told and saves makes it again.
    let told = preview(&pages, SUBJECT, "Mine", &digest).body;
    let said = "<input type=\"hidden\" name=\"gone\" id=\"gone\" value=\"1\" hx-swap-oob=\"outerHTML\">";
    assert!(told.contains(said), "{told}");
    let fields = [("file", SUBJECT), ("text", "Mine"), ("digest", &digest), ("gone", "1")];
    let saved = pages.post(EDITOR, &fields);
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(fs::read_to_string(&path).unwrap(), "Mine");
    assert!(preview(&pages, SUBJECT, "Mine", &digest).body.contains(&said.replace("\"1\"", "\"\"")));
    // Where another one is there by now, it is not written over.
    fs::write(&path, "Theirs").unwrap();
    let asked = pages.post(EDITOR, &fields);
    assert!(asked.status == 409 && asked.body.contains("Save yours over it") && asked.body.contains("data-choose"), "{}", asked.body);
    assert!(!asked.body.contains("data-save"), "{}", asked.body);
}

#[test]
fn a_file_that_holds_the_very_text_is_not_told_as_changed() {
    let shop = Shop::new(1);
    let pages = open(&shop, "en");
    let digest = digest_of(&pages, SUBJECT);
    fs::write(shop.path("templates/letter/subject.txt"), "Same\r\n").unwrap();
    let told = preview(&pages, SUBJECT, "Same\n", &digest).body;
    assert!(!told.contains("data-elsewhere"), "{told}");
    // What is written after that is written on that file.
    let now = digest_of(&pages, SUBJECT);
    assert!(told.contains(&format!("id=\"digest\" value=\"{now}\" hx-swap-oob")), "{told}");
    assert!(preview(&pages, SUBJECT, "Other", &digest).body.contains("data-elsewhere"));
}

#[test]
fn names_turn_nothing_round_that_stands_beside_them() {
    let shop = Shop::new(2);
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap().replace("山田 1", "A\u{202e}mada");
    fs::write(shop.path("customers.csv"), list).unwrap();
    let pages = open(&shop, "en");
    let person = read(&pages, "/person?id=c001");
    assert!(person.contains("<bdi class=\"name\">A\u{202e}mada</bdi> <small class=\"note\"><bdi>c001</bdi></small>"), "{person}");
    let people = read(&pages, "/people");
    assert!(people.contains("><bdi>A\u{202e}mada</bdi></a> <small><bdi>c001</bdi></small>"), "{people}");
    let mail = pages.page("/mail?customer=c001&campaign=letter");
    assert!(mail.contains("<h1 class=\"subject\"><bdi>冬のお便り A\u{202e}mada</bdi></h1>"), "{mail}");
}

#[test]
fn a_name_that_no_file_can_have_is_no_template() {
    let shop = Shop::new(1);
    let pages = open(&shop, "en");
    for file in
        [format!("letter/{}.txt", "a".repeat(300)), format!("parts/{}/b.html", "a".repeat(300)), format!("{}.html", "あ".repeat(100))]
    {
        let way = format!("/templates/{}", file.split('/').map(|part| part.replace('あ', "%E3%81%82")).collect::<Vec<_>>().join("/"));
        let got = pages.get(&way);
        assert!(got.status == 404 && got.body.contains("is no template of this job"), "{} {}", got.status, got.body);
        let posted = pages.post(&way, &[("text", "x"), ("digest", ""), ("file", &file)]);
        assert_eq!(posted.status, 404, "{}", posted.body);
    }
}

#[test]
fn what_passes_when_the_folder_is_back_is_marked() {
    let shop = Shop::new(1);
    let pages = open(&shop, "en");
    let digest = digest_of(&pages, SUBJECT);
    let large = save(&pages, SUBJECT, &"x".repeat(2 << 20), &digest);
    assert!(large.status == 413 && !large.body.contains("data-passes"));
    fs::rename(shop.path("templates"), shop.path("aside")).unwrap();
    let saved = save(&pages, SUBJECT, "x", &digest);
    assert!(saved.body.contains("role=\"alert\" data-passes>"), "{}", saved.body);
}

#[test]
fn small_words_are_whole() {
    let shop = Shop::new(1);
    let pages = open(&shop, "en");
    read(&pages, "/people");
    assert!(pages.page("/people?rank=ZZ").contains("There is no rank `ZZ` in this plan"));
    let told = pages.get("/mail");
    assert!(told.status == 404 && told.body.contains("no campaign was named") && !told.body.contains("``"), "{}", told.body);
    let digest = digest_of(&pages, SUBJECT);
    let told = preview(&pages, SUBJECT, "{{ customer.zzz }}", &digest).body;
    let help = told.split("there are: ").nth(1).unwrap().split("</pre>").next().unwrap();
    let names: Vec<&str> = help.split([',', '\n', ' ', '|']).filter(|name| !name.is_empty()).collect();
    assert_eq!(names.iter().filter(|name| **name == "id").count(), 1, "{help}");
    fs::write(shop.path("templates/letter/subject.txt"), b"\xff\xfe").unwrap();
    let told = save(&pages, SUBJECT, "x", &digest).body;
    assert!(told.contains("with another editor. Your text"), "{told}");
    fs::remove_file(shop.path("templates/letter/subject.txt")).unwrap();
    fs::create_dir(shop.path("templates/letter/subject.txt")).unwrap();
    let told = pages.get(EDITOR).body;
    assert!(told.contains("`letter/subject.txt` is no template"), "{told}");
}

#[test]
fn small_words_are_whole_in_japanese() {
    let shop = Shop::new(1);
    let pages = open(&shop, "ja");
    let told = pages.get("/mail").body;
    assert!(told.contains("キャンペーンが指定されていません") && !told.contains("``"), "{told}");
    let digest = digest_of(&pages, SUBJECT);
    fs::write(shop.path("templates/letter/subject.txt"), b"\xff\xfe").unwrap();
    let told = save(&pages, SUBJECT, "x", &digest).body;
    assert!(told.contains("保存し直してください。 文面は"), "{told}");
}
