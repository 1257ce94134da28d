//! Counts as shapes and labels: the ladder's bars, the table of moves, the heat table, the bars of reasons.

use super::flow::{Move, name_of, tone};
use super::words::Words;
use crate::domain::channel::told_where_not_mail;
use crate::domain::money::grouped;
use crate::domain::plan::{Counts, Summary};
use crate::domain::{Currency, RankIndex, SkipReason};
use serde::Serialize;
use std::collections::BTreeMap;

/// A part as a share of the whole; nothing of nothing is 0.
#[expect(clippy::cast_precision_loss, reason = "a picture has fewer pixels than 2^52")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Rounds to a tenth: pictures need no more, and digits cost room.
pub(super) fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// `12.3 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", ratio(part, whole) * 100.0)
}

/// `+12`, `±0`, `−3`.
pub(super) fn change(now: u64, before: u64) -> String {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", grouped(now - before)),
        std::cmp::Ordering::Equal => "±0".into(),
        std::cmp::Ordering::Less => format!("−{}", grouped(before - now)),
    }
}

/// The places of a ladder's ranks, the highest first.
fn from_top<T>(ranks: &[T]) -> impl Iterator<Item = Option<RankIndex>> {
    (0..RankIndex::try_from(ranks.len()).unwrap_or(RankIndex::MAX)).rev().map(Some)
}

/// One rung of the ladder.
#[derive(Serialize)]
pub(super) struct Rung {
    name: String,
    people: String,
    share: String,
    change: Option<String>,
    /// The bar from left to right, in percent of the widest.
    pieces: Vec<Piece>,
}

#[derive(Serialize)]
struct Piece {
    tone: &'static str,
    x: f64,
    width: f64,
    title: String,
}

/// The ladder, the highest rank first, those without a rank last (when there are any).
pub(super) fn ladder(summary: &Summary, previous: Option<&Summary>, words: Words) -> Vec<Rung> {
    let counts = &summary.counts;
    let mut rungs: Vec<(Option<RankIndex>, u64)> = from_top(&counts.rank_sizes).zip(counts.rank_sizes.iter().rev().copied()).collect();
    if counts.no_rank > 0 {
        rungs.push((None, counts.no_rank));
    }
    let widest = rungs.iter().map(|rung| rung.1).max().unwrap_or(0);
    let rung = |(rank, size): (Option<RankIndex>, u64)| {
        let name = rank.map_or_else(|| words.get("no_rank").into(), |_| name_of(&summary.ranks, rank, words));
        let before = previous.and_then(|previous| size_of(previous, rank.map(|_| name.as_str())));
        Rung {
            people: words.people(size),
            share: percent(size, counts.customers),
            change: before.map(|before| change(size, before)),
            pieces: pieces(rank, size, widest, &counts.moves, words),
            name,
        }
    };
    rungs.into_iter().map(rung).collect()
}

fn size_of(summary: &Summary, rank: Option<&str>) -> Option<u64> {
    let Some(rank) = rank else { return Some(summary.counts.no_rank) };
    let at = summary.ranks.iter().position(|name| name == rank)?;
    summary.counts.rank_sizes.get(at).copied()
}

/// A rung's bar, split by where its people come from when that is known.
fn pieces(rank: Option<RankIndex>, size: u64, widest: u64, moves: &[Move], words: Words) -> Vec<Piece> {
    let mut by_tone: BTreeMap<&'static str, u64> = BTreeMap::new();
    for &(before, _, people) in moves.iter().filter(|each| each.1 == rank) {
        *by_tone.entry(tone(before, rank)).or_default() += people;
    }
    // Where nobody had a rank before there is nothing to tell apart.
    if by_tone.values().sum::<u64>() != size || moves.iter().all(|each| each.0.is_none()) {
        by_tone = BTreeMap::from([("kept", size)]);
    }
    let mut pieces = Vec::new();
    let mut from = 0;
    for tone in ["kept", "new", "up", "down"] {
        let Some(&people) = by_tone.get(tone).filter(|people| **people > 0) else { continue };
        pieces.push(Piece {
            tone,
            x: tenth(ratio(from, widest) * 100.0),
            width: tenth(ratio(people, widest) * 100.0).max(0.2),
            title: format!("{}: {}", words.get(tone), words.people(people)),
        });
        from += people;
    }
    pieces
}

