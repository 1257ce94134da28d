//! Takes batches of lines from many threads and sorts them into the partitions' streams.

use super::room::{Room, Store};
use super::stream::{Entry, OrderId, Stream};
use super::{Error, Folded, PARTITIONS, Partitions};
use crate::domain::Bounds;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use hashbrown::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Lines on their way to features. `add` may be called from many threads at once; what comes out does not depend on who added what when.
#[derive(Debug)]
pub struct Fold {
    bounds: Bounds,
    /// Category name to its bit.
    categories: HashMap<Vec<u8>, u64>,
    want_last_order: bool,
    partitions: Partitions,
    /// Whether order ids are numbers, once the first batch has told.
    numbers: OnceLock<bool>,
    store: Store,
    /// Streams that no thread is writing to at the moment: there are as many sets as there were threads at the same time.
    idle: Mutex<Vec<Set>>,
}

/// A stream for each partition.
type Set = Vec<Stream>;

impl Fold {
    /// `categories` are those that campaigns ask for, at most 64; the nth has bit n in `FeatureRow::bought`.
    /// `want_last_order` fills `Features::last_order`. What does not fit into `room` goes to the disk.
    #[must_use]
    pub fn new(bounds: Bounds, categories: &[String], want_last_order: bool, partitions: Partitions, room: Room) -> Self {
        let mut bits = HashMap::new();
        for (place, name) in categories.iter().take(64).enumerate() {
            *bits.entry(name.clone().into_bytes()).or_insert(0) |= 1_u64 << place;
        }
        Self {
            bounds,
            categories: bits,
            want_last_order,
            partitions,
            numbers: OnceLock::new(),
            store: Store::new(room),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Adds lines: customer (Utf8View, never null or empty), order (Int64 or Utf8View; null or empty: none), at (timestamp, µs UTC),
    /// amount (Int64, minor units) and, where categories were asked for, category (Utf8View). Lines at or after `as_of` are passed over.
    pub fn add(&self, batch: &RecordBatch) -> Result<(), Error> {
        let lines = Lines::of(batch, !self.categories.is_empty())?;
        let numbers = matches!(lines.orders, Orders::Numbers(_));
        if *self.numbers.get_or_init(|| numbers) != numbers {
            return Err(Error::MixedOrders);
        }
        let taken = self.idle().pop();
        let mut set = taken.unwrap_or_else(|| (0..PARTITIONS).map(|_| Stream::default()).collect());
        self.store.hold(self.deal(&lines, &mut set));
        let mut used = vec![set];
        if self.store.is_short_of(0) {
            used.append(&mut self.idle());
            self.spill(&mut used)?;
        }
        self.idle().append(&mut used);
        Ok(())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Set>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spill(&self, sets: &mut [Set]) -> Result<(), Error> {
        // Partition by partition, so that what belongs together lies close together.
        for partition in 0..PARTITIONS {
            for stream in sets.iter_mut().filter_map(|set| set.get_mut(partition)) {
                self.store.let_go(stream.held());
                stream.spill(&self.store)?;
            }
        }
        Ok(())
    }

    /// Sorts lines into streams. Returns how many bytes more are held.
    fn deal(&self, lines: &Lines<'_>, streams: &mut [Stream]) -> usize {
        let customers = lines.customers.views().iter().copied();
        match lines.orders {
            Orders::Numbers(numbers) if numbers.null_count() == 0 => {
                self.deal_by(lines, streams, customers.zip(numbers.values().iter().copied()).map(Some))
            }
            Orders::Numbers(numbers) => {
                self.deal_by(lines, streams, customers.zip(numbers).map(|(customer, order)| order.map(|order| (customer, order))))
            }
            Orders::Texts(texts) => {
                // The lowest 32 bits of a view are the text's length.
                let named = |row: usize, view: u128| texts.is_valid(row) && view & 0xffff_ffff != 0;
                let keys = customers.zip(texts.views().iter().copied()).enumerate();
                self.deal_by(lines, streams, keys.map(|(row, key)| Some(key).filter(|key| named(row, key.1))))
            }
        }
    }

    /// Lines of one order that lie beside each other become one entry; lines on different sides of the closing do not, so that
    /// both nets of `features.sql` can be made of entries. Two lines surely belong to one order when their keys are equal: the view of
    /// the customer id, and the order's number or view; lines without an order have none. Equal views mean equal text; longer texts may be
    /// equal under unequal views, which costs an entry more and nothing else.
    fn deal_by<Order: PartialEq + Copy>(
        &self,
        lines: &Lines<'_>,
        streams: &mut [Stream],
        keys: impl Iterator<Item = Option<(u128, Order)>>,
    ) -> usize {
        let Bounds { as_of, closing, .. } = self.bounds;
        let (mut more, mut run, mut last) = (0, Run::default(), None);
        let mut open = false;
        for (row, ((&at, &amount), key)) in lines.at.iter().zip(lines.amounts).zip(keys).enumerate() {
            if at >= as_of {
                continue;
            }
            let bought = if lines.categories.is_some() { self.bit(lines, row, amount) } else { 0 };
            let net = run.net.checked_add(amount);
            if let (true, true, Some(net)) = (key.is_some() && key == last, (run.at < closing) == (at < closing), net) {
                run.net = net;
                run.at = run.at.min(at);
                run.bought |= bought;
                continue;
            }
            if open {
                more += lines.hand(&run, &self.partitions, streams);
            }
            (run, last, open) = (Run { row, at, net: amount, bought }, key, true);
        }
        if open { more + lines.hand(&run, &self.partitions, streams) } else { more }
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
        let sets = self.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        Folded::new(sets, self.store, self.bounds, self.want_last_order)
    }
}

/// Lines of one order beside each other; `row` is the first of them.
#[derive(Default)]
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

    /// Returns how many bytes more are held.
    fn hand(&self, run: &Run, partitions: &Partitions, streams: &mut [Stream]) -> usize {
        let customer = self.customers.value(run.row).as_bytes();
        let order = match self.orders {
            Orders::Numbers(numbers) if numbers.is_valid(run.row) => OrderId::Number(numbers.values()[run.row]),
            Orders::Texts(texts) if texts.is_valid(run.row) && !texts.value(run.row).is_empty() => {
                OrderId::Text(texts.value(run.row).as_bytes())
            }
            _ => OrderId::None,
        };
        let stream = streams.get_mut(partitions.of_bytes(customer));
        stream.map_or(0, |stream| stream.push(&Entry { customer, order, at: run.at, net: run.net, bought: run.bought }))
    }
}
