//! What Tera writes for values in HTML.

use std::io::{self, Write};

/// Escapes a value as Tera does, to the byte, but writes what stands between the escaped characters at once: Tera's own goes byte by byte.
pub(super) fn html(value: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = value.as_bytes();
    while let Some((at, reference)) = rest.iter().enumerate().find_map(|(at, byte)| Some((at, reference(*byte)?))) {
        let (before, behind) = rest.split_at(at);
        out.write_all(before)?;
        out.write_all(reference)?;
        rest = behind.get(1..).unwrap_or_default();
    }
    out.write_all(rest)
}

/// What stands for a character that HTML reads as its own.
fn reference(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'\'' => b"&#39;",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_writes_what_tera_writes(value in "[a&<>\"'京\u{301} /=]{0,12}") {
            let [mut own, mut teras] = [Vec::new(), Vec::new()];
            html(&value, &mut own).unwrap();
            tera::escape_html(&value, &mut teras).unwrap();
            prop_assert_eq!(String::from_utf8(own).unwrap(), String::from_utf8(teras).unwrap());
        }
    }
}