/// A table whose cells are tinted by their size.
#[derive(Serialize)]
pub(super) struct Heat {
    columns: Vec<String>,
    rows: Vec<HeatRow>,
    /// How many have each rank, and all of them.
    people: Vec<String>,
    customers: String,
    totals: Vec<String>,
    total: String,
    total_skipped: String,
    /// What the offers cost; empty where they cost nothing.
    total_cost: String,
}

#[derive(Serialize)]
struct HeatRow {
    name: String,
    cells: Vec<Cell>,
    total: String,
    skipped: String,
    cost: String,
    expected: String,
}

#[derive(Serialize)]
struct Cell {
    text: String,
    /// 0 to 100.
    strength: f64,
    tone: &'static str,
}

/// Mails for each campaign (file order) and rank (highest first; no rank last, where somebody has none), and how many people
/// have each rank.
pub(super) fn heat(summary: &Summary, currency: &Currency, words: Words) -> Heat {
    let counts = &summary.counts;
    let at = |row: &[u64], column: usize| row.get(column).copied().unwrap_or(0);
    let column_sum = |column: usize| counts.mails_by_rank.iter().map(|row| at(row, column)).sum::<u64>();
    let none = summary.ranks.len();
    let has_none = counts.no_rank > 0 || column_sum(none) > 0;
    let places: Vec<usize> = (0..none).rev().chain(has_none.then_some(none)).collect();
    let most = counts.mails_by_rank.iter().flatten().copied().max().unwrap_or(0);
    let cell = |number: u64| Cell { text: quiet(number), strength: tenth(ratio(number, most).sqrt() * 100.0), tone: "" };
    let row = |campaign: usize, name: &String| {
        let mails = counts.mails_by_rank.get(campaign).map_or(&[][..], Vec::as_slice);
        let skipped = counts.skips.get(campaign).map_or(0, |skips| skips.iter().map(|skip| skip.1).sum());
        let exposure = counts.exposure.get(campaign).copied().unwrap_or_default();
        HeatRow {
            name: format!("{name}{}", told_where_not_mail(counts.channels.get(campaign).map_or(&[], Vec::as_slice), words.0)),
            cells: places.iter().map(|column| cell(at(mails, *column))).collect(),
            total: quiet(mails.iter().sum()),
            skipped: quiet(skipped),
            cost: if exposure.face == 0 { quiet(0) } else { currency.show(exposure.face) },
            expected: words.expected(&exposure, currency),
        }
    };
    let rank = |column: &usize| summary.ranks.get(*column).cloned().unwrap_or_else(|| words.get("none").into());
    let people = |column: &usize| quiet(counts.rank_sizes.get(*column).copied().unwrap_or(counts.no_rank));
    Heat {
        columns: places.iter().map(rank).collect(),
        people: places.iter().map(people).collect(),
        customers: grouped(counts.customers),
        rows: summary.campaigns.iter().enumerate().map(|(campaign, name)| row(campaign, name)).collect(),
        totals: places.iter().map(|column| quiet(column_sum(*column))).collect(),
        total: grouped(counts.mails),
        total_skipped: grouped(counts.skipped),
        total_cost: if counts.offer_exposure == 0 { String::new() } else { currency.show(counts.offer_exposure) },
    }
}

/// A number in a table; none is a dash.
fn quiet(number: u64) -> String {
    if number == 0 { "–".into() } else { grouped(number) }
}

/// From which rank to which, the highest first on both sides.
#[derive(Serialize)]
pub(super) struct MoveTable {
    columns: Vec<String>,
    rows: Vec<MoveRow>,
    chips: Vec<Chip>,
}

#[derive(Serialize)]
struct MoveRow {
    name: String,
    cells: Vec<Cell>,
}

/// A sum of one kind of move.
#[derive(Serialize)]
struct Chip {
    tone: &'static str,
    label: &'static str,
    people: String,
}

