//! A Parquet file of a plan while it is written.

use super::Error;
use super::columns::VALUES;
use super::merge::contradiction;
use super::sheet::Sheet;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that the file's pages are made of at a time. Whoever reads the file sees nothing of it but the borders of its pages.
pub(super) const BATCH_ROWS: usize = 1_024;
/// Values of mails are written earlier when they are this long together.
pub(super) const BATCH_BYTES: usize = 32 << 20;
/// Rows of a row group, which is what a writer holds in memory.
const GROUP_ROWS: usize = 32 * BATCH_ROWS;

/// A Parquet file that is being written, and hashed on the way. Its bytes follow from its rows: how many of them come at a time
/// changes none.
#[derive(Debug)]
pub(super) struct Table {
    name: &'static str,
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<Sheet>,
    /// Rows that are not enough for a batch yet.
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Table {
    /// A new table in a folder that is there.
    pub fn create(work: &Path, name: &'static str, schema: &SchemaRef) -> Result<Self, Error> {
        let path = work.join(name);
        Self::on(Sheet::create(&path)?, path, name, schema)
    }

    /// A new table that has no name before it is finished: the folder of the work is made then.
    pub fn nameless(work: &Path, name: &'static str, schema: &SchemaRef) -> Result<Self, Error> {
        let path = work.join(name);
        Self::on(Sheet::nameless(work)?, path, name, schema)
    }

    fn on(sheet: Sheet, path: PathBuf, name: &'static str, schema: &SchemaRef) -> Result<Self, Error> {
        // What hardly two rows have in common gets no dictionary: it would be made, found of no use, and cost more than all the rest.
        let alone = ["mail_id", "customer_id", "address", "content_hash", VALUES, "first_order_at", "last_order_at"];
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
        let properties = properties.set_column_statistics_enabled(ColumnPath::from(VALUES), EnabledStatistics::None).build();
        let writer = ArrowWriter::try_new(sheet, Arc::clone(schema), Some(properties)).map_err(unwritable(&path))?;
        Ok(Self { name, path, schema: Arc::clone(schema), writer, waiting: Vec::new(), rows: 0, bytes: 0 })
    }

    /// Adds rows.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut from = 0;
        while from < batch.num_rows() {
            let taken = self.take(batch, from);
            self.waiting.push(batch.slice(from, taken));
            from += taken;
            if self.rows == BATCH_ROWS || self.bytes >= BATCH_BYTES {
                self.write()?;
            }
        }
        Ok(())
    }

    /// Counts the rows, from one on, that the waiting ones are to be made full with.
    fn take(&mut self, batch: &RecordBatch, from: usize) -> usize {
        let upto = batch.num_rows().min(from + BATCH_ROWS - self.rows);
        let Some(weighed) = batch.column_by_name(VALUES).and_then(|column| column.as_string_opt::<i32>()) else {
            self.rows += upto - from;
            return upto - from;
        };
        let mut at = from;
        while at < upto && self.bytes < BATCH_BYTES {
            self.bytes += usize::try_from(weighed.value_length(at)).unwrap_or(0);
            at += 1;
        }
        self.rows += at - from;
        at - from
    }

    fn write(&mut self) -> Result<(), Error> {
        (self.rows, self.bytes) = (0, 0);
        let waiting = std::mem::take(&mut self.waiting);
        let whole;
        let batch = match waiting.as_slice() {
            [] => return Ok(()),
            [one] => one,
            several => {
                whole = concat_batches(&self.schema, several).map_err(|error| contradiction(error.to_string()))?;
                &whole
            }
        };
        self.writer.write(batch).map_err(unwritable(&self.path))
    }

    /// Ends the file, brings it to the disk, and gives its name and digest.
    pub fn finish(mut self) -> Result<(String, String), Error> {
        self.write()?;
        let sheet = self.writer.into_inner().map_err(unwritable(&self.path))?;
        Ok((self.name.to_owned(), sheet.finish(&self.path)?))
    }
}

fn unwritable(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let path = path.to_owned();
    move |error| Error::Unwritable { path, problem: error.to_string() }
}
