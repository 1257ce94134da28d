//! Writes the rows of a CSV as one Parquet file, which appears whole or not at all.

use super::guess::Kind;
use super::{Error, Header, Request, Source, cells};
use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, Int64Builder, NullArray, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows in a batch and in a row group, and bytes of text after which a batch ends early.
const BATCH: usize = 1 << 14;
const ROW_GROUP: usize = 1 << 17;
const BATCH_BYTES: usize = 16 << 20;

/// Writes the file; gives its path, and whether it was there with the same content.
pub fn write(source: &Source, header: &Header, kinds: &[Kind], request: &Request<'_>) -> Result<(PathBuf, bool), Error> {
    let path = request.to.join(format!("{}.parquet", stem(request.csv)));
    let failed = |source| Error::Write { path: path.clone(), source };
    std::fs::create_dir_all(request.to).map_err(failed)?;
    let temporary = request.to.join(format!(".{}.parquet.part", stem(request.csv)));
    let written = write_file(source, header, kinds, &temporary, &path).and_then(|()| put(&temporary, &path, request.force));
    if !matches!(written, Ok(false)) {
        // It was not renamed. What went wrong is worth more to the reader than a second error about what is left.
        let _ = std::fs::remove_file(&temporary);
    }
    written.map(|unchanged| (path, unchanged))
}

/// The name of the CSV without its ending; names that begin with a dot or `_` are passed over when purchases are read.
fn stem(csv: &Path) -> String {
    let stem = csv.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.trim_start_matches(['.', '_']);
    if stem.is_empty() { "purchases".to_owned() } else { stem.to_owned() }
}

/// Renames the finished file into place; true when the same content is there already.
fn put(temporary: &Path, path: &Path, force: bool) -> Result<bool, Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if path.exists() {
        if hash(temporary).map_err(failed)? == hash(path).map_err(failed)? {
            return Ok(true);
        }
        if !force {
            return Err(Error::There { path: path.to_owned() });
        }
    }
    std::fs::rename(temporary, path).map_err(failed)?;
    Ok(false)
}

fn hash(path: &Path) -> std::io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut reader = BufReader::new(File::open(path)?);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finalize());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

fn write_file(source: &Source, header: &Header, kinds: &[Kind], temporary: &Path, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let wrong = |reason: String| Error::Parquet { path: path.to_owned(), reason };
    let file = File::create(temporary).map_err(failed)?;
    let named = header.names.iter().zip(kinds).filter_map(|(name, kind)| Some(Field::new(name.as_ref()?, data_type(*kind), true)));
    let schema = Arc::new(Schema::new(named.collect::<Vec<_>>()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    let mut writer = ArrowWriter::try_new(file.try_clone().map_err(failed)?, Arc::clone(&schema), Some(properties))
        .map_err(|error| wrong(error.to_string()))?;
    let mut columns: Vec<Option<Values>> =
        header.names.iter().zip(kinds).map(|(name, kind)| name.as_ref().map(|_| Values::new(*kind))).collect();
    let (mut rows, mut bytes) = (0, 0);
    let mut flush = |columns: &mut [Option<Values>], rows: usize| {
        let arrays: Vec<ArrayRef> = columns.iter_mut().flatten().map(|column| column.finish(rows)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|error| wrong(error.to_string()))?;
        writer.write(&batch).map_err(|error| wrong(error.to_string()))
    };
    source.each_row(header, |_, row| {
        let Ok(texts) = row else { return Ok(()) };
        for (column, text) in columns.iter_mut().zip(texts) {
            if let Some(column) = column {
                column.push(text);
                bytes += text.len();
            }
        }
        rows += 1;
        if rows >= BATCH || bytes >= BATCH_BYTES {
            flush(&mut columns, rows)?;
            (rows, bytes) = (0, 0);
        }
        Ok(())
    })?;
    if rows > 0 {
        flush(&mut columns, rows)?;
    }
    writer.close().map_err(|error| wrong(error.to_string()))?;
    file.sync_all().map_err(failed)
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Empty => DataType::Null,
        Kind::Whole => DataType::Int64,
        Kind::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        Kind::Date => DataType::Date32,
        Kind::Local => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Text => DataType::Utf8,
    }
}

/// The values of one column that are not written yet.
enum Values {
    Empty,
    Whole(Int64Builder),
    Decimal(Decimal128Builder, u32),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Empty => Self::Empty,
            Kind::Whole => Self::Whole(Int64Builder::new()),
            Kind::Decimal { scale, .. } => {
                Self::Decimal(Decimal128Builder::new().with_data_type(data_type(kind)), u32::try_from(scale).unwrap_or(0))
            }
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Local | Kind::Instant => Self::Time(TimestampMicrosecondBuilder::new().with_data_type(data_type(kind))),
            Kind::Text => Self::Text(StringBuilder::new()),
        }
    }

    /// Adds a cell; one with nothing but blanks is a null.
    fn push(&mut self, text: &str) {
        let there = !text.trim().is_empty();
        match self {
            Self::Empty => {}
            Self::Whole(values) => values.append_option(cells::number(text).and_then(|number| i64::try_from(number.digits).ok())),
            Self::Decimal(values, scale) => {
                let shifted = |number: cells::Number| number.digits.checked_mul(10_i128.checked_pow(scale.checked_sub(number.scale)?)?);
                values.append_option(cells::number(text).and_then(shifted));
            }
            Self::Date(values) => values.append_option(cells::moment(text).map(|moment| days(moment.day))),
            Self::Time(values) => values.append_option(cells::moment(text).map(|moment| moment.micros())),
            Self::Text(values) => values.append_option(there.then_some(text)),
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Empty => Arc::new(NullArray::new(rows)),
            Self::Whole(values) => Arc::new(values.finish()),
            Self::Decimal(values, _) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Time(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
        }
    }
}

/// Days since 1970.
fn days(day: NaiveDate) -> i32 {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or_default()
}
