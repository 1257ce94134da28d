//! The page on which a plan is approved: what it shows, whose names it takes, and to whom samples go.

use crate::shop;
use crate::small_shop::{DATE, Shop};
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
    let mails = plan["mails"].as_u64().unwrap();
    let grouped = rankmail::domain::money::grouped(mails);
    assert!(page.contains(&format!("<td class=\"number\">{grouped}</td>")), "{grouped} mails: {page}");
}
