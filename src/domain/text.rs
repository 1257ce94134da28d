//! Text: a column of strings that lie one behind the other (ten million short ids without ten million allocations), and what Japanese
//! keyboards write.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_as_they_went_in() {
        let column: Texts = ["", "京都", "", "a"].into_iter().collect();
        assert_eq!(column.iter().collect::<Vec<_>>(), ["", "京都", "", "a"]);
        assert_eq!(column.get(9), "");
    }

    #[test]
    fn full_width_letters_become_plain_ones() {
        assert_eq!("Ａｚ０９！～　ー漢ｱ".chars().map(narrow).collect::<String>(), "Az09!~ ー漢ｱ");
    }
}
