//! Writes a whole plan folder, or none.

use super::columns::{self, Names};
use super::folder::{self, CUSTOMERS, JOB, LISTS, MAILS, PLAN, REPORT, SKIPPED, TEMPLATES, VALUES};
use super::layers::{Ground, Layers};
use super::merge::{self, contradiction};
use super::{Error, digest, program, summary};
use crate::domain::plan::{PlanPart, PlannedMail, Skip, Summary};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Rows that are turned into columns at a time.
const BATCH_ROWS: usize = 8_192;
/// Mails are turned into columns earlier when their values are this long together; two such batches are in memory at a time.
const BATCH_BYTES: usize = 32 << 20;
/// Rows of a row group, which is what a writer holds in memory.
const GROUP_ROWS: usize = 4 * BATCH_ROWS;

/// After so many bytes the disk begins to write a table.
const AHEAD: usize = 8 << 20;

/// Rows of a part that are turned into columns at a time: of each part so many are in memory when all are put in order.
const PART_ROWS: usize = 256;
/// The same where the values of mails go with them.
const PART_MAILS: usize = 64;
/// So much of a plan is held in memory before its parts are laid on disk.
const HELD_BYTES: usize = 128 << 20;

/// A plan on its way into its folder. Parts come in any order, from any thread, and need not be in memory together.
#[derive(Debug)]
pub struct Draft {
    target: PathBuf,
    work: PathBuf,
    ranks: Vec<String>,
    campaigns: Vec<String>,
    ground: Ground,
    customers: Layers,
    /// Rows of `mails.parquet`, and behind them the values of each.
    mails: Layers,
    skipped: Layers,
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

impl Draft {
    /// Begins a plan of `target` (RUNS/JOB/AS-OF, or any folder that is new, empty or a plan) for a ladder of these ranks and these
    /// campaigns. The caller holds the job's `Lock` and has seen that the plan there was not adopted.
    ///
    /// # Errors
    /// `Occupied` when the target holds something else than a plan; `Io`.
    pub fn begin(target: &Path, ranks: Vec<String>, campaigns: Vec<String>) -> Result<Self, Error> {
        Self::within(target, ranks, campaigns, HELD_BYTES)
    }

    /// The same with so many bytes held in memory.
    pub(super) fn within(target: &Path, ranks: Vec<String>, campaigns: Vec<String>, held: usize) -> Result<Self, Error> {
        let work = folder::aside(target, "tmp")?;
        fs::create_dir_all(folder::beside(target)).map_err(Error::io("make the folder", folder::beside(target)))?;
        folder::tidy(target)?;
        folder::refuse_strangers(target)?;
        let none = Names { ranks: &[], campaigns: &[] };
        Ok(Self {
            target: target.to_owned(),
            ranks,
            campaigns,
            // Beside the target, for the work folder is made only when all parts are there: whoever stops before leaves nothing.
            ground: Ground::new(folder::beside(target), held),
            work,
            customers: Layers::new(columns::customers(&[], &none)?.schema()),
            mails: Layers::new(columns::mails(&[], &none)?.schema()),
            skipped: Layers::new(columns::skipped(&[], &none)?.schema()),
        })
    }

    /// Adds a part. Each customer is in one part only. Neither the number of parts nor their order changes a byte.
    ///
    /// # Errors
    /// `Contradiction` when the part does not fit together; `Io`.
    pub fn add(&self, part: &PlanPart) -> Result<(), Error> {
        let names = Names { ranks: &self.ranks, campaigns: &self.campaigns };
        let rows = merge::planned(part)?;
        let letters: Vec<(&str, &PlannedMail)> = rows.iter().flat_map(|row| row.mails.iter().map(|mail| (row.id, mail))).collect();
        let skips: Vec<(&str, &Skip)> = rows.iter().flat_map(|row| row.skipped.iter().map(|skip| (row.id, skip))).collect();
        let customers = rows.chunks(PART_ROWS).map(|rows| columns::customers(rows, &names)).collect::<Result<_, _>>()?;
        self.customers.add(&self.ground, customers)?;
        let mails = letters.chunks(PART_MAILS).map(|rows| columns::mails(rows, &names)).collect::<Result<_, _>>()?;
        self.mails.add(&self.ground, mails)?;
        let skipped = skips.chunks(PART_ROWS).map(|rows| columns::skipped(rows, &names)).collect::<Result<_, _>>()?;
        self.skipped.add(&self.ground, skipped)
    }

    /// Writes the plan in one step: after a crash there is the plan from before or this one. `report` makes report.html from the finished
    /// summary, which is also what comes back.
    ///
    /// # Errors
    /// `Contradiction` when the parts do not fit together; `Io`, `Unwritable`, `Report`. In every case the target is as it was.
    pub fn finish<E>(mut self, plan: WholePlan<'_>, report: impl FnOnce(&Summary) -> Result<String, E>) -> Result<Summary, Error>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut summary = plan.summary;
        summary.inputs.sort_unstable();
        summary.rules = digest::rules_digest(plan.job_text)?;
        summary.program = program::stamp();
        folder::make_private(&self.work)?;
        summary.files = self.write_tables(&summary)?;
        let work = &self.work;
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
        folder::take_place(work, &self.target)?;
        Ok(summary)
    }

