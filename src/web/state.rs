//! What all pages share: the opened plan, the token, the pages' own templates.

use super::page::{Page, Refusal};
use super::safety::Key;
use crate::pipeline::studio::Shown;
use crate::pipeline::{Server, Studio};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tera::Tera;
use tokio::sync::{Semaphore, watch};

/// Requests that are answered at once.
const MOST: usize = 64;
/// Pages that read the ledger at once: somebody may have it locked, and they wait for that.
pub(super) const AT_THE_LEDGER: usize = 2;
/// Previews that are kept; each page shows one.
const KEPT: usize = 24;

/// Previews by number; the newest is the last.
#[derive(Default)]
struct Previews {
    last: u64,
    kept: VecDeque<Kept>,
}

struct Kept {
    number: u64,
    customer: String,
    campaign: String,
    shown: Arc<Shown>,
}

pub struct State {
    studio: RwLock<Arc<Studio>>,
    pub(super) key: Key,
    pub(super) places: Semaphore,
    /// Pages that may wait for the ledger at once.
    pub(super) turns: Arc<Semaphore>,
    /// What every address of ours begins with: `/TOKEN`.
    pub base: String,
    /// Microseconds UTC, now.
    pub now: fn() -> i64,
    pub(super) pages: Tera,
    /// The last previews, each with a number.
    previews: Mutex<Previews>,
    /// Where samples go, when that is not for the job to say: the server that was typed, and that of the environment.
    servers: [Option<String>; 2],
    /// Counts what has happened on the disk; a page that hears of it looks again.
    pub news: watch::Sender<u64>,
    /// Becomes true when the studio ends.
    pub ended: watch::Receiver<bool>,
}

impl State {
    pub(super) fn new(studio: Studio, token: &str, port: u16, now: fn() -> i64, pages: Tera, ended: watch::Receiver<bool>) -> Self {
        Self {
            studio: RwLock::new(Arc::new(studio)),
            key: Key::new(token, port),
            places: Semaphore::new(MOST),
            turns: Arc::new(Semaphore::new(AT_THE_LEDGER)),
            base: format!("/{token}"),
            now,
            pages,
            previews: Mutex::default(),
            servers: [None, None],
            news: watch::Sender::new(0),
            ended,
        }
    }

    /// The same, with the mail servers that were typed and that the environment names.
    pub(super) fn by(self, servers: [Option<String>; 2]) -> Self {
        Self { servers, ..self }
    }

    /// Where samples go.
    pub fn server(&self) -> Server<'_> {
        let [typed, environment] = &self.servers;
        Server { typed: typed.as_deref(), environment: environment.as_deref() }
    }

    /// The plan that is shown now.
    pub fn studio(&self) -> Arc<Studio> {
        Arc::clone(&self.studio.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows another plan from now on.
    pub(super) fn put(&self, studio: Studio) {
        *self.studio.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(studio);
        self.look_ahead();
    }

    /// Keeps a preview for the frames that show it, and gives its number.
    pub fn keep(&self, customer: &str, campaign: &str, shown: Arc<Shown>) -> u64 {
        let mut previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        previews.last += 1;
        let number = previews.last;
        previews.kept.push_back(Kept { number, customer: customer.to_owned(), campaign: campaign.to_owned(), shown });
        if previews.kept.len() > KEPT {
            previews.kept.pop_front();
        }
        number
    }

    /// A preview, as long as it is kept.
    pub fn kept(&self, number: u64) -> Option<Arc<Shown>> {
        let previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        previews.kept.iter().find(|kept| kept.number == number).map(|kept| Arc::clone(&kept.shown))
    }

    /// The last preview of a mail that could be made.
    pub fn last_good(&self, customer: &str, campaign: &str) -> Option<Arc<Shown>> {
        let previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        let last = previews.kept.iter().rev().find(|kept| kept.customer == customer && kept.campaign == campaign);
        last.map(|kept| Arc::clone(&kept.shown))
    }

    /// Begins to watch the template folder of the job.
    pub(super) fn watch(self: &Arc<Self>) {
        super::watch::watch(Arc::downgrade(self));
    }

    /// Looks for what takes longer than a page may, before somebody asks.
    pub(super) fn look_ahead(&self) {
        let studio = self.studio();
        // What goes wrong here is told by the page that asks for it.
        std::thread::spawn(move || {
            studio.read_people();
            drop(studio.look_for_hard_ones());
            studio.read_crowd();
        });
    }

    /// Does something that reads or computes, on a thread that may block.
    pub async fn work<T, F>(self: &Arc<Self>, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<State>, &Arc<Studio>) -> Result<T, Refusal> + Send + 'static,
    {
        let state = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let studio = state.studio();
            work(&state, &studio).map_err(|refusal| refusal.seen(&studio))
        });
        let done = done.await;
        done.unwrap_or_else(|_| {
            let why = self.studio().job.language.pick(
                "このページを作れませんでした。もう一度開いてください。続くようなら、studio を動かしている端末に詳しい理由が出ています。",
                "This page could not be made. Open it again; if that fails too, the terminal in which the studio runs tells why.",
            );
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why))
        })
    }

    /// Answers with a page; with a page that says what is wrong, where it cannot be made.
    pub async fn page<F>(self: &Arc<Self>, make: F) -> Response
    where
        F: FnOnce(&Arc<State>, &Arc<Studio>) -> Result<Page, Refusal> + Send + 'static,
    {
        let shown = self.work(move |state, studio| {
            Ok(make(state, studio).unwrap_or_else(|refusal| refusal.seen(studio).page(studio)).shown(state, studio))
        });
        shown.await.unwrap_or_else(|refusal| refusal.status.into_response())
    }
}
