//! Signing in at a mail server (RFC 4954): PLAIN, LOGIN and XOAUTH2. A secret is never part of what is told about it.

use super::answer::{Answer, Stage, Verdict, judge};
use super::reply::Reply;
use super::wire::Wire;
use crate::domain::Outcome;
use crate::domain::delivery::RunTrouble;
use crate::domain::job::AuthWay;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// What is tried where the job does not say, the first that the server offers.
const WAYS: [AuthWay; 3] = [AuthWay::Plain, AuthWay::Login, AuthWay::XOauth2];

/// A part of a secret that a server repeats is hidden from this many letters on.
const TELLING: usize = 4;

/// Who signs in, and how.
#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    /// For XOAUTH2 an access token.
    pub password: SecretString,
    pub way: Option<AuthWay>,
}

impl Login {
    /// Signs in by the first way that the server offers, or by the one that the job names.
    pub fn sign_in(&self, wire: &mut Wire, offered: &[String], deadline: Duration) -> Result<(), RunTrouble> {
        let is_offered = |way: &AuthWay| offered.iter().any(|word| word.eq_ignore_ascii_case(way.word()));
        let wanted = self.way.map_or_else(|| WAYS.to_vec(), |way| vec![way]);
        let Some(way) = wanted.iter().copied().find(is_offered) else {
            let all = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
            let ours: Vec<_> = wanted.iter().map(|way| way.word()).collect();
            let reply = format!("nobody can sign in there by {}: it offers {all}", ours.join(", "));
            return Err(RunTrouble::Refused { reply });
        };
        let steps = self.steps(way);
        let mut steps = steps.iter();
        let mut answer = Answer::Lost("the server did not answer".to_owned());
        while let Some(step) = steps.next() {
            answer = wire.ask(step.expose_secret(), deadline);
            let goes_on = matches!(&answer, Answer::Reply(reply) if reply.code == 334);
            if goes_on && steps.len() == 0 {
                // It asks for more than there is. With XOAUTH2 that is how a refusal begins; else it is called off.
                answer = wire.ask(if way == AuthWay::XOauth2 { "" } else { "*" }, deadline);
            } else if !goes_on {
                break;
            }
        }
        match judge(Stage::Auth, &self.hushed(way, answer)) {
            Verdict::Go => Ok(()),
            Verdict::Close(Outcome::Untouched(RunTrouble::Refused { reply })) => {
                Err(RunTrouble::Refused { reply: format!("signing in as {} by {}: {reply}", self.user, way.word()) })
            }
            Verdict::Close(Outcome::Untouched(RunTrouble::Unreachable { reply })) => {
                Err(RunTrouble::Unreachable { reply: format!("signing in as {} by {}: {reply}", self.user, way.word()) })
            }
            _ => Err(RunTrouble::Unreachable { reply: "signing in ended without an answer".to_owned() }),
        }
    }

