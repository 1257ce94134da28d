//! A folder that is held while its files are read and written: every name is opened within it, and no link is followed. Whoever puts a link
//! in a file's place, before or after somebody has looked, gets an error, and never somebody else's file.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long another program that saves the same file is waited for, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(3);
const BREATH: Duration = Duration::from_millis(10);

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    File,
    Folder,
    /// A link or a device.
    Other,
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy)]
enum How {
    Reading,
    Writing,
    Making,
}

/// An open folder.
#[derive(Debug)]
pub struct Held(by::Folder);

impl Held {
    /// Holds a folder, by whatever way its path leads there.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        by::open(path).map(Self)
    }

    /// Holds a folder in it.
    ///
    /// # Errors
    /// It is a link or no folder, or cannot be opened.
    pub fn folder(&self, name: &str) -> io::Result<Self> {
        by::folder(&self.0, name).map(Self)
    }

    /// What is in it; names that are not UTF-8 with other signs in their place, as `Other`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn entries(&self) -> io::Result<Vec<(String, Kind)>> {
        by::entries(&self.0)
    }

    /// The first bytes of a file, up to so many; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or no plain file, or cannot be read.
    pub fn read(&self, name: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match by::file(&self.0, name, How::Reading) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if !file.metadata()?.is_file() {
            return Err(by::no_plain_file());
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Puts a whole new file in the place of an old one, with its rights: whoever reads meanwhile reads one of the two. What it is to hold is
    /// asked for when nobody else who does the same can come in between; whoever answers `Err` leaves everything as it was.
    ///
    /// # Errors
    /// It cannot be written; the old file is then as it was.
    pub fn replace<T>(&self, name: &str, new: impl FnOnce() -> Result<Vec<u8>, T>) -> io::Result<Result<(), T>> {
        // Hidden, so that nobody takes it for a template; with a name that says whose it is, so that what is left of a studio that was killed
        // is taken over by the next one that saves.
        let beside = format!(".{name}.rankmail");
        let mut file = self.own(&beside)?;
        let put = match new() {
            Ok(bytes) => self.put(&mut file, &beside, name, &bytes).map(Ok),
            Err(why) => Ok(Err(why)),
        };
        if !matches!(put, Ok(Ok(()))) {
            // What is wrong is told already, and what lies there is of no use.
            let _ = by::remove(&self.0, &beside);
        }
        put
    }

    fn put(&self, file: &mut File, beside: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        // What a studio that was killed has left.
        file.set_len(0)?;
        file.write_all(bytes)?;
        match by::file(&self.0, name, How::Writing) {
            // A file that nobody may write is not to be replaced either.
            Ok(old) => file.set_permissions(old.metadata()?.permissions())?,
            Err(error) if error.kind() == ErrorKind::NotFound => by::make_readable(file)?,
            Err(error) => return Err(error),
        }
        file.sync_all()?;
        by::rename(&self.0, beside, name)
    }

    /// The file of this name, which nobody else has; nothing is written yet.
    fn own(&self, beside: &str) -> io::Result<File> {
        let odd = |why: &str| io::Error::new(ErrorKind::AlreadyExists, format!("`{beside}` beside it {why}; remove it"));
        let until = Instant::now() + PATIENCE;
        loop {
            let file = by::file(&self.0, beside, How::Making).map_err(|error| match error.kind() {
                ErrorKind::NotADirectory => odd("is a link, or no plain file"),
                _ => error,
            })?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(BREATH);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(odd("is being written by another program")),
                // Where files cannot be locked, nobody can be kept out.
                Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
                _ => {}
            }
            // Whoever had it before may have put it in its place, or away.
            if by::is(&self.0, beside, &file)? {
                // What also has another name may be anybody's.
                return if by::has_one_name(&file)? { Ok(file) } else { Err(odd("has another name too")) };
            }
        }
    }
}

