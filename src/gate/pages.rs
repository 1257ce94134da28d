//! The heads of pages, walked through before the reader decodes them: it reserves memory for what they promise.

use super::thrift::{Seen, Shape, Stop, walk};
use super::{Flaw, Footer, counted, deltas, inflate, place, watched};
use parquet::basic::Type;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// The most bytes of a page, packed or not. Writers make pages and dictionaries of about one megabyte; a few go to a hundred.
pub(super) const LARGEST_PAGE: u64 = 256 << 20;
/// What the largest pages and dictionaries of the columns that are read together may take.
const LARGEST_PAGES: u64 = 512 << 20;
/// And for each column, where there are many.
const PAGES_A_COLUMN: u64 = 8 << 20;
/// A head is some fifty bytes, and more where it holds the smallest and largest value.
const USUAL_HEAD: u64 = 256;
const LARGEST_HEAD: u64 = 16 << 20;

/// A page's head, as parquet.thrift names it. Statistics are walked over.
const HEAD: &[(i16, Shape)] = &[
    (1, Shape::Whole),
    (2, Shape::Whole),
    (3, Shape::Whole),
    (4, Shape::Whole),
    (5, Shape::Struct(&[(1, Shape::Whole), (2, Shape::Whole), (3, Shape::Whole), (4, Shape::Whole)])),
    (6, Shape::Struct(&[])),
    (7, Shape::Struct(&[(1, Shape::Whole), (2, Shape::Whole), (3, Shape::Truth)])),
    (
        8,
        Shape::Struct(&[
            (1, Shape::Whole),
            (2, Shape::Whole),
            (3, Shape::Whole),
            (4, Shape::Whole),
            (5, Shape::Whole),
            (6, Shape::Whole),
            (7, Shape::Truth),
        ]),
    ),
];

/// What the head of a page says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head {
    kind: i64,
    pub unpacked: u64,
    pub packed: u64,
    values: u64,
    encoding: i64,
    /// Bytes before the packed ones.
    pub levels: u64,
}

const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

impl Footer {
    /// Looks at every page of these columns (as they are stored) of a row group. `file` is a handle of the caller's own: it is moved.
    pub fn check_pages(&self, file: &File, group: usize, leaves: &[usize]) -> Result<(), Flaw> {
        let Some(about) = self.metadata.row_groups().get(group) else { return Ok(()) };
        let mut sum = 0_u64;
        for chunk in leaves.iter().filter_map(|leaf| about.columns().get(*leaf)) {
            let name = chunk.column_path().string();
            let chunk = Chunk { file, about: chunk, place: place(group, &name) };
            sum = sum.saturating_add(chunk.check(about.num_rows())?);
        }
        let most = LARGEST_PAGES.max(PAGES_A_COLUMN.saturating_mul(leaves.len() as u64));
        if sum <= most {
            return Ok(());
        }
        let (sum, most) = (counted(sum), counted(most));
        Err(Flaw::TooMuch(format!("row group {}: its pages need {sum} bytes at once, more than the {most} allowed", group + 1)))
    }
}

impl Footer {
    /// The column whose pages cannot be unpacked, after the reader gave up on a row group and did not say on which; `None`: it was
    /// something else.
    #[must_use]
    pub fn culprit(&self, file: &File, group: usize, leaves: &[usize]) -> Option<String> {
        let chunks = self.metadata.row_groups().get(group)?.columns();
        let is_broken = |chunk: &&ColumnChunkMetaData| {
            let unpacked = file
                .try_clone()
                .map(|file| watched(|| SerializedPageReader::new(Arc::new(file), chunk, 0, None)?.try_for_each(|page| page.map(|_| ()))));
            !matches!(unpacked, Ok(Ok(Ok(()))))
        };
        leaves.iter().filter_map(|leaf| chunks.get(*leaf)).find(is_broken).map(|chunk| chunk.column_path().string())
    }
}

/// A column of a row group.
pub(super) struct Chunk<'a> {
    pub file: &'a File,
    pub about: &'a ColumnChunkMetaData,
    place: String,
}

