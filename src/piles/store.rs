//! Where packed bytes lie: in memory as long as they fit, then in one file that has lost its name before anything is written.

use super::Error;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Longer bytes are packed in pieces of this length. It is that of the packs of rows, so that what those leave is what these take: with
/// longer pieces the memory lies between them.
const PIECE: usize = super::PACK;

/// What lies packed. Any thread may lay something here or take it up, as often as it likes.
#[derive(Debug)]
pub struct Store {
    allowance: Arc<Allowance>,
    folder: PathBuf,
    /// With the folder in which it was made.
    file: OnceLock<(File, PathBuf)>,
    /// Where the file ends.
    end: AtomicU64,
}

/// Bytes that lie in a store.
#[derive(Debug)]
pub struct Bundle(Vec<Pack>);

/// Bytes that are packed together.
#[derive(Debug)]
pub struct Pack {
    packed: Packed,
    /// How many bytes they are when they are unpacked. A damaged file must not say it.
    length: usize,
}

#[derive(Debug)]
enum Packed {
    Held(Box<[u8]>),
    Laid { at: u64, length: usize },
}

/// How many bytes the stores that share it may hold in memory, and do.
#[derive(Debug)]
struct Allowance {
    most: usize,
    held: AtomicUsize,
}

impl Allowance {
    fn take(&self, bytes: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.most);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Store {
    /// A store that holds so many bytes in memory. The others go to a file in `folder`, or to the system's own for such files where there
    /// is none or it cannot be written.
    pub(super) fn within(folder: &Path, most: usize) -> Self {
        Self::sharing(Arc::new(Allowance { most, held: AtomicUsize::new(0) }), folder)
    }

    /// An empty store with a file of its own: what both hold in memory is no more than this one may hold alone.
    pub(super) fn beside(&self) -> Self {
        Self::sharing(Arc::clone(&self.allowance), &self.folder)
    }

    fn sharing(allowance: Arc<Allowance>, folder: &Path) -> Self {
        Self { allowance, folder: folder.to_owned(), file: OnceLock::new(), end: AtomicU64::new(0) }
    }

    /// Lays bytes here.
    pub fn lay(&self, bytes: &[u8]) -> Result<Bundle, Error> {
        bytes.chunks(PIECE).map(|piece| self.pack(piece)).collect::<Result<_, _>>().map(Bundle)
    }

    /// What `read` makes of bytes that were laid here; an error where it makes nothing of them, for then the file is damaged.
    pub fn take_up<T>(&self, bundle: &Bundle, read: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Error> {
        let mut bytes = Vec::with_capacity(bundle.0.iter().map(|pack| pack.length).sum());
        for pack in &bundle.0 {
            self.unpack(pack, &mut bytes)?;
        }
        read(&bytes).ok_or_else(|| self.damaged())
    }

    /// Whether anything had to go to the file.
    #[must_use]
    pub fn is_laid(&self) -> bool {
        self.file.get().is_some()
    }

    pub(super) fn pack(&self, bytes: &[u8]) -> Result<Pack, Error> {
        let packed = lz4_flex::block::compress(bytes);
        let packed = if self.allowance.take(packed.len()) { Packed::Held(packed.into()) } else { self.write(&packed)? };
        Ok(Pack { packed, length: bytes.len() })
    }

    /// Appends the bytes of a pack.
    pub(super) fn unpack(&self, pack: &Pack, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        out.resize(start + pack.length, 0);
        let unpacked = match &pack.packed {
            Packed::Held(packed) => lz4_flex::block::decompress_into(packed, &mut out[start..]),
            Packed::Laid { at, length } => {
                let packed = self.read(*at, *length).map_err(|source| self.unreadable(source))?;
                lz4_flex::block::decompress_into(&packed, &mut out[start..])
            }
        };
        match unpacked {
            Ok(length) if length == pack.length => Ok(()),
            Ok(_) => Err(self.damaged()),
            Err(error) => Err(self.unreadable(io::Error::new(ErrorKind::InvalidData, error))),
        }
    }

    /// Lets a pack go. What it took in memory may be taken by others.
    pub(super) fn release(&self, pack: Pack) {
        if let Packed::Held(packed) = pack.packed {
            self.allowance.give_back(packed.len());
        }
    }

    /// The error of bytes that are not those that were laid here.
    pub(super) fn damaged(&self) -> Error {
        self.unreadable(ErrorKind::InvalidData.into())
    }

    fn unreadable(&self, source: io::Error) -> Error {
        let folder = self.file.get().map_or(&self.folder, |(_, folder)| folder);
        Error::Read { folder: folder.clone(), source }
    }

    fn write(&self, bytes: &[u8]) -> Result<Packed, Error> {
        let (file, folder) = self.file()?;
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        file.write_all_at(bytes, at).map_err(|source| Error::Write { folder: folder.clone(), source })?;
        Ok(Packed::Laid { at, length: bytes.len() })
    }

    fn file(&self) -> Result<&(File, PathBuf), Error> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let made_in = |folder: PathBuf| match tempfile::tempfile_in(&folder) {
            Ok(file) => Ok((file, folder)),
            Err(source) => Err(Error::Write { folder, source }),
        };
        // Who only looks makes no folder, and may not be allowed to write there; then it is the system's own for such files.
        let made = made_in(self.folder.clone()).or_else(|_| made_in(std::env::temp_dir()))?;
        // Another thread may have made one meanwhile; then this one goes, and nothing was written to it.
        Ok(self.file.get_or_init(|| made))
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let (file, _) = self.file.get().ok_or(ErrorKind::NotFound)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    /// Bytes that hardly become fewer when they are packed.
    fn noise(seed: usize, length: usize) -> Vec<u8> {
        let mut state = seed as u64;
        let byte = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..length).map(byte).collect()
    }

    #[test]
    fn what_several_threads_lay_any_thread_takes_up() {
        let folder = tempfile::tempdir().unwrap();
        let lengths = [0, 1, 9_000, PIECE, PIECE + 1, 3 * PIECE - 7, 40_000, 5, PIECE / 2, 100];
        for most in [0, 2 * PIECE, usize::MAX] {
            let store = Store::within(folder.path(), most);
            let lay = |at: usize| store.lay(&noise(at, lengths[at % lengths.len()])).unwrap();
            let bundles: Vec<Bundle> = (0..50).into_par_iter().with_max_len(1).map(lay).collect();
            assert_eq!(store.is_laid(), most < usize::MAX);
            assert!(store.allowance.held.load(Ordering::Relaxed) <= most);
            (0..100).into_par_iter().for_each(|at| {
                let (at, bundle) = (at % 50, &bundles[at % 50]);
                store.take_up(bundle, |bytes| (bytes == noise(at, lengths[at % lengths.len()])).then_some(())).unwrap();
            });
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn two_stores_share_what_they_may_hold() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::within(folder.path(), 1_500);
        let second = first.beside();
        let held = first.pack(&noise(1, 1_000)).unwrap();
        let laid = second.lay(&noise(2, 1_000)).unwrap();
        assert!(!first.is_laid() && second.is_laid());
        first.release(held);
        let third = first.beside();
        let fits = third.lay(&noise(3, 1_000)).unwrap();
        assert!(!third.is_laid(), "what was let go may be taken by others");
        for (store, bundle, seed) in [(&second, &laid, 2), (&third, &fits, 3)] {
            store.take_up(bundle, |bytes| (bytes == noise(seed, 1_000)).then_some(())).unwrap();
        }
    }

    #[test]
    fn a_file_that_was_damaged_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::within(folder.path(), 0);
        let text = "京都".repeat(1_000).into_bytes();
        let bundle = store.lay(&text).unwrap();
        let is_read = |bundle: &Bundle| store.take_up(bundle, |bytes| (bytes == text).then_some(()));
        is_read(&bundle).unwrap();
        let (file, _) = store.file.get().unwrap();
        let length = file.metadata().unwrap().len();
        for at in 0..length {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x11], at).unwrap();
            let told = is_read(&bundle).unwrap_err().to_string();
            assert!(told.contains("look after that disk"), "{told}");
            file.write_all_at(&byte, at).unwrap();
        }
        file.set_len(length - 1).unwrap();
        assert!(matches!(is_read(&bundle), Err(Error::Read { .. })));
    }
}
