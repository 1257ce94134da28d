//! The room from outside: what is written is read back, whatever happens in between.

use super::*;
use crate::domain::plan::{Counts, CustomerRow, MailRow, PastAccount, PlanPart, PlannedMail, Skip, SkipRow, Summary};
use crate::domain::points::{Cashback, CashbackTotals, Holding, Points, PointsTotals};
use crate::domain::{Allotment, Channel, FeatureRow, RankChange, SkipReason, Standing, Texts};
use chrono::NaiveDate;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

const JOB: &str = "name = 'monthly'\n[mail]\nfrom = 'a@b.example'\n";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Customers by id, each with the campaigns that become mails and those that are skipped.
type Shop = BTreeMap<String, (Vec<usize>, Vec<usize>)>;

fn shop(size: usize) -> Shop {
    (0..size).map(|at| (format!("顧客{at:06}"), ((0..at % 3).collect(), (at % 3..3).filter(|_| at % 2 == 0).collect()))).collect()
}

fn standing(id: &str) -> Standing {
    let odd = id.len() % 2 == 1;
    Standing {
        qualifies: Some(1),
        rank: (!odd).then_some(1),
        previous: Some(0),
        change: if odd { RankChange::Down } else { RankChange::Up },
        since: (!odd).then(|| day("2026-12-01")),
        missed: 2,
        safe_until: Some(day("2027-06-01")),
        next_orders: Some(3),
        next_last_day: Some(day("2026-12-24")),
        keep_by: Some(day("2027-01-01")),
        keep_last_day: Some(day("2026-12-31")),
        keep_spend: Some(0),
        ..Standing::default()
    }
}

fn mail(id: &str, customer: usize, campaign: usize) -> PlannedMail {
    PlannedMail {
        mail_id: format!("{id}-{campaign}"),
        customer,
        rank: Some(1),
        campaign,
        channel: Channel::Mail,
        variant: (campaign == 2).then(|| "b".into()),
        occasion: "2026-12".into(),
        address: "花子@b.example".into(),
        subject: "冬のお知らせ".into(),
        offer: (campaign == 1).then_some("coupon"),
        gift: None,
        coupon_code: (campaign == 1).then(|| "ABCDEFGHJKLM".into()),
        valid_until: (campaign == 1).then(|| day("2026-12-31")),
        exposure: if campaign == 1 { 1_500 } else { 0 },
        content_hash: *blake3::hash(id.as_bytes()).as_bytes(),
        values: format!("{{\"id\":\"{id}\"}}"),
    }
}

fn holding() -> Holding {
    Holding {
        points: Some(Points { balance: 120, expiring: 20, expire_on: Some(day("2027-03-31")) }),
        overdrawn: Some(7),
        cashback: Cashback { points: Some(5), amount: Some(70), carried: Some(30) },
    }
}

/// Cuts the shop into so many parts of about the same size.
fn parts(shop: &Shop, count: usize) -> Vec<PlanPart> {
    cut(shop, &(1..count).map(|nth| nth * shop.len() / count).collect::<Vec<_>>())
}

/// Cuts the shop into parts that begin at these places.
fn cut(shop: &Shop, places: &[usize]) -> Vec<PlanPart> {
    let mut parts = vec![PlanPart::default(); places.len() + 1];
    for (at, (id, (mails, skips))) in shop.iter().enumerate() {
        let part = &mut parts[places.iter().filter(|place| **place <= at).count()];
        let row = part.customer_id.len();
        part.customer_id.push(id);
        part.features.push(FeatureRow {
            orders_ever: 3,
            spend_ever: -5,
            last_order_at: Some(1_700_000_000_000_001),
            ..FeatureRow::default()
        });
        part.standings.push(standing(id));
        part.holdout.push(at % 5 == 0);
        part.holdings.push(holding());
        part.mails.extend(mails.iter().map(|campaign| mail(id, row, *campaign)));
        part.skipped.extend(skips.iter().map(|&campaign| Skip { customer: row, campaign, reason: SkipReason::TooSoon }));
    }
    parts
}

