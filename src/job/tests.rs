//! Tests of the room as a whole.

use super::{load_text, schema, schema_value};
use crate::domain::Job;
use crate::domain::campaign::{DayRange, NumberRange, Once, RankMove, RankRange, WhereTest};
use crate::domain::job::{KeySource, Language, LineRule, OnInDoubt, RuleKind};
use crate::domain::ladder::{Admission, Condition, Review, Window};
use crate::domain::offer::{CodeSource, Discount, OfferKind, Valid};
use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

const SAMPLE: &str = include_str!("../../tests/it/jobs/sample.toml");

fn sample() -> Job {
    load_text(Path::new("jobs/monthly.toml"), SAMPLE).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    load_text(Path::new("jobs/monthly.toml"), text).unwrap_err().to_string()
}

fn campaign<'j>(job: &'j Job, name: &str) -> &'j crate::domain::Campaign {
    job.campaigns.iter().find(|campaign| campaign.name == name).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn the_sample_is_understood_as_it_is_meant() {
    let job = sample();
    assert_eq!((job.name.as_str(), job.zone.0, job.language), ("monthly", chrono_tz::Asia::Tokyo, Language::Ja));
    assert_eq!((job.currency.code.as_str(), job.currency.digits), ("JPY", 0));
    assert_eq!(job.runs, PathBuf::from("jobs/../runs"));
    assert_eq!(job.purchases.paths, [PathBuf::from("jobs/../testdata/purchases")]);
    assert_eq!(job.purchases.written, ["../testdata/purchases"]);
    let cancelled = LineRule { kind: RuleKind::Exclude, column: "status".into(), values: vec!["cancelled".into(), "test".into()] };
    assert_eq!(job.purchases.rules, [cancelled]);
    assert_eq!(job.shop("name"), "つばき堂");
    assert_eq!(job.ladder.ranks.iter().map(|rank| rank.name.as_str()).collect::<Vec<_>>(), ["A", "AA", "AA+", "AAA", "VIP"]);
    let aaa = Condition { orders: Some(5), spend: Some(100_000), tenure_months: Some(6), ..Condition::default() };
    assert_eq!(job.ladder.ranks[3].admits, Admission::AnyOf(vec![aaa]));
    assert_eq!(job.ladder.ranks[3].keep, Some(Condition { spend: Some(80_000), ..Condition::default() }));
    assert_eq!((job.ladder.window, &job.ladder.review, job.ladder.keep_for_months), (Window::Months(12), &Review::Monthly, 6));
    let holdout = job.contact.holdout.as_ref().unwrap();
    assert_eq!((holdout.share, holdout.not.as_slice(), holdout.salt.as_str()), (0.05, &[4][..], "monthly"));
    assert_eq!(job.keys, KeySource::Beside(PathBuf::from("jobs/rankmail.key")));
    let smtp = job.smtp.as_ref().unwrap();
    assert_eq!((smtp.retry_every_seconds, smtp.retry_for_seconds, smtp.connections), (300, 172_800, 16));
    assert_eq!(smtp.on_in_doubt, OnInDoubt::Hold);
    assert_eq!(job.brakes, crate::domain::job::Brakes::default());
    assert_eq!(job.warnings, Vec::<String>::new());
}

