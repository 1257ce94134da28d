//! Splits a CSV into rows, one at a time: quoted fields may hold commas and line breaks.
//!
//! It works on bytes, which is right for UTF-8 and for CP932: no comma, quote or line break is ever part of another letter there. It is not
//! the reader of the lists: it must know the line of each row, when a quote stays open, and how long a row may get before it is refused.

use std::io::BufRead;

/// A row with more bytes is refused, so that a quote that stays open does not swallow a whole history.
const LONGEST_ROW: usize = 16 << 20;

/// Why there is no next row.
#[derive(Debug)]
pub enum Trouble {
    Io(std::io::Error),
    /// The row that begins on this line opens a quote and the file ends.
    OpenQuote(u64),
    TooLong(u64),
}

/// The fields of a row.
#[derive(Debug, Default)]
pub struct Row {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The line (from 1) on which it begins.
    pub line: u64,
    /// There is text behind a closing quote.
    pub garbled: bool,
}

impl Row {
    pub fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    fn clear(&mut self, line: u64) {
        self.bytes.clear();
        self.ends.clear();
        self.line = line;
        self.garbled = false;
    }

    fn end_field(&mut self) {
        self.ends.push(self.bytes.len());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first letter of a row.
    Between,
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote within quotes: the end, or the first of two.
    QuoteSeen,
}

/// The rows of a file; empty lines are none.
#[derive(Debug)]
pub struct Rows<R> {
    source: R,
    delimiter: u8,
    line: u64,
    /// The last byte was a carriage return, with which a line feed is one line break.
    returned: bool,
}

impl<R: BufRead> Rows<R> {
    /// `line` is the one on which the source begins.
    pub fn new(source: R, delimiter: u8, line: u64) -> Self {
        Self { source, delimiter, line, returned: false }
    }

    /// Fills `row` with the next row; false at the end of the file.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Trouble> {
        row.clear(self.line);
        let mut state = State::Between;
        loop {
            let Self { source, delimiter, line, returned } = self;
            let chunk = source.fill_buf().map_err(Trouble::Io)?;
            if chunk.is_empty() {
                return match state {
                    State::Between => Ok(false),
                    State::Quoted => Err(Trouble::OpenQuote(row.line)),
                    _ => {
                        row.end_field();
                        Ok(true)
                    }
                };
            }
            let mut used = 0;
            let mut complete = false;
            for byte in chunk {
                used += 1;
                if state == State::Between {
                    row.line = *line;
                }
                *line += u64::from(*byte == b'\r' || (*byte == b'\n' && !*returned));
                if state == State::Between && *byte == b'\n' && *returned {
                    row.line = *line;
                }
                *returned = *byte == b'\r';
                state = step(state, *byte, *delimiter, row);
                if state == State::Between && !row.ends.is_empty() {
                    complete = true;
                    break;
                }
            }
            source.consume(used);
            if complete {
                return Ok(true);
            }
            if row.bytes.len() > LONGEST_ROW {
                return Err(Trouble::TooLong(row.line));
            }
        }
    }
}

/// Takes one byte into the row.
fn step(state: State, byte: u8, delimiter: u8, row: &mut Row) -> State {
    match (state, byte) {
        (State::Between, b'\r' | b'\n') => State::Between,
        (State::Quoted, b'"') => State::QuoteSeen,
        (State::Quoted, _) => {
            row.bytes.push(byte);
            State::Quoted
        }
        (State::QuoteSeen, b'"') => {
            row.bytes.push(b'"');
            State::Quoted
        }
        (_, b'\r' | b'\n') => {
            row.end_field();
            State::Between
        }
        (State::Between | State::FieldStart, b'"') => State::Quoted,
        (_, byte) if byte == delimiter => {
            row.end_field();
            State::FieldStart
        }
        (State::QuoteSeen, _) => {
            row.garbled = true;
            row.bytes.push(byte);
            State::Plain
        }
        (_, _) => {
            row.bytes.push(byte);
            State::Plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    type Found = Vec<(u64, Vec<String>)>;

    fn rows(text: &[u8], capacity: usize) -> Result<Found, Trouble> {
        let mut rows = Rows::new(BufReader::with_capacity(capacity, text), b',', 1);
        let mut row = Row::default();
        let mut all = Vec::new();
        while rows.next(&mut row)? {
            all.push((row.line, row.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()));
        }
        Ok(all)
    }

    #[test]
    fn lines_are_told_as_an_editor_shows_them() {
        let text = b"\r\na,\"b\r\n\r\nc\"\r\n\r\nd,e\n\nf\r";
        let row = |line: u64, fields: &[&str]| (line, fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>());
        let expected = [row(2, &["a", "b\r\n\r\nc"]), row(6, &["d", "e"]), row(8, &["f"])];
        assert_eq!(rows(text, 64).unwrap(), expected);
        assert_eq!(rows(text, 1).unwrap(), expected);
        assert_eq!(rows(b"a\rb\r\rc", 3).unwrap(), [row(1, &["a"]), row(2, &["b"]), row(4, &["c"])]);
    }

    #[test]
    fn quotes_that_stay_open_and_endless_rows_are_refused_with_their_line() {
        assert!(matches!(rows(b"a\nb,\"c\nd\n", 8), Err(Trouble::OpenQuote(2))));
        let endless = [b"a\n\n\"".to_vec(), vec![b'x'; LONGEST_ROW + (1 << 17)]].concat();
        assert!(matches!(rows(&endless, 1 << 16), Err(Trouble::TooLong(3))));
        let mut row = Row::default();
        assert!(Rows::new(&b"\"a\"b,c\n"[..], b',', 1).next(&mut row).unwrap() && row.garbled);
        assert!(Rows::new(&b"\"a\"\"b\",\"\"\n"[..], b',', 1).next(&mut row).unwrap() && !row.garbled);
        assert_eq!(row.fields().collect::<Vec<_>>(), [&b"a\"b"[..], b""]);
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_usual_reader(
            table in proptest::collection::vec(proptest::collection::vec("[ -~\r\n山]{0,5}", 1..4), 0..6),
            ending in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], capacity in 1_usize..9,
        ) {
            let terminator = match ending {
                "\n" => csv::Terminator::Any(b'\n'),
                "\r\n" => csv::Terminator::CRLF,
                _ => csv::Terminator::Any(b'\r'),
            };
            let mut writer = csv::WriterBuilder::new().flexible(true).terminator(terminator).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let mut usual = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
            let usual: Vec<Vec<String>> = usual.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            let own: Vec<Vec<String>> = rows(&bytes, capacity).unwrap().into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(own, usual);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..99)) {
            if let Ok(found) = rows(&bytes, 7) {
                prop_assert!(found.is_sorted_by_key(|(line, _)| *line));
            }
        }
    }
}
