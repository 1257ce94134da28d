//! The templates: which there are, and an editor with the mail that comes of a text beside it, for somebody of the plan.

use super::Routes;
use super::failing::{self, Others};
use super::framed::{framed, framed_refusal, notes};
use super::mail::Looks;
use super::page::{Page, Refusal, Tab, urlencoded, way};
use super::state::State;
use super::words::{self, Words, words};
use crate::domain::job::Language;
use crate::pipeline::Studio;
use crate::pipeline::studio::{LARGEST, Listed, Preview, Shown, Stranger, told};
use axum::extract::{Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new()
        .route("/templates", get(list))
        .route("/templates/{*file}", get(edit))
        .route("/preview", post(preview))
        .route("/preview/{number}/html", get(html))
}

/// On whom a template is tried, and how that is looked at.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Tried {
    #[serde(default)]
    pub customer: String,
    #[serde(default)]
    pub campaign: String,
    dark: Option<String>,
    remote: Option<String>,
    saved: Option<String>,
}

impl Tried {
    /// Completes what was not said; `None` where nobody of the plan gets such a mail.
    fn on(mut self, studio: &Studio, file: &str) -> Result<Option<Self>, Refusal> {
        if self.campaign.is_empty() || self.customer.is_empty() {
            let own = file.split_once('/').map(|(top, _)| top).filter(|top| studio.summary().campaigns.iter().any(|name| name == top));
            if self.campaign.is_empty() {
                own.unwrap_or_default().clone_into(&mut self.campaign);
            }
            if self.customer.is_empty() {
                let shown = if self.campaign.is_empty() {
                    studio.shown_with(file)?
                } else {
                    studio.first_of(&self.campaign)?.map(|customer| (self.campaign.clone(), customer))
                };
                let Some((campaign, customer)) = shown else { return Ok(None) };
                (self.campaign, self.customer) = (campaign, customer);
            }
        }
        Ok(Some(self))
    }

    pub fn query(&self) -> Vec<(&str, &str)> {
        vec![("customer", &self.customer), ("campaign", &self.campaign)]
    }
}

/// What the editor sends.
#[derive(Deserialize)]
pub(super) struct Sent {
    /// Empty where both versions are shown.
    #[serde(default)]
    pub file: String,
    pub text: String,
    pub digest: String,
    /// Nothing was written in the page yet, so that what is on the disk may take its place.
    clean: Option<String>,
    #[serde(flatten)]
    pub tried: Tried,
}

/// A text that could not be kept, and why.
pub(super) struct Unsaved {
    pub text: String,
    /// What the page had read.
    pub digest: String,
    pub why: String,
    pub status: StatusCode,
}

#[derive(Serialize)]
struct Link {
    name: String,
    /// Without the folder.
    label: String,
    way: String,
    is_there: bool,
    is_strange: bool,
    is_here: bool,
}

fn link(file: &Listed, here: &str, tried: &Tried) -> Link {
    let path = editor_path(&file.name);
    // Files of one campaign are looked at with the same customer.
    let is_beside = !tried.customer.is_empty() && file.name.split_once('/').is_some_and(|(top, _)| top == tried.campaign);
    let way = if is_beside { way(&path, &tried.query()) } else { path };
    let label =
        file.name.split_once('/').map_or(file.name.as_str(), |(top, rest)| if top == "parts" { &file.name } else { rest }).to_owned();
    Link { way, is_there: file.is_there, is_strange: file.is_strange, is_here: file.name == here, label, name: file.name.clone() }
}

pub(super) fn editor_path(name: &str) -> String {
    let parts: Vec<String> = name.split('/').map(urlencoded).collect();
    format!("/templates/{}", parts.join("/"))
}

async fn list(Given(state): Given<Arc<State>>) -> Response {
    state
        .page(|_, studio| {
            let language = studio.job.language;
            let listing = studio.template_files()?;
            let links = |files: &[Listed]| files.iter().map(|file| link(file, "", &Tried::default())).collect::<Vec<_>>();
            let mails = |name: &str| {
                let at = studio.summary().campaigns.iter().position(|own| own == name);
                at.and_then(|at| studio.summary().counts.mails_by_rank.get(at)).map_or(0, |ranks| ranks.iter().sum::<u64>())
            };
            let campaigns: Vec<_> =
                listing.campaigns.iter().map(|(name, files)| (name, words::mails(language, mails(name)), links(files))).collect();
            let page = Page::new("templates.html", Some(Tab::Templates), language.pick("テンプレート", "Templates"));
            let folder = listing.folder.display().to_string();
            Ok(page
                .with("t", &table(language))
                .with("campaigns", &campaigns)
                .with("shared", &links(&listing.shared))
                .with("folder", &folder))
        })
        .await
}

