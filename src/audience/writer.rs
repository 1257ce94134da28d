//! Takes people in, one after the other.

use super::cells::Cells;
use super::order::{Keys, Order};
use super::query::{Fate, Sort};
use super::shelf::Shelf;
use super::texts::Texts;
use super::words::Column;
use super::{Error, Index, rank_cell};
use crate::domain::text::folded;
use crate::domain::{RankIndex, Value};
use std::path::Path;

/// Stands for no last order: before any.
pub(super) const NEVER: i64 = i64::MIN;

/// What an index knows of everybody, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    pub campaigns: Vec<String>,
    /// The columns of the customer list.
    pub columns: Vec<String>,
}

/// One of everybody.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub address: &'a str,
    pub rank: Option<RankIndex>,
    pub previous: Option<RankIndex>,
    pub orders: i64,
    /// Minor units.
    pub spend: i64,
    /// Microseconds UTC.
    pub last_order: Option<i64>,
    /// For each campaign of the layout; those that are missing did not match.
    pub fates: &'a [Fate],
    /// For each column of the layout; those that are missing are nothing.
    pub values: &'a [Value],
}

/// An index on its way.
#[derive(Debug)]
pub struct Writer(Index);

impl Writer {
    /// An index whose file lies in `folder`, or among the system's own where that cannot be written.
    pub fn new(layout: Layout, folder: &Path) -> Result<Self, Error> {
        let fates = layout.campaigns.iter().map(|_| Cells::new(1)).collect();
        let columns = layout.columns.iter().map(|_| Column::new()).collect();
        Ok(Self(Index {
            layout,
            disk: Shelf::new(folder)?,
            people: 0,
            id: Texts::default(),
            name: Texts::default(),
            address: Texts::default(),
            search: Texts::default(),
            rank: Cells::new(1),
            previous: Cells::new(1),
            orders: Cells::new(8),
            spend: Cells::new(8),
            last_order: Cells::new(8),
            fates,
            columns,
            sorted: Vec::new(),
        }))
    }

    /// Takes somebody in. Nobody may come twice.
    pub fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        let index = &mut self.0;
        let disk = &mut index.disk;
        index.people = index.people.checked_add(1).ok_or(Error::TooMany)?;
        index.id.push(disk, entry.id)?;
        index.name.push(disk, entry.name)?;
        index.address.push(disk, entry.address)?;
        index.search.push(disk, &search(entry))?;
        index.rank.push(disk, &[rank_cell(entry.rank)])?;
        index.previous.push(disk, &[rank_cell(entry.previous)])?;
        index.orders.push(disk, &entry.orders.to_le_bytes())?;
        index.spend.push(disk, &entry.spend.to_le_bytes())?;
        index.last_order.push(disk, &entry.last_order.unwrap_or(NEVER).to_le_bytes())?;
        for (nth, column) in index.fates.iter_mut().enumerate() {
            column.push(disk, &[entry.fates.get(nth).copied().unwrap_or(Fate::Unmatched).cell()])?;
        }
        for (nth, column) in index.columns.iter_mut().enumerate() {
            column.push(disk, entry.values.get(nth).unwrap_or(&Value::Null))?;
        }
        Ok(())
    }

    /// Sorts everybody in every order; `watch` is told how many orders are done and how many there are.
    pub fn done(self, watch: &dyn Fn(u64, u64)) -> Result<Index, Error> {
        let mut index = self.closed()?;
        let own = [Sort::Id, Sort::Name, Sort::Address, Sort::Rank, Sort::Orders, Sort::Spend, Sort::LastOrder];
        let sorts: Vec<Sort> = own.into_iter().chain((0..index.columns.len()).map(Sort::Column)).collect();
        for (done, sort) in (0..).zip(&sorts) {
            watch(done, sorts.len() as u64);
            // One after the other: what a column is sorted by is in memory.
            let keys = index.keys(*sort)?;
            let order = Order::of(&keys, &mut index.disk)?;
            index.sorted.push((*sort, order));
        }
        Ok(index)
    }

    fn closed(self) -> Result<Index, Error> {
        let Self(Index {
            layout,
            mut disk,
            people,
            id,
            name,
            address,
            search,
            rank,
            previous,
            orders,
            spend,
            last_order,
            fates,
            columns,
            sorted,
        }) = self;
        let on = &mut disk;
        Ok(Index {
            layout,
            people,
            id: id.done(on)?,
            name: name.done(on)?,
            address: address.done(on)?,
            search: search.done(on)?,
            rank: rank.done(on)?,
            previous: previous.done(on)?,
            orders: orders.done(on)?,
            spend: spend.done(on)?,
            last_order: last_order.done(on)?,
            fates: fates.into_iter().map(|column| column.done(on)).collect::<Result<_, _>>()?,
            columns: columns.into_iter().map(|column| column.done(on)).collect::<Result<_, _>>()?,
            sorted,
            disk,
        })
    }
}

impl Index {
    fn keys(&self, sort: Sort) -> Result<Keys, Error> {
        let disk = &self.disk;
        let numbers = |cells: &Cells| -> Result<Keys, Error> {
            Ok(Keys::Numbers(cells.numbers(disk)?.into_iter().map(|number| Some(number).filter(|number| *number != NEVER)).collect()))
        };
        match sort {
            Sort::Id => Keys::texts(disk, &self.id),
            Sort::Name => Keys::texts(disk, &self.name),
            Sort::Address => Keys::texts(disk, &self.address),
            Sort::Rank => {
                let mut keys = Vec::new();
                self.rank.each(disk, |_, cells| {
                    keys.extend(cells.iter().map(|cell| super::rank_of(*cell).map(i64::from)));
                    true
                })?;
                Ok(Keys::Numbers(keys))
            }
            Sort::Orders => numbers(&self.orders),
            Sort::Spend => numbers(&self.spend),
            Sort::LastOrder => numbers(&self.last_order),
            Sort::Column(at) => self.columns.get(at).map_or(Ok(Keys::Numbers(Vec::new())), |column| column.keys(disk)),
        }
    }
}

/// Name, id and address as they are compared. A name is found with the space between its parts and without.
fn search(entry: &Entry) -> String {
    let name = folded(entry.name);
    let together: String = name.split_whitespace().collect();
    let together = if together == name { String::new() } else { together };
    format!("{name}\n{together}\n{}\n{}", folded(entry.id), folded(entry.address))
}
