//! Keeps a router up and says how far it is.
//!
//! An embedded router: open its folder → find routers (reseed, or the private folder) → start → watch its bridge; whatever ends, start
//! again after a wait. Another's: watch its bridge. *Ready* means that a session was created, which takes tunnels in both
//! directions, and still is every ten minutes; the bridge is greeted every 15 seconds, since emissary's can die while its router
//! goes on.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use emissary_util::{
    reseeder::Reseeder,
    runtime::tokio::Runtime as Emissary,
    storage::{Storage, StorageBundle},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    Mode, Sam, SessionKeys, SessionOptions,
    backoff::{Backoff, seconds},
    embedded::{self, Keys, LaunchError, Network, OwnRuntime, Plan, Role},
    private::read_router_infos,
    stage::RouterStage,
};

/// First wait before a router that died is started again.
const RESTART_FIRST: Duration = Duration::from_secs(1);
/// Longest wait before a router that died is started again.
const RESTART_MOST: Duration = Duration::from_secs(120);
/// First wait before another's bridge that does not answer is asked again.
const ASK_FIRST: Duration = Duration::from_secs(1);
/// Longest wait before another's bridge that does not answer is asked again: it is cheap.
const ASK_MOST: Duration = Duration::from_secs(30);

/// Routers below which the list is fetched anew: with fewer, tunnels find no way.
const ENOUGH_ROUTERS: usize = 25;
/// For one attempt at reseeding: emissary tries five hosts with 15 seconds each.
const RESEED_LIMIT: Duration = Duration::from_secs(90);
/// First wait before reseeding again.
const RESEED_FIRST: Duration = Duration::from_secs(10);
/// Longest wait before reseeding again: the hosts refuse who asks too often, and machines come back online.
const RESEED_MOST: Duration = Duration::from_secs(300);

/// Routers that a private network has at least.
const ENOUGH_PRIVATE_ROUTERS: usize = 4;
/// Longest wait for a private network's folder.
const FOLDER_MOST: Duration = Duration::from_secs(5);

/// Between two greetings of a bridge.
const HELLO_INTERVAL: Duration = Duration::from_secs(15);
/// Greetings in a row without an answer, each with 5 seconds, after which a bridge counts as dead.
const HELLO_MISSES: u32 = 3;
/// The session that proves that tunnels stand: as cheap as can be.
const PROBE: SessionOptions = SessionOptions {
    quantity: 1,
    length: 2,
    accepts: 0,
};
/// Between two proofs. All tunnels are replaced within ten minutes.
const PROBE_INTERVAL: Duration = Duration::from_secs(600);
/// Proofs in a row that fail, with up to two minutes each, before a router that was ready is no longer called so: on the real
/// network many builds fail while others stand.
const PROBE_FAILURES: u32 = 2;
/// For a proof: an embedded router without a session by then is started anew, with a fresh list of routers.
const BUILD_LIMIT: Duration = Duration::from_secs(600);
/// Between two attempts at the first session.
const BUILD_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Supervisor {
    pub(super) mode: Mode,
    pub(super) folder: PathBuf,
    pub(super) stage: watch::Sender<RouterStage>,
    pub(super) bridge: watch::Sender<Option<Arc<str>>>,
    pub(super) sam: Sam,
    pub(super) restart: Arc<Notify>,
}

/// Why a bridge is no longer watched.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Died,
    NoTunnels,
}

impl Supervisor {
    pub(super) async fn run(self) {
        match &self.mode {
            Mode::Sam { host_port } => self.keep_asking(host_port).await,
            Mode::Embedded { .. } | Mode::Private { .. } => self.keep_up().await,
        }
    }

    /// Another's router.
    async fn keep_asking(&self, host_port: &str) {
        self.bridge.send_replace(Some(Arc::from(host_port)));
        let mut backoff = Backoff::new(ASK_FIRST, ASK_MOST);
        loop {
            tokio::select! {
                end = self.watch_bridge(0) => {
                    tracing::warn!(?end, "the router of others is of no use");
                    if self.is_ready() {
                        backoff.reset();
                    }
                }
                () = self.restart.notified() => {}
            }
            self.wait(backoff.wait()).await;
        }
    }

