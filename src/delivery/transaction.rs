//! One mail on an open connection, from MAIL to the answer after the final dot.

use super::answer::{Answer, Stage, Verdict, judge};
use super::letter::Envelope;
use super::smtp::Deadlines;
use super::wire::Wire;
use memchr::memmem;
use std::time::Duration;

/// A mail without a text.
const NOTHING: &[u8] = b".\r\n";

/// A stage, and how long the answer may take.
type Step = (Stage, Duration);

/// What the server has heard of the next mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    Nothing,
    /// MAIL, RCPT and DATA. Their answers are still to be read.
    Next,
    /// Perhaps a part of them: after the answer for this mail the connection is of no use.
    Half,
}

/// What one connection needs to speak of mails.
pub struct Talk<'a> {
    pub wire: &'a mut Wire,
    pub deadlines: &'a Deadlines,
    /// The server hears MAIL, RCPT and DATA at once.
    pub pipelining: bool,
}

impl Talk<'_> {
    /// Takes one mail through the stages, until one of them decides. `is_begun`: the server has heard MAIL, RCPT and DATA behind the mail
    /// before. Behind the final dot it hears those of `next`, for which nothing else is done: a text is begun only for a mail that is claimed.
    pub fn transact(&mut self, mail: &Envelope, is_begun: bool, text: &[u8], next: Option<&Envelope>) -> (Stage, Verdict, Begins) {
        let refused = if is_begun {
            at_once(self.wire, Ok(()), self.deadlines)
        } else if self.pipelining {
            let said = self.wire.say(opening(mail).as_bytes(), self.deadlines.mail);
            at_once(self.wire, said, self.deadlines)
        } else {
            one_by_one(self.wire, mail, self.deadlines)
        };
        if let Some((stage, verdict)) = refused {
            return (stage, verdict, Begins::Nothing);
        }
        let (stage, answer, begins) = hand_over(self.wire, &stuffed(text), next, self.deadlines);
        (stage, judge(stage, &answer), begins)
    }
}

/// MAIL, RCPT and DATA for one recipient.
fn opening(mail: &Envelope) -> String {
    format!("{}\r\n{}\r\nDATA\r\n", mail_from(mail), rcpt_to(mail))
}

fn mail_from(mail: &Envelope) -> String {
    format!("MAIL FROM:<{}>", mail.from)
}

fn rcpt_to(mail: &Envelope) -> String {
    format!("RCPT TO:<{}>", mail.to)
}

fn steps(deadlines: &Deadlines) -> [Step; 3] {
    [(Stage::Mail, deadlines.mail), (Stage::Rcpt, deadlines.rcpt), (Stage::Data, deadlines.data)]
}

/// Each step when the one before was answered; the stage that refused the mail, if one did.
fn one_by_one(wire: &mut Wire, mail: &Envelope, deadlines: &Deadlines) -> Option<(Stage, Verdict)> {
    let commands = [mail_from(mail), rcpt_to(mail), "DATA".to_owned()];
    steps(deadlines).into_iter().zip(commands).find_map(|((stage, deadline), command)| {
        let verdict = judge(stage, &wire.ask(&command, deadline));
        (verdict != Verdict::Go).then_some((stage, verdict))
    })
}

/// The answers to all steps, which were said in one write (RFC 2920). The first refusal decides about the mail; the answers behind it are
/// still read, because the connection can be used on only when each of our lines has its answer.
fn at_once(wire: &mut Wire, said: Result<(), String>, deadlines: &Deadlines) -> Option<(Stage, Verdict)> {
    let mut refused: Option<(Stage, Verdict)> = None;
    let mut is_sent = said;
    for (stage, deadline) in steps(deadlines) {
        let answer = match std::mem::replace(&mut is_sent, Ok(())) {
            Ok(()) => wire.listen(deadline),
            Err(why) => Answer::Lost(why),
        };
        let verdict = judge(stage, &answer);
        let Some((first, decided)) = refused.take() else {
            match verdict {
                Verdict::Go => {}
                closing @ Verdict::Close(_) => return Some((stage, closing)),
                done @ Verdict::Done { .. } => refused = Some((stage, done)),
            }
            continue;
        };
        let is_in_step = match (stage, &verdict) {
            // A refused sender and an accepted recipient: a text, be it empty, could arrive. It is never sent.
            (Stage::Rcpt, Verdict::Go) | (_, Verdict::Close(_)) => false,
            // The server waits for a text that nobody gets. It has to be ended, and counts for nothing.
            (Stage::Data, Verdict::Go) => end_empty(wire, deadlines),
            _ => true,
        };
        refused = Some((first, closed_unless(is_in_step, decided)));
        if !is_in_step {
            break;
        }
    }
    refused
}

/// Ends a text that has not begun; whether the server has answered that.
fn end_empty(wire: &mut Wire, deadlines: &Deadlines) -> bool {
    wire.say(NOTHING, deadlines.text).is_ok() && matches!(wire.listen(deadlines.dot), Answer::Reply(reply) if reply.code != 421)
}

/// The same verdict about the mail, and none the better about the connection.
fn closed_unless(is_in_step: bool, verdict: Verdict) -> Verdict {
    match verdict {
        // Whatever became of the transaction, RSET ends it.
        Verdict::Done { outcome, .. } if is_in_step => Verdict::Done { outcome, reset: true },
        Verdict::Done { outcome, .. } => Verdict::Close(outcome),
        other => other,
    }
}

/// Sends the text with its final dot, and gives the reply together with how far we came. All of it is written at once: as long as its
/// last byte has not left, the server cannot have taken the mail. What the next mail begins with is therefore another write.
fn hand_over(wire: &mut Wire, text: &[u8], next: Option<&Envelope>, deadlines: &Deadlines) -> (Stage, Answer, Begins) {
    if let Err(why) = wire.say(text, deadlines.text) {
        return (Stage::Text, Answer::Lost(why), Begins::Nothing);
    }
    let begins = match next.map(|next| wire.add(opening(next).as_bytes(), deadlines.mail)) {
        None => Begins::Nothing,
        Some(Ok(())) => Begins::Next,
        Some(Err(_)) => Begins::Half,
    };
    (Stage::Dot, wire.hear_out(deadlines.dot), begins)
}

/// Forgets the open transaction; whether the connection can be used on.
pub fn reset(wire: &mut Wire, deadline: Duration) -> bool {
    matches!(wire.ask("RSET", deadline), Answer::Reply(reply) if reply.code == 250)
}

/// The text as it goes over the wire: a dot at the beginning of a line is doubled (RFC 5321 §4.5.2), and a line with one dot ends it.
/// That the text has whole lines only was seen before.
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut start = 0;
    let first = text.starts_with(b".").then_some(0);
    for dot in first.into_iter().chain(memmem::find_iter(text, b"\n.").map(|end| end + 1)) {
        out.extend_from_slice(text.get(start..dot).unwrap_or_default());
        out.push(b'.');
        start = dot;
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_where_a_line_begins_with_one() {
        for (text, wire) in
            [("a\r\n", "a\r\n.\r\n"), ("\r\n", "\r\n.\r\n"), (".\r\n..\r\n.a\r\nb.\r\n \r\n", "..\r\n...\r\n..a\r\nb.\r\n \r\n.\r\n")]
        {
            assert_eq!(String::from_utf8(stuffed(text.as_bytes())).unwrap(), wire);
        }
    }
}
