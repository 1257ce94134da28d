//! The templates: which there are.

use super::Routes;
use super::editor::Tried;
use super::editor_words::table;
use super::page::{Page, Tab, urlencoded, way};
use super::state::State;
use super::words;
use crate::pipeline::studio::Listed;
use axum::Router;
use axum::extract::State as Given;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new().route("/templates", get(list))
}

/// A file, and the way to its editor.
#[derive(Serialize)]
pub(super) struct Link {
    name: String,
    /// Without the folder.
    label: String,
    way: String,
    is_there: bool,
    is_strange: bool,
    is_here: bool,
}

pub(super) fn link(file: &Listed, here: &str, tried: &Tried) -> Link {
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
