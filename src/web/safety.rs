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
    let waits_for = Waited::by(target);
    let mut response = match (refused, state.places.try_acquire()) {
        // This one knows the token.
        (Some(StatusCode::METHOD_NOT_ALLOWED), _) => told(&state, StatusCode::METHOD_NOT_ALLOWED.into_response(), Waited::Turn).await,
        // A page that was open before the studio was started again asks by the token of before.
        (Some(StatusCode::NOT_FOUND), _) => earlier(state.studio().job.language),
        (Some(status), _) => (status, Body::empty()).into_response(),
        (None, Err(_)) => told(&state, (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(), Waited::Turn).await,
        (None, Ok(_place)) => {
            let answer = tokio::time::timeout(PATIENCE, next.run(request)).await;
            let (answer, waited) = match answer {
                Ok(answer) => (answer, Waited::Turn),
                Err(_) => ((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response(), waits_for),
            };
            told(&state, answer, waited).await
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
async fn told(state: &Arc<State>, response: Response, waited: Waited) -> Response {
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
    let message = words(status, waited, &why, studio.job.language);
    let mut page = Refusal::new(status, message).page(&studio).shown(state, &studio);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = parts.headers.get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

/// What somebody waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    /// A place among those that are answered.
    Turn,
    Ledger,
    Template,
    /// What a page reads or computes.
    Page,
}

impl Waited {
    /// What an address may have to wait for.
    fn by(target: &str) -> Self {
        let path = target.split('?').next().unwrap_or_default();
        match path.split('/').nth(2).unwrap_or_default() {
            // As many as there are turns at the ledger.
            "" | "approve" | "changes" | "person" => Self::Ledger,
            "templates" | "preview" | "try" => Self::Template,
            _ => Self::Page,
        }
    }

    fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Turn => (
                "いま開かれているページが多すぎます。数秒後にもう一度お試しください。",
                "Too many pages are asked for at this moment; try again in some seconds.",
            ),
            Self::Ledger => (
                "30 秒待ちましたが、台帳を読めませんでした。ほかのプログラム（送信や計画など）が台帳を使用中か、台帳を読む別のページがまだ終わっていません。終わってからもう一度お試しください。",
                "The ledger could not be read within 30 seconds: another program has it locked, a send or a plan perhaps, or other pages that read it are not done. Try again once they are.",
            ),
            Self::Template => (
                "30 秒待ちましたが、メールを作成できませんでした。時間のかかりすぎるテンプレートがあるか、マシンが混み合っています。最後に変えた箇所を確かめて、もう一度お試しください。",
                "The mail was not made within 30 seconds: a template takes too long, or the machine is busy. Look at what was changed last, then try again.",
            ),
            Self::Page => (
                "30 秒待ちましたが、このページを作成できませんでした。マシンが混み合っています。数秒後にもう一度お試しください。",
                "This page was not made within 30 seconds: the machine is busy. Try again in some seconds.",
            ),
        }
    }
}

/// What is wrong and what to do, for an answer that says only a number, or a library's words.
fn words(status: StatusCode, waited: Waited, why: &str, language: Language) -> String {
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
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => waited.told(),
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
    fn who_waits_in_vain_is_told_for_what() {
        for (target, en, ja) in [
            ("/00ff/approve?x=1", "ledger", "台帳"),
            ("/00ff/", "ledger", "台帳"),
            ("/00ff/person/c1", "ledger", "台帳"),
            ("/00ff/preview", "template", "テンプレート"),
            ("/00ff/templates/a/body.html", "template", "テンプレート"),
            ("/00ff/people?q=x", "page", "ページ"),
        ] {
            let told = |language| words(StatusCode::SERVICE_UNAVAILABLE, Waited::by(target), "", language);
            assert!(told(Language::En).contains(en) && told(Language::Ja).contains(ja), "{target}: {}", told(Language::En));
            assert_eq!(told(Language::En).contains("ledger"), en == "ledger", "{target}");
        }
        assert!(!words(StatusCode::SERVICE_UNAVAILABLE, Waited::Turn, "", Language::En).contains("ledger"));
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
