//! The editor of a template, with the mail that comes of the text beside it, for somebody of the plan.

use super::Routes;
use super::editor_words::table;
use super::mail::Looks;
use super::page::{Page, Refusal, Tab, way};
use super::preview::{View, standing};
use super::state::State;
use super::templates::{Link, editor_path, link};
use crate::pipeline::Studio;
use crate::pipeline::studio::{LARGEST, Preview, Stranger, told};
use axum::Router;
use axum::extract::{Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub fn routes() -> Routes {
    Router::new().route("/templates/{*file}", get(edit))
}

/// On whom a template is tried, and how that is looked at.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Tried {
    #[serde(default)]
    pub customer: String,
    #[serde(default)]
    pub campaign: String,
    pub dark: Option<String>,
    pub remote: Option<String>,
    saved: Option<String>,
    /// Others are tried before the page is answered: without scripts it cannot ask for them later.
    others: Option<String>,
}

impl Tried {
    /// Completes what was not said; `None` where nobody of the plan gets such a mail.
    pub fn on(mut self, studio: &Studio, file: &str) -> Result<Option<Self>, Refusal> {
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
    pub clean: Option<String>,
    /// The page has told that the file is gone, and that saving makes it anew.
    #[serde(default)]
    pub gone: String,
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
    /// It is over once the file and its folder are back.
    pub passes: bool,
}

#[derive(Serialize)]
struct Editor {
    file: String,
    action: String,
    /// The same page with what is told of others.
    others: String,
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
    /// And that this is over once a preview finds the file.
    passes: bool,
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
                let mut made = studio.preview(&tried.customer, &tried.campaign, None)?;
                if made.is_untried && tried.others.is_some() {
                    made.failing = studio.failing(&tried.customer, &tried.campaign, None, &AtomicBool::default())?;
                    made.is_untried = false;
                }
                preview = Some(standing(state, studio, made, tried));
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
        // What is too large to be kept is not tried either: that takes seconds, and the mail from before is shown.
        let is_tried = unsaved.status != StatusCode::PAYLOAD_TOO_LARGE;
        let preview =
            if is_tried { studio.preview(&tried.customer, &tried.campaign, Some((file, &unsaved.text))) } else { Ok(Preview::default()) };
        let failed = |error: crate::pipeline::Error| Preview { problems: vec![told(&error, studio.job.language)], ..Preview::default() };
        standing(state, studio, preview.unwrap_or_else(failed), tried)
    });
    let samples = tried.as_ref().and_then(|tried| studio.samples(&tried.customer, &tried.campaign).ok()).unwrap_or_default();
    let tried = tried.unwrap_or_default();
    let editor = Editor {
        text: unsaved.text,
        digest: unsaved.digest,
        passes: unsaved.passes,
        samples,
        ..Editor::of(studio, file, tried, Some(unsaved.why))
    };
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
            others: way(&editor_path(file), &tried.query().into_iter().chain([("others", "1")]).collect::<Vec<_>>()),
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
            passes: false,
            most: LARGEST,
        }
    }

    fn page(self, studio: &Studio, preview: Option<&View>) -> Page {
        let page = Page::new("editor.html", Some(Tab::Templates), self.file.clone()).with("t", &table(studio.job.language));
        page.with("editor", &self).with("preview", &preview).with("is_piece", &false)
    }
}

/// The height of an editor: a subject is one line.
pub(super) fn rows(file: &str) -> usize {
    let last = file.rsplit('/').next().unwrap_or_default();
    if last.starts_with("subject.") || last.starts_with("preheader.") { 4 } else { 28 }
}
