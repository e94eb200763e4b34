//! A browser's WebSocket, from the first byte to the last.
//!
//! Flow:
//! 1. the WebSocket becomes a stream of bytes, and that many streams
//! 2. the first stream is the control stream; its first message must be a hello with the join secret
//! 3. the browser takes the seat of its account
//! 4. until one side ends it: control messages both ways, and a task for each stream that it opens
//! 5. the seat is empty; the session may stay for its grace time
//!
//! The join secret decides, not the Origin: there are no cookies that a foreign page could misuse, and the
//! app may come from a relay that no longer exists.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use futures::future::ready;
use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncReadExt, AsyncWriteExt, Sink, SinkExt, Stream, StreamExt};
use komrade_ether::Account;
use komrade_wire::control::{FromMember, FromRelay, MAX_CONTROL_BYTES, Refusal, VERSION};
use komrade_wire::frame::{self, FrameError, FrameReader};
use komrade_wire::mux::{self, Incoming, Mux, MuxStream, Side, mux};
use komrade_wire::websocket::ByteStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use crate::browser::Browser;
use crate::config::{Limits, SPARE_STREAMS};
use crate::members::{self, Visit};
use crate::pump::Heard;
use crate::relay::Relay;
use crate::{dialing, hosting, network, random};

/// Bytes read from the system at once: a whole frame, and little enough for an idle connection.
const READ_BUFFER: usize = 16 * 1024;

/// How long a member waits for a seat when all are taken: the time in which a browser that it replaces lets
/// go of its own.
const SEAT_WAIT: Duration = Duration::from_secs(3);

/// For the last words of a connection, and for the browser to close after them.
const GOODBYE: Duration = Duration::from_secs(3);

type Reader = FrameReader<ReadHalf<MuxStream>>;

/// Answers `/ws`.
pub(crate) async fn upgrade(
    State(relay): State<Arc<Relay>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(slot) = Arc::clone(&relay.newcomers).try_acquire_owned() else {
        debug!("a WebSocket was refused: too many newcomers");
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")]).into_response();
    };
    let message = size(relay.limits.websocket_message);
    upgrade
        .max_message_size(message)
        .max_frame_size(message)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * message)
        .on_upgrade(async move |socket| {
            let tasks = relay.tasks.clone();
            tasks.track_future(serve(relay, socket, slot)).await;
        })
}

async fn serve(relay: Arc<Relay>, socket: WebSocket, newcomer: OwnedSemaphorePermit) {
    let heard = Arc::new(Heard::now());
    let bytes = ByteStream::new(
        messages(socket, Arc::clone(&heard)),
        size(relay.limits.websocket_message),
    );
    let (mux, incoming, driver) = mux(bytes, Side::Relay, mux_config(&relay.limits));
    let driver = AbortOnDropHandle::new(tokio::spawn(driver));
    let mut connection = Connection {
        relay,
        mux,
        incoming,
        heard,
    };
    connection.run(newcomer).await;
    let goodbye = async {
        connection.mux.close().await;
        driver.await
    };
    if let Ok(Ok(reason)) = timeout(GOODBYE, goodbye).await {
        debug!(%reason, "a connection ended");
    }
}

struct Connection {
    relay: Arc<Relay>,
    mux: Mux,
    incoming: Incoming,
    heard: Arc<Heard>,
}

/// The control stream.
struct Control {
    reader: Reader,
    writer: WriteHalf<MuxStream>,
}

/// Why a newcomer is not admitted. `None`: without an answer.
type NotAdmitted = Option<Refusal>;

