//! The way in, and opening a plan that was made anew.

use super::page::{Page, Refusal, Tab, way};
use super::state::State;
use super::{Routes, words};
use axum::Router;
use axum::extract::State as Given;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new().route("/", get(home)).route("/reload", post(reload))
}

async fn home(Given(state): Given<Arc<State>>) -> Response {
    state
        .page(|studio| {
            let language = studio.job.language;
            let t = words::words(language, &[("campaigns", "キャンペーン", "Campaigns")]);
            let campaigns: Vec<(&String, String)> =
                studio.summary().campaigns.iter().map(|name| (name, way("/mail", &[("campaign", name)]))).collect();
            Ok(Page::new("home.html", Some(Tab::Audience), language.pick("宛先", "Audience")).with("t", &t).with("campaigns", &campaigns))
        })
        .await
}

async fn reload(Given(state): Given<Arc<State>>) -> Response {
    let opened = state.work(|state, studio| {
        state.put(studio.anew()?);
        Ok(())
    });
    match opened.await {
        Ok(()) => Redirect::to(&format!("{}/", state.base)).into_response(),
        Err(refusal) => state.page(move |_| Err(refusal)).await,
    }
}

/// What is asked for under the token and is not there.
pub async fn nothing(Given(state): Given<Arc<State>>) -> Response {
    state.page(|studio| Err(Refusal::nothing(studio.job.language))).await
}
