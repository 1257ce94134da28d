//! Who gets what: campaigns and ranks with their counts, each of which leads to its people, and the ranks as pictures.

use super::Routes;
use super::page::{Page, Tab, way};
use super::state::State;
use super::words::{Words, words};
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::domain::plan::Summary;
use crate::domain::{RankIndex, SkipReason};
use crate::pipeline::Studio;
use axum::Router;
use axum::extract::State as Given;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the pages' addresses call no rank.
pub const NO_RANK: &str = "-";
/// Height of the picture of rank sizes over time.
const TALL: f64 = 150.0;

pub fn routes() -> Routes {
    Router::new().route("/", get(audience))
}

async fn audience(Given(state): Given<Arc<State>>) -> Response {
    state
        .page(|_, studio| {
            let language = studio.job.language;
            Ok(Page::new("audience.html", Some(Tab::Audience), language.pick("宛先", "Audience"))
                .with("t", &own_words(language))
                .with("tiles", &tiles(studio))
                .with("warnings", &studio.summary().warnings)
                .with("brakes", &studio.summary().brakes)
                .with("is_adopted", &studio.is_adopted()?)
                .with("table", &Table::of(studio.summary(), language))
                .with("skips", &skips(studio.summary(), language))
                .with("pictures", &studio.pictures())
                .with("moves", &Moves::of(studio.summary(), language))
                .with("past", &Past::of(studio)))
        })
        .await
}

fn own_words(language: Language) -> Words {
    words(
        language,
        &[
            ("campaigns", "キャンペーンとランクごとの通数", "Mails by campaign and rank"),
            (
                "campaigns_note",
                "数字を押すと、その方々が並びます。計は通数です。お一人に何通か届くことがあります。",
                "A number leads to its people. Sums count mails, of which one person may get several.",
            ),
            ("campaign", "キャンペーン", "Campaign"),
            ("mails", "送る", "Mails"),
            ("skipped", "見送り", "Skipped"),
            ("total", "計", "Total"),
            ("look", "見本", "see it"),
            ("skips", "見送りの理由", "Why mails are skipped"),
            ("skips_none", "見送りはありません。", "Nobody is skipped."),
            ("ladder", "ランクごとの人数", "The ladder"),
            ("past", "これまでの人数の割合", "Shares of ranks over time"),
            ("moves", "ランクの動き", "Who moved"),
            ("from_to", "前 ＼ 今回", "then \\ now"),
            ("before", "前回", "then"),
            ("now", "今回", "now"),
            ("search", "お名前・ID・アドレスで探す", "Find by name, id or address"),
            ("find", "探す", "Find"),
            ("warnings", "ご確認ください", "Please look at"),
            (
                "adopted",
                "この計画は確定しています。メールは送信中か送信済みです。",
                "This plan is adopted: its mails are being sent, or were.",
            ),
            ("brakes", "ブレーキの説明と送信コマンド", "What the brakes mean, and the command that sends it"),
            ("first_run", "比べる前回はまだありません。", "There is no run before this one to compare with."),
            ("kept", "維持", "kept"),
            ("up", "昇格", "up"),
            ("down", "降格", "down"),
            ("new", "新規", "new"),
        ],
    )
}

#[derive(Serialize)]
struct Tile {
    label: &'static str,
    figure: String,
    href: String,
}

fn tiles(studio: &Studio) -> Vec<Tile> {
    let (counts, language) = (&studio.summary().counts, studio.job.language);
    let tile = |ja, en, figure: String, query: &[(&str, &str)]| Tile { label: language.pick(ja, en), figure, href: way("/people", query) };
    vec![
        tile("お客様", "Customers", grouped(counts.customers), &[]),
        tile("送るメール", "Mails", grouped(counts.mails), &[("fate", "mailed")]),
        tile("見送り", "Skipped", grouped(counts.skipped), &[("fate", "skipped")]),
        tile("特典の費用（最大）", "Offers cost at most", studio.planned.currency.show(counts.offer_exposure), &[("fate", "mailed")]),
    ]
}

/// A count that leads to its people.
#[derive(Serialize)]
struct Cell {
    text: String,
    /// From 0, nobody, to 9; where a table says how many there are.
    heat: u64,
    tone: &'static str,
    href: Option<String>,
}

fn cell(count: u64, most: u64, tone: &'static str, query: &[(&str, &str)]) -> Cell {
    // Steps of roots: small counts are seen beside large ones.
    let heat = (1..=9).find(|step| count * 81 <= most * step * step).unwrap_or(9);
    Cell {
        text: if count == 0 { "–".to_owned() } else { grouped(count) },
        heat: if count == 0 { 0 } else { heat },
        tone,
        href: (count > 0).then(|| way("/people", query)),
    }
}

