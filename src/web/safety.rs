//! Who is answered at all, and what every answer says to the browser.
//!
//! Binding to loopback keeps other machines out, not other pages of the same browser: a name that an attacker owns may come to mean
//! 127.0.0.1 (DNS rebinding), and any page may post a form to a local port. So `Host` must be ours, the path must begin with a token that no
//! other page can know, and whatever changes something must say that it comes from our own pages.

use super::page::Refusal;
use super::state::State;
use crate::domain::job::Language;
use axum::body::Body;
use axum::extract::{Request, State as Given};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// No address is longer, in bytes.
const LONGEST_TARGET: usize = 8 << 10;
/// The longest body: more than twice a template of 1 MiB in which each byte is written as `%XX`, so that a text that is too long for a
/// template still comes back to whoever wrote it.
pub const LONGEST_BODY: usize = 8 << 20;
/// Whatever takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What decides about a request before anything reads it.
pub struct Key {
    token: String,
    hosts: [String; 3],
}

impl Key {
    pub fn new(token: &str, port: u16) -> Self {
        Self { token: token.to_owned(), hosts: ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")) }
    }

    /// The status with which a request is refused.
    fn judge(&self, method: &Method, target: &str, headers: &HeaderMap) -> Result<(), StatusCode> {
        let host = only(headers, &header::HOST).filter(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)));
        let host = host.ok_or(StatusCode::FORBIDDEN)?;
        if target.len() > LONGEST_TARGET {
            return Err(StatusCode::URI_TOO_LONG);
        }
        let path = target.split('?').next().unwrap_or_default();
        let token = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
        if !is_same(token, &self.token) {
            return Err(StatusCode::NOT_FOUND);
        }
        match *method {
            Method::GET | Method::HEAD => Ok(()),
            Method::POST => {
                let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
                if origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host)) { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
            }
            _ => Err(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}

/// A header that is there once: of two nobody knows which one counts.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    if all.next().is_some() { None } else { first.to_str().ok() }
}

/// Compares without telling by the time it takes how much of it is right.
fn is_same(given: &str, token: &str) -> bool {
    let differ = given.bytes().zip(token.bytes()).fold(0_u8, |differ, (one, other)| black_box(differ | (one ^ other)));
    given.len() == token.len() && differ == 0
}

