//! Files that a person names to get something out: never in the place of what the runs folder holds.

use super::error::Error;
use crate::domain::Job;
use crate::runs;
use std::path::{Component, Path};

/// Begins a file of its owner. In the runs folder it may only lie beside the ledger and the jobs' folders, where nothing else is written.
pub fn create(job: &Job, file: &Path) -> Result<runs::Private, Error> {
    if is_of_the_runs(&job.runs, file) {
        return Err(Error::Usage(format!(
            "`{}` belongs to the ledger or to a job in the runs folder `{}`, and what is written there could take the place of what runs need; \
             name another place",
            file.display(),
            job.runs.display()
        )));
    }
    Ok(runs::Private::create(file)?)
}

/// Whether a path is that of the ledger or its side files, or lies in a folder below the runs. A name that is a link is replaced and not
/// followed, so only the folders on the way to it are.
fn is_of_the_runs(runs: &Path, file: &Path) -> bool {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Where either folder is not there, nothing can be overwritten.
    let (Ok(runs), Ok(folder)) = (runs.canonicalize(), folder.canonicalize()) else { return false };
    let Ok(below) = folder.strip_prefix(&runs) else { return false };
    // Some file systems know no capitals.
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    below.components().any(|part| matches!(part, Component::Normal(_))) || name.starts_with("ledger.sqlite")
}
