//! Writes a whole plan folder, or none.

use super::columns::{self, Names};
use super::folder::{self, CUSTOMERS, JOB, LISTS, MAILS, PLAN, REPORT, SKIPPED, TEMPLATES, VALUES};
use super::merge::{Merge, Planned, contradiction};
use super::{Error, digest, summary};
use crate::domain::plan::{PlanPart, PlannedMail, Skip, Summary};
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

/// Rows that are turned into columns at a time.
const BATCH_ROWS: usize = 8_192;
/// Mails are turned into columns earlier when their values are this long together.
const BATCH_BYTES: usize = 32 << 20;
/// Rows of a row group, which is what a writer holds in memory.
const GROUP_ROWS: usize = 4 * BATCH_ROWS;

/// Everything that a plan folder is made of.
#[derive(Debug)]
pub struct WholePlan<'a> {
    /// Each customer is in one part only. Neither the number of parts nor their order changes a byte.
    pub parts: &'a [PlanPart],
    /// `digest`, `rules`, `templates` and `files` are filled in here, whatever they hold.
    pub summary: Summary,
    pub job_text: &'a str,
    /// Names relative to the templates folder (`birthday/body.html`) and contents.
    pub templates: &'a [(String, Vec<u8>)],
    /// The lists that the plan was made from, by what they are (`customers`, `products`, `stops1`): copies lie in the folder, so that a later plan
    /// can be compared with this one.
    pub lists: &'a [(String, PathBuf)],
}

/// Writes the plan to `target` (RUNS/JOB/AS-OF, or any folder that is new, empty or a plan) in one step: after a crash there is the
/// plan from before or this one. `report` makes report.html from the finished summary, which is also what comes back.
/// The caller holds the job's `Lock` and has seen that the plan there was not adopted.
///
/// # Errors
/// `Occupied` when the target holds something else than a plan; `Contradiction` when the parts do not fit together; `Io`,
/// `Unwritable`, `Report`. In every case the target is as it was.
pub fn write<E>(target: &Path, plan: WholePlan<'_>, report: impl FnOnce(&Summary) -> Result<String, E>) -> Result<Summary, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let work = folder::aside(target, "tmp")?;
    fs::create_dir_all(folder::beside(target)).map_err(Error::io("make the folder", folder::beside(target)))?;
    folder::tidy(target)?;
    folder::refuse_strangers(target)?;
    folder::make_private(&work)?;
    let written = fill(&work, plan, report).and_then(|summary| folder::take_place(&work, target).map(|()| summary));
    if written.is_err() {
        // The error that led here is the one to tell; what cannot be removed now is removed by the next plan.
        let _ = fs::remove_dir_all(&work);
    }
    written
}

fn fill<E>(work: &Path, plan: WholePlan<'_>, report: impl FnOnce(&Summary) -> Result<String, E>) -> Result<Summary, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut summary = plan.summary;
    summary.inputs.sort_unstable();
    summary.rules = digest::rules_digest(plan.job_text)?;
    summary.files = write_tables(work, plan.parts, &summary)?;
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
    Ok(summary)
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
        let mut file = Hashed::create(&to)?;
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

/// Writes the four tables side by side in one walk over the customers, and gives their digests.
fn write_tables(work: &Path, parts: &[PlanPart], summary: &Summary) -> Result<Vec<(String, String)>, Error> {
    let names = Names::new(summary);
    let mut customers = Table::create(work, CUSTOMERS, &columns::customers(&[], &names)?)?;
    let mut mails = Table::create(work, MAILS, &columns::mails(&[], &names)?)?;
    let mut values = Table::create(work, VALUES, &columns::values(&[])?)?;
    let mut skipped = Table::create(work, SKIPPED, &columns::skipped(&[], &names)?)?;
    let mut waiting: Vec<Planned<'_>> = Vec::with_capacity(BATCH_ROWS);
    let mut letters: Vec<(&str, &PlannedMail)> = Vec::new();
    let mut skips: Vec<(&str, &Skip)> = Vec::new();
    let (mut bytes, mut mailed, mut left_out) = (0, 0_u64, 0_u64);
    let mut merge = Merge::new(parts);
    while let Some(planned) = merge.next()? {
        for mail in planned.mails {
            letters.push((planned.id, mail));
            bytes += mail.values.len();
            if letters.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                mails.add(&columns::mails(&letters, &names)?)?;
                values.add(&columns::values(&letters)?)?;
                mailed += letters.len() as u64;
                letters.clear();
                bytes = 0;
            }
        }
        for skip in planned.skipped {
            skips.push((planned.id, skip));
            if skips.len() == BATCH_ROWS {
                skipped.add(&columns::skipped(&skips, &names)?)?;
                left_out += skips.len() as u64;
                skips.clear();
            }
        }
        waiting.push(planned);
        if waiting.len() == BATCH_ROWS {
            customers.add(&columns::customers(&waiting, &names)?)?;
            waiting.clear();
        }
    }
    customers.add(&columns::customers(&waiting, &names)?)?;
    mails.add(&columns::mails(&letters, &names)?)?;
    values.add(&columns::values(&letters)?)?;
    skipped.add(&columns::skipped(&skips, &names)?)?;
    agree(summary, mailed + letters.len() as u64, left_out + skips.len() as u64)?;
    [customers, mails, values, skipped].into_iter().map(Table::finish).collect()
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

/// A Parquet file that is being written, and hashed on the way.
pub(super) struct Table {
    name: &'static str,
    path: PathBuf,
    writer: ArrowWriter<Hashed>,
}

impl Table {
    pub(super) fn create(work: &Path, name: &'static str, empty: &RecordBatch) -> Result<Self, Error> {
        let path = work.join(name);
        let sink = Hashed::create(&path)?;
        // No two mails share their values, so a dictionary would only cost.
        let properties = WriterProperties::builder()
            .set_created_by("rankmail".into())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_column_dictionary_enabled(ColumnPath::from("values"), false)
            .set_column_dictionary_enabled(ColumnPath::from("mail_id"), false)
            .build();
        let writer = ArrowWriter::try_new(sink, empty.schema(), Some(properties)).map_err(unwritable(&path))?;
        Ok(Self { name, path, writer })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).map_err(unwritable(&self.path))
    }

    /// Ends the file, brings it to the disk, and gives its name and digest.
    pub(super) fn finish(self) -> Result<(String, String), Error> {
        let sink = self.writer.into_inner().map_err(unwritable(&self.path))?;
        Ok((self.name.to_owned(), sink.finish(&self.path)?))
    }
}

fn unwritable(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let path = path.to_owned();
    move |error| Error::Unwritable { path, problem: error.to_string() }
}

/// A file and the hash of what went into it.
struct Hashed {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl Hashed {
    fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create_new(path).map_err(Error::io("create", path))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), hasher: blake3::Hasher::new() })
    }

    /// Brings the file to the disk, and gives its digest.
    fn finish(self, path: &Path) -> Result<String, Error> {
        let file = self.file.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
        file.sync_all().map_err(Error::io("write", path))?;
        Ok(self.hasher.finalize().to_hex().to_string())
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes)?;
        // A writer never claims more than it was given.
        self.hasher.update(bytes.get(..taken).unwrap_or(bytes));
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
