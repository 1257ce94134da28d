//! Opening a plan that was made anew, and what is not there.

use super::Routes;
use super::page::Refusal;
use super::state::State;
use axum::Router;
use axum::extract::State as Given;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new().route("/reload", post(reload))
}

async fn reload(Given(state): Given<Arc<State>>) -> Response {
    let opened = state.work(|state, studio| {
        state.put(studio.anew()?);
        state.watch();
        Ok(())
    });
    match opened.await {
        Ok(()) => Redirect::to(&format!("{}/", state.base)).into_response(),
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
    }
}

/// The address without its last sign, as it is easily copied.
pub async fn slash(Given(state): Given<Arc<State>>) -> Response {
    Redirect::permanent(&format!("{}/", state.base)).into_response()
}

/// What is asked for under the token and is not there.
pub async fn nothing(Given(state): Given<Arc<State>>) -> Response {
    state.page(|_, studio| Err(Refusal::nothing(studio.job.language))).await
}
