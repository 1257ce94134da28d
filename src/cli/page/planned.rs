//! The plan on the terminal: who gets what, who does not and why, what looks odd, and what to do next.

use super::super::table::{self, Table};
use super::super::words::pick;
use super::{BOLD, FAINT, colour, heading, points, warning};
use crate::domain::channel::told_where_not_mail;
use crate::domain::money::grouped;
use crate::domain::offer::OfferKind;
use crate::domain::plan::Summary;
use crate::domain::{Campaign, Job, RankChange, SkipReason};
use crate::pipeline::{Next, Planned};
use anstyle::AnsiColor;
use std::collections::BTreeMap;

/// The widest bar of the rank picture, in letters.
const BAR: u64 = 32;

/// The whole plan.
pub fn planned(job: &Job, planned: &Planned, verbose: bool) -> String {
    let summary = &planned.summary;
    let counts = &summary.counts;
    let language = job.language;
    let mut out = format!(
        "{BOLD}{} {}{BOLD:#}  {FAINT}{} {}{FAINT:#}\n",
        summary.job,
        summary.as_of,
        pick(language, "ランクの締め日", "closing"),
        summary.closing,
    );
    for line in &planned.echo {
        out += &format!("  {FAINT}{line}{FAINT:#}\n");
    }
    out += &heading(pick(language, "ランク", "Ranks"));
    out += &ladder(job, summary);
    out += &heading(pick(language, "メール", "Mails"));
    out += &mails(job, summary);
    out += &draws(job, summary);
    for line in summary.allotments(&job.currency, language) {
        out += &format!("  {line}\n");
    }
    let skips = skips(job, summary, verbose);
    if !skips.is_empty() {
        out += &heading(pick(language, "見送りの理由", "Skipped, because"));
        out += &skips;
    }
    out += &format!(
        "\n  {} {} = {} {} + {} {}\n",
        pick(language, "条件に合う", "matched"),
        grouped(counts.matched),
        pick(language, "メール", "mails"),
        grouped(counts.mails),
        pick(language, "見送り", "skipped"),
        grouped(counts.skipped),
    );
    out += &points::totals(job, counts);
    out += &left_out(job, summary);
    out += &summary.warnings.iter().map(|line| warning(line)).collect::<String>();
    for (name, seen) in &summary.brakes {
        let red = colour(AnsiColor::Red);
        out += &format!("  {red}■ {} {name}{red:#}: {seen}\n", pick(language, "ブレーキ", "brake"));
    }
    let report = planned.folder.join("report.html");
    out + &format!("\n  {}\n  {FAINT}{}{FAINT:#}\n", report.display(), summary.digest)
}

/// Ranks from the highest to the lowest, as a ladder of bars, with the moves of this closing.
fn ladder(job: &Job, summary: &Summary) -> String {
    let (counts, language) = (&summary.counts, job.language);
    let none = pick(language, "ランクなし", "no rank");
    let ranks = summary.ranks.iter().map(String::as_str).zip(counts.rank_sizes.iter().copied()).zip(0_u8..);
    let mut rungs = vec![(none, counts.no_rank, None)];
    rungs.extend(ranks.map(|((name, size), rank)| (name, size, Some(rank))));
    let most = rungs.iter().map(|rung| rung.1).max().unwrap_or_default().max(1);
    let width = table::widest(rungs.iter().map(|rung| rung.0));
    let mut table = Table::default();
    let head = ["", pick(language, "人数", "customers"), RankChange::New.told(language)];
    let moved = [RankChange::Up, RankChange::Down].map(|change| change.told(language));
    table.row(head.into_iter().chain(moved).map(str::to_owned).collect());
    for (name, size, rank) in rungs.into_iter().rev() {
        let came = |from: fn(Option<u8>, Option<u8>) -> bool| -> String {
            let arrivals = counts.moves.iter().filter(|(before, now, _)| *now == rank && *before != rank && from(*before, rank));
            grouped(arrivals.map(|(.., people)| people).sum())
        };
        let bar = "█".repeat(usize::try_from((size * BAR).div_ceil(most)).unwrap_or_default());
        let moved =
            [came(|before, _| before.is_none()), came(|before, now| before.is_some() && before < now), came(|before, now| before > now)];
        table.row([format!("{} {bar}", table::flush_left(name, width)), grouped(size)].into_iter().chain(moved).collect());
    }
    table.draw()
}

/// Mails by campaign and rank.
fn mails(job: &Job, summary: &Summary) -> String {
    let language = job.language;
    let counts = &summary.counts;
    // The highest rank first, as the ladder is; no rank last.
    let none = summary.ranks.len();
    let used_none = counts.mails_by_rank.iter().any(|row| row.last().is_some_and(|count| *count > 0));
    let places: Vec<usize> = (0..none).rev().chain(used_none.then_some(none)).collect();
    let mut table = Table::default();
    let mut head = vec![String::new()];
    head.extend(places.iter().map(|at| summary.ranks.get(*at).map_or("-", String::as_str).to_owned()));
    head.push(pick(language, "計", "all").to_owned());
    let costs = counts.exposure.iter().any(|exposure| exposure.face != 0);
    if costs {
        head.push(pick(language, "特典の費用", "offers cost").to_owned());
        head.push(pick(language, "うち見込み", "expected").to_owned());
    }
    table.row(head);
    let of_rank = |row: &[u64], at: usize| row.get(at).copied().unwrap_or_default();
    for (at, (name, row)) in summary.campaigns.iter().zip(&counts.mails_by_rank).enumerate() {
        let mut cells = vec![format!("{name}{}", told_where_not_mail(counts.channels.get(at).map_or(&[], Vec::as_slice), language))];
        cells.extend(places.iter().map(|at| grouped(of_rank(row, *at))));
        cells.push(grouped(row.iter().sum()));
        if costs {
            let exposure = counts.exposure.get(at).copied().unwrap_or_default();
            cells.push(if exposure.face == 0 { grouped(0) } else { job.currency.show(exposure.face) });
            cells.push(exposure.told(&job.currency, language));
        }
        table.row(cells);
    }
    table.rule();
    let mut last = vec![pick(language, "計", "all").to_owned()];
    last.extend(places.iter().map(|at| grouped(counts.mails_by_rank.iter().map(|row| of_rank(row, *at)).sum())));
    last.push(grouped(counts.mails));
    if costs {
        last.push(job.currency.show(counts.offer_exposure));
        last.push(String::new());
    }
    table.row(last);
    table.draw()
}

