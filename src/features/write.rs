//! Writes the features table as Parquet: the columns of `features.sql`, one row per customer, sorted by id.

use super::Error;
use super::gather::prefix;
use crate::domain::{FeatureRow, Features};
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowWriterOptions, compute_leaves};
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

/// Writes the features of all partitions to `path`, which appears whole or not at all. The bytes depend on the features only.
pub fn write(parts: &[Features], path: &Path) -> Result<(), Error> {
    let temporary = beside(path);
    let written = File::create(&temporary)
        .map_err(|source| Error::Io { path: path.to_owned(), source })
        .and_then(|file| write_file(parts, path, file))
        .and_then(|()| std::fs::rename(&temporary, path).map_err(|source| Error::Io { path: path.to_owned(), source }));
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

fn write_file(parts: &[Features], path: &Path, file: File) -> Result<(), Error> {
    let broken = |source| Error::Parquet { path: path.to_owned(), source };
    let schema = schema();
    let options = ArrowWriterOptions::new().with_properties(properties()).with_skip_arrow_metadata(true);
    let writer = ArrowWriter::try_new_with_options(BufWriter::new(file), Arc::clone(&schema), options).map_err(broken)?;
    let (mut writer, columns) = writer.into_serialized_writer().map_err(broken)?;
    let order = sorted(parts);
    for (place, group) in order.chunks(ROW_GROUP).enumerate() {
        let rows: Vec<FeatureRow> = group.par_iter().map(|at| parts[at.part as usize].rows[at.row as usize]).collect();
        let writers = columns.create_column_writers(place).map_err(broken)?;
        let chunks = writers.into_par_iter().enumerate().with_max_len(1);
        let chunks: Result<Vec<ArrowColumnChunk>, ParquetError> =
            chunks.map(|(number, writer)| encode(writer, schema.field(number), &column(number, parts, group, &rows))).collect();
        let mut out = writer.next_row_group().map_err(broken)?;
        for chunk in chunks.map_err(broken)? {
            chunk.append_to_row_group(&mut out).map_err(broken)?;
        }
        out.close().map_err(broken)?;
    }
    let file = writer.into_inner().map_err(broken)?;
    let file = file.into_inner().map_err(|error| Error::Io { path: path.to_owned(), source: error.into_error() })?;
    file.sync_all().map_err(|source| Error::Io { path: path.to_owned(), source })
}

fn encode(mut writer: ArrowColumnWriter, field: &Field, array: &ArrayRef) -> Result<ArrowColumnChunk, ParquetError> {
    for leaf in compute_leaves(field, array)? {
        writer.write(&leaf)?;
    }
    writer.close()
}

fn column(number: usize, parts: &[Features], group: &[Place], rows: &[FeatureRow]) -> ArrayRef {
    let Some(number) = number.checked_sub(1) else {
        let ids = group.iter().map(|at| parts[at.part as usize].customer_id.get(at.row as usize));
        return Arc::new(StringArray::from_iter_values(ids));
    };
    if let Some((_, instant)) = INSTANTS.get(number) {
        return Arc::new(rows.iter().map(instant).collect::<TimestampMicrosecondArray>().with_timezone("UTC"));
    }
    let (_, _, figure) = NUMBERS[number - INSTANTS.len()];
    Arc::new(rows.iter().map(figure).collect::<Int64Array>())
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

/// Where a customer is, and the part of the id that decides most comparisons.
#[derive(Debug, Clone, Copy)]
struct Place {
    prefix: u64,
    part: u32,
    row: u32,
}

/// All customers sorted by id. The ids begin alike in most shops, so what all share is left out of the comparison.
fn sorted(parts: &[Features]) -> Vec<Place> {
    let ends = parts.iter().filter(|part| !part.customer_id.is_empty());
    let ends = ends.flat_map(|part| [part.customer_id.get(0), part.customer_id.get(part.customer_id.len() - 1)]);
    // Partitions are sorted, so what their first and last ids share is shared by all between them.
    let shared = ends.clone().next().map_or(0, |first| {
        ends.fold(first.len(), |shared, id| id.bytes().zip(first.bytes().take(shared)).take_while(|(one, other)| one == other).count())
    });
    let mut order: Vec<Place> = (0_u32..)
        .zip(parts)
        .flat_map(|(part, features)| {
            let places = (0_u32..).zip(features.customer_id.iter());
            places.map(move |(row, id)| Place { prefix: prefix(&id.as_bytes()[shared..]), part, row })
        })
        .collect();
    let id = |at: &Place| parts[at.part as usize].customer_id.get(at.row as usize);
    order.par_sort_unstable_by(|one, other| one.prefix.cmp(&other.prefix).then_with(|| id(one).cmp(id(other))));
    order
}