#[derive(Serialize)]
struct Editor {
    file: String,
    action: String,
    text: String,
    digest: String,
    customer: String,
    campaign: String,
    campaigns: Vec<String>,
    is_shared: bool,
    files: Vec<Link>,
    samples: Vec<(String, Option<String>)>,
    /// Why there is no mail to look at.
    stranger: Option<String>,
    /// Their page, where there is one.
    person: Option<String>,
    rows: usize,
    saved: bool,
    look: Looks,
    /// Why the text that stands in it is not in the file.
    unsaved: Option<String>,
    most: u64,
}

async fn edit(Given(state): Given<Arc<State>>, Path(file): Path<String>, Query(tried): Query<Tried>) -> Response {
    state
        .page(move |state, studio| {
            let there = studio.template(&file)?;
            let tried = tried.on(studio, &file)?;
            let stranger = tried.as_ref().map(|tried| studio.stranger(&tried.customer, &tried.campaign)).transpose()?.flatten();
            let (mut preview, mut samples) = (None, Vec::new());
            if let Some(tried) = tried.as_ref().filter(|_| stranger.is_none()) {
                preview = Some(standing(state, studio, studio.preview(&tried.customer, &tried.campaign, None)?, tried));
                samples = studio.samples(&tried.customer, &tried.campaign)?;
            }
            let person = stranger.as_ref().and_then(Stranger::person).map(|id| way("/person", &[("id", id)]));
            let stranger = stranger.map(|stranger| stranger.told);
            let tried = tried.unwrap_or_default();
            let editor =
                Editor { text: there.text, digest: there.digest, samples, person, stranger, ..Editor::of(studio, &file, tried, None) };
            Ok(editor.page(studio, preview.as_ref()))
        })
        .await
}

/// The editor with a text that could not be kept. Whatever else is wrong by now, the text is there.
pub(super) fn unsaved(state: &State, studio: &Studio, file: &str, tried: Tried, unsaved: Unsaved) -> Page {
    let tried = tried.on(studio, file).ok().flatten();
    let preview = tried.as_ref().map(|tried| {
        let preview = studio.preview(&tried.customer, &tried.campaign, Some((file, &unsaved.text)));
        let failed = |error: crate::pipeline::Error| Preview { problems: vec![told(&error, studio.job.language)], ..Preview::default() };
        standing(state, studio, preview.unwrap_or_else(failed), tried)
    });
    let samples = tried.as_ref().and_then(|tried| studio.samples(&tried.customer, &tried.campaign).ok()).unwrap_or_default();
    let tried = tried.unwrap_or_default();
    let editor = Editor { text: unsaved.text, digest: unsaved.digest, samples, ..Editor::of(studio, file, tried, Some(unsaved.why)) };
    editor.page(studio, preview.as_ref()).status(unsaved.status)
}

impl Editor {
    /// An empty one.
    fn of(studio: &Studio, file: &str, tried: Tried, unsaved: Option<String>) -> Self {
        // Links to other files are left out where the folder cannot be read.
        let listing = studio.template_files().ok();
        let own = listing.as_ref().and_then(|all| all.campaigns.iter().find(|(name, _)| file.starts_with(&format!("{name}/"))));
        let files = own.map(|(_, files)| files).or(listing.as_ref().map(|all| &all.shared)).map_or(&[][..], Vec::as_slice);
        Self {
            action: editor_path(file),
            text: String::new(),
            digest: String::new(),
            campaigns: studio.summary().campaigns.clone(),
            is_shared: own.is_none(),
            files: files.iter().map(|other| link(other, file, &tried)).collect(),
            samples: Vec::new(),
            stranger: None,
            person: None,
            saved: tried.saved.is_some() && unsaved.is_none(),
            rows: rows(file),
            look: Looks { dark: tried.dark.is_some(), remote: tried.remote.is_some() },
            customer: tried.customer,
            campaign: tried.campaign,
            file: file.to_owned(),
            unsaved,
            most: LARGEST,
        }
    }

    fn page(self, studio: &Studio, preview: Option<&View>) -> Page {
        let page = Page::new("editor.html", Some(Tab::Templates), self.file.clone()).with("t", &table(studio.job.language));
        page.with("editor", &self).with("preview", &preview).with("is_piece", &false)
    }
}

