//! Text: a column of strings that lie one behind the other (ten million short ids without ten million allocations), and what Japanese
//! keyboards write.

use super::channel::narrowed;

/// A growing column of strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: String,
    ends: Vec<usize>,
}

impl Texts {
    /// An empty column with room for `rows` strings of `bytes` bytes in all.
    #[must_use]
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self { bytes: String::with_capacity(bytes), ends: Vec::with_capacity(rows) }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// The string at `row`; the empty string beyond the end.
    #[must_use]
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or(self.bytes.len()) };
        let end = self.ends.get(row).copied().unwrap_or(start);
        &self.bytes[start..end]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The strings one behind the other, and where each ends, in bytes.
    #[must_use]
    pub fn parts(&self) -> (&str, &[usize]) {
        (&self.bytes, &self.ends)
    }

    /// The column of such parts; `None` where they are no column's.
    #[must_use]
    pub fn of_parts(bytes: String, ends: Vec<usize>) -> Option<Self> {
        divides(&bytes, ends.iter().copied()).then_some(Self { bytes, ends })
    }
}

/// Whether a text is divided into strings that end there, without a rest.
pub(super) fn divides(bytes: &str, ends: impl Iterator<Item = usize>) -> bool {
    let mut last = 0;
    for end in ends {
        if end < last || !bytes.is_char_boundary(end) {
            return false;
        }
        last = end;
    }
    last == bytes.len()
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut column = Self::default();
        for text in texts {
            column.push(text);
        }
        column
    }
}

/// Full-width letters, digits and signs as plain ones; others stay.
#[must_use]
pub fn narrow(letter: char) -> char {
    match letter {
        '！'..='～' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        '\u{3000}' => ' ',
        other => other,
    }
}

/// Zero-width characters, soft hyphens, and marks of writing direction.
#[must_use]
pub fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Sixteen bytes as a UUID is written: `550e8400-e29b-41d4-a716-446655440000`.
#[must_use]
pub fn uuid(bytes: &[u8]) -> Option<String> {
    let number = u128::from_be_bytes(bytes.try_into().ok()?);
    let mut text = format!("{number:032x}");
    for place in [20, 16, 12, 8] {
        text.insert(place, '-');
    }
    Some(text)
}

/// A cell without what spreadsheets use to keep digits as they are: `="001"`, and an apostrophe before what looks like an id, `'001`.
#[must_use]
pub fn unmarked(cell: &str) -> &str {
    let text = cell.trim();
    let of_id = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+');
    let quoted = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"')).filter(|text| !text.contains('"'));
    let like_id = |text: &&str| text.contains(|letter: char| letter.is_ascii_digit()) && text.chars().all(of_id);
    quoted.or_else(|| text.strip_prefix('\'').filter(like_id)).unwrap_or(cell)
}

/// The full-width forms of `｡` to `ﾟ`, in the order of their code points.
const WIDE: &str =
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜";

/// Half-width katakana as full-width ones, and a sound mark that stands behind its kana as one letter with it; others stay.
#[must_use]
pub fn widened(text: &str) -> String {
    let wide = |letter: char| match letter {
        '｡'..='ﾟ' => WIDE.chars().nth(letter as usize - '｡' as usize).unwrap_or(letter),
        other => other,
    };
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().map(wide) {
        match out.chars().next_back().and_then(|before| sounded(before, letter)) {
            Some(whole) => {
                out.pop();
                out.push(whole);
            }
            None => out.push(letter),
        }
    }
    out
}

/// The kana with its sound mark: ヒ and ゛ are ビ, ヒ and ゜ are ピ. The marks are also those that some systems write for any `ビ`.
fn sounded(kana: char, mark: char) -> Option<char> {
    let steps = match (mark, kana) {
        ('゛' | '\u{3099}', 'ウ') => 0x4e,
        ('゛' | '\u{3099}', _) if "カキクケコサシスセソタチツテトハヒフヘホかきくけこさしすせそたちつてとはひふへほ".contains(kana) => {
            1
        }
        ('゜' | '\u{309a}', _) if "ハヒフヘホはひふへほ".contains(kana) => 2,
        _ => return None,
    };
    char::from_u32(u32::from(kana) + steps)
}

/// The form in which two words are compared that people typed: whatever the width, the case and the hyphen.
#[must_use]
pub fn folded(text: &str) -> String {
    narrowed(&widened(text)).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_width_katakana_become_full_width_ones() {
        assert_eq!(widened("ｴﾋﾞ､ﾊﾟﾝ･ｳﾞｧｲｵﾘﾝ｡ﾋﾞｰﾙ ﾝﾞ"), "エビ、パン・ヴァイオリン。ビール ン゛");
        assert_eq!(widened("ヒ\u{3099}・は\u{309a}・えび漢A"), "ビ・ぱ・えび漢A");
        assert_eq!(widened("ﾞｦｧｨｩｪｫｬｭｮｯﾟ｢｣ｱﾜ"), "゛ヲァィゥェォャュョッ゜「」アワ");
    }

    #[test]
    fn words_that_are_typed_otherwise_fold_to_one() {
        for (one, other) in [("ﾋﾞｰﾙ", "ビール"), ("ＡＢｃ", "abC"), (" ｴﾋﾞ", "エビ")] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("えび"), folded("エビ"));
    }

    #[test]
    fn strings_come_back_as_they_went_in() {
        let column: Texts = ["", "京都", "", "a"].into_iter().collect();
        assert_eq!(column.iter().collect::<Vec<_>>(), ["", "京都", "", "a"]);
        assert_eq!(column.get(9), "");
        let (bytes, ends) = column.parts();
        assert_eq!((bytes, ends), ("京都a", &[0, 6, 6, 7][..]));
        assert_eq!(Texts::of_parts(bytes.to_owned(), ends.to_vec()), Some(column.clone()));
        for wrong in [&[0, 5, 6, 7][..], &[6, 0, 6, 7], &[0, 6, 6], &[0, 6, 7, 9], &[7, 6, 7], &[]] {
            assert_eq!(Texts::of_parts("京都a".to_owned(), wrong.to_vec()), None, "{wrong:?}");
        }
    }

    #[test]
    fn full_width_letters_become_plain_ones() {
        assert_eq!("Ａｚ０９！～　ー漢ｱ".chars().map(narrow).collect::<String>(), "Az09!~ ー漢ｱ");
    }
}
