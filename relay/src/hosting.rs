//! Hosting a member's destination and handing its streams to the browser.
//!
//! Flow, until the member stops it or its grace time is over:
//! 1. wait for the router
//! 2. create the session from the member's keys
//! 3. greet whoever comes, and hand the stream to the browser or say that it is away
//! 4. when the session ends, wait a little and begin again
//!
//! The keys are in this task's memory only and erased when it ends.

use std::sync::Arc;
use std::time::Duration;

use komrade_i2p::DestinationKeys;
use komrade_i2p::net::{SamStream, Session, SessionError, SessionKeys};
use komrade_wire::control::Hosting;
use komrade_wire::greeting::{self, GreetingError, Status};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::compat::TokioAsyncReadCompatExt;
use tracing::{debug, info};

use crate::backoff::{Backoff, whole_seconds};
use crate::browser::BrowserStream;
use crate::members::{Hosted, Member, Visit};
use crate::network::GREETING_DEADLINE;
use crate::pump::pump;
use crate::relay::Relay;

/// First and longest wait between two attempts. On the real network tunnels may fail for minutes.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(120);

/// Hosts the destination of this private blob for a member, instead of any other.
pub(crate) fn host(relay: &Arc<Relay>, visit: &Visit, blob: &[u8]) {
    let name: [u8; 32] = Sha256::digest(blob).into();
    let member = &visit.member;
    if member.hosts(&name) {
        return;
    }
    let before = member.end_hosting();
    let Ok(keys) = DestinationKeys::parse(blob) else {
        return member.tell(Hosting::BadDestination);
    };
    let slot = before.or_else(|| Arc::clone(&relay.hosted).try_acquire_owned().ok());
    let Some(slot) = slot else {
        info!("a destination was refused: as many are hosted as this relay takes");
        return member.tell(Hosting::Full);
    };
    let stop = relay.stop.child_token();
    let task = keep(Arc::clone(relay), Arc::clone(member), keys);
    relay
        .tasks
        .spawn(stop.clone().run_until_cancelled_owned(task));
    visit.set_hosted(Hosted {
        blob: name,
        slot,
        _stop: stop.drop_guard(),
    });
}

/// Ends hosting at once.
pub(crate) fn unhost(visit: &Visit) {
    drop(visit.member.end_hosting());
    visit.member.tell(Hosting::Off);
}

async fn keep(relay: Arc<Relay>, member: Arc<Member>, keys: DestinationKeys) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    let mut attempt = 0;
    loop {
        if !relay.network.is_ready() {
            member.tell(Hosting::Waiting);
            relay.network.ready().await;
        }
        attempt += 1;
        member.tell(Hosting::Building { attempt });
        match relay.network.session(SessionKeys::Private(&keys)).await {
            Ok(session) => {
                member.tell(Hosting::Up);
                attempt = 0;
                backoff.reset();
                receive(&relay, &member, &session).await;
                debug!("a hosted destination went down");
            }
            Err(SessionError::BadKeys) => {
                member.tell(Hosting::BadDestination);
                // Also ends this task.
                return drop(member.end_hosting());
            }
            Err(error) => debug!(%error, "a destination could not be hosted"),
        }
        let wait = backoff.wait();
        member.tell(Hosting::Failed {
            retry_in: whole_seconds(wait),
        });
        sleep(wait).await;
    }
}

/// Takes streams until the session ends.
async fn receive(relay: &Arc<Relay>, member: &Arc<Member>, session: &Session) {
    // Callers are strangers until they have greeted; no more of them wait than a member has streams.
    let greeting = Arc::new(Semaphore::new(relay.limits.streams.into()));
    loop {
        let Ok(slot) = Arc::clone(&greeting).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = session.accept() => accepted,
            () = session.closed() => return,
        };
        let Ok((stream, _)) = accepted else { return };
        let task = incoming(Arc::clone(relay), Arc::clone(member), stream, slot);
        relay.spawn(task);
    }
}

async fn incoming(
    relay: Arc<Relay>,
    member: Arc<Member>,
    stream: SamStream,
    slot: OwnedSemaphorePermit,
) {
    let mut far = stream.compat();
    let greeted = timeout(GREETING_DEADLINE, async {
        let near = match greeting::wait(&mut far).await {
            Ok(()) => hand_over(&member).await,
            Err(GreetingError::Version(_)) => Err(Status::Version),
            Err(error) => return Err(error),
        };
        let status = near.as_ref().err().copied().unwrap_or(Status::Connected);
        greeting::reply(&mut far, status).await?;
        Ok(near)
    });
    let greeted = greeted.await;
    drop(slot);
    match greeted {
        Ok(Ok(Ok(near))) => {
            let ended = pump(near, far.into_inner(), relay.limits.stream_idle()).await;
            debug!(?ended, "an incoming stream ended");
        }
        Ok(Ok(Err(status))) => debug!(?status, "an incoming stream was not handed over"),
        Ok(Err(_)) | Err(_) => debug!("an incoming stream did not greet"),
    }
}

async fn hand_over(member: &Member) -> Result<BrowserStream, Status> {
    member.browser().ok_or(Status::Away)?.hand_over().await
}
