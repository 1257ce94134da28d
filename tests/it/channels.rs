//! Mail, letters, LINE and calls of one shop: the same caps, `once` and stops for all, and lists that are whole whatever happens.

use crate::sink::Sink;
use crate::small_shop::{DATE, Shop, finish};
use rankmail::domain::{SkipReason, State};
use rankmail::ledger::{Ledger, Suppression};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Everybody by the first way that there is, and calls for those who have nothing yet.
const CAMPAIGNS: &str = r#"
[[campaign]]
name = "dm"
ranks = "A and up"
channel = ["mail", "post", "line"]
cost_each = { post = 120, line = 5 }
offer = { kind = "coupon", amount = 500, over = 3_000, valid = "this month" }

[[campaign]]
name = "ring"
ranks = "A and up"
channel = "call"
cost_each = 300

[contact]
max_per_run = 1
min_days_between = 20
"#;

const LINE_ID: &str = "U0123456789abcdef0123456789abcdef";

const CUSTOMERS: &str = "id,email,name,consent,zip,street,line,tel
c000,Hana.Y+tea@Gmail.com,山田 花子,true,6040000,京都市中京区1-2-3,U0123456789abcdef0123456789abcdef,090-0000-0000
c001,,=1+1,true,6040001,京都市中京区 ４－５－６,,090-0000-0001
c002,nocon@b.example,株式会社つばき,false,6040002,\"京都市, 7\",,
c003,,佐藤,true,,,U0123456789abcdef0123456789abcdef,
c004,,鈴木,true,,,,+81-90-0000-0004
c005,,田中,true,,,hanako,110
c006,,= 1+1,true,6040001,京都市中京区4-5-6,,
c007,,高橋,true,6040007,京都市中京区7,,
";

const ROLES: &str = "postal_code = \"zip\", postal_address = \"street\", line_id = \"line\", phone = \"tel\"";

/// A shop of eight customers who can be reached in different ways.
fn shop() -> Shop {
    shop_with(CAMPAIGNS, CUSTOMERS)
}

fn shop_with(campaigns: &str, customers: &str) -> Shop {
    let shop = Shop::new(8);
    fs::write(shop.path("customers.csv"), customers).unwrap();
    fs::rename(shop.path("templates/letter"), shop.path("templates/dm")).unwrap();
    let text = fs::read_to_string(shop.path("job.toml")).unwrap();
    let (head, rest) = text.split_once("[[campaign]]").unwrap();
    let (_, tail) = rest.split_once("[brakes]").unwrap();
    let head = head.replace("consent = \"consent\" }", &format!("consent = \"consent\", {ROLES} }}"));
    fs::write(shop.path("job.toml"), format!("{head}{campaigns}\n[brakes]\n{tail}")).unwrap();
    shop
}

fn run(shop: &Shop, date: &str) {
    shop.call(&["run", "--as-of", date, "-q"], 0);
}

fn rows(shop: &Shop, date: &str, table: &str) -> Vec<BTreeMap<String, String>> {
    crate::shop::rows(&shop.path(&format!("runs/small/{date}/{table}.parquet")))
}

/// (customer, campaign, channel or reason) of a plan.
fn fates(shop: &Shop, date: &str) -> Vec<(String, String, String)> {
    let mails =
        rows(shop, date, "mails").into_iter().map(|row| (row["customer_id"].clone(), row["campaign"].clone(), row["channel"].clone()));
    let skips =
        rows(shop, date, "skipped").into_iter().map(|row| (row["customer_id"].clone(), row["campaign"].clone(), row["reason"].clone()));
    let mut all: Vec<_> = mails.chain(skips).collect();
    all.sort();
    all
}

fn fate(shop: &Shop, date: &str, customer: &str, campaign: &str) -> String {
    fates(shop, date).into_iter().find(|(who, what, _)| who == customer && what == campaign).unwrap().2
}

fn list(shop: &Shop, name: &str) -> String {
    fs::read_to_string(shop.path(&format!("runs/small/lists/{DATE}/{name}.csv"))).unwrap()
}