#[test]
fn campaigns_of_the_sample_are_understood_as_they_are_meant() {
    let job = sample();
    let birthday = campaign(&job, "birthday");
    assert_eq!(birthday.ranks, RankRange::Ranks(vec![0, 1, 2, 3]));
    assert_eq!((birthday.when.birthday, birthday.holdout, birthday.counts_towards_limit), (Some(DayRange::ThisMonth), false, false));
    let offer = birthday.offer.as_ref().unwrap();
    assert_eq!(offer.valid, Some(Valid::ThisMonth));
    let OfferKind::Coupon { discount: Discount::Percent(percent), code: CodeSource::Own, .. } = &offer.kind else { panic!("{offer:?}") };
    assert_eq!(percent, &[Some(5.0), Some(8.0), Some(10.0), Some(10.0), Some(10.0)]);
    let back = campaign(&job, "win_back");
    assert_eq!(back.when.days_since_last_order, Some(NumberRange { from: Some(90.0), to: Some(180.0) }));
    let OfferKind::Coupon { discount: Discount::Amount(amount), over, .. } = &back.offer.as_ref().unwrap().kind else { panic!() };
    assert_eq!((amount[3], over[3]), (Some(500), Some(5_000)));
    assert_eq!(campaign(&job, "vip_gift").once, Once::Month);
    assert_eq!(campaign(&job, "keep_your_rank").when.rank, Some(RankMove::AtRisk));
    let event = campaign(&job, "event");
    assert_eq!((event.not_with.as_slice(), event.ranks.clone()), (&[2][..], RankRange::Ranks(vec![2])));
    assert_eq!(event.when.dates, Some((day("2026-12-01"), day("2026-12-25"))));
    assert_eq!(event.wheres[0].test, WhereTest::OneOf(vec!["京都".into(), "大阪".into()]));
    let OfferKind::Invitation { on, .. } = &campaign(&job, "vip_invitation").offer.as_ref().unwrap().kind else { panic!() };
    assert_eq!(*on, Some(day("2027-01-24")));
    let bundle = campaign(&job, "newsletter").offer.as_ref().unwrap();
    assert_eq!(bundle.ranks, Some(vec![1, 3]));
    assert!(matches!(&bundle.kind, OfferKind::Bundle { steps, .. } if steps == &[(2, 10.0), (3, 15.0)]));
}

