//! `diff` on shops whose data, rules and templates are changed at random: every change has one cause, and it is the right one.

use crate::small_shop::{SHOP, finish};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use rankmail::domain::SkipReason;
use rankmail::domain::diff::{Cause, Diff, Kind};
use rankmail::ledger::{Ledger, Suppression};
use rankmail::pipeline::{self, DiffRequest, PlanRequest};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const DAY: i64 = 86_400_000_000;
/// Midnight of 1 December 2026 in Japan.
const DATE: i64 = 1_796_050_800_000_000;
const PEOPLE: i64 = 14;

const JOB: &str = r#"
name = "monthly"
time_zone = "Asia/Tokyo"
currency = "JPY"
language = "en"
runs = "runs"
templates = "templates"
[purchases]
path = "purchases.parquet"
columns = { customer = "customer", order = "order", at = "at", amount = "amount" }
[ranks]
window = "12 months"
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[[rank]]
name = "AA"
at_least = { spend = 9000 }
[[rank]]
name = "AAA"
top = "20%"
[contact]
max_per_run = 3
[[campaign]]
name = "hello"
ranks = "A and up"
[[campaign]]
name = "gold"
ranks = "AA and up"
offer = { kind = "coupon", percent = 10 }
[[campaign]]
name = "kyoto"
ranks = "A and up"
where = { city = "Kyoto" }
[[campaign]]
name = "missed"
ranks = "A and up"
when = { days_since_last_order = "60.." }
[mail]
from = "Small Shop <hello@tsubaki.example>"
unsubscribe = "https://tsubaki.example/u/{token}"
[stop]
files = ["stops/*.csv"]
[brakes]
audience = "off"
stale = "off"
history = "off"
"#;

const EXTRA: &str = "[[campaign]]\nname = \"extra\"\nranks = \"A and up\"\n[mail]\n";

/// What a month may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    Threshold,
    Cap,
    CampaignChanged,
    CampaignAdded,
    CampaignRemoved,
    Template,
    ConsentWithdrawn,
    Unsubscribed,
    Stopped,
    CustomerNew,
    CustomerGone,
    CustomerRenamed,
    Date,
    Refund,
    RefundLater,
    Order,
    Excluded,
}

const EDITS: [Edit; 17] = [
    Edit::Threshold,
    Edit::Cap,
    Edit::CampaignChanged,
    Edit::CampaignAdded,
    Edit::CampaignRemoved,
    Edit::Template,
    Edit::ConsentWithdrawn,
    Edit::Unsubscribed,
    Edit::Stopped,
    Edit::CustomerNew,
    Edit::CustomerGone,
    Edit::CustomerRenamed,
    Edit::Date,
    Edit::Refund,
    Edit::RefundLater,
    Edit::Order,
    Edit::Excluded,
];

impl Edit {
    fn cause(self) -> Cause {
        match self {
            Self::Threshold | Self::Cap | Self::Excluded => Cause::Rules,
            Self::CampaignChanged | Self::CampaignAdded | Self::CampaignRemoved => Cause::Campaigns,
            Self::Template => Cause::Templates,
            Self::ConsentWithdrawn | Self::Unsubscribed | Self::Stopped => Cause::ConsentAndStops,
            Self::CustomerNew | Self::CustomerGone => Cause::NewCustomers,
            Self::CustomerRenamed => Cause::Lists,
            Self::Date => Cause::Window,
            Self::Refund | Self::RefundLater => Cause::Refunds,
            Self::Order => Cause::NewOrders,
        }
    }
}

type Line = (String, String, i64, i64);

