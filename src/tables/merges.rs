//! The list of merged customers: an old id and a new one in each row.

use super::Input;
use super::error::Error;
use super::table::{self, IDS, Wanted};
use crate::domain::Zone;
use crate::domain::merges::{MergeError, Merges};
use crate::domain::text::unmarked;
use std::path::Path;

/// Names by which a header is known; a CSV may also begin with its first pair.
const OLD: [&str; 6] = ["old", "old_id", "from", "旧", "旧id", "旧顧客id"];
const NEW: [&str; 6] = ["new", "new_id", "to", "新", "新id", "新顧客id"];

/// Reads which ids were merged into which.
pub fn merges(path: &Path, base: &Path) -> Result<(Merges, Input), Error> {
    let wanted = Wanted { key: "`merged` in [customers]", zone: Zone(chrono_tz::UTC), only: None };
    let table = match table::read(path, base, wanted) {
        // A shop without merges has no first row either.
        Err(Error::Empty { file }) => return Ok((Merges::default(), (file, blake3::hash(&[]).to_hex().to_string()))),
        found => found,
    };
    let table = table.map_err(|error| match error {
        Error::ColumnTwice { file, column } => Error::MergeItself { file, id: column },
        other => other,
    })?;
    let among = |names: &[&str]| table.columns.iter().position(|column| names.contains(&column.name.to_lowercase().as_str()));
    let (old, new, headed) = match (among(&OLD), among(&NEW), table.columns.len()) {
        (Some(old), Some(new), _) => (old, new, true),
        (_, _, 2) => (0, 1, !table.places.are_lines()),
        _ => return Err(Error::MergeColumns { file: table.file.clone() }),
    };
    let [old, new] = [old, new].map(|at| &table.columns[at]);
    for column in [old, new] {
        if !column.fits(&IDS) {
            return Err(table.wrong_type(column, "[customers] merged", "text or whole numbers"));
        }
    }
    // Without a known header the first row is a pair like the others. A header of other words is one of ids that nobody has.
    let mut pairs = if headed { Vec::new() } else { vec![(unmarked(&old.name).to_owned(), unmarked(&new.name).to_owned())] };
    for (row, (old, new)) in table.ids(old)?.iter().zip(table.ids(new)?.iter()).enumerate() {
        match (old.is_empty(), new.is_empty()) {
            (false, false) => pairs.push((old.to_owned(), new.to_owned())),
            (true, true) => {}
            _ => return Err(Error::MergeHalf { file: table.file.clone(), place: table.place(row) }),
        }
    }
    let file = table.file.clone();
    let merges = Merges::new(pairs).map_err(|error| match error {
        MergeError::Circle(ids) => Error::MergeCircle { file, ids: ids.join(" → ") },
        MergeError::Two { old, first, second } => Error::MergeTwo { file, old, first, second },
    })?;
    Ok((merges, (table.file, table.digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Merges, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("merges.csv");
        std::fs::write(&path, bytes).unwrap();
        merges(&path, folder.path()).map(|(merges, _)| merges).map_err(|error| error.to_string())
    }

    #[test]
    fn a_header_is_known_or_left_out() {
        for text in ["a,b\nb,c\n", "old,new\na,b\nb,c\n", "新ID,旧ID,メモ\nb,a,x\nc,b,\n", "顧客,統合先\na,b\nb,c\n", " a , b\nb ,c　\n"]
        {
            assert_eq!(read(text.as_bytes()).unwrap().present("a"), "c", "{text}");
        }
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode("旧,新\n山1,川2\n");
        assert_eq!(read(&shift_jis).unwrap().present("山1"), "川2");
    }

    #[test]
    fn a_file_without_a_row_merges_nobody() {
        for text in ["", "\n", "old,new\n"] {
            assert!(read(text.as_bytes()).unwrap().is_empty(), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_merged_is_named() {
        for (text, words) in [
            ("old,new\na,b\nb,a\n", "`merges.csv` merges customers in a circle: a → b"),
            ("old,new\na,b\na,c\n", "merges `a` into `b` and into `c`"),
            ("old,new\na,\n", "line 2"),
            ("a,b,c\n1,2,3\n", "must have two columns"),
            ("a,a\n", "without a header it would merge `a` into itself"),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let away = merges(Path::new("no/such/merges.csv"), Path::new(".")).unwrap_err().to_string();
        assert!(away.contains("look at `merged` in [customers]"), "{away}");
    }
}
