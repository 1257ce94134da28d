//! Who is answered at all, and what every answer says to the browser.
//!
//! Binding to loopback keeps other machines out, not other pages of the same browser: a name that an attacker owns may come to mean
//! 127.0.0.1 (DNS rebinding), and any page may post a form to a local port. So `Host` must be ours, the path must begin with a token that no
//! other page can know, and whatever changes something must say that it comes from our own pages.

use super::state::State;
use axum::body::Body;
use axum::extract::{Request, State as Given};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// No address is longer, in bytes.
const LONGEST_TARGET: usize = 8 << 10;
/// The longest body: a template of 1 MiB, in which each byte may be written as `%XX`.
pub const LONGEST_BODY: usize = 4 << 20;
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
        (Some(status), _) => (status, Body::empty()).into_response(),
        (None, Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
        (None, Ok(_place)) => {
            let answer = tokio::time::timeout(PATIENCE, next.run(request)).await;
            answer.unwrap_or_else(|_| (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response())
        }
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(method: Method, target: &str, headers: &[(HeaderName, &str)]) -> Result<(), u16> {
        let key = Key::new("00ff", 8026);
        let map = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        let mut all = HeaderMap::new();
        map.for_each(|(name, value)| drop(all.append(name, value)));
        key.judge(&method, target, &all).map_err(|status| status.as_u16())
    }

    #[test]
    fn only_our_own_hosts_are_answered() {
        for host in ["127.0.0.1:8026", "localhost:8026", "LocalHost:8026", "[::1]:8026"] {
            assert_eq!(judged(Method::GET, "/00ff/", &[(header::HOST, host)]), Ok(()), "{host}");
        }
        for host in ["evil.example:8026", "127.0.0.1", "localhost:80", "127.0.0.1:8026.evil.example", "127.0.0.1:8026@evil", ""] {
            assert_eq!(judged(Method::GET, "/00ff/", &[(header::HOST, host)]), Err(403), "{host}");
        }
        assert_eq!(judged(Method::GET, "/00ff/", &[]), Err(403));
        let twice = [(header::HOST, "localhost:8026"), (header::HOST, "localhost:8026")];
        assert_eq!(judged(Method::GET, "/00ff/", &twice), Err(403));
    }

    #[test]
    fn the_path_begins_with_the_token() {
        let host = [(header::HOST, "localhost:8026")];
        for target in ["/00ff", "/00ff/", "/00ff?x=1", "/00ff/templates/a/b"] {
            assert_eq!(judged(Method::GET, target, &host), Ok(()), "{target}");
        }
        for target in ["/", "", "/00fe/", "/00f/", "/00fff/", "/x/00ff/", "//00ff/", "/%3000ff/", "00ff/", "*"] {
            assert_eq!(judged(Method::GET, target, &host), Err(404), "{target}");
        }
        assert_eq!(judged(Method::GET, &format!("/00ff/{}", "a".repeat(9_000)), &host), Err(414));
    }

    #[test]
    fn what_changes_something_comes_from_our_own_pages() {
        let host = (header::HOST, "localhost:8026");
        let post = |origin: &[&str]| {
            let origins = origin.iter().map(|origin| (header::ORIGIN, *origin));
            judged(Method::POST, "/00ff/approve", &[host.clone()].into_iter().chain(origins).collect::<Vec<_>>())
        };
        assert_eq!(post(&["http://localhost:8026"]), Ok(()));
        for origin in ["http://evil.example", "https://localhost:8026", "http://127.0.0.1:8026", "http://localhost:8027", "null", ""] {
            assert_eq!(post(&[origin]), Err(403), "{origin}");
        }
        assert_eq!((post(&[]), post(&["http://localhost:8026", "http://localhost:8026"])), (Err(403), Err(403)));
        assert_eq!(judged(Method::DELETE, "/00ff/", &[host]), Err(405));
    }
}
