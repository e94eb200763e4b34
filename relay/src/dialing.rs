//! Streams that a browser opens: what it wants is in the header, what came of it in the answer.

use std::sync::Arc;

use komrade_ether::{Account, Party};
use komrade_i2p::Address;
use komrade_wire::DecodeError;
use komrade_wire::frame;
use komrade_wire::header::{Header, MAX_HEADER_BYTES, Opened};
use komrade_wire::mux::MuxStream;
use tokio::time::timeout;
use tracing::debug;

use crate::browser::{Browser, BrowserStream};
use crate::network::Dialed;
use crate::node::{self, LinkLimits};
use crate::pump::pump;
use crate::relay::Relay;

/// Serves a stream that a browser opened, to its end.
pub(crate) async fn serve(
    relay: Arc<Relay>,
    browser: Browser,
    account: Account,
    mut near: MuxStream,
) {
    let header = timeout(
        relay.limits.handshake(),
        frame::read(&mut near, MAX_HEADER_BYTES),
    )
    .await;
    let Ok(Ok(Some(header))) = header else {
        // Dropping it resets it, which tells enough to whoever did not say what it is for.
        return debug!("a stream had no header in time");
    };
    let address = match Header::decode(&header) {
        Ok(Header::Dial { address }) => Address::from_bytes(address),
        Ok(Header::Node) => return serve_node(&relay, &browser, account, near).await,
        Err(DecodeError::Unknown(_)) => {
            return answer(&mut near, Opened::Unsupported).await;
        }
        _ => return debug!("a stream had a malformed header"),
    };
    let Some(place) = browser.place() else {
        return answer(&mut near, Opened::TooMany).await;
    };
    let dialed = if relay.network.is_ready() {
        timeout(relay.limits.dial(), relay.network.dial(address)).await
    } else {
        Ok(Err(Opened::NotReady))
    };
    match dialed.unwrap_or(Err(Opened::TimedOut)) {
        Ok(Dialed { stream, from }) => {
            answer(&mut near, Opened::Connected).await;
            let near = BrowserStream::new(near, place);
            let ended = pump(near, stream, relay.limits.stream_idle()).await;
            drop(from);
            relay.network.hung_up(address);
            debug!(?ended, "a dialled stream ended");
        }
        Err(outcome) => {
            debug!(?outcome, "a dial came to nothing");
            answer(&mut near, outcome).await;
        }
    }
}

/// A member speaks to the relay's own node. It may be silent for as long as its connection lives, which has a limit of its own.
async fn serve_node(relay: &Relay, browser: &Browser, account: Account, mut near: MuxStream) {
    let (Some(_place), Some(_link)) = (browser.place(), browser.node_place()) else {
        return answer(&mut near, Opened::TooMany).await;
    };
    if !relay.node.works() {
        return answer(&mut near, Opened::NotReady).await;
    }
    answer(&mut near, Opened::Connected).await;
    let limits = LinkLimits {
        handshake: relay.limits.handshake(),
        idle: None,
        longest: None,
        stall: relay.limits.idle(),
        window: relay.cache.link_window(),
    };
    node::serve(
        Arc::clone(&relay.node),
        near,
        Party::Member(account),
        limits,
    )
    .await;
}

/// Answers; unless the stream goes on, it is closed, so that the answer still arrives.
async fn answer(near: &mut MuxStream, outcome: Opened) {
    // A browser that is gone needs no answer.
    let _ = frame::write(near, &outcome.encode(), MAX_HEADER_BYTES).await;
    if outcome != Opened::Connected {
        let _ = futures::AsyncWriteExt::close(near).await;
    }
}
