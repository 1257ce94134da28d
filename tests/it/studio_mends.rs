//! What the studio says where something is not as its page expects it: another start, a value that the plan does not have, a letter, a customer
//! whom nobody knows.

use crate::small_shop::{DATE, Shop, write_orders};
use crate::studio_pages::{Pages, read};
use crate::studio_people::demo;
use crate::studio_templates::digest_of;
use std::fs;

const SUBJECT: &str = "letter/subject.txt";
const EDITOR: &str = "/templates/letter/subject.txt";

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

fn preview(pages: &Pages, text: &str, customer: &str) -> (u16, String) {
    let digest = digest_of(pages, SUBJECT);
    let fields = [("file", SUBJECT), ("text", text), ("digest", &digest), ("customer", customer), ("campaign", "letter")];
    let answer = pages.post("/preview", &fields);
    // The page asks for the others once the mail is there.
    let others = if answer.status == 200 { pages.post("/preview/others", &fields).body } else { String::new() };
    (answer.status, answer.body + &others)
}

#[test]
fn an_address_of_an_earlier_start_is_told_without_any_secret() {
    let shop = Shop::new(1);
    let before = open(&shop);
    let (old, digest) = (before.base.clone(), digest_of(&before, SUBJECT));
    drop(before);
    let now = Pages::open(&shop.path("job.toml"), &[]);
    let mut earlier = Pages::open(&shop.path("job.toml"), &[]);
    earlier.base = old;
    let hx = format!("Origin: http://{}\r\nHX-Request: true\r\n", earlier.host);
    for answer in [
        earlier.get("/approve"),
        earlier.get("/people?q=a"),
        earlier.post_from(EDITOR, &[("text", "Mine"), ("digest", &digest), ("file", SUBJECT)], &hx),
        earlier.post_from("/approve", &[("name", "A"), ("digest", "x")], &hx),
    ] {
        assert_eq!(answer.status, 404, "{}", answer.body);
        // What a page that is open takes out of every refusal.
        assert!(answer.body.contains("<main id=\"main\"><p class=\"alert stop\">"), "{}", answer.body);
        assert!(answer.body.contains("earlier start") && answer.body.contains("terminal"), "{}", answer.body);
        for secret in ["Small Shop", "small", "letter", "c000", "http", now.base.as_str(), earlier.base.as_str()] {
            assert!(!answer.body.contains(secret), "{secret}: {}", answer.body);
        }
    }
    assert_eq!(fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap(), "冬のお便り {{ customer.name }}\n");
    // Another page of the browser, which has no name of ours, is told nothing.
    let other = earlier.ask(&format!("{}/", earlier.base), "evil.example", "");
    assert_eq!((other.status, other.body.as_str()), (403, ""));
}

#[test]
fn the_editor_stays_where_a_text_was_saved() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let hx = format!("Origin: http://{}\r\nHX-Request: true\r\n", pages.host);
    let fields = [("file", SUBJECT), ("text", "New {{ customer.name }}"), ("digest", &digest_of(&pages, SUBJECT))];
    let saved = pages.post_from(EDITOR, &fields, &hx);
    assert_eq!((saved.status, saved.header("HX-Redirect")), (200, ""), "{}", saved.body);
    let digest = digest_of(&pages, SUBJECT);
    assert!(saved.body.contains("Saved.") && saved.body.contains(&format!("value=\"{digest}\" hx-swap-oob")), "{}", saved.body);
    // The next one is saved by what the page was told.
    let fields = [("file", SUBJECT), ("text", "Newer"), ("digest", &digest)];
    assert_eq!(pages.post_from(EDITOR, &fields, &hx).status, 200);
    assert!(pages.page(&format!("{EDITOR}?saved=1")).contains("data-saved"));
}

