//! Which file is which part of a campaign's mail.

use super::files::TemplateFile;
use super::problem::{Problem, nearest};
use super::templates::{Campaign, Parts};
use std::collections::BTreeMap;

/// Sorts a campaign's files into parts.
pub(super) fn gather(campaign: &str, files: &[TemplateFile], ranks: &[String], problems: &mut Vec<Problem>) -> Campaign {
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
    let whole = |own: Option<&BTreeMap<&str, String>>| {
        let part = |name: &str| own.and_then(|own| own.get(name)).or_else(|| usual.get(name)).cloned();
        // A rank's own HTML must not travel with everybody's text: without a text of its own the text is made from the HTML.
        let text_from_html = own.is_some_and(|own| own.contains_key("body.html") && !own.contains_key("body.txt"));
        Parts {
            subject: part("subject.txt"),
            preheader: part("preheader.txt"),
            html: part("body.html"),
            text: part("body.txt").filter(|_| !text_from_html),
        }
    };
    let ranks = own.iter().map(|(rank, files)| (rank.clone(), whole(Some(files)))).collect();
    Campaign { usual: whole(None), ranks, ..Campaign::default() }
}

/// A mail has a subject and an HTML part.
pub(super) fn need_all(campaign: &str, found: &Campaign, problems: &mut Vec<Problem>) {
    for (part, file) in [("subject.txt", &found.usual.subject), ("body.html", &found.usual.html)] {
        if file.is_none() {
            problems.push(Problem::of_file(&format!("{campaign}/{part}"), format!("the campaign `{campaign}` has no `{part}`"), None));
        }
    }
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