#[test]
fn a_rank_that_is_not_named_has_the_value_below_and_zero_is_no_offer() {
    let spread = |table: &str| {
        let text = SAMPLE.replace("{ A = 5, AA = 8, \"AA+\" = 10, AAA = 10 }", table);
        let job = load_text(Path::new("monthly.toml"), &text).unwrap();
        match &campaign(&job, "birthday").offer.as_ref().unwrap().kind {
            OfferKind::Coupon { discount: Discount::Percent(percent), .. } => percent.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(spread("{ AAA = 0, AA = \"7.5%\" }"), [None, Some(7.5), Some(7.5), None, None]);
    assert_eq!(spread("12"), [Some(12.0); 5]);
}

#[test]
fn conditions_on_columns_are_lists_ranges_dates_and_gaps() {
    let text = SAMPLE.replace(
        "where = { store = [\"京都\", \"大阪\"] }",
        "where = { a = [1, true, \"x\"], b = \"3..\", c = \"2026-01-01..2026-03-31\", d = { missing = true }, e = 2026-01-01, f = [\"a..b\"], g = false }",
    );
    let job = load_text(Path::new("monthly.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let tests: Vec<_> = campaign(&job, "event").wheres.iter().map(|test| test.test.clone()).collect();
    let expected = [
        WhereTest::OneOf(vec!["1".into(), "true".into(), "x".into()]),
        WhereTest::Range(NumberRange { from: Some(3.0), to: None }),
        WhereTest::DateRange { from: Some(day("2026-01-01")), to: Some(day("2026-03-31")) },
        WhereTest::Missing(true),
        WhereTest::OneOf(vec!["2026-01-01".into()]),
        WhereTest::OneOf(vec!["a..b".into()]),
        WhereTest::Truth(false),
    ];
    assert_eq!(tests, expected);
}

#[test]
fn categories_have_bits_in_the_order_of_the_file() {
    let text = SAMPLE
        .replace("when  = { rank = \"up\" }", "when = { rank = \"up\", bought = [\"茶\", \"酒\"] }")
        .replace("when  = { rank = \"at risk\" }", "when = { rank = \"at risk\", not_bought = [\"菓子\", \"茶\"] }");
    let job = load_text(Path::new("monthly.toml"), &text).unwrap();
    assert_eq!(job.categories(), ["茶", "酒", "菓子"]);
    assert_eq!(campaign(&job, "rank_up").when.bought.as_ref().unwrap().bits, 0b011);
    assert_eq!(campaign(&job, "keep_your_rank").when.not_bought.as_ref().unwrap().bits, 0b101);
}

#[test]
fn an_order_after_the_closing_can_meet_no_orders_ever() {
    let with = |when: &str| SAMPLE.replace("when  = { days_since_last_order = \"90..180\" }", when);
    let recent = "when = { orders_ever = \"..0\", days_since_last_order = \"..20\" }";
    assert!(load_text(Path::new("monthly.toml"), &with(recent)).is_ok());
    let daily = with(recent).replace("closing  = \"month\"", "closing = \"day\"");
    assert!(refused(&daily).contains("there is no last order"));
}

#[test]
fn warnings_tell_of_past_dates_and_of_days_without_a_run() {
    let english = SAMPLE.replace("language  = \"ja\"", "language = \"en\"");
    let job = load_text(Path::new("monthly.toml"), &english).unwrap();
    assert_eq!(super::warnings(&job, day("2026-12-01")), Vec::<String>::new());
    let late = super::warnings(&job, day("2027-02-01"));
    assert_eq!(late.len(), 4, "{late:#?}");
    assert!(late.iter().any(|line| line.contains("`event`: its `dates` ended on 2026-12-25")));
    let told = super::warnings(&sample(), day("2027-02-01"));
    assert!(told.iter().any(|line| line.contains("`event`: `dates` は 2026-12-25 に終わりました")), "{told:#?}");
    let text = english.replace("\"2026-12-01..2026-12-25\"", "\"2026-12-02..2026-12-25\"");
    let job = load_text(Path::new("monthly.toml"), &text).unwrap();
    assert!(job.warnings.iter().any(|line| line.contains("no due time from 2026-12-02 to 2026-12-25")), "{:?}", job.warnings);
}

#[test]
fn early_access_that_is_open_for_everybody_is_told() {
    let early = "offer = { kind = \"early_access\", what = \"tea\", opens = { AA = 2026-12-03, AAA = 2026-12-01 } }";
    let text = SAMPLE.replace("language  = \"ja\"", "language = \"en\"").replace("when  = { rank = \"at risk\" }", early);
    let job = load_text(Path::new("monthly.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let told =
        |day_of: &str| super::warnings(&job, day(day_of)).into_iter().filter(|line| line.contains("opens early")).collect::<Vec<_>>();
    assert_eq!(told("2026-12-03"), Vec::<String>::new());
    let past = told("2026-12-04");
    assert!(matches!(past.as_slice(), [one] if one.contains("`keep_your_rank`") && one.contains("since 2026-12-03")), "{past:?}");
}

/// The cart knows such a code with one value; what amounts to one value is meant.
#[test]
fn a_code_that_rankmail_does_not_make_is_worth_one_thing() {
    let with = |offer: &str| SAMPLE.replace("offer = { kind = \"coupon\", amount = 500, over = 5_000, valid = \"31 days\" }", offer);
    let sound = |offer: &str| load_text(Path::new("monthly.toml"), &with(offer)).map(|_| ()).map_err(|error| error.to_string());
    for one in [
        "offer = { kind = \"coupon\", percent = { A = 5, AA = 5, AAA = 0 }, code = \"BACK\" }",
        "offer = { kind = \"coupon\", percent = { A = 5, VIP = 0 }, code = \"BACK\" }",
        "offer = { kind = \"coupon\", percent = { A = 5, AA = 8 }, ranks = [\"AA\"], code = { from = \"codes.csv\" } }",
        "offer = { kind = \"coupon\", percent = 15, on = { category = [\"プレミアム\"] }, code = \"winter15\" }",
        "reduced_by = { birthday = \"100%\" }\noffer = { kind = \"coupon\", percent = 5, code = \"BACK\" }",
        "reduced_by = { birthday = \"50%\" }\noffer = { kind = \"coupon\", percent = { A = 5, AA = 8 } }",
    ] {
        assert_eq!(sound(one), Ok(()), "{one}");
    }
    for several in [
        "offer = { kind = \"coupon\", percent = { A = 5, AA = 8 }, code = \"BACK\" }",
        "offer = { kind = \"coupon\", percent = { A = 5, AA = 8 }, code = { from = \"codes.csv\" } }",
        "offer = { kind = \"coupon\", percent = 15, code = \"winter15\" }",
        "reduced_by = { birthday = \"50%\" }\noffer = { kind = \"coupon\", percent = 5, code = \"BACK\" }",
    ] {
        assert!(sound(several).is_err_and(|told| told.contains("code")), "{several}");
    }
}

#[test]
fn the_echo_writes_ranges_out() {
    let english = SAMPLE.replace("language  = \"ja\"", "language = \"en\"");
    let lines = super::echo(&load_text(Path::new("monthly.toml"), &english).unwrap());
    assert_eq!(lines[0], "ranks: A < AA < AA+ < AAA < VIP; orders of 12 months; reviews on the 1st of each month");
    assert!(lines.contains(&"win_back: A, AA, AA+, AAA; days since the last order 90 to 180".to_owned()), "{lines:#?}");
    assert_eq!(lines.len(), 12);
    let told = super::echo(&sample());
    assert_eq!(told[0], "ランク: A < AA < AA+ < AAA < VIP、過去 12 か月の注文、見直しは毎月 1 日");
    assert!(told.contains(&"win_back: A, AA, AA+, AAA、最後の注文からの日数 90 から 180".to_owned()), "{told:#?}");
}

#[test]
fn the_ranks_of_another_job_are_taken_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("monthly.toml"), SAMPLE).unwrap();
    let start = SAMPLE.find("[ranks]").unwrap();
    let end = SAMPLE.find("[contact]").unwrap();
    let still = SAMPLE[end..].replace("when  = { rank = \"up\" }", "").replace("when  = { rank = \"at risk\" }", "");
    let weekly = |head: &str| format!("{}{head}\n{still}", &SAMPLE[..start]).replace("name      = \"monthly\"", "name = \"weekly\"");
    let load = |text: &str| load_text(&folder.path().join("weekly.toml"), text);
    let job = load(&weekly("[ranks]\nof = \"monthly\"\n")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(job.ladder.of.as_deref(), Some("monthly"));
    assert_eq!(crate::domain::Ladder { of: None, ..job.ladder.clone() }, sample().ladder);
    let other = weekly("[ranks]\nof = \"monthly\"\n").replace("\"JPY\"", "\"USD\"");
    assert!(load(&other).unwrap_err().to_string().contains("counts in JPY"));
    std::fs::write(folder.path().join("second.toml"), weekly("[ranks]\nof = \"monthly\"\n").replace("weekly", "second")).unwrap();
    let chain = load(&weekly("[ranks]\nof = \"second\"\n")).unwrap_err().to_string();
    assert!(chain.contains("it takes them from monthly in turn"), "{chain}");
    std::fs::write(folder.path().join("broken.toml"), "name = 5").unwrap();
    assert!(load(&weekly("[ranks]\nof = \"broken\"\n")).unwrap_err().to_string().contains("broken.toml, line 1"));
    std::fs::rename(folder.path().join("monthly.toml"), folder.path().join("every month.toml")).unwrap();
    let found = load(&weekly("[ranks]\nof = \"monthly\"\n")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.ladder, job.ladder, "the file's name is no matter");
    std::fs::write(folder.path().join("monthly.toml"), SAMPLE.replace("\"monthly\"", "\"other\"")).unwrap();
    assert_eq!(load(&weekly("[ranks]\nof = \"monthly\"\n")).unwrap().ladder, job.ladder, "that file is another job");
}

/// The schema in `docs/` is what editors load. `UPDATE=1 cargo test` writes it anew.
#[test]
fn the_schema_in_docs_is_the_schema_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/job.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, schema()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema(), "docs/job.schema.json is out of date; run UPDATE=1 cargo test schema");
}

/// Whether a value fits a schema, as far as this schema uses the language; patterns aside.
fn fits(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return fits(root, root.pointer(&target[1..]).unwrap(), value);
    }
    if let Some(list) = schema.get("anyOf").and_then(Value::as_array) {
        return if list.iter().any(|one| fits(root, one, value).is_ok()) { Ok(()) } else { Err(format!("none fits {value}")) };
    }
    let kind = match value {
        Value::String(_) => "string",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => return Err(format!("a schema without a type: {schema}")),
    };
    let also = if kind == "integer" { "number" } else { kind };
    if !types.contains(&kind) && !types.contains(&also) {
        return Err(format!("{value} is not {types:?}"));
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|known| !known.contains(value)) {
        return Err(format!("{value} is not known"));
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        list.iter().try_for_each(|item| fits(root, items, item))?;
    }
    let Some(table) = value.as_object() else { return Ok(()) };
    for needed in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        table.get(needed).ok_or_else(|| format!("{needed} is missing"))?;
    }
    for (key, inside) in table {
        let known = schema.get("properties").and_then(|known| known.get(key)).or_else(|| schema.get("additionalProperties"));
        match known {
            Some(known) if known.is_object() => fits(root, known, inside).map_err(|error| format!("{key}: {error}"))?,
            _ => return Err(format!("unknown key {key}")),
        }
    }
    Ok(())
}

/// TOML as JSON; a date is a text, as editors see it.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(list) => list.iter().map(json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

#[test]
fn the_schema_accepts_the_sample_and_refuses_an_unknown_key() {
    let schema = schema_value();
    let mut sample: toml::Table = SAMPLE.parse().unwrap();
    fits(&schema, &schema, &json(&toml::Value::Table(sample.clone()))).unwrap();
    sample.insert("tempaltes".into(), "x".into());
    assert!(fits(&schema, &schema, &json(&toml::Value::Table(sample))).is_err());
}

/// A key on the way to another, and whether it holds a list of tables.
type Step = (String, bool);

/// The place in a job at the end of a path; what is not there on the way is made.
fn place_of<'v>(mut place: &'v mut toml::Value, path: &[Step]) -> &'v mut toml::Value {
    let table = || toml::Value::Table(toml::Table::new());
    for (at, (step, is_list)) in path.iter().enumerate() {
        place = place.as_table_mut().unwrap().entry(step.clone()).or_insert_with(table);
        if at + 1 == path.len() {
            break;
        }
        if *is_list && place.as_array().is_none_or(Vec::is_empty) {
            *place = toml::Value::Array(vec![table()]);
        } else if !is_list && !place.is_table() {
            *place = table();
        }
        if let toml::Value::Array(list) = place {
            place = list.last_mut().unwrap();
        }
    }
    place
}

