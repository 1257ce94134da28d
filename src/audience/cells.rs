//! A column of cells of one width.

use super::Error;
use super::shelf::{Extent, Shelf};

/// Rows that lie together.
const PIECE: usize = 1 << 16;

/// A column whose cells are so many bytes each.
#[derive(Debug)]
pub struct Cells {
    width: usize,
    pieces: Vec<Extent>,
    /// The last rows, until there are enough of them.
    open: Vec<u8>,
}

impl Cells {
    pub fn new(width: usize) -> Self {
        Self { width, pieces: Vec::new(), open: Vec::new() }
    }

    pub fn push(&mut self, disk: &mut Shelf, cell: &[u8]) -> Result<(), Error> {
        self.open.extend_from_slice(cell);
        if self.open.len() >= PIECE * self.width { self.close(disk) } else { Ok(()) }
    }

    /// Lays down what is open. Only the last piece may be shorter than the others.
    pub fn close(&mut self, disk: &mut Shelf) -> Result<(), Error> {
        if !self.open.is_empty() {
            self.pieces.push(disk.lay(&self.open)?);
            self.open.clear();
        }
        Ok(())
    }

    /// No more cells come.
    pub fn done(mut self, disk: &mut Shelf) -> Result<Self, Error> {
        self.close(disk)?;
        self.open.shrink_to_fit();
        Ok(self)
    }

    /// Hands the cells to `take` piece by piece, with the row of the first; until it says that it has enough.
    pub fn each(&self, disk: &Shelf, mut take: impl FnMut(usize, &[u8]) -> bool) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for (nth, piece) in self.pieces.iter().enumerate() {
            disk.read(*piece, &mut bytes)?;
            if !take(nth * PIECE, &bytes) {
                break;
            }
        }
        Ok(())
    }

    /// The same from the last piece to the first.
    pub fn each_back(&self, disk: &Shelf, mut take: impl FnMut(usize, &[u8]) -> bool) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for (nth, piece) in self.pieces.iter().enumerate().rev() {
            disk.read(*piece, &mut bytes)?;
            if !take(nth * PIECE, &bytes) {
                break;
            }
        }
        Ok(())
    }

    /// One cell.
    pub fn get<const WIDTH: usize>(&self, disk: &Shelf, row: usize) -> Result<[u8; WIDTH], Error> {
        let piece = self.pieces.get(row / PIECE).filter(|_| WIDTH == self.width).ok_or_else(|| disk.broken())?;
        let within = (row % PIECE) * WIDTH;
        if within + WIDTH > piece.length {
            return Err(disk.broken());
        }
        let mut bytes = Vec::new();
        disk.read(Extent { at: piece.at + within as u64, length: WIDTH }, &mut bytes)?;
        bytes.try_into().map_err(|_| disk.broken())
    }

    /// Numbers of eight bytes, all at once.
    pub fn numbers(&self, disk: &Shelf) -> Result<Vec<i64>, Error> {
        let mut numbers = Vec::new();
        self.each(disk, |_, bytes| {
            numbers.extend(bytes.as_chunks::<8>().0.iter().map(|cell| i64::from_le_bytes(*cell)));
            true
        })?;
        Ok(numbers)
    }
}