    /// What is said, line by line.
    fn steps(&self, way: AuthWay) -> Vec<SecretString> {
        let (user, password) = (&self.user, self.password.expose_secret());
        let lines = match way {
            AuthWay::Plain => vec![format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{user}\0{password}")))],
            AuthWay::Login => vec!["AUTH LOGIN".to_owned(), STANDARD.encode(user), STANDARD.encode(password)],
            AuthWay::XOauth2 => {
                vec![format!("AUTH XOAUTH2 {}", STANDARD.encode(format!("user={user}\x01auth=Bearer {password}\x01\x01")))]
            }
        };
        lines.into_iter().map(SecretString::from).collect()
    }

    /// The answer without any word that repeats a part of what was said: some servers do, and their words go into the ledger.
    fn hushed(&self, way: AuthWay, answer: Answer) -> Answer {
        let Answer::Reply(reply) = answer else { return answer };
        let said = self.steps(way);
        let mut secrets = traces(self.password.expose_secret());
        // The user's name in base64 is no secret, but it is no word to read either.
        secrets.extend(said.iter().filter_map(|line| line.expose_secret().rsplit(' ').next()).map(str::to_lowercase));
        secrets.retain(|secret| secret != "login");
        let hush = |word: &str| {
            let folded = word.trim_matches(|letter: char| "<>()[]\"':;,.".contains(letter)).to_lowercase();
            let repeats = |secret: &String| folded.contains(secret.as_str()) || (folded.len() >= TELLING && secret.contains(&folded));
            if secrets.iter().any(repeats) { "***".to_owned() } else { word.to_owned() }
        };
        // What is still there with blanks and colons between its letters leaves nothing of its line.
        let spread = |line: &str| {
            secrets.iter().map(|secret| letters(secret)).any(|secret| secret.len() >= TELLING && letters(line).contains(&secret))
        };
        let hushed = reply.lines.iter().map(|line| line.split(' ').map(hush).collect::<Vec<_>>().join(" "));
        let lines = hushed.map(|line| if spread(&line) { "***".to_owned() } else { line }).collect();
        Answer::Reply(Reply { code: reply.code, lines })
    }
}

/// How a password may be written: as it is, in hexadecimal, and in base64 wherever in a longer text it stands. In small letters.
fn traces(password: &str) -> Vec<String> {
    let hex: String =
        password.bytes().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect();
    let mut traces = vec![password.to_lowercase(), hex];
    for before in 0..3 {
        let coded = STANDARD.encode([&b"   "[..before], password.as_bytes()].concat());
        // Only letters that hold nothing of what stands before and behind are always there.
        let (first, last) = ((before * 8).div_ceil(6), (before + password.len()) * 8 / 6);
        traces.extend(coded.get(first..last).filter(|core| core.len() >= TELLING).map(str::to_lowercase));
    }
    traces
}

/// Letters and digits only, small.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login { user: "mailer".into(), password: SecretString::from("correct horse"), way: None }
    }

    #[test]
    fn the_lines_are_those_of_the_rfcs() {
        let said = |way| login().steps(way).iter().map(|line| line.expose_secret().to_owned()).collect::<Vec<_>>();
        assert_eq!(said(AuthWay::Plain), ["AUTH PLAIN AG1haWxlcgBjb3JyZWN0IGhvcnNl"]);
        assert_eq!(said(AuthWay::Login), ["AUTH LOGIN", "bWFpbGVy", "Y29ycmVjdCBob3JzZQ=="]);
        let token = STANDARD.encode("user=mailer\x01auth=Bearer correct horse\x01\x01");
        assert_eq!(said(AuthWay::XOauth2), [format!("AUTH XOAUTH2 {token}")]);
    }

    #[test]
    fn what_a_server_repeats_of_a_secret_is_hidden() {
        assert!(!format!("{:?}", login()).contains("horse"));
        for (way, line, kept) in [
            (AuthWay::Plain, "5.7.8 no such AUTH PLAIN AG1haWxlcgBjb3JyZWN0IGhvcnNl here", "5.7.8 no such AUTH PLAIN *** here"),
            (AuthWay::Plain, "bad line: (AG1haWxlcgBjb3JyZ)", "bad line: ***"),
            (AuthWay::Login, "the password <Y29ycmVjdCBob3JzZQ==> is wrong", "the password *** is wrong"),
            (AuthWay::Login, "not \"CORRECT HORSE\" of all", "not *** *** of all"),
            (AuthWay::Plain, "Y29ycmVjdCBob3JzZQ== and 636F727265637420686F727365", "*** and ***"),
            (AuthWay::Plain, "key=bWFpbGVyOmNvcnJlY3QgaG9yc2U=;", "***"),
            (AuthWay::Plain, "it was 63 6f 72 72 65 63 74 20 68 6f 72 73 65", "***"),
            (AuthWay::Plain, "c-o-r-r-e-c-t-h-o-r-s-e", "***"),
            (AuthWay::Login, "5.7.8 LOGIN failed for mailer", "5.7.8 LOGIN failed for mailer"),
        ] {
            let hushed = login().hushed(way, Answer::Reply(Reply { code: 535, lines: vec![line.into()] }));
            assert_eq!(hushed, Answer::Reply(Reply { code: 535, lines: vec![kept.into()] }));
        }
    }
}
