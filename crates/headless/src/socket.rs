//! A WebSocket as a stream of bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Sink, SinkExt, Stream, StreamExt};
use komrade_wire::websocket::{ByteStream, MAX_MESSAGE_BYTES};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

pub(crate) type Socket = ByteStream<Messages>;

/// Connects to `url`.
pub(crate) async fn connect(url: &str) -> io::Result<Socket> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        // One message waits beside the one being sent; the multiplexer waits for room.
        .max_write_buffer_size(3 * MAX_MESSAGE_BYTES)
        .write_buffer_size(MAX_MESSAGE_BYTES);
    // Without Nagle's algorithm: small messages are not to wait for the answer to others.
    let (socket, _) = connect_async_with_config(url, Some(config), true)
        .await
        .map_err(broken)?;
    Ok(ByteStream::new(Messages(socket), MAX_MESSAGE_BYTES))
}

/// The binary messages of a WebSocket.
pub(crate) struct Messages(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Stream for Messages {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(self.0.poll_next_unpin(cx)) {
                Some(Ok(Message::Binary(bytes))) => Some(Ok(bytes.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Text(_))) => Some(Err(io::ErrorKind::InvalidData.into())),
                Some(Ok(Message::Close(_))) | None => None,
                Some(Err(error)) => Some(Err(broken(error))),
            });
        }
    }
}

impl Sink<Vec<u8>> for Messages {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready_unpin(cx).map_err(broken)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Vec<u8>) -> io::Result<()> {
        self.0
            .start_send_unpin(Message::Binary(message.into()))
            .map_err(broken)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush_unpin(cx).map_err(broken)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close_unpin(cx).map_err(broken)
    }
}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        Error::Capacity(_) => io::ErrorKind::InvalidData.into(),
        _ => io::ErrorKind::ConnectionAborted.into(),
    }
}
