//! The job's template files: which there are, their text, and how a new text is kept. Nothing outside of the folder is read or written, and
//! nothing in it that is no plain file.

use super::Studio;
use crate::domain::job::Language;
use crate::domain::{Channel, Job};
use crate::message::{Held, Kind};
use crate::pipeline::Error;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// No template may be larger, in bytes.
pub const LARGEST: u64 = 1 << 20;
/// What a mail may be made of, in the order in which it is read.
const PARTS: [&str; 4] = ["subject.txt", "preheader.txt", "body.html", "body.txt"];
/// No file system has longer names, in bytes.
const LONGEST: usize = 255;
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
    /// Something of this name is there that is no plain file, a link for example, and is not read.
    pub is_strange: bool,
}

/// A template file as it was read.
pub struct Text {
    pub name: String,
    pub text: String,
    /// Stands for what is on the disk; empty where there is no file yet.
    pub digest: String,
}

/// A template that is not there any more.
pub struct Removed {
    pub path: PathBuf,
    /// Saving it makes it again.
    pub may_be_made: bool,
}

/// What came of saving.
pub enum Saved {
    /// This stands for what is on the disk now.
    Done { digest: String },
    /// Somebody else has changed the file since it was read.
    Changed { theirs: Text },
    /// The text is larger than a template may be.
    TooLarge { bytes: usize },
}

impl Studio {
    /// The template files of the job.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn template_files(&self) -> Result<Listing, Error> {
        let root = &self.job.templates;
        let (mut found, mut strange) = (BTreeSet::new(), BTreeSet::new());
        let names: Vec<&str> = self.job.campaigns.iter().map(|campaign| campaign.name.as_str()).chain(["parts"]).collect();
        let held = top(&self.job)?;
        list(&held, "", &names, (&mut found, &mut strange)).map_err(|source| Error::File { path: root.clone(), source })?;
        let campaigns = self.job.campaigns.iter().map(|campaign| {
            let own = |name: &&String| name.strip_prefix(&campaign.name).is_some_and(|rest| rest.starts_with('/'));
            let there = found.iter().filter(own).map(|name| Listed { name: name.clone(), is_there: true, is_strange: false });
            let parts = PARTS.map(|part| format!("{}/{part}", campaign.name)).into_iter();
            let absent = parts.filter(|name| !found.contains(name) && campaign.goes_by(Channel::Mail));
            let mut files: Vec<Listed> =
                there.chain(absent.map(|name| Listed { is_strange: strange.contains(&name), name, is_there: false })).collect();
            files.sort_by_key(|file| (place(&file.name), file.name.clone()));
            (campaign.name.clone(), files)
        });
        let campaigns: Vec<_> = campaigns.collect();
        let is_shared = |name: &&String| !name.contains('/') || name.starts_with("parts/");
        let shared = found.iter().filter(is_shared).map(|name| Listed { name: name.clone(), is_there: true, is_strange: false }).collect();
        Ok(Listing { campaigns, shared, folder: root.clone() })
    }

    /// One template file; one of the known parts of a campaign may not be there yet, and is empty then.
    ///
    /// # Errors
    /// It is no template of the job, or cannot be read.
    pub fn template(&self, name: &str) -> Result<Text, Error> {
        let place = Place::of(&self.job, name)?;
        let Some(bytes) = place.read()? else { return Ok(Text { name: name.to_owned(), text: String::new(), digest: String::new() }) };
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let Ok(text) = String::from_utf8(bytes) else {
            let path = place.path.display();
            return Err(Error::Usage(self.job.language.pick(
                format!("{path} は UTF-8 ではありません。別のエディターで UTF-8 にして保存し直してください"),
                format!("{path}: this file is not UTF-8; save it as UTF-8 with another editor"),
            )));
        };
        Ok(Text { name: name.to_owned(), text: plain(&text), digest })
    }

    /// Where a template was that is not there any more; nothing where it is there, or can be none. A folder that is gone as a whole is told as that.
    #[must_use]
    pub fn removed(&self, name: &str) -> Option<Removed> {
        let parts: Vec<&str> = name.split('/').collect();
        let path = self.job.templates.join(name);
        let is_gone = || path.symlink_metadata().is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory));
        let has_folder = path.parent().is_some_and(Path::is_dir);
        (may_be_one(&self.job, &parts) && self.job.templates.is_dir() && is_gone())
            .then(|| Removed { may_be_made: has_folder && may_be_made(&self.job, &parts), path })
    }

    /// That there is no template folder, and what to do, for people; nothing while there is one.
    #[must_use]
    pub fn without_templates(&self) -> Option<String> {
        (!self.job.templates.is_dir()).then(|| super::trouble::told(&gone(&self.job), self.job.language))
    }

    /// Keeps a new text of a template, unless the file is no longer the one that was read.
    ///
    /// # Errors
    /// It is no template of the job, or cannot be written; the file is then as it was.
    pub fn save_template(&self, name: &str, text: &str, read: &str) -> Result<Saved, Error> {
        if text.len() as u64 > LARGEST {
            return Ok(Saved::TooLarge { bytes: text.len() });
        }
        let place = Place::of(&self.job, name)?;
        let mut digest = String::new();
        let made = place.held.replace(&place.file, || match self.bytes_for(&place, name, text, read) {
            Ok(Ok(bytes)) => {
                digest = blake3::hash(&bytes).to_hex().to_string();
                Ok(bytes)
            }
            Ok(Err(not)) => Err(Ok(not)),
            Err(error) => Err(Err(error)),
        });
        made.map_err(|source| place.failed(source))?.map_or_else(|not| not, |()| Ok(Saved::Done { digest }))
    }

    /// What is to be written, or why not.
    fn bytes_for(&self, place: &Place, name: &str, text: &str, read: &str) -> Result<Result<Vec<u8>, Saved>, Error> {
        let old = place.read()?;
        let digest = old.as_ref().map_or_else(String::new, |old| blake3::hash(old).to_hex().to_string());
        if digest != read {
            // Whoever else has written the same has saved it.
            let is_there = old.is_some_and(|old| like(&old, text) == old);
            return Ok(Err(if is_there { Saved::Done { digest } } else { Saved::Changed { theirs: self.template(name)? } }));
        }
        let bytes = like(old.as_deref().unwrap_or_default(), text);
        Ok(if bytes.len() as u64 > LARGEST { Err(Saved::TooLarge { bytes: bytes.len() }) } else { Ok(bytes) })
    }
}

