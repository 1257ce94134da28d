//! A list as it was read: its columns, what they hold, and where each row stood in the file.

use super::error::{Error, relative_name};
use super::{csv, parquet};
use crate::domain::text::unmarked;
use crate::domain::{Texts, Value, Values, Zone};
use std::borrow::Cow;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

/// More bytes than a value of any list needs; what is longer is damage or malice.
pub const LONGEST_VALUE: usize = 1 << 20;

/// The kinds that ids can be read from.
pub const IDS: [Kind; 4] = [Kind::Text, Kind::Int, Kind::Float, Kind::Decimal];

/// What a column holds. An all-empty one counts as any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Float,
    /// Exact decimals, as text.
    Decimal,
    Bool,
    Date,
    /// RFC 3339 text in the job's zone.
    Time,
    List,
    /// Written as text for templates; no role can be read from it.
    Other,
}

#[derive(Debug)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// The type's name in the file, for messages.
    pub type_name: String,
    pub values: Values,
}

/// The columns of a list, all equally long.
#[derive(Debug)]
pub struct Table {
    pub file: String,
    pub columns: Vec<Column>,
    pub rows: usize,
    /// The line on which each row begins; none for Parquet, which has rows only.
    pub lines: Option<Vec<u64>>,
    /// Hex, of what identifies the file's content.
    pub digest: String,
}

/// Which list is read, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The key of the job that names its file, for messages.
    pub key: &'static str,
    pub zone: Zone,
    /// The columns to read; `None` is all.
    pub only: Option<&'a [&'a str]>,
}

impl Table {
    /// A column that the job names.
    pub fn column(&self, name: &str, key: &str) -> Result<&Column, Error> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
            Error::no_column(&self.file, name, key, &names)
        })
    }

    /// A column that the job names for a role that only some kinds can fill.
    pub fn column_of(&self, name: &str, key: &str, kinds: &[Kind], expected: &'static str) -> Result<&Column, Error> {
        let column = self.column(name, key)?;
        if column.fits(kinds) { Ok(column) } else { Err(self.wrong_type(column, key, expected)) }
    }

    /// The ids in a column, without outer white space, empty where there is none. Some writers make floats of whole numbers with gaps, so
    /// whole ones are ids as the purchases have them.
    pub fn ids(&self, column: &Column) -> Result<Texts, Error> {
        let mut ids = Texts::default();
        for (row, value) in column.values.iter().enumerate() {
            match (&*value, column.kind) {
                (Value::Float(number), _) => ids.push(&whole(*number).ok_or_else(|| self.no_id(column, row))?),
                (Value::Text(decimal), Kind::Decimal) => {
                    let (digits, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
                    if fraction.bytes().any(|digit| digit != b'0') {
                        return Err(self.no_id(column, row));
                    }
                    ids.push(digits);
                }
                // Only a CSV comes out of a spreadsheet.
                (Value::Text(text), _) => ids.push(if self.lines.is_some() { unmarked(text).trim() } else { text.trim() }),
                _ => ids.push(&word(&value).unwrap_or_default()),
            }
        }
        Ok(ids)
    }

    fn no_id(&self, column: &Column, row: usize) -> Error {
        let value = column.values.get(row).and_then(|value| Some(word(&value)?.into_owned())).unwrap_or_default();
        Error::Unusable { file: self.file.clone(), column: column.name.clone(), value, place: self.place(row), what: "id (a whole number)" }
    }

    pub fn wrong_type(&self, column: &Column, key: &str, expected: &'static str) -> Error {
        Error::WrongType {
            file: self.file.clone(),
            column: column.name.clone(),
            found: column.type_name.clone(),
            expected,
            key: key.to_owned(),
        }
    }

    /// Where a row stands in the file, for people.
    pub fn place(&self, row: usize) -> String {
        match self.lines.as_ref().and_then(|lines| lines.get(row)) {
            Some(line) => format!("line {line}"),
            None => format!("row {}", row + 1),
        }
    }
}

impl Column {
    /// Whether a role of these kinds can be read from it. Of a column without values a writer had to think of a type.
    pub fn fits(&self, kinds: &[Kind]) -> bool {
        kinds.contains(&self.kind) || self.values.iter().all(|value| *value == Value::Null)
    }
}

