//! Parquet: any writer's columns as plain values.

use super::error::Error;
use super::table::{Column, Kind, Places, Stretch, Table, Take, Wanted};
use super::values;
use crate::domain::text::uuid;
use crate::domain::{Values, Zone};
use crate::gate::{Flaw, Footer, LONGEST_ITEM, watched};
use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{LogicalType, Type};
use std::fs::File;
use std::sync::Arc;

const BATCH: usize = 8192;

/// Values (columns times rows) that a list may have however small it is, and for each byte of it. Each takes some thirty bytes of memory.
const VALUES_OF_ANY_LIST: u64 = 32 << 20;
const VALUES_A_BYTE: u64 = 4;
/// The same for the bytes of its texts, which a file may hold once and name many times.
const TEXT_OF_ANY_LIST: u64 = 256 << 20;
const TEXT_A_BYTE: u64 = 64;

/// Reads a list, batch by batch.
pub fn read(file: File, name: &str, wanted: Wanted, take: Take) -> Result<Table, Error> {
    let (footer, digest) = footer(&file, name)?;
    let (metadata, plain) = guarded(name, || metadata(&footer))?;
    let kept: Vec<usize> = (0..)
        .zip(plain.fields().iter())
        .filter(|(_, field)| wanted.only.is_none_or(|only| only.contains(&field.name().as_str())))
        .map(|(at, _)| at)
        .collect();
    check_pages(&footer, &file, &kept).map_err(|flaw| told(name, flaw))?;
    let room = footer.size().saturating_mul(TEXT_A_BYTE).saturating_add(TEXT_OF_ANY_LIST);
    let (columns, rows) = read_columns(file, (metadata, &plain), &kept, (wanted.zone, room), take)
        .map_err(|reason| Error::Parquet { file: name.to_owned(), reason })?;
    if rows as u64 != footer.rows() {
        return Err(Error::Parquet { file: name.to_owned(), reason: "it has not as many rows as its footer says".to_owned() });
    }
    Ok(Table { file: name.to_owned(), columns, rows, places: Places::Rows(Vec::new()), digest })
}

/// Reads the names of the columns from the footer.
pub fn names(file: &File, name: &str) -> Result<Vec<String>, Error> {
    let (footer, _) = footer(file, name)?;
    let (_, plain) = guarded(name, || metadata(&footer))?;
    Ok(plain.fields().iter().map(|field| field.name().clone()).collect())
}

/// The checked footer of a file, and what identifies the content: name, size and footer, which holds counts, places and statistics of all
/// pages.
fn footer(file: &File, name: &str) -> Result<(Footer, String), Error> {
    let (size, bytes) = Footer::read(file).map_err(|flaw| told(name, flaw))?;
    let footer = Footer::of(&bytes, size).map_err(|flaw| told(name, flaw))?;
    let mut hash = blake3::Hasher::new();
    hash.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(&size.to_le_bytes()).update(&bytes);
    // No footer is longer than its length in four bytes can tell.
    hash.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()).update(b"PAR1");
    Ok((footer, hash.finalize().to_hex().to_string()))
}

/// Each row of a list is looked at several times, so what it unpacks to must be in proportion to what it is.
fn check_pages(footer: &Footer, file: &File, kept: &[usize]) -> Result<(), Flaw> {
    let leaves = footer.leaves(kept);
    let values = footer.values(&leaves);
    let most = footer.size().saturating_mul(VALUES_A_BYTE).saturating_add(VALUES_OF_ANY_LIST);
    if values > most {
        return Err(Flaw::TooMuch(format!("it promises {values} values in {} bytes, more than the {most} allowed", footer.size())));
    }
    (0..footer.metadata.num_row_groups()).try_for_each(|group| footer.check_pages(file, group, &leaves))
}

/// What the gate says of a file, as an error of this room.
fn told(name: &str, flaw: Flaw) -> Error {
    let file = name.to_owned();
    match flaw {
        Flaw::Compression(compression) => Error::Compression { file, compression },
        Flaw::TooMuch(reason) => Error::TooMuch { file, reason },
        flaw => Error::Parquet { file, reason: flaw.to_string() },
    }
}

