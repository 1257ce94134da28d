//! Writes a whole plan folder, or none.

use super::columns::{self, Names};
use super::folder::{self, CUSTOMERS, JOB, LISTS, MAILS, PLAN, REPORT, SKIPPED, TEMPLATES, VALUES};
use super::merge::{self, contradiction};
use super::sheet::Sheet;
use super::table::{BATCH_BYTES, BATCH_ROWS, Table};
use super::{Error, digest, program, summary};
use crate::domain::plan::{PlanPart, PlannedMail, Skip, Summary};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use rayon::prelude::*;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A plan on its way into its folder. Its parts come in the order of customers, and need not be in memory together.
#[derive(Debug)]
pub struct Draft {
    target: PathBuf,
    work: Work,
    layout: Arc<Layout>,
    tables: Tables,
    /// The last customer so far.
    last: Option<String>,
    mailed: u64,
    left_out: u64,
}

/// The four tables of a plan.
#[derive(Debug)]
struct Tables {
    customers: Table,
    mails: Table,
    values: Table,
    skipped: Table,
}

/// The folder in which a plan is made, or will be.
#[derive(Debug)]
struct Work(PathBuf);

/// How the parts of a plan become rows of its tables.
#[derive(Debug)]
pub struct Layout {
    ranks: Vec<String>,
    campaigns: Vec<String>,
}

/// A part of a plan as rows of its tables.
#[derive(Debug)]
pub struct PartRows {
    /// The first and the last customer; `None` when there is nobody.
    ends: Option<(String, String)>,
    customers: Vec<RecordBatch>,
    /// Rows of `mails.parquet`, and behind them the values of each.
    mails: Vec<RecordBatch>,
    skipped: Vec<RecordBatch>,
}

/// What a plan folder is made of beside the parts of its draft.
#[derive(Debug)]
pub struct WholePlan<'a> {
    /// `digest`, `rules`, `templates`, `files` and `program` are filled in here, whatever they hold.
    pub summary: Summary,
    pub job_text: &'a str,
    /// Names relative to the templates folder (`birthday/body.html`) and contents.
    pub templates: &'a [(String, Vec<u8>)],
    /// The lists that the plan was made from, by what they are (`customers`, `products`, `stops1`): copies lie in the folder, so that a later plan
    /// can be compared with this one.
    pub lists: &'a [(String, PathBuf)],
}

impl Layout {
    /// The rows of a part, of which each customer is in no other one. May be made by many threads at once.
    ///
    /// # Errors
    /// `Contradiction` when the part does not fit together.
    pub fn rows(&self, part: &PlanPart) -> Result<PartRows, Error> {
        let names = Names { ranks: &self.ranks, campaigns: &self.campaigns };
        let rows = merge::planned(part)?;
        let letters: Vec<(&str, &PlannedMail)> = rows.iter().flat_map(|row| row.mails.iter().map(|mail| (row.id, mail))).collect();
        let skips: Vec<(&str, &Skip)> = rows.iter().flat_map(|row| row.skipped.iter().map(|skip| (row.id, skip))).collect();
        let mut bytes = 0;
        // Few rows may have long values, and the texts of a column are together shorter than two gigabytes.
        let alike = |_: &(&str, &PlannedMail), (_, mail): &(&str, &PlannedMail)| {
            bytes += mail.values.len();
            if bytes >= BATCH_BYTES {
                bytes = 0;
            }
            bytes > 0
        };
        let mails = letters.chunk_by(alike).flat_map(|rows| rows.chunks(BATCH_ROWS));
        Ok(PartRows {
            ends: rows.first().zip(rows.last()).map(|(first, last)| (first.id.to_owned(), last.id.to_owned())),
            customers: rows.chunks(BATCH_ROWS).map(|rows| columns::customers(rows, &names)).collect::<Result<_, _>>()?,
            mails: mails.map(|rows| columns::mails(rows, &names)).collect::<Result<_, _>>()?,
            skipped: skips.chunks(BATCH_ROWS).map(|rows| columns::skipped(rows, &names)).collect::<Result<_, _>>()?,
        })
    }
}

