//! A seed: 32 random bytes from which all keys of a space grow until the next one.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{
    Kind, LastingKeys, MemberRoot, PREFIX, Receiving, Rewinding, SPACE_BYTES, Sending, Space,
    VERSION,
    ratchet::{Chain, ContentError, Message},
};
use crate::{DecodeError, SUITE, codec::Reader, derive, labels, secret::secret_bytes};

/// The length of a serialised [`Seed`], in bytes.
pub const SEED_BYTES: usize = 2 + SPACE_BYTES + 32 + 32 + 1;

secret_bytes! {
    /// The bytes alone.
    SeedSecret, 32
}

/// Which seed: a hash of space, member root and seed, so that the same bytes for other members are
/// another seed with other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Commit(pub [u8; 32]);

/// A seed and what it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed {
    space: Space,
    root: MemberRoot,
    commit: Commit,
    secret: SeedSecret,
    accepted: bool,
}

/// A seed is for other members than one computes oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the seed is for other members")]
pub struct WrongMembers {
    /// What its author signed.
    pub theirs: MemberRoot,
    /// What this device computes, of the members at the heads that the author names.
    pub ours: MemberRoot,
}

impl Seed {
    /// Draws a seed for these members, of whom this device is one: accepted at once. Keep it before
    /// a slice of it leaves. The root of a circle is always [`MemberRoot::CIRCLE`].
    pub fn draw(space: Space, root: MemberRoot, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let root = match space.kind {
            Kind::Collective => root,
            Kind::Circle => MemberRoot::CIRCLE,
        };
        Self::new(space, root, SeedSecret::draw(rng), true)
    }

    pub(super) fn new(space: Space, root: MemberRoot, secret: SeedSecret, accepted: bool) -> Self {
        let parts: [&[u8]; 4] = [&[SUITE], &space.encode(), &root.0, secret.expose()];
        Self {
            space,
            root,
            commit: Commit(derive::hash(labels::GROUP_COMMIT, &parts)),
            secret,
            accepted,
        }
    }

    /// Which seed it is.
    pub fn commit(&self) -> Commit {
        self.commit
    }

    /// Where it holds.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Whom it is for, as its author says.
    pub fn root(&self) -> MemberRoot {
        self.root
    }

    /// Whether its members were compared with one's own.
    pub fn is_accepted(&self) -> bool {
        self.accepted
    }

    /// Accepts it for content if it is for the members that this device computes at the heads that
    /// the author's signed operation names; a circle's with [`MemberRoot::CIRCLE`], once it came from
    /// the circle's owner.
    ///
    /// # Errors
    /// If it is for others. Nothing was changed.
    pub fn accept(&mut self, ours: &MemberRoot) -> Result<(), WrongMembers> {
        if self.root != *ours {
            return Err(WrongMembers {
                theirs: self.root,
                ours: *ours,
            });
        }
        self.accepted = true;
        Ok(())
    }

    /// The keys that outlive it: of its envelopes, and of control messages. They need no acceptance.
    pub fn lasting(&self) -> LastingKeys {
        LastingKeys::new(self)
    }

    /// The beginning of the ratchet of one's own device. Once for each seed: keep what is made here,
    /// and never begin again.
    ///
    /// # Errors
    /// [`ContentError::NotAccepted`].
    pub fn sending(&self, device: &[u8; 32]) -> Result<Sending, ContentError> {
        self.chain(device).map(Sending::new)
    }

    /// The beginning of the ratchet of another device.
    ///
    /// # Errors
    /// [`ContentError::NotAccepted`].
    pub fn receiving(&self, device: &[u8; 32]) -> Result<Receiving, ContentError> {
        self.chain(device).map(Receiving::new)
    }

    /// Opens a message from the seed itself, whatever was opened before, and changes nothing: the
    /// second message at one place, of a device that was restored or copied
    /// ([`ContentError::KeyGone`]); or one from an archive. Up to [`MAX_REOPEN`](super::MAX_REOPEN)
    /// places from the beginning. The caller knows by the message's own id whether it is new.
    ///
    /// # Errors
    /// See [`ContentError`].
    pub fn reopen(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        let message = Message::read(sealed)?;
        if message.source.commit != self.commit {
            return Err(ContentError::Foreign);
        }
        let mut chain = self.chain(&message.source.device)?;
        chain.open_from_here(&message)
    }

    /// For [`reopen`](Self::reopen) of many messages of one device. Ask first whether it is a member's.
    ///
    /// # Errors
    /// [`ContentError::NotAccepted`].
    pub fn rewinding(&self, device: &[u8; 32]) -> Result<Rewinding, ContentError> {
        self.chain(device).map(Rewinding::new)
    }

    /// The whole state, to be sealed in the vault. Layout: version, suite, kind of the space, its id
    /// (32), member root (32), seed (32), whether it is accepted (1).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(SEED_BYTES));
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&self.space.encode());
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(self.secret.expose());
        out.push(self.accepted.into());
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let space = Space::read(&mut reader)?;
        let root = MemberRoot(reader.array()?);
        let secret = SeedSecret::from_bytes(reader.array()?);
        let accepted = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::OutOfBounds),
        };
        reader.finish()?;
        Ok(Self::new(space, root, secret, accepted))
    }

    pub(super) fn secret(&self) -> &SeedSecret {
        &self.secret
    }

    /// A key for one purpose.
    pub(super) fn grow(&self, label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
        derive::derive(self.secret.expose(), label, &[&self.commit.0, context])
    }

    fn chain(&self, device: &[u8; 32]) -> Result<Chain, ContentError> {
        if !self.accepted {
            return Err(ContentError::NotAccepted);
        }
        Ok(Chain::begin(self, device))
    }
}

impl ZeroizeOnDrop for Seed {}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[redacted]")
    }
}
