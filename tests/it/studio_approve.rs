//! The page on which a plan is approved: what it shows, whose names it takes, and to whom samples go.

use crate::shop;
use crate::small_shop::{DATE, Shop, finish};
use crate::studio_pages::Pages;
use std::fs;
use std::path::PathBuf;

const BEHIND: &str = "2026-11-01";

const RULE: &str = "[approval]\nrequired = true\nby = 2\n";

fn shop(mail: &str) -> Shop {
    let shop = Shop::new(4);
    shop.write_job(mail, "", RULE);
    shop.plan();
    shop
}

fn open(shop: &Shop) -> Pages {
    Pages::open(&shop.path("job.toml"), &[])
}

/// The digest that the page's form would send.
fn digest(page: &str) -> String {
    page.split("name=\"digest\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn samples(shop: &Shop) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(shop.path("runs/small/test/new")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_plan_is_approved_on_its_page_and_then_sent() {
    let shop = shop("");
    let pages = open(&shop);
    let page = pages.page("/approve");
    let digest = digest(&page);
    for word in ["before 2 more approve it", "Nobody has approved", &digest, "rankmail approve", "rankmail send", "letter", "aria-current"]
    {
        assert!(page.contains(word), "`{word}` is not in {page}");
    }
    assert_eq!(digest.len(), 64);
    // A part of it could be that of a plan that was made since.
    for part in ["", &digest[..8], &digest[..63]] {
        let refused = pages.post("/approve", &[("name", "Emi"), ("digest", part)]);
        assert!(refused.status == 409 && refused.body.contains("does not say which plan"), "{part}: {}", refused.body);
    }
    assert!(pages.page("/approve").contains("Nobody has approved"));
    for name in ["Hana <b>Yamada</b>", " HANA <B>YAMADA</B>", "Ken"] {
        let done = pages.post("/approve", &[("name", name), ("digest", &digest)]);
        assert_eq!(done.status, 303, "{}", done.body);
        let way = done.header("Location").strip_prefix(&pages.base).unwrap().to_owned();
        let told = if name.starts_with(' ') { "had approved the plan before" } else { "The approval is written down" };
        assert!(pages.page(&way).contains(told), "{name}");
    }
    let page = pages.page("/approve");
    assert!(page.contains("Hana &lt;b&gt;Yamada") && !page.contains("<b>Yamada") && page.contains("It is approved (2/2)"), "{page}");
    shop.call(&["send", "-q"], 0);
    assert_eq!(shop.outbox().len(), 4);
    // Once it is adopted there is nothing to approve: no form, and a form from before is refused.
    let page = pages.page("/approve");
    assert!(page.contains("is adopted") && !page.contains("name=\"digest\""), "{page}");
    let late = pages.post("/approve", &[("name", "Emi"), ("digest", &digest)]);
    assert!(late.status == 409 && late.body.contains("is adopted") && !late.body.contains("Emi"), "{}", late.body);
    // One that is behind it cannot be approved either.
    shop.call(&["plan", "--as-of", BEHIND, "-q"], 0);
    let page = Pages::open(&shop.path("job.toml"), &["--as-of", BEHIND]).page("/approve");
    assert!(page.contains(&format!("{DATE} was adopted already")) && !page.contains("name=\"digest\""), "{page}");
}

#[test]
fn what_was_shown_is_what_is_approved() {
    let shop = shop("");
    let pages = open(&shop);
    let seen = digest(&pages.page("/approve"));
    fs::write(shop.path("templates/letter/subject.txt"), "another subject\n").unwrap();
    shop.plan();
    let stale = pages.post("/approve", &[("name", "Hana"), ("digest", &seen)]);
    assert!(stale.status == 409 && stale.body.contains("made again since you looked") && stale.body.contains(&seen), "{}", stale.body);
    assert!(stale.body.contains("The plan was made anew"), "{}", stale.body);
    for (name, why) in [("", "it is empty"), ("Ha\u{200b}na", "nobody sees"), (&"a".repeat(81), "longer than 80")] {
        let refused = pages.post("/approve", &[("name", name), ("digest", &seen)]);
        assert!(refused.status == 409 && refused.body.contains(why), "{name:?}: {}", refused.body);
    }
    for fields in [&[("name", "Hana")][..], &[("digest", seen.as_str())]] {
        assert_eq!(pages.post("/approve", fields).status, 422);
    }
    assert_eq!(pages.post_from("/approve", &[("name", "Hana"), ("digest", &seen)], "Origin: http://evil.example\r\n").status, 403);
    assert!(!shop.path("runs/ledger.sqlite").exists(), "nothing was written");
    assert_eq!(pages.post("/reload", &[]).status, 303);
    let now = digest(&pages.page("/approve"));
    assert_ne!(now, seen);
    assert_eq!(pages.post("/approve", &[("name", "Hana"), ("digest", &now)]).status, 303);
}

/// The page tells what lies in the folder when it is opened, not what lay there when the studio began.
#[test]
fn a_plan_that_is_replaced_or_removed_does_not_look_ready() {
    let shop = shop("");
    let pages = open(&shop);
    let seen = digest(&pages.page("/approve"));
    let subject = fs::read(shop.path("templates/letter/subject.txt")).unwrap();
    fs::write(shop.path("templates/letter/subject.txt"), "another subject\n").unwrap();
    shop.plan();
    let closed = |page: &str| {
        assert!(!page.contains("name=\"digest\"") && !page.contains("rankmail send") && !page.contains("rankmail approve"), "{page}");
        assert!(!page.contains("before 2 more approve it"), "{page}");
    };
    let page = pages.page("/approve");
    closed(&page);
    for word in ["The plan was made anew", "made again since you looked", &seen, "open the new plan"] {
        assert!(page.contains(word), "`{word}` is not in {page}");
    }
    // The very same plan again is the one that was shown.
    fs::write(shop.path("templates/letter/subject.txt"), subject).unwrap();
    shop.plan();
    assert_eq!(digest(&pages.page("/approve")), seen);

    let folder = shop.path(&format!("runs/small/{DATE}"));
    fs::remove_dir_all(&folder).unwrap();
    let gone = ["This plan is gone", folder.to_str().unwrap(), "rankmail plan", DATE];
    let page = plain(&pages.page("/approve"));
    closed(&page);
    assert!(!page.contains("made anew") && gone.iter().all(|word| page.contains(word)), "{page}");
    let late = pages.post("/approve", &[("name", "Hana"), ("digest", &seen)]);
    let told = plain(&late.body);
    assert!(late.status == 409 && gone.iter().all(|word| told.contains(word)) && !told.contains("os error"), "{told}");
    assert_eq!(told.matches("This plan is gone").count(), 2, "on top of the page and in it: {told}");
    let sample = pages.post("/approve/test", &[("campaign", "letter"), ("customer", ""), ("to", "team@tsubaki.example")]);
    assert!(sample.status == 409 && !sample.body.contains("os error"), "{}", sample.body);
    for path in
        ["/mail?customer=c001&campaign=letter", "/mail/source?customer=c001&campaign=letter", "/person?id=c001", "/mail?campaign=letter"]
    {
        let answer = pages.get(path);
        let told = plain(&answer.body);
        assert!(answer.status == 410 && gone.iter().all(|word| told.contains(word)), "{path}: {} {told}", answer.status);
    }
    for path in ["/", "/people", "/templates", "/templates/letter/subject.txt", "/changes", "/try"] {
        let answer = pages.get(path);
        assert!(answer.status != 500 && !answer.body.contains("os error"), "{path}: {} {}", answer.status, answer.body);
        assert!(answer.body.contains("This plan is gone"), "{path}: {}", answer.body);
    }
    assert!(!shop.path("runs/ledger.sqlite").exists(), "nothing was written");
    let reload = pages.post("/reload", &[]);
    assert!(reload.status == 400 && plain(&reload.body).contains("rankmail plan"), "{}", reload.body);
    shop.plan();
    assert_eq!(pages.post("/reload", &[]).status, 303);
    assert!(!pages.page("/").contains("This plan is gone"));
    assert_eq!(pages.post("/approve", &[("name", "Hana"), ("digest", &seen)]).status, 303);
}

/// A page's text as it is read.
fn plain(page: &str) -> String {
    [("&#x2F;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .iter()
        .fold(page.to_owned(), |page, (escaped, letter)| page.replace(escaped, letter))
}

/// The command that stands on the page, done by a shell.
fn typed(shop: &Shop, page: &str, begin: &str, drop: &str, code: i32) -> String {
    let lines = page.split("<pre class=\"command\"").skip(1).filter_map(|part| part.split_once('>')?.1.split_once("</pre>"));
    let line = lines.map(|(line, _)| plain(line)).find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no `{begin}` in {page}"));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_rankmail")).parent().unwrap();
    let path = std::env::join_paths([program, std::path::Path::new("/usr/bin"), std::path::Path::new("/bin")]).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line.replace("NAME", "Ken").replace(drop, "")]).env("PATH", path).env_remove("RANKMAIL_SMTP_URL");
    finish(shell.current_dir(shop.folder.path()), code)
}

