//! Approvals: a plan that too few people have approved is refused before anything is written, and what is sent is what was approved.

use crate::sink::Sink;
use crate::small_shop::{DATE, Shop, finish};
use rankmail::domain::State;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const NEXT: &str = "2027-01-01";

fn rule(by: usize) -> String {
    format!("[approval]\nrequired = true\nby = {by}\n")
}

/// Six customers, whose job asks for so many approvals.
fn shop(by: usize) -> Shop {
    Shop::with(6, |number| format!("good-c{number:03}@b.example"), "", &rule(by))
}

fn approve(shop: &Shop, name: &str, code: i32) -> String {
    shop.call(&["approve", "--as", name], code)
}

fn json(shop: &Shop, arguments: &[&str], code: i32) -> serde_json::Value {
    serde_json::from_str(&shop.call(&[arguments, &["--json"]].concat(), code)).unwrap()
}

fn digest(shop: &Shop, date: &str) -> String {
    let plan = fs::read(shop.path(&format!("runs/small/{date}/plan.json"))).unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
    plan["digest"].as_str().unwrap().to_owned()
}

/// Every row of the ledger's tables, and the mails in the outbox.
fn traces(shop: &Shop) -> (Vec<String>, Vec<PathBuf>) {
    let path = shop.path("runs/ledger.sqlite");
    let mut rows = Vec::new();
    if path.exists() {
        let ledger = Connection::open(path).unwrap();
        for table in ["adoptions", "mails", "suppressions", "bounces", "approvals"] {
            let count: i64 = ledger.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
            rows.push(format!("{table} {count}"));
        }
    }
    (rows, shop.outbox())
}

/// The command is refused for want of approvals, and neither ledger nor outbox know of it.
fn refused(shop: &Shop, arguments: &[&str], words: &[&str]) -> String {
    let before = traces(shop);
    let told = shop.call(arguments, 6);
    assert_eq!(traces(shop), before, "a refused call left something behind: {told}");
    for word in words {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
    told
}

/// The command line that a text ends with, as a shell takes it, done by this program.
fn typed(shop: &Shop, text: &str, begin: &str, name: &str, code: i32) -> String {
    let at = text.rfind(begin).unwrap_or_else(|| panic!("no `{begin}` in {text}"));
    let line = text[at..].lines().next().unwrap().replace("NAME", name);
    let program = Path::new(env!("CARGO_BIN_EXE_rankmail")).parent().unwrap();
    let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).env("PATH", path).env_remove("RANKMAIL_SMTP_URL").current_dir(shop.folder.path());
    finish(&mut shell, code)
}

