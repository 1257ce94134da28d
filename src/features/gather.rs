//! Works off one partition: entries to orders, orders to customers.

use super::room::Store;
use super::stream::{OrderId, Stream};
use super::sum::{Order, Sum};
use super::{Error, hash_of};
use crate::domain::{Bounds, Features, Texts};
use hashbrown::HashTable;
use std::cmp::Ordering;

/// Marks, in `Row::customer`, an entry that is an order of its own.
const ALONE: u32 = 1 << 31;

/// An entry of known customer. The order's text and the bought bits lie beside, at `index`.
#[derive(Debug, Default, Clone, Copy)]
struct Row {
    /// The order's number, or a hash of its text.
    order: i64,
    at: i64,
    net: i64,
    customer: u32,
    index: u32,
}

impl Row {
    fn alone(&self) -> bool {
        self.customer & ALONE != 0
    }
}

/// The entries that one pass over a partition looks at.
#[derive(Debug, Default)]
struct Entries {
    rows: Vec<Row>,
    /// Where each order's text ends in `text`; empty when order ids are numbers.
    ends: Vec<usize>,
    text: Vec<u8>,
    /// Empty as long as nothing that was asked for was bought.
    bought: Vec<u64>,
}

/// The customers of a partition, numbered as they come.
#[derive(Debug, Default)]
struct Customers {
    ids: Vec<u8>,
    ends: Vec<usize>,
    table: HashTable<Slot>,
}

#[derive(Debug)]
struct Slot {
    key: u128,
    number: u32,
    /// How many entries the customer has in this pass.
    entries: u32,
}

/// What is known of a customer when some orders have been added up.
#[derive(Debug, Default)]
struct Known {
    sum: Sum,
    /// Time and id of the last order, where it was asked for.
    last: Option<(i64, String)>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub bounds: &'a Bounds,
    pub last_order: bool,
}

/// Makes the features of one partition from its streams. Where the memory of a thread does not hold its rows all at once, several passes
/// look at some of the orders each: what orders amount to adds up.
pub(super) fn partition(streams: &[Stream], store: &Store, wanted: Wanted<'_>) -> Result<Features, Error> {
    let passes = passes(streams, store.room.thread)?;
    let mut customers = Customers::default();
    let mut kept: Vec<Known> = Vec::new();
    let (mut entries, mut starts) = (Entries::default(), Vec::new());
    for pass in 0..passes {
        entries = Entries::default();
        entries.collect(streams, store, &mut customers, (pass, passes))?;
        starts = entries.sort_by_customer(&customers.take_counts());
        if passes > 1 {
            kept.resize_with(customers.len(), Known::default);
            for (known, place) in kept.iter_mut().zip(starts.windows(2)) {
                entries.add_up(place[0]..place[1], wanted, known);
            }
        }
    }
    let order = customers.by_id();
    let ids = std::str::from_utf8(&customers.ids).unwrap_or_default();
    let mut features = Features {
        customer_id: Texts::with_capacity(order.len(), ids.len()),
        rows: Vec::with_capacity(order.len()),
        last_order: Texts::default(),
    };
    for number in order {
        let number = number as usize;
        let mut one = Known::default();
        match kept.get_mut(number) {
            Some(known) => one = std::mem::take(known),
            None => entries.add_up(starts[number]..starts[number + 1], wanted, &mut one),
        }
        let id = ids.get(customers.place(number)).unwrap_or_default();
        features.rows.push(one.sum.row().ok_or_else(|| Error::Overflow { customer: id.to_owned() })?);
        features.customer_id.push(id);
        features.last_order.push(one.last.as_ref().map_or("", |(_, order)| order));
    }
    Ok(features)
}

/// How many passes it takes when a thread may hold so many bytes: a power of two.
fn passes(streams: &[Stream], memory: usize) -> Result<usize, Error> {
    let (entries, bytes) = streams.iter().fold((0, 0), |(entries, bytes), stream| (entries + stream.entries(), bytes + stream.bytes()));
    // Rows are copied once when they are sorted. Of the streams' bytes, only ids and orders' texts are kept.
    let needed = bytes.saturating_add(entries.saturating_mul(2 * size_of::<Row>()));
    let passes = needed.div_ceil(memory.max(1)).max(1).next_power_of_two();
    if entries / passes >= ALONE as usize / 2 { Err(Error::TooMany) } else { Ok(passes) }
}

