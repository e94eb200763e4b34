//! A private I2P network, and relays on it.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{LOCAL, Running, program};

/// Real I2P routers on loopback, with a network id of their own.
pub struct Network {
    _routers: Running,
    folder: TempDir,
    sam: String,
}

impl Network {
    /// Starts six routers.
    ///
    /// # Errors
    /// If they do not come up.
    pub fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let mut command = Command::new(program("komrade-i2p-private")?);
        command.args(["--routers", "6", "--dir"]).arg(folder.path());
        let (routers, sam) = Running::start(command, LOCAL, |line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(value.get("sam")?.as_str()?.to_owned())
        })?;
        Ok(Self {
            _routers: routers,
            folder,
            sam,
        })
    }

    /// The folder of router infos, for relays with a router of their own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The SAM bridge of one of the routers, `host:port`.
    pub fn sam(&self) -> &str {
        &self.sam
    }
}

/// How a relay is to be run.
#[derive(Debug, Clone)]
pub enum RelaySettings {
    /// With a router of its own on the private network whose router infos stand in this folder.
    Private(PathBuf),
    /// With a router elsewhere, reached through SAM at `host:port`.
    Sam(String),
    /// With an embedded router for the real network, which a machine without internet cannot reach.
    Embedded,
}

/// A relay, its data and its port, which outlive its process.
pub struct Relay {
    running: Option<Running>,
    data: TempDir,
    listen: SocketAddr,
    settings: RelaySettings,
    origin: String,
    join: String,
}

impl Relay {
    /// Starts a relay with empty data on a free port.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn start(settings: RelaySettings) -> Result<Self> {
        // The port must stay the same over restarts, so it is chosen here and not by the relay.
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut relay = Self {
            running: None,
            data: TempDir::new()?,
            listen,
            settings,
            origin: String::new(),
            join: String::new(),
        };
        relay.restart()?;
        Ok(relay)
    }

    /// Starts it (again) on the same port with the same data.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.running = None;
        let mut command = Command::new(program("komrade-relay")?);
        command
            .args([
                "--print-json",
                "--listen",
                &self.listen.to_string(),
                "--data",
            ])
            .arg(self.data.path());
        match &self.settings {
            RelaySettings::Private(folder) => {
                command
                    .args(["--router", "private", "--private-net"])
                    .arg(folder);
            }
            RelaySettings::Sam(address) => {
                command.args(["--router", &format!("sam {address}")]);
            }
            RelaySettings::Embedded => {}
        }
        let (running, (origin, join)) = Running::start(command, LOCAL, |line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
            let origin = text("origin")?;
            let join = format!("{origin}/#j/{}", text("join")?);
            Some((origin, join))
        })?;
        self.running = Some(running);
        self.origin = origin;
        self.join = join;
        Ok(())
    }

    /// Ends it at once (SIGKILL); its data stay.
    ///
    /// # Errors
    /// If it was not running.
    pub fn kill(&mut self) -> Result<()> {
        self.running
            .take()
            .context("the relay is not running")?
            .kill()
    }

    /// Ends it at once (SIGKILL) and deletes its data: nothing of it comes back.
    ///
    /// # Errors
    /// If it was not running, or its data could not be deleted.
    pub fn burn(mut self) -> Result<()> {
        self.kill()?;
        Ok(self.data.close()?)
    }

    /// `http://127.0.0.1:port`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The link that lets a newcomer use this relay; the secret stands after `#`.
    pub fn join_link(&self) -> &str {
        &self.join
    }

    /// The same relay, reached at another address: what a proxy in front of it would be called.
    pub fn join_link_at(&self, listen: SocketAddr) -> String {
        self.join
            .replace(&self.listen.to_string(), &listen.to_string())
    }

    /// Where it listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }
}
