//! Slices, by which a seed reaches the devices it is for, and the packs that they travel in.
//!
//! A slice is the seed, sealed by HPKE to the leaf key of one device; its info binds space, member
//! root and commitment, so that it opens as part of this seed only. Layout: mark (8), encapsulation
//! (1120), ciphertext (32), tag (16).
//!
//! A pack is what one envelope holds. It is sealed as any other: hinted under a seed that the
//! recipients have, or under the outer key of a pair in a circle. It proves nothing about its author:
//! the signed Seed operation with the same commitment does. Layout: version, suite, commitment (32),
//! member root (32), count, slices.

use hpke::{OpModeR, OpModeS};
use rand_core::CryptoRng;
use thiserror::Error;

use super::{
    Commit, MARK_BYTES, Mark, MemberRoot, PREFIX, Seed, SliceKey, Space, VERSION, seed::SeedSecret,
};
use crate::{
    DecodeError, SUITE, SealError,
    codec::Reader,
    kem::{self, KemPublic, SEALED_OVERHEAD_BYTES},
    labels,
};

/// The length of a slice, in bytes.
pub const SLICE_BYTES: usize = MARK_BYTES + SEALED_OVERHEAD_BYTES + SeedSecret::BYTES;
/// What a pack has beside its slices, in bytes.
pub const PACK_OVERHEAD_BYTES: usize = 2 + 32 + 32 + 1;
/// The most slices in a pack: so many fit in an envelope of 64 KiB, which leaves some 740 bytes for
/// what the engine writes around them.
pub const MAX_SLICES: usize = 55;
/// The longest pack, in bytes.
pub const MAX_PACK_BYTES: usize = PACK_OVERHEAD_BYTES + MAX_SLICES * SLICE_BYTES;

/// How many slices a pack may hold that has this much room, in bytes: at most [`MAX_SLICES`].
pub const fn slices_in(room: usize) -> usize {
    let fit = room.saturating_sub(PACK_OVERHEAD_BYTES) / SLICE_BYTES;
    if fit < MAX_SLICES { fit } else { MAX_SLICES }
}

/// A seed, sealed to one device.
#[derive(Clone, PartialEq, Eq)]
pub struct Slice(Vec<u8>);

impl core::fmt::Debug for Slice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slice").finish_non_exhaustive()
    }
}

impl Seed {
    /// Seals it to one device: when it is new, to each; later to the one that misses it.
    ///
    /// # Errors
    /// If the key is none, which [`KemPublic`] rules out.
    pub fn slice(
        &self,
        to: &KemPublic,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Slice, SealError> {
        let mark = Mark::of(to);
        let info = info(self.space(), &self.commit(), &self.root());
        let secret = self.secret().expose();
        let sealed = kem::seal_to(to, &OpModeS::Base, &info, &mark.0, secret, rng)?;
        Ok(Slice([&mark.0, sealed.as_slice()].concat()))
    }

    /// Packs slices of this seed: one to [`MAX_SLICES`], see [`slices_in`].
    ///
    /// # Errors
    /// If there are none, or too many.
    pub fn pack(&self, slices: &[Slice]) -> Result<Vec<u8>, SealError> {
        let count = u8::try_from(slices.len()).map_err(|_| SealError::TooLong)?;
        if count == 0 || slices.len() > MAX_SLICES {
            return Err(SealError::TooLong);
        }
        let mut out = Vec::with_capacity(PACK_OVERHEAD_BYTES + slices.len() * SLICE_BYTES);
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&self.commit().0);
        out.extend_from_slice(&self.root().0);
        out.push(count);
        slices
            .iter()
            .for_each(|slice| out.extend_from_slice(&slice.0));
        Ok(out)
    }
}

/// Slices of one seed, as they came. Nothing in it is trusted before a slice opens.
#[derive(Clone, PartialEq, Eq)]
pub struct Pack<'a> {
    commit: Commit,
    root: MemberRoot,
    slices: &'a [[u8; SLICE_BYTES]],
}

/// Why a pack gives no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SliceError {
    /// None of its slices is marked for these keys: others are meant, or another pack has it.
    #[error("no slice for this device")]
    NotForMe,
    /// A slice with the right mark does not open: changed, for another space, or never right. Ask
    /// for the seed ([`Missing`](super::Missing)).
    #[error("the slice is damaged")]
    Damaged,
    /// It opens, and holds another seed than it says. Its author gave different seeds to different
    /// members.
    #[error("the slice holds another seed")]
    WrongCommitment,
}

impl<'a> Pack<'a> {
    /// Reads a pack, of which all slices are there.
    ///
    /// # Errors
    /// If it is not exactly a pack.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let commit = Commit(reader.array()?);
        let root = MemberRoot(reader.array()?);
        let count = usize::from(reader.u8()?);
        if count == 0 || count > MAX_SLICES {
            return Err(DecodeError::OutOfBounds);
        }
        let (slices, _) = reader.bytes(count * SLICE_BYTES)?.as_chunks();
        reader.finish()?;
        Ok(Self {
            commit,
            root,
            slices,
        })
    }

    /// Which seed its slices say to hold.
    pub fn commit(&self) -> Commit {
        self.commit
    }

    /// Whom that seed is said to be for.
    pub fn root(&self) -> MemberRoot {
        self.root
    }

    /// Finds the slice for one of these keys and opens it. The seed is not accepted yet.
    ///
    /// # Errors
    /// See [`SliceError`].
    pub fn open<'k>(
        &self,
        space: &Space,
        keys: impl IntoIterator<Item = &'k SliceKey>,
    ) -> Result<Seed, SliceError> {
        let mut failed = SliceError::NotForMe;
        for key in keys {
            for slice in self.slices {
                match self.open_slice(space, key, slice) {
                    Ok(seed) => return Ok(seed),
                    Err(SliceError::NotForMe) => (),
                    Err(error) => failed = error,
                }
            }
        }
        Err(failed)
    }

    fn open_slice(
        &self,
        space: &Space,
        key: &SliceKey,
        slice: &[u8; SLICE_BYTES],
    ) -> Result<Seed, SliceError> {
        let mark = key.mark().0;
        let sealed = slice.strip_prefix(&mark).ok_or(SliceError::NotForMe)?;
        let info = info(space, &self.commit, &self.root);
        let secret = kem::open_by(key.secret(), &OpModeR::Base, &info, &mark, sealed)
            .map_err(|_| SliceError::Damaged)?;
        let secret = secret
            .first_chunk()
            .map(|secret| SeedSecret::from_bytes(*secret))
            .ok_or(SliceError::Damaged)?;
        let seed = Seed::new(*space, self.root, secret, false);
        if seed.commit() != self.commit {
            return Err(SliceError::WrongCommitment);
        }
        Ok(seed)
    }
}

impl core::fmt::Debug for Pack<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pack").finish_non_exhaustive()
    }
}

fn info(space: &Space, commit: &Commit, root: &MemberRoot) -> Vec<u8> {
    let label = labels::GROUP_SLICE.as_bytes();
    let (space, rest) = (space.encode(), [&commit.0[..], &root.0].concat());
    [label, &[0, SUITE], &space, &rest].concat()
}