/// Puts a value that no key takes at every key that the schema knows.
fn wrong_everywhere(root: &Value, schema: &Value, path: &mut Vec<Step>, tried: &mut usize) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return wrong_everywhere(root, root.pointer(&target[1..]).unwrap(), path, tried);
    }
    for inside in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        wrong_everywhere(root, inside, path, tried);
    }
    if let Some(items) = schema.get("items") {
        path.last_mut().unwrap().1 = true;
        wrong_everywhere(root, items, path, tried);
        path.last_mut().unwrap().1 = false;
    }
    for (key, inside) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push((key.clone(), false));
        // A list of lists fits nothing: every list in the job holds values or tables.
        let mut job: toml::Value = toml::Value::Table(SAMPLE.parse().unwrap());
        // Of the kinds of offers only a coupon has tables below its keys.
        *place_of(&mut job, &[("campaign".into(), true), ("offer".into(), false)]) =
            toml::Value::Table("kind = 'coupon'\npercent = 5".parse().unwrap());
        *place_of(&mut job, path) = toml::Value::Array(vec![toml::Value::Array(vec![toml::Value::Integer(1)])]);
        let error = load_text(Path::new("x.toml"), &toml::to_string(&job).unwrap()).expect_err(&format!("{path:?} is ignored"));
        let told = error.problems().iter().any(|problem| {
            let message = &problem.message;
            message.contains(&format!("`{key}`")) && !message.contains("unknown key") && !message.contains("missing")
        });
        assert!(told, "{path:?} is not checked: {error}");
        *tried += 1;
        wrong_everywhere(root, inside, path, tried);
        path.pop();
    }
}