#[test]
fn a_plan_is_sent_when_enough_different_people_have_approved_it() {
    let shop = shop(2);
    let told = shop.call(&["plan", "--as-of", DATE], 0);
    assert!(told.contains("2 more to go") && told.contains("2 must approve a plan"), "{told}");
    let short = &digest(&shop, DATE)[..8];
    refused(&shop, &["send"], &["is not sent before it is approved", "2 must approve it, 0 have, 2 more", short]);
    assert!(!shop.path("runs/ledger.sqlite").exists(), "a refusal makes no ledger");
    refused(&shop, &["send", "--accept", "audience", "--accept", "trial"], &["2 more"]);
    finish(shop.command(&["send", "--accept", "approval"]).arg("-q"), 2);

    let told = approve(&shop, "Hana Yamada", 0);
    for word in ["Hana Yamada approves the plan", "letter", "6", short, "approvals of the plan of 2026-12-01: 1/2", "1 more to go"] {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
    let told = approve(&shop, " HANA  yamada ", 0);
    assert!(told.contains("had approved this plan before") && told.contains("1/2"), "{told}");
    for same in ["Hаna Yаmada", "Ｈａｎａ Ｙａｍａｄａ", "Hana\u{a0}Yama\u{fe0f}da"] {
        let told = approve(&shop, same, 0);
        assert!(told.contains("had approved this plan before") && told.contains("1/2"), "{same}: {told}");
    }
    let told = refused(&shop, &["send"], &["1 have (Hana Yamada), 1 more"]);
    let told = typed(&shop, &told, "rankmail approve", "'山田 健'", 0);
    assert!(told.contains("2/2"), "{told}");
    let told = typed(&shop, &told, "rankmail send", "", 0);
    assert!(told.contains("accepted"), "{told}");
    assert_eq!((shop.count(State::Accepted), shop.outbox().len()), (6, 6));
    let status = shop.call(&["status"], 0);
    assert!(status.contains("approved by") && status.contains("Hana Yamada") && status.contains("山田 健"), "{status}");
    let status = json(&shop, &["status"], 0);
    assert_eq!((&status["approved_by"][1]["name"], &status["waiting"]), (&"山田 健".into(), &serde_json::Value::Null));
    let told = approve(&shop, "Ken", 2);
    assert!(told.contains("is adopted"), "{told}");
}

#[test]
fn an_approval_is_of_what_the_plan_holds() {
    let shop = shop(1);
    shop.plan();
    let seen = digest(&shop, DATE);
    let told = json(&shop, &["approve", "--as", "Hana", "--digest", &seen[..8]], 0);
    assert_eq!((&told["new"], &told["approval"]["missing"], &told["plan"]["mails"]), (&true.into(), &0.into(), &6.into()));
    assert_eq!((&told["approval"]["digest"], &told["approval"]["given"][0]["name"]), (&seen.as_str().into(), &"Hana".into()));

    let subject = shop.path("templates/letter/subject.txt");
    let before = fs::read(&subject).unwrap();
    fs::write(&subject, "another subject\n").unwrap();
    shop.plan();
    let changed = digest(&shop, DATE);
    assert_ne!(changed, seen);
    refused(&shop, &["send"], &["0 have", &changed[..8]]);
    let told = shop.call(&["approve", "--as", "Hana", "--digest", &seen], 2);
    assert!(told.contains("made again since you looked") && traces(&shop).0.contains(&"approvals 1".into()), "{told}");

    fs::write(&subject, before).unwrap();
    let told = shop.call(&["plan", "--as-of", DATE], 0);
    assert!(!told.contains("more to go"), "the same plan again keeps its approvals: {told}");
    assert_eq!(digest(&shop, DATE), seen);
    shop.call(&["send", "-q"], 0);
    assert_eq!(shop.count(State::Accepted), 6);
}

#[test]
fn neither_the_job_file_nor_an_older_plan_is_a_way_around() {
    let shop = shop(1);
    shop.plan();
    shop.write_job("", "", "[approval]\nrequired = false\n");
    refused(&shop, &["send"], &["1 must approve it"]);
    // The copy of the job in the plan is proved like its mails.
    let copy = shop.path(&format!("runs/small/{DATE}/job.toml"));
    let planned = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, planned.replace("required = true", "required = false")).unwrap();
    let told = shop.call(&["send"], 4);
    assert!(told.contains("job.toml"), "{told}");

    // A plan from before the rule, and one approval under a rule that now asks for two.
    shop.plan();
    shop.write_job("", "", &rule(2));
    refused(&shop, &["send"], &["2 must approve it"]);
    approve(&shop, "Hana", 0);
    refused(&shop, &["send"], &["1 have (Hana)"]);
    approve(&shop, "Ken", 0);
    shop.call(&["send", "-q"], 0);
    assert_eq!(shop.count(State::Accepted), 6);
}

#[test]
fn a_run_plans_and_waits_for_approval() {
    let shop = Shop::with(6, |number| format!("good-c{number:03}@b.example"), "", &rule(1));
    refused(&shop, &["run", "--as-of", DATE], &["letter", "0 have", "rankmail approve"]);
    assert!(shop.path(&format!("runs/small/{DATE}/plan.json")).exists());
    let status = json(&shop, &["status"], 0);
    assert_eq!((&status["waiting"]["missing"], &status["waiting"]["as_of"]), (&1.into(), &DATE.into()));
    let status = shop.call(&["status"], 0);
    assert!(status.contains("nothing has been sent yet") && status.contains("1 more to go: rankmail approve"), "{status}");
    // Samples for colleagues are no sending.
    shop.call(&["test", "--to", "team@tsubaki.example", "-q"], 0);
    approve(&shop, "Hana", 0);
    shop.call(&["run", "--as-of", DATE, "-q"], 0);
    assert_eq!(shop.count(State::Accepted), 6);
    // The next month is another plan; an earlier one can be neither sent nor approved.
    refused(&shop, &["run", "--as-of", NEXT], &["0 have", NEXT]);
    shop.call(&["plan", "--as-of", "2026-11-01", "-q"], 0);
    let told = shop.call(&["approve", "--as", "Hana", "--as-of", "2026-11-01"], 2);
    assert!(told.contains("2026-12-01 was adopted already"), "{told}");
}

