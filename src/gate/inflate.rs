//! Pages whose packed bytes cannot give what their head says: most decoders reserve memory for it, and two of them go on until there is
//! none left.

use super::pages::{Chunk, Head, LARGEST_PAGE};
use super::{Flaw, counted};
use parquet::basic::Compression;
use std::io::{self, Read, Seek, SeekFrom};

/// No byte of theirs gives more. What is no whole number of bytes is in `SLACK`.
const SNAPPY_RATIO: u64 = 64;
const LZ4_RATIO: u64 = 256;
const GZIP_RATIO: u64 = 1032;
const ZSTD_RATIO: u64 = 128 << 10;
const SLACK: u64 = 64 << 10;

/// Refuses a page that promises more than its bytes can give, and one that gives more than it promises. Bytes that cannot be unpacked
/// are left to the reader.
pub(super) fn check(chunk: &Chunk<'_>, head: &Head, at: u64) -> Result<(), Flaw> {
    let (ratio, is_bounded) = match chunk.about.compression() {
        Compression::SNAPPY => (SNAPPY_RATIO, true),
        Compression::LZ4_RAW => (LZ4_RATIO, true),
        Compression::ZSTD(_) => (ZSTD_RATIO, true),
        Compression::LZ4 => (LZ4_RATIO, false),
        Compression::GZIP(_) => (GZIP_RATIO, false),
        _ => return Ok(()),
    };
    let packed = head.packed.saturating_sub(head.levels);
    let most = packed.saturating_mul(ratio);
    if head.unpacked > most.saturating_add(head.levels).saturating_add(SLACK) {
        let (packed, unpacked) = (counted(packed), counted(head.unpacked));
        return Err(chunk.damaged(&format!("a page of {packed} bytes promises to unpack to {unpacked}")));
    }
    // The bounded ones write into a space of the size that the head says, and small pages can do no harm.
    if is_bounded || most <= LARGEST_PAGE {
        return Ok(());
    }
    let mut file = chunk.file;
    file.seek(SeekFrom::Start(at.saturating_add(head.levels)))?;
    let bytes = io::BufReader::new(file.take(packed));
    let most = head.unpacked;
    let too_long = match chunk.about.compression() {
        Compression::GZIP(_) => gives_more(flate2::bufread::MultiGzDecoder::new(bytes), most),
        _ => gives_more(lz4_flex::frame::FrameDecoder::new(bytes), most),
    };
    if too_long { Err(chunk.damaged("a page unpacks to more bytes than its head says")) } else { Ok(()) }
}

fn gives_more(unpacked: impl Read, most: u64) -> bool {
    let mut unpacked = unpacked.take(most.saturating_add(1));
    let mut count = 0;
    let mut piece = [0; 16 << 10];
    loop {
        match unpacked.read(&mut piece) {
            Ok(0) | Err(_) => return count > most,
            Ok(bytes) => count += bytes as u64,
        }
    }
}
