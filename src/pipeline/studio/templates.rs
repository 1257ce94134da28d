//! The job's template files: which there are, their text, and how a new text is kept. Nothing outside of the folder is read or written, and
//! nothing in it that is no plain file.

use super::Studio;
use crate::domain::job::Language;
use crate::domain::{Channel, Job};
use crate::pipeline::Error;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// No template may be larger, in bytes.
const LARGEST: u64 = 1 << 20;
/// What a mail may be made of, in the order in which it is read.
const PARTS: [&str; 4] = ["subject.txt", "preheader.txt", "body.html", "body.txt"];
/// Folders lie no deeper.
const DEEPEST: usize = 6;

/// The files of the job's template folder.
pub struct Listing {
    /// Each campaign with its files, relative to the folder; those of its parts that there are not are marked.
    pub campaigns: Vec<(String, Vec<Listed>)>,
    /// What mails share: layout and parts.
    pub shared: Vec<Listed>,
    pub folder: PathBuf,
}

pub struct Listed {
    pub name: String,
    pub is_there: bool,
}

/// A template file as it was read.
pub struct Text {
    pub name: String,
    pub text: String,
    /// Stands for what is on the disk; empty where there is no file yet.
    pub digest: String,
}

/// What came of saving.
pub enum Saved {
    Done {
        digest: String,
    },
    /// Somebody else has changed the file since it was read.
    Changed {
        theirs: Text,
    },
}

impl Studio {
    /// The template files of the job.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn template_files(&self) -> Result<Listing, Error> {
        let root = &self.job.templates;
        let mut found = BTreeSet::new();
        let names: Vec<&str> = self.job.campaigns.iter().map(|campaign| campaign.name.as_str()).chain(["parts"]).collect();
        list(root, "", &names, &mut found).map_err(|source| Error::File { path: root.clone(), source })?;
        let campaigns = self.job.campaigns.iter().map(|campaign| {
            let own = |name: &&String| name.strip_prefix(&campaign.name).is_some_and(|rest| rest.starts_with('/'));
            let there = found.iter().filter(own).map(|name| Listed { name: name.clone(), is_there: true });
            let parts = PARTS.map(|part| format!("{}/{part}", campaign.name)).into_iter();
            let absent = parts.filter(|name| !found.contains(name) && campaign.goes_by(Channel::Mail));
            let mut files: Vec<Listed> = there.chain(absent.map(|name| Listed { name, is_there: false })).collect();
            files.sort_by_key(|file| (place(&file.name), file.name.clone()));
            (campaign.name.clone(), files)
        });
        let campaigns: Vec<_> = campaigns.collect();
        let is_shared = |name: &&String| !name.contains('/') || name.starts_with("parts/");
        let shared = found.iter().filter(is_shared).map(|name| Listed { name: name.clone(), is_there: true }).collect();
        Ok(Listing { campaigns, shared, folder: root.clone() })
    }

    /// One template file; one of the known parts of a campaign may not be there yet, and is empty then.
    ///
    /// # Errors
    /// It is no template of the job, or cannot be read.
    pub fn template(&self, name: &str) -> Result<Text, Error> {
        let path = path_of(&self.job, name)?;
        let Some(bytes) = bytes_of(&path, self.job.language)? else {
            return Ok(Text { name: name.to_owned(), text: String::new(), digest: String::new() });
        };
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let Ok(text) = String::from_utf8(bytes) else {
            let path = path.display();
            return Err(Error::Usage(self.job.language.pick(
                format!("{path} は UTF-8 ではありません。別のエディターで UTF-8 にして保存し直してください"),
                format!("{path}: this file is not UTF-8; save it as UTF-8 with another editor"),
            )));
        };
        Ok(Text { name: name.to_owned(), text: plain(&text), digest })
    }

    /// Keeps a new text of a template, unless the file is no longer the one that was read.
    ///
    /// # Errors
    /// It is no template of the job, too large, or cannot be written; the file is then as it was.
    pub fn save_template(&self, name: &str, text: &str, read: &str) -> Result<Saved, Error> {
        let path = path_of(&self.job, name)?;
        let theirs = self.template(name)?;
        if theirs.digest != read {
            return Ok(Saved::Changed { theirs });
        }
        let old = bytes_of(&path, self.job.language)?;
        // Line ends and a byte order mark stay as that file has them.
        let text = plain(text);
        let has = |mark: &[u8]| old.as_ref().is_some_and(|old| old.windows(mark.len()).any(|part| part == mark));
        let mut bytes = if has(b"\r\n") { text.replace('\n', "\r\n") } else { text }.into_bytes();
        if old.as_ref().is_some_and(|old| old.starts_with("\u{feff}".as_bytes())) {
            bytes.splice(0..0, "\u{feff}".bytes());
        }
        if bytes.len() as u64 > LARGEST {
            return Err(too_large(name, self.job.language));
        }
        write(&path, &bytes).map_err(|source| Error::File { path, source })?;
        Ok(Saved::Done { digest: blake3::hash(&bytes).to_hex().to_string() })
    }
}

