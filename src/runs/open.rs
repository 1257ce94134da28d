//! Opens a plan folder, after proving that it is as it was planned.

use super::batches::Pick;
use super::folder::{self, CUSTOMERS, JOB, MAILS, PLAN, TEMPLATES};
use super::rows::{self, Rows};
use super::summary::{self, Refusal};
use super::write::is_inside;
use super::{Error, digest, program};
use crate::domain::plan::{CustomerRow, GiftRow, MailRow, PastAccount, PastCustomer, SkipRow, SpentRow, Summary};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Longer than any plan.json or job.toml; what is longer was not written by us.
const TEXT_BYTES: u64 = 64 << 20;

/// A plan that is on disk and as it was planned.
#[derive(Debug)]
pub struct Opened {
    folder: PathBuf,
    pub summary: Summary,
    /// The job file as it was when the plan was made.
    pub job_text: String,
}

/// Opens the plan in `folder` for what it says of customers: only plan.json and that table are checked against the digests, and no
/// mail of it can be sent.
///
/// # Errors
/// As for `open`.
pub fn open_customers(folder: &Path) -> Result<PastRun, Error> {
    let (folder, summary) = sound_table(folder, CUSTOMERS)?;
    Ok(PastRun { folder, summary })
}

/// The job file of a plan, when it is as it was planned.
fn sound_job_text(folder: &Path, summary: &Summary) -> Result<String, Error> {
    let job_text = text(&folder.join(JOB))?;
    if digest::rules_digest(&job_text)? == summary.rules {
        return Ok(job_text);
    }
    Err(Error::Altered { folder: folder.to_owned(), file: JOB.into() })
}

/// Opens the plan in `folder` for what it gave: only plan.json and the table of mails are checked.
///
/// # Errors
/// As for `open`.
pub fn open_mails(folder: &Path) -> Result<PastMails, Error> {
    let (folder, summary) = sound_table(folder, MAILS)?;
    Ok(PastMails { folder, summary })
}

/// plan.json of a folder, when it and one table are as they were written.
fn sound_table(folder: &Path, table: &str) -> Result<(PathBuf, Summary), Error> {
    let (folder, summary) = sound_summary(folder)?;
    let listed = summary.files.iter().find(|(name, _)| name == table).map(|(_, digest)| digest);
    if listed != Some(&digest_of(&folder, table)?) {
        return Err(Error::Altered { folder, file: table.into() });
    }
    Ok((folder, summary))
}

/// The mails of a plan that is on disk and as it was planned.
#[derive(Debug)]
pub struct PastMails {
    folder: PathBuf,
    pub summary: Summary,
}

impl PastMails {
    /// What each mail gave, by customer id, then campaign.
    ///
    /// # Errors
    /// `Io`, `Malformed`; the iterator ends after its first error.
    pub fn spent(&self) -> Result<Rows<SpentRow>, Error> {
        rows::spent(&self.folder)
    }
}

/// The customers of a plan that is on disk and as it was planned.
#[derive(Debug)]
pub struct PastRun {
    folder: PathBuf,
    pub summary: Summary,
}

impl PastRun {
    /// Every customer's rank and what the review of that run paid back, by customer id.
    ///
    /// # Errors
    /// `Io`, `Malformed`; the iterator ends after its first error.
    pub fn accounts(&self) -> Result<Rows<PastAccount>, Error> {
        rows::past_accounts(&self.folder)
    }

    /// The job file as it was when the plan was made.
    ///
    /// # Errors
    /// `Io`, `Altered`.
    pub fn job_text(&self) -> Result<String, Error> {
        sound_job_text(&self.folder, &self.summary)
    }
}

