//! Delivery: hands finished letters to an outbox folder or a mail server, and says honestly what became of each.
//!
//! It must not choose, change or claim mails: it gets letters whose claims are committed, and gives an outcome for each. It knows
//! no ledger and no clock. Whoever calls needs one thread for each open connection.

mod answer;
#[cfg_attr(not(feature = "dkim"), path = "no_dkim.rs")]
mod dkim;
mod door;
mod letter;
mod login;
mod look;
mod opening;
mod outbox;
mod reply;
mod smtp;
mod target;
mod tls;
mod transaction;
mod wire;

pub use dkim::Signer;
pub use door::Door;
pub use look::{Showing, Tls, look};
pub use outbox::Outbox;
pub use smtp::{Deadlines, Smtp, SmtpOptions};
pub use target::{Access, Target, target};
pub use tls::config as trusted;

use crate::domain::delivery::{Letter, Outcome, RunTrouble};
use std::path::PathBuf;
use std::time::Duration;

/// The shortest and the longest pause between two attempts to reach a server.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

/// Somewhere letters can go.
pub trait Mailer: Send {
    /// Hands over letters and gives one outcome for each, in their order. Every one must be claimed before.
    fn send(&mut self, letters: &[Letter]) -> Vec<Outcome>;

    /// How many letters `send` takes best at once; that many may be in doubt when the program is killed.
    fn batch(&self) -> usize;

    /// Makes sure that letters can be handed over now: connects if there is no living connection. Call it before claiming, so that
    /// no mail is claimed for a server that is away.
    ///
    /// # Errors
    /// Why nothing can be handed over now.
    fn ready(&mut self) -> Result<(), RunTrouble>;

    /// Whether `ready` would have nothing to wait for.
    fn is_ready(&mut self) -> bool;
}

/// What is wrong with a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("cannot use the outbox `{}`: {why}; set [mail] outbox to a folder that can be written", path.display())]
    Outbox { path: PathBuf, why: String },
    #[error(
        "`{url}` is not a mail server's URL; write smtps://HOST, smtp+starttls://HOST or, for this machine, smtp://HOST, with :PORT behind it \
         where it is not the usual one"
    )]
    Url { url: String },
    #[error(
        "the URL of the mail server holds a password; take it out, and name a file or an environment variable: password_file or password_env \
         in [mail.smtp]"
    )]
    Password,
    #[error(
        "`{user}` needs a password to sign in at the mail server; name an environment variable or a file that holds it: password_env or \
         password_file in [mail.smtp]"
    )]
    NoPassword { user: String },
    #[error(
        "smtp:// would send mails unencrypted to `{host}`, which is another machine; write smtps:// or smtp+starttls://, or, where nobody can \
         read along, allow_plaintext = true in [mail.smtp]"
    )]
    Plaintext { host: String },
    #[error("cannot take the authorities in `{}`: {why}; `ca_file` must name certificates in PEM form", path.display())]
    CaFile { path: PathBuf, why: String },
    #[error(
        "this machine trusts no authority for TLS: {why}; install its ca-certificates, or name the relay's own with ca_file in [mail.smtp]"
    )]
    Roots { why: String },
    #[error(
        "the demo's key is public: anybody could write opt-out links and codes with it, so it is refused for mails to `{host}`; leave [keys] out \
         of the job, plan again, and the shop gets a key of its own"
    )]
    DemoKey { host: String },
    #[error("the key of {selector}._domainkey.{domain} cannot sign mails: {why}")]
    DkimKey { domain: String, selector: String, why: &'static str },
    #[error("cannot find the mail server `{host}`: {why}")]
    Unknown { host: String, why: String },
}

/// How long to wait before attempt number `attempt` (0 is the first repetition) to reach a server: one second at least, doubling
/// up to five minutes. The upper half is left to `jitter_seed`, so that connections do not all knock at once; the same seed gives
/// the same pauses.
#[must_use]
pub fn pause(attempt: u32, jitter_seed: u64) -> Duration {
    let (shortest, longest) = PAUSES;
    let full = shortest.saturating_mul(2_u32.saturating_pow(attempt.saturating_add(1))).min(longest);
    let half = full / 2;
    // SplitMix64 spreads neighbouring seeds and attempts evenly.
    let mut mixed = jitter_seed.wrapping_add(u64::from(attempt).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let thousandths = u32::try_from(mixed % 1001).unwrap_or(0);
    (half + half * thousandths / 1000).max(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bounds_and_differ_by_seed() {
        for attempt in [0, 1, 2, 5, 8, 20, 31, 32, u32::MAX] {
            for seed in 0..100 {
                let pause = pause(attempt, seed);
                assert!(pause >= PAUSES.0 && pause <= PAUSES.1, "{attempt} {seed} {pause:?}");
            }
        }
        assert!(pause(0, 7) <= Duration::from_secs(2));
        assert!(pause(30, 7) >= PAUSES.1 / 2);
        let different: std::collections::BTreeSet<_> = (0..16).map(|seed| pause(6, seed)).collect();
        assert!(different.len() > 12, "{different:?}");
        assert_eq!(pause(3, 9), pause(3, 9));
    }
}