impl Connection {
    async fn run(&mut self, newcomer: OwnedSemaphorePermit) {
        let deadline = Instant::now() + self.relay.limits.handshake();
        let stop = self.relay.stop.clone();
        let opened = tokio::select! {
            opened = timeout_at(deadline, self.incoming.next()) => opened,
            () = stop.cancelled() => return,
        };
        let Ok(Some(stream)) = opened else {
            return debug!("a newcomer opened no control stream in time");
        };
        let (reader, writer) = stream.split();
        let mut control = Control {
            reader: FrameReader::new(reader, MAX_CONTROL_BYTES),
            writer,
        };
        let admitted = tokio::select! {
            admitted = timeout_at(deadline, admit(&self.relay, &mut control.reader)) => {
                admitted.unwrap_or(Err(Some(Refusal::Idle)))
            }
            () = stop.cancelled() => Err(Some(Refusal::ShuttingDown)),
        };
        let last_word = match admitted {
            Ok(account) => self.visit(account, &mut control, newcomer).await,
            Err(refusal) => refusal,
        };
        if let Some(refusal) = last_word {
            debug!(?refusal, "a browser is dismissed");
            // However it ends, it ends.
            let _ = timeout(GOODBYE, self.dismiss(control, refusal)).await;
        }
    }

    /// Says why and waits for the browser to close. Closing first could cost it the words: a TCP connection
    /// that is closed while something unread has arrived is reset, and with it goes what was sent.
    async fn dismiss(&mut self, mut control: Control, refusal: Refusal) -> Result<(), FrameError> {
        control.say(&FromRelay::Refused(refusal)).await?;
        control.writer.close().await?;
        while self.incoming.next().await.is_some() {}
        Ok(())
    }

    /// Gives the browser its seat and keeps it until the end, which may have a last word.
    async fn visit(
        &mut self,
        account: Account,
        control: &mut Control,
        newcomer: OwnedSemaphorePermit,
    ) -> Option<Refusal> {
        let browser = Browser::new(
            self.mux.clone(),
            self.relay.limits.streams,
            self.relay.cache.member_links,
        );
        let mut visit = self.relay.members.enter(account, browser.clone());
        // Taken only now, since the browser that was just replaced may hold the last one.
        let socket = timeout(SEAT_WAIT, Arc::clone(&self.relay.sockets).acquire_owned()).await;
        drop(newcomer);
        let last_word = match socket {
            Ok(Ok(_socket)) => self.converse(control, &browser, &mut visit).await,
            _ => Some(Refusal::Full),
        };
        if self.relay.members.leave(&visit) {
            let relay = Arc::clone(&self.relay);
            self.relay.spawn(async move {
                let [shortest, longest] = relay
                    .limits
                    .grace_seconds
                    .map(|s| Duration::from_secs(s.into()));
                sleep(random::between(shortest, longest)).await;
                relay.members.expire(&visit);
            });
        }
        last_word
    }

    /// Control messages both ways, and streams of the browser.
    async fn converse(
        &mut self,
        control: &mut Control,
        browser: &Browser,
        visit: &mut Visit,
    ) -> Option<Refusal> {
        let relay = Arc::clone(&self.relay);
        let mut stages = relay.network.stages();
        let mut hosting = visit.member.hosting();
        let mut about = relay.node.about();
        let welcome = FromRelay::Welcome {
            version: VERSION,
            limits: relay.limits.announced(),
            resumed: visit.resumed,
        };
        let stage = FromRelay::Router(network::stage(*stages.borrow_and_update()));
        let hosted = FromRelay::Hosting(*hosting.borrow_and_update());
        let node = relay.node.introduce(&about.borrow_and_update());
        // The node first: whoever hears of none by then takes it that there is none.
        for message in [welcome, node, stage, hosted] {
            control.say(&message).await.ok()?;
        }

        // Ends the streams with the connection.
        let ended = relay.stop.child_token();
        let _ends = ended.clone().drop_guard();
        loop {
            let message = tokio::select! {
                refusal = &mut visit.dismissed => return refusal.ok(),
                () = relay.stop.cancelled() => return Some(Refusal::ShuttingDown),
                () = self.heard.silent_for(relay.limits.idle()) => return Some(Refusal::Idle),
                stream = self.incoming.next() => {
                    let task = dialing::serve(Arc::clone(&relay), browser.clone(), visit.account, stream?);
                    relay.tasks.spawn(ended.clone().run_until_cancelled_owned(task));
                    continue;
                }
                frame = control.reader.next() => match heed(&relay, visit, frame) {
                    Heeded::Done => continue,
                    Heeded::Answer(message) => message,
                    Heeded::End(last_word) => return last_word,
                },
                Ok(()) = stages.changed() => {
                    FromRelay::Router(network::stage(*stages.borrow_and_update()))
                }
                Ok(()) = hosting.changed() => FromRelay::Hosting(*hosting.borrow_and_update()),
                Ok(()) = about.changed() => relay.node.introduce(&about.borrow_and_update()),
            };
            // A browser that does not read for so long is gone.
            timeout(relay.limits.idle(), control.say(&message))
                .await
                .ok()?
                .ok()?;
        }
    }
}

