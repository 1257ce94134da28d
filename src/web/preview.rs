//! What comes of a text: the mail as the templates would make it now, or what is wrong, beside the editor.

use super::Routes;
use super::editor::{Sent, Tried, rows};
use super::editor_words::table;
use super::failing::{self, Others};
use super::framed::{framed, framed_refusal, notes};
use super::page::{Page, Refusal, way};
use super::state::State;
use crate::domain::job::Language;
use crate::pipeline::Studio;
use crate::pipeline::studio::{Preview, Removed, Shown};
use axum::extract::{Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub fn routes() -> Routes {
    Router::new().route("/preview", post(preview)).route("/preview/others", post(others)).route("/preview/{number}/html", get(html))
}

/// What came of the text on a page that has no mail yet: where there are errors, it gets the last mail that could be made; where none was
/// seen yet, the planned one.
pub(super) fn standing(state: &State, studio: &Studio, preview: Preview, tried: &Tried) -> View {
    let mut view = view(state, preview, tried, studio.job.language);
    if view.mail.is_none() {
        let planned = || {
            let seen = studio.mail(&tried.customer, &tried.campaign).ok()?;
            let (subject, preheader, html, text) = (seen.subject, seen.preheader, seen.html, seen.text);
            Some(Arc::new(Shown { subject, preheader, html, text, is_planned: true }))
        };
        let last = state.last_good(&tried.customer, &tried.campaign).or_else(planned);
        view.mail = last.map(|last| viewed(state, &last, tried, studio.job.language));
    }
    view
}

/// What came of a text, as the page shows it.
#[derive(Serialize)]
pub(super) struct View {
    /// Nothing where the mail could not be made: the last good one stays.
    mail: Option<ViewedMail>,
    problems: Vec<String>,
    failing: Option<Others>,
    /// The page is to ask for the others.
    asks: bool,
    /// That values are asked for which the plan does not have.
    unplanned: Option<String>,
    /// A caret marks the place of what is wrong.
    is_marked: bool,
    /// The file is no longer what the page has read.
    has_changed: bool,
    /// The file is not there any more: where it was and what to do, and whether saving makes it anew.
    removed: Option<(String, bool)>,
    rows: usize,
    /// The text and the digest that take the place of those of the page.
    anew: Option<(String, String)>,
    /// The digest that takes the place of the page's, whose text the file has.
    same: Option<String>,
}

#[derive(Serialize)]
struct ViewedMail {
    /// What is said of the copy in the frames.
    notes: Vec<String>,
    subject: String,
    preheader: Option<String>,
    text: String,
    frame: String,
    dark: bool,
    is_planned: bool,
    customer: String,
    campaign: String,
    way: String,
}

fn view(state: &State, preview: Preview, tried: &Tried, language: Language) -> View {
    let failing = preview.failing.map(|failing| Others::of(failing, tried, language));
    let unplanned = failing::unplanned(&preview.unplanned, language);
    let mail = preview.mail.map(|mail| viewed(state, &Arc::new(mail), tried, language));
    let is_marked = preview.problems.iter().any(|problem| problem.contains('^'));
    View {
        mail,
        problems: preview.problems,
        is_marked,
        failing,
        asks: preview.is_untried,
        unplanned,
        has_changed: false,
        removed: None,
        rows: 0,
        anew: None,
        same: None,
    }
}

fn viewed(state: &State, mail: &Arc<Shown>, tried: &Tried, language: Language) -> ViewedMail {
    let set = [("dark", tried.dark.is_some()), ("remote", tried.remote.is_some())];
    let look: Vec<_> = set.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name, "1")).collect();
    ViewedMail {
        notes: notes(&mail.html, tried.dark.is_some(), language),
        subject: mail.subject.clone(),
        preheader: mail.preheader.clone(),
        text: mail.text.clone(),
        frame: way(&format!("/preview/{}/html", state.keep(&tried.customer, &tried.campaign, Arc::clone(mail))), &look),
        dark: tried.dark.is_some(),
        is_planned: mail.is_planned,
        customer: tried.customer.clone(),
        campaign: tried.campaign.clone(),
        way: way("/mail", &tried.query()),
    }
}

