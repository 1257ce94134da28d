//! Our own stream under lettre's connection. lettre tells neither which code came nor whether the final dot had left when
//! something went wrong; this stream sees both. It also keeps what a hostile server sends away from lettre's parser.

use super::reply::{self, Reply};
use lettre::transport::smtp::client::AsyncTokioStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How the text of a mail ends. Dot-stuffing keeps these bytes out of the text, and no command holds them.
const END: [u8; 5] = *b"\r\n.\r\n";

/// A TCP connection that lettre owns; what it sees is on the [`Tape`].
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    tape: Tape,
    /// Received, not yet a whole reply.
    raw: Vec<u8>,
    /// A reply on its way to lettre.
    plain: Vec<u8>,
}

/// What went over a [`Wire`], readable while lettre has the wire.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Marks>>);

#[derive(Debug, Default)]
struct Marks {
    replies: Vec<Reply>,
    /// Something came that nobody has asked for yet.
    unasked: bool,
    /// The last bytes that went out.
    tail: [u8; 5],
    dot_at: Option<Instant>,
}

impl Tape {
    /// The replies since the last call, the oldest first.
    pub fn take(&self) -> Vec<Reply> {
        std::mem::take(&mut self.marks().replies)
    }

    /// The server has sent more than it was asked for: its replies cannot be matched to our commands any more.
    pub fn is_ahead(&self) -> bool {
        self.marks().unasked
    }

    /// When the final dot of the present mail was handed to the network.
    pub fn dot_at(&self) -> Option<Instant> {
        self.marks().dot_at
    }

    /// A new mail begins.
    pub fn begin(&self) {
        self.marks().dot_at = None;
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is as good as any.
    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self, bytes: &[u8]) {
        let mut marks = self.marks();
        for byte in bytes.iter().skip(bytes.len().saturating_sub(END.len())) {
            marks.tail.rotate_left(1);
            if let Some(last) = marks.tail.last_mut() {
                *last = *byte;
            }
        }
        if marks.tail == END {
            marks.dot_at = Some(Instant::now());
        }
    }
}

impl Wire {
    pub fn new(stream: TcpStream) -> (Self, Tape) {
        let tape = Tape::default();
        (Self { stream, tape: tape.clone(), raw: Vec::new(), plain: Vec::new() }, tape)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Wire {
    /// Hands on one whole reply at a time. What came behind it stays here, where `is_ahead` tells of it.
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        loop {
            if !wire.plain.is_empty() {
                let count = wire.plain.len().min(into.remaining());
                into.put_slice(wire.plain.get(..count).unwrap_or_default());
                wire.plain.drain(..count);
                return Poll::Ready(Ok(()));
            }
            let taken = reply::take(&mut wire.raw).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            if let Some(reply) = taken {
                wire.plain = reply.plain();
                let mut marks = wire.tape.marks();
                marks.replies.push(reply);
                marks.unasked = !wire.raw.is_empty();
                continue;
            }
            let mut space = [0; 4096];
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut wire.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")));
            }
            wire.raw.extend_from_slice(buffer.filled());
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let count = ready!(Pin::new(&mut wire.stream).poll_write(context, bytes))?;
        wire.tape.sent(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dot_has_left_with_its_last_byte() {
        let tape = Tape::default();
        for piece in [&b"DATA\r\n"[..], b"a\r\n..\r\nb", b"\r", b"\n.\r"] {
            tape.sent(piece);
            assert_eq!(tape.dot_at(), None, "{piece:?}");
        }
        tape.sent(b"\n");
        assert!(tape.dot_at().is_some());
        tape.begin();
        tape.sent(b"MAIL FROM:<a@b.example>\r\n");
        assert_eq!(tape.dot_at(), None);
    }
}
