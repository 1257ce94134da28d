//! Stop lists: in the first column of each row a customer id or a mail address. A heading is an id that nobody has.

use super::address::judge_written;
use super::csv;
use super::error::{Error, relative_name};
use super::table::{open, unchanged};
use crate::domain::stop::{StopList, Stopped};
use crate::domain::text::unmarked;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The job's key, for messages about the files as such.
const KEY: &str = "`files` in [stop]";

/// A file as it was when it was looked at.
type Stamp = (PathBuf, u64, Option<SystemTime>);

/// The stop lists of a job, which may change at any time.
#[derive(Debug)]
pub struct StopFiles {
    /// Files and patterns, as the job writes them.
    written: Vec<String>,
    base: PathBuf,
    /// None before the first look, and after one that failed.
    seen: Option<Vec<Stamp>>,
}

impl StopFiles {
    #[must_use]
    pub fn new(written: &[String], base: &Path) -> Self {
        Self { written: written.to_vec(), base: base.to_owned(), seen: None }
    }

    /// Everybody on the lists, when they are not as they were at the last look.
    ///
    /// # Errors
    /// A file cannot be read, is not there, or changes while it is read. The next look begins anew.
    pub fn changed(&mut self) -> Result<Option<StopList>, Error> {
        let stamps = self.stamps()?;
        if self.seen.as_ref() == Some(&stamps) {
            return Ok(None);
        }
        self.seen = None;
        let mut list = StopList::default();
        for (path, ..) in &stamps {
            for stopped in stopped(path, &self.base, KEY)? {
                match stopped {
                    Stopped::Customer(id) => list.customers.insert(id),
                    Stopped::Address(address) => list.addresses.insert(address),
                };
            }
        }
        self.seen = Some(stamps);
        Ok(Some(list))
    }

    /// Where the files are that there are now.
    ///
    /// # Errors
    /// A file that is named is not there, or a pattern makes no sense.
    pub fn paths(&self) -> Result<Vec<PathBuf>, Error> {
        Ok(self.stamps()?.into_iter().map(|(path, ..)| path).collect())
    }

    /// The files that there are now. A pattern may match none yet, a file that is named must be there.
    fn stamps(&self) -> Result<Vec<Stamp>, Error> {
        let mut stamps = Vec::new();
        for written in &self.written {
            let path = self.base.join(written);
            let name = relative_name(&path, &self.base);
            let mut paths = vec![path.clone()];
            if !path.exists() && written.contains(['*', '?', '[']) {
                let unusable = |reason: &str| Error::StopPattern { pattern: name.clone(), reason: reason.to_owned() };
                let found = glob::glob(&path.to_string_lossy()).map_err(|error| unusable(error.msg))?;
                paths = found.collect::<Result<_, _>>().map_err(|error| unusable(&error.to_string()))?;
            }
            for path in paths {
                let io = |source| Error::Io { key: KEY, file: relative_name(&path, &self.base), source };
                let meta = std::fs::metadata(&path).map_err(io)?;
                stamps.push((path, meta.len(), meta.modified().ok()));
            }
        }
        Ok(stamps)
    }
}

/// First cells that are the name of a column, as shops and `optout export` write them.
const HEADS: [&str; 23] = [
    "who",
    "customer",
    "customers",
    "customer_id",
    "customer id",
    "customerid",
    "customer_or_address",
    "id",
    "member",
    "member_id",
    "email",
    "e-mail",
    "mail",
    "address",
    "mail_address",
    "email_address",
    "顧客",
    "顧客id",
    "顧客番号",
    "会員番号",
    "会員id",
    "メール",
    "メールアドレス",
];

/// Everybody whom a file names below its head, in its order. What has an @ in it is an address, cleaned as those of the customer list are,
/// and an id as well: some shops have such ids.
pub fn stopped(path: &Path, base: &Path, key: &'static str) -> Result<Vec<Stopped>, Error> {
    let name = relative_name(path, base);
    let (file, before) = open(path, &name, key)?;
    let (rows, _) = unchanged(path, &name, &before, || csv::rows(file, path, &name, key))?;
    let mut stopped = Vec::new();
    for (place, (line, cells)) in rows.iter().enumerate() {
        let who = cells.first().map_or("", |cell| cell.trim());
        if place == 0 && HEADS.contains(&who.to_lowercase().as_str()) {
            continue;
        }
        if who.contains(['@', '＠']) {
            let same = match judge_written(who).0.same() {
                Some(same) => same.into_owned(),
                // Taken as it stands it would stop nobody, and whoever is in it would go on getting mails.
                None if is_more_than_one(who) => return Err(Error::Line { file: name, line: *line, what: CROWDED.to_owned() }),
                None => who.to_lowercase(),
            };
            stopped.push(Stopped::Address(same));
        }
        // As the lists of customers and the imported purchases have it, and as other files may.
        let plain = unmarked(who);
        stopped.extend((!plain.is_empty()).then(|| Stopped::Customer(plain.to_owned())));
        if who != plain {
            stopped.push(Stopped::Customer(who.to_owned()));
        }
    }
    Ok(stopped)
}

/// What is told of a cell that holds more than one address.
const CROWDED: &str = "has more in its first cell than one mail address; write each address or customer id in a line of its own, and put what \
                       else is told of it behind a comma";

