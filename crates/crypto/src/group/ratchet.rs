//! Content: a hash ratchet for each sender device, and the messages sealed with its keys.
//!
//! Place by place: chain → next chain, and chain → place key; place key and 16 random bytes from the
//! message's header → the key of one message. A place key says nothing of other places, so the keys of
//! places that were skipped can be kept.
//!
//! Layout of a message: version, suite, commitment of the seed (32), sender device (32), place (4),
//! salt (16), ciphertext, tag (16). Associated data: the space, and all of the header.

use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{
    Commit, MAX_MESSAGE_BYTES, NONCE, PREFIX, SALT_BYTES, SPACE_BYTES, Seed, Space, VERSION,
};
use crate::{
    DecodeError, SealError,
    codec::Reader,
    derive::derive,
    labels,
    seal::{self, TAG_BYTES},
};

/// What sealing content adds, in bytes.
pub const CONTENT_OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// The most places that are skipped at once: as pairwise sessions do. Two hashes each, some 10 ms in a
/// browser.
pub const MAX_GAP: u32 = 2_000;
/// The most keys of skipped places that are kept, newest first: what overtakes within one catch-up.
/// The others are read from the seed ([`Seed::reopen`]) or asked for again.
pub const MAX_SKIPPED: usize = 256;
/// How far from its beginning a ratchet is wound by [`Seed::reopen`]: some 50 ms in a browser.
pub const MAX_REOPEN: u32 = 10_000;
/// The length of a serialised [`Sending`], in bytes.
pub const SENDING_BYTES: usize = CHAIN_BYTES;
/// The longest serialised [`Receiving`], in bytes.
pub const MAX_RECEIVING_BYTES: usize = CHAIN_BYTES + 2 + MAX_SKIPPED * SKIPPED_BYTES;

const HEADER_BYTES: usize = 2 + 32 + 32 + 4 + SALT_BYTES;
const CHAIN_BYTES: usize = 2 + SPACE_BYTES + 32 + 32 + 4 + 32;
const SKIPPED_BYTES: usize = 4 + 32;
/// The distance of the places that a [`Rewinding`] keeps.
const REWIND_STEP: u32 = 256;
/// The last place. Nobody gets there in the life of a seed.
const LAST: u32 = u32::MAX - 1;

/// Why content cannot be sealed or opened. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// No message, or too long.
    #[error("not a message of a group: {0}")]
    Malformed(#[from] DecodeError),
    /// The seed's members were not compared yet.
    #[error("the seed is not accepted")]
    NotAccepted,
    /// Of another seed or device.
    #[error("of another seed or device")]
    Foreign,
    /// The key of this place is gone: something was opened there before, or it came far too late. If
    /// the seed is still kept, [`Seed::reopen`] reads it.
    #[error("opened before or too late")]
    KeyGone,
    /// More than [`MAX_GAP`] places are missing before it ([`MAX_REOPEN`] from the seed).
    #[error("too far ahead")]
    TooFarAhead,
    /// It does not open: changed on the way.
    #[error("does not open")]
    DoesNotOpen,
    /// The plaintext is longer than [`MAX_MESSAGE_BYTES`].
    #[error("too long")]
    TooLong,
    /// No place is left under this seed.
    #[error("the ratchet is used up")]
    Exhausted,
}

/// What the keys of the messages at one place grow from.
type PlaceKey = Zeroizing<[u8; 32]>;

/// Whose ratchet a message belongs to, before it is opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The seed.
    pub commit: Commit,
    /// The sender device's public key, as the message says: the signature inside proves it.
    pub device: [u8; 32],
    /// The place in its ratchet.
    pub place: u32,
}

crate::redacted!(Source);

/// Reads where a message belongs.
///
/// # Errors
/// If it is none.
pub fn source(sealed: &[u8]) -> Result<Source, DecodeError> {
    Message::read(sealed).map(|message| message.source)
}

/// The ratchet of one's own device under one seed.
#[derive(Clone)]
pub struct Sending(Chain);

/// The ratchet of another device under one seed.
#[derive(Clone)]
pub struct Receiving {
    chain: Chain,
    /// Oldest first; all before the chain's place.
    skipped: Vec<(u32, PlaceKey)>,
}

/// The ratchet of another device from its beginning, to open again and again what lies far from it: every 256th place is kept, so
/// that only the first time winds the whole way. What a message says of its place is not authenticated before it opens.
///
/// It holds no more than the seed gives anyhow, at most 40 places of some 140 bytes, and is not kept in the vault.
#[derive(Clone)]
pub struct Rewinding(Vec<Chain>);

impl Rewinding {
    pub(super) fn new(chain: Chain) -> Self {
        Self(vec![chain])
    }

