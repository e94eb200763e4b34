//! A SAM 3.1 client: sessions, and streams between addresses.
//!
//! Follows <https://geti2p.net/en/docs/api/samv3>. Every session, connect and accept has a TCP connection of its own to the
//! router's *bridge*:
//! 1. `HELLO`, always, awaited before anything else is written (bridges lose what is pipelined);
//! 2. `SESSION CREATE` on one connection, which stays open: when it ends, the session has ended. `NAMING LOOKUP NAME=ME` on it
//!    confirms that the bridge hosts what was asked for, and is repeated to see that it lives;
//! 3. `STREAM CONNECT` / `STREAM ACCEPT` on others, which then carry the stream.
//!
//! Every line is written here from parsed values: a [`DestinationKeys`] or an [`Address`], numbers within bounds, a random name.
//! Some texts a bridge would take to mean something else, or panic over, and none of them can be said with this interface.
//! Bridges do not answer what they cannot parse, so every answer has a time limit.
//!
//! Not built on the crate yosemite: it names only a port, not a host; has no time limits; tells a connection that ends
//! apart from an answer only by its text; and takes `&mut` for an accept, which rules out several at once.
//!
//! Left out on purpose: datagrams, subsessions (broken in emissary), `DEST GENERATE` (keys are made here), names other than `….b32.i2p`,
//! authentication (the bridge listens on loopback).

mod connection;
mod session;
mod stream;

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::{
    sync::{Semaphore, watch},
    time::sleep,
};
use zeroize::Zeroizing;

use self::connection::Connection;
pub use self::{
    session::{AcceptError, ConnectError, Session},
    stream::SamStream,
};
use super::{
    backoff::Backoff,
    random::{self, NoRandomness},
};
use crate::{
    Address, DestinationKeys,
    reply::{Outcome, Topic},
};

/// For a TCP connection and `HELLO`: a bridge is near and answers at once.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// For `SESSION CREATE`: on the real network tunnels take up to a minute, i2pd answers in multiples of 20 s.
const SESSION_LIMIT: Duration = Duration::from_secs(120);
/// For `STREAM CONNECT`: the lease set is looked up and the other side answers, about a minute at worst.
const CONNECT_LIMIT: Duration = Duration::from_secs(60);
/// For the first answer to `STREAM ACCEPT`, which is local.
const ACCEPT_LIMIT: Duration = Duration::from_secs(10);
/// For `NAMING LOOKUP NAME=ME`, which is local but waits behind the session's other work.
const LOOKUP_LIMIT: Duration = Duration::from_secs(30);
/// For writing `QUIT`.
const QUIT_LIMIT: Duration = Duration::from_secs(5);
/// Between two looks whether a session still lives: a bridge on another machine can vanish without a word.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(60);

/// `SESSION CREATE`s under way at once: emissary takes 50, and ends the connection of some of 100.
const MAX_CREATING: usize = 32;
/// Attempts at a session that the bridge drops, or whose destination it still holds from before.
const SESSION_ATTEMPTS: u32 = 6;
/// First wait between them; doubled up to [`SESSION_RETRY_MOST`]: 6 attempts take 9 s.
const SESSION_RETRY_FIRST: Duration = Duration::from_millis(300);
/// Longest wait between them. A destination whose connection ended without `QUIT` (its process was killed) is held for 60
/// seconds by emissary: that is left to the caller.
const SESSION_RETRY_MOST: Duration = Duration::from_secs(5);

/// A router's SAM bridge. Clones share the limit on sessions being created.
#[derive(Clone)]
pub struct Sam {
    bridge: watch::Receiver<Option<Arc<str>>>,
    creating: Arc<Semaphore>,
}

/// Which destination a session hosts.
#[derive(Debug, Clone, Copy)]
pub enum SessionKeys<'a> {
    /// A new one, forgotten with the session.
    Transient,
    /// This one.
    Private(&'a DestinationKeys),
}

/// How a session is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOptions {
    /// Tunnels in each direction, 1 or 2. Default 2: one may fail. Each costs every router on it.
    pub quantity: u8,
    /// Routers in a tunnel, 2 or 3. Default 3, as I2P recommends; 2 is quicker and fails less often.
    pub length: u8,
    /// Streams that may arrive at once before the next is announced, 0 to 16. Default 4; 0 for a session that only connects.
    pub accepts: u8,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            quantity: 2,
            length: 3,
            accepts: 4,
        }
    }
}

impl SessionOptions {
    /// The same for a session that only connects.
    #[must_use]
    pub fn connecting(self) -> Self {
        Self { accepts: 0, ..self }
    }

    fn bounded(self) -> Self {
        Self {
            quantity: self.quantity.clamp(1, 2),
            length: self.length.clamp(2, 3),
            accepts: self.accepts.min(16),
        }
    }
}

