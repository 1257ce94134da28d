//! What can go wrong with a plan folder.

use std::io;
use std::path::{Path, PathBuf};

/// Each message says what, where and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} `{path}`: {source}; see that the folder is there, writable and not full", path = path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("another run of this job is going on (it holds `{path}`); wait until it has ended", path = path.display())]
    Locked { path: PathBuf },
    #[error("`{path}` is no plan folder: it has no plan.json; make one with `rankmail plan`", path = path.display())]
    NoPlan { path: PathBuf },
    #[error("`{path}` cannot be a plan folder: its last part is no name; name a folder to write into", path = path.display())]
    NoName { path: PathBuf },
    #[error("`{path}` holds `{entry}`, which is no part of a plan; move it away or plan into another folder", path = path.display())]
    Occupied { path: PathBuf, entry: String },
    #[error("`{path}` has plan format {found}, this rankmail knows up to {known}; use the newer rankmail that wrote it", path = path.display())]
    Newer { path: PathBuf, found: u64, known: u64 },
    #[error("`{file}` is missing from the plan `{folder}`; bring it back from a backup, or plan again if it was not adopted yet", folder = folder.display())]
    Missing { folder: PathBuf, file: String },
    #[error("`{file}` in the plan `{folder}` is not as it was planned; bring it back from a backup, or plan again if it was not adopted yet", folder = folder.display())]
    Altered { folder: PathBuf, file: String },
    #[error("`{path}` cannot be read: {problem}; bring it back from a backup, or plan again if it was not adopted yet", path = path.display())]
    Malformed { path: PathBuf, problem: String },
    #[error("`{path}` cannot be written: {problem}", path = path.display())]
    Unwritable { path: PathBuf, problem: String },
    #[error("the job file cannot be read as TOML: {problem}; `rankmail check` shows where")]
    Toml { problem: String },
    #[error("the values of a mail cannot be read: {problem}")]
    Values { problem: String },
    #[error("the plan contradicts itself: {problem}; this is a fault of rankmail, please report it")]
    Contradiction { problem: String },
    #[error("the report cannot be made: {source}")]
    Report { source: Box<dyn std::error::Error + Send + Sync> },
}

impl Error {
    /// Wraps an error of the file system: `map_err(Error::io("read", path))`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
