//! The README's run on the demo shop, looked at from outside.

use crate::program::{rankmail, root};
use mail_parser::MessageParser;
use std::fs;
use std::path::Path;

const JOB: &str = "jobs/monthly.toml";
const DATE: &str = "2026-12-01";

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_month_is_planned_and_each_mail_written_once() {
    let runs = tempfile::tempdir().unwrap();
    let ran = rankmail(&["run", JOB, "--as-of", DATE, "--json"]).runs(runs.path()).any_output().run().json();
    let plan = &ran["plan"];
    assert_eq!(plan["matched"].as_u64().unwrap(), plan["mails"].as_u64().unwrap() + plan["skipped"].as_u64().unwrap());
    for rank in plan["ranks"].as_array().unwrap() {
        assert!(rank["customers"].as_u64().unwrap() > 0, "nobody in {rank}");
    }
    for campaign in plan["campaigns"].as_array().unwrap() {
        let mails: u64 = campaign["mails"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert!(mails > 0, "no mail of {campaign}");
    }
    let outbox = files(&runs.path().join("monthly/outbox/new"));
    assert_eq!(outbox.len() as u64, plan["mails"].as_u64().unwrap());
    assert_eq!(ran["sent"]["states"]["accepted"], plan["mails"]);

    let again = rankmail(&["run", JOB, "--as-of", DATE, "--json"]).runs(runs.path()).any_output().run().json();
    assert!(again["plan"].is_null(), "an adopted date is not planned again");
    assert_eq!(files(&runs.path().join("monthly/outbox/new")), outbox, "nothing is written again");
    rankmail(&["plan", JOB, "--as-of", DATE]).runs(runs.path()).code(2).complains("is adopted").run();
    rankmail(&["status", JOB]).runs(runs.path()).says("送信済み").run();
}

#[test]
fn every_mail_of_the_month_is_a_whole_mail() {
    let runs = tempfile::tempdir().unwrap();
    rankmail(&["run", JOB, "--as-of", DATE, "-q"]).runs(runs.path()).run();
    for (name, bytes) in files(&runs.path().join("monthly/outbox/new")) {
        let mail = MessageParser::default().parse(&bytes).unwrap_or_else(|| panic!("{name} is no mail"));
        assert!(!mail.subject().unwrap().is_empty(), "{name}");
        assert_eq!((mail.text_body_count(), mail.html_body_count(), mail.attachment_count()), (1, 1, 0), "{name}");
        for part in [mail.body_text(0).unwrap(), mail.body_html(0).unwrap()] {
            let part: String = part.chars().filter(|letter| !letter.is_whitespace()).collect();
            for display in ["つばき堂", "〒604-0000京都市中京区椿町1-2-3", "support@tsubaki.example", "https://tsubaki.example/u/1."]
            {
                assert!(part.contains(display), "{name} lacks {display}");
            }
        }
        assert_eq!(format!("{}.eml", mail.message_id().unwrap().split('@').next().unwrap()), name);
        for header in ["From", "To", "Reply-To", "Date", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "MIME-Version"] {
            assert_eq!(mail.headers().iter().filter(|found| found.name().eq_ignore_ascii_case(header)).count(), 1, "{name} {header}");
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_whatever_the_threads() {
    let (one, four) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (runs, threads) in [(&one, "1"), (&four, "4")] {
        rankmail(&["plan", JOB, "--as-of", DATE, "-q", "--threads", threads]).runs(runs.path()).run();
    }
    let read = |runs: &tempfile::TempDir, name: &str| fs::read(runs.path().join("monthly").join(DATE).join(name)).unwrap();
    for name in ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet", "job.toml"] {
        assert_eq!(read(&one, name), read(&four, name), "{name}");
    }
    let digest = |runs| serde_json::from_slice::<serde_json::Value>(&read(runs, "plan.json")).unwrap()["digest"].clone();
    assert_eq!(digest(&one), digest(&four));
    let plan = String::from_utf8(read(&one, "plan.json")).unwrap();
    assert!(!plan.contains(&root().display().to_string()), "no absolute path in a plan");
}

#[test]
fn a_customer_is_shown_and_explained() {
    let runs = tempfile::tempdir().unwrap();
    rankmail(&["plan", JOB, "--as-of", DATE, "-q"]).runs(runs.path()).run();
    let mails = rankmail(&["test", JOB, "--to", "team@tsubaki.example", "--json"]).runs(runs.path()).any_output().run().json();
    assert!(mails["mails"].as_array().unwrap().len() > 20);
    for customer in ["T00001", "T00100", "T01990"] {
        let explained = rankmail(&["explain", JOB, "--customer", customer, "--json"]).runs(runs.path()).any_output().run().json();
        assert_eq!(explained["as_of"], DATE);
        let shown = rankmail(&["show", JOB, "--customer", customer, "--json"]).runs(runs.path());
        if explained["excluded"].is_string() {
            shown.code(3).any_output().run();
            continue;
        }
        let shown = shown.any_output().run().json();
        let mailed = explained["campaigns"].as_array().unwrap().iter().filter(|campaign| campaign["mailed"] == true).count();
        assert_eq!(shown["mails"].as_array().unwrap().len(), mailed, "{customer}");
    }
    let strange = ["show", JOB, "--customer", "T00001", "--campaign", "nosuch"];
    rankmail(&strange).runs(runs.path()).code(2).complains("no campaign `nosuch`; it has vip_gift, ").run();
    rankmail(&["explain", JOB, "--customer", "nobody"]).runs(runs.path()).code(3).complains("nobody").run();
}

#[test]
fn a_timer_keeps_to_the_runs_folder_it_was_made_for() {
    let runs = tempfile::tempdir().unwrap();
    let words = format!("jobs/monthly.toml --runs {} --if-due", runs.path().display());
    for kind in ["systemd", "cron"] {
        rankmail(&["schedule", JOB, "--emit", kind]).runs(runs.path()).says(&words).run();
    }
}
