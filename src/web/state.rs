//! What all pages share: the opened plan, the token, the pages' own templates.

use super::page::{Page, Refusal};
use super::safety::Key;
use crate::pipeline::{Error, Studio};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, PoisonError, RwLock};
use tera::Tera;
use tokio::sync::{Semaphore, watch};

/// Requests that are answered at once.
const MOST: usize = 64;

pub struct State {
    studio: RwLock<Arc<Studio>>,
    pub(super) key: Key,
    pub(super) places: Semaphore,
    /// What every address of ours begins with: `/TOKEN`.
    pub base: String,
    /// Microseconds UTC, now.
    pub now: fn() -> i64,
    pub(super) pages: Tera,
    /// Counts what has happened on the disk; a page that hears of it looks again.
    pub news: watch::Sender<u64>,
    /// Becomes true when the studio ends.
    pub ended: watch::Receiver<bool>,
}

/// Begins to read what takes long, while pages are shown already.
fn begun(studio: Studio) -> Arc<Studio> {
    let studio = Arc::new(studio);
    let reading = Arc::clone(&studio);
    // It ends by itself; a studio that ends does not wait for it.
    std::thread::spawn(move || reading.gather());
    studio
}

impl State {
    pub(super) fn new(studio: Studio, token: &str, port: u16, now: fn() -> i64, pages: Tera, ended: watch::Receiver<bool>) -> Self {
        Self {
            studio: RwLock::new(begun(studio)),
            key: Key::new(token, port),
            places: Semaphore::new(MOST),
            base: format!("/{token}"),
            now,
            pages,
            news: watch::Sender::new(0),
            ended,
        }
    }

    /// The plan that is shown now.
    pub fn studio(&self) -> Arc<Studio> {
        Arc::clone(&self.studio.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows another plan from now on.
    pub(super) fn put(&self, studio: Studio) {
        *self.studio.write().unwrap_or_else(PoisonError::into_inner) = begun(studio);
    }

    /// Does something that reads or computes, on a thread that may block.
    pub async fn work<T, F>(self: &Arc<Self>, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&State, &Studio) -> Result<T, Refusal> + Send + 'static,
    {
        let state = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&state, &state.studio())).await;
        done.unwrap_or_else(|_| Err(Error::Folder("the studio failed at this page; its terminal tells more".to_owned()).into()))
    }

    /// Answers with a page; with a page that says what is wrong, where it cannot be made.
    pub async fn page<F>(self: &Arc<Self>, make: F) -> Response
    where
        F: FnOnce(&Studio) -> Result<Page, Refusal> + Send + 'static,
    {
        let shown =
            self.work(move |state, studio| Ok(make(studio).map_or_else(|refusal| refusal.page(studio), |page| page).shown(state, studio)));
        shown.await.unwrap_or_else(|refusal| refusal.status.into_response())
    }
}