/// What came of the text on a page that has no mail yet: where there are errors, it gets the last mail that could be made; where none was
/// seen yet, the planned one.
fn standing(state: &State, studio: &Studio, preview: Preview, tried: &Tried) -> View {
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

/// The height of an editor: a subject is one line.
fn rows(file: &str) -> usize {
    let last = file.rsplit('/').next().unwrap_or_default();
    if last.starts_with("subject.") || last.starts_with("preheader.") { 4 } else { 28 }
}

/// What came of a text, as the page shows it.
#[derive(Serialize)]
struct View {
    /// Nothing where the mail could not be made: the last good one stays.
    mail: Option<ViewedMail>,
    problems: Vec<String>,
    failing: Option<Others>,
    /// That values are asked for which the plan does not have.
    unplanned: Option<String>,
    /// A caret marks the place of what is wrong.
    is_marked: bool,
    /// The file is no longer what the page has read.
    has_changed: bool,
    rows: usize,
    /// The text and the digest that take the place of those of the page.
    anew: Option<(String, String)>,
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
    View { mail, problems: preview.problems, is_marked, failing, unplanned, has_changed: false, rows: 0, anew: None }
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
            let Some(tried) = sent.tried.on(studio, &sent.file)? else { return Err(Refusal::nothing(language)) };
            if let Some(why) = studio.stranger(&tried.customer, &tried.campaign)? {
                return Err(Refusal::new(StatusCode::NOT_FOUND, why.told));
            }
            let there = studio.template(&sent.file)?;
            let has_changed = there.digest != sent.digest;
            let anew = (has_changed && sent.clean.is_some()).then_some((there.text, there.digest));
            let text = anew.as_ref().map_or(sent.text.replace("\r\n", "\n"), |(text, _)| text.clone());
            let preview = studio.preview(&tried.customer, &tried.campaign, Some((&sent.file, &text)))?;
            let view =
                View { has_changed: has_changed && anew.is_none(), rows: rows(&sent.file), anew, ..view(state, preview, &tried, language) };
            Ok(Page::piece("preview.html").with("t", &table(language)).with("preview", &view).with("is_piece", &true))
        })
        .await
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

pub(super) fn table(language: Language) -> Words {
    words(
        language,
        &[
            ("folder", "フォルダー", "Folder"),
            ("campaigns", "キャンペーン", "Campaigns"),
            ("shared", "共通の部品", "What mails share"),
            ("absent", "（なし）", "(none yet)"),
            ("strange", "（リンクなどのため使いません）", "(a link or the like, not used)"),
            ("try", "全員で試す", "Try on all"),
            ("files", "ファイル", "Files"),
            ("text", "文面", "Text"),
            ("keys", "Tab で字下げ。Esc のあとの Tab で次の項目へ移ります。", "Tab indents; after Esc it goes on to the next field."),
            ("save", "保存", "Save"),
            ("saved", "保存しました。送るには計画を作り直してください。", "Saved. Plan again for it to be sent."),
            ("values", "使える値と、この顧客での例", "Values there are, and what they are for this customer"),
            ("nothing", "なし", "nothing"),
            ("insert", "文面に入れる", "Put it into the text"),
            ("customer", "顧客", "Customer"),
            ("campaign", "キャンペーン", "Campaign"),
            ("on", "この顧客で見る", "Look at it with"),
            ("show", "表示", "Show"),
            ("wrong", "テンプレートに誤りがあります。", "The template has an error."),
            ("person", "この顧客のページ", "This customer's page"),
            ("preview", "プレビュー", "Preview"),
            ("dark", "ダークモード", "Dark mode"),
            ("remote", "外部の画像", "Pictures from elsewhere"),
            (
                "nobody",
                "この計画では、このテンプレートのメールを受け取る人がいません。",
                "Nobody gets a mail of this template in this plan.",
            ),
            ("planned", "計画どおりのメールです。", "This is the mail that is planned."),
            (
                "differs",
                "計画のメールと異なります。送るには計画を作り直してください。",
                "It differs from the planned mail; plan again for it to be sent.",
            ),
            ("mend", "印の箇所を直してください。", "Mend the place that is marked."),
            ("last_good", "下は最後に作成できたものです。", "Below is the last one that could be made."),
            (
                "gone",
                "スタジオから応答がありません。文面はこのページに残っています。閉じずに、端末で studio が動いているか確認してください。",
                "The studio does not answer. Your text is still on this page: leave it open, and see whether the studio runs in its terminal.",
            ),
            (
                "too_long",
                "保存できません: テンプレートは 1024 KiB までです。文面はこのページに残っています。",
                "It cannot be saved: no template may be larger than 1024 KiB. Your text is still on this page.",
            ),
            (
                "meanwhile",
                "このファイルはほかで変更されました。保存すると両方を見比べられます。",
                "This file was changed elsewhere; saving shows both.",
            ),
            ("wide", "パソコン 600 px", "Computer, 600 px"),
            ("narrow", "スマートフォン 375 px", "Telephone, 375 px"),
            ("text_part", "テキスト部", "Text part"),
            ("planned_mail", "計画のメール", "The planned mail"),
            ("theirs", "いまのファイル", "The file as it is now"),
            ("mine", "あなたの文面", "Your text"),
            ("take_theirs", "いまのファイルで続ける", "Go on with the file as it is"),
            ("save_mine", "あなたの文面で上書き", "Save yours over it"),
            (
                "both",
                "開いてから保存までの間に、ファイルが変更されました。何も書き込んでいません。",
                "The file was changed since you opened it. Nothing was written.",
            ),
        ],
    )
}
