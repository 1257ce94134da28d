//! Templates in the studio: what may be read and written, what comes of a text, and how soon a file saved elsewhere is seen.

use crate::small_shop::Shop;
use crate::studio_pages::{Answer, Pages, wait_for};
use std::fs;
use std::time::{Duration, Instant};

const SUBJECT: &str = "letter/subject.txt";

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

pub fn digest(page: &str) -> String {
    page.split("id=\"digest\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

pub fn digest_of(pages: &Pages, file: &str) -> String {
    digest(&pages.page(&format!("/templates/{file}")))
}

fn preview(pages: &Pages, file: &str, text: &str) -> String {
    let digest = digest_of(pages, file);
    let fields = [("file", file), ("text", text), ("digest", &digest), ("customer", "c001"), ("campaign", "letter")];
    let answer = pages.post("/preview", &fields);
    assert_eq!(answer.status, 200, "{}", answer.body);
    // The page asks for the others once the mail is there.
    answer.body + &pages.post("/preview/others", &fields).body
}

pub fn save(pages: &Pages, file: &str, text: &str, digest: &str) -> Answer {
    pages.post(&format!("/templates/{file}"), &[("text", text), ("digest", digest)])
}

#[test]
fn a_template_is_edited_and_kept() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let list = pages.page("/templates");
    for file in ["/templates/letter/subject.txt", "/templates/letter/body.html", "/templates/letter/preheader.txt"] {
        assert!(list.contains(file), "{file}: {list}");
    }
    let page = pages.page("/templates/letter/subject.txt");
    assert!(page.contains("冬のお便り {{ customer.name }}") && page.contains("This is the mail that is planned"), "{page}");
    assert!(page.contains("data-insert=\"customer.name\"") && page.contains("山田 0"), "{page}");
    let saved = save(&pages, SUBJECT, "春のお便り {{ customer.name }}\r\n", &digest(&page));
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap(), "春のお便り {{ customer.name }}\n");
    let after = pages.page(&saved.header("Location").replace(&pages.base, ""));
    assert!(after.contains("Saved.") && after.contains("It differs from the planned mail"), "{after}");
    // The plan's own copy is what was planned, and what would be sent.
    assert!(pages.page("/mail?campaign=letter").contains("冬のお便り 山田 0"));
    // A part that is not there yet may be made; what is not a part may not.
    assert_eq!(save(&pages, "letter/preheader.txt", "Hello", "").status, 303);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/preheader.txt")).unwrap(), "Hello");
    assert_eq!(save(&pages, "letter/other.txt", "Hello", "").status, 404);
    let names: Vec<_> = fs::read_dir(shop.path("templates/letter")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[cfg(unix)]
#[test]
fn what_a_file_is_like_stays() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::new(1);
    let file = shop.path("templates/letter/body.html");
    let body = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("\u{feff}{}", body.replace('\n', "\r\n"))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let pages = open(&shop);
    let new = body.replace("<p>canary", "<p>New canary");
    assert_eq!(save(&pages, "letter/body.html", &new.replace('\n', "\r\n"), &digest_of(&pages, "letter/body.html")).status, 303);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("\u{feff}{}", new.replace('\n', "\r\n")));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_file_that_was_changed_meanwhile_is_not_written() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let read = digest_of(&pages, SUBJECT);
    fs::write(shop.path("templates/letter/subject.txt"), "Theirs <b>").unwrap();
    let told = save(&pages, SUBJECT, "Mine <i>", &read);
    assert_eq!(told.status, 409);
    assert!(told.body.contains("Theirs &lt;b&gt;") && told.body.contains("Mine &lt;i&gt;"), "{}", told.body);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap(), "Theirs <b>");
    // Having seen both, one may be chosen.
    let seen = told.body.split("name=\"digest\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(save(&pages, SUBJECT, "Mine <i>", &seen).status, 303);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap(), "Mine <i>");
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_templates_is_read_or_written() {
    let shop = Shop::new(1);
    let secret = shop.path("secret.txt");
    fs::write(&secret, "secret").unwrap();
    fs::create_dir_all(shop.path("templates/strange")).unwrap();
    fs::write(shop.path("templates/strange/subject.txt"), "secret").unwrap();
    fs::write(shop.path("templates/.hidden.txt"), "secret").unwrap();
    let pages = open(&shop);
    // Links come when it is open already: a plan with one in its templates is refused.
    std::os::unix::fs::symlink(&secret, shop.path("templates/letter/body.txt")).unwrap();
    std::os::unix::fs::symlink(shop.folder.path(), shop.path("templates/parts")).unwrap();
    let encoded = |path: &str| path.replace('/', "%2f").replace('.', "%2e");
    let is_secret = |body: &str| body.contains("secret<") || body.contains(">secret") || body.contains("\nsecret");
    for path in [
        "../secret.txt",
        "letter/../../secret.txt",
        "letter/body.txt",
        "parts/secret.txt",
        "strange/subject.txt",
        ".hidden.txt",
        "/etc/hostname.txt",
        "letter//subject.txt",
        "letter/subject.txt/",
        "letter\\..\\..\\secret.txt",
        "./letter/subject.txt",
        "letter/subject.txt\0",
        "customers.csv",
        "",
    ] {
        let wire = path.replace('\0', "%00").replace('\\', "%5c");
        for target in [wire.clone(), encoded(&wire), wire.replace("..", "%2e%2e").replace('/', "%2F")] {
            let answer = pages.get(&format!("/templates/{target}"));
            assert!(answer.status == 404 || answer.status == 400, "{target}: {}", answer.status);
            assert!(!is_secret(&answer.body), "{target}");
            let answer = save(&pages, &target, "written", "");
            assert!([400, 404, 405].contains(&answer.status), "{target}: {}", answer.status);
        }
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    assert_eq!(fs::read_to_string(shop.path("templates/.hidden.txt")).unwrap(), "secret");
    assert!(!shop.path("customers.csv").metadata().unwrap().permissions().readonly());
    let preview =
        pages.post("/preview", &[("file", "../secret.txt"), ("text", "x"), ("digest", ""), ("customer", "c000"), ("campaign", "letter")]);
    assert_eq!(preview.status, 404, "{}", preview.body);
}

#[test]
fn a_text_is_seen_before_it_is_saved() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let before = fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap();
    let seen = preview(&pages, SUBJECT, "夏 {{ customer.id }}");
    assert!(seen.contains("夏 c001") && seen.contains("hx-swap-oob"), "{seen}");
    let frame = seen.split("src=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&").replace(&pages.base, "");
    let html = pages.get(&frame);
    assert!(html.body.contains("canary-c001-end") && html.header("Content-Security-Policy").starts_with("sandbox;"), "{}", html.body);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap(), before);
}

