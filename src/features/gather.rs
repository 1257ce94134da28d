//! Works off one partition: entries to orders, orders to customers.

use super::stream::{OrderId, Stream};
use super::{Error, hash_of};
use crate::domain::{Bounds, FeatureRow, Features, Texts};
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

/// Everything of one partition.
#[derive(Debug, Default)]
struct Entries {
    customers: Customers,
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
    /// How many entries each has.
    entries: Vec<u32>,
    /// Number and the upper half of the hash.
    table: HashTable<(u32, u32)>,
}

/// Makes the features of one partition from its streams.
pub(super) fn partition(streams: &[Stream], bounds: &Bounds, want_last_order: bool) -> Result<Features, Error> {
    let mut entries = collect(streams)?;
    let starts = entries.sort_by_customer();
    let order = entries.customers.by_id();
    let mut features = Features {
        customer_id: Texts::with_capacity(order.len(), entries.customers.ids.len()),
        rows: Vec::with_capacity(order.len()),
        last_order: Texts::default(),
    };
    let mut rows = std::mem::take(&mut entries.rows);
    for number in order {
        let number = number as usize;
        let id = entries.customers.id(number);
        let id = std::str::from_utf8(id).unwrap_or_default();
        let sum = match rows.get_mut(starts[number]..starts[number + 1]) {
            Some(rows) => entries.customer(rows, bounds),
            None => Sum::default(),
        };
        features.rows.push(sum.row().ok_or_else(|| Error::Overflow { customer: id.to_owned() })?);
        features.customer_id.push(id);
        if want_last_order {
            features.last_order.push(&sum.last.map_or_else(String::new, |(_, row)| entries.order_id(&row)));
        }
    }
    if !want_last_order {
        features.last_order = std::iter::repeat_n("", features.rows.len()).collect();
    }
    Ok(features)
}

/// Reads the streams, numbering customers.
fn collect(streams: &[Stream]) -> Result<Entries, Error> {
    let total = streams.iter().map(Stream::entries).sum();
    if total >= ALONE as usize {
        return Err(Error::TooMany);
    }
    let mut all = Entries { rows: Vec::with_capacity(total), ..Entries::default() };
    for stream in streams {
        stream.each(|entry| {
            let index = u32::try_from(all.rows.len()).map_err(|_| Error::TooMany)?;
            let number = all.customers.number(entry.customer);
            let (order, mark) = match entry.order {
                OrderId::None => (0, ALONE),
                OrderId::Number(order) => (order, 0),
                OrderId::Text(text) => {
                    all.ends.resize(all.rows.len(), all.text.len());
                    all.text.extend_from_slice(text);
                    all.ends.push(all.text.len());
                    (hash_of(text).cast_signed(), 0)
                }
            };
            if entry.bought != 0 {
                all.bought.resize(all.rows.len(), 0);
                all.bought.push(entry.bought);
            }
            all.rows.push(Row { order, at: entry.at, net: entry.net, customer: number | mark, index });
            Ok(())
        })?;
    }
    Ok(all)
}

impl Customers {
    fn id(&self, number: usize) -> &[u8] {
        id_at(&self.ids, &self.ends, number)
    }

    /// The number of a customer, who has one entry more now.
    fn number(&mut self, id: &[u8]) -> u32 {
        let Self { ids, ends, entries, table } = self;
        let hash = hash_of(id);
        let upper = (hash >> 32) as u32;
        let same = |&(number, other): &(u32, u32)| other == upper && id_at(ids, ends, number as usize) == id;
        if let Some(&(number, _)) = table.find(hash, same) {
            entries[number as usize] += 1;
            return number;
        }
        // `collect` has made sure that there are fewer customers than `ALONE`.
        let number = u32::try_from(ends.len()).unwrap_or(ALONE - 1);
        ids.extend_from_slice(id);
        ends.push(ids.len());
        entries.push(1);
        table.insert_unique(hash, (number, upper), |&(number, _)| hash_of(id_at(ids, ends, number as usize)));
        number
    }

    /// The numbers of all customers, sorted by id. Ids begin alike, so the eight bytes behind what all share decide most comparisons.
    fn by_id(&self) -> Vec<u32> {
        let first = if self.ends.is_empty() { &[][..] } else { self.id(0) };
        let shared = (0..self.ends.len()).fold(first.len(), |shared, number| {
            let alike = |(one, other): &(&u8, &u8)| one == other;
            self.id(number).iter().zip(&first[..shared]).take_while(alike).count()
        });
        let mut order: Vec<(u64, u32)> =
            (0..).zip(&self.ends).map(|(number, _)| (prefix(&self.id(number as usize)[shared..]), number)).collect();
        order.sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| self.id(one.1 as usize).cmp(self.id(other.1 as usize))));
        order.into_iter().map(|(_, number)| number).collect()
    }
}

fn id_at<'a>(ids: &'a [u8], ends: &[usize], number: usize) -> &'a [u8] {
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &ids[start..ends[number]]
}

