//! Walks through Thrift's compact form as the reader will, without keeping anything: only numbers and lengths are told.
//!
//! A field that the reader knows must have the type that it expects, else the two would walk different ways through the same bytes.

/// What a known field holds.
pub(super) enum Shape {
    /// An integer of any width, or an enumeration.
    Whole,
    Bytes,
    Truth,
    Struct(&'static [(i16, Shape)]),
    List(&'static Shape),
    /// Walked over, whatever it is.
    Any,
}

/// What is told on the way. The path is the ids of the fields from the outermost; a list adds nothing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Whole(i64),
    /// A list of so many items begins.
    List(usize),
    /// One of its structs begins.
    Item,
}

/// Why a walk ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end in the middle of it.
    Short,
    Wrong(&'static str),
}

/// Structs and lists may lie this deep in each other.
const DEEPEST: usize = 40;
/// The items of a list of truth values are walked over by the reader without taking bytes, so that a few bytes could keep it busy for hours.
const MOST_TRUTHS: usize = 4096;

pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    /// Bytes walked over.
    pub at: usize,
    path: Vec<i16>,
}

type Tell<'t> = &'t mut dyn FnMut(&[i16], Seen) -> Result<(), &'static str>;

/// Walks over one struct; gives the bytes that it takes.
pub(super) fn walk(bytes: &[u8], fields: &'static [(i16, Shape)], tell: Tell<'_>) -> Result<usize, Stop> {
    let mut walk = Walk { bytes, at: 0, path: Vec::with_capacity(8) };
    walk.fields(fields, 0, tell)?;
    Ok(walk.at)
}

