//! A file for its owner only, which takes its place when it is whole: lists hold personal data.

use super::{Error, folder};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is being written beside its place.
#[derive(Debug)]
pub struct Private {
    target: PathBuf,
    work: PathBuf,
    /// Gone when the file is finished.
    file: Option<BufWriter<File>>,
}

impl Private {
    /// Begins a file. What stands in its place stays there until `finish`.
    ///
    /// # Errors
    /// `NoName`, `Io`.
    pub fn create(target: &Path) -> Result<Self, Error> {
        let work = folder::aside(target, "tmp")?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&work).map_err(Error::io("create", target))?;
        Ok(Self { target: target.to_owned(), work, file: Some(BufWriter::new(file)) })
    }

    /// Brings the file to the disk and puts it in its place.
    ///
    /// # Errors
    /// `Io`; what stood there before is still there.
    pub fn finish(mut self) -> Result<(), Error> {
        let Some(writer) = self.file.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(|error| Error::io("write", &self.target)(error.into_error()));
        let put = file.and_then(|file| {
            file.sync_all().map_err(Error::io("write", &self.target))?;
            fs::rename(&self.work, &self.target).map_err(Error::io("put in place", &self.target))?;
            folder::sync_folder(folder::beside(&self.target))
        });
        if put.is_err() {
            // The error that led here is the one to tell.
            let _ = fs::remove_file(&self.work);
        }
        put
    }
}

impl Write for Private {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It was given up: half a list must not lie about. Nothing can be done where removing fails.
            let _ = fs::remove_file(&self.work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_as_it_was_and_its_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("list.csv");
        fs::write(&target, "old").unwrap();
        let mut given_up = Private::create(&target).unwrap();
        given_up.write_all(b"half").unwrap();
        drop(given_up);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        let mut file = Private::create(&target).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
