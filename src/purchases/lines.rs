//! One batch of a file as lines: every mapped column in its one form, and a verdict on each row.

use super::columns::{Place, Table};
use super::moments::{self, Moments};
use super::scan::Wanted;
use super::{Error, Purchases, amounts, words};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use std::sync::Arc;

/// The mapped columns of a batch.
pub(super) struct Lines {
    pub customer: StringViewArray,
    /// Int64 where all files have numbers, else views.
    pub order: ArrayRef,
    /// Null: a bad row.
    pub at: Int64Array,
    pub amount: Int64Array,
    pub exclude: Vec<StringViewArray>,
    pub quantity: Option<Int64Array>,
    pub product: Option<StringViewArray>,
    pub category: Option<StringViewArray>,
    pub store: Option<StringViewArray>,
    pub coupon: Option<StringViewArray>,
    pub points_used: Option<Int64Array>,
    /// As they are in the file, to say what is wrong with a bad row.
    raw_at: ArrayRef,
    raw_amount: ArrayRef,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Counted,
    /// By the exclude column of this number.
    Excluded(usize),
    Guest,
    Bad,
    Later,
}

/// Takes columns out of batches of one file.
pub(super) struct Mapper<'a> {
    pub purchases: &'a Purchases,
    pub table: &'a Table,
    /// The numbers of the columns that are read, ascending, as they lie in a batch.
    pub roots: &'a [usize],
    pub moments: Moments,
}

impl Mapper<'_> {
    pub fn lines(&mut self, batch: &RecordBatch, wanted: Wanted) -> Result<Lines, Error> {
        let source = &self.purchases.source;
        let layout = &self.table.layout;
        let label = |wanted: bool, place: &Option<Place>, name: &Option<String>| match (wanted, place, name) {
            (true, Some(place), Some(name)) => self.text(batch, place, name).map(Some),
            _ => Ok(None),
        };
        let exclude = layout.exclude.iter().zip(&source.exclude);
        let count = |place: &Option<Place>, name: &Option<String>| match (wanted.details, place, name) {
            (true, Some(place), Some(name)) => self.number(&self.raw(batch, place), name, 0).map(Some),
            _ => Ok(None),
        };
        let raw_amount = self.raw(batch, &layout.amount);
        let raw_at = self.raw(batch, &layout.at);
        let lines = Lines {
            customer: self.text(batch, &layout.customer, &source.customer)?,
            order: self.order(batch)?,
            amount: self.number(&raw_amount, &source.amount, self.purchases.digits)?,
            exclude: exclude.map(|(place, (name, _))| self.text(batch, place, name)).collect::<Result<_, _>>()?,
            quantity: count(&layout.quantity, &source.quantity)?,
            points_used: count(&layout.points_used, &source.points_used)?,
            coupon: label(wanted.details, &layout.coupon, &source.coupon)?,
            product: label(wanted.details, &layout.product, &source.product)?,
            category: label(wanted.category, &layout.category, &source.category)?,
            store: label(wanted.details, &layout.store, &source.store)?,
            at: Int64Array::new_null(0),
            raw_at,
            raw_amount,
        };
        let at = match (&layout.at, layout.folder_at) {
            (Place::Folder(_), Some(instant)) => Int64Array::from_value(instant, batch.num_rows()),
            (Place::Folder(_), None) => Int64Array::new_null(batch.num_rows()),
            (Place::Column(_), _) => {
                self.moments.instants(&lines.raw_at).map_err(|found| self.wrong_type(&source.at, &found, moments::EXPECTED))?
            }
        };
        Ok(Lines { at, ..lines })
    }

    /// The column as it is; text for what a folder name gives.
    fn raw(&self, batch: &RecordBatch, place: &Place) -> ArrayRef {
        match place {
            Place::Column(root) => match self.roots.binary_search(root) {
                Ok(position) => Arc::clone(batch.column(position)),
                Err(_) => Arc::new(StringViewArray::new_null(batch.num_rows())),
            },
            Place::Folder(value) => Arc::new(words::constant(value.as_deref(), batch.num_rows())),
        }
    }

    fn text(&self, batch: &RecordBatch, place: &Place, name: &str) -> Result<StringViewArray, Error> {
        let not_text = || Error::NotText { file: self.table.footer.name.clone(), column: name.to_owned() };
        words::text(&self.raw(batch, place)).ok_or_else(not_text)
    }

    fn number(&self, raw: &ArrayRef, name: &str, digits: u32) -> Result<Int64Array, Error> {
        amounts::minor(raw, digits).map_err(|found| self.wrong_type(name, &found, amounts::EXPECTED))
    }

    fn order(&self, batch: &RecordBatch) -> Result<ArrayRef, Error> {
        let rows = batch.num_rows();
        let layout = &self.table.layout;
        let texts = || layout.order.iter().zip(&self.purchases.source.order).map(|(place, name)| self.text(batch, place, name));
        match layout.order.as_slice() {
            [] => Ok(Arc::new(Int64Array::new_null(rows))),
            [place] if self.purchases.number_orders => {
                let raw = self.raw(batch, place);
                cast(&raw, &DataType::Int64)
                    .map_err(|_| self.wrong_type(&self.purchases.source.order[0], raw.data_type(), words::EXPECTED_ID))
            }
            [place] => Ok(Arc::new(self.text(batch, place, &self.purchases.source.order[0])?)),
            _ => Ok(Arc::new(words::joined(&texts().collect::<Result<Vec<_>, _>>()?, rows))),
        }
    }

    fn wrong_type(&self, column: &str, found: &DataType, expected: &'static str) -> Error {
        Error::ColumnType { file: self.table.footer.name.clone(), column: column.to_owned(), found: found.to_string(), expected }
    }
}

