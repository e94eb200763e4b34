//! The account of what one author's device has sent in one conversation.
//!
//! What is missing, what came twice, and whether two different operations carry one number all follow from the *set*
//! of operations received, in any order and however often. The account does not keep the operations; per number it
//! keeps the hash and the time, and that only for the last [`WINDOW`] numbers without a gap and whatever lies
//! beyond. Older numbers are *settled*.
//!
//! - A number taken again by another operation is a fork: a device was copied, or restored from an old
//!   copy. Both operations are kept, in the order of their hashes.
//! - An operation that names a different predecessor than the one received is the same sign: the fork itself has
//!   not arrived yet.
//! - For a settled number the hashes are gone, and the time decides: an operation not younger than everything settled
//!   is one of those; a younger one is a fork. A restored device writes with today's time, so this fails
//!   only for one whose clock runs back by [`WINDOW`] messages, and then to the harm of its own words.
//!
//! What the author is told names operations by tags where numbers may not be enough: the newest few, and what comes right before a gap,
//! always, so that a device that was set back sees that they are none of its own (what lies before one of these is its own if that one is,
//! by the links); all that are comparable while a copy was seen among them.
//!
//! What the author can no longer supply is *lost*: the account goes on without it, counts it, and still takes it
//! if it comes after all while its number is comparable.
//!
//! Bounds: [`MAX_AHEAD`] and [`MAX_FORKS`]. What is refused for them is not acknowledged, so it is sent again.

use std::collections::{BTreeMap, BTreeSet};

use komrade_cbor::Value;
use thiserror::Error;

use crate::{
    Acknowledgement, MAX_RANGES, MAX_TAGS, Operation, OperationId, Range, Tag,
    cbor::{FieldError, Map, Writer, exactly, number},
};

/// How many numbers without a gap stay comparable by hash: about 6 KB, rewritten with every message.
pub const WINDOW: u64 = 128;
/// How far beyond the first gap operations are taken: at worst 22 KB while the gap lasts.
pub const MAX_AHEAD: u64 = 256;
/// How many forks are kept among the comparable numbers, and as many among the settled: at worst 16 KB. A
/// restored device makes as many as it sends until it learns of its other half.
pub const MAX_FORKS: usize = 128;
/// How many of the newest operations an acknowledgement names if no copy was seen.
const NAMED: usize = 4;
/// The longest encoding, in bytes: all bounds reached at once.
pub const MAX_RECEIVED_BYTES: usize = 56 * 1_024;

const UP_TO: u64 = 1;
const SETTLED_TIME: u64 = 2;
const COPIED: u64 = 3;
const LATE: u64 = 4;
const ENTRIES: u64 = 5;
const LOST: u64 = 6;
const HOLES: u64 = 7;

/// What one author's device has sent, as far as it arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Everything from 1 to this arrived or is lost.
    up_to: u64,
    /// The comparable numbers: the last [`WINDOW`] up to `up_to`, and what arrived beyond. Per number, by rising hash.
    entries: BTreeMap<u64, Vec<Entry>>,
    /// The latest time of a settled operation.
    settled_time: u64,
    /// Forks that arrived after their number was settled.
    late: BTreeSet<OperationId>,
    /// The highest settled number that had a fork or a broken link, or how far everything had come when a fork of a
    /// settled number came; 0: neither.
    copied: u64,
    /// How many were given up by their author and never came.
    lost: u64,
    /// Those of them that are comparable by number.
    holes: BTreeSet<u64>,
}

/// What is kept of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: OperationId,
    time: u64,
    /// The predecessor it names, until that one arrives.
    awaits: Option<OperationId>,
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// New, and everything before it is here.
    New,
    /// New, but something before it is missing.
    OutOfOrder,
    /// New, and its number was taken already by another operation: keep both, show the device as copied or
    /// restored.
    Fork,
    /// It was here.
    Duplicate,
    /// Not taken: more than [`MAX_AHEAD`] beyond the first gap.
    TooFarAhead,
    /// Not taken: more than [`MAX_FORKS`].
    TooManyForks,
}

impl Inserted {
    /// Whether the operation is to be kept.
    pub fn is_kept(self) -> bool {
        matches!(self, Self::New | Self::OutOfOrder | Self::Fork)
    }
}

/// Why bytes are no such account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReceivedError {
    /// Longer than [`MAX_RECEIVED_BYTES`].
    #[error("an account of {0} bytes")]
    TooLong(usize),
    /// No CBOR map with distinct numbers as keys, or something follows it.
    #[error("not a map of numbered fields")]
    Malformed,
    /// A field is missing.
    #[error("field {0} is missing")]
    Missing(u64),
    /// A field has a type or value that it cannot have.
    #[error("field {0} is bad")]
    BadField(u64),
    /// The parts contradict each other.
    #[error("an account that cannot come about")]
    Inconsistent,
}