async fn preview(Given(state): Given<Arc<State>>, Form(sent): Form<Sent>) -> Response {
    state
        .page(move |state, studio| {
            let language = studio.job.language;
            let tried = tried(studio, &sent)?;
            let removed = if sent.digest.is_empty() { None } else { studio.removed(&sent.file) };
            let there = if removed.is_some() { None } else { Some(studio.template(&sent.file)?) };
            let other = there.filter(|there| there.digest != sent.digest);
            let text = sent.text.replace("\r\n", "\n");
            // What somebody else has saved is this very text: what is written from now on is written on that.
            let same = other.as_ref().filter(|there| there.text == text).map(|there| there.digest.clone());
            let other = other.filter(|_| same.is_none());
            let has_changed = other.is_some() && sent.clean.is_none();
            let anew = other.filter(|_| sent.clean.is_some()).map(|there| (there.text, there.digest));
            let text = anew.as_ref().map_or(text, |(text, _)| text.clone());
            let digest = anew.as_ref().map(|(_, digest)| digest).or(same.as_ref()).unwrap_or(&sent.digest);
            let preview = studio.preview(&tried.customer, &tried.campaign, edited(&sent.file, &text, digest))?;
            let view = view(state, preview, &tried, language);
            let removed = removed.map(|removed| (gone(&removed, language), removed.may_be_made));
            let view = View { has_changed, removed, rows: rows(&sent.file), anew, same, ..view };
            Ok(Page::piece("preview.html").with("t", &table(language)).with("preview", &view).with("is_piece", &true))
        })
        .await
}

/// For how many others the same text fails: it may take seconds, and ends with whoever asks.
async fn others(Given(state): Given<Arc<State>>, Form(sent): Form<Sent>) -> Response {
    let asking = Asking(Arc::default());
    let is_over = Arc::clone(&asking.0);
    state
        .page(move |_, studio| {
            let language = studio.job.language;
            let (tried, text) = (tried(studio, &sent)?, sent.text.replace("\r\n", "\n"));
            let failing = studio.failing(&tried.customer, &tried.campaign, edited(&sent.file, &text, &sent.digest), &is_over)?;
            let failing = failing.map(|failing| Others::of(failing, &tried, language));
            Ok(Page::piece("failing.html").with("failing", &failing))
        })
        .await
}

/// Somebody who waits for an answer.
struct Asking(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whose mail is meant, who must have one.
fn tried(studio: &Studio, sent: &Sent) -> Result<Tried, Refusal> {
    let Some(tried) = sent.tried.clone().on(studio, &sent.file)? else { return Err(Refusal::nothing(studio.job.language)) };
    match studio.stranger(&tried.customer, &tried.campaign)? {
        Some(why) => Err(Refusal::new(StatusCode::NOT_FOUND, why.told)),
        None => Ok(tried),
    }
}

/// The text that stands for the file; none where there is no file and nothing was written.
fn edited<'a>(file: &'a str, text: &'a str, digest: &str) -> Option<(&'a str, &'a str)> {
    (!(text.is_empty() && digest.is_empty())).then_some((file, text))
}

/// That a file is not there any more, where it was, and what to do.
fn gone(removed: &Removed, language: Language) -> String {
    let path = removed.path.display();
    let (ja, en) = if removed.may_be_made {
        ("元に戻すか、ここで保存して作り直してください", "Put it back, or save it anew from here")
    } else {
        ("元に戻してください", "Put it back")
    };
    language.pick(
        format!("{path} がなくなりました（ほかのプログラムが削除または移動しました）。文面はこのページに残っています。{ja}。"),
        format!("{path} is not there any more: another program removed or moved it. Your text is still on this page. {en}."),
    )
}

/// Which look a frame asks for.
#[derive(Deserialize)]
struct Look {
    dark: Option<String>,
    remote: Option<String>,
}

async fn html(Given(state): Given<Arc<State>>, Path(number): Path<u64>, Query(look): Query<Look>) -> Response {
    if let Some(shown) = state.kept(number) {
        return framed(&shown.html, look.dark.is_some(), look.remote.is_some());
    }
    let language = state.studio().job.language;
    let gone = language.pick("このプレビューはもうありません。ページを開き直してください。", "This preview is gone; open the page again.");
    framed_refusal(&Refusal::new(StatusCode::NOT_FOUND, gone), language)
}