/// A text as a file has it: line ends and a byte order mark stay.
fn like(old: &[u8], text: &str) -> Vec<u8> {
    let text = plain(text);
    let has_both = old.windows(2).any(|ends| ends == b"\r\n");
    let mut bytes = if has_both { text.replace('\n', "\r\n") } else { text }.into_bytes();
    if old.starts_with("\u{feff}".as_bytes()) {
        bytes.splice(0..0, "\u{feff}".bytes());
    }
    bytes
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

/// The template files below a folder, and what has the name of one and is none; of the root, those in these folders only. Hidden files are
/// passed over.
fn list(held: &Held, under: &str, tops: &[&str], (found, strange): (&mut BTreeSet<String>, &mut BTreeSet<String>)) -> io::Result<()> {
    for (name, kind) in held.entries()? {
        let whole = if under.is_empty() { name.clone() } else { format!("{under}/{name}") };
        if name.starts_with('.') {
            continue;
        }
        if kind == Kind::Folder && (!under.is_empty() || tops.contains(&name.as_str())) && whole.split('/').count() < DEEPEST {
            list(&held.folder(&name)?, &whole, tops, (found, strange))?;
        } else if kind == Kind::File && is_template(&name) {
            found.insert(whole);
        } else if kind == Kind::Other && is_template(&name) {
            strange.insert(whole);
        }
    }
    Ok(())
}

fn is_template(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "html" || ending == "txt")
}

/// Where a template of the job lies: within its folder, in folders that are none of them a link, itself a plain file or one of the known
/// parts of a campaign that is not there yet.
struct Place {
    /// The folder that it is in.
    held: Held,
    file: String,
    /// The same from the template folder.
    name: String,
    /// For people.
    path: PathBuf,
    may_be_made: bool,
    language: Language,
}

impl Place {
    fn of(job: &Job, name: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = name.split('/').collect();
        if !may_be_one(job, &parts) {
            return Err(none(name, job.language));
        }
        let (mut path, may_be_made) = (job.templates.clone(), may_be_made(job, &parts));
        let mut held = top(job)?;
        let (file, folders) = parts.split_last().ok_or_else(|| none(name, job.language))?;
        for folder in folders {
            path.push(folder);
            held = held.folder(folder).map_err(|source| match source.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => none(name, job.language),
                _ => Error::File { path: path.clone(), source },
            })?;
        }
        path.push(file);
        let place = Self { held, file: (*file).to_owned(), name: name.to_owned(), path, may_be_made, language: job.language };
        // What is neither there nor may be made is told before anything else.
        if !may_be_made {
            place.read()?;
        }
        Ok(place)
    }

    /// What is in the file; `None` where there is none yet.
    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.held.read(&self.file, LARGEST + 1) {
            Ok(Some(bytes)) if bytes.len() as u64 > LARGEST => Err(too_large(&self.path.display().to_string(), self.language)),
            Ok(None) if !self.may_be_made => Err(none(&self.name, self.language)),
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::NotADirectory => Err(none(&self.name, self.language)),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File { path: self.path.clone(), source }
    }
}

/// The template folder of the job.
fn top(job: &Job) -> Result<Held, Error> {
    Held::open(&job.templates).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => gone(job),
        _ => Error::File { path: job.templates.clone(), source },
    })
}

/// That there is no template folder, and what to do.
pub(super) fn gone(job: &Job) -> Error {
    let (folder, file) = (job.templates.display(), job.path.display());
    Error::Usage(job.language.pick(
        format!(
            "テンプレートのフォルダーがありません: {folder}。元の場所に戻すか、{file} の templates に正しい場所を書いて、studio を起動し直してください。戻ると、このページは自動で開きます。"
        ),
        format!(
            "The template folder is not there: {folder}. Put it back: this page opens by itself then. Or write into `templates` of {file} where it \
             is, and start the studio again."
        ),
    ))
}

fn none(name: &str, language: Language) -> Error {
    Error::Data(language.pick(
        format!("`{name}` はこのジョブのテンプレートではありません。一覧から選び直してください"),
        format!("`{name}` is no template of this job; choose one of the list"),
    ))
}

/// Whether a template of the job may have this name, folder by folder.
fn may_be_one(job: &Job, parts: &[&str]) -> bool {
    let is_plain = |part: &&str| !part.is_empty() && part.len() <= LONGEST && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    let top_is_known = match parts {
        [_] => true,
        [top, ..] => *top == "parts" || job.campaigns.iter().any(|campaign| campaign.name == *top),
        [] => false,
    };
    top_is_known && parts.len() <= DEEPEST && parts.iter().all(is_plain) && parts.last().is_some_and(|name| is_template(name))
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
