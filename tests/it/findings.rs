//! What the linter says, word by word, where a rule holds only so far or not at all.

use crate::ladder::findings;
use crate::other_shops::{Line, Shop, lawful, line};
use crate::program::{rankmail, root};
use std::fs;

/// What a rule says of the campaign `letter`.
fn told(rule: &str, top: &str, campaigns: &str) -> Option<String> {
    let found = findings(top, campaigns, "plain");
    let of = found.iter().find(|finding| finding["rule"] == rule && finding["name"] == "letter");
    of.map(|finding| finding["message"].as_str().unwrap().to_owned())
}

/// Two campaigns, of which the first one's mail takes the place of the second one's.
fn hidden(first: &str, letter: &str) -> String {
    format!(
        "[[campaign]]\nname = 'first'\nranks = 'AA and up'\n{first}\n\
         [[campaign]]\nname = 'letter'\nranks = 'VIP'\nnot_with = 'first'\n{letter}"
    )
}

#[test]
fn a_campaign_is_hidden_only_where_the_other_one_surely_comes() {
    let says = |top: &str, campaigns: &str| told("shadowed-campaign", top, campaigns);
    let monthly = "schedule = '7 9 1 * *'";
    assert!(says("", &hidden("once = 'every run'", "")).unwrap().ends_with("(not_with), so it never becomes a mail"));
    for (why, top, campaigns) in [
        ("it was sent earlier in the month", "schedule = '0 9 * * *'", hidden("", "when = { birthday = 'today' }")),
        (
            "its occasion lasts longer",
            monthly,
            hidden("when = { days_since_last_order = '90..180' }", "when = { days_since_last_order = '90..180' }"),
        ),
        ("its occasion lasts longer", monthly, hidden("when = { rank = 'at risk' }", "when = { rank = 'at risk' }")),
        (
            "its dates have two runs",
            monthly,
            hidden("when = { dates = '2026-12-01..2027-01-25' }", "when = { dates = '2026-12-01..2027-01-25' }"),
        ),
        ("it came in another month of the year", monthly, hidden("once = 'year'", "once = 'year'")),
        (
            "the other counts and comes too soon",
            "",
            format!("[contact]\nmin_days_between = 7\n{}", hidden("once = 'every run'", "counts_towards_limit = false")),
        ),
        (
            "the other counts and is over the cap",
            "",
            format!("[contact]\nmax_per_run = 1\n{}", hidden("once = 'every run'", "counts_towards_limit = false")),
        ),
        ("the run has no money for it", "budget = 9_000", hidden("once = 'every run'\noffer = { kind = 'coupon', percent = 5 }", "")),
        (
            "a third campaign's discount takes its place",
            "",
            format!(
                "[[campaign]]\nname = 'thanks'\nranks = 'A and up'\nwhen = {{ birthday = 'today' }}\noffer = {{ kind = 'coupon', percent = 5 }}\n{}",
                hidden("once = 'every run'\noffer = { kind = 'coupon', percent = 5 }", "")
            ),
        ),
    ] {
        assert_eq!(says(top, &campaigns), None, "{why}");
    }
}

#[test]
fn what_may_still_let_a_hidden_campaign_through_is_told() {
    let says = |top: &str, campaigns: &str| told("shadowed-campaign", top, campaigns).unwrap();
    let again = "if the job runs more than once in a month";
    let shared = "for somebody at whose address another person gets the other mail";
    for top in ["", "schedule = '7 9 1 * *'"] {
        for same in [
            "",
            "when = { month = 12 }",
            "when = { birthday = 'this month' }",
            "when = { rank = 'up' }",
            "when = { dates = '2026-12-01..2026-12-25' }",
        ] {
            let message = says(top, &hidden(same, same));
            assert!(message.ends_with(&format!("(not_with); it becomes a mail only {again}")), "{same}: {message}");
        }
    }
    let message = says("", &hidden("once = 'every run'", "when = { birthday = 'this month' }"));
    assert!(message.ends_with(&format!("it becomes a mail only {shared}")), "{message}");
    let lower = "[[campaign]]\nname = 'first'\nranks = 'A and up'\n[[campaign]]\nname = 'letter'\nranks = 'AA'\nnot_with = 'first'";
    assert!(says("", lower).ends_with(&format!("only {again} or {shared}")), "the other person has the higher rank");
    let message = says("on_render_error = 'skip'", &hidden("once = 'every run'", ""));
    assert!(message.ends_with("only where the other mail cannot be written"), "{message}");
    let cap = "[contact]\nmax_per_run = 1\n[[campaign]]\nname = 'first'\nranks = 'AA and up'\n[[campaign]]\nname = 'letter'\nranks = 'VIP'";
    assert!(says("", cap).ends_with(&format!("which is max_per_run; it becomes a mail only {again}")));
}

