//! Bytes both ways between a browser's stream and an I2P stream.
//!
//! Each direction has one buffer and reads again only when that is written: whoever reads slowly slows
//! down whoever writes, end to end. A half that ends is closed on the other side while the other half
//! goes on, as far as the router keeps a half-open stream.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio::time::Instant;

/// Bytes of one direction's buffer: a whole yamux frame of the size that both ends write.
const BUFFER: usize = 16 * 1024;

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Both halves were closed.
    Closed,
    /// One side broke off.
    Broken,
    /// Nothing came from either side for the idle time.
    Idle,
}

/// Carries bytes both ways until both halves end, one side breaks or nothing has moved for `idle`.
pub(crate) async fn pump<A, B>(mut near: A, far: B, idle: Duration) -> Ended
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let heard = Heard::now();
    let mut far = Watched {
        inner: far,
        heard: &heard,
    };
    tokio::select! {
        ended = copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER, BUFFER) => {
            if ended.is_ok() { Ended::Closed } else { Ended::Broken }
        }
        () = heard.silent_for(idle) => Ended::Idle,
    }
}

/// When something was last heard, in milliseconds since the start.
#[derive(Debug)]
pub(crate) struct Heard {
    start: Instant,
    last: AtomicU64,
}

impl Heard {
    pub(crate) fn now() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    /// Something was heard.
    pub(crate) fn mark(&self) {
        let since_start = self.start.elapsed().as_millis();
        self.last.store(
            u64::try_from(since_start).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    /// Returns once nothing was heard for `limit`.
    pub(crate) async fn silent_for(&self, limit: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let due = self.start + last + limit;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

/// A stream that marks whenever bytes move.
struct Watched<'a, S> {
    inner: S,
    heard: &'a Heard,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.heard.mark();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.heard.mark();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const IDLE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn one_half_can_close_while_the_other_goes_on() {
        let (mut browser, near) = duplex(100_000);
        let (far, mut comrade) = duplex(100_000);
        let pumping = tokio::spawn(pump(near, far, IDLE));

        browser.write_all(b"question").await.unwrap();
        browser.shutdown().await.unwrap();
        let mut question = String::new();
        comrade.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "question");

        comrade.write_all(b"answer").await.unwrap();
        comrade.shutdown().await.unwrap();
        let mut answer = String::new();
        browser.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
        assert_eq!(pumping.await.unwrap(), Ended::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_read_stops_whoever_writes() {
        let (mut browser, near) = duplex(1024);
        let (far, comrade) = duplex(1024);
        let pumping = tokio::spawn(pump(near, far, IDLE));
        let chunk = [7; 1024];
        let mut taken = 0;
        while let Ok(wrote) = tokio::time::timeout(IDLE / 4, browser.write(&chunk)).await {
            taken += wrote.unwrap();
        }
        assert!(
            taken <= 2 * 1024 + BUFFER,
            "{taken} bytes were taken and nobody read"
        );
        drop(comrade);
        assert_eq!(pumping.await.unwrap(), Ended::Broken);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_stream_and_traffic_keeps_it() {
        let (mut browser, near) = duplex(1024);
        let (far, mut comrade) = duplex(1024);
        let started = Instant::now();
        let pumping = tokio::spawn(pump(near, far, IDLE));
        for _ in 0..3 {
            tokio::time::sleep(IDLE * 9 / 10).await;
            browser.write_all(b"x").await.unwrap();
            comrade.read_u8().await.unwrap();
        }
        assert_eq!(pumping.await.unwrap(), Ended::Idle);
        assert!(started.elapsed() >= IDLE * 3);
    }
}
