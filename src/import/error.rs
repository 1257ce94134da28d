//! Why a CSV cannot be imported.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read `{file}`: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("`{file}` is a folder; name one CSV file")]
    Folder { file: String },
    #[error("`{file}` is {what}; {help}")]
    Other { file: String, what: &'static str, help: &'static str },
    #[error("`{file}` line {line} is neither UTF-8 nor CP932 (Shift_JIS), and so are most others; save the file in one of the two")]
    Encoding { file: String, line: u64 },
    #[error("the header of `{file}` is not text of the file's own encoding; save the file as UTF-8")]
    Header { file: String },
    #[error("`{file}` is empty; its first row must name the columns")]
    Empty { file: String },
    #[error("`{file}` has no row below its header{first}")]
    NoRows { file: String, first: String },
    #[error(
        "{bad} of {rows} rows of `{file}` cannot be read, more than the {allowed} % that --max-bad-rows allows; nothing is written. Mend them, allow \
         more, or keep a column as text with --type COLUMN=text. The first:\n  {first}"
    )]
    TooManyBad { file: String, bad: u64, rows: u64, allowed: f64, first: String },
    #[error("`{file}` has two columns `{column}`; rename one of them")]
    ColumnTwice { file: String, column: String },
    #[error(
        "`{file}` line {line} has \"{value}\" in `{column}`, and nothing in the column tells its days from its months; say which comes first with \
         --type {column}=mdy (the month) or --type {column}=dmy (the day)"
    )]
    DateOrder { file: String, column: String, line: u64, value: String },
    #[error("`{file}` has no column `{column}`, which --type or --text names; it has {there}")]
    NoColumn { file: String, column: String, there: String },
    #[error("`{file}` line {line} opens a quote that is never closed; close it, or write a quote within a field twice")]
    OpenQuote { file: String, line: u64 },
    #[error("`{file}` line {line} begins a row of more than 16 MiB; a quote is probably not closed there")]
    TooLong { file: String, line: u64 },
    #[error("`{file}` changed while it was read; run again when nothing writes to it any more")]
    Changed { file: String },
    #[error("`{path}` is there already and holds something else; import under another name, or write over it with --force", path = .path.display())]
    There { path: PathBuf },
    #[error("cannot write `{path}`: {source}; look at the folder's rights and at the room on the disk", path = .path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{path}` as Parquet: {reason}", path = .path.display())]
    Parquet { path: PathBuf, reason: String },
}
