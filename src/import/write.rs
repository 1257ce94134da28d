//! Writes the rows of a CSV as one Parquet file, which appears whole or not at all.

use super::cells::{self, MOST_DIGITS};
use super::guess::{Kind, Reading};
use super::{Counts, Error, Header, Request, Source};
use crate::domain::Moment;
use crate::domain::text::unmarked;
use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, Int64Builder, NullArray, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows in a batch and in a row group, and bytes of text after which a batch ends early.
const BATCH: usize = 1 << 14;
const ROW_GROUP: usize = 1 << 17;
const BATCH_BYTES: usize = 16 << 20;

/// A file that lies in its folder.
pub struct Written {
    pub file: PathBuf,
    /// It was there with the same content.
    pub unchanged: bool,
    pub counts: Counts,
}

/// Writes the file, unless too many rows would be missing in it.
pub fn write(source: &Source, header: &Header, readings: &[Reading], request: &Request<'_>) -> Result<Written, Error> {
    let path = request.to.join(format!("{}.parquet", stem(request.csv)));
    let failed = |source| Error::Write { path: path.clone(), source };
    std::fs::create_dir_all(request.to).map_err(failed)?;
    let temporary = request.to.join(format!(".{}.parquet.part", stem(request.csv)));
    let written = write_file(source, header, readings, &temporary, &path).and_then(|counts| {
        source.check_unchanged()?;
        counts.check(&source.name, request.max_bad_rows)?;
        Ok((put(&temporary, &path, request.force)?, counts))
    });
    if !matches!(written, Ok((false, _))) {
        // It was not renamed. What went wrong is worth more to the reader than a second error about what is left.
        let _ = std::fs::remove_file(&temporary);
    }
    written.map(|(unchanged, counts)| Written { file: path, unchanged, counts })
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

fn write_file(source: &Source, header: &Header, readings: &[Reading], temporary: &Path, path: &Path) -> Result<Counts, Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let wrong = |reason: String| Error::Parquet { path: path.to_owned(), reason };
    let file = File::create(temporary).map_err(failed)?;
    let named = header.names.iter().zip(readings);
    let named = named.filter_map(|(name, reading)| Some(Field::new(name.as_ref()?, data_type(reading.kind), true)));
    let schema = Arc::new(Schema::new(named.collect::<Vec<_>>()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    let mut writer = ArrowWriter::try_new(file.try_clone().map_err(failed)?, Arc::clone(&schema), Some(properties))
        .map_err(|error| wrong(error.to_string()))?;
    let mut columns: Vec<Option<Values>> =
        header.names.iter().zip(readings).map(|(name, reading)| name.as_ref().map(|_| Values::new(reading.kind))).collect();
    let mut counts = Counts::default();
    let (mut rows, mut bytes) = (0, 0);
    let mut cells = Vec::with_capacity(readings.len());
    let mut flush = |columns: &mut [Option<Values>], rows: usize| {
        let arrays: Vec<ArrayRef> = columns.iter_mut().flatten().map(|column| column.finish(rows)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|error| wrong(error.to_string()))?;
        writer.write(&batch).map_err(|error| wrong(error.to_string()))
    };
    source.each_row(header, |line, row| {
        cells.clear();
        let texts = match row.and_then(|texts| read_row(header, readings, texts, &mut cells).map(|()| texts)) {
            Ok(texts) => texts,
            Err(what) => {
                counts.leave_out(line, what);
                return Ok(());
            }
        };
        counts.rows += 1;
        for ((column, cell), text) in columns.iter_mut().zip(&cells).zip(texts) {
            if let Some(column) = column {
                bytes += column.push(*cell, unmarked(text));
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
    file.sync_all().map_err(failed)?;
    Ok(counts)
}

/// The cells of a row, or what is wrong with one of them. Columns without a name are not taken over.
fn read_row(header: &Header, readings: &[Reading], texts: &[Cow<'_, str>], cells: &mut Vec<Cell>) -> Result<(), String> {
    for ((name, reading), text) in header.names.iter().zip(readings).zip(texts) {
        let Some(name) = name else {
            cells.push(Cell::Empty);
            continue;
        };
        let what = || format!("has \"{}\" in `{name}`, which is no {}", cells::shown(text), reading.kind.one());
        cells.push(read_cell(*reading, unmarked(text)).ok_or_else(what)?);
    }
    Ok(())
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

/// A cell as it goes into the file.
#[derive(Clone, Copy)]
enum Cell {
    Empty,
    /// A whole number, or microseconds since 1970.
    Whole(i64),
    /// In units of the column's last digit.
    Decimal(i128),
    /// Days since 1970.
    Date(i32),
    /// The text as it stands.
    Text,
}

/// Reads a cell of a column of this kind; one with nothing but blanks is empty, `None` is one that does not fit.
fn read_cell(reading: Reading, text: &str) -> Option<Cell> {
    if text.trim().is_empty() {
        return Some(Cell::Empty);
    }
    match reading.kind {
        Kind::Empty => Some(Cell::Empty),
        Kind::Whole => cells::number(text, reading.mark).filter(|number| number.scale == 0)?.digits.try_into().ok().map(Cell::Whole),
        Kind::Decimal { scale, .. } => {
            let number = cells::number(text, reading.mark)?;
            let shift = 10_i128.checked_pow(u32::try_from(scale).ok()?.checked_sub(number.scale)?)?;
            let largest = 10_i128.checked_pow(MOST_DIGITS)?;
            number.digits.checked_mul(shift).filter(|units| (-largest < *units) && (*units < largest)).map(Cell::Decimal)
        }
        Kind::Date => {
            let moment = Moment::parse_in(text, reading.order).filter(|moment| moment.time.is_none())?;
            Some(Cell::Date(days(moment.day)))
        }
        Kind::Local | Kind::Instant => {
            let moment = Moment::parse_in(text, reading.order)?;
            let fits = moment.offset.is_some() == (reading.kind == Kind::Instant);
            fits.then(|| Cell::Whole(moment.micros()))
        }
        Kind::Text => Some(Cell::Text),
    }
}

/// The values of one column that are not written yet.
enum Values {
    Empty,
    Whole(Int64Builder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Empty => Self::Empty,
            Kind::Whole => Self::Whole(Int64Builder::new()),
            Kind::Decimal { .. } => Self::Decimal(Decimal128Builder::new().with_data_type(data_type(kind))),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Local | Kind::Instant => Self::Time(TimestampMicrosecondBuilder::new().with_data_type(data_type(kind))),
            Kind::Text => Self::Text(StringBuilder::new()),
        }
    }

    /// Adds a cell that was read for this column; gives how many bytes of text it holds.
    fn push(&mut self, cell: Cell, text: &str) -> usize {
        match (self, cell) {
            (Self::Empty, _) => {}
            (Self::Whole(values), Cell::Whole(number)) => values.append_value(number),
            (Self::Whole(values), _) => values.append_null(),
            (Self::Decimal(values), Cell::Decimal(units)) => values.append_value(units),
            (Self::Decimal(values), _) => values.append_null(),
            (Self::Date(values), Cell::Date(day)) => values.append_value(day),
            (Self::Date(values), _) => values.append_null(),
            (Self::Time(values), Cell::Whole(micros)) => values.append_value(micros),
            (Self::Time(values), _) => values.append_null(),
            (Self::Text(values), Cell::Text) => {
                values.append_value(text);
                return text.len();
            }
            (Self::Text(values), _) => values.append_null(),
        }
        0
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Empty => Arc::new(NullArray::new(rows)),
            Self::Whole(values) => Arc::new(values.finish()),
            Self::Decimal(values) => Arc::new(values.finish()),
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
