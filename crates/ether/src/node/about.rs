//! What a node knows about itself: who it is, and its counters.

use super::{Draw, Node, keys::Fields, put::Part};
use crate::{Damaged, Day, Shelf, ShelfRead, ShelfTable, Token};

const NODE: &[u8] = b"node";
const COUNTERS: &[u8] = b"counters";
/// A token is drawn anew after so many days, and the one before is good for as many more.
const TOKEN_DAYS: u32 = 30;

/// What members are told about their node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Tells it from what lay here before a wipe. Never 0.
    pub incarnation: u64,
    /// When it began, in milliseconds since the epoch.
    pub since: u64,
    /// Bits of the buckets that new homes draw.
    pub bits: u8,
    /// When they were set last.
    pub(super) bits_day: Day,
    /// The put token to write into home records.
    pub token: Token,
    /// When that token was drawn.
    token_day: Day,
    /// The token before, and the first day on which it is no longer good.
    former: Option<(Token, Day)>,
}

impl About {
    /// Whether this is a good token today.
    pub(super) fn knows(&self, token: Token, today: Day) -> bool {
        let former = self.former.filter(|(_, until)| today < *until);
        token == self.token || former.is_some_and(|(former, _)| token == former)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.incarnation.to_be_bytes());
        bytes.extend(self.since.to_be_bytes());
        bytes.push(self.bits);
        bytes.extend(self.bits_day.0.to_be_bytes());
        bytes.extend(self.token.0);
        bytes.extend(self.token_day.0.to_be_bytes());
        if let Some((token, until)) = self.former {
            bytes.extend(token.0);
            bytes.extend(until.0.to_be_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut fields = Fields(bytes);
        Ok(Self {
            incarnation: fields.long()?,
            since: fields.long()?,
            bits: fields.byte()?,
            bits_day: fields.day()?,
            token: Token(fields.array()?),
            token_day: fields.day()?,
            former: match fields.0 {
                [] => None,
                _ => Some((Token(fields.array()?), fields.day()?)),
            },
        })
    }

    fn write<S: Shelf>(&self, shelf: &mut S) -> Result<(), S::Error> {
        shelf.put(ShelfTable::About, NODE, &self.encode())
    }
}

pub(super) fn find<S: ShelfRead>(shelf: &S) -> Result<Option<About>, S::Error> {
    let found = shelf.get(ShelfTable::About, NODE)?;
    Ok(found.map(|bytes| About::decode(&bytes)).transpose()?)
}

pub(super) fn begin<S: Shelf>(
    shelf: &mut S,
    bits: u8,
    now: u64,
    draw: Draw,
) -> Result<(), S::Error> {
    let about = About {
        // 0 is how a subscriber says that it has no cursor.
        incarnation: draw.incarnation.max(1),
        since: now,
        bits,
        bits_day: Day(0),
        token: draw.token,
        token_day: Day::of(now),
        former: None,
    };
    about.write(shelf)
}

/// How full a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes of envelopes kept.
    pub bytes: u64,
    /// Bytes placed under names.
    pub placed_bytes: u64,
    /// Bytes waiting for foreign homes.
    pub forward_bytes: u64,
    /// The number of the newest arrival.
    pub newest: u64,
}

/// Bytes of envelopes kept, by [`Part`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Room {
    /// What members put or returned.
    pub members: u64,
    /// What strangers put with a token.
    pub tokens: u64,
    /// What strangers put with work only.
    pub work: u64,
}

impl Room {
    /// What strangers put.
    pub fn strangers(&self) -> u64 {
        self.tokens + self.work
    }

    pub(super) fn give(&mut self, part: Part, bytes: u64) {
        *self.of(part) += bytes;
    }

    pub(super) fn take(&mut self, part: Part, bytes: u64) {
        let held = self.of(part);
        *held = held.saturating_sub(bytes);
    }

