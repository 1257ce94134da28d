//! Parquet: any writer's columns as plain values.

use super::error::Error;
use super::table::{Column, Kind, Table, Wanted};
use super::values;
use crate::domain::Values;
use crate::domain::text::uuid;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, LogicalType, Type};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const BATCH: usize = 8192;

/// What ends a Parquet file: the footer's length and four letters.
const TAIL: u64 = 8;

/// Reads a list, batch by batch.
pub fn read(file: File, name: &str, size: u64, wanted: Wanted) -> Result<Table, Error> {
    let (digest, metadata) = guarded(name, || Ok((digest(&file, name, size)?, metadata(&file)?)))?;
    if let Some(compression) = unread(&metadata) {
        return Err(Error::Compression { file: name.to_owned(), compression });
    }
    guarded(name, || {
        let (columns, rows) = read_columns(file, metadata, wanted)?;
        Ok(Table { file: name.to_owned(), columns, rows, lines: None, digest })
    })
}

/// Reads the names of the columns from the footer.
pub fn names(file: &File, name: &str, size: u64) -> Result<Vec<String>, Error> {
    guarded(name, || {
        // A file without a right end is refused before the reader believes its numbers.
        digest(file, name, size)?;
        let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new()).map_err(reason)?;
        Ok(metadata.schema().fields().iter().map(|field| field.name().clone()).collect())
    })
}

/// The reader's authors count panics on damaged files among ordinary bugs, so one becomes an error like any other.
fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, Error> {
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the reader gave up on it".to_owned()));
    outcome.map_err(|reason| Error::Parquet { file: name.to_owned(), reason })
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn reason(error: impl ToString) -> String {
    error.to_string()
}

/// What identifies the content: name, size and footer, which holds counts, places and statistics of all pages.
fn digest(mut file: &File, name: &str, size: u64) -> Result<String, String> {
    let footer_and_tail = (|| {
        let mut tail = [0_u8; 8];
        file.seek(SeekFrom::Start(size.checked_sub(TAIL)?)).ok()?;
        file.read_exact(&mut tail).ok()?;
        let [a, b, c, d, magic @ ..] = tail;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        let start = size.checked_sub(TAIL)?.checked_sub(length).filter(|start| *start >= 4)?;
        if &magic != b"PAR1" {
            return None;
        }
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = Vec::new();
        file.take(length + TAIL).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    })();
    let bytes = footer_and_tail.ok_or("it has no footer at its end")?;
    file.rewind().map_err(reason)?;
    let mut hash = blake3::Hasher::new();
    hash.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(&size.to_le_bytes()).update(&bytes);
    Ok(hash.finalize().to_hex().to_string())
}

/// The compression of a column, where this program does not read it.
fn unread(metadata: &ArrowReaderMetadata) -> Option<&'static str> {
    let chunks = metadata.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
    chunks.map(ColumnChunkMetaData::compression).find_map(|compression| match compression {
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZO => Some("LZO"),
        _ => None,
    })
}

fn read_columns(file: File, metadata: ArrowReaderMetadata, wanted: Wanted) -> Result<(Vec<Column>, usize), String> {
    let fields = metadata.schema().fields().clone();
    let uuids = uuids(&metadata);
    let kept: Vec<usize> = (0..)
        .zip(fields.iter())
        .filter(|(_, field)| wanted.only.is_none_or(|only| only.contains(&field.name().as_str())))
        .map(|(at, _)| at)
        .collect();
    // Columns that are not wanted stay without values, so that a message can still name them.
    let mut columns: Vec<Column> = fields.iter().zip(&uuids).map(|(field, is_uuid)| column(field, *is_uuid)).collect();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), kept.iter().copied());
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_projection(mask).with_batch_size(BATCH);
    let mut rows = 0;
    for batch in builder.build().map_err(reason)? {
        let batch: RecordBatch = batch.map_err(reason)?;
        rows += batch.num_rows();
        for (at, array) in kept.iter().zip(batch.columns()) {
            let Some(column) = columns.get_mut(*at) else { continue };
            let array = &if uuids.get(*at) == Some(&true) { hyphenated(array) } else { Arc::clone(array) };
            let mut read = Vec::new();
            values::append(array, wanted.zone, &mut read).map_err(|why| format!("column `{}`: {why}", column.name))?;
            column.values.extend(read);
        }
    }
    Ok((columns, rows))
}

/// The footer, with the old INT96 read as what it is: an instant in UTC, in a unit that reaches every year.
fn metadata(file: &File) -> Result<ArrowReaderMetadata, String> {
    let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new()).map_err(reason)?;
    let parquet_schema = metadata.parquet_schema();
    let is_int96 = |root: usize| {
        let column = parquet_schema.root_schema().get_fields().get(root);
        column.is_some_and(|column| column.is_primitive() && column.get_physical_type() == Type::INT96)
    };
    let schema = metadata.schema();
    if !(0..schema.fields().len()).any(is_int96) {
        return Ok(metadata);
    }
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = schema.fields().iter().enumerate().map(|(root, field)| {
        if is_int96(root) { Arc::new(field.as_ref().clone().with_data_type(instant.clone())) } else { Arc::clone(field) }
    });
    let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone());
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), ArrowReaderOptions::new().with_schema(Arc::new(schema))).map_err(reason)
}

/// Which columns hold what the file calls UUIDs: sixteen bytes each.
fn uuids(metadata: &ArrowReaderMetadata) -> Vec<bool> {
    let roots = metadata.parquet_schema().root_schema().get_fields();
    roots.iter().map(|root| root.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid)).collect()
}

fn hyphenated(array: &ArrayRef) -> ArrayRef {
    let Some(values) = array.as_fixed_size_binary_opt() else { return Arc::clone(array) };
    Arc::new(values.iter().map(|value| value.and_then(uuid)).collect::<StringArray>())
}

fn column(field: &Field, is_uuid: bool) -> Column {
    let kind = if is_uuid { Kind::Text } else { values::kind(field.data_type()) };
    Column { name: field.name().clone(), kind, type_name: field.data_type().to_string(), values: Values::default() }
}
