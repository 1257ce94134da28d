//! The lists of customers and products, from Parquet or CSV, as columns sorted by id.
//!
//! A broken column or file is an error that says what to do. A broken person (no address, no birthday, no name) is data, and counted.
//! Nothing here chooses or mails anybody.

mod address;
mod csv;
mod customers;
mod dealt;
mod error;
mod merges;
mod notes;
mod packed;
mod parquet;
mod points;
mod pool;
mod products;
mod sampled;
mod spelling;
mod stops;
mod table;
mod values;

pub use address::judge;
pub use customers::Recipe;
pub use dealt::{CustomerList, Dealing, customers};
pub use error::Error;
pub use merges::merges;
pub use notes::{Absent, Notes};
pub use pool::{Pool, pools};
pub use products::products;
pub use sampled::some_ids;
pub use stops::{StopFiles, stopped};

use crate::domain::job::CustomersSource;
use std::path::Path;

/// A file that was read: its name relative to the job file's folder, and a hex digest of its content.
pub type Input = (String, String);

/// The names of the columns of the customer list, in the order of the file. Reads the footer or the first row, not the list.
pub fn customer_columns(source: &CustomersSource, base: &Path) -> Result<Vec<String>, Error> {
    table::names(&source.path, base, dealt::KEY)
}
