//! Finds the files: what a path in the job stands for, and what its `key=value` folders say.

use super::Error;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Folders may lie this deep in each other; a link to a folder above ends here.
const DEEPEST: usize = 32;
/// What Hive and Spark write for a null in a folder name.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    /// Relative to the job file's folder, with `/` between folders; for something that lies elsewhere, relative to the folder that was named.
    pub name: String,
    /// Columns that the folder names give, the innermost last; `None` is a null.
    pub folders: Vec<(String, Option<String>)>,
}

/// All files of all paths, each once, sorted by name.
pub(super) fn find(paths: &[PathBuf], base: &Path) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        let shown = shown(path, base);
        let text = path.to_string_lossy();
        // A name that exists is taken as it is, even when it has a bracket in it.
        if path.exists() {
            add(path, path, base, &mut found)?;
            if found.len() == before {
                return Err(Error::Empty { path: shown });
            }
        } else if text.contains(['*', '?', '[']) {
            matches(&text, &shown, base, &mut found)?;
            if found.len() == before {
                return Err(Error::NoMatch { pattern: shown });
            }
        } else {
            return Err(Error::NotThere { path: shown });
        }
    }
    once(found)
}

/// A file that several paths lead to is read once.
fn once(mut found: Vec<Found>) -> Result<Vec<Found>, Error> {
    found.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.path.cmp(&other.path)));
    let mut seen = HashSet::new();
    let mut files = Vec::with_capacity(found.len());
    for file in found {
        let real = file.path.canonicalize().map_err(|source| Error::Io { file: file.name.clone(), source })?;
        if seen.insert(real) {
            files.push(file);
        }
    }
    Ok(files)
}

fn matches(pattern: &str, shown: &str, base: &Path, found: &mut Vec<Found>) -> Result<(), Error> {
    let options = glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let wrong = |reason: String| Error::Pattern { pattern: shown.to_owned(), reason };
    let root: PathBuf =
        Path::new(pattern).components().take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '['])).collect();
    for path in glob::glob_with(pattern, options).map_err(|error| wrong(error.msg.to_owned()))? {
        let path = path.map_err(|error| Error::Io { file: shown_in(error.path(), &root, base), source: error.into() })?;
        let below = path.strip_prefix(&root).unwrap_or(&path);
        if below.iter().all(|part| !passed_over(&part.to_string_lossy())) {
            add(&path, &root, base, found)?;
        }
    }
    Ok(())
}

/// Adds a file, or everything in a folder. `root` is what the job names.
fn add(path: &Path, root: &Path, base: &Path, found: &mut Vec<Found>) -> Result<(), Error> {
    let mut waiting = vec![(path.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let name = shown_in(&path, root, base);
        let unreadable = |source| Error::Io { file: name.clone(), source };
        if !std::fs::metadata(&path).map_err(unreadable)?.is_dir() {
            found.push(Found { folders: folders(&path), path, name });
            continue;
        }
        if depth > DEEPEST {
            return Err(Error::TooDeep { path: shown(root, base), depth: DEEPEST });
        }
        if path.join("_delta_log").is_dir() {
            return Err(Error::Delta { path: name });
        }
        for entry in std::fs::read_dir(&path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if !passed_over(&entry.file_name().to_string_lossy()) {
                waiting.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(())
}

/// Hidden names, checksums, and what Spark and Hive put beside their files. A folder such as `_kind=a` is data.
fn passed_over(name: &str) -> bool {
    name.starts_with('.') || name.starts_with('_') && !name.contains('=') || Path::new(name).extension().is_some_and(|end| end == "crc")
}

/// The columns that the names of all folders above a file give.
fn folders(path: &Path) -> Vec<(String, Option<String>)> {
    let parts = path.parent().unwrap_or(path).iter().map(|part| part.to_string_lossy().into_owned());
    let pairs = parts.filter_map(|part| part.split_once('=').map(|(key, value)| (unescaped(key), unescaped(value))));
    pairs.map(|(key, value)| (key, (value != HIVE_NULL && !value.is_empty()).then_some(value))).collect()
}

/// Folder names write special characters as `%` and two hex digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code =
            after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// A path for people and digests: relative to the job's folder, or the last name of what lies elsewhere.
fn shown(path: &Path, base: &Path) -> String {
    shown_in(path, path, base)
}

fn shown_in(path: &Path, root: &Path, base: &Path) -> String {
    let inside = path.strip_prefix(base).ok().filter(|_| base.components().next().is_some());
    let relative = match inside {
        Some(relative) => relative.to_owned(),
        None if path.is_relative() => path.to_owned(),
        None => {
            let below = path.strip_prefix(root).unwrap_or(path);
            Path::new(root.file_name().unwrap_or_default()).join(below)
        }
    };
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).filter(|part| part != ".").collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn shop(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        folder
    }

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn folders_give_files_and_columns() {
        let folder = shop(&[
            "p/year=2026/store=%E4%BA%AC/b.parquet",
            "p/year=__HIVE_DEFAULT_PARTITION__/a.parquet",
            "p/_SUCCESS",
            "p/.hidden.parquet",
            "p/_temporary/x.parquet",
            "p/.a.parquet.crc",
            "p/a.parquet.crc",
        ]);
        let base = folder.path().join("jobs");
        let found = find(&[base.join("../p")], &base).unwrap_err();
        assert!(matches!(found, Error::NotThere { .. }), "the base is not there, so nothing below it is: {found}");
        fs::create_dir(&base).unwrap();
        let found = find(&[base.join("../p")], &base).unwrap();
        assert_eq!(names(&found), ["../p/year=2026/store=%E4%BA%AC/b.parquet", "../p/year=__HIVE_DEFAULT_PARTITION__/a.parquet"]);
        assert_eq!(found[0].folders, [("year".into(), Some("2026".into())), ("store".into(), Some("京".into()))]);
        assert_eq!(found[1].folders, [("year".into(), None)]);
    }

    #[test]
    fn a_file_is_read_once_whatever_leads_to_it() {
        let folder = shop(&["p/2026-01.parquet", "p/2026-02.parquet", "q/[1].parquet"]);
        let base = folder.path();
        let paths = [base.join("p/2026-*.parquet"), base.join("p"), base.join("p/2026-02.parquet"), base.join("q/[1].parquet")];
        assert_eq!(names(&find(&paths, base).unwrap()), ["p/2026-01.parquet", "p/2026-02.parquet", "q/[1].parquet"]);
        let elsewhere = find(&[base.join("p"), base.join("p/2026-0[1]*")], Path::new("/elsewhere")).unwrap();
        assert_eq!(names(&elsewhere), ["p/2026-01.parquet", "p/2026-02.parquet"], "no absolute path is told");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let folder = shop(&["p/_SUCCESS", "d/_delta_log/0.json", "d/a.parquet"]);
        let base = folder.path();
        assert!(matches!(find(&[base.join("p")], base), Err(Error::Empty { path }) if path == "p"));
        assert!(matches!(find(&[base.join("p/*.parquet")], base), Err(Error::NoMatch { pattern }) if pattern == "p/*.parquet"));
        assert!(matches!(find(&[base.join("x")], base), Err(Error::NotThere { path }) if path == "x"));
        assert!(matches!(find(&[base.join("d")], base), Err(Error::Delta { path }) if path == "d"));
        assert!(matches!(find(&[base.join("***")], base), Err(Error::Pattern { .. })));
    }
}
