//! A connected browser as the rest of the relay sees it: somebody to hand streams to.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead as _, AsyncWrite as _};
use komrade_wire::frame;
use komrade_wire::greeting::Status;
use komrade_wire::header::{Header, MAX_HEADER_BYTES};
use komrade_wire::mux::{Mux, MuxError, MuxStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connected browser.
#[derive(Clone)]
pub(crate) struct Browser {
    mux: Mux,
    /// The streams that the member may still have.
    streams: Arc<Semaphore>,
    /// The links to the node that the member may still have.
    node_links: Arc<Semaphore>,
}

/// A stream to a browser, and its place among the member's streams.
pub(crate) struct BrowserStream {
    inner: MuxStream,
    _place: OwnedSemaphorePermit,
}

impl Browser {
    pub(crate) fn new(mux: Mux, streams: u16, node_links: u8) -> Self {
        Self {
            mux,
            streams: Arc::new(Semaphore::new(streams.into())),
            node_links: Arc::new(Semaphore::new(node_links.into())),
        }
    }

    /// A place for one more stream.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// A place for one more link to the node.
    pub(crate) fn node_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.node_links).try_acquire_owned().ok()
    }

    /// Opens a stream to hand over what has come in over I2P, or says why not.
    pub(crate) async fn hand_over(&self) -> Result<BrowserStream, Status> {
        let place = self.place().ok_or(Status::TooMany)?;
        let mut inner = self.mux.open().await.map_err(|error| match error {
            MuxError::TooMany => Status::TooMany,
            _ => Status::Away,
        })?;
        let header = Header::Incoming.encode();
        frame::write(&mut inner, &header, MAX_HEADER_BYTES)
            .await
            .map_err(|_| Status::Away)?;
        Ok(BrowserStream {
            inner,
            _place: place,
        })
    }
}

impl BrowserStream {
    /// A stream that the browser opened.
    pub(crate) fn new(inner: MuxStream, place: OwnedSemaphorePermit) -> Self {
        Self {
            inner,
            _place: place,
        }
    }
}

impl AsyncRead for BrowserStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buf.initialize_unfilled()))?;
        if read == 0 && buf.remaining() > 0 && self.inner.is_reset() {
            // Nothing must look complete to the other side that was broken off.
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BrowserStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
