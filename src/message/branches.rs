//! Which branches of templates are reached: what stands behind `if`, `elif`, `else` and `for`.
//!
//! A copy of the templates has a mark at the beginning of each branch: a call of a function that notes its number and writes nothing. A mark
//! asks for no value and stands behind the tag that has decided, so that it changes neither what is decided nor what is written. Where
//! that tag trims the space behind it (`-%}`) the mark does so too, or it would keep that space from being trimmed.
//!
//! Marks have a second use: they end what takes too long or too much memory ([`limits`](super::limits)). One in a loop does so also where it
//! writes nothing; more of them stand behind every value that is written, and where a piece begins. And what a template keeps goes through a
//! filter, which looks at its size: within one expression Tera itself allows no more than some hundred operators, so that a text can only grow
//! without end by way of what is kept, of lists that are made with `for`, and of the filters that have an end of their own.

use super::files::TemplateFile;
use super::lexer::{self, Tag, Token};
use super::limits;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tera::{Kwargs, State, Tera, TeraResult, Value};

/// Notes a branch, and looks whether something is over.
const MARK: &str = "studio_mark";
/// Looks whether something is over.
const LOOK: &str = "studio_look";
/// The filters for what is kept, and for a member of a list that is made with `for`.
const KEEP: &str = "studio_keep";
const LIST: &str = "studio_list";
/// Behind these a piece begins; behind `include` one has ended.
const PIECES: [&str; 4] = ["block", "component", "filter", "include"];

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
        let mut copy = Copy { source, text: String::with_capacity(source.len() * 2), done: 0, places: Vec::new() };
        for tag in &lexer::tags(source) {
            for (at, what) in bounds(tag) {
                copy.put(at, &what);
            }
            let before = source.get(..tag.end).unwrap_or_default();
            let trims = if before.ends_with("-%}") || before.ends_with("-}}") { "-" } else { "" };
            let first = tag.tokens.first().filter(|_| tag.statement);
            let is_branch = first.is_some_and(|first| ["if", "elif", "else", "for"].iter().any(|word| first.is_word(word)));
            if let Some(first) = first.filter(|_| is_branch) {
                let start = before.get(..first.span.start).and_then(|before| before.rfind("{%")).unwrap_or(first.span.start);
                self.branches.push(Branch {
                    file: file.name.clone(),
                    line: before.get(..start).unwrap_or_default().matches('\n').count() + 1,
                    tag: before.get(start..).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
                });
                copy.put(tag.end, &format!("{{{{ {MARK}(at={}) {trims}}}}}", self.branches.len() - 1));
            } else if first.is_none_or(|first| PIECES.iter().any(|word| first.is_word(word)) || is_begun_by(tag)) {
                copy.put(tag.end, &format!("{{{{ {LOOK}() {trims}}}}}"));
            }
        }
        copy.text.push_str(source.get(copy.done..).unwrap_or_default());
        self.places.insert(file.name.clone(), copy.places);
        copy.text
    }

    /// Lets Tera know what the marks call.
    pub fn register(&self, tera: &mut Tera) {
        let reached = Arc::clone(&self.reached);
        tera.register_function(MARK, move |arguments: Kwargs, _: &State| -> TeraResult<&'static str> {
            let at = usize::try_from(arguments.must_get::<i64>("at")?).unwrap_or(usize::MAX);
            if let Some(reached) = reached.get(at) {
                reached.store(true, Ordering::Relaxed);
            }
            limits::look().map(|()| "")
        });
        tera.register_function(LOOK, |_: Kwargs, _: &State| -> TeraResult<&'static str> { limits::look().map(|()| "") });
        tera.register_filter(KEEP, |value: &Value, _: Kwargs, _: &State| -> TeraResult<Value> {
            limits::keep(value).map(|()| value.clone())
        });
        tera.register_filter(LIST, |value: &Value, _: Kwargs, _: &State| -> TeraResult<Value> {
            limits::list(value).map(|()| value.clone())
        });
    }

    /// How many characters of marks stand before a byte of a marked file, in its line.
    pub fn before(&self, file: &str, marked: &str, at: usize) -> usize {
        let line = marked.get(..at).unwrap_or_default().rfind('\n').map_or(0, |end| end + 1);
        let places = self.places.get(file).map(Vec::as_slice).unwrap_or_default();
        let in_line = places.iter().filter(|place| place.start >= line && place.start < at);
        in_line.map(|place| place.end.min(at) - place.start).sum()
    }

    pub fn unreached(&self) -> Vec<Branch> {
        let branches = self.branches.iter().zip(self.reached.iter());
        branches.filter(|(_, reached)| !reached.load(Ordering::Relaxed)).map(|(branch, _)| branch.clone()).collect()
    }
}

/// A file's text with something put into it, while it is made.
struct Copy<'s> {
    source: &'s str,
    text: String,
    /// The byte of the source up to which it is done.
    done: usize,
    places: Vec<Range<usize>>,
}