impl Lines {
    pub fn len(&self) -> usize {
        self.customer.len()
    }

    /// Whether every row counts, seen without looking at rows one by one.
    pub fn all_count(&self, as_of: i64) -> bool {
        self.exclude.is_empty()
            && self.customer.null_count() + self.at.null_count() + self.amount.null_count() == 0
            // The lowest 32 bits of a view are the length.
            && self.customer.views().iter().all(|view| view & 0xffff_ffff != 0)
            && self.at.values().iter().all(|&at| at < as_of)
    }

    /// A line that is left out by an `exclude` is nothing else; a guest's line is no bad row.
    pub fn verdict(&self, row: usize, excluded: &[(String, Vec<String>)], as_of: i64) -> Verdict {
        for (place, (values, (_, left_out))) in self.exclude.iter().zip(excluded).enumerate() {
            if values.is_valid(row) && left_out.iter().any(|value| value == values.value(row)) {
                return Verdict::Excluded(place);
            }
        }
        if self.customer.is_null(row) || self.customer.value(row).is_empty() {
            Verdict::Guest
        } else if self.at.is_null(row) || self.amount.is_null(row) {
            Verdict::Bad
        } else if self.at.value(row) >= as_of {
            Verdict::Later
        } else {
            Verdict::Counted
        }
    }

    /// What is wrong with a bad row.
    pub fn complaint(&self, row: usize) -> String {
        let (what, raw) = if self.at.is_null(row) { ("time", &self.raw_at) } else { ("amount", &self.raw_amount) };
        match array_value_to_string(raw, row) {
            Ok(value) if raw.is_valid(row) => format!("the {what} {value} cannot be used"),
            _ => format!("the {what} is missing"),
        }
    }

    /// The order id as text; `None` where the line is an order of its own.
    pub fn order_id(&self, row: usize) -> Option<String> {
        if self.order.is_null(row) {
            return None;
        }
        match self.order.as_string_view_opt() {
            Some(texts) => Some(texts.value(row)).filter(|id| !id.is_empty()).map(str::to_owned),
            None => self.order.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row).to_string()),
        }
    }

    /// The columns as they travel to the next room.
    pub fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let mut fields = vec![
            Field::new("customer", DataType::Utf8View, true),
            Field::new("order", self.order.data_type().clone(), true),
            Field::new("at", instant, true),
            Field::new("amount", DataType::Int64, true),
        ];
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.customer.clone()),
            Arc::clone(&self.order),
            Arc::new(moments::timestamps(&self.at)),
            Arc::new(self.amount.clone()),
        ];
        let labels = [("category", &self.category), ("product", &self.product), ("coupon", &self.coupon), ("store", &self.store)];
        for (name, values) in labels {
            if let Some(values) = values {
                fields.push(Field::new(name, DataType::Utf8View, true));
                columns.push(Arc::new(values.clone()));
            }
        }
        for (name, values) in [("quantity", &self.quantity), ("points_used", &self.points_used)] {
            if let Some(values) = values {
                fields.push(Field::new(name, DataType::Int64, true));
                columns.push(Arc::new(values.clone()));
            }
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}