    /// A router of our own.
    async fn keep_up(&self) {
        let mut backoff = Backoff::new(RESTART_FIRST, RESTART_MOST);
        let mut reseed = false;
        loop {
            self.stage.send_replace(RouterStage::Starting);
            match self.start_once(reseed).await {
                Ok((_runtime, end)) => {
                    tracing::warn!(?end, "the router ended");
                    reseed = end == End::NoTunnels;
                    if self.is_ready() {
                        backoff.reset();
                    }
                }
                Err(error) => tracing::warn!(%error, "the router did not start"),
            }
            self.bridge.send_replace(None);
            self.wait(backoff.wait()).await;
        }
    }

    async fn wait(&self, wait: Duration) {
        self.stage.send_replace(RouterStage::Failed {
            retry_in: seconds(wait),
        });
        tokio::select! {
            () = sleep(wait) => {}
            () = self.restart.notified() => {}
        }
    }

    /// One life of a router. Its runtime is handed back so that it is cleared away last.
    async fn start_once(&self, reseed: bool) -> Result<(OwnRuntime, End), LaunchError> {
        let runtime = OwnRuntime::new()?;
        let folder = self.folder.clone();
        let (storage, bundle) = runtime
            .run(async move { embedded::open_folder(&folder).await })
            .await?;
        let plan = match &self.mode {
            Mode::Private {
                net_id,
                router_infos,
            } => {
                let network = Network::Private {
                    net_id: *net_id,
                    role: Role::Guest,
                };
                // What it learns of others is worth nothing once the network is gone.
                Plan {
                    routers: self.private_routers(router_infos).await,
                    ..plan(bundle, network, None)
                }
            }
            mode => {
                let public = if let Mode::Embedded { public } = mode {
                    *public
                } else {
                    None
                };
                let known = bundle.routers.clone();
                let routers = self.public_routers(&runtime, &storage, known, reseed).await;
                Plan {
                    routers,
                    ..plan(bundle, Network::Public(public), Some(storage.clone()))
                }
            }
        };
        let routers = u32::try_from(plan.routers.len()).unwrap_or(u32::MAX);
        let running = runtime
            .run(async move {
                let running = embedded::launch(plan).await?;
                // Who it is must not change from start to start.
                let kept = storage
                    .store_local_router_info(running.router_info.clone())
                    .await;
                kept.map_err(|_| LaunchError::Keys)?;
                Ok(running)
            })
            .await?;
        self.bridge
            .send_replace(Some(Arc::from(running.sam.to_string())));
        let end = tokio::select! {
            end = self.watch_bridge(routers) => end,
            _ = running.ended => End::Died,
            () = self.restart.notified() => End::Died,
        };
        Ok((runtime, end))
    }

    fn is_ready(&self) -> bool {
        matches!(*self.stage.borrow(), RouterStage::Ready { .. })
    }

    /// The routers of a private network, waited for.
    async fn private_routers(&self, folder: &Path) -> Vec<Vec<u8>> {
        let mut backoff = Backoff::new(Duration::from_millis(500), FOLDER_MOST);
        loop {
            match read_router_infos(folder) {
                Ok(routers) if routers.len() >= ENOUGH_PRIVATE_ROUTERS => return routers,
                Ok(_) => {}
                Err(error) => tracing::debug!(kind = %error.kind(), "no folder of router infos"),
            }
            self.no_routers(backoff.wait()).await;
        }
    }

