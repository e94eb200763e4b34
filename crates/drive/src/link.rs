//! One task per link: it opens or accepts a stream, runs the handshake, and carries frames.

use std::rc::Rc;

use futures::{
    AsyncRead, AsyncWrite, StreamExt,
    channel::mpsc,
    future::{AbortHandle, Either, select},
    pin_mut,
};
use komrade_peer::{DialProgress, Input, LinkHint, LinkId, RelayId};
use komrade_wire::{
    frame,
    header::{Header, MAX_HEADER_BYTES, Opened},
    link::{self, Halves, Initiator, LinkError, Preamble},
    mux::{Mux, MuxStream},
};
use zeroize::Zeroizing;

use crate::{
    Host,
    env::{Env, Event, Incoming, Voice},
    limits,
};

/// What the engine wants of a link; once all are done and no more can come, the link is closed.
pub(crate) enum Order {
    /// Go on with an incoming link under this key.
    Admit(Zeroizing<[u8; 32]>),
    /// Send a frame.
    Send(Vec<u8>),
}

pub(crate) type Orders = mpsc::Sender<Order>;

/// Whom to dial.
pub(crate) struct Dial {
    pub(crate) link: LinkId,
    /// Through which relay.
    pub(crate) relay: RelayId,
    /// Which stream to ask the relay for.
    pub(crate) header: Header,
    pub(crate) key: Key,
}

/// What proves who answers.
pub(crate) enum Key {
    /// A key that both hold, announced by a hint.
    Comrade(LinkHint, Zeroizing<[u8; 32]>),
    /// The public key of a relay's node.
    Node([u8; 32]),
}

/// Dials and, when it worked, carries frames until the link ends.
pub(crate) async fn dial<H: Host>(
    env: Rc<Env<H>>,
    mux: Mux,
    dial: Dial,
    orders: mpsc::Receiver<Order>,
) {
    let link = dial.link;
    let mut voice = env.voice();
    let opened = env.within(limits::OPENED, open(&mux, dial.header)).await;
    let stream = match opened.unwrap_or(Err(DialProgress::Unreachable)) {
        Ok(stream) => stream,
        Err(progress) => return voice.say(dialed(link, progress)).await,
    };
    voice.say(dialed(link, DialProgress::Greeting)).await;
    match greet(&env, stream, &dial).await {
        Ok(halves) => {
            voice.say(dialed(link, DialProgress::Up)).await;
            carry(&env, link, voice, halves, orders).await;
        }
        Err(error) => voice.say(dialed(link, failed(error))).await,
    }
}

/// Takes a stream that somebody opened to us; what is none of ours is dropped without a word.
pub(crate) async fn incoming<H: Host>(
    env: Rc<Env<H>>,
    relay: RelayId,
    mut stream: MuxStream,
    abort: AbortHandle,
) {
    let Some(Header::Incoming) = env
        .within(limits::ANNOUNCED, header(&mut stream))
        .await
        .flatten()
    else {
        return;
    };
    let Ok(accepting) = link::accept(stream, env.host.sleep(limits::ANNOUNCED)).await else {
        return;
    };
    let Preamble::Comrade(hint) = accepting.preamble() else {
        return;
    };
    let id = env.next_incoming();
    let mut voice = env.voice();
    let (orders, mut ordered) = mpsc::channel(limits::LINK_ORDERS);
    let incoming = Incoming {
        link: id,
        relay,
        hint,
        orders,
        abort,
    };
    voice.say(Event::Incoming(incoming)).await;

    let halves = match env.within(limits::ADMITTED, ordered.next()).await.flatten() {
        Some(Order::Admit(psk)) => {
            let deadline = env.host.sleep(limits::HANDSHAKE);
            accepting.comrade(&psk, &mut env.host.rng(), deadline).await
        }
        _ => Err(LinkError::Deadline),
    };
    match halves {
        Ok(halves) => {
            voice.say(Event::Link(id, Input::LinkUp(id))).await;
            carry(&env, id, voice, halves, ordered).await;
        }
        Err(_) => voice.say(Event::Link(id, Input::LinkDown(id))).await,
    }
}

/// Asks the relay for a stream.
async fn open(mux: &Mux, header: Header) -> Result<MuxStream, DialProgress> {
    let unreachable = |_| DialProgress::Unreachable;
    let mut stream = mux.open().await.map_err(|_| DialProgress::Unreachable)?;
    frame::write(&mut stream, &header.encode(), MAX_HEADER_BYTES)
        .await
        .map_err(unreachable)?;
    let answer = frame::read(&mut stream, MAX_HEADER_BYTES)
        .await
        .map_err(unreachable)?;
    match answer.map(|bytes| Opened::decode(&bytes)) {
        Some(Ok(Opened::Connected)) => Ok(stream),
        Some(Ok(Opened::Away)) => Err(DialProgress::Away),
        _ => Err(DialProgress::Unreachable),
    }
}

async fn header(stream: &mut MuxStream) -> Option<Header> {
    let bytes = frame::read(stream, MAX_HEADER_BYTES).await.ok()??;
    Header::decode(&bytes).ok()
}

async fn greet<H: Host>(
    env: &Env<H>,
    stream: MuxStream,
    dial: &Dial,
) -> Result<Halves<MuxStream>, LinkError> {
    let rng = &mut env.host.rng();
    let start = match &dial.key {
        Key::Comrade(hint, psk) => Initiator::comrade(*hint, psk, rng)?,
        Key::Node(public) => Initiator::node(public, rng)?,
    };
    link::dial(stream, start, env.host.sleep(limits::HANDSHAKE)).await
}

/// What a failed handshake says of the other side. Whoever does not hold the key, or does not know its hint, hangs
/// up without a word.
fn failed(error: LinkError) -> DialProgress {
    match error {
        LinkError::Io(_) | LinkError::Deadline => DialProgress::Unreachable,
        _ => DialProgress::Refused,
    }
}

fn dialed(link: LinkId, progress: DialProgress) -> Event {
    Event::Link(link, Input::Dialed { link, progress })
}

/// Carries frames both ways until either side closes or something fails.
async fn carry<H, S>(
    env: &Env<H>,
    id: LinkId,
    mut voice: Voice,
    halves: Halves<S>,
    mut orders: mpsc::Receiver<Order>,
) where
    H: Host,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = halves;
    let mut reading_voice = env.voice();
    let reading = async {
        while let Ok(Some(frame)) = reader.next().await {
            reading_voice
                .say(Event::Link(id, Input::Frame { link: id, frame }))
                .await;
        }
    };
    let writing = async {
        while let Some(order) = orders.next().await {
            let Order::Send(frame) = order else { continue };
            let sent = env.within(limits::SENT, writer.send(&frame)).await;
            if !matches!(sent, Some(Ok(()))) {
                return false;
            }
        }
        matches!(env.within(limits::SENT, writer.close()).await, Some(Ok(())))
    };
    pin_mut!(reading);
    let closed_here = {
        pin_mut!(writing);
        match select(&mut reading, writing).await {
            Either::Left(((), _)) => false,
            Either::Right((closed, _)) => closed,
        }
    };
    if closed_here {
        // The other side hears of it, and closes too.
        env.within(limits::LINGER, reading).await;
    } else {
        env.within(limits::LEAVE, writer.close()).await;
        voice.say(Event::Link(id, Input::LinkDown(id))).await;
    }
}
