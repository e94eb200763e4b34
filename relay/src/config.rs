//! What an operator can choose: the config file, its defaults and their bounds.
//!
//! Every value has a default that is fit for a relay of a small collective, so the file may be absent or
//! empty; `komrade-relay.example.toml` shows all of it. What stands on the command line wins.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use komrade_ether::Settings;
use komrade_i2p::net::PrivateOptions;
use komrade_wire::mux::STREAM_WINDOW;
use serde::Deserialize;

/// Streams that a member may open above [`Limits::streams`] and be told so, rather than see them reset.
pub(crate) const SPARE_STREAMS: usize = 4;

const MEGABYTE: u64 = 1_000_000;

/// All that an operator can choose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Loopback, because TLS is for whoever stands in front.
    pub listen: SocketAddr,
    /// Folder of the join secret, the cache and the keys of node and router. `None`: `komrade-relay` in the user's data folder.
    pub data: Option<PathBuf>,
    /// Which router carries the traffic.
    pub router: Router,
    /// What members may use.
    pub limits: Limits,
    /// What the relay's node keeps for those who are away.
    pub cache: Cache,
}

/// Which router carries the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Router {
    /// The embedded one, on the public I2P network.
    Embedded {
        /// Where other routers reach this one from outside, if they can. Without, it only reaches out.
        #[serde(default)]
        public: Option<SocketAddrV4>,
    },
    /// One that runs elsewhere and offers SAM (i2pd, Java I2P).
    Sam {
        /// `host:port` of its SAM bridge.
        address: String,
    },
    /// The embedded one, on a network of one's own.
    Private {
        /// Folder of router infos to begin with.
        folder: PathBuf,
        /// The network's id, anything but I2P's own 2.
        #[serde(default = "private_net_id")]
        net_id: u8,
    },
}

/// The id of private networks that do not name one.
pub(crate) fn private_net_id() -> u8 {
    PrivateOptions::NET_ID
}

impl Default for Router {
    fn default() -> Self {
        Self::Embedded { public: None }
    }
}

/// What the relay's node keeps, and what links to it may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Megabytes of envelopes kept. Default: that of [`Settings::capacity`]. The file takes about a quarter more on the disk,
    /// where all envelopes are of the smallest class half as much again (measured: 3.2 GB for a million); with what waits for
    /// other relays about half a gigabyte more. It is longer than that, since it grows ahead of what is written.
    pub capacity_mb: u32,
    /// Megabytes of that file kept in memory. Default 64: its inner pages for some millions of envelopes.
    pub memory_mb: u16,
    /// Zero bits of the least work that strangers without a put token, and every first contact, have to show. Default 16: some
    /// tens of milliseconds in a browser.
    pub work_bits: u8,
    /// Links of one member to the node at once. Default 2: one, and the one that replaces it. Together with `limits.sockets`,
    /// `stranger_links` and `link_window_kb` it bounds memory: (128 × 2 + 64) × (256 + 512) KiB = 240 MiB at the worst.
    pub member_links: u8,
    /// Links of other relays to the node at once. Default 64: each relay that has something for this one needs one for some
    /// seconds.
    pub stranger_links: u16,
    /// KiB of requests that one link may have in flight. Default 256: what a tunnel of I2P carries in one round trip.
    pub link_window_kb: u16,
    /// Seconds after which a silent link of another relay is closed. Default 120: longer than a round trip with a packet lost.
    pub stranger_idle_seconds: u16,
    /// Other relays that are called at once. Default 8: each costs a stream over the node's two tunnels.
    pub forward_links: u8,
    /// Seconds that a link to another relay is kept when nothing waits for it any more. Default 60: an answer to what was just
    /// put goes the same way without a new handshake.
    pub forward_idle_seconds: u16,
}