/// A shop that is written anew after each change.
struct Shop {
    folder: TempDir,
    job: String,
    /// Id to city, name and consent.
    people: BTreeMap<String, (&'static str, String, bool)>,
    lines: Vec<Line>,
    date: &'static str,
}

impl Shop {
    /// Customers with the orders that are given: whose, how many days before, how much.
    fn new(orders: &[(i64, i64, i64)]) -> Self {
        let people =
            (0..PEOPLE).map(|at| (format!("c{at:02}"), (["Kyoto", "Osaka"][usize::from(at % 2 == 1)], format!("Hana {at}"), at % 5 != 4)));
        let lines = orders
            .iter()
            .enumerate()
            .map(|(nth, (who, days, amount))| (format!("c{who:02}"), format!("o{nth}"), DATE - days * DAY, *amount));
        let shop = Self {
            folder: tempfile::tempdir().unwrap(),
            job: format!("{JOB}{SHOP}"),
            people: people.collect(),
            lines: lines.collect(),
            date: "2026-12-01",
        };
        for name in ["hello", "gold", "kyoto", "missed", "extra"] {
            shop.template(name, "Good day");
        }
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn template(&self, name: &str, greeting: &str) {
        let folder = self.path("templates").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("subject.txt"), format!("{greeting} from {name}\n")).unwrap();
        let body = "<!DOCTYPE html><html><body><p>NAME {{ customer.name }}</p>{% if rank.next %}<p>{{ rank.next.name }}</p>{% endif %}
            {% if offer %}<p>{{ offer.percent }} {{ offer.code }}</p>{% endif %}
            <p>{{ shop.name }} {{ shop.address }} {{ shop.contact }}</p><p><a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a></p></body></html>";
        fs::write(folder.join("body.html"), body.replace("NAME", greeting)).unwrap();
    }

    fn replace(&mut self, from: &str, to: &str) {
        assert!(self.job.contains(from), "{from}");
        self.job = self.job.replacen(from, to, 1);
    }

    /// Changes the shop; `nth` chooses whom or what.
    fn edit(&mut self, edit: Edit, nth: usize) {
        let who = format!("c{:02}", nth % usize::try_from(PEOPLE).unwrap());
        match edit {
            Edit::Threshold => self.replace("spend = 9000", "spend = 5000"),
            Edit::Cap => self.replace("max_per_run = 3", "max_per_run = 2"),
            Edit::CampaignChanged => self.replace("percent = 10", "percent = 15"),
            Edit::CampaignAdded => self.replace("[mail]\n", EXTRA),
            Edit::CampaignRemoved => self.replace("[[campaign]]\nname = \"hello\"\nranks = \"A and up\"\n", ""),
            Edit::Template => self.template("kyoto", "Good evening"),
            Edit::ConsentWithdrawn => self.people.get_mut(&who).unwrap().2 = false,
            Edit::Unsubscribed => {
                fs::create_dir_all(self.path("runs")).unwrap();
                let mut ledger = Ledger::open(&self.path("runs/ledger.sqlite")).unwrap();
                let gone = Suppression { customer_id: Some(who), address: None, reason: SkipReason::Unsubscribed, at: 1_500 };
                ledger.suppress(&gone).unwrap();
            }
            Edit::Stopped => {
                fs::create_dir_all(self.path("stops")).unwrap();
                let list = self.path("stops/paper.csv");
                let already = fs::read_to_string(&list).unwrap_or_default();
                fs::write(list, format!("{already}{who}\n")).unwrap();
            }
            Edit::CustomerNew => {
                self.people.insert("new".to_owned(), ("Kyoto", "Nao".to_owned(), true));
                self.lines.push(("new".to_owned(), "o-new".to_owned(), DATE - 20 * DAY, 12_000));
            }
            Edit::CustomerGone => {
                let gone = self.people.keys().nth(nth % self.people.len()).unwrap().clone();
                self.people.remove(&gone);
                self.lines.retain(|line| line.0 != gone);
            }
            Edit::CustomerRenamed => self.people.get_mut(&who).map_or((), |person| "Umi".clone_into(&mut person.1)),
            Edit::Date => self.date = "2027-01-01",
            Edit::Refund | Edit::RefundLater => {
                let bought: Vec<Line> = self.lines.iter().filter(|line| line.3 > 0).cloned().collect();
                if let Some((who, order, at, amount)) = bought.get(nth % bought.len().max(1)).cloned() {
                    let back = if edit == Edit::Refund { at } else { DATE - DAY };
                    self.lines.push((who, order, back, -amount));
                }
            }
            Edit::Excluded => self.replace("[customers]\n", "[customers]\nexclude = { city = [\"Osaka\"] }\n"),
            // Somebody of the list: who is gone from it and buys is looked at by a test of its own.
            Edit::Order => {
                let who = self.people.keys().nth(nth % self.people.len()).unwrap().clone();
                self.lines.push((who, "o-later".to_owned(), DATE - 3 * DAY, 6_000));
            }
        }
    }