/// The cells of a list for people, the heading first.
fn cells(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').expect("a mark");
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Writes down a stop, as an opt-out page does.
fn stop(shop: &Shop, customer: Option<&str>, address: Option<&str>, reason: SkipReason) {
    fs::create_dir_all(shop.path("runs")).unwrap();
    let mut ledger = Ledger::open(&shop.path("runs/ledger.sqlite")).unwrap();
    let suppression = Suppression { customer_id: customer.map(Into::into), address: address.map(Into::into), reason, at: 1 };
    ledger.suppress(&suppression).unwrap();
}

fn set_state(shop: &Shop, from: &str, to: &str) {
    let database = rusqlite::Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
    let sql = "UPDATE mails SET state = ?2 WHERE state = ?1 AND channel <> 'mail'";
    assert!(database.execute(sql, [from, to]).unwrap() > 0);
}

#[test]
fn the_first_way_that_reaches_a_customer_is_taken() {
    let shop = shop();
    shop.plan();
    for (customer, campaign, expected) in [
        ("c000", "dm", "mail"),
        ("c000", "ring", "over_cap"),
        ("c001", "dm", "post"),
        ("c002", "dm", "post"),
        ("c002", "ring", "no_address"),
        ("c003", "dm", "line"),
        ("c004", "dm", "no_address"),
        ("c004", "ring", "call"),
        ("c005", "dm", "no_address"),
        ("c005", "ring", "bad_address"),
        ("c006", "dm", "same_address"),
        ("c007", "dm", "post"),
    ] {
        assert_eq!(fate(&shop, DATE, customer, campaign), expected, "{customer} {campaign}");
    }
    let mails = rows(&shop, DATE, "mails");
    let row = |id: &str| mails.iter().find(|row| row["customer_id"] == id).unwrap();
    assert_eq!(row("c001")["address"], "604-0001 京都市中京区 ４－５－６");
    assert_eq!((row("c003")["address"].as_str(), row("c004")["address"].as_str()), (LINE_ID, "+81-90-0000-0004"));
    assert!(row("c000")["subject"].contains("山田") && row("c004")["subject"].is_empty());
    let plan: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(shop.path(&format!("runs/small/{DATE}/plan.json"))).unwrap()).unwrap();
    // Five coupons of 500, three letters, a LINE message and a call.
    assert_eq!(plan["offer_exposure"], 5 * 500 + 3 * 120 + 5 + 300);
    assert_eq!(
        plan["campaigns"][0]["channels"],
        serde_json::json!([{"channel": "mail", "mails": 1}, {"channel": "post", "mails": 3}, {"channel": "line", "mails": 1}])
    );
}

#[test]
fn caps_and_once_see_every_channel_of_earlier_runs() {
    let shop = shop();
    run(&shop, DATE);
    assert_eq!(shop.outbox().len(), 1, "only mail goes to the outbox");
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 6)]));
    assert_eq!(cells(&list(&shop, "dm.post")).len(), 4);
    assert_eq!(list(&shop, "dm.line"), format!("{LINE_ID}\r\n"));
    assert_eq!(cells(&list(&shop, "ring.call"))[1][0], "'+81-90-0000-0004");
    run(&shop, "2026-12-10");
    for (customer, campaign, expected) in [
        ("c000", "dm", "already_sent"),
        ("c001", "dm", "already_sent"),
        ("c003", "dm", "already_sent"),
        ("c004", "ring", "already_sent"),
        // A letter keeps calls away as a mail would.
        ("c001", "ring", "too_soon"),
    ] {
        assert_eq!(fate(&shop, "2026-12-10", customer, campaign), expected, "{customer} {campaign}");
    }
    run(&shop, "2027-01-01");
    assert_eq!(fate(&shop, "2027-01-01", "c001", "dm"), "post", "the next month is another occasion");
}

#[test]
fn an_opt_out_stops_every_channel_and_a_bounce_mail_only() {
    let shop = shop();
    stop(&shop, None, Some("hana.y+tea@gmail.com"), SkipReason::Bounced);
    shop.plan();
    assert_eq!(fate(&shop, DATE, "c000", "dm"), "post", "the address is bad, the house still stands");
    // After the plan was seen, two opt out: one by a link in an old mail, one at an address that was only written down.
    stop(&shop, Some("c003"), None, SkipReason::Unsubscribed);
    stop(&shop, None, Some("nocon@b.example"), SkipReason::Unsubscribed);
    let printed = shop.call(&["export", "--campaign", "dm", "--as", "post"], 0);
    assert!(!printed.contains("c002") && printed.contains("c007") && printed.contains("1 left out: stopped"), "{printed}");
    shop.call(&["send", "--as-of", DATE], 0);
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 4), (State::Suppressed, 2)]));
    let post: Vec<String> = cells(&list(&shop, "dm.post")).into_iter().skip(1).map(|row| row[4].clone()).collect();
    assert_eq!(post, ["c000", "c001", "c007"]);
    assert!(!shop.path(&format!("runs/small/lists/{DATE}/dm.line.csv")).exists(), "nobody is left for it");
    run(&shop, "2027-01-01");
    assert_eq!(fate(&shop, "2027-01-01", "c003", "dm"), "no_address", "what the first channel lacks is told");
    assert_eq!(fate(&shop, "2027-01-01", "c003", "ring"), "no_address");
}

