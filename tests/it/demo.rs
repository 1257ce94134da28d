//! The demo shop's committed files are what its generator makes.

#[path = "../../testdata/demo_shop.rs"]
mod demo_shop;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// Every Parquet file below a folder, by its path from there.
fn read_files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for path in glob::glob(&folder.join("**/*.parquet").to_string_lossy())? {
        let path = path?;
        files.insert(path.strip_prefix(folder)?.to_string_lossy().into_owned(), std::fs::read(&path)?);
    }
    Ok(files)
}

#[test]
fn the_committed_shop_is_what_the_generator_makes() {
    let made = tempfile::tempdir().unwrap();
    demo_shop::write_shop(made.path()).unwrap();
    let made = read_files(made.path()).unwrap();
    let committed = read_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")).unwrap();

    assert_eq!(committed.len(), 26, "customers, products and 24 months");
    assert_eq!(made.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (path, bytes) in &made {
        assert!(committed[path] == *bytes, "{path} differs; run: cargo run --example demo_shop -- testdata");
    }
    let total: usize = committed.values().map(Vec::len).sum();
    assert!(total < 1_000_000, "the shop stays small: {total} bytes");
}