impl Copy<'_> {
    /// Puts something in at a byte of the source, which is none before the last one.
    fn put(&mut self, at: usize, what: &str) {
        self.text.push_str(self.source.get(self.done..at).unwrap_or_default());
        self.done = at;
        let start = self.text.len();
        self.text.push_str(what);
        self.places.push(start..self.text.len());
    }
}

/// Whether a tag is the first of two between which something is captured: `{% set x %}`, or a component around something.
fn is_begun_by(tag: &Tag) -> bool {
    let is_set = |first: &Token| first.is_word("set") || first.is_word("set_global");
    match tag.tokens.as_slice() {
        [first, _, rest @ ..] if is_set(first) => !rest.first().is_some_and(|next| next.is("=")),
        [first, second, ..] => first.is("<") && !second.is("/"),
        _ => false,
    }
}

/// What is to be put into a tag, so that nothing is kept, and no list made with `for`, that grows without end.
fn bounds(tag: &Tag) -> Vec<(usize, String)> {
    let mut put = Vec::new();
    let end = tag.tokens.last().map_or(tag.end, |last| last.span.end);
    match tag.tokens.as_slice() {
        [first, _, rest @ ..] if tag.statement && (first.is_word("set") || first.is_word("set_global")) => match rest {
            [equals, _, ..] if equals.is("=") => put.extend([(equals.span.end, " (".to_owned()), (end, format!(") | {KEEP}"))]),
            _ => put.push((end, format!(" | {KEEP}"))),
        },
        _ => {}
    }
    // Brackets that are open, each with the byte behind it.
    let mut open: Vec<(&str, usize)> = Vec::new();
    for token in &tag.tokens {
        for mark in ["[", "?[", "(", "{"] {
            if token.is(mark) {
                open.push((token.text, token.span.end));
            }
        }
        if ["]", ")", "}"].iter().any(|mark| token.is(mark)) {
            open.pop();
        }
        if let Some(&("[", start)) = open.last().filter(|_| token.is_word("for")) {
            put.extend([(start, "(".to_owned()), (token.span.start, format!(") | {LIST} "))]);
        }
    }
    put.sort_by_key(|(at, _)| *at);
    put
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// What a template writes with and without marks, and the tags of the branches that it does not reach.
    fn played(text: &str) -> (String, String, Vec<String>) {
        let file = TemplateFile { name: "a".into(), text: text.into(), digest: String::new() };
        let (marks, texts) = Marks::put(&[file]);
        let mut context = tera::Context::new();
        context.insert("yes", &true);
        context.insert("list", &[1, 2]);
        context.insert("empty", &Vec::<i32>::new());
        let played = |text: &str| {
            let mut tera = Tera::default();
            marks.register(&mut tera);
            tera.add_raw_template("a", text).unwrap_or_else(|error| panic!("{error}"));
            limits::within(Duration::from_millis(200), || tera.render("a", &context)).unwrap_or_else(|error| error.to_string())
        };
        let (plain, marked) = (played(text), played(&texts["a"]));
        (plain, marked, marks.unreached().into_iter().map(|branch| format!("{} {}", branch.line, branch.tag)).collect())
    }

    #[test]
    fn marks_change_nothing_and_tell_what_is_reached() {
        for (text, unreached) in [
            ("{% if yes %} a {% elif list %} b {% else %} c {% endif %}", vec!["1 {% elif list %}", "1 {% else %}"]),
            ("{%- if yes -%}  a  {%- else -%}  c  {%- endif -%}  d", vec!["1 {%- else -%}"]),
            ("\n{% for one in list -%}\n  {{ one }},\n{% else %}none{% endfor %}", vec!["4 {% else %}"]),
            ("{% for one in empty %}a{% else -%}\n none{% endfor %}", vec!["1 {% for one in empty %}"]),
            ("{% set x %}{% if yes %}a{% endif %}{% endset %}{{ x }}", vec![]),
            ("{% raw %}{% if no %}{% endraw %}{# {% if no %} #}{{ \"a\" if yes else \"b\" }}", vec![]),
            ("<a title=\"{% if yes %}x{% endif %}\">", vec![]),
            ("{% set x = \"a\" if yes else \"b\" -%}\n {{ x ~ x -}}  \n.{% set_global y = [x, 1] %}{{ y | join(sep=\"-\") }}", vec![]),
            ("{% set x -%} <b>{{ list[0] }}</b>{% endset -%}  {{ x }}{% set z | upper %}q{% endset %}{{ z }}", vec![]),
            ("{{ [one * 2 for one in list if one > 1] | join }}{{ [[two for two in list] for one in list][0] | join }}", vec![]),
            ("{{ [(\"a\" if one == 1 else \"b\") for one in list] | join }}{{ {\"a\": [one for one in list]}[\"a\"] | length }}", vec![]),
            (
                "{% component box(a) %}[{{ a }}{{ body }}]{% endcomponent box %}{% <box a={[1 for one in list]}> -%} x {{- yes }} {% </box> %}",
                vec![],
            ),
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
        let told = limits::within(Duration::from_millis(100), || tera.render("a", &tera::Context::new())).unwrap_err().to_string();
        assert!(limits::reason(&told).is_some() && start.elapsed() < Duration::from_secs(5), "{told}");
    }
}
