//! What memory there is, and the file for what does not fit.

use super::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The program itself, its tables of zones and templates, and what the C library keeps.
const PROGRAM: u64 = 48 << 20;
/// What a thread needs to decode a row group, and later to write one.
const THREAD: u64 = 64 << 20;
/// The least that a thread needs for lines. With less, they would go to the disk in small pieces.
const LINES: u64 = 8 << 20;
/// Pieces of this size are written at once.
const PIECE: usize = 1 << 20;

/// How much memory a fold may take, and where it puts the rest.
#[derive(Debug, Clone)]
pub struct Room {
    /// Bytes for lines in their streams, of all threads together.
    pub(super) lines: usize,
    /// Bytes for what one thread works on at a time.
    pub(super) thread: usize,
    pub(super) folder: PathBuf,
}

impl Room {
    /// The room of a process that may take `memory` bytes and works with so many threads. What does not fit goes to a file in `folder`,
    /// which takes no longer than the fold.
    pub fn new(memory: u64, threads: usize, folder: PathBuf) -> Result<Self, Error> {
        let threads = threads.max(1) as u64;
        let needed = PROGRAM + threads * THREAD;
        let left = memory.checked_sub(needed).filter(|left| *left >= threads * LINES);
        let left = left.ok_or(Error::Little { smallest: (needed + threads * LINES) >> 20, threads })?;
        // Decoding is over when partitions are worked on, so that its memory serves them.
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let lines = left / 2;
        Ok(Self { lines: bytes(lines), thread: bytes(THREAD + (left - lines) / threads), folder })
    }

    /// The least memory with which so many threads fold.
    #[must_use]
    pub fn least(threads: usize) -> u64 {
        PROGRAM + threads.max(1) as u64 * (THREAD + LINES)
    }

    /// No limit at all.
    #[must_use]
    pub fn endless() -> Self {
        Self { lines: usize::MAX, thread: usize::MAX, folder: PathBuf::new() }
    }
}

/// What is held in memory at the moment, and the file for the rest. The file has no name as soon as it is open, where the system allows
/// that: nothing is left of it however the process ends.
#[derive(Debug)]
pub(super) struct Store {
    pub room: Room,
    held: AtomicUsize,
    end: AtomicU64,
    file: OnceLock<Open>,
    opening: Mutex<()>,
}

/// A piece of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    at: u64,
    length: usize,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    /// Whether it still has its name.
    named: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.named {
            // The next to look into the folder sees by its name what it is.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Store {
    pub fn new(room: Room) -> Self {
        Self { room, held: AtomicUsize::new(0), end: AtomicU64::new(0), file: OnceLock::new(), opening: Mutex::new(()) }
    }

    /// Takes note of memory that is held from now on.
    pub fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn let_go(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether less is free than this.
    pub fn is_short_of(&self, bytes: usize) -> bool {
        self.held.load(Ordering::Relaxed).saturating_add(bytes) > self.room.lines
    }

    /// Whether anything had to go to the file.
    #[cfg(test)]
    pub fn is_used(&self) -> bool {
        self.file.get().is_some()
    }

    /// Writes pieces one behind the other; each is given the place it has in the file, with those before it in one as long as that is small.
    pub fn write<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Extent>, Error> {
        let mut extents = Vec::new();
        let mut whole: Vec<u8> = Vec::new();
        for piece in pieces {
            if !whole.is_empty() && whole.len() + piece.len() > PIECE {
                extents.push(self.write_whole(&whole)?);
                whole.clear();
            }
            whole.extend_from_slice(piece);
        }
        if !whole.is_empty() {
            extents.push(self.write_whole(&whole)?);
        }
        Ok(extents)
    }

    /// Writes one piece.
    pub fn write_whole(&self, bytes: &[u8]) -> Result<Extent, Error> {
        let open = self.open()?;
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        write_at(&open.file, bytes, at).map_err(|source| Error::Spill { path: open.path.clone(), source })?;
        Ok(Extent { at, length: bytes.len() })
    }

    /// Reads a piece into `bytes`.
    pub fn read(&self, extent: Extent, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let open = self.open()?;
        bytes.resize(extent.length, 0);
        read_at(&open.file, bytes, extent.at).map_err(|source| Error::Unspill { path: open.path.clone(), source })
    }

    fn open(&self) -> Result<&Open, Error> {
        let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = self.file.get() {
            return Ok(open);
        }
        let open = create(&self.room.folder)?;
        Ok(self.file.get_or_init(|| open))
    }
}

impl Extent {
    pub fn length(&self) -> usize {
        self.length
    }
}

/// Opens a file that only this process uses, readable by nobody else: it holds customer ids.
fn create(folder: &Path) -> Result<Open, Error> {
    let mut number = 0_u32;
    loop {
        let path = folder.join(format!(".rankmail-lines.{}.{number}.tmp", std::process::id()));
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match std::fs::create_dir_all(folder).and_then(|()| options.open(&path)) {
            Ok(file) => {
                let named = std::fs::remove_file(&path).is_err();
                return Ok(Open { file, path, named });
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1_000 => number += 1,
            Err(source) => return Err(Error::Spill { path, source }),
        }
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(not(unix))]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    use std::io::{Seek, Write};
    let _one = SEEKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = file;
    file.seek(std::io::SeekFrom::Start(at))?;
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    use std::io::{Read, Seek};
    let _one = SEEKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = file;
    file.seek(std::io::SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

/// Where the system has no reading at a place, threads take turns.
#[cfg(not(unix))]
static SEEKING: Mutex<()> = Mutex::new(());
