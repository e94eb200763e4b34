//! The relay's side of I2P: its router's stage, sessions, and dials.

use std::sync::Arc;
use std::time::Duration;

use komrade_i2p::Address;
use komrade_i2p::net::{
    ConnectError, RouterHandle, RouterStage, SamStream, Session, SessionError, SessionKeys,
};
use komrade_wire::control::Stage;
use komrade_wire::greeting::{self, Status};
use komrade_wire::header::Opened;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::compat::TokioAsyncReadCompatExt;
use tracing::debug;

use crate::config::Limits;
use crate::pool::{Pool, Pooled};
use crate::random;

/// For the greeting of two relays: a round trip of some seconds, or twenty when a packet is lost.
pub(crate) const GREETING_DEADLINE: Duration = Duration::from_secs(60);

/// How often one dial is tried. A lease set that was published a moment ago is not found at once.
const ATTEMPTS: u32 = 3;

/// Pause between those.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1500));

/// I2P as the rest of the relay sees it.
pub(crate) struct Network {
    router: RouterHandle,
    pool: Pool,
}

/// A stream that another relay has handed to its member.
pub(crate) struct Dialed {
    pub(crate) stream: SamStream,
    /// Where it was dialled from: the stream ends with that.
    pub(crate) from: Arc<Pooled>,
}

impl Network {
    pub(crate) fn new(router: RouterHandle, pool: u8) -> Self {
        Self {
            router,
            pool: Pool::new(pool),
        }
    }

    /// Ends the router.
    pub(crate) async fn shutdown(self) {
        drop(self.pool);
        self.router.shutdown().await;
    }

    /// The router's stage, now and whenever it changes.
    pub(crate) fn stages(&self) -> watch::Receiver<RouterStage> {
        self.router.stages()
    }

    /// Sessions can be made.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(*self.stages().borrow(), RouterStage::Ready { .. })
    }

    /// Returns once sessions can be made.
    pub(crate) async fn ready(&self) {
        ready(&self.router).await;
    }

    /// Makes a session that accepts streams.
    pub(crate) async fn session(&self, keys: SessionKeys<'_>) -> Result<Session, SessionError> {
        self.router
            .sam()
            .session(keys, self.router.session_options())
            .await
    }

    /// Makes a session that only calls.
    pub(crate) async fn calling_session(
        &self,
        keys: SessionKeys<'_>,
    ) -> Result<Session, SessionError> {
        let options = self.router.session_options().connecting();
        self.router.sam().session(keys, options).await
    }

    /// Keeps one place of the pool filled, for ever.
    pub(crate) async fn keep_pooled(&self, place: usize, limits: &Limits) {
        self.pool.keep(place, &self.router, limits).await;
    }

    /// Notes that a stream to this address has just ended.
    pub(crate) fn hung_up(&self, address: Address) {
        self.pool.set_alive(address);
    }

    /// Dials an address: connects and greets the relay there.
    pub(crate) async fn dial(&self, to: Address) -> Result<Dialed, Opened> {
        let mut attempt = 1;
        let dialed = loop {
            let from = self.pool.draw(to).await.ok_or(Opened::NotReady)?;
            let connected = from.session.connect(to).await;
            from.set_failed(to, connected.is_err());
            match connected {
                Ok(stream) => break Dialed { stream, from },
                Err(error) if attempt == ATTEMPTS => return Err(opened(error)),
                Err(error) => debug!(%error, attempt, "a dial is tried again"),
            }
            attempt += 1;
            sleep(random::between(PAUSE.0, PAUSE.1)).await;
        };
        self.pool.set_alive(to);
        greet(dialed).await
    }
}

/// Returns once sessions can be made.
pub(crate) async fn ready(router: &RouterHandle) {
    let ready = |stage: &RouterStage| matches!(stage, RouterStage::Ready { .. });
    if router.stages().wait_for(ready).await.is_err() {
        // The router is gone for good, so the relay is about to end.
        std::future::pending::<()>().await;
    }
}

async fn greet(dialed: Dialed) -> Result<Dialed, Opened> {
    let Dialed { stream, from } = dialed;
    let mut stream = stream.compat();
    match timeout(GREETING_DEADLINE, greeting::greet(&mut stream)).await {
        Ok(Ok(Status::Connected)) => Ok(Dialed {
            stream: stream.into_inner(),
            from,
        }),
        Ok(Ok(status)) => Err(status.opened()),
        Ok(Err(error)) => Err(error.opened()),
        Err(_) => Err(Opened::TimedOut),
    }
}

fn opened(error: ConnectError) -> Opened {
    match error {
        ConnectError::Unreachable | ConnectError::Stale => Opened::Unreachable,
        ConnectError::TimedOut => Opened::TimedOut,
        _ => Opened::NotReady,
    }
}

/// The stage in the words of the control stream.
pub(crate) fn stage(stage: RouterStage) -> Stage {
    match stage {
        RouterStage::Starting => Stage::Starting,
        RouterStage::Reseeding { attempt } => Stage::Reseeding { attempt },
        RouterStage::NoRouters { retry_in } => Stage::NoRouters { retry_in },
        RouterStage::Building { routers } => Stage::Building { routers },
        RouterStage::Ready { routers } => Stage::Ready { routers },
        RouterStage::Failed { retry_in } => Stage::Failed { retry_in },
        // A stage that this relay does not know yet is not ready.
        _ => Stage::Starting,
    }
}