#[test]
fn an_error_shows_file_line_and_caret_and_whom_it_hits() {
    let shop = Shop::new(5);
    let customers = fs::read_to_string(shop.path("customers.csv")).unwrap().replace("山田 3", "").replace("山田 4", "");
    fs::write(shop.path("customers.csv"), customers).unwrap();
    let subject = shop.path("templates/letter/subject.txt");
    fs::write(&subject, "{{ customer.name or 'you' }}").unwrap();
    let body = fs::read_to_string(shop.path("templates/letter/body.html")).unwrap();
    fs::write(shop.path("templates/letter/body.html"), body.replace("{{ customer.name }}", "")).unwrap();
    let pages = open(&shop);
    // What cannot be read, and a name that there is not.
    for (text, what, caret) in [
        ("A\n{% if customer.nmae %}x{% endif %}", "customer.nmae", "subject.txt:2:16"),
        ("{{ customer.name | nope }}", "nope", "subject.txt:1:20"),
    ] {
        let told = preview(&pages, SUBJECT, text);
        assert!(told.contains(what) && told.contains(caret) && told.contains("^^^"), "{told}");
        assert!(!told.contains("<iframe"), "the last good one stays: {told}");
    }
    // What fails for some only; the mark of the branch before it does not move the place.
    let told = preview(&pages, SUBJECT, "{% if customer.id %}Dear {% endif %}{{ customer.name }}");
    assert!(
        told.contains("<iframe")
            && told.contains("fails for 2 of the 5")
            && told.contains("<bdi>c003</bdi></a>, <a")
            && told.contains(">c004</bdi></a>"),
        "{told}"
    );
    let digest = digest_of(&pages, SUBJECT);
    let text = "{% if customer.id %}Dear {% endif %}{{ customer.name }}";
    let fields = [("file", SUBJECT), ("text", text), ("digest", &digest), ("customer", "c003"), ("campaign", "letter")];
    let told = pages.post("/preview", &fields).body;
    assert!(told.contains("subject.txt:1:40") && told.contains("has no value here") && told.contains("^^^"), "{told}");
    // What the law asks for is asked for here too.
    let told = preview(&pages, "letter/body.html", "<p>{{ customer.id }}</p>");
    assert!(told.contains("which the law asks for"), "{told}");
}

