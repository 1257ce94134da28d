//! The door: how many may be inside at once, for how long somebody may stand in it without a word, and who goes when it is full.

use axum::Router;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// Connections at once.
const MOST: usize = 256;
/// So long somebody may take to say what they want.
const WORD: Duration = Duration::from_secs(5);
/// A connection on which nothing moves for so long is closed.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it is before it is tried again to let somebody in, where the machine has no more handles.
const BREATH: Duration = Duration::from_millis(20);

pub struct Door {
    listener: TcpListener,
    app: Router,
    /// Who is inside; who came first is the first.
    inside: VecDeque<Guest>,
}

/// A connection. It is for one request: browsers on this machine open the next one faster than anybody notices, and none is kept open that
/// wants nothing.
struct Guest {
    /// It has said what it wants.
    has_asked: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Door {
    pub fn new(listener: TcpListener, app: Router) -> Self {
        Self { listener, app, inside: VecDeque::new() }
    }

    /// Lets guests in until the studio ends; then those who have asked something get their answer, if that does not take too long.
    pub async fn keep(&mut self, mut ended: watch::Receiver<bool>, last_word: Duration) {
        let mut over = std::pin::pin!(ended.wait_for(|ended| *ended));
        loop {
            let came = std::future::poll_fn(|context| match over.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => self.listener.poll_accept(context).map(Some),
            });
            match came.await {
                None => break,
                Some(Ok((stream, _))) => self.let_in(stream),
                Some(Err(_)) => {
                    self.send_one_away();
                    sleep(BREATH).await;
                }
            }
        }
        let answers = async {
            for guest in self.inside.drain(..) {
                if guest.has_asked.load(Ordering::SeqCst) {
                    let _ = guest.task.await;
                }
            }
        };
        let _ = timeout(last_word, answers).await;
    }

    fn let_in(&mut self, stream: TcpStream) {
        self.inside.retain(|guest| !guest.task.is_finished());
        // Where all of them wait for answers, the new one has to come again.
        if self.inside.len() >= MOST && !self.send_one_away() {
            return;
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let (app, asks) = (TowerToHyperService::new(self.app.clone()), Arc::clone(&has_asked));
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            asks.store(true, Ordering::SeqCst);
            app.call(Request::from(request.map(axum::body::Body::new)))
        });
        let connection = http1::Builder::new()
            .keep_alive(false)
            .timer(TokioTimer::new())
            .header_read_timeout(WORD)
            .serve_connection(TokioIo::new(Patient { stream, patience: Box::pin(sleep(PATIENCE)) }), service);
        // How a connection ends is its guest's business.
        let task = tokio::spawn(async move { drop(connection.await) });
        self.inside.push_back(Guest { has_asked, task });
    }

    /// Closes the connection that has been there longest without asking anything; `false` where there is none.
    fn send_one_away(&mut self) -> bool {
        let idle = self.inside.iter().position(|guest| !guest.has_asked.load(Ordering::SeqCst));
        let idle = idle.and_then(|idle| self.inside.remove(idle));
        idle.is_some_and(|guest| {
            guest.task.abort();
            true
        })
    }
}

/// A stream that fails when nothing moves for too long.
struct Patient {
    stream: TcpStream,
    patience: Pin<Box<Sleep>>,
}

impl Patient {
    /// What came of trying to read or write: if nothing, an error once there was nothing for too long.
    fn patient<T>(&mut self, context: &mut Context<'_>, tried: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.patience.as_mut().reset(Instant::now() + PATIENCE);
            return tried;
        }
        self.patience.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.patient(context, tried)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patient(context, tried)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