/// plan.json of a folder, when it is as it was written.
fn sound_summary(folder: &Path) -> Result<(PathBuf, Summary), Error> {
    let Some(folder) = folder::standing(folder)? else { return Err(Error::NoPlan { path: folder.to_owned() }) };
    let path = folder.join(PLAN);
    let summary = summary::read(&text(&path)?).map_err(|refusal| match refusal {
        Refusal::Newer(found) => Error::Newer { path: path.clone(), found, known: summary::FORMAT },
        Refusal::Broken(problem) => Error::Malformed { path: path.clone(), problem },
    })?;
    if digest::of_plan(summary::FORMAT, &summary) != summary.digest {
        return Err(Error::Altered { folder, file: PLAN.into() });
    }
    Ok((folder, summary))
}

/// What a plan says of itself.
#[derive(Debug)]
pub struct Glance {
    folder: PathBuf,
    pub summary: Summary,
}

impl Glance {
    /// The job file as it was when the plan was made.
    ///
    /// # Errors
    /// `Io`, `Altered`.
    pub fn job_text(&self) -> Result<String, Error> {
        sound_job_text(&self.folder, &self.summary)
    }
}

/// What the plan in `folder` says of itself: only plan.json is checked, and no mail of it can be sent.
///
/// # Errors
/// As for `open`.
pub fn glance(folder: &Path) -> Result<Glance, Error> {
    let (folder, summary) = sound_summary(folder)?;
    Ok(Glance { folder, summary })
}

/// Opens the plan in `folder` and checks every file that decides a mail against the digests in plan.json.
///
/// # Errors
/// `NoPlan` when there is none, `Newer` for a format of the future, `Missing` and `Altered` name the file that is not as it was
/// planned, `Malformed` when plan.json itself is broken.
pub fn open(folder: &Path) -> Result<Opened, Error> {
    let (folder, summary) = sound_summary(folder)?;
    check_files(&folder, &summary)?;
    let job_text = sound_job_text(&folder, &summary)?;
    Ok(Opened { folder, summary, job_text })
}

impl Opened {
    /// Where the plan lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the very program that is running has made the plan: what it renders now, it has rendered then.
    #[must_use]
    pub fn is_of_this_program(&self) -> bool {
        let program = self.summary.program.as_deref();
        program.is_some() && program == program::stamp().as_deref()
    }

    /// The copies of the templates that the plan was rendered with.
    #[must_use]
    pub fn templates_dir(&self) -> PathBuf {
        self.folder.join(TEMPLATES)
    }

    /// The copy of a list that the plan was made from: `customers` or `products`. A plan of an earlier version has none.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<PathBuf> {
        let is_it = |file: &&String| Path::new(file.as_str()).file_stem().is_some_and(|stem| stem == name);
        let mut files = self.summary.files.iter().map(|(file, _)| file).filter(|file| file.starts_with("lists/"));
        files.find(is_it).map(|file| self.folder.join(file))
    }

    /// The copies of a list that may be several files, numbered from 1.
    #[must_use]
    pub fn lists(&self, name: &str) -> Vec<PathBuf> {
        (1..).map_while(|number: u32| self.list(&format!("{name}{number}"))).collect()
    }

    /// Every mail with its values, by customer id, then campaign.
    ///
    /// # Errors
    /// `Io`, `Malformed`; the iterator ends after its first error.
    pub fn mails(&self) -> Result<Rows<MailRow>, Error> {
        rows::mails(&self.folder, Pick::All)
    }

    /// The same without so many at the front.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn mails_from(&self, row: usize) -> Result<Rows<MailRow>, Error> {
        rows::mails(&self.folder, Pick::From(row))
    }

    /// Every mail with nothing where its values would be, for whoever asks only whom it goes to.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn mails_without_values(&self) -> Result<Rows<MailRow>, Error> {
        rows::mails_without_values(&self.folder)
    }

    /// Every gift, by customer id, then campaign.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn gifts(&self) -> Result<Rows<GiftRow>, Error> {
        rows::gifts(&self.folder)
    }

    /// Every customer's rank state, by customer id.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn customers(&self) -> Result<Rows<PastCustomer>, Error> {
        rows::past_customers(&self.folder)
    }

    /// All that the plan says of each customer, by customer id.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn customer_rows(&self) -> Result<Rows<CustomerRow>, Error> {
        rows::customers(&self.folder)
    }

    /// Every matched pair that is not mailed, by customer id, then campaign.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn skips(&self) -> Result<Rows<SkipRow>, Error> {
        rows::skips(&self.folder, Pick::All)
    }

    /// All that the plan says of one customer; `None` when it does not have them.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn customer(&self, id: &str) -> Result<Option<CustomerRow>, Error> {
        rows::customer(&self.folder, id)
    }

    /// One customer's mails.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn mails_of(&self, id: &str) -> Result<Vec<MailRow>, Error> {
        let places = self.places_of(id)?;
        if places.is_empty() {
            return Ok(Vec::new());
        }
        self.mails_from(places.start)?.take(places.len()).collect()
    }

    /// The rows of one customer's mails.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn places_of(&self, id: &str) -> Result<Range<usize>, Error> {
        rows::places_of(&self.folder, id)
    }

    /// Customer and campaign of each mail, from a row on.
    ///
    /// # Errors
    /// As for `mails`; the iterator ends after its first error.
    pub fn recipients(&self, from: usize) -> Result<Rows<(String, String)>, Error> {
        rows::recipients(&self.folder, from)
    }

    /// One customer's skips.
    ///
    /// # Errors
    /// As for `mails`.
    pub fn skips_of(&self, id: &str) -> Result<Vec<SkipRow>, Error> {
        let rows = rows::skips(&self.folder, Pick::Customer(id))?;
        rows.filter(|row| row.as_ref().map_or(true, |skip| skip.customer_id == id)).collect()
    }
}

