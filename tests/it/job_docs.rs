//! Every TOML block of `docs/job-file.md` is a job, or a part of one that works together with a small job.

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