#[test]
fn links_of_a_mail_lead_nowhere() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let sent = shop.call(&["show", "--customer", "c000", "--html"], 0);
    let target = sent.split("href='").nth(1).unwrap().split('\'').next().unwrap();
    let framed = pages.get("/mail/html?customer=c000&campaign=letter");
    assert!(framed.body.contains(&format!("<a data-leads=\"{target}\" title=\"{target}\">")), "{}", framed.body);
    assert!(framed.body.contains("<style>@namespace") && framed.body.find("<style>") < framed.body.find("<p>"), "{}", framed.body);
    assert!(!framed.body.contains("href="), "{}", framed.body);
    assert!(framed.header("Content-Security-Policy").contains("base-uri 'none'; form-action 'none'"), "{}", framed.head);
    for page in ["/mail?customer=c000&campaign=letter", EDITOR] {
        assert!(pages.page(page).contains("Links lead nowhere here"), "{page}");
    }
    // The mail itself has them.
    assert!(pages.page("/mail/source?customer=c000&campaign=letter").contains(target));
}

#[test]
fn of_a_long_line_the_part_with_the_caret_is_shown() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    // Also where all of it is wrong.
    for wrong in
        [format!("{{{{ {} }}}}", "a".repeat(4_000)), format!("{{{{ \"{}\" | nope(x=\"{}\") }}}}", "あ".repeat(2_000), "b ".repeat(1_000))]
    {
        let (_, told) = preview(&pages, &wrong, "c000");
        let pre = told.split("<pre>").nth(1).unwrap().split("</pre>").next().unwrap().to_owned();
        let widest = pre.lines().filter(|line| line.contains('|')).map(|line| line.chars().count()).max().unwrap();
        assert!(pre.contains("subject.txt:1:") && pre.contains('^') && widest <= 60, "{widest}: {pre}");
    }
    let long = format!("<td style=\"{}\">{{{{ customer.nmae }}}}</td>", "padding: 0; ".repeat(40));
    let (_, told) = preview(&pages, &long, "c000");
    let pre = told.split("<pre>").nth(1).unwrap().split("</pre>").next().unwrap().replace("&quot;", "\"").replace("&gt;", ">");
    let at =
        |sign: char| pre.lines().find(|line| line.contains(sign) && line.trim_start().starts_with(['1', '|'])).unwrap_or(&pre).to_owned();
    let (line, caret) = (at('{'), at('^'));
    assert!(line.chars().count() <= 42 && line.find("nmae") == caret.find('^'), "{pre}");
}

#[test]
fn what_fails_for_others_is_told_with_its_place_and_a_way_to_them() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let text = "{% if customer.id == 'c002' %}{{ 1/0 }}{% endif %}ok";
    let (_, told) = preview(&pages, text, "c001");
    assert!(told.contains("fails for 1 of the 3") && told.contains("<iframe"), "{told}");
    assert!(told.contains("<a href=\"?customer=c002&amp;campaign=letter\" data-customer=\"c002\""), "{told}");
    assert!(told.contains("subject.txt:1:") && told.contains('^'), "{told}");
    // What is told of the mail that is shown is not told twice.
    let (_, told) = preview(&pages, text, "c002");
    assert_eq!(told.matches("subject.txt:1:").count(), 1, "{told}");
}

#[test]
fn values_that_are_not_in_the_plan_ask_for_a_new_one() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    for text in ["{% for one in last_order.items %}{{ one.name }}{% endfor %}", "{{ last_order.items }}"] {
        let (_, told) = preview(&pages, text, "c000");
        assert!(told.contains("The plan has no last_order.items yet") && told.contains("plan again"), "{told}");
    }
    assert!(!preview(&pages, "{{ customer.nmae }}", "c000").1.contains("plan again to see"));
    let subject = shop.path("templates/letter/subject.txt");
    fs::write(&subject, "{% for one in last_order.items %}{{ one.name or 'x' }}{% endfor %}x").unwrap();
    let pages = open(&shop);
    assert!(!pages.page(EDITOR).contains("The plan has no"), "{}", pages.page(EDITOR));
}

