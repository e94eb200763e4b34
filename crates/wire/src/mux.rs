//! Many streams over one stream of bytes: [yamux](https://github.com/hashicorp/yamux/blob/master/spec.md) with
//! bounds, driven by any executor.
//!
//! [`mux`] gives three things: a [`Driver`], a future that moves everything and must be polled until it ends
//! with a [`CloseReason`]; a [`Mux`], with which streams are opened; and [`Incoming`], the streams that the other
//! side opened.
//!
//! # Bounds
//! - Open streams, both directions together: [`Config::streams`]. One too many of our own is refused
//!   ([`MuxError::TooMany`]), one of theirs is reset; a peer that floods nevertheless loses the connection.
//! - Bytes received and not yet read: [`STREAM_WINDOW`] per stream. A reader that stops stops its writer, and
//!   nobody else.
//! - Bytes to send: ten frames of [`Config::split_bytes`] per stream.
//!
//! Left out on purpose: yamux cannot grow a window beyond what the bounds allow here, and it ends a connection
//! when asked for a stream too many; so streams are counted here, before it is asked.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::{
    AsyncRead, AsyncWrite, FutureExt, SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::Shared,
};
use thiserror::Error;

/// Bytes that one stream may hold, received and not yet read: yamux's own number.
pub const STREAM_WINDOW: usize = 256 * 1024;
/// The most streams a connection can be configured to have. Below yamux's 256 unanswered streams.
pub const MAX_STREAMS: usize = 100;
/// Requests that wait for the driver; whoever asks for more waits.
const WAITING_REQUESTS: usize = 8;
/// How many times [`Config::streams`] yamux itself takes: dropped streams count there until their end is sent.
const HEADROOM: usize = 2;

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The browser or headless peer, which made the connection.
    Member,
    /// The relay.
    Relay,
}

/// What a connection may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Streams open at once, both directions together; at most [`MAX_STREAMS`].
    pub streams: usize,
    /// The largest payload of one yamux frame, in bytes: small, so that no stream holds up the others.
    pub split_bytes: usize,
}

impl Default for Config {
    /// 32 streams (a member talks with a few comrades at once), frames of 16 KiB.
    fn default() -> Self {
        Self {
            streams: 32,
            split_bytes: 16 * 1024,
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// [`Mux::close`] was called, or every handle was dropped.
    #[error("closed here")]
    Here,
    /// The other side closed.
    #[error("closed by the other side")]
    There,
    /// The bytes underneath failed.
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    /// The other side did not keep to the protocol.
    #[error("the other side broke the protocol")]
    Protocol,
}

/// Why no stream was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MuxError {
    /// As many are open as there may be.
    #[error("too many streams")]
    TooMany,
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed,
}

/// Ready when the connection has ended.
type Ended = Shared<oneshot::Receiver<()>>;

enum Request {
    Open(oneshot::Sender<Result<MuxStream, MuxError>>),
    Close,
}

/// Multiplexes `io`. See the module.
pub fn mux<T>(io: T, side: Side, config: Config) -> (Mux, Incoming, Driver<T>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let most = config.streams.clamp(1, MAX_STREAMS);
    let mut yamux = yamux::Config::default();
    // In this order: the window is checked against the number of streams.
    yamux.set_max_num_streams(most * HEADROOM);
    yamux.set_max_connection_receive_window(Some(most * HEADROOM * STREAM_WINDOW));
    yamux.set_split_send_size(config.split_bytes.max(1));
    let mode = match side {
        Side::Member => yamux::Mode::Client,
        Side::Relay => yamux::Mode::Server,
    };
    let count = Arc::new(Count::default());
    let blocked = Arc::new(AtomicBool::new(false));
    let io = Watched {
        io,
        blocked: Arc::clone(&blocked),
    };
    let (requests, waiting) = mpsc::channel(WAITING_REQUESTS);
    // As many as there can be, so that none is ever lost for want of room.
    let (accepted, incoming) = mpsc::channel(most);
    let (alive, ended) = oneshot::channel();
    let driver = Driver {
        connection: yamux::Connection::new(io, yamux, mode),
        requests: Some(waiting),
        accepted,
        count,
        blocked,
        most,
        alive: Some(alive),
        ended: ended.shared(),
    };
    (Mux { requests }, Incoming { streams: incoming }, driver)
}

/// Opens streams.
#[derive(Debug, Clone)]
pub struct Mux {
    requests: mpsc::Sender<Request>,
}

impl Mux {
    /// Opens a stream. The other side learns of it with the first byte written.
    ///
    /// # Errors
    /// See [`MuxError`].
    pub async fn open(&self) -> Result<MuxStream, MuxError> {
        let (answer, answered) = oneshot::channel();
        let mut requests = self.requests.clone();
        requests
            .send(Request::Open(answer))
            .await
            .map_err(|_| MuxError::Closed)?;
        answered.await.unwrap_or(Err(MuxError::Closed))
    }

    /// Asks the driver to send what is waiting and end the connection.
    pub async fn close(&self) {
        // If the driver has ended there is nothing left to close.
        let _ = self.requests.clone().send(Request::Close).await;
    }
}

/// The streams that the other side opens.
#[derive(Debug)]
pub struct Incoming {
    streams: mpsc::Receiver<MuxStream>,
}

impl Incoming {
    /// The next stream; `None` when the connection has ended. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Option<MuxStream> {
        self.streams.next().await
    }
}

/// A stream of a connection. Dropping it without closing resets it.
#[derive(Debug)]
pub struct MuxStream {
    inner: yamux::Stream,
    closed_here: bool,
    /// `None` once it has ended.
    ended: Option<Ended>,
    _place: Place,
}

