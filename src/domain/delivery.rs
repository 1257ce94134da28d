//! What is handed to a mail server, and what came of it.

/// One finished mail and its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub mail_id: String,
    /// Envelope sender (return path).
    pub from: String,
    /// Envelope recipient, already checked: no control characters, no blanks, no brackets.
    pub to: String,
    /// The whole message, lines end in CRLF, no line over 998 bytes, no bare CR or LF, no NUL.
    pub bytes: Vec<u8>,
}

/// What became of one attempt. Each variant keeps the server's words for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Accepted {
        reply: String,
    },
    /// Refused for good: code (5xx) and words.
    Rejected {
        code: u16,
        reply: String,
    },
    /// Refused for now.
    Deferred {
        code: Option<u16>,
        reply: String,
    },
    /// The final dot was written and no clear answer came.
    InDoubt {
        reply: String,
    },
    /// Nothing happened to this mail; the run has a problem.
    Untouched(RunTrouble),
}

/// A problem of the run, not of one mail. The mail stays planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunTrouble {
    /// The server cannot be reached now; trying again later may help.
    Unreachable { reply: String },
    /// No attempt was made: the server was away a moment ago, or another connection is at its door. `reply` tells of the last failure.
    Waiting { reply: String },
    /// The server refuses us for good: wrong credentials, refused sender, refused at the door.
    Refused { reply: String },
    /// The disk of the outbox refuses: full, read-only, gone.
    Outbox { reply: String },
}

/// A mail's state in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Planned,
    Handing,
    Accepted,
    Rejected,
    Deferred,
    InDoubt,
    Suppressed,
    Held,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Handing,
        Self::Accepted,
        Self::Rejected,
        Self::Deferred,
        Self::InDoubt,
        Self::Suppressed,
        Self::Held,
        Self::Cancelled,
    ];

    /// The word in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Handing => "handing",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Deferred => "deferred",
            Self::InDoubt => "in_doubt",
            Self::Suppressed => "suppressed",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a word in the ledger.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
