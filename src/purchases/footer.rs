//! Opens one Parquet file as far as its footer, and tells later whether it is still the same.

use super::Error;
use super::files::Found;
use crate::gate::{self, Flaw, watched};
use parquet::file::metadata::ParquetMetaData;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A file whose footer has been read.
#[derive(Debug)]
pub(super) struct Footer {
    pub name: String,
    pub path: PathBuf,
    pub metadata: Arc<ParquetMetaData>,
    checked: gate::Footer,
    print: Print,
}

/// By what a file is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Print {
    size: u64,
    modified: Option<SystemTime>,
    footer: blake3::Hash,
}

impl Footer {
    pub fn open(found: &Found) -> Result<Self, Error> {
        let (print, bytes) = read(found)?;
        let checked = gate::Footer::of(&bytes, print.size).map_err(|flaw| told(&found.name, flaw))?;
        Ok(Self { name: found.name.clone(), path: found.path.clone(), metadata: Arc::clone(&checked.metadata), checked, print })
    }

    pub fn open_file(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|source| Error::Io { file: self.name.clone(), source })
    }

    /// 64 hex digits over name, size and footer.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.name.len() as u64).to_le_bytes()).update(self.name.as_bytes());
        hasher.update(&self.print.size.to_le_bytes()).update(self.print.footer.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// An error if the file is no longer the one that was opened.
    pub fn check_unchanged(&self) -> Result<(), Error> {
        let found = Found { path: self.path.clone(), name: self.name.clone(), folders: Vec::new() };
        match read(&found) {
            Ok((print, _)) if print == self.print => Ok(()),
            _ => Err(Error::Changed { file: self.name.clone() }),
        }
    }

    /// Looks at the pages of some columns of a row group, before they are decoded. The file is a handle of the caller's own.
    pub fn check_pages(&self, file: &File, group: usize, roots: &[usize]) -> Result<(), Error> {
        self.checked.check_pages(file, group, &self.checked.leaves(roots)).map_err(|flaw| told(&self.name, flaw))
    }

    /// What the reader says of a row group that it gave up on, with the column where that can be found out.
    pub fn failed(&self, group: usize, roots: &[usize], reason: &str) -> Error {
        let column = self.open_file().ok().and_then(|file| self.checked.culprit(&file, group, &self.checked.leaves(roots)));
        let column = column.map_or_else(String::new, |column| format!(", column `{column}`"));
        // What the reader puts before its own reasons tells nobody anything.
        let reason = reason.trim_start_matches("Parquet argument error: ").trim_start_matches("Parquet error: ");
        Error::Damaged { file: self.name.clone(), reason: format!("row group {}{column}: {reason}", group + 1) }
    }
}

/// What the gate says of a file, as an error of this room.
fn told(file: &str, flaw: Flaw) -> Error {
    let file = file.to_owned();
    match flaw {
        Flaw::Io(source) => Error::Io { file, source },
        Flaw::NotParquet(reason) => Error::NotParquet { file, reason: reason.to_owned() },
        Flaw::Damaged(reason) => Error::Damaged { file, reason },
        Flaw::TooMuch(reason) => Error::TooMuch { file, reason },
        Flaw::Compression(compression) => Error::Compression { file, compression },
    }
}

/// The file's print, and the bytes of its footer.
fn read(found: &Found) -> Result<(Print, Vec<u8>), Error> {
    let io = |source| Error::Io { file: found.name.clone(), source };
    let file = File::open(&found.path).map_err(io)?;
    let modified = file.metadata().map_err(io)?.modified().ok();
    let (size, bytes) = gate::Footer::read(&file).map_err(|flaw| told(&found.name, flaw))?;
    Ok((Print { size, modified, footer: blake3::hash(&bytes) }, bytes))
}

/// Runs a step of the Parquet reader: whatever ends it becomes an error that names the file.
pub(super) fn guard<T, E: std::fmt::Display>(file: &str, step: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    let damaged = |reason: String| Error::Damaged { file: file.to_owned(), reason };
    watched(step).map_err(damaged)?.map_err(|error| damaged(error.to_string()))
}
