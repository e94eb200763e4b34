//! What an operator can set about a node, and why each is what it is.

use crate::{Bucket, MAX_BITS, work::WORK_BITS};

/// The bounds of a node. All bytes are bytes of envelopes; keys and indexes come to some 300 bytes more for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of all envelopes kept. Default: 2 GB, which a small rented machine has; a month of a group of fifty is a
    /// tenth of it.
    pub capacity: u64,
    /// Bits of the buckets of a new node. Default: 0, everybody holds everything.
    pub bits: u8,
    /// Zero bits of the least work that is due; it rises with size, with the filling of the strangers' part and with the
    /// day's intros. Default: [`WORK_BITS`].
    pub work_bits: u8,
    /// Intros taken in a day, for each bucket. Default: 2,000; a peer opens 100 a minute, so this is 20 minutes of
    /// work for every member on the worst day.
    pub intros_per_day: u32,
    /// Placed envelopes for each account. Default: 64 open invites.
    pub placed_per_account: u32,
    /// Bytes of all placed envelopes; an account has a 64th at most. Default: 64 MiB, 8,000 invites.
    pub placed_bytes: u64,
    /// Entries of the forward queue for each account, with the notices that the account has not heard.
    /// Default: 2,000, twice what a conversation sends without an answer.
    pub forwards_per_account: u32,
    /// Bytes of all that waits for foreign homes; an account has an eighth at most. Default: 256 MiB, some hours of I2P
    /// for everybody.
    pub forward_bytes: u64,
    /// Bytes arrived in a bucket in one day that call for halving. Default: 30 MB, what a phone on a metered line
    /// can still take.
    pub halving_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capacity: 2_000_000_000,
            bits: Bucket::WHOLE.bits(),
            work_bits: WORK_BITS,
            intros_per_day: 2_000,
            placed_per_account: 64,
            placed_bytes: 64 * 1024 * 1024,
            forwards_per_account: 2_000,
            forward_bytes: 256 * 1024 * 1024,
            halving_bytes: 30_000_000,
        }
    }
}

/// Members share the room as if they were at least so many: the first to come cannot fill it.
pub(crate) const MIN_SHARES: u64 = 8;
/// Strangers together get one part in so many.
const STRANGERS_PART: u64 = 10;
/// One account gets one part in so many of what may be placed: by default 1 MiB, 64 invites of 16 KiB.
const PLACED_PARTS: u64 = 64;

impl Settings {
    /// Bytes that strangers together may hold.
    pub(crate) fn strangers(&self) -> u64 {
        self.capacity / STRANGERS_PART
    }

    /// Bytes of those that strangers may hold who have no token: work alone fills no more.
    pub(crate) fn tokenless(&self) -> u64 {
        self.strangers() / 2
    }

    /// Bytes that members together may hold, with what they returned.
    pub(crate) fn members(&self) -> u64 {
        self.capacity - self.strangers()
    }

    /// Bytes that each of so many members may hold.
    pub(crate) fn share(&self, members: u64) -> u64 {
        self.members() / members.max(MIN_SHARES)
    }

    /// Bytes that may be returned in all after a wipe.
    pub(crate) fn returned(&self) -> u64 {
        self.capacity / 2
    }

    /// Bytes that each of so many members may return after a wipe.
    pub(crate) fn returned_share(&self, members: u64) -> u64 {
        self.returned() / members.max(MIN_SHARES)
    }

    /// Bytes that one account may place.
    pub(crate) fn placed_share(&self) -> u64 {
        self.placed_bytes / PLACED_PARTS
    }

    /// Bytes that may wait for foreign homes for one account.
    pub(crate) fn forward_share(&self) -> u64 {
        self.forward_bytes / MIN_SHARES
    }

    /// The bits of a new node, as far as there are so many.
    pub(crate) fn first_bits(&self) -> u8 {
        self.bits.min(MAX_BITS)
    }
}
