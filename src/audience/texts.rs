//! A column of texts of any length, in blocks that are read whole.

use super::Error;
use super::shelf::{Extent, Shelf};

/// A block has no more rows, and takes no further one when it has so many bytes.
const ROWS: usize = 1_024;
const BYTES: usize = 1 << 18;
/// Longer texts are cut: no value of a list is longer.
const LONGEST: usize = 1 << 20;
/// Stands behind each text. No text has such a byte, so nothing is found across two of them.
const END: u8 = 0xff;

/// A column of texts.
#[derive(Debug, Default)]
pub struct Texts {
    blocks: Vec<Place>,
    rows: usize,
    /// The last rows, until there are enough of them.
    ends: Vec<u8>,
    bytes: Vec<u8>,
}

/// Where a block lies: where each text ends, four bytes each, then the texts.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: usize,
    rows: usize,
    extent: Extent,
}

/// A block that was read.
pub struct Block<'b> {
    /// The row of its first text.
    pub first: usize,
    ends: &'b [[u8; 4]],
    bytes: &'b [u8],
}

impl Texts {
    pub fn push(&mut self, disk: &mut Shelf, text: &str) -> Result<(), Error> {
        let open = self.ends.len() / 4;
        if open == ROWS || (open > 0 && self.bytes.len() >= BYTES) {
            self.close(disk)?;
        }
        let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
        self.bytes.extend_from_slice(text.as_bytes());
        let end = u32::try_from(self.bytes.len()).map_err(|_| Error::TooMany)?;
        self.ends.extend_from_slice(&end.to_le_bytes());
        self.bytes.push(END);
        self.rows += 1;
        Ok(())
    }

    fn close(&mut self, disk: &mut Shelf) -> Result<(), Error> {
        let rows = self.ends.len() / 4;
        if rows > 0 {
            self.ends.append(&mut self.bytes);
            let extent = disk.lay(&self.ends)?;
            self.blocks.push(Place { first: self.rows - rows, rows, extent });
            self.ends.clear();
        }
        Ok(())
    }

    /// No more texts come.
    pub fn done(mut self, disk: &mut Shelf) -> Result<Self, Error> {
        self.close(disk)?;
        (self.ends, self.bytes) = (Vec::new(), Vec::new());
        Ok(self)
    }

    /// Hands each block to `take` of whose rows `wanted`, given the first and how many, says that somebody asks for them.
    pub fn each(&self, disk: &Shelf, wanted: impl Fn(usize, usize) -> bool, mut take: impl FnMut(&Block)) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for place in self.blocks.iter().filter(|place| wanted(place.first, place.rows)) {
            take(&block(disk, *place, &mut bytes)?);
        }
        Ok(())
    }

    /// The text of a row.
    pub fn get(&self, disk: &Shelf, row: usize) -> Result<String, Error> {
        let at = self.blocks.partition_point(|place| place.first + place.rows <= row);
        let place = self.blocks.get(at).ok_or_else(|| disk.broken())?;
        let mut bytes = Vec::new();
        let block = block(disk, *place, &mut bytes)?;
        let text = std::str::from_utf8(block.text(row - place.first)).map_err(|_| disk.broken())?;
        Ok(text.to_owned())
    }
}

fn block<'b>(disk: &Shelf, place: Place, bytes: &'b mut Vec<u8>) -> Result<Block<'b>, Error> {
    disk.read(place.extent, bytes)?;
    let (ends, texts) = bytes.split_at_checked(place.rows * 4).ok_or_else(|| disk.broken())?;
    Ok(Block { first: place.first, ends: ends.as_chunks().0, bytes: texts })
}

impl<'b> Block<'b> {
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    fn end(&self, nth: usize) -> usize {
        self.ends.get(nth).map_or(self.bytes.len(), |end| u32::from_le_bytes(*end) as usize)
    }

    /// The bytes of a text; none beyond the end.
    pub fn text(&self, nth: usize) -> &'b [u8] {
        let start = nth.checked_sub(1).map_or(0, |before| self.end(before) + 1);
        self.bytes.get(start..self.end(nth)).unwrap_or_default()
    }

    /// Tells which of the block's texts, from 0, hold what is looked for, each once and in order.
    pub fn holding(&self, finder: &memchr::memmem::Finder, mut take: impl FnMut(usize)) {
        let (mut from, mut row) = (0, 0);
        while let Some(found) = self.bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + found;
            row += self.ends.get(row..).unwrap_or_default().partition_point(|end| (u32::from_le_bytes(*end) as usize) < at);
            // An empty needle is found at the end of a text, which is still that text.
            if row >= self.rows() {
                break;
            }
            take(row);
            from = self.end(row) + 1;
            row += 1;
        }
    }
}
