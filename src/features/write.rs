//! Writes the features table as Parquet: the columns of `features.sql`, one row per customer, sorted by id.

use super::merge::{Merge, Run};
use super::{Error, Folded, PARTITIONS};
use crate::domain::FeatureRow;
use arrow::array::{ArrayRef, Int64Array, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowWriterOptions, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Customers in one row group.
const ROW_GROUP: usize = 1 << 17;
/// Customers that are brought together at a time, while those before them are encoded.
const CHUNK: usize = 1 << 13;
/// Bytes of ids at which a row group ends earlier, far below what Arrow's offsets hold.
const ID_BYTES: usize = 1 << 29;

/// A column of instants: its name, and where it is in a row.
type Instants = (&'static str, fn(&FeatureRow) -> Option<i64>);
/// A column of whole numbers: its name, whether it counts orders, and where it is in a row.
type Numbers = (&'static str, bool, fn(&FeatureRow) -> i64);

const INSTANTS: [Instants; 3] = [
    ("first_order_at", |row| row.first_order_at),
    ("last_order_at", |row| row.last_order_at),
    ("first_order_closing", |row| row.first_order_closing),
];

const NUMBERS: [Numbers; 10] = [
    ("orders_ever", true, |row| row.orders_ever),
    ("spend_ever", false, |row| row.spend_ever),
    ("orders", true, |row| row.orders),
    ("spend", false, |row| row.spend),
    ("due_orders", true, |row| row.due_orders),
    ("due_spend", false, |row| row.due_spend),
    ("next_orders_known", true, |row| row.next_orders_known),
    ("next_spend_known", false, |row| row.next_spend_known),
    ("keep_orders_known", true, |row| row.keep_orders_known),
    ("keep_spend_known", false, |row| row.keep_spend_known),
];

/// Writes the features of all partitions to `path`, which appears whole or not at all, and returns how many customers they have. The
/// bytes depend on the features only.
pub fn write(folded: &Folded, path: &Path) -> Result<u64, Error> {
    let temporary = beside(path);
    let written = File::create(&temporary)
        .map_err(|source| Error::Io { path: path.to_owned(), source })
        .and_then(|file| write_file(folded, path, file))
        .and_then(|rows| std::fs::rename(&temporary, path).map(|()| rows).map_err(|source| Error::Io { path: path.to_owned(), source }));
    if written.is_err() {
        // What went wrong is worth more to the reader than a second error about the half-written file.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// A hidden name in the same folder, so that the rename stays on one disk.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn write_file(folded: &Folded, path: &Path, file: File) -> Result<u64, Error> {
    let broken = |source| Error::Parquet { path: path.to_owned(), source };
    let schema = schema();
    let options = ArrowWriterOptions::new().with_properties(properties()).with_skip_arrow_metadata(true);
    let writer = ArrowWriter::try_new_with_options(BufWriter::new(file), Arc::clone(&schema), options).map_err(broken)?;
    let (mut writer, columns) = writer.into_serialized_writer().map_err(broken)?;
    let runs = (0..PARTITIONS).into_par_iter().with_max_len(1).map(|number| {
        let features = folded.partition(number)?;
        folded.release(number);
        Run::of(&features, &folded.store)
    });
    let runs: Vec<Run> = runs.collect::<Result<_, Error>>()?;
    let customers = runs.iter().map(Run::rows).sum();
    let mut merge = Merge::of(runs, &folded.store)?;
    let mut chunk = Chunk::next(&mut merge)?;
    let mut place = 0;
    while chunk.rows() > 0 {
        let mut writers = columns.create_column_writers(place).map_err(broken)?;
        let (mut rows, mut bytes) = (0, 0);
        while chunk.rows() > 0 && rows < ROW_GROUP && bytes < ID_BYTES {
            (rows, bytes) = (rows + chunk.rows(), bytes + chunk.bytes);
            let (following, encoded) = rayon::join(|| Chunk::next(&mut merge), || chunk.encode(&mut writers, &schema));
            encoded.map_err(broken)?;
            chunk = following?;
        }
        let done = writers.into_par_iter().with_max_len(1).map(ArrowColumnWriter::close);
        let mut out = writer.next_row_group().map_err(broken)?;
        for column in done.collect::<Result<Vec<_>, _>>().map_err(broken)? {
            column.append_to_row_group(&mut out).map_err(broken)?;
        }
        out.close().map_err(broken)?;
        place += 1;
    }
    let file = writer.into_inner().map_err(broken)?;
    let file = file.into_inner().map_err(|error| Error::Io { path: path.to_owned(), source: error.into_error() })?;
    file.sync_all().map_err(|source| Error::Io { path: path.to_owned(), source })?;
    Ok(customers)
}

/// The columns of some rows.
struct Chunk {
    ids: StringBuilder,
    /// How long the ids are together.
    bytes: usize,
    instants: [TimestampMicrosecondBuilder; INSTANTS.len()],
    numbers: [Vec<i64>; NUMBERS.len()],
}

impl Chunk {
    /// The next rows; none at the end.
    fn next(merge: &mut Merge<'_>) -> Result<Self, Error> {
        let mut chunk = Self { ids: StringBuilder::new(), bytes: 0, instants: Default::default(), numbers: Default::default() };
        while chunk.rows() < CHUNK && chunk.bytes < ID_BYTES {
            let more = merge.next(|id, row| {
                chunk.bytes += id.len();
                chunk.ids.append_value(id);
                for (column, (_, instant)) in chunk.instants.iter_mut().zip(INSTANTS) {
                    column.append_option(instant(row));
                }
                for (column, (_, _, figure)) in chunk.numbers.iter_mut().zip(NUMBERS) {
                    column.push(figure(row));
                }
            })?;
            if !more {
                break;
            }
        }
        Ok(chunk)
    }

    fn rows(&self) -> usize {
        self.numbers[0].len()
    }

    fn encode(self, writers: &mut [ArrowColumnWriter], schema: &SchemaRef) -> Result<(), ParquetError> {
        let Self { mut ids, instants, numbers, .. } = self;
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(ids.finish())];
        arrays.extend(instants.map(|mut column| Arc::new(column.finish().with_timezone("UTC")) as ArrayRef));
        arrays.extend(numbers.map(|column| Arc::new(Int64Array::from(column)) as ArrayRef));
        let columns = writers.par_iter_mut().zip(arrays).zip(schema.fields().as_ref());
        columns.try_for_each(|((writer, array), field)| compute_leaves(field, &array)?.iter().try_for_each(|leaf| writer.write(leaf)))
    }
}

fn schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![Field::new("customer_id", DataType::Utf8, false)];
    fields.extend(INSTANTS.iter().map(|(name, _)| Field::new(*name, instant.clone(), true)));
    fields.extend(NUMBERS.iter().map(|(name, ..)| Field::new(*name, DataType::Int64, false)));
    Arc::new(Schema::new(fields))
}

/// Counts of orders repeat and get a dictionary; ids, instants and sums do not, and trying would only cost time.
fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for (name, counts, _) in NUMBERS {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), counts);
    }
    properties.build()
}
