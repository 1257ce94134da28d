//! Files whose footer or pages say what is not so.

#[path = "../../testdata/fuzz/hand.rs"]
mod hand;

use super::*;
use hand::{Chunk, Column, Hand, Page, Thrift, texts};
use std::io::Write;
use std::time::{Duration, Instant};

const FIXED: i64 = 7;
const SNAPPY: i64 = 1;
const GZIP: i64 = 2;

/// Passes the gate as a room does: footer, then all pages. Nothing that is refused may take long.
fn pass(bytes: &[u8]) -> Result<Footer, Flaw> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let began = Instant::now();
    let passed = (|| {
        let (size, bytes) = Footer::read(&file)?;
        let footer = Footer::of(&bytes, size)?;
        for group in 0..footer.metadata.num_row_groups() {
            footer.check_pages(&file, group, &[0, 1, 2])?;
        }
        Ok(footer)
    })();
    assert!(began.elapsed() < Duration::from_secs(5));
    passed
}

fn damaged(hand: &Hand) -> String {
    match pass(&hand.bytes()) {
        Err(Flaw::Damaged(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn too_much(hand: &Hand) -> String {
    match pass(&hand.bytes()) {
        Err(Flaw::TooMuch(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn shop() -> Hand {
    Hand::purchases(3, 4)
}

#[test]
fn a_sound_file_passes() {
    let footer = pass(&shop().bytes()).unwrap();
    assert_eq!((footer.rows(), footer.values(&[0, 2]), footer.leaves(&[1])), (12, 24, vec![1]));
}

#[test]
fn what_is_no_parquet_is_told() {
    for (bytes, reason) in [
        (&b""[..], "it is empty"),
        (b"PAR1PAR1", "it is too short"),
        (b"PAR1\x01\0\0\0\x00\0\0\0PARE", "it is encrypted"),
        (b"PAR1 and so on, but no end", "cut short"),
        (b"PAR1\x00\xff\xff\xff\x7fPAR1", "larger than it can be"),
        (b"PAR1\x00\x02\0\0\0PAR1", "larger than it can be"),
    ] {
        let flaw = pass(bytes).unwrap_err();
        assert!(matches!(flaw, Flaw::NotParquet(_)) && flaw.to_string().contains(reason), "{flaw}");
    }
    let whole = shop().bytes();
    for cut in 0..whole.len() {
        assert!(pass(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_page_that_promises_two_gigabytes() {
    let mut hand = shop();
    hand.page(1, 2).unpacked = Some(i64::from(i32::MAX));
    assert_eq!(too_much(&hand), "row group 2, column `amount`: a page has 2,147,483,647 bytes, more than the 268,435,456 allowed");
    hand.page(1, 2).unpacked = Some(-5);
    assert_eq!(damaged(&hand), "row group 2, column `amount`: the head of a page has a negative number");
    let mut hand = shop();
    hand.page(0, 0).packed = Some(100_000);
    assert!(damaged(&hand).contains("row group 1, column `customer`: a page is longer than what is left of the column"));
}

#[test]
fn a_page_that_cannot_unpack_to_what_it_promises() {
    let mut hand = shop();
    hand.groups[0].chunks[1].codec = SNAPPY;
    hand.page(0, 1).unpacked = Some(200 << 20);
    assert!(damaged(&hand).contains("row group 1, column `at`: a page of 32 bytes promises to unpack to 209,715,200"));
}

#[test]
fn a_page_that_unpacks_to_more_than_it_promises() {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![0; 1 << 16]).unwrap();
    let packed = member.finish().unwrap().repeat(4_000);
    let mut hand = shop();
    let chunk = &mut hand.groups[2].chunks[1];
    *chunk = Chunk { codec: GZIP, values: 4, pages: vec![Page { unpacked: Some(32), ..Page::plain(4, packed) }] };
    assert_eq!(damaged(&hand), "row group 3, column `at`: a page unpacks to more bytes than its head says");
}

#[test]
fn a_dictionary_of_two_gigabytes_and_one_of_more_values_than_bytes() {
    let mut hand = shop();
    let dictionary = Page { kind: 2, ..Page::plain(1, texts(["c001"])) };
    let mut indices = Page::plain(4, vec![1, 8, 0]);
    indices.encoding = 8;
    hand.groups[0].chunks[0].pages = vec![dictionary, indices];
    assert!(pass(&hand.bytes()).is_ok());
    hand.page(0, 0).values = 3;
    assert_eq!(damaged(&hand), "row group 1, column `customer`: its dictionary promises 3 values, more than it has room for");
    hand.page(0, 0).unpacked = Some(i64::from(i32::MAX));
    assert!(too_much(&hand).contains("row group 1, column `customer`: a dictionary has 2,147,483,647 bytes"));
}

#[test]
fn rows_that_are_not_there() {
    let mut hand = shop();
    hand.groups[1].rows = 5;
    assert_eq!(damaged(&hand), "row group 2, column `customer`: its pages hold 4 values where the footer promises 5");
    hand.groups[1].rows = 3;
    assert!(damaged(&hand).contains("4 values where the footer promises 3"));
    hand.groups[1].rows = -1;
    assert_eq!(damaged(&hand), "row group 2 has a negative number of rows");
    hand.groups[1].rows = 1 << 40;
    assert!(too_much(&hand).contains("its footer promises 1,099,511,627,784 rows in"));
    let mut hand = shop();
    hand.page(0, 1).values = i64::from(i32::MAX);
    assert!(damaged(&hand).contains("2,147,483,647 values where the footer promises 4"));
    hand.groups[0].chunks[1].values = -1;
    assert!(damaged(&hand).contains("pages that are not in the file"));
}

#[test]
fn columns_that_would_be_reserved_for_or_walked_down_into() {
    let mut hand = shop();
    hand.roots = Some(i64::from(i32::MAX));
    assert!(damaged(&hand).contains("a column has more columns in it than there are"));
    let mut hand = shop();
    hand.depth = 50_000;
    assert!(damaged(&hand).contains("columns lie more than 64 deep in each other"));
    hand.depth = 20;
    assert!(pass(&hand.bytes()).is_ok());
    let mut hand = shop();
    hand.columns[0] = Column { name: "customer", physical: FIXED, converted: None, length: Some(i64::from(i32::MAX)) };
    assert!(too_much(&hand).contains("row group 1, column `customer`: each value has 2147483647 bytes"));
}

#[test]
fn texts_as_differences_whose_lengths_are_not_so() {
    // Blocks of 128 numbers in 4 parts, so many of them, the first; then one block whose parts take no bits: all are the same.
    let lengths = |count: u64, first: u64| {
        let mut thrift = Thrift::default();
        for number in [128, 4, count, first << 1, 0] {
            thrift.length(number);
        }
        thrift.bytes.extend([0, 0, 0, 0]);
        thrift.bytes
    };
    let mut hand = shop();
    let page = |encoding, body| Page { encoding, ..Page::plain(4, body) };
    *hand.page(0, 0) = page(6, [lengths(4, 2), b"aabbccdd".to_vec()].concat());
    assert!(pass(&hand.bytes()).is_ok());
    *hand.page(0, 0) = page(6, lengths(1 << 40, 0));
    assert_eq!(damaged(&hand), "row group 1, column `customer`: a page promises more texts than it has room for");
    // Each begins as the one before it, which is how a few bytes become many.
    *hand.page(0, 0) = page(7, [lengths(4, 100 << 20), lengths(4, 0)].concat());
    assert_eq!(too_much(&hand), "row group 1, column `customer`: the texts of a page are too long all together");
}

#[test]
fn the_column_that_cannot_be_unpacked_is_found() {
    let mut hand = shop();
    hand.page(2, 1).crc = Some(1);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&hand.bytes()).unwrap();
    let footer = pass(&hand.bytes()).unwrap();
    assert_eq!(footer.culprit(&file, 2, &[0, 1, 2]), Some("at".to_owned()));
    assert_eq!(footer.culprit(&file, 1, &[0, 1, 2]), None);
}
