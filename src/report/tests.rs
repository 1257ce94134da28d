//! The report as a whole, on small made-up figures.

use super::*;
use crate::domain::plan::Counts;
use crate::domain::{Channel, Exposure, RankChange, Rate, SkipReason};
use chrono::NaiveDate;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn yen() -> Currency {
    Currency { code: "JPY".into(), digits: 0 }
}

fn zone() -> Zone {
    Zone(chrono_tz::Asia::Tokyo)
}

fn small() -> Summary {
    Summary {
        job: "monthly".into(),
        as_of: day("2026-12-03"),
        closing: day("2026-12-01"),
        next_closing: day("2027-01-01"),
        keep_by: Some(day("2027-01-01")),
        review: Some(day("2026-12-01")),
        previous: Some(day("2026-11-03")),
        planned_at: 1_796_259_600_000_000,
        digest: "d1".repeat(32),
        inputs: Vec::new(),
        rules: String::new(),
        templates: Vec::new(),
        key_id: "0a1b2c3d".into(),
        origin: None,
        program: None,
        files: Vec::new(),
        ranks: vec!["A".into(), "AA".into(), "VIP".into()],
        campaigns: vec!["birthday".into(), "newsletter".into()],
        counts: Counts {
            offer_exposure: 253_000,
            exposure: vec![Exposure { face: 253_000, used: Some(Rate { issued: 400, redeemed: 50 }) }, Exposure::default()],
            customers: 1_260,
            lines: 12_345,
            newest: Some(1_796_137_200_000_000),
            bad_rows: 1,
            bad_row_notes: vec!["purchases/2026-11.parquet row 7: no amount".into()],
            rank_sizes: vec![1_000, 200, 10],
            no_rank: 50,
            moves: vec![
                (None, None, 50),
                (None, Some(0), 30),
                (Some(0), Some(0), 950),
                (Some(0), Some(1), 40),
                (Some(1), Some(0), 20),
                (Some(1), Some(1), 158),
                (Some(1), Some(2), 1),
                (Some(2), Some(1), 2),
                (Some(2), Some(2), 9),
            ],
            changes: vec![(RankChange::Up, 41)],
            matched: 290,
            mails: 210,
            skipped: 80,
            mails_by_rank: vec![vec![60, 12, 1, 0], vec![0, 137, 0, 0]],
            channels: vec![vec![(Channel::Mail, 73)], vec![(Channel::Mail, 100), (Channel::Post, 37)]],
            skips: vec![vec![(SkipReason::NoConsent, 20)], vec![(SkipReason::NoConsent, 45), (SkipReason::Holdout, 15)]],
            nameless: 2,
            holdout: 61,
            ..Counts::default()
        },
        brakes: vec![("audience".into(), "mails 120 → 210".into())],
        warnings: vec!["event: the dates are past".into()],
    }
}

fn before() -> Summary {
    let mut summary = small();
    summary.as_of = day("2026-11-03");
    summary.counts.customers = 1_230;
    summary.counts.mails = 120;
    summary.counts.rank_sizes = vec![990, 180, 11];
    summary
}

fn sample(html: &str) -> Sample {
    Sample {
        campaign: "birthday".into(), rank: "VIP".into(), subject: "お誕生日おめでとうございます".into(), html: html.into()
    }
}

/// The page without its styles, which no golden needs to repeat.
fn without_style(page: &str) -> String {
    page.replace(include_str!("report.css"), "").replace(COLOURS, "")
}

#[test]
fn the_page_in_japanese() {
    let samples = [sample("<!DOCTYPE html><p style=\"color:#333\">佐藤花子様</p>")];
    let page = html(&small(), Some(&before()), &samples, Language::Ja, zone(), "つばき堂", &yen()).unwrap();
    insta::assert_snapshot!(without_style(&page));
}

#[test]
fn the_page_in_english_at_the_first_run() {
    let mut first = small();
    first.previous = None;
    first.counts.moves = vec![(None, None, 50), (None, Some(0), 1_000), (None, Some(1), 200), (None, Some(2), 10)];
    first.brakes.clear();
    first.warnings.clear();
    let page = html(&first, None, &[], Language::En, zone(), "Camellia", &yen()).unwrap();
    insta::assert_snapshot!(without_style(&page));
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let evil = "<script>alert('1')</script>\"&";
    let mut summary = small();
    summary.job = evil.into();
    summary.ranks[0] = evil.into();
    summary.campaigns[0] = evil.into();
    summary.warnings = vec![evil.into()];
    summary.brakes = vec![(evil.into(), evil.into())];
    summary.counts.bad_row_notes = vec![evil.into()];
    summary.key_id = evil.into();
    summary.digest = evil.into();
    let sample = Sample { campaign: evil.into(), rank: evil.into(), subject: evil.into(), html: format!("{evil}</iframe>") };
    let page = html(&summary, Some(&small()), &[sample], Language::En, zone(), evil, &yen()).unwrap();
    assert!(!page.contains("<script"), "markup came through");
    assert_eq!(page.matches("</iframe>").count(), 1);
    assert!(!page.contains("alert('1')"), "a quote came through");
}

#[test]
fn the_page_refers_to_nothing_outside_and_shows_three_samples() {
    let samples = vec![sample("<p>x</p>"); 5];
    let page = html(&small(), Some(&before()), &samples, Language::Ja, zone(), "つばき堂", &yen()).unwrap();
    assert_eq!(page.matches("<iframe sandbox ").count(), 3);
    for reference in ["http:", "https:", "url(", "@import", " src=", " href="] {
        assert!(!page.contains(reference), "the page holds {reference}");
    }
}

#[test]
fn an_empty_plan_has_a_page_too() {
    let mut empty = small();
    empty.counts = Counts::default();
    empty.ranks.clear();
    empty.campaigns.clear();
    for language in [Language::Ja, Language::En] {
        assert!(html(&empty, Some(&empty), &[], language, zone(), "", &yen()).is_ok());
    }
}
