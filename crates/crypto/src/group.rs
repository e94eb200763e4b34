//! Group keys ("flat seed"): how the devices of a collective or a circle come to share keys, without
//! a leader, a server or an order of messages.
//!
//! 1. Every device publishes a signed [`LeafRecord`] for each space: an X-Wing key, renewed weekly.
//!    It stands outside the operations; the highest number counts.
//! 2. Whoever sees another set of members draws a [`Seed`], seals it to each leaf key as a [`Slice`]
//!    and sends the slices in [`Pack`]s. A signed Seed operation carries [`Commit`], [`MemberRoot`]
//!    and heads; it is the business of `komrade-social`.
//! 3. Whoever opens its slice has the [`LastingKeys`] at once: outer key and hints of the seed's
//!    envelopes, and the control key, so that membership never waits for keys.
//! 4. [`Seed::accept`] compares the seed's member root with one's own. Only then there are content
//!    ratchets: [`Sending`] for oneself, a [`Receiving`] for each device that is heard.
//! 5. Who lacks a seed posts a [`Missing`]; one member seals that seed again, to one leaf.
//!
//! Concurrent seeds are all valid; [`rules`] says which to send under, and when to draw another.
//! A newcomer to whom the constitution gives history gets an [`archive`].
//!
//! A circle has one writer, so that its root is [`MemberRoot::CIRCLE`], and each pack holds the one
//! slice of one member. What is made for a collective opens in no circle, and the other way round:
//! everything is bound to the [`Space`], its kind included.
//!
//! What the keys do and do not give:
//! - Every member of a seed could encrypt in another's ratchet. Who wrote is proved by the signature
//!   inside, which must be checked before the state after [`Receiving::open`] is kept: otherwise a
//!   member could use up places of somebody else's ratchet.
//! - A message key comes from place *and* 16 random bytes. A profile that was restored or runs twice
//!   repeats a place, never a key; [`Seed::reopen`] reads such a second message.
//! - The keys of single messages are erased, but protect nothing while the seed itself is kept to
//!   answer others ([`rules::CONTENT_DAYS`]). Leaf keys that open its slices live as long, so that
//!   dropping it sooner would not protect either.
//! - AES-GCM commits to no key. Here every key comes from a seed that was compared with its
//!   commitment, so all who open a message open the same one.
//!
//! Left out on purpose: trees of keys (500 slices cost less than a megabyte), an order of seeds,
//! hiding the number of members from members.

pub mod archive;
mod control;
mod leaf;
mod members;
mod missing;
mod pack;
mod ratchet;
pub mod rules;
mod seed;

use serde::{Deserialize, Serialize};

use crate::{DecodeError, SUITE, codec::Reader};

pub use control::{CONTROL_OVERHEAD_BYTES, LASTING_BYTES, LastingKeys};
pub use leaf::{
    LEAF_DAYS, LEAF_RECORD_BYTES, LeafRecord, LeafRing, MARK_BYTES, MAX_LEAVES, MAX_LEAVES_PER_DAY,
    Mark, SliceKey,
};
pub use members::{MAX_DEVICES, Member, MemberRoot, MembersError};
pub use missing::{MAX_MISSING_HEADS, MAX_MISSING_SEEDS, Missing};
pub use pack::{
    MAX_PACK_BYTES, MAX_SLICES, PACK_OVERHEAD_BYTES, Pack, SLICE_BYTES, Slice, SliceError,
    slices_in,
};
pub use ratchet::{
    CONTENT_OVERHEAD_BYTES, ContentError, MAX_GAP, MAX_RECEIVING_BYTES, MAX_REOPEN, MAX_SKIPPED,
    Opened, Receiving, Rewinding, SENDING_BYTES, Sending, Source, source,
};
pub use seed::{Commit, SEED_BYTES, Seed, WrongMembers};

/// The longest text that one message of a group carries, in bytes: the largest envelope.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
/// Of a key that seals one message. The key depends on a salt of its own.
const NONCE: [u8; crate::seal::NONCE_BYTES] = [0; crate::seal::NONCE_BYTES];
const SPACE_BYTES: usize = 1 + 32;

/// What kind of space the keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// Governs itself; any member may draw a seed for the members that it computes.
    Collective = 1,
    /// One writer draws the seeds and decides who reads.
    Circle = 2,
}

/// A space that has group keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Space {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: [u8; 32],
}

crate::redacted!(Space);

impl Space {
    /// A collective.
    pub fn collective(id: [u8; 32]) -> Self {
        let kind = Kind::Collective;
        Self { kind, id }
    }

    /// A circle.
    pub fn circle(id: [u8; 32]) -> Self {
        let kind = Kind::Circle;
        Self { kind, id }
    }

    fn encode(&self) -> [u8; SPACE_BYTES] {
        let mut out = [0; SPACE_BYTES];
        let parts = [self.kind as u8].into_iter().chain(self.id);
        out.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = match reader.u8()? {
            1 => Kind::Collective,
            2 => Kind::Circle,
            _ => return Err(DecodeError::OutOfBounds),
        };
        let id = reader.array()?;
        Ok(Self { kind, id })
    }
}

/// The two bytes that every structure here begins with.
const PREFIX: [u8; 2] = [VERSION, SUITE];
