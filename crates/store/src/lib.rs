//! Where a peer keeps what it must not lose.
//!
//! A [`Store`] is a handful of tables of opaque records. Every step of the engine is *one* [`Batch`],
//! committed whole or not at all and durable when [`Store::commit`] returns: only then may bytes leave the
//! device. Records arrive sealed by the engine; this crate knows no cipher and never depends on one.
//!
//! Only one writer at a time: a [`Lease`] with a fence number that every commit checks in the same
//! transaction.
//!
//! Implementations: [`memory::MemoryStore`] on every target, `indexeddb::IndexedDbStore` in a browser. All of them pass
//! `suite` (feature `testing`), the tests of the trait's promises.

mod bounds;
#[cfg(target_arch = "wasm32")]
pub mod indexeddb;
mod lease;
pub mod memory;
#[cfg(feature = "testing")]
pub mod suite;

use std::{fmt, future::Future};

use thiserror::Error;

/// The version of the layout this build writes. See `migrate` in each implementation.
pub const SCHEMA: u32 = 2;
/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 64;
/// The largest sealed record, in bytes: one 64 KiB envelope and what is kept beside it.
pub const MAX_VALUE_BYTES: usize = 256 * 1024;
/// The most changes in one batch.
pub const MAX_BATCH_CHANGES: usize = 1_000;
/// The most bytes of keys and values in one batch: what a phone can hold twice.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// The most records one read returns.
pub const MAX_READ_RECORDS: usize = 1_000;
/// How long a lease lives without being renewed, in milliseconds: three missed renewals of 2 s, with slack
/// for a browser that throttles a hidden tab's timers.
pub const LEASE_MILLIS: u64 = 8_000;

/// The tables. The order and the numbers are part of the layout: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Table {
    /// The vault's header (passphrase slots), the one table that is not sealed by the engine.
    Header = 0,
    /// The ring of record keys, the device's own keys, the profile, settings, relays.
    Own = 1,
    /// Comrades, by local id.
    Comrades = 2,
    /// Pairwise sessions and outer keys, by local comrade id: rewritten with every message.
    Sessions = 3,
    /// Messages shown, by local comrade id and big-endian ordinal.
    Messages = 4,
    /// What waits to be accepted, by local comrade id and big-endian sequence number.
    Outbox = 5,
    /// Operations arrived out of order, and envelopes that do not open yet.
    Waiting = 6,
    /// Live invites.
    Invites = 7,
    /// Spaces of many: what is known of them and their members, keys, what waits to leave or to be opened.
    Spaces = 8,
    /// Operations of those spaces, by local space id and big-endian arrival number.
    Operations = 9,
    /// What is shown of what was said in them, by local space id and big-endian ordinal.
    Posts = 10,
}

impl Table {
    /// All tables, in order.
    pub const ALL: [Self; 11] = [
        Self::Header,
        Self::Own,
        Self::Comrades,
        Self::Sessions,
        Self::Messages,
        Self::Outbox,
        Self::Waiting,
        Self::Invites,
        Self::Spaces,
        Self::Operations,
        Self::Posts,
    ];

    /// The name of the table in stores that name theirs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Own => "own",
            Self::Comrades => "comrades",
            Self::Sessions => "sessions",
            Self::Messages => "messages",
            Self::Outbox => "outbox",
            Self::Waiting => "waiting",
            Self::Invites => "invites",
            Self::Spaces => "spaces",
            Self::Operations => "operations",
            Self::Posts => "posts",
        }
    }
}

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// 1 to [`MAX_KEY_BYTES`] bytes; records are ordered by them as bytes.
    pub key: Vec<u8>,
    /// At most [`MAX_VALUE_BYTES`] bytes.
    pub value: Vec<u8>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

/// One change.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Write the record, replacing what stood under its key.
    Put(Table, Record),
    /// Remove whatever stands under the key.
    Delete(Table, Vec<u8>),
    /// Remove everything in every table. Later changes of the batch still apply.
    Clear,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(table, _) => f.debug_tuple("Put").field(table).finish_non_exhaustive(),
            Self::Delete(table, _) => f.debug_tuple("Delete").field(table).finish_non_exhaustive(),
            Self::Clear => f.write_str("Clear"),
        }
    }
}

/// Changes that happen together or not at all; at most [`MAX_BATCH_CHANGES`] and [`MAX_BATCH_BYTES`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// In order: a later change of the same key wins.
    pub changes: Vec<Change>,
}

/// Which records to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// From which table.
    pub table: Table,
    /// Only keys that start with these bytes.
    pub prefix: Vec<u8>,
    /// Only keys strictly below this one.
    pub below: Option<Vec<u8>>,
    /// Only keys strictly above this one.
    pub above: Option<Vec<u8>>,
    /// Newest key first.
    pub descending: bool,
    /// At most so many, 1 to [`MAX_READ_RECORDS`].
    pub limit: usize,
}

/// The right to write. Whoever holds the highest fence number may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Random, one per tab or process.
    pub owner: [u8; 16],
    /// Grows by one every time the lease is taken; renewing keeps it.
    pub fence: u64,
}

/// What came of asking for the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// It is ours.
    Held(Lease),
    /// Somebody else renewed it at this time (milliseconds since the epoch).
    HeldElsewhere {
        /// When it was last renewed.
        renewed_at: u64,
    },
}

/// Why the store did not do it. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another writer took the lease: this one must stop and forget its state.
    #[error("another writer took over")]
    LeaseLost,
    /// The layout was written by a newer version.
    #[error("the store has layout {found}, this version reads up to {expected}")]
    NewerSchema {
        /// What is there.
        found: u32,
        /// What this build reads.
        expected: u32,
    },
    /// There is no room.
    #[error("no room left")]
    Full,
    /// A key, value, batch or query is out of bounds.
    #[error("a record, batch or query is out of bounds")]
    OutOfBounds,
    /// The medium failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// A store. One instance belongs to one task; futures need not be `Send` (a browser's are not).
pub trait Store {
    /// Takes, or renews, the lease. `force` takes it from whoever holds it; otherwise it is taken only when
    /// free, one's own, or not renewed for [`LEASE_MILLIS`]. `now` is in milliseconds since the epoch.
    fn lease(
        &self,
        owner: [u8; 16],
        now: u64,
        force: bool,
    ) -> impl Future<Output = Result<LeaseOutcome, StoreError>>;

    /// Gives the lease back, if it is still held.
    fn release(&self, lease: Lease) -> impl Future<Output = Result<(), StoreError>>;

    /// Applies all changes in one transaction that also checks `lease`, and returns once they are durable.
    fn commit(&self, lease: Lease, batch: &Batch) -> impl Future<Output = Result<(), StoreError>>;

    /// Reads records in key order.
    fn read(&self, query: &Query) -> impl Future<Output = Result<Vec<Record>, StoreError>>;
}
