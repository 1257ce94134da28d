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
    pub places: Places,
    /// Hex, of what identifies the file's content.
    pub digest: String,
}

/// Where the rows of a table stood in the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// The line on which each row of a CSV begins.
    Lines(Vec<u64>),
    /// The number of each row of a Parquet file, which has rows only.
    Rows(Vec<u64>),
}

/// Some rows of a list on their way from the file.
pub struct Stretch {
    pub places: Places,
    /// The values of all rows, column by column; none for a column that is not wanted.
    pub values: Vec<Vec<Value>>,
}

/// What takes the rows of a list as they are read, in their order, with the columns that they belong to.
pub type Take<'t> = &'t mut (dyn FnMut(&[Column], Stretch) + Send);

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

    /// The ids in a column, empty where there is none.
    pub fn ids(&self, column: &Column) -> Result<Texts, Error> {
        let mut ids = Texts::default();
        for (row, value) in column.values.iter().enumerate() {
            ids.push(&id(&value, column.kind, &self.places).ok_or_else(|| self.no_id(&column.name, &value, row))?);
        }
        Ok(ids)
    }

    /// The error of a value that should be an id and cannot be.
    pub fn no_id(&self, column: &str, value: &Value, row: usize) -> Error {
        let value = word(value).unwrap_or_default().into_owned();
        Error::Unusable { file: self.file.clone(), column: column.to_owned(), value, place: self.place(row), what: "id (a whole number)" }
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
        self.places.told(row)
    }
}

impl Places {
    /// Whether they are lines.
    pub fn are_lines(&self) -> bool {
        matches!(self, Self::Lines(_))
    }

    pub fn push(&mut self, place: u64) {
        let (Self::Lines(places) | Self::Rows(places)) = self;
        places.push(place);
    }

    pub fn numbers(&self) -> &[u64] {
        let (Self::Lines(places) | Self::Rows(places)) = self;
        places
    }

    /// The same kind of places, and none of them.
    pub fn emptied(&self) -> Self {
        if self.are_lines() { Self::Lines(Vec::new()) } else { Self::Rows(Vec::new()) }
    }

    /// A row's place, for people.
    pub fn told(&self, row: usize) -> String {
        let place = self.numbers().get(row).copied().unwrap_or_default();
        if self.are_lines() { format!("line {place}") } else { format!("row {place}") }
    }
}

/// A value as an id, without outer white space, empty where there is none; `None` for a number that cannot be one. Some writers make
/// floats of whole numbers with gaps, so whole ones are ids as the purchases have them.
pub fn id<'v>(value: &'v Value, kind: Kind, places: &Places) -> Option<Cow<'v, str>> {
    Some(match (value, kind) {
        (Value::Float(number), _) => whole(*number)?.into(),
        (Value::Text(decimal), Kind::Decimal) => {
            let (digits, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
            if fraction.bytes().any(|digit| digit != b'0') {
                return None;
            }
            digits.into()
        }
        // Only a CSV comes out of a spreadsheet.
        (Value::Text(text), _) => (if places.are_lines() { unmarked(text).trim() } else { text.trim() }).into(),
        _ => word(value).unwrap_or_default(),
    })
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

/// Reads a list whole.
pub fn read(path: &Path, base: &Path, wanted: Wanted) -> Result<Table, Error> {
    let mut values = Vec::new();
    let mut places: Option<Places> = None;
    let mut table = read_through(path, base, wanted, &mut |columns, stretch| {
        values.resize_with(columns.len(), Values::default);
        match &mut places {
            Some(Places::Lines(places) | Places::Rows(places)) => places.extend(stretch.places.numbers()),
            none => *none = Some(stretch.places),
        }
        for (column, read) in values.iter_mut().zip(stretch.values) {
            column.extend(read);
        }
    })?;
    for (column, values) in table.columns.iter_mut().zip(values) {
        column.values = values;
    }
    table.places = places.unwrap_or(table.places);
    Ok(table)
}

/// Reads a list of which `take` gets the rows: the table that comes back has none. What was taken of a list that is refused is nothing.
pub fn read_through(path: &Path, base: &Path, wanted: Wanted, take: Take) -> Result<Table, Error> {
    let name = relative_name(path, base);
    let (file, before) = open(path, &name, wanted.key)?;
    let is_csv = is_csv(path, &file).map_err(|source| Error::Io { key: wanted.key, file: name.clone(), source })?;
    let table = unchanged(path, &name, &before, || {
        if is_csv { csv::read(file, path, &name, wanted, take) } else { parquet::read(file, &name, wanted, take) }
    })?;
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
