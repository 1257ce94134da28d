//! The plan folder: a `Draft` takes its parts in and puts a whole plan on disk in one step, `open` reads it back and proves that nobody touched it. The lock
//! that lets one run of a job go on at a time is here too.
//!
//! This room decides nothing and sends nothing. It does not know which plan was adopted; the ledger does.

mod accounts;
mod batches;
mod columns;
mod digest;
mod erase;
mod error;
mod folder;
mod lock;
mod merge;
mod open;
mod private;
mod program;
mod rows;
mod sheet;
mod summary;
mod table;
mod values;
mod write;

#[cfg(test)]
mod tests;

pub use digest::rules_digest;
pub use erase::{Erased, age, erase, remove};
pub use error::Error;
pub use folder::{folder, jobs, plans, way};
pub use lock::Lock;
pub use open::{Glance, Opened, PastMails, PastRun, glance, open, open_customers, open_mails};
pub use private::Private;
pub use rows::Rows;
pub use values::{values_read, values_text};
pub use write::{Draft, Layout, PartRows, WholePlan};
