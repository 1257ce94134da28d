//! What an address of the customer list is worth. The one place in the program that judges addresses.

use super::spelling;
use crate::domain::Address;

/// RFC 5321 §4.5.3.1: octets of a local part, and of a path without its brackets.
const LONGEST_LOCAL: usize = 64;
const LONGEST: usize = 254;

/// Judges an address as a shop holds it. Outer white space (full-width too) is no fault; everything else must be right as it stands.
/// An address that old Japanese carriers gave out against the grammar (`a..b@`, `a.@`) or a quoted one is usable and irregular.
#[must_use]
pub fn judge(text: &str) -> Address {
    let text = text.trim();
    if text.is_empty() {
        return Address::Missing;
    }
    usable(text).unwrap_or(Address::Bad)
}

/// Judges an address as people write it: one that is not usable as it stands is cleaned first (see `spelling`). Whether that helped is
/// told too. A usable address is never changed.
#[must_use]
pub fn judge_written(text: &str) -> (Address, bool) {
    match judge(text) {
        Address::Bad => match spelling::cleaned(text).map(|clean| judge(&clean)) {
            Some(found @ Address::Usable { .. }) => (found, true),
            _ => (Address::Bad, false),
        },
        judged => (judged, false),
    }
}

fn usable(text: &str) -> Option<Address> {
    // A hostile field may be megabytes; four bytes for each octet is more than any spelling of a domain needs.
    if text.len() > 4 * LONGEST {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    let irregular = local_is_irregular(local)?;
    let domain = wire_domain(domain)?;
    let wire = format!("{local}@{domain}");
    if wire.len() > LONGEST {
        return None;
    }
    Some(Address::Usable { wire: wire.into(), irregular })
}

/// Whether a local part breaks the grammar in a way that mail servers bear; `None` when it cannot be one.
fn local_is_irregular(local: &str) -> Option<bool> {
    if local.is_empty() || local.len() > LONGEST_LOCAL {
        return None;
    }
    if let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // Between quotes only what no header and no server can misread: many refuse a blank there, which the grammar allows.
        return (!quoted.is_empty() && quoted.bytes().all(|byte| byte == b'.' || is_atom(byte))).then_some(true);
    }
    let plain = local.bytes().all(|byte| byte == b'.' || is_atom(byte));
    plain.then(|| local.starts_with('.') || local.ends_with('.') || local.contains(".."))
}

/// RFC 5322's `atext`.
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// A domain in lower case and punycode; `None` when it cannot be one.
fn wire_domain(domain: &str) -> Option<String> {
    // Everything is checked before IDNA sees it, because its mapping drops or replaces some characters silently.
    if domain.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return None;
    }
    let lower = domain.to_ascii_lowercase();
    let international = !lower.is_ascii() || lower.split('.').any(|label| label.starts_with("xn--"));
    let wire = if international { idna::domain_to_ascii(&lower).ok()? } else { lower };
    let labels: Vec<&str> = wire.split('.').collect();
    // A host without a dot is nobody's mail domain, and an all-digit last label is an IP address.
    let [.., _, last] = labels.as_slice() else { return None };
    let right = labels.iter().all(|label| is_host_label(label)) && !last.bytes().all(|byte| byte.is_ascii_digit());
    right.then_some(wire)
}

