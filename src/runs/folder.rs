//! Where plans lie, and how one takes another's place without a moment in which neither is whole.

use super::Error;
use chrono::NaiveDate;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

/// How days are written in paths and files.
pub(super) const DAY: &str = "%Y-%m-%d";

/// The names that a plan folder holds.
pub(super) const PLAN: &str = "plan.json";
pub(super) const REPORT: &str = "report.html";
pub(super) const JOB: &str = "job.toml";
pub(super) const TEMPLATES: &str = "templates";
pub(super) const CUSTOMERS: &str = "customers.parquet";
pub(super) const MAILS: &str = "mails.parquet";
pub(super) const VALUES: &str = "values.parquet";
pub(super) const SKIPPED: &str = "skipped.parquet";
pub(super) const LISTS: &str = "lists";
const OURS: [&str; 9] = [PLAN, REPORT, JOB, TEMPLATES, CUSTOMERS, MAILS, VALUES, SKIPPED, LISTS];

/// What file managers leave in a folder that somebody looked at.
const LITTER: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// RUNS/JOB/AS-OF.
#[must_use]
pub fn folder(runs: &Path, job: &str, as_of: NaiveDate) -> PathBuf {
    runs.join(job).join(as_of.format(DAY).to_string())
}

/// The way from a folder to a path, where both lie in some folder below the root of the disk: `../../jobs/monthly.toml`.
///
/// # Errors
/// `Io` when there is no current folder against which relative paths are read.
pub fn way(from: &Path, to: &Path) -> Result<Option<PathBuf>, Error> {
    let plain = |path: &Path| -> Result<Vec<PathBuf>, Error> {
        let whole = std::path::absolute(path).map_err(Error::io("find", path))?;
        let mut parts: Vec<PathBuf> = Vec::new();
        for part in whole.components() {
            match part {
                Component::ParentDir => drop(parts.pop()),
                other => parts.push(PathBuf::from(other.as_os_str())),
            }
        }
        Ok(parts)
    };
    let (from, to) = (plain(from)?, plain(to)?);
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    // A way over the root of the disk would be an absolute path in disguise.
    if !from[..shared].iter().any(|part| part.file_name().is_some()) {
        return Ok(None);
    }
    Ok(Some(from[shared..].iter().map(|_| PathBuf::from("..")).chain(to[shared..].iter().cloned()).collect()))
}

/// The jobs that have plans here, by name.
///
/// # Errors
/// `Io`.
pub fn jobs(runs: &Path) -> Result<Vec<String>, Error> {
    let mut jobs = Vec::new();
    for name in names(runs)? {
        if runs.join(&name).is_dir() && !plans(runs, &name)?.is_empty() {
            jobs.push(name);
        }
    }
    jobs.sort_unstable();
    Ok(jobs)
}

/// The as-of dates of a job's plans, ascending; none when the job never planned.
///
/// # Errors
/// `Io` when the folder is there and cannot be listed.
pub fn plans(runs: &Path, job: &str) -> Result<Vec<NaiveDate>, Error> {
    let path = runs.join(job);
    let mut days = Vec::new();
    for name in names(&path)? {
        // A plan that was moved aside by a run that then died is still that day's plan.
        let day = name.strip_prefix('.').and_then(|rest| rest.split_once(".old-")).map_or(name.as_str(), |(day, _)| day);
        let Ok(day) = NaiveDate::parse_from_str(day, DAY) else { continue };
        if standing(&folder(runs, job, day))?.is_some() {
            days.push(day);
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

/// The folder in which the plan of `target` stands: its own, or the one it was moved aside to when a run died between the two
/// renames of `take_place`. `None` when there is no plan.
pub(super) fn standing(target: &Path) -> Result<Option<PathBuf>, Error> {
    if target.join(PLAN).is_file() {
        return Ok(Some(target.to_owned()));
    }
    if target.exists() {
        return Ok(None);
    }
    Ok(left_over(target, "old")?.into_iter().find(|aside| aside.join(PLAN).is_file()))
}

/// Brings back a plan that was moved aside by a run that died, and removes what such runs left half done.
pub(super) fn tidy(target: &Path) -> Result<(), Error> {
    if let Some(aside) = standing(target)?.filter(|aside| aside != target) {
        fs::rename(&aside, target).map_err(Error::io("bring back", target))?;
    }
    for path in left_over(target, "tmp")?.into_iter().chain(left_over(target, "old")?) {
        fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// Refuses to put a plan where something else lies: what is there will be removed.
pub(super) fn refuse_strangers(target: &Path) -> Result<(), Error> {
    if target.exists() && !target.is_dir() {
        let entry = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(Error::Occupied { path: beside(target).to_owned(), entry });
    }
    let stranger = names(target)?.into_iter().find(|name| !OURS.contains(&name.as_str()) && !is_litter(name));
    match stranger {
        Some(entry) => Err(Error::Occupied { path: target.to_owned(), entry }),
        None => Ok(()),
    }
}

/// Whether a path ends in a name that only file managers use.
pub(super) fn is_litter(path: &str) -> bool {
    LITTER.contains(&path.rsplit('/').next().unwrap_or(path))
}

/// Makes a folder for its owner only: a plan holds customers and mails.
pub(super) fn make_private(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("make the folder", path))
}

/// A hidden name beside the target: `.2026-12-01.tmp-77`.
pub(super) fn aside(target: &Path, kind: &str) -> Result<PathBuf, Error> {
    let number = std::process::id();
    Ok(beside(target).join(format!("{}{number}", stem(target, kind)?)))
}

/// Puts the finished folder into the place of the target. Between the two renames the old plan stands aside, where `standing` finds it.
pub(super) fn take_place(finished: &Path, target: &Path) -> Result<(), Error> {
    let old = aside(target, "old")?;
    let replaces = target.exists();
    if replaces {
        fs::rename(target, &old).map_err(Error::io("move aside", target))?;
    }
    fs::rename(finished, target).map_err(Error::io("put in place", target))?;
    sync_folder(beside(target))?;
    if replaces {
        fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
    }
    Ok(())
}

/// Makes the entries of a folder survive a power cut.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    // A folder can be opened as a file on Unix only; elsewhere there is nothing to do.
    let Ok(folder) = File::open(path) else { return Ok(()) };
    match folder.sync_all() {
        // Some network file systems know no sync of folders.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other.map_err(Error::io("sync", path)),
    }
}

/// The folder that holds the target.
pub(super) fn beside(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn stem(target: &Path, kind: &str) -> Result<String, Error> {
    let name = target.file_name().ok_or_else(|| Error::NoName { path: target.to_owned() })?;
    Ok(format!(".{}.{kind}-", name.to_string_lossy()))
}

fn left_over(target: &Path, kind: &str) -> Result<Vec<PathBuf>, Error> {
    let stem = stem(target, kind)?;
    let folder = beside(target);
    // Only a process number may follow, so that the folder `.a.tmp-b.tmp-1` of a target `a.tmp-b` is nobody else's.
    let ours = |name: &String| name.strip_prefix(&stem).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(names(folder)?.into_iter().filter(ours).map(|name| folder.join(name)).collect())
}

/// The names in a folder, sorted; none when it is not there.
pub(super) fn names(path: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { doing: "list", path: path.to_owned(), source }),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(Error::io("list", path))?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
