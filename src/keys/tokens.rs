//! Tokens that come back to the shop, and whether one of its keys has made them.

use super::marks::{Mark, mark, token_mark};
use crate::domain::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;

/// Longer than any token: an opt-out link stands in a header line.
const LONGEST: usize = 2_000;
/// A mail id, 128 bits, and its mark, 64 bits, as hex digits: both fit into the local part of an address, which may come back in capitals.
const MAIL_ID: usize = 32;
/// The length of a bounce token.
pub const BOUNCE_TOKEN: usize = MAIL_ID + 16;

/// The customer of an opt-out token that one of the keys has made; `None` for all others, whatever is wrong with them.
#[must_use]
pub fn customer_of(keys: &[Key], token: &str) -> Option<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [version, id, customer, mark] = parts.as_slice() else { return None };
    if *version != "1" || token.len() > LONGEST {
        return None;
    }
    let customer = String::from_utf8(URL_SAFE_NO_PAD.decode(customer).ok()?).ok()?;
    let mark: [u8; 16] = URL_SAFE_NO_PAD.decode(mark).ok()?.try_into().ok()?;
    let key = keys.iter().find(|key| key.id == *id)?;
    is_mark(token_mark(key, &customer), &mark).then_some(customer)
}

/// What a return path carries (`bounce+TOKEN@shop.example`), so that a bounce tells which mail it is of: letters and digits, for any case.
#[must_use]
pub fn bounce_token(key: &Key, mail_id: &str) -> String {
    let whole = mark(key, &["bounce", mail_id]).finalize().into_bytes();
    let (start, _) = whole.split_at(8);
    format!("{mail_id}{}", super::hex(start))
}

/// The mail of a bounce token that one of the keys has made; `None` for all others.
#[must_use]
pub fn mail_of(keys: &[Key], token: &str) -> Option<String> {
    if token.len() != BOUNCE_TOKEN || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let token = token.to_ascii_lowercase();
    let (mail_id, digits) = token.split_at_checked(MAIL_ID)?;
    let mut found = [0_u8; 8];
    for (byte, pair) in found.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    keys.iter().any(|key| is_mark(mark(key, &["bounce", mail_id]), &found)).then(|| mail_id.to_owned())
}

/// Compares in a time that does not tell how much of a mark is right.
fn is_mark(mark: Mark, found: &[u8]) -> bool {
    mark.verify_truncated_left(found).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::token;
    use proptest::prelude::*;

    fn key(byte: u8) -> Key {
        Key { bytes: [byte; 32], id: format!("{byte:08x}"), demo: false }
    }

    #[test]
    fn a_token_leads_back_to_its_customer_with_either_live_key() {
        let keys = [key(1), key(2)];
        for (key, customer) in keys.iter().zip(["C-0042", "顧客/42"]) {
            assert_eq!(customer_of(&keys, &token(key, customer)).as_deref(), Some(customer));
        }
        assert_eq!(customer_of(&keys[..1], &token(&keys[1], "a")), None, "a key that is no longer live");
    }

    #[test]
    fn no_changed_token_is_one() {
        let keys = [key(1)];
        let good = token(&keys[0], "C-0042");
        for at in 0..good.len() {
            let mut bad = good.clone().into_bytes();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(customer_of(&keys, std::str::from_utf8(&bad).unwrap()), None, "changed at {at}");
        }
        let marks = good.rsplit('.').next().unwrap();
        for bad in [
            String::new(),
            "1".into(),
            "1...".into(),
            good.replacen("1.", "2.", 1),
            format!("{good}A"),
            format!("{good}=="),
            good[..good.len() - 1].to_owned(),
            good[..good.len() - marks.len()].to_owned(),
            format!("1.{}.{}.{marks}", keys[0].id, "A".repeat(5_000)),
        ] {
            assert_eq!(customer_of(&keys, &bad), None, "{bad}");
        }
        assert_eq!(customer_of(&[], &good), None);
    }

    #[test]
    fn a_bounce_token_leads_back_to_its_mail_in_any_case() {
        let keys = [key(1), key(2)];
        let mail = "ab12ee5200841f8ec121b8cf78aa5675";
        let token = bounce_token(&keys[1], mail);
        assert!(token.len() + "bounce+".len() <= 64, "it fits into a local part");
        assert_eq!(mail_of(&keys, &token).as_deref(), Some(mail));
        assert_eq!(mail_of(&keys, &token.to_uppercase()).as_deref(), Some(mail));
        assert_eq!(mail_of(&keys[..1], &token), None);
        for at in 0..token.len() {
            let mut bad = token.clone().into_bytes();
            bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(mail_of(&keys, std::str::from_utf8(&bad).unwrap()), None, "changed at {at}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([0-9a-fA-Fé.]{0,60}|1\\.00000001\\.[A-Za-z0-9_-]{0,8}\\.[A-Za-z0-9_-]{22})") {
            prop_assert_eq!(customer_of(&[key(1)], &text), None);
            prop_assert_eq!(mail_of(&[key(1)], &text), None);
        }
    }
}
