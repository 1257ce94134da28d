//! CSV and TSV: UTF-8, UTF-16 with its mark, or CP932; quoted fields may hold line breaks; every row has the header's length.

use super::error::Error;
use super::table::{Column, Kind, LONGEST_VALUE, Places, Stretch, Table, Take, Wanted};
use crate::domain::{Value, Values};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The whole text is held at once; beyond this a list belongs into Parquet.
const LARGEST: u64 = 4 << 30;

/// Rows that are handed on together.
const STRETCH: usize = 4_096;

/// How much of a file is looked at for its header.
const HEADER_REACH: u64 = 1 << 18;

/// Reads a whole list. Empty fields are nothing, all others are text.
pub fn read(file: File, path: &Path, name: &str, wanted: Wanted, take: Take) -> Result<Table, Error> {
    let (bytes, digest) = whole(file, name, wanted.key)?;
    let text = decode(bytes, name)?;
    let (columns, rows) = parse(&text, tabs_by_name(path), name, wanted, take)?;
    Ok(Table { file: name.to_owned(), columns, rows, places: Places::Lines(Vec::new()), digest })
}

/// All bytes of a file, and their digest.
fn whole(file: File, name: &str, key: &'static str) -> Result<(Vec<u8>, String), Error> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|source| Error::Io { key, file: name.to_owned(), source })?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::TooLarge { file: name.to_owned(), bytes: bytes.len() as u64, limit: LARGEST });
    }
    let digest = blake3::hash(&bytes).to_hex().to_string();
    Ok((bytes, digest))
}

/// Rows with the lines on which they begin (from 1).
pub type Rows = Vec<(u64, Vec<String>)>;

/// Reads rows that need no header and may be of any length, and what identifies the file's content. Each is one line: a quote that is
/// never closed swallows the rest of a file, and without a header nothing else would tell.
pub fn rows(file: File, path: &Path, name: &str, key: &'static str) -> Result<(Rows, String), Error> {
    let (bytes, digest) = whole(file, name, key)?;
    let text = decode(bytes, name)?;
    let mut reader = reader(&text, tabs_by_name(path));
    let mut counter = LineCounter { text: text.as_bytes(), at: 0, line: 1 };
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    loop {
        let start = reader.position().byte();
        if !reader.read_record(&mut record).map_err(|error| strange(name, counter.line_of_row(start), &error))? {
            return Ok((rows, digest));
        }
        let line = counter.line_of_row(start);
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            let what = "has a line break within a cell; close the quote that it opens, or take the break out".to_owned();
            return Err(Error::Line { file: name.to_owned(), line, what });
        }
        rows.push((line, record.iter().map(str::to_owned).collect()));
    }
}

/// Reads the header only.
pub fn names(file: File, path: &Path, name: &str, key: &'static str) -> Result<Vec<String>, Error> {
    let io = |source| Error::Io { key, file: name.to_owned(), source };
    let mut bytes = Vec::new();
    file.take(HEADER_REACH).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 == HEADER_REACH {
        // The cut may have split a letter; a line break never is part of one, in none of the encodings but UTF-16, which pads it.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(bytes.len());
        bytes.truncate(if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) { end & !1 } else { end });
    }
    let text = decode(bytes, name)?;
    let mut reader = reader(&text, tabs_by_name(path));
    let mut record = csv::StringRecord::new();
    Ok(header(&mut reader, &mut record, name)?.into_iter().map(|(_, column)| column).collect())
}

fn tabs_by_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"))
}

/// The text of a file. A mark at its start decides; else it is UTF-8 if all of it is, else CP932 if all of it is.
fn decode(bytes: Vec<u8>, file: &str) -> Result<String, Error> {
    let not = |line: u64| Error::Encoding { file: file.to_owned(), line };
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes) {
        let marked = bytes.get(mark..).unwrap_or_default();
        return match encoding.decode_without_bom_handling_and_without_replacement(marked) {
            Some(text) => Ok(text.into_owned()),
            None => Err(not(first_strange_line(marked, encoding))),
        };
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error.into_bytes(),
    };
    // Damaged UTF-8 often passes as CP932 nonsense. A file whose lines are mostly good UTF-8 is meant to be all of it.
    let foreign = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
    let (good, bad) = foreign.fold((0_u64, 0_u64), |(good, bad), line| match std::str::from_utf8(line) {
        Ok(_) => (good + 1, bad),
        Err(_) => (good, bad + 1),
    });
    if good > bad {
        return Err(not(first_strange_line(&bytes, UTF_8)));
    }
    match SHIFT_JIS.decode_without_bom_handling_and_without_replacement(&bytes) {
        Some(text) => Ok(text.into_owned()),
        None => Err(not(first_strange_line(&bytes, SHIFT_JIS))),
    }
}

/// The first line (from 1) that an encoding cannot read.
fn first_strange_line(bytes: &[u8], encoding: &'static Encoding) -> u64 {
    let mut lines = (1_u64..).zip(bytes.split(|byte| *byte == b'\n'));
    lines.find(|(_, line)| encoding.decode_without_bom_handling_and_without_replacement(line).is_none()).map_or(1, |(line, _)| line)
}