/// What members may use. Each is announced to them as far as it concerns them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// TCP connections at once, whatever they ask for. Default 1,024, which is what many systems let one
    /// process open; each costs about 10 KB.
    pub connections: u16,
    /// Members connected at once. Default 128. Together with `streams` it bounds memory: if every member
    /// filled every window it would be 128 × 32 × 288 KiB = 1.2 GiB.
    pub sockets: u16,
    /// WebSockets at once that have not shown the join secret yet. Default 32: strangers can only keep
    /// each other out.
    pub newcomers: u16,
    /// Streams of one member at once, both directions together. Default 32.
    pub streams: u16,
    /// Bytes of one WebSocket message. Default 64 KiB: four of yamux's frames.
    pub websocket_message: u32,
    /// Seconds for the first control message and for the header of each stream. Default 20, for slow
    /// phones.
    pub handshake_seconds: u16,
    /// Seconds after which a silent connection is closed. Default 150: browsers let a hidden tab act once
    /// a minute.
    pub idle_seconds: u16,
    /// Seconds after which a silent stream is closed. Default 900: links between comrades are kept open,
    /// and tunnels are paid for anyway.
    pub stream_idle_seconds: u16,
    /// Destinations hosted at once. Default 40: each keeps about four tunnels, and at 300 a router
    /// congests.
    pub hosted: u16,
    /// Shortest and longest time in seconds that a destination stays up after its member has gone.
    /// Default 120 to 300, drawn anew each time, so that going offline cannot be read off the network to
    /// the second.
    pub grace_seconds: [u16; 2],
    /// Destinations for dials of all members. Default 2.
    pub pool: u8,
    /// Shortest and longest life in minutes of such a destination. Default 120 to 360.
    pub pool_minutes: [u16; 2],
    /// Seconds for a dial until the other relay has answered. Default 90: a stream through I2P may take
    /// one minute to connect.
    pub dial_seconds: u16,
    /// Wrong join secrets that are answered in one burst; one more every ten seconds. Default 20. What
    /// comes faster is closed without an answer. The right secret is always admitted.
    pub wrong_joins: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 4747).into(),
            data: None,
            router: Router::default(),
            limits: Limits::default(),
            cache: Cache::default(),
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        let node = Settings::default();
        Self {
            capacity_mb: u32::try_from(node.capacity / MEGABYTE).unwrap_or(u32::MAX),
            memory_mb: 64,
            work_bits: node.work_bits,
            member_links: 2,
            stranger_links: 64,
            link_window_kb: 256,
            stranger_idle_seconds: 120,
            forward_links: 8,
            forward_idle_seconds: 60,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            sockets: 128,
            newcomers: 32,
            streams: 32,
            websocket_message: 64 * 1024,
            handshake_seconds: 20,
            idle_seconds: 150,
            stream_idle_seconds: 900,
            hosted: 40,
            grace_seconds: [120, 300],
            pool: 2,
            pool_minutes: [120, 360],
            dial_seconds: 90,
            wrong_joins: 20,
        }
    }
}

/// The config file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not readable.
    #[error(
        "cannot read the config file {path}: {source}\nGive another one with --config, or none."
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or a key that does not exist. The message names line and column.
    #[error(
        "the config file {path} is not right:\n{message}\n`komrade-relay example-config` prints all keys."
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What and where.
        message: String,
    },
    /// A value outside its bounds.
    #[error("`{key}` must be {wanted}, but is {got}")]
    OutOfBounds {
        /// Which key.
        key: &'static str,
        /// What it may be.
        wanted: String,
        /// What it is.
        got: String,
    },
}

impl Config {
    /// Reads a config file.
    ///
    /// # Errors
    /// [`ConfigError`], worded for the operator.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Parses the text of a config file; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::Malformed {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`ConfigError::OutOfBounds`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.limits.validate()?;
        self.cache.validate()?;
        self.router.validate()
    }
}

impl Router {
    fn validate(&self) -> Result<(), ConfigError> {
        let Self::Sam { address } = self else {
            return Ok(());
        };
        let port = match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => port.parse::<u16>().ok(),
            _ => None,
        };
        if port.is_some_and(|port| port > 0) {
            return Ok(());
        }
        Err(ConfigError::OutOfBounds {
            key: "router.address",
            wanted: "the host and port of a SAM bridge, such as 127.0.0.1:7656".into(),
            got: address.clone(),
        })
    }
}

impl Cache {
    fn validate(&self) -> Result<(), ConfigError> {
        // Below, one member's share would not hold a few pictures.
        within("cache.capacity_mb", self.capacity_mb, 10..=1_000_000)?;
        within("cache.memory_mb", self.memory_mb, 4..=u16::MAX)?;
        // Above, a phone would search for minutes.
        within("cache.work_bits", self.work_bits, 1..=24)?;
        within("cache.member_links", self.member_links, 1..=16)?;
        within("cache.stranger_links", self.stranger_links, 1..=4096)?;
        // The largest envelope and what goes around it must fit.
        within("cache.link_window_kb", self.link_window_kb, 128..=4096)?;
        within(
            "cache.stranger_idle_seconds",
            self.stranger_idle_seconds,
            1..=3600,
        )?;
        within("cache.forward_links", self.forward_links, 1..=64)?;
        within(
            "cache.forward_idle_seconds",
            self.forward_idle_seconds,
            // The node gives a home away again after ten minutes.
            1..=300,
        )
    }

    /// Bytes of envelopes kept.
    pub(crate) fn capacity(&self) -> u64 {
        u64::from(self.capacity_mb) * MEGABYTE
    }

    /// Bytes of the file kept in memory.
    pub(crate) fn memory(&self) -> usize {
        usize::from(self.memory_mb) * 1_000_000
    }

