//! The pages of people from outside: every number leads to as many people, and one person is told as the plan has them.

use crate::program::{rankmail, root};
use crate::small_shop::{DATE, Shop};
use crate::studio_pages::{Pages, read};
use std::collections::BTreeSet;

/// The text between two others, for each time that they are there.
fn between<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    page.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// How many people a page says that it means.
fn count(page: &str) -> u64 {
    between(page, "<p class=\"found\"><b>", " ")[0].replace(',', "").parse().unwrap()
}

fn plain(text: &str) -> String {
    text.replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#x27;", "'")
}

/// The links of a page whose address below the token begins so, with their words.
fn links(pages: &Pages, page: &str, path: &str) -> Vec<(String, String)> {
    let start = format!("<a href=\"{}{path}", pages.base);
    let all = page.replace(" class=\"mail\"", "");
    let found = between(&all, &start, "</a>").into_iter().map(|rest| {
        let (address, words) = rest.split_once("\">").unwrap();
        (plain(&format!("{path}{address}")), words.to_owned())
    });
    found.collect()
}

/// The demo shop in its second month.
pub fn demo(runs: &std::path::Path) -> Pages {
    for date in ["2026-11-01", "2026-12-01"] {
        rankmail(&["plan", "jobs/monthly.toml", "--as-of", date, "-q"]).runs(runs).any_output().run();
        if date == "2026-11-01" {
            rankmail(&["send", "jobs/monthly.toml", "--as-of", date, "-q"]).runs(runs).any_output().run();
        }
    }
    Pages::open(&root().join("jobs/monthly.toml"), &["--runs", runs.to_str().unwrap()])
}

#[test]
fn every_number_leads_to_its_people() {
    let runs = tempfile::tempdir().unwrap();
    let pages = demo(runs.path());
    read(&pages, "/people");
    let page = pages.page("/");
    let cells = links(&pages, &page, "/people?");
    assert!(cells.len() > 80, "{}", cells.len());
    let mut looked = 0;
    for (address, words) in &cells {
        // A number of mails is one of people where it is of one campaign, and so is a number of those who moved.
        let is_of_people = address.contains("campaign=") || address.contains("before=");
        let Some(number) = words.split(' ').next_back().and_then(|word| word.replace(',', "").parse::<u64>().ok()) else { continue };
        if is_of_people {
            assert_eq!(count(&pages.page(address)), number, "{address}");
            looked += 1;
        }
    }
    assert!(looked > 70, "{looked}");
}

