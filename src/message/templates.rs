//! Loads the template folder, and finds everything that is wrong with it at once.

use super::files::{self, Folder, TemplateFile};
use super::names::{self, Names, Node};
use super::problem::{Problem, Severity, nearest};
use super::scan::{self, Found};
use super::{Error, filters};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use tera::{ErrorKind, Tera};

/// The templates of a job, ready to render.
pub struct Templates {
    pub(super) tera: Tera,
    /// Sources by file name, to show the line that failed.
    pub(super) sources: HashMap<String, String>,
    pub(super) campaigns: HashMap<String, Campaign>,
    pub(super) inliner: Option<css_inline::CSSInliner<'static>>,
    digests: Vec<(String, String)>,
    warnings: Vec<Problem>,
}

/// The files of one campaign.
#[derive(Debug, Default)]
pub(super) struct Campaign {
    pub usual: Parts,
    /// Parts that stand in for a rank, with the usual ones where it has none of its own.
    pub ranks: HashMap<String, Parts>,
    /// Every path that its templates, layout and components use.
    paths: BTreeSet<String>,
}

/// File names of one mail's parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub subject: String,
    pub preheader: Option<String>,
    pub html: String,
    pub text: Option<String>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Templates").field("files", &self.digests).finish_non_exhaustive()
    }
}

impl Templates {
    /// Reads the templates of these campaigns from one root, for a ladder of these ranks.
    ///
    /// # Errors
    /// [`Error::Folder`] when the root cannot be read, else [`Error::Problems`] with all problems, if one of them is an error.
    pub fn load(root: &Path, campaigns: &[String], ranks: &[String], names: &Names) -> Result<Self, Error> {
        let Folder { files, campaigns: present, mut problems } = files::read(root, campaigns)?;
        for name in campaigns.iter().filter(|name| !present.contains(name)) {
            let help = format!("make a folder `{name}` with `subject.txt` and `body.html`");
            problems.push(Problem::of_file(name, format!("the campaign `{name}` has no templates"), Some(help)));
        }
        let mut parts = HashMap::new();
        for name in &present {
            parts.insert(name.clone(), gather(name, &files, ranks, &mut problems));
        }
        let found = scan_all(&files, names, &mut problems);
        let mut tera = Tera::default();
        filters::register(&mut tera, &names.currency, names.language);
        parse_each(&tera, &files, &mut problems);
        if !problems.iter().any(|problem| problem.severity == Severity::Error) {
            let sources: Vec<(&str, &str)> = files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
            match tera.add_raw_templates(sources) {
                Ok(()) => check_calls(&tera, &files, &found, &mut problems),
                Err(error) => problems.extend(explain(&error, &files)),
            }
        }
        problems.sort_by(|a, b| (&a.file, a.line, a.column, a.severity).cmp(&(&b.file, b.line, b.column, b.severity)));
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(Error::Problems(problems));
        }
        for (name, campaign) in &mut parts {
            campaign.paths = reach(name, &found);
        }
        let digests = files.iter().map(|file| (file.name.clone(), file.digest.clone())).collect();
        let sources = files.into_iter().map(|file| (file.name, file.text)).collect();
        Ok(Self { tera, sources, campaigns: parts, inliner: None, digests, warnings: problems })
    }

    /// Moves the rules of `<style>` elements into the elements of each rendered mail (`inline_css = true` in the job).
    #[must_use]
    pub fn inline_css(mut self, wanted: bool) -> Self {
        let options = css_inline::CSSInliner::options().load_remote_stylesheets(false).keep_at_rules(true);
        self.inliner = wanted.then(|| options.build());
        self
    }

    /// Each file that was read, relative to the root, with its BLAKE3 as 64 hex digits; sorted by name.
    #[must_use]
    pub fn files(&self) -> &[(String, String)] {
        &self.digests
    }

    /// Each file that was read, relative to the root, with its text; sorted by name.
    #[must_use]
    pub fn sources(&self) -> Vec<(String, Vec<u8>)> {
        let text = |name: &String| self.sources.get(name).map(|text| text.as_bytes().to_vec()).unwrap_or_default();
        self.digests.iter().map(|(name, _)| (name.clone(), text(name))).collect()
    }

    /// What is worth a look but stops nothing, such as a folder that belongs to no campaign of the job.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Whether a campaign's templates, its layout or a component that it calls use a name, or a part of it, or all that it is in.
    #[must_use]
    pub fn uses(&self, campaign: &str, name: &str) -> bool {
        let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let paths = self.campaigns.get(campaign).map(|campaign| &campaign.paths);
        paths.is_some_and(|paths| paths.iter().any(|path| within(path, name) || within(name, path)))
    }

    /// Whether any campaign's mail tells of the last order's items or store, which cost a second look at the purchases.
    #[must_use]
    pub fn uses_last_order(&self) -> bool {
        self.campaigns.keys().any(|name| self.uses(name, "last_order.items") || self.uses(name, "last_order.store"))
    }
}

