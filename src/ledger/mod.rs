//! The ledger: what became of every mail of every job of the shop, in one `SQLite` file that outlives crashes.
//!
//! It remembers which plans were adopted, hands out claims (`Desk::claim`) before anything leaves, writes down what came of them
//! (`Desk::settle`), and tells later plans what a customer already got (`Ledger::history`).
//!
//! It must not send, must not read the clock (callers hand in `now`, microseconds UTC), and must never tell of a claim that is
//! not on the disk yet. The lock that keeps two runs of one job apart is not held here.

mod adopt;
mod approvals;
mod bounces;
mod desk;
mod erase;
mod error;
mod export;
mod issued;
mod look;
mod moves;
mod open;
mod operator;
mod optout;
mod past;
mod person;
mod registered;
mod stops;

pub use adopt::{Adoption, NewMail};
pub use approvals::Signed;
pub use bounces::{Bounce, Mailed, Noted, RefusedMail};
pub use desk::{Desk, Run};
pub use erase::{AGED, AGED_REASON, FORGOTTEN, Trace};
pub use error::Error;
pub use look::{Doubt, Entry};
pub use moves::{Claim, Recovered, retry_after};
pub use operator::{Verdict, Which};
pub use optout::OptOut;
pub use past::{Past, Suppression};
pub use person::{PastState, Stop};
pub use registered::Registered;
pub use stops::Look;

/// What the functions of this room give back.
pub type Result<T> = std::result::Result<T, Error>;

/// An open ledger. Made by [`Ledger::open`] or [`Ledger::open_existing`].
#[derive(Debug)]
pub struct Ledger {
    connection: rusqlite::Connection,
    stops: stops::Stops,
}
