//! Two plans compared on the terminal: a table of causes, then the people of each.

use super::super::table::{self, Table};
use super::super::words::pick;
use super::{BOLD, FAINT, good, heading, warning};
use crate::domain::diff::{Cause, Change, Diff, Kind};
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
        let (before, after) = change.told(language);
        out += &format!(
            "  {}  {}  {before} → {after}{}\n",
            table::flush_left(&change.customer, customer),
            table::flush_left(&change.campaign, campaign),
            change.told_ranks().map_or_else(String::new, |ranks| format!("  {FAINT}({ranks}){FAINT:#}")),
        );
    }
    let more = changes.len() - listed.len();
    if more > 0 {
        let told = pick(language, "件（--all ですべて表示）", "more; --all lists them");
        out += &format!("  {FAINT}… {} {told}{FAINT:#}\n", grouped(more as u64));
    }
    out
}
