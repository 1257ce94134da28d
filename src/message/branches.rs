//! Which branches of templates are reached: what stands behind `if`, `elif`, `else` and `for`.
//!
//! A copy of the templates has a mark at the beginning of each branch: a call of a function that notes its number and writes nothing. A mark
//! asks for no value and stands behind the tag that has decided, so that it changes neither what is decided nor what is written. Where
//! that tag trims the space behind it (`-%}`) the mark does so too, or it would keep that space from being trimmed.
//!
//! Marks have a second use: one in a loop ends it when its time is over, also where it writes nothing.

use super::files::TemplateFile;
use super::lexer;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tera::{Kwargs, State, Tera, TeraResult};

const FUNCTION: &str = "studio_mark";
/// What a mail says that takes too long.
pub(super) const TOO_LONG: &str = "it takes too long to render";

/// A branch of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The tag as it is written.
    pub tag: String,
}

/// The marks of some templates.
#[derive(Debug, Default)]
pub(super) struct Marks {
    branches: Vec<Branch>,
    reached: Arc<Vec<AtomicBool>>,
    /// Where marks stand in each marked file.
    places: HashMap<String, Vec<Range<usize>>>,
}

impl Marks {
    /// Puts marks into copies of these files.
    pub fn put(files: &[TemplateFile]) -> (Self, HashMap<String, String>) {
        let (mut marks, mut texts) = (Self::default(), HashMap::new());
        for file in files {
            let text = marks.put_into(file);
            texts.insert(file.name.clone(), text);
        }
        marks.reached = Arc::new(marks.branches.iter().map(|_| AtomicBool::new(false)).collect());
        (marks, texts)
    }

    fn put_into(&mut self, file: &TemplateFile) -> String {
        let source = file.text.as_str();
        let (mut text, mut done) = (String::with_capacity(source.len() * 2), 0);
        let places = self.places.entry(file.name.clone()).or_default();
        for tag in lexer::tags(source).iter().filter(|tag| tag.statement) {
            let Some(first) = tag.tokens.first().filter(|first| ["if", "elif", "else", "for"].iter().any(|word| first.is_word(word)))
            else {
                continue;
            };
            let before = source.get(..tag.end).unwrap_or_default();
            let trims = before.ends_with("-%}");
            let start = before.get(..first.span.start).and_then(|before| before.rfind("{%")).unwrap_or(first.span.start);
            self.branches.push(Branch {
                file: file.name.clone(),
                line: before.get(..start).unwrap_or_default().matches('\n').count() + 1,
                tag: before.get(start..).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
            });
            text.push_str(source.get(done..tag.end).unwrap_or_default());
            done = tag.end;
            let place = text.len();
            text.push_str(&format!("{{{{ {FUNCTION}(at={}) {}}}}}", self.branches.len() - 1, if trims { "-" } else { "" }));
            places.push(place..text.len());
        }
        text.push_str(source.get(done..).unwrap_or_default());
        text
    }

    /// Lets Tera know what the marks call.
    pub fn register(&self, tera: &mut Tera) {
        let reached = Arc::clone(&self.reached);
        tera.register_function(FUNCTION, move |arguments: Kwargs, _: &State| -> TeraResult<&'static str> {
            let at = usize::try_from(arguments.must_get::<i64>("at")?).unwrap_or(usize::MAX);
            if let Some(reached) = reached.get(at) {
                reached.store(true, Ordering::Relaxed);
            }
            if is_late() { Err(tera::Error::message(TOO_LONG)) } else { Ok("") }
        });
    }

    /// How many characters of marks stand before a byte of a marked file, in its line.
    pub fn before(&self, file: &str, marked: &str, at: usize) -> usize {
        let line = marked.get(..at).unwrap_or_default().rfind('\n').map_or(0, |end| end + 1);
        let places = self.places.get(file).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter(|place| place.start >= line && place.end <= at).map(ExactSizeIterator::len).sum()
    }

    pub fn unreached(&self) -> Vec<Branch> {
        let branches = self.branches.iter().zip(self.reached.iter());
        branches.filter(|(_, reached)| !reached.load(Ordering::Relaxed)).map(|(branch, _)| branch.clone()).collect()
    }
}

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Renders something that must end in time: its marks and all that it writes look whether it is over.
pub fn within<T>(time: Duration, render: impl FnOnce() -> T) -> T {
    UNTIL.set(Some(Instant::now() + time));
    let rendered = render();
    UNTIL.set(None);
    rendered
}

/// Whether the time of what this thread renders is over.
pub(super) fn is_late() -> bool {
    UNTIL.get().is_some_and(|until| Instant::now() > until)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a template writes with and without marks, and the tags of the branches that it does not reach.
    fn played(text: &str) -> (String, String, Vec<String>) {
        let file = TemplateFile { name: "a".into(), text: text.into(), digest: String::new() };
        let (marks, texts) = Marks::put(&[file]);
        let mut context = tera::Context::new();
        context.insert("yes", &true);
        context.insert("list", &[1, 2]);
        context.insert("none", &Vec::<i32>::new());
        let mut played = |text: &str| {
            let mut tera = Tera::default();
            marks.register(&mut tera);
            tera.add_raw_template("a", text).unwrap_or_else(|error| panic!("{error}"));
            within(Duration::from_millis(200), || tera.render("a", &context)).unwrap_or_else(|error| error.to_string())
        };
        let (plain, marked) = (played(text), played(&texts["a"]));
        (plain, marked, marks.unreached().into_iter().map(|branch| format!("{} {}", branch.line, branch.tag)).collect())
    }

    #[test]
    fn marks_change_nothing_and_tell_what_is_reached() {
        for (text, unreached) in [
            ("{% if yes %} a {% elif list %} b {% else %} c {% endif %}", vec!["1 {% elif list %}", "1 {% else %}"]),
            ("{%- if yes -%}  a  {%- else -%}  c  {%- endif -%}  d", vec!["1 {%- else -%}"]),
            ("\n{% for one in list -%}\n  {{ one }},\n{% else %}none{% endfor %}", vec!["3 {% else %}"]),
            ("{% for one in none %}a{% else -%}\n none{% endfor %}", vec!["1 {% for one in none %}"]),
            ("{% set x %}{% if yes %}a{% endif %}{% endset %}{{ x }}", vec![]),
            ("{% raw %}{% if no %}{% endraw %}{# {% if no %} #}{{ \"a\" if yes else \"b\" }}", vec![]),
            ("<a title=\"{% if yes %}x{% endif %}\">", vec![]),
        ] {
            let (plain, marked, found) = played(text);
            assert_eq!(plain, marked, "{text}");
            assert_eq!(found, unreached, "{text}");
        }
    }

    #[test]
    fn a_loop_that_writes_nothing_ends_too() {
        let loops = "{% for a in range(end=90000) %}{% for b in range(end=90000) %}{% endfor %}{% endfor %}";
        let file = TemplateFile { name: "a".into(), text: loops.into(), digest: String::new() };
        let (marks, texts) = Marks::put(&[file]);
        let mut tera = Tera::default();
        marks.register(&mut tera);
        tera.add_raw_template("a", &texts["a"]).unwrap();
        let start = Instant::now();
        let told = within(Duration::from_millis(100), || tera.render("a", &tera::Context::new())).unwrap_err().to_string();
        assert!(told.contains(TOO_LONG) && start.elapsed() < Duration::from_secs(5), "{told}");
    }
}
