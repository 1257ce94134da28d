//! The rows in an order other than their own, worked out once and kept on the disk.

use super::Error;
use super::cells::Cells;
use super::shelf::Shelf;
use super::texts::Texts;
use rayon::prelude::*;

/// Texts that are alike so far are sorted by their rows.
const KEY: usize = 256;

/// All rows sorted by something: those that have it, then the others.
#[derive(Debug)]
pub struct Order {
    rows: Cells,
    /// How many have it.
    filled: usize,
}

/// What rows are sorted by.
pub enum Keys {
    /// `None`: nothing.
    Numbers(Vec<Option<i64>>),
    /// One behind the other, and where each ends; an empty one is nothing.
    Texts { bytes: Vec<u8>, ends: Vec<usize> },
}

/// A number so that it sorts as a whole one.
pub fn number(number: f64) -> i64 {
    // Zero and minus zero are equal.
    let bits = (number + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

impl Keys {
    /// The texts of a column.
    pub fn texts(disk: &Shelf, texts: &Texts) -> Result<Self, Error> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let take = |block: &super::texts::Block| {
            for nth in 0..block.rows() {
                let text = block.text(nth);
                bytes.extend_from_slice(&text[..text.len().min(KEY)]);
                ends.push(bytes.len());
            }
        };
        texts.each(disk, |_, _| true, take)?;
        Ok(Self::Texts { bytes, ends })
    }
}

impl Order {
    /// Sorts the rows; rows with equal keys stay in their order.
    pub fn of(keys: &Keys, disk: &mut Shelf) -> Result<Self, Error> {
        let (rows, filled) = match keys {
            Keys::Numbers(keys) => {
                let key = |row: &u32| keys.get(*row as usize).copied().flatten();
                let (mut rows, rest) = split(keys.len(), |row| key(&row).is_some())?;
                rows.par_sort_unstable_by_key(|row| (key(row), *row));
                together(rows, rest)
            }
            Keys::Texts { bytes, ends } => {
                let key = |row: u32| {
                    let start = (row as usize).checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
                    ends.get(row as usize).and_then(|end| bytes.get(start..*end)).unwrap_or_default()
                };
                let (mut rows, rest) = split(ends.len(), |row| !key(row).is_empty())?;
                rows.par_sort_unstable_by(|one, other| key(*one).cmp(key(*other)).then(one.cmp(other)));
                together(rows, rest)
            }
        };
        let mut cells = Cells::new(4);
        for row in rows {
            cells.push(disk, &row.to_le_bytes())?;
        }
        Ok(Self { rows: cells.done(disk)?, filled })
    }

    /// Hands all rows to `take`, until it says that it has enough. Those that have nothing come last, either way round.
    pub fn each(&self, disk: &Shelf, descending: bool, mut take: impl FnMut(usize) -> bool) -> Result<(), Error> {
        let row = |cell: &[u8; 4]| u32::from_le_bytes(*cell) as usize;
        if !descending {
            return self.rows.each(disk, |_, cells| cells.as_chunks().0.iter().all(|cell| take(row(cell))));
        }
        let mut goes_on = true;
        self.rows.each_back(disk, |first, cells| {
            let cells = cells.as_chunks().0;
            let filled = cells.get(..self.filled.saturating_sub(first).min(cells.len())).unwrap_or_default();
            goes_on = filled.iter().rev().all(|cell| take(row(cell)));
            goes_on
        })?;
        if !goes_on {
            return Ok(());
        }
        self.rows.each(disk, |first, cells| {
            let cells = cells.as_chunks().0;
            let empty = cells.get(self.filled.saturating_sub(first).min(cells.len())..).unwrap_or_default();
            empty.iter().all(|cell| take(row(cell)))
        })
    }

    /// The row at a place.
    pub fn get(&self, disk: &Shelf, place: usize) -> Result<usize, Error> {
        Ok(u32::from_le_bytes(self.rows.get(disk, place)?) as usize)
    }
}

fn split(rows: usize, has: impl Fn(u32) -> bool) -> Result<(Vec<u32>, Vec<u32>), Error> {
    let rows = u32::try_from(rows).map_err(|_| Error::TooMany)?;
    Ok((0..rows).partition(|row| has(*row)))
}

fn together(mut rows: Vec<u32>, rest: Vec<u32>) -> (Vec<u32>, usize) {
    let filled = rows.len();
    rows.extend(rest);
    (rows, filled)
}