impl Draft {
    /// Begins a plan of `target` (RUNS/JOB/AS-OF, or any folder that is new, empty or a plan) for a ladder of these ranks and these
    /// campaigns. The caller holds the job's `Lock` and has seen that the plan there was not adopted.
    ///
    /// # Errors
    /// `Occupied` when the target holds something else than a plan; `Io`.
    pub fn begin(target: &Path, ranks: Vec<String>, campaigns: Vec<String>) -> Result<Self, Error> {
        let work = Work(folder::aside(target, "tmp")?);
        fs::create_dir_all(folder::beside(target)).map_err(Error::io("make the folder", folder::beside(target)))?;
        folder::tidy(target)?;
        folder::refuse_strangers(target)?;
        let none = Names { ranks: &[], campaigns: &[] };
        let schema = columns::mails(&[], &none)?.schema();
        let (own, beside) = columns::mails_and_values(&schema);
        let split = |columns: &[usize]| schema.project(columns).map(Arc::<Schema>::new).map_err(|error| contradiction(error.to_string()));
        Ok(Self {
            target: target.to_owned(),
            layout: Arc::new(Layout { ranks, campaigns }),
            tables: Tables {
                customers: Table::nameless(&work.0, CUSTOMERS, &columns::customers(&[], &none)?.schema())?,
                mails: Table::nameless(&work.0, MAILS, &split(&own)?)?,
                values: Table::nameless(&work.0, VALUES, &split(&beside)?)?,
                skipped: Table::nameless(&work.0, SKIPPED, &columns::skipped(&[], &none)?.schema())?,
            },
            work,
            last: None,
            mailed: 0,
            left_out: 0,
        })
    }

    /// How parts become rows of this plan.
    #[must_use]
    pub fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.layout)
    }

    /// Adds the rows of the part that comes next in the order of customers. How many parts there are changes no byte.
    ///
    /// # Errors
    /// `Contradiction` when a customer comes twice or out of order; `Io`, `Unwritable`.
    pub fn add(&mut self, rows: &PartRows) -> Result<(), Error> {
        let Some((first, last)) = &rows.ends else { return Ok(()) };
        merge::refuse_disorder(self.last.as_deref(), first)?;
        self.last = Some(last.clone());
        let count = |batches: &[RecordBatch]| batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        self.mailed += count(&rows.mails);
        self.left_out += count(&rows.skipped);
        self.tables.add(rows)
    }

    /// Writes the plan in one step: after a crash there is the plan from before or this one. `report` makes report.html from the finished
    /// summary, which is also what comes back.
    ///
    /// # Errors
    /// `Contradiction` when the parts do not fit together; `Io`, `Unwritable`, `Report`. In every case the target is as it was.
    pub fn finish<E>(self, plan: WholePlan<'_>, report: impl FnOnce(&Summary) -> Result<String, E>) -> Result<Summary, Error>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut summary = plan.summary;
        summary.inputs.sort_unstable();
        summary.rules = digest::rules_digest(plan.job_text)?;
        summary.program = program::stamp();
        let Self { target, work, tables, mailed, left_out, .. } = self;
        let work = &work.0;
        summary.files = tables.finish()?;
        agree(&summary, mailed, left_out)?;
        summary.files.push((JOB.into(), save(&work.join(JOB), plan.job_text.as_bytes())?));
        summary.templates = write_templates(&work.join(TEMPLATES), plan.templates)?;
        summary.files.extend(summary.templates.iter().map(|(name, digest)| (format!("{TEMPLATES}/{name}"), digest.clone())));
        summary.files.extend(copy_lists(work, plan.lists)?);
        summary.files.sort_unstable();
        summary.digest = digest::of_plan(summary::FORMAT, &summary);
        let html = report(&summary).map_err(|source| Error::Report { source: source.into() })?;
        save(&work.join(REPORT), html.as_bytes())?;
        save(&work.join(PLAN), summary::text(&summary)?.as_bytes())?;
        folder::sync_folder(work)?;
        folder::take_place(work, &target)?;
        Ok(summary)
    }
}