impl Control {
    async fn say(&mut self, message: &FromRelay) -> Result<(), FrameError> {
        frame::write(&mut self.writer, &message.encode(), MAX_CONTROL_BYTES).await
    }
}

/// Reads the hello and checks what it shows.
async fn admit(relay: &Relay, reader: &mut Reader) -> Result<Account, NotAdmitted> {
    let frame = match reader.next().await {
        Ok(Some(frame)) => zeroize::Zeroizing::new(frame),
        Ok(None) | Err(FrameError::Io(_)) => return Err(None),
        Err(_) => return Err(Some(Refusal::Protocol)),
    };
    let Ok(Some(FromMember::Hello {
        version,
        join_secret,
        account,
    })) = FromMember::decode(&frame)
    else {
        return Err(Some(Refusal::Protocol));
    };
    if version != VERSION {
        return Err(Some(Refusal::Version));
    }
    let secret = relay.join.read().map_err(|error| {
        warn!(kind = ?error.kind(), "nobody can join: the join secret's file cannot be read");
        Some(Refusal::JoinSecret)
    })?;
    if secret.matches(&join_secret) {
        return Ok(members::account(&account));
    }
    let answered = relay.wrong_joins.take(Instant::now());
    if answered {
        debug!("somebody showed a wrong join secret");
    }
    Err(answered.then_some(Refusal::JoinSecret))
}

enum Heeded {
    Done,
    Answer(FromRelay),
    End(Option<Refusal>),
}

/// Does what a control message asks for.
fn heed(relay: &Arc<Relay>, visit: &Visit, frame: Result<Option<Vec<u8>>, FrameError>) -> Heeded {
    let frame = match frame {
        Ok(Some(frame)) => zeroize::Zeroizing::new(frame),
        Ok(None) | Err(FrameError::Io(_) | FrameError::Truncated) => return Heeded::End(None),
        Err(_) => return Heeded::End(Some(Refusal::Protocol)),
    };
    match FromMember::decode(&frame) {
        Ok(Some(FromMember::Host { blob })) => hosting::host(relay, visit, &blob),
        Ok(Some(FromMember::Unhost)) => hosting::unhost(visit),
        Ok(Some(FromMember::Ping(number))) => return Heeded::Answer(FromRelay::Pong(number)),
        // From a newer app.
        Ok(None) => {}
        Ok(Some(_)) | Err(_) => return Heeded::End(Some(Refusal::Protocol)),
    }
    Heeded::Done
}

/// The WebSocket's binary messages, marking whenever one arrives.
fn messages(
    socket: WebSocket,
    heard: Arc<Heard>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Sink<Vec<u8>, Error = io::Error> + Unpin + Send + 'static
{
    socket
        .sink_map_err(io::Error::other)
        .with(|bytes: Vec<u8>| ready(Ok::<_, io::Error>(Message::Binary(bytes.into()))))
        .filter_map(move |message| {
            heard.mark();
            ready(match message {
                Ok(Message::Binary(bytes)) => Some(Ok(bytes.into())),
                Ok(Message::Text(_)) => Some(Err(io::ErrorKind::InvalidData.into())),
                // Answered below this.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => None,
                Err(error) => Some(Err(io::Error::other(error))),
            })
        })
}

fn mux_config(limits: &Limits) -> mux::Config {
    // The control stream and some that are told that they are too many.
    let streams = usize::from(limits.streams) + 1 + SPARE_STREAMS;
    mux::Config {
        streams,
        ..mux::Config::default()
    }
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
