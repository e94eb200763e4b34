//! The answering side of a reconciliation, from a node's shelf.
//!
//! It says byte for byte what the crate `negentropy` says of a list in memory (a test compares them), but a node has no
//! list: it holds a million envelopes and must not read them all for each message. The crate does not let its storage
//! give a sum of a range, so this side is written out: protocol version 1, of
//! <https://github.com/hoytech/negentropy/blob/master/docs/negentropy-protocol-v1.md>.
//!
//! A message is a version byte and ranges in order. A range is an upper bound (day and a prefix of an id, differences
//! against the bound before), a mode, and what the mode brings: nothing (skip), a fingerprint, or a list of ids. Numbers
//! are base 128, big-endian.

use sha2::{Digest, Sha256};

use crate::{
    ShelfRead,
    node::{Item, Items, Sum},
};

/// The version byte.
const VERSION: u8 = 0x61;
/// Version bytes of other versions of the protocol.
const VERSIONS: std::ops::RangeInclusive<u8> = 0x60..=0x6f;
const SKIP: u64 = 0;
const FINGERPRINT: u64 = 1;
const IDS: u64 = 2;
const FINGERPRINT_BYTES: usize = 16;
const ID_BYTES: usize = 32;
/// Into how many parts a range is split.
const PARTS: usize = 16;
/// Ranges of fewer items are sent as ids.
const FEW: usize = 2 * PARTS;
/// No more ranges are answered once a message comes so near its limit; what may still follow fits.
const SLACK_BYTES: usize = 200;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer<E> {
    /// The message is none of the protocol.
    Malformed,
    /// The shelf failed.
    Shelf(E),
}

impl<E> From<E> for NoAnswer<E> {
    fn from(error: E) -> Self {
        Self::Shelf(error)
    }
}

/// The upper end of a range: a day, and the first bytes of an id.
#[derive(Debug, Clone, Copy)]
struct Bound {
    item: Item,
    length: usize,
}

impl Bound {
    /// Above everything.
    const END: Self = Self {
        item: (u64::MAX, [0; ID_BYTES]),
        length: 0,
    };
    /// Below everything.
    const START: Self = Self {
        item: (0, [0; ID_BYTES]),
        length: 0,
    };

    /// The shortest bound between two neighbours.
    fn between(lower: &Item, upper: &Item) -> Self {
        let length = if lower.0 == upper.0 {
            let shared = lower.1.iter().zip(upper.1).take_while(|(a, b)| **a == *b);
            (shared.count() + 1).min(ID_BYTES)
        } else {
            0
        };
        let mut id = [0; ID_BYTES];
        let kept = id.iter_mut().zip(upper.1).take(length);
        kept.for_each(|(byte, given)| *byte = given);
        Self {
            item: (upper.0, id),
            length,
        }
    }

    fn at(item: Item) -> Self {
        Self {
            item,
            length: ID_BYTES,
        }
    }
}

/// The most records that are read for one message, but for those of its last range: a tenth of a second on a disk, and
/// far more than a cell, so that each message comes further than the one before. What is not compared then is in the next.
pub(crate) const MAX_READ: usize = 64 * 1_024;

/// The answer to a message, of at most `limit` bytes; at least 4,096. Once more than `most_read` records were read,
/// the rest is left for the next message.
pub(crate) fn answer<S: ShelfRead>(
    items: &mut Items<'_, S>,
    message: &[u8],
    limit: usize,
    most_read: usize,
) -> Result<Vec<u8>, NoAnswer<S::Error>> {
    let mut input = Input {
        rest: message,
        day: 0,
    };
    let mut output = Output {
        bytes: vec![VERSION],
        day: 0,
        enough: limit.saturating_sub(SLACK_BYTES),
    };
    match input.bytes::<1, _>()? {
        [VERSION] => {}
        [version] if VERSIONS.contains(&version) => return Ok(output.bytes),
        _ => return Err(NoAnswer::Malformed),
    }
    let size = items.size();
    let mut before = Bound::START;
    let (mut lower, mut answered) = (0, 0);
    let mut skips = false;
    while !input.rest.is_empty() {
        let bound = input.bound()?;
        // Else a message could go back and forth over the shelf.
        if bound.item < before.item {
            return Err(NoAnswer::Malformed);
        }
        let mode = input.number();
        let mut upper = items.lower_bound(lower, size, &bound.item)?;
        let start = output.mark();
        match mode {
            SKIP => skips = true,
            FINGERPRINT => {
                let theirs = input.bytes::<FINGERPRINT_BYTES, _>()?;
                if theirs == fingerprint(items, lower, upper)? {
                    skips = true;
                } else {
                    output.skip_to(&mut skips, &before);
                    split(items, &mut output, lower, upper, bound)?;
                }
            }
            IDS => {
                input.ids()?;
                output.skip_to(&mut skips, &before);
                upper = list(items, &mut output, start, lower, upper, bound)?;
                answered = upper;
            }
            _ => return Err(NoAnswer::Malformed),
        }
        if output.bytes.len() > output.enough {
            if mode != IDS {
                output.back_to(start);
            }
            // The other side goes on from the last bound it was told.
            output.range(&Bound::END, FINGERPRINT);
            let rest = fingerprint(items, answered, size)?;
            output.bytes.extend(rest);
            break;
        }
        if output.bytes.len() > start {
            answered = upper;
        }
        lower = upper;
        before = bound;
        if items.records_read() > most_read && !input.rest.is_empty() && lower < size {
            output.skip_to(&mut skips, &before);
            output.range(&Bound::END, FINGERPRINT);
            let rest = fingerprint(items, lower, size)?;
            output.bytes.extend(rest);
            break;
        }
    }
    Ok(output.bytes)
}

