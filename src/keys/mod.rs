//! The shop's secret key, and what is made from it: mail ids, opt-out tokens, coupon codes. And its password for the mail server.
//!
//! It reads secrets, and makes the key file where there is none. It never shows a secret, not in errors either.

mod file;
mod marks;
mod password;
mod tokens;

pub use file::load;
pub use marks::{coupon, forgotten, held_out, lot, mail_id, shared, split, token};
pub use password::{password, private_key};
pub use tokens::{BOUNCE_TOKEN, bounce_token, customer_of, mail_of};

use std::path::PathBuf;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "there is no key file `{path}`; bring back the shop's own from its backup, or make one with `(umask 077; openssl rand -hex 32 > FILE)`: \
         a new key gives other mail ids and codes, and opt-out links sent before stop working"
    )]
    Absent { path: PathBuf },
    #[error("the environment variable `{name}` is not set; put the key there: 64 hex digits")]
    Unset { name: String },
    #[error("{place} holds no key: {found}; expected 64 hex digits (32 bytes) on one line, as `openssl rand -hex 32` writes them")]
    Malformed { place: String, found: String },
    #[error("other people of this machine can read the key file `{path}` (mode {mode:04o}); run `chmod 600` on it")]
    Open { path: PathBuf, mode: u32 },
    #[error("cannot {what} the key file `{path}`: {source}")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("cannot take the password for the mail server from {place}: {why}")]
    Password { place: String, why: String },
    #[error("cannot take the key that signs mails from the file `{path}`: {why}")]
    PrivateKey { path: PathBuf, why: String },
    #[error("this machine gives no random bytes for a new key: {0}")]
    Random(getrandom::Error),
}

/// Bytes as lower-case hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
