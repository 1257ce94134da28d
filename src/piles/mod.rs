//! Rows that are dealt to piles as they come, and are taken up again pile by pile.
//!
//! What a shop knows of its customers is read from one end to the other and needed partition by partition. Rows lie packed in memory, and
//! beyond some megabytes in one file that has lost its name before anything is written. This room knows no list and no customer.

mod pack;

use crate::domain::Value;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A pile's last rows are packed when there are so many bytes of them.
const PACK: usize = 32 << 10;
/// So many bytes of all piles are held in memory, unless somebody says otherwise.
pub const HELD: usize = 32 << 20;

/// Why rows cannot be dealt or taken up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write a file in `{folder}`, where rows go that do not fit into the memory: {source}; make room in that folder")]
    Write { folder: PathBuf, source: io::Error },
    #[error("cannot read the file in `{folder}` again, where rows went that did not fit into the memory: {source}; look after that disk")]
    Read { folder: PathBuf, source: io::Error },
}

/// Piles that rows are dealt to.
#[derive(Debug)]
pub struct Piles {
    dealt: Dealt,
    /// Bytes that may be held, and that are.
    most: usize,
    held: usize,
    /// Where the file ends.
    end: u64,
}

/// Piles that are complete. Any thread may take up any pile, as often as it likes.
#[derive(Debug)]
pub struct Dealt {
    folder: PathBuf,
    file: Option<File>,
    piles: Vec<Pile>,
}

#[derive(Debug, Default)]
struct Pile {
    packed: Vec<Pack>,
    /// The last rows, not packed.
    open: Vec<u8>,
}

/// Rows that are packed together.
#[derive(Debug)]
enum Pack {
    Held(Vec<u8>),
    Laid { at: u64, length: usize },
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
        Self { dealt: Dealt { folder: folder.to_owned(), file: None, piles }, most, held: 0, end: 0 }
    }

    /// Lays a row on a pile; on one that is not there it is lost.
    pub fn push<'v>(&mut self, pile: usize, row: impl IntoIterator<Item = &'v Value>) -> Result<(), Error> {
        let Some(own) = self.dealt.piles.get_mut(pile) else { return Ok(()) };
        pack::row(row, &mut own.open);
        if own.open.len() >= PACK {
            let bytes = lz4_flex::block::compress_prepend_size(&own.open);
            own.open.clear();
            let pack = self.keep(bytes)?;
            if let Some(own) = self.dealt.piles.get_mut(pile) {
                own.packed.push(pack);
            }
        }
        Ok(())
    }

    fn keep(&mut self, bytes: Vec<u8>) -> Result<Pack, Error> {
        if self.held + bytes.len() <= self.most {
            self.held += bytes.len();
            return Ok(Pack::Held(bytes));
        }
        let (at, length) = (self.end, bytes.len());
        self.dealt.write(&bytes, at).map_err(|source| Error::Write { folder: self.dealt.folder.clone(), source })?;
        self.end += length as u64;
        Ok(Pack::Laid { at, length })
    }

    /// No more rows come.
    #[must_use]
    pub fn done(mut self) -> Dealt {
        for pile in &mut self.dealt.piles {
            pile.open.shrink_to_fit();
            pile.packed.shrink_to_fit();
        }
        self.dealt
    }
}

impl Dealt {
    /// Takes up the rows of a pile in the order in which they were laid there.
    pub fn each(&self, pile: usize, mut take: impl FnMut(Vec<Value>)) -> Result<(), Error> {
        let Some(pile) = self.piles.get(pile) else { return Ok(()) };
        let failed = |source| Error::Read { folder: self.folder.clone(), source };
        for pack in &pile.packed {
            let unpacked = match pack {
                Pack::Held(bytes) => lz4_flex::block::decompress_size_prepended(bytes),
                Pack::Laid { at, length } => {
                    let bytes = self.read(*at, *length).map_err(failed)?;
                    lz4_flex::block::decompress_size_prepended(&bytes)
                }
            };
            let unpacked = unpacked.map_err(|error| failed(io::Error::new(ErrorKind::InvalidData, error)))?;
            pack::rows(&unpacked, &mut take).ok_or_else(|| failed(ErrorKind::InvalidData.into()))?;
        }
        pack::rows(&pile.open, &mut take).ok_or_else(|| failed(ErrorKind::InvalidData.into()))
    }

    /// Whether anything had to go to the file.
    #[must_use]
    pub fn is_laid(&self) -> bool {
        self.file.is_some()
    }

    fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            // Who only looks makes no folder, and may not be allowed to write there; then it is the system's own for such files.
            none => {
                let made = tempfile::tempfile_in(&self.folder).or_else(|_| {
                    self.folder = std::env::temp_dir();
                    tempfile::tempfile_in(&self.folder)
                });
                none.insert(made?)
            }
        };
        std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.file.as_ref().ok_or(ErrorKind::NotFound)?;
        let mut bytes = vec![0; length];
        std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, at)?;
        Ok(bytes)
    }
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
