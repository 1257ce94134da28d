//! Which file is which part of a campaign's mail.

use super::files::TemplateFile;
use super::problem::{Problem, nearest};
use super::templates::{Campaign, Parts, Set};
use std::collections::{BTreeMap, BTreeSet};

/// The file of each part.
type Files = BTreeMap<&'static str, String>;

/// The files of one folder.
#[derive(Default)]
struct Layer {
    usual: Files,
    /// Those that stand in for a rank.
    ranks: BTreeMap<String, Files>,
}

/// Sorts a campaign's files into parts.
pub(super) fn gather(
    campaign: &str,
    variants: &[String],
    files: &[TemplateFile],
    ranks: &[String],
    problems: &mut Vec<Problem>,
) -> Campaign {
    let mut own = Layer::default();
    let mut layers: BTreeMap<&str, Layer> = variants.iter().map(|variant| (variant.as_str(), Layer::default())).collect();
    for file in files {
        let Some(name) = file.name.strip_prefix(campaign).and_then(|rest| rest.strip_prefix('/')) else { continue };
        match name.split_once('/') {
            None => own.take(name, file, ranks, problems),
            Some((variant, name)) => {
                if let Some(layer) = layers.get_mut(variant) {
                    layer.take(name, file, ranks, problems);
                    continue;
                }
                let help = match nearest(variant, variants.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the variants are: {}", variants.join(", ")),
                };
                problems.push(Problem::of_file(&file.name, format!("there is no variant `{variant}`"), Some(help)));
            }
        }
    }
    let variants = layers.iter().map(|(variant, layer)| ((*variant).to_owned(), set(&[layer, &own]))).collect();
    Campaign { set: set(&[&own]), variants, ..Campaign::default() }
}

impl Layer {
    /// Takes a file in as the part that its name says.
    fn take(&mut self, name: &str, file: &TemplateFile, ranks: &[String], problems: &mut Vec<Problem>) {
        match part_of(name) {
            Some((part, None)) => drop(self.usual.insert(part, file.name.clone())),
            Some((part, Some(rank))) if ranks.iter().any(|known| known == rank) => {
                self.ranks.entry(rank.to_owned()).or_default().insert(part, file.name.clone());
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
}

/// The parts of some layers, each from the first layer that has it; within a layer the rank's own goes first.
fn set(layers: &[&Layer]) -> Set {
    let ranks: BTreeSet<&String> = layers.iter().flat_map(|layer| layer.ranks.keys()).collect();
    let of_rank = |rank: &String| {
        let files: Vec<&Files> = layers.iter().flat_map(|layer| layer.ranks.get(rank).into_iter().chain([&layer.usual])).collect();
        (rank.clone(), whole(&files))
    };
    let usual: Vec<&Files> = layers.iter().map(|layer| &layer.usual).collect();
    Set { usual: whole(&usual), ranks: ranks.into_iter().map(of_rank).collect() }
}

/// One mail's parts, each from the first files that have it.
fn whole(files: &[&Files]) -> Parts {
    let place = |name: &str| files.iter().position(|files| files.contains_key(name));
    let part = |name: &str| files.iter().find_map(|files| files.get(name)).cloned();
    // A rank's or a variant's own HTML must not travel with everybody's text: without a text beside it the text is made from the HTML.
    let text_is_others = place("body.html").zip(place("body.txt")).is_some_and(|(html, text)| html < text);
    Parts {
        subject: part("subject.txt"),
        preheader: part("preheader.txt"),
        html: part("body.html"),
        text: part("body.txt").filter(|_| !text_is_others),
    }
}

/// A mail has a subject and an HTML part.
pub(super) fn need_all(campaign: &str, found: &Campaign, problems: &mut Vec<Problem>) {
    let mut need = |folder: &str, who: &str, parts: &Parts| {
        for (part, file) in [("subject.txt", &parts.subject), ("body.html", &parts.html)] {
            if file.is_none() {
                problems.push(Problem::of_file(&format!("{folder}/{part}"), format!("{who} has no `{part}`"), None));
            }
        }
    };
    if found.variants.is_empty() {
        need(campaign, &format!("the campaign `{campaign}`"), &found.set.usual);
    }
    for (variant, set) in &found.variants {
        need(&format!("{campaign}/{variant}"), &format!("the variant `{variant}` of the campaign `{campaign}`"), &set.usual);
    }
}

/// Variants that read alike are most likely a folder that was forgotten or copied, unless a template asks which one it is for.
pub(super) fn twins(campaign: &str, found: &Campaign, files: &[TemplateFile]) -> Option<Problem> {
    if found.paths.iter().any(|path| path == "campaign" || path == "campaign.variant") {
        return None;
    }
    let text = |name: &Option<String>| files.iter().find(|file| Some(&file.name) == name.as_ref()).map(|file| file.text.as_str());
    let read = |parts: &Parts| [&parts.subject, &parts.preheader, &parts.html, &parts.text].map(text);
    let read_by = |set: &Set, rank: &String| read(set.ranks.get(rank).unwrap_or(&set.usual));
    let is_alike = |one: &Set, other: &Set| {
        let mut ranks = one.ranks.keys().chain(other.ranks.keys());
        read(&one.usual) == read(&other.usual) && ranks.all(|rank| read_by(one, rank) == read_by(other, rank))
    };
    let sets: BTreeMap<&String, &Set> = found.variants.iter().collect();
    let alike =
        |name: &String, set: &Set| sets.iter().find(|(other, known)| **other < name && is_alike(known, set)).map(|(other, _)| *other);
    let (twin, other) = sets.iter().find_map(|(name, set)| Some((*name, alike(name, set)?)))?;
    let message = format!(
        "the variants `{other}` and `{twin}` of the campaign `{campaign}` have the same templates; put what differs into \
         `{campaign}/{twin}/`, such as `subject.txt`"
    );
    Some(Problem::of_file(&format!("{campaign}/{twin}"), message, None).warn())
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
