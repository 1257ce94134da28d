//! The file of an index: bytes are laid one behind the other and read at their place.

use super::Error;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The file, which has no name.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    file: File,
    end: u64,
}

/// A piece of the file.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub at: u64,
    pub length: usize,
}

impl Shelf {
    /// A file in `folder`, or in the system's own for such files where there is none or it cannot be written: who only looks makes no
    /// folder.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        let mut folder = folder.to_owned();
        let file = tempfile::tempfile_in(&folder).or_else(|_| {
            folder = std::env::temp_dir();
            tempfile::tempfile_in(&folder)
        });
        match file {
            Ok(file) => Ok(Self { folder, file, end: 0 }),
            Err(source) => Err(Error::Write { folder, source }),
        }
    }

    /// Lays bytes behind what is there.
    pub fn lay(&mut self, bytes: &[u8]) -> Result<Extent, Error> {
        let (at, length) = (self.end, bytes.len());
        self.file.write_all_at(bytes, at).map_err(|source| Error::Write { folder: self.folder.clone(), source })?;
        self.end += length as u64;
        Ok(Extent { at, length })
    }

    /// Reads a piece into `bytes`, which holds nothing else afterwards.
    pub fn read(&self, extent: Extent, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.resize(extent.length, 0);
        self.file.read_exact_at(bytes, extent.at).map_err(|source| self.failed(source))
    }

    /// What is not as it was written.
    pub fn broken(&self) -> Error {
        self.failed(ErrorKind::InvalidData.into())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Read { folder: self.folder.clone(), source }
    }
}
