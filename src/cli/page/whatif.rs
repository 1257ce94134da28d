//! What-if on the terminal: a row for each run that was played, and a small picture of each rank.

use super::super::table::{self, Table};
use super::super::words::pick;
use super::{BOLD, FAINT, good, heading};
use crate::domain::money::grouped;
use crate::domain::whatif::{ReplayedRun, WhatIf};
use crate::domain::{Job, RankChange};
use std::path::Path;

/// The steps of a small picture.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub fn whatif(job: &Job, found: &WhatIf, picture: Option<&Path>) -> String {
    let language = job.language;
    let mut out = format!("{BOLD}{} · {}{BOLD:#}\n", found.job, pick(language, "もし条件を変えていたら", "what if"));
    for setting in &found.settings {
        out += &format!("  {setting}\n");
    }
    out += &heading(pick(language, "月ごと", "Month by month"));
    out += &months(job, found);
    if found.changed.is_some() {
        out += &format!("  {FAINT}{}{FAINT:#}\n", pick(language, "( ) は今の条件との差", "( ): against today's rules"));
    }
    if found.asked().runs.iter().any(|run| run.adopted) {
        out += &format!("  {FAINT}{}{FAINT:#}\n", pick(language, "* 実行済みの日付", "*: a run of this date was adopted"));
    }
    out += &heading(pick(language, "ランクの人数", "Rank sizes"));
    out += &pictures(job, found);
    if let Some(path) = picture {
        out += &format!("\n{}", good(&path.display().to_string()));
    }
    out
}

/// A figure, and how far it is from that of today's rules.
fn against(now: i128, today: Option<i128>, show: &dyn Fn(u64) -> String) -> String {
    let shown = |number: i128| show(u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX));
    match today.map(|today| now - today) {
        None | Some(0) => shown(now),
        Some(more) if more > 0 => format!("{} (+{})", shown(now), shown(more)),
        Some(less) => format!("{} (−{})", shown(now), shown(less)),
    }
}

fn months(job: &Job, found: &WhatIf) -> String {
    let language = job.language;
    let asked = found.asked();
    let mut table = Table::default();
    let moved = [RankChange::New, RankChange::Up, RankChange::Down];
    let heads = asked.ranks.iter().rev().cloned().chain(moved.map(|change| change.told(language).to_owned()));
    let rest = [pick(language, "メール", "mails"), pick(language, "特典の費用", "cost of offers")].map(str::to_owned);
    table.row(std::iter::once(String::new()).chain(heads).chain(rest).collect());
    for (run, today) in asked.runs.iter().zip(&found.today.runs) {
        let today = found.changed.as_ref().map(|_| today);
        let count = |figure: &dyn Fn(&ReplayedRun) -> u64| {
            against(figure(run).into(), today.map(|today| figure(today).into()), &|number| grouped(number))
        };
        let mut row = vec![format!("{}{}", run.as_of, if run.adopted { "*" } else { "" })];
        row.extend((0..asked.ranks.len()).rev().map(|rank| count(&|run| run.size(rank))));
        row.extend(moved.map(|change| count(&|run| run.moved(change))));
        row.push(count(&|run| run.counts.mails));
        let money = |amount: u64| job.currency.show(i64::try_from(amount).unwrap_or(i64::MAX));
        row.push(against(run.counts.offer_exposure.into(), today.map(|today| today.counts.offer_exposure.into()), &money));
        table.row(row);
    }
    table.draw()
}

/// Each rank as a row of bars: today's, and what would have been.
fn pictures(job: &Job, found: &WhatIf) -> String {
    let asked = found.asked();
    let width = table::widest(asked.ranks.iter().map(String::as_str));
    let mut out = String::new();
    for (rank, name) in asked.ranks.iter().enumerate().rev() {
        let sizes = |runs: &[ReplayedRun]| runs.iter().map(|run| run.size(rank)).collect::<Vec<u64>>();
        let (today, now) = (sizes(&found.today.runs), sizes(&asked.runs));
        let most = today.iter().chain(&now).copied().max().unwrap_or(0);
        let name = table::flush_left(name, width);
        out += &if found.changed.is_some() {
            let words = [pick(job.language, "今", "today"), pick(job.language, "変更後", "changed")];
            format!("  {name}  {} {FAINT}{}{FAINT:#}  {} {}\n", words[0], bars(&today, most), words[1], bars(&now, most))
        } else {
            format!("  {name}  {}\n", bars(&now, most))
        };
    }
    out
}

fn bars(figures: &[u64], most: u64) -> String {
    let step = |figure: &u64| usize::try_from(figure.saturating_mul(7).div_ceil(most.max(1))).unwrap_or(7).min(7);
    figures.iter().map(|figure| STEPS[step(figure)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_show_what_differs() {
        let show = |number: u64| number.to_string();
        assert_eq!(against(5, None, &show), "5");
        assert_eq!([against(5, Some(5), &show), against(5, Some(3), &show), against(5, Some(9), &show)], ["5", "5 (+2)", "5 (−4)"]);
        assert_eq!(bars(&[0, 1, 50, 100], 100), "▁▂▅█");
    }
}
