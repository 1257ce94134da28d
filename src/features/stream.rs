//! A compact stream of entries: what one thread met of one partition's customers.
//!
//! An entry is an order, or a part of one: the lines that lay beside each other in a file and fell on the same side of the closing.
//! Numbers are written as differences to the entry before, in as few bytes as they need: about 20 bytes where a struct takes 56.

use super::room::{Extent, Store};
use super::{Error, pack};

const SMALLEST_CHUNK: usize = 1 << 9;
const LARGEST_CHUNK: usize = 1 << 16;
/// The most bytes of an entry's numbers: of those that each has, and of three that few need.
const NUMBERS: usize = pack::most_bytes(4) + pack::most_bytes(3);
/// Microseconds in a second. Most shops know the time of a purchase no better.
const SECOND: i64 = 1_000_000;

/// What the head of an entry tells beside the length of the customer id, in its lowest bits.
mod head {
    pub const BITS: u32 = 4;
    /// The order's id is a number.
    pub const NUMBER: u64 = 1;
    /// The order's id is text, of the length that is where the number would be. Neither: the entry is an order of its own.
    pub const TEXT: u64 = 2;
    /// The time is told in microseconds, not in seconds.
    pub const MICROS: u64 = 4;
    /// Categories follow.
    pub const BOUGHT: u64 = 8;
}

/// The order an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderId<'a> {
    /// None was written: the entry is an order of its own.
    None,
    Number(i64),
    Text(&'a [u8]),
}

/// One order or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub customer: &'a [u8],
    pub order: OrderId<'a>,
    /// The earliest of its lines.
    pub at: i64,
    /// The sum of its lines, minor units.
    pub net: i64,
    /// Categories of its lines with a positive amount, one bit for each that was asked for.
    pub bought: u64,
}

/// Entries one behind the other: the first ones in the store's file where memory was short, then those in full chunks, then the newest.
/// No entry straddles chunks or extents.
#[derive(Debug, Default)]
pub(super) struct Stream {
    spilled: Vec<Extent>,
    full: Vec<Vec<u8>>,
    open: Vec<u8>,
    entries: usize,
    last: Last,
}

/// The entry before, as far as the next one is written as a difference.
#[derive(Debug, Default, Clone, Copy)]
struct Last {
    order: i64,
    at: i64,
    /// The time in seconds.
    second: i64,
}

impl Stream {
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Adds an entry. The result is how many bytes more than before are held for the stream.
    pub fn push(&mut self, entry: &Entry<'_>) -> usize {
        let (mut kind, order, text) = match entry.order {
            OrderId::None => (0, 0, &[][..]),
            OrderId::Number(order) => (head::NUMBER, pack::unsigned(order.wrapping_sub(self.last.order)), &[][..]),
            OrderId::Text(text) => (head::TEXT, text.len() as u64, text),
        };
        let second = entry.at / SECOND;
        let at = if second * SECOND == entry.at {
            second.wrapping_sub(self.last.second)
        } else {
            kind |= head::MICROS;
            entry.at.wrapping_sub(self.last.at)
        };
        if entry.bought != 0 {
            kind |= head::BOUGHT;
        }
        if let OrderId::Number(order) = entry.order {
            self.last.order = order;
        }
        (self.last.at, self.last.second) = (entry.at, second);
        self.entries += 1;
        let more = self.make_room(NUMBERS + entry.customer.len() + text.len());
        let out = &mut self.open;
        let length = (entry.customer.len() as u64) << head::BITS | kind;
        pack::put(out, &[length, pack::unsigned(at), pack::unsigned(entry.net), order]);
        out.extend_from_slice(entry.customer);
        out.extend_from_slice(text);
        if entry.bought != 0 {
            pack::put(out, &[entry.bought]);
        }
        more
    }

    /// Opens a chunk with room for `bytes` more where there is none, and says how large it is.
    fn make_room(&mut self, bytes: usize) -> usize {
        if self.open.capacity() - self.open.len() >= bytes {
            return 0;
        }
        let size = (self.open.capacity() * 2).clamp(SMALLEST_CHUNK, LARGEST_CHUNK).max(bytes);
        let chunk = std::mem::replace(&mut self.open, Vec::with_capacity(size));
        if !chunk.is_empty() {
            self.full.push(chunk);
        }
        self.open.capacity()
    }

    /// The bytes that are held in memory.
    pub fn held(&self) -> usize {
        self.full.iter().map(Vec::capacity).sum::<usize>() + self.open.capacity()
    }

    /// How long all entries are.
    pub fn bytes(&self) -> usize {
        self.spilled.iter().map(Extent::length).sum::<usize>() + self.full.iter().map(Vec::len).sum::<usize>() + self.open.len()
    }

