//! Saving a template. Whatever goes wrong, the text that somebody wrote is not lost: it comes back in the editor, or, where htmx asks, was
//! never taken out of it; there the editor also stays where a text was saved.

use super::Routes;
use super::editor::{Sent, Unsaved, unsaved};
use super::editor_words::table;
use super::page::{Page, Tab, way};
use super::state::State;
use super::templates::editor_path;
use crate::domain::job::Language;
use crate::pipeline::studio::{LARGEST, Saved, Text};
use crate::pipeline::{Error, Studio};
use axum::extract::{Path, State as Given};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Form, Router};
use std::io::ErrorKind;
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new().route("/templates/{*file}", post(save))
}

async fn save(Given(state): Given<Arc<State>>, Path(file): Path<String>, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    let is_piece = headers.contains_key("hx-request");
    let query: Vec<_> = sent.tried.query().into_iter().chain([("saved", "1")]).collect();
    let back = format!("{}{}", state.base, way(&editor_path(&file), &query));
    let done = state.work(move |state, studio| {
        let text = sent.text.replace("\r\n", "\n");
        // Who was told that the file is gone, and that saving makes it anew, does not mean the one that was read.
        let is_anew = !sent.gone.is_empty() && studio.removed(&file).is_some_and(|removed| removed.may_be_made);
        let saved = studio.save_template(&file, &text, if is_anew { "" } else { &sent.digest });
        let language = studio.job.language;
        let (why, status) = match saved {
            // The editor stays as it is, with the cursor and what can be undone.
            Ok(Saved::Done { digest }) if is_piece && !sent.file.is_empty() => {
                return Ok(Some(Page::piece("saved.html").with("t", &table(language)).with("digest", &digest).shown(state, studio)));
            }
            Ok(Saved::Done { .. }) => return Ok(None),
            Ok(Saved::Changed { theirs }) => return Ok(Some(both(studio, &theirs, &text, &sent).shown(state, studio))),
            Ok(Saved::TooLarge { bytes }) => (too_large(&file, bytes, language), StatusCode::PAYLOAD_TOO_LARGE),
            Err(error) => told(&file, &error, language),
        };
        let passes = status == StatusCode::NOT_FOUND || studio.without_templates().is_some();
        let unsaved = unsaved(state, studio, &file, sent.tried, Unsaved { text, digest: sent.digest, why, status, passes });
        Ok(Some(unsaved.shown(state, studio)))
    });
    match done.await {
        Ok(None) if is_piece => (StatusCode::NO_CONTENT, [("hx-redirect", back)]).into_response(),
        Ok(None) => Redirect::to(&back).into_response(),
        Ok(Some(mut page)) => {
            // Both versions take the place of the editor; of any other page htmx takes what is wrong.
            if is_piece && page.status() == StatusCode::CONFLICT {
                for (name, value) in [("hx-retarget", "#main"), ("hx-reselect", "#main"), ("hx-reswap", "outerHTML")] {
                    page.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
                }
            }
            page
        }
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
    }
}

/// The file as it is by now, and the text that was to be kept.
fn both(studio: &Studio, theirs: &Text, mine: &str, sent: &Sent) -> Page {
    let language = studio.job.language;
    let title = if theirs.digest.is_empty() {
        language.pick("ファイルがなくなっています", "It was removed meanwhile")
    } else {
        language.pick("ほかで変更されています", "It was changed meanwhile")
    };
    let action = editor_path(&theirs.name);
    let page = Page::new("changed.html", Some(Tab::Templates), title).status(StatusCode::CONFLICT);
    page.with("t", &table(language))
        .with("file", &theirs.name)
        .with("theirs_way", &way(&action, &sent.tried.query()))
        .with("action", &action)
        .with("theirs", &theirs.text)
        .with("mine", &mine)
        .with("digest", &theirs.digest)
        .with("customer", &sent.tried.customer)
        .with("campaign", &sent.tried.campaign)
        .with("most", &LARGEST)
}

fn too_large(file: &str, bytes: usize, language: Language) -> String {
    let (bytes, most) = (bytes.div_ceil(1 << 10), LARGEST >> 10);
    language.pick(
        format!("{file} を保存できませんでした: 文面は {bytes} KiB あり、テンプレートは {most} KiB までです。短くして保存してください。"),
        format!(
            "{file} was not saved: the text has {bytes} KiB, and no template may be larger than {most} KiB. Make it shorter and save it."
        ),
    )
}

/// What went wrong, where, and what to do; with the status that says so.
fn told(file: &str, error: &Error, language: Language) -> (String, StatusCode) {
    let (place, why, status) = match error {
        Error::File { path, source } => {
            let (why, is_known) = match source.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
                    language.pick(
                        "書き込む権限がありません。フォルダーとファイルの権限を担当者に確認し、もう一度保存してください。",
                        "you may not write there; ask whoever looks after it for the rights to the file and its folder, then save again.",
                    ),
                    true,
                ),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => (
                    language.pick(
                        "ディスクに空きがありません。空けてから、もう一度保存してください。",
                        "the disk is full; make room, then save again.",
                    ),
                    true,
                ),
                _ => (
                    language.pick(
                        "書き込めませんでした。原因を除いて、もう一度保存してください。",
                        "it cannot be written; mend that, then save again.",
                    ),
                    false,
                ),
            };
            let why = if is_known { why.to_owned() } else { format!("{why} ({source})") };
            (path.display().to_string(), why, StatusCode::INTERNAL_SERVER_ERROR)
        }
        Error::Data(_) => {
            let why = language.pick(
                "このジョブのテンプレートではありません。ファイルかそのフォルダーが移動または削除されたか、リンクになっています。元に戻して、もう一度保存してください。",
                "it is no template of this job: the file or its folder was moved or removed, or is a link now. Put it back, then save again.",
            );
            (file.to_owned(), why.to_owned(), StatusCode::NOT_FOUND)
        }
        other => (file.to_owned(), other.to_string(), StatusCode::INTERNAL_SERVER_ERROR),
    };
    let why = if why.ends_with(['。', '.']) { why } else { why + language.pick("。", ".") };
    let told = language.pick(
        format!("{place} を保存できませんでした: {why} 文面はこのページに残っています。"),
        format!("{place} was not saved: {why} Your text is still on this page."),
    );
    (told, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_and_a_full_disk_are_told_with_what_to_do() {
        for (kind, ja, en) in [
            (ErrorKind::PermissionDenied, "書き込む権限がありません", "you may not write there"),
            (ErrorKind::ReadOnlyFilesystem, "書き込む権限がありません", "you may not write there"),
            (ErrorKind::StorageFull, "ディスクに空きがありません", "the disk is full"),
        ] {
            for (language, words) in [(Language::Ja, ja), (Language::En, en)] {
                let error = Error::File { path: "templates/a/body.html".into(), source: kind.into() };
                let (told, status) = told("a/body.html", &error, language);
                assert!(told.starts_with("templates/a/body.html") && told.contains(words), "{told}");
                assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            }
        }
    }
}
