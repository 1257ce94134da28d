//! What every Parquet file from outside passes before its values are decoded: bounds on footer and pages, and a watch over the reader.
//!
//! The reader believes what a file says of itself: it reserves memory for pages, dictionaries and columns before it looks at them, and
//! its authors treat a panic on a malformed file as an ordinary bug. So this room reads the footer and the heads of pages itself, first,
//! and refuses what cannot be true or is too much; what is left of panics becomes an error. It knows no room; the rooms that read
//! Parquet know it.

mod deltas;
mod footer;
mod inflate;
mod pages;
#[cfg(test)]
mod tests;
mod thrift;
mod watch;

pub use footer::{Footer, LONGEST_ITEM};
pub use watch::{is_watched, watched};

/// What keeps a file from being read. The caller adds the file's name and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not what it is taken for.
    #[error("{0}")]
    NotParquet(&'static str),
    /// It contradicts itself.
    #[error("{0}")]
    Damaged(String),
    /// It may be sound, and would take more memory or time than a file is given.
    #[error("{0}")]
    TooMuch(String),
    #[error("it is compressed by {0}")]
    Compression(&'static str),
}

/// Where something is, for people, counted from 1.
fn place(group: usize, column: &str) -> String {
    format!("row group {}, column `{column}`", group + 1)
}

/// A number with commas, because nobody counts ten digits.
fn counted(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