/// Runs a step of the Parquet reader: whatever ends it becomes an error that names the file.
fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, Error> {
    let outcome = watched(work).and_then(|done| done);
    outcome.map_err(|reason| Error::Parquet { file: name.to_owned(), reason })
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn reason(error: impl ToString) -> String {
    error.to_string()
}

fn read_columns(
    file: File,
    (metadata, plain): (ArrowReaderMetadata, &Schema),
    kept: &[usize],
    (zone, mut room): (Zone, u64),
    take: Take,
) -> Result<(Vec<Column>, usize), String> {
    let uuids = uuids(&metadata);
    // Columns that are not wanted stay without values, so that a message can still name them.
    let columns: Vec<Column> = plain.fields().iter().zip(&uuids).map(|(field, is_uuid)| column(field, *is_uuid)).collect();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), kept.iter().copied());
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_projection(mask).with_batch_size(BATCH);
    let mut batches = watched(|| builder.build())?.map_err(reason)?;
    let mut rows = 0;
    let mut next = || -> Result<Option<Stretch>, String> {
        let Some(batch) = batches.next().transpose().map_err(reason)? else { return Ok(None) };
        let places = Places::Rows((rows as u64 + 1..).take(batch.num_rows()).collect());
        rows += batch.num_rows();
        let mut stretch = Stretch { places, values: vec![Vec::new(); columns.len()] };
        for (at, array) in kept.iter().zip(batch.columns()) {
            let (Some(column), Some(read)) = (columns.get(*at), stretch.values.get_mut(*at)) else { continue };
            let array = &if uuids.get(*at) == Some(&true) { hyphenated(array) } else { Arc::clone(array) };
            values::append(array, zone, read, &mut room).map_err(|why| format!("column `{}`: {why}", column.name))?;
        }
        Ok(Some(stretch))
    };
    let mut read = watched(&mut next)??;
    while let Some(stretch) = read {
        // The next rows are read while these are taken.
        let ((), following) = rayon::join(|| take(&columns, stretch), || watched(&mut next));
        read = following.and_then(|next| next)?;
    }
    Ok((columns, rows))
}

/// How the columns are read: the old INT96 as what it is, an instant in UTC, in a unit that reaches every year; and texts as views. With it the columns as the file calls them.
fn metadata(footer: &Footer) -> Result<(ArrowReaderMetadata, SchemaRef), String> {
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(&footer.metadata), ArrowReaderOptions::new()).map_err(reason)?;
    // Whoever wrote the file says in it how long lists are that are all equally long, and gaps in them are filled up to that.
    if let Some(field) = metadata.schema().fields().iter().find(|field| !is_reasonable(field.data_type())) {
        return Err(format!("column `{}` is {}, whose items are too many", field.name(), field.data_type()));
    }
    let parquet_schema = metadata.parquet_schema();
    let is_int96 = |root: usize| {
        let column = parquet_schema.root_schema().get_fields().get(root);
        column.is_some_and(|column| column.is_primitive() && column.get_physical_type() == Type::INT96)
    };
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = metadata.schema().fields().iter().enumerate().map(|(root, field)| {
        let hint = if is_int96(root) { instant.clone() } else { viewed(field.data_type()) };
        Arc::new(field.as_ref().clone().with_data_type(hint))
    });
    let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let hinted = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).map_err(reason)?;
    Ok((hinted, Arc::clone(metadata.schema())))
}

/// Views of texts, where the file asks for copies: a text that is there once and named by all rows would be copied for each of them.
fn viewed(found: &DataType) -> DataType {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, value) => viewed(value),
        other => other.clone(),
    }
}

/// Whether gaps of a type take no more room than values usually do.
fn is_reasonable(found: &DataType) -> bool {
    match found {
        DataType::FixedSizeBinary(length) => (0..=LONGEST_ITEM).contains(length),
        DataType::FixedSizeList(item, length) => (0..=LONGEST_ITEM).contains(length) && is_reasonable(item.data_type()),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => is_reasonable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_reasonable(field.data_type())),
        DataType::Dictionary(_, value) => is_reasonable(value),
        _ => true,
    }
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