#[derive(Serialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Line>,
    totals: Vec<Cell>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    /// Its first mail.
    href: Option<String>,
    cells: Vec<Cell>,
}

/// The name of a rank as people read it, and as addresses call it.
fn rank_names(summary: &Summary, rank: Option<RankIndex>, language: Language) -> (String, String) {
    match rank.and_then(|rank| summary.ranks.get(usize::from(rank))) {
        Some(name) => (name.clone(), name.clone()),
        None => (language.pick("なし", "none").to_owned(), NO_RANK.to_owned()),
    }
}

/// The columns of ranks in every table of the studio, as places in the counts of a plan: the highest first, no rank last.
pub(super) fn places(summary: &Summary, with_none: bool) -> Vec<usize> {
    let ranks = summary.ranks.len();
    (0..ranks).rev().chain(with_none.then_some(ranks)).collect()
}

impl Table {
    fn of(summary: &Summary, language: Language) -> Self {
        let counts = &summary.counts;
        let at = |campaign: usize, column: usize| counts.mails_by_rank.get(campaign).and_then(|row| row.get(column)).copied().unwrap_or(0);
        let campaigns = 0..summary.campaigns.len();
        let of_rank = |column: usize| campaigns.clone().map(|campaign| at(campaign, column)).sum::<u64>();
        let places = places(summary, of_rank(summary.ranks.len()) > 0);
        let most = counts.mails_by_rank.iter().flatten().copied().max().unwrap_or(0);
        let name = |column: &usize| (*column, rank_names(summary, RankIndex::try_from(*column).ok(), language));
        let ranks: Vec<(usize, (String, String))> = places.iter().map(name).collect();
        let row = |(campaign, name): (usize, &String)| {
            let own = ("campaign", name.as_str());
            let mails: u64 = places.iter().map(|column| at(campaign, *column)).sum();
            let skipped = counts.skips.get(campaign).map_or(0, |skips| skips.iter().map(|skip| skip.1).sum());
            let by_rank =
                ranks.iter().map(|(column, (_, rank))| cell(at(campaign, *column), most, "", &[own, ("fate", "mailed"), ("rank", rank)]));
            let sums = [cell(mails, 0, "sum", &[own, ("fate", "mailed")]), cell(skipped, 0, "quiet", &[own, ("fate", "skipped")])];
            Line { name: name.clone(), href: (mails > 0).then(|| way("/mail", &[own])), cells: by_rank.chain(sums).collect() }
        };
        let totals = ranks.iter().map(|(column, (_, rank))| cell(of_rank(*column), 0, "", &[("fate", "mailed"), ("rank", rank)]));
        let sums = [cell(counts.mails, 0, "sum", &[("fate", "mailed")]), cell(counts.skipped, 0, "quiet", &[("fate", "skipped")])];
        Self {
            columns: ranks.iter().map(|(_, (name, _))| name.clone()).collect(),
            rows: summary.campaigns.iter().enumerate().map(row).collect(),
            totals: totals.chain(sums).collect(),
        }
    }
}

/// A campaign that has a reason to skip: its name, how often, and the way to its people.
type Part = (String, String, String);

/// A reason to skip: a bar, and the campaigns that have it.
#[derive(Serialize)]
pub(super) struct Reason {
    label: &'static str,
    count: String,
    href: String,
    /// Percent of the widest.
    width: u64,
    campaigns: Vec<Part>,
}

pub(super) fn skips(summary: &Summary, language: Language) -> Vec<Reason> {
    let mut reasons: BTreeMap<SkipReason, (u64, Vec<Part>)> = BTreeMap::new();
    for (name, skips) in summary.campaigns.iter().zip(&summary.counts.skips) {
        for (reason, count) in skips.iter().filter(|skip| skip.1 > 0) {
            let own = reasons.entry(*reason).or_default();
            own.0 += count;
            own.1.push((name.clone(), grouped(*count), way("/people", &[("campaign", name), ("fate", reason.word())])));
        }
    }
    let most = reasons.values().map(|reason| reason.0).max().unwrap_or(0).max(1);
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let bar = |(reason, (count, campaigns)): (SkipReason, (u64, _))| Reason {
        label: reason.told(language),
        count: grouped(count),
        href: way("/people", &[("fate", reason.word())]),
        width: (count * 100 / most).max(1),
        campaigns,
    };
    reasons.into_iter().map(bar).collect()
}

/// From which rank to which, and how many.
type Move = (Option<RankIndex>, Option<RankIndex>, u64);

/// From which rank to which, with the people of each move.
#[derive(Serialize)]
struct Moves {
    /// That the picture leaves out those who had no rank and have none.
    left_out: Option<String>,
    columns: Vec<String>,
    rows: Vec<Line>,
}

