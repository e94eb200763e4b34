//! The binary messages of a WebSocket as one stream of bytes.
//!
//! Message boundaries mean nothing: each message carries the next piece of the byte stream, of at most the agreed
//! size. Both ends use the same type; what differs is only how a library's messages become `Vec<u8>` (text
//! messages are to be turned into errors by whoever maps them). Small writes are gathered until the next flush,
//! so that a frame's header and body leave together.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite, Sink, Stream};

/// The largest message, in bytes: four frames of the multiplexer, and far below what proxies cut off.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// A stream of bytes over a stream and sink of binary messages.
#[derive(Debug)]
pub struct ByteStream<S> {
    socket: S,
    maximum: usize,
    arrived: Vec<u8>,
    read: usize,
    gathered: Vec<u8>,
}

impl<S> ByteStream<S> {
    /// Over `socket`, with messages of at most `maximum` bytes in both directions; a longer one that arrives is
    /// an error.
    pub fn new(socket: S, maximum: usize) -> Self {
        Self {
            socket,
            maximum: maximum.max(1),
            arrived: Vec::new(),
            read: 0,
            gathered: Vec::new(),
        }
    }
}

impl<S: Sink<Vec<u8>, Error = io::Error> + Unpin> ByteStream<S> {
    fn poll_gathered(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.gathered.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_ready(cx))?;
            let message = std::mem::take(&mut self.gathered);
            Pin::new(&mut self.socket).start_send(message)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream<Item = io::Result<Vec<u8>>> + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.read >= self.arrived.len() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                None => return Poll::Ready(Ok(0)),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                Some(Ok(message)) if message.is_empty() || message.len() > self.maximum => {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "message out of bounds");
                    return Poll::Ready(Err(error));
                }
                Some(Ok(message)) => {
                    self.arrived = message;
                    self.read = 0;
                }
            }
        }
        let rest = self.arrived.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.read += count;
        Poll::Ready(Ok(count))
    }
}

impl<S: Sink<Vec<u8>, Error = io::Error> + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gathered.len() >= self.maximum {
            ready!(self.poll_gathered(cx))?;
        }
        let room = self.maximum - self.gathered.len();
        let part = bytes.get(..room).unwrap_or(bytes);
        self.gathered.extend_from_slice(part);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_gathered(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_gathered(cx))?;
        Pin::new(&mut self.socket).poll_close(cx)
    }
}
