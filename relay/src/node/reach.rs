//! Reaching the node of another relay: a stream over I2P, the greeting, a link.
//!
//! It is called from the node's own destination. A destination that failed to reach an address may not reach it for minutes, even when
//! it is hosted again (see `pool`): then it is called from another one, which is kept for the next time and made anew when it fails.

use std::sync::Arc;
use std::time::Duration;

use komrade_ether::Home;
use komrade_i2p::Address;
use komrade_i2p::net::{ConnectError, SamStream, SessionKeys};
use komrade_wire::greeting::{self, Status};
use komrade_wire::link::{self, Halves, Initiator};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tracing::debug;

use crate::network::GREETING_DEADLINE;
use crate::pool::Pooled;
use crate::random;
use crate::relay::Relay;

/// How often one call is tried. A lease set that was published a moment ago is not found at once.
const ATTEMPTS: u32 = 4;
/// Pause between those.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1500));

/// A link to another relay's node, and the session with which its stream ends.
pub(super) type Reached = (Halves<Compat<SamStream>>, Arc<Pooled>);

/// The destination from which relays are called that the node's own fails to reach.
#[derive(Default)]
pub(crate) struct Spare(Mutex<Option<Arc<Pooled>>>);

impl Spare {
    /// The one that is there, or a new one if that is of no use for this address.
    async fn open(&self, relay: &Relay, to: Address) -> Option<Arc<Pooled>> {
        let mut kept = self.0.lock().await;
        let is_useless = |pooled: &Pooled| {
            pooled.session.is_closed() || (pooled.has_failed(to) && pooled.is_replaceable())
        };
        if let Some(pooled) = kept.as_ref().filter(|pooled| !is_useless(pooled)) {
            return Some(Arc::clone(pooled));
        }
        let made = relay.network.calling_session(SessionKeys::Transient).await;
        *kept = made.ok().map(|session| Arc::new(Pooled::new(session)));
        kept.clone()
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

async fn connect(relay: &Relay, to: Address) -> Option<(SamStream, Arc<Pooled>)> {
    for attempt in 1..=ATTEMPTS {
        let own = relay.node.door.open().await;
        let from = if own.has_failed(to) {
            relay.node.spare.open(relay, to).await?
        } else {
            own
        };
        match from.session.connect(to).await {
            Ok(stream) => {
                from.set_failed(to, false);
                return Some((stream, from));
            }
            Err(error) => {
                debug!(%error, attempt, "another relay was not reached");
                // Once may be chance: what was published a moment ago is not found at once.
                if attempt > 1 || error == ConnectError::Stale {
                    from.set_failed(to, true);
                }
            }
        }
        sleep(random::between(PAUSE.0, PAUSE.1)).await;
    }
    None
}
