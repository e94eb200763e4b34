//! Reaching the node of another relay: a stream over I2P, the greeting, a link.
//!
//! It is called from the node's own destination. A destination that has reached an address cannot reach it for minutes once that is
//! hosted anew (the other relay was started again), so then it is called from another one, made for that and kept for the next time.

use std::sync::Arc;
use std::time::Duration;

use komrade_ether::Home;
use komrade_i2p::Address;
use komrade_i2p::net::{ConnectError, SamStream, Session, SessionKeys};
use komrade_wire::greeting::{self, Status};
use komrade_wire::link::{self, Halves, Initiator};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tracing::debug;

use crate::network::GREETING_DEADLINE;
use crate::random;
use crate::relay::Relay;

/// How often one call is tried. A lease set that was published a moment ago is not found at once.
const ATTEMPTS: u32 = 3;
/// Pause between those.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1500));

/// A link to another relay's node, and the session with which its stream ends.
pub(super) type Reached = (Halves<Compat<SamStream>>, Arc<Session>);

/// The destination from which relays are called that the node's own cannot reach any more.
#[derive(Default)]
pub(crate) struct Spare(Mutex<Option<Arc<Session>>>);

impl Spare {
    /// The one that is there, or a new one.
    async fn session(&self, relay: &Relay) -> Option<Arc<Session>> {
        let mut kept = self.0.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| !session.is_closed()) {
            return Some(Arc::clone(session));
        }
        let made = relay.network.calling_session(SessionKeys::Transient).await;
        *kept = made.ok().map(Arc::new);
        kept.clone()
    }

    /// It cannot reach something either: the next one is new.
    async fn let_go(&self, session: &Arc<Session>) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, session)) {
            *kept = None;
        }
    }
}

/// Links to the node of a home. `None`: not now.
pub(super) async fn reach(relay: &Relay, home: &Home) -> Option<Reached> {
    let (stream, from) = connect(relay, Address::from_bytes(home.address)).await?;
    let mut stream = stream.compat();
    match timeout(GREETING_DEADLINE, greeting::greet(&mut stream)).await {
        Ok(Ok(Status::Connected)) => {}
        Ok(Ok(status)) => {
            debug!(?status, "another relay has no place");
            return None;
        }
        Ok(Err(_)) | Err(_) => {
            debug!("what was called is no relay that answers");
            return None;
        }
    }
    let start = Initiator::node(&home.node.0, &mut random::source().ok()?).ok()?;
    match link::dial(stream, start, sleep(GREETING_DEADLINE)).await {
        Ok(halves) => Some((halves, from)),
        Err(error) => {
            debug!(%error, "no link to another node");
            None
        }
    }
}

async fn connect(relay: &Relay, to: Address) -> Option<(SamStream, Arc<Session>)> {
    let mut is_stale = false;
    for attempt in 1..=ATTEMPTS {
        let from = if is_stale {
            relay.node.spare.session(relay).await?
        } else {
            relay.node.door.session().await
        };
        match from.connect(to).await {
            Ok(stream) => return Some((stream, from)),
            Err(error) => {
                debug!(%error, attempt, "another relay was not reached");
                if error == ConnectError::Stale && is_stale {
                    relay.node.spare.let_go(&from).await;
                }
                is_stale |= error == ConnectError::Stale;
            }
        }
        sleep(random::between(PAUSE.0, PAUSE.1)).await;
    }
    None
}