impl From<FieldError> for ReceivedError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Missing(field) => Self::Missing(field),
            FieldError::Bad(field) => Self::BadField(field),
        }
    }
}

impl Received {
    /// Everything from 1 to this number arrived or is lost; 0: nothing yet.
    pub fn up_to(&self) -> u64 {
        self.up_to
    }

    /// The operations numbered [`Received::up_to`], by rising hash: what own operations name as seen. More than one
    /// if the device was copied.
    pub fn heads(&self) -> impl Iterator<Item = OperationId> {
        self.entries
            .get(&self.up_to)
            .into_iter()
            .flatten()
            .map(|entry| entry.id)
    }

    /// The operations that can still be compared.
    pub fn ids(&self) -> impl Iterator<Item = OperationId> {
        let comparable = self.entries.values().flatten().map(|entry| entry.id);
        comparable.chain(self.late.iter().copied())
    }

    /// Whether the device was copied or restored from an old copy.
    pub fn is_copied(&self) -> bool {
        self.copied_up_to() > 0
    }

    /// Up to where numbers were taken twice, as far as that is known; 0: nowhere.
    fn copied_up_to(&self) -> u64 {
        let is_broken = |(sequence, entries): &(&u64, &Vec<Entry>)| {
            let awaits = entries.iter().any(|entry| entry.awaits.is_some());
            entries.len() > 1 || (awaits && self.entries.contains_key(&(*sequence - 1)))
        };
        let broken = self.entries.iter().rev().find(is_broken);
        broken.map_or(0, |(sequence, _)| *sequence).max(self.copied)
    }

    /// How many numbers are missing below the highest that arrived.
    pub fn missing_count(&self) -> u64 {
        self.gaps().map(Range::count).sum()
    }

    /// Which numbers are missing, the first [`MAX_RANGES`] gaps.
    pub fn missing(&self) -> Vec<Range> {
        self.gaps().take(MAX_RANGES).collect()
    }

    /// How many the author gave up before they came here.
    pub fn lost_count(&self) -> u64 {
        self.lost
    }

    /// The author can supply nothing below this number any more: what is missing there is lost. What was before the
    /// first operation that ever comes here was not meant for this account, and is not counted. Says whether
    /// anything changed.
    pub fn lose_below(&mut self, lowest: u64) -> bool {
        let end = lowest.saturating_sub(1);
        if end <= self.up_to {
            return false;
        }
        let begins = self.up_to == 0 && self.entries.is_empty();
        let next = self.up_to.saturating_add(1);
        let arrived = self.entries.range(next..=end).count() as u64;
        let comparable = next.max(end.saturating_sub(WINDOW - 1))..=end;
        let missing = comparable.filter(|number| !self.entries.contains_key(number));
        self.holes.extend(missing);
        if !begins {
            let lost = (end - self.up_to).saturating_sub(arrived);
            self.lost = self.lost.saturating_add(lost);
        }
        self.up_to = end;
        self.advance();
        true
    }

    /// What to tell the author.
    pub fn acknowledgement(&self) -> Acknowledgement {
        let (named_from, tags) = self.tags();
        Acknowledgement {
            up_to: self.up_to,
            beyond: self.runs().take(MAX_RANGES).collect(),
            wanted: self.missing(),
            named_from,
            tags,
            copied_up_to: self.copied_up_to(),
        }
    }

    /// The tags of all operations from a number on, of what comes right before each gap, and of forks of settled numbers: few, unless a
    /// copy was seen among what is comparable, or something there was given up, maybe by a copy that never had it.
    fn tags(&self) -> (u64, Vec<Tag>) {
        let is_copied = self.copied_up_to() > self.floor();
        let has_lost = self.lost > 0 && !self.holes.is_empty();
        let runs = self.runs().take(MAX_RANGES).map(|run| run.last);
        let ends = runs
            .chain([self.up_to])
            .filter_map(|end| self.entries.get(&end));
        // They always fit: as many numbers, and the forks of them all.
        const { assert!(MAX_RANGES + 1 + MAX_FORKS <= MAX_TAGS) };
        let ends: Vec<Tag> = ends.flatten().map(|entry| Tag::from(entry.id)).collect();
        let late = self.late.iter().filter(|_| is_copied);
        let late = late.take(MAX_TAGS.saturating_sub(ends.len()));
        let mut tags: Vec<Tag> = late.map(|id| Tag::from(*id)).collect();
        let most = match is_copied || has_lost {
            true => MAX_TAGS.saturating_sub(ends.len()),
            false => NAMED,
        };
        let mut from = u64::MAX;
        for (sequence, entries) in self.entries.iter().rev() {
            if tags.len() + entries.len() > most {
                break;
            }
            tags.extend(entries.iter().map(|entry| Tag::from(entry.id)));
            from = *sequence;
        }
        for end in ends {
            if !tags.contains(&end) {
                tags.push(end);
            }
        }
        (if tags.is_empty() { 0 } else { from }, tags)
    }

