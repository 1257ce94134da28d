//! One run of a job at a time: whoever holds a `Lock` is that run.

use super::Error;
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// The file that is locked in a job's folder. It stays there; only the lock on it comes and goes.
const FILE: &str = "lock";

/// The right to be the only run of a job. Dropping it, or the end of the process in any way, gives it back.
#[derive(Debug)]
pub struct Lock {
    _held: File,
}

impl Lock {
    /// Takes the lock of the job whose folder this is (RUNS/JOB), making the folder if need be. Never waits.
    ///
    /// # Errors
    /// `Locked` when another run holds it; `Io` when the folder cannot be written.
    pub fn take(job_folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(job_folder).map_err(Error::io("make the folder", job_folder))?;
        let path = job_folder.join(FILE);
        let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
            Err(TryLockError::Error(source)) => Err(Error::Io { doing: "lock", path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_is_refused_until_the_first_lets_go() {
        let runs = tempfile::tempdir().unwrap();
        let job = runs.path().join("monthly");
        let first = Lock::take(&job).unwrap();
        assert!(matches!(Lock::take(&job), Err(Error::Locked { .. })));
        assert!(Lock::take(&runs.path().join("weekly")).is_ok(), "another job is not in the way");
        drop(first);
        assert!(Lock::take(&job).is_ok(), "the file that stays behind does not lock");
    }
}
