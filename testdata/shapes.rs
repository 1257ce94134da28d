//! Purchases of any size in every shape that shops have them in: the same lines each time, and the same figures whatever the shape.

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// How the lines of a shop may lie in its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In the order of time, an order's lines beside each other, ids as text, in one file.
    Plain,
    /// An order's lines lie far apart.
    Shuffled,
    /// In many small files.
    Files,
    Dictionary,
    View,
    Large,
    /// Ids as whole numbers; those of customers are other ids than the texts of all other shapes.
    Numbers,
}

pub const SHAPES: [Shape; 7] = [Shape::Plain, Shape::Shuffled, Shape::Files, Shape::Dictionary, Shape::View, Shape::Large, Shape::Numbers];

/// How many lines there are, three to an order, and of how many customers.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub lines: u64,
    pub customers: u64,
    /// How many letters ids have at least: long ones fill the memory sooner.
    pub letters: usize,
}

impl Size {
    /// The id of a customer as text.
    pub fn customer(&self, number: u64) -> String {
        format!("C{number:0width$}", width = self.letters.max(2) - 1)
    }
}

/// Writes the lines as Parquet into `folder`, which is made.
pub fn write(size: Size, shape: Shape, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let lines = shaped(&lines(size, shape)?, shape)?;
    let files = if shape == Shape::Files { 40 } else { 1 };
    let each = lines.num_rows().div_ceil(files).max(1);
    for (number, start) in (0..lines.num_rows()).step_by(each).enumerate() {
        // Several row groups to a file, for they are what threads share.
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(each.div_ceil(9).max(100))).build();
        let file = File::create(folder.join(format!("{number:03}.parquet")))?;
        let mut writer = ArrowWriter::try_new(file, lines.schema(), Some(properties))?;
        writer.write(&lines.slice(start, each.min(lines.num_rows() - start)))?;
        writer.close()?;
    }
    Ok(())
}

/// Three years of lines, to the end of 2025. Some customers buy much more than others, one line in 50 is a refund.
fn lines(size: Size, shape: Shape) -> Result<RecordBatch, Box<dyn Error>> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let orders = size.lines.div_ceil(3);
    let buyer = |row: u64| mixed(row / 3) % (1 + mixed(row / 3 + orders) % size.customers.max(1));
    let rows = || 0..size.lines;
    let (customer, order): (ArrayRef, ArrayRef) = if shape == Shape::Numbers {
        let numbers = |number: &dyn Fn(u64) -> u64| Arc::new(rows().map(|row| signed(number(row))).collect::<Int64Array>());
        (numbers(&buyer), numbers(&|row| row / 3))
    } else {
        let texts = |text: &dyn Fn(u64) -> String| Arc::new(StringArray::from_iter_values(rows().map(text)));
        (texts(&|row| size.customer(buyer(row))), texts(&|row| format!("{:0width$}", row / 3, width = size.letters)))
    };
    let second = |row: u64| 1_672_531_200 + signed(row / 3) * 94_608_000 / signed(orders.max(1));
    let at = TimestampMicrosecondArray::from_iter_values(rows().map(|row| second(row) * 1_000_000));
    let amount = |row: u64| signed(300 + mixed(row) % 20_000) * if mixed(row + 11).is_multiple_of(50) { -1 } else { 1 };
    let amounts = rows().map(amount).collect::<Int64Array>();
    let category =
        StringArray::from_iter_values(rows().map(|row| ["hair", "food", "gift"][usize::try_from(mixed(row + 7) % 3).unwrap_or(0)]));
    let columns: [(&str, ArrayRef); 5] = [
        ("customer_id", customer),
        ("order_id", order),
        ("purchased_at", Arc::new(at)),
        ("amount", Arc::new(amounts)),
        ("category", Arc::new(category)),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The same lines in another order, or with texts of another type.
fn shaped(lines: &RecordBatch, shape: Shape) -> Result<RecordBatch, Box<dyn Error>> {
    let texts = match shape {
        Shape::Shuffled => {
            let mut rows: Vec<u64> = (0..lines.num_rows() as u64).collect();
            rows.sort_by_key(|row| mixed(*row));
            return Ok(take_record_batch(lines, &UInt64Array::from(rows))?);
        }
        Shape::Plain | Shape::Files | Shape::Numbers => return Ok(lines.clone()),
        Shape::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        Shape::View => DataType::Utf8View,
        Shape::Large => DataType::LargeUtf8,
    };
    let schema = lines.schema();
    let columns = schema.fields().iter().zip(lines.columns()).map(|(field, column)| {
        let column = if *column.data_type() == DataType::Utf8 { cast(column, &texts)? } else { Arc::clone(column) };
        Ok((field.name().clone(), column))
    });
    Ok(RecordBatch::try_from_iter(columns.collect::<Result<Vec<_>, Box<dyn Error>>>()?)?)
}

/// A number that says nothing of the one it is made from, and is the same each time.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (number ^ (number >> 31)) >> 8
}
