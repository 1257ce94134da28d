//! One mail on an open connection, from MAIL to the answer after the final dot.

use super::answer::{Answer, Stage, Verdict, judge};
use super::smtp::Deadlines;
use super::wire::Wire;
use crate::domain::Letter;
use std::time::Duration;

/// A mail without a text.
const NOTHING: &[u8] = b".\r\n";

/// A stage, what is said there, and how long the answer may take.
type Step = (Stage, String, Duration);

/// Takes one mail through the stages, until one of them decides. With `pipelining` the server hears MAIL, RCPT and DATA at once.
pub fn transact(wire: &mut Wire, pipelining: bool, deadlines: &Deadlines, letter: &Letter) -> (Stage, Verdict) {
    let steps = [
        (Stage::Mail, format!("MAIL FROM:<{}>", letter.from), deadlines.mail),
        (Stage::Rcpt, format!("RCPT TO:<{}>", letter.to), deadlines.rcpt),
        (Stage::Data, "DATA".to_owned(), deadlines.data),
    ];
    let refused = if pipelining { at_once(wire, &steps, deadlines) } else { one_by_one(wire, &steps) };
    refused.unwrap_or_else(|| {
        let (stage, answer) = hand_over(wire, &stuffed(&letter.bytes), deadlines);
        (stage, judge(stage, &answer))
    })
}

/// Each step when the one before was answered; the stage that refused the mail, if one did.
fn one_by_one(wire: &mut Wire, steps: &[Step]) -> Option<(Stage, Verdict)> {
    steps.iter().find_map(|(stage, command, deadline)| {
        let verdict = judge(*stage, &wire.ask(command, *deadline));
        (verdict != Verdict::Go).then_some((*stage, verdict))
    })
}

/// All steps in one write (RFC 2920). The first refusal decides about the mail; the answers behind it are still read, because the
/// connection can be used on only when each of our lines has its answer.
fn at_once(wire: &mut Wire, steps: &[Step], deadlines: &Deadlines) -> Option<(Stage, Verdict)> {
    let lines: String = steps.iter().flat_map(|(_, command, _)| [command.as_str(), "\r\n"]).collect();
    let mut refused: Option<(Stage, Verdict)> = None;
    let mut is_sent = wire.say(lines.as_bytes(), deadlines.mail);
    for (stage, _, deadline) in steps {
        let answer = match std::mem::replace(&mut is_sent, Ok(())) {
            Ok(()) => wire.listen(*deadline),
            Err(why) => Answer::Lost(why),
        };
        let verdict = judge(*stage, &answer);
        let Some((first, decided)) = refused.take() else {
            match verdict {
                Verdict::Go => {}
                closing @ Verdict::Close(_) => return Some((*stage, closing)),
                done @ Verdict::Done { .. } => refused = Some((*stage, done)),
            }
            continue;
        };
        let is_in_step = match (*stage, &verdict) {
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
/// last byte has not left, the server cannot have taken the mail.
fn hand_over(wire: &mut Wire, text: &[u8], deadlines: &Deadlines) -> (Stage, Answer) {
    match wire.say(text, deadlines.text) {
        Ok(()) => (Stage::Dot, wire.hear_out(deadlines.dot)),
        Err(why) => (Stage::Text, Answer::Lost(why)),
    }
}

/// Forgets the open transaction; whether the connection can be used on.
pub fn reset(wire: &mut Wire, deadline: Duration) -> bool {
    matches!(wire.ask("RSET", deadline), Answer::Reply(reply) if reply.code == 250)
}

/// The text as it goes over the wire: a dot at the beginning of a line is doubled (RFC 5321 §4.5.2), and a line with one dot ends it.
/// That the text has whole lines only was seen before.
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = dot(rest, out.is_empty()) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(b"..");
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b".\r\n");
    out
}

/// Where the first line begins with a dot; what is at the front may begin a line too.
fn dot(text: &[u8], is_begun: bool) -> Option<usize> {
    if is_begun && text.starts_with(b".") {
        return Some(0);
    }
    memchr::memmem::find(text, b"\n.").map(|end| end + 1)
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
