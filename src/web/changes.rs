//! What changed against the last adopted run, or against another plan of the job: counts by cause, and the people of each.

use super::Routes;
use super::page::{Page, Refusal, Tab, way};
use super::state::State;
use super::words::{Words, mails, words};
use crate::domain::diff::{Cause, Change, Diff, Kind};
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::pipeline::studio::{Compared, Other};
use crate::pipeline::{Step, Studio};
use axum::Router;
use axum::extract::{Query, State as Given};
use axum::http::HeaderValue;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Changes on one page.
const ROWS: usize = 50;

pub fn routes() -> Routes {
    Router::new().route("/changes", get(look)).route("/changes/progress", get(progress))
}

#[derive(Deserialize, Default)]
struct Asked {
    /// The date of the other plan; empty: the last adopted one.
    #[serde(default)]
    with: String,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    kind: String,
    /// The page of people, from 1 on.
    #[serde(default)]
    page: String,
}

#[derive(Serialize)]
struct Choice {
    as_of: String,
    label: String,
    is_chosen: bool,
}

async fn look(Given(state): Given<Arc<State>>, Query(asked): Query<Asked>) -> Response {
    state
        .page(move |_, studio| {
            let language = studio.job.language;
            let page = Page::new("changes.html", Some(Tab::Changes), language.pick("変更点", "What changed"));
            let page = page.with("t", &table_of_words(language));
            let others = studio.others()?;
            let with = chosen(studio, &others, &asked)?;
            let choices: Vec<Choice> = others.iter().map(|other| choice(other, with, language)).collect();
            let page = page.with("choices", &choices).with("with", &with.map(|with| with.to_string()));
            let Some(with) = with else { return Ok(page) };
            Ok(match studio.compared(with)? {
                Compared::Going(progress) => page.with("going", &going(progress, language)),
                Compared::Failed(why) => page.with("failed", &why),
                Compared::Done(diff) => page.with("diff", &view(studio, &diff, with, &asked)),
            })
        })
        .await
}

/// How far it is; once it is over, the page is asked to come again.
async fn progress(Given(state): Given<Arc<State>>, Query(asked): Query<Asked>) -> Response {
    let going = state.work(move |_, studio| {
        let with = chosen(studio, &studio.others()?, &asked)?.ok_or_else(|| Refusal::nothing(studio.job.language))?;
        Ok(match studio.compared(with)? {
            Compared::Going(progress) => Some((with, going(progress, studio.job.language))),
            Compared::Failed(_) | Compared::Done(_) => None,
        })
    });
    match going.await {
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
        Ok(Some((with, going))) => {
            let piece = move |_: &Arc<State>, studio: &Arc<Studio>| {
                let page = Page::piece("changes_progress.html").with("t", &table_of_words(studio.job.language));
                Ok(page.with("going", &going).with("with", &with.to_string()))
            };
            state.page(piece).await
        }
        Ok(None) => {
            let mut response = state.page(|_, _| Ok(Page::piece("changes_progress.html").with("over", &true))).await;
            response.headers_mut().insert("hx-refresh", HeaderValue::from_static("true"));
            response
        }
    }
}

/// The plan to compare with: the one that was asked for, else the last adopted run before this one, else the newest other plan.
fn chosen(studio: &Studio, others: &[Other], asked: &Asked) -> Result<Option<NaiveDate>, Refusal> {
    if !asked.with.is_empty() {
        return asked.with.parse().map(Some).map_err(|_| Refusal::nothing(studio.job.language));
    }
    let adopted = others.iter().find(|other| other.is_adopted && other.as_of < studio.summary().as_of);
    Ok(adopted.or(others.first()).map(|other| other.as_of))
}

fn choice(other: &Other, with: Option<NaiveDate>, language: Language) -> Choice {
    let as_of = other.as_of.to_string();
    let mark = if other.is_adopted { language.pick("確定した実行", "adopted run") } else { language.pick("計画", "plan") };
    Choice { label: format!("{as_of} {mark}"), is_chosen: with == Some(other.as_of), as_of }
}

/// A line on how far it is, and the part in percent.
fn going(progress: Option<(Step, u64, u64)>, language: Language) -> (String, u64) {
    let Some((step, done, total)) = progress else {
        return (language.pick("2 つの計画を読んでいます…", "The two plans are read …").to_owned(), 0);
    };
    let word = match step {
        Step::Read => language.pick("購買データ", "purchases"),
        Step::Render => language.pick("メール作成", "mails"),
        Step::Send | Step::Wait => "",
    };
    (format!("{word} {} / {}", grouped(done), grouped(total)), done.saturating_mul(100).checked_div(total).unwrap_or(0))
}

