//! Mails that came back, and people who called them spam.

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
