//! Reading the log of arrivals: everything of a bucket after a number, in order.
//!
//! The log is kept by bucket, and a subscriber's bucket overlaps a few of them: what it holds, and those in which it
//! lies. They are merged by number, a chunk at a time, so that neither memory nor a step grows with the log.

use std::ops::RangeInclusive;

use super::{
    Node,
    about::Counters,
    keys::{self, Fields},
};
use crate::{Bucket, Class, Damaged, Day, EnvelopeId, Frame, Part, ShelfRead, ShelfTable};

/// How many entries of each bucket are read at once.
const CHUNK: usize = 32;
/// What looking at an entry costs of the budget, even if it is not sent: else a log of expired entries would be one long
/// step.
const LOOK_BYTES: usize = 64;

/// What of the log is to be sent.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// Frames of arrival, in the order of their numbers.
    pub frames: Vec<Frame>,
    /// Everything up to this number was sent or need not be.
    pub cursor: u64,
    /// There is no more.
    pub is_done: bool,
}

/// How far a node has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newest {
    /// The number of the newest arrival.
    pub arrival: u64,
    /// The number of the newest notice, for whomever.
    pub notice: u64,
}

impl Node {
    /// What arrived in buckets that overlap this one after a number, of all sizes or of a part of them: frames of about `budget` bytes. What is left out
    /// costs some of the budget, too: nothing may come of it though there is more.
    pub(crate) fn arrivals<S: ShelfRead>(
        shelf: &S,
        bucket: Bucket,
        part: Option<Part>,
        after: u64,
        today: Day,
        budget: usize,
    ) -> Result<Arrivals, S::Error> {
        let newest = Self::newest(shelf)?.arrival;
        let mut arrivals = Arrivals {
            frames: Vec::new(),
            cursor: after,
            is_done: false,
        };
        let shards = shards(shelf, bucket)?;
        let mut left = budget;
        loop {
            let Chunk { entries, horizon } = chunk(shelf, &shards, arrivals.cursor, newest)?;
            for Entry { number, id, class } in entries {
                if left == 0 {
                    return Ok(arrivals);
                }
                let mut spent = LOOK_BYTES;
                let is_wanted = |class: Class| part.is_none_or(|part| part.holds(class.size));
                if class.is_none_or(is_wanted)
                    && let Some(envelope) = Self::kept(shelf, &id, today)?
                {
                    spent = envelope.as_bytes().len();
                    if spent > left && !arrivals.frames.is_empty() {
                        return Ok(arrivals);
                    }
                    if is_wanted(envelope.header().class) {
                        arrivals.frames.push(Frame::Arrived { number, envelope });
                    }
                }
                left = left.saturating_sub(spent);
                arrivals.cursor = number;
            }
            arrivals.cursor = horizon;
            if horizon >= newest {
                arrivals.is_done = true;
                return Ok(arrivals);
            }
        }
    }

    /// The numbers of the newest arrival and the newest notice.
    pub(crate) fn newest<S: ShelfRead>(shelf: &S) -> Result<Newest, S::Error> {
        let counters = Counters::read(shelf)?;
        Ok(Newest {
            arrival: counters.newest,
            notice: counters.newest_notice,
        })
    }
}

/// An entry of the log.
struct Entry {
    number: u64,
    id: EnvelopeId,
    /// Entries of older versions do not say it.
    class: Option<Class>,
}

/// What stands in an entry: id and class, so that a size that nobody wants is passed over unread.
pub(super) fn value(id: &EnvelopeId, class: Class) -> Vec<u8> {
    let mut value = id.0.to_vec();
    value.push(class.encode());
    value
}

/// The next entries of the log.
struct Chunk {
    /// In the order of their numbers.
    entries: Vec<Entry>,
    /// Up to which number they are complete.
    horizon: u64,
}

/// The next entries after a number.
fn chunk<S: ShelfRead>(
    shelf: &S,
    shards: &[Bucket],
    after: u64,
    newest: u64,
) -> Result<Chunk, S::Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut horizon = newest;
    for shard in shards {
        let from = keys::log(*shard, after.saturating_add(1));
        let to = keys::log(*shard, u64::MAX);
        let found = shelf.range(ShelfTable::Log, &from, Some(&to), CHUNK)?;
        let is_full = found.len() == CHUNK;
        for (key, value) in found {
            let (_, number) = place(&key)?;
            let mut fields = Fields(&value);
            entries.push(Entry {
                number,
                id: fields.id()?,
                class: fields.byte().ok().and_then(Class::decode),
            });
        }
        if let (true, Some(last)) = (is_full, entries.last()) {
            horizon = horizon.min(last.number);
        }
    }
    entries.retain(|entry| entry.number <= horizon);
    entries.sort_unstable_by_key(|entry| entry.number);
    Ok(Chunk { entries, horizon })
}

/// The buckets of the log that overlap this one.
fn shards<S: ShelfRead>(shelf: &S, bucket: Bucket) -> Result<Vec<Bucket>, S::Error> {
    let mut shards = Vec::new();
    for range in bucket.overlapping() {
        let (mut low, high) = RangeInclusive::into_inner(range);
        loop {
            let from = low.to_be_bytes();
            let to = high.checked_add(1).map(u16::to_be_bytes);
            let to = to.as_ref().map(|to| to.as_slice());
            let first = shelf.range(ShelfTable::Log, &from, to, 1)?;
            let Some((key, _)) = first.first() else {
                break;
            };
            let (shard, _) = place(key)?;
            shards.push(shard);
            if shard.ordered() >= high {
                break;
            }
            low = shard.ordered() + 1;
        }
    }
    Ok(shards)
}

/// Bucket and number of an entry.
fn place(key: &[u8]) -> Result<(Bucket, u64), Damaged> {
    let mut fields = Fields(key);
    Ok((fields.bucket()?, fields.long()?))
}
