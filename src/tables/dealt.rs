//! The customer list, dealt to piles: the customers of each are made of its rows when somebody asks for them.

use super::Input;
use super::customers::{Made, Recipe, made, refuse_twice};
use super::error::Error;
use super::notes::Notes;
use super::table::{self, Column, IDS, Stretch, Table, Wanted, id};
use crate::domain::{Customers, Value, Values};
use crate::piles::{Dealt, Piles};
use rayon::prelude::*;
use std::path::Path;

/// The key that names the file.
pub const KEY: &str = "`path` in [customers]";

/// How a list is dealt.
pub struct Dealing<'d> {
    pub piles: usize,
    /// The pile of an id.
    pub pile_of: fn(&str) -> usize,
    /// The folder for what does not fit into the memory.
    pub folder: &'d Path,
    /// Bytes that may be held in memory.
    pub held: usize,
}

/// A list whose rows lie in piles, each customer's in one.
#[derive(Debug)]
pub struct CustomerList {
    recipe: Recipe,
    /// What the columns are; no rows.
    table: Table,
    piles: usize,
    dealt: Dealt,
    /// What was noted while rows were dealt.
    notes: Notes,
    /// There is a row of which no customer can be made, on the first pile.
    is_wrong: bool,
}

/// Reads the customer list, and what identifies its file (relative name and digest). Nobody has looked yet whether customers can be made
/// of it.
pub fn customers(recipe: Recipe, base: &Path, dealing: &Dealing) -> Result<(CustomerList, Vec<Input>), Error> {
    let mut dealer = Dealer {
        recipe: &recipe,
        dealing,
        piles: Piles::within(dealing.piles, dealing.folder, dealing.held),
        notes: Notes::default(),
        is_wrong: false,
        failed: None,
    };
    let wanted = Wanted { key: KEY, zone: recipe.zone, only: None };
    let table = table::read_through(&recipe.source.path, base, wanted, &mut |columns, stretch| dealer.take(columns, &stretch))?;
    let Dealer { piles, mut notes, is_wrong, failed, .. } = dealer;
    if let Some(failed) = failed {
        return Err(failed.into());
    }
    let inputs = vec![(table.file.clone(), table.digest.clone())];
    notes.rows = table.rows as u64;
    let list = CustomerList { table, piles: dealing.piles, dealt: piles.done(), notes, is_wrong, recipe };
    Ok((list, inputs))
}

struct Dealer<'d> {
    recipe: &'d Recipe,
    dealing: &'d Dealing<'d>,
    piles: Piles,
    notes: Notes,
    is_wrong: bool,
    failed: Option<crate::piles::Error>,
}

impl Dealer<'_> {
    fn take(&mut self, columns: &[Column], stretch: &Stretch) {
        if self.failed.is_some() {
            return;
        }
        // Without the column there are no customers, and whoever makes them says so.
        let Some(at) = columns.iter().position(|column| column.name == self.recipe.source.customer) else { return };
        let kind = columns[at].kind;
        for (row, place) in stretch.places.numbers().iter().enumerate() {
            let value = stretch.values[at].get(row).unwrap_or(&Value::Null);
            let id = id(value, kind, &stretch.places).filter(|_| IDS.contains(&kind) || *value == Value::Null);
            let pile = match id {
                Some(id) if id.is_empty() => {
                    self.notes.no_id(|| stretch.places.told(row));
                    continue;
                }
                Some(id) => (self.dealing.pile_of)(self.recipe.merges.present(&id)),
                None if self.is_wrong => continue,
                None => {
                    self.is_wrong = true;
                    0
                }
            };
            let place = Value::Int(place.cast_signed());
            let values = stretch.values.iter().map(|values| values.get(row).unwrap_or(&Value::Null));
            if let Err(failed) = self.piles.push(pile, std::iter::once(&place).chain(values)) {
                self.failed = Some(failed);
                return;
            }
        }
    }
}

impl CustomerList {
    /// The names of the columns, in the order of the file.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.table.columns.iter().map(|column| column.name.as_str())
    }

    /// Whether some of it lies on the disk.
    #[cfg(test)]
    pub fn is_laid(&self) -> bool {
        self.dealt.is_laid()
    }

    /// The customers of a pile, sorted by id.
    pub fn pile(&self, at: usize) -> Result<Customers, Error> {
        Ok(self.made(at)?.customers)
    }

    /// Makes the customers of each pile once, for somebody who looks at them; what is wrong with the list is found by it.
    pub fn look<T: Send>(&self, each: impl Fn(usize, Customers) -> T + Sync) -> Result<(Vec<T>, Notes), Error> {
        if self.is_wrong {
            self.made(0)?;
        }
        let piles = (0..self.piles).into_par_iter().with_max_len(1);
        let found: Vec<Result<(T, Notes, _), Error>> = piles
            .map(|at| {
                let Made { customers, notes, twice } = self.made(at)?;
                Ok((each(at, customers), notes, twice))
            })
            .collect();
        let mut twice: Vec<_> = found.iter().flatten().flat_map(|(.., twice)| twice.iter().cloned()).collect();
        twice.sort_unstable();
        refuse_twice(&self.table.file, "customer", &twice)?;
        let (mut looked, mut notes) = (Vec::with_capacity(self.piles), self.notes.clone());
        for found in found {
            let (one, own, _) = found?;
            looked.push(one);
            notes.join(own);
        }
        // Of a list without rows nobody wonders what it does not have.
        let has_rows = notes.rows > notes.without_id;
        notes.absent.retain(|absent| has_rows && !absent.words.is_empty());
        Ok((looked, notes))
    }

    fn made(&self, at: usize) -> Result<Made, Error> {
        let mut table = self.table.emptied();
        self.dealt.each(at, |row| {
            let mut row = row.into_iter();
            if let Some(Value::Int(place)) = row.next() {
                table.places.push(place.cast_unsigned());
            }
            for (column, value) in table.columns.iter_mut().zip(row) {
                column.values.push(value);
            }
            table.rows += 1;
        })?;
        made(&self.recipe, table)
    }
}

impl Table {
    /// The same columns without rows.
    fn emptied(&self) -> Self {
        let column = |column: &Column| Column {
            name: column.name.clone(),
            kind: column.kind,
            type_name: column.type_name.clone(),
            values: Values::default(),
        };
        let columns = self.columns.iter().map(column).collect();
        Self { file: self.file.clone(), columns, rows: 0, places: self.places.emptied(), digest: self.digest.clone() }
    }
}
