//! The server: from an opened plan to a page that answers, until it is ended.

use super::door::Door;
use super::state::{AT_THE_LEDGER, State};
use super::{home, page, pages, safety};
use crate::domain::job::Language;
use crate::pipeline::studio::note_memory;
use crate::pipeline::{Error, Studio};
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Router, middleware};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::watch;

/// How often it is looked whether this is to end.
const GLANCE: Duration = Duration::from_millis(20);
/// What is still being answered then has this long.
const LAST_WORD: Duration = Duration::from_secs(2);
/// Pages that are made at once, beside those that may wait for the ledger; others wait.
const WORKERS: usize = 4;
/// What those who work have for what calls itself, in bytes: a template may lie deep.
const STACK: usize = 8 << 20;

/// How the studio is served. Clock and signals are handed in.
pub struct Serving<'a> {
    pub studio: Studio,
    /// Host and port, on this machine.
    pub listen: &'a str,
    /// Microseconds UTC, now.
    pub now: fn() -> i64,
    /// The mail server that was typed, and that of the environment: samples go there.
    pub servers: [Option<String>; 2],
    pub ended: Arc<AtomicBool>,
    /// Hears of the address with its token once somebody can call there.
    pub listening: &'a dyn Fn(&str),
}

/// Serves the studio until it is ended.
///
/// # Errors
/// The address is not one of this machine alone, or is taken.
pub fn serve(serving: Serving<'_>) -> Result<(), Error> {
    let cannot = |reason: String| Error::Usage(format!("cannot listen on {}: {reason}", serving.listen));
    let listener = TcpListener::bind(loopback(serving.listen).map_err(cannot)?.as_slice()).map_err(|error| cannot(error.to_string()))?;
    listener.set_nonblocking(true).map_err(|error| cannot(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| cannot(error.to_string()))?;
    let token = token().map_err(cannot)?;
    let pages = page::read_all().map_err(|error| Error::Usage(format!("the studio's own pages cannot be read: {error}")))?;
    let mut workers = Builder::new_multi_thread();
    workers.worker_threads(2).max_blocking_threads(WORKERS + AT_THE_LEDGER).thread_stack_size(STACK);
    let runtime = workers.enable_all().build().map_err(|error| cannot(error.to_string()))?;
    let (end, ended) = watch::channel(false);
    let state = Arc::new(State::new(serving.studio, &token, address.port(), serving.now, pages, ended.clone()).by(serving.servers));
    state.look_ahead();
    state.watch();
    let (most, language) = (state.studio().job.memory, state.studio().job.language);
    let served = runtime.block_on(async {
        let mut door = Door::new(tokio::net::TcpListener::from_std(listener)?, app(state));
        (serving.listening)(&format!("http://{address}/{token}/"));
        let server = tokio::spawn(async move { door.keep(ended, LAST_WORD).await });
        let mut is_full = false;
        while !serving.ended.load(Ordering::SeqCst) && !is_full {
            tokio::time::sleep(GLANCE).await;
            let resident = resident().unwrap_or_default();
            note_memory(resident, most);
            is_full = resident > most;
        }
        let _ = end.send(true);
        let _ = server.await;
        Ok::<bool, std::io::Error>(is_full)
    });
    runtime.shutdown_background();
    match served {
        Err(error) => Err(cannot(error.to_string())),
        // A large shop and a template that makes very much within one expression look the same from here.
        Ok(true) => Err(Error::Usage(full(most, language))),
        Ok(false) => Ok(()),
    }
}

/// That the studio has ended before it takes more memory than it may, what may be to blame, and what to do.
fn full(most: u64, language: Language) -> String {
    let (mib, more) = (most >> 20, (most >> 20) * 2);
    language.pick(
        format!(
            "studio はメモリーを {mib} MiB（--memory {mib}MB）より多く使ったため、マシンのメモリーが尽きる前に終了しました。原因は二つ考えられます。\
             大きな店なら、studio --memory {more}MB のように増やして開き直してください。テンプレートを編集していたなら、最後に変えた箇所で文字や一覧が\
             何倍にもふくらんでいないか確かめてください"
        ),
        format!(
            "the studio took more than {mib} MiB of memory (--memory {mib}MB) and has ended, before the machine has none. Either this is a \
             large shop: open it with more, such as --memory {more}MB. Or a template that somebody was working on makes very much of one text or \
             list: look at what was changed last"
        ),
    )
}

fn app(state: Arc<State>) -> Router {
    Router::new()
        .nest(&format!("{}/", state.base), pages(&state))
        .route(&state.base, get(home::slash))
        .fallback(home::nothing)
        .layer(DefaultBodyLimit::max(safety::LONGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), safety::guard))
        .with_state(state)
}

/// The bytes of memory that this process has; `None` where the system does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let (_, behind) = status.split_once("VmRSS:")?;
    behind.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// The addresses that are meant, if nobody but this machine can reach them: pages show customers.
fn loopback(listen: &str) -> Result<Vec<SocketAddr>, String> {
    let addresses: Vec<SocketAddr> = listen.to_socket_addrs().map_err(|error| error.to_string())?.collect();
    if addresses.is_empty() || !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err("the studio shows customers and is for this machine only; take 127.0.0.1:8026".to_owned());
    }
    Ok(addresses)
}

/// 32 hex digits that no page can guess.
fn token() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(u128::from_be_bytes(bytes)).map(|number| format!("{number:032x}"))
}
