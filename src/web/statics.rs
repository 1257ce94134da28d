//! What pages load beside themselves: one style sheet, htmx and a page of JavaScript of our own.

use super::Routes;
use crate::pipeline::studio::COLOURS;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub fn routes() -> Routes {
    let file = |kind: &'static str, text: String| get(move || async move { ([(header::CONTENT_TYPE, kind)], text).into_response() });
    let style = [COLOURS, include_str!("pages/studio.css")].concat();
    Router::new()
        .route("/static/studio.css", file("text/css; charset=utf-8", style))
        .route("/static/htmx.min.js", file(SCRIPT, include_str!("pages/htmx.min.js").to_owned()))
        .route("/static/studio.js", file(SCRIPT, include_str!("pages/studio.js").to_owned()))
}
