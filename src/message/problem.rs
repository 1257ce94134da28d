//! What is wrong with a template, for people and for programs.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};
use std::ops::Range;
use unicode_width::UnicodeWidthChar;

/// Letters of a sentence on a page.
const SAID: usize = 240;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be planned.
    Error,
    /// Worth a look.
    Warning,
}

/// One problem of one template file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Relative to the template folder, with `/`.
    pub file: String,
    /// From 1; 0 when the problem is the file itself.
    pub line: usize,
    /// In characters, from 1; 0 when the problem is the file itself.
    pub column: usize,
    pub message: String,
    pub help: Option<String>,
    /// The line of the template and the bytes of it that are meant.
    excerpt: Option<(String, Range<usize>)>,
}

impl Problem {
    /// A problem of a file as a whole.
    pub(super) fn of_file(file: &str, message: String, help: Option<String>) -> Self {
        Self { severity: Severity::Error, file: file.to_owned(), line: 0, column: 0, message, help, excerpt: None }
    }

    /// A problem at some bytes of a file's source.
    pub(super) fn at(file: &str, source: &str, span: Range<usize>, message: String, help: Option<String>) -> Self {
        let (line, column, excerpt) = locate(source, span);
        Self { severity: Severity::Error, file: file.to_owned(), line, column, message, help, excerpt: Some(excerpt) }
    }

    /// A problem at a line and a column (from 1, in characters), with what stands there up to the next space.
    pub(super) fn at_place(file: &str, source: &str, (line, column): (usize, usize), message: String) -> Self {
        let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let text = source.get(start..).unwrap_or_default();
        let inside: usize = text.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        let word = text.get(inside..).unwrap_or_default();
        let end = word.find(|letter: char| !(letter.is_alphanumeric() || "_.?".contains(letter))).unwrap_or(word.len()).max(1);
        Self::at(file, source, start + inside..start + inside + end, message, None)
    }

    pub(super) fn warn(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The problem as text with the template's line and a caret under it.
    #[must_use]
    pub fn show(&self) -> String {
        self.shown(&Renderer::plain())
    }

    /// The same where lines have room for so many columns: of a longer line the part around the caret, and of what is said the begin.
    #[must_use]
    pub fn show_within(&self, columns: usize) -> String {
        let cut = self.excerpt.as_ref().map(|(text, span)| cut(text, span, columns));
        let (message, help) = (begin(&self.message), self.help.as_deref().map(begin));
        Self { message, help, excerpt: cut, ..self.clone() }.shown(&Renderer::plain().term_width(columns))
    }

    fn shown(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str());
        let mut group = match &self.excerpt {
            Some((text, span)) => Group::with_title(title).element(
                Snippet::source(text.as_str())
                    .line_start(self.line)
                    .path(self.file.as_str())
                    .annotation(AnnotationKind::Primary.span(span.clone())),
            ),
            None => Group::with_title(title).element(annotate_snippets::Origin::path(self.file.as_str())),
        };
        if let Some(help) = &self.help {
            group = group.element(Element::from(Level::HELP.message(help.as_str())));
        }
        renderer.render(&[group])
    }
}

/// Line and column (from 1, in characters) of a span, and the line with the span in it, cut to that line.
fn locate(source: &str, span: Range<usize>) -> (usize, usize, (String, Range<usize>)) {
    let start = floor(source, span.start);
    let before = source.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_end = source.get(start..).and_then(|rest| rest.find('\n')).map_or(source.len(), |at| start + at);
    let text = source.get(line_start..line_end).unwrap_or_default();
    let end = floor(source, span.end).clamp(start, line_end);
    let line = before.matches('\n').count() + 1;
    let column = source.get(line_start..start).map_or(0, |part| part.chars().count()) + 1;
    (line, column, (text.to_owned(), start - line_start..end - line_start))
}

/// A line and what is meant of it, which has no more than half of the columns: of a longer one the begin is shown.
fn cut(text: &str, span: &Range<usize>, columns: usize) -> (String, Range<usize>) {
    let meant = text.get(span.clone()).unwrap_or_default();
    let mut width = 0;
    let end = meant.char_indices().find(|(_, letter)| {
        width += letter.width().unwrap_or_default();
        width > columns / 2
    });
    match end {
        Some((end, _)) => (text.get(..span.start + end).unwrap_or_default().to_owned() + "…", span.start..span.start + end),
        None => (text.to_owned(), span.clone()),
    }
}

/// A text of which the begin is enough: it may quote a very long word.
fn begin(text: &str) -> String {
    match text.char_indices().nth(SAID) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The nearest character border at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// All problems, an empty line between two.
pub(super) fn show_all(problems: &[Problem]) -> String {
    problems.iter().map(Problem::show).collect::<Vec<_>>().join("\n\n")
}

/// The known word that a wrong one was probably meant to be.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wrong.to_lowercase(), &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= 1 + word.chars().count().min(wrong.chars().count()) / 4)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_with_a_caret() {
        let source = "one\n日本 {{ nmae }}\nthree";
        let start = source.find("nmae").unwrap();
        let problem =
            Problem::at("a/body.html", source, start..start + 4, "unknown name `nmae`".into(), Some("did you mean `name`?".into()));
        assert_eq!((problem.line, problem.column), (2, 7));
        let shown = problem.show();
        assert!(shown.contains("a/body.html:2:7") && shown.contains("^^^^") && shown.contains("help: did you mean"), "{shown}");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_caret_is_shown() {
        let source = format!("<td style=\"{}\">{{{{ nmae }}}} {}</td>", "color: red; ".repeat(30), "more ".repeat(30));
        let start = source.find("nmae").unwrap();
        let told = Problem::at("a/body.html", &source, start..start + 4, "unknown name".into(), None).show_within(38);
        let lines: Vec<&str> = told.lines().collect();
        let (line, caret) =
            (lines.iter().find(|line| line.contains("nmae")).unwrap(), lines.iter().find(|line| line.contains('^')).unwrap());
        assert_eq!(line.find("nmae"), caret.find('^'), "{told}");
        assert!(line.chars().count() <= 42 && caret.trim_end().ends_with("^^^^"), "{told}");
    }

    #[test]
    fn of_a_long_line_that_is_all_wrong_a_part_is_shown() {
        for word in ["a", "あ", "a b"] {
            let source = format!("one\n  {{{{ {} }}}} more", word.repeat(4_000));
            let start = source.find(word).unwrap();
            let end = source.rfind(" }}").unwrap();
            let told = Problem::at("a/body.html", &source, start..end, "wrong".into(), None).show_within(38);
            assert!(told.contains("a/body.html:2:6"), "{told}");
            let lines: Vec<&str> = told.lines().collect();
            let caret = lines.iter().find(|line| line.contains('^')).unwrap();
            assert!(lines.iter().all(|line| line.chars().count() <= 50) && caret.matches('^').count() >= 10, "{told}");
        }
    }

    #[test]
    fn suggestions_are_near_or_absent() {
        assert_eq!(nearest("nmae", ["name", "email"]), Some("name"));
        assert_eq!(nearest("Emial", ["name", "email"]), Some("email"));
        assert_eq!(nearest("zzz", ["name", "email"]), None);
    }
}
