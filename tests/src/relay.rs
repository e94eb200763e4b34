//! A private I2P network, and relays on it.

use std::{
    fs,
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
    /// With a router that is never there: only what goes from member to member works.
    Alone,
}

/// A relay, its data and its port, which outlive its process.
pub struct Relay {
    running: Option<Running>,
    data: TempDir,
    listen: SocketAddr,
    settings: RelaySettings,
    config: Option<PathBuf>,
    origin: String,
    join: String,
}

impl Relay {
    /// Starts a relay with empty data on a free port.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn start(settings: RelaySettings) -> Result<Self> {
        Self::start_configured(settings, "")
    }

    /// The same with a config file that says this, in TOML.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn start_configured(settings: RelaySettings, config: &str) -> Result<Self> {
        let data = TempDir::new()?;
        let file = data.path().join("config.toml");
        if !config.is_empty() {
            fs::write(&file, config)?;
        }
        // The port must stay the same over restarts, so it is chosen here and not by the relay.
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut relay = Self {
            running: None,
            data,
            listen,
            settings,
            config: (!config.is_empty()).then_some(file),
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
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
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
            RelaySettings::Alone => {
                // It would say again and again that its router is missing.
                command.args(["--router", "sam 127.0.0.1:9", "--log", "off"]);
            }
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

    /// The id of its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::pid)
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }
}
