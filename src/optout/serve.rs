//! The server: one thread for each connection, a bounded number of them, one request on each.

use super::http::{self, Request, Response};
use super::{Desk, Site, Stop, form};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections at a time; further ones are closed at once, and whoever sends mail tries again.
const MOST: usize = 256;
/// How often it is looked whether somebody calls or wants this to end.
const GLANCE: Duration = Duration::from_millis(10);

/// Answers until `ended`; what is being answered then is answered to its end.
///
/// # Errors
/// The listener cannot be used at all.
pub fn serve(listener: &TcpListener, site: &Site, desk: &Desk<'_>, ended: &AtomicBool) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let open = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        while !ended.load(Ordering::SeqCst) {
            // A caller who has gone already, or too many open files, is no reason to end.
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(GLANCE);
                continue;
            };
            if open.fetch_add(1, Ordering::SeqCst) >= MOST {
                open.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let open = &open;
            scope.spawn(move || {
                // The caller may go at any time; that ends this talk and nothing else.
                let _ = talk(&stream, site, desk);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok(())
}

fn talk(stream: &TcpStream, site: &Site, desk: &Desk<'_>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let until = Instant::now() + http::PATIENCE;
    let request = http::read(stream, until)?;
    let bodiless = request.as_ref().is_ok_and(|request| request.method == "HEAD");
    let response = request.map_or_else(|status| site.refused(status), |request| respond(&request, site, desk));
    http::answer(stream, &response, bodiless, until)
}

fn respond(request: &Request, site: &Site, desk: &Desk<'_>) -> Response {
    let Some(token) = token(&request.target, desk.knows) else { return site.unknown() };
    match request.method.as_str() {
        "GET" | "HEAD" if (desk.knows)(token) => site.asks(),
        "GET" | "HEAD" => site.unknown(),
        "POST" if !form::is_one_click(&request.content_type, &request.body) => site.refused(400),
        "POST" => match (desk.stop)(token) {
            Stop::Stored => site.stopped(),
            Stop::Unknown => site.unknown(),
            Stop::Failed => site.refused(503),
        },
        _ => site.refused(405),
    }
}

/// The token in a path or query, wherever the shop has put `{token}`, and whatever a server in front of this one has done to the path: of the
/// parts that begin as tokens do, as `1.0` does too, the first that is one of the shop's, or else the first.
fn token<'a>(target: &'a str, knows: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    let mut parts = target.split(['/', '?', '&', '=', '#']).filter(|part| part.starts_with("1."));
    let first = parts.next()?;
    Some(if knows(first) { first } else { parts.find(|part| knows(part)).unwrap_or(first) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_wherever_the_shop_has_put_it() {
        let found = |target| token(target, &|part| part == "1.a.b.c");
        for target in [
            "/u/1.a.b.c",
            "/1.a.b.c",
            "/out?t=1.a.b.c&x=1.9",
            "http://shop.example/u/1.a.b.c#x",
            "/u/1.a.b.c/",
            "/1.0/u/1.a.b.c",
            "/u?v=1.2&t=1.a.b.c",
        ] {
            assert_eq!(found(target), Some("1.a.b.c"), "{target}");
        }
        assert_eq!((found("/"), found("/u/2.a.b.c"), found("*")), (None, None, None));
        assert_eq!(found("/1.0/u/1.a.b.d"), Some("1.0"), "one that is nobody's");
    }
}
