//! What writing and copying add to a mail address: full-width letters, blanks, marks that nobody sees, a name around it.
//!
//! Only addresses that are not usable as they stand come here, so that no usable one turns into another. What is left open is whether the
//! cleaned text is an address; a text that could mean two addresses is none.

use crate::domain::text::{is_unseen, narrow};

/// The text without what does not belong to an address; `None` when nothing was to be cleaned, or it could mean more than one address.
pub fn cleaned(text: &str) -> Option<String> {
    // A hostile field may be megabytes.
    if text.len() > 1_024 {
        return None;
    }
    let plain: String = text.chars().filter(|letter| !is_unseen(*letter)).map(narrow).collect();
    let bare = outer(within_brackets(outer(&plain))?);
    let bare = bare.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:")).map_or(bare, |_| outer(&bare[7..]));
    let clean = without_blanks(bare);
    (clean != text).then_some(clean)
}

/// Without white space around it, and commas, semicolons and periods behind it.
fn outer(text: &str) -> &str {
    text.trim().trim_end_matches(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '.'))
}

/// The address of `Name <address>`. A name that holds another `@` could be the address too.
fn within_brackets(text: &str) -> Option<&str> {
    let Some(rest) = text.strip_suffix('>') else { return Some(text) };
    let (name, address) = rest.rsplit_once('<')?;
    (!name.contains('@')).then_some(address)
}

/// Without white space beside `@` and periods. Elsewhere it may part two words, and joining them would be a guess.
fn without_blanks(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let joins = |letter: Option<&char>| letter.is_some_and(|letter| matches!(letter, '@' | '.'));
    let mut clean = String::with_capacity(text.len());
    for (at, letter) in letters.iter().enumerate() {
        let before = letters[..at].iter().rev().find(|letter| !letter.is_whitespace());
        let behind = letters[at..].iter().find(|letter| !letter.is_whitespace());
        if !(letter.is_whitespace() && (joins(before) || joins(behind))) {
            clean.push(*letter);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::super::address::{judge, judge_written};
    use crate::domain::Address;
    use proptest::prelude::*;

    fn wire(text: &str) -> Option<(String, bool)> {
        match judge_written(text) {
            (Address::Usable { wire, .. }, cleaned) => Some((wire.into(), cleaned)),
            (_, cleaned) => {
                assert!(!cleaned, "{text}");
                None
            }
        }
    }

    #[test]
    fn what_writing_and_copying_add_is_taken_off() {
        for text in [
            "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ",
            "taro＠example.jp",
            "\u{3000}taro @ example . jp ",
            "taro\u{3000}@example.jp",
            "ta\u{200b}ro@exam\u{ad}ple.jp\u{feff}",
            "mailto:taro@example.jp",
            "MailTo: taro@example.jp",
            "taro@example.jp,",
            "taro@example.jp ; ",
            "taro@example.jp.",
            "山田 太郎 <taro@example.jp>",
            "＜taro@example.jp＞",
            "\"Yamada, Taro\" <taro@example.jp>;",
            "<mailto:taro@example.jp>",
        ] {
            assert_eq!(wire(text), Some(("taro@example.jp".to_owned(), true)), "{text}");
        }
    }

    #[test]
    fn what_could_mean_something_else_stays_bad() {
        for text in [
            "ta ro@example.jp",
            "Yamada Taro taro@example.jp",
            "taro@example.jp jiro@example.jp",
            "taro@example.jp, jiro@example.jp",
            "taro@example.jp 2",
            "jiro@example.jp <taro@example.jp>",
            "taro@example.jp <taro",
            "taro",
            "<>",
            "@",
        ] {
            assert_eq!(wire(text), None, "{text}");
        }
        assert_eq!(judge_written(" \u{3000}"), (Address::Missing, false));
    }

    proptest! {
        #[test]
        fn a_usable_address_is_never_changed(text in "[-a-zA-Z0-9.!+\"ａ]{1,9}@[a-z0-9.Ａ-]{1,9}\\.[a-z]{2,3}") {
            if let usable @ Address::Usable { .. } = judge(&text) {
                prop_assert_eq!(judge_written(&text), (usable, false));
            }
        }

        #[test]
        fn additions_around_an_address_do_not_change_it(
            local in "[a-z0-9_+-]{1,9}(\\.[a-z0-9]{1,5})?", domain in "[a-z0-9]{1,9}\\.[a-z]{2,3}",
            before in "[ \u{3000}\u{200b}]{0,2}(<|mailto:|Taro <)?", behind in "[,;. \u{3000}]{0,3}",
        ) {
            let close = if before.contains('<') { ">" } else { "" };
            let found = wire(&format!("{before}{local}@{domain}{close}{behind}"));
            prop_assert_eq!(found.map(|(wire, _)| wire), Some(format!("{local}@{domain}")));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[<>@ .,;a＠\u{3000}\u{200b}]{0,20}") {
            let _ = judge_written(&text);
        }
    }
}
