//! Pools of coupon codes that were made elsewhere: one code in a row, from CSV.

use super::error::{Error, relative_name};
use super::table::{open, unchanged};
use super::{Input, csv};
use crate::domain::coupon::{LONGEST_CODE, folded};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The job's key, for messages about the file as such.
const KEY: &str = "`from` in `code` of the offer";

/// First cells that are the name of a column. Whoever writes a list of codes with a head calls it one of these.
const HEADS: [&str; 8] = ["code", "codes", "coupon", "coupon_code", "coupon code", "コード", "クーポン", "クーポンコード"];

/// The codes of one file, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// The path as the job writes it.
    pub written: String,
    pub codes: Vec<String>,
}

/// Reads the pools that a job names, each file once. A code that is there twice, in one file or in two, is an error: two customers would
/// get it.
pub fn pools(written: &[&str], base: &Path) -> Result<(Vec<Pool>, Vec<Input>), Error> {
    let mut files: Vec<&str> = written.to_vec();
    files.sort_unstable();
    files.dedup();
    one_spelling(&files, base)?;
    let (mut pools, mut inputs) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, (String, u64)> = HashMap::new();
    for file in files {
        let (pool, lines, input) = read(file, base)?;
        for (code, line) in pool.codes.iter().zip(lines) {
            if let Some((other, first)) = seen.insert(folded(code), (input.0.clone(), line)) {
                return Err(Error::CodeTwice {
                    code: code.clone(),
                    first: format!("`{other}` line {first}"),
                    again: format!("`{}` line {line}", input.0),
                });
            }
        }
        pools.push(pool);
        inputs.push(input);
    }
    Ok((pools, inputs))
}

/// Refuses a file that is named in two ways: its codes would be in two pools. One that is not there is told when it is read.
fn one_spelling(files: &[&str], base: &Path) -> Result<(), Error> {
    let mut known: HashMap<PathBuf, &str> = HashMap::new();
    for file in files {
        let Ok(path) = base.join(file).canonicalize() else { continue };
        if let Some(first) = known.insert(path, file) {
            return Err(Error::PoolTwice { first: first.to_owned(), again: (*file).to_owned() });
        }
    }
    Ok(())
}

/// One file: its codes, the line of each, and what identifies it.
fn read(written: &str, base: &Path) -> Result<(Pool, Vec<u64>, Input), Error> {
    let path = base.join(written);
    let name = relative_name(&path, base);
    let (file, before) = open(&path, &name, KEY)?;
    let (rows, digest) = unchanged(&path, &name, &before, || csv::rows(file, &path, &name, KEY))?;
    let mut pool = Pool { written: written.to_owned(), codes: Vec::new() };
    let mut lines = Vec::new();
    let head = rows.first().and_then(|(_, cells)| {
        let is_head = |cell: &String| HEADS.contains(&cell.trim().to_lowercase().as_str());
        cells.iter().position(|cell| cell.trim().eq_ignore_ascii_case("code")).or_else(|| cells.iter().position(is_head))
    });
    for (line, cells) in rows.iter().skip(usize::from(head.is_some())) {
        let code = cells.get(head.unwrap_or(0)).map_or("", |cell| cell.trim());
        let wrong = |what: String| Error::Line { file: name.clone(), line: *line, what };
        if code.is_empty() {
            return Err(wrong("has no code; write one, or take the row out".to_owned()));
        }
        if code.len() > LONGEST_CODE {
            return Err(wrong(format!("has a code of more than {LONGEST_CODE} bytes; customers type it")));
        }
        if code.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
            return Err(wrong("has a code with a blank or a control character in it; customers type it".to_owned()));
        }
        pool.codes.push(code.to_owned());
        lines.push(*line);
    }
    Ok((pool, lines, (name, digest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn pool(bytes: &[u8]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("p.csv"), bytes).unwrap();
        let read = pools(&["p.csv"], folder.path()).map_err(|error| error.to_string())?;
        assert_eq!(read.1[0].0, "p.csv");
        Ok(read.0[0].codes.clone())
    }

    #[test]
    fn a_head_is_optional_and_any_encoding_reads() {
        for text in
            ["AB-1\nAB-2\n", "code\nAB-1\nAB-2", "\u{feff}Code,note\r\nAB-1,x\r\n\r\n AB-2 ,\"y, z\"\r\n", "note\tcode\nx\tAB-1\ny\tAB-2\n"]
        {
            assert_eq!(pool(text.as_bytes()).unwrap(), ["AB-1", "AB-2"], "{text:?}");
        }
        let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("クーポンコード,備考\nAB-1,春\nAB-2,夏\n");
        assert_eq!(pool(&japanese).unwrap(), ["AB-1", "AB-2"]);
        assert_eq!(pool(b"").unwrap(), [""; 0]);
        assert_eq!(pool(b"code\n").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_no_code_is_told_with_its_line() {
        for (text, told) in [
            ("code\nA\n\nA\n", "`p.csv` line 2 and again in `p.csv` line 4"),
            ("abc\nABC\n", "line 1 and again in `p.csv` line 2"),
            ("code,note\n,x\n", "line 2 has no code"),
            ("A\n\"\"\n", "line 2 has no code"),
            ("A\nB C\n", "line 2 has a code with a blank"),
            ("A\n\"B\nC\"\n", "line 2 has a line break within a cell"),
            ("A\nB\u{7}\n", "line 2 has a code with a blank or a control"),
            (&format!("A\n{}\n", "x".repeat(65)), "line 2 has a code of more than 64 bytes"),
            ("note,code\nx\n", "line 2 has no code"),
        ] {
            let error = pool(text.as_bytes()).unwrap_err();
            assert!(error.contains(told), "{text:?}: {error}");
        }
    }

    #[test]
    fn two_pools_share_no_code_and_one_file_is_one_pool() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), "A\nB\n").unwrap();
        fs::write(folder.path().join("b.csv"), "C\n b\n").unwrap();
        let error = pools(&["a.csv", "b.csv"], folder.path()).unwrap_err().to_string();
        assert!(error.contains("`a.csv` line 2 and again in `b.csv` line 2"), "{error}");
        assert_eq!(pools(&["a.csv", "a.csv"], folder.path()).unwrap().0.len(), 1);
        let missing = pools(&["none.csv"], folder.path()).unwrap_err().to_string();
        assert!(missing.contains("none.csv") && missing.contains("code"), "{missing}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'a'), any::<u8>()], 0..60)) {
            if let Ok(codes) = pool(&bytes) {
                prop_assert!(codes.iter().all(|code| !code.is_empty() && code.len() <= 64));
            }
        }
    }
}
