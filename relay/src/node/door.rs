//! The node's own I2P destination: where other relays leave envelopes for members here, and from where this one calls them.
//!
//! Callers are strangers. They greet as relays do, prove that they know the node's key, and then speak frames; what they may put
//! is the node's business. None of them takes all places (`callers`), or one for ever.

use std::sync::Arc;
use std::time::Duration;

use komrade_ether::{HOME_TURN_MILLIS, Party};
use komrade_i2p::net::{SamStream, Session, SessionKeys};
use komrade_wire::greeting::{self, GreetingError, Status};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tracing::{debug, info};

use super::callers::{Callers, LinkPlace, Newcomer};
use super::link::{self, LinkLimits};
use crate::backoff::Backoff;
use crate::network::GREETING_DEADLINE;
use crate::pool::Pooled;
use crate::relay::Relay;

/// First and longest wait between two attempts. On the real network tunnels may fail for minutes.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(120);
/// The longest link: as long as a relay has its turn at another one.
const LONGEST_LINK: Duration = Duration::from_millis(HOME_TURN_MILLIS);

/// The session of the node's destination, while there is one.
pub(crate) struct Door(watch::Sender<Option<Arc<Pooled>>>);

impl Door {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Returns once the destination is hosted.
    pub(super) async fn open(&self) -> Arc<Pooled> {
        let mut sessions = self.0.subscribe();
        loop {
            let pooled = sessions.borrow_and_update().clone();
            match pooled.filter(|pooled| !pooled.session.is_closed()) {
                Some(pooled) => return pooled,
                // The sender is here, so it can only change.
                None => drop(sessions.changed().await),
            }
        }
    }
}

/// Hosts the node's destination, for ever.
pub(crate) async fn keep(relay: Arc<Relay>) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    let callers = Callers::new(relay.cache.stranger_links.into());
    loop {
        relay.network.ready().await;
        let keys = SessionKeys::Private(relay.node.keys.destination());
        match relay.network.session(keys).await {
            Ok(session) => {
                info!("the node's destination is up");
                backoff.reset();
                let pooled = Arc::new(Pooled::new(session));
                relay.node.door.0.send_replace(Some(Arc::clone(&pooled)));
                receive(&relay, &pooled.session, &callers).await;
                relay.node.door.0.send_replace(None);
                info!("the node's destination went down");
            }
            Err(error) => debug!(%error, "the node's destination could not be hosted"),
        }
        sleep(backoff.wait()).await;
    }
}

/// Takes streams until the session ends.
async fn receive(relay: &Arc<Relay>, session: &Session, callers: &Arc<Callers>) {
    loop {
        let accepted = tokio::select! {
            accepted = session.accept() => accepted,
            () = session.closed() => return,
        };
        let Ok((stream, address)) = accepted else {
            return;
        };
        match callers.enter(address) {
            Some(newcomer) => relay.spawn(incoming(Arc::clone(relay), stream, newcomer)),
            None => debug!("a caller has enough streams to the node that did not greet"),
        }
    }
}

async fn incoming(relay: Arc<Relay>, stream: SamStream, newcomer: Newcomer) {
    let mut far = stream.compat();
    let greeted = tokio::select! {
        greeted = timeout(GREETING_DEADLINE, greet(&relay, &mut far, &newcomer)) => greeted,
        () = newcomer.dropped() => return debug!("a stream to the node made room for another"),
    };
    drop(newcomer);
    let Ok(Ok(_link)) = greeted else {
        return debug!("a stream to the node did not greet, or had no place");
    };
    let limits = LinkLimits {
        handshake: GREETING_DEADLINE,
        idle: Some(relay.cache.stranger_idle()),
        longest: Some(LONGEST_LINK),
        stall: relay.cache.stranger_idle(),
        window: relay.cache.link_window(),
    };
    link::serve(Arc::clone(&relay.node), far, Party::Stranger, limits).await;
}

/// Answers a caller's greeting. Gives it a place, if there is one.
async fn greet(
    relay: &Relay,
    far: &mut Compat<SamStream>,
    newcomer: &Newcomer,
) -> Result<LinkPlace, GreetingError> {
    let place = match greeting::wait(far).await {
        Ok(()) if !relay.node.works() => Err(Status::Away),
        Ok(()) => newcomer.link().ok_or(Status::TooMany),
        Err(GreetingError::Version(_)) => Err(Status::Version),
        Err(error) => return Err(error),
    };
    let status = place.as_ref().err().copied().unwrap_or(Status::Connected);
    greeting::reply(far, status).await?;
    place.map_err(|_| GreetingError::Status(status as u8))
}
