//! Approvals: who said that a plan may leave. A name is what somebody writes; nobody proves here who they are.

use super::text::{is_unseen, narrow};

/// No name is longer, in letters: it stands on one line of a page and of the terminal.
pub const LONGEST_NAME: usize = 80;

/// More people than this need not agree on a mail.
pub const MOST_PEOPLE: i64 = 9;

/// Somebody who approved a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub name: String,
    /// Microseconds UTC.
    pub at: i64,
}

/// A name as it is kept: without white space around it, one blank for each white space within.
///
/// # Errors
/// Why it is no name.
pub fn name(written: &str) -> Result<String, &'static str> {
    let name = written.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err("it is empty");
    }
    if written.trim().chars().any(|letter| letter.is_control() || is_unseen(letter)) {
        return Err("it has a control character in it, or one that nobody sees");
    }
    if name.chars().count() > LONGEST_NAME {
        return Err("it is longer than 80 letters");
    }
    Ok(name)
}

/// A name as names are compared: capitals, full width and white space make nobody a second person.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).map(narrow).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_letters() {
        assert_eq!(name("  山田\u{3000}花子 ").as_deref(), Ok("山田 花子"));
        assert_eq!(name(&"花".repeat(LONGEST_NAME)).as_deref(), Ok("花".repeat(LONGEST_NAME).as_str()));
        for wrong in ["", " \u{3000}\t", "a\nb", "a\u{7}b", "Ha\u{200b}na", "\u{202e}anaH", &"花".repeat(LONGEST_NAME + 1)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn one_person_is_one_however_the_name_is_written() {
        for same in ["hana yamada", "HANA YAMADA", "Ｈａｎａ　Ｙａｍａｄａ", "Hana  Yamada", "HanaYamada"] {
            assert_eq!(folded(&name(same).unwrap()), folded("Hana Yamada"), "{same}");
        }
        assert_ne!(folded("Hana Yamada"), folded("Hanna Yamada"));
        assert_eq!(folded("ÉMILE"), folded("émile"));
    }
}