/// How the draws ended.
fn draws(job: &Job, summary: &Summary) -> String {
    let counts = &summary.counts;
    let drawn = |(at, campaign): (usize, &Campaign)| {
        let rule = campaign.offer.as_ref()?;
        let OfferKind::Draw { prize, .. } = &rule.kind else { return None };
        // Other ranks get the mail without the draw.
        let takes_part = |rank: u8| rule.ranks.as_ref().is_none_or(|ranks| ranks.contains(&rank));
        let won: u64 = counts.mails_by_rank.get(at)?.iter().zip(0..).filter(|(_, rank)| takes_part(*rank)).map(|(mails, _)| mails).sum();
        let lost: u64 = counts.skips.get(at)?.iter().filter(|skip| skip.0 == SkipReason::NotDrawn).map(|skip| skip.1).sum();
        // Outside its dates there is no draw.
        let all = Some(won + lost).filter(|all| *all > 0)?;
        let (won, all, name) = (grouped(won), grouped(all), &campaign.name);
        Some(job.language.pick(
            format!("  {name} の抽選: {all} 人から {won} 人が当選（{prize}）\n"),
            format!("  {name} drew {won} of {all} for {prize}\n"),
        ))
    };
    job.campaigns.iter().enumerate().filter_map(drawn).collect()
}

/// Skips by reason; by campaign too when asked for more.
fn skips(job: &Job, summary: &Summary, verbose: bool) -> String {
    let mut sums: BTreeMap<SkipReason, u64> = BTreeMap::new();
    for (reason, count) in summary.counts.skips.iter().flatten() {
        *sums.entry(*reason).or_default() += count;
    }
    let mut out = String::new();
    for (reason, count) in sums {
        // English says it in the very word that the files hold.
        let word = job.language.pick(format!("  {FAINT}{}{FAINT:#}", reason.word()), String::new());
        out += &format!("  {:>8}  {}{word}\n", grouped(count), reason.told(job.language));
        if verbose {
            for (campaign, skips) in summary.campaigns.iter().zip(&summary.counts.skips) {
                for (_, count) in skips.iter().filter(|(other, _)| *other == reason) {
                    out += &format!("  {FAINT}{:>8}    {campaign}{FAINT:#}\n", grouped(*count));
                }
            }
        }
    }
    out
}

/// What took no part: guests, excluded customers and lines, bad rows.
fn left_out(job: &Job, summary: &Summary) -> String {
    let counts = &summary.counts;
    let parts: Vec<String> = [
        (counts.customers_excluded, "除外した顧客", "customers excluded"),
        (counts.guests, "会員外の明細", "guest lines"),
        (counts.lines_excluded, "除外した明細", "lines excluded"),
        (counts.bad_rows, "読めない行", "bad rows"),
        (counts.nameless, "名前のないメール", "mails without a name"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, ja, en)| format!("{} {}", pick(job.language, ja, en), grouped(count)))
    .collect();
    let mut out = if parts.is_empty() { String::new() } else { format!("  {FAINT}{}{FAINT:#}\n", parts.join(" · ")) };
    out += &counts.bad_row_notes.iter().map(|note| warning(note)).collect::<String>();
    out
}

/// What to do with a plan that was made. `runs` is `--runs` as it was typed, with a blank before it, or nothing.
pub fn next_step(job: &Job, planned: &Planned, runs: &str) -> String {
    let (path, as_of) = (job.path.display(), planned.summary.as_of);
    match planned.next {
        Next::Send => {
            let how = pick(job.language, "送るには", "To send it");
            let approve = match planned.approvals.missing() {
                0 => String::new(),
                missing => job.language.pick(
                    format!("  先に承認（あと {missing} 人）: {}\n", planned.approvals.approve),
                    format!("  To approve it first ({missing} more to go): {}\n", planned.approvals.approve),
                ),
            };
            format!("{approve}  {how}: {}\n", planned.approvals.send)
        }
        Next::Behind(last) => job.language.pick(
            format!("  見るだけの計画です: {last} の実行が確定しているため、それより前の {as_of} は送れません\n"),
            format!("  Only to look at: the run of {last} is adopted, so the earlier {as_of} cannot be sent any more\n"),
        ),
        Next::Elsewhere => job.language.pick(
            format!("  見るだけの計画です: 送るには --into を付けずに計画してください: rankmail plan {path} --as-of {as_of}{runs}\n"),
            format!("  Only to look at: to send it, plan without --into: rankmail plan {path} --as-of {as_of}{runs}\n"),
        ),
    }
}
