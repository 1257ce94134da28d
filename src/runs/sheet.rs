//! A file of a plan under the pen: hashed on the way, and without a name before it is whole.

use super::{Error, folder};
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
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
    name: Name,
}

/// How a file has its name, or comes to it.
#[derive(Debug)]
enum Name {
    Its,
    /// It is given it when it is whole.
    Linked,
    /// It cannot be given any: it is copied when it is whole.
    Copied,
}

impl Sheet {
    pub fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self::of(File::create_new(path).map_err(Error::io("create", path))?, Name::Its))
    }

    /// A file that is going to be in the folder `work`, which is made only when the file is whole: nothing is left of one whose process
    /// ended before.
    pub fn nameless(work: &Path) -> Result<Self, Error> {
        let beside = folder::beside(work);
        if let Some(file) = nameless::open(beside) {
            return Ok(Self::of(file, Name::Linked));
        }
        let file = tempfile::tempfile_in(beside).map_err(Error::io("make a file for the time of planning in", beside))?;
        Ok(Self::of(file, Name::Copied))
    }

    fn of(file: File, name: Name) -> Self {
        Self { file: BufWriter::with_capacity(1 << 18, file), hasher: blake3::Hasher::new(), waiting: 0, name }
    }

    /// Brings the file to the disk under its name, and gives its digest.
    pub fn finish(self, path: &Path) -> Result<String, Error> {
        let failed = Error::io("write", path);
        let mut file = self.file.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
        match self.name {
            Name::Its => file.sync_all().map_err(failed)?,
            Name::Linked => {
                file.sync_all().map_err(failed)?;
                make(folder::beside(path))?;
                nameless::link(&file, path).map_err(Error::io("name", path))?;
            }
            Name::Copied => {
                make(folder::beside(path))?;
                copied(&mut file, path).map_err(failed)?;
            }
        }
        Ok(self.hasher.finalize().to_hex().to_string())
    }
}

fn copied(file: &mut File, path: &Path) -> io::Result<()> {
    file.rewind()?;
    let mut copy = File::create_new(path)?;
    io::copy(file, &mut copy)?;
    copy.sync_all()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_to_its_name_in_each_way() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        let bytes = b"planned".repeat(100_000);
        let own = |name: &str, mut sheet: Sheet| {
            sheet.write_all(&bytes).unwrap();
            let digest = sheet.finish(&work.join(name)).unwrap();
            (std::fs::read(work.join(name)).unwrap(), digest)
        };
        let copied = Sheet::of(tempfile::tempfile_in(folder.path()).unwrap(), Name::Copied);
        assert!(!work.exists());
        let wanted = (bytes.clone(), blake3::hash(&bytes).to_hex().to_string());
        assert!(own("copied", copied) == wanted);
        assert!(own("nameless", Sheet::nameless(&work).unwrap()) == wanted);
        assert!(own("created", Sheet::create(&work.join("created")).unwrap()) == wanted);
        assert!(matches!(Sheet::nameless(&work).unwrap().finish(&work.join("copied")), Err(Error::Io { doing: "name", .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
