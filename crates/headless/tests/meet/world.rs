//! A private I2P network and relays on it.

use std::time::Duration;

use komrade_i2p::net::{PrivateNetwork, PrivateOptions};
use komrade_relay::{
    Running, StartError,
    config::{Config, Router},
    start,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::{PATIENCE, wire::Wire};

/// How often it is looked whether a relay can be started again.
const LOOK: Duration = Duration::from_millis(50);

pub struct World {
    network: PrivateNetwork,
    folder: TempDir,
    started: Instant,
}

impl World {
    pub async fn start() -> Self {
        let started = Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let network = PrivateNetwork::start(PrivateOptions::new(folder.path()))
            .await
            .unwrap();
        Self {
            network,
            folder,
            started,
        }
    }

    /// The embedded router, on this network.
    pub fn private_router(&self) -> Router {
        let folder = self.folder.path().to_owned();
        Router::Private {
            folder,
            net_id: self.network.options().net_id,
        }
    }

    /// Two routers of this network, by SAM.
    pub fn sam_routers(&self) -> [Router; 2] {
        let addresses = self.network.sam_addresses();
        [addresses[0], addresses[1]].map(|address| Router::Sam {
            address: address.to_string(),
        })
    }

    pub async fn relay(&self, router: Router) -> Relay {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data: Some(folder.path().to_owned()),
            router,
            ..Config::default()
        };
        let running = start(config.clone()).await.unwrap();
        let wire = Wire::to(running.address()).await;
        // The same place again when it comes back.
        let config = Config {
            listen: running.address(),
            ..config
        };
        Relay {
            running: Some(running),
            config,
            wire,
            _folder: folder,
        }
    }

    /// Says how far the test is, and after how long.
    #[allow(clippy::print_stderr)]
    pub fn step(&self, what: &str) {
        eprintln!("{:>6.1} s  {what}", self.started.elapsed().as_secs_f64());
    }
}

/// A relay, and the wire that its members use to reach it.
pub struct Relay {
    running: Option<Running>,
    config: Config,
    wire: Wire,
    _folder: TempDir,
}

impl Relay {
    /// What a member is given to join with.
    pub fn join_link(&self) -> String {
        let secret = self.running.as_ref().unwrap().join_secret().unwrap();
        format!("http://{}/#j/{}", self.wire.address(), secret.as_str())
    }

    pub fn cuts_websockets(&mut self) {
        self.wire.cut();
    }

    pub fn is_killed(&mut self) {
        self.running = None;
        self.wire.cut();
    }

    /// As soon as the one before has let go of its files.
    pub async fn comes_back(&mut self) {
        let started = timeout(PATIENCE, async {
            loop {
                match start(self.config.clone()).await {
                    Ok(running) => break running,
                    Err(StartError::FolderInUse { .. } | StartError::AddressInUse { .. }) => {
                        sleep(LOOK).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
        self.running = Some(started.await.expect("in time"));
    }
}
