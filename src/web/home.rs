//! Opening a plan that was made anew, and what is not there.

use super::Routes;
use super::page::Refusal;
use super::state::State;
use axum::Router;
use axum::extract::{Request, State as Given};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
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

/// What axum cannot make sense of by itself (a field that is missing, a number that is none, too long a body) is said on a page as well.
pub async fn say(Given(state): Given<Arc<State>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let said = match status {
        _ if is_ours => return response,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "アドレスまたは入力に足りないところがあります。メニューから開き直してください。",
            "Something is missing in the address or in what was sent. Open the page again from the menu.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "送られた文が長すぎます（4 MiB まで）。短くして、もう一度お試しください。",
            "What was sent is too long (4 MiB at most). Make it shorter and try again.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "このページは、この方法では開けません。メニューから開き直してください。",
            "This page is not opened in this way. Open it from the menu.",
        ),
        _ => return response,
    };
    let language = state.studio().job.language;
    state.page(move |_, _| Err(Refusal::new(status, language.pick(said.0, said.1)))).await
}

/// What is asked for under the token and is not there.
pub async fn nothing(Given(state): Given<Arc<State>>) -> Response {
    state.page(|_, studio| Err(Refusal::nothing(studio.job.language))).await
}
