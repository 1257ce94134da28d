//! Turns a CSV of purchases into Parquet: once, with types that hold for the whole file, and a list of what could not be read.
//!
//! The file is walked through three times (encoding, types, rows), so that memory does not grow with it. Nothing is guessed from the names
//! of columns: a column is numbers or times when nearly all of its values are. A row with another value there is left out and listed.

mod cells;
mod encoding;
mod error;
mod guess;
mod rows;
mod write;

pub use error::Error;
pub use guess::{ColumnType, Odd, Remedy};

use encoding::Encoding;
use guess::{Guess, Kind, Reading};
use rows::{Row, Rows};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A field with more bytes is not read: a quote is probably missing.
const LONGEST_FIELD: usize = 1 << 20;
/// How many rows that could not be read are listed.
const NOTES: usize = 10;
/// The share of rows that may be left out where nothing else is said, as `max_bad_rows` of a job has it.
const MAX_BAD_ROWS: f64 = 0.001;

/// What is to be imported.
pub struct Request<'a> {
    pub csv: &'a Path,
    /// The folder that the Parquet file goes into; it is made when it is not there.
    pub to: &'a Path,
    /// Write over a file that holds something else.
    pub force: bool,
    /// What columns are said to hold.
    pub types: &'a [(String, ColumnType)],
    /// The share of rows that may be left out; else a thousandth, and as many as are listed in any case.
    pub max_bad_rows: Option<f64>,
}

/// A CSV that lies in its folder as Parquet.
pub struct Imported {
    pub file: PathBuf,
    /// The file was there already, with the same content.
    pub unchanged: bool,
    pub encoding: &'static str,
    pub rows: u64,
    pub columns: Vec<Column>,
    pub not_read: u64,
    /// The first of them: line, and what is wrong.
    pub notes: Vec<(u64, String)>,
}

/// A column as it was written.
pub struct Column {
    pub name: String,
    pub kind: String,
    /// Why the column is text although most of its values look like numbers or dates.
    pub odd: Option<Odd>,
    /// Cells that a spreadsheet marked as text (`="001"`, `'001`), which are read without their mark.
    pub marked: u64,
}

/// Reads the CSV and writes `FOLDER/NAME.parquet`, which appears whole or not at all.
pub fn import(request: &Request<'_>) -> Result<Imported, Error> {
    let source = Source::open(request.csv)?;
    let mut header = source.header()?;
    for (name, _) in request.types {
        if !header.names.iter().flatten().any(|there| there == name) {
            let there = header.names.iter().flatten().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(Error::NoColumn { file: source.name, column: name.clone(), there });
        }
    }
    let said = |name: &Option<String>| request.types.iter().rev().find(|(column, _)| Some(column) == name.as_ref()).map(|(_, said)| *said);
    let mut guesses = vec![Guess::default(); header.names.len()];
    source.each_row(&header, |line, row| {
        if let Ok(texts) = row {
            guesses.iter_mut().zip(texts).for_each(|(guess, text)| guess.see(line, text));
        }
        Ok(())
    })?;
    header.drop_empty(&guesses);
    for (name, guess) in header.names.iter().zip(&guesses).filter(|(name, _)| said(name) == Some(ColumnType::Date)) {
        if let (Some(column), Some((line, value))) = (name, guess.undecided()) {
            return Err(Error::DateOrder { file: source.name, column: column.clone(), line, value });
        }
    }
    let readings: Vec<Reading> = header.names.iter().zip(&guesses).map(|(name, guess)| guess.reading(said(name))).collect();
    let written = write::write(&source, &header, &readings, request)?;
    let columns = header.names.iter().zip(readings.iter().zip(&guesses)).filter_map(|(name, (reading, guess))| {
        let odd = if reading.kind == Kind::Text && said(name).is_none() { guess.odd() } else { None };
        Some(Column { name: name.clone()?, kind: reading.kind.word(), odd, marked: guess.marked })
    });
    let Counts { rows, not_read, notes } = written.counts;
    let (file, unchanged) = (written.file, written.unchanged);
    Ok(Imported { columns: columns.collect(), file, unchanged, encoding: source.encoding.name(), rows, not_read, notes })
}

/// The rows that went into the file, and those that did not.
#[derive(Default)]
struct Counts {
    rows: u64,
    not_read: u64,
    notes: Vec<(u64, String)>,
}

impl Counts {
    fn leave_out(&mut self, line: u64, what: String) {
        self.not_read += 1;
        if self.notes.len() < NOTES {
            self.notes.push((line, what));
        }
    }

    /// An import that leaves out more than it may is none. Without a limit of its own a few rows may always be left out: each of them is
    /// listed, and the exit code tells.
    fn check(&self, file: &str, max_bad_rows: Option<f64>) -> Result<(), Error> {
        let line = |(line, what): &(u64, String)| format!("line {line} {what}");
        if self.rows == 0 {
            let first = self.notes.first().map_or_else(String::new, |first| format!(" that can be read; {}", line(first)));
            return Err(Error::NoRows { file: file.to_owned(), first });
        }
        let rows = self.rows + self.not_read;
        let share = max_bad_rows.unwrap_or(MAX_BAD_ROWS);
        #[expect(clippy::cast_precision_loss, reason = "a share of rows needs no more than 52 bits")]
        let too_many = self.not_read as f64 > share * rows as f64;
        if too_many && (max_bad_rows.is_some() || self.not_read > NOTES as u64) {
            let first = self.notes.iter().map(line).collect::<Vec<_>>().join("\n  ");
            return Err(Error::TooManyBad { file: file.to_owned(), bad: self.not_read, rows, allowed: (share * 1e6).round() / 1e4, first });
        }
        Ok(())
    }
}

