//! What the key marks: mails, links, coupons. And who is held out, which needs no key.

use crate::domain::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// Capital letters and digits that do not read alike: no 0 and O, no 1, I and L.
const ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";

/// The largest multiple of 31 that a byte can reach. Bytes from here on are thrown away, so that every letter is as likely.
const FAIR: u8 = 248;

/// A mark that is not finished, so that one that came back can be compared with it.
pub(super) type Mark = Hmac<Sha256>;

/// Letters of a coupon code: 31^12 codes, about 59 bits.
const COUPON_LENGTH: usize = 12;

/// The name of a mail: 32 lower-case hex digits (128 bits), the same for the same job, date, customer and campaign. It is safe as
/// a file name and as the left part of a Message-ID.
#[must_use]
pub fn mail_id(key: &Key, job: &str, as_of: NaiveDate, customer: &str, campaign: &str) -> String {
    let mark = sign(key, &["mail", job, &as_of.to_string(), customer, campaign]);
    let (mark, _) = mark.split_at(16);
    super::hex(mark)
}

/// The opt-out token of a customer: `1.KEY_ID.CUSTOMER.MARK`, the last two base64url without padding, the mark 128 bits.
#[must_use]
pub fn token(key: &Key, customer: &str) -> String {
    let mark = token_mark(key, customer).finalize().into_bytes();
    let (mark, _) = mark.split_at(16);
    format!("1.{}.{}.{}", key.id, URL_SAFE_NO_PAD.encode(customer), URL_SAFE_NO_PAD.encode(mark))
}

/// The mark of a customer's opt-out token, of which the token carries the first 128 bits.
pub(super) fn token_mark(key: &Key, customer: &str) -> Mark {
    mark(key, &["token", customer])
}

/// A coupon code of 12 letters. `attempt` counts from 0; another attempt gives another code, for the rare case that one is taken.
#[must_use]
pub fn coupon(key: &Key, job: &str, as_of: NaiveDate, customer: &str, campaign: &str, attempt: u32) -> String {
    let (as_of, attempt) = (as_of.to_string(), attempt.to_string());
    // One block nearly always holds 12 fair bytes; where it does not, the next one follows.
    let blocks = (0_u32..).flat_map(|block| sign(key, &["coupon", job, &as_of, customer, campaign, &attempt, &block.to_string()]));
    let letters = blocks.filter(|byte| *byte < FAIR).filter_map(|byte| ALPHABET.get(usize::from(byte % 31)));
    letters.take(COUPON_LENGTH).copied().map(char::from).collect()
}

/// The mark of an id or an address that was forgotten: 32 hex digits, by which it is known when it comes again, and not otherwise.
#[must_use]
pub fn forgotten(key: &Key, text: &str) -> String {
    let mark = sign(key, &["forgotten", text]);
    let (mark, _) = mark.split_at(16);
    super::hex(mark)
}

/// Whether a customer belongs to the share (0 to 1) that gets nothing: the first 8 bytes (big endian) of
/// SHA-256("holdout" ‖ 0 ‖ salt ‖ 0 ‖ customer id), as a share of 2^64, are below it. The same people every month.
#[must_use]
pub fn held_out(salt: &str, customer: &str, share: f64) -> bool {
    falls_below("holdout", salt, customer, share)
}

/// Whether a customer belongs to the share of those a campaign is for who get it: as for the holdout, with the purpose "share" and the
/// campaign's name as salt.
#[must_use]
pub fn shared(campaign: &str, customer: &str, share: f64) -> bool {
    falls_below("share", campaign, customer, share)
}

/// A customer's lot in one draw of a campaign; the smallest lots win. `round` names the draw: all runs of one occasion go on with the same
/// lots, so whoever was not drawn has no second chance at the next run.
#[must_use]
pub fn lot(key: &Key, job: &str, round: &str, customer: &str, campaign: &str) -> [u8; 32] {
    sign(key, &["draw", job, round, customer, campaign])
}

/// Which of some shares, one after the other, a customer of a campaign falls into: the first 8 bytes (big endian) of a mark as a share
/// of 2^64. The same one at every run; what is beyond the last share falls into the last.
#[must_use]
pub fn split(key: &Key, job: &str, customer: &str, campaign: &str, shares: impl ExactSizeIterator<Item = f64>) -> usize {
    let number = number(&sign(key, &["variant", job, customer, campaign]));
    let last = shares.len().saturating_sub(1);
    let ends = shares.scan(0.0, |end, share| {
        *end += share;
        Some(bound(*end))
    });
    ends.take(last).position(|end| u128::from(number) < end).unwrap_or(last)
}

fn falls_below(purpose: &str, salt: &str, customer: &str, share: f64) -> bool {
    let hash =
        Sha256::new().chain_update(purpose).chain_update(b"\0").chain_update(salt).chain_update(b"\0").chain_update(customer).finalize();
    u128::from(number(&hash)) < bound(share)
}

/// The first 8 bytes, big endian.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
}

/// A share of 2^64. The product with a power of two is exact, and a whole number is below a bound just when it is below the bound
/// rounded up.
fn bound(share: f64) -> u128 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bound lies between 0 and 2^64")]
    let bound = (share.clamp(0.0, 1.0) * 2_f64.powi(64)).ceil() as u128;
    bound
}

