//! History for a newcomer, if the constitution gives it: the seeds of a span, sealed by a voucher to
//! the newcomer's leaf key.
//!
//! With them the newcomer reads what was sealed before its admission and is still on its way in the
//! ether (30 days at most); older operations it is sent anew. It takes only those that the signed
//! operations it received name, and accepts them as any other.
//!
//! Layout: version, suite, encapsulation (1120), ciphertext, tag (16). Inside: count, each member root
//! (32), seed (32), day (4). The info binds space and recipient's mark.

use hpke::{OpModeR, OpModeS};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Mark, MemberRoot, PREFIX, Seed, SliceKey, Space, seed::SeedSecret};
use crate::{
    DecodeError, OpenError, SUITE, SealError,
    codec::Reader,
    kem::{self, KemPublic, SEALED_OVERHEAD_BYTES},
    labels,
};

/// The most seeds in one archive: more than are kept at once. A longer history is several.
pub const MAX_SEEDS: usize = 64;
/// The longest archive, in bytes: it fits an envelope of 8 KiB.
pub const MAX_ARCHIVE_BYTES: usize = 2 + SEALED_OVERHEAD_BYTES + 1 + MAX_SEEDS * ENTRY_BYTES;

const ENTRY_BYTES: usize = 32 + 32 + 4;

/// One seed of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The seed.
    pub seed: Seed,
    /// The day from which it was used, in days since the epoch.
    pub since: u32,
}

/// Seals seeds of one space to a newcomer. Those of other spaces are left out.
///
/// # Errors
/// If there are more than [`MAX_SEEDS`].
pub fn seal(
    space: &Space,
    past: &[Past],
    to: &KemPublic,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, SealError> {
    let here = || past.iter().filter(|past| past.seed.space() == space);
    let count = here().count();
    let count = u8::try_from(count)
        .ok()
        .filter(|_| count <= MAX_SEEDS)
        .ok_or(SealError::TooLong)?;
    let mut inside = Zeroizing::new(Vec::with_capacity(1 + usize::from(count) * ENTRY_BYTES));
    inside.push(count);
    for Past { seed, since } in here() {
        inside.extend_from_slice(&seed.root().0);
        inside.extend_from_slice(seed.secret().expose());
        inside.extend_from_slice(&since.to_be_bytes());
    }
    let info = info(space, &Mark::of(to));
    let sealed = kem::seal_to(to, &OpModeS::Base, &info, &PREFIX, &inside, rng)?;
    Ok([&PREFIX, sealed.as_slice()].concat())
}

/// Opens an archive with the newcomer's leaf key. None of its seeds is accepted yet.
///
/// # Errors
/// If it is for another key or space, was changed, or holds anything else.
pub fn open(space: &Space, key: &SliceKey, bytes: &[u8]) -> Result<Vec<Past>, OpenError> {
    if bytes.len() > MAX_ARCHIVE_BYTES {
        return Err(OpenError);
    }
    let sealed = bytes.strip_prefix(&PREFIX).ok_or(OpenError)?;
    let info = info(space, &key.mark());
    let inside = kem::open_by(key.secret(), &OpModeR::Base, &info, &PREFIX, sealed)?;
    read(space, &inside).map_err(|_| OpenError)
}

pub(crate) fn read(space: &Space, inside: &[u8]) -> Result<Vec<Past>, DecodeError> {
    let mut reader = Reader::new(inside);
    let count = usize::from(reader.u8()?);
    if count > MAX_SEEDS {
        return Err(DecodeError::OutOfBounds);
    }
    let mut one = || {
        let root = MemberRoot(reader.array()?);
        let secret = SeedSecret::from_bytes(reader.array()?);
        Ok(Past {
            seed: Seed::new(*space, root, secret, false),
            since: reader.u32()?,
        })
    };
    let past = (0..count).map(|_| one()).collect::<Result<Vec<_>, _>>()?;
    reader.finish()?;
    Ok(past)
}

fn info(space: &Space, mark: &Mark) -> Vec<u8> {
    let label = labels::GROUP_ARCHIVE.as_bytes();
    [label, &[0, SUITE], &space.encode(), &mark.0].concat()
}
