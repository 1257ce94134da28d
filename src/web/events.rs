//! Server-sent events: a page that stays open hears that something has changed on the disk, and asks for its preview again.

use super::Routes;
use super::state::State;
use axum::Router;
use axum::extract::State as Given;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Pages that listen at once.
const MOST: usize = 32;

static LISTENERS: AtomicUsize = AtomicUsize::new(0);

pub fn routes() -> Routes {
    Router::new().route("/events", get(listen))
}

/// One page that listens.
struct Place;

impl Drop for Place {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn listen(Given(state): Given<Arc<State>>) -> Response {
    if LISTENERS.fetch_add(1, Ordering::SeqCst) >= MOST {
        drop(Place);
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let place = Place;
    let (sender, receiver) = mpsc::channel(4);
    let (mut news, mut ended) = (state.news.subscribe(), state.ended.clone());
    let hello = Event::default().event("hello").data(news.borrow_and_update().to_string());
    tokio::spawn(async move {
        let _place = place;
        let mut next = Some(hello);
        while let Some(event) = next.take() {
            if sender.send(Ok::<_, Infallible>(event)).await.is_err() {
                return;
            }
            let changed = async {
                let changed = news.changed().await;
                changed.is_ok().then(|| Event::default().event("changed").data(news.borrow_and_update().to_string()))
            };
            let over = async {
                let _ = ended.wait_for(|ended| *ended).await;
            };
            let gone = sender.closed();
            next = first(changed, over, gone).await;
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()).into_response()
}

/// The event, unless the studio ends or the page goes before there is one.
async fn first(
    event: impl Future<Output = Option<Event>>,
    over: impl Future<Output = ()>,
    gone: impl Future<Output = ()>,
) -> Option<Event> {
    let (mut event, mut over, mut gone) = (std::pin::pin!(event), std::pin::pin!(over), std::pin::pin!(gone));
    std::future::poll_fn(move |context| {
        if over.as_mut().poll(context).is_ready() || gone.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(None);
        }
        event.as_mut().poll(context)
    })
    .await
}