    /// Takes an operation of a conversation into the account.
    pub fn insert(&mut self, operation: &Operation) -> Inserted {
        let fields = operation.fields();
        let (sequence, previous) = (fields.sequence, fields.previous);
        let (id, time) = (operation.id(), fields.time);
        if sequence <= self.floor() {
            return self.insert_settled(id, time);
        }
        if sequence > self.up_to.saturating_add(MAX_AHEAD) {
            return Inserted::TooFarAhead;
        }
        let here = self.entries.get(&sequence).map_or(&[][..], Vec::as_slice);
        let Err(position) = here.binary_search_by_key(&id, |entry| entry.id) else {
            return Inserted::Duplicate;
        };
        let is_fork = !here.is_empty();
        if is_fork && self.fork_count() >= MAX_FORKS {
            return Inserted::TooManyForks;
        }

        let awaits = previous.filter(|previous| {
            let before = self.entries.get(&(sequence - 1)).into_iter().flatten();
            !before.map(|entry| entry.id).any(|id| id == *previous)
        });
        self.entries
            .entry(sequence)
            .or_default()
            .insert(position, Entry { id, time, awaits });
        if self.holes.remove(&sequence) {
            self.lost = self.lost.saturating_sub(1);
        }
        for after in self.after(sequence) {
            after.awaits = after.awaits.filter(|awaited| *awaited != id);
        }
        self.advance();
        match (is_fork, sequence <= self.up_to) {
            (true, _) => Inserted::Fork,
            (false, true) => Inserted::New,
            (false, false) => Inserted::OutOfOrder,
        }
    }

    fn insert_settled(&mut self, id: OperationId, time: u64) -> Inserted {
        if time <= self.settled_time || self.late.contains(&id) {
            return Inserted::Duplicate;
        }
        if self.late.len() >= MAX_FORKS {
            return Inserted::TooManyForks;
        }
        self.late.insert(id);
        self.copied = self.up_to;
        Inserted::Fork
    }

    /// Closes what gaps can be closed, and settles what fell out of the window.
    fn advance(&mut self) {
        while let Some(next) = self.up_to.checked_add(1)
            && self.entries.contains_key(&next)
        {
            self.up_to = next;
        }
        while let Some(first) = self.entries.first_entry()
            && *first.key() <= self.up_to.saturating_sub(WINDOW)
        {
            let (sequence, settled) = first.remove_entry();
            let latest = settled.iter().map(|entry| entry.time).max();
            self.settled_time = self.settled_time.max(latest.unwrap_or_default());
            // Later nobody can tell any more whether the next ones' links hold.
            let broken = self
                .after(sequence)
                .iter()
                .any(|entry| entry.awaits.is_some());
            if broken || settled.len() > 1 {
                self.copied = self.copied.max(sequence.saturating_add(1));
            }
        }
        let comparable = self.floor().saturating_add(1);
        self.holes = self.holes.split_off(&comparable);
    }

    /// What follows a number at once.
    fn after(&mut self, sequence: u64) -> &mut [Entry] {
        let next = sequence.checked_add(1);
        next.and_then(|next| self.entries.get_mut(&next))
            .map_or(&mut [], Vec::as_mut_slice)
    }

    /// The last settled number.
    fn floor(&self) -> u64 {
        self.up_to.saturating_sub(WINDOW)
    }

    fn fork_count(&self) -> usize {
        self.entries
            .values()
            .map(|entries| entries.len().saturating_sub(1))
            .sum()
    }

    /// What arrived beyond the first gap, as runs of numbers.
    fn runs(&self) -> impl Iterator<Item = Range> {
        let mut beyond = self
            .entries
            .keys()
            .copied()
            .filter(|key| *key > self.up_to)
            .peekable();
        std::iter::from_fn(move || {
            let first = beyond.next()?;
            let mut last = first;
            while let Some(next) = beyond.next_if(|next| Some(*next) == last.checked_add(1)) {
                last = next;
            }
            Some(Range { first, last })
        })
    }

