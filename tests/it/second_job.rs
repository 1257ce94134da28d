//! A second job that takes the ranks of the first (`[ranks] of`).

use crate::program::{rankmail, root};
use std::fs;
use std::path::{Path, PathBuf};

/// The demo's job and a weekly one that takes its ranks, side by side. `lines` are campaigns of the weekly one.
fn two_jobs(folder: &Path, lines: &str) -> (PathBuf, PathBuf) {
    let absolute = |text: &str| {
        text.replace("\"../", &format!("\"{}/", root().display())).replace("demo.key", &root().join("jobs/demo.key").display().to_string())
    };
    let text = absolute(&fs::read_to_string(root().join("jobs/monthly.toml")).unwrap());
    let part = |from: &str, to: &str| text[text.find(from).unwrap()..text.find(to).unwrap()].to_owned();
    let weekly = format!(
        "{}[ranks]\nof = \"monthly\"\n\n{lines}\n{}",
        part("name      =", "[ranks]").replace("\"monthly\"", "\"weekly\""),
        part("[mail]", "[brakes]"),
    );
    let paths = (folder.join("monthly.toml"), folder.join("weekly.toml"));
    fs::write(&paths.0, &text).unwrap();
    fs::write(&paths.1, weekly).unwrap();
    paths
}

const NEWSLETTER: &str = "[[campaign]]\nname = \"newsletter\"\nranks = \"AAA\"\n";

#[test]
fn the_second_job_is_compared_with_itself_and_not_with_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (monthly, weekly) = two_jobs(folder.path(), NEWSLETTER);
    let runs = folder.path().join("runs");
    let run = |job: &Path| rankmail(&["run", job.to_str().unwrap(), "--as-of", "2026-12-01", "--json", "--accept", "names"]).runs(&runs);
    run(&weekly).code(3).says("that job has no adopted run").run();
    let first = run(&monthly).any_output().run().json();
    // It mails far fewer people than the first job did: nothing to brake for, because it never ran before.
    let second = run(&weekly).any_output().run().json();
    assert_eq!(second["plan"]["ranks"], first["plan"]["ranks"]);
    assert!(second["plan"]["mails"].as_u64().unwrap() * 2 < first["plan"]["mails"].as_u64().unwrap());
    assert!(second["plan"]["mails"].as_u64().unwrap() > 0);
    let plan: serde_json::Value = serde_json::from_slice(&fs::read(runs.join("weekly/2026-12-01/plan.json")).unwrap()).unwrap();
    assert!(plan["previous"].is_null(), "{}", plan["previous"]);
}

#[test]
fn a_campaign_for_moved_ranks_is_refused_where_nobody_moves() {
    let folder = tempfile::tempdir().unwrap();
    let (_, weekly) = two_jobs(folder.path(), "[[campaign]]\nname = \"rank_up\"\nranks = \"AA and up\"\nwhen = { rank = \"up\" }\n");
    rankmail(&["check", weekly.to_str().unwrap()]).code(2).complains("this one moves nobody").complains("weekly.toml:").run();
}