    /// As [`Seed::reopen`], of the device that it is for.
    ///
    /// # Errors
    /// See [`ContentError`].
    pub fn open(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        let message = Message::read(sealed)?;
        let Source {
            commit,
            device,
            place,
        } = message.source;
        let first = self.0.first().filter(|first| first.commit == commit);
        if first.is_none_or(|first| first.device != device) {
            return Err(ContentError::Foreign);
        }
        if place > MAX_REOPEN {
            return Err(ContentError::TooFarAhead);
        }
        let stage = (place / REWIND_STEP) as usize;
        while let Some(last) = self.0.last().filter(|_| self.0.len() <= stage) {
            let mut next = last.clone();
            (0..REWIND_STEP).for_each(|_| next.step());
            self.0.push(next);
        }
        let mut chain = self.0.get(stage).ok_or(ContentError::TooFarAhead)?.clone();
        chain.open_from_here(&message)
    }

    /// How many places are kept.
    pub fn kept(&self) -> usize {
        self.0.len()
    }
}

/// What opened.
pub struct Opened {
    /// What it says.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The ratchet afterwards. Keep it once the signature inside proved the device, and only then.
    pub next: Receiving,
}

impl Sending {
    pub(super) fn new(chain: Chain) -> Self {
        Self(chain)
    }

    /// Which seed.
    pub fn commit(&self) -> Commit {
        self.0.commit
    }

    /// How much was sealed: what lies beyond [`MAX_REOPEN`] is read only by whoever read what came before.
    pub fn place(&self) -> u32 {
        self.0.place
    }

    /// Seals; [`CONTENT_OVERHEAD_BYTES`] longer than the plaintext. Keep the state before the message
    /// leaves.
    ///
    /// # Errors
    /// If it is too long, or no place is left.
    pub fn seal(
        &mut self,
        plaintext: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, ContentError> {
        if plaintext.len() > MAX_MESSAGE_BYTES {
            return Err(ContentError::TooLong);
        }
        let chain = &mut self.0;
        if chain.place > LAST {
            return Err(ContentError::Exhausted);
        }
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        let mut out = Vec::with_capacity(CONTENT_OVERHEAD_BYTES + plaintext.len());
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&chain.commit.0);
        out.extend_from_slice(&chain.device);
        out.extend_from_slice(&chain.place.to_be_bytes());
        out.extend_from_slice(&salt);
        let key = derive::<32>(&*chain.place_key(), labels::GROUP_CONTENT, &[&salt]);
        let header = bound(&chain.space, &out);
        let sealed = seal::seal(&key, &NONCE, &header, plaintext);
        out.extend_from_slice(&sealed.map_err(|_: SealError| ContentError::TooLong)?);
        chain.step();
        Ok(out)
    }

    /// The whole state, to be sealed in the vault. Layout: version, suite, kind of the space, its id
    /// (32), commitment (32), device (32), place (4), chain key (32).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(SENDING_BYTES));
        self.0.write(&mut out);
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let chain = Chain::read(&mut reader)?;
        reader.finish()?;
        Ok(Self(chain))
    }
}

impl Receiving {
    pub(super) fn new(chain: Chain) -> Self {
        let skipped = Vec::new();
        Self { chain, skipped }
    }

    /// Which seed.
    pub fn commit(&self) -> Commit {
        self.chain.commit
    }

    /// Whose ratchet.
    pub fn device(&self) -> &[u8; 32] {
        &self.chain.device
    }

    /// Opens a message. The state stays as it is: any member could have made the message, and only
    /// the signature inside says that the device did.
    ///
    /// # Errors
    /// See [`ContentError`].
    pub fn open(&self, sealed: &[u8]) -> Result<Opened, ContentError> {
        let message = Message::read(sealed)?;
        let Source { device, place, .. } = message.source;
        if message.source.commit != self.chain.commit || device != self.chain.device {
            return Err(ContentError::Foreign);
        }
        let mut next = self.clone();
        let key = match place.checked_sub(self.chain.place) {
            None => next.take(place).ok_or(ContentError::KeyGone)?,
            Some(gap) if gap > MAX_GAP => return Err(ContentError::TooFarAhead),
            Some(_) => {
                next.skip_to(place);
                let key = next.chain.place_key();
                next.chain.step();
                key
            }
        };
        let plaintext = message.open(&self.chain.space, &key)?;
        Ok(Opened { plaintext, next })
    }