pub(super) fn move_table(moves: &[Move], ranks: &[String], words: Words) -> MoveTable {
    let places = |pick: fn(&Move) -> Option<RankIndex>| {
        let mut places: Vec<Option<RankIndex>> = from_top(ranks).collect();
        if moves.iter().any(|each| pick(each).is_none() && each.2 > 0) {
            places.push(None);
        }
        places
    };
    let (before, now) = (places(|each| each.0), places(|each| each.1));
    let sum = |wanted: &dyn Fn(&Move) -> bool| moves.iter().filter(|each| wanted(each)).map(|each| each.2).sum::<u64>();
    let cell = |from, to| {
        let text = quiet(sum(&|each| (each.0, each.1) == (from, to)));
        let tone = if text == "–" { "nobody" } else { tone(from, to) };
        Cell { text, strength: 0.0, tone }
    };
    let name = |rank: &Option<RankIndex>| name_of(ranks, *rank, words);
    let chip = |kind: &'static str| Chip {
        tone: kind,
        label: words.get(kind),
        people: words.people(sum(&|each| tone(each.0, each.1) == kind && (each.0, each.1) != (None, None))),
    };
    MoveTable {
        columns: now.iter().map(name).collect(),
        rows: before.iter().map(|from| MoveRow { name: name(from), cells: now.iter().map(|to| cell(*from, *to)).collect() }).collect(),
        chips: ["up", "down", "new", "kept"].into_iter().map(chip).collect(),
    }
}

/// One reason why mails are skipped.
#[derive(Serialize)]
pub(super) struct SkipBar {
    label: &'static str,
    meaning: &'static str,
    pairs: String,
    share: String,
    /// Percent of the widest.
    width: f64,
    campaigns: String,
}

/// The reasons, the most frequent first.
pub(super) fn skip_bars(counts: &Counts, campaigns: &[String], words: Words) -> Vec<SkipBar> {
    let mut by_reason: BTreeMap<SkipReason, Vec<(u64, &str)>> = BTreeMap::new();
    for (campaign, skips) in campaigns.iter().zip(&counts.skips) {
        for &(reason, pairs) in skips.iter().filter(|skip| skip.1 > 0) {
            by_reason.entry(reason).or_default().push((pairs, campaign));
        }
    }
    let mut reasons: Vec<_> =
        by_reason.into_iter().map(|(reason, from)| (from.iter().map(|each| each.0).sum::<u64>(), reason, from)).collect();
    reasons.sort_by_key(|(pairs, ..)| std::cmp::Reverse(*pairs));
    let most = reasons.first().map_or(0, |reason| reason.0);
    let bar = |(pairs, reason, mut from): (u64, SkipReason, Vec<(u64, &str)>)| {
        from.sort_by_key(|each| std::cmp::Reverse(each.0));
        let named = from.iter().take(3).map(|(pairs, campaign)| format!("{campaign} {}", grouped(*pairs))).collect::<Vec<_>>().join(" · ");
        SkipBar {
            label: reason.told(words.0),
            meaning: reason.meant(words.0),
            pairs: grouped(pairs),
            share: percent(pairs, counts.skipped),
            width: tenth(ratio(pairs, most) * 100.0).max(0.4),
            campaigns: if from.len() > 3 { format!("{named} · …") } else { named },
        }
    };
    reasons.into_iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_tells_new_people_from_those_who_stayed() {
        let words = Words(crate::domain::job::Language::En);
        let moves = [(Some(0), Some(0), 6), (None, Some(0), 4)];
        let tones = |moves: &[Move]| pieces(Some(0), 10, 10, moves, words).iter().map(|piece| piece.tone).collect::<Vec<_>>();
        assert_eq!(tones(&moves), ["kept", "new"]);
        assert_eq!(tones(&[(None, Some(0), 10)]), ["kept"], "at the first run everybody is new");
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!([change(1_012, 0), change(3, 3), change(0, 1_200)], ["+1,012", "±0", "−1,200"]);
        assert_eq!(percent(1, 8), "12.5 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }
}