    /// Moves what is held to the store's file.
    pub fn spill(&mut self, store: &Store) -> Result<(), Error> {
        let chunks = self.full.iter().chain([&self.open]).map(Vec::as_slice);
        self.spilled.extend(store.write(chunks)?);
        (self.full, self.open) = (Vec::new(), Vec::new());
        Ok(())
    }

    /// Hands every entry to `take`, in the order they came.
    pub fn each(&self, store: &Store, mut take: impl FnMut(&Entry<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let mut last = Last::default();
        let mut read = Vec::new();
        for extent in &self.spilled {
            store.read(*extent, &mut read)?;
            last = each_of(&read, last, &mut take)?;
        }
        for chunk in self.full.iter().chain([&self.open]) {
            last = each_of(chunk, last, &mut take)?;
        }
        Ok(())
    }
}

/// Hands the entries of a chunk to `take`.
fn each_of(mut bytes: &[u8], mut last: Last, take: &mut impl FnMut(&Entry<'_>) -> Result<(), Error>) -> Result<Last, Error> {
    while let Some((entry, rest)) = entry(bytes, &mut last) {
        take(&entry)?;
        bytes = rest;
    }
    Ok(last)
}

/// The first entry and what follows it; `None` at the end.
fn entry<'a>(bytes: &'a [u8], last: &mut Last) -> Option<(Entry<'a>, &'a [u8])> {
    if bytes.is_empty() {
        return None;
    }
    let ([head, at, net, order], bytes) = pack::get::<4>(bytes)?;
    let (customer, bytes) = bytes.split_at_checked(usize::try_from(head >> head::BITS).ok()?)?;
    let at = pack::signed(at);
    if head & head::MICROS == 0 {
        last.second = last.second.wrapping_add(at);
        last.at = last.second.wrapping_mul(SECOND);
    } else {
        last.at = last.at.wrapping_add(at);
        last.second = last.at / SECOND;
    }
    let (order, bytes) = if head & head::NUMBER != 0 {
        last.order = last.order.wrapping_add(pack::signed(order));
        (OrderId::Number(last.order), bytes)
    } else if head & head::TEXT != 0 {
        let (text, bytes) = bytes.split_at_checked(usize::try_from(order).ok()?)?;
        (OrderId::Text(text), bytes)
    } else {
        (OrderId::None, bytes)
    };
    let ([bought], bytes) = if head & head::BOUGHT == 0 { ([0], bytes) } else { pack::get::<1>(bytes)? };
    Some((Entry { customer, order, at: last.at, net: pack::signed(net), bought }, bytes))
}

#[cfg(test)]
mod tests {
    use super::super::room::Room;
    use super::*;

    #[test]
    fn entries_come_back_as_they_went_in() {
        let long = vec![b'x'; 3 * LARGEST_CHUNK];
        let entry = |customer, order, at, net, bought| Entry { customer, order, at, net, bought };
        let entries = [
            entry(b"C1", OrderId::Number(i64::MIN), i64::MAX, i64::MIN, 0),
            entry(b"C1", OrderId::Number(i64::MAX), i64::MIN, i64::MAX, u64::MAX),
            entry(&long, OrderId::None, 0, -1, 1),
            entry(b"", OrderId::Text(&long), 1, 1, 0),
            entry(b"C2", OrderId::Text(b""), -SECOND, 0, 5),
            entry(b"C2", OrderId::Number(0), 7 * SECOND - 1, 0, 0),
        ];
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Room { folder: folder.path().to_owned(), ..Room::endless() });
        let mut stream = Stream::default();
        let mut held = 0;
        for round in 0..500 {
            for entry in &entries {
                held += stream.push(entry);
            }
            if round % 200 == 150 {
                assert_eq!(stream.held(), held);
                stream.spill(&store).unwrap();
                held = 0;
            }
        }
        assert_eq!((stream.entries(), stream.held()), (3_000, held));
        let mut seen = 0;
        stream
            .each(&store, |entry| {
                assert_eq!(entry, &entries[seen % entries.len()]);
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, 3_000);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn an_ordinary_entry_takes_few_bytes() {
        let mut stream = Stream::default();
        for number in 0..1_000 {
            let entry = Entry {
                customer: b"C000012345",
                order: OrderId::Number(number * 256),
                at: 1_700_000_000_000_000 + number * 700_000_000,
                net: 4_200,
                bought: 0,
            };
            stream.push(&entry);
        }
        let bytes: usize = stream.full.iter().map(Vec::len).sum::<usize>() + stream.open.len();
        assert!(bytes < 20_500, "{bytes} bytes for a thousand entries");
    }
}