#[test]
fn the_command_on_the_page_goes_past_what_the_page_shows() {
    // Far ahead on whatever day the tests run.
    const FAR: &str = "2126-12-01";
    let shop = Shop::new(4);
    shop.write_job("", "", "[approval]\nrequired = true\n[coupons]\nregister = true\n");
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("stale = \"off\"\n", "stale = \"off\"\nfuture = \"7 days\"\nnames = \"2%\"\n")).unwrap();
    let customers = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), customers.replace("山田 1", "").replace("山田 2", "")).unwrap();
    for file in ["subject.txt", "body.html"] {
        let file = shop.path(&format!("templates/letter/{file}"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace("{{ customer.name }}", "{{ customer.name or \"you\" }}")).unwrap();
    }
    shop.call(&["plan", "--as-of", FAR, "-q"], 0);
    let pages = open(&shop);
    let page = pages.page("/approve");
    for (brake, kind) in [("future", "stop"), ("codes", "stop"), ("names", "warn")] {
        assert!(page.contains(&format!("<p class=\"alert {kind}\"><b>{brake}</b>")), "{brake}: {page}");
    }
    assert!(page.contains("--accept future --accept codes<"), "{page}");
    typed(&shop, &page, "rankmail approve", "", 0);
    let told = typed(&shop, &page, "rankmail send", " --accept future", 6);
    assert!(told.contains("`future`"), "{told}");
    let told = typed(&shop, &page, "rankmail send", " --accept codes", 6);
    assert!(told.contains("`codes`") && shop.outbox().is_empty(), "{told}");
    typed(&shop, &pages.page("/approve"), "rankmail send", "", 0);
    assert_eq!(shop.outbox().len(), 4);
    let page = pages.page("/approve");
    assert!(page.contains("is adopted") && !page.contains("class=\"command\"") && !page.contains("alert stop\"><b>"), "{page}");
}

