//! What can be wrong with a job file, and how it is shown.

use super::written::Span;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt;
use std::path::{Path, PathBuf};

/// How many problems are shown; a file with more of them is not a job file.
const SHOWN: usize = 100;
/// How many are kept for machines.
const KEPT: usize = 1_000;

/// Why a job cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the job file `{}`: {reason}; give the path of a TOML file", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("the job file `{}` is larger than {} KiB, so it is no job file; give the path of a TOML file", path.display(), limit / 1024)]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("the job file `{}` is not UTF-8 text; save it as UTF-8", path.display())]
    NotText { path: PathBuf },
    #[error("{0}")]
    Invalid(Invalid),
}

impl Error {
    /// Every problem, for machines. A file that could not be read is one problem without a place (line 0).
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Invalid(invalid) => invalid.found.iter().map(|found| found.place_in(&invalid.text)).collect(),
            other => vec![Problem { message: other.to_string(), line: 0, column: 0, help: None }],
        }
    }
}

/// One problem. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub line: usize,
    pub column: usize,
    pub help: Option<String>,
}

/// A problem and its place, as the checks find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub message: String,
    pub span: Span,
    /// What the caret says.
    pub label: String,
    pub help: Option<String>,
    /// Another place that matters, and what it says.
    pub also: Option<(Span, String)>,
}

impl Found {
    fn place_in(&self, text: &str) -> Problem {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Problem {
            message: self.message.clone(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |rest| rest.chars().count()) + 1,
            help: self.help.clone(),
        }
    }
}

/// A job file with problems. Its `Display` shows each with file, line and caret.
#[derive(Debug)]
pub struct Invalid {
    path: PathBuf,
    /// The job's text without its secrets.
    text: String,
    /// In the order of the file.
    found: Vec<Found>,
}

impl Invalid {
    /// Puts the problems in the order of the file and takes what stands at `secrets` out of the text that is shown.
    pub fn new(path: &Path, text: &str, mut found: Vec<Found>, secrets: &[Span]) -> Self {
        let mut text = text.to_owned();
        for secret in secrets {
            if let Some(value) = text.get(secret.start..secret.end) {
                // As many bytes as before, so that every other place stays where it was.
                let stars = "*".repeat(value.len());
                text.replace_range(secret.start..secret.end, &stars);
            }
        }
        for problem in &mut found {
            problem.span = within(&text, problem.span);
            if let Some((span, _)) = &mut problem.also {
                *span = within(&text, *span);
            }
        }
        found.sort_by(|left, right| (left.span, &left.message).cmp(&(right.span, &right.message)));
        found.dedup();
        found.truncate(KEPT);
        Self { path: path.to_owned(), text, found }
    }
}

/// The span, moved to where characters begin and end within the text.
fn within(text: &str, span: Span) -> Span {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end.max(start));
    Span { start, end }
}

impl fmt::Display for Invalid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        let renderer = Renderer::plain();
        for (at, found) in self.found.iter().take(SHOWN).enumerate() {
            if at > 0 {
                out.write_str("\n\n")?;
            }
            out.write_str(&renderer.render(&[self.group(found, &path)]))?;
        }
        if self.found.len() > SHOWN {
            write!(out, "\n\n... and {} more problems", self.found.len() - SHOWN)?;
        }
        Ok(())
    }
}

impl Invalid {
    fn group<'a>(&'a self, found: &'a Found, path: &'a str) -> Group<'a> {
        let mark = |kind: AnnotationKind, span: Span, label: &'a str| {
            let mark = kind.span(span.start..span.end);
            if label.is_empty() { mark } else { mark.label(label) }
        };
        let mut source = Snippet::source(self.text.as_str()).path(path).annotation(mark(AnnotationKind::Primary, found.span, &found.label));
        if let Some((span, label)) = &found.also {
            source = source.annotation(mark(AnnotationKind::Context, *span, label));
        }
        let group = Level::ERROR.primary_title(found.message.as_str()).element(source);
        match &found.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}
