//! In place of `dkim` where rankmail was built without it: there are no signers.

use super::Error;
use secrecy::SecretString;

/// Nobody.
#[derive(Debug)]
pub enum Signer {}

impl Signer {
    /// # Errors
    /// Always.
    pub fn new(_: &SecretString, domain: &str, selector: &str) -> Result<Self, Error> {
        let why = "this rankmail was built without `--features dkim`";
        Err(Error::DkimKey { domain: domain.to_owned(), selector: selector.to_owned(), why })
    }

    pub fn public(&self) -> Option<(&'static str, Vec<u8>)> {
        match *self {}
    }

    pub fn place(&self) -> (&str, &str) {
        match *self {}
    }

    pub fn header(&self, _: &[u8]) -> Option<String> {
        match *self {}
    }
}
