//! A CSV of purchases becomes Parquet.

use super::error::Error;
use crate::import as room;

pub use crate::import::{Imported, Request};

/// Imports one CSV; see [`room::import`].
pub fn import(request: &Request<'_>) -> Result<Imported, Error> {
    Ok(room::import(request)?)
}
