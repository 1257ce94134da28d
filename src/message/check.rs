//! Finds what is wrong with templates: one by one, and with each other.

use super::files::TemplateFile;
use super::names::{self, Names, Node};
use super::problem::{Problem, nearest};
use super::scan::{self, Found};
use std::collections::{BTreeSet, HashMap};
use tera::{ErrorKind, Tera};

/// Scans every file, and checks what files ask of each other.
pub(super) fn scan_all(files: &[TemplateFile], names: &Names, problems: &mut Vec<Problem>) -> HashMap<String, Found> {
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
pub(super) fn parse_each(tera: &Tera, files: &[TemplateFile], problems: &mut Vec<Problem>) {
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
            problems.push(Problem::at(
                &file.name,
                &file.text,
                start..range.end,
                readable(report.message()),
                hint(report.message(), &file.text),
            ));
        }
    }
}

/// What to do about an error whose words do not say it.
fn hint(message: &str, source: &str) -> Option<String> {
    let hint = match message {
        "Unexpected end of input" if is_open(source, "{{", "}}") => "a `{{` has no `}}` behind it",
        "Unexpected end of input" if is_open(source, "{%", "%}") => "a `{%` has no `%}` behind it",
        "Unexpected end of input" => "a tag such as `{% if … %}`, `{% for … %}` or `{% block … %}` is not closed",
        "Unknown tag" => "the tags are if, elif, else, endif, for, endfor, set, block, endblock, extends, include, filter, component",
        _ if message.ends_with("but expected identifier.") => "arguments have names, as in `date(year=true)`",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether behind the last beginning of such a tag its end is missing.
fn is_open(source: &str, begin: &str, end: &str) -> bool {
    source.rfind(begin).is_some_and(|at| !source.get(at..).unwrap_or_default().contains(end))
}

/// Tera's words begin with a capital and end with a point; ours do not.
fn readable(message: &str) -> String {
    let mut characters = message.trim_end_matches('.').chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// What Tera says of files that are well one by one but not together.
pub(super) fn explain(error: &tera::Error, files: &[TemplateFile]) -> Vec<Problem> {
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
pub(super) fn check_calls(tera: &Tera, files: &[TemplateFile], found: &HashMap<String, Found>, problems: &mut Vec<Problem>) {
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

/// The files that a campaign's own files reach, themselves included, and every path that these use.
pub(super) fn reach(campaign: &str, found: &HashMap<String, Found>) -> (BTreeSet<String>, BTreeSet<String>) {
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
    (seen.into_iter().map(str::to_owned).collect(), paths)
}
