//! Whether a form says `List-Unsubscribe=One-Click`: urlencoded or multipart, as RFC 8058 allows both.

const NAME: &str = "List-Unsubscribe";
const VALUE: &str = "One-Click";

/// Whether the body of a POST asks for what RFC 8058 defines.
pub fn is_one_click(content_type: &str, body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return parameter(parameters, "boundary").is_some_and(|boundary| in_parts(&body, &boundary));
    }
    body.trim().split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| is_it(&decoded(name), &decoded(value)))
}

fn is_it(name: &str, value: &str) -> bool {
    name.trim().eq_ignore_ascii_case(NAME) && value.trim().eq_ignore_ascii_case(VALUE)
}

fn in_parts(body: &str, boundary: &str) -> bool {
    let mark = format!("--{boundary}");
    let is_it = |part: &str| part.replace("\r\n", "\n").split_once("\n\n").is_some_and(|(head, value)| is_field(head, value));
    !boundary.is_empty() && body.split(&mark).skip(1).any(is_it)
}

fn is_field(head: &str, value: &str) -> bool {
    let disposition =
        head.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim().eq_ignore_ascii_case("Content-Disposition"));
    disposition.and_then(|(_, words)| parameter(words, "name")).is_some_and(|name| is_it(&name, value))
}

/// A parameter of a header, with or without quotes.
fn parameter(words: &str, wanted: &str) -> Option<String> {
    let found = words.split(';').filter_map(|word| word.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// A word of an urlencoded form. What is no `%XX` stays as it is.
fn decoded(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const URLENCODED: &str = "application/x-www-form-urlencoded";

    #[test]
    fn both_forms_are_understood() {
        for (kind, body) in [
            (URLENCODED, "List-Unsubscribe=One-Click"),
            (URLENCODED, "List-Unsubscribe=One-Click\r\n"),
            ("application/x-www-form-urlencoded; charset=UTF-8", "a=b&List%2DUnsubscribe=One%2dClick"),
            ("", "List-Unsubscribe=One-Click"),
            (
                "multipart/form-data; boundary=xx",
                "--xx\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--xx--\r\n",
            ),
            (
                "Multipart/Form-Data; charset=utf-8; Boundary=\"x y\"",
                "--x y\ncontent-type: text/plain\ncontent-disposition: form-data; name=List-Unsubscribe\n\nOne-Click\n--x y--",
            ),
        ] {
            assert!(is_one_click(kind, body.as_bytes()), "{kind}: {body}");
        }
    }

    #[test]
    fn anything_else_asks_for_nothing() {
        for (kind, body) in [
            (URLENCODED, ""),
            (URLENCODED, "List-Unsubscribe"),
            (URLENCODED, "List-Unsubscribe=Two-Clicks"),
            (URLENCODED, "xList-Unsubscribe=One-Click"),
            (URLENCODED, "%4=%&%%%=%zz"),
            ("multipart/form-data", "--\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n----\r\n"),
            ("multipart/form-data; boundary=", "--\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--"),
            ("multipart/form-data; boundary=xx", "List-Unsubscribe=One-Click"),
        ] {
            assert!(!is_one_click(kind, body.as_bytes()), "{kind}: {body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(kind in "(multipart/form-data; boundary=[a-]{0,2}|.{0,20})", body in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = is_one_click(&kind, &body);
        }
    }
}
