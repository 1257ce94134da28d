//! Mails that came back, and people who called them spam.

use super::job::Language;

/// What a report says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BounceKind {
    /// The address does not exist: no mail will ever arrive there.
    Hard,
    /// It did not arrive this time: a full mailbox, a server that was away for days.
    Soft,
    /// The mail was refused, not the address: a filter, a list, a person who lets nobody in.
    Blocked,
    /// The recipient called the mail spam.
    Complaint,
}

impl BounceKind {
    pub const ALL: [Self; 4] = [Self::Hard, Self::Soft, Self::Blocked, Self::Complaint];

    /// The word in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Blocked => "blocked",
            Self::Complaint => "complaint",
        }
    }

    /// The kind for people.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::Hard => language.pick("不達（宛先なし）", "came back: no such address"),
            Self::Soft => language.pick("不達（一時的）", "came back this time"),
            Self::Blocked => language.pick("受信拒否", "refused by the recipient's server"),
            Self::Complaint => language.pick("迷惑メールの申告", "called spam"),
        }
    }

    /// The kind of a word in the ledger.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How many soft bounces stop an address: so many mails, sent within so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftRule {
    pub times: u32,
    pub days: u32,
}

impl Default for SoftRule {
    fn default() -> Self {
        Self { times: 3, days: 90 }
    }
}
