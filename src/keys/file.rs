//! Where the key is: a file of its own, or an environment variable.

use super::Error;
use crate::domain::Key;
use crate::domain::job::KeySource;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// The first line, which may go on after a colon, of a key that everybody may know, such as the one of a demo shop under version control.
const DEMO_LINE: &str = "# demo key";

/// More than any key file holds; what is longer is something else.
const LONGEST: u64 = 4096;

/// Reads the key. With `make`, a key that belongs beside the job file and is not there is made.
pub fn load(source: &KeySource, make: bool) -> Result<Key, Error> {
    match source {
        KeySource::Env(name) => {
            let text = std::env::var_os(name).ok_or_else(|| Error::Unset { name: name.clone() })?;
            key(&text.to_string_lossy(), || format!("the environment variable `{name}`"))
        }
        KeySource::File(path) => read(path),
        KeySource::Beside(path) => match read(path) {
            Err(Error::Absent { .. }) if make => {
                write_new(path)?;
                read(path)
            }
            other => other,
        },
    }
}

fn read(path: &Path) -> Result<Key, Error> {
    let failed = |source: io::Error| Error::Io { what: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Absent { path: path.to_owned() },
        _ => failed(source),
    })?;
    let meta = file.metadata().map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes);
    let found = key(&text, || format!("the file `{}`", path.display()))?;
    // A checkout gives every file the mode that git knows, so a key that is no secret is taken with any.
    if !found.demo {
        refuse_open_file(path, &meta)?;
    }
    Ok(found)
}

#[cfg(unix)]
pub(super) fn refuse_open_file(path: &Path, meta: &fs::Metadata) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode() & 0o7777;
    let others = mode & 0o077;
    if others == 0 { Ok(()) } else { Err(Error::Open { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
pub(super) fn refuse_open_file(_: &Path, _: &fs::Metadata) -> Result<(), Error> {
    Ok(())
}

/// The key that a text holds: 64 hex digits, after a line that says so if it is a demo key.
fn key(text: &str, place: impl Fn() -> String) -> Result<Key, Error> {
    let malformed = |found: String| Error::Malformed { place: place(), found };
    let (demo, digits) = match text.split_once('\n') {
        Some((first, rest)) if first.trim_end() == DEMO_LINE || first.starts_with("# demo key:") => (true, rest.trim()),
        _ => (false, text.trim()),
    };
    if let Some(at) = digits.chars().position(|letter| !letter.is_ascii_hexdigit()) {
        return Err(malformed(format!("character {} is no hex digit", at + 1)));
    }
    if digits.len() != 64 {
        return Err(malformed(format!("it has {} hex digits", digits.len())));
    }
    let mut bytes = [0_u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default();
    }
    Ok(Key { bytes, id: id(&bytes), demo })
}

/// The first 8 hex digits of SHA-256("rankmail key id" ‖ key).
fn id(bytes: &[u8; 32]) -> String {
    let hash = Sha256::new().chain_update(b"rankmail key id").chain_update(bytes).finalize();
    let (start, _) = hash.split_at(4);
    super::hex(start)
}

/// Makes a key file. It appears whole or not at all, and one that somebody else has just made is left as it is.
fn write_new(path: &Path) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Io { what: "make", path: path.to_owned(), source };
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    let text = format!("{}\n", super::hex(&bytes));

    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    // What a killed process of the same number left behind is no key of anybody's.
    let _ = fs::remove_file(&draft);
    let written = write_private(&draft, &text).and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // Some file systems have no hard links; there the file is written in place.
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
            match write_private(path, &text) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                result => result.map_err(failed)?,
            }
        }
        result => result.map_err(failed)?,
    }
    // The name is on the disk only when its folder is; a file system that cannot do that has its own order.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rankmail.key");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        (folder, path)
    }

    #[test]
    fn a_key_file_is_read_and_named_by_a_hash() {
        let (_folder, path) = written(&format!("{HEX}\n"), 0o600);
        let key = load(&KeySource::File(path), false).expect("a key");
        assert_eq!(key.bytes[31], 0x1f);
        assert_eq!(key.id, "3e4d8fc7");
        assert!(!key.demo);
        assert!(!format!("{key:?}").contains("0102"));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_unless_it_is_a_demo_key() {
        for mode in [0o644, 0o640, 0o604, 0o620] {
            let (_folder, path) = written(&format!("{HEX}\n"), mode);
            let error = load(&KeySource::File(path), false).expect_err("an open file").to_string();
            assert!(error.contains("chmod 600") && !error.contains("0102"), "{error}");
        }
        let (_folder, path) = written(&format!("# demo key\n{HEX}\n"), 0o644);
        let key = load(&KeySource::File(path), false).expect("a demo key");
        assert!(key.demo);
        assert_eq!(key.id, "3e4d8fc7");
    }

    #[test]
    fn a_missing_key_is_made_once_and_only_beside_the_job() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rankmail.key");
        assert!(matches!(load(&KeySource::Beside(path.clone()), false), Err(Error::Absent { .. })));
        assert!(matches!(load(&KeySource::File(path.clone()), true), Err(Error::Absent { .. })));
        assert!(!path.exists());
        let key = load(&KeySource::Beside(path.clone()), true).expect("a new key");
        assert_eq!(load(&KeySource::Beside(path.clone()), true).expect("the same key"), key);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_to_string(&path).expect("text").len(), 65);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no draft stays behind");
        let other = folder.path().join("other.key");
        assert_ne!(load(&KeySource::Beside(other), true).expect("another key"), key);
        let nowhere = folder.path().join("no/such/folder/rankmail.key");
        assert!(matches!(load(&KeySource::Beside(nowhere), true), Err(Error::Io { what: "make", .. })));
    }

    #[test]
    fn keys_made_at_the_same_moment_are_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rankmail.key");
        write_new(&path).expect("the first");
        let first = fs::read(&path).expect("a key");
        write_new(&path).expect("the second leaves it alone");
        assert_eq!(fs::read(&path).expect("a key"), first);
    }

    #[test]
    fn wrong_texts_say_what_is_expected_and_never_what_they_hold() {
        for text in ["", "abc", &HEX[1..], &format!("{HEX}00"), &HEX.replace('a', "g"), "京都", "# demo key\n", "# a key\n0123"] {
            let (_folder, path) = written(text, 0o600);
            let error = load(&KeySource::File(path), false).expect_err(text).to_string();
            assert!(error.contains("expected 64 hex digits"), "{error}");
            assert!(!error.contains("0123") && !error.contains("0102"), "{error}");
        }
    }

    #[test]
    fn the_environment_may_hold_the_key() {
        assert!(matches!(load(&KeySource::Env("RANKMAIL_NO_SUCH_KEY".into()), true), Err(Error::Unset { .. })));
        // PATH is set everywhere and is no key.
        assert!(matches!(load(&KeySource::Env("PATH".into()), true), Err(Error::Malformed { .. })));
        assert_eq!(key(HEX, String::new).expect("a key").id, "3e4d8fc7");
    }
}
