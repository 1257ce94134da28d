//! The outbox: a Maildir on this machine. Nothing leaves; everything else is as if it did.

use super::{Error, Mailer, letter};
use crate::domain::delivery::{Letter, Outcome, RunTrouble};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Letters that share one sync of the folder. All of them are written again, to the same names, when the program dies among them.
const BATCH: usize = 256;
/// Threads that write a batch; they wait for the disk, not for a processor.
const WRITERS: usize = 16;

/// Writes `new/MAIL_ID.eml`, each complete or not there at all.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
}

impl Outbox {
    /// Opens an outbox; missing folders are made, readable by their owner only.
    ///
    /// # Errors
    /// A folder cannot be made, or something else stands in its place.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let outbox = Self { path: path.to_owned() };
        match outbox.make() {
            Ok(()) => Ok(outbox),
            Err(error) => Err(Error::Outbox { path: outbox.path, why: error.to_string() }),
        }
    }

    fn make(&self) -> io::Result<()> {
        for name in ["", "tmp", "new", "cur"] {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(self.path.join(name))?;
        }
        Ok(())
    }

    /// Writes and syncs all, and only then renames all: no name in `new` ever stands for half a mail, not even after a power cut.
    fn write(&self, letters: &[&Letter]) -> io::Result<()> {
        let (tmp, new) = (self.path.join("tmp"), self.path.join("new"));
        // Syncs that wait side by side share one turn of the disk; one after the other each would need its own.
        let share = letters.len().div_ceil(WRITERS).max(1);
        std::thread::scope(|scope| {
            let writers: Vec<_> = letters.chunks(share).map(|letters| scope.spawn(|| write_files(&tmp, letters))).collect();
            let died = || io::Error::other("a writing thread died");
            writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| died())?)
        })?;
        for letter in letters {
            fs::rename(tmp.join(name(letter)), new.join(name(letter)))?;
        }
        File::open(&new)?.sync_all()
    }

    /// A batch that failed leaves no half files behind. What was renamed already may stay: it is written again, the same.
    fn clear(&self, letters: &[&Letter]) {
        for letter in letters {
            // There is no file to remove for most of them, and no remedy where removing fails.
            let _ = fs::remove_file(self.path.join("tmp").join(name(letter)));
        }
    }

    fn trouble(&self, error: &io::Error) -> RunTrouble {
        RunTrouble::Outbox { reply: format!("cannot write to the outbox `{}`: {error}", self.path.display()) }
    }
}

impl Mailer for Outbox {
    fn send(&mut self, letters: &[Letter]) -> Vec<Outcome> {
        let refused: Vec<Option<Outcome>> = letters.iter().map(letter::refuse).collect();
        let good: Vec<&Letter> = letters.iter().zip(&refused).filter(|(_, refused)| refused.is_none()).map(|(letter, _)| letter).collect();
        let outcome = match self.write(&good) {
            Ok(()) => Outcome::Accepted { reply: "written to the outbox".to_owned() },
            Err(error) => {
                self.clear(&good);
                Outcome::Untouched(self.trouble(&error))
            }
        };
        refused.into_iter().map(|refused| refused.unwrap_or_else(|| outcome.clone())).collect()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn ready(&mut self) -> Result<(), RunTrouble> {
        self.make().map_err(|error| self.trouble(&error))
    }

    fn is_ready(&mut self) -> bool {
        self.path.join("tmp").is_dir() && self.path.join("new").is_dir()
    }
}

fn write_files(folder: &Path, letters: &[&Letter]) -> io::Result<()> {
    let mut files = Vec::with_capacity(letters.len());
    for letter in letters {
        let mut file = create(&folder.join(name(letter)))?;
        file.write_all(&letter.bytes)?;
        files.push(file);
    }
    files.iter().try_for_each(File::sync_data)
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn name(letter: &Letter) -> String {
    format!("{}.eml", letter.mail_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(id: &str, text: &str) -> Letter {
        Letter {
            mail_id: id.into(),
            from: "shop@tsubaki.example".into(),
            to: "a@b.example".into(),
            bytes: format!("Subject: {text}\r\n\r\n{text}\r\n").into_bytes(),
        }
    }

    fn names(folder: PathBuf) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn letters_lie_complete_in_new() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(&folder.path().join("outbox")).unwrap();
        outbox.ready().unwrap();
        let outcomes = outbox.send(&[letter("m1", "one"), letter("../m2", "two"), letter("m3", "three")]);
        assert!(matches!(outcomes[..], [Outcome::Accepted { .. }, Outcome::Rejected { code: 0, .. }, Outcome::Accepted { .. }]));
        assert_eq!(names(outbox.path.join("new")), ["m1.eml", "m3.eml"]);
        assert_eq!(names(outbox.path.join("tmp")), Vec::<String>::new());
        assert_eq!(fs::read(outbox.path.join("new/m1.eml")).unwrap(), letter("m1", "one").bytes);
    }

    #[test]
    fn the_same_letter_again_takes_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(folder.path()).unwrap();
        fs::write(folder.path().join("tmp/m1.eml"), "a half that a crash left behind, longer than the mail itself is ").unwrap();
        outbox.send(&[letter("m1", "one")]);
        outbox.send(&[letter("m1", "one")]);
        assert_eq!(names(folder.path().join("new")), ["m1.eml"]);
        assert_eq!(fs::read(folder.path().join("new/m1.eml")).unwrap(), letter("m1", "one").bytes);
    }

    #[test]
    fn a_folder_that_refuses_leaves_all_letters_planned() {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(folder.path()).unwrap();
        // A folder in the place of the file refuses even root, which a read-only folder would not.
        fs::create_dir(folder.path().join("tmp/m2.eml")).unwrap();
        let outcomes = outbox.send(&[letter("m1", "one"), letter("m2", "two")]);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Untouched(RunTrouble::Outbox { .. }))), "{outcomes:?}");
        assert_eq!(names(folder.path().join("new")), Vec::<String>::new());
        assert_eq!(names(folder.path().join("tmp")), ["m2.eml"]);

        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(Outbox::open(&file), Err(Error::Outbox { .. })));
    }
}
