//! Secrets that are not the shop's own key: the password for a mail server and the keys that sign mails. Files of them only their owner can read.

use super::Error;
use super::file::refuse_open_file;
use crate::domain::job::PasswordSource;
use secrecy::SecretString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// More than any password, access token or key needs.
const LONGEST: u64 = 16 * 1024;

/// Reads a private key in PEM form, which only its owner may be able to read.
///
/// # Errors
/// It is not there, not readable by us only, or too long to be a key.
pub fn private_key(path: &Path) -> Result<SecretString, Error> {
    let failed = |why: String| Error::PrivateKey { path: path.to_owned(), why };
    read(path).map(SecretString::from).map_err(failed)
}

/// Reads the password. A line end behind it does not belong to it.
///
/// # Errors
/// It is not there, not readable by us only, or cannot be a password.
pub fn password(source: &PasswordSource) -> Result<SecretString, Error> {
    let (place, text) = match source {
        PasswordSource::Env(name) => {
            let place = format!("the environment variable `{name}`");
            let text = std::env::var(name).map_err(|error| Error::Password { place: place.clone(), why: error.to_string() })?;
            (place, text)
        }
        PasswordSource::File(path) => {
            let place = format!("the file `{}`", path.display());
            let text = read(path).map_err(|why| Error::Password { place: place.clone(), why })?;
            (place, text)
        }
    };
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    let why = if password.is_empty() {
        "it is empty"
    } else if password.chars().any(char::is_control) {
        "it holds a control character or more than one line"
    } else {
        return Ok(SecretString::from(password));
    };
    Err(Error::Password { place, why: why.to_owned() })
}

fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if let Err(Error::Open { mode, .. }) = refuse_open_file(path, &meta) {
        return Err(format!("other people of this machine can read it (mode {mode:04o}); run `chmod 600` on it"));
    }
    let mut text = String::new();
    let count = file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if count as u64 > LONGEST { Err("it is too long for what should be in it".to_owned()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn of_file(bytes: &[u8], mode: u32) -> Result<SecretString, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.password");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        password(&PasswordSource::File(path))
    }

    #[test]
    fn a_file_holds_one_line() {
        for text in ["correct horse", "correct horse\n", "correct horse\r\n"] {
            assert_eq!(of_file(text.as_bytes(), 0o600).unwrap().expose_secret(), "correct horse");
        }
        assert_eq!(of_file(" blanks count \n".as_bytes(), 0o400).unwrap().expose_secret(), " blanks count ");
    }

    #[test]
    fn what_is_no_password_is_refused_and_not_shown() {
        let long = "correct horse".repeat(2_000);
        for (text, mode, wanted) in [
            (&b"correct horse"[..], 0o644, "chmod 600"),
            (b"correct horse", 0o660, "chmod 600"),
            (b"", 0o600, "empty"),
            (b"\n", 0o600, "empty"),
            (b"correct horse\nbattery", 0o600, "one line"),
            (b"correct\0horse", 0o600, "control"),
            (b"correct horse\xff", 0o600, "UTF-8"),
            (long.as_bytes(), 0o600, "too long"),
        ] {
            let told = of_file(text, mode).unwrap_err().to_string();
            assert!(told.contains(wanted) && told.contains("relay.password"), "{told}");
            assert!(!told.contains("horse"), "{told}");
        }
        let absent = password(&PasswordSource::Env("RANKMAIL_NO_SUCH_PASSWORD".into())).unwrap_err().to_string();
        assert!(absent.contains("RANKMAIL_NO_SUCH_PASSWORD"), "{absent}");
    }
}