/// Two campaigns that each offer the same people a coupon, under these conditions.
fn two(first: &str, letter: &str) -> Option<String> {
    let campaign = |name: &str, keys: &str| {
        let offer = if keys.contains("offer") { "" } else { "\noffer = { kind = 'coupon', percent = 5 }" };
        format!("[[campaign]]\nname = '{name}'\nranks = 'AA to AAA'\n{keys}{offer}\n")
    };
    let cashback = if format!("{first}{letter}").contains("cashback") { "[cashback]\nshare = '1%'\nas = 'points'\n" } else { "" };
    let points = if format!("{first}{letter}").contains("points") { "[points]\nrate = '1%'\n" } else { "" };
    told("two-discounts", "", &format!("{cashback}{points}{}{}", campaign("first", first), campaign("letter", letter)))
}

#[test]
fn conditions_that_exclude_each_other_keep_two_discounts_apart() {
    for (first, letter) in [
        ("when = { bought = 'tea' }", "when = { not_bought = ['tea', 'beef'] }"),
        ("when = { not_bought = 'tea' }", "when = { bought = 'tea' }"),
        ("when = { month = [1, 11] }", "when = { dates = '2026-12-01..2026-12-25' }"),
        ("when = { dates = '2026-12-01..2026-12-25' }", "when = { month = 6 }"),
        ("when = { points = '..100' }", "when = { points = '101..' }"),
        ("when = { cashback = '..100' }", "when = { cashback = '101..' }"),
        ("when = { overdue = '1.2x..2x' }", "when = { overdue = '2.5x' }"),
        ("when = { birthday = 'this month' }", "when = { birthday = 'next month' }"),
        ("when = { birthday = 'today' }", "when = { birthday = 'in 14 days' }"),
        ("when = { anniversary = 'this week' }", "when = { anniversary = 'in 7 days' }"),
        ("when = { rank = 'up' }", "when = { rank = 'down' }"),
        ("where = { birthday = { missing = true } }", "where = { birthday = ['1990-01-01'] }"),
        ("offer = { kind = 'coupon', percent = { AA = 5, 'AA+' = 0 } }", "offer = { kind = 'coupon', percent = { AA = 0, 'AA+' = 5 } }"),
    ] {
        assert_eq!(two(first, letter), None, "{first} / {letter}");
    }
}

#[test]
fn two_discounts_that_may_meet_are_told_as_one_that_is_skipped() {
    for (first, letter) in [
        ("when = { bought = ['tea', 'beef'] }", "when = { not_bought = 'tea' }"),
        ("when = { month = 12 }", "when = { dates = '2026-12-01..2026-12-25' }"),
        ("when = { points = '..100' }", "when = { points = '100..' }"),
        ("when = { overdue = '1.2x..2x' }", "when = { overdue = '2x' }"),
        ("when = { birthday = 'today' }", "when = { birthday = 'this month' }"),
        ("when = { birthday = 'today' }", "when = { birthday = 'in 365 days' }"),
        ("when = { anniversary = 'this week' }", "when = { anniversary = 'in 6 days' }"),
        ("when = { rank = 'up' }", "when = { rank = 'at risk' }"),
        ("variants = { a = '50%', b = '50%' }", ""),
    ] {
        let message = two(first, letter).unwrap_or_else(|| panic!("{first} / {letter}"));
        assert!(message.contains("whoever gets the discount of `first` does not get this mail (superseded)"), "{message}");
    }
}

