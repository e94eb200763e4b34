//! Why a relay does not start, in sentences that say what to do next.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::ConfigError;

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// See [`ConfigError`].
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No data folder was given and none can be guessed.
    #[error("no home folder is known; say with --data FOLDER where the relay may keep its data")]
    NoFolder,
    /// The data folder cannot be made or written to.
    #[error(
        "cannot write to the data folder {path}: {source}\n\
         Give it to the user that runs the relay, or choose another one with --data FOLDER."
    )]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The join secret's file cannot be used.
    #[error(
        "cannot use the join secret in {path}: {source}\n\
         `komrade-relay join-secret rotate` makes a new one; members then need the new link."
    )]
    JoinSecret {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The node's keys cannot be used.
    #[error(
        "cannot use the node's key in {path}: {source}\n\
         Members' homes name this key. If it is lost for good, move the file away: the relay makes a new one, and members \
         tell their comrades."
    )]
    NodeKeys {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The cache cannot be used.
    #[error(
        "cannot use the cache in {path}: {reason}\n\
         If it is damaged, move the file away: the relay begins a new one, and members return what they hold."
    )]
    Cache {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another relay has the cache open.
    #[error(
        "another relay keeps its data in {folder}.\n\
         Stop that one, or choose another folder with --data FOLDER."
    )]
    FolderInUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// Something else listens there already.
    #[error(
        "{address} is in use, perhaps by another relay.\n\
         Stop that one, or choose another port with --listen ADDRESS:PORT."
    )]
    AddressInUse {
        /// Where.
        address: SocketAddr,
    },
    /// It is not possible to listen there.
    #[error("cannot listen on {address}: {source}\nChoose another one with --listen ADDRESS:PORT.")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The router cannot be used at all.
    #[error("the I2P router cannot be started: {0}")]
    Router(#[from] komrade_i2p::net::StartError),
}
