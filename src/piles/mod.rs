//! Rows that are dealt to piles as they come, and are taken up again pile by pile; and bytes that others made, which lie beside them.
//!
//! What a shop knows of its customers is read from one end to the other and needed partition by partition. What lies here is packed in
//! memory, and beyond some megabytes in a file that has lost its name before anything is written. This room knows no list and no customer.

pub mod pack;
mod store;

pub use pack::Lent;
pub use store::{Bundle, Store};

use crate::domain::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Pack;

/// A pile's last rows are packed when there are so many bytes of them.
const PACK: usize = 32 << 10;
/// So many bytes of all piles are held in memory, unless somebody says otherwise.
pub const HELD: usize = 16 << 20;

/// Why rows cannot be dealt or taken up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot write a file in `{folder}`, where a part of the list goes that does not fit into the memory: {source}; make room in that folder"
    )]
    Write { folder: PathBuf, source: io::Error },
    #[error(
        "cannot read the file in `{folder}` again, where a part of the list went that did not fit into the memory: {source}; look after that disk"
    )]
    Read { folder: PathBuf, source: io::Error },
}

/// Piles that rows are dealt to.
#[derive(Debug)]
pub struct Piles(Dealt);

/// Piles that are complete. Any thread may take up any pile, as often as it likes.
#[derive(Debug)]
pub struct Dealt {
    store: Arc<Store>,
    piles: Vec<Pile>,
}

/// A pile by itself. When it was taken up it is gone, and so is what it took in memory.
#[derive(Debug)]
pub struct Apart {
    store: Arc<Store>,
    pile: Pile,
}

#[derive(Debug, Default)]
struct Pile {
    packed: Vec<Pack>,
    /// The last rows, not packed.
    open: Vec<u8>,
}

impl Piles {
    /// So many piles. What does not fit into the memory goes to a file in `folder`, or to the system's own for such files where there is
    /// none or it cannot be written; it takes no longer than they do.
    #[must_use]
    pub fn new(piles: usize, folder: &Path) -> Self {
        Self::within(piles, folder, HELD)
    }

    /// The same with so many bytes held in memory.
    #[must_use]
    pub fn within(piles: usize, folder: &Path, most: usize) -> Self {
        let piles = (0..piles).map(|_| Pile::default()).collect();
        Self(Dealt { store: Arc::new(Store::within(folder, most)), piles })
    }

    /// Lays a row on a pile; on one that is not there it is lost.
    pub fn push<'v>(&mut self, pile: usize, row: impl IntoIterator<Item = &'v Value>) -> Result<(), Error> {
        self.lay(pile, |open| pack::row(row, pack::append, open))
    }

    /// The same with a row of lent values.
    pub fn push_lent<'v>(&mut self, pile: usize, row: impl IntoIterator<Item = Lent<'v>>) -> Result<(), Error> {
        self.lay(pile, |open| pack::row(row, pack::append_lent, open))
    }

    fn lay(&mut self, pile: usize, append: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        let Dealt { store, piles } = &mut self.0;
        let Some(own) = piles.get_mut(pile) else { return Ok(()) };
        append(&mut own.open);
        if own.open.len() >= PACK {
            own.packed.push(store.pack(&own.open)?);
            own.open.clear();
        }
        Ok(())
    }

    /// No more rows come.
    #[must_use]
    pub fn done(mut self) -> Dealt {
        for pile in &mut self.0.piles {
            pile.open.shrink_to_fit();
            pile.packed.shrink_to_fit();
        }
        self.0
    }
}

impl Dealt {
    /// Takes up the rows of a pile in the order in which they were laid there.
    pub fn each(&self, pile: usize, mut take: impl FnMut(Vec<Value>)) -> Result<(), Error> {
        let Some(pile) = self.piles.get(pile) else { return Ok(()) };
        let mut bytes = Vec::new();
        for pack in &pile.packed {
            unpacked(&self.store, pack, &mut bytes, &mut take)?;
        }
        pack::rows(&pile.open, &mut take).ok_or_else(|| self.store.damaged())
    }

    /// The piles one by one, in their order.
    pub fn apart(self) -> Vec<Apart> {
        let Self { store, piles } = self;
        piles.into_iter().map(|pile| Apart { store: Arc::clone(&store), pile }).collect()
    }

