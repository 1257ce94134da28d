//! Parquet written by hand, byte by byte, so that it can say what no writer would: purchases of a few customers, three columns, none of
//! which may be null.

#![cfg_attr(not(test), expect(dead_code, reason = "only tests say what is not so"))]

/// A file. What is not so can be said in every part of it.
#[derive(Clone)]
pub struct Hand {
    pub columns: Vec<Column>,
    pub groups: Vec<Group>,
    /// Put around the columns: groups in groups.
    pub depth: usize,
    /// What the root says of how many columns it has.
    pub roots: Option<i64>,
}

#[derive(Clone)]
pub struct Column {
    pub name: &'static str,
    pub physical: i64,
    pub converted: Option<i64>,
    pub length: Option<i64>,
}

#[derive(Clone)]
pub struct Group {
    pub rows: i64,
    pub chunks: Vec<Chunk>,
}

#[derive(Clone)]
pub struct Chunk {
    pub codec: i64,
    pub values: i64,
    pub pages: Vec<Page>,
}

#[derive(Clone, Default)]
pub struct Page {
    /// 0 data, 2 dictionary.
    pub kind: i64,
    pub values: i64,
    pub encoding: i64,
    pub body: Vec<u8>,
    /// What the head says instead of the truth.
    pub unpacked: Option<i64>,
    pub packed: Option<i64>,
    pub crc: Option<u32>,
}

const INT64: i64 = 2;
const BYTES: i64 = 6;

impl Page {
    pub fn plain(values: i64, body: Vec<u8>) -> Self {
        Self { values, body, ..Self::default() }
    }

    /// With the checksum that its body has.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.crc = Some(checksum(&self.body));
        self
    }
}

impl Hand {
    /// So many row groups of so many orders each.
    pub fn purchases(groups: i64, rows: i64) -> Self {
        let column = |name, physical, converted| Column { name, physical, converted, length: None };
        let columns = vec![column("customer", BYTES, Some(0)), column("at", INT64, Some(10)), column("amount", INT64, None)];
        let chunk = |page: Page| Chunk { codec: 0, values: rows, pages: vec![page.sealed()] };
        let group = |number: i64| {
            let customers = (0..rows).map(|row| format!("c{:03}", number * rows + row));
            let at = (0..rows).flat_map(|row| (1_604_966_400_000_000 + row).to_le_bytes());
            let amounts = (0..rows).flat_map(|row| (1_000 + row).to_le_bytes());
            let chunks = vec![
                chunk(Page::plain(rows, texts(customers))),
                chunk(Page::plain(rows, at.collect())),
                chunk(Page::plain(rows, amounts.collect())),
            ];
            Group { rows, chunks }
        };
        Self { columns, groups: (0..groups).map(group).collect(), depth: 0, roots: None }
    }

    /// The first page of a column of a row group.
    pub fn page(&mut self, group: usize, column: usize) -> &mut Page {
        &mut self.groups[group].chunks[column].pages[0]
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut file = b"PAR1".to_vec();
        let mut footer = Thrift::default();
        footer.whole(1, 1);
        self.schema(&mut footer);
        footer.whole(3, self.groups.iter().map(|group| group.rows).sum());
        footer.list(4, 12, self.groups.len());
        for group in &self.groups {
            footer.begin();
            footer.list(1, 12, group.chunks.len());
            let start = file.len();
            for (column, chunk) in self.columns.iter().zip(&group.chunks) {
                chunk.write(column, &mut file, &mut footer);
            }
            footer.whole(2, number(file.len() - start));
            footer.whole(3, group.rows);
            footer.end();
        }
        footer.end();
        let length = u32::try_from(footer.bytes.len()).unwrap();
        file.extend(footer.bytes);
        file.extend(length.to_le_bytes());
        file.extend(b"PAR1");
        file
    }

