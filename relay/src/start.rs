//! Starting and stopping.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::error::StartError;
use crate::join::JoinFile;
use crate::{app, data, health, http};

/// A relay that runs. Dropping it stops it at once; [`Running::stop`] lets it say goodbye.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    join: JoinFile,
    first_start: bool,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Starts a relay. It serves as soon as this returns, whatever its router is doing.
///
/// # Errors
/// [`StartError`], worded for the operator.
pub async fn start(config: Config) -> Result<Running, StartError> {
    config.validate()?;
    let folder = config.data.clone().or_else(data::default_folder).ok_or(StartError::NoFolder)?;
    data::prepare(&folder)
        .map_err(|source| StartError::Folder { path: folder.clone(), source })?;
    let join = JoinFile::in_folder(&folder);
    let (_, first_start) = join
        .read_or_create()
        .map_err(|source| StartError::JoinSecret { path: join.path().to_owned(), source })?;
    let listener = listen(config.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|source| StartError::Listen { address: config.listen, source })?;

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let routes = Router::new()
        .route("/health", get(health::answer))
        .fallback(get(app::serve))
        .layer(map_response(http::with_headers));
    tasks.spawn(http::serve(listener, routes, config.limits.connections, stop.clone()));
    tasks.close();
    Ok(Running { address, join, first_start, stop, tasks })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
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
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
