//! The footer: read within bounds, walked through before it is decoded, and held against the file that it speaks of.

use super::thrift::{Seen, Shape, Stop, walk};
use super::{Flaw, counted, place, watched};
use parquet::basic::{Compression, Type};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// A footer larger than this is refused. Those of large files have some ten megabytes.
const LARGEST_FOOTER: u64 = 256 << 20;
/// Its length and `PAR1`.
const TAIL: u64 = 8;
/// Columns and the groups that they lie in.
const MOST_COLUMNS: usize = 100_000;
/// Columns times row groups: each takes some hundred bytes of memory.
const MOST_CHUNKS: usize = 2_000_000;
/// Groups of columns may lie this deep in each other; whoever walks through a schema calls itself.
const DEEPEST: usize = 64;
/// Rows that any file may have, however small: columns that hold the same value in all rows take next to nothing.
const ROWS_OF_ANY_FILE: u64 = 1 << 27;
/// And for each byte of it.
const ROWS_A_BYTE: u64 = 64;
/// The longest value of a column whose values are all equally long; a hash has 64 bytes.
pub const LONGEST_ITEM: i32 = 16 << 10;

/// The footer of a file.
#[derive(Debug, Clone)]
pub struct Footer {
    pub metadata: Arc<ParquetMetaData>,
    /// The bytes of the file, and of its footer without length and mark.
    size: u64,
    length: u64,
}

impl Footer {
    /// The size of a file, and its footer as it is in the file.
    pub fn read(mut file: &File) -> Result<(u64, Vec<u8>), Flaw> {
        let size = file.metadata()?.len();
        if size < TAIL + 4 {
            return Err(Flaw::NotParquet(if size == 0 { "it is empty" } else { "it is too short" }));
        }
        let mut tail = [0; 8];
        file.seek(SeekFrom::Start(size - TAIL))?;
        file.read_exact(&mut tail)?;
        let [a, b, c, d, mark @ ..] = tail;
        match &mark {
            b"PAR1" => {}
            b"PARE" => return Err(Flaw::NotParquet("it is encrypted")),
            _ => return Err(Flaw::NotParquet("it does not end as one; it may have been cut short")),
        }
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if length > LARGEST_FOOTER || length > size - TAIL - 4 {
            return Err(Flaw::NotParquet("its footer says that it is larger than it can be"));
        }
        file.seek(SeekFrom::Start(size - TAIL - length))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(Flaw::Damaged("it became shorter while it was read".into()));
        }
        Ok((size, bytes))
    }

    /// Decodes a footer of a file of this size, after everything that the reader would take on trust was checked.
    pub fn of(bytes: &[u8], size: u64) -> Result<Self, Flaw> {
        check_outline(bytes)?;
        let metadata = watched(|| ParquetMetaDataReader::decode_metadata(bytes))
            .map_err(Flaw::Damaged)?
            .map_err(|error| Flaw::Damaged(format!("its footer cannot be read: {error}")))?;
        let footer = Self { metadata: Arc::new(metadata), size, length: bytes.len() as u64 };
        footer.check_chunks()?;
        footer.check_rows()?;
        Ok(footer)
    }

    /// Places and sizes must lie between the head of the file and its footer, so that nobody reserves memory for what cannot be there.
    fn check_chunks(&self) -> Result<(), Flaw> {
        let end_of_pages = self.size.saturating_sub(TAIL + self.length);
        for (group, about) in self.metadata.row_groups().iter().enumerate() {
            for chunk in about.columns() {
                let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
                let end = start.checked_add(chunk.compressed_size()).and_then(|end| u64::try_from(end).ok());
                if start < 4 || chunk.compressed_size() < 0 || chunk.num_values() < 0 || end.is_none_or(|end| end > end_of_pages) {
                    let place = place(group, &chunk.column_path().string());
                    return Err(Flaw::Damaged(format!("{place}: its footer tells of pages that are not in the file")));
                }
                if let Some(compression) = unread(chunk.compression()) {
                    return Err(Flaw::Compression(compression));
                }
                check_length(group, chunk)?;
            }
        }
        Ok(())
    }

    fn check_rows(&self) -> Result<(), Flaw> {
        let mut rows = 0_u64;
        for (group, about) in self.metadata.row_groups().iter().enumerate() {
            let of_group = u64::try_from(about.num_rows())
                .map_err(|_| Flaw::Damaged(format!("row group {} has a negative number of rows", group + 1)))?;
            rows = rows.saturating_add(of_group);
        }
        let most = ROWS_OF_ANY_FILE.saturating_add(self.size.saturating_mul(ROWS_A_BYTE));
        if rows > most {
            let (rows, size) = (counted(rows), counted(self.size));
            return Err(Flaw::TooMuch(format!("its footer promises {rows} rows in {size} bytes, more than the {} allowed", counted(most))));
        }
        Ok(())
    }

    /// The columns as they are stored that these columns of the schema have.
    pub fn leaves(&self, roots: &[usize]) -> Vec<usize> {
        let schema = self.metadata.file_metadata().schema_descr();
        (0..schema.num_columns()).filter(|leaf| roots.contains(&schema.get_column_root_idx(*leaf))).collect()
    }

    /// Bytes of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Values of these columns (as they are stored) in all row groups.
    pub fn values(&self, leaves: &[usize]) -> u64 {
        let groups = self.metadata.row_groups().iter();
        let chunks = groups.flat_map(|group| leaves.iter().filter_map(|leaf| group.columns().get(*leaf)));
        chunks.filter_map(|chunk| u64::try_from(chunk.num_values()).ok()).fold(0, u64::saturating_add)
    }

    /// Rows of all row groups.
    pub fn rows(&self) -> u64 {
        self.metadata.row_groups().iter().filter_map(|group| u64::try_from(group.num_rows()).ok()).fold(0, u64::saturating_add)
    }
}

