//! What each answer of a server means, as one table without any network in it.

use super::reply::Reply;
use crate::domain::delivery::{Enhanced, Outcome, RunTrouble};

/// Words of a server that refuses the sender, in lower case.
const SENDER_REFUSED: [&str; 2] = ["sender address rejected", "sender verify failed"];
/// Words of a server that relays for nobody whom it does not know.
const RELAY_REFUSED: [&str; 8] = [
    "relay access denied",
    "relaying denied",
    "relay denied",
    "relay not permitted",
    "not permitted to relay",
    "unable to relay",
    "authentication required",
    "authentication is required",
];

/// How far a mail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The server's first words.
    Greeting,
    Ehlo,
    StartTls,
    /// The last answer to signing in.
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The text is under way and the final dot has not left.
    Text,
    /// The final dot has left.
    Dot,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Reply(Reply),
    /// The connection broke, nothing came in time, or what came is no reply; in words.
    Lost(String),
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The next stage.
    Go,
    /// The mail is done with, and the connection can be used on: after a RSET where a transaction is open.
    Done { outcome: Outcome, reset: bool },
    /// The mail is done with, and the connection is not to be trusted any more.
    Close(Outcome),
}

/// Judges an answer. Only the exact code of success at each stage counts as success.
pub fn judge(stage: Stage, answer: &Answer) -> Verdict {
    let reply = match answer {
        Answer::Reply(reply) => reply,
        Answer::Lost(words) => return Verdict::Close(lost(stage, words.clone())),
    };
    let success: &[u16] = match stage {
        Stage::Greeting | Stage::StartTls => &[220],
        Stage::Auth => &[235],
        Stage::Ehlo | Stage::Mail | Stage::Dot => &[250],
        // 251 takes the mail too, and passes it on.
        Stage::Rcpt => &[250, 251],
        Stage::Data => &[354],
        Stage::Text => &[],
    };
    if success.contains(&reply.code) {
        return match stage {
            Stage::Dot => Verdict::Done { outcome: Outcome::Accepted { reply: reply.words() }, reset: false },
            _ => Verdict::Go,
        };
    }
    let words = reply.words();
    let reset = matches!(stage, Stage::Rcpt | Stage::Data);
    let outcome = match (stage, reply.code) {
        (Stage::Greeting | Stage::Ehlo | Stage::StartTls | Stage::Auth | Stage::Mail, 500..) => {
            Outcome::Untouched(RunTrouble::Refused { reply: words })
        }
        (Stage::Rcpt, 500..) if refuses_sender(&words) => Outcome::Untouched(RunTrouble::Refused { reply: words }),
        (Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Dot, 400..500) => Outcome::Deferred { code: Some(reply.code), reply: words },
        (Stage::Rcpt | Stage::Data | Stage::Dot, 500..) => Outcome::Rejected { code: reply.code, reply: words },
        _ => return Verdict::Close(lost(stage, words)),
    };
    // With 421 the server says that it closes the connection.
    if reply.code == 421 || matches!(stage, Stage::Greeting | Stage::Ehlo | Stage::StartTls | Stage::Auth) {
        Verdict::Close(outcome)
    } else {
        Verdict::Done { outcome, reset }
    }
}

/// Whether a refusal for good is of the sender: many servers answer MAIL well and tell only at RCPT that they know neither it nor us.
fn refuses_sender(reply: &str) -> bool {
    let said = reply.to_ascii_lowercase();
    matches!(Enhanced::of_reply(reply), Some(Enhanced { subject: 1, detail: 7 | 8, .. }))
        || SENDER_REFUSED.iter().any(|words| said.contains(words))
        || RELAY_REFUSED.iter().any(|words| said.contains(words)) && !speaks_of_another(&said)
}

/// Whether a server tells what it was told by the recipient's own: that is about the one recipient.
fn speaks_of_another(said: &str) -> bool {
    ["undeliverable", " said:", "recipient address rejected"].iter().any(|words| said.contains(words))
}