#[test]
fn what_is_due_waits_for_approval_too() {
    let line = "schedule = \"* * * * *\"\n";
    let shop = Shop::with(3, |number| format!("good-c{number:03}@b.example"), line, &format!("{}[check]\n", rule(1)));
    refused(&shop, &["run", "--if-due"], &["rankmail approve"]);
    let plans = fs::read_dir(shop.path("runs/small")).unwrap().filter(|entry| entry.as_ref().unwrap().path().join("plan.json").exists());
    assert_eq!(plans.count(), 1, "what was due is planned");
    approve(&shop, "Hana", 0);
    shop.call(&["run", "--if-due", "-q"], 0);
    assert_eq!(shop.outbox().len(), 3);
}

#[test]
fn what_was_adopted_goes_on_and_a_kill_before_claims_nothing() {
    let nap = |number| format!("dot-250nap-c{number:03}@b.example");
    let shop = Shop::with(20, nap, "", &format!("[mail.smtp]\nconnections = 2\n{}", rule(1)));
    shop.plan();
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    approve(&shop, "Hana", 0);
    let mut child = shop.start(&["send", "--smtp", &sink.url(), "-q"]);
    let start = Instant::now();
    while sink.taken().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is sent");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Whoever asks for more now asks for it from the next run on.
    shop.write_job("", "", &format!("[mail.smtp]\nconnections = 2\n{}", rule(3)));
    shop.send(&sink, &[], 1);
    let states = shop.states();
    let doubt = states.get(&State::InDoubt).copied().unwrap_or(0);
    assert!((1..=2).contains(&doubt) && shop.count(State::Accepted) == 20 - doubt, "{states:?}");
}

#[test]
fn an_approval_that_is_killed_claims_nothing() {
    let shop = shop(1);
    shop.plan();
    for wait in [0, 2, 5, 10, 20, 40] {
        let mut child = shop.start(&["approve", "--as", "Hana", "-q"]);
        std::thread::sleep(Duration::from_millis(wait));
        let _ = child.kill();
        child.wait().unwrap();
        assert!(shop.states().is_empty() && shop.outbox().is_empty());
    }
    approve(&shop, "Hana", 0);
    assert!(traces(&shop).0.contains(&"approvals 1".into()), "{:?}", traces(&shop));
    shop.call(&["send", "-q"], 0);
}

#[test]
fn a_job_that_asks_for_nothing_still_notes_who_approved() {
    let shop = Shop::new(3);
    let told = approve(&shop, "Hana", 2);
    assert!(told.contains("there is no plan of small yet"), "{told}");
    shop.plan();
    let told = approve(&shop, "Hana", 0);
    assert!(told.contains("the job does not ask for approvals") && told.contains("To send it"), "{told}");
    for name in ["", "  ", "Ha\nna", "Ha\u{200b}na", "\u{3164}", "Hana\u{2800}", "-", &"a".repeat(81)] {
        let told = approve(&shop, name, 2);
        assert!(told.contains("that is no name to approve by"), "{name:?}: {told}");
    }
    assert!(traces(&shop).0.contains(&"approvals 1".into()));
    shop.call(&["send", "-q"], 0);
    let status = json(&shop, &["status"], 0);
    assert_eq!(status["approved_by"][0]["name"], "Hana");
}

#[test]
fn the_brakes_of_the_day_are_shown_before_anybody_approves() {
    let shop = Shop::with(3, |number| format!("good-c{number:03}@b.example"), "", &format!("{}[coupons]\nregister = true\n", rule(1)));
    let told = shop.call(&["plan", "--as-of", DATE], 0);
    assert!(told.contains("--accept codes"), "{told}");
    let told = approve(&shop, "Hana", 0);
    assert!(told.contains("brake codes") && told.contains("3 codes that rankmail made"), "{told}");
    // An approval is no way around a brake, and a brake is none around it.
    let refused = shop.call(&["send"], 6);
    assert!(refused.contains("stopped by the brake `codes`"), "{refused}");
    let status = shop.call(&["status"], 0);
    assert!(status.contains("--accept codes"), "{status}");
    typed(&shop, &told, "rankmail send", "", 0);
    assert_eq!(shop.count(State::Accepted), 3);
}

