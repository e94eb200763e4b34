//! Counts the bytes of a stream.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

/// Bytes sent and received.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Bytes {
    pub(crate) fn total(&self) -> (u64, u64) {
        (self.sent.get(), self.received.get())
    }
}

/// A stream whose bytes are counted.
pub(crate) struct Counted<S> {
    stream: S,
    bytes: Rc<Bytes>,
}

impl<S> Counted<S> {
    pub(crate) fn new(stream: S, bytes: Rc<Bytes>) -> Self {
        Self { stream, bytes }
    }
}

fn add(cell: &Cell<u64>, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(count)) = &poll {
        cell.set(
            cell.get()
                .saturating_add(u64::try_from(*count).unwrap_or(u64::MAX)),
        );
    }
    poll
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        add(&self.bytes.received, poll)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        add(&self.bytes.sent, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