#[test]
fn only_an_error_with_a_mark_asks_to_mend_it() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    let (_, told) = preview(&pages, "{{ customer.name", "c000");
    assert!(told.contains("place that is marked") && told.contains("a `{{` has no `}}` behind it"), "{told}");
    let digest = digest_of(&pages, "letter/body.html");
    let fields = [("file", "letter/body.html"), ("text", "<p>x</p>"), ("digest", &digest), ("customer", "c000"), ("campaign", "letter")];
    let told = pages.post("/preview", &fields).body;
    assert!(told.contains("the law asks for") && told.contains("The template has an error.") && !told.contains("is marked"), "{told}");
}

#[test]
fn an_unknown_customer_is_told_in_the_editor() {
    let shop = Shop::with(2, |number| format!("good-c{number:03}@b.example"), "", "");
    fs::write(shop.path("customers.csv"), fs::read_to_string(shop.path("customers.csv")).unwrap().replace("山田 1,true", "山田 1,false"))
        .unwrap();
    let pages = open(&shop);
    let page = pages.page(&format!("{EDITOR}?customer=NOPE&campaign=letter"));
    assert!(page.contains("there is no customer `NOPE`") && !page.contains("/person?id=NOPE"), "{page}");
    assert!(page.contains("id=\"editor\"") && page.contains("name=\"customer\" value=\"NOPE\" aria-label"), "{page}");
    let page = pages.page(&format!("{EDITOR}?customer=c001&campaign=letter"));
    assert!(page.contains("customer `c001` gets no mail") && page.contains("/person?id=c001\""), "{page}");
    let (status, told) = preview(&pages, "x", "NOPE");
    assert!(status == 404 && told.contains("there is no customer `NOPE`"), "{told}");
}

#[test]
fn what_people_are_asked_for_and_is_not_there_is_told() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    read(&pages, "/people");
    for (query, what) in [
        ("rank=ZZZ", "rank `ZZZ`"),
        ("campaign=nope&fate=mailed", "campaign `nope`"),
        ("fate=eaten", "outcome `eaten`"),
        ("before=B", "earlier rank `B`"),
        ("is.colour=red", "colour `red`"),
        ("has.colour=red", "colour `red`"),
        ("sort=nope", "order `nope`"),
        ("sort=list.nope", "order `list.nope`"),
        ("reason=nope", "reason `nope`"),
        ("page=0", "page `0`"),
        ("page=two", "page `two`"),
        ("page=-1&rank=ZZZ", "page `-1`, rank `ZZZ`"),
    ] {
        let page = pages.page(&format!("/people?{query}"));
        assert!(page.contains(&format!("There is no {what} in this plan")) && !page.contains("/person?id="), "{query}: {page}");
    }
    assert!(pages.page("/people?rank=A&campaign=letter&fate=mailed&before=-&sort=id&page=1").contains("/person?id=c000"));
    // Behind the last page is the last page, which says so.
    let page = pages.page("/people?page=99");
    assert!(page.contains("There is no page 99; this is the last, page 1.") && page.contains("/person?id=c000"), "{page}");
    assert!(!pages.page("/people?page=1").contains("this is the last"));
}

