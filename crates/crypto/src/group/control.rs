//! The keys of a seed that outlive it: [`OuterKey`] of its envelopes (with their hints), and the
//! control key.
//!
//! Operations on membership travel under the control key. It needs nothing but the seed, so that they
//! can be read before it is clear whether the seed is for the right members. Each message has a key of
//! its own, from 16 random bytes.
//!
//! Layout of a control message: version, suite, commitment of the seed (32), salt (16), ciphertext,
//! tag (16). Associated data: the space, and all of the header.

use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{
    Commit, MAX_MESSAGE_BYTES, NONCE, PREFIX, SALT_BYTES, SPACE_BYTES, Seed, Space, VERSION,
};
use crate::{
    DecodeError, OpenError, SealError,
    codec::Reader,
    derive::derive,
    labels,
    outer::{DetectionKey, OuterKey},
    seal::{self, TAG_BYTES},
};

/// What sealing a control message adds, in bytes.
pub const CONTROL_OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// The length of serialised [`LastingKeys`], in bytes.
pub const LASTING_BYTES: usize = 2 + SPACE_BYTES + 32 + 32 + 32;

const HEADER_BYTES: usize = 2 + 32 + SALT_BYTES;

/// Outer key, hints and control key of one seed, kept for
/// [`LASTING_DAYS`](super::rules::LASTING_DAYS).
#[derive(Clone)]
pub struct LastingKeys {
    space: Space,
    commit: Commit,
    outer: OuterKey,
    control: Zeroizing<[u8; 32]>,
}

impl LastingKeys {
    pub(super) fn new(seed: &Seed) -> Self {
        Self {
            space: *seed.space(),
            commit: seed.commit(),
            outer: OuterKey::from_bytes(*seed.grow(labels::GROUP_OUTER, &[])),
            control: seed.grow(labels::GROUP_CONTROL, &[]),
        }
    }

    /// Of which seed.
    pub fn commit(&self) -> Commit {
        self.commit
    }

    /// Of which space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Seals the envelopes of the seed.
    pub fn outer(&self) -> &OuterKey {
        &self.outer
    }

    /// Makes and recognises their hints.
    pub fn detection(&self) -> DetectionKey {
        self.outer.detection()
    }

    /// Seals a control message; [`CONTROL_OVERHEAD_BYTES`] longer than the plaintext.
    ///
    /// # Errors
    /// If it is longer than [`MAX_MESSAGE_BYTES`].
    pub fn seal_control(
        &self,
        plaintext: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > MAX_MESSAGE_BYTES {
            return Err(SealError::TooLong);
        }
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        let mut out = Vec::with_capacity(CONTROL_OVERHEAD_BYTES + plaintext.len());
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&self.commit.0);
        out.extend_from_slice(&salt);
        let header = [&self.space.encode(), out.as_slice()].concat();
        let sealed = seal::seal(&self.key(&salt), &NONCE, &header, plaintext)?;
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens a control message. Who wrote it is proved by the signature inside.
    ///
    /// # Errors
    /// If it is of another seed or space, or was changed.
    pub fn open_control(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (header, sealed) = sealed.split_at_checked(HEADER_BYTES).ok_or(OpenError)?;
        let mut reader = Reader::new(header);
        reader.version_and_suite(VERSION).map_err(|_| OpenError)?;
        let commit = reader.array().map_err(|_| OpenError)?;
        let salt = reader.array().map_err(|_| OpenError)?;
        if Commit(commit) != self.commit || sealed.len() > MAX_MESSAGE_BYTES + TAG_BYTES {
            return Err(OpenError);
        }
        let header = [&self.space.encode(), header].concat();
        seal::open(&self.key(&salt), &NONCE, &header, sealed)
    }

    /// The whole state, to be sealed in the vault. Layout: version, suite, kind of the space, its id
    /// (32), commitment (32), outer key (32), control key (32).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(LASTING_BYTES));
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&self.space.encode());
        out.extend_from_slice(&self.commit.0);
        out.extend_from_slice(self.outer.expose());
        out.extend_from_slice(self.control.as_slice());
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let keys = Self {
            space: Space::read(&mut reader)?,
            commit: Commit(reader.array()?),
            outer: OuterKey::from_bytes(reader.array()?),
            control: Zeroizing::new(reader.array()?),
        };
        reader.finish()?;
        Ok(keys)
    }

    fn key(&self, salt: &[u8; SALT_BYTES]) -> Zeroizing<[u8; 32]> {
        derive(
            self.control.as_slice(),
            labels::GROUP_CONTROL_MESSAGE,
            &[salt],
        )
    }
}

impl ZeroizeOnDrop for LastingKeys {}

impl core::fmt::Debug for LastingKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[redacted]")
    }
}
