//! Pages whose packed bytes give more than their head says: two of the decoders go on until there is no memory left.

use super::Flaw;
use super::pages::{Chunk, Head, LARGEST_PAGE};
use parquet::basic::Compression;
use std::io::{self, Read, Seek, SeekFrom};

/// No byte of these gives more.
const GZIP_RATIO: u64 = 1032;
const LZ4_RATIO: u64 = 255;

/// Unpacks a page that could be one of them, and keeps nothing. Pages too small for it are left to the reader, and bytes that cannot be
/// unpacked too.
pub(super) fn check(chunk: &Chunk<'_>, head: &Head, at: u64) -> Result<(), Flaw> {
    let ratio = match chunk.about.compression() {
        Compression::GZIP(_) => GZIP_RATIO,
        Compression::LZ4 => LZ4_RATIO,
        // The others write into a space of the size that the head says.
        _ => return Ok(()),
    };
    let packed = head.packed.saturating_sub(head.levels);
    if packed.saturating_mul(ratio) <= LARGEST_PAGE {
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