/// The gift costs far too much, and nobody is there to get it.
#[test]
fn a_rank_that_nobody_holds_spends_nothing_that_a_gift_is_measured_by() {
    let text = fs::read_to_string(root().join("jobs/monthly.toml")).unwrap().replace("\"../", &format!("\"{}/", root().display()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monthly.toml");
    let empty = text.replace("cost = 5_000", "cost = 500_000").replace("orders = 8,", "orders = 8_000,");
    let empty = empty.replace("rank     = \"rank\"", "");
    fs::write(&path, empty).unwrap();
    let gift = |more: &[&str]| {
        let arguments = [&["check", path.to_str().unwrap(), "--json", "--as-of", "2026-12-01"], more].concat();
        let checked = rankmail(&arguments).any_output().run().json();
        checked["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == "costly-gift")
    };
    assert!(gift(&[]), "nobody has looked");
    assert!(!gift(&["--data"]), "nobody holds the rank");
}

#[test]
fn a_code_for_all_is_not_one_of_a_pool_and_a_pool_has_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.toml");
    fs::write(folder.path().join("customers.csv"), "customer_id,email,birthday,consented_at\nc1,a@example.jp,,\n").unwrap();
    fs::write(folder.path().join("codes.csv"), "code\nP1\nSPRING\n").unwrap();
    fs::create_dir(folder.path().join("x")).unwrap();
    let law = "{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>stop</a>";
    for name in ["first", "letter"] {
        let campaign = folder.path().join("templates").join(name);
        fs::create_dir_all(&campaign).unwrap();
        fs::write(campaign.join("subject.txt"), "a letter\n").unwrap();
        fs::write(campaign.join("body.html"), law).unwrap();
    }
    let check = |first: &str, letter: &str| {
        let around = include_str!("jobs/around.toml");
        let campaign = |name: &str, month: u32, code: &str| {
            format!(
                "[[campaign]]\nname = '{name}'\nranks = 'A and up'\nwhen = {{ month = {month} }}\noffer = {{ kind = 'coupon', percent = 5, code = {code} }}\n"
            )
        };
        fs::write(&path, format!("{around}\n{}{}", campaign("first", 5, first), campaign("letter", 6, letter))).unwrap();
        rankmail(&["check", path.to_str().unwrap()])
    };
    let pool = "{ from = 'codes.csv' }";
    check("'AUTUMN'", pool).any_output().run();
    check("'spring'", pool)
        .code(3)
        .complains("`first` gives the code `spring` to everybody, and `codes.csv` has it for one customer")
        .run();
    check(pool, pool).any_output().run();
    check(pool, "{ from = 'x/../codes.csv' }")
        .code(3)
        .complains("`codes.csv` and `x/../codes.csv` are one file; write its path alike")
        .run();
}

/// Three customers of the purchases, and what `check --data` and `plan` say when the list names them so; and how many mails are planned.
fn listed_as(bought: [&str; 3], listed: [&str; 3]) -> (String, String, i64) {
    let people: Vec<Line> = bought.iter().map(|id| line(id, "1", 30, "cup")).collect();
    let shop = Shop::new(&people, "", &lawful("<p>usual</p>"));
    let rows = listed.map(|id| format!("\"{id}\",{}@shop.example,Ann,true\n", id.trim()));
    shop.put("customers.csv", &format!("id,email,name,consent\n{}", rows.concat()));
    let check = shop.call("check", &["--data", "--as-of", "2026-11-02", "--json"]).any_output().run().json();
    let plan = shop.call("plan", &["--as-of", "2026-11-02", "--json"]).any_output().run().json();
    let line = |lines: &serde_json::Value| {
        let lines = lines.as_array().unwrap_or_else(|| panic!("{check} {plan}"));
        lines.iter().filter_map(|line| line.as_str()).find(|line| line.contains("not in the customer list")).unwrap_or_default().to_owned()
    };
    (line(&check["data"]["notes"]), line(&plan["warnings"]), plan["mails"].as_i64().unwrap())
}

#[test]
fn buyers_whom_the_list_does_not_have_are_told_with_the_ids_of_both() {
    let (check, plan, mails) = listed_as(["00001", "00002", "00003"], ["1", "2", "3"]);
    assert!(check.starts_with("3 of 3 customers of the purchases are not in the customer list"), "{check}");
    assert!(check.contains("ids of the purchases: `00001`, `00002`, `00003`; of the list: `1`, `2`, `3`"), "{check}");
    assert!(check.ends_with("without leading zeros `00001` is `1`: write the ids alike in both"), "{check}");
    assert_eq!((plan, mails), (check, 0));
    let (check, plan, _) = listed_as(["a", "b", "c"], ["c", "d", "e"]);
    assert!(check.starts_with("2 of 3 customers") && check.ends_with("of the list: `c`, `d`, `e`") && plan == check, "{check}");
    assert_eq!(listed_as(["a", "b", "c"], ["a", "b", "d"]), (String::new(), String::new(), 2));
}

/// Programs that write columns of a fixed width leave blanks behind ids.
#[test]
fn blanks_around_ids_do_not_part_a_customer_from_the_list() {
    assert_eq!(listed_as(["a  ", " b", "c"], ["a", "b", " c "]), (String::new(), String::new(), 3));
}