impl Customers {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn id(&self, number: usize) -> &[u8] {
        id_at(&self.ids, &self.ends, number)
    }

    /// Where the id of a customer lies among the others.
    fn place(&self, number: usize) -> std::ops::Range<usize> {
        if number == 0 { 0..self.ends[0] } else { self.ends[number - 1]..self.ends[number] }
    }

    /// The number of a customer, who has one entry more now.
    fn number(&mut self, id: &[u8], hash: u64) -> Result<u32, Error> {
        let Self { ids, ends, table } = self;
        let key = key(id);
        let same = |slot: &Slot| slot.key == key && (is_whole(key) || id_at(ids, ends, slot.number as usize) == id);
        if let Some(slot) = table.find_mut(hash, same) {
            slot.entries += 1;
            return Ok(slot.number);
        }
        let number = u32::try_from(ends.len()).ok().filter(|number| *number < ALONE).ok_or(Error::TooMany)?;
        ids.extend_from_slice(id);
        ends.push(ids.len());
        table.insert_unique(hash, Slot { key, number, entries: 1 }, |slot| hash_of(id_at(ids, ends, slot.number as usize)));
        Ok(number)
    }

    /// How many entries each customer has, from now on none.
    fn take_counts(&mut self) -> Vec<u32> {
        let mut counts = vec![0; self.len()];
        for slot in &mut self.table {
            counts[slot.number as usize] = std::mem::take(&mut slot.entries);
        }
        counts
    }

    /// The numbers of all customers, sorted by id.
    fn by_id(&self) -> Vec<u32> {
        let mut order: Vec<(u128, u32)> = self.table.iter().map(|slot| (slot.key, slot.number)).collect();
        order.sort_unstable_by(|one, other| {
            one.0
                .cmp(&other.0)
                .then_with(|| if is_whole(one.0) { Ordering::Equal } else { self.id(one.1 as usize).cmp(self.id(other.1 as usize)) })
        });
        order.into_iter().map(|(_, number)| number).collect()
    }
}

fn id_at<'a>(ids: &'a [u8], ends: &[usize], number: usize) -> &'a [u8] {
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &ids[start..ends[number]]
}

/// A number that sorts as the id does: its first 15 bytes, then its length; 255 where more follows. What fits is told by it whole.
pub(super) fn key(id: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = id.len().min(15);
    bytes[..length].copy_from_slice(&id[..length]);
    bytes[15] = if length == id.len() { length.to_le_bytes()[0] } else { LONG };
    u128::from_be_bytes(bytes)
}

const LONG: u8 = u8::MAX;

/// Whether ids of this key are one.
pub(super) fn is_whole(key: u128) -> bool {
    key.to_le_bytes()[0] != LONG
}