/// Whether a cell that is no address holds more than one word or more than one address.
fn is_more_than_one(cell: &str) -> bool {
    let parts = |letter: char| letter.is_whitespace() || matches!(letter, ';' | ',' | '；' | '，' | '、');
    cell.contains(parts) || cell.matches(['@', '＠']).nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn ids_and_addresses_are_read_from_the_first_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            stopped(&path, folder.path(), KEY).map_err(|error| error.to_string())
        };
        let id = |text: &str| Stopped::Customer(text.to_owned());
        let at = |text: &str| Stopped::Address(text.to_owned());
        assert_eq!(
            read("\u{feff}customer,why\nC1,moved\n\n\"A@B.example\",x\n,y\n".as_bytes()).unwrap(),
            [id("C1"), at("a@b.example"), id("A@B.example")]
        );
        assert_eq!(read(b"a..b@docomo.ne.jp\n").unwrap()[0], at("a..b@docomo.ne.jp"));
        assert_eq!(read(b"").unwrap(), []);
        assert_eq!(read(b"c004;2026-01-01\nc005;\n").unwrap(), [id("c004"), id("c005")]);
        let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("顧客\n山1\n");
        assert_eq!(read(&japanese).unwrap(), [id("山1")]);
        assert!(read(b"a\xff\xfe\x81").unwrap_err().contains("stop.csv"));
        let both = [id("0012"), id("=\"0012\""), id("0013"), id("'0013")];
        assert_eq!(read(b"=\"0012\"\n'0013\n").unwrap(), both, "as a spreadsheet writes ids, and as they stand");
    }

    #[test]
    fn a_head_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            stopped(&path, folder.path(), KEY).unwrap()
        };
        for head in ["customer_or_address,since\n", "\u{feff}Customer_ID\n", "メールアドレス\n", "会員ID,備考\n", ""] {
            assert_eq!(read(&format!("{head}c1\n")), [Stopped::Customer("c1".into())], "{head:?}");
        }
        assert_eq!(read("c1\nid\n").len(), 2, "only the first row can be a head");
    }

    #[test]
    fn addresses_are_known_however_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        for written in [
            "Taro <a@b.example>",
            "\"Taro Y\" <A@B.example>",
            "<a@b.example>",
            "mailto:a@b.example",
            "ａ＠ｂ．ｅｘａｍｐｌｅ",
            "a@b.example;2026-01-01",
            "a@b.example; ",
        ] {
            fs::write(&path, format!("{written}\nc001\n")).unwrap();
            let stopped = stopped(&path, folder.path(), KEY).unwrap();
            assert!(stopped.contains(&Stopped::Address("a@b.example".to_owned())), "{written}: {stopped:?}");
            assert!(stopped.contains(&Stopped::Customer("c001".to_owned())), "{written}: {stopped:?}");
        }
    }

    #[test]
    fn a_cell_with_more_than_one_address_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        for cell in [
            "ok-1@a.example;x",
            "a6@b.example a7@b.example",
            "a8@b.example;a9@b.example",
            "a@b.example@c.example",
            "a＠b.example、c＠d.example",
        ] {
            fs::write(&path, format!("email\nfirst@b.example\n{cell}\n")).unwrap();
            let told = stopped(&path, folder.path(), KEY).map_err(|error| error.to_string()).unwrap_err();
            assert!(told.contains("stop.csv") && told.contains("line 3") && told.contains("of its own"), "{cell}: {told}");
        }
        fs::write(&path, "email\nmember@7\n").unwrap();
        assert!(stopped(&path, folder.path(), KEY).unwrap().contains(&Stopped::Customer("member@7".to_owned())), "an id with an @");
    }

    #[test]
    fn a_quote_that_swallows_people_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        for list in ["c001\n\"c002\nc003\nc004\n", "c001,x\nc002,\"moved\nc003,\"gone\"\n", "c001,x\r\n\"c002\r\nc003\",y\r\n"] {
            fs::write(&path, list).unwrap();
            let told = stopped(&path, folder.path(), KEY).unwrap_err().to_string();
            assert!(told.contains("stop.csv") && told.contains("line 2") && told.contains("quote"), "{told}");
        }
    }

    #[test]
    fn lists_are_read_again_when_they_change_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = StopFiles::new(&["stop/*.csv".to_owned()], folder.path());
        assert_eq!(files.changed().unwrap(), Some(StopList::default()), "a pattern may match nothing yet");
        assert_eq!(files.changed().unwrap(), None);
        fs::create_dir(folder.path().join("stop")).unwrap();
        fs::write(folder.path().join("stop/a.csv"), "C1\n").unwrap();
        let list = files.changed().unwrap().unwrap();
        assert!(list.holds("C1", "") && !list.holds("C2", "") && !list.holds("", ""));
        assert_eq!(files.changed().unwrap(), None);
        fs::write(folder.path().join("stop/b.csv"), "x@b.example\n").unwrap();
        let list = files.changed().unwrap().unwrap();
        assert!(list.holds("C1", "") && list.holds("C9", "x@b.example"));
        fs::write(folder.path().join("stop/b.csv"), b"\xff\xff").unwrap();
        assert!(files.changed().is_err());
        assert!(files.changed().is_err(), "what cannot be read is not taken for unchanged");
        fs::remove_file(folder.path().join("stop/b.csv")).unwrap();
        assert!(!files.changed().unwrap().unwrap().holds("", "x@b.example"), "who is taken off is no longer stopped");
        let mut gone = StopFiles::new(&["none.csv".to_owned()], folder.path());
        assert!(gone.changed().unwrap_err().to_string().contains("none.csv"), "a file that is named must be there");
    }
}
