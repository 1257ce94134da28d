//! A plan without some of its customers: everything that says something of them is taken out, and the folder is whole again.

use super::batches::Batches;
use super::folder::{self, CUSTOMERS, JOB, LISTS, MAILS, PLAN, REPORT, SKIPPED, TEMPLATES, VALUES};
use super::open::{self, Opened};
use super::table::Table;
use super::write;
use super::{Error, digest, summary};
use crate::domain::plan::Summary;
use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Field;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// An empty folder beside the plan that it is to replace.
    fn begin(opened: &Opened, folder: &Path, is_held: bool) -> Result<Self, Error> {
        let work = folder::aside(folder, "tmp")?;
        folder::make_private(&work)?;
        let (before, summary) = (opened.summary.digest.clone(), opened.summary.clone());
        Ok(Self { work, target: folder.to_owned(), summary, before, is_held, placed: false })
    }

    /// Writes plan.json for the files that are there.
    fn finish(mut self, files: Vec<(String, String)>) -> Result<Self, Error> {
        self.summary.files = files;
        self.summary.digest = digest::of_plan(summary::FORMAT, &self.summary);
        write::save(&self.work.join(PLAN), summary::text(&self.summary)?.as_bytes())?;
        folder::sync_folder(&self.work)?;
        Ok(self)
    }

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
    let keeps_lists = opened.summary.files.iter().any(|(name, _)| is_personal(name));
    let is_held = holds(&opened, ids)?;
    if !keeps_lists && !is_held {
        return Ok(None);
    }
    let mut erased = Erased::begin(&opened, folder, is_held)?;
    let files = fill(&opened, &erased.work, ids, &is_personal)?;
    if !is_held && folder.join(REPORT).exists() {
        copy(folder, &erased.work, REPORT)?;
    }
    let says_nothing = |text: &String| !ids.iter().any(|id| text.contains(id.as_str()));
    erased.summary.counts.bad_row_notes.retain(says_nothing);
    erased.summary.warnings.retain(says_nothing);
    erased.finish(files).map(Some)
}

/// The plan in `folder` with nothing personal in it: no rows of customers, skipped pairs and values, no copies of lists of customers, no
/// report, and its mails under marks, without address and subject. Counts, digests of contents and what each mail gave stay.
///
/// # Errors
/// As for `open`; or the new folder cannot be written.
pub fn age(folder: &Path, mark: &dyn Fn(&str) -> String) -> Result<Erased, Error> {
    folder::tidy(folder)?;
    let opened = open::open(folder)?;
    let mut erased = Erased::begin(&opened, folder, true)?;
    let work = &erased.work;
    let nobody = |_: RecordBatch| Ok(None);
    let mut files = vec![
        rewritten(folder, work, CUSTOMERS, nobody)?,
        rewritten(folder, work, SKIPPED, nobody)?,
        rewritten(folder, work, VALUES, nobody)?,
        rewritten(folder, work, MAILS, |batch| under_marks(&batch, mark).map(Some))?,
    ];
    copy_rest(&opened, work, &is_personal, &mut files)?;
    erased.summary.counts.bad_row_notes.clear();
    erased.summary.warnings.clear();
    erased.finish(files)
}

/// Rows of mails that name nobody.
fn under_marks(batch: &RecordBatch, mark: &dyn Fn(&str) -> String) -> Result<RecordBatch, String> {
    let ids = texts(batch, "customer_id").ok_or("it has no column `customer_id`")?;
    let marks: ArrayRef = Arc::new(ids.iter().map(|id| id.map(mark)).collect::<StringArray>());
    let empty: ArrayRef = Arc::new(StringArray::from(vec![""; batch.num_rows()]));
    let column = |(field, column): (&Arc<Field>, &ArrayRef)| match field.name().as_str() {
        "customer_id" => Arc::clone(&marks),
        "address" | "subject" => Arc::clone(&empty),
        _ => Arc::clone(column),
    };
    let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(column).collect();
    RecordBatch::try_new(batch.schema(), columns).map_err(|error| error.to_string())
}

/// Whether a file of a plan is a copy of a list that holds customers.
fn is_personal(name: &str) -> bool {
    name.strip_prefix("lists/").is_some_and(|list| PERSONAL_LISTS.iter().any(|start| list.starts_with(start)))
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
    copy_rest(opened, work, is_personal, &mut files)?;
    Ok(files)
}

/// Copies the files that are no tables, save copies of lists of customers, and gives the digests of all in order.
fn copy_rest(opened: &Opened, work: &Path, is_personal: &dyn Fn(&str) -> bool, files: &mut Vec<(String, String)>) -> Result<(), Error> {
    for (name, digest) in &opened.summary.files {
        let is_other = name == JOB || name.starts_with(&format!("{TEMPLATES}/")) || name.starts_with(&format!("{LISTS}/"));
        if !is_other || is_personal(name) {
            continue;
        }
        copy(opened.folder(), work, name)?;
        files.push((name.clone(), digest.clone()));
    }
    files.sort_unstable();
    Ok(())
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
    rewritten(from, work, name, |batch| {
        let names = texts(&batch, column).ok_or_else(|| format!("it has no column `{column}`"))?;
        let stays: BooleanArray = names.iter().map(|text| Some(!text.is_some_and(|text| out.contains(text)))).collect();
        if let Some(mails) = mails.as_deref_mut() {
            let ids = texts(&batch, "mail_id").ok_or("it has no column `mail_id`")?;
            mails.extend(
                ids.iter().zip(stays.iter()).filter(|(_, stays)| *stays == Some(false)).filter_map(|(id, _)| id.map(str::to_owned)),
            );
        }
        filter_record_batch(&batch, &stays).map(Some).map_err(|error| error.to_string())
    })
}

/// Copies a table, each batch as `change` makes it anew, and gives its name and digest.
fn rewritten(
    from: &Path,
    work: &Path,
    name: &'static str,
    mut change: impl FnMut(RecordBatch) -> Result<Option<RecordBatch>, String>,
) -> Result<(String, String), Error> {
    let mut rows = Batches::whole(from, name)?;
    let mut table = Table::create(work, name, &rows.schema())?;
    while let Some(batch) = rows.next()? {
        if let Some(batch) = change(batch).map_err(|problem| rows.malformed(problem))? {
            table.add(&batch)?;
        }
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