#[test]
fn a_sending_that_is_cut_off_leaves_nobody_out_of_a_list() {
    let shop = shop();
    shop.plan();
    // Something stands where the lists belong: all is claimed, nothing is written.
    fs::write(shop.path("runs/small/lists"), "in the way").unwrap();
    shop.call(&["send", "--as-of", DATE], 4);
    assert_eq!((shop.count(State::Handing), shop.count(State::Accepted)), (5, 0));
    fs::remove_file(shop.path("runs/small/lists")).unwrap();
    // One opts out before the sending goes on.
    stop(&shop, Some("c007"), None, SkipReason::Unsubscribed);
    shop.call(&["send"], 0);
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 5), (State::Suppressed, 1)]));
    let whole = list(&shop, "dm.post");
    assert_eq!(cells(&whole).len(), 3);
    // Cut off once more, after the list was written and before that was written down.
    set_state(&shop, "accepted", "handing");
    fs::write(shop.path(&format!("runs/small/lists/{DATE}/dm.post.csv")), "half").unwrap();
    shop.call(&["send", "--as-of", DATE], 0);
    assert_eq!(list(&shop, "dm.post"), whole);
    assert_eq!((shop.count(State::Accepted), shop.outbox().len()), (5, 1));
}

#[test]
fn a_sending_by_smtp_that_is_cut_off_doubts_its_mail_and_writes_its_lists_again() {
    let (shop, folder) = (shop(), tempfile::tempdir().unwrap());
    let sink = Sink::start(folder.path(), "220", "250");
    shop.plan();
    shop.send(&sink, &["--as-of", DATE], 0);
    let whole = list(&shop, "dm.post");
    assert_eq!((shop.count(State::Accepted), sink.mails().len()), (6, 1));
    // Everything was handed over and nothing of it written down; the list is half there.
    let cut_off = || {
        let database = rusqlite::Connection::open(shop.path("runs/ledger.sqlite")).unwrap();
        assert_eq!(database.execute("UPDATE mails SET state = 'handing'", []).unwrap(), 6);
        fs::write(shop.path(&format!("runs/small/lists/{DATE}/dm.post.csv")), "half").unwrap();
    };
    cut_off();
    shop.send(&sink, &["--as-of", DATE], 1);
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 5), (State::InDoubt, 1)]));
    assert_eq!((list(&shop, "dm.post"), sink.mails().len()), (whole.clone(), 1), "a mail may have arrived, a list is ours");
    cut_off();
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), format!("{job}\n[mail.smtp]\non_in_doubt = \"resend\"\n")).unwrap();
    shop.send(&sink, &["--as-of", DATE], 0);
    assert_eq!(shop.states(), BTreeMap::from([(State::Accepted, 6)]));
    assert_eq!(list(&shop, "dm.post"), whole);
    let ids: Vec<String> = sink.taken().into_iter().map(|mail| mail.message_id).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
}

#[test]
fn a_limit_counts_letters_and_what_is_left_is_added_to_the_same_list() {
    let shop = shop();
    shop.plan();
    shop.call(&["send", "--as-of", DATE, "--limit", "2"], 0);
    assert_eq!((shop.count(State::Accepted), shop.outbox().len()), (2, 0));
    assert_eq!(cells(&list(&shop, "dm.post")).len(), 3);
    shop.call(&["send", "--as-of", DATE], 0);
    assert_eq!((shop.count(State::Accepted), shop.outbox().len()), (6, 1));
    assert_eq!(cells(&list(&shop, "dm.post")).len(), 4);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&shop.path(&format!("runs/small/lists/{DATE}/dm.post.csv"))), 0o600);
    }
}

