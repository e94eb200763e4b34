//! A WebSocket in memory.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Sink, SinkExt, Stream, StreamExt, channel::mpsc};
use komrade_wire::websocket::ByteStream;

/// Both ends, with messages of at most `maximum` bytes, of which at most two are under way in each direction.
pub fn sockets(
    maximum: usize,
) -> [ByteStream<
    impl Stream<Item = io::Result<Vec<u8>>> + Sink<Vec<u8>, Error = io::Error> + Unpin,
>; 2] {
    let (left, to_right) = mpsc::channel::<Vec<u8>>(1);
    let (right, to_left) = mpsc::channel::<Vec<u8>>(1);
    let socket = |sink: mpsc::Sender<Vec<u8>>, stream: mpsc::Receiver<Vec<u8>>| {
        let broken = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        let both = Both {
            maximum,
            sink: sink.sink_map_err(broken),
            stream: stream.map(Ok),
        };
        ByteStream::new(both, maximum)
    };
    [socket(left, to_left), socket(right, to_right)]
}

struct Both<K, S> {
    maximum: usize,
    sink: K,
    stream: S,
}

impl<K: Unpin, S: Stream + Unpin> Stream for Both<K, S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl<K: Sink<Vec<u8>, Error = io::Error> + Unpin, S: Unpin> Sink<Vec<u8>> for Both<K, S> {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Vec<u8>) -> io::Result<()> {
        assert!(
            !message.is_empty() && message.len() <= self.maximum,
            "{}",
            message.len()
        );
        self.sink.start_send_unpin(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.poll_close_unpin(cx)
    }
}
