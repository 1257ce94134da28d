//! Mails from a Maildir, an mbox or a single file, one after the other and none of them whole if it is too long.

use super::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What is done with a mail: `None` is one that is too long.
pub type Take<'a> = dyn FnMut(Option<&[u8]>) -> Result<(), Error> + 'a;

/// Longer than any report; what is longer is passed over.
const LONGEST: usize = 10 << 20;

/// Hands each mail of a mailbox to `take`. A Maildir is read by the names of its files, `new` before
/// `cur`; any other folder as one of single mails.
pub fn each(path: &Path, take: &mut Take<'_>) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let kind = fs::metadata(path).map_err(failed)?;
    if kind.is_file() {
        return each_of_file(path, take);
    }
    // A pipe would be waited for, without end.
    if !kind.is_dir() {
        let path = path.display();
        return Err(Error::Usage(format!("`{path}` is no mailbox; name a Maildir, an mbox, a folder of mails or one mail")));
    }
    let (new, cur) = (path.join("new"), path.join("cur"));
    let folders = if new.is_dir() || cur.is_dir() { vec![new, cur] } else { vec![path.to_owned()] };
    for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
        for file in files(&folder)? {
            match each_of_file(&file, take) {
                // A mail program may move or remove a mail at any time.
                Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
    }
    Ok(())
}

/// The files in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::File { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() && !entry.file_name().to_string_lossy().starts_with('.') {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// An mbox begins with `From `; anything else is one mail.
fn each_of_file(path: &Path, take: &mut Take<'_>) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let is_mbox = lines.fill_buf().map_err(failed)?.starts_with(b"From ");
    let mut mail = Mail::default();
    let mut at_start = true;
    loop {
        let mut line = Vec::new();
        // A line without end comes in pieces; only the first piece is the beginning of a line.
        if lines.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        if is_mbox && at_start && line.starts_with(b"From ") {
            mail.hand_over(take)?;
        } else {
            // `>From ` stands for a line that begins with `From `, as in mboxrd.
            let quoted = is_mbox && at_start && is_quoted(&line);
            mail.add(if quoted { line.get(1..).unwrap_or_default() } else { &line });
        }
        at_start = line.ends_with(b"\n");
    }
    mail.hand_over(take)
}

/// Whether a line is `From ` behind at least one `>`.
fn is_quoted(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|byte| **byte == b'>').count();
    marks > 0 && line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
}

/// A mail that is being read.
#[derive(Default)]
struct Mail {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Mail {
    fn add(&mut self, line: &[u8]) {
        self.is_too_long = self.is_too_long || self.bytes.len() + line.len() > LONGEST;
        if !self.is_too_long {
            self.bytes.extend_from_slice(line);
        }
    }

    /// Gives away what was read, if anything was, and begins anew.
    fn hand_over(&mut self, take: &mut Take<'_>) -> Result<(), Error> {
        let mail = std::mem::take(self);
        match mail {
            Mail { is_too_long: true, .. } => take(None),
            Mail { bytes, .. } if bytes.trim_ascii().is_empty() => Ok(()),
            Mail { bytes, .. } => take(Some(&bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(path: &Path) -> Vec<Option<String>> {
        let mut mails = Vec::new();
        each(path, &mut |mail| {
            mails.push(mail.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
            Ok(())
        })
        .unwrap();
        mails
    }

    #[test]
    fn mailboxes_of_all_kinds_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let some = |text: &str| Some(text.to_owned());
        fs::write(path("one"), "Subject: a\n\nFrom here on\n").unwrap();
        assert_eq!(mails(&path("one")), [some("Subject: a\n\nFrom here on\n")]);
        fs::write(path("box"), "From a@b Mon\nSubject: a\n\n>From x\n>>From y\n> z\n\nFrom c@d Tue\nSubject: b\n").unwrap();
        assert_eq!(mails(&path("box")), [some("Subject: a\n\nFrom x\n>From y\n> z\n\n"), some("Subject: b\n")]);
        for name in ["maildir/new", "maildir/cur", "maildir/tmp"] {
            fs::create_dir_all(path(name)).unwrap();
            fs::write(path(name).join("2"), name).unwrap();
        }
        fs::write(path("maildir/new/1"), "first").unwrap();
        fs::write(path("maildir/new/.hidden"), "no").unwrap();
        assert_eq!(mails(&path("maildir")), [some("first"), some("maildir/new"), some("maildir/cur")]);
        fs::write(path("empty"), "\n").unwrap();
        assert!(mails(&path("empty")).is_empty());
        assert!(matches!(each(&path("none"), &mut |_| Ok(())), Err(Error::File { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_and_no_folder_is_refused_and_not_waited_for() {
        let told = each(Path::new("/dev/null"), &mut |_| Ok(())).unwrap_err().to_string();
        assert!(told.contains("/dev/null") && told.contains("no mailbox"), "{told}");
    }

    #[test]
    fn a_mail_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box");
        let long = "x".repeat(LONGEST + 10);
        fs::write(&path, format!("From a\n{long}\nFrom b\nshort\nFrom c\n{}", "line\n".repeat(LONGEST / 5 + 1))).unwrap();
        assert_eq!(mails(&path), [None, Some("short\n".to_owned()), None]);
    }
}
