//! Purchases that say what is not so: each ends with exit code 3 and a message that says what, where and what to do; no plan folder is
//! left behind, and the plan that was there stays as it was.

use crate::fuzz::hand::{Hand, Page, texts};
use crate::small_shop::{DATE, Shop};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// Every file of the runs with its content, save what SQLite and the lock keep beside.
fn runs(shop: &Shop) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![shop.path("runs/small")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// A shop whose plan of the day before is there, and whose purchases are then made anew by `put`.
fn refuses(put: impl FnOnce(&Shop), words: &[&str]) {
    let shop = Shop::new(4);
    fs::write(shop.path("purchases.parquet"), Hand::purchases(3, 4).bytes()).unwrap();
    shop.call(&["plan", "--as-of", "2026-11-30", "-q"], 0);
    let before = runs(&shop);
    fs::remove_file(shop.path("purchases.parquet")).unwrap();
    put(&shop);
    let told = shop.command(&["plan", "--as-of", DATE, "-q"]).output().unwrap();
    let err = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(3), "{err}");
    for word in words {
        assert!(err.contains(word), "`{word}` is not in: {err}");
    }
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(told.stdout.is_empty(), "{}", String::from_utf8_lossy(&told.stdout));
    assert_eq!(runs(&shop), before, "nothing came of it, and the plan that was there is whole");
    assert!(!shop.path(&format!("runs/small/{DATE}")).exists());
}

fn file(bytes: Vec<u8>) -> impl FnOnce(&Shop) {
    move |shop| fs::write(shop.path("purchases.parquet"), bytes).unwrap()
}

fn changed(change: impl FnOnce(&mut Hand)) -> impl FnOnce(&Shop) {
    let mut hand = Hand::purchases(3, 4);
    change(&mut hand);
    file(hand.bytes())
}

#[test]
fn a_row_group_with_a_wrong_checksum_in_the_middle() {
    refuses(
        changed(|hand| hand.page(1, 2).crc = Some(7)),
        &["`purchases.parquet` is damaged: row group 2, column `amount`:", "checksum", "write it anew"],
    );
}

#[test]
fn a_page_whose_bytes_are_not_what_its_writer_meant() {
    // A text whose length points behind the page.
    refuses(
        changed(|hand| *hand.page(2, 0) = Page::plain(4, [texts(["a", "b", "c"]), vec![255, 0, 0, 0]].concat())),
        &["`purchases.parquet` is damaged: row group 3", "write it anew"],
    );
}

#[test]
fn a_file_that_is_cut_short() {
    let whole = Hand::purchases(3, 4).bytes();
    refuses(file(whole[..whole.len() / 2].to_vec()), &["`purchases.parquet` is not a Parquet file", "cut short", "write it anew"]);
    refuses(file(Vec::new()), &["`purchases.parquet` is not a Parquet file (it is empty)"]);
}

#[test]
fn a_footer_that_promises_more_rows_than_there_are() {
    refuses(
        changed(|hand| hand.groups[1].rows = 1_000_000),
        &["`purchases.parquet` is damaged: row group 2, column `customer`: its pages hold 4 values where the footer promises 1,000,000"],
    );
    refuses(
        changed(|hand| hand.groups[1].rows = 1 << 50),
        &["`purchases.parquet` would take more memory or time", "rows in", "write it anew"],
    );
}

#[test]
fn a_page_and_a_dictionary_that_promise_two_gigabytes() {
    refuses(
        changed(|hand| hand.page(0, 1).unpacked = Some(i64::from(i32::MAX))),
        &["row group 1, column `at`: a page has 2,147,483,647 bytes, more than the 268,435,456 allowed", "write it anew"],
    );
    refuses(
        changed(|hand| {
            let dictionary = Page { kind: 2, unpacked: Some(i64::from(i32::MAX)), ..Page::plain(1, texts(["c001"])) };
            hand.groups[0].chunks[0].pages.insert(0, dictionary);
        }),
        &["row group 1, column `customer`: a dictionary has 2,147,483,647 bytes"],
    );
}

#[test]
fn what_is_no_file_or_cannot_be_read() {
    // A folder of that name holds no files: a folder of purchases may have any name.
    refuses(|shop| fs::create_dir(shop.path("purchases.parquet")).unwrap(), &["`purchases.parquet` holds no Parquet file", "[purchases]"]);
    // Where a file's rights do not let us read it, the system says so as it does here, also to those whom no rights hold back.
    refuses(|shop| symlink("/proc/self/mem", shop.path("purchases.parquet")).unwrap(), &["purchases.parquet"]);
    refuses(|shop| symlink("purchases.parquet", shop.path("purchases.parquet")).unwrap(), &["`purchases.parquet`", "[purchases]"]);
}
