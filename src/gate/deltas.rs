//! Texts that are packed as differences: lengths and shared beginnings stand in the page itself, and the reader reserves memory by them.

use super::pages::{Chunk, LARGEST_PAGE};
use super::{Flaw, watched};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

/// Whether pages of an encoding, as their heads number it, are to be looked at: `DELTA_LENGTH_BYTE_ARRAY` and `DELTA_BYTE_ARRAY`.
pub(super) fn holds(encoding: i64) -> bool {
    matches!(encoding, 6 | 7)
}

/// Unpacks the pages of a column and looks at the lengths in those that are packed so.
pub(super) fn check(chunk: &Chunk<'_>) -> Result<(), Flaw> {
    let file = Arc::new(chunk.file.try_clone()?);
    let levels = chunk.about.column_descr();
    let levels = (levels.max_rep_level() > 0, levels.max_def_level() > 0);
    let wrong = |error: &dyn std::fmt::Display| chunk.damaged(&error.to_string());
    let opened = watched(|| SerializedPageReader::new(file, chunk.about, 0, None)).map_err(|error| wrong(&error))?;
    let mut pages = opened.map_err(|error| wrong(&error))?;
    while let Some(page) = watched(|| pages.get_next_page()).map_err(|error| wrong(&error))?.map_err(|error| wrong(&error))? {
        let has_beginnings = match page.encoding() {
            _ if page.is_dictionary_page() => continue,
            Encoding::DELTA_LENGTH_BYTE_ARRAY => false,
            Encoding::DELTA_BYTE_ARRAY => true,
            _ => continue,
        };
        let values = values_of(&page, levels);
        if values.is_some_and(<[u8]>::is_empty) {
            continue;
        }
        let lengths = values.and_then(|values| lengths(values, page.num_values().into(), has_beginnings));
        match lengths {
            None => return Err(chunk.damaged("a page promises more texts than it has room for")),
            Some(sum) if sum > LARGEST_PAGE => return Err(chunk.too_much("the texts of a page are too long all together")),
            Some(_) => {}
        }
    }
    Ok(())
}

/// The length of all texts of a page. `None` when it cannot be as many as it says.
fn lengths(values: &[u8], most: u64, has_beginnings: bool) -> Option<u64> {
    let first = Lengths::read(values, most)?;
    if !has_beginnings {
        return Some(first.sum);
    }
    let second = Lengths::read(values.get(first.end..)?, most)?;
    Some(first.sum.saturating_add(second.sum))
}

/// The bytes of a data page behind its levels.
fn values_of(page: &Page, (lists, nulls): (bool, bool)) -> Option<&[u8]> {
    match page {
        Page::DataPage { buf, .. } => {
            let mut bytes: &[u8] = buf;
            for _ in 0..usize::from(lists) + usize::from(nulls) {
                let (length, rest) = bytes.split_first_chunk()?;
                bytes = rest.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..)?;
            }
            Some(bytes)
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let levels = usize::try_from(u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)).ok()?;
            buf.get(levels..)
        }
        Page::DictionaryPage { .. } => None,
    }
}

/// Numbers that are packed as differences, in blocks.
struct Lengths {
    sum: u64,
    /// Where the bytes behind them begin.
    end: usize,
}

impl Lengths {
    /// `None` when they are more than `most`, or not there.
    fn read(bytes: &[u8], most: u64) -> Option<Self> {
        let mut bits = Bits { bytes, at: 0 };
        let (block, minis, count) = (bits.number()?, bits.number()?, bits.number()?);
        let mut last = bits.signed()?;
        if count > most || minis == 0 || !block.is_multiple_of(minis) || !(block / minis).is_multiple_of(32) || block == 0 {
            return None;
        }
        let (minis, each) = (usize::try_from(minis).ok()?, usize::try_from(block / minis).ok()?);
        let mut left = count;
        let mut sum = 0_u64;
        if left > 0 {
            sum = sum.saturating_add(length(last));
            left -= 1;
        }
        while left > 0 {
            let smallest = bits.signed()?;
            let widths = bytes.get(bits.at..bits.at.checked_add(minis)?)?;
            bits.at += minis;
            for &width in widths {
                if left == 0 {
                    break;
                }
                let packed = bytes.get(bits.at..bits.at.checked_add(each.checked_mul(width.into())? / 8)?)?;
                bits.at += packed.len();
                let taken = left.min(each as u64);
                for place in 0..usize::try_from(taken).ok()? {
                    last = last.wrapping_add(smallest).wrapping_add(unpacked(packed, place, width)?);
                    sum = sum.saturating_add(length(last));
                }
                left -= taken;
            }
        }
        Some(Self { sum, end: bits.at })
    }
}

/// Lengths are whole numbers of 32 bits; the reader refuses negative ones.
#[expect(clippy::cast_possible_truncation, reason = "the reader counts in 32 bits, and so do these")]
fn length(number: i64) -> u64 {
    u64::try_from(number as i32).unwrap_or(0)
}

/// The number at a place among numbers of `width` bits.
fn unpacked(bytes: &[u8], place: usize, width: u8) -> Option<i64> {
    let width = usize::from(width);
    if width > 64 {
        return None;
    }
    let mut number = 0_u64;
    let start = place.checked_mul(width)?;
    let mut done = 0;
    while done < width {
        let bit = start + done;
        let byte = u64::from(*bytes.get(bit / 8)?) >> (bit % 8);
        let taken = (8 - bit % 8).min(width - done);
        number |= (byte & ((1 << taken) - 1)) << done;
        done += taken;
    }
    Some(number.cast_signed())
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_add_up() {
        // One block of 128 in 4 parts of 32: 5, 7, 4; differences 2 and -3, so the least is -3 and what is packed 5 and 0, in 3 bits.
        let mut bytes = vec![0x80, 0x01, 4, 3, 10, 5, 3, 0, 0, 0];
        bytes.extend([5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99]);
        let lengths = Lengths::read(&bytes, 3).unwrap();
        assert_eq!((lengths.sum, lengths.end), (16, bytes.len() - 1));
        assert!(Lengths::read(&bytes, 2).is_none(), "more than the page has values");
        assert!(Lengths::read(&bytes[..bytes.len() - 3], 3).is_none(), "cut short");
    }
}
