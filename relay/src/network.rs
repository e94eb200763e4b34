//! The relay's side of I2P: its router's stage, and the pool of destinations from which members dial.
//!
//! Whoever is dialled sees the caller's address. So members dial from a few destinations that all share,
//! that are made anew every few hours, and that nothing is ever accepted on.

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
use tracing::{debug, info};

use crate::backoff::Backoff;
use crate::config::Limits;
use crate::random;

/// For the greeting of two relays: a round trip of some seconds, or twenty when a packet is lost.
pub(crate) const GREETING_DEADLINE: Duration = Duration::from_secs(60);

/// How long a dial waits for a destination to dial from. Tunnels take longer at the start; then the
/// browser is told so and dials again.
const POOL_WAIT: Duration = Duration::from_secs(10);

/// How often one dial is tried. A lease set that was published a moment ago is not found at once.
const ATTEMPTS: u32 = 3;

/// Pause between those.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1500));

/// First and longest wait between attempts to make a destination of the pool.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(120);

type Sessions = Vec<Option<Arc<Session>>>;

/// I2P as the rest of the relay sees it.
pub(crate) struct Network {
    router: RouterHandle,
    pool: watch::Sender<Sessions>,
}

/// A stream that another relay has handed to its member.
pub(crate) struct Dialed {
    pub(crate) stream: SamStream,
    /// The stream ends with it, and the pool may have let go of it.
    pub(crate) session: Arc<Session>,
}

impl Network {
    pub(crate) fn new(router: RouterHandle, pool: u8) -> Self {
        Self {
            router,
            pool: watch::Sender::new(vec![None; pool.into()]),
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
        let ready = |stage: &RouterStage| matches!(stage, RouterStage::Ready { .. });
        if self.stages().wait_for(ready).await.is_err() {
            // The router is gone for good, so the relay is about to end.
            std::future::pending::<()>().await;
        }
    }

    /// Makes a session that accepts streams.
    pub(crate) async fn session(&self, keys: SessionKeys<'_>) -> Result<Session, SessionError> {
        self.router
            .sam()
            .session(keys, self.router.session_options())
            .await
    }

    /// Keeps one destination of the pool up, for ever.
    pub(crate) async fn keep_pooled(&self, place: usize, limits: &Limits) {
        let [shortest, longest] = limits
            .pool_minutes
            .map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
        let options = self.router.session_options().connecting();
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
        loop {
            self.ready().await;
            match self
                .router
                .sam()
                .session(SessionKeys::Transient, options)
                .await
            {
                Ok(session) => {
                    backoff.reset();
                    let session = Arc::new(session);
                    self.put(place, Some(Arc::clone(&session)));
                    // When its time is over it serves until the next one is up.
                    tokio::select! {
                        () = sleep(random::between(shortest, longest)) => continue,
                        () = session.closed() => self.put(place, None),
                    }
                    info!("a destination for dials went down");
                }
                Err(error) => debug!(%error, "no destination for dials"),
            }
            sleep(backoff.wait()).await;
        }
    }

    fn put(&self, place: usize, session: Option<Arc<Session>>) {
        self.pool.send_modify(|pool| {
            if let Some(kept) = pool.get_mut(place) {
                *kept = session;
            }
        });
    }

    /// Dials an address: connects and greets the relay there.
    pub(crate) async fn dial(&self, to: Address) -> Result<Dialed, Opened> {
        let mut attempt = 1;
        let dialed = loop {
            let session = self.pooled().await.ok_or(Opened::NotReady)?;
            match session.connect(to).await {
                Ok(stream) => break Dialed { stream, session },
                Err(error) if attempt == ATTEMPTS || error == ConnectError::TimedOut => {
                    return Err(opened(error));
                }
                Err(error) => debug!(%error, attempt, "a dial is tried again"),
            }
            attempt += 1;
            sleep(random::between(PAUSE.0, PAUSE.1)).await;
        };
        greet(dialed).await
    }

    /// One of the pool's destinations, drawn anew for each dial.
    async fn pooled(&self) -> Option<Arc<Session>> {
        let mut pool = self.pool.subscribe();
        let any = |pool: &Sessions| pool.iter().any(|kept| live(kept).is_some());
        let pool = timeout(POOL_WAIT, pool.wait_for(any)).await.ok()?.ok()?;
        let live: Vec<_> = pool.iter().filter_map(live).collect();
        live.get(random::below(live.len()))
            .map(|session| Arc::clone(session))
    }
}

fn live(kept: &Option<Arc<Session>>) -> Option<&Arc<Session>> {
    kept.as_ref().filter(|session| !session.is_closed())
}

async fn greet(dialed: Dialed) -> Result<Dialed, Opened> {
    let Dialed { stream, session } = dialed;
    let mut stream = stream.compat();
    match timeout(GREETING_DEADLINE, greeting::greet(&mut stream)).await {
        Ok(Ok(Status::Connected)) => Ok(Dialed {
            stream: stream.into_inner(),
            session,
        }),
        Ok(Ok(status)) => Err(status.opened()),
        Ok(Err(error)) => Err(error.opened()),
        Err(_) => Err(Opened::TimedOut),
    }
}

fn opened(error: ConnectError) -> Opened {
    match error {
        ConnectError::Unreachable => Opened::Unreachable,
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