/// A column of values that are all equally long is reserved for by that length.
fn check_length(group: usize, chunk: &ColumnChunkMetaData) -> Result<(), Flaw> {
    let length = chunk.column_descr().type_length();
    if chunk.column_type() != Type::FIXED_LEN_BYTE_ARRAY || (1..=LONGEST_ITEM).contains(&length) {
        return Ok(());
    }
    let place = place(group, &chunk.column_path().string());
    Err(Flaw::TooMuch(format!("{place}: each value has {length} bytes, where 1 to {LONGEST_ITEM} are allowed")))
}

/// The name of a compression that this program does not read.
fn unread(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZO => Some("LZO"),
        _ => None,
    }
}

const SCHEMA: Shape = Shape::List(&Shape::Struct(&[
    (1, Shape::Whole),
    (2, Shape::Whole),
    (3, Shape::Whole),
    (4, Shape::Bytes),
    (5, Shape::Whole),
    (6, Shape::Whole),
    (7, Shape::Whole),
    (8, Shape::Whole),
    (9, Shape::Whole),
    (10, Shape::Struct(&[])),
]));

const STATISTICS: Shape = Shape::Struct(&[
    (1, Shape::Bytes),
    (2, Shape::Bytes),
    (3, Shape::Whole),
    (4, Shape::Whole),
    (5, Shape::Bytes),
    (6, Shape::Bytes),
    (7, Shape::Truth),
    (8, Shape::Truth),
]);

const KEY_VALUES: Shape = Shape::List(&Shape::Struct(&[(1, Shape::Bytes), (2, Shape::Bytes)]));

const CHUNK: Shape = Shape::Struct(&[
    (1, Shape::Bytes),
    (2, Shape::Whole),
    (
        3,
        Shape::Struct(&[
            (1, Shape::Whole),
            (2, Shape::List(&Shape::Whole)),
            (3, Shape::List(&Shape::Bytes)),
            (4, Shape::Whole),
            (5, Shape::Whole),
            (6, Shape::Whole),
            (7, Shape::Whole),
            (8, KEY_VALUES),
            (9, Shape::Whole),
            (10, Shape::Whole),
            (11, Shape::Whole),
            (12, STATISTICS),
            (13, Shape::List(&Shape::Struct(&[(1, Shape::Whole), (2, Shape::Whole), (3, Shape::Whole)]))),
            (14, Shape::Whole),
            (15, Shape::Whole),
            (16, Shape::Struct(&[(1, Shape::Whole), (2, Shape::List(&Shape::Whole)), (3, Shape::List(&Shape::Whole))])),
        ]),
    ),
    (4, Shape::Whole),
    (5, Shape::Whole),
    (6, Shape::Whole),
    (7, Shape::Whole),
]);

const GROUP: Shape = Shape::Struct(&[
    (1, Shape::List(&CHUNK)),
    (2, Shape::Whole),
    (3, Shape::Whole),
    (4, Shape::List(&Shape::Struct(&[(1, Shape::Whole), (2, Shape::Truth), (3, Shape::Truth)]))),
    (5, Shape::Whole),
    (6, Shape::Whole),
    (7, Shape::Whole),
]);

/// The footer's fields, as parquet.thrift names them.
const FOOTER: &[(i16, Shape)] = &[
    (1, Shape::Whole),
    (2, SCHEMA),
    (3, Shape::Whole),
    (4, Shape::List(&GROUP)),
    (5, KEY_VALUES),
    (6, Shape::Bytes),
    (7, Shape::List(&Shape::Struct(&[]))),
];

/// Counts what the footer has, and sees how deep its columns lie, before anybody reserves memory for it or walks down into it.
fn check_outline(bytes: &[u8]) -> Result<(), Flaw> {
    let mut children: Vec<i64> = Vec::new();
    let mut chunks = 0_usize;
    let walked = walk(bytes, FOOTER, &mut |path, seen| {
        match (path, seen) {
            // A second schema would be read in place of the first.
            ([2], Seen::List(_)) if !children.is_empty() => return Err("it has two schemas"),
            ([2], Seen::List(columns)) if columns > MOST_COLUMNS => return Err("it has more than 100,000 columns"),
            ([2], Seen::Item) => children.push(0),
            ([2, 5], Seen::Whole(number)) => {
                if let Some(last) = children.last_mut() {
                    *last = number;
                }
            }
            ([4] | [4, 1], Seen::List(number)) => {
                chunks = chunks.saturating_add(number);
                if chunks > MOST_CHUNKS {
                    return Err("it has more than 2,000,000 parts (columns times row groups)");
                }
            }
            _ => {}
        }
        Ok(())
    });
    match walked {
        Ok(_) => check_depth(&children),
        Err(Stop::Short) => Err(Flaw::Damaged("its footer ends in the middle".into())),
        Err(Stop::Wrong(what)) => Err(Flaw::Damaged(format!("its footer cannot be read: {what}"))),
    }
}

/// The columns are told as a tree in one list: each says how many of those that follow are its own.
fn check_depth(children: &[i64]) -> Result<(), Flaw> {
    let wrong = |what: &str| Err(Flaw::Damaged(format!("its footer cannot be read: {what}")));
    let mut open: Vec<i64> = Vec::new();
    for &number in children {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if number < 0 || usize::try_from(number).is_ok_and(|number| number >= children.len()) {
            return wrong("a column has more columns in it than there are");
        }
        if number > 0 {
            open.push(number);
        }
        if open.len() > DEEPEST {
            return wrong("columns lie more than 64 deep in each other");
        }
    }
    Ok(())
}