fn too_large(what: &str, language: Language) -> Error {
    let most = LARGEST >> 10;
    Error::Usage(language.pick(
        format!("{what} は {most} KiB を超えています。テンプレートを短くしてください"),
        format!("{what} is larger than {most} KiB, which no template may be; make it shorter"),
    ))
}

/// A campaign's parts in the order of a mail, before files of ranks and variants.
fn place(name: &str) -> usize {
    let last = name.split_once('/').map_or(name, |(_, last)| last);
    PARTS.iter().position(|part| *part == last).unwrap_or(PARTS.len())
}

/// Lines end in LF, as a page and a template see them.
fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n")
}

/// The template files below a folder; of the root, those in these folders only. Links and hidden files are passed over.
fn list(root: &Path, under: &str, tops: &[&str], found: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(under))? {
        let entry = entry?;
        let (Some(name), kind) = (entry.file_name().to_str().map(str::to_owned), entry.file_type()?) else { continue };
        let whole = if under.is_empty() { name.clone() } else { format!("{under}/{name}") };
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() && (!under.is_empty() || tops.contains(&name.as_str())) && whole.split('/').count() < DEEPEST {
            list(root, &whole, tops, found)?;
        } else if kind.is_file() && is_template(&name) {
            found.insert(whole);
        }
    }
    Ok(())
}

fn is_template(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "html" || ending == "txt")
}

/// Where a template of the job lies: within its folder, in folders that are none of them a link, itself a plain file or one of the known
/// parts of a campaign that is not there yet.
fn path_of(job: &Job, name: &str) -> Result<PathBuf, Error> {
    let refused = || {
        Error::Data(job.language.pick(
            format!("`{name}` はこのジョブのテンプレートではありません。一覧から選び直してください"),
            format!("`{name}` is no template of this job; choose one of the list"),
        ))
    };
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    let parts: Vec<&str> = name.split('/').collect();
    let top_is_known = match parts.as_slice() {
        [_] => true,
        [top, ..] => *top == "parts" || job.campaigns.iter().any(|campaign| campaign.name == *top),
        [] => false,
    };
    if !top_is_known || parts.len() > DEEPEST || !parts.iter().all(|part| is_plain(part)) || !is_template(name) {
        return Err(refused());
    }
    let mut path = job.templates.clone();
    for (at, part) in parts.iter().enumerate() {
        path.push(part);
        let is_last = at + 1 == parts.len();
        match fs::symlink_metadata(&path) {
            Ok(kind) if if is_last { kind.is_file() } else { kind.is_dir() } => {}
            Err(error) if error.kind() == ErrorKind::NotFound && is_last && may_be_made(job, &parts) => {}
            _ => return Err(refused()),
        }
    }
    Ok(path)
}

/// Whether a file that is not there is one of the parts of a mail, its campaign's, a variant's or a rank's.
fn may_be_made(job: &Job, parts: &[&str]) -> bool {
    let Some(campaign) = parts.first().and_then(|top| job.campaigns.iter().find(|campaign| campaign.name == *top)) else { return false };
    let file = match parts {
        [_, file] => file,
        [_, variant, file] if campaign.variants.iter().any(|own| own.name == *variant) => file,
        _ => return false,
    };
    let of_rank = |part: &str| {
        let (stem, ending) = part.split_once('.').unwrap_or((part, ""));
        job.ladder.ranks.iter().any(|rank| *file == format!("{stem}.{}.{ending}", rank.name))
    };
    PARTS.iter().any(|part| part == file || of_rank(part))
}

/// What is in a file; `None` where there is none.
fn bytes_of(path: &Path, language: Language) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if read as u64 > LARGEST {
        return Err(too_large(&path.display().to_string(), language));
    }
    Ok(Some(bytes))
}

/// Puts a whole new file in the place of the old one, with its rights: whoever reads meanwhile reads one of the two.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Hidden, so that nobody takes it for a template.
    let mut new = tempfile::Builder::new().prefix(".rankmail-").tempfile_in(folder)?;
    new.write_all(bytes)?;
    match fs::metadata(path) {
        Ok(old) => new.as_file().set_permissions(old.permissions())?,
        Err(_) => readable(new.as_file())?,
    }
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A new template is no secret.
#[cfg(unix)]
fn readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &File) -> std::io::Result<()> {
    Ok(())
}
