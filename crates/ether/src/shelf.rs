//! Where a node keeps everything: ordered tables of byte keys and byte values.
//!
//! The node decides and the shelf remembers. There is one writer at a time, and the **rule of transactions** is:
//!
//! 1. whoever owns the shelf opens a transaction and gives it to any number of calls of one node, one after another;
//! 2. each call sees what the calls before it wrote;
//! 3. the owner commits, durably, and only then lets out what the calls answered;
//! 4. if any call fails, or the commit does, the owner undoes the whole transaction and answers nothing (or
//!    [`Outcome::Busy`](crate::Outcome::Busy)). The node keeps nothing in memory, so it goes on as if nothing had happened; the links that took
//!    part are closed.
//!
//! What only reads takes [`ShelfRead`], so that a snapshot of what was committed serves it.

use thiserror::Error;

/// A record is not what a node writes: the shelf belongs to something else, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a record of the shelf is damaged")]
pub struct Damaged;

/// Key and value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The longest key, in bytes.
pub const MAX_SHELF_KEY_BYTES: usize = 160;
/// The longest value, in bytes: a forward of the largest envelope.
pub const MAX_SHELF_VALUE_BYTES: usize = 65 * 1024;

/// The tables of a node. Names and numbers are part of the layout: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum ShelfTable {
    /// A few records about the node itself.
    About = 0,
    /// Envelopes by id.
    Envelopes = 1,
    /// The log of arrivals: ids by bucket and number.
    Log = 2,
    /// Whatever ends on a day, by day: the sweep takes the front of it.
    Days = 3,
    /// What each account holds, in bytes and entries.
    Parties = 4,
    /// Placed envelopes by locator.
    Placed = 5,
    /// What waits for foreign homes, by number.
    Forwards = 6,
    /// The same by home.
    ForwardHomes = 7,
    /// The same by account, home and envelope.
    ForwardIds = 8,
    /// Homes with something waiting.
    Homes = 9,
    /// The same by whether they failed, and the time of the next attempt.
    Due = 10,
    /// Returned notices by account and number.
    Notices = 11,
    /// The same by account and envelope.
    NoticeIds = 12,
}

impl ShelfTable {
    /// All tables, in order.
    pub const ALL: [Self; 13] = [
        Self::About,
        Self::Envelopes,
        Self::Log,
        Self::Days,
        Self::Parties,
        Self::Placed,
        Self::Forwards,
        Self::ForwardHomes,
        Self::ForwardIds,
        Self::Homes,
        Self::Due,
        Self::Notices,
        Self::NoticeIds,
    ];

    /// Its name, for shelves that name their tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Envelopes => "envelopes",
            Self::Log => "log",
            Self::Days => "days",
            Self::Parties => "parties",
            Self::Placed => "placed",
            Self::Forwards => "forwards",
            Self::ForwardHomes => "forward-homes",
            Self::ForwardIds => "forward-ids",
            Self::Homes => "homes",
            Self::Due => "due",
            Self::Notices => "notices",
            Self::NoticeIds => "notice-ids",
        }
    }
}

/// Reading a shelf.
pub trait ShelfRead {
    /// Why it failed; also what a node says of a damaged record.
    type Error: From<Damaged>;

    /// The value under this key.
    ///
    /// # Errors
    /// If the medium fails.
    fn get(&self, table: ShelfTable, key: &[u8]) -> Result<Option<Vec<u8>>, Self::Error>;

    /// The first `limit` entries in the order of their keys as bytes, from the key `from` on and below the key `to`;
    /// without `to`, up to the end. A range that ends before it begins is empty.
    ///
    /// # Errors
    /// If the medium fails.
    fn range(
        &self,
        table: ShelfTable,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Entry>, Self::Error>;
}

/// A shelf in a transaction. See the [rule](self).
pub trait Shelf: ShelfRead {
    /// Writes the value under the key, whatever stood there. Keys have 1 to [`MAX_SHELF_KEY_BYTES`], values 0 to
    /// [`MAX_SHELF_VALUE_BYTES`].
    ///
    /// # Errors
    /// If the medium fails.
    fn put(&mut self, table: ShelfTable, key: &[u8], value: &[u8]) -> Result<(), Self::Error>;

    /// Removes whatever stands under the key.
    ///
    /// # Errors
    /// If the medium fails.
    fn delete(&mut self, table: ShelfTable, key: &[u8]) -> Result<(), Self::Error>;
}
