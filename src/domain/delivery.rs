//! What is handed to a mail server, and what came of it.

use super::job::Language;

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

/// An enhanced status code (RFC 3463), such as 5.1.1: it says what a refusal is about, where the plain code does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Enhanced {
    /// 2, 4 or 5.
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

impl Enhanced {
    /// The code that a word is, if it is one.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let number = |part: &str| -> Option<u16> {
            let is_short = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            is_short.then(|| part.parse().ok()).flatten()
        };
        let mut parts = word.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let code = Self { class, subject: number(parts.next()?)?, detail: number(parts.next()?)? };
        parts.next().is_none().then_some(code)
    }

    /// The code of a reply as the ledger keeps it: `550 5.1.1 user unknown`. A code of another class than the reply's is none.
    #[must_use]
    pub fn of_reply(reply: &str) -> Option<Self> {
        let (code, rest) = reply.split_once(' ')?;
        let found = Self::of_word(rest.split(' ').next()?)?;
        code.starts_with(char::from(b'0' + found.class)).then_some(found)
    }
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
    /// The run is being stopped, and this mail had not left.
    Stopped { reply: String },
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

    /// The state for people.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::Planned => language.pick("未送信", "planned"),
            Self::Handing => language.pick("送信中", "handing"),
            Self::Accepted => language.pick("送信済み", "accepted"),
            Self::Rejected => language.pick("拒否", "rejected"),
            Self::Deferred => language.pick("再送待ち", "deferred"),
            Self::InDoubt => language.pick("不明", "in doubt"),
            Self::Suppressed => language.pick("停止", "suppressed"),
            Self::Held => language.pick("保留", "held"),
            Self::Cancelled => language.pick("取消", "cancelled"),
        }
    }

    /// The state of a word in the ledger.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_are_read_where_they_stand() {
        let code = |class, subject, detail| Some(Enhanced { class, subject, detail });
        for (reply, wanted) in [
            ("550 5.1.1 user unknown", code(5, 1, 1)),
            ("452 4.2.2 full", code(4, 2, 2)),
            ("250 2.0.0", code(2, 0, 0)),
            ("554 5.7.606 access denied", code(5, 7, 606)),
            ("550 4.1.1 another class", None),
            ("550 user 5.1.1 unknown", None),
            ("550 5.1", None),
            ("550 5.1.1.1 x", None),
            ("550 5.1.1000 x", None),
            ("550 5..1 x", None),
            ("550 3.1.1 x", None),
            ("550", None),
            ("", None),
        ] {
            assert_eq!(Enhanced::of_reply(reply), wanted, "{reply}");
        }
    }
}