#[test]
fn every_key_of_the_schema_is_looked_at_by_the_checks() {
    let schema = schema_value();
    let mut tried = 0;
    wrong_everywhere(&schema, &schema, &mut Vec::new(), &mut tried);
    assert!(tried > 100, "only {tried} keys were found in the schema");
}

#[test]
fn a_byte_order_mark_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monthly.toml");
    std::fs::write(&path, format!("\u{feff}{SAMPLE}")).unwrap();
    assert!(super::load(&path).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is done to a job file, it is loaded or refused, and the refusal can be shown.
    #[test]
    fn a_damaged_job_never_panics(flips in prop::collection::vec((0..SAMPLE.len(), any::<u8>()), 0..4), cut in 0..SAMPLE.len(), from in 0..SAMPLE.len(), keep in any::<bool>()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, byte) in flips {
            bytes[at] = byte;
        }
        if !keep {
            let (start, end) = (from.min(cut), from.max(cut));
            bytes.drain(start..end);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Err(error) = load_text(Path::new("x.toml"), &text) {
            prop_assert!(!error.to_string().is_empty());
            prop_assert!(!error.problems().is_empty());
        }
    }
}

#[test]
fn budgets_are_told_and_what_is_for_nothing_is_warned_of() {
    let text = SAMPLE.replacen("language  = \"ja\"", "language = \"en\"\nbudget = 500_000", 1);
    let campaign = "\n[[campaign]]\nname = \"free\"\nranks = \"A\"\nbudget = 9_000\noffer = { kind = \"coupon\", percent = 100 }\n";
    let job = load_text(Path::new("jobs/monthly.toml"), &format!("{text}{campaign}")).unwrap_or_else(|error| panic!("{error}"));
    let told = super::echo(&job);
    assert!(told.contains(&"budget: at most 500,000円 in one run".to_owned()), "{told:?}");
    assert!(told.contains(&"free: A; within 9,000円".to_owned()), "{told:?}");
    assert_eq!(job.warnings, ["campaign `free`: 100% off is for nothing"]);
}