    /// Bytes of requests that one link may have in flight.
    pub(crate) fn link_window(&self) -> usize {
        usize::from(self.link_window_kb) * 1024
    }

    /// Time after which a silent link of another relay is closed.
    pub(crate) fn stranger_idle(&self) -> Duration {
        Duration::from_secs(self.stranger_idle_seconds.into())
    }

    /// Time for which a link to another relay is kept though nothing waits for it.
    pub(crate) fn forward_idle(&self) -> Duration {
        Duration::from_secs(self.forward_idle_seconds.into())
    }
}

impl Limits {
    fn validate(&self) -> Result<(), ConfigError> {
        within("limits.connections", self.connections, 1..=u16::MAX)?;
        within("limits.sockets", self.sockets, 1..=u16::MAX)?;
        within("limits.newcomers", self.newcomers, 1..=4096)?;
        within("limits.streams", self.streams, 1..=64)?;
        // One frame of 16 KiB must fit with its header; all browsers and proxies take 256 KiB.
        within(
            "limits.websocket_message",
            self.websocket_message,
            32 * 1024..=256 * 1024,
        )?;
        within("limits.handshake_seconds", self.handshake_seconds, 1..=300)?;
        within("limits.idle_seconds", self.idle_seconds, 1..=3600)?;
        within(
            "limits.stream_idle_seconds",
            self.stream_idle_seconds,
            1..=u16::MAX,
        )?;
        within("limits.pool", self.pool, 1..=8)?;
        within("limits.dial_seconds", self.dial_seconds, 1..=300)?;
        within("limits.wrong_joins", self.wrong_joins, 1..=1000)?;
        ascending("limits.grace_seconds", self.grace_seconds)?;
        ascending("limits.pool_minutes", self.pool_minutes)
    }

    /// What members are told.
    pub fn announced(&self) -> komrade_wire::control::Limits {
        komrade_wire::control::Limits {
            streams: self.streams,
            websocket_message: self.websocket_message,
            in_flight: u32::try_from(usize::from(self.streams) * STREAM_WINDOW).unwrap_or(u32::MAX),
            handshake_seconds: self.handshake_seconds,
            idle_seconds: self.idle_seconds,
            stream_idle_seconds: self.stream_idle_seconds,
        }
    }

    /// Time for the first control message and for each stream header.
    pub fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds.into())
    }

    /// Time after which a silent connection is closed.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds.into())
    }

    /// Time after which a silent stream is closed.
    pub fn stream_idle(&self) -> Duration {
        Duration::from_secs(self.stream_idle_seconds.into())
    }

    /// Time for a dial.
    pub fn dial(&self) -> Duration {
        Duration::from_secs(self.dial_seconds.into())
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    got: T,
    wanted: RangeInclusive<T>,
) -> Result<(), ConfigError> {
    if wanted.contains(&got) {
        return Ok(());
    }
    let wanted = format!("between {} and {}", wanted.start(), wanted.end());
    Err(ConfigError::OutOfBounds {
        key,
        wanted,
        got: got.to_string(),
    })
}

fn ascending(key: &'static str, [shortest, longest]: [u16; 2]) -> Result<(), ConfigError> {
    if shortest <= longest {
        return Ok(());
    }
    Err(ConfigError::OutOfBounds {
        key,
        wanted: "the shortest and then the longest".into(),
        got: format!("[{shortest}, {longest}]"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]

    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("relay.toml"))
    }

    #[test]
    fn the_example_holds_every_default_and_nothing_else() {
        let example = parse(include_str!("../komrade-relay.example.toml")).unwrap();
        assert_eq!(example, Config::default());
        example.validate().unwrap();
    }

    #[test]
    fn what_is_switched_off_in_the_example_can_be_switched_on() {
        let text = include_str!("../komrade-relay.example.toml");
        let (first, second) = text.split_once("# Another router instead:").unwrap();
        let on = parse(&first.replace("\n#= ", "\n")).unwrap();
        assert!(on.data.is_some());
        assert!(matches!(on.router, Router::Embedded { public: Some(_) }));
        let on = parse(&second.replace("\n#= ", "\n")).unwrap();
        assert!(matches!(on.router, Router::Sam { .. }));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        let message = parse("[limits]\nsockets = 4\nsokets = 3\n")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("line 3") && message.contains("sokets"),
            "{message}"
        );
    }

    #[test]
    fn a_value_out_of_bounds_is_named_with_its_bounds() {
        let config = parse("[limits]\nwebsocket_message = 100\n").unwrap();
        let message = config.validate().unwrap_err().to_string();
        assert_eq!(
            message,
            "`limits.websocket_message` must be between 32768 and 262144, but is 100"
        );
        let config = parse("[limits]\ngrace_seconds = [9, 3]\n").unwrap();
        assert!(config.validate().is_err());
    }
}