#[test]
fn a_text_cannot_take_all_time_or_memory() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    let start = Instant::now();
    let loops = "{% for a in range(end=99999) %}{% for b in range(end=99999) %}{% endfor %}{% endfor %}";
    let told = preview(&pages, "letter/body.html", loops);
    assert!(told.contains("takes too long") && start.elapsed() < Duration::from_secs(15), "{:?}: {told}", start.elapsed());
    let told = preview(&pages, "letter/body.html", "{% for a in range(end=99999) %}{{ customer.name }}{{ customer.name }}{% endfor %}");
    assert!(told.contains("more than 1024 KiB") || told.contains("takes too long"), "{told}");
    let large = "a".repeat(1_100_000);
    assert_eq!(save(&pages, "letter/body.html", &large, &digest_of(&pages, "letter/body.html")).status, 413);
    let larger = "a".repeat(9_000_000);
    assert_eq!(save(&pages, "letter/body.html", &larger, "").status, 413);
}

#[test]
fn a_file_saved_elsewhere_is_seen_within_a_fifth_of_a_second() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let mut listening = pages.listen();
    let mut times = Vec::new();
    for round in 0..5 {
        let old = digest_of(&pages, SUBJECT);
        let before = fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap();
        let start = Instant::now();
        fs::write(shop.path("templates/letter/subject.txt"), format!("Round {round} {{{{ customer.name }}}}")).unwrap();
        wait_for(&mut listening, "event: changed");
        let fields = [("file", SUBJECT), ("text", &before), ("digest", &old), ("customer", "c001"), ("campaign", "letter"), ("clean", "1")];
        let seen = pages.post("/preview", &fields).body;
        times.push(start.elapsed());
        assert!(seen.contains(&format!("Round {round} 山田 1")), "{seen}");
        // The editor takes the new text over, unless something was written there.
        assert!(seen.contains(&format!("Round {round} {{{{ customer.name }}}}</textarea>")), "{seen}");
        let mine = pages
            .post("/preview", &[("file", SUBJECT), ("text", "Mine"), ("digest", &old), ("customer", "c001"), ("campaign", "letter")])
            .body;
        assert!(mine.contains("changed elsewhere") && !mine.contains("<textarea") && mine.contains(">Mine<"), "{mine}");
    }
    times.sort();
    // The machine may be busy with other tests; one slow round is its own.
    assert!(times[2] < Duration::from_millis(200), "{times:?}");
}

#[test]
fn try_on_all_tells_whom_it_fails_and_what_nobody_reaches() {
    let shop = Shop::new(40);
    let pages = open(&shop);
    assert!(pages.page("/try").contains("Begin"));
    let subject =
        "{% if customer.id == 'c007' %}{{ last_order.store }}{% elif customer.id == 'nobody' %}x{% else %}{{ customer.name }}{% endif %}";
    fs::write(shop.path("templates/letter/subject.txt"), subject).unwrap();
    assert_eq!(pages.post("/try", &[]).status, 303);
    let start = Instant::now();
    let mut page = pages.page("/try");
    while !page.contains("nobody reaches") {
        assert!(start.elapsed() < Duration::from_secs(20), "{page}");
        std::thread::sleep(Duration::from_millis(20));
        page = pages.page("/try/progress");
    }
    assert!(page.contains("<b>40</b> of 40") && page.contains("<b class=\"bad\">1</b> failed"), "{page}");
    assert!(page.contains("subject.txt:1:34") && page.contains("<bdi>c007</bdi></a>") && page.contains("last_order.store"), "{page}");
    assert!(page.contains("{% elif customer.id == &#39;nobody&#39; %}") && !page.contains("<code>{% else %}</code>"), "{page}");
    assert_eq!(pages.post("/try/stop", &[]).status, 303);
}
