//! A plan without some of its customers: everything that says something of them is taken out, and the folder is whole again.

use super::folder::{self, CUSTOMERS, JOB, LISTS, MAILS, PLAN, REPORT, SKIPPED, TEMPLATES, VALUES};
use super::open::{self, Opened};
use super::write::{self, Table};
use super::{Error, digest, summary};
use crate::domain::plan::Summary;
use arrow::array::{Array, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The name of a list whose copy holds customers: of the list itself, of merged ids, and of stop lists.
const PERSONAL_LISTS: [&str; 3] = ["customers.", "merged.", "stops"];

/// A plan that is ready to take the place of the one it was made from. Dropping it leaves that one as it is.
#[derive(Debug)]
pub struct Erased {
    work: PathBuf,
    target: PathBuf,
    /// Its own, with another digest.
    pub summary: Summary,
    /// The digest of the plan whose place it takes.
    pub before: String,
    /// Whether that plan had a row of one of the customers; else only copies of lists went.
    pub is_held: bool,
    placed: bool,
}

impl Erased {
    /// Puts it in place; after a crash there is the plan from before or this one.
    ///
    /// # Errors
    /// `Io`.
    pub fn take_place(mut self) -> Result<(), Error> {
        self.placed = true;
        folder::take_place(&self.work, &self.target)
    }
}

impl Drop for Erased {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing can be done where removing fails; the next plan of that day removes it.
            let _ = fs::remove_dir_all(&self.work);
        }
    }
}

/// The plan in `folder` without the rows of some customers, without the copies of lists of customers and, where it had
/// such rows, without its report, which shows mails. Figures stay as they were. `None` where nothing in it tells of them.
///
/// # Errors
/// As for `open`; or the new folder cannot be written.
pub fn erase(folder: &Path, ids: &[String]) -> Result<Option<Erased>, Error> {
    folder::tidy(folder)?;
    let opened = open::open(folder)?;
    let is_personal =
        |name: &str| name.strip_prefix("lists/").is_some_and(|list| PERSONAL_LISTS.iter().any(|start| list.starts_with(start)));
    let keeps_lists = opened.summary.files.iter().any(|(name, _)| is_personal(name));
    let is_held = holds(&opened, ids)?;
    if !keeps_lists && !is_held {
        return Ok(None);
    }
    let work = folder::aside(folder, "tmp")?;
    fs::create_dir(&work).map_err(Error::io("make the folder", &work))?;
    let (before, summary) = (opened.summary.digest.clone(), opened.summary.clone());
    let mut erased = Erased { work, target: folder.to_owned(), summary, before, is_held, placed: false };
    let files = fill(&opened, &erased.work, ids, &is_personal)?;
    if !is_held && folder.join(REPORT).exists() {
        copy(folder, &erased.work, REPORT)?;
    }
    let summary = &mut erased.summary;
    summary.files = files;
    let says_nothing = |text: &String| !ids.iter().any(|id| text.contains(id.as_str()));
    summary.counts.bad_row_notes.retain(says_nothing);
    summary.warnings.retain(says_nothing);
    summary.digest = digest::of_plan(summary::FORMAT, summary);
    write::save(&erased.work.join(PLAN), summary::text(summary)?.as_bytes())?;
    folder::sync_folder(&erased.work)?;
    Ok(Some(erased))
}

/// Whether a plan has a row of one of these customers. Whoever is mailed or skipped is among its customers.
fn holds(opened: &Opened, ids: &[String]) -> Result<bool, Error> {
    for id in ids {
        if opened.customer(id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes what is left of the files, and gives their digests.
fn fill(opened: &Opened, work: &Path, ids: &[String], is_personal: &dyn Fn(&str) -> bool) -> Result<Vec<(String, String)>, Error> {
    let from = opened.folder();
    let (ids, mut mails): (HashSet<String>, _) = (ids.iter().cloned().collect(), HashSet::new());
    let mut files = vec![
        without(from, work, CUSTOMERS, "customer_id", &ids, None)?,
        without(from, work, SKIPPED, "customer_id", &ids, None)?,
        without(from, work, MAILS, "customer_id", &ids, Some(&mut mails))?,
        without(from, work, VALUES, "mail_id", &mails, None)?,
    ];
    for (name, digest) in &opened.summary.files {
        let is_other = name == JOB || name.starts_with(&format!("{TEMPLATES}/")) || name.starts_with(&format!("{LISTS}/"));
        if !is_other || is_personal(name) {
            continue;
        }
        copy(from, work, name)?;
        files.push((name.clone(), digest.clone()));
    }
    files.sort_unstable();
    Ok(files)
}

/// Copies a file as it is.
fn copy(from: &Path, work: &Path, name: &str) -> Result<(), Error> {
    let (old, new) = (from.join(name), work.join(name));
    let parent = folder::beside(&new);
    fs::create_dir_all(parent).map_err(Error::io("make the folder", parent))?;
    fs::copy(&old, &new).map_err(Error::io("copy", &old))?;
    File::open(&new).and_then(|file| file.sync_all()).map_err(Error::io("write", &new))?;
    folder::sync_folder(parent)
}

/// Copies a table without the rows that a column names, and gives its name and digest. The mails of those rows are told to `mails`.
fn without(
    from: &Path,
    work: &Path,
    name: &'static str,
    column: &str,
    out: &HashSet<String>,
    mut mails: Option<&mut HashSet<String>>,
) -> Result<(String, String), Error> {
    let path = from.join(name);
    let malformed = |problem: String| Error::Malformed { path: path.clone(), problem };
    let file = File::open(&path).map_err(Error::io("open", &path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| malformed(error.to_string()))?;
    let mut table = Table::create(work, name, &RecordBatch::new_empty(reader.schema().clone()))?;
    for batch in reader.build().map_err(|error| malformed(error.to_string()))? {
        let batch = batch.map_err(|error| malformed(error.to_string()))?;
        let names = texts(&batch, column).ok_or_else(|| malformed(format!("it has no column `{column}`")))?;
        let stays: BooleanArray = names.iter().map(|text| Some(!text.is_some_and(|text| out.contains(text)))).collect();
        if let Some(mails) = mails.as_deref_mut() {
            let ids = texts(&batch, "mail_id").ok_or_else(|| malformed("it has no column `mail_id`".to_owned()))?;
            mails.extend(
                ids.iter().zip(stays.iter()).filter(|(_, stays)| *stays == Some(false)).filter_map(|(id, _)| id.map(str::to_owned)),
            );
        }
        table.add(&filter_record_batch(&batch, &stays).map_err(|error| malformed(error.to_string()))?)?;
    }
    table.finish()
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}

/// Removes the plan of a day, also one that was moved aside by a run that died. The caller holds the lock and has seen that it was not
/// adopted.
///
/// # Errors
/// `Io`.
pub fn remove(folder: &Path) -> Result<(), Error> {
    folder::tidy(folder)?;
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
    }
    folder::sync_folder(folder::beside(folder))
}