/// The names of the columns; one without a name is `column 3`, and is not taken over where it holds nothing.
struct Header {
    pub names: Vec<Option<String>>,
    /// Whether the CSV gives it no name.
    unnamed: Vec<bool>,
    /// The fields as they stand, to know the header again.
    raw: Vec<Vec<u8>>,
}

impl Header {
    /// Leaves out what has neither a name nor a value, such as what commas at the end of each line make.
    fn drop_empty(&mut self, guesses: &[Guess]) {
        for ((name, unnamed), guess) in self.names.iter_mut().zip(&self.unnamed).zip(guesses) {
            if *unnamed && guess.is_empty() {
                *name = None;
            }
        }
    }

    /// Why a row below this header cannot be read.
    fn complaint(&self, row: &Row) -> Option<String> {
        let width = self.names.len();
        if row.garbled {
            Some("has text behind a closing quote; a quote within a field is written twice".to_owned())
        } else if row.fields().count() != width {
            let fields = row.fields().count();
            Some(format!("has {fields} fields where the header has {width}; a field that holds a comma or a line break needs quotes"))
        } else if row.fields().any(|field| field.len() > LONGEST_FIELD) {
            Some(format!("has a field of more than {LONGEST_FIELD} bytes; a quote may be missing at its end"))
        } else if row.fields().eq(self.raw.iter().map(Vec::as_slice)) {
            Some("repeats the header".to_owned())
        } else {
            None
        }
    }
}

/// The CSV, ready to be walked through.
struct Source {
    pub name: String,
    path: PathBuf,
    encoding: Encoding,
    delimiter: u8,
    print: (u64, Option<SystemTime>),
}

impl Source {
    fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let io = |source| Error::Io { file: name.clone(), source };
        if path.is_dir() {
            return Err(Error::Folder { file: name });
        }
        let print = print(path).map_err(io)?;
        let looked = encoding::look(&mut BufReader::new(File::open(path).map_err(io)?)).map_err(io)?;
        let encoding = looked.encoding(&name)?;
        let by_name = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
        Ok(Self { delimiter: if by_name { b'\t' } else { looked.delimiter }, path: path.to_owned(), encoding, print, name })
    }

    fn rows(&self) -> Result<Rows<BufReader<File>>, Error> {
        let io = |source| Error::Io { file: self.name.clone(), source };
        let mut file = File::open(&self.path).map_err(io)?;
        let named = encoding::pass_start(&mut file).map_err(io)?;
        let delimiter = named.unwrap_or(self.delimiter);
        Ok(Rows::new(BufReader::with_capacity(1 << 16, file), delimiter, 1 + u64::from(named.is_some())))
    }

    fn trouble(&self, trouble: rows::Trouble) -> Error {
        match trouble {
            rows::Trouble::Io(source) => Error::Io { file: self.name.clone(), source },
            rows::Trouble::OpenQuote(line) => Error::OpenQuote { file: self.name.clone(), line },
            rows::Trouble::TooLong(line) => Error::TooLong { file: self.name.clone(), line },
        }
    }

    fn header(&self) -> Result<Header, Error> {
        let mut row = Row::default();
        let there = self.rows()?.next(&mut row).map_err(|trouble| self.trouble(trouble))?;
        let (mut names, mut unnamed) = (Vec::new(), Vec::new());
        for (at, field) in row.fields().enumerate() {
            let text = self.encoding.decode(field).ok_or_else(|| Error::Header { file: self.name.clone() })?;
            let name = text.trim();
            unnamed.push(name.is_empty());
            let name = if name.is_empty() { format!("column {}", at + 1) } else { name.to_owned() };
            if names.contains(&Some(name.clone())) {
                return Err(Error::ColumnTwice { file: self.name.clone(), column: name });
            }
            names.push(Some(name));
        }
        if !there || unnamed.iter().all(|unnamed| *unnamed) {
            return Err(Error::Empty { file: self.name.clone() });
        }
        Ok(Header { names, unnamed, raw: row.fields().map(<[u8]>::to_vec).collect() })
    }

    /// Hands on every row below the header: its line and its fields as text, or what is wrong with it.
    fn each_row(
        &self,
        header: &Header,
        mut take: impl FnMut(u64, Result<&[std::borrow::Cow<'_, str>], String>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rows = self.rows()?;
        let mut row = Row::default();
        rows.next(&mut row).map_err(|trouble| self.trouble(trouble))?;
        while rows.next(&mut row).map_err(|trouble| self.trouble(trouble))? {
            let texts = match header.complaint(&row) {
                Some(what) => Err(what),
                None => row
                    .fields()
                    .map(|field| self.encoding.decode(field))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| format!("is not {} text", self.encoding.name())),
            };
            match texts {
                Ok(texts) => take(row.line, Ok(&texts))?,
                Err(what) => take(row.line, Err(what))?,
            }
        }
        Ok(())
    }

    fn check_unchanged(&self) -> Result<(), Error> {
        match print(&self.path) {
            Ok(found) if found == self.print => Ok(()),
            _ => Err(Error::Changed { file: self.name.clone() }),
        }
    }
}

/// By what a file is known again.
fn print(path: &Path) -> std::io::Result<(u64, Option<SystemTime>)> {
    let about = std::fs::metadata(path)?;
    Ok((about.len(), about.modified().ok()))
}

#[cfg(test)]
mod tests;
