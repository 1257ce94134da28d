//! Two plans compared on the terminal: a table of causes, then the people of each.

use super::super::table::{self, Table};
use super::super::words::pick;
use super::{BOLD, FAINT, good, heading, warning};
use crate::domain::Channel;
use crate::domain::diff::{Cause, Change, Diff, End, Fate, Kind};
use crate::domain::job::Language;
use crate::domain::money::grouped;

/// How many people of a cause are listed unless all are asked for.
const FIRST: usize = 20;

/// The whole comparison.
pub fn diff(diff: &Diff, all: bool) -> String {
    let language = diff.language;
    let (before, after) = (&diff.before, &diff.after);
    let mut out = format!("{BOLD}{} {} → {}{BOLD:#}\n", diff.job, before.as_of, after.as_of);
    for plan in [before, after] {
        let digest: String = plan.digest.chars().take(8).collect();
        let mails = pick(language, "通", "mails");
        out += &format!("  {FAINT}{} · {digest} · {} {mails}{FAINT:#}\n", plan.folder.display(), grouped(plan.mails));
    }
    if diff.changes.is_empty() {
        return out + &good(pick(language, "どのお客様にも同じものが届きます。", "Everybody gets the same."));
    }
    out += &heading(pick(language, "変化の原因", "What changed, and by what"));
    out += &causes(diff);
    out += &diff.notes.iter().map(|note| warning(note)).collect::<String>();
    for cause in Cause::ALL {
        let changes: Vec<&Change> = diff.changes.iter().filter(|change| change.cause == cause).collect();
        if !changes.is_empty() {
            out += &people(&changes, language, cause.told(language), if all { changes.len() } else { FIRST });
        }
    }
    out
}

fn causes(diff: &Diff) -> String {
    let language = diff.language;
    let mut table = Table::default();
    let kinds = Kind::ALL.map(|kind| kind.told(language).to_owned());
    let sum = pick(language, "計", "all").to_owned();
    table.row(std::iter::once(String::new()).chain(kinds).chain([sum.clone()]).collect());
    let mut sums = [0; Kind::ALL.len()];
    for cause in Cause::ALL {
        let counts = diff.counts(cause);
        let pairs: u64 = counts.iter().sum();
        if pairs > 0 {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            let cells = counts.into_iter().chain([pairs]).map(grouped);
            table.row(std::iter::once(cause.told(language).to_owned()).chain(cells).collect());
        }
    }
    table.rule();
    let cells = sums.into_iter().chain([sums.iter().sum()]).map(grouped);
    table.row(std::iter::once(sum).chain(cells).collect());
    table.draw()
}

fn people(changes: &[&Change], language: Language, cause: &str, shown: usize) -> String {
    let mut out = heading(&format!("{cause} ({})", grouped(changes.len() as u64)));
    let listed = &changes[..shown.min(changes.len())];
    let customer = table::widest(listed.iter().map(|change| change.customer.as_str()));
    let campaign = table::widest(listed.iter().map(|change| change.campaign.as_str()));
    for change in listed {
        let (before, after) = (end(&change.before, language), end(&change.after, language));
        // Two mails of one subject differ in what comes below it.
        let after = if before == after { pick(language, "本文が別", "the same subject, another text").to_owned() } else { after };
        out += &format!(
            "  {}  {}  {before} → {after}{}\n",
            table::flush_left(&change.customer, customer),
            table::flush_left(&change.campaign, campaign),
            ranks(change),
        );
    }
    let more = changes.len() - listed.len();
    if more > 0 {
        let told = pick(language, "件（--all ですべて表示）", "more; --all lists them");
        out += &format!("  {FAINT}… {} {told}{FAINT:#}\n", grouped(more as u64));
    }
    out
}

/// The ranks, where the customer's moved.
fn ranks(change: &Change) -> String {
    let name = |end: &End| end.rank.clone().unwrap_or_else(|| "-".to_owned());
    let (before, after) = (name(&change.before), name(&change.after));
    if before == after { String::new() } else { format!("  {FAINT}({before} → {after}){FAINT:#}") }
}

fn end(end: &End, language: Language) -> String {
    match (end.fate, &end.subject) {
        (Fate::Mailed(_), Some(subject)) => language.pick(format!("「{subject}」"), format!("\"{subject}\"")),
        (Fate::Mailed(_), None) => end.channel.unwrap_or(Channel::Mail).told(language).to_owned(),
        (Fate::Skipped(reason), _) => reason.told(language).to_owned(),
        (Fate::Unmatched, _) => pick(language, "対象外", "not matched").to_owned(),
    }
}
