//! Answers a query: a bit for each person, out of which each question takes those whom it does not mean.

use super::cells::Cells;
use super::query::{FILTERS, Fate, PAGE, Query, Row, Sort, TEXT, WORDS};
use super::shelf::Shelf;
use super::texts::Texts;
use super::writer::NEVER;
use super::{Error, Index, rank_cell, rank_of};
use crate::domain::text::folded;
use memchr::memmem::Finder;

/// Those who were found: how many, and one page of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    pub count: usize,
    /// How many come before the first row.
    pub from: usize,
    pub rows: Vec<Row>,
}

/// A bit for each row.
pub struct Rows {
    bits: Vec<u64>,
    len: usize,
}

impl Rows {
    fn all(len: usize) -> Self {
        let mut bits = vec![u64::MAX; len.div_ceil(64)];
        if let (Some(last), rest @ 1..) = (bits.last_mut(), len % 64) {
            *last = (1 << rest) - 1;
        }
        Self { bits, len }
    }

    fn none(len: usize) -> Self {
        Self { bits: vec![0; len.div_ceil(64)], len }
    }

    fn has(&self, row: usize) -> bool {
        self.bits.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }

    fn add(&mut self, row: usize) {
        if let Some(bits) = self.bits.get_mut(row / 64) {
            *bits |= 1 << (row % 64);
        }
    }

    fn count(&self) -> usize {
        self.bits.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    fn keep(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(own, other)| *own &= other);
    }

    /// Whether any of these rows is among them.
    fn any(&self, first: usize, rows: usize) -> bool {
        let words = self.bits.get(first / 64..(first + rows).div_ceil(64).min(self.bits.len())).unwrap_or_default();
        words.iter().any(|bits| *bits != 0) && (first..first + rows).any(|row| self.has(row))
    }

    /// Keeps those whose cell fits.
    pub fn keep_cells<const WIDTH: usize>(
        &mut self,
        disk: &Shelf,
        cells: &Cells,
        fits: impl Fn(&[u8; WIDTH]) -> bool,
    ) -> Result<(), Error> {
        cells.each(disk, |first, bytes| {
            // Pieces begin where a word of bits does.
            let words = self.bits.get_mut(first / 64..).unwrap_or_default();
            for (word, cells) in words.iter_mut().zip(bytes.as_chunks::<WIDTH>().0.chunks(64)) {
                if *word != 0 {
                    let found = cells.iter().enumerate().fold(0, |found, (at, cell)| found | u64::from(fits(cell)) << at);
                    *word &= found;
                }
            }
            true
        })
    }

    /// Keeps those whose text holds this one and fits.
    pub fn keep_texts(&mut self, disk: &Shelf, texts: &Texts, needle: &str, fits: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
        let finder = Finder::new(needle);
        let mut kept = Self::none(self.len);
        texts.each(
            disk,
            |first, rows| self.any(first, rows),
            |block| {
                block.holding(&finder, |nth| {
                    if fits(block.text(nth)) {
                        kept.add(block.first + nth);
                    }
                });
            },
        )?;
        self.keep(&kept);
        Ok(())
    }
}

impl Index {
    /// Those whom a query means; of a page behind the last one, the last.
    pub fn find(&self, query: &Query) -> Result<Found, Error> {
        let rows = self.rows(query)?;
        let count = rows.count();
        let mut page = Vec::new();
        let many = query.many.min(PAGE);
        let last = count.saturating_sub(1).checked_div(many).unwrap_or(0) * many;
        let from = if query.from < count { query.from } else { last };
        let mut before = from;
        if count > 0 && many > 0 {
            let order = self.sorted.iter().find(|(sort, _)| *sort == query.sort).or_else(|| self.sorted.first());
            let Some((_, order)) = order else { return Ok(Found { count, from, rows: Vec::new() }) };
            order.each(&self.disk, query.descending, |row| {
                if rows.has(row) {
                    if before == 0 {
                        page.push(row);
                    }
                    before = before.saturating_sub(1);
                }
                page.len() < many
            })?;
        }
        Ok(Found { count, from, rows: page.into_iter().map(|row| self.row(row)).collect::<Result<_, _>>()? })
    }

