//! Cells of the CSV files that people open in a spreadsheet or hand to another program: RFC 4180, and no cell is a formula.

use chrono::NaiveDate;
use std::fmt::Write;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// What a person or another program wrote: it is made harmless.
    Text(&'a str),
    /// The same, made for this cell.
    Owned(String),
    /// A number of ours. It may be negative, for a number is no formula.
    Number(i64),
    Day(NaiveDate),
}

impl<'a> Cell<'a> {
    /// The text, or nothing.
    #[must_use]
    pub fn maybe(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }

    /// The number, or nothing.
    #[must_use]
    pub fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }

    /// The day, or nothing.
    #[must_use]
    pub fn day(day: Option<NaiveDate>) -> Self {
        day.map_or(Self::Empty, Self::Day)
    }
}

/// A CSV that grows row by row. Rows end in CRLF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    text: String,
}

impl Sheet {
    /// A file for people: UTF-8 with the mark without which a spreadsheet takes Japanese for something else.
    #[must_use]
    pub fn for_people() -> Self {
        Self { text: "\u{feff}".to_owned() }
    }

    /// A file that a program reads, which would take the mark for a part of the first cell.
    #[must_use]
    pub fn for_programs() -> Self {
        Self { text: String::new() }
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => self.push(text),
                Cell::Owned(text) => self.push(text),
                // Writing to a text cannot fail.
                Cell::Number(number) => drop(write!(self.text, "{number}")),
                Cell::Day(day) => drop(write!(self.text, "{day}")),
            }
        }
        self.text.push_str("\r\n");
    }

    fn push(&mut self, text: &str) {
        let mark = if begins_formula(text) { "'" } else { "" };
        let quoted = text.contains(['"', ',', '\r', '\n']) || text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
        if quoted {
            self.text.push('"');
            self.text.push_str(mark);
            self.text.push_str(&text.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(mark);
            self.text.push_str(text);
        }
    }

    /// What was written since the last call, so that a long file need not be held whole.
    #[must_use]
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Whether a spreadsheet may take a text for a formula, white space before it or not. Such a text is written behind an apostrophe. A
/// telephone number that begins with + is one too: it would be added up.
#[must_use]
pub fn begins_formula(text: &str) -> bool {
    // Full-width signs count, because Japanese spreadsheets read them like the narrow ones.
    let first = text.trim_start().chars().next();
    text.starts_with(['\t', '\r', '\n']) || first.is_some_and(|first| "=+-@＝＋－＠".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(cells: &[Cell<'_>]) -> String {
        let mut sheet = Sheet::for_programs();
        sheet.row(cells);
        sheet.take()
    }

    #[test]
    fn cells_are_written_as_they_are_meant() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1);
        assert_eq!(
            line(&[Cell::Text("京都"), Cell::Number(-5), Cell::day(day), Cell::Empty, Cell::maybe(None)]),
            "京都,-5,2026-12-01,,\r\n"
        );
        assert_eq!(line(&[Cell::Text("a \"b\""), Cell::Text("c,d"), Cell::Text("e\nf")]), "\"a \"\"b\"\"\",\"c,d\",\"e\nf\"\r\n");
        let mut sheet = Sheet::for_people();
        sheet.row(&[Cell::Text("氏名")]);
        assert_eq!(sheet.take(), "\u{feff}氏名\r\n");
    }

    #[test]
    fn what_begins_a_formula_is_put_behind_an_apostrophe() {
        for text in [
            "=1+1",
            "+81-3-0000-0000",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "\u{3000}=1",
            "\u{a0}+1",
            "＝1",
            "＋1",
            "－1",
            "＠a",
        ] {
            assert!(begins_formula(text), "{text:?}");
            assert!(line(&[Cell::Text(text)]).trim_start_matches('"').starts_with('\''), "{text:?}");
        }
        for text in ["", "1-1", "a=b", "'=1", "山田", "090-0000-0000", "U=1"] {
            assert!(!begins_formula(text), "{text:?}");
            assert_eq!(line(&[Cell::Text(text)]), format!("{text}\r\n"));
        }
    }

    proptest! {
        /// Another program reads back what was written, and finds no formula.
        #[test]
        fn rows_come_back(rows in proptest::collection::vec(proptest::collection::vec("([=+\\-@＝\"', \t\r\na山]|\\PC){0,8}", 3), 1..6)) {
            let mut sheet = Sheet::for_programs();
            for row in &rows {
                let cells: Vec<Cell> = std::iter::once(Cell::Text("x")).chain(row.iter().map(|text| Cell::Text(text))).collect();
                sheet.row(&cells);
            }
            let text = sheet.take();
            let read: Vec<csv::StringRecord> = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes()).records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read.len(), rows.len());
            for (record, row) in read.iter().zip(&rows) {
                for (cell, text) in record.iter().skip(1).zip(row) {
                    prop_assert!(!begins_formula(cell));
                    let plain = if begins_formula(text) { cell.strip_prefix('\'').unwrap() } else { cell };
                    prop_assert_eq!(plain, text);
                }
            }
        }
    }
}
