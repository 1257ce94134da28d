//! Every TOML block of `docs/job-file.md` is a job, or a part of one that works together with a small job; so is every whole job in the
//! README and the other docs, and every job in `jobs/` plans.

use crate::program::{rankmail, root};
use rankmail::job;
use std::path::Path;

/// What a part is put into: its tables and keys take the place of these.
const AROUND: &str = include_str!("jobs/around.toml");

#[test]
fn every_block_of_the_docs_is_loaded() {
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/job-file.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("monthly.toml"), AROUND).unwrap();
    let blocks: Vec<&str> = docs.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 10, "only {} blocks were found", blocks.len());
    for block in blocks {
        let part: toml::Table = block.parse().unwrap_or_else(|error| panic!("{error}\n{block}"));
        // A block with a name and a sender is a whole job.
        let text = if part.contains_key("name") && part.contains_key("mail") {
            block.to_owned()
        } else {
            toml::to_string(&merged(part, AROUND.parse().unwrap())).unwrap()
        };
        if let Err(error) = job::load_text(&folder.path().join("docs.toml"), &text) {
            panic!("{error}\n\nthe block:\n{block}");
        }
    }
}

/// The small job with the part's keys in place of its own.
fn merged(part: toml::Table, mut whole: toml::Table) -> toml::Table {
    whole.insert("name".into(), "docs".into());
    if part.get("ranks").is_some_and(|ranks| ranks.get("of").is_some()) {
        whole.remove("rank");
    }
    whole.extend(part);
    whole
}

#[test]
fn the_docs_name_every_key() {
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/job-file.md")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&job::schema()).unwrap();
    let mut tables = vec![&schema];
    tables.extend(schema["$defs"].as_object().unwrap().values());
    for key in tables.into_iter().filter_map(|table| table["properties"].as_object()).flat_map(serde_json::Map::keys) {
        let named = [format!("`{key}`"), format!("{key} = "), format!("[{key}]"), format!("`[[{key}]]`")];
        assert!(named.iter().any(|form| docs.contains(form)), "docs/job-file.md does not name `{key}`");
    }
}

#[test]
fn every_whole_job_of_readme_and_docs_is_loaded() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(glob::glob(&root().join("docs/**/*.md").to_string_lossy()).unwrap().map(Result::unwrap));
    let mut blocks = 0;
    for page in pages.iter().filter(|page| page.exists()) {
        let text = std::fs::read_to_string(page).unwrap();
        for block in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            blocks += 1;
            let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{}: {error}\n{block}", page.display()));
            if ["name", "purchases", "mail"].iter().all(|key| table.contains_key(*key)) {
                let loaded = job::load_text(&root().join("jobs/docs.toml"), block);
                assert!(loaded.is_ok(), "{}:\n{}", page.display(), loaded.unwrap_err());
            }
        }
    }
    assert!(blocks > 10, "only {blocks} blocks were found");
}

#[test]
fn every_job_of_the_project_plans() {
    let jobs: Vec<_> = glob::glob(&root().join("jobs/*.toml").to_string_lossy()).unwrap().map(Result::unwrap).collect();
    assert!(!jobs.is_empty());
    for job in jobs {
        let (job, runs) = (job.to_string_lossy().into_owned(), tempfile::tempdir().unwrap());
        rankmail(&["check", &job, "--data"]).any_output().run();
        rankmail(&["plan", &job, "--as-of", "2026-12-01", "-q"]).runs(runs.path()).run();
    }
}