impl Moves {
    fn of(summary: &Summary, language: Language) -> Self {
        let moves = &summary.counts.moves;
        let places = |pick: fn(&Move) -> Option<RankIndex>| {
            let ranks = RankIndex::try_from(summary.ranks.len()).unwrap_or(RankIndex::MAX);
            let mut places: Vec<Option<RankIndex>> = (0..ranks).rev().map(Some).collect();
            places.extend(moves.iter().any(|each| pick(each).is_none() && each.2 > 0).then_some(None));
            places
        };
        let (before, now) = (places(|each| each.0), places(|each| each.1));
        let count = |from, to| moves.iter().filter(|each| (each.0, each.1) == (from, to)).map(|each| each.2).sum();
        let cell_of = |from: Option<RankIndex>, to: Option<RankIndex>| {
            let (earlier, present) = (rank_names(summary, from, language).1, rank_names(summary, to, language).1);
            cell(count(from, to), 0, tone(from, to), &[("before", &earlier), ("rank", &present)])
        };
        let row = |from: &Option<RankIndex>| Line {
            name: rank_names(summary, *from, language).0,
            href: None,
            cells: now.iter().map(|to| cell_of(*from, *to)).collect(),
        };
        let unranked: u64 = count(None, None);
        let left_out = (unranked > 0).then(|| {
            let people = grouped(unranked);
            language.pick(
                format!("図では、前回も今回もランクのない {people} 人を省いています。表には入っています。"),
                format!("The picture leaves out the {people} who had no rank and have none; they are in the table."),
            )
        });
        Self {
            left_out,
            columns: now.iter().map(|to| rank_names(summary, *to, language).0).collect(),
            rows: before.iter().map(row).collect(),
        }
    }
}

/// What a move is to the shop.
pub fn tone(before: Option<RankIndex>, now: Option<RankIndex>) -> &'static str {
    match (before, now) {
        (None, Some(_)) => "new",
        (before, now) if now > before => "up",
        (before, now) if now < before => "down",
        _ => "kept",
    }
}

/// The shares of ranks in this plan and in the runs before it.
#[derive(Serialize)]
struct Past {
    runs: Vec<Run>,
    legend: Vec<(String, usize)>,
}

#[derive(Serialize)]
struct Run {
    /// Percent of the picture's width: where its bar begins, how wide that is, and its middle.
    x: f64,
    width: f64,
    middle: f64,
    label: String,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Bar {
    y: f64,
    height: f64,
    /// The rank's place in the legend.
    shade: usize,
    title: String,
}

impl Past {
    fn of(studio: &Studio) -> Self {
        let (now, language) = (studio.summary(), studio.job.language);
        let all: Vec<&Summary> = studio.past().iter().chain([now]).collect();
        let name = |rank: Option<RankIndex>| rank_names(now, rank, language).0;
        let step = 100.0 * share(1, all.len() as u64);
        let run = |(nth, summary): (usize, &&Summary)| {
            let mut y = TALL;
            let bar = |(rank, count): (Option<RankIndex>, u64)| {
                let height = TALL * share(count, summary.counts.customers);
                y -= height;
                let shade = rank.map_or(0, |rank| usize::from(rank) + 1);
                Bar { y: tenth(y), height: tenth(height), shade, title: format!("{} {}: {}", summary.as_of, name(rank), grouped(count)) }
            };
            let sizes = sizes(studio, summary);
            let x = step * share(nth as u64, 1);
            Run {
                x: tenth(x),
                width: tenth(step * 0.8),
                middle: tenth(x + step * 0.4),
                label: summary.as_of.format("%y-%m").to_string(),
                bars: sizes.into_iter().map(bar).collect(),
            }
        };
        let ranks = (0..now.ranks.len()).rev().map(|at| (name(RankIndex::try_from(at).ok()), at + 1));
        Self { runs: all.iter().enumerate().map(run).collect(), legend: ranks.chain([(name(None), 0)]).collect() }
    }
}

/// How many held each rank of the present ladder, nobody first, then from the lowest up; ranks may have had other names.
fn sizes(studio: &Studio, summary: &Summary) -> Vec<(Option<RankIndex>, u64)> {
    let mut sizes: BTreeMap<Option<RankIndex>, u64> = BTreeMap::from([(None, summary.counts.no_rank)]);
    for (name, count) in summary.ranks.iter().zip(&summary.counts.rank_sizes) {
        *sizes.entry(studio.planned.ladder.find_or_was(name)).or_default() += count;
    }
    sizes.into_iter().filter(|size| size.1 > 0).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a picture has fewer pixels than 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