    /// Writes the four tables in the order of customers, and gives their digests.
    fn write_tables(&mut self, summary: &Summary) -> Result<Vec<(String, String)>, Error> {
        let take = |layers: &mut Layers| std::mem::replace(layers, Layers::new(layers.schema()));
        let (customers, mails, skipped) = (take(&mut self.customers), take(&mut self.mails), take(&mut self.skipped));
        let (work, ground) = (&self.work, &self.ground);
        let (customers, (mails, skipped)) = rayon::join(
            || write_customers(work, ground, customers),
            || rayon::join(|| write_mails(work, ground, mails), || write_skips(work, ground, skipped)),
        );
        let (files, mailed) = mails?;
        let (skips, skipped) = skipped?;
        agree(summary, mailed, skipped)?;
        Ok([customers?, skips].into_iter().chain(files).collect())
    }
}

impl Drop for Draft {
    /// What was not put in place is of no use. After a power cut it is the next plan that removes it, as it does what cannot be removed here.
    fn drop(&mut self) {
        if self.work.exists() {
            let _ = fs::remove_dir_all(&self.work);
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

/// A table's file name and digest.
type Written = (String, String);

fn write_customers(work: &Path, ground: &Ground, layers: Layers) -> Result<Written, Error> {
    let mut table = Table::create(work, CUSTOMERS, &layers.schema())?;
    let mut merged = layers.merged(ground)?;
    let mut last: Option<String> = None;
    while let Some(rows) = merged.next(None, |rows, _| rows == BATCH_ROWS)? {
        for id in rows.column(0).as_string_opt::<i32>().into_iter().flatten().flatten() {
            merge::refuse_disorder(last.as_deref(), id)?;
            id.clone_into(last.get_or_insert_default());
        }
        table.add(&rows)?;
    }
    table.finish()
}

/// Mails and their values, each in a file of its own, and how many mails there are.
fn write_mails(work: &Path, ground: &Ground, layers: Layers) -> Result<([Written; 2], u64), Error> {
    let schema = layers.schema();
    let split = |columns: &[usize]| schema.project(columns).map(Arc::new).map_err(|error| contradiction(error.to_string()));
    let (own, beside) = columns::mails_and_values(&schema);
    let mut mails = Table::create(work, MAILS, &split(&own)?)?;
    let mut values = Table::create(work, VALUES, &split(&beside)?)?;
    let mut merged = layers.merged(ground)?;
    let mut count = 0;
    let pick = |rows: &RecordBatch, columns: &[usize]| rows.project(columns).map_err(|error| contradiction(error.to_string()));
    let mut next = || merged.next(Some(columns::VALUES), |rows, bytes| rows == BATCH_ROWS || bytes >= BATCH_BYTES);
    let mut taken = next()?;
    while let Some(rows) = taken {
        count += rows.num_rows() as u64;
        // The next rows are put in order while these are packed.
        let write = || rayon::join(|| values.add(&pick(&rows, &beside)?), || mails.add(&pick(&rows, &own)?));
        let ((one, other), following) = rayon::join(write, &mut next);
        one.and(other)?;
        taken = following?;
    }
    let (mails, values) = rayon::join(|| mails.finish(), || values.finish());
    Ok(([mails?, values?], count))
}

fn write_skips(work: &Path, ground: &Ground, layers: Layers) -> Result<(Written, u64), Error> {
    let mut table = Table::create(work, SKIPPED, &layers.schema())?;
    let mut merged = layers.merged(ground)?;
    let mut count = 0;
    while let Some(rows) = merged.next(None, |rows, _| rows == BATCH_ROWS)? {
        count += rows.num_rows() as u64;
        table.add(&rows)?;
    }
    Ok((table.finish()?, count))
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
    pub(super) fn create(work: &Path, name: &'static str, schema: &SchemaRef) -> Result<Self, Error> {
        let path = work.join(name);
        let sink = Hashed::create(&path)?;
        // What hardly two rows have in common gets no dictionary: it would be made, found of no use, and cost more than all the rest.
        let alone = ["mail_id", "customer_id", "address", "content_hash", columns::VALUES, "first_order_at", "last_order_at"];
        let sums = ["spend_ever", "spend", "next_spend", "keep_spend", "orders_mark"];
        let properties = WriterProperties::builder()
            .set_created_by("rankmail".into())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            // Readers look for a customer by row group.
            .set_statistics_enabled(EnabledStatistics::Chunk);
        let properties = alone
            .into_iter()
            .chain(sums)
            .fold(properties, |properties, column| properties.set_column_dictionary_enabled(ColumnPath::from(column), false));
        let properties = properties.set_column_statistics_enabled(ColumnPath::from(columns::VALUES), EnabledStatistics::None).build();
        let writer = ArrowWriter::try_new(sink, Arc::clone(schema), Some(properties)).map_err(unwritable(&path))?;
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

/// Lets the disk begin with what was written, so that there is less to wait for in the end. Where it cannot, all is written then.
#[cfg(target_os = "linux")]
fn begin_writing(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn begin_writing(_: &File) {}

fn unwritable(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let path = path.to_owned();
    move |error| Error::Unwritable { path, problem: error.to_string() }
}

/// A file and the hash of what went into it.
struct Hashed {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    /// Bytes since the disk was last told to begin with them.
    waiting: usize,
}

impl Hashed {
    fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create_new(path).map_err(Error::io("create", path))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), hasher: blake3::Hasher::new(), waiting: 0 })
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
        self.waiting += taken;
        if self.waiting >= AHEAD {
            self.waiting = 0;
            begin_writing(self.file.get_ref());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