    fn schema(&self, footer: &mut Thrift) {
        footer.list(2, 12, self.columns.len() + self.depth + 1);
        let mut group = |name: &str, children: i64, is_root: bool| {
            footer.begin();
            if !is_root {
                footer.whole(3, 0);
            }
            footer.text(4, name);
            footer.whole(5, children);
            footer.end();
        };
        let columns = number(self.columns.len());
        group("root", self.roots.unwrap_or(if self.depth > 0 { 1 } else { columns }), true);
        for depth in 1..=self.depth {
            group("g", if depth == self.depth { columns } else { 1 }, false);
        }
        for column in &self.columns {
            footer.begin();
            footer.whole(1, column.physical);
            if let Some(length) = column.length {
                footer.whole(2, length);
            }
            footer.whole(3, 0);
            footer.text(4, column.name);
            if let Some(converted) = column.converted {
                footer.whole(6, converted);
            }
            footer.end();
        }
    }
}

impl Chunk {
    fn write(&self, column: &Column, file: &mut Vec<u8>, footer: &mut Thrift) {
        let start = file.len();
        let mut data = None;
        for page in &self.pages {
            if page.kind != 2 {
                data.get_or_insert(file.len());
            }
            page.write(file);
        }
        let size = number(file.len() - start);
        footer.begin();
        footer.whole(2, number(start));
        footer.open(3);
        footer.whole(1, column.physical);
        footer.list(2, 5, 1);
        footer.bytes.push(0);
        footer.list(3, 8, 1);
        footer.bytes.push(u8::try_from(column.name.len()).unwrap());
        footer.bytes.extend(column.name.as_bytes());
        footer.whole(4, self.codec);
        footer.whole(5, self.values);
        footer.whole(6, size);
        footer.whole(7, size);
        footer.whole(9, number(data.unwrap_or(start)));
        if self.pages.first().is_some_and(|page| page.kind == 2) {
            footer.whole(11, number(start));
        }
        footer.end();
        footer.end();
    }
}

impl Page {
    fn write(&self, file: &mut Vec<u8>) {
        let mut head = Thrift::default();
        let size = number(self.body.len());
        head.whole(1, self.kind);
        head.whole(2, self.unpacked.unwrap_or(size));
        head.whole(3, self.packed.unwrap_or(size));
        if let Some(crc) = self.crc {
            head.whole(4, i64::from(crc.cast_signed()));
        }
        head.open(if self.kind == 2 { 7 } else { 5 });
        head.whole(1, self.values);
        head.whole(2, self.encoding);
        if self.kind != 2 {
            head.whole(3, 3);
            head.whole(4, 3);
        }
        head.end();
        head.end();
        file.extend(head.bytes);
        file.extend(&self.body);
    }
}

/// Texts as they stand in a page: each behind its length.
pub fn texts(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        let text = text.as_ref().as_bytes();
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text);
    }
    bytes
}

/// CRC-32, bit by bit.
pub fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap()
}

/// Thrift's compact form. The field that came last is kept for each struct that is open.
pub struct Thrift {
    pub bytes: Vec<u8>,
    last: Vec<i16>,
}

impl Default for Thrift {
    fn default() -> Self {
        Self { bytes: Vec::new(), last: vec![0] }
    }
}

impl Thrift {
    fn field(&mut self, id: i16, kind: u8) {
        let last = self.last.last_mut().unwrap();
        let step = u8::try_from(id - *last).ok().filter(|step| (1..16).contains(step)).unwrap();
        *last = id;
        self.bytes.push(step << 4 | kind);
    }

    pub fn length(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    pub fn whole(&mut self, id: i16, number: i64) {
        self.field(id, 6);
        self.length(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn text(&mut self, id: i16, text: &str) {
        self.field(id, 8);
        self.length(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    pub fn list(&mut self, id: i16, kind: u8, size: usize) {
        self.field(id, 9);
        self.bytes.push(0xf0 | kind);
        self.length(size as u64);
    }

    pub fn open(&mut self, id: i16) {
        self.field(id, 12);
        self.begin();
    }

    /// An item of a list of structs.
    pub fn begin(&mut self) {
        self.last.push(0);
    }

    pub fn end(&mut self) {
        self.last.pop();
        self.bytes.push(0);
    }
}
