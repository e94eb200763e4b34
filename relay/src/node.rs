//! The relay's node: a blind cache that keeps envelopes for those who are away.
//!
//! What it keeps and for whom decides `komrade-ether`; here it gets a disk, a clock, chance and links.
//!
//! ```text
//! members ── Header::Node ─► link ─┐ frames                   ┌─► shelf: cache.redb
//! relays ──── I2P ─► door ─► link ─┼───────► desk, one thread ┤
//! other relays ◄── I2P ── forward ◄┘ answers, pushes          └─► what members are told
//! ```
//!
//! - `desk`: a thread that takes many requests into one transaction and answers after its commit;
//! - `link`: a Noise link (NK) that carries the ether's frames to the desk and back, within its window;
//! - `door`: the node's own I2P destination, and `callers`, who shares its places;
//! - `forward`: what members leave for other relays, over links to their nodes (`reach`);
//! - `shelf`, `keys`: the files in the data folder.
//!
//! Whoever reads that folder learns: ciphertext, its sizes, in which order it came and when it ends; for hashes of random accounts,
//! sums of bytes by the day they end, and what each placed under a name; while something waits for another relay, which account left
//! it for which relay; and what came to nothing there, by account and envelope, until the member heard it, at most 30 days. redb
//! frees pages and does not erase them: what was deleted may be found until something else is written over it.

mod callers;
mod desk;
mod door;
mod forward;
mod keys;
mod link;
mod reach;
mod shelf;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use komrade_ether::{About, NodeKey, Settings, Token};
use komrade_wire::control::FromRelay;
use tokio::sync::watch;
use tokio::time::sleep;

use self::desk::{Desk, NotNow, Plan};
use self::door::Door;
use self::keys::NodeKeys;
pub(crate) use self::link::{LinkLimits, serve};
use self::reach::Spare;
use self::shelf::ShelfError;
use crate::config::Cache;
use crate::error::StartError;
use crate::random;
use crate::relay::Relay;

/// Between two looks whether something has ended: what has is not sent meanwhile.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// The same while the cache does not work.
const KEEP_AGAIN: Duration = Duration::from_secs(5);
/// Records that one transaction of the sweep takes away: some tens of milliseconds, for which others wait.
const SWEPT_AT_ONCE: usize = 512;

/// The node as the rest of the relay sees it.
pub(crate) struct Node {
    keys: NodeKeys,
    desk: Desk,
    door: Door,
    spare: Spare,
}

impl Node {
    /// Opens the node of this data folder, or makes one.
    ///
    /// # Errors
    /// [`StartError::NodeKeys`], [`StartError::Cache`], [`StartError::FolderInUse`].
    pub(crate) fn open(folder: &Path, cache: &Cache) -> Result<Self, StartError> {
        let keys = NodeKeys::read_or_create(folder)
            .map_err(|(path, source)| StartError::NodeKeys { path, source })?;
        let plan = Plan {
            folder: folder.to_owned(),
            key: NodeKey(keys.public()),
            settings: Settings {
                capacity: cache.capacity(),
                work_bits: cache.work_bits,
                ..Settings::default()
            },
            memory: cache.memory(),
        };
        let desk = Desk::open(plan).map_err(|error| match error {
            ShelfError::InUse => StartError::FolderInUse {
                folder: folder.to_owned(),
            },
            error => StartError::Cache {
                path: folder.join(shelf::FILE),
                reason: error.to_string(),
            },
        })?;
        Ok(Self {
            keys,
            desk,
            door: Door::new(),
            spare: Spare::default(),
        })
    }

    /// Keeps house, its door open, and calls other relays; as long as the relay runs.
    pub(crate) fn run(relay: &Arc<Relay>) {
        let node = Arc::clone(&relay.node);
        relay.spawn(async move { node.keep().await });
        relay.spawn(door::keep(Arc::clone(relay)));
        relay.spawn(forward::keep(Arc::clone(relay)));
    }

    /// It can keep and fetch things.
    pub(crate) fn works(&self) -> bool {
        self.desk.works()
    }

    /// What members are told of it changes.
    pub(crate) fn about(&self) -> watch::Receiver<About> {
        self.desk.about()
    }

    /// What members are told of it.
    pub(crate) fn introduce(&self, about: &About) -> FromRelay {
        FromRelay::Node {
            address: *self.keys.destination().address().as_bytes(),
            key: self.keys.public(),
            token: about.token.0,
            bits: about.bits,
            incarnation: about.incarnation,
        }
    }

    /// Takes away what has ended, changes the token, halves buckets that carry too much; for ever.
    async fn keep(&self) {
        loop {
            let kept = self.keep_house().await;
            sleep(if kept.is_ok() { KEEP_EVERY } else { KEEP_AGAIN }).await;
        }
    }

    async fn keep_house(&self) -> Result<(), NotNow> {
        let desk = &self.desk;
        let mut is_more = true;
        while is_more {
            let swept = desk.ask(|node, shelf, now| node.sweep(shelf, now, SWEPT_AT_ONCE));
            is_more = swept.await?;
        }
        let mut fresh = Token([0; 16]);
        random::fill(&mut fresh.0).map_err(|_| NotNow)?;
        desk.ask(move |node, shelf, now| {
            node.rotate_token(shelf, now, fresh)?;
            let bits = node.bits_wanted(shelf, now)?;
            if bits != node.about(shelf)?.bits {
                node.set_bits(shelf, now, bits)?;
            }
            Ok(())
        })
        .await
    }

    /// Ends it once everything that waits is done, and closes its file.
    pub(crate) async fn close(&self) {
        self.desk.close().await;
    }
}
