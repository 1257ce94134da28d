//! One mail on an open connection, from MAIL to the answer after the final dot.

use super::answer::{Answer, Stage, Verdict, judge};
use super::smtp::Deadlines;
use super::wire::Wire;
use crate::domain::Letter;
use std::time::Duration;

/// Takes one mail through the stages, until one of them decides.
pub fn transact(wire: &mut Wire, deadlines: &Deadlines, letter: &Letter) -> (Stage, Verdict) {
    let steps = [
        (Stage::Mail, format!("MAIL FROM:<{}>", letter.from), deadlines.mail),
        (Stage::Rcpt, format!("RCPT TO:<{}>", letter.to), deadlines.rcpt),
        (Stage::Data, "DATA".to_owned(), deadlines.data),
    ];
    for (stage, command, deadline) in steps {
        let verdict = judge(stage, &wire.ask(&command, deadline));
        if verdict != Verdict::Go {
            return (stage, verdict);
        }
    }
    let (stage, answer) = hand_over(wire, &stuffed(&letter.bytes), deadlines);
    (stage, judge(stage, &answer))
}

/// Sends the text with its final dot, and gives the reply together with how far we came. All of it is written at once: as long as its
/// last byte has not left, the server cannot have taken the mail.
fn hand_over(wire: &mut Wire, text: &[u8], deadlines: &Deadlines) -> (Stage, Answer) {
    match wire.say(text, deadlines.text) {
        Ok(()) => (Stage::Dot, wire.listen(deadlines.dot)),
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
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
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