/// HMAC-SHA256 of the fields, each behind its length (8 bytes, big endian), so that no two lists of fields are the same bytes. The
/// first one says what the mark is for.
pub(super) fn mark(key: &Key, fields: &[&str]) -> Mark {
    // HMAC fills a short key up with zeros to the block of its hash; a whole block cannot have a wrong length.
    let mut block = [0_u8; 64];
    let (start, _) = block.split_at_mut(key.bytes.len());
    start.copy_from_slice(&key.bytes);
    let mut mac = <Mark as hmac::digest::KeyInit>::new(&block.into());
    for field in fields {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field.as_bytes());
    }
    mac
}

fn sign(key: &Key, fields: &[&str]) -> [u8; 32] {
    mark(key, fields).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The expected values here were computed with Python's `hmac` and `hashlib` for the key 00 01 … 1f.
    fn key() -> Key {
        Key { bytes: std::array::from_fn(|at| u8::try_from(at).unwrap_or_default()), id: "3e4d8fc7".into(), demo: false }
    }

    fn first() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, 1).expect("a date")
    }

    #[test]
    fn marks_agree_with_an_independent_computation() {
        assert_eq!(mail_id(&key(), "monthly", first(), "C-0042", "birthday"), "ab12ee5200841f8ec121b8cf78aa5675");
        assert_eq!(token(&key(), "顧客/42"), "1.3e4d8fc7.6aGn5a6iLzQy.GlTzcapNcNKqAmHXCXZChg");
        assert_eq!(coupon(&key(), "monthly", first(), "C-0042", "birthday", 0), "57KZF5GET84B");
        assert_eq!(coupon(&key(), "monthly", first(), "C-0042", "birthday", 1), "8FDJ4F8XFQZF");
    }

    #[test]
    fn a_share_is_the_same_people_and_not_those_of_the_holdout() {
        let ids: Vec<String> = (0..10_000).map(|number| format!("C-{number:04}")).collect();
        let within = |campaign: &str, share| ids.iter().filter(|id| shared(campaign, id, share)).collect::<Vec<_>>();
        let (tenth, fifth) = (within("event", 0.1), within("event", 0.2));
        assert!((900..1_100).contains(&tenth.len()) && tenth.iter().all(|id| fifth.contains(id)), "a larger share has the smaller in it");
        assert_ne!(tenth, within("newsletter", 0.1));
        assert!(tenth.iter().any(|id| !held_out("event", id, 0.1)));
    }

    #[test]
    fn people_are_split_by_their_shares_and_stay() {
        let ids: Vec<String> = (0..10_000).map(|number| format!("C-{number:04}")).collect();
        let place = |id: &str, shares: &[f64]| split(&key(), "j", id, "news", shares.iter().copied());
        let mut counts = [0_i64; 3];
        for id in &ids {
            counts[place(id, &[0.2, 0.3, 0.5])] += 1;
        }
        for (count, wanted) in counts.into_iter().zip([2_000, 3_000, 5_000]) {
            assert!((count - wanted).abs() < 200, "{counts:?}");
        }
        assert!(ids.iter().all(|id| place(id, &[1.0]) == 0 && place(id, &[0.1, 0.1]) < 2));
        assert!(ids.iter().any(|id| place(id, &[0.5, 0.5]) != split(&key(), "j", id, "other", [0.5, 0.5].into_iter())));
    }

    #[test]
    fn lots_differ_by_draw_customer_and_campaign() {
        let lots = [("1", "c", "a"), ("1", "c", "b"), ("1", "d", "a"), ("2", "c", "a")]
            .map(|(round, customer, campaign)| lot(&key(), "j", round, customer, campaign));
        assert_eq!(lots.iter().collect::<HashSet<_>>().len(), 4);
        assert_eq!(lots[0], lot(&key(), "j", "1", "c", "a"));
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(mail_id(&key(), "a", first(), "bc", "d"), mail_id(&key(), "a", first(), "b", "cd"));
        let other = Key { bytes: [7; 32], ..key() };
        assert_ne!(mail_id(&key(), "a", first(), "b", "c"), mail_id(&other, "a", first(), "b", "c"));
    }

    #[test]
    fn coupon_letters_are_fair_and_do_not_read_alike() {
        let codes: Vec<String> = (0..2_000).map(|attempt| coupon(&key(), "j", first(), "c", "n", attempt)).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        let mut counts = [0_i64; 128];
        for letter in codes.iter().flat_map(|code| code.bytes()) {
            assert!(ALPHABET.contains(&letter), "{letter}");
            counts[usize::from(letter)] += 1;
        }
        assert!(codes.iter().all(|code| code.len() == COUPON_LENGTH));
        // 24,000 letters over 31: about 774 each, with a standard deviation near 27.
        for letter in ALPHABET {
            assert!((counts[usize::from(*letter)] - 774).abs() < 150, "{letter}: {}", counts[usize::from(*letter)]);
        }
    }

    #[test]
    fn the_same_people_are_held_out() {
        // C-0001 lies at 0.7146, C-0002 at 0.3976, C-0042 at 0.0963; with the salt 2026 the last one at 0.1914.
        assert!(held_out("", "C-0001", 0.7146) && !held_out("", "C-0001", 0.7145));
        assert!(held_out("", "C-0002", 0.3976) && !held_out("", "C-0002", 0.3975));
        assert!(held_out("", "C-0042", 0.0963) && !held_out("", "C-0042", 0.0962));
        assert!(!held_out("2026", "C-0042", 0.19) && held_out("2026", "C-0042", 0.1914));
        let held = (0..10_000).filter(|number| held_out("", &format!("C-{number:04}"), 0.05)).count();
        assert_eq!(held, 512);
        for customer in ["", "a", "京都"] {
            assert!(!held_out("", customer, 0.0) && !held_out("", customer, f64::NAN) && held_out("", customer, 1.0));
        }
    }
}