/// The first eight bytes as a number that sorts like them; a shorter text is filled up with zeros.
pub(super) fn prefix(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

impl Entries {
    /// Brings each customer's rows together. The result says where each customer begins, and where the last one ends.
    fn sort_by_customer(&mut self) -> Vec<usize> {
        let mut starts = Vec::with_capacity(self.customers.entries.len() + 1);
        let mut start = 0;
        for &count in &self.customers.entries {
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
        one.alone().cmp(&other.alone()).then(one.order.cmp(&other.order)).then_with(|| self.text(one).cmp(self.text(other)))
    }

    /// Adds up one customer's rows, order by order.
    fn customer(&self, rows: &mut [Row], bounds: &Bounds) -> Sum {
        if rows.len() > 1 {
            if self.ends.is_empty() {
                rows.sort_unstable_by_key(|row| (row.alone(), row.order));
            } else {
                rows.sort_unstable_by(|one, other| self.compare(one, other));
            }
        }
        let mut sum = Sum::default();
        for rows in rows.chunk_by(|one, other| !one.alone() && self.compare(one, other).is_eq()) {
            let mut order = Order { at: i64::MAX, ..Order::default() };
            for row in rows {
                order.at = order.at.min(row.at);
                order.net += i128::from(row.net);
                if row.at < bounds.closing {
                    order.net_closing += i128::from(row.net);
                }
                order.bought |= self.bought(row);
            }
            sum.add(&order, bounds);
            if order.net > 0 && self.is_later(&order, &rows[0], sum.last.as_ref()) {
                sum.last = Some((order.at, rows[0]));
            }
        }
        sum
    }

    /// The last order is the one with the latest time; of several, the one whose id has the greatest bytes.
    fn is_later(&self, order: &Order, row: &Row, last: Option<&(i64, Row)>) -> bool {
        last.is_none_or(|(at, other)| match order.at.cmp(at) {
            Ordering::Equal => self.order_id(row) > self.order_id(other),
            earlier_or_later => earlier_or_later.is_gt(),
        })
    }
}

/// The mark of one order by its time and its net. Marks of several orders add up, so that no order of rows plays a part.
pub(super) fn mark(at: i64, net: i128) -> i64 {
    // The lowest 64 bits tell nets apart as well as all of them: greater ones are an error elsewhere.
    let low = (net & i128::from(u64::MAX)).to_le_bytes();
    let mut low8 = [0; 8];
    low8.copy_from_slice(&low[..8]);
    let mut mixed = at.cast_unsigned() ^ u64::from_le_bytes(low8).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    (mixed ^ (mixed >> 31)).cast_signed()
}

/// An order before the as-of date; sums cannot overflow here.
#[derive(Debug, Default)]
struct Order {
    at: i64,
    net: i128,
    net_closing: i128,
    bought: u64,
}

/// A customer's figures while orders are added; money is kept wide until all is known.
#[derive(Debug, Default)]
struct Sum {
    row: FeatureRow,
    spend_ever: i128,
    spend: i128,
    due_spend: i128,
    next_spend_known: i128,
    keep_spend_known: i128,
    next_spend_ever_known: i128,
    keep_spend_ever_known: i128,
    last: Option<(i64, Row)>,
}

impl Sum {
    fn add(&mut self, order: &Order, bounds: &Bounds) {
        let Order { at, net, bought, .. } = *order;
        // What may still come back decides nothing yet, neither the order nor what was returned of it so far.
        let net_closing = if at < bounds.settled { order.net_closing } else { 0 };
        let (known, closed) = (i64::from(net > 0), i64::from(net_closing > 0));
        let row = &mut self.row;
        row.mark = row.mark.wrapping_add(mark(at, net));
        if net > 0 {
            row.first_order_at = Some(row.first_order_at.map_or(at, |first| first.min(at)));
            row.last_order_at = Some(row.last_order_at.map_or(at, |last| last.max(at)));
            row.bought |= bought;
        }
        if net_closing > 0 {
            row.first_order_closing = Some(row.first_order_closing.map_or(at, |first| first.min(at)));
        }
        row.orders_ever += closed;
        self.spend_ever += net_closing;
        if at >= bounds.window_start {
            row.orders += closed;
            self.spend += net_closing;
        }
        if at >= bounds.due_start {
            row.due_orders += closed;
            self.due_spend += net_closing;
        }
        if at < bounds.next_settled {
            row.next_orders_ever_known += known;
            self.next_spend_ever_known += net;
            if at >= bounds.next_start {
                row.next_orders_known += known;
                self.next_spend_known += net;
            }
        }
        if at < bounds.keep_settled {
            row.keep_orders_ever_known += known;
            self.keep_spend_ever_known += net;
            if at >= bounds.keep_start {
                row.keep_orders_known += known;
                self.keep_spend_known += net;
            }
        }
    }

    /// The figures, unless one of them does not fit into 64 bits.
    fn row(&self) -> Option<FeatureRow> {
        let narrow = |sum: i128| i64::try_from(sum).ok();
        Some(FeatureRow {
            spend_ever: narrow(self.spend_ever)?,
            spend: narrow(self.spend)?,
            due_spend: narrow(self.due_spend)?,
            next_spend_known: narrow(self.next_spend_known)?,
            keep_spend_known: narrow(self.keep_spend_known)?,
            next_spend_ever_known: narrow(self.next_spend_ever_known)?,
            keep_spend_ever_known: narrow(self.keep_spend_ever_known)?,
            ..self.row
        })
    }
}