    /// The whole state, to be sealed in the vault; at most [`MAX_RECEIVING_BYTES`]. Layout: as
    /// [`Sending`], then count (2), each skipped place (4) and key (32), ascending.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let length = CHAIN_BYTES + 2 + self.skipped.len() * SKIPPED_BYTES;
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        self.chain.write(&mut out);
        let count = u16::try_from(self.skipped.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for (place, key) in &self.skipped {
            out.extend_from_slice(&place.to_be_bytes());
            out.extend_from_slice(key.as_slice());
        }
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let chain = Chain::read(&mut reader)?;
        let count = usize::from(reader.u16()?);
        if count > MAX_SKIPPED {
            return Err(DecodeError::OutOfBounds);
        }
        let mut one = || Ok((reader.u32()?, Zeroizing::new(reader.array()?)));
        let skipped = (0..count).map(|_| one()).collect::<Result<Vec<_>, _>>()?;
        reader.finish()?;
        let places = skipped.iter().map(|(place, _)| *place);
        if !places.chain([chain.place]).is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(Self { chain, skipped })
    }

    fn take(&mut self, place: u32) -> Option<PlaceKey> {
        let at = self.skipped.iter().position(|(kept, _)| *kept == place)?;
        Some(self.skipped.remove(at).1)
    }

    fn skip_to(&mut self, place: u32) {
        while self.chain.place < place {
            // Keys that would be dropped again at once are not made.
            if (place - self.chain.place) as usize <= MAX_SKIPPED {
                let key = self.chain.place_key();
                self.skipped.push((self.chain.place, key));
            }
            self.chain.step();
        }
        let excess = self.skipped.len().saturating_sub(MAX_SKIPPED);
        self.skipped.drain(..excess);
    }
}

/// A ratchet at one place.
#[derive(Clone)]
pub(super) struct Chain {
    space: Space,
    commit: Commit,
    device: [u8; 32],
    place: u32,
    key: Zeroizing<[u8; 32]>,
}

impl Chain {
    pub(super) fn begin(seed: &Seed, device: &[u8; 32]) -> Self {
        Self {
            space: *seed.space(),
            commit: seed.commit(),
            device: *device,
            place: 0,
            key: seed.grow(labels::GROUP_CHAIN, device),
        }
    }

    /// Winds forward to a message and opens it.
    pub(super) fn open_from_here(
        &mut self,
        message: &Message<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        let place = message.source.place;
        if place.saturating_sub(self.place) > MAX_REOPEN {
            return Err(ContentError::TooFarAhead);
        }
        while self.place < place {
            self.step();
        }
        message.open(&self.space, &self.place_key())
    }

    fn place_key(&self) -> PlaceKey {
        derive(self.key.as_slice(), labels::GROUP_PLACE, &[])
    }

    fn step(&mut self) {
        self.key = derive(self.key.as_slice(), labels::GROUP_CHAIN_NEXT, &[]);
        self.place = self.place.saturating_add(1);
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&self.space.encode());
        out.extend_from_slice(&self.commit.0);
        out.extend_from_slice(&self.device);
        out.extend_from_slice(&self.place.to_be_bytes());
        out.extend_from_slice(self.key.as_slice());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.version_and_suite(VERSION)?;
        Ok(Self {
            space: Space::read(reader)?,
            commit: Commit(reader.array()?),
            device: reader.array()?,
            place: reader.u32()?,
            key: Zeroizing::new(reader.array()?),
        })
    }
}

/// A message that was taken apart.
pub(super) struct Message<'a> {
    pub(super) source: Source,
    salt: [u8; SALT_BYTES],
    header: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, sealed) = bytes
            .split_at_checked(HEADER_BYTES)
            .ok_or(DecodeError::Truncated)?;
        if sealed.len() > MAX_MESSAGE_BYTES + TAG_BYTES {
            return Err(DecodeError::TrailingBytes);
        }
        let mut reader = Reader::new(header);
        reader.version_and_suite(VERSION)?;
        let source = Source {
            commit: Commit(reader.array()?),
            device: reader.array()?,
            place: reader.u32()?,
        };
        let salt = reader.array()?;
        reader.finish()?;
        if source.place > LAST {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(Self {
            source,
            salt,
            header,
            sealed,
        })
    }

    fn open(&self, space: &Space, key: &PlaceKey) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        let key = derive::<32>(key.as_slice(), labels::GROUP_CONTENT, &[&self.salt]);
        let header = bound(space, self.header);
        seal::open(&key, &NONCE, &header, self.sealed).map_err(|_| ContentError::DoesNotOpen)
    }
}

/// The associated data.
fn bound(space: &Space, header: &[u8]) -> Vec<u8> {
    [&space.encode(), header].concat()
}

impl ZeroizeOnDrop for Chain {}
impl ZeroizeOnDrop for Sending {}
impl ZeroizeOnDrop for Receiving {}
impl ZeroizeOnDrop for Rewinding {}

macro_rules! redacted {
    ($($name:ident)+) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("[redacted]")
            }
        }
    )+};
}

redacted!(Chain Sending Receiving Rewinding Opened);
