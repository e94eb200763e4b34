//! The relay's router: one handle, whoever runs the router.

use std::{
    io,
    net::SocketAddrV4,
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{Sam, SessionOptions, stage::RouterStage, supervisor};

/// Which router is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// One inside this process, in the I2P network. At its first start it fetches a list of routers from the reseed hosts.
    Embedded {
        /// Where it can be reached from outside, if it can. Without, it reaches out to others only.
        public: Option<SocketAddrV4>,
    },
    /// The same in a private network: another network id, a folder of router infos instead of reseeding, addresses on
    /// loopback. Nothing else differs.
    Private {
        /// The id of the network, anything but I2P's own 2.
        net_id: u8,
        /// The folder that [`PrivateNetwork`](super::PrivateNetwork) writes.
        router_infos: PathBuf,
    },
    /// Another's: i2pd, Java I2P or a second relay's.
    Sam {
        /// Its SAM bridge, as in `127.0.0.1:7656`.
        host_port: String,
    },
}

/// Why a router cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its runtime.
    #[error("the router's threads: {0}")]
    Threads(#[from] io::Error),
    /// A private network cannot have I2P's own id.
    #[error("a private network needs another id than I2P's")]
    NetworkId,
}

/// Starts routers.
#[derive(Debug)]
pub struct Router;

/// A router, kept up until this is dropped or [`shutdown`](Self::shutdown).
pub struct RouterHandle {
    stages: watch::Receiver<RouterStage>,
    sam: Sam,
    options: SessionOptions,
    restart: Arc<Notify>,
    supervisor: JoinHandle<()>,
}

impl Router {
    /// Starts a router and keeps it up. Returns at once: how far it is tell the stages.
    ///
    /// `folder` holds the identity and the peers of an embedded router and is made with mode 0700; `Mode::Sam` does not use it.
    ///
    /// # Errors
    /// Only what no waiting mends; a router that dies or cannot start is a stage.
    pub fn start(mode: Mode, folder: &Path) -> Result<RouterHandle, StartError> {
        if matches!(mode, Mode::Private { net_id: 2, .. }) {
            return Err(StartError::NetworkId);
        }
        let (stage, stages) = watch::channel(RouterStage::Starting);
        let (bridge, following) = watch::channel(None);
        let sam = Sam::following(following);
        let restart = Arc::new(Notify::new());
        // On the real network three routers, as I2P recommends; a private one has few to choose from and nobody to hide from.
        let length = if matches!(mode, Mode::Private { .. }) {
            2
        } else {
            3
        };
        let options = SessionOptions {
            length,
            ..SessionOptions::default()
        };
        let supervisor = supervisor::Supervisor {
            mode,
            folder: folder.to_owned(),
            stage,
            bridge,
            sam: sam.clone(),
            restart: Arc::clone(&restart),
        };
        let supervisor = tokio::spawn(supervisor.run());
        Ok(RouterHandle {
            stages,
            sam,
            options,
            restart,
            supervisor,
        })
    }
}

impl RouterHandle {
    /// The SAM client: follows the router when it is started again on another port.
    pub fn sam(&self) -> Sam {
        self.sam.clone()
    }

    /// Where the SAM bridge is now, if it is up.
    pub fn sam_address(&self) -> Option<String> {
        self.sam.host_port()
    }

    /// How sessions are best built on this router.
    pub const fn session_options(&self) -> SessionOptions {
        self.options
    }

    /// How far the router is, now and whenever that changes.
    pub fn stages(&self) -> watch::Receiver<RouterStage> {
        self.stages.clone()
    }

    /// Ends an embedded router as if it had died; another is started. A router of others is asked anew.
    pub fn restart(&self) {
        self.restart.notify_one();
    }

    /// Ends the router, its sessions and streams.
    pub async fn shutdown(mut self) {
        self.supervisor.abort();
        // Cancelled, as asked for.
        let _ = (&mut self.supervisor).await;
    }
}

impl Drop for RouterHandle {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}