    /// A store for what is made of these rows: both together hold no more in memory than the rows may by themselves.
    #[must_use]
    pub fn beside(&self) -> Store {
        self.store.beside()
    }

    /// Whether anything had to go to the file.
    #[must_use]
    pub fn is_laid(&self) -> bool {
        self.store.is_laid()
    }
}

impl Apart {
    /// Takes up the rows in the order in which they were laid there, and lets them go.
    pub fn each(self, mut take: impl FnMut(Vec<Value>)) -> Result<(), Error> {
        let Self { store, pile } = self;
        let mut bytes = Vec::new();
        for pack in pile.packed {
            unpacked(&store, &pack, &mut bytes, &mut take)?;
            store.release(pack);
        }
        pack::rows(&pile.open, &mut take).ok_or_else(|| store.damaged())
    }
}

/// Takes the rows of a pack; `bytes` is the place in which it is unpacked.
fn unpacked(store: &Store, pack: &Pack, bytes: &mut Vec<u8>, take: &mut impl FnMut(Vec<Value>)) -> Result<(), Error> {
    bytes.clear();
    store.unpack(pack, bytes)?;
    pack::rows(bytes, take).ok_or_else(|| store.damaged())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let plain = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            prop_oneof![Just(0.0), Just(-0.0), Just(2.5), Just(f64::MAX)].prop_map(Value::Float),
            "[a-z山é]{0,300}".prop_map(Value::Text),
            (-400_000_i32..3_000_000).prop_map(|day| NaiveDate::from_num_days_from_ce_opt(day).map_or(Value::Null, Value::Date)),
        ];
        plain.prop_recursive(2, 8, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                proptest::collection::vec(("[a-z]{0,4}".prop_map(Name::from), inner), 0..4).prop_map(Value::Record),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rows_come_back_pile_by_pile(
            rows in proptest::collection::vec((0_usize..3, proptest::collection::vec(value(), 0..5)), 0..99),
            times in 1_usize..60,
            most in prop_oneof![Just(0), Just(9_000), Just(HELD)],
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut piles = Piles::within(3, folder.path(), most);
            for (pile, row) in (0..times).flat_map(|_| &rows) {
                piles.push(*pile, row).unwrap();
            }
            let dealt = piles.done();
            // Zero and minus zero are equal, and not written alike.
            let written = |row: &Vec<Value>| format!("{row:?}");
            for at in 0..3 {
                let mut found = Vec::new();
                dealt.each(at, |row| found.push(written(&row))).unwrap();
                let laid = (0..times).flat_map(|_| &rows).filter(|(pile, _)| *pile == at);
                prop_assert!(found.into_iter().eq(laid.map(|(_, row)| written(row))));
            }
            for (at, pile) in dealt.apart().into_iter().enumerate() {
                let mut found = Vec::new();
                pile.each(|row| found.push(written(&row))).unwrap();
                let laid = (0..times).flat_map(|_| &rows).filter(|(pile, _)| *pile == at);
                prop_assert!(found.into_iter().eq(laid.map(|(_, row)| written(row))));
            }
            prop_assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "the file has no name");
        }
    }

    #[test]
    fn what_does_not_fit_lies_on_the_disk_where_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let text = |number: usize| Value::Text(format!("{number:050}"));
        let fill = |piles: &mut Piles| (0..2_000).try_for_each(|number| piles.push(0, [&text(number)]));
        let mut piles = Piles::within(1, folder.path(), 100);
        fill(&mut piles).unwrap();
        let dealt = piles.done();
        assert!(dealt.is_laid());
        let mut found = 0;
        dealt
            .each(0, |row| {
                assert_eq!(row, [text(found)]);
                found += 1;
            })
            .unwrap();
        assert_eq!(found, 2_000);

        let none = folder.path().join("none");
        let mut elsewhere = Piles::within(1, &none, 0);
        fill(&mut elsewhere).unwrap();
        let mut found = 0;
        elsewhere.done().each(0, |_| found += 1).unwrap();
        assert_eq!((found, none.exists()), (2_000, false), "who only looks makes no folder");
    }
}
