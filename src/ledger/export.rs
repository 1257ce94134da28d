//! The rows of all mails as Parquet, for whoever asks other questions than this program answers.

use super::{Error, Ledger, Result, look};
use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use rusqlite::types::Value;
use std::io::Write;
use std::sync::Arc;

/// Rows that are turned into columns at a time.
const BATCH: usize = 8_192;

/// What a column of the export holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Day,
    Instant,
    Whole,
    Truth,
}

/// The columns of `mails`, under the names that they have there, and whether they may be empty.
const COLUMNS: [(&str, Kind, bool); 19] = [
    ("job", Kind::Text, false),
    ("as_of", Kind::Day, false),
    ("mail_id", Kind::Text, false),
    ("customer_id", Kind::Text, false),
    ("campaign", Kind::Text, false),
    ("occasion", Kind::Text, false),
    ("channel", Kind::Text, false),
    ("address", Kind::Text, false),
    ("counts", Kind::Truth, false),
    ("coupon_code", Kind::Text, true),
    ("state", Kind::Text, false),
    ("attempts", Kind::Whole, false),
    ("first_claim_at", Kind::Instant, true),
    ("first_attempt_at", Kind::Instant, true),
    ("settled_at", Kind::Instant, true),
    ("not_before", Kind::Instant, true),
    ("code", Kind::Whole, true),
    ("reply", Kind::Text, true),
    ("reason", Kind::Text, true),
];

impl Ledger {
    /// Writes the rows of all mails of all jobs as one Parquet file, run by run and each in the order of its plan, and gives their number.
    ///
    /// # Errors
    /// The ledger cannot be read, or the file cannot be written.
    pub fn export(&self, out: impl Write + Send) -> Result<u64> {
        let read = |error: rusqlite::Error| Error::read(&error);
        let schema = schema();
        let properties =
            WriterProperties::builder().set_created_by("rankmail".into()).set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(unwritable)?;
        let names = COLUMNS.map(|(name, ..)| name).join(", ");
        let mut statement = self.connection.prepare(&format!("SELECT {names} FROM mails ORDER BY job, as_of, place")).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        let mut waiting: Vec<Vec<Value>> = vec![Vec::with_capacity(BATCH); COLUMNS.len()];
        let mut count = 0;
        while let Some(row) = rows.next().map_err(read)? {
            for (at, cells) in waiting.iter_mut().enumerate() {
                cells.push(row.get(at).map_err(read)?);
            }
            count += 1;
            if count % (BATCH as u64) == 0 {
                writer.write(&batch(&schema, &mut waiting)?).map_err(unwritable)?;
            }
        }
        writer.write(&batch(&schema, &mut waiting)?).map_err(unwritable)?;
        writer.close().map_err(unwritable)?;
        Ok(count)
    }
}

fn unwritable(error: impl Into<ParquetError>) -> Error {
    Error::Export { why: error.into().to_string() }
}

fn schema() -> SchemaRef {
    let field = |(name, kind, nullable): (&str, Kind, bool)| {
        let kind = match kind {
            Kind::Text => DataType::Utf8,
            Kind::Day => DataType::Date32,
            Kind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Whole => DataType::Int64,
            Kind::Truth => DataType::Boolean,
        };
        Field::new(name, kind, nullable)
    };
    Arc::new(Schema::new(COLUMNS.map(field).to_vec()))
}

/// The waiting cells as columns; none wait any more then.
fn batch(schema: &SchemaRef, waiting: &mut [Vec<Value>]) -> Result<RecordBatch> {
    let columns = COLUMNS.iter().zip(waiting.iter_mut()).map(|((_, kind, _), cells)| column(*kind, &std::mem::take(cells)));
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?).map_err(unwritable)
}

fn column(kind: Kind, cells: &[Value]) -> Result<ArrayRef> {
    let texts = || cells.iter().map(|cell| if let Value::Text(text) = cell { Some(text.as_str()) } else { None });
    let wholes = || cells.iter().map(|cell| if let Value::Integer(whole) = cell { Some(*whole) } else { None });
    Ok(match kind {
        Kind::Text => Arc::new(texts().collect::<StringArray>()),
        Kind::Day => {
            let days = texts().map(|text| text.map(|text| look::date(text).map(Date32Type::from_naive_date)).transpose());
            Arc::new(days.collect::<Result<Date32Array>>()?)
        }
        Kind::Instant => Arc::new(wholes().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Kind::Whole => Arc::new(wholes().collect::<Int64Array>()),
        Kind::Truth => Arc::new(wholes().map(|whole| whole.map(|whole| whole != 0)).collect::<BooleanArray>()),
    })
}
