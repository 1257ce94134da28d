//! Says where each mapped column is in one file, and how it is to be read.

use super::footer::{Footer, guard};
use super::moments::{self, Moments};
use super::words::{self, Flaw};
use super::{Error, amounts};
use crate::domain::Zone;
use crate::domain::job::PurchasesSource;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::file::statistics::Statistics;
use parquet::schema::types::TypePtr;
use std::sync::Arc;

/// A file with its columns found.
#[derive(Debug)]
pub(super) struct Table {
    pub footer: Footer,
    pub reader: ArrowReaderMetadata,
    pub layout: Layout,
    /// The earliest instant of each row group, where its statistics tell.
    pub earliest: Vec<Option<i64>>,
}

/// Where a mapped column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A column of the file: its number.
    Column(usize),
    /// The same for every row: a folder name gives it, or the column holds nothing.
    Same(Option<String>),
}

#[derive(Debug)]
pub(super) struct Layout {
    pub customer: Place,
    pub order: Vec<Place>,
    pub refund_of: Vec<Place>,
    pub at: Place,
    /// The instant that a folder name gives, if `at` is there.
    pub folder_at: Option<i64>,
    /// As many as `AmountColumns::columns`.
    pub amount: Vec<Place>,
    pub quantity: Option<Place>,
    pub product: Option<Place>,
    pub category: Option<Place>,
    pub store: Option<Place>,
    pub coupon: Option<Place>,
    pub points_used: Option<Place>,
    pub rules: Vec<Place>,
    /// The columns that hold UUIDs.
    pub uuids: Vec<usize>,
    /// Whether the order id is one column of whole numbers, and what refunds name too.
    pub number_order: bool,
}

impl Table {
    pub fn of(footer: Footer, folders: &[(String, Option<String>)], source: &PurchasesSource, zone: Zone) -> Result<Self, Error> {
        let metadata = &footer.metadata;
        let plain = guard(&footer.name, || ArrowReaderMetadata::try_new(Arc::clone(metadata), ArrowReaderOptions::new()))?;
        let roots = metadata.file_metadata().schema_descr().root_schema().get_fields().len();
        if plain.schema().fields().len() != roots {
            return Err(Error::Damaged { file: footer.name.clone(), reason: "its schema cannot be understood".into() });
        }
        let layout = Finder { footer: &footer, schema: plain.schema(), folders }.layout(source, zone)?;
        let reader = hinted(&footer, &plain, &layout)?;
        let mut table = Self { footer, reader, layout, earliest: Vec::new() };
        table.earliest = table.earliest(zone);
        Ok(table)
    }

    /// A column of a batch, UUIDs as text.
    pub fn raw(&self, batch: &RecordBatch, position: usize, root: usize) -> ArrayRef {
        let values = batch.column(position);
        if self.layout.uuids.contains(&root) { words::hyphenated(values) } else { Arc::clone(values) }
    }

    /// The error of a column with a value that is no id; `before` is the number of rows of the file before its batch.
    pub fn flawed(&self, column: &str, flaw: Flaw, before: u64) -> Error {
        let (file, column) = (self.footer.name.clone(), column.to_owned());
        match flaw {
            Flaw::NotText => Error::NotText { file, column },
            Flaw::TooLong { row, bytes } => Error::TooLong { file, column, row: before + row as u64 + 1, bytes },
            Flaw::NotWhole { row, value } => Error::NotWhole { file, column, row: before + row as u64 + 1, value },
        }
    }

    /// Statistics help where they can be read and are left alone where not: a wrong type or a broken value is no error here.
    fn earliest(&self, zone: Zone) -> Vec<Option<i64>> {
        let groups = self.footer.metadata.row_groups();
        let unknown = vec![None; groups.len()];
        let Place::Column(root) = self.layout.at else { return unknown };
        if is_int96(&self.footer, root) {
            // Writers disagree on how to sort these.
            return unknown;
        }
        let minima = guard(&self.footer.name, || {
            let name = self.reader.schema().field(root).name();
            let times = StatisticsConverter::try_new(name, self.reader.schema(), self.reader.parquet_schema())?;
            times.row_group_mins(groups)
        });
        let instants = minima.ok().and_then(|minima| Moments::new(zone).instants(&minima).ok());
        match instants {
            Some(instants) if instants.len() == groups.len() => instants.iter().collect(),
            _ => unknown,
        }
    }
}

/// Asks for views of text where the file's schema would give copies or dictionaries, and for microseconds where INT96 would give nanoseconds,
/// which end in 2262.
fn hinted(footer: &Footer, plain: &ArrowReaderMetadata, layout: &Layout) -> Result<ArrowReaderMetadata, Error> {
    let mut fields: Vec<Arc<Field>> = plain.schema().fields().iter().cloned().collect();
    let texts = [Some(&layout.customer), layout.product.as_ref(), layout.category.as_ref(), layout.store.as_ref(), layout.coupon.as_ref()];
    for place in texts.into_iter().flatten().chain(&layout.order).chain(&layout.refund_of).chain(&layout.rules) {
        if let Place::Column(root) = *place {
            fields[root] = Arc::new(fields[root].as_ref().clone().with_data_type(viewed(fields[root].data_type())));
        }
    }
    if let Place::Column(root) = layout.at
        && is_int96(footer, root)
    {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        fields[root] = Arc::new(fields[root].as_ref().clone().with_data_type(micros));
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    guard(&footer.name, || ArrowReaderMetadata::try_new(Arc::clone(&footer.metadata), options))
}

fn viewed(found: &DataType) -> DataType {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Dictionary(_, value) => viewed(value),
        other => other.clone(),
    }
}