#[test]
fn an_attempt_says_when_it_was_and_that_templates_have_changed_since() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let tried = || {
        assert_eq!(pages.post("/try", &[]).status, 303);
        loop {
            let page = pages.page("/try/progress");
            if page.contains("Again") {
                return page;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    fs::write(shop.path("templates/letter/subject.txt"), "{{ 1/0 }}").unwrap();
    let page = tried();
    assert!(page.contains("Begun at 20") && !page.contains("have changed since"), "{page}");
    fs::write(shop.path("templates/letter/subject.txt"), "Good").unwrap();
    let page = pages.page("/try");
    assert!(page.contains("Templates have changed since") && page.contains("<button class=\"first\">Again"), "{page}");
    assert!(!tried().contains("have changed since"));
}

#[test]
fn a_letter_is_not_shown_as_a_mail() {
    let end = "[[campaign]]\nname = \"card\"\nranks = \"A and up\"\nchannel = \"post\"\n";
    let shop = Shop::with(2, |number| format!("good-c{number:03}@b.example"), "", "");
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    let job = job.replace("[brakes]", &format!("{end}[brakes]"));
    let job = job.replace("consent = \"consent\" }", "consent = \"consent\", postal_code = \"zip\", postal_address = \"place\" }");
    fs::write(shop.path("job.toml"), job.replace("[mail]\n", "[mail]\ntest_to = [\"team@example.com\"]\n")).unwrap();
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap().replace(",true", ",true,600-0001,京都市 1-2-3");
    fs::write(shop.path("customers.csv"), list.replace("name,consent", "name,consent,zip,place")).unwrap();
    let pages = open(&shop);
    let page = pages.page("/mail?campaign=card");
    assert!(page.contains("not by mail") && page.contains("rankmail export"), "{page}");
    for mail in ["Exactly what this plan would send", "HTML 0", "name=\"dark\"", "<pre class=\"text\"></pre>", "There is no HTML"] {
        assert!(!page.contains(mail), "{mail}: {page}");
    }
    let page = pages.page("/approve");
    let samples = page.split("id=\"test\"").nth(1).unwrap();
    assert!(samples.contains("<option>letter</option>") && !samples.contains("<option>card</option>"), "{samples}");
    let refused = pages.post("/approve/test", &[("campaign", "card"), ("to", "team@example.com")]);
    assert!(refused.status == 409 && refused.body.contains("no mail of `card`; choose another"), "{}", refused.body);
}

#[test]
fn a_plan_that_was_sent_says_so_and_is_not_made_anew() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    assert!(!pages.page("/").contains("adopted"));
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let page = pages.page("/");
    assert!(page.contains("This plan is adopted") && !page.contains("made anew"), "{page}");
    assert!(!pages.page("/approve").contains(">Brakes<"), "{}", pages.page("/approve"));
}

#[test]
fn brakes_stand_on_the_first_page_and_changes_have_names() {
    let shop = Shop::new(12);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap().replace("stale = \"off\"", "stale = \"3 days\"");
    fs::write(shop.path("job.toml"), job).unwrap();
    let ids: Vec<String> = (0..12).map(|number| format!("c{number:03}")).chain((0..30).map(|number| format!("n{number:03}"))).collect();
    write_orders(&shop.path("purchases.parquet"), &ids);
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap();
    let more = (0..30).map(|number| format!("n{number:03},n{number}@b.example,新井 {number},true\n")).collect::<Vec<_>>().concat();
    fs::write(shop.path("customers.csv"), list + &more).unwrap();
    shop.call(&["plan", "--as-of", "2027-01-01", "-q"], 0);
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    let page = pages.page("/");
    assert!(page.contains("Please look at") && page.contains("<b>stale</b>"), "{page}");
    read(&pages, "/people");
    let page = loop {
        let page = pages.page("/changes");
        if !page.contains("hx-get") {
            break page;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(page.contains("><bdi>新井 0</bdi></a> <small class=\"note\"><bdi>n000</bdi></small>"), "{page}");
}

#[cfg(unix)]
#[test]
fn a_template_that_is_a_link_is_listed_as_one() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    fs::write(shop.path("other.txt"), "x").unwrap();
    std::os::unix::fs::symlink(shop.path("other.txt"), shop.path("templates/letter/preheader.txt")).unwrap();
    let page = pages.page("/templates");
    assert!(page.contains("a link or the like, not used") && page.contains("none yet"), "{page}");
}

#[test]
fn time_that_is_missing_to_a_rank_is_told_in_words() {
    let runs = tempfile::tempdir().unwrap();
    let pages = demo(runs.path());
    read(&pages, "/people");
    let page = read(&pages, "/person?id=T01091");
    assert!(page.contains("→ VIP の条件のうち、足りないのはお取引の期間だけです。2027-02-11 に満たします"), "{page}");
    assert!(!page.contains("あと 2027") && page.contains("から）です。条件は 90"), "{page}");
    // Who is not in the picture of moves is told.
    let page = pages.page("/");
    let told = page.split("図では、前回も今回もランクのない ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(page.contains(&format!("before=-&amp;rank=-\">{told}</a>")), "{told}");
}