/// Every name twice, written in two ways, all of them at the same moment: the ledger that none of them finds there has each once.
#[test]
fn many_approve_at_once_and_each_counts_once() {
    let shop = shop(9);
    shop.plan();
    let people = ["Hana", "Ken", "山田 健", "Émile", "ﾊﾅｺ", "Ian"];
    let again = ["HANA", "Κen", "山田健", "E\u{301}mile", "ハナコ", "lan"];
    let spawn = |name: &&str| shop.command(&["approve", "--as", name, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let children: Vec<Child> = people.iter().chain(&again).map(spawn).collect();
    let told: Vec<serde_json::Value> = children.into_iter().map(|child| told(child, 0)).collect();
    assert_eq!(told.iter().filter(|told| told["new"] == true).count(), people.len(), "{told:?}");
    let status = json(&shop, &["status"], 0);
    let given = status["waiting"]["given"].as_array().unwrap();
    assert_eq!((given.len(), &status["waiting"]["missing"]), (people.len(), &3.into()), "{given:?}");
}

fn told(child: Child, code: i32) -> serde_json::Value {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whoever approves while the run is adopted is written down before that or refused, and nobody waits for the sending.
#[test]
fn an_approval_beside_a_sending_is_in_time_or_refused() {
    let nap = |number| format!("dot-250nap-c{number:03}@b.example");
    let shop = Shop::with(12, nap, "", &format!("[mail.smtp]\nconnections = 2\n{}", rule(1)));
    shop.plan();
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path(), "220", "250");
    approve(&shop, "Hana", 0);
    let spawn = |name: &String| shop.command(&["approve", "--as", name, "-q"]).stderr(Stdio::null()).spawn().unwrap();
    let names: Vec<String> = ["Ken", "Emi", "Yuki", "Sota", "Rin", "Aoi"].map(str::to_owned).to_vec();
    let mut children: Vec<(&String, Child)> = names[..3].iter().map(|name| (name, spawn(name))).collect();
    let mut sending = shop.start(&["send", "--smtp", &sink.url(), "-q"]);
    children.extend(names[3..].iter().map(|name| (name, spawn(name))));
    let mut written = vec!["Hana".to_owned()];
    for (name, mut child) in children {
        let code = child.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 2)), "{name}: {code:?}");
        written.extend((code == Some(0)).then(|| name.clone()));
    }
    assert_eq!(sending.wait().unwrap().code(), Some(0));
    let status = json(&shop, &["status"], 0);
    let mut given: Vec<&str> = status["approved_by"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    given.sort_unstable();
    written.sort_unstable();
    assert_eq!(given, written);
    assert_eq!(shop.count(State::Accepted), 12);
}

#[test]
fn who_approved_stays_when_a_customer_of_that_name_is_forgotten() {
    let shop = shop(2);
    shop.plan();
    approve(&shop, "c002", 0);
    approve(&shop, "山田 2", 0);
    shop.call(&["send", "-q"], 0);
    let before = json(&shop, &["status"], 0)["approved_by"].clone();
    assert_eq!(before.as_array().unwrap().len(), 2);
    shop.call(&["forget", "--customer", "c002"], 0);
    assert_eq!(json(&shop, &["status"], 0)["approved_by"], before, "colleagues are no customers");
}

#[test]
fn runs_elsewhere_are_named_in_the_command() {
    let shop = shop(1);
    let runs = shop.path("runs of hana's");
    let runs = runs.to_str().unwrap();
    shop.call(&["plan", "--as-of", DATE, "--runs", runs, "-q"], 0);
    let told = shop.call(&["send", "--as-of", DATE, "--runs", runs], 6);
    let told = typed(&shop, &told, "rankmail approve", "Hana", 0);
    let told = typed(&shop, &told, "rankmail send", "", 0);
    assert!(told.contains("accepted"), "{told}");
    assert!(!shop.path("runs").exists());
}

#[test]
fn a_ledger_of_format_8_is_brought_up_to_date_by_the_first_approval() {
    let shop = shop(1);
    shop.plan();
    approve(&shop, "Hana", 0);
    shop.call(&["send", "-q"], 0);
    shop.call(&["plan", "--as-of", NEXT, "-q"], 0);
    let path = shop.path("runs/ledger.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch("DROP TABLE approvals; PRAGMA user_version = 8; PRAGMA journal_mode = DELETE;").unwrap();
    drop(old);
    let before = fs::read(&path).unwrap();
    // Looking and refusing bring nothing up to date.
    assert_eq!(json(&shop, &["status"], 0)["approved_by"], serde_json::json!([]));
    let told = shop.call(&["send", "--as-of", NEXT], 6);
    assert!(told.contains("0 have") && fs::read(&path).unwrap() == before, "{told}");
    approve(&shop, "Ken", 0);
    let version = || -> i64 { Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap() };
    assert_eq!(version(), 9);
    shop.call(&["send", "--as-of", NEXT, "-q"], 0);
    assert_eq!(shop.count(State::Accepted), 6, "what the older ledger held is there");
}
