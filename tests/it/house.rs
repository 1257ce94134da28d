//! Holds the floors and invariants of docs/architecture.md by reading the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms of floor 1: they know `domain` and themselves.
const ROOMS: &[&str] = &[
    "audience",
    "bounces",
    "campaigns",
    "coupons",
    "delivery",
    "doctor",
    "features",
    "gate",
    "import",
    "job",
    "keys",
    "ledger",
    "lint",
    "lists",
    "message",
    "offers",
    "optout",
    "piles",
    "points",
    "purchases",
    "ranks",
    "recommend",
    "report",
    "runs",
    "schedule",
    "tables",
];

/// The rooms that read Parquet from outside.
const READERS: &[&str] = &["purchases", "runs", "tables"];

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources in {}", folder.display());
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The rooms that a source names as `crate::ROOM`, comments left out.
fn known_rooms(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            if let Some(list) = rest.strip_prefix('{') {
                let names = list.split('}').next().unwrap_or_default().split(',');
                rooms.extend(names.map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()));
            } else {
                rooms.insert(rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect());
            }
        }
    }
    rooms.remove("");
    rooms
}

/// The code of a file without its unit tests, which may do what the house may not.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn every_room_is_known_to_this_test() {
    let folders: BTreeSet<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> = ROOMS.iter().chain(&["domain", "pipeline", "cli", "web"]).map(|room| (*room).to_owned()).collect();
    assert_eq!(folders, known);
}

#[test]
fn a_room_knows_domain_and_itself_only() {
    for room in ROOMS {
        for (path, text) in sources(&root().join(room)) {
            for known in known_rooms(&text) {
                let reads_parquet = READERS.contains(room) && known == "gate";
                let deals_rows = *room == "tables" && known == "piles";
                assert!(known == "domain" || known == *room || reads_parquet || deals_rows, "{} knows `{known}`", path.display());
            }
        }
    }
}

#[test]
fn who_reads_parquet_passes_the_gate() {
    for (path, text) in sources(&root()) {
        let inside = path.strip_prefix(root()).unwrap();
        let code = without_tests(&text);
        let is_test = inside.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
        if code.contains("ReaderBuilder") && code.contains("parquet::") && !is_test {
            assert!(READERS.iter().any(|room| inside.starts_with(room)), "{} reads Parquet", path.display());
            for word in ["ReaderBuilder::try_new", "ArrowReaderMetadata::load"] {
                assert!(!code.contains(word), "{} opens a file by itself", path.display());
            }
        }
        if !inside.starts_with("gate") && !is_test {
            assert!(!code.contains("catch_unwind"), "{} catches panics", path.display());
        }
    }
}

#[test]
fn domain_knows_no_room_and_no_io() {
    for (path, text) in sources(&root().join("domain")) {
        for known in known_rooms(&text) {
            assert_eq!(known, "domain", "{}", path.display());
        }
        for word in ["std::fs", "std::io", "std::net", "std::env", "serde", "arrow", "parquet", "rayon"] {
            assert!(!text.contains(&format!("use {word}")), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn faces_know_pipeline_and_domain_only() {
    // The terminal starts the pages.
    for (face, faces) in [("cli", &["cli", "web"][..]), ("web", &["web"])] {
        for (path, text) in sources(&root().join(face)) {
            for known in known_rooms(&text) {
                let is_known = ["domain", "pipeline"].contains(&known.as_str()) || faces.contains(&known.as_str());
                assert!(is_known, "{} knows `{known}`", path.display());
            }
        }
    }
}

#[test]
fn planning_cannot_reach_a_mailer() {
    let pages = ["plan.rs", "assess.rs", "figures.rs", "inputs.rs", "people.rs", "previous.rs", "brakes.rs", "head.rs", "recommend.rs"];
    let single = pages.map(|page| (PathBuf::from(page), fs::read_to_string(root().join("pipeline").join(page)).unwrap()));
    for (page, text) in single.into_iter().chain(sources(&root().join("pipeline/choose"))) {
        for word in ["delivery", "Mailer", "super::send", "super::letters", "super::trial"] {
            assert!(!without_tests(&text).contains(word), "pipeline/{} names `{word}`", page.display());
        }
    }
}

#[test]
fn only_the_terminal_prints_and_only_main_ends_the_process() {
    for (path, text) in sources(&root()) {
        let code = without_tests(&text);
        let inside = path.strip_prefix(root()).unwrap();
        if !inside.starts_with("cli") {
            for word in ["println!", "eprintln!", "print!(", "eprint!(", "dbg!", "std::io::stdout", "std::io::stderr", "io::stdout()"] {
                assert!(!code.contains(word), "{} has {word}", path.display());
            }
        }
        assert!(!code.contains("process::exit"), "{}", path.display());
        if inside != Path::new("cli/clock.rs") {
            for word in ["Utc::now", "Local::now", "SystemTime::now"] {
                assert!(!code.contains(word), "{} reads the clock", path.display());
            }
        }
    }
}

#[test]
fn nothing_waits_without_a_thread_but_pages() {
    for (path, text) in sources(&root()) {
        let inside = path.strip_prefix(root()).unwrap();
        if inside.starts_with("web") {
            continue;
        }
        assert!(!without_tests(&text).contains("tokio"), "{} names tokio", path.display());
        for word in ["async fn", "async move", "async {", ".await"] {
            assert!(!without_tests(&text).contains(word), "{} has `{word}`", path.display());
        }
    }
}

#[test]
fn there_is_one_trait() {
    let traits: Vec<String> = sources(&root())
        .iter()
        .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| {
            line.trim_start().starts_with("pub trait ") || line.trim_start().starts_with("trait ") || line.contains("pub(crate) trait ")
        })
        .collect();
    assert_eq!(traits.len(), 1, "{traits:?}");
    assert!(traits[0].contains("Mailer"), "{traits:?}");
}

#[test]
fn every_file_opens_with_what_it_is_and_stays_readable() {
    for (path, text) in sources(&root()) {
        assert!(text.starts_with("//! "), "{} does not open with //!", path.display());
        let is_test = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
        let lines = if is_test { 0 } else { without_tests(&text).lines().count() };
        assert!(lines <= 450, "{} has {lines} lines: two pages, not one", path.display());
        assert!(!text.contains("#[allow("), "{} allows a lint; expect it with a reason", path.display());
    }
}

#[test]
fn nothing_has_a_name_that_says_nothing() {
    for (path, _) in sources(&root()) {
        let inside = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for word in ["utils", "helpers", "common", "manager", "service"] {
            assert!(!inside.contains(word), "{inside}");
        }
    }
}

#[test]
fn one_arrow_and_no_second_copy_of_what_counts() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for name in ["arrow", "arrow-array", "parquet", "tera", "lettre", "rusqlite"] {
        let copies = lock.matches(&format!("name = \"{name}\"\n")).count();
        assert_eq!(copies, 1, "{copies} versions of {name}");
    }
}

#[test]
fn colours_and_the_picture_of_moves_are_written_once() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let colours = read("src/report/colours.css");
    assert!(colours.contains("--up:") && colours.contains("path.up"));
    for sheet in ["src/report/report.css", "src/web/pages/studio.css"] {
        let text = read(sheet);
        let own: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("--") || line.starts_with("path.")).collect();
        assert!(own.is_empty() && !text.contains(" --paper:"), "{sheet}: {own:?}");
    }
    for page in ["src/report/report.html", "src/web/pages/audience.html"] {
        assert!(read(page).contains("include \"flow.html\"") && !read(page).contains("flow.bands"), "{page}");
    }
}