/// No clear answer. Only after the final dot can the mail have been taken.
fn lost(stage: Stage, reply: String) -> Outcome {
    match stage {
        Stage::Greeting | Stage::Ehlo | Stage::StartTls | Stage::Auth => Outcome::Untouched(RunTrouble::Unreachable { reply }),
        Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Text => Outcome::Deferred { code: None, reply },
        Stage::Dot => Outcome::InDoubt { reply },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: [(Stage, u16); 4] = [(Stage::Greeting, 220), (Stage::Ehlo, 250), (Stage::StartTls, 220), (Stage::Auth, 235)];
    const MAIL: [Stage; 5] = [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Text, Stage::Dot];

    fn cell(stage: Stage, code: u16) -> &'static str {
        match judge(stage, &Answer::Reply(Reply { code, lines: vec!["words".into()] })) {
            Verdict::Go => "go",
            Verdict::Done { outcome, reset } => match (outcome, reset) {
                (Outcome::Accepted { .. }, false) => "accepted",
                (Outcome::Deferred { .. }, false) => "deferred",
                (Outcome::Deferred { .. }, true) => "deferred, RSET",
                (Outcome::Rejected { .. }, false) => "rejected",
                (Outcome::Rejected { .. }, true) => "rejected, RSET",
                (Outcome::Untouched(RunTrouble::Refused { .. }), false) => "stop",
                _ => "?",
            },
            Verdict::Close(outcome) => match outcome {
                Outcome::Deferred { .. } => "deferred, close",
                Outcome::InDoubt { .. } => "in doubt, close",
                Outcome::Untouched(RunTrouble::Unreachable { .. }) => "later, close",
                Outcome::Untouched(RunTrouble::Refused { .. }) => "stop, close",
                _ => "?",
            },
        }
    }

    /// Every code a reply can have, at every stage, against the table written as plain rules.
    #[test]
    fn every_code_at_every_stage() {
        for code in 200..600 {
            let transient = (400..500).contains(&code);
            let permanent = code >= 500;
            for (stage, success) in DOOR {
                let wanted = if code == success {
                    "go"
                } else if permanent {
                    "stop, close"
                } else {
                    "later, close"
                };
                assert_eq!(cell(stage, code), wanted, "{stage:?} {code}");
            }
            let mail = match code {
                250 => "go",
                421 => "deferred, close",
                _ if transient => "deferred",
                _ if permanent => "stop",
                _ => "deferred, close",
            };
            assert_eq!(cell(Stage::Mail, code), mail, "MAIL {code}");
            for (stage, success) in [(Stage::Rcpt, &[250, 251][..]), (Stage::Data, &[354])] {
                let wanted = match code {
                    _ if success.contains(&code) => "go",
                    421 => "deferred, close",
                    _ if transient => "deferred, RSET",
                    _ if permanent => "rejected, RSET",
                    _ => "deferred, close",
                };
                assert_eq!(cell(stage, code), wanted, "{stage:?} {code}");
            }
            let dot = match code {
                250 => "accepted",
                421 => "deferred, close",
                _ if transient => "deferred",
                _ if permanent => "rejected",
                _ => "in doubt, close",
            };
            assert_eq!(cell(Stage::Dot, code), dot, "dot {code}");
        }
    }

    #[test]
    fn a_sender_refused_at_rcpt_is_no_matter_of_the_recipient() {
        let verdict = |stage, code, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            judge(stage, &Answer::Reply(Reply { code, lines }))
        };
        for lines in [
            &["5.1.8 <b@shop.example>: Sender address rejected: Domain not found"][..],
            &["5.1.0 <b@shop.example>: Sender address rejected: User unknown in virtual mailbox table"],
            &["5.1.7 bad address syntax"],
            &["No Such User Here", "Sender verify failed"],
            &["5.7.1 <a@b.example>: Relay access denied"],
            &["relay not permitted"],
            &["5.7.1 Unable to relay for a@b.example"],
            &["5.7.0 Authentication required"],
        ] {
            let refused = verdict(Stage::Rcpt, 550, lines);
            let is_of_the_run = matches!(&refused, Verdict::Done { outcome: Outcome::Untouched(RunTrouble::Refused { .. }), reset: true });
            assert!(is_of_the_run, "{lines:?}: {refused:?}");
            assert!(matches!(verdict(Stage::Rcpt, 450, lines), Verdict::Done { outcome: Outcome::Deferred { .. }, .. }), "{lines:?}");
        }
        // What another server said of one recipient is told here as it was told there.
        let told =
            ["5.1.1 <a@b.example>: Recipient address rejected: undeliverable address: host mx.b.example said: 554 Relay access denied"];
        for lines in [&told, &["5.1.1 User unknown"], &["5.7.1 Recipient address rejected: Access denied"], &["5.1.80 a"]] {
            let refused = verdict(Stage::Rcpt, 550, lines);
            assert!(matches!(refused, Verdict::Done { outcome: Outcome::Rejected { .. }, .. }), "{lines:?}: {refused:?}");
        }
    }

    #[test]
    fn only_after_the_dot_a_lost_answer_leaves_doubt() {
        for stage in DOOR.map(|(stage, _)| stage).into_iter().chain(MAIL) {
            let verdict = judge(stage, &Answer::Lost("gone".into()));
            let reply = "gone".to_owned();
            let wanted = match stage {
                Stage::Greeting | Stage::Ehlo | Stage::StartTls | Stage::Auth => Outcome::Untouched(RunTrouble::Unreachable { reply }),
                Stage::Dot => Outcome::InDoubt { reply },
                _ => Outcome::Deferred { code: None, reply },
            };
            assert_eq!(verdict, Verdict::Close(wanted), "{stage:?}");
        }
    }
}
