//! A stream to another address.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::TcpStream,
};

/// A stream to another address: the TCP connection to the bridge after its last line.
///
/// Back-pressure reaches from end to end. Shutting down the writing side delivers everything written before, then ends the
/// stream at the other side; but emissary delivers nothing more to the side that shut down, so a protocol that half-closes must
/// do so inside the stream. Likewise an end of stream is no proof that all bytes arrived: acknowledge what matters.
#[derive(Debug)]
pub struct SamStream(BufReader<TcpStream>);

impl SamStream {
    pub(super) const fn new(stream: BufReader<TcpStream>) -> Self {
        Self(stream)
    }
}

impl AsyncRead for SamStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for SamStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
