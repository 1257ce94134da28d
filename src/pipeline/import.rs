//! A CSV of purchases becomes Parquet.

use super::error::Error;
use crate::import as room;
use crate::job as job_room;

pub use crate::import::{Column as ImportedColumn, ColumnType, Imported, Remedy, Request};

/// Imports one CSV; see [`room::import`].
pub fn import(request: &Request<'_>) -> Result<Imported, Error> {
    Ok(room::import(request)?)
}

/// The share of rows that an import may leave out, as it is typed.
pub fn max_bad_rows(text: &str) -> Result<f64, Error> {
    let wrong = || Error::Usage(format!("--max-bad-rows cannot be `{text}`; write a percentage from 0% to 100%, such as 1%"));
    job_room::share(text).ok_or_else(wrong)
}
