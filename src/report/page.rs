//! Everything that the template shows, in the order of the page.

use super::figures::{self, Heat, MoveTable, Rung, SkipBar};
use super::flow::{self, Flow};
use super::words::Words;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::domain::plan::{Counts, Sample, Summary};
use crate::domain::{Currency, Zone};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many sample mails are shown.
const SAMPLES: usize = 3;

/// A sample mail may use its own styles and pictures that it carries within; it can reach nothing and nobody.
const MAIL_POLICY: &str = r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">"#;

#[derive(Serialize)]
pub(super) struct View<'a> {
    language: &'static str,
    t: BTreeMap<&'static str, &'static str>,
    style: &'static str,
    shop: &'a str,
    job: &'a str,
    title: String,
    tiles: Vec<Tile>,
    brakes: Vec<Brake<'a>>,
    warnings: &'a [String],
    ladder: Vec<Rung>,
    moved: bool,
    moves_note: String,
    flow: Option<Flow>,
    moves: MoveTable,
    heat: Heat,
    allotments: Vec<String>,
    skips_note: String,
    skips: Vec<SkipBar>,
    samples: Vec<Shown<'a>>,
    read: Vec<Fact>,
    bad_row_notes: &'a [String],
    facts: Vec<Fact>,
    digest: &'a str,
}

#[derive(Serialize)]
struct Tile {
    kind: &'static str,
    label: &'static str,
    figure: String,
    change: Option<String>,
    note: String,
}

#[derive(Serialize)]
struct Brake<'a> {
    name: &'a str,
    meaning: String,
    seen: &'a str,
}

#[derive(Serialize)]
struct Shown<'a> {
    campaign: &'a str,
    rank: &'a str,
    subject: &'a str,
    frame: String,
    page: String,
}

#[derive(Serialize)]
struct Fact {
    label: &'static str,
    value: String,
}

impl<'a> View<'a> {
    pub fn new(
        summary: &'a Summary,
        previous: Option<&Summary>,
        samples: &'a [Sample],
        language: Language,
        zone: Zone,
        shop: &'a str,
        currency: &Currency,
    ) -> Self {
        let words = Words(language);
        let counts = &summary.counts;
        let had_ranks = counts.moves.iter().any(|each| each.0.is_some() && each.2 > 0);
        let since = previous.map(|previous| words.fill("moves_note", &[&words.day(previous.as_of)]));
        let shown = |sample: &'a Sample| Shown {
            campaign: &sample.campaign,
            rank: &sample.rank,
            subject: &sample.subject,
            frame: words.fill("sample_frame", &[&sample.campaign]),
            page: format!("{MAIL_POLICY}{}", sample.html),
        };
        Self {
            language: if language == Language::Ja { "ja" } else { "en" },
            t: words.all(),
            style: include_str!("report.css"),
            shop,
            job: &summary.job,
            title: words.fill("title", &[&words.day(summary.as_of)]),
            tiles: tiles(counts, previous.map(|previous| &previous.counts), currency, words),
            brakes: summary.brakes.iter().map(|(name, seen)| Brake { name, meaning: words.brake(name), seen }).collect(),
            warnings: &summary.warnings,
            ladder: figures::ladder(summary, previous, words),
            moved: previous.is_some() || had_ranks,
            moves_note: since.unwrap_or_else(|| words.get("moves_list").into()),
            flow: flow::draw(&counts.moves, &summary.ranks, words),
            moves: figures::move_table(&counts.moves, &summary.ranks, words),
            heat: figures::heat(summary, currency, words),
            allotments: summary.allotments(currency, language),
            skips_note: words.fill("skips_note", &[&words.matches(counts.skipped)]),
            skips: figures::skip_bars(counts, &summary.campaigns, words),
            samples: samples.iter().take(SAMPLES).map(shown).collect(),
            read: read(counts, words, zone),
            bad_row_notes: &counts.bad_row_notes,
            facts: facts(summary, words, zone),
            digest: &summary.digest,
        }
    }
}

fn tiles(counts: &Counts, before: Option<&Counts>, currency: &Currency, words: Words) -> Vec<Tile> {
    let tile = |kind: &'static str, pick: fn(&Counts) -> u64, note: String| Tile {
        kind,
        label: words.get(kind),
        figure: grouped(pick(counts)),
        change: before.map(|before| words.fill("since_last", &[&figures::change(pick(counts), pick(before))])),
        note,
    };
    let of_matched = [words.matches(counts.matched), figures::percent(counts.mails, counts.matched)];
    vec![
        tile("customers", |counts| counts.customers, words.get("customers_note").into()),
        tile("mails", |counts| counts.mails, words.fill("mails_note", &[&of_matched[0], &of_matched[1]])),
        tile("skipped", |counts| counts.skipped, words.get("skipped_note").into()),
        Tile {
            kind: "cost",
            label: words.get("cost"),
            figure: currency.show(counts.offer_exposure),
            change: before.map(|before| words.fill("last_time", &[&currency.show(before.offer_exposure)])),
            note: words.get("cost_note").into(),
        },
    ]
}

fn read(counts: &Counts, words: Words, zone: Zone) -> Vec<Fact> {
    let fact = |name, value| Fact { label: words.get(name), value };
    let newest = counts.newest.map_or_else(|| words.get("none").into(), |newest| words.time(newest, zone));
    vec![
        fact("lines", grouped(counts.lines)),
        fact("newest", newest),
        fact("lines_excluded", grouped(counts.lines_excluded)),
        fact("guests", grouped(counts.guests)),
        fact("bad_rows", grouped(counts.bad_rows)),
        fact("customers_excluded", grouped(counts.customers_excluded)),
        fact("nameless", grouped(counts.nameless)),
        fact("holdout", grouped(counts.holdout)),
    ]
}

fn facts(summary: &Summary, words: Words, zone: Zone) -> Vec<Fact> {
    let fact = |name, value| Fact { label: words.get(name), value };
    let day = |name, day| fact(name, words.day(day));
    let mut facts = vec![
        fact("job", summary.job.clone()),
        day("as_of", summary.as_of),
        day("closing", summary.closing),
        day("next_closing", summary.next_closing),
    ];
    facts.extend(summary.review.map(|on| day("review", on)));
    facts.extend(summary.keep_by.map(|on| day("keep_by", on)));
    facts.push(fact("previous", summary.previous.map_or_else(|| words.get("none").into(), |on| words.day(on))));
    facts.push(fact("planned_at", words.time(summary.planned_at, zone)));
    facts.push(fact("key_id", summary.key_id.clone()));
    facts
}
