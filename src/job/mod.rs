//! The job file: what was typed (`file`) becomes what is checked ([`Job`]).
//!
//! All problems of a file are found at once, each with its place and what to do about it. Nothing that is written is ignored: a key
//! is used, or unknown. This room opens the job file, and the job file that `[ranks] of` names;
//! it never looks at data, templates, the clock or the environment.

mod blend;
mod check;
mod echo;
mod error;
mod file;
mod keys;
mod outline;
mod report;
mod set;
mod warnings;
mod words;
mod written;

pub use blend::blend;
pub use echo::echo;
pub use error::{Error, Invalid, Problem};
pub use outline::{campaigns_beside, outline};
pub use set::with_settings;
pub use warnings::warnings;

use crate::domain::recommend::Support;
use crate::domain::{Currency, Job, Ladder};
use report::Report;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use written::Span;

/// No job file is larger than this, in bytes.
const LIMIT: u64 = 1 << 20;

/// Reads and checks a job file. Relative paths in it start from its folder.
///
/// # Errors
/// The file cannot be read, is too large or is not text; or it has problems, all of which are in the error.
pub fn load(path: &Path) -> Result<Job, Error> {
    load_text(path, &read(path)?)
}

/// Checks the text of a job. `path` is where the job file is, or was when the text was taken: relative paths start from its folder.
///
/// # Errors
/// The text has problems, all of which are in the error.
pub fn load_text(path: &Path, text: &str) -> Result<Job, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    check_text(path, &folder, text, &|name| ranks_of(&folder, name))
}

/// A share of a whole, as it is written: 0 to 1 for `0%` to `100%`.
pub fn share(text: &str) -> Option<f64> {
    words::share(text)
}

/// How many must speak for a recommendation, as it is written: `20`, or `0.1%`.
///
/// # Errors
/// Why it is neither.
pub fn support(text: &str) -> Result<Support, &'static str> {
    words::support(&written::Scalar::Text(text.to_owned()))
}

/// The JSON Schema of the job file, for editors; it ends with a line break.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema_value()).unwrap_or_default();
    text.push('\n');
    text
}

fn schema_value() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<file::JobFile>().to_value()
}

fn read(path: &Path) -> Result<String, Error> {
    let unreadable = |error: std::io::Error| Error::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(Error::Unreadable { path: path.to_owned(), reason: "it is a folder".to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Error::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    // Some editors put a mark in front of UTF-8 text; the parser would not know it.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|_| Error::NotText { path: path.to_owned() })
}

fn check_text(path: &Path, folder: &Path, text: &str, borrow: check::Borrow<'_>) -> Result<Job, Error> {
    if text.len() as u64 > LIMIT {
        return Err(Error::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    let mut report = Report::default();
    let (table, errors) = toml::de::DeTable::parse_recoverable(text);
    let mut unknown = Report::default();
    let secrets = keys::check(&table, &schema_value(), &mut unknown);
    let invalid = |report: Report| Error::Invalid(Invalid::new(path, text, report.found, &secrets));
    // A file with broken syntax has been read only as far as the parser could guess: other problems would be guesses too.
    if !errors.is_empty() {
        for error in errors {
            let span = error.span().map_or(Span { start: text.len(), end: text.len() }, Span::from);
            let words = error.message();
            report.add(
                span,
                format!("this is not TOML: {words}"),
                "",
                words::syntax_help(words, text.get(span.start..).unwrap_or_default()),
            );
        }
        return Err(invalid(report));
    }
    let top = Span { start: 0, end: text.lines().next().map_or(0, str::len) };
    let file = match file::JobFile::deserialize(toml::de::Deserializer::from(table)) {
        Ok(file) => file,
        Err(error) => {
            report.add(error.span().map_or(top, Span::from), error.message(), "", "");
            return Err(invalid(report));
        }
    };
    report.found = unknown.found;
    let source = check::Source { path, folder, text, top };
    let job = check::job(&file, &source, borrow, &mut report);
    job.ok_or_else(|| invalid(report))
}

/// The file of the job of this name in the folder: NAME.toml, unless that is another job or not there and a file of another name
/// holds the job.
fn file_of(folder: &Path, name: &str) -> PathBuf {
    let is_job = |path: &PathBuf| {
        let job = read(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
        job.is_some_and(|job| job.get("name").and_then(toml::Value::as_str) == Some(name))
    };
    let usual = folder.join(format!("{name}.toml"));
    if is_job(&usual) {
        return usual;
    }
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut jobs: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "toml") && is_job(path)).collect();
    jobs.sort_unstable();
    jobs.into_iter().next().unwrap_or(usual)
}

/// The ladder of the job of this name in the folder, and its currency.
fn ranks_of(folder: &Path, name: &str) -> Result<(Ladder, Currency), String> {
    let path = file_of(folder, name);
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let text = read(&path).map_err(|error| match error {
        Error::Unreadable { reason, .. } => format!("{file} cannot be read: {reason}"),
        other => other.to_string(),
    })?;
    // One step only: a chain of jobs would hide who decides.
    let job = check_text(&path, folder, &text, &|other| Err(format!("it takes them from {other} in turn; name that job")));
    match job {
        Ok(job) if job.name == name => Ok((job.ladder, job.currency)),
        Ok(job) => Err(format!("{file} is the job `{}`", job.name)),
        Err(error) => match error.problems().as_slice() {
            [first, rest @ ..] => Err(format!("{file}, line {}: {} (and {} more)", first.line, first.message, rest.len())),
            [] => Err(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests;