/// Compares the files with the digests that plan.json lists, and sees that plan.json lists all that decide a mail.
fn check_files(folder: &Path, summary: &Summary) -> Result<(), Error> {
    let templates = summary.templates.iter().map(|(name, digest)| (format!("{TEMPLATES}/{name}"), Some(digest)));
    let needed = digest::TABLES.iter().chain([&JOB]).map(|name| ((*name).to_owned(), None)).chain(templates);
    for (name, digest) in needed {
        let listed = summary.files.iter().find(|(file, _)| *file == name).map(|(_, digest)| digest);
        if listed.is_none() || digest.is_some_and(|digest| listed != Some(digest)) {
            return Err(Error::Altered { folder: folder.to_owned(), file: PLAN.into() });
        }
    }
    for (name, digest) in &summary.files {
        if !is_inside(name) || digest_of(folder, name)? != *digest {
            return Err(Error::Altered { folder: folder.to_owned(), file: name.clone() });
        }
    }
    // A template that was added later could change what is rendered, so it is as wrong as one that was changed.
    strangers(folder, TEMPLATES, summary)
}

fn strangers(folder: &Path, below: &str, summary: &Summary) -> Result<(), Error> {
    for name in folder::names(&folder.join(below))? {
        let name = format!("{below}/{name}");
        let is_folder = fs::symlink_metadata(folder.join(&name)).is_ok_and(|kind| kind.is_dir());
        if is_folder {
            strangers(folder, &name, summary)?;
        } else if !folder::is_litter(&name) && !summary.files.iter().any(|(file, _)| *file == name) {
            return Err(Error::Altered { folder: folder.to_owned(), file: name });
        }
    }
    Ok(())
}

fn digest_of(folder: &Path, name: &str) -> Result<String, Error> {
    let path = folder.join(name);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing { folder: folder.to_owned(), file: name.to_owned() });
        }
        other => other.map_err(Error::io("open", &path))?,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(Error::io("read", &path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn text(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut text = String::new();
    let read = file.take(TEXT_BYTES + 1).read_to_string(&mut text).map_err(Error::io("read", path))?;
    if read as u64 > TEXT_BYTES {
        return Err(Error::Malformed { path: path.to_owned(), problem: "it is too long".into() });
    }
    Ok(text)
}
