//! Lists for other hands: what a printer, LINE, a call centre, a house that sends gifts, an ad platform and the shop's cart are given.
//!
//! The room writes what it is told into the forms that they take. Who is on a list was decided by the plan and the ledger; it reads and
//! writes no file. Texts are made harmless for spreadsheets, save in files that only programs read.

mod ads;
mod people;
mod ranks;

pub use ranks::{ranks_head, ranks_row};

use crate::domain::job::Language;
use crate::domain::list::{Entry, ListKind};

/// A whole list, and how many it names.
#[must_use]
pub fn write(kind: ListKind, entries: &[Entry], language: Language) -> (String, u64) {
    match kind {
        ListKind::Post => people::post(entries, language),
        ListKind::Call => people::call(entries, language),
        ListKind::Gifts => people::gifts(entries, language),
        ListKind::Line => people::line(entries),
        ListKind::Google => ads::hashed("Email", entries, ads::for_google),
        ListKind::Meta => ads::hashed("email", entries, ads::for_meta),
    }
}
