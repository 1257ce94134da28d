//! The picture of what-if: a line for each rank, for mails and for what offers cost, month by month.

use super::Error;
use super::figures::{ratio, tenth};
use crate::domain::Currency;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::domain::whatif::{ReplayedRun, WhatIf};
use serde::Serialize;

const WIDTH: f64 = 320.0;
const TOP: f64 = 16.0;
const HEIGHT: f64 = 84.0;

#[derive(Serialize)]
struct View<'a> {
    language: &'static str,
    style: &'static str,
    title: &'static str,
    legend: &'static str,
    job: &'a str,
    settings: &'a [String],
    charts: Vec<Chart>,
    first: String,
    last: String,
}

#[derive(Serialize)]
struct Chart {
    title: String,
    /// The points of today's rules; none where nothing else is asked.
    today: Option<String>,
    asked: String,
    most: String,
    last: String,
}

/// Draws both plays as one HTML page without scripts or outside references.
///
/// # Errors
/// Only when the template that is compiled in is wrong.
pub fn whatif(found: &WhatIf, language: Language, currency: &Currency) -> Result<String, Error> {
    let runs = &found.asked().runs;
    let day = |run: Option<&ReplayedRun>| run.map(|run| run.as_of.to_string()).unwrap_or_default();
    let view = View {
        language: language.pick("ja", "en"),
        style: include_str!("report.css"),
        title: language.pick("もし条件を変えていたら", "What if"),
        legend: language.pick("実線: 変更後の条件、破線: 今の条件", "Solid: the changed rules; dashed: today's rules"),
        job: &found.job,
        settings: &found.settings,
        charts: charts(found, language, currency),
        first: day(runs.first()),
        last: day(runs.last()),
    };
    super::draw(include_str!("whatif.html"), &view)
}

/// The highest rank first, then mails, then money.
fn charts(found: &WhatIf, language: Language, currency: &Currency) -> Vec<Chart> {
    let ranks = &found.asked().ranks;
    let mut charts: Vec<Chart> =
        ranks.iter().enumerate().rev().map(|(rank, name)| chart(found, name, &|run| run.size(rank), &grouped)).collect();
    charts.push(chart(found, language.pick("メール", "Mails"), &|run| run.counts.mails, &grouped));
    let cost = |run: &ReplayedRun| u64::try_from(run.counts.offer_exposure).unwrap_or(0);
    let money = |amount: u64| currency.show(i64::try_from(amount).unwrap_or(i64::MAX));
    charts.push(chart(found, language.pick("特典の費用", "Cost of offers"), &cost, &money));
    charts
}

fn chart(found: &WhatIf, title: &str, figure: &dyn Fn(&ReplayedRun) -> u64, show: &dyn Fn(u64) -> String) -> Chart {
    let figures = |runs: &[ReplayedRun]| runs.iter().map(figure).collect::<Vec<u64>>();
    let (today, asked) = (figures(&found.today.runs), figures(&found.asked().runs));
    let most = today.iter().chain(&asked).copied().max().unwrap_or(0);
    let last = |figures: &[u64]| show(figures.last().copied().unwrap_or(0));
    let differs = found.changed.is_some();
    Chart {
        title: title.to_owned(),
        today: differs.then(|| points(&today, most)),
        asked: points(&asked, most),
        most: show(most),
        last: if differs { format!("{} → {}", last(&today), last(&asked)) } else { last(&asked) },
    }
}

/// Points from left to right; the largest figure of a chart is at its top.
fn points(figures: &[u64], most: u64) -> String {
    let steps = (figures.len().max(2) - 1) as u64;
    let point = |(at, figure): (u64, &u64)| {
        let (x, y) = (ratio(at, steps) * WIDTH, TOP + HEIGHT - ratio(*figure, most) * HEIGHT);
        format!("{},{}", tenth(x), tenth(y))
    };
    (0..).zip(figures).map(point).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::Counts;
    use crate::domain::whatif::Replay;

    fn play(sizes: &[u64]) -> Replay {
        let run = |(month, size): (u32, &u64)| ReplayedRun {
            as_of: chrono::NaiveDate::from_ymd_opt(2026, month, 1).unwrap(),
            adopted: false,
            counts: Counts { rank_sizes: vec![*size], mails: 2 * size, ..Counts::default() },
        };
        Replay { ranks: vec!["A<b>".into()], campaigns: Vec::new(), runs: (1..).zip(sizes).map(run).collect() }
    }

    #[test]
    fn lines_run_from_the_first_month_to_the_last() {
        let yen = Currency { code: "JPY".into(), digits: 0 };
        let found = WhatIf { job: "m".into(), settings: vec!["x=1".into()], today: play(&[0, 50, 100]), changed: Some(play(&[0, 0, 50])) };
        let html = whatif(&found, Language::En, &yen).unwrap();
        assert!(html.contains(r#"<polyline class="today" points="0,100 160,58 320,16"/>"#), "{html}");
        assert!(html.contains(r#"<polyline class="asked" points="0,100 160,100 320,58"/>"#), "{html}");
        assert!(html.contains("A&lt;b&gt;") && html.contains("100 → 50"), "{html}");
        let alone = WhatIf { changed: None, ..found };
        assert!(!whatif(&alone, Language::Ja, &yen).unwrap().contains("class=\"today\""));
    }
}
