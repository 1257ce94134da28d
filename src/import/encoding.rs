//! Which of the two encodings a CSV has.

use super::error::Error;
use encoding_rs::SHIFT_JIS;
use std::borrow::Cow;
use std::io::{BufRead, Read, Seek, SeekFrom};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Cp932,
}

/// Lines are looked at in pieces of this size at most.
const PIECE: u64 = 1 << 20;
/// The mark that some programs put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Cp932 => "CP932",
        }
    }

    /// The text of a field.
    pub fn decode(self, field: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => std::str::from_utf8(field).ok().map(Cow::Borrowed),
            Self::Cp932 => SHIFT_JIS.decode_without_bom_handling_and_without_replacement(field),
        }
    }
}

/// Goes behind the mark of UTF-8, which some programs write twice, and behind a first line `sep=;` for Excel. Gives the delimiter that
/// such a line names.
pub fn pass_start(file: &mut (impl Read + Seek)) -> std::io::Result<Option<u8>> {
    let mut start = Vec::new();
    Read::take(&mut *file, 64).read_to_end(&mut start)?;
    let mut rest = start.as_slice();
    while let Some(behind) = rest.strip_prefix(MARK) {
        rest = behind;
    }
    let mut delimiter = None;
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', named @ (b',' | b';' | b'\t'), line_end @ (b'\r' | b'\n'), behind @ ..] = rest {
        delimiter = Some(*named);
        rest = if *line_end == b'\r' { behind.strip_prefix(b"\n").unwrap_or(behind) } else { behind };
    }
    file.seek(SeekFrom::Start((start.len() - rest.len()) as u64))?;
    Ok(delimiter)
}

/// What a look through a file told.
#[derive(Debug, Default)]
pub struct Looked {
    start: Vec<u8>,
    /// What parts the cells of the first line that is not empty.
    pub delimiter: u8,
    /// Lines with other letters than ASCII that are UTF-8, and that are not.
    good: u64,
    bad: u64,
    /// Those of the latter that are no CP932 either, and the first of them.
    strange: u64,
    first_strange: u64,
}

/// Looks through a whole file.
pub fn look(source: &mut impl BufRead) -> std::io::Result<Looked> {
    let mut looked = Looked { start: source.fill_buf()?.iter().take(4).copied().collect(), ..Looked::default() };
    let (mut piece, mut line, mut begun) = (Vec::new(), 1_u64, false);
    loop {
        piece.clear();
        if Read::take(&mut *source, PIECE).read_until(b'\n', &mut piece)? == 0 {
            return Ok(looked);
        }
        if !begun && piece.iter().any(|byte| !byte.is_ascii_whitespace()) {
            begun = true;
            // Where a comma stands before fractions, semicolons part cells.
            looked.delimiter = [b',', b'\t', b';'].into_iter().find(|mark| piece.contains(mark)).unwrap_or(b',');
        }
        if !piece.is_ascii() {
            looked.weigh(&piece, line);
        }
        line += u64::from(piece.ends_with(b"\n"));
    }
}

impl Looked {
    fn weigh(&mut self, piece: &[u8], line: u64) {
        if std::str::from_utf8(piece).is_ok() {
            self.good += 1;
            return;
        }
        self.bad += 1;
        if Encoding::Cp932.decode(piece).is_none() {
            if self.strange == 0 {
                self.first_strange = line;
            }
            self.strange += 1;
        }
    }

    /// A mark decides, else most lines do: damaged UTF-8 often passes as CP932 nonsense.
    pub fn encoding(&self, file: &str) -> Result<Encoding, Error> {
        let other = |what, help| Err(Error::Other { file: file.to_owned(), what, help });
        match self.start.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return other("UTF-16", "save it as UTF-8 or CP932"),
            b"PAR1" => return other("Parquet already", "name it, or its folder, as `path` in [purchases]"),
            b"PK\x03\x04" => return other("a workbook or another archive", "save the sheet as CSV"),
            [0xef, 0xbb, 0xbf, ..] => return Ok(Encoding::Utf8),
            _ => {}
        }
        if self.bad == 0 || self.good > self.bad {
            Ok(Encoding::Utf8)
        } else if self.strange * 2 > self.bad {
            Err(Error::Encoding { file: file.to_owned(), line: self.first_strange })
        } else {
            Ok(Encoding::Cp932)
        }
    }
}