impl Tables {
    fn add(&mut self, rows: &PartRows) -> Result<(), Error> {
        let Self { customers, mails, values, skipped } = self;
        let add = |table: &mut Table, batches: &[RecordBatch]| batches.iter().try_for_each(|batch| table.add(batch));
        let add_some = |table: &mut Table, which: &dyn Fn((Vec<usize>, Vec<usize>)) -> Vec<usize>| {
            rows.mails.iter().try_for_each(|batch| {
                let columns = which(columns::mails_and_values(&batch.schema()));
                table.add(&batch.project(&columns).map_err(|error| contradiction(error.to_string()))?)
            })
        };
        let ((one, other), (third, fourth)) = rayon::join(
            || rayon::join(|| add_some(values, &|(_, values)| values), || add(skipped, &rows.skipped)),
            || rayon::join(|| add_some(mails, &|(mails, _)| mails), || add(customers, &rows.customers)),
        );
        one.and(other).and(third).and(fourth)
    }

    /// Brings the tables to the disk, and gives their names and digests.
    fn finish(self) -> Result<Vec<(String, String)>, Error> {
        let Self { customers, mails, values, skipped } = self;
        [customers, mails, values, skipped].into_par_iter().with_max_len(1).map(Table::finish).collect()
    }
}

impl Drop for Work {
    /// What was not put in place is of no use. After a power cut it is the next plan that removes it, as it does what cannot be removed here.
    fn drop(&mut self) {
        if self.0.exists() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Writes a file that survives a power cut, and gives its digest.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<String, Error> {
    let mut file = File::create_new(path).map_err(Error::io("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io("write", path))?;
    Ok(digest::of_bytes(bytes))
}

fn write_templates(root: &Path, templates: &[(String, Vec<u8>)]) -> Result<Vec<(String, String)>, Error> {
    fs::create_dir(root).map_err(Error::io("make the folder", root))?;
    let mut digests = Vec::with_capacity(templates.len());
    let mut folders = vec![root.to_owned()];
    for (name, bytes) in templates {
        if !is_inside(name) {
            return Err(contradiction(format!("the template name `{name}` leads out of the templates folder")));
        }
        let path = root.join(name);
        let parent = folder::beside(&path);
        fs::create_dir_all(parent).map_err(Error::io("make the folder", parent))?;
        folders.extend(parent.ancestors().take_while(|above| above.starts_with(root)).map(PathBuf::from));
        digests.push((name.clone(), save(&path, bytes)?));
    }
    folders.sort_unstable();
    folders.dedup();
    for each in folders {
        folder::sync_folder(&each)?;
    }
    digests.sort_unstable();
    Ok(digests)
}

/// Copies the lists under their names, each with the ending that it has, and gives their digests.
fn copy_lists(work: &Path, lists: &[(String, PathBuf)]) -> Result<Vec<(String, String)>, Error> {
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let root = work.join(LISTS);
    fs::create_dir(&root).map_err(Error::io("make the folder", &root))?;
    let mut digests = Vec::with_capacity(lists.len());
    for (name, from) in lists {
        let name = from.extension().map_or_else(|| name.clone(), |ending| format!("{name}.{}", ending.to_string_lossy()));
        let to = root.join(&name);
        let mut file = Sheet::create(&to)?;
        let mut source = File::open(from).map_err(Error::io("open", from))?;
        io::copy(&mut source, &mut file).map_err(Error::io("copy", from))?;
        digests.push((format!("{LISTS}/{name}"), file.finish(&to)?));
    }
    folder::sync_folder(&root)?;
    Ok(digests)
}

/// Whether a relative name stays in its folder.
pub(super) fn is_inside(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Every matched pair is a mail or a skip, and the figures say how many there are of each.
fn agree(summary: &Summary, mails: u64, skipped: u64) -> Result<(), Error> {
    let counts = &summary.counts;
    if (counts.mails, counts.skipped) == (mails, skipped) && counts.matched == mails + skipped {
        return Ok(());
    }
    let counted = format!("{} matched, {} mails, {} skipped are counted", counts.matched, counts.mails, counts.skipped);
    Err(contradiction(format!("{counted}, {mails} mails and {skipped} skips are there")))
}
