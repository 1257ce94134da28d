//! Lists that ad platforms match with their own: mail addresses, normalised and hashed, one column under the heading that they ask for.

use crate::domain::list::Entry;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt::Write;

/// One line for each address. Who has none, or no consent to mail, is not on it.
pub fn hashed(heading: &str, entries: &[Entry], normalise: fn(&str) -> String) -> (String, u64) {
    let mut text = format!("{heading}\r\n");
    let mut seen = HashSet::new();
    for entry in entries.iter().filter(|entry| !entry.email.is_empty()) {
        let hash = sha256(&normalise(&entry.email));
        if seen.insert(hash.clone()) {
            text += &hash;
            text += "\r\n";
        }
    }
    (text, seen.len() as u64)
}

fn sha256(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Without outer blanks, in lower case.
pub fn for_meta(address: &str) -> String {
    address.trim().to_lowercase()
}

/// The same, and Gmail's addresses without the points and the +suffix that Gmail does not look at.
pub fn for_google(address: &str) -> String {
    let plain = for_meta(address);
    match plain.rsplit_once('@') {
        Some((local, domain @ ("gmail.com" | "googlemail.com"))) => {
            let local = local.split('+').next().unwrap_or(local).replace('.', "");
            format!("{local}@{domain}")
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(email: &str) -> Entry {
        Entry { email: email.into(), ..Entry::default() }
    }

    #[test]
    fn addresses_are_normalised_as_each_platform_asks() {
        assert_eq!(for_meta(" Hana.Yamada+Tea@Gmail.com "), "hana.yamada+tea@gmail.com");
        assert_eq!(for_google(" Hana.Yamada+Tea@Gmail.com "), "hanayamada@gmail.com");
        assert_eq!(for_google("h.y@googlemail.com"), "hy@googlemail.com");
        assert_eq!(for_google("Hana.Y+tea@Example.jp"), "hana.y+tea@example.jp");
    }

    #[test]
    fn hashes_are_those_that_everybody_computes() {
        assert_eq!(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let (text, count) = hashed("email", &[entry("ABC"), entry(""), entry("abc ")], for_meta);
        assert_eq!(count, 1, "one line for each person");
        assert_eq!(text, "email\r\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n");
    }
}