#[test]
fn people_are_found_filtered_sorted_and_paged() {
    let runs = tempfile::tempdir().unwrap();
    let pages = demo(runs.path());
    let all = read(&pages, "/people");
    let ids = |page: &str| -> Vec<String> { links(&pages, page, "/person?id=").into_iter().map(|(address, _)| address).collect() };
    // Page after page is everybody of a cell, each once.
    let mut address = "/people?campaign=newsletter&fate=mailed&is.store=京都&sort=spend&desc=1".to_owned();
    let wanted = count(&pages.page(&address.replace("京都", "%E4%BA%AC%E9%83%BD")));
    address = address.replace("京都", "%E4%BA%AC%E9%83%BD");
    let (mut seen, mut spends) = (BTreeSet::new(), Vec::new());
    loop {
        let page = pages.page(&address);
        seen.extend(ids(&page));
        let rows = between(&page, "<th scope=\"row\">", "</tr>");
        spends.extend(rows.iter().map(|row| between(row, "<td class=\"number\">", "円</td>")[1].to_owned()));
        let next = between(&page, "rel=\"next\" href=\"", "\"");
        let Some(next) = next.first() else { break };
        address = plain(next.strip_prefix(&pages.base).unwrap());
    }
    assert!(wanted > 60, "{wanted}");
    assert_eq!(seen.len() as u64, wanted);
    let spends: Vec<i64> = spends.iter().map(|spend| spend.replace(',', "").parse().unwrap()).collect();
    assert!(spends.is_sorted_by(|one, other| one >= other), "{spends:?}");
    // Whatever the width and the case.
    let found = |text: &str| ids(&pages.page(&format!("/people?q={}", urlencoded(text))));
    assert!(count(&all) > 1_900);
    assert_eq!(found("T00003"), found("ｔ０００03"));
    assert_eq!(found("T00003").len(), 1);
    assert!(found("nobody of this name").is_empty());
    // Words that mean nothing here are told, and nothing is too much.
    for odd in [
        "/people?page=99999999999999999999&sort=list.none",
        "/people?page=0&desc=2&none=b",
        "/people?campaign=none&fate=x&rank=%00",
        "/people?is.=a&has.none=b",
    ] {
        assert!(pages.page(odd).contains("この計画にありません"), "{odd}");
    }
    let many = (0..60).map(|number| format!("&has.store={number}")).collect::<Vec<_>>().concat();
    assert_eq!(count(&pages.page(&format!("/people?q={}{many}", "%E3%81%82".repeat(300)))), 0);
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn one_person_is_told_as_the_plan_has_them() {
    let runs = tempfile::tempdir().unwrap();
    let pages = demo(runs.path());
    read(&pages, "/people");
    let list = pages.page("/people?campaign=rank_up&fate=mailed");
    let (address, _) = links(&pages, &list, "/person?id=").remove(0);
    let id = address.split("id=").nth(1).unwrap().to_owned();
    let page = read(&pages, &address);
    // The way that other pages take.
    assert_eq!(read(&pages, &format!("/person/{id}")), page);
    let told = rankmail(&["show", "jobs/monthly.toml", "--customer", &id, "--campaign", "rank_up", "--as-of", "2026-12-01", "--json"]);
    let told = told.runs(runs.path()).any_output().run().json();
    let subject = told["mails"][0]["subject"].as_str().unwrap();
    assert!(plain(&page).contains(subject), "{subject}");
    for part in ["昇格", "✓", "期間内", "rank_up", "newsletter", "これまでのメール"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("いま計算すると"), "nothing has changed since the plan");
    // Why a campaign is not for them is a sentence, and what took a mail's place is named.
    assert!(page.contains("です。条件は ") && !page.contains("when.birthday: "), "{page}");
    let list = pages.page("/people?campaign=newsletter&fate=superseded");
    let (address, _) = links(&pages, &list, "/person?id=").remove(0);
    let page = pages.page(&address);
    assert!(page.contains("別のメールを優先: 今回は "), "{page}");
    let nobody = pages.get("/person/nobody");
    assert_eq!(nobody.status, 404);
    assert!(nobody.body.contains("nobody"));
}

#[test]
fn what_has_changed_since_the_plan_is_said() {
    let shop = Shop::new(3);
    shop.plan();
    // Another customer list and a later order book than the plan's: the plan is what will be sent.
    let list = std::fs::read_to_string(shop.path("customers.csv")).unwrap().replace("山田 1,true", "山田 1,false");
    std::fs::write(shop.path("customers.csv"), list).unwrap();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    let page = read(&pages, "/person?id=c001");
    assert!(page.contains("Something has changed since the plan was made") && page.contains("letter"), "{page}");
    assert!(!read(&pages, "/person?id=c002").contains("Something has changed"));
    assert_eq!(count(&read(&pages, "/people?fate=mailed")), 3);
}

#[test]
fn ids_and_names_may_be_any_text() {
    let shop = Shop::new(1);
    let odd = ["..", ".", "a/b?c=d#e", "<script>alert(1)</script>", "\"\"><img src=x>", "%2e%2e", "'; rm -rf /", "{{ 7 * 7 }}", "あ い"];
    let mut list = std::fs::read_to_string(shop.path("customers.csv")).unwrap();
    for (number, id) in odd.iter().enumerate() {
        list += &format!("\"{id}\",odd{number}@b.example,\"<b>{id}</b>\",true\n");
    }
    list += &format!("long,long@b.example,{},true\n", "長".repeat(50_000));
    std::fs::write(shop.path("customers.csv"), list).unwrap();
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &["--as-of", DATE]);
    let page = read(&pages, "/people");
    assert_eq!(count(&page), 2 + odd.len() as u64);
    assert!(page.len() < 60_000, "{}", page.len());
    for text in [&page, &read(&pages, "/person?id=%3Cscript%3Ealert%281%29%3C%2Fscript%3E")] {
        assert!(!text.contains("<script>alert") && !text.contains("<img src=x") && !text.contains("<b><"), "{text}");
    }
    let mut found = 0;
    for (address, _) in links(&pages, &page, "/person?id=") {
        let person = pages.get(&address);
        assert_eq!(person.status, 200, "{address}");
        found += 1;
    }
    assert_eq!(found, 2 + odd.len());
    assert!(!read(&pages, "/person?id=%7B%7B+7+*+7+%7D%7D").contains("49</h1>"));
}