/// Why a bridge did not answer as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SamError {
    /// The router has not started its bridge.
    #[error("no bridge yet")]
    NotReady,
    /// It refuses connections, or ended one without an answer.
    #[error("the bridge is gone")]
    BridgeGone,
    /// No answer within the time limit.
    #[error("the bridge does not answer")]
    TimedOut,
    /// The answer is none of SAM 3.1.
    #[error("the bridge does not speak SAM 3.1")]
    Foreign,
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The bridge failed; after several attempts if it ended connections.
    #[error(transparent)]
    Bridge(#[from] SamError),
    /// Another session hosts this destination; or did until a minute ago, and its process was killed: try again.
    #[error("the destination is hosted already")]
    InUse,
    /// The bridge does not take these keys, or hosts others.
    #[error("the bridge does not take these keys")]
    BadKeys,
    /// The router could not build tunnels.
    #[error("the router failed to build a session")]
    Failed,
    /// The operating system gives no randomness.
    #[error("no randomness")]
    NoRandomness,
}

impl From<NoRandomness> for SessionError {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl SessionError {
    /// Whether it may pass within seconds.
    fn passes(self) -> bool {
        matches!(self, Self::Bridge(SamError::BridgeGone) | Self::InUse)
    }
}

impl Sam {
    /// The bridge at `host_port`, as in `127.0.0.1:7656`; asked only when used.
    pub fn new(host_port: &str) -> Self {
        Self::following(watch::channel(Some(Arc::from(host_port))).1)
    }

    /// The bridge of a router that may start and stop.
    pub(super) fn following(bridge: watch::Receiver<Option<Arc<str>>>) -> Self {
        Self {
            bridge,
            creating: Arc::new(Semaphore::new(MAX_CREATING)),
        }
    }

    /// Where the bridge is now, if the router has started it.
    pub fn host_port(&self) -> Option<String> {
        self.bridge.borrow().as_deref().map(str::to_owned)
    }

    /// Sees that the bridge answers.
    ///
    /// # Errors
    /// If it does not, within 5 seconds.
    pub async fn hello(&self) -> Result<(), SamError> {
        self.open().await.map(drop)
    }

    /// Creates a session: tunnels are built, and with `accepts` its streams are accepted from now on.
    ///
    /// Waits its turn while 32 are being created, then at most 120 seconds an attempt. Repeats with growing waits if the bridge
    /// ends the connection without an answer (it does so under load) or still holds the destination of a session that ended.
    /// While the router knows no others it does not answer at all: look at its stages.
    ///
    /// # Errors
    /// See [`SessionError`].
    pub async fn session(
        &self,
        keys: SessionKeys<'_>,
        options: SessionOptions,
    ) -> Result<Session, SessionError> {
        let transient;
        let keys = match keys {
            SessionKeys::Private(keys) => keys,
            SessionKeys::Transient => {
                transient = random::destination_keys()?;
                &transient
            }
        };
        let mut backoff = Backoff::new(SESSION_RETRY_FIRST, SESSION_RETRY_MOST);
        let mut attempt = 1;
        loop {
            match self.create(keys, options.bounded()).await {
                Err(error) if error.passes() && attempt < SESSION_ATTEMPTS => {
                    tracing::debug!(%error, attempt, "session not created");
                    attempt += 1;
                    sleep(backoff.wait()).await;
                }
                result => return result,
            }
        }
    }

    async fn create(
        &self,
        keys: &DestinationKeys,
        options: SessionOptions,
    ) -> Result<Session, SessionError> {
        // The semaphore is never closed, so there always is a permit in the end.
        let _permit = self.creating.acquire().await;
        let id = session_id()?;
        let mut control = self.open().await?;
        let line = session_create(&id, keys, options);
        let outcome = control.ask(&line, Topic::Session, SESSION_LIMIT).await?;
        match outcome {
            Outcome::Ok => {}
            Outcome::DuplicateDestination => return Err(SessionError::InUse),
            Outcome::InvalidKey => return Err(SessionError::BadKeys),
            // A name out of 2¹²⁸ that is taken is a bridge out of its mind.
            Outcome::DuplicateId => return Err(SamError::Foreign.into()),
            _ => return Err(SessionError::Failed),
        }
        if control.lookup_me().await? != keys.address() {
            return Err(SessionError::BadKeys);
        }
        Ok(Session::run(
            self.clone(),
            id,
            keys.address(),
            control,
            options.accepts,
        ))
    }

    async fn open(&self) -> Result<Connection, SamError> {
        let host_port = self.bridge.borrow().clone().ok_or(SamError::NotReady)?;
        Connection::open(&host_port).await
    }
}

/// A name for a session: random, since a bridge shares them among all its clients and tells nobody which are taken.
fn session_id() -> Result<String, SessionError> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

fn session_create(id: &str, keys: &DestinationKeys, options: SessionOptions) -> Zeroizing<String> {
    let SessionOptions {
        quantity, length, ..
    } = options;
    let blob = keys.to_base64();
    // The type of signature only by its number, and one type of encryption: emissary's default upsets i2pd.
    Zeroizing::new(format!(
        "SESSION CREATE STYLE=STREAM ID={id} DESTINATION={blob} SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4 \
         inbound.length={length} outbound.length={length} inbound.quantity={quantity} outbound.quantity={quantity}\n",
        blob = blob.as_str(),
    ))
}

fn stream_connect(id: &str, to: Address) -> String {
    format!("STREAM CONNECT ID={id} DESTINATION={to} SILENT=false\n")
}

fn stream_accept(id: &str) -> String {
    format!("STREAM ACCEPT ID={id} SILENT=false\n")
}
