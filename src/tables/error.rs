//! Why a list cannot be used.

use std::path::Path;

/// What is wrong with a list. `file` is the name relative to the job file's folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read `{file}`: {source}; look at {key} and at the rights of the file")]
    Io { key: &'static str, file: String, source: std::io::Error },
    #[error("`{file}` is a folder; name one Parquet or CSV file as {key}")]
    Folder { key: &'static str, file: String },
    #[error("`{file}` changed while it was read; run again when whatever writes it has finished")]
    Changed { file: String },
    #[error("`{file}` has {bytes} bytes, more than the {limit} that a CSV may have; write it as Parquet")]
    TooLarge { file: String, bytes: u64, limit: u64 },
    #[error("`{file}` is not readable as Parquet: {reason}; it may be cut short or damaged, write it again")]
    Parquet { file: String, reason: String },
    #[error(
        "`{file}` would take more memory or time than one file is given: {reason}; write it anew with pages and row groups of the usual size"
    )]
    TooMuch { file: String, reason: String },
    #[error(
        "`{file}` is compressed by {compression}, which is not read; write it anew with ZSTD, Snappy, GZIP, LZ4 or without compression"
    )]
    Compression { file: String, compression: &'static str },
    #[error("`{file}` line {line} is neither UTF-8 nor CP932 (Shift_JIS); save the file in one of the two")]
    Encoding { file: String, line: u64 },
    #[error("`{file}` is empty; its first row must name the columns")]
    Empty { file: String },
    #[error("`{file}` line {line} {what}")]
    Line { file: String, line: u64, what: String },
    #[error("the pattern `{pattern}` of `files` in [stop] cannot be used: {reason}")]
    StopPattern { pattern: String, reason: String },
    #[error("the code `{code}` is in {first} and again in {again}; two customers would get it, so each code must be in one pool once")]
    CodeTwice { code: String, first: String, again: String },
    #[error("`{first}` and `{again}` are one file; write its path alike in both campaigns, so that no code is given twice")]
    PoolTwice { first: String, again: String },
    #[error("`{file}` has two columns `{column}`; rename one of them")]
    ColumnTwice { file: String, column: String },
    #[error("`{file}` has no column `{column}`, which {key} names; {there}")]
    NoColumn { file: String, column: String, key: String, there: String },
    #[error("column `{column}` in `{file}` is {found}, expected {expected}; map another column in {key}")]
    WrongType { file: String, column: String, found: String, expected: &'static str, key: String },
    #[error(
        "`{file}` must have two columns, an old customer id and a new one, or name them `old` and `new`; it is `merged` in [customers]"
    )]
    MergeColumns { file: String },
    #[error(
        "`{file}` has `{id}` twice in its first row: without a header it would merge `{id}` into itself, which is nothing; take the row out, \
         or write the header `old,new` above it. If it is a header, rename one of the two columns"
    )]
    MergeItself { file: String, id: String },
    #[error("`{file}` names only one id ({place}); write the old id and the new one, or take the row out")]
    MergeHalf { file: String, place: String },
    #[error("`{file}` merges customers in a circle: {ids}; take out the row that is wrong")]
    MergeCircle { file: String, ids: String },
    #[error("`{file}` merges `{old}` into `{first}` and into `{second}`; an old id has one new id")]
    MergeTwo { file: String, old: String, first: String, second: String },
    #[error("`{file}` has the same {what} more than once: {which}; each must be there once")]
    Twice { file: String, what: &'static str, which: String },
    #[error(
        "column `{column}` in `{file}` holds `{value}` ({place}), which is no time and no true or false; \
         say which of its values mean consent: consent = {{ column = \"{column}\", yes = [\"{value}\"] }}, if `{value}` does"
    )]
    Consent { file: String, column: String, value: String, place: String },
    #[error(
        "column `{column}` in `{file}` holds `{value}` ({place}), which is no usable {what}; correct it, or leave it empty where there is none"
    )]
    Unusable { file: String, column: String, value: String, place: String, what: &'static str },
    #[error(transparent)]
    Piles(#[from] crate::piles::Error),
}

impl Error {
    /// The error of a column that is not there, with the names that are and the one that may have been meant.
    pub(super) fn no_column(file: &str, column: &str, key: &str, names: &[String]) -> Self {
        let nearest = names.iter().map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &column.to_lowercase()), name));
        let meant = nearest.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|(likeness, _)| *likeness > 0.8);
        let meant = meant.map_or(String::new(), |(_, name)| format!("did you mean `{name}`? "));
        let shown: Vec<&str> = names.iter().take(50).map(String::as_str).collect();
        let more = if names.len() > shown.len() { format!(" and {} more", names.len() - shown.len()) } else { String::new() };
        let there = format!("{meant}it has: {}{more}", shown.join(", "));
        Self::NoColumn { file: file.to_owned(), column: column.to_owned(), key: key.to_owned(), there }
    }
}

/// The name of a file in messages and digests: relative to the job file's folder, with `/` between its parts.
pub(super) fn relative_name(path: &Path, base: &Path) -> String {
    let (parts, start): (Vec<_>, Vec<_>) = (path.components().collect(), base.components().collect());
    let shared = parts.iter().zip(&start).take_while(|(one, other)| one == other).count();
    let up = start.get(shared..).unwrap_or_default();
    let down = parts.get(shared..).unwrap_or_default();
    // Two paths that share nothing have no relative name that tells no more of this machine than it must: the file's own serves.
    let climbs = up.iter().all(|part| matches!(part, std::path::Component::Normal(_)));
    if (shared == 0 && path.is_absolute()) || !climbs {
        return path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    let names = up.iter().map(|_| "..".into()).chain(down.iter().map(|part| part.as_os_str().to_string_lossy()));
    names.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_job() {
        for (path, base, expected) in [
            ("/shop/jobs/../data/c.csv", "/shop/jobs", "../data/c.csv"),
            ("/shop/data/c.csv", "/shop/jobs", "../data/c.csv"),
            ("/shop/jobs/c.csv", "/shop/jobs", "c.csv"),
            ("jobs/../data/c.csv", "jobs", "../data/c.csv"),
            ("c.csv", "", "c.csv"),
            ("/data/c.csv", "jobs", "c.csv"),
            ("../data/c.csv", "../jobs", "../data/c.csv"),
        ] {
            assert_eq!(relative_name(Path::new(path), Path::new(base)), expected, "{path} {base}");
        }
    }

    #[test]
    fn a_missing_column_is_told_with_its_likely_name() {
        let names = ["customer_id".to_owned(), "email".to_owned()];
        let error = Error::no_column("c.csv", "e_mail", "[customers.columns] email", &names).to_string();
        assert!(error.contains("did you mean `email`?") && error.contains("it has: customer_id, email"), "{error}");
        let error = Error::no_column("c.csv", "誕生日", "[customers.columns] birthday", &names).to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }
}
