//! "Try on all": begins it, shows how far it is, and what came of it.

use super::Routes;
use super::page::{Page, Tab, way};
use super::state::State;
use super::words::{Words, mails, words};
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::pipeline::Studio;
use axum::Router;
use axum::extract::State as Given;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Serialize;
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new().route("/try", get(look).post(begin)).route("/try/progress", get(progress)).route("/try/stop", post(stop))
}

#[derive(Serialize)]
struct View {
    done: String,
    total: String,
    percent: u64,
    failed: String,
    has_failed: bool,
    is_stopped: bool,
    is_over: bool,
    /// When it began.
    began: String,
    /// That templates have changed since it began; once it is over.
    outdated: Option<&'static str>,
    error: Option<String>,
    failures: Vec<Failure>,
    /// File, line, tag and the way to the file.
    unreached: Vec<(String, usize, String)>,
}

#[derive(Serialize)]
struct Failure {
    told: String,
    mails: String,
    first: Vec<(String, String)>,
}

fn view(studio: &Studio) -> Option<View> {
    let language = studio.job.language;
    let attempt = studio.attempt()?;
    let progress = attempt.progress();
    let is_over = progress.over.is_some();
    let began = studio.job.zone.local(progress.began).map(|at| at.format("%Y-%m-%d %H:%M").to_string());
    let (error, unreached) = match progress.over {
        Some(Err(error)) => (Some(error), Vec::new()),
        Some(Ok(branches)) => (None, branches.into_iter().map(|branch| (branch.file, branch.line, branch.tag)).collect()),
        None => (None, Vec::new()),
    };
    let failures = progress.failures.into_iter().map(|failed| Failure {
        told: failed.told,
        mails: mails(language, failed.mails),
        first: failed
            .first
            .into_iter()
            .map(|(customer, campaign)| (way("/mail", &[("customer", &customer), ("campaign", &campaign)]), customer))
            .collect(),
    });
    Some(View {
        is_over,
        began: began.unwrap_or_default(),
        outdated: (is_over && studio.is_outdated(&attempt)).then(|| {
            language.pick(
                "このあとテンプレートが変わっています。結果は前の文面のものです。もう一度試してください。",
                "Templates have changed since: this is what came of the texts before. Try them again.",
            )
        }),
        done: grouped(progress.done),
        total: grouped(progress.total),
        percent: (progress.done * 100).checked_div(progress.total).unwrap_or(100),
        failed: grouped(progress.failed),
        has_failed: progress.failed > 0,
        is_stopped: progress.is_stopped,
        error,
        failures: failures.collect(),
        unreached,
    })
}

async fn look(Given(state): Given<Arc<State>>) -> Response {
    state
        .page(|_, studio| {
            let language = studio.job.language;
            let page = Page::new("attempt.html", Some(Tab::Templates), language.pick("全員で試す", "Try on all"));
            Ok(page.with("t", &table(language)).with("attempt", &view(studio)))
        })
        .await
}

async fn progress(Given(state): Given<Arc<State>>) -> Response {
    state
        .page(|_, studio| Ok(Page::piece("attempt_progress.html").with("t", &table(studio.job.language)).with("attempt", &view(studio))))
        .await
}

async fn begin(Given(state): Given<Arc<State>>) -> Response {
    let now = (state.now)();
    let begun = state.work(move |_, studio| {
        studio.try_on_all(now);
        Ok(())
    });
    if let Err(refusal) = begun.await {
        return state.page(move |_, _| Err(refusal)).await;
    }
    Redirect::to(&format!("{}/try", state.base)).into_response()
}

async fn stop(Given(state): Given<Arc<State>>) -> Response {
    if let Some(attempt) = state.studio().attempt() {
        attempt.stop();
    }
    Redirect::to(&format!("{}/try", state.base)).into_response()
}

fn table(language: Language) -> Words {
    words(
        language,
        &[
            (
                "what",
                "計画の全員のメールを、いまのテンプレートで作ってみます。何も送りません。",
                "Every mail of the plan is made with the templates as they are now. Nothing is sent.",
            ),
            ("begin", "始める", "Begin"),
            ("again", "もう一度", "Again"),
            ("stop", "止める", "Stop"),
            ("refresh", "更新", "Refresh"),
            ("began", "開始", "Begun at"),
            ("done", "通を試しました", "tried"),
            ("of", "/", "of"),
            ("failed", "通が失敗", "failed"),
            ("all_well", "全員分を作成できました。", "Every mail can be made."),
            ("stopped", "途中で止めました。", "It was stopped."),
            ("failures", "作成できないメール", "Mails that cannot be made"),
            ("mend", "次の箇所を直してください。", "Mend these places."),
            ("first", "最初の顧客", "The first customers"),
            ("unreached", "今回だれも通らない分岐", "Branches that nobody reaches this time"),
            ("all_reached", "すべての分岐を、だれかが通ります。", "Somebody reaches every branch."),
        ],
    )
}