fn reader(text: &str, tabs: bool) -> csv::Reader<&[u8]> {
    let first = text.lines().find(|line| !line.is_empty()).unwrap_or_default();
    let delimiter = match [',', '\t', ';'].map(|mark| first.contains(mark)) {
        _ if tabs => b'\t',
        [false, true, _] => b'\t',
        [false, false, true] => b';',
        _ => b',',
    };
    // Lengths are compared here and not there, so that the message can count lines right.
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes())
}

/// The columns that have a name, with their places. `record` keeps the whole header.
fn header(reader: &mut csv::Reader<&[u8]>, record: &mut csv::StringRecord, file: &str) -> Result<Vec<(usize, String)>, Error> {
    let there = reader.read_record(record).map_err(|error| strange(file, 1, &error))?;
    let named = record.iter().map(str::trim).enumerate().filter(|(_, name)| !name.is_empty());
    let named: Vec<(usize, String)> = named.map(|(at, name)| (at, name.to_owned())).collect();
    if !there || named.is_empty() {
        return Err(Error::Empty { file: file.to_owned() });
    }
    Ok(named)
}

fn strange(file: &str, line: u64, error: &csv::Error) -> Error {
    Error::Line { file: file.to_owned(), line, what: format!("is no CSV: {error}") }
}

/// The columns, and how many rows there are.
fn parse(text: &str, tabs: bool, file: &str, wanted: Wanted, take: Take) -> Result<(Vec<Column>, usize), Error> {
    let mut reader = reader(text, tabs);
    let mut record = csv::StringRecord::new();
    let named = header(&mut reader, &mut record, file)?;
    let width = record.len();
    // Columns that are not wanted stay without values, so that a message can still name them.
    let kept: Vec<Option<usize>> =
        named.iter().map(|(at, name)| wanted.only.is_none_or(|only| only.contains(&name.as_str())).then_some(*at)).collect();
    let column = |(_, name)| Column { name, kind: Kind::Text, type_name: "text".to_owned(), values: Values::default() };
    let columns: Vec<Column> = named.into_iter().map(column).collect();
    let none = || Stretch { places: Places::Lines(Vec::new()), values: vec![Vec::new(); columns.len()] };
    let mut stretch = none();
    let (mut rows, mut last) = (0, 1);
    let mut ends_in_lines = false;
    let mut counter = LineCounter { text: text.as_bytes(), at: 0, line: 1 };
    loop {
        let start = reader.position().byte();
        if !reader.read_record(&mut record).map_err(|error| strange(file, counter.line_of_row(start), &error))? {
            break;
        }
        let line = counter.line_of_row(start);
        let wrong = |what: String| Error::Line { file: file.to_owned(), line, what };
        if record.len() != width {
            return Err(wrong(format!(
                "has {} fields where the header has {width}; a field that holds a comma or a line break needs quotes around it",
                record.len()
            )));
        }
        if record.iter().any(|field| field.len() > LONGEST_VALUE) {
            return Err(wrong(format!("has a field of more than {LONGEST_VALUE} bytes; a quote may be missing at its end")));
        }
        for (values, at) in stretch.values.iter_mut().zip(&kept) {
            let Some(at) = at else { continue };
            let field = record.get(*at).unwrap_or_default();
            values.push(if field.is_empty() { Value::Null } else { Value::Text(field.to_owned()) });
        }
        stretch.places.push(line);
        (rows, last) = (rows + 1, line);
        if stretch.places.numbers().len() == STRETCH {
            take(&columns, std::mem::replace(&mut stretch, none()));
        }
        ends_in_lines = record.iter().next_back().is_some_and(|field| field.contains('\n'));
    }
    // A quote that is never closed swallows the rest of the file, and with it people who would vanish without a word.
    if ends_in_lines && text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(Error::Line { file: file.to_owned(), line: last, what: "opens a quote that is never closed".to_owned() });
    }
    take(&columns, stretch);
    Ok((columns, rows))
}