/// Sorts a campaign's files into parts.
fn gather(campaign: &str, files: &[TemplateFile], ranks: &[String], problems: &mut Vec<Problem>) -> Campaign {
    let mut usual: BTreeMap<&str, String> = BTreeMap::new();
    let mut own: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    for file in files {
        let Some(name) = file.name.strip_prefix(campaign).and_then(|rest| rest.strip_prefix('/')) else { continue };
        match part_of(name) {
            Some((part, None)) => drop(usual.insert(part, file.name.clone())),
            Some((part, Some(rank))) if ranks.iter().any(|known| known == rank) => {
                own.entry(rank.to_owned()).or_default().insert(part, file.name.clone());
            }
            Some((_, Some(rank))) => {
                let help = match nearest(rank, ranks.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{}`?", name.replacen(rank, meant, 1)),
                    None => format!("the ranks are: {}", ranks.join(", ")),
                };
                problems.push(Problem::of_file(&file.name, format!("there is no rank `{rank}`"), Some(help)));
            }
            None => {
                let known = ["subject.txt", "preheader.txt", "body.html", "body.txt"];
                let help = match nearest(name, known) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => {
                        "a campaign has subject.txt, body.html, preheader.txt, body.txt; put pieces that mails share into `parts/`".into()
                    }
                };
                problems.push(Problem::of_file(&file.name, format!("`{name}` is no part of a mail"), Some(help)));
            }
        }
        if name.starts_with("subject.") {
            one_line(file, problems);
        }
    }
    for part in ["subject.txt", "body.html"].into_iter().filter(|part| !usual.contains_key(part)) {
        problems.push(Problem::of_file(&format!("{campaign}/{part}"), format!("the campaign `{campaign}` has no `{part}`"), None));
    }
    let whole = |own: Option<&BTreeMap<&str, String>>| {
        let part = |name: &str| own.and_then(|own| own.get(name)).or_else(|| usual.get(name)).cloned();
        // A rank's own HTML must not travel with everybody's text: without a text of its own the text is made from the HTML.
        let text_from_html = own.is_some_and(|own| own.contains_key("body.html") && !own.contains_key("body.txt"));
        Parts {
            subject: part("subject.txt").unwrap_or_default(),
            preheader: part("preheader.txt"),
            html: part("body.html").unwrap_or_default(),
            text: part("body.txt").filter(|_| !text_from_html),
        }
    };
    let ranks = own.iter().map(|(rank, files)| (rank.clone(), whole(Some(files)))).collect();
    Campaign { usual: whole(None), ranks, paths: BTreeSet::new() }
}

/// `body.VIP.html` is `body.html` for the rank `VIP`.
fn part_of(name: &str) -> Option<(&'static str, Option<&str>)> {
    let parts = [
        ("subject.", "txt", "subject.txt"),
        ("preheader.", "txt", "preheader.txt"),
        ("body.", "html", "body.html"),
        ("body.", "txt", "body.txt"),
    ];
    parts.into_iter().find_map(|(start, end, part)| {
        let middle = name.strip_prefix(start)?.strip_suffix(end)?;
        if middle.is_empty() { Some((part, None)) } else { Some((part, Some(middle.strip_suffix('.').filter(|rank| !rank.is_empty())?))) }
    })
}

/// A subject is one line: a break in it would be a break in a header.
fn one_line(file: &TemplateFile, problems: &mut Vec<Problem>) {
    let text = file.text.strip_suffix('\n').unwrap_or(&file.text);
    if text.trim().is_empty() {
        problems.push(Problem::of_file(&file.name, "the subject is empty".into(), None));
    } else if let Some(at) = text.find('\n') {
        let help = "write the subject on one line".to_owned();
        problems.push(Problem::at(&file.name, &file.text, at..at + 1, "there is a line break within the subject".into(), Some(help)));
    }
}

/// Scans every file, and checks what files ask of each other.
fn scan_all(files: &[TemplateFile], names: &Names, problems: &mut Vec<Problem>) -> HashMap<String, Found> {
    let (head, body) = (names::tree(names, false), names::tree(names, true));
    let mut found = HashMap::new();
    for file in files {
        let last = file.name.rsplit('/').next().unwrap_or_default();
        let early = last.starts_with("subject.") || last.starts_with("preheader.");
        let tree: &Node = if early { &head } else { &body };
        let mut one = scan::scan(&file.name, &file.text, tree);
        problems.append(&mut one.problems);
        found.insert(file.name.clone(), one);
    }
    let components: BTreeSet<&str> = found.values().flat_map(|one| one.defines.iter().map(String::as_str)).collect();
    for file in files {
        let Some(one) = found.get(&file.name) else { continue };
        for call in one.calls.iter().filter(|call| !components.contains(call.name.as_str())) {
            let help = nearest(&call.name, components.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
            problems.push(Problem::at(&file.name, &file.text, call.span.clone(), format!("unknown component `{}`", call.name), help));
        }
        for (name, span) in one.files.iter().filter(|(name, _)| !found.contains_key(name)) {
            let help = nearest(name, found.keys().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"));
            problems.push(Problem::at(&file.name, &file.text, span.clone(), format!("there is no template `{name}`"), help));
        }
    }
    found
}

/// Reports each file that Tera cannot read, one by one: together it would stop at the first.
fn parse_each(tera: &Tera, files: &[TemplateFile], problems: &mut Vec<Problem>) {
    for file in files {
        let mut alone = tera.clone();
        if let Err(error) = alone.add_raw_template(&file.name, &file.text)
            && let ErrorKind::SyntaxError(report) = error.kind()
        {
            // What the scanner said of a file that cannot be read may follow from that.
            problems.retain(|problem| problem.file != file.name || problem.line == 0);
            // Text between tags begins with the line break before it.
            let range = report.span().range.clone();
            let text = file.text.get(range.clone()).unwrap_or_default();
            let start = range.start + if text.trim().is_empty() { 0 } else { text.len() - text.trim_start().len() };
            problems.push(Problem::at(&file.name, &file.text, start..range.end, readable(report.message()), hint(report.message())));
        }
    }
}

/// What to do about an error whose words do not say it.
fn hint(message: &str) -> Option<String> {
    let hint = match message {
        "Unexpected end of input" => "a tag such as `{% if … %}`, `{% for … %}` or `{% block … %}` is not closed",
        "Unknown tag" => "the tags are if, elif, else, endif, for, endfor, set, block, endblock, extends, include, filter, component",
        _ if message.ends_with("but expected identifier.") => "arguments have names, as in `date(year=true)`",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Tera's words begin with a capital and end with a point; ours do not.
fn readable(message: &str) -> String {
    let mut characters = message.trim_end_matches('.').chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// What Tera says of files that are well one by one but not together.
fn explain(error: &tera::Error, files: &[TemplateFile]) -> Vec<Problem> {
    let text = error.to_string();
    let reports = text.split("\n\n").filter_map(|report| {
        let message = report.strip_prefix("error: ")?.lines().next()?;
        let place = report.lines().find_map(|line| line.trim_start().strip_prefix("--> "))?;
        let mut numbers = place.rsplitn(3, ':');
        let (column, line) = (numbers.next()?.parse::<usize>().ok()?, numbers.next()?.parse::<usize>().ok()?);
        let file = files.iter().find(|file| Some(file.name.as_str()) == numbers.next())?;
        let start = line_start(&file.text, line) + column.saturating_sub(1);
        Some(Problem::at(&file.name, &file.text, start..start + 1, readable(message), None))
    });
    let reports: Vec<Problem> = reports.collect();
    if !reports.is_empty() {
        return reports;
    }
    // Without a place, it is told at the first file that is named.
    let named = files.iter().filter_map(|file| Some((text.find(&file.name)?, file.name.as_str()))).min();
    vec![Problem::of_file(named.map_or("", |(_, name)| name), readable(&text), None)]
}

/// The byte at which a line (from 1) begins.
fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum()
}

/// Tera looks at a component's arguments only while it renders; this looks now.
fn check_calls(tera: &Tera, files: &[TemplateFile], found: &HashMap<String, Found>, problems: &mut Vec<Problem>) {
    for file in files {
        for call in found.get(&file.name).map(|one| one.calls.as_slice()).unwrap_or_default() {
            let Some(component) = tera.get_component_definition(&call.name) else { continue };
            let known: Vec<&str> = component.args().iter().map(tera::ComponentArg::name).collect();
            let mut report = |message: String, help: Option<String>| {
                problems.push(Problem::at(&file.name, &file.text, call.span.clone(), message, help));
            };
            for argument in call.arguments.iter().filter(|name| !known.contains(&name.as_str()) && component.rest_param().is_none()) {
                let help = match nearest(argument, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("it takes: {}", known.join(", ")),
                };
                report(format!("the component `{}` has no argument `{argument}`", call.name), Some(help));
            }
            let given = |name: &str| call.spread || call.arguments.iter().any(|argument| argument == name);
            for argument in component.args().iter().filter(|argument| argument.is_required() && !given(argument.name())) {
                report(format!("the component `{}` needs the argument `{}`", call.name, argument.name()), None);
            }
        }
    }
}

/// Every path that a campaign's own files use, with those of all files and components that they reach.
fn reach(campaign: &str, found: &HashMap<String, Found>) -> BTreeSet<String> {
    let own = |name: &&String| name.strip_prefix(campaign).is_some_and(|rest| rest.starts_with('/'));
    let mut open: Vec<&str> = found.keys().filter(own).map(String::as_str).collect();
    let (mut seen, mut paths) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = open.pop() {
        let Some(one) = found.get(name).filter(|_| seen.insert(name)) else { continue };
        paths.extend(one.paths.iter().cloned());
        open.extend(one.files.iter().map(|(name, _)| name.as_str()));
        for call in &one.calls {
            open.extend(found.iter().filter(|(_, other)| other.defines.contains(&call.name)).map(|(name, _)| name.as_str()));
        }
    }
    paths
}