impl MuxStream {
    /// Whether the other side, or the end of the connection, broke the stream off, rather than closing it after
    /// its last byte. Both read as the end of the stream.
    pub fn is_reset(&self) -> bool {
        let ended = self
            .ended
            .clone()
            .is_none_or(|ended| ended.now_or_never().is_some());
        !self.closed_here && (self.inner.is_closed() || ended)
    }

    /// Whether the connection has ended; if not, the task is woken when it does. yamux itself leaves streams
    /// waiting when a connection is closed in good order.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> bool {
        if self
            .ended
            .as_mut()
            .is_some_and(|ended| ended.poll_unpin(cx).is_ready())
        {
            self.ended = None;
        }
        self.ended.is_none()
    }
}

impl AsyncRead for MuxStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_read(cx, buffer) {
            Poll::Pending if self.poll_ended(cx) => Poll::Ready(Ok(0)),
            // yamux has no other error here than that the connection is gone.
            Poll::Ready(Err(_)) => Poll::Ready(Ok(0)),
            poll => poll,
        }
    }
}

impl AsyncWrite for MuxStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_write(cx, bytes) {
            Poll::Pending if self.poll_ended(cx) => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            poll => poll,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.inner.is_closed() {
            self.closed_here = true;
        }
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// Moves a connection. Poll it until it ends; dropping it ends the connection at once.
pub struct Driver<T> {
    connection: yamux::Connection<Watched<T>>,
    requests: Option<mpsc::Receiver<Request>>,
    accepted: mpsc::Sender<MuxStream>,
    count: Arc<Count>,
    blocked: Arc<AtomicBool>,
    most: usize,
    /// Gone as soon as the connection is being closed or has ended.
    alive: Option<oneshot::Sender<()>>,
    ended: Ended,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    fn open(&mut self, cx: &mut Context<'_>) -> Result<MuxStream, MuxError> {
        if !self.count.has_place(self.most) {
            return Err(MuxError::TooMany);
        }
        match self.connection.poll_new_outbound(cx) {
            Poll::Ready(Ok(stream)) => Ok(self.stream(stream)),
            Poll::Ready(Err(_)) => Err(MuxError::Closed),
            // yamux waits when 256 streams are unanswered, which is more than there can be.
            Poll::Pending => Err(MuxError::TooMany),
        }
    }

    fn stream(&self, inner: yamux::Stream) -> MuxStream {
        let ended = Some(self.ended.clone());
        MuxStream {
            inner,
            closed_here: false,
            ended,
            _place: Place::take(&self.count),
        }
    }

    fn accept(&mut self, stream: yamux::Stream) {
        let allowed = self.count.open.load(Ordering::Acquire) < self.most;
        let stream = self.stream(stream);
        if allowed {
            // There is room for all that are allowed; if nobody accepts any more, the stream is reset.
            let _ = self.accepted.try_send(stream);
        }
    }

    /// Accepts what comes until there is nothing more to move.
    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        loop {
            let dropped = self.count.dropped.load(Ordering::Acquire);
            self.blocked.store(false, Ordering::Release);
            match self.connection.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => self.accept(stream),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(reason(&error)),
                Poll::Ready(None) => return Poll::Ready(CloseReason::There),
                Poll::Pending => {
                    if !self.blocked.load(Ordering::Acquire) {
                        // yamux had room to send the end of every stream dropped before, and has let go of them.
                        self.count.dropped.fetch_sub(dropped, Ordering::AcqRel);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Does the next thing asked for; pending when nothing is.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(requests) = &mut self.requests else {
            return Poll::Pending;
        };
        match requests.poll_next_unpin(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Request::Open(answer))) => {
                let stream = self.open(cx);
                // Nobody waits any more: the stream is dropped.
                let _ = answer.send(stream);
            }
            Poll::Ready(None | Some(Request::Close)) => {
                self.requests = None;
                self.alive = None;
            }
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Future for Driver<T> {
    type Output = CloseReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        loop {
            if self.alive.is_none() {
                return self.connection.poll_close(cx).map(|_| CloseReason::Here);
            }
            if let Poll::Ready(reason) = self.poll_connection(cx) {
                self.alive = None;
                return Poll::Ready(reason);
            }
            if self.poll_request(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

fn reason(error: &yamux::ConnectionError) -> CloseReason {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        yamux::ConnectionError::Closed => CloseReason::There,
        yamux::ConnectionError::Io(error) => match error.kind() {
            // What is left to read or write when the other side has gone.
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => CloseReason::There,
            kind => CloseReason::Io(kind),
        },
        _ => CloseReason::Protocol,
    }
}

/// Streams that are open, and streams that were dropped while yamux may still hold their place.
#[derive(Debug, Default)]
struct Count {
    open: AtomicUsize,
    dropped: AtomicUsize,
}

impl Count {
    fn has_place(&self, most: usize) -> bool {
        let open = self.open.load(Ordering::Acquire);
        let dropped = self.dropped.load(Ordering::Acquire);
        open < most && open + dropped < most * HEADROOM
    }
}

/// The place of one stream in the count.
#[derive(Debug)]
struct Place(Arc<Count>);

impl Place {
    fn take(count: &Arc<Count>) -> Self {
        count.open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::AcqRel);
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Notes whether the bytes underneath took what was written.
struct Watched<T> {
    io: T,
    blocked: Arc<AtomicBool>,
}

impl<T> Watched<T> {
    fn note<R>(&self, poll: Poll<R>) -> Poll<R> {
        if poll.is_pending() {
            self.blocked.store(true, Ordering::Release);
        }
        poll
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.note(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.io).poll_flush(cx);
        self.note(poll)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.io).poll_close(cx);
        self.note(poll)
    }
}
