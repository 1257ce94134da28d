//! Campaigns whose people get one of several templates.

use crate::other_shops::{Line, Shop, lawful, line};
use crate::shop::rows;
use std::collections::BTreeMap;

/// Forty customers, and a campaign with two variants: one with a body of its own, one with a subject of its own.
fn shop() -> Shop {
    let people: Vec<Line> = (0..40).map(|number| line(&format!("c{number:02}"), "1", 30 + number, "cup")).collect();
    let shop = Shop::new(&people, "variants = { a = '50%', b = '50%' }", &lawful("<p>usual {{ campaign.variant }}</p>"));
    shop.put("templates/news/a/body.html", &lawful("<p>own {{ campaign.variant }}</p>"));
    shop.put("templates/news/a/body.Gold.html", &lawful("<p>golden {{ campaign.variant }}</p>"));
    shop.put("templates/news/b/subject.txt", "Good morning\n");
    shop
}

fn mails(shop: &Shop) -> Vec<BTreeMap<String, String>> {
    shop.call("plan", &["--as-of", "2026-11-02", "-q"]).any_output().run();
    rows(&shop.folder.path().join("runs/small/2026-11-02/mails.parquet"))
}

#[test]
fn each_variant_has_its_templates_and_the_campaigns_where_it_has_none() {
    let shop = shop();
    let planned = mails(&shop);
    let of = |variant: &str| planned.iter().filter(|mail| mail["variant"] == variant).collect::<Vec<_>>();
    assert!((8..32).contains(&of("a").len()) && of("a").len() + of("b").len() == 40, "{}", of("a").len());
    assert!(of("a").iter().all(|mail| mail["subject"] == "Hello") && of("b").iter().all(|mail| mail["subject"] == "Good morning"));
    let text = |customer: &str| {
        let json = shop.call("show", &["--as-of", "2026-11-02", "--customer", customer, "--json"]).any_output().run().json();
        json["mails"][0]["text"].as_str().unwrap().lines().next().unwrap().to_owned()
    };
    let of_rank = |variant: &str, rank: &str| of(variant).iter().find(|mail| mail["rank"] == rank).unwrap()["customer_id"].clone();
    assert_eq!(text(&of_rank("a", "Silver")), "own a");
    assert_eq!(text(&of_rank("a", "Gold")), "golden a");
    assert_eq!(text(&of_rank("b", "Gold")), "usual b");
    // The mails that were planned are those that are sent, and a colleague sees one of each variant.
    let tried = shop.call("test", &["--as-of", "2026-11-02", "--to", "me@tea.example"]).any_output().run().out;
    assert!(tried.contains("news/a Silver") && tried.contains("news/b Gold"), "{tried}");
    shop.call("send", &["--as-of", "2026-11-02", "-q"]).run();
    assert_eq!(mails_again(&planned), (), "the same people, the same variants");
}

/// Plans the same shop in another place, where its key is another: then the groups are others too; with the same key they stay.
fn mails_again(planned: &[BTreeMap<String, String>]) {
    let other = shop();
    let again = mails(&other);
    let split = |mails: &[BTreeMap<String, String>]| mails.iter().map(|mail| mail["variant"].clone()).collect::<Vec<_>>();
    assert_ne!(split(&again), split(planned));
    assert_eq!(split(&mails(&other)), split(&again));
}

#[test]
fn what_is_wrong_in_a_variants_template_is_found() {
    let shop = shop();
    shop.put("templates/news/b/body.html", &lawful("<p>{{ customer.nick.name }} {{ offer.pircent }}</p>"));
    shop.call("check", &[]).code(2).complains("news/b/body.html").complains("pircent").run();
    shop.call("plan", &["--as-of", "2026-11-02"]).code(2).complains("news/b/body.html").run();
    shop.put("templates/news/b/body.html", "<p>no address of the shop</p>");
    shop.call("plan", &["--as-of", "2026-11-02"]).code(2).complains("which the law asks for").run();
    shop.put("templates/news/b/body.html", &lawful(""));
    shop.put("templates/news/c/body.html", &lawful(""));
    shop.call("check", &[]).code(2).complains("there is no variant `c`").run();
}

/// A folder that was forgotten makes a comparison of a mail with itself.
#[test]
fn variants_that_read_alike_are_told() {
    let told = |shop: &Shop| shop.call("check", &[]).any_output().run().out.contains("have the same templates");
    let people = [line("c1", "1", 30, "cup")];
    let forgotten = Shop::new(&people, "variants = { a = '50%', b = '50%' }", &lawful("<p>usual</p>"));
    assert!(told(&forgotten));
    forgotten.put("templates/news/b/subject.txt", "Good morning\n");
    assert!(!told(&forgotten));
    let asking = Shop::new(&people, "variants = { a = '50%', b = '50%' }", &lawful("<p>{{ campaign.variant }}</p>"));
    assert!(!told(&asking));
    // A copy of what the campaign or the other variant has is nothing to compare either.
    let copied = Shop::new(&people, "variants = { a = '50%', b = '50%' }", &lawful("<p>usual</p>"));
    for variant in ["a", "b"] {
        copied.put(&format!("templates/news/{variant}/body.html"), &lawful("<p>copied</p>"));
    }
    assert!(told(&copied));
    copied.put("templates/news/b/subject.txt", "Hello\n");
    assert!(told(&copied), "the campaign's own subject, once more");
    copied.put("templates/news/b/body.html", &lawful("<p>another</p>"));
    assert!(!told(&copied));
}
