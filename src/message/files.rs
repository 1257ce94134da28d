//! Reads the template folder: which files there are, and what is in them.

use super::Error;
use super::held::{Held, Kind};
use super::names::Names;
use super::problem::{Problem, nearest};
use std::path::Path;

/// No template file may be larger, in bytes.
const LARGEST: u64 = 1 << 20;
/// No template folder may hold more files.
const MOST: usize = 2_000;
/// Folders within `parts/` may lie this deep.
const DEEPEST: usize = 4;

/// One template file.
#[derive(Debug, Clone)]
pub(super) struct TemplateFile {
    /// Relative to the root, with `/`: `birthday/body.html`.
    pub name: String,
    /// Its text; lines end in LF, a byte order mark is dropped.
    pub text: String,
    /// BLAKE3 of the file as it is on disk, 64 hex digits.
    pub digest: String,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Sorted by name.
    pub files: Vec<TemplateFile>,
    /// Folders of the root that belong to campaigns of the job.
    pub campaigns: Vec<String>,
    pub problems: Vec<Problem>,
}

/// Reads `layout.html` and other files of the root, everything in `parts/`, and the folders of these campaigns. Folders of other
/// campaigns are not opened: several jobs may share one root.
pub(super) fn read(root: &Path, campaigns: &[String], names: &Names) -> Result<Folder, Error> {
    let mut folder = Folder::default();
    let failed = |reason| Error::Folder { folder: root.to_owned(), reason };
    let held = Held::open(root).map_err(|error| failed(error.to_string()))?;
    for (name, kind) in list(&held).map_err(failed)? {
        match kind {
            Kind::File if is_template(&name) => folder.take(&held, &name, &name),
            Kind::File => {}
            Kind::Folder if name == "parts" => folder.walk(&held, &name, "parts", 1),
            Kind::Folder if campaigns.contains(&name) => {
                // Variants have folders of their own in that of their campaign.
                let has_variants = !names.variants_of(&name).is_empty();
                folder.walk(&held, &name, &name, if has_variants { DEEPEST - 1 } else { DEEPEST });
                folder.campaigns.push(name);
            }
            Kind::Folder if names.elsewhere.contains(&name) => {}
            Kind::Folder => folder.stray(&name, campaigns),
            Kind::Other => folder.refuse(&name),
        }
    }
    folder.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(folder)
}

/// The files of these names and texts, as far as `read` would take them for these campaigns.
pub(super) fn given(sources: &[(String, Vec<u8>)], campaigns: &[String]) -> Folder {
    let mut folder = Folder::default();
    for (name, bytes) in sources {
        let top = name.split_once('/').map(|(top, _)| top);
        if top.is_none_or(|top| top == "parts" || campaigns.iter().any(|campaign| campaign == top)) {
            folder.add(name, bytes.clone());
        }
    }
    folder.campaigns =
        campaigns.iter().filter(|name| folder.files.iter().any(|file| file.name.starts_with(&format!("{name}/")))).cloned().collect();
    folder.files.sort_by(|a, b| a.name.cmp(&b.name));
    folder
}

/// The entries of a folder, sorted, without hidden ones.
fn list(held: &Held) -> Result<Vec<(String, Kind)>, String> {
    let mut found = held.entries().map_err(|error| error.to_string())?;
    found.retain(|(name, kind)| !name.starts_with('.') || *kind == Kind::Other);
    found.sort();
    Ok(found)
}

/// Templates are `.html` and `.txt`; notes and pictures may lie beside them.
fn is_template(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("txt"))
}

impl Folder {
    /// Reads the folder of this name in the one that is held; `under` is what it is called from the root.
    fn walk(&mut self, held: &Held, name: &str, under: &str, depth: usize) {
        let entries = held.folder(name).map_err(|error| error.to_string()).and_then(|held| Ok((list(&held)?, held)));
        let (entries, held) = match entries {
            Ok(entries) => entries,
            Err(reason) => {
                self.problems.push(Problem::of_file(under, format!("this folder cannot be read: {reason}"), None));
                return;
            }
        };
        for (name, kind) in entries {
            let whole = format!("{under}/{name}");
            match kind {
                Kind::File if is_template(&name) => self.take(&held, &name, &whole),
                Kind::File => {}
                Kind::Folder if depth < DEEPEST => self.walk(&held, &name, &whole, depth + 1),
                Kind::Folder => self.problems.push(Problem::of_file(
                    &whole,
                    "a folder does not belong here".into(),
                    Some("put pieces that mails share into `parts/`".into()),
                )),
                Kind::Other => self.refuse(&whole),
            }
        }
    }

    /// Reads one file into the folder.
    fn take(&mut self, folder: &Held, file: &str, name: &str) {
        if self.files.len() >= MOST {
            if self.files.len() == MOST {
                self.problems.push(Problem::of_file(name, format!("there are more than {MOST} template files"), None));
            }
            return;
        }
        let bytes = match folder.read(file, LARGEST + 1) {
            Ok(Some(bytes)) => bytes,
            // Somebody has taken it away since the folder was read.
            Ok(None) => return,
            Err(error) => {
                self.problems.push(Problem::of_file(name, format!("this file cannot be read: {error}"), None));
                return;
            }
        };
        self.take_small(name, bytes);
    }

    /// Takes a text in that is no larger than a template may be.
    fn take_small(&mut self, name: &str, bytes: Vec<u8>) {
        if bytes.len() as u64 > LARGEST {
            let help = "templates are small; put pictures on a web server and name their address".to_owned();
            self.problems.push(Problem::of_file(name, format!("this file is larger than {} KiB", LARGEST >> 10), Some(help)));
        } else {
            self.add(name, bytes);
        }
    }

    /// Takes a text in instead of that of a file.
    pub(super) fn put(&mut self, name: &str, text: &str, campaigns: &[String]) {
        self.files.retain(|file| file.name != name);
        self.problems.retain(|problem| problem.file != name);
        self.take_small(name, text.as_bytes().to_vec());
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        let campaign = name.split_once('/').and_then(|(top, _)| campaigns.iter().find(|campaign| *campaign == top));
        if let Some(campaign) = campaign.filter(|campaign| !self.campaigns.contains(campaign)) {
            self.campaigns.push(campaign.clone());
        }
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) {
        let digest = blake3::hash(&bytes).to_hex().to_string();
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
                self.files.push(TemplateFile { name: name.to_owned(), text, digest });
            }
            Err(_) => self.problems.push(Problem::of_file(name, "this file is not UTF-8".into(), Some("save it as UTF-8".into()))),
        }
    }

    fn stray(&mut self, name: &str, campaigns: &[String]) {
        let help = nearest(name, campaigns.iter().map(String::as_str)).map(|meant| format!("did you mean the campaign `{meant}`?"));
        self.problems.push(Problem::of_file(name, format!("no campaign of this job is called `{name}`"), help).warn());
    }

    fn refuse(&mut self, name: &str) {
        let help = "templates are plain files in one folder; copy the file here".to_owned();
        self.problems.push(Problem::of_file(name, "this is a link, or has a name that is not UTF-8".into(), Some(help)));
    }
}