    fn of(&mut self, part: Part) -> &mut u64 {
        match part {
            Part::Members => &mut self.members,
            Part::Tokens => &mut self.tokens,
            Part::Work => &mut self.work,
        }
    }
}

/// What must be known without counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counters {
    /// The number of the newest arrival.
    pub newest: u64,
    /// Bytes of envelopes kept.
    pub room: Room,
    /// Accounts that hold something.
    pub holders: u64,
    /// Of them, those that hold so much that they count for the shares.
    pub sharers: u64,
    /// Bytes returned after a wipe, while that is counted.
    pub returned: u64,
    /// Members that returned something, while that is counted.
    pub returners: u64,
    /// Bytes placed under names.
    pub placed: u64,
    /// Bytes waiting for foreign homes.
    pub forwards: u64,
    /// The number of the newest forward.
    pub newest_forward: u64,
    /// The number of the newest notice.
    pub newest_notice: u64,
}

impl Counters {
    pub fn read<S: ShelfRead>(shelf: &S) -> Result<Self, S::Error> {
        let bytes = shelf.get(ShelfTable::About, COUNTERS)?.ok_or(Damaged)?;
        let mut fields = Fields(&bytes);
        Ok(Self {
            newest: fields.long()?,
            room: Room {
                members: fields.long()?,
                tokens: fields.long()?,
                work: fields.long()?,
            },
            holders: fields.long()?,
            sharers: fields.long()?,
            returned: fields.long()?,
            returners: fields.long()?,
            placed: fields.long()?,
            forwards: fields.long()?,
            newest_forward: fields.long()?,
            newest_notice: fields.long()?,
        })
    }

    pub fn write<S: Shelf>(&self, shelf: &mut S) -> Result<(), S::Error> {
        let bytes = [
            self.newest,
            self.room.members,
            self.room.tokens,
            self.room.work,
            self.holders,
            self.sharers,
            self.returned,
            self.returners,
            self.placed,
            self.forwards,
            self.newest_forward,
            self.newest_notice,
        ]
        .map(u64::to_be_bytes)
        .concat();
        shelf.put(ShelfTable::About, COUNTERS, &bytes)
    }
}

impl Node {
    /// What members are told about this node.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn about<S: ShelfRead>(&self, shelf: &S) -> Result<About, S::Error> {
        Ok(find(shelf)?.ok_or(Damaged)?)
    }

    /// How full it is.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn usage<S: ShelfRead>(&self, shelf: &S) -> Result<Usage, S::Error> {
        let counters = Counters::read(shelf)?;
        Ok(Usage {
            bytes: counters.room.members + counters.room.strangers(),
            placed_bytes: counters.placed,
            forward_bytes: counters.forwards,
            newest: counters.newest,
        })
    }

    /// Takes a new put token if the one in use is 30 days old; the old one is good for 30 more. Whether it did.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn rotate_token<S: Shelf>(
        &self,
        shelf: &mut S,
        now: u64,
        fresh: Token,
    ) -> Result<bool, S::Error> {
        let (mut about, today) = (self.about(shelf)?, Day::of(now));
        if today < about.token_day.plus(TOKEN_DAYS) {
            return Ok(false);
        }
        about.former = Some((about.token, today.plus(TOKEN_DAYS)));
        about.token = fresh;
        about.token_day = today;
        about.write(shelf)?;
        Ok(true)
    }

    /// From now on new homes draw buckets of so many bits, at most [`MAX_BITS`](crate::MAX_BITS). What is kept stays where it lies.
    ///
    /// # Errors
    /// If the shelf fails or is damaged.
    pub fn set_bits<S: Shelf>(&self, shelf: &mut S, now: u64, bits: u8) -> Result<(), S::Error> {
        let mut about = self.about(shelf)?;
        about.bits_day = Day::of(now);
        about.bits = bits.min(crate::MAX_BITS);
        about.write(shelf)
    }
}
