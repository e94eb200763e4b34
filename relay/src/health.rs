//! `/health`: whether the relay works, for whoever watches over it. A stage and counts, nobody's name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use komrade_i2p::net::RouterStage;
use serde::Serialize;

use crate::relay::Relay;

/// What `/health` says.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// The version of this binary.
    version: &'static str,
    /// The router's stage in one word; `ready` is the good one.
    router: &'static str,
    /// Whether the node can keep and fetch things: `ready`, or `failed`.
    cache: &'static str,
    /// Browsers connected.
    connected: usize,
    /// Sessions, those in their grace time included.
    sessions: usize,
    /// Destinations hosted, and how many this relay takes.
    hosted: [usize; 2],
}

/// Answers `/health`.
pub(crate) async fn answer(State(relay): State<Arc<Relay>>) -> Json<Health> {
    let taken = |most: u16, free: usize| usize::from(most).saturating_sub(free);
    let limits = &relay.limits;
    Json(Health {
        version: env!("CARGO_PKG_VERSION"),
        router: word(*relay.network.stages().borrow()),
        cache: if relay.node.works() {
            "ready"
        } else {
            "failed"
        },
        connected: taken(limits.sockets, relay.sockets.available_permits()),
        sessions: relay.members.count(),
        hosted: [
            taken(limits.hosted, relay.hosted.available_permits()),
            limits.hosted.into(),
        ],
    })
}

fn word(stage: RouterStage) -> &'static str {
    match stage {
        RouterStage::Starting => "starting",
        RouterStage::Reseeding { .. } => "reseeding",
        RouterStage::NoRouters { .. } => "no-routers",
        RouterStage::Building { .. } => "building",
        RouterStage::Ready { .. } => "ready",
        RouterStage::Failed { .. } => "failed",
        _ => "unknown",
    }
}