/// A free shipping from the first yen on is easily written as 0, which is no offer.
#[test]
fn a_rank_without_free_shipping_is_told() {
    let told = |over: &str, ranks: &str| {
        let campaign =
            format!("[[campaign]]\nname = \"ship\"\nranks = \"{ranks}\"\noffer = {{ kind = \"free_shipping\", over = {over} }}\n");
        let text = SAMPLE.replacen("[[campaign]]", &format!("{campaign}[[campaign]]"), 1);
        let warnings = load_text(Path::new("jobs/monthly.toml"), &text).unwrap_or_else(|error| panic!("{error}")).warnings;
        warnings.iter().any(|line| line.contains("`ship`") && line.contains("VIP"))
    };
    assert!(told("{ A = 3_000, VIP = 0 }", "A and up"));
    assert!(!told("{ A = 3_000, VIP = 1 }", "A and up") && !told("{ A = 3_000, VIP = 0 }", "A to AAA") && !told("3_000", "A and up"));
}

/// A mail that leaves when its offer is over is rejected as too late, so nobody would get it.
#[test]
fn a_day_of_sending_after_the_end_of_the_offer_is_told() {
    let told = |keys: &str, valid: &str, as_of: &str| {
        let campaign = format!(
            "[[campaign]]\nname = \"late\"\nranks = \"AA\"\n{keys}\noffer = {{ kind = \"coupon\", percent = 5, valid = \"{valid}\" }}\n"
        );
        let job =
            load_text(Path::new("jobs/monthly.toml"), &SAMPLE.replacen("[[campaign]]", &format!("{campaign}[[campaign]]"), 1)).unwrap();
        super::warnings(&job, day(as_of)).iter().any(|line| line.contains("too_late"))
    };
    let send = "send = \"25th 10:00\"";
    assert!(told(send, "10 days", "2026-12-01"));
    assert!(!told(send, "24 days", "2026-12-01"), "the last day is the day of sending");
    assert!(told(send, "this month", "2026-12-26"), "the next 25th is one of January");
    assert!(!told(send, "this month", "2026-12-01") && !told("", "10 days", "2026-12-01"));
    assert!(!told(&format!("{send}\nwhen = {{ month = 5 }}"), "10 days", "2026-12-01"), "it has no mail in this run");
}
