//! A private I2P network: several real routers on loopback, in this process.
//!
//! For tests, demos and machines without internet. The routers have a network id of their own, so that they and the routers of the
//! I2P network refuse one another, and know each other from the start instead of by reseeding. Their router infos are written into a
//! folder (`router-N.dat`), from which others join ([`Mode::Private`](super::Mode::Private)).
//!
//! A new network needs about 10 seconds until the first session stands: its tunnels are built in rounds.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::embedded::{self, Keys, LaunchError, Network, OwnRuntime, Plan, Role};
use super::random;

/// Fewest routers: below, tunnels find no two different ways.
const MIN_ROUTERS: usize = 4;
/// Most routers: one process holds them all, each at 11 MiB.
const MAX_ROUTERS: usize = 32;
/// Those that hold the network's directory: one may be slow, and each must know the others.
const FLOODFILLS: usize = 3;
/// The largest router info read, in bytes: many times a real one.
const MAX_ROUTER_INFO_BYTES: u64 = 16 * 1024;
/// What a router info's file name ends in.
const EXTENSION: &str = "dat";

/// How a private network is made.
#[derive(Debug, Clone)]
pub struct PrivateOptions {
    /// Where router infos are written; those of an earlier network are removed.
    pub folder: PathBuf,
    /// Routers, 4 to 32. Default 6: tunnels through two or three others, with a choice.
    pub routers: usize,
    /// The network id, anything but I2P's own 2. Default 99.
    pub net_id: u8,
}

impl PrivateOptions {
    /// The default network id of private networks.
    pub const NET_ID: u8 = 99;

    /// Six routers, with their infos in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            routers: 6,
            net_id: Self::NET_ID,
        }
    }
}

/// Why a private network did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// The number of routers or the network id is out of bounds.
    #[error("{MIN_ROUTERS} to {MAX_ROUTERS} routers, and another network id than I2P's")]
    OutOfBounds,
    /// The folder of router infos.
    #[error("the folder of router infos: {0}")]
    Folder(#[from] io::Error),
    /// A router did not start.
    #[error("a router did not start: {0}")]
    Router(String),
}

impl From<LaunchError> for PrivateError {
    fn from(error: LaunchError) -> Self {
        Self::Router(error.to_string())
    }
}

/// A private network; it ends when dropped.
pub struct PrivateNetwork {
    _runtime: OwnRuntime,
    sams: Vec<SocketAddr>,
    options: PrivateOptions,
}

impl PrivateNetwork {
    /// Starts the routers, on a runtime of their own, and writes their infos.
    ///
    /// # Errors
    /// See [`PrivateError`].
    pub async fn start(options: PrivateOptions) -> Result<Self, PrivateError> {
        if !(MIN_ROUTERS..=MAX_ROUTERS).contains(&options.routers) || options.net_id == 2 {
            return Err(PrivateError::OutOfBounds);
        }
        fs::create_dir_all(&options.folder)?;
        for old in router_info_files(&options.folder)? {
            fs::remove_file(old)?;
        }
        let runtime = OwnRuntime::new()?;
        let (net_id, routers) = (options.net_id, options.routers);
        let (sams, infos) = runtime.run(launch_all(net_id, routers)).await?;
        for (number, info) in infos.iter().enumerate() {
            // Whoever waits for the files must never read half of one.
            let file = options.folder.join(format!("router-{number}.{EXTENSION}"));
            let unfinished = file.with_extension("part");
            fs::write(&unfinished, info)?;
            fs::rename(unfinished, file)?;
        }
        Ok(Self {
            _runtime: runtime,
            sams,
            options,
        })
    }

    /// The SAM bridges of the routers that are no floodfills.
    pub fn sam_addresses(&self) -> &[SocketAddr] {
        &self.sams
    }

    /// How it was made.
    pub const fn options(&self) -> &PrivateOptions {
        &self.options
    }
}

async fn launch_all(
    net_id: u8,
    routers: usize,
) -> Result<(Vec<SocketAddr>, Vec<Vec<u8>>), LaunchError> {
    let (mut sams, mut infos) = (Vec::new(), Vec::new());
    for number in 0..routers {
        let role = if number < FLOODFILLS {
            Role::Floodfill
        } else {
            Role::Carrier
        };
        let running = embedded::launch(Plan {
            keys: Keys::new().ok_or(LaunchError::Keys)?,
            network: Network::Private { net_id, role },
            // Each is given those before it and makes itself known to them.
            routers: infos.clone(),
            profiles: Vec::new(),
            router_info: None,
            storage: None,
        })
        .await?;
        if role == Role::Carrier {
            sams.push(running.sam);
        }
        infos.push(running.router_info);
    }
    Ok((sams, infos))
}

impl Keys {
    fn new() -> Option<Self> {
        let mut keys = Self {
            r#static: [0; 32],
            signing: [0; 32],
            ntcp2: [0; 32],
            ntcp2_iv: [0; 16],
        };
        for key in [
            &mut keys.r#static[..],
            &mut keys.signing,
            &mut keys.ntcp2,
            &mut keys.ntcp2_iv,
        ] {
            random::fill(key).ok()?;
        }
        Some(keys)
    }
}

/// The router infos in a folder, each of bounded size.
pub(super) fn read_router_infos(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut infos = Vec::new();
    for file in router_info_files(folder)?.into_iter().take(MAX_ROUTERS) {
        if fs::metadata(&file)?.len() <= MAX_ROUTER_INFO_BYTES {
            infos.push(fs::read(file)?);
        }
    }
    Ok(infos)
}

fn router_info_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == EXTENSION)
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