#[test]
fn lists_are_exported_for_whom_they_are_meant() {
    let shop = shop();
    shop.plan();
    let export = |kind: &str, campaign: &str| {
        let out = shop.path("list.csv");
        let out = out.to_str().unwrap();
        let told = shop.call(&["export", "--campaign", campaign, "--as", kind, "--out", out, "--json"], 0);
        (fs::read_to_string(out).unwrap(), serde_json::from_str::<serde_json::Value>(&told).unwrap())
    };
    let (post, told) = export("post", "dm");
    assert_eq!((&told["rows"], &told["adopted"], &told["stopped"]), (&3.into(), &false.into(), &0.into()));
    let rows = cells(&post);
    assert_eq!(rows[0][..5], ["postal_code", "postal_address", "name", "honorific", "customer_id"].map(str::to_owned));
    assert_eq!(rows[1][..5], ["604-0001", "京都市中京区 ４－５－６", "'=1+1", "", "c001"].map(str::to_owned));
    assert_eq!(rows[2][1], "京都市, 7");
    assert!(rows[1][10].contains("canary-c001-end"), "what the template says is there: {:?}", rows[1]);
    // Whoever goes by post may be mailed ads only with consent to mail; c002 has none.
    let (google, told) = export("google", "dm");
    assert_eq!(google, format!("Email\r\n{}\r\n", sha256("hanay@gmail.com")));
    assert_eq!((&told["rows"], &told["passed_over"]), (&1.into(), &4.into()));
    assert_eq!(export("meta", "dm").0, format!("email\r\n{}\r\n", sha256("hana.y+tea@gmail.com")));
    assert_eq!(export("line", "dm").0, format!("{LINE_ID}\r\n"));
    assert_eq!(cells(&export("call", "ring").0)[1][..4], ["'+81-90-0000-0004", "鈴木", "", "c004"].map(str::to_owned));
    for (arguments, code, words) in [
        (&["--campaign", "dm", "--as", "call"][..], 2, "goes by mail, post, line"),
        (&["--campaign", "dm", "--as", "gifts"], 2, "gives nothing"),
        (&["--campaign", "dn", "--as", "post"], 2, "no campaign `dn`"),
        (&["--campaign", "dm"], 2, "--as"),
        (&[], 2, "--campaign"),
        (&["--ranks"], 2, "no run of small was adopted yet"),
    ] {
        let printed = shop.call(&[&["export"], arguments].concat(), code);
        assert!(printed.contains(words), "{printed}");
    }
    let printed = shop.call(&["export", "--campaign", "dm", "--as", "line"], 0);
    assert!(printed.contains(LINE_ID) && printed.contains("is not adopted yet"), "{printed}");
}