impl Chunk<'_> {
    pub fn damaged(&self, what: &str) -> Flaw {
        Flaw::Damaged(format!("{}: {what}", self.place))
    }

    pub fn too_much(&self, what: &str) -> Flaw {
        Flaw::TooMuch(format!("{}: {what}", self.place))
    }

    /// What the dictionary and the largest page take.
    fn check(&self, rows: i64) -> Result<u64, Flaw> {
        let (mut at, mut left) = self.about.byte_range();
        let (mut values, mut dictionary, mut largest, mut deltas) = (0_u64, 0, 0, false);
        while left > 0 {
            let (taken, head) = self.head(at, left)?;
            (at, left) = (at + taken, left - taken);
            if head.packed > left {
                return Err(self.damaged("a page is longer than what is left of the column"));
            }
            let size = self.check_size(&head)?;
            match head.kind {
                DATA | DATA_2 => {
                    values = values.saturating_add(head.values);
                    largest = size.max(largest);
                    deltas |= deltas::holds(head.encoding);
                }
                DICTIONARY => {
                    dictionary = size.max(dictionary);
                    self.check_dictionary(&head)?;
                }
                _ => {}
            }
            inflate::check(self, &head, at)?;
            (at, left) = (at + head.packed, left - head.packed);
        }
        self.check_values(values, rows)?;
        if deltas {
            deltas::check(self)?;
        }
        Ok(dictionary + largest)
    }

    fn check_size(&self, head: &Head) -> Result<u64, Flaw> {
        let size = head.packed.max(head.unpacked);
        if size <= LARGEST_PAGE {
            return Ok(size);
        }
        let what = if head.kind == DICTIONARY { "a dictionary" } else { "a page" };
        Err(self.too_much(&format!("{what} has {} bytes, more than the {} allowed", counted(size), counted(LARGEST_PAGE))))
    }

    /// A dictionary lists its values in full.
    fn check_dictionary(&self, head: &Head) -> Result<(), Flaw> {
        let width = match self.about.column_type() {
            Type::BOOLEAN => 1,
            Type::BYTE_ARRAY | Type::INT32 | Type::FLOAT => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(self.about.column_descr().type_length()).unwrap_or(0),
        };
        if head.values.saturating_mul(width) <= head.unpacked {
            return Ok(());
        }
        Err(self.damaged(&format!("its dictionary promises {} values, more than it has room for", counted(head.values))))
    }

    /// In a column that is no list each row has one value, be it null.
    fn check_values(&self, values: u64, rows: i64) -> Result<(), Flaw> {
        let is_list = self.about.column_descr().max_rep_level() > 0;
        let promised = u64::try_from(if is_list { self.about.num_values() } else { rows }).unwrap_or(0);
        if values == promised {
            return Ok(());
        }
        let (values, promised) = (counted(values), counted(promised));
        Err(self.damaged(&format!("its pages hold {values} values where the footer promises {promised}")))
    }

    /// A page's head, and the bytes that it takes.
    fn head(&self, at: u64, left: u64) -> Result<(u64, Head), Flaw> {
        let mut reach = USUAL_HEAD;
        let mut bytes = Vec::new();
        let mut file = self.file;
        loop {
            bytes.clear();
            file.seek(SeekFrom::Start(at))?;
            file.take(reach.min(left)).read_to_end(&mut bytes)?;
            let mut head = Head::default();
            let mut negative = false;
            let walked = walk(&bytes, HEAD, &mut |path, seen| {
                let Seen::Whole(number) = seen else { return Ok(()) };
                let positive = u64::try_from(number);
                negative |= positive.is_err() && path != [4];
                head.note(path, number, positive.unwrap_or(0));
                Ok(())
            });
            match walked {
                Ok(_) if negative => return Err(self.damaged("the head of a page has a negative number")),
                Ok(taken) => return Ok((taken as u64, head)),
                Err(Stop::Short) if reach < left.min(LARGEST_HEAD) => reach *= 16,
                Err(Stop::Short) => return Err(self.damaged("the head of a page ends in the middle")),
                Err(Stop::Wrong(what)) => return Err(self.damaged(&format!("the head of a page cannot be read: {what}"))),
            }
        }
    }
}

impl Head {
    fn note(&mut self, path: &[i16], number: i64, positive: u64) {
        match path {
            [1] => self.kind = number,
            [2] => self.unpacked = positive,
            [3] => self.packed = positive,
            [5 | 7 | 8, 1] => self.values = positive,
            [5, 2] | [8, 4] => self.encoding = number,
            [8, 5 | 6] => self.levels = self.levels.saturating_add(positive),
            _ => {}
        }
    }
}
