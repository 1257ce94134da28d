//! The opt-out page: one click of a mail program (RFC 8058), or a button for people.
//!
//! It reads a request within bounds of size and time and says what it asks for; whether a token is one of ours, and where an opt-out is
//! kept, its caller knows. It sets no cookie, redirects nowhere and never opts anybody out because a page was looked at.

mod form;
mod http;
mod page;
mod serve;

pub use page::Site;
pub use serve::serve;

/// What came of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is on the disk that this customer gets no more mails.
    Stored,
    /// No key of the shop made this token, for whatever reason.
    Unknown,
    /// It could not be written down.
    Failed,
}

/// What the page asks of the rest of the program.
pub struct Desk<'a> {
    /// Whether a token is one of the shop's.
    pub knows: &'a (dyn Fn(&str) -> bool + Sync),
    /// Writes down that the customer of a token opts out, and comes back when that is on the disk.
    pub stop: &'a (dyn Fn(&str) -> Stop + Sync),
}