fn summary(shop: &Shop) -> Summary {
    let mails = shop.values().map(|(mails, _)| mails.len() as u64).sum();
    let skipped = shop.values().map(|(_, skips)| skips.len() as u64).sum();
    Summary {
        job: "monthly".into(),
        as_of: day("2026-12-03"),
        closing: day("2026-12-01"),
        next_closing: day("2027-01-01"),
        keep_by: Some(day("2027-01-01")),
        review: None,
        previous: Some(day("2026-11-01")),
        planned_at: 1_764_716_400_000_001,
        digest: String::new(),
        inputs: vec![("purchases/b.parquet".into(), "2".into()), ("purchases/a.parquet".into(), "1".into())],
        rules: String::new(),
        templates: Vec::new(),
        key_id: "0a1b2c3d".into(),
        origin: None,
        program: None,
        files: Vec::new(),
        ranks: vec!["A".into(), "AA+".into()],
        campaigns: vec!["birthday".into(), "event".into(), "newsletter".into()],
        counts: Counts {
            customers: shop.len() as u64,
            rank_sizes: vec![4, 2],
            no_rank: 1,
            moves: vec![(None, Some(0), 2), (Some(0), Some(1), 1), (Some(1), None, 3)],
            changes: vec![(RankChange::Up, 1), (RankChange::Down, 3)],
            matched: mails + skipped,
            mails,
            skipped,
            mails_by_rank: vec![vec![1, 2, 3]; 3],
            channels: vec![vec![(Channel::Mail, 3), (Channel::Post, 3)], vec![(Channel::Line, 6)], vec![]],
            skips: vec![vec![], vec![(SkipReason::TooSoon, 3)], vec![]],
            places: vec![Some(Allotment { most: 5, before: 2, now: 3 }), None, None],
            budgets: vec![None, Some(Allotment { most: 900, before: 0, now: 450 }), None],
            newest: Some(1_764_716_400_000_000),
            bad_row_notes: vec!["a.parquet row 3: no amount".into()],
            points: Some(PointsTotals { earned: 9, used: 4, expired: 2, balance: 3, holders: 1, overdrawn: 1, missing: 7 }),
            cashback: Some(CashbackTotals { customers: 2, points: 5, amount: 70, carried: 30 }),
            ..Counts::default()
        },
        brakes: vec![("stale".into(), "5 days".into())],
        warnings: vec!["dates are past".into()],
    }
}

fn templates() -> Vec<(String, Vec<u8>)> {
    vec![("layout.html".into(), b"<html>".to_vec()), ("birthday/body.html".into(), "お誕生日".into())]
}

fn put_parts(target: &Path, shop: &Shop, parts: &[PlanPart]) -> Result<Summary, Error> {
    let plan = WholePlan { summary: summary(shop), job_text: JOB, templates: &templates(), lists: &[] };
    write(target, parts, plan, |summary| Ok::<_, Infallible>(format!("report of {}", summary.digest)))
}

fn draft(target: &Path, parts: &[PlanPart], summary: &Summary) -> Result<Draft, Error> {
    let mut draft = Draft::begin(target, summary.ranks.clone(), summary.campaigns.clone())?;
    let layout = draft.layout();
    parts.iter().try_for_each(|part| draft.add(&layout.rows(part)?))?;
    Ok(draft)
}

fn write<E>(
    target: &Path,
    parts: &[PlanPart],
    plan: WholePlan<'_>,
    report: impl FnOnce(&Summary) -> Result<String, E>,
) -> Result<Summary, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    draft(target, parts, &plan.summary)?.finish(plan, report)
}

fn put(target: &Path, shop: &Shop) -> Summary {
    put_parts(target, shop, &parts(shop, 3)).unwrap()
}

fn target(runs: &tempfile::TempDir) -> PathBuf {
    folder(runs.path(), "monthly", day("2026-12-03"))
}

fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet", "plan.json", "report.html"];
    names.iter().map(|name| ((*name).to_owned(), fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn a_plan_is_read_back_as_it_was_written() {
    let runs = tempfile::tempdir().unwrap();
    // More rows than one batch.
    let shop = shop(9_001);
    let written = put(&target(&runs), &shop);
    let opened = open(&target(&runs)).unwrap();
    assert_eq!(opened.summary, written);
    assert_eq!(opened.job_text, JOB);
    assert_eq!(opened.summary.inputs[0].0, "purchases/a.parquet");
    assert_eq!(fs::read(opened.templates_dir().join("birthday/body.html")).unwrap(), "お誕生日".as_bytes());
    assert_eq!(fs::read_to_string(opened.folder().join("report.html")).unwrap(), format!("report of {}", written.digest));

    let wanted: Vec<MailRow> =
        shop.iter().flat_map(|(id, (mails, _))| mails.iter().map(move |campaign| expected_mail(id, *campaign))).collect();
    assert_eq!(opened.mails().unwrap().collect::<Result<Vec<_>, _>>().unwrap(), wanted);
    let skips: Vec<SkipRow> = opened.skips().unwrap().map(Result::unwrap).collect();
    assert_eq!(skips.len() as u64, written.counts.skipped);
    let customers: Vec<_> = opened.customers().unwrap().map(Result::unwrap).collect();
    assert_eq!(customers.iter().map(|row| row.customer_id.as_str()).collect::<Vec<_>>(), shop.keys().collect::<Vec<_>>());
    assert_eq!(customers[0].rank.as_deref(), Some("AA+"));
    assert_eq!((customers[0].rank_since, customers[0].missed_reviews), (Some(day("2026-12-01")), 2));
    assert_eq!(customers[0].safe_until, Some(day("2027-06-01")));
}

fn expected_mail(id: &str, campaign: usize) -> MailRow {
    let planned = mail(id, 0, campaign);
    MailRow {
        mail_id: planned.mail_id,
        customer_id: id.to_owned(),
        rank: Some("AA+".into()),
        campaign: ["birthday", "event", "newsletter"][campaign].into(),
        channel: Channel::Mail,
        variant: planned.variant,
        occasion: planned.occasion,
        address: planned.address,
        subject: planned.subject,
        offer: planned.offer.map(str::to_owned),
        coupon_code: planned.coupon_code,
        valid_until: planned.valid_until,
        exposure: planned.exposure,
        content_hash: planned.content_hash,
        values: planned.values,
    }
}

#[test]
fn accounts_of_a_past_run_are_read_and_proven_without_its_mails() {
    let runs = tempfile::tempdir().unwrap();
    put(&target(&runs), &shop(9));
    let customer = |row: PastAccount| (row.rank, row.cashback.points);
    let past: Vec<_> = open_customers(&target(&runs)).unwrap().accounts().unwrap().map(|row| customer(row.unwrap())).collect();
    assert_eq!(past, vec![(Some("AA+".into()), Some(5)); 9]);
    fs::remove_file(target(&runs).join("mails.parquet")).unwrap();
    assert!(open_customers(&target(&runs)).is_ok() && open(&target(&runs)).is_err());
    fs::write(target(&runs).join("customers.parquet"), "other").unwrap();
    assert!(matches!(open_customers(&target(&runs)), Err(Error::Altered { file, .. }) if file == "customers.parquet"));
}

#[test]
fn one_customer_is_found_among_many() {
    let runs = tempfile::tempdir().unwrap();
    // More rows than one row group.
    let shop = shop(35_000);
    put(&target(&runs), &shop);
    let opened = open(&target(&runs)).unwrap();
    let id = "顧客034010";
    let row = opened.customer(id).unwrap().unwrap();
    let wanted = CustomerRow {
        customer_id: id.into(),
        first_order_at: None,
        last_order_at: Some(1_700_000_000_000_001),
        orders_ever: 3,
        spend_ever: -5,
        orders: 0,
        spend: 0,
        qualifies: Some("AA+".into()),
        rank: Some("AA+".into()),
        previous_rank: Some("A".into()),
        rank_change: RankChange::Up,
        rank_since: Some(day("2026-12-01")),
        missed_reviews: 2,
        safe_until: Some(day("2027-06-01")),
        next_rank: None,
        next_orders: Some(3),
        next_spend: None,
        next_on: None,
        next_last_day: Some(day("2026-12-24")),
        keep_by: Some(day("2027-01-01")),
        keep_last_day: Some(day("2026-12-31")),
        keep_orders: None,
        keep_spend: Some(0),
        holdout: true,
        holding: holding(),
    };
    assert_eq!(row, wanted);
    assert_eq!(opened.mails_of(id).unwrap(), [expected_mail(id, 0), expected_mail(id, 1)]);
    let skips = opened.skips_of(id).unwrap();
    assert_eq!(skips, [SkipRow { customer_id: id.into(), campaign: "newsletter".into(), reason: SkipReason::TooSoon }]);
    assert_eq!(opened.customer("nobody").unwrap(), None);
    assert!(opened.mails_of("nobody").unwrap().is_empty());
    // From any row on, also from one in the middle of a later row group, both tables tell of the same mail.
    let ids = |rows: Rows<MailRow>| rows.map(|row| row.unwrap().mail_id).collect::<Vec<_>>();
    let all = ids(opened.mails().unwrap());
    for row in [0, 1, 4_096, 32_767, 32_768, 33_000, all.len() - 1, all.len()] {
        assert!(ids(opened.mails_from(row).unwrap()) == all[row..], "from {row}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn where_a_plan_is_cut_into_parts_changes_no_byte(
        ids in proptest::collection::btree_map("[a-c京\u{1f600}]{1,4}", (0_usize..4, 0_usize..4), 0..60),
        places in proptest::collection::vec(0_usize..60, 0..7),
    ) {
        let shop: Shop = ids.into_iter().map(|(id, (from, to))| (id, ((0..from.min(3)).collect(), (from..to).collect()))).collect();
        let runs = tempfile::tempdir().unwrap();
        let one = put_parts(&runs.path().join("one"), &shop, &parts(&shop, 1)).unwrap();
        let many = put_parts(&runs.path().join("many"), &shop, &cut(&shop, &places)).unwrap();
        prop_assert_eq!(&one, &many);
        prop_assert_eq!(bytes(&runs.path().join("one")), bytes(&runs.path().join("many")));
    }
}

#[test]
fn rows_of_many_batches_are_the_same_however_they_come() {
    let runs = tempfile::tempdir().unwrap();
    let shop = shop(9_001);
    put_parts(&runs.path().join("one"), &shop, &parts(&shop, 1)).unwrap();
    put_parts(&runs.path().join("many"), &shop, &cut(&shop, &[1, 1_023, 1_024, 1_025, 1_030, 5_000, 9_000])).unwrap();
    assert!(bytes(&runs.path().join("one")) == bytes(&runs.path().join("many")));

    // Long values fill a batch before its rows do.
    let shop: Shop = (0..5).map(|at| (format!("C{at}"), (vec![2], vec![]))).collect();
    let long = |mut parts: Vec<PlanPart>| {
        parts.iter_mut().flat_map(|part| &mut part.mails).for_each(|mail| mail.values = mail.mail_id.repeat(9 << 18));
        parts
    };
    put_parts(&runs.path().join("one"), &shop, &long(parts(&shop, 1))).unwrap();
    put_parts(&runs.path().join("many"), &shop, &long(cut(&shop, &[1, 2, 4]))).unwrap();
    assert!(bytes(&runs.path().join("one")) == bytes(&runs.path().join("many")));
}

#[test]
fn the_digest_follows_what_decides_a_mail_and_nothing_else() {
    let runs = tempfile::tempdir().unwrap();
    let shop = shop(20);
    let digest = |change: &dyn Fn(&mut WholePlan<'_>)| {
        let (parts, templates) = (parts(&shop, 2), templates());
        let mut plan = WholePlan { summary: summary(&shop), job_text: JOB, templates: &templates, lists: &[] };
        change(&mut plan);
        write(&runs.path().join("plan"), &parts, plan, |_| Ok::<_, Infallible>(String::new())).unwrap().digest
    };
    let plain = digest(&|_| ());
    assert_eq!(plain, digest(&|plan| plan.summary.planned_at += 1));
    assert_eq!(plain, digest(&|plan| plan.summary.warnings.clear()));
    assert_eq!(plain, digest(&|plan| plan.summary.inputs[0].1 = "3".into()), "the same lines in another file");
    assert_eq!(plain, digest(&|plan| plan.job_text = "# Said otherwise.\nname='monthly'\nmail.from='a@b.example'\nbrakes.stale='off'"));
    assert_ne!(plain, digest(&|plan| plan.summary.as_of = day("2026-12-04")));
    assert_ne!(plain, digest(&|plan| plan.summary.key_id = "other".into()));
    assert_ne!(plain, digest(&|plan| plan.summary.campaigns[0] = "birthdays".into()));
    assert_ne!(plain, digest(&|plan| plan.templates = &[]));
    assert_ne!(plain, digest(&|plan| plan.job_text = "name = 'monthly'\n[mail]\nfrom = 'b@b.example'\n"));
}

#[test]
fn whatever_is_touched_is_named() {
    let runs = tempfile::tempdir().unwrap();
    let shop = shop(50);
    let files = ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet", "job.toml", "templates/layout.html"];
    for name in files {
        put(&target(&runs), &shop);
        let path = target(&runs).join(name);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(open(&target(&runs)), Err(Error::Altered { file, .. }) if file == name), "{name} was altered");
        fs::remove_file(&path).unwrap();
        let error = open(&target(&runs)).unwrap_err();
        assert!(matches!(&error, Error::Missing { file, .. } if file == name), "{name} is missing: {error}");
    }
    put(&target(&runs), &shop);
    fs::write(target(&runs).join("templates/birthday/body.VIP.html"), "new").unwrap();
    assert!(open(&target(&runs)).unwrap_err().to_string().contains("templates/birthday/body.VIP.html"));
}

#[test]
fn a_changed_or_newer_or_broken_plan_json_is_refused() {
    let runs = tempfile::tempdir().unwrap();
    put(&target(&runs), &shop(5));
    let path = target(&runs).join("plan.json");
    let text = fs::read_to_string(&path).unwrap();
    let opened_with = |text: &str| {
        fs::write(&path, text).unwrap();
        open(&target(&runs)).map(|_| ()).unwrap_err()
    };
    assert!(matches!(opened_with(&text.replace("\"as_of\": \"2026-12-03\"", "\"as_of\": \"2026-12-05\"")), Error::Altered { .. }));
    assert!(matches!(opened_with(&text.replacen("\"keep_by\": \"2027-01-01\"", "\"keep_by\": null", 1)), Error::Altered { .. }));
    assert!(matches!(opened_with("{\"format\": 2, \"new\": true}"), Error::Newer { found: 2, known: 1, .. }));
    assert!(matches!(opened_with("{\"format\": 1}"), Error::Malformed { .. }));
    assert!(matches!(opened_with(&text[..text.len() / 2]), Error::Malformed { .. }));
    assert!(matches!(opened_with(""), Error::Malformed { .. }));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(open(&target(&runs)), Err(Error::Io { .. })));
    assert!(matches!(open(&runs.path().join("nowhere")), Err(Error::NoPlan { .. })));
}

#[test]
fn hostile_tables_are_errors_and_no_panics() {
    let runs = tempfile::tempdir().unwrap();
    put(&target(&runs), &shop(300));
    let opened = open(&target(&runs)).unwrap();
    let good = fs::read(target(&runs).join("mails.parquet")).unwrap();
    let other = fs::read(target(&runs).join("skipped.parquet")).unwrap();
    let mut failed = 0;
    let mut bad: Vec<Vec<u8>> = (0..good.len()).step_by(97).map(|at| good[..at].to_vec()).collect();
    bad.push(other);
    for at in (4..good.len()).step_by(61) {
        let mut bytes = good.clone();
        bytes[at] = bytes[at].wrapping_add(101);
        bad.push(bytes);
    }
    for bytes in &bad {
        // The tables change after they were checked, which is the worst that can happen.
        fs::write(target(&runs).join("mails.parquet"), bytes).unwrap();
        failed += usize::from(opened.mails().and_then(Iterator::collect::<Result<Vec<_>, _>>).is_err());
    }
    assert!(failed > bad.len() / 2, "{failed} of {} were noticed", bad.len());
}

#[test]
fn an_earlier_plan_gives_way_and_a_failed_one_leaves_it() {
    let runs = tempfile::tempdir().unwrap();
    put(&target(&runs), &shop(5));
    let newer = put(&target(&runs), &shop(6));
    assert_eq!(open(&target(&runs)).unwrap().summary, newer);

    let shop = shop(7);
    let plan = WholePlan { summary: summary(&shop), job_text: JOB, templates: &[], lists: &[] };
    assert!(matches!(write(&target(&runs), &parts(&shop, 1), plan, |_| Err::<String, _>("no ink")), Err(Error::Report { .. })));
    assert_eq!(open(&target(&runs)).unwrap().summary, newer);
    assert_eq!(names_in(&runs.path().join("monthly")), ["2026-12-03"]);
    assert_eq!(plans(runs.path(), "monthly").unwrap(), [day("2026-12-03")]);
    assert!(plans(runs.path(), "weekly").unwrap().is_empty());
}

fn names_in(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn a_plan_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let runs = tempfile::tempdir().unwrap();
    put(&target(&runs), &shop(5));
    assert_eq!(fs::metadata(target(&runs)).unwrap().permissions().mode() & 0o777, 0o700);
}

#[cfg(target_os = "linux")]
#[test]
fn a_plan_that_is_not_finished_leaves_nothing_behind() {
    let runs = tempfile::tempdir().unwrap();
    let shop = shop(40_000);
    let begun = draft(&target(&runs), &parts(&shop, 3), &summary(&shop)).unwrap();
    // Whoever is killed here has more than a row group on the disk.
    assert!(names_in(&runs.path().join("monthly")).is_empty());
    drop(begun);
}

#[test]
fn what_a_crash_left_is_found_and_cleaned() {
    let runs = tempfile::tempdir().unwrap();
    let job = runs.path().join("monthly");
    let old = put(&target(&runs), &shop(5));
    // A run died between the two renames: the old plan stands aside, the new one is still hidden.
    fs::rename(target(&runs), job.join(".2026-12-03.old-77")).unwrap();
    fs::create_dir(job.join(".2026-12-03.tmp-77")).unwrap();
    fs::write(job.join(".2026-12-03.tmp-77/mails.parquet"), "half").unwrap();
    assert_eq!(open(&target(&runs)).unwrap().summary, old);
    assert_eq!(plans(runs.path(), "monthly").unwrap(), [day("2026-12-03")]);

    let new = put(&target(&runs), &shop(6));
    assert_eq!(open(&target(&runs)).unwrap().summary, new);
    assert_eq!(names_in(&job), ["2026-12-03"]);

    // A run died before it removed the old plan.
    fs::create_dir(job.join(".2026-12-03.old-78")).unwrap();
    put(&target(&runs), &shop(6));
    assert_eq!(names_in(&job), ["2026-12-03"]);
}

#[test]
fn a_folder_that_is_no_plan_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let shop = shop(3);
    let parts = parts(&shop, 1);
    fs::write(home.path().join("letter.txt"), "dear").unwrap();
    let error = put_parts(home.path(), &shop, &parts).unwrap_err();
    assert!(matches!(&error, Error::Occupied { entry, .. } if entry == "letter.txt"), "{error}");
    assert!(matches!(put_parts(&home.path().join("letter.txt"), &shop, &parts), Err(Error::Occupied { .. })));
    assert!(matches!(put_parts(Path::new("/"), &shop, &parts), Err(Error::NoName { .. })));
    assert!(matches!(put_parts(&home.path().join("letter.txt/x/y"), &shop, &parts), Err(Error::Io { .. })));
    assert_eq!(fs::read_to_string(home.path().join("letter.txt")).unwrap(), "dear");
    fs::create_dir(home.path().join("empty")).unwrap();
    assert!(put_parts(&home.path().join("empty"), &shop, &parts).is_ok());
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let runs = tempfile::tempdir().unwrap();
    let shop = shop(30);
    let refused = |change: &dyn Fn(&mut Vec<PlanPart>)| {
        let mut parts = parts(&shop, 2);
        change(&mut parts);
        matches!(put_parts(&target(&runs), &shop, &parts), Err(Error::Contradiction { .. }))
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|parts| parts[1] = parts[0].clone()));
    assert!(refused(&|parts| parts.reverse()));
    assert!(refused(&|parts| parts[0].mails.reverse()));
    assert!(refused(&|parts| parts[0].mails.truncate(1)));
    assert!(refused(&|parts| parts[0].mails[0].campaign = 9));
    assert!(refused(&|parts| parts[0].standings.truncate(1)));
    assert!(refused(&|parts| parts[0].standings[0].rank = Some(9)));
    assert!(refused(&|parts| parts[0].customer_id = Texts::default()));
}

#[test]
fn a_template_name_cannot_leave_the_folder() {
    let runs = tempfile::tempdir().unwrap();
    let templates = [("../../evil.html".to_owned(), Vec::new())];
    let plan = WholePlan { summary: summary(&Shop::new()), job_text: JOB, templates: &templates, lists: &[] };
    assert!(matches!(write(&target(&runs), &[], plan, |_| Ok::<_, Infallible>(String::new())), Err(Error::Contradiction { .. })));
    assert!(names_in(&runs.path().join("monthly")).is_empty());
}