/// Turns byte positions, which only rise, into lines.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// The line (from 1) of the row that the reader finds from `start` on; it skips empty lines before it.
    fn line_of_row(&mut self, start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        while let Some(byte) = self.text.get(self.at) {
            if self.at >= start && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Zone;
    use proptest::prelude::*;

    const WANTED: Wanted = Wanted { key: "the key", zone: Zone(chrono_tz::Asia::Tokyo), only: None };

    fn parsed(bytes: &[u8]) -> Result<(Vec<Column>, Vec<u64>), Error> {
        let (mut values, mut lines) = (Vec::<Values>::new(), Vec::new());
        let text = decode(bytes.to_vec(), "c.csv")?;
        let (mut columns, rows) = parse(&text, false, "c.csv", WANTED, &mut |columns, stretch| {
            values.resize_with(columns.len(), Values::default);
            values.iter_mut().zip(stretch.values).for_each(|(column, read)| column.extend(read));
            lines.extend(stretch.places.numbers());
        })?;
        columns.iter_mut().zip(values).for_each(|(column, values)| column.values = values);
        assert_eq!(rows, lines.len());
        Ok((columns, lines))
    }

    fn cells(bytes: &[u8]) -> Vec<(String, Vec<String>)> {
        let (columns, _) = parsed(bytes).expect("a list");
        let text = |value: std::borrow::Cow<Value>| match value.into_owned() {
            Value::Text(text) => text,
            Value::Null => "-".to_owned(),
            other => panic!("{other:?}"),
        };
        columns.into_iter().map(|column| (column.name, column.values.iter().map(text).collect())).collect()
    }

    fn message(bytes: &[u8]) -> String {
        parsed(bytes).expect_err("an error").to_string()
    }

    #[test]
    fn every_usual_encoding_reads_alike() {
        let text = "id,名前,\r\n1,髙橋①,x\r\n2,,y\r\n";
        let expected =
            [("id".to_owned(), vec!["1".to_owned(), "2".to_owned()]), ("名前".to_owned(), vec!["髙橋①".to_owned(), "-".to_owned()])];
        let utf16 =
            |mark: [u8; 2], turn: fn(u16) -> [u8; 2]| mark.into_iter().chain(text.encode_utf16().flat_map(turn)).collect::<Vec<u8>>();
        assert_eq!(cells(text.as_bytes()), expected);
        assert_eq!(cells(format!("\u{feff}{text}").as_bytes()), expected);
        assert_eq!(cells(&SHIFT_JIS.encode(text).0), expected);
        assert_eq!(cells(&utf16([0xff, 0xfe], u16::to_le_bytes)), expected);
        assert_eq!(cells(&utf16([0xfe, 0xff], u16::to_be_bytes)), expected);
        assert_eq!(cells(text.replace(',', "\t").as_bytes()), expected);
    }

    #[test]
    fn other_encodings_are_refused_with_the_line() {
        assert!(message(b"id,name\n1,a\n2,\xff\xff\n").contains("line 3 is neither UTF-8 nor CP932"));
        let mut damaged = "id,名前\n1,山田\n2,佐藤\n3,".as_bytes().to_vec();
        damaged.extend([0xe3, 0x81, b'\n']);
        assert!(message(&damaged).contains("line 4 is neither"), "{}", message(&damaged));
    }

    #[test]
    fn quoted_fields_hold_commas_quotes_and_line_breaks() {
        let list = b"id,note\n1,\"a, \"\"b\"\"\r\nc\"\n\n2,d\n";
        assert_eq!(cells(list)[1].1, ["a, \"b\"\r\nc", "d"]);
        assert_eq!(parsed(list).expect("a list").1, [2, 5]);
    }

    #[test]
    fn wrong_rows_are_named_by_line() {
        assert!(message(b"id,note\n1,\"a\nb\"\n\n2,x,y\n").contains("line 5 has 3 fields where the header has 2"));
        assert!(message(b"id,note\n1,a\n2\n").contains("line 3 has 1 fields"));
        assert!(message(b"id,note\n1,\"a\n2,b\n3,c\n").contains("line 2 opens a quote that is never closed"));
        assert!(message(format!("id,note\n1,{}\n", "x".repeat(LONGEST_VALUE + 1)).as_bytes()).contains("line 2 has a field of more than"));
        for empty in ["", "\n\n", "\u{feff}", ",,\n1,2,3\n"] {
            assert!(matches!(parsed(empty.as_bytes()), Err(Error::Empty { .. })), "{empty:?}");
        }
        assert_eq!(parsed(b"id,note\n").expect("no rows").1, [0_u64; 0]);
    }

    #[test]
    fn a_header_is_read_from_the_start_of_a_long_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.csv");
        let text = format!("id,名前\n{}", "1,山田太郎\n".repeat(26_000));
        for bytes in [text.clone().into_bytes(), SHIFT_JIS.encode(&text).0.into_owned(), format!("\u{feff}{text}").into_bytes()] {
            std::fs::write(&path, bytes).expect("a file");
            assert_eq!(names(File::open(&path).expect("a file"), &path, "c.csv", "the key").expect("names"), ["id", "名前"]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200)) {
            if let Ok((columns, lines)) = parsed(&bytes) {
                prop_assert!(columns.iter().all(|column| column.values.len() == lines.len()));
                prop_assert!(lines.is_sorted());
            }
        }

        #[test]
        fn written_rows_come_back(rows in proptest::collection::vec(("[a-z]{1,3}", "[ -~\r\n山é]{0,9}"), 0..9)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["id", "note"]).expect("a header");
            for (id, note) in &rows {
                writer.write_record([id, note]).expect("a row");
            }
            let bytes = writer.into_inner().expect("bytes");
            let expected: Vec<String> = rows.iter().map(|(_, note)| if note.is_empty() { "-".to_owned() } else { note.clone() }).collect();
            prop_assert_eq!(&cells(&bytes)[1].1, &expected);
        }
    }
}