    /// Writes everything and plans.
    fn plan(&self, name: &str, planned_at: i64) -> PathBuf {
        fs::write(self.path("job.toml"), &self.job).unwrap();
        let mut list = "id,email,name,consent,city\n".to_owned();
        for (id, (city, name, consent)) in &self.people {
            list += &format!("{id},{id}@b.example,{name},{consent},{city}\n");
        }
        fs::write(self.path("customers.csv"), list).unwrap();
        write_lines(&self.path("purchases.parquet"), &self.lines);
        let job = pipeline::load_job(&self.path("job.toml"), None).unwrap();
        let into = self.path("plans").join(name);
        let as_of = self.date.parse().unwrap();
        let request = PlanRequest { job: &job, as_of, planned_at, into: Some(&into), watch: &pipeline::unwatched };
        pipeline::plan(&request).unwrap_or_else(|error| panic!("{error}"));
        into
    }
}

fn write_lines(path: &Path, lines: &[Line]) {
    let texts = |pick: fn(&Line) -> &String| Arc::new(StringArray::from_iter_values(lines.iter().map(pick))) as ArrayRef;
    let at = TimestampMicrosecondArray::from_iter_values(lines.iter().map(|line| line.2)).with_timezone("UTC");
    let columns: [(&str, ArrayRef); 4] = [
        ("customer", texts(|line| &line.0)),
        ("order", texts(|line| &line.1)),
        ("at", Arc::new(at)),
        ("amount", Arc::new(Int64Array::from_iter_values(lines.iter().map(|line| line.3)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn compare(before: &Path, after: &Path) -> Diff {
    pipeline::diff(&DiffRequest { before, after, job: None, runs: None, watch: &pipeline::unwatched })
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Who is mailed what in a plan: pairs and subjects, read without the program.
fn mailed(plan: &Path) -> BTreeSet<(String, String)> {
    crate::shop::rows(&plan.join("mails.parquet")).into_iter().map(|row| (row["customer_id"].clone(), row["campaign"].clone())).collect()
}

/// The causes that occur.
fn causes(diff: &Diff) -> BTreeSet<Cause> {
    diff.changes.iter().map(|change| change.cause).collect()
}

fn orders() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
    prop::collection::vec((0..PEOPLE, 1_i64..500, 1_i64..9_000), 8..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn causes_add_up_and_are_among_what_was_changed(
        orders in orders(),
        edits in prop::sample::subsequence(EDITS.to_vec(), 1..6),
        nth in prop::collection::vec(0_usize..1_000, EDITS.len()),
    ) {
        let mut shop = Shop::new(&orders);
        let before = shop.plan("before", 1_000);
        for (edit, nth) in edits.iter().zip(nth) {
            shop.edit(*edit, nth);
        }
        let after = shop.plan("after", 2_000);
        let diff = compare(&before, &after);
        let sum: u64 = Cause::ALL.into_iter().flat_map(|cause| diff.counts(cause)).sum();
        prop_assert_eq!(sum, diff.changes.len() as u64);
        let kind = |wanted: Kind| -> BTreeSet<(String, String)> {
            let changes = diff.changes.iter().filter(|change| change.kind() == wanted);
            changes.map(|change| (change.customer.clone(), change.campaign.clone())).collect()
        };
        let (one, other) = (mailed(&before), mailed(&after));
        prop_assert_eq!(kind(Kind::Gained), other.difference(&one).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(kind(Kind::Lost), one.difference(&other).cloned().collect::<BTreeSet<_>>());
        let mut possible: BTreeSet<Cause> = edits.iter().map(|edit| edit.cause()).collect();
        // Without the orders of somebody who is gone, who was at the top cannot be found again.
        possible.extend(edits.contains(&Edit::CustomerGone).then_some(Cause::Unknown));
        prop_assert!(causes(&diff).is_subset(&possible), "{:?} of {edits:?}: {:#?}", causes(&diff), diff.changes);
        prop_assert_eq!(&diff.notes, &Vec::<String>::new());
    }
}

/// A shop in which every single change changes something for somebody.
fn lively() -> Shop {
    Shop::new(&(0..PEOPLE).flat_map(|at| [(at, 10 + at * 9, 2_000 + at * 700), (at, 30 + at, 1_000)]).collect::<Vec<_>>())
}

#[test]
fn each_change_alone_is_its_own_cause() {
    for edit in EDITS {
        let mut shop = lively();
        let before = shop.plan("before", 1_000);
        // The large order of somebody who has just enough for the second rank, or somebody of the first.
        shop.edit(edit, if matches!(edit, Edit::Refund | Edit::RefundLater) { 20 } else { 6 });
        let after = shop.plan("after", 2_000);
        let diff = compare(&before, &after);
        assert_eq!(causes(&diff), BTreeSet::from([edit.cause()]), "{edit:?}: {:#?} {:?}", diff.changes, diff.notes);
    }
}

/// They were in the list all the time: what changed is the rule that left them out.
#[test]
fn who_is_not_left_out_any_more_is_no_new_customer() {
    let mut shop = lively();
    shop.edit(Edit::Excluded, 0);
    let before = shop.plan("before", 1_000);
    shop.replace("exclude = { city = [\"Osaka\"] }\n", "");
    let diff = compare(&before, &shop.plan("after", 2_000));
    assert_eq!(causes(&diff), BTreeSet::from([Cause::Rules]), "{:#?} {:?}", diff.changes, diff.notes);
    let gained = diff.changes.iter().filter(|change| change.kind() == Kind::Gained);
    assert!(gained.into_iter().any(|change| shop.people[&change.customer].0 == "Osaka"), "{:#?}", diff.changes);
}

/// Somebody who is gone from the list and not from the purchases is in both plans, so it is the list that changed for them; earlier
/// orders that are gone at the same time are corrections.
#[test]
fn who_is_gone_from_the_list_and_buys_is_in_both_plans() {
    let mut shop = lively();
    let before = shop.plan("before", 1_000);
    shop.people.remove("c06").unwrap();
    shop.lines.push(("c06".to_owned(), "o-later".to_owned(), DATE - 3 * DAY, 6_000));
    let of_c06 = |diff: &Diff, campaign: &str| {
        let change = diff.changes.iter().find(|change| change.customer == "c06" && change.campaign == campaign);
        change.map(|change| (change.cause, change.kind()))
    };
    let diff = compare(&before, &shop.plan("after", 2_000));
    assert_eq!(of_c06(&diff, "hello"), Some((Cause::Lists, Kind::Lost)), "{:#?} {:?}", diff.changes, diff.notes);
    assert!(causes(&diff).is_subset(&BTreeSet::from([Cause::Lists, Cause::NewOrders])), "{:#?}", diff.changes);

    shop.lines.retain(|line| line.0 != "c06" || line.1 == "o-later");
    let diff = compare(&before, &shop.plan("without", 3_000));
    assert_eq!(of_c06(&diff, "hello"), Some((Cause::Refunds, Kind::Lost)), "{:#?} {:?}", diff.changes, diff.notes);
    assert!(causes(&diff).is_subset(&BTreeSet::from([Cause::Lists, Cause::Refunds, Cause::NewOrders])), "{:#?}", diff.changes);
}

/// A letter without templates has no subject.
#[test]
fn a_letter_without_a_subject_is_told_by_its_way() {
    let mut shop = lively();
    shop.replace("consent = \"consent\"", "consent = \"consent\", postal_address = \"city\"");
    let before = shop.plan("before", 1_000);
    shop.replace("[mail]\n", "[[campaign]]\nname = \"card\"\nranks = \"AA and up\"\nchannel = \"post\"\n[mail]\n");
    let after = shop.plan("after", 2_000);
    let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
    let told = finish(command.arg("diff").arg(&before).arg(&after).env_remove("RANKMAIL_SMTP_URL"), 0);
    assert!(told.contains("not matched → post") && !told.contains("\"\""), "{told}");
}

#[test]
fn a_plan_does_not_differ_from_itself_or_from_one_made_again() {
    let shop = lively();
    let (before, after) = (shop.plan("before", 1_000), shop.plan("after", 2_000));
    assert_eq!(compare(&before, &before).changes, []);
    assert_eq!(compare(&before, &after).changes, []);
}

#[test]
fn the_earlier_cause_has_a_change_that_two_would_make() {
    let mut shop = lively();
    let before = shop.plan("before", 1_000);
    shop.edit(Edit::ConsentWithdrawn, 6);
    shop.edit(Edit::CampaignRemoved, 0);
    let after = shop.plan("after", 2_000);
    let diff = compare(&before, &after);
    let of = |campaign: &str| diff.changes.iter().find(|change| change.customer == "c06" && change.campaign == campaign).unwrap().cause;
    assert_eq!((of("hello"), of("kyoto")), (Cause::Campaigns, Cause::ConsentAndStops));
}

fn rankmail(shop: &Shop, arguments: &[&str], code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
    finish(command.args(arguments).current_dir(shop.folder.path()), code)
}

#[test]
fn the_terminal_tells_counts_then_people_and_json_tells_all() {
    let mut shop = lively();
    shop.plan("before", 1_000);
    shop.edit(Edit::Threshold, 0);
    shop.edit(Edit::Template, 0);
    shop.edit(Edit::Order, 1);
    shop.plan("after", 2_000);
    let page = rankmail(&shop, &["diff", "plans/before", "plans/after"], 0);
    for words in ["rules", "templates", "new orders", "gained", "c01", "\"Good day from kyoto\" → \"Good evening from kyoto\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let json: serde_json::Value = serde_json::from_str(&rankmail(&shop, &["diff", "plans/before", "plans/after", "--json"], 0)).unwrap();
    let pairs: u64 = json["causes"].as_array().unwrap().iter().map(|cause| cause["pairs"].as_u64().unwrap()).sum();
    assert_eq!(json["pairs"], pairs);
    assert_eq!(json["changes"].as_array().unwrap().len() as u64, pairs);
    let change = json["changes"].as_array().unwrap().iter().find(|change| change["cause"] == "new_orders").unwrap();
    assert_eq!(change["customer_id"], "c01");
    let same = rankmail(&shop, &["diff", "plans/after", "plans/after"], 0);
    assert!(same.contains("Everybody gets the same"), "{same}");
}

#[test]
fn what_is_no_plan_is_refused_and_what_is_gone_is_not_guessed() {
    let mut shop = lively();
    shop.plan("before", 1_000);
    shop.edit(Edit::Threshold, 0);
    shop.plan("after", 2_000);
    assert!(rankmail(&shop, &["diff", "plans/before", "plans"], 4).contains("no plan folder"));
    shop.replace("\"monthly\"", "\"weekly\"");
    shop.plan("other", 2_000);
    assert!(rankmail(&shop, &["diff", "plans/before", "plans/other"], 2).contains("only plans of one job"));
    fs::remove_file(shop.path("purchases.parquet")).unwrap();
    let page = rankmail(&shop, &["diff", "plans/before", "plans/after"], 0);
    assert!(page.contains("the causes cannot be told") && page.contains("unknown"), "{page}");
    fs::write(shop.path("plans/after/mails.parquet"), "x").unwrap();
    assert!(rankmail(&shop, &["diff", "plans/before", "plans/after"], 4).contains("not as it was planned"));
}

#[test]
fn a_plan_that_cannot_tell_where_its_job_is_asks_for_it() {
    let mut shop = lively();
    let before = shop.plan("before", 1_000);
    shop.edit(Edit::Threshold, 0);
    let after = shop.plan("after", 2_000);
    for plan in [&before, &after] {
        let text = fs::read_to_string(plan.join("plan.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["origin"], serde_json::json!({"job": "../../job.toml", "runs": "../../runs"}));
        json["origin"] = serde_json::Value::Null;
        fs::write(plan.join("plan.json"), json.to_string()).unwrap();
    }
    assert!(rankmail(&shop, &["diff", "plans/before", "plans/after"], 0).contains("name it with --job"));
    let page = rankmail(&shop, &["diff", "plans/before", "plans/after", "--job", "job.toml"], 0);
    assert!(page.contains("rules") && !page.contains("unknown"), "{page}");
}

#[test]
fn with_the_job_at_hand_dates_are_enough() {
    let shop = lively();
    shop.plan("before", 1_000);
    rankmail(&shop, &["plan", "job.toml", "--as-of", "2026-11-01", "-q"], 0);
    rankmail(&shop, &["plan", "job.toml", "--as-of", "2026-12-01", "-q"], 0);
    let page = rankmail(&shop, &["diff", "2026-11-01", "2026-12-01", "--job", "job.toml"], 0);
    assert!(page.contains("2026-11-01 → 2026-12-01") && page.contains("new orders"), "{page}");
    assert!(!page.contains("unknown"), "{page}");
}