impl Walk<'_> {
    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.at).ok_or(Stop::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Stop> {
        let left = self.bytes.len() - self.at;
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= left).ok_or(Stop::Short)?;
        self.at += bytes;
        Ok(())
    }

    fn length(&mut self) -> Result<u64, Stop> {
        let mut number = 0_u64;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Stop::Wrong("it has a number of more than 64 bits"))
    }

    fn whole(&mut self) -> Result<i64, Stop> {
        let length = self.length()?;
        Ok((length >> 1).cast_signed() ^ -((length & 1).cast_signed()))
    }

    fn fields(&mut self, known: &'static [(i16, Shape)], depth: usize, tell: Tell<'_>) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(Stop::Wrong("its parts lie too deep in each other"));
        }
        let mut id = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 15;
            if kind == 0 {
                return Ok(());
            }
            id = match head >> 4 {
                0 => i16::try_from(self.whole()?).map_err(|_| Stop::Wrong("it has a field whose number is too large"))?,
                step => id.checked_add(i16::from(step)).ok_or(Stop::Wrong("it has a field whose number is too large"))?,
            };
            let shape = known.iter().find(|(number, _)| *number == id).map_or(&Shape::Any, |(_, shape)| shape);
            self.path.push(id);
            self.value(kind, shape, depth + 1, tell)?;
            self.path.pop();
        }
    }

    /// A field's value. Kinds: 1 and 2 truth, 3 byte, 4 to 6 integers, 7 double, 8 bytes, 9 list, 10 set, 11 map, 12 struct, 13 UUID.
    fn value(&mut self, kind: u8, shape: &'static Shape, depth: usize, tell: Tell<'_>) -> Result<(), Stop> {
        match (shape, kind) {
            (Shape::Any, _) => self.any(kind, depth),
            (Shape::Whole, 4..=6) => {
                let number = self.whole()?;
                tell(&self.path, Seen::Whole(number)).map_err(Stop::Wrong)
            }
            (Shape::Truth, 1 | 2) => Ok(()),
            (Shape::Bytes, 8) => {
                let bytes = self.length()?;
                self.skip(bytes)
            }
            (Shape::Struct(fields), 12) => self.fields(fields, depth, tell),
            (Shape::List(items), 9) => self.list(items, depth, tell),
            _ => Err(Stop::Wrong("a part of it is not of the kind that it should be")),
        }
    }

    fn list(&mut self, items: &'static Shape, depth: usize, tell: Tell<'_>) -> Result<(), Stop> {
        let (kind, size) = self.list_head()?;
        tell(&self.path, Seen::List(size)).map_err(Stop::Wrong)?;
        for _ in 0..size {
            if let Shape::Struct(_) = items {
                tell(&self.path, Seen::Item).map_err(Stop::Wrong)?;
            }
            self.value(kind, items, depth + 1, tell)?;
        }
        Ok(())
    }

    /// The kind of a list's items, and how many there are: each takes a byte at least.
    fn list_head(&mut self) -> Result<(u8, usize), Stop> {
        let head = self.byte()?;
        let size = match head >> 4 {
            15 => self.length()?,
            size => u64::from(size),
        };
        let left = self.bytes.len() - self.at;
        let size = usize::try_from(size).ok().filter(|size| *size <= left).ok_or(Stop::Short)?;
        if head & 15 <= 2 && size > MOST_TRUTHS {
            return Err(Stop::Wrong("it has a list of too many truth values"));
        }
        Ok((head & 15, size))
    }

    fn any(&mut self, kind: u8, depth: usize) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(Stop::Wrong("its parts lie too deep in each other"));
        }
        match kind {
            1 | 2 => Ok(()),
            3 => self.skip(1),
            4..=6 => self.length().map(|_| ()),
            7 => self.skip(8),
            8 => {
                let bytes = self.length()?;
                self.skip(bytes)
            }
            9 | 10 => {
                let (kind, size) = self.list_head()?;
                (0..size).try_for_each(|_| self.any(kind, depth + 1))
            }
            11 => self.map(depth),
            12 => self.fields(&[], depth, &mut |_, _| Ok(())),
            13 => self.skip(16),
            _ => Err(Stop::Wrong("it has a part of a kind that there is not")),
        }
    }

    fn map(&mut self, depth: usize) -> Result<(), Stop> {
        let pairs = self.length()?;
        if pairs == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        if pairs > (self.bytes.len() - self.at) as u64 || (kinds >> 4 <= 2 && kinds & 15 <= 2 && pairs > MOST_TRUTHS as u64) {
            return Err(Stop::Short);
        }
        (0..pairs).try_for_each(|_| {
            self.any(kinds >> 4, depth + 1)?;
            self.any(kinds & 15, depth + 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAIR: &[(i16, Shape)] = &[(1, Shape::Whole), (2, Shape::List(&Shape::Struct(&[(5, Shape::Whole), (6, Shape::Bytes)])))];

    type Told = Vec<(Vec<i16>, Seen)>;

    fn seen(bytes: &[u8]) -> Result<(usize, Told), Stop> {
        let mut told = Vec::new();
        let taken = walk(bytes, PAIR, &mut |path, seen| {
            told.push((path.to_vec(), seen));
            Ok(())
        })?;
        Ok((taken, told))
    }

    #[test]
    fn numbers_and_lists_are_told_with_their_path() {
        let bytes = [0x15, 0x03, 0x19, 0x1c, 0x55, 0x80, 0x01, 0x18, 0x02, b'a', b'b', 0x00, 0x00, 0xff];
        let (taken, told) = seen(&bytes).unwrap();
        assert_eq!(taken, bytes.len() - 1);
        let path = |path: &[i16]| path.to_vec();
        assert_eq!(
            told,
            [(path(&[1]), Seen::Whole(-2)), (path(&[2]), Seen::List(1)), (path(&[2]), Seen::Item), (path(&[2, 5]), Seen::Whole(64)),]
        );
    }

    #[test]
    fn what_the_reader_would_walk_over_for_hours_is_refused() {
        assert_eq!(seen(&[0x15]), Err(Stop::Short));
        assert!(matches!(seen(&[0x18, 0x01, b'a', 0x00]), Err(Stop::Wrong(_))), "bytes where a number is known to be");
        assert_eq!(seen(&[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07]), Err(Stop::Short), "a list of more items than there are bytes");
        let mut truths = vec![0x99, 0xf1, 0xff, 0xff, 0x03];
        truths.resize(100_000, 0);
        assert!(matches!(seen(&truths), Err(Stop::Wrong(_))), "65535 truth values that take no bytes");
        let deep = [0x3c_u8; 100];
        assert!(matches!(seen(&deep), Err(Stop::Wrong(_))), "structs in structs");
        let lists = [&[0x99][..], &[0x19; 100]].concat();
        assert!(matches!(seen(&lists), Err(Stop::Wrong(_))), "lists in lists");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![Just(0x1c_u8), Just(0x19), Just(0xfb), any::<u8>()], 0..80)) {
            if let Ok((taken, _)) = seen(&bytes) {
                prop_assert!(taken <= bytes.len());
            }
        }
    }
}
