//! What can be wrong with purchases.

/// Why purchases cannot be used. `file` is the name relative to the job file's folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{path}` is not there; correct `path` in [purchases]")]
    NotThere { path: String },
    #[error("`{path}` holds no Parquet file (hidden files and names that begin with `_` are passed over); correct `path` in [purchases]")]
    Empty { path: String },
    #[error("no file matches `{pattern}`; correct `path` in [purchases]")]
    NoMatch { pattern: String },
    #[error("`{pattern}` is no file name pattern: {reason}; write `*`, `?`, `[a-z]` or `**` for whole folders")]
    Pattern { pattern: String, reason: String },
    #[error("`{path}` is a Delta table, whose files also hold what was deleted; export it to plain Parquet and name that folder")]
    Delta { path: String },
    #[error("folders in `{path}` lie more than {depth} deep; look for a link that leads back to a folder above it")]
    TooDeep { path: String, depth: usize },
    #[error("cannot read `{file}`: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("`{file}` is not a Parquet file ({reason}); remove it from the purchases or write it anew")]
    NotParquet { file: String, reason: String },
    #[error("`{file}` is damaged: {reason}; write it anew")]
    Damaged { file: String, reason: String },
    #[error(
        "`{file}` would take more memory or time than one file is given: {reason}; write it anew with pages and row groups of the usual size"
    )]
    TooMuch { file: String, reason: String },
    #[error(
        "`{file}` is compressed by {compression}, which is not read; write it anew with ZSTD, Snappy, GZIP, LZ4 or without compression"
    )]
    Compression { file: String, compression: &'static str },
    #[error("`{file}` changed while it was read; run again when nothing writes to it any more")]
    Changed { file: String },
    #[error("column `{column}` is not in `{file}`, which has {columns}{hint}; set it in [purchases.columns], [purchases] exclude or [purchases] include", columns = listed(.there), hint = did_you_mean(.column, .there))]
    NoColumn { file: String, column: String, there: Vec<String> },
    #[error("column `{column}` in `{file}` is {found}, expected {expected}; map another column in [purchases.columns]")]
    ColumnType { file: String, column: String, found: String, expected: &'static str },
    #[error("column `{column}` in `{file}` holds bytes that are not UTF-8 text; write it as text")]
    NotText { file: String, column: String },
    #[error(
        "column `{column}` in `{file}` holds {value} (row {row}), which is no whole number up to 2^53; ids are text or whole numbers, so write the \
         column as one of them"
    )]
    NotWhole { file: String, column: String, row: u64, value: String },
    #[error("column `{column}` in `{file}` holds an id of {bytes} bytes (row {row}); map a column of ids in [purchases.columns]")]
    TooLong { file: String, column: String, row: u64, bytes: usize },
    #[error(
        "{bad} of {rows} rows cannot be used, more than the {allowed} % that `max_bad_rows` allows; the first: {first}",
        allowed = .share * 100.0,
        first = .notes.join("; ")
    )]
    BadRows { bad: u64, rows: u64, share: f64, notes: Vec<String> },
    /// The one who received the lines refused them.
    #[error(transparent)]
    Sink(Box<dyn std::error::Error + Send + Sync>),
}

/// How many column names a message lists.
const COLUMNS_SHOWN: usize = 40;

fn listed(columns: &[String]) -> String {
    let text = columns.iter().take(COLUMNS_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match columns.len() {
        0 => "no columns".into(),
        number if number > COLUMNS_SHOWN => format!("{text} and {} more", number - COLUMNS_SHOWN),
        _ => text,
    }
}

/// The name that was probably meant, if one is near enough.
fn did_you_mean(wanted: &str, there: &[String]) -> String {
    let near = |name: &&String| strsim::jaro_winkler(&name.to_lowercase(), &wanted.to_lowercase());
    let best = there.iter().max_by(|one, other| near(one).total_cmp(&near(other)));
    best.filter(|name| near(name) > 0.8).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_column_names_what_there_is() {
        let there = vec!["Customer_ID".to_owned(), "total".to_owned()];
        let error = Error::NoColumn { file: "a.parquet".into(), column: "customer_id".into(), there };
        let text = error.to_string();
        assert!(text.contains("has `Customer_ID`, `total` (did you mean `Customer_ID`?)"), "{text}");
        assert_eq!(did_you_mean("amount", &["shop".to_owned()]), "");
    }
}
