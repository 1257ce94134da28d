//! The customer list, dealt to piles: the customers of each are made of its rows once, and lie packed until somebody asks for them.

use super::Input;
use super::customers::{Doubles, Made, Recipe, made, refuse_twice};
use super::error::Error;
use super::notes::Notes;
use super::packed;
use super::table::{self, Column, IDS, Stretch, Table, Wanted, id};
use crate::domain::{Customers, Value, Values};
use crate::piles::{self, Apart, Bundle, Dealt, Piles, Store};
use rayon::prelude::*;
use std::path::Path;

/// The key that names the file.
pub const KEY: &str = "`path` in [customers]";

/// How a list is dealt.
pub struct Dealing<'d> {
    pub piles: usize,
    /// The pile of an id.
    pub pile_of: &'d (dyn Fn(&str) -> usize + Sync),
    /// The folder for what does not fit into the memory.
    pub folder: &'d Path,
    /// Bytes that may be held in memory.
    pub held: usize,
}

/// A list whose rows lie in piles, each customer's in one. Nobody has looked yet whether customers can be made of them.
#[derive(Debug)]
pub struct Rows {
    recipe: Recipe,
    /// What the columns are; no rows.
    table: Table,
    dealt: Dealt,
    /// What was noted while rows were dealt.
    notes: Notes,
    /// There is a row of which no customer can be made, on the first pile.
    is_wrong: bool,
}

/// A list whose customers lie packed, pile by pile.
#[derive(Debug)]
pub struct CustomerList {
    columns: Vec<String>,
    store: Store,
    piles: Vec<Bundle>,
}

/// Reads the customer list, and what identifies its file (relative name and digest).
pub fn customers(recipe: Recipe, base: &Path, dealing: &Dealing) -> Result<(Rows, Vec<Input>), Error> {
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
    Ok((Rows { table, dealt: piles.done(), notes, is_wrong, recipe }, inputs))
}

struct Dealer<'d> {
    recipe: &'d Recipe,
    dealing: &'d Dealing<'d>,
    piles: Piles,
    notes: Notes,
    is_wrong: bool,
    failed: Option<piles::Error>,
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

impl Rows {
    /// Whether some of it lies on the disk.
    #[cfg(test)]
    pub fn is_laid(&self) -> bool {
        self.dealt.is_laid()
    }

    /// Makes the customers of each pile, of which `keep` says who stays, for somebody who looks at them. What is wrong with the list is
    /// found by it. The rows of a pile are gone when its customers are made.
    pub fn look<T: Send>(
        self,
        keep: impl Fn(Customers) -> Customers + Sync,
        each: impl Fn(&Customers) -> T + Sync,
    ) -> Result<(CustomerList, Vec<T>, Notes), Error> {
        let Self { recipe, table, dealt, mut notes, is_wrong } = self;
        if is_wrong {
            made(&recipe, table.filled(|take| dealt.each(0, take))?)?;
        }
        let store = dealt.beside();
        let look = |rows: Apart| -> Result<(Bundle, T, Notes, Doubles), Error> {
            let Made { customers, notes, twice } = made(&recipe, table.filled(|take| rows.each(take))?)?;
            let customers = keep(customers);
            let bundle = store.lay(&packed::pack(&customers))?;
            Ok((bundle, each(&customers), notes, twice))
        };
        let found: Vec<_> = dealt.apart().into_par_iter().with_max_len(1).map(look).collect();
        let mut twice: Doubles = found.iter().flatten().flat_map(|(.., twice)| twice.iter().cloned()).collect();
        twice.sort_unstable();
        refuse_twice(&table.file, "customer", &twice)?;
        let (mut piles, mut looked) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
        for found in found {
            let (bundle, one, own, _) = found?;
            piles.push(bundle);
            looked.push(one);
            notes.join(own);
        }
        // Of a list without rows nobody wonders what it does not have.
        let has_rows = notes.rows > notes.without_id;
        notes.absent.retain(|absent| has_rows && !absent.words.is_empty());
        let columns = table.columns.into_iter().map(|column| column.name).collect();
        Ok((CustomerList { columns, store, piles }, looked, notes))
    }
}

impl CustomerList {
    /// The names of the columns, in the order of the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether some of it lies on the disk.
    #[cfg(test)]
    pub fn is_laid(&self) -> bool {
        self.store.is_laid()
    }

    /// The customers of a pile, sorted by id; nobody where there is no such pile.
    pub fn pile(&self, at: usize) -> Result<Customers, Error> {
        let Some(bundle) = self.piles.get(at) else { return Ok(Customers::default()) };
        Ok(self.store.take_up(bundle, packed::unpack)?)
    }
}

impl Table {
    /// The same columns with the rows that `deal` gives.
    fn filled(&self, deal: impl FnOnce(&mut dyn FnMut(Vec<Value>)) -> Result<(), piles::Error>) -> Result<Self, piles::Error> {
        let mut table = self.emptied();
        deal(&mut |row| {
            let mut row = row.into_iter();
            if let Some(Value::Int(place)) = row.next() {
                table.places.push(place.cast_unsigned());
            }
            for (column, value) in table.columns.iter_mut().zip(row) {
                column.values.push(value);
            }
            table.rows += 1;
        })?;
        Ok(table)
    }

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