    /// Somebody by id.
    pub fn by_id(&self, id: &str) -> Result<Option<Row>, Error> {
        let Some((_, order)) = self.sorted.iter().find(|(sort, _)| *sort == Sort::Id) else { return Ok(None) };
        let (mut low, mut high) = (0, self.people as usize);
        while low < high {
            let middle = low.midpoint(high);
            let row = order.get(&self.disk, middle)?;
            match self.id.get(&self.disk, row)?.as_str().cmp(id) {
                std::cmp::Ordering::Equal => return Ok(Some(self.row(row)?)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn rows(&self, query: &Query) -> Result<Rows, Error> {
        let disk = &self.disk;
        let mut rows = Rows::all(self.people as usize);
        if let Some(rank) = query.rank {
            rows.keep_cells::<1>(disk, &self.rank, |cell| cell[0] == rank_cell(rank))?;
        }
        if let Some(previous) = query.previous {
            rows.keep_cells::<1>(disk, &self.previous, |cell| cell[0] == rank_cell(previous))?;
        }
        self.keep_fates(query, &mut rows)?;
        for filter in query.filters.iter().take(FILTERS) {
            match self.columns.get(filter.column) {
                Some(column) => column.keep(disk, &filter.wanted, &mut rows)?,
                None => rows = Rows::none(rows.len),
            }
        }
        let text = query.text.get(..query.text.floor_char_boundary(TEXT)).unwrap_or_default();
        for word in folded(text).split_whitespace().take(WORDS) {
            rows.keep_texts(disk, &self.search, word, |_| true)?;
        }
        Ok(rows)
    }

    fn keep_fates(&self, query: &Query, rows: &mut Rows) -> Result<(), Error> {
        if !query.asks_fates() {
            return Ok(());
        }
        let fits: [bool; 256] = std::array::from_fn(|cell| u8::try_from(cell).is_ok_and(|cell| query.fits(Fate::of(cell))));
        let fits = |cell: &[u8; 1]| fits[usize::from(cell[0])];
        if let Some(campaign) = query.campaign {
            let Some(column) = self.fates.get(campaign) else {
                *rows = Rows::none(rows.len);
                return Ok(());
            };
            return rows.keep_cells::<1>(&self.disk, column, fits);
        }
        let mut any = Rows::none(rows.len);
        for column in &self.fates {
            let mut own = Rows::all(rows.len);
            own.keep_cells::<1>(&self.disk, column, fits)?;
            any.bits.iter_mut().zip(&own.bits).for_each(|(any, own)| *any |= own);
        }
        rows.keep(&any);
        Ok(())
    }

    fn row(&self, row: usize) -> Result<Row, Error> {
        let disk = &self.disk;
        let number = |cells: &Cells| Ok::<_, Error>(i64::from_le_bytes(cells.get(disk, row)?));
        let [rank] = self.rank.get(disk, row)?;
        let [previous] = self.previous.get(disk, row)?;
        let fate = |column: &Cells| {
            let [cell] = column.get(disk, row)?;
            Ok(Fate::of(cell))
        };
        Ok(Row {
            id: self.id.get(disk, row)?,
            name: self.name.get(disk, row)?,
            address: self.address.get(disk, row)?,
            rank: rank_of(rank),
            previous: rank_of(previous),
            orders: number(&self.orders)?,
            spend: number(&self.spend)?,
            last_order: Some(number(&self.last_order)?).filter(|at| *at != NEVER),
            fates: self.fates.iter().map(fate).collect::<Result<_, Error>>()?,
            values: self.columns.iter().map(|column| column.get(disk, row)).collect::<Result<_, _>>()?,
        })
    }
}