/// A float that is certain to be a whole number, in decimal; beyond 2^53 several are one.
fn whole(number: f64) -> Option<String> {
    // Minus zero is zero.
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then(|| (number + 0.0).to_string())
}

/// A value as one word, for comparing with what the job writes; `None` for nothing and for lists.
pub fn word(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Int(number) => Some(number.to_string().into()),
        Value::Float(number) => Some(number.to_string().into()),
        Value::Bool(truth) => Some(truth.to_string().into()),
        Value::Date(day) => Some(day.to_string().into()),
        Value::Null | Value::List(_) | Value::Record(_) => None,
    }
}

/// Whether a value, or one of those it lists, is among these words. The word that did it comes back.
pub fn one_of<'a>(value: &Value, words: &'a [String]) -> Option<&'a str> {
    if let Value::List(values) = value {
        return values.iter().find_map(|value| one_of(value, words));
    }
    let word = word(value)?;
    words.iter().map(String::as_str).find(|one| *one == word)
}

/// Reads a list.
pub fn read(path: &Path, base: &Path, wanted: Wanted) -> Result<Table, Error> {
    let name = relative_name(path, base);
    let (file, before) = open(path, &name, wanted.key)?;
    let is_csv = is_csv(path, &file).map_err(|source| Error::Io { key: wanted.key, file: name.clone(), source })?;
    let table =
        unchanged(path, &name, &before, || if is_csv { csv::read(file, path, &name, wanted) } else { parquet::read(file, &name, wanted) })?;
    refuse_doubles(table.columns.iter().map(|column| &column.name), &name)?;
    Ok(table)
}

/// What was read of a file, if it stayed as it was meanwhile. A file that changed or went away explains whatever else went wrong.
pub fn unchanged<T>(path: &Path, name: &str, before: &Metadata, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let found = read();
    match fs::metadata(path) {
        Ok(after) if after.len() == before.len() && after.modified().ok() == before.modified().ok() => found,
        _ => Err(Error::Changed { file: name.to_owned() }),
    }
}

/// The names of a list's columns.
pub fn names(path: &Path, base: &Path, key: &'static str) -> Result<Vec<String>, Error> {
    let name = relative_name(path, base);
    let (file, _) = open(path, &name, key)?;
    let io = |source| Error::Io { key, file: name.clone(), source };
    let names = if is_csv(path, &file).map_err(io)? { csv::names(file, path, &name, key)? } else { parquet::names(&file, &name)? };
    refuse_doubles(names.iter(), &name)?;
    Ok(names)
}

pub fn open(path: &Path, name: &str, key: &'static str) -> Result<(File, Metadata), Error> {
    let io = |source| Error::Io { key, file: name.to_owned(), source };
    // The kind is asked before opening, because opening a pipe would wait for its writer.
    if fs::metadata(path).map_err(io)?.is_dir() {
        return Err(Error::Folder { key, file: name.to_owned() });
    }
    let file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    Ok((file, meta))
}

/// By its extension, else by its first bytes.
fn is_csv(path: &Path, mut file: &File) -> std::io::Result<bool> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("csv" | "tsv") => Ok(true),
        Some("parquet") => Ok(false),
        _ => {
            let mut start = Vec::new();
            file.take(4).read_to_end(&mut start)?;
            std::io::Seek::rewind(&mut file)?;
            Ok(start != b"PAR1" && start != b"PARE")
        }
    }
}

fn refuse_doubles<'a>(names: impl Iterator<Item = &'a String>, file: &str) -> Result<(), Error> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::ColumnTwice { file: file.to_owned(), column: name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_changes_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.csv");
        fs::write(&path, "id\na\n").unwrap();
        let before = fs::metadata(&path).unwrap();
        assert_eq!(unchanged(&path, "c.csv", &before, || Ok(1)).unwrap(), 1);
        let changed = |by: fn(&Path)| {
            let read = || -> Result<(), Error> {
                by(&path);
                Err(Error::Empty { file: "c.csv".to_owned() })
            };
            matches!(unchanged(&path, "c.csv", &before, read), Err(Error::Changed { file }) if file == "c.csv")
        };
        assert!(changed(|path| fs::write(path, "id\na\nb\n").unwrap()));
        assert!(changed(|path| fs::remove_file(path).unwrap()));
    }
}
