//! One batch of a file as lines: every mapped column in its one form, and a verdict on each row.

use super::columns::{Place, Table};
use super::moments::{self, Moments};
use super::scan::Wanted;
use super::{Error, Purchases, amounts, words};
use crate::domain::job::LineRule;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, NullArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use std::sync::Arc;

/// The mapped columns of a batch.
pub(super) struct Lines {
    pub customer: StringViewArray,
    /// The order a line belongs to: its own, or the one that it refunds. Int64 where all files have numbers, else views.
    pub order: ArrayRef,
    /// Null: a bad row.
    pub at: Int64Array,
    pub amount: Int64Array,
    pub rules: Vec<StringViewArray>,
    pub quantity: Option<Int64Array>,
    pub product: Option<StringViewArray>,
    pub category: Option<StringViewArray>,
    pub store: Option<StringViewArray>,
    pub coupon: Option<StringViewArray>,
    pub points_used: Option<Int64Array>,
    /// As they are in the file, to say what is wrong with a bad row.
    raw_at: ArrayRef,
    raw_amounts: Vec<ArrayRef>,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Counted,
    /// By the rule of this number.
    LeftOut(usize),
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
    /// Rows of the file before the batch.
    pub before: u64,
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
        let rules = layout.rules.iter().zip(&source.rules);
        let count = |place: &Option<Place>, name: &Option<String>| match (wanted.details, place, name) {
            (true, Some(place), Some(name)) => self.number(&self.raw(batch, place), name, 0).map(Some),
            _ => Ok(None),
        };
        let raw_amounts: Vec<ArrayRef> = layout.amount.iter().map(|place| self.raw(batch, place)).collect();
        let raw_at = self.raw(batch, &layout.at);
        let lines = Lines {
            customer: words::present(self.text(batch, &layout.customer, &source.customer)?, &self.purchases.merges)
                .map_err(|flaw| self.table.flawed(&source.customer, flaw, self.before))?,
            order: self.order(batch)?,
            amount: self.amount(&raw_amounts)?,
            rules: rules.map(|(place, rule)| self.text(batch, place, &rule.column)).collect::<Result<_, _>>()?,
            quantity: count(&layout.quantity, &source.quantity)?,
            points_used: count(&layout.points_used, &source.points_used)?,
            coupon: label(wanted.details, &layout.coupon, &source.coupon)?,
            product: label(wanted.details, &layout.product, &source.product)?,
            category: label(wanted.category, &layout.category, &source.category)?,
            store: label(wanted.details, &layout.store, &source.store)?,
            at: Int64Array::new_null(0),
            raw_at,
            raw_amounts,
        };
        let at = match (&layout.at, layout.folder_at) {
            (Place::Same(_), Some(instant)) => Int64Array::from_value(instant, batch.num_rows()),
            (Place::Same(_), None) => Int64Array::new_null(batch.num_rows()),
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
                Ok(position) => self.table.raw(batch, position, *root),
                Err(_) => Arc::new(NullArray::new(batch.num_rows())),
            },
            Place::Same(None) => Arc::new(NullArray::new(batch.num_rows())),
            Place::Same(Some(value)) => Arc::new(words::constant(value, batch.num_rows())),
        }
    }

    fn text(&self, batch: &RecordBatch, place: &Place, name: &str) -> Result<StringViewArray, Error> {
        words::text(&self.raw(batch, place)).map_err(|flaw| self.table.flawed(name, flaw, self.before))
    }

    fn number(&self, raw: &ArrayRef, name: &str, digits: u32) -> Result<Int64Array, Error> {
        amounts::minor(raw, digits).map_err(|found| self.wrong_type(name, &found, amounts::EXPECTED))
    }

    /// What each line cost: one column, or the sum of several, each rounded by itself.
    fn amount(&self, raw: &[ArrayRef]) -> Result<Int64Array, Error> {
        let source = &self.purchases.source.amount;
        let columns = raw.iter().zip(source.columns()).map(|(raw, name)| self.number(raw, name, self.purchases.digits));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        match columns.as_slice() {
            [column] => Ok(column.clone()),
            _ => Ok(amounts::sum(raw, &columns, source.add.len())),
        }
    }

    /// The order that each line belongs to.
    fn order(&self, batch: &RecordBatch) -> Result<ArrayRef, Error> {
        let (layout, source) = (&self.table.layout, &self.purchases.source);
        let own = self.ids(batch, &layout.order, &source.order)?;
        // A column that the order's own id has too says nothing about refunds.
        let telling: Vec<usize> = (0..layout.refund_of.len()).filter(|place| !source.order.contains(&source.refund_of[*place])).collect();
        let mut refunds = vec![false; batch.num_rows()];
        for place in telling {
            let ids = self.text(batch, &layout.refund_of[place], &source.refund_of[place])?;
            for (row, refund) in refunds.iter_mut().enumerate() {
                *refund |= ids.is_valid(row) && !ids.value(row).is_empty();
            }
        }
        if !refunds.contains(&true) {
            return Ok(own);
        }
        let named = self.ids(batch, &layout.refund_of, &source.refund_of)?;
        let broken = |error: ArrowError| Error::Damaged { file: self.table.footer.name.clone(), reason: error.to_string() };
        zip(&BooleanArray::from(refunds), &named, &own).map_err(broken)
    }

    /// Order ids of one column or several.
    fn ids(&self, batch: &RecordBatch, places: &[Place], names: &[String]) -> Result<ArrayRef, Error> {
        match (places, names) {
            ([], _) => Ok(Arc::new(Int64Array::new_null(batch.num_rows()))),
            ([place], [name]) if self.purchases.number_orders => {
                let raw = self.raw(batch, place);
                let numbers = words::whole(&raw).map_err(|flaw| self.table.flawed(name, flaw, self.before))?;
                cast(&numbers, &DataType::Int64).map_err(|_| self.wrong_type(name, raw.data_type(), words::EXPECTED_ID))
            }
            ([place], [name]) => Ok(Arc::new(self.text(batch, place, name)?)),
            _ => {
                let parts = places.iter().zip(names).map(|(place, name)| self.text(batch, place, name)).collect::<Result<Vec<_>, _>>()?;
                let joined = words::joined(&parts, batch.num_rows());
                Ok(Arc::new(joined.map_err(|flaw| self.table.flawed(&names.join("`, `"), flaw, self.before))?))
            }
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
        self.rules.is_empty()
            && self.customer.null_count() + self.at.null_count() + self.amount.null_count() == 0
            // The lowest 32 bits of a view are the length.
            && self.customer.views().iter().all(|view| view & 0xffff_ffff != 0)
            && self.at.values().iter().all(|&at| at < as_of)
    }

    /// A line that is left out by a rule is nothing else; a guest's line is no bad row.
    pub fn verdict(&self, row: usize, rules: &[LineRule], as_of: i64) -> Verdict {
        for (place, (values, rule)) in self.rules.iter().zip(rules).enumerate() {
            if rule.leaves_out(values.is_valid(row).then(|| values.value(row))) {
                return Verdict::LeftOut(place);
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
        let (what, raw) = if self.at.is_null(row) { ("time", std::slice::from_ref(&self.raw_at)) } else { ("amount", &*self.raw_amounts) };
        let values = raw
            .iter()
            .filter(|raw| raw.is_valid(row) && *raw.data_type() != DataType::Null)
            .filter_map(|raw| array_value_to_string(raw, row).ok());
        match values.collect::<Vec<_>>().as_slice() {
            [] => format!("the {what} is missing"),
            [value] => format!("the {what} {value} cannot be used"),
            values => format!("the {what} of {} cannot be used", values.join(", ")),
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
