//! Starting and stopping.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{any, get};
use komrade_i2p::net::{self as i2p, Mode, RouterStage};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::DropGuard;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::config::{self, Config};
use crate::error::StartError;
use crate::join::JoinFile;
use crate::network::Network;
use crate::node::Node;
use crate::relay::Relay;
use crate::{app, connection, data, health, http};

/// The embedded router's own folder below the data folder.
const ROUTER_FOLDER: &str = "router";

/// A relay that runs. Dropping it stops it at once; [`Running::stop`] lets it say goodbye.
pub struct Running {
    address: SocketAddr,
    join: JoinFile,
    first_start: bool,
    relay: Arc<Relay>,
    _stop: DropGuard,
}

/// Starts a relay. It serves as soon as this returns, whatever its router is doing.
///
/// # Errors
/// [`StartError`], worded for the operator.
pub async fn start(config: Config) -> Result<Running, StartError> {
    config.validate()?;
    let folder = config
        .data
        .clone()
        .or_else(data::default_folder)
        .ok_or(StartError::NoFolder)?;
    data::prepare(&folder).map_err(|source| StartError::Folder {
        path: folder.clone(),
        source,
    })?;
    let join = JoinFile::in_folder(&folder);
    let (_, first_start) = join
        .read_or_create()
        .map_err(|source| StartError::JoinSecret {
            path: join.path().to_owned(),
            source,
        })?;
    let node = Node::open(&folder, &config.cache)?;
    let listener = listen(config.listen).await?;
    let address = listener.local_addr().map_err(|source| StartError::Listen {
        address: config.listen,
        source,
    })?;

    let router = i2p::Router::start(mode(config.router), &folder.join(ROUTER_FOLDER))?;
    let network = Network::new(router, config.limits.pool);
    let settings = (config.limits, config.cache);
    let relay = Arc::new(Relay::new(settings, join.clone(), network, node));
    Node::run(&relay);
    for place in 0..relay.limits.pool.into() {
        let pool = Arc::clone(&relay);
        relay.spawn(async move { pool.network.keep_pooled(place, &pool.limits).await });
    }
    relay.spawn(log_stages(relay.network.stages()));
    let routes = Router::new()
        .route("/health", get(health::answer))
        .route("/ws", any(connection::upgrade))
        .fallback(get(app::serve::<app::App>))
        .layer(map_response(http::with_headers))
        .with_state(Arc::clone(&relay));
    let serving = http::serve(
        listener,
        routes,
        relay.limits.connections,
        relay.stop.clone(),
    );
    relay.tasks.spawn(serving);
    let stop = relay.stop.clone().drop_guard();
    Ok(Running {
        address,
        join,
        first_start,
        relay,
        _stop: stop,
    })
}

fn mode(router: config::Router) -> Mode {
    match router {
        config::Router::Embedded { public } => Mode::Embedded { public },
        config::Router::Sam { address } => Mode::Sam { host_port: address },
        config::Router::Private { folder, net_id } => Mode::Private {
            net_id,
            router_infos: folder,
        },
    }
}

/// The router's stages in words, for the operator.
async fn log_stages(mut stages: watch::Receiver<RouterStage>) {
    loop {
        match *stages.borrow_and_update() {
            RouterStage::Starting => info!("I2P: starting"),
            RouterStage::Reseeding { attempt } => info!(attempt, "I2P: fetching a list of routers"),
            RouterStage::NoRouters { retry_in } => warn!(
                retry_in,
                "I2P: no routers known and none could be fetched; is this machine online? The app is \
                 served all the same"
            ),
            RouterStage::Building { routers } => info!(routers, "I2P: building tunnels"),
            RouterStage::Ready { routers } => info!(routers, "I2P: ready"),
            RouterStage::Failed { retry_in } => warn!(retry_in, "I2P: the router does not answer"),
            _ => {}
        }
        if stages.changed().await.is_err() {
            return;
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
            _ => StartError::Listen { address, source },
        })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The web origin as seen from this machine.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The join secret as base64url.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn join_secret(&self) -> io::Result<Zeroizing<String>> {
        Ok(self.join.read()?.to_text())
    }

    /// There was no join secret before.
    pub fn is_first_start(&self) -> bool {
        self.first_start
    }

    /// Dismisses the members, closes everything and returns when that is done.
    pub async fn stop(self) {
        self.relay.stop.cancel();
        self.relay.tasks.close();
        self.relay.tasks.wait().await;
        self.relay.node.close().await;
        if let Some(relay) = Arc::into_inner(self.relay) {
            relay.network.shutdown().await;
        }
    }
}
