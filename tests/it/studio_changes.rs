//! The page that tells what changed against another plan.

use crate::small_shop::{DATE, Shop, write_orders};
use crate::studio_pages::Pages;
use std::fs;
use std::time::{Duration, Instant};

const NEXT: &str = "2027-01-01";

/// The page of changes when the comparison is over.
fn compared(pages: &Pages, path: &str) -> String {
    let start = Instant::now();
    loop {
        let page = pages.page(path);
        if !page.contains("hx-get") {
            return page;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "it does not end: {page}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn open(shop: &Shop) -> Pages {
    Pages::open(&shop.path("job.toml"), &[])
}

#[test]
fn a_first_plan_has_nothing_to_be_compared_with() {
    let shop = Shop::new(2);
    shop.plan();
    let pages = open(&shop);
    assert!(pages.page("/changes").contains("no other plan to compare with"));
    for with in ["2026-11-01", "x", "2026-12-01"] {
        assert_eq!(pages.get(&format!("/changes?with={with}")).status, 404, "{with}");
    }
    assert_eq!(pages.get("/changes/progress").status, 404);
}

#[test]
fn changes_are_listed_by_cause_page_by_page() {
    let shop = Shop::new(130);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    // A new customer with an order, and a new text for everybody else.
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), list + "n1,n1@b.example,<b>New</b>,true\n").unwrap();
    let ids: Vec<String> = (0..130).map(|number| format!("c{number:03}")).chain(["n1".to_owned()]).collect();
    write_orders(&shop.path("purchases.parquet"), &ids);
    fs::write(shop.path("templates/letter/subject.txt"), "春の<i>お便り</i> {{ customer.name }}\n").unwrap();
    shop.call(&["plan", "--as-of", NEXT, "-q"], 0);
    let told: serde_json::Value = {
        let job = shop.path("job.toml");
        let mut diff = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
        diff.args(["diff", DATE, NEXT, "--json", "--job"]).arg(&job).current_dir(shop.folder.path());
        serde_json::from_str(&crate::small_shop::finish(&mut diff, 0)).unwrap()
    };
    assert_eq!(told["pairs"], 131, "{told}");
    let pages = open(&shop);
    let page = compared(&pages, "/changes");
    for word in ["adopted run", "templates", "new and gone customers", "1–50 / 131", "&lt;i&gt;お便り", "aria-current"] {
        assert!(page.contains(word), "`{word}` is not in {page}");
    }
    assert!(!page.contains("<i>") && !page.contains("<b>"), "what customers and templates say is text: {page}");
    for cause in told["causes"].as_array().unwrap().iter().filter(|cause| cause["pairs"].as_u64() != Some(0)) {
        let (word, pairs) = (cause["cause"].as_str().unwrap(), cause["pairs"].as_u64().unwrap());
        let page = compared(&pages, &format!("/changes?with={DATE}&cause={word}"));
        assert!(page.contains(&format!("/ {pairs}")), "{word}: {page}");
        let people: std::collections::BTreeSet<&str> =
            page.split("/person?id=").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(people.len() as u64, pairs.min(50), "{word}");
    }
    let page = compared(&pages, &format!("/changes?with={DATE}&cause=new_customers&kind=gained"));
    assert!(page.contains("/person?id=n1") && page.contains("1–1 / 1") && page.contains("not matched"), "{page}");
    let third = compared(&pages, &format!("/changes?with={DATE}&page=3"));
    assert!(third.contains("101–131 / 131") && third.contains("rel=\"prev\"") && !third.contains("rel=\"next\""), "{third}");
    for odd in ["page=99999999999999999999", "page=-1", "cause=%3Cscript%3E&kind=x", "page=99"] {
        let page = compared(&pages, &format!("/changes?with={DATE}&{odd}"));
        assert!(page.contains("/ 131") && !page.contains("<script>"), "{odd}");
    }
    // What is over is kept: the page needs no second comparison, and tells the part to come again.
    let done = pages.get(&format!("/changes/progress?with={DATE}"));
    assert_eq!((done.status, done.header("HX-Refresh")), (200, "true"));
    let start = Instant::now();
    pages.page("/changes");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_plan_that_cannot_be_compared_is_told() {
    let shop = Shop::new(3);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    shop.call(&["plan", "--as-of", NEXT, "-q"], 0);
    let pages = open(&shop);
    assert!(compared(&pages, "/changes").contains("Everybody gets the same") || compared(&pages, "/changes").contains("window"));
    let pages = open(&shop);
    fs::write(shop.path(&format!("runs/small/{DATE}/mails.parquet")), "no mails").unwrap();
    let page = compared(&pages, "/changes");
    assert!(page.contains("mails.parquet") && page.contains("alert stop"), "{page}");
}

#[test]
fn in_japanese_it_says_what_diff_prints() {
    let shop = Shop::new(12);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("language = \"en\"", "language = \"ja\"")).unwrap();
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    let list = fs::read_to_string(shop.path("customers.csv")).unwrap();
    fs::write(shop.path("customers.csv"), list.replacen(",true", ",false", 3)).unwrap();
    fs::write(shop.path("templates/letter/subject.txt"), "春のお便り {{ customer.name }}\n").unwrap();
    shop.call(&["plan", "--as-of", NEXT, "-q"], 0);
    let pages = open(&shop);
    let page = compared(&pages, "/changes");
    assert!(page.contains("変化の原因") && page.contains("lang=\"ja\"") && page.contains("確定した実行"), "{page}");
    let mut diff = std::process::Command::new(env!("CARGO_BIN_EXE_rankmail"));
    diff.args(["diff", DATE, NEXT, "--all", "--job"]).arg(shop.path("job.toml")).current_dir(shop.folder.path());
    let printed = crate::small_shop::finish(&mut diff, 0);
    let rows: Vec<&str> = page.split("/person?id=").skip(1).collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let customer = row.split('"').next().unwrap();
        let cells: Vec<&str> = row.split("<td>").skip(1).map(|cell| cell.split("</td>").next().unwrap()).collect();
        let line = format!("{} → {}", cells[1], cells[2]);
        assert!(printed.lines().any(|printed| printed.contains(customer) && printed.contains(&line)), "{customer}: {line}\n{printed}");
    }
}
