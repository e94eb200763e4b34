//! Runs the engine on any executor: its store, its relay and its links.
//!
//! The one driver of the web worker and of the headless peer. It owns no socket, clock, timer or randomness:
//! those come from a [`Host`]. What it adds is order and bounds:
//!
//! 1. One input at a time goes into the engine; its effects are done strictly in order, each before the next is
//!    taken, and a commit is durable before anything behind it happens ([`run`]).
//! 2. The lease of the store is renewed, and lost in good order.
//! 3. Each relay in use is kept connected, in a task of its own, with growing pauses between attempts; its control
//!    stream says what becomes of router and destination.
//! 4. Links are dialled, accepted and carried; each has bounded queues of its own, so that a slow one holds up
//!    nobody else.
//!
//! A connection that is up holds 256 KiB for each stream on this side, of 100 at most; what waits for the engine is one queue for all. The engine uses three relays
//! at most, reads two more that are being left, and tries one.
//!
//! Every future here stays on one task and need not be `Send` (a browser's are not). Every bound and deadline
//! stands in [`limits`].

mod backoff;
mod count;
mod env;
mod lead;
pub mod limits;
mod link;
mod pilot;
mod relay;
mod session;
#[cfg(test)]
mod tests;

use std::{future::Future, io};

use futures::{AsyncRead, AsyncWrite, channel::mpsc};
use komrade_crypto::vault::StretchJob;
use komrade_store::Store;
use komrade_view::{FromEngine, Millis, ToEngine};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// What the environment gives.
pub trait Host {
    /// The bytes of a WebSocket, usually a [`komrade_wire::websocket::ByteStream`].
    type Socket: AsyncRead + AsyncWrite + Unpin + 'static;
    /// A source of randomness fit for keys.
    type Rng: CryptoRng;

    /// Connects a WebSocket to `url` (`wss://host/ws`, `ws://…`). May take as long as it likes: the driver drops
    /// the future at its deadline.
    fn connect(&self, url: &str) -> impl Future<Output = io::Result<Self::Socket>>;

    /// Ends after so many milliseconds.
    fn sleep(&self, millis: u64) -> impl Future<Output = ()>;

    /// Milliseconds since the Unix epoch.
    fn now(&self) -> Millis;

    /// Randomness.
    fn rng(&self) -> Self::Rng;

    /// Runs Argon2id where it holds up nothing else; `None` if there is no memory for it.
    fn stretch(&self, job: StretchJob) -> impl Future<Output = Option<Zeroizing<[u8; 32]>>>;
}

/// The screens' end.
#[derive(Debug)]
pub struct Screens {
    /// What a person asks for. Closing it ends [`run`] in good order.
    pub commands: mpsc::Sender<ToEngine>,
    /// What is to be shown. Whoever holds it must keep reading: see [`limits::SCREENS_READ`].
    pub events: mpsc::Receiver<FromEngine>,
}

/// The driver's end.
#[derive(Debug)]
pub struct Helm {
    commands: mpsc::Receiver<ToEngine>,
    tell: mpsc::Sender<FromEngine>,
}

/// Connects screens and driver.
pub fn channel() -> (Screens, Helm) {
    let (commands, asked) = mpsc::channel(limits::COMMANDS);
    let (tell, events) = mpsc::channel(limits::EVENTS);
    (
        Screens { commands, events },
        Helm {
            commands: asked,
            tell,
        },
    )
}

/// Why [`run`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The screens closed their end: the relay was left and the lease given back.
    Closed,
    /// The screens stopped reading: see [`limits::SCREENS_READ`].
    NotRead,
}

/// Runs the engine until the screens close their end. Dropping the future is a crash: nothing durable is lost,
/// the lease runs out by itself.
pub async fn run<S, H>(store: S, host: H, helm: Helm, config: komrade_peer::Config) -> Ended
where
    S: Store,
    H: Host + 'static,
{
    pilot::run(store, host, helm, komrade_peer::Engine::new(config)).await
}