/// As the platforms compute it.
fn sha256(text: &str) -> String {
    use sha2::Digest;
    use std::fmt::Write;
    let digest = sha2::Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn the_cart_is_given_the_ranks_of_the_last_adopted_run() {
    let shop = shop();
    run(&shop, DATE);
    shop.call(&["plan", "--as-of", "2027-01-01", "-q"], 0);
    let out = shop.path("ranks.csv");
    let told = shop.call(&["export", "--ranks", "--out", out.to_str().unwrap(), "--json"], 0);
    assert!(told.contains("\"as_of\": \"2026-12-01\"") && told.contains("\"adopted\": true"), "{told}");
    let rows = cells(&fs::read_to_string(&out).unwrap());
    let plan = self::rows(&shop, DATE, "customers");
    assert_eq!(rows.len(), plan.len() + 1);
    for (row, planned) in rows.iter().skip(1).zip(&plan) {
        for (name, cell) in rows[0].iter().zip(row) {
            match name.as_str() {
                "as_of" => assert_eq!(cell, DATE),
                name => assert_eq!(cell, &planned[name], "{name} of {}", row[0]),
            }
        }
    }
    let printed = shop.call(&["export", "--ranks", "--as-of", "2027-01-01"], 0);
    assert!(printed.contains("c007,2027-01-01,A,") && printed.contains("is not adopted yet"), "{printed}");
}

#[test]
fn a_campaign_without_mail_needs_no_templates_and_may_have_some() {
    let ring = "[[campaign]]\nname = \"ring\"\nranks = \"A and up\"\nchannel = \"call\"\n";
    let shop = shop_with(ring, CUSTOMERS);
    fs::remove_dir_all(shop.path("templates")).unwrap();
    shop.call(&["check"], 0);
    shop.plan();
    assert_eq!(cells(&shop.call(&["export", "--campaign", "ring", "--as", "call", "-q"], 0))[1].last().unwrap(), "");
    fs::create_dir_all(shop.path("templates/ring")).unwrap();
    fs::write(shop.path("templates/ring/body.txt"), "{{ customer.name }} {{ customer.phone }}: お茶の話\n").unwrap();
    shop.plan();
    let rows = cells(&shop.call(&["export", "--campaign", "ring", "--as", "call", "-q"], 0));
    assert_eq!(rows[1].last().unwrap(), "山田 花子 090-0000-0000: お茶の話");
    fs::write(shop.path("templates/ring/body.txt"), "{{ customer.fax }}").unwrap();
    shop.call(&["check"], 2);
    let shown = shop_with(ring, CUSTOMERS);
    shown.plan();
    let printed = shown.call(&["show", "--customer", "c004"], 0);
    assert!(printed.contains("call") && printed.contains("+81-90-0000-0004"), "{printed}");
    let printed = shown.call(&["explain", "--customer", "c004"], 0);
    assert!(printed.contains("call"), "{printed}");
}

#[test]
fn gifts_do_no_harm_and_are_not_given_twice() {
    let gifts = r#"
[[campaign]]
name = "thanks"
ranks = "A and up"
sells = false
channel = "post"
[campaign.offer]
kind = "gift"
choose_by = "likes"
allergies = "allergies"
gifts = [
  { likes = "肉", gift = "近江牛", never_with = ["牛肉"] },
  { likes = "肉", gift = "鴨", never_with = ["鳥", "鴨"] },
  { likes = "茶", gift = "新茶" },
]
otherwise = "お花"
"#;
    let customers = "id,email,name,consent,zip,street,line,tel,likes,allergies
c000,,山田,true,6040000,京都市1,,090-0000-0000,肉,
c001,,佐藤,true,6040001,京都市2,,,肉,牛肉（少量可）、えび
c002,,鈴木,true,6040002,京都市3,,,茶,
c003,,田中,true,,,,,肉,
";
    let shop = shop_with(gifts, customers);
    let given = |date: &str| {
        shop.call(&["run", "--as-of", date, "-q"], 0);
        rows(&shop, date, "mails").into_iter().map(|row| row["gift"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(given(DATE), ["近江牛", "鴨", "新茶"]);
    let printed = shop.call(&["export", "--campaign", "thanks", "--as", "gifts", "-q"], 0);
    assert_eq!(
        cells(&printed)[1],
        ["c000", "山田", "", "604-0000", "京都市1", "090-0000-0000", "近江牛", "A", "thanks"].map(str::to_owned)
    );
    assert_eq!(given("2027-01-01"), ["鴨", "お花", "お花"], "the next that is liked, else the one for everybody");
    assert_eq!(given("2027-02-01"), ["お花", "お花", "お花"], "nothing that was chosen is given twice");
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    for (from, to, words) in [
        ("allergies = \"allergies\"\n", "", "`never_with` has no `allergies`"),
        (", never_with = [\"牛肉\"]", ", never = \"牛肉\"", "unknown key `never` in `gifts`"),
        ("allergies = \"allergies\"", "allergies = \"allergy\"", "asks for the customer column `allergy`"),
    ] {
        fs::write(shop.path("job.toml"), job.replace(from, to)).unwrap();
        let printed = finish(&mut shop.command(&["check"]), if to.contains("allergy") { 3 } else { 2 });
        assert!(printed.contains(words), "{printed}");
    }
}

#[test]
fn who_is_forgotten_comes_off_the_lists_and_the_others_stay_on() {
    let shop = shop();
    run(&shop, DATE);
    let before = cells(&list(&shop, "dm.post"));
    assert!(before.iter().any(|row| row.contains(&"c001".to_owned())), "{before:?}");
    shop.call(&["forget", "--customer", "c001"], 0);
    let after = cells(&list(&shop, "dm.post"));
    assert_eq!(after, before.into_iter().filter(|row| !row.contains(&"c001".to_owned())).collect::<Vec<_>>());
    shop.call(&["send", "--as-of", DATE], 0);
    assert_eq!(cells(&list(&shop, "dm.post")), after, "the run is finished and stays as it is");
}