impl Entries {
    /// Reads the entries of a pass, numbering customers. An order is in one pass with all of its entries.
    fn collect(
        &mut self,
        streams: &[Stream],
        store: &Store,
        customers: &mut Customers,
        (pass, passes): (usize, usize),
    ) -> Result<(), Error> {
        let total: usize = streams.iter().map(Stream::entries).sum();
        self.rows.reserve_exact(total / passes + total / passes / 8);
        if customers.len() == 0 {
            customers.table.reserve(total / 8, |_| 0);
        }
        for stream in streams {
            stream.each(store, |entry| {
                let hash = hash_of(entry.customer);
                let (order, mark) = match entry.order {
                    OrderId::None => (0, ALONE),
                    OrderId::Number(order) => (order, 0),
                    OrderId::Text(text) => (hash_of(text).cast_signed(), 0),
                };
                if passes > 1 && pass_of(hash, if mark == 0 { order } else { entry.at }) & (passes - 1) != pass {
                    return Ok(());
                }
                let index = u32::try_from(self.rows.len()).map_err(|_| Error::TooMany)?;
                let customer = customers.number(entry.customer, hash)? | mark;
                if let OrderId::Text(text) = entry.order {
                    self.ends.resize(self.rows.len(), self.text.len());
                    self.text.extend_from_slice(text);
                    self.ends.push(self.text.len());
                }
                if entry.bought != 0 {
                    self.bought.resize(self.rows.len(), 0);
                    self.bought.push(entry.bought);
                }
                self.rows.push(Row { order, at: entry.at, net: entry.net, customer, index });
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Brings each customer's rows together. The result says where each customer begins, and where the last one ends.
    fn sort_by_customer(&mut self, counts: &[u32]) -> Vec<usize> {
        let mut starts = Vec::with_capacity(counts.len() + 1);
        let mut start = 0;
        for &count in counts {
            starts.push(start);
            start += count as usize;
        }
        starts.push(start);
        let mut next = starts.clone();
        let mut sorted = vec![Row::default(); self.rows.len()];
        for row in &self.rows {
            let place = &mut next[(row.customer & !ALONE) as usize];
            sorted[*place] = *row;
            *place += 1;
        }
        self.rows = sorted;
        starts
    }

    fn text(&self, row: &Row) -> &[u8] {
        let index = row.index as usize;
        if index < self.ends.len() { id_at(&self.text, &self.ends, index) } else { &[] }
    }

    fn bought(&self, row: &Row) -> u64 {
        self.bought.get(row.index as usize).copied().unwrap_or(0)
    }

    /// The order id as text; empty for an entry without one.
    fn order_id(&self, row: &Row) -> String {
        if row.alone() {
            String::new()
        } else if self.ends.is_empty() {
            row.order.to_string()
        } else {
            String::from_utf8_lossy(self.text(row)).into_owned()
        }
    }

    /// Sorts so that rows of one order lie beside each other. Texts with one hash are told apart by their bytes.
    fn compare(&self, one: &Row, other: &Row) -> Ordering {
        (one.alone(), one.order).cmp(&(other.alone(), other.order)).then_with(|| self.text(one).cmp(self.text(other)))
    }

    /// Adds up one customer's rows, order by order.
    fn add_up(&mut self, place: std::ops::Range<usize>, wanted: Wanted<'_>, known: &mut Known) {
        let mut rows = std::mem::take(&mut self.rows);
        let own = rows.get_mut(place).unwrap_or_default();
        if self.ends.is_empty() {
            self.add_up_by(own, wanted, known, |row, other| (row.alone(), row.order).cmp(&(other.alone(), other.order)));
        } else {
            self.add_up_by(own, wanted, known, |row, other| self.compare(row, other));
        }
        self.rows = rows;
    }

    fn add_up_by(&self, rows: &mut [Row], wanted: Wanted<'_>, known: &mut Known, compare: impl Fn(&Row, &Row) -> Ordering) {
        // Files are mostly in the order of time, and so are the numbers of orders.
        if !rows.is_sorted_by(|one, other| compare(one, other).is_le()) {
            rows.sort_unstable_by(&compare);
        }
        let mut last: Option<(i64, Row)> = None;
        for order_rows in rows.chunk_by(|one, other| !one.alone() && compare(one, other).is_eq()) {
            let mut order = Order { at: i64::MAX, ..Order::default() };
            for row in order_rows {
                order.at = order.at.min(row.at);
                order.net += i128::from(row.net);
                if row.at < wanted.bounds.closing {
                    order.net_closing += i128::from(row.net);
                }
                order.bought |= self.bought(row);
            }
            known.sum.add(&order, wanted.bounds);
            if wanted.last_order && order.net > 0 && self.is_later(&order, &order_rows[0], last.as_ref()) {
                last = Some((order.at, order_rows[0]));
            }
        }
        if let Some((at, row)) = last {
            known.last = known.last.take().max(Some((at, self.order_id(&row))));
        }
    }

    /// The last order is the one with the latest time; of several, the one whose id has the greatest bytes.
    fn is_later(&self, order: &Order, row: &Row, last: Option<&(i64, Row)>) -> bool {
        last.is_none_or(|(at, other)| match order.at.cmp(at) {
            Ordering::Equal => self.order_id(row) > self.order_id(other),
            earlier_or_later => earlier_or_later.is_gt(),
        })
    }
}

/// The pass of an order, below any power of two that there are passes; orders without an id are told apart by their time.
fn pass_of(customer: u64, order: i64) -> usize {
    ((customer ^ order.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}