    /// The routers to start with: those known, and those of the reseed hosts if they are too few.
    async fn public_routers(
        &self,
        runtime: &OwnRuntime,
        storage: &Storage,
        mut known: Vec<Vec<u8>>,
        reseed: bool,
    ) -> Vec<Vec<u8>> {
        if known.len() >= ENOUGH_ROUTERS && !reseed {
            return known;
        }
        let mut backoff = Backoff::new(RESEED_FIRST, RESEED_MOST);
        for attempt in 1.. {
            self.stage.send_replace(RouterStage::Reseeding { attempt });
            let storage = storage.clone();
            match runtime
                .run(async move { Ok(fetch_routers(&storage).await) })
                .await
            {
                Ok(Some(fetched)) => {
                    known.extend(fetched);
                    break;
                }
                _ if !known.is_empty() => break,
                _ => {
                    tracing::warn!(attempt, "no list of routers could be fetched");
                    self.no_routers(backoff.wait()).await;
                }
            }
        }
        known
    }

    async fn no_routers(&self, wait: Duration) {
        self.stage.send_replace(RouterStage::NoRouters {
            retry_in: seconds(wait),
        });
        tokio::select! {
            () = sleep(wait) => {}
            () = self.restart.notified() => {}
        }
    }

    /// Says *building*, then *ready*, again and again, and returns when the bridge is dead or no session was to be had.
    async fn watch_bridge(&self, routers: u32) -> End {
        let dies = async {
            let mut misses = 0;
            while misses < HELLO_MISSES {
                match self.sam.hello().await {
                    Ok(()) => {
                        misses = 0;
                        sleep(HELLO_INTERVAL).await;
                    }
                    // A refused connection comes at once: leave it some time.
                    Err(_) => {
                        misses += 1;
                        sleep(ASK_FIRST).await;
                    }
                }
            }
        };
        let never_again_ready = async {
            while self.becomes_ready(routers).await {
                sleep(PROBE_INTERVAL).await;
            }
        };
        tokio::select! {
            () = dies => End::Died,
            () = never_again_ready => End::NoTunnels,
        }
    }

    /// Creates a session, as proof that tunnels stand, and says what came of it. `false` if none was to be had.
    async fn becomes_ready(&self, routers: u32) -> bool {
        let until = Instant::now() + BUILD_LIMIT;
        let mut failures = 0;
        while Instant::now() < until {
            if self.sam.hello().await.is_ok() {
                if failures >= PROBE_FAILURES || !self.is_ready() {
                    self.say(RouterStage::Building { routers });
                }
                if self
                    .sam
                    .session(SessionKeys::Transient, PROBE)
                    .await
                    .is_ok()
                {
                    self.say(RouterStage::Ready { routers });
                    return true;
                }
                failures += 1;
            }
            sleep(BUILD_PAUSE).await;
        }
        false
    }

    fn say(&self, stage: RouterStage) {
        let changed = self
            .stage
            .send_if_modified(|said| std::mem::replace(said, stage) != stage);
        if changed {
            tracing::info!(?stage, "the router's stage changed");
        }
    }
}

/// Everything but the routers.
fn plan(bundle: StorageBundle, network: Network, storage: Option<Storage>) -> Plan {
    Plan {
        keys: Keys {
            r#static: bundle.static_key,
            signing: bundle.signing_key,
            ntcp2: bundle.ntcp2_key,
            ntcp2_iv: bundle.ntcp2_iv,
        },
        network,
        routers: Vec::new(),
        profiles: if storage.is_some() {
            bundle.profiles
        } else {
            Vec::new()
        },
        router_info: bundle.router_info,
        storage,
    }
}

/// Fetches a list of routers and keeps it. The hosts are emissary's own: it hangs if it is given fewer than five.
async fn fetch_routers(storage: &Storage) -> Option<Vec<Vec<u8>>> {
    let fetched = timeout(RESEED_LIMIT, Reseeder::reseed::<Emissary>(None, false))
        .await
        .ok()?
        .ok()?;
    let mut routers = Vec::with_capacity(fetched.len());
    for router in fetched {
        // Not kept is fetched again next time.
        if storage
            .store_router_info(router.name.to_string(), router.router_info.clone())
            .await
            .is_err()
        {
            tracing::debug!("a router info could not be kept");
        }
        routers.push(router.router_info);
    }
    Some(routers)
}
