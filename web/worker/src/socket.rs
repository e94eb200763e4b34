//! A WebSocket as a stream and sink of binary messages, with back-pressure where the browser has some.
//!
//! A browser tells when a message arrived, and hands it over whether or not anybody is ready for it: what is
//! in flight towards us is bounded by the multiplexer's windows, which the relay keeps, and checked here. It
//! does not tell when a message has left: how much waits is asked again and again while it is much.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use futures::{
    Sink, Stream, StreamExt,
    channel::{mpsc, oneshot},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BinaryType, MessageEvent, WebSocket};

/// What may wait in the browser to be sent: about two seconds of what I2P carries, and four messages.
const MAX_WAITING_BYTES: u32 = 256 * 1024;
/// How often the browser is asked again while more waits.
const ASK_AGAIN_MILLIS: u32 = 15;
/// What may wait to be read: four times the windows that a relay has to keep to. More is no relay of ours.
const MAX_ARRIVED_BYTES: usize = 64 * 1024 * 1024;

/// An open WebSocket; closed when dropped.
pub struct Socket {
    socket: WebSocket,
    arrived: mpsc::UnboundedReceiver<io::Result<Vec<u8>>>,
    unread: Rc<Cell<usize>>,
    pause: Option<TimeoutFuture>,
    _closures: [Closure<dyn FnMut(JsValue)>; 4],
}

impl Socket {
    /// Opens a WebSocket and waits until it is open.
    pub async fn open(url: &str) -> io::Result<Self> {
        let socket = WebSocket::new(url).map_err(|_| io::ErrorKind::InvalidInput)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (arrives, arrived) = mpsc::unbounded();
        let (opens, opened) = oneshot::channel();
        let opens = Rc::new(RefCell::new(Some(opens)));
        let unread = Rc::new(Cell::new(0));

        let open = {
            let opens = Rc::clone(&opens);
            listener(move |_| {
                if let Some(opens) = opens.take() {
                    let _ = opens.send(());
                }
            })
        };
        let message = {
            let (arrives, unread) = (arrives.clone(), Rc::clone(&unread));
            listener(move |event| {
                let message = read(&event.unchecked_into(), &unread);
                let _ = arrives.unbounded_send(message);
            })
        };
        let error = listener(|_| {}); // A close follows, and says as little.
        let close = listener(move |_| {
            opens.take();
            arrives.close_channel();
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onerror(Some(error.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        let this = Self {
            socket,
            arrived,
            unread,
            pause: None,
            _closures: [open, message, error, close],
        };
        opened.await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(this)
    }

    /// Ready when little enough waits in the browser.
    fn poll_drained(&mut self, cx: &mut Context<'_>, bound: u32) -> Poll<io::Result<()>> {
        loop {
            if self.socket.ready_state() != WebSocket::OPEN {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            }
            if self.socket.buffered_amount() <= bound {
                self.pause = None;
                return Poll::Ready(Ok(()));
            }
            let pause = self
                .pause
                .get_or_insert_with(|| TimeoutFuture::new(ASK_AGAIN_MILLIS));
            ready!(Pin::new(pause).poll(cx));
            self.pause = None;
        }
    }
}

fn listener(heard: impl FnMut(JsValue) + 'static) -> Closure<dyn FnMut(JsValue)> {
    Closure::new(heard)
}

fn read(event: &MessageEvent, unread: &Cell<usize>) -> io::Result<Vec<u8>> {
    let buffer = event
        .data()
        .dyn_into::<ArrayBuffer>()
        .map_err(|_| io::ErrorKind::InvalidData)?;
    let bytes = Uint8Array::new(&buffer);
    let length = usize::try_from(bytes.length()).unwrap_or(usize::MAX);
    let waits = unread.get().saturating_add(length);
    if waits > MAX_ARRIVED_BYTES {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    unread.set(waits);
    Ok(bytes.to_vec())
}

impl Stream for Socket {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(self.arrived.poll_next_unpin(cx));
        if let Some(Ok(bytes)) = &message {
            self.unread
                .set(self.unread.get().saturating_sub(bytes.len()));
        }
        Poll::Ready(message)
    }
}

impl Sink<Vec<u8>> for Socket {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_drained(cx, MAX_WAITING_BYTES)
    }

    fn start_send(self: Pin<&mut Self>, message: Vec<u8>) -> io::Result<()> {
        self.socket
            .send_with_u8_array(&message)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // All is on its way; only a line that falls behind holds up whoever writes.
        self.poll_drained(cx, MAX_WAITING_BYTES)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What waits is sent before the closing.
        let _ = self.socket.close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onerror(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