/// Stands before every page.
pub async fn guard(Given(state): Given<Arc<State>>, request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let refused = state.key.judge(request.method(), target, request.headers()).err();
    let mut response = match (refused, state.places.try_acquire()) {
        // This one knows the token.
        (Some(StatusCode::METHOD_NOT_ALLOWED), _) => told(&state, StatusCode::METHOD_NOT_ALLOWED.into_response()).await,
        // A page that was open before the studio was started again asks by the token of before.
        (Some(StatusCode::NOT_FOUND), _) => earlier(state.studio().job.language),
        (Some(status), _) => (status, Body::empty()).into_response(),
        (None, Err(_)) => told(&state, (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response()).await,
        (None, Ok(_place)) => {
            let answer = tokio::time::timeout(PATIENCE, next.run(request)).await;
            let answer = answer.unwrap_or_else(|_| (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response());
            told(&state, answer).await
        }
    };
    let headers = response.headers_mut();
    // A browser that may name no page at all says `Origin: null` when a form is sent; other sites are named none either way.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A mail has a stricter one of its own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// What is told to whoever does not begin with the token of this start: nothing of the shop, the plan or the token. A page that htmx asks
/// from takes the alert out of it, as of every refusal.
fn earlier(language: Language) -> Response {
    let (title, told) = language.pick(
        (
            "前のアドレスです",
            "このアドレスは、前に起動したスタジオのものか、途中が欠けています。端末に表示されている今のアドレスを開いてください。書きかけの文面があるページは、写し終えるまで閉じないでください。",
        ),
        (
            "This address is no longer used",
            "This address is of an earlier start of the studio, or a part of it is missing. Open the one that stands in the terminal now. Where you were writing a text, copy it before you close that page.",
        ),
    );
    let language = language.pick("ja", "en");
    let page = format!(
        "<!DOCTYPE html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head><body><main id=\"main\"><p class=\"alert stop\">{told}</p>\
         </main></body></html>"
    );
    (StatusCode::NOT_FOUND, Html(page)).into_response()
}

/// Puts a page of ours, in the job's language, in the place of a bare refusal.
async fn told(state: &Arc<State>, response: Response) -> Response {
    let status = response.status();
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let why = axum::body::to_bytes(body, LONGEST_TARGET).await.unwrap_or_default();
    let why = String::from_utf8_lossy(&why);
    // Only what is there in memory is shown, so that this needs nobody's turn.
    let studio = state.studio();
    let message = words(status, &why, studio.job.language);
    let mut page = Refusal::new(status, message).page(&studio).shown(state, &studio);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = parts.headers.get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

/// What is wrong and what to do, for an answer that says only a number, or a library's words.
fn words(status: StatusCode, why: &str, language: Language) -> String {
    let (ja, en) = match status {
        StatusCode::NOT_FOUND => ("このページはありません。", "There is no such page."),
        StatusCode::METHOD_NOT_ALLOWED => (
            "このアドレスではその操作はできません。ページのボタンから操作してください。",
            "That cannot be done at this address; go back to the page and use its buttons.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "送られた内容が 8 MiB を超えています。何も書き込んでいません。戻って短くしてください。",
            "What was sent is larger than 8 MiB. Nothing was written; go back and make it shorter.",
        ),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => (
            "処理が混み合っているか、ほかのプログラムが台帳を使用中です。数秒後にもう一度お試しください。",
            "The studio is busy, or another program has the ledger locked; try again in some seconds.",
        ),
        status if status.is_server_error() => {
            ("サーバーで失敗しました。端末の表示を確認してください。", "The studio failed at this; its terminal tells more.")
        }
        _ => (
            "送られた内容を読み取れません。ページを開き直して、もう一度お試しください。",
            "What was sent cannot be read; open the page again and try once more.",
        ),
    };
    let told = language.pick(ja, en);
    if why.is_empty() { told.to_owned() } else { format!("{told}\n{why}") }
}

/// Lets few pages at once wait for the ledger, which somebody may have locked; each has its turn until it is made, also where nobody waits
/// for it any more.
pub async fn in_turn(Given(state): Given<Arc<State>>, request: Request, next: Next) -> Response {
    // The turns are never closed.
    let Ok(turn) = Arc::clone(&state.turns).acquire_owned().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let made = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(turn);
        response
    });
    made.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(method: &Method, target: &str, headers: &[(HeaderName, &str)]) -> Result<(), u16> {
        let key = Key::new("00ff", 8026);
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        key.judge(method, target, &all).map_err(|status| status.as_u16())
    }

    #[test]
    fn only_our_own_hosts_are_answered() {
        for host in ["127.0.0.1:8026", "localhost:8026", "LocalHost:8026", "[::1]:8026"] {
            assert_eq!(judged(&Method::GET, "/00ff/", &[(header::HOST, host)]), Ok(()), "{host}");
        }
        for host in ["evil.example:8026", "127.0.0.1", "localhost:80", "127.0.0.1:8026.evil.example", "127.0.0.1:8026@evil", ""] {
            assert_eq!(judged(&Method::GET, "/00ff/", &[(header::HOST, host)]), Err(403), "{host}");
        }
        assert_eq!(judged(&Method::GET, "/00ff/", &[]), Err(403));
        let twice = [(header::HOST, "localhost:8026"), (header::HOST, "localhost:8026")];
        assert_eq!(judged(&Method::GET, "/00ff/", &twice), Err(403));
    }

    #[test]
    fn the_path_begins_with_the_token() {
        let host = [(header::HOST, "localhost:8026")];
        for target in ["/00ff", "/00ff/", "/00ff?x=1", "/00ff/templates/a/b"] {
            assert_eq!(judged(&Method::GET, target, &host), Ok(()), "{target}");
        }
        for target in ["/", "", "/00fe/", "/00f/", "/00fff/", "/x/00ff/", "//00ff/", "/%3000ff/", "00ff/", "*"] {
            assert_eq!(judged(&Method::GET, target, &host), Err(404), "{target}");
        }
        assert_eq!(judged(&Method::GET, &format!("/00ff/{}", "a".repeat(9_000)), &host), Err(414));
    }

    #[test]
    fn what_changes_something_comes_from_our_own_pages() {
        let host = (header::HOST, "localhost:8026");
        let post = |origin: &[&str]| {
            let origins = origin.iter().map(|origin| (header::ORIGIN, *origin));
            judged(&Method::POST, "/00ff/approve", &[host.clone()].into_iter().chain(origins).collect::<Vec<_>>())
        };
        assert_eq!(post(&["http://localhost:8026"]), Ok(()));
        for origin in ["http://evil.example", "https://localhost:8026", "http://127.0.0.1:8026", "http://localhost:8027", "null", ""] {
            assert_eq!(post(&[origin]), Err(403), "{origin}");
        }
        assert_eq!((post(&[]), post(&["http://localhost:8026", "http://localhost:8026"])), (Err(403), Err(403)));
        assert_eq!(judged(&Method::DELETE, "/00ff/", &[host]), Err(405));
    }
}
