//! The world in which Komrade is tested end to end: real I2P routers on a private network, real relays, real browsers.
//!
//! Every part is a process of its own, started here and ended here, so that it can be killed as in life. Nothing sleeps for
//! a guessed time: each wait is for a condition, with a bound that names its reason.

mod album;
pub mod axe;
mod browser;
mod circle;
mod collective;
mod member;
mod person;
mod process;
mod recorder;
mod relay;
mod storage;
mod unseen;
mod wire;
mod worker;

pub use album::Album;
pub use axe::Inspection;
pub use browser::{Browser, Shape};
pub use collective::Three;
pub use member::{Member, NodeAbout, NodeLink};
pub use person::{Keys, Person, cut_keys};
pub use process::{Running, program};
pub use recorder::Recorder;
pub use relay::{Network, Relay, RelaySettings};
pub use unseen::Unseen;
pub use wire::Wire;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// For anything that only this machine does: page loads, IndexedDB, Argon2id on a busy machine.
pub const LOCAL: Duration = Duration::from_secs(60);

/// For anything that crosses I2P: a link whose router died without a word is given up after 90 seconds, tunnels take 10 to
/// 90 more, a lost burst costs 9, and redials back off to minutes.
pub const I2P: Duration = Duration::from_secs(420);

/// How often a condition is looked at while waiting for it.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until `condition` holds.
///
/// # Errors
/// If it fails, or does not hold within `bound`; the error names `what` was waited for.
pub async fn until(
    bound: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    while !condition().await? {
        if started.elapsed() > bound {
            bail!("waited {bound:?} for {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