fn is_int96(footer: &Footer, root: usize) -> bool {
    let schema = footer.metadata.file_metadata().schema_descr();
    leaves(footer, root).any(|leaf| schema.column(leaf).physical_type() == PhysicalType::INT96)
}

/// Whether every row group says that a column has no value at all.
fn is_empty(footer: &Footer, root: usize) -> bool {
    leaves(footer, root).all(|leaf| {
        footer.metadata.row_groups().iter().all(|group| {
            let column = group.column(leaf);
            let nulls = column.statistics().and_then(Statistics::null_count_opt);
            nulls.is_some() && nulls == u64::try_from(column.num_values()).ok()
        })
    })
}

/// The columns as they are stored that a column of the schema has.
fn leaves(footer: &Footer, root: usize) -> impl Iterator<Item = usize> {
    let schema = footer.metadata.file_metadata().schema_descr();
    (0..schema.num_columns()).filter(move |leaf| schema.get_column_root_idx(*leaf) == root)
}

/// The columns of sixteen bytes that the file calls UUIDs.
fn uuids(footer: &Footer) -> Vec<usize> {
    let roots = footer.metadata.file_metadata().schema_descr().root_schema().get_fields();
    let is_uuid = |field: &TypePtr| field.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid);
    roots.iter().enumerate().filter(|(_, field)| is_uuid(field)).map(|(root, _)| root).collect()
}

/// Looks up the columns of one file.
struct Finder<'a> {
    footer: &'a Footer,
    schema: &'a Schema,
    folders: &'a [(String, Option<String>)],
}

impl Finder<'_> {
    fn layout(&self, source: &PurchasesSource, zone: Zone) -> Result<Layout, Error> {
        let id = |name: &String| self.typed(name, words::usable_id, words::EXPECTED_ID);
        let label = |name: &String| self.typed(name, words::usable_label, words::EXPECTED_LABEL);
        let maybe = |name: &Option<String>| name.as_ref().map(label).transpose();
        let number = |name: &Option<String>| name.as_ref().map(|name| self.typed(name, amounts::usable, amounts::EXPECTED)).transpose();
        let at = self.find(&source.at)?;
        let folder_at = match &at {
            Place::Column(_) => self.check(&source.at, &at, moments::usable, moments::EXPECTED).map(|()| None)?,
            Place::Same(None) => None,
            Place::Same(Some(value)) => Some(moments::folder_date(value, &self.footer.name, &source.at, zone)?),
        };
        let order = source.order.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        let refund_of = source.refund_of.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        let numbers = |places: &[Place]| match places {
            [] | [Place::Same(None)] => true,
            [Place::Column(root)] => words::is_number(self.schema.field(*root).data_type()),
            _ => false,
        };
        let number_order = numbers(&order) && numbers(&refund_of);
        Ok(Layout {
            customer: id(&source.customer)?,
            order,
            refund_of,
            at,
            folder_at,
            amount: source.amount.columns().map(|name| self.typed(name, amounts::usable, amounts::EXPECTED)).collect::<Result<_, _>>()?,
            quantity: number(&source.quantity)?,
            points_used: number(&source.points_used)?,
            coupon: maybe(&source.coupon)?,
            product: maybe(&source.product)?,
            category: maybe(&source.category)?,
            store: maybe(&source.store)?,
            rules: source.rules.iter().map(|rule| label(&rule.column)).collect::<Result<_, _>>()?,
            uuids: uuids(self.footer),
            number_order,
        })
    }

    /// A column of the file, else one that the folder names give.
    fn find(&self, name: &str) -> Result<Place, Error> {
        if let Ok(root) = self.schema.index_of(name) {
            return Ok(Place::Column(root));
        }
        if let Some((_, value)) = self.folders.iter().rev().find(|(key, _)| key == name) {
            return Ok(Place::Same(value.clone()));
        }
        let columns = self.schema.fields().iter().map(|field| field.name().clone());
        let there = columns.chain(self.folders.iter().map(|(key, _)| key.clone())).collect();
        Err(Error::NoColumn { file: self.footer.name.clone(), column: name.to_owned(), there })
    }

    fn typed(&self, name: &str, usable: fn(&DataType) -> bool, expected: &'static str) -> Result<Place, Error> {
        let place = self.find(name)?;
        match (self.check(name, &place, usable, expected), place) {
            // A writer that saw no value had to think of a type.
            (Err(_), Place::Column(root)) if is_empty(self.footer, root) => Ok(Place::Same(None)),
            (checked, place) => checked.map(|()| place),
        }
    }

    fn check(&self, name: &str, place: &Place, usable: fn(&DataType) -> bool, expected: &'static str) -> Result<(), Error> {
        let wrong = |found: String| Error::ColumnType { file: self.footer.name.clone(), column: name.to_owned(), found, expected };
        match place {
            Place::Column(root) => {
                let found = self.schema.field(*root).data_type();
                if usable(found) { Ok(()) } else { Err(wrong(found.to_string())) }
            }
            Place::Same(_) if usable(&DataType::Utf8) => Ok(()),
            Place::Same(_) => Err(wrong("a folder name".into())),
        }
    }
}