/// Letters, digits and inner hyphens, 1 to 63 of them.
fn is_host_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(text: &str) -> Option<(String, bool)> {
        match judge(text) {
            Address::Usable { wire, irregular } => Some((wire.into(), irregular)),
            _ => None,
        }
    }

    #[test]
    fn usable_addresses_are_put_into_the_form_of_the_wire() {
        let long_local = format!("{}@example.jp", "a".repeat(64));
        for (text, expected, irregular) in [
            ("Taro.Yamada@Example.CO.JP", "Taro.Yamada@example.co.jp", false),
            ("\u{3000} taro+tea@example.jp\u{a0}\t", "taro+tea@example.jp", false),
            ("taro@日本語.jp", "taro@xn--wgv71a119e.jp", false),
            ("taro@xn--wgv71a119e.jp", "taro@xn--wgv71a119e.jp", false),
            ("a..b@docomo.ne.jp", "a..b@docomo.ne.jp", true),
            ("taro.@ezweb.ne.jp", "taro.@ezweb.ne.jp", true),
            (".taro@docomo.ne.jp", ".taro@docomo.ne.jp", true),
            ("-taro_/?@docomo.ne.jp", "-taro_/?@docomo.ne.jp", false),
            ("\"a..b\"@docomo.ne.jp", "\"a..b\"@docomo.ne.jp", true),
            ("taro@a--b.example", "taro@a--b.example", false),
            ("taro@163.com", "taro@163.com", false),
            (&long_local, &long_local, false),
        ] {
            assert_eq!(wire(text), Some((expected.to_owned(), irregular)), "{text}");
        }
    }

    #[test]
    fn addresses_are_compared_in_lower_case() {
        let address = judge("Taro@Example.JP");
        assert_eq!(address.same().unwrap(), "taro@example.jp");
        assert_eq!(address, Address::Usable { wire: "Taro@example.jp".into(), irregular: false });
        assert_eq!((judge("taro").same(), judge("").same()), (None, None));
    }

    #[test]
    fn nothing_is_missing_and_nonsense_is_bad() {
        for text in ["", " ", "\u{3000}\u{3000}", "\r\n"] {
            assert_eq!(judge(text), Address::Missing, "{text:?}");
        }
        let long_local = format!("{}@example.jp", "a".repeat(65));
        let long_label = format!("a@{}.jp", "a".repeat(64));
        let long_domain = format!("a@{}jp", "abcdefghi.".repeat(25));
        assert!(wire(&long_domain).is_some(), "254 bytes are the most");
        let long_domain = format!("a{long_domain}");
        for text in [
            "taro",
            "@example.jp",
            "taro@",
            "taro@localhost",
            "taro@example.",
            "taro@.jp",
            "taro@example..jp",
            "taro@exa_mple.jp",
            "taro@-example.jp",
            "taro@example-.jp",
            "taro@192.168.0.1",
            "taro@[192.168.0.1]",
            "taro@@example.jp",
            "a@b@example.jp",
            "ta ro@example.jp",
            "taro@exam ple.jp",
            "ta\u{3000}ro@example.jp",
            "taro@example.jp\nBcc: all@example.jp",
            "taro@exa\nmple.jp",
            "ta\0ro@example.jp",
            "ta\u{7f}ro@example.jp",
            "太郎@example.jp",
            "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ",
            "taro＠example.jp",
            "<taro@example.jp>",
            "Taro <taro@example.jp>",
            "taro@example.jp, b@example.jp",
            "taro;b@example.jp",
            "ta(x)ro@example.jp",
            "ta\\ro@example.jp",
            "ta:ro@example.jp",
            "\"@example.jp",
            "\"\"@example.jp",
            "\"a\"b\"@example.jp",
            "\"a b\"@example.jp",
            "\"a<b\"@example.jp",
            "\"a\tb\"@example.jp",
            "\"a@b\"@example.jp",
            "taro@xn--a.jp",
            &long_local,
            &long_label,
            &long_domain,
        ] {
            assert_eq!(judge(text), Address::Bad, "{text:?}");
        }
        assert_eq!(judge(&"a".repeat(10_000_000)), Address::Bad);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn nothing_dangerous_reaches_the_wire(text in r#"("?[ -~é京\r\n\u{3000}]{0,70}"?@([a-zA-Z0-9\-é京．ｅ <>\[]{1,20}\.){0,4}[a-zA-Z0-9京]{1,9}|\PC*@\PC*|.*)"#) {
            let judged = judge(&text);
            if let Address::Usable { wire, .. } = &judged {
                prop_assert!(wire.len() <= 254 && wire.is_ascii());
                prop_assert!(!wire.chars().any(char::is_control), "{wire:?}");
                prop_assert!(!wire.contains(['<', '>', '(', ')', '[', ']', ',', ';', ':', '\\']), "{wire:?}");
                prop_assert_eq!(wire.matches('@').count(), 1);
                let (local, domain) = wire.split_once('@').unwrap_or_default();
                let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
                prop_assert!(quoted || !local.contains([' ', '"']), "{wire:?}");
                prop_assert!(domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)));
                prop_assert_eq!(judged.same().unwrap(), wire.to_lowercase());
                let again = judge(wire) == judged;
                prop_assert!(again, "{wire:?}");
            }
        }

        #[test]
        fn plain_addresses_are_usable_as_they_are(local in "[a-z0-9_+-]{1,20}(\\.[a-z0-9]{1,9}){0,2}", domain in "[a-z0-9]{1,9}(\\.[a-z][a-z0-9]{0,9}){1,3}") {
            let text = format!("{local}@{domain}");
            prop_assert_eq!(judge(&text), Address::Usable { wire: text.into(), irregular: false });
        }
    }
}
