//! Opens one Parquet file as far as its footer, and tells later whether it is still the same.

use super::Error;
use super::files::Found;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A footer larger than this is refused. Those of large files have some ten megabytes.
const LARGEST_FOOTER: u64 = 256 << 20;
/// Its length and `PAR1`.
const TAIL: usize = 8;

/// A file whose footer has been read.
#[derive(Debug)]
pub(super) struct Footer {
    pub name: String,
    pub path: PathBuf,
    pub metadata: Arc<ParquetMetaData>,
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
        let metadata = guard(&found.name, || ParquetMetaDataReader::decode_metadata(&bytes))?;
        let footer = Self { name: found.name.clone(), path: found.path.clone(), metadata: Arc::new(metadata), print };
        footer.check_ranges()?;
        footer.check_compression()?;
        Ok(footer)
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

    fn check_compression(&self) -> Result<(), Error> {
        let chunks = self.metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
        match chunks.map(ColumnChunkMetaData::compression).find_map(unread) {
            Some(compression) => Err(Error::Compression { file: self.name.clone(), compression }),
            None => Ok(()),
        }
    }

    /// What the footer says of places and sizes must lie in the file, so that nobody reserves memory for what cannot be there.
    fn check_ranges(&self) -> Result<(), Error> {
        let damaged = |reason: &str| Error::Damaged { file: self.name.clone(), reason: reason.to_owned() };
        for group in self.metadata.row_groups() {
            if group.num_rows() < 0 {
                return Err(damaged("a row group has a negative number of rows"));
            }
            for column in group.columns() {
                let start = column.dictionary_page_offset().map_or(column.data_page_offset(), |page| page.min(column.data_page_offset()));
                let end = start.checked_add(column.compressed_size()).and_then(|end| u64::try_from(end).ok());
                if start < 0 || column.compressed_size() < 0 || end.is_none_or(|end| end > self.print.size) {
                    return Err(damaged("its footer tells of pages beyond the end of the file"));
                }
            }
        }
        Ok(())
    }
}

/// The name of a compression that this program does not read.
fn unread(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZO => Some("LZO"),
        _ => None,
    }
}

/// The file's print, and the bytes of its footer.
fn read(found: &Found) -> Result<(Print, Vec<u8>), Error> {
    let io = |source| Error::Io { file: found.name.clone(), source };
    let refuse = |reason: &str| Error::NotParquet { file: found.name.clone(), reason: reason.to_owned() };
    let mut file = File::open(&found.path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    let size = about.len();
    if size < 12 {
        return Err(refuse(if size == 0 { "it is empty" } else { "it is too short" }));
    }
    let mut tail = [0; TAIL];
    file.seek(SeekFrom::Start(size - TAIL as u64)).map_err(io)?;
    file.read_exact(&mut tail).map_err(io)?;
    match &tail[4..] {
        b"PAR1" => {}
        b"PARE" => return Err(refuse("it is encrypted")),
        _ => return Err(refuse("it does not end as one; it may have been cut off")),
    }
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if length > LARGEST_FOOTER || length > size - TAIL as u64 {
        return Err(refuse("its footer says that it is larger than it can be"));
    }
    file.seek(SeekFrom::Start(size - TAIL as u64 - length)).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(io)?;
    Ok((Print { size, modified: about.modified().ok(), footer: blake3::hash(&bytes) }, bytes))
}

/// Runs a step of the Parquet reader, whose authors treat a panic on a malformed file as an ordinary bug: it becomes an error here.
/// (The panic's own message still goes to the panic hook, which belongs to the program and is left alone.)
pub(super) fn guard<T, E: std::fmt::Display>(file: &str, step: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    let damaged = |reason: String| Error::Damaged { file: file.to_owned(), reason };
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(damaged(format!("the Parquet reader gave up on it: {}", text.unwrap_or("no reason told"))))
        }
    }
}
