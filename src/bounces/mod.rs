//! What a mail says that came back: a delivery report (RFC 3464), a complaint (RFC 5965), or the words of a carrier.
//!
//! Bytes of strangers go in, a report comes out. Whose mail it was of, and what follows from it, is not decided here.

mod judge;
mod read;

pub use judge::{Evidence, judge};
pub use read::{Report, read};
