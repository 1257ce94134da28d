//! Takes batches of lines from many threads and sorts them into the partitions' streams.

use super::stream::{Entry, OrderId, Stream};
use super::{Error, Folded, PARTITIONS, hash_of, partition_of_hash};
use crate::domain::Bounds;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use hashbrown::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Lines on their way to features. `add` may be called from many threads at once; what comes out does not depend on who added what when.
#[derive(Debug)]
pub struct Fold {
    bounds: Bounds,
    /// Category name to its bit.
    categories: HashMap<Vec<u8>, u64>,
    want_last_order: bool,
    /// Whether order ids are numbers, once the first batch has told.
    numbers: OnceLock<bool>,
    /// Streams that no thread is writing to at the moment: there are as many sets as there were threads at the same time.
    idle: Mutex<Vec<Vec<Stream>>>,
}

impl Fold {
    /// `categories` are those that campaigns ask for, at most 64; the nth has bit n in `FeatureRow::bought`.
    /// `want_last_order` fills `Features::last_order`.
    #[must_use]
    pub fn new(bounds: Bounds, categories: &[String], want_last_order: bool) -> Self {
        let mut bits = HashMap::new();
        for (place, name) in categories.iter().take(64).enumerate() {
            *bits.entry(name.clone().into_bytes()).or_insert(0) |= 1_u64 << place;
        }
        Self { bounds, categories: bits, want_last_order, numbers: OnceLock::new(), idle: Mutex::new(Vec::new()) }
    }

    /// Adds lines: customer (Utf8View, never null or empty), order (Int64 or Utf8View; null or empty: none), at (timestamp, µs UTC),
    /// amount (Int64, minor units) and, where categories were asked for, category (Utf8View). Lines at or after `as_of` are passed over.
    pub fn add(&self, batch: &RecordBatch) -> Result<(), Error> {
        let lines = Lines::of(batch, !self.categories.is_empty())?;
        let numbers = matches!(lines.orders, Orders::Numbers(_));
        if *self.numbers.get_or_init(|| numbers) != numbers {
            return Err(Error::MixedOrders);
        }
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut streams = taken.unwrap_or_else(|| (0..PARTITIONS).map(|_| Stream::default()).collect());
        self.deal(&lines, &mut streams);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(streams);
        Ok(())
    }

    /// Lines of one order that lie beside each other become one entry; lines on different sides of the closing do not, so that
    /// both nets of `features.sql` can be made of entries.
    fn deal(&self, lines: &Lines<'_>, streams: &mut [Stream]) {
        let mut run: Option<Run> = None;
        for (row, (&at, &amount)) in lines.at.iter().zip(lines.amounts).enumerate() {
            if at >= self.bounds.as_of {
                continue;
            }
            let bought = self.bit(lines, row, amount);
            if let Some(run) = &mut run
                && lines.same_order(run.row, row)
                && (run.at < self.bounds.closing) == (at < self.bounds.closing)
                && let Some(net) = run.net.checked_add(amount)
            {
                run.net = net;
                run.at = run.at.min(at);
                run.bought |= bought;
                continue;
            }
            if let Some(ended) = run.replace(Run { row, at, net: amount, bought }) {
                lines.hand(&ended, streams);
            }
        }
        if let Some(ended) = run {
            lines.hand(&ended, streams);
        }
    }

    fn bit(&self, lines: &Lines<'_>, row: usize, amount: i64) -> u64 {
        match lines.categories {
            Some(categories) if amount > 0 && categories.is_valid(row) => {
                self.categories.get(categories.value(row).as_bytes()).copied().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// No more lines will come.
    #[must_use]
    pub fn finish(self) -> Folded {
        Folded::new(self.idle.into_inner().unwrap_or_else(PoisonError::into_inner), self.bounds, self.want_last_order)
    }
}

/// Lines of one order beside each other; `row` is the first of them.
struct Run {
    row: usize,
    at: i64,
    net: i64,
    bought: u64,
}

/// The columns of a batch.
struct Lines<'a> {
    customers: &'a StringViewArray,
    orders: Orders<'a>,
    at: &'a [i64],
    amounts: &'a [i64],
    categories: Option<&'a StringViewArray>,
}

enum Orders<'a> {
    Numbers(&'a Int64Array),
    Texts(&'a StringViewArray),
}

impl<'a> Lines<'a> {
    fn of(batch: &'a RecordBatch, want_category: bool) -> Result<Self, Error> {
        let column = |name: &'static str| batch.column_by_name(name).ok_or(Error::Column { column: name, found: "nothing".into() });
        let wrong = |name: &'static str, array: &ArrayRef| Error::Column { column: name, found: array.data_type().to_string() };
        let views = |name: &'static str| {
            let array = column(name)?;
            array.as_string_view_opt().ok_or_else(|| wrong(name, array))
        };
        let (order, at, amount) = (column("order")?, column("at")?, column("amount")?);
        let orders = match (order.as_primitive_opt::<Int64Type>(), order.as_string_view_opt()) {
            (Some(numbers), _) => Orders::Numbers(numbers),
            (_, Some(texts)) => Orders::Texts(texts),
            _ => return Err(wrong("order", order)),
        };
        let moments: &TimestampMicrosecondArray = at.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| wrong("at", at))?;
        let amounts: &Int64Array = amount.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong("amount", amount))?;
        let categories = if want_category { Some(views("category")?) } else { None };
        Ok(Self { customers: views("customer")?, orders, at: moments.values(), amounts: amounts.values(), categories })
    }

    /// Whether two lines surely belong to one order. Equal views mean equal text; longer texts may be equal under unequal views, which
    /// costs an entry more and nothing else.
    fn same_order(&self, one: usize, other: usize) -> bool {
        let customers = self.customers.views();
        if customers[one] != customers[other] {
            return false;
        }
        match self.orders {
            Orders::Numbers(numbers) => {
                numbers.values()[one] == numbers.values()[other]
                    && (numbers.null_count() == 0 || numbers.is_valid(one) && numbers.is_valid(other))
            }
            Orders::Texts(texts) => {
                let views = texts.views();
                // The lowest 32 bits of a view are the text's length.
                views[one] == views[other] && views[one] & 0xffff_ffff != 0 && texts.is_valid(one) && texts.is_valid(other)
            }
        }
    }

    fn hand(&self, run: &Run, streams: &mut [Stream]) {
        let customer = self.customers.value(run.row).as_bytes();
        let order = match self.orders {
            Orders::Numbers(numbers) if numbers.is_valid(run.row) => OrderId::Number(numbers.values()[run.row]),
            Orders::Texts(texts) if texts.is_valid(run.row) && !texts.value(run.row).is_empty() => {
                OrderId::Text(texts.value(run.row).as_bytes())
            }
            _ => OrderId::None,
        };
        if let Some(stream) = streams.get_mut(partition_of_hash(hash_of(customer))) {
            stream.push(&Entry { customer, order, at: run.at, net: run.net, bought: run.bought });
        }
    }
}