#[derive(Serialize)]
struct View {
    plans: Vec<(String, String, String)>,
    notes: Vec<String>,
    is_same: bool,
    kinds: Vec<&'static str>,
    causes: Vec<CauseRow>,
    sums: Vec<String>,
    title: String,
    rows: Vec<ChangeRow>,
    range: String,
    back: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct CauseRow {
    told: &'static str,
    /// Count and the way to its people; none where nobody is.
    cells: Vec<(String, Option<String>)>,
    is_here: bool,
}

#[derive(Serialize)]
struct ChangeRow {
    /// Empty where the customer list has none.
    name: String,
    customer: String,
    person: String,
    campaign: String,
    before: String,
    after: String,
    ranks: Option<String>,
}

fn view(studio: &Studio, diff: &Diff, with: NaiveDate, asked: &Asked) -> View {
    let language = studio.job.language;
    let cause = Cause::ALL.into_iter().find(|cause| cause.word() == asked.cause);
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == asked.kind);
    let is_meant = |change: &&Change| cause.is_none_or(|cause| change.cause == cause) && kind.is_none_or(|kind| change.kind() == kind);
    let meant = diff.changes.iter().filter(is_meant).count();
    let pages = meant.div_ceil(ROWS).max(1);
    let page = asked.page.parse::<usize>().unwrap_or(1).clamp(1, pages);
    let first = (page - 1) * ROWS;
    let to = |cause: Option<Cause>, kind: Option<Kind>, page: usize| {
        let (with, page) = (with.to_string(), page.to_string());
        let mut query = vec![("with", with.as_str())];
        query.extend(cause.map(|cause| ("cause", cause.word())));
        query.extend(kind.map(|kind| ("kind", kind.word())));
        query.extend((page != "1").then_some(("page", page.as_str())));
        format!("{}#people", way("/changes", &query))
    };
    let titles = [cause.map(|cause| cause.told(language)), kind.map(|kind| kind.told(language))];
    let title: Vec<&str> = titles.into_iter().flatten().collect();
    let plan =
        |plan: &crate::domain::diff::Compared| (plan.as_of.to_string(), plan.digest.chars().take(8).collect(), mails(language, plan.mails));
    View {
        plans: vec![plan(&diff.before), plan(&diff.after)],
        notes: diff.notes.clone(),
        is_same: diff.changes.is_empty(),
        kinds: Kind::ALL.map(|kind| kind.told(language)).to_vec(),
        causes: causes(diff, cause, language, &to),
        sums: sums(diff),
        title: if title.is_empty() { language.pick("すべての変更", "All changes").to_owned() } else { title.join(" · ") },
        rows: diff.changes.iter().filter(is_meant).skip(first).take(ROWS).map(|change| row(studio, change)).collect(),
        range: format!(
            "{}–{} / {}",
            grouped((first + 1).min(meant) as u64),
            grouped((first + ROWS).min(meant) as u64),
            grouped(meant as u64)
        ),
        back: (page > 1).then(|| to(cause, kind, page - 1)),
        next: (page < pages).then(|| to(cause, kind, page + 1)),
    }
}

/// One line for each cause that changed anything.
fn causes(
    diff: &Diff,
    here: Option<Cause>,
    language: Language,
    to: &dyn Fn(Option<Cause>, Option<Kind>, usize) -> String,
) -> Vec<CauseRow> {
    let rows = Cause::ALL.into_iter().filter_map(|cause| {
        let counts = diff.counts(cause);
        let all: u64 = counts.iter().sum();
        let way = |kind, count: u64| (grouped(count), (count > 0).then(|| to(Some(cause), kind, 1)));
        let cells = Kind::ALL.into_iter().zip(counts).map(|(kind, count)| way(Some(kind), count)).chain([way(None, all)]);
        (all > 0).then(|| CauseRow { told: cause.told(language), cells: cells.collect(), is_here: here == Some(cause) })
    });
    rows.collect()
}

fn sums(diff: &Diff) -> Vec<String> {
    let mut sums = [0; Kind::ALL.len()];
    for cause in Cause::ALL {
        sums.iter_mut().zip(diff.counts(cause)).for_each(|(sum, count)| *sum += count);
    }
    sums.into_iter().chain([sums.iter().sum()]).map(grouped).collect()
}

fn row(studio: &Studio, change: &Change) -> ChangeRow {
    let (before, after) = change.told(studio.job.language);
    // Without the list of people there are no names, and nothing else is missing.
    let listed = studio.listed(&change.customer).ok().flatten();
    ChangeRow {
        person: way("/person", &[("id", &change.customer)]),
        name: listed.map(|row| row.name).unwrap_or_default(),
        customer: change.customer.clone(),
        campaign: change.campaign.clone(),
        before,
        after,
        ranks: change.told_ranks(),
    }
}

fn table_of_words(language: Language) -> Words {
    words(
        language,
        &[
            ("with", "比べる相手", "Compare with"),
            ("compare", "比べる", "Compare"),
            ("nothing", "比べる計画がまだありません。", "There is no other plan to compare with yet."),
            ("going", "比べています", "Comparing"),
            ("refresh", "更新", "Refresh"),
            ("over", "終わりました。", "It is done."),
            ("same", "どのお客様にも同じものが届きます。", "Everybody gets the same."),
            ("causes", "変化の原因", "What changed, and by what"),
            ("cause", "原因", "Cause"),
            ("all", "計", "All"),
            ("customer", "顧客", "Customer"),
            ("campaign", "キャンペーン", "Campaign"),
            ("before", "前", "Before"),
            ("after", "後", "After"),
            ("ranks", "ランクの動き", "Rank"),
            ("back", "前へ", "Previous"),
            ("next", "次へ", "Next"),
            ("everybody", "すべての変更を表示", "Show all changes"),
        ],
    )
}
