//! The message room: from a customer's figures to the finished mail.
//!
//! It reads the shop's template folder once ([`Templates::load`]), gathers what a template may say ([`values`]), renders a mail's
//! parts ([`Templates::render`]), checks that the law's displays are in them ([`Law`]), identifies them ([`hash`]) and puts
//! headers and MIME around them ([`compose`]).
//!
//! It must not print, send, choose who gets a mail, or read a clock. A customer's data is only ever a value, never template source.

mod bounded;
mod branches;
mod check;
mod compose;
mod elements;
mod encode;
mod escape;
mod files;
mod filters;
mod held;
mod legal;
mod lexer;
mod limits;
mod looks;
mod markup;
mod names;
mod needed;
mod nesting;
mod page;
mod parts;
mod plain;
mod possible;
mod problem;
mod quiet;
mod reading;
mod render;
mod scan;
mod shown;
mod space;
mod stencils;
mod tags;
mod templates;
mod values;

pub use branches::Branch;
pub use compose::{ComposeError, Head, address_of, check_head, compose};
pub use held::{Held, Kind};
pub use legal::Law;
pub use limits::{note_memory, within};
pub use looks::LEADS;
pub use names::Names;
pub use possible::{Possible, Sample};
pub use problem::{Problem, Severity};
pub use quiet::quiet;
pub use render::RenderError;
pub use templates::{Templates, Working};
pub use values::{ValueParts, values};

use std::path::PathBuf;

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the template folder `{}` cannot be read: {reason}; set `templates` in the job to the folder that holds a folder for each campaign", folder.display())]
    Folder { folder: PathBuf, reason: String },
    /// Everything that is wrong, errors and warnings, sorted by file and line.
    #[error("{}", problem::show_all(.0))]
    Problems(Vec<Problem>),
}

impl Error {
    /// Everything that is wrong with the templates, with places; empty when the folder itself cannot be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Problems(problems) => problems,
            Self::Folder { .. } => &[],
        }
    }
}

/// The parts of one rendered mail. Lines end in LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// One line; empty only in what does not go by mail.
    pub subject: String,
    /// What an inbox shows after the subject; it is hidden in the HTML.
    pub preheader: Option<String>,
    pub html: String,
    pub text: String,
    /// The text was made from the HTML, and shows its words and link targets only.
    pub is_mirror: bool,
}

impl Content {
    /// The subject alone, of a content that is done with. The space of the other parts is used again.
    #[must_use]
    pub fn into_subject(self) -> String {
        space::keep(self.html);
        space::keep(self.text);
        self.subject
    }
}

/// What makes two mails the same: BLAKE3 of address, subject, text and HTML, each after its length in bytes (64 bits, little endian).
#[must_use]
pub fn hash(address: &str, content: &Content) -> [u8; 32] {
    let parts = [address, &content.subject, &content.text, &content.html];
    // Given all at once, several pieces of it are hashed side by side.
    space::with(|bytes| {
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        *blake3::hash(bytes).as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_where_one_part_ends() {
        let content = |subject: &str, text: &str| Content {
            subject: subject.into(),
            preheader: None,
            html: "h".into(),
            text: text.into(),
            is_mirror: false,
        };
        assert_eq!(hash("a@b", &content("ab", "c")), hash("a@b", &content("ab", "c")));
        assert_ne!(hash("a@b", &content("ab", "c")), hash("a@b", &content("a", "bc")));
        assert_ne!(hash("a@b", &content("ab", "c")), hash("a@c", &content("ab", "c")));
    }
}