#[cfg(unix)]
mod by {
    use super::{How, Kind};
    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, renameat, statat, unlinkat};
    use rustix::io::Errno;
    use std::fs::{File, OpenOptions, Permissions};
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    pub type Folder = OwnedFd;

    pub fn open(path: &Path) -> io::Result<Folder> {
        let flags = i32::try_from((OFlags::DIRECTORY | OFlags::CLOEXEC).bits()).unwrap_or_default();
        Ok(OpenOptions::new().read(true).custom_flags(flags).open(path)?.into())
    }

    pub fn folder(held: &Folder, name: &str) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(held, name, flags, Mode::empty()).map_err(told)
    }

    pub fn file(held: &Folder, name: &str, how: How) -> io::Result<File> {
        let (own, mode) = match how {
            How::Reading => (OFlags::RDONLY, Mode::empty()),
            How::Writing => (OFlags::WRONLY, Mode::empty()),
            How::Making => (OFlags::RDWR | OFlags::CREATE, Mode::RUSR | Mode::WUSR),
        };
        // Nobody waits at a pipe for the other end.
        let flags = own | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        openat(held, name, flags, mode).map(File::from).map_err(told)
    }

    pub fn entries(held: &Folder) -> io::Result<Vec<(String, Kind)>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(held)? {
            let entry = entry?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => FileType::from_raw_mode(statat(held, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?.st_mode),
                known => known,
            };
            let kind = match kind {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                _ => Kind::Other,
            };
            found.push(match entry.file_name().to_str() {
                Ok(name) => (name.to_owned(), kind),
                Err(_) => (entry.file_name().to_string_lossy().into_owned(), Kind::Other),
            });
        }
        Ok(found)
    }

    pub fn is(held: &Folder, name: &str, file: &File) -> io::Result<bool> {
        let there = match statat(held, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(false),
            there => there?,
        };
        let own = fstat(file)?;
        Ok((there.st_dev, there.st_ino) == (own.st_dev, own.st_ino))
    }

    pub fn has_one_name(file: &File) -> io::Result<bool> {
        let about = fstat(file)?;
        Ok(about.st_nlink == 1 && FileType::from_raw_mode(about.st_mode) == FileType::RegularFile)
    }

    pub fn rename(held: &Folder, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(held, from, held, to)?)
    }

    pub fn remove(held: &Folder, name: &str) -> io::Result<()> {
        Ok(unlinkat(held, name, AtFlags::empty())?)
    }

    /// A new template is no secret.
    pub fn make_readable(file: &File) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(0o644))
    }

    pub fn no_plain_file() -> io::Error {
        io::Error::new(io::ErrorKind::NotADirectory, "this is a link, or no plain file")
    }

    fn told(error: Errno) -> io::Error {
        if matches!(error, Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO) { no_plain_file() } else { error.into() }
    }
}

/// Where folders cannot be held, names are looked at before they are opened.
#[cfg(not(unix))]
mod by {
    use super::{How, Kind};
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};

    pub type Folder = PathBuf;

    pub fn open(path: &Path) -> io::Result<Folder> {
        fs::read_dir(path).map(|_| path.to_owned())
    }

    pub fn folder(held: &Folder, name: &str) -> io::Result<Folder> {
        let path = held.join(name);
        if fs::symlink_metadata(&path)?.is_dir() { Ok(path) } else { Err(no_plain_file()) }
    }

    pub fn file(held: &Folder, name: &str, how: How) -> io::Result<File> {
        let path = held.join(name);
        match fs::symlink_metadata(&path) {
            Ok(there) if !there.is_file() => return Err(no_plain_file()),
            _ => {}
        }
        match how {
            How::Reading => File::open(path),
            How::Writing => OpenOptions::new().write(true).open(path),
            How::Making => OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path),
        }
    }

    pub fn entries(held: &Folder) -> io::Result<Vec<(String, Kind)>> {
        let entries = fs::read_dir(held)?.map(|entry| {
            let (entry, of) = entry.and_then(|entry| entry.file_type().map(|of| (entry, of)))?;
            let kind = if of.is_file() {
                Kind::File
            } else if of.is_dir() {
                Kind::Folder
            } else {
                Kind::Other
            };
            let name = entry.file_name();
            Ok(name.to_str().map_or_else(|| (name.to_string_lossy().into_owned(), Kind::Other), |name| (name.to_owned(), kind)))
        });
        entries.collect()
    }

    pub fn has_one_name(_: &File) -> io::Result<bool> {
        Ok(true)
    }

    pub fn is(held: &Folder, name: &str, _: &File) -> io::Result<bool> {
        held.join(name).try_exists()
    }

    pub fn rename(held: &Folder, from: &str, to: &str) -> io::Result<()> {
        fs::rename(held.join(from), held.join(to))
    }

    pub fn remove(held: &Folder, name: &str) -> io::Result<()> {
        fs::remove_file(held.join(name))
    }

    pub fn make_readable(_: &File) -> io::Result<()> {
        Ok(())
    }

    pub fn no_plain_file() -> io::Error {
        io::Error::new(io::ErrorKind::NotADirectory, "this is a link, or no plain file")
    }
}
