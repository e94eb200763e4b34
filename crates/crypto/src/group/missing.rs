//! What a member lacks: seeds whose slice did not come or does not open, and operations that others
//! name as heads. Posted under the newest seed that the member has.
//!
//! One member answers ([`rules::turn`](super::rules::turn)): a seed by sealing it again to the asking
//! device's leaf, in a pack of one slice.
//!
//! Layout: version, suite, count and seeds (32 each), count and heads (32 each); both ascending and
//! without repetition, so that there is one encoding.

use super::{Commit, PREFIX, VERSION};
use crate::{DecodeError, codec::Reader};

/// The most seeds in one: more than there are in the time that content is kept.
pub const MAX_MISSING_SEEDS: usize = 16;
/// The most heads in one: with all else it fits an envelope of 4 KiB. The next one asks for the rest.
pub const MAX_MISSING_HEADS: usize = 64;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Missing {
    seeds: Vec<Commit>,
    heads: Vec<[u8; 32]>,
}

crate::redacted!(Missing);

impl Missing {
    /// Sorts what is missing; of too many the first [`MAX_MISSING_SEEDS`] and [`MAX_MISSING_HEADS`].
    pub fn new(
        seeds: impl IntoIterator<Item = Commit>,
        heads: impl IntoIterator<Item = [u8; 32]>,
    ) -> Self {
        Self {
            seeds: sorted(seeds, MAX_MISSING_SEEDS),
            heads: sorted(heads, MAX_MISSING_HEADS),
        }
    }

    /// The seeds, ascending.
    pub fn seeds(&self) -> &[Commit] {
        &self.seeds
    }

    /// The ids of operations, ascending.
    pub fn heads(&self) -> &[[u8; 32]] {
        &self.heads
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = PREFIX.to_vec();
        out.push(u8::try_from(self.seeds.len()).unwrap_or(u8::MAX));
        self.seeds
            .iter()
            .for_each(|seed| out.extend_from_slice(&seed.0));
        out.push(u8::try_from(self.heads.len()).unwrap_or(u8::MAX));
        self.heads
            .iter()
            .for_each(|head| out.extend_from_slice(head));
        out
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// If they are not exactly that.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let seeds = list(&mut reader, MAX_MISSING_SEEDS)?;
        let seeds = seeds.into_iter().map(Commit).collect();
        let heads = list(&mut reader, MAX_MISSING_HEADS)?;
        reader.finish()?;
        Ok(Self { seeds, heads })
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>, max: usize) -> Vec<T> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items.truncate(max);
    items
}

fn list(reader: &mut Reader<'_>, max: usize) -> Result<Vec<[u8; 32]>, DecodeError> {
    let count = usize::from(reader.u8()?);
    if count > max {
        return Err(DecodeError::OutOfBounds);
    }
    let items = (0..count)
        .map(|_| reader.array())
        .collect::<Result<Vec<_>, _>>()?;
    if !items.is_sorted_by(|one, other| one < other) {
        return Err(DecodeError::OutOfBounds);
    }
    Ok(items)
}