#[test]
fn samples_go_to_colleagues_only() {
    let shop = shop("");
    let pages = open(&shop);
    assert!(pages.page("/approve").contains("test_to = [&quot;team@example.com&quot;]"), "it says how");
    let sample = |campaign: &str, customer: &str, to: &str| {
        pages.post("/approve/test", &[("campaign", campaign), ("customer", customer), ("to", to)])
    };
    let nobody = sample("letter", "", "team@tsubaki.example");
    assert!(nobody.status == 409 && nobody.body.contains("nobody may get test mails"), "{}", nobody.body);

    // The job file of the moment says to whom.
    shop.write_job("test_to = [\"team@tsubaki.example\", \"owner@tsubaki.example\"]\n", "", RULE);
    assert!(pages.page("/approve?campaign=letter&customer=c002").contains("value=\"c002\""));
    for to in ["good-c001@b.example", "", "team@tsubaki.example, good-c001@b.example"] {
        let refused = sample("letter", "c002", to);
        assert!(refused.status == 409 && samples(&shop).is_empty(), "{to}: {}", refused.body);
    }
    for (campaign, customer) in [("letter", "nobody"), ("none", ""), ("", "")] {
        let refused = sample(campaign, customer, "team@tsubaki.example");
        assert!(refused.status == 409 && refused.body.contains("the plan has no mail"), "{}", refused.body);
    }
    let sent = sample("letter", "c002", "owner@tsubaki.example");
    assert!(sent.status == 200 && sent.body.contains("The sample went to owner@tsubaki.example"), "{}", sent.body);
    let files = samples(&shop);
    let mail = fs::read_to_string(&files[0]).unwrap();
    assert!(files.len() == 1 && mail.contains("To: ") && mail.contains("owner@tsubaki.example"), "{mail}");
    assert!(!mail.contains("good-c002@b.example") && mail.contains("TESTTESTTEST"), "{mail}");
    assert_eq!(sample("letter", "", "team@tsubaki.example").status, 200);
    // Nothing was adopted or claimed, and no customer got anything.
    assert!(shop.states().is_empty() && shop.outbox().is_empty());
}

#[test]
fn costs_and_brakes_stand_on_the_page_in_the_language_of_the_job() {
    let mut shop = shop::Shop::with(&["birthday", "event", "newsletter"]);
    shop.edit("names    = \"2%\"", "names    = \"0%\"\nbudget   = 1");
    let plan = shop.call("plan", &["--as-of", shop::DATE, "--json"]).any_output().run().json();
    let pages = Pages::open(&PathBuf::from(shop.job()), &[]);
    let page = pages.page("/approve");
    for word in
        ["このジョブは承認を求めていません", "budget", "newsletter", "<meter", "円", "lang=\"ja\"", plan["digest"].as_str().unwrap()]
    {
        assert!(page.contains(word), "`{word}` is not in {page}");
    }
    // The highest rank first in every table, nobody's last, and why mails are skipped.
    for (path, none) in [("/approve", true), ("/", false)] {
        let page = pages.page(path);
        let head = page.split("<thead>").nth(1).unwrap().split("</thead>").next().unwrap();
        let at = |name: &str| head.find(&format!(">{name}<"));
        let places: Vec<Option<usize>> =
            ["VIP", "AAA", "AA+", "AA", "A"].map(at).into_iter().chain(none.then(|| at("ランクなし"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} of {path}: {head}");
    }
    for campaign in plan["campaigns"].as_array().unwrap() {
        for (reason, count) in campaign["skipped"].as_object().unwrap() {
            let name = campaign["campaign"].as_str().unwrap();
            let told =
                format!("campaign={name}&amp;fate={reason}\">{name} {}</a>", rankmail::domain::money::grouped(count.as_u64().unwrap()));
            assert!(page.contains(&told), "{told}: {page}");
        }
    }
    assert!(plan["skipped"].as_u64().unwrap() > 0);
    let mails = plan["mails"].as_u64().unwrap();
    let grouped = rankmail::domain::money::grouped(mails);
    assert!(page.contains(&format!("<td class=\"number\">{grouped}</td>")), "{grouped} mails: {page}");
}
