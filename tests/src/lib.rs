//! The world in which Komrade is tested end to end: real I2P routers on a private network, real relays, real browsers.
//!
//! Every part is a process of its own, started here and ended here, so that it can be killed as in life. Nothing sleeps for
//! a guessed time: each wait is for a condition, with a bound that names its reason.

mod browser;
mod process;
mod relay;

pub use browser::{Browser, Shape};
pub use process::{Running, program};
pub use relay::{Network, Relay, RelaySettings};

use std::time::Duration;

/// For anything that only this machine does: page loads, IndexedDB, Argon2id on a busy machine.
pub const LOCAL: Duration = Duration::from_secs(60);

/// For anything that crosses I2P: tunnels take 10 to 90 seconds, a lost burst costs 9 s more, and redials back off.
pub const I2P: Duration = Duration::from_secs(240);
