//! The relay: what a collective runs so that its members' browsers reach I2P.
//!
//! Flow:
//! 1. `app` hands out the app, static and under strict headers (`http`).
//! 2. A browser opens `/ws` (`connection`), shows the join secret ([`join`]) and gets a session
//!    (`members`).
//! 3. The relay hosts the member's destination on its I2P router and hands streams from there to the browser
//!    (`hosting`), and dials for it (`dialing`) out of a `pool` of destinations of its own.
//! 4. Its `node` keeps sealed envelopes for members who are away.
//!
//! A relay carries ciphertext. It links no code that could read it (`social`, `peer` and `crypto` are not
//! in its tree; a test holds that), keeps on disk about members only what the node needs to share its room (`node` says what),
//! and logs nothing that tells one member from another.
//!
//! Left out on purpose: TLS, which is for the web server in front, and whatever needs the clear text.

mod app;
mod backoff;
mod browser;
mod clock;
pub mod config;
mod connection;
pub mod data;
mod dialing;
mod error;
mod health;
mod hosting;
mod http;
pub mod join;
mod members;
mod network;
mod node;
mod pool;
mod pump;
mod random;
mod relay;
mod start;

pub use error::StartError;
pub use http::CONTENT_POLICY;
pub use start::{Running, start};

/// The targets of log lines that hold no address, identity, secret or size of a single message. Others
/// must not be switched on.
pub const LOG_TARGETS: [&str; 3] = ["komrade_relay", "komrade_i2p", "komrade_wire"];
