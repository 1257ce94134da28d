//! A compact stream of entries: what one thread met of one partition's customers.
//!
//! An entry is an order, or a part of one: the lines that lay beside each other in a file and fell on the same side of the closing.
//! Numbers are written as differences to the entry before, in as few bytes as they need: about 20 bytes where a struct takes 56.

/// The most bytes of one entry besides its texts: six numbers of at most ten bytes.
const NUMBERS: usize = 60;
const SMALLEST_CHUNK: usize = 1 << 10;
const LARGEST_CHUNK: usize = 1 << 16;

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

/// Entries one behind the other. Chunks are never moved when the stream grows.
#[derive(Debug, Default)]
pub(super) struct Stream {
    chunks: Vec<Vec<u8>>,
    entries: usize,
    last: Last,
}

/// The entry before, as far as the next one is written as a difference.
#[derive(Debug, Default, Clone, Copy)]
struct Last {
    order: i64,
    at: i64,
}

impl Stream {
    pub fn entries(&self) -> usize {
        self.entries
    }

    pub fn push(&mut self, entry: &Entry<'_>) {
        let (kind, text) = match entry.order {
            OrderId::None => (0, &[][..]),
            OrderId::Number(_) => (1, &[][..]),
            OrderId::Text(text) => (2, text),
        };
        let mut head = Numbers::default();
        head.put(entry.customer.len() as u64 * 3 + kind);
        let mut tail = Numbers::default();
        tail.put_signed(entry.at.wrapping_sub(self.last.at));
        tail.put_signed(entry.net);
        tail.put(entry.bought);
        match entry.order {
            OrderId::None => {}
            OrderId::Number(order) => {
                tail.put_signed(order.wrapping_sub(self.last.order));
                self.last.order = order;
            }
            OrderId::Text(_) => tail.put(text.len() as u64),
        }
        self.last.at = entry.at;
        self.entries += 1;
        let chunk = self.chunk_with(NUMBERS + entry.customer.len() + text.len());
        chunk.extend_from_slice(head.bytes());
        chunk.extend_from_slice(entry.customer);
        chunk.extend_from_slice(tail.bytes());
        chunk.extend_from_slice(text);
    }

    /// The last chunk, or a new one, with room for `bytes` more: entries do not straddle chunks.
    fn chunk_with(&mut self, bytes: usize) -> &mut Vec<u8> {
        let full = self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < bytes);
        if full {
            let size = self.chunks.last().map_or(SMALLEST_CHUNK, |chunk| (chunk.capacity() * 2).min(LARGEST_CHUNK));
            self.chunks.push(Vec::with_capacity(size.max(bytes)));
        }
        let last = self.chunks.len() - 1;
        &mut self.chunks[last]
    }

    /// Hands every entry to `take`, in the order they came.
    pub fn each<E>(&self, mut take: impl FnMut(&Entry<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut last = Last::default();
        for chunk in &self.chunks {
            let mut reader = Reader { bytes: chunk };
            while let Some(entry) = reader.entry(&mut last) {
                take(&entry)?;
            }
        }
        Ok(())
    }
}

/// A few numbers on their way into a chunk.
struct Numbers {
    bytes: [u8; NUMBERS],
    len: usize,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { bytes: [0; NUMBERS], len: 0 }
    }
}

impl Numbers {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Seven bits a byte, the lowest first; the high bit says that more follow.
    #[expect(clippy::cast_possible_truncation, reason = "the byte is meant to take the lowest bits only")]
    fn put(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes[self.len] = number as u8 | 0x80;
            self.len += 1;
            number >>= 7;
        }
        self.bytes[self.len] = number as u8;
        self.len += 1;
    }

    /// Small numbers of either sign become small numbers without one.
    fn put_signed(&mut self, number: i64) {
        self.put(((number << 1) ^ (number >> 63)).cast_unsigned());
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next entry; `None` at the end.
    fn entry(&mut self, last: &mut Last) -> Option<Entry<'a>> {
        let head = self.number()?;
        let customer = self.text(head / 3)?;
        last.at = last.at.wrapping_add(self.signed()?);
        let net = self.signed()?;
        let bought = self.number()?;
        let order = match head % 3 {
            0 => OrderId::None,
            1 => {
                last.order = last.order.wrapping_add(self.signed()?);
                OrderId::Number(last.order)
            }
            _ => {
                let length = self.number()?;
                OrderId::Text(self.text(length)?)
            }
        };
        Some(Entry { customer, order, at: last.at, net, bought })
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn text(&mut self, length: u64) -> Option<&'a [u8]> {
        let (text, rest) = self.bytes.split_at_checked(usize::try_from(length).ok()?)?;
        self.bytes = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
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
            entry(b"C2", OrderId::Text(b""), -1, 0, 5),
        ];
        let mut stream = Stream::default();
        for _ in 0..500 {
            for entry in &entries {
                stream.push(entry);
            }
        }
        assert_eq!(stream.entries(), 2_500);
        let mut seen = 0;
        stream
            .each(|entry| {
                assert_eq!(entry, &entries[seen % 5]);
                seen += 1;
                Ok::<(), ()>(())
            })
            .unwrap();
        assert_eq!(seen, 2_500);
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
        let bytes: usize = stream.chunks.iter().map(Vec::len).sum();
        assert!(bytes < 23_000, "{bytes} bytes for a thousand entries");
    }
}
