//! Emissary routers inside this process.
//!
//! Each embedded router runs on a tokio runtime of its own: emissary starts dozens of tasks that only end with their runtime, so
//! that a router that died can be cleared away whole, and a panic in it stays there.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use emissary_core::{
    BandwidthConfig, Config, Ntcp2Config, Profile, SamConfig, TransitConfig,
    primitives::RouterIdentity, router::Router,
};
use emissary_util::{
    runtime::tokio::Runtime as Emissary,
    storage::{Storage, StorageBundle},
};
use thiserror::Error;
use tokio::{runtime, task::JoinHandle};

/// Worker threads of a router's runtime: the second keeps SAM going while the first is busy with a handshake.
const WORKER_THREADS: usize = 2;

/// Seconds between the events of emissary 0.4: in fact never. Each event zeroes the counter by which transit tunnels are seen to be
/// in use, so that with the default of one second all of them die after 120.
const EVENT_INTERVAL: usize = 1_000_000;

/// Transit tunnels carried for others: cover for one's own, at a cost that a small machine bears.
const MAX_TRANSIT_TUNNELS: usize = 1_000;

/// Bytes a second in a network on one's own machine, where emissary's default of 1 MB would be the bottleneck.
const LOCAL_BANDWIDTH: usize = 100_000_000;

/// Files that hold the router's keys, with the only length that emissary survives.
const KEY_FILES: [(&str, u64); 4] = [
    ("ntcp2.keys", 48),
    ("ssu2.keys", 64),
    ("static.key", 32),
    ("signing.key", 32),
];

/// A tokio runtime that is ended, not awaited, when dropped.
pub(super) struct OwnRuntime(Option<runtime::Runtime>);

impl OwnRuntime {
    pub(super) fn new() -> io::Result<Self> {
        runtime::Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("i2p-router")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    /// Runs a future on it. A panic there is [`LaunchError::Panicked`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, LaunchError>> + Send + 'static,
    ) -> Result<T, LaunchError> {
        let runtime = self.0.as_ref().ok_or(LaunchError::Panicked)?;
        runtime
            .spawn(future)
            .await
            .map_err(|_| LaunchError::Panicked)?
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Why a router did not start.
#[derive(Debug, Error)]
pub(super) enum LaunchError {
    #[error("its folder: {0}")]
    Folder(#[from] io::Error),
    #[error("its keys cannot be kept")]
    Keys,
    #[error("its ports cannot be opened")]
    Ports,
    #[error("it panicked")]
    Panicked,
}

/// What a router is made of.
pub(super) struct Plan {
    pub(super) keys: Keys,
    pub(super) network: Network,
    /// Router infos of others.
    pub(super) routers: Vec<Vec<u8>>,
    pub(super) profiles: Vec<(String, Profile)>,
    /// Its own router info of last time: who it is.
    pub(super) router_info: Option<Vec<u8>>,
    /// Where to keep what it learns of others.
    pub(super) storage: Option<Storage>,
}

/// A router's keys, as kept in its folder.
pub(super) struct Keys {
    pub(super) r#static: [u8; 32],
    pub(super) signing: [u8; 32],
    pub(super) ntcp2: [u8; 32],
    pub(super) ntcp2_iv: [u8; 16],
}

/// Which network a router joins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Network {
    /// The I2P network, reachable from outside at this address if there is one.
    Public(Option<SocketAddrV4>),
    /// A network of its own on loopback.
    Private { net_id: u8, role: Role },
}

/// What a router does for the others of a private network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Carries tunnels, holds the directory.
    Floodfill,
    /// Carries tunnels.
    Carrier,
    /// Nothing: it comes and goes. Where few carry, each that dies takes everybody's tunnels with it, and the others come to
    /// distrust those that were on them.
    Guest,
}

/// A router that has started; it ends with its runtime.
pub(super) struct Running {
    pub(super) sam: SocketAddr,
    pub(super) router_info: Vec<u8>,
    pub(super) ended: JoinHandle<()>,
}

/// Starts a router on the runtime that this is called on.
pub(super) async fn launch(plan: Plan) -> Result<Running, LaunchError> {
    let storage = plan
        .storage
        .clone()
        .map(|storage| Arc::new(storage) as Arc<_>);
    let (router, _events, router_info) = Router::<Emissary>::new(config(plan), None, storage)
        .await
        .map_err(|_| LaunchError::Ports)?;
    let sam = router
        .protocol_address_info()
        .sam_tcp
        .ok_or(LaunchError::Ports)?;
    Ok(Running {
        sam,
        router_info,
        ended: tokio::spawn(router),
    })
}

fn config(plan: Plan) -> Config {
    let (net_id, role, public) = match plan.network {
        Network::Public(public) => (None, None, public),
        // Any free port.
        Network::Private { net_id, role } => (
            Some(net_id),
            Some(role),
            Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)),
        ),
    };
    let private = net_id.is_some();
    Config {
        allow_local: private,
        // All routers of a private network share an address, which tunnels would otherwise avoid.
        insecure_tunnels: private,
        bandwidth: private.then(|| BandwidthConfig {
            bandwidth: LOCAL_BANDWIDTH,
            ..BandwidthConfig::default()
        }),
        // Fast and reachable: tunnels avoid routers that say less of themselves.
        caps: match role {
            Some(Role::Floodfill) => Some("XfR".to_owned()),
            Some(Role::Carrier) => Some("XR".to_owned()),
            _ => None,
        },
        net_id,
        floodfill: role == Some(Role::Floodfill),
        ntcp2: Some(Ntcp2Config {
            ipv4: true,
            ipv4_host: public.map(|at| *at.ip()),
            ipv6: false,
            ipv6_host: None,
            iv: plan.keys.ntcp2_iv,
            key: plan.keys.ntcp2,
            port: public.map_or(0, |at| at.port()),
            publish: public.is_some(),
            ml_kem: None,
            disable_pq: false,
        }),
        profiles: plan.profiles,
        refresh_interval: Some(EVENT_INTERVAL),
        router_info: plan.router_info,
        routers: plan.routers,
        samv3_config: Some(SamConfig {
            tcp_port: 0,
            udp_port: 0,
            host: Ipv4Addr::LOCALHOST.to_string(),
        }),
        signing_key: Some(plan.keys.signing),
        static_key: Some(plan.keys.r#static),
        transit: (role != Some(Role::Guest)).then_some(TransitConfig {
            max_tunnels: Some(MAX_TRANSIT_TUNNELS),
        }),
        ..Config::default()
    }
}

/// Opens a router's folder, which holds its keys in clear: made for its owner only. Runs on a router's runtime, since emissary
/// panics over what it does not expect.
pub(super) async fn open_folder(folder: &Path) -> Result<(Storage, StorageBundle), LaunchError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for (name, bytes) in KEY_FILES {
        // A machine that stopped at the wrong moment leaves a file cut short. The keys are only a router's: new ones do.
        let file = folder.join(name);
        if fs::metadata(&file).is_ok_and(|found| found.len() != bytes) {
            tracing::warn!("a damaged key of the router was replaced");
            fs::remove_file(&file)?;
        }
    }
    let storage = Storage::new::<Emissary>(Some(folder.to_owned()))
        .await
        .map_err(|_| LaunchError::Keys)?;
    let mut bundle = storage.load().await;
    bundle.router_info = bundle
        .router_info
        .filter(|info| RouterIdentity::parse(info).is_ok());
    Ok((storage, bundle))
}