/// A few items by their ids, more of them in parts by their fingerprints.
fn split<S: ShelfRead>(
    items: &mut Items<'_, S>,
    output: &mut Output,
    lower: usize,
    upper: usize,
    bound: Bound,
) -> Result<(), S::Error> {
    let count = upper - lower;
    if count < FEW {
        output.range(&bound, IDS);
        output.number(count as u64);
        return items.each(lower, upper, |_, (_, id)| {
            output.bytes.extend(id);
            true
        });
    }
    let mut end = lower;
    for part in 0..PARTS {
        let start = end;
        end += count / PARTS + usize::from(part < count % PARTS);
        let neighbours = match end < upper {
            true => items.item(end - 1)?.zip(items.item(end)?),
            false => None,
        };
        let bound = neighbours.map_or(bound, |(below, above)| Bound::between(&below, &above));
        output.range(&bound, FINGERPRINT);
        output.bytes.extend(fingerprint(items, start, end)?);
    }
    Ok(())
}

/// The ids of a range, as many as fit, and where they end.
fn list<S: ShelfRead>(
    items: &mut Items<'_, S>,
    output: &mut Output,
    start: usize,
    lower: usize,
    upper: usize,
    bound: Bound,
) -> Result<usize, S::Error> {
    let (mut ids, mut end, mut bound) = (Vec::new(), upper, bound);
    items.each(lower, upper, |position, item| {
        if start + ids.len() > output.enough {
            (end, bound) = (position, Bound::at(*item));
            return false;
        }
        ids.extend(item.1);
        true
    })?;
    output.range(&bound, IDS);
    output.number((ids.len() / ID_BYTES) as u64);
    output.bytes.extend(ids);
    Ok(end)
}

fn fingerprint<S: ShelfRead>(
    items: &mut Items<'_, S>,
    begin: usize,
    end: usize,
) -> Result<[u8; FINGERPRINT_BYTES], S::Error> {
    let sum: Sum = items.sum(begin, end)?;
    let hash = Sha256::new()
        .chain_update(sum.bytes())
        .chain_update(number((end - begin) as u64))
        .finalize();
    let mut fingerprint = [0; FINGERPRINT_BYTES];
    let kept = fingerprint.iter_mut().zip(hash);
    kept.for_each(|(byte, given)| *byte = given);
    Ok(fingerprint)
}

/// What is not read yet of a message.
struct Input<'a> {
    rest: &'a [u8],
    /// The day of the last bound.
    day: u64,
}

impl Input<'_> {
    fn bytes<const N: usize, E>(&mut self) -> Result<[u8; N], NoAnswer<E>> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(NoAnswer::Malformed)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            number = (number << 7) | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn bound<E>(&mut self) -> Result<Bound, NoAnswer<E>> {
        // 0 is the end; else the difference and one.
        let ahead = self.number().checked_sub(1).unwrap_or(u64::MAX);
        self.day = self.day.saturating_add(ahead);
        let length = usize::try_from(self.number()).map_err(|_| NoAnswer::Malformed)?;
        let (prefix, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(NoAnswer::Malformed)?;
        if length > ID_BYTES {
            return Err(NoAnswer::Malformed);
        }
        self.rest = rest;
        let mut id = [0; ID_BYTES];
        id.iter_mut()
            .zip(prefix)
            .for_each(|(byte, given)| *byte = *given);
        Ok(Bound {
            item: (self.day, id),
            length,
        })
    }

    /// The ids of a list: only who leads learns from them.
    fn ids<E>(&mut self) -> Result<(), NoAnswer<E>> {
        let count = usize::try_from(self.number()).map_err(|_| NoAnswer::Malformed)?;
        let length = count.checked_mul(ID_BYTES).ok_or(NoAnswer::Malformed)?;
        let (_, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(NoAnswer::Malformed)?;
        self.rest = rest;
        Ok(())
    }
}

/// A message that is written.
struct Output {
    bytes: Vec<u8>,
    /// The day of the last bound.
    day: u64,
    /// Longer than this, it is ended.
    enough: usize,
}

impl Output {
    fn mark(&self) -> usize {
        self.bytes.len()
    }

    fn back_to(&mut self, mark: usize) {
        self.bytes.truncate(mark);
    }

    fn number(&mut self, value: u64) {
        self.bytes.extend(number(value));
    }

    fn range(&mut self, bound: &Bound, mode: u64) {
        let (day, id) = &bound.item;
        if *day == u64::MAX {
            self.number(0);
        } else {
            self.number(day.saturating_sub(self.day).saturating_add(1));
        }
        self.day = *day;
        self.number(bound.length as u64);
        self.bytes.extend(id.iter().take(bound.length));
        self.number(mode);
    }

    /// Says up to where nothing has to be said, if so.
    fn skip_to(&mut self, skips: &mut bool, before: &Bound) {
        if std::mem::take(skips) {
            self.range(before, SKIP);
        }
    }
}

fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = if bytes.is_empty() { 0 } else { 0x80 };
        bytes.push((value & 0x7f) as u8 | more);
        value >>= 7;
        if value == 0 {
            break;
        }
    }
    bytes.reverse();
    bytes
}
