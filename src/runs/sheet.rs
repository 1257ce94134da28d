//! A file of a plan under the pen: hashed on the way, and where the system can do that without a name before it is whole.

use super::{Error, folder};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// After so many bytes the disk begins to write a file.
const AHEAD: usize = 8 << 20;

/// A file and the hash of what went into it.
#[derive(Debug)]
pub(super) struct Sheet {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    /// Bytes since the disk was last told to begin with them.
    waiting: usize,
    is_nameless: bool,
}

impl Sheet {
    pub fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self::of(File::create_new(path).map_err(Error::io("create", path))?, false))
    }

    /// A file of the folder `work`, which is made only when the file is whole: nothing is left of one whose process ended before. Where
    /// the system has no such files, both are made now.
    pub fn nameless(work: &Path, path: &Path) -> Result<Self, Error> {
        if let Some(file) = nameless::open(folder::beside(work)) {
            return Ok(Self::of(file, true));
        }
        make(work)?;
        Self::create(path)
    }

    fn of(file: File, is_nameless: bool) -> Self {
        Self { file: BufWriter::with_capacity(1 << 18, file), hasher: blake3::Hasher::new(), waiting: 0, is_nameless }
    }

    /// Brings the file to the disk under its name, and gives its digest.
    pub fn finish(self, path: &Path) -> Result<String, Error> {
        let file = self.file.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
        file.sync_all().map_err(Error::io("write", path))?;
        if self.is_nameless {
            make(folder::beside(path))?;
            nameless::link(&file, path).map_err(Error::io("name", path))?;
        }
        Ok(self.hasher.finalize().to_hex().to_string())
    }
}

/// Makes the folder of the work, unless it is there.
fn make(work: &Path) -> Result<(), Error> {
    match folder::make_private(work) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes)?;
        // A writer never claims more than it was given.
        self.hasher.update(bytes.get(..taken).unwrap_or(bytes));
        self.waiting += taken;
        if self.waiting >= AHEAD {
            self.waiting = 0;
            begin_writing(self.file.get_ref());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Lets the disk begin with what was written, so that there is less to wait for in the end. Where it cannot, all is written then.
#[cfg(target_os = "linux")]
fn begin_writing(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn begin_writing(_: &File) {}

#[cfg(target_os = "linux")]
mod nameless {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open as open_at};
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};

    /// A file on the disk of a folder that has no name; `None` where it could not be given one later.
    pub fn open(folder: &Path) -> Option<File> {
        let file = File::from(open_at(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::from_raw_mode(0o666)).ok()?);
        way_to(&file).exists().then_some(file)
    }

    pub fn link(file: &File, path: &Path) -> io::Result<()> {
        Ok(linkat(CWD, way_to(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn way_to(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

#[cfg(not(target_os = "linux"))]
mod nameless {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub fn open(_: &Path) -> Option<File> {
        None
    }

    pub fn link(_: &File, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