    /// What lies before each run.
    fn gaps(&self) -> impl Iterator<Item = Range> {
        self.runs().scan(self.up_to, |end, run| {
            let gap = Range {
                first: end.saturating_add(1),
                last: run.first.saturating_sub(1),
            };
            *end = run.last;
            Some(gap)
        })
    }

    /// As the engine keeps it; at most [`MAX_RECEIVED_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let has_lost = self.lost > 0 || !self.holes.is_empty();
        writer.map(5 + 2 * usize::from(has_lost));
        writer.number(UP_TO);
        writer.number(self.up_to);
        writer.number(SETTLED_TIME);
        writer.number(self.settled_time);
        writer.number(COPIED);
        writer.number(self.copied);
        writer.number(LATE);
        writer.array(self.late.len());
        self.late.iter().for_each(|id| writer.bytes(&id.0));
        writer.number(ENTRIES);
        writer.array(self.entries.values().map(Vec::len).sum());
        for (sequence, entries) in &self.entries {
            for entry in entries {
                writer.array(3 + usize::from(entry.awaits.is_some()));
                writer.number(*sequence);
                writer.number(entry.time);
                writer.bytes(&entry.id.0);
                if let Some(awaited) = entry.awaits {
                    writer.bytes(&awaited.0);
                }
            }
        }
        if has_lost {
            writer.number(LOST);
            writer.number(self.lost);
            writer.number(HOLES);
            writer.array(self.holes.len());
            self.holes.iter().for_each(|hole| writer.number(*hole));
        }
        writer.into_vec()
    }

    /// Reads what [`Received::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceivedError> {
        if bytes.len() > MAX_RECEIVED_BYTES {
            return Err(ReceivedError::TooLong(bytes.len()));
        }
        let mut map = Map::read(bytes).ok_or(ReceivedError::Malformed)?;
        let ids = |value: Value| value.as_array()?.iter().map(read_id).collect();
        let numbers = |value: Value| value.as_array()?.iter().map(number).collect();
        let entries = |value: Value| {
            value
                .as_array()?
                .iter()
                .map(read_entry)
                .collect::<Option<Vec<_>>>()
        };
        let mut received = Self {
            up_to: map.number(UP_TO)?,
            settled_time: map.number(SETTLED_TIME)?,
            copied: map.number(COPIED)?,
            late: map.required(LATE, ids)?,
            entries: BTreeMap::new(),
            lost: map.optional(LOST, |value| number(&value))?.unwrap_or(0),
            holes: map.optional(HOLES, numbers)?.unwrap_or_default(),
        };
        for (sequence, entry) in map.required(ENTRIES, entries)? {
            received.entries.entry(sequence).or_default().push(entry);
        }
        if received.is_consistent() {
            Ok(received)
        } else {
            Err(ReceivedError::Inconsistent)
        }
    }

    fn is_consistent(&self) -> bool {
        let sorted = |entries: &Vec<Entry>| entries.is_sorted_by(|a, b| a.id < b.id);
        let comparable = self.floor()..=self.up_to;
        let kept = self
            .entries
            .keys()
            .filter(|key| comparable.contains(*key))
            .count() as u64;
        let highest = self.up_to.saturating_add(MAX_AHEAD);
        let next = self.up_to.checked_add(1);
        let first = self.entries.get(&1).into_iter().flatten();
        self.late.len() <= MAX_FORKS
            && self.fork_count() <= MAX_FORKS
            && self.entries.values().all(sorted)
            && self
                .entries
                .keys()
                .all(|key| *key > self.floor() && *key <= highest)
            && kept + self.holes.len() as u64 == self.up_to.min(WINDOW)
            && self
                .holes
                .iter()
                .all(|hole| comparable.contains(hole) && !self.entries.contains_key(hole))
            && self.holes.first().is_none_or(|hole| *hole > self.floor())
            && next.is_none_or(|next| !self.entries.contains_key(&next))
            && first.into_iter().all(|entry| entry.awaits.is_none())
    }
}

fn read_id(value: &Value) -> Option<OperationId> {
    exactly(value).map(OperationId)
}

fn read_entry(value: &Value) -> Option<(u64, Entry)> {
    let (sequence, time, id, awaits) = match value.as_array()? {
        [sequence, time, id] => (sequence, time, id, None),
        [sequence, time, id, awaits] => (sequence, time, id, Some(read_id(awaits)?)),
        _ => return None,
    };
    let entry = Entry {
        id: read_id(id)?,
        time: number(time)?,
        awaits,
    };
    Some((number(sequence)?, entry))
}

#[cfg(test)]
mod tests;
