//! Leaf keys: to which a device lets itself be sealed the seeds of a space.
//!
//! - A [`LeafRecord`] is a device's word that this is its key now. It stands outside the operations
//!   of a space; of all records of a device in a space the highest number counts, and it is used
//!   from the next seed on.
//! - The [`LeafRing`] holds the private halves: the newest for good, an older one for as long as a
//!   slice that was sealed to it may be on its way.
//!
//! Whether the device is certified, and a member at all, is for the caller to ask.

use core::cmp::Ordering;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{PREFIX, SPACE_BYTES, Space, VERSION};
use crate::{
    DecodeError,
    codec::Reader,
    derive,
    identity::{self, DeviceKey, SIGNATURE_BYTES},
    kem::{KEEP_DAYS, KemPublic, KemSecret, PUBLIC_BYTES},
    labels,
};

/// The length of a [`LeafRecord`], in bytes.
pub const LEAF_RECORD_BYTES: usize = BODY_BYTES + SIGNATURE_BYTES;
/// How long a leaf key is the newest, in days.
pub const LEAF_DAYS: u32 = 7;
/// The most private halves that a device keeps for a space: the weekly ones of 30 days, and three of
/// days on which the person wanted new keys at once.
pub const MAX_LEAVES: usize = 8;
/// The most records of a device for each day since the epoch: the highest number that a record of a day can have grows with
/// it, so that no number is so high that the device itself finds no higher one later.
pub const MAX_LEAVES_PER_DAY: u32 = 256;
/// The length of a [`Mark`], in bytes.
pub const MARK_BYTES: usize = 8;

const DEVICE_AT: usize = 2 + SPACE_BYTES;
const BODY_BYTES: usize = DEVICE_AT + 32 + 4 + 4 + PUBLIC_BYTES;

/// By this a device finds its slice. Not secret within the space; the seal decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark(pub [u8; MARK_BYTES]);

impl Mark {
    /// Of what is sealed to a key.
    pub fn of(key: &KemPublic) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = derive::hash(labels::GROUP_MARK, &[key.as_bytes()]);
        Self([a, b, c, d, e, f, g, h])
    }
}

/// A device's word that this is its leaf key in a space. Layout: version, suite, kind of the space,
/// its id (32), device key (32), number (4), day (4), X-Wing key (1216), signature (64).
#[derive(Clone, PartialEq, Eq)]
pub struct LeafRecord {
    space: Space,
    device: [u8; 32],
    number: u32,
    day: u32,
    key: KemPublic,
    signature: [u8; SIGNATURE_BYTES],
}

crate::redacted!(LeafRecord);

impl LeafRecord {
    /// Signs a record.
    pub fn sign(space: &Space, number: u32, day: u32, key: &KemPublic, device: &DeviceKey) -> Self {
        let mut record = Self {
            space: *space,
            device: device.public(),
            number,
            day,
            key: key.clone(),
            signature: [0; SIGNATURE_BYTES],
        };
        record.signature = device.sign(labels::GROUP_LEAF, &record.body());
        record
    }

    /// Reads a record and checks its signature and its key.
    ///
    /// # Errors
    /// If it is not exactly a record, not signed by the device that it names, or of a number too high for its day.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let space = Space::read(&mut reader)?;
        let device = reader.array()?;
        let number = reader.u32()?;
        let day = reader.u32()?;
        let key = reader.array()?;
        let signature = reader.array()?;
        reader.finish()?;
        if number > highest_number(day) {
            return Err(DecodeError::OutOfBounds);
        }
        let (body, _) = bytes
            .split_at_checked(BODY_BYTES)
            .ok_or(DecodeError::Truncated)?;
        identity::verify(&device, labels::GROUP_LEAF, body, &signature)?;
        Ok(Self {
            space,
            device,
            number,
            day,
            key: KemPublic::from_bytes(&key)?,
            signature,
        })
    }

    /// Whose record these bytes say they are, unchecked: one that is here already need not be read.
    pub fn claimed_device(bytes: &[u8]) -> Option<&[u8; 32]> {
        bytes.get(DEVICE_AT..)?.first_chunk()
    }

    /// The bytes, exactly as they were signed.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.body();
        out.extend_from_slice(&self.signature);
        out
    }

    /// Where it holds.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Whose it is: the device's public key.
    pub fn device(&self) -> &[u8; 32] {
        &self.device
    }

    /// Which of the device's records it is.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When it was made, in days since the epoch, as the device says.
    pub fn day(&self) -> u32 {
        self.day
    }

    /// Whether it is dated no more than a day after today. Of what is not, take nothing: whoever had the device's key for an hour
    /// could otherwise lock the device out for ever by a record from a distant day.
    pub fn is_timely(&self, today: u32) -> bool {
        self.day <= today.saturating_add(1)
    }

    /// What to seal to.
    pub fn key(&self) -> &KemPublic {
        &self.key
    }

    /// Whether it takes the other's place: the same device, the same space, a higher number; of two
    /// with one number (a device that was copied) the one with the higher bytes.
    pub fn supersedes(&self, other: &Self) -> bool {
        let same = self.space == other.space && self.device == other.device;
        let order = self.number.cmp(&other.number);
        same && order.then_with(|| self.encode().cmp(&other.encode())) == Ordering::Greater
    }

    fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LEAF_RECORD_BYTES);
        out.extend_from_slice(&PREFIX);
        out.extend_from_slice(&self.space.encode());
        out.extend_from_slice(&self.device);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.day.to_be_bytes());
        out.extend_from_slice(self.key.as_bytes());
        out
    }
}

fn highest_number(day: u32) -> u32 {
    day.saturating_add(1).saturating_mul(MAX_LEAVES_PER_DAY)
}

/// The private half of a key, and the mark of what is sealed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceKey {
    mark: Mark,
    secret: KemSecret,
}

impl SliceKey {
    /// Of a leaf, or of a prekey (the slices of circles are sealed to those).
    pub fn new(secret: KemSecret) -> Self {
        let mark = Mark::of(&secret.public());
        Self { mark, secret }
    }

    /// The mark.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn secret(&self) -> &KemSecret {
        &self.secret
    }
}

/// The private halves of a device's leaf keys in one space, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafRing(Vec<Leaf>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Leaf {
    number: u32,
    day: u32,
    key: SliceKey,
}

impl LeafRing {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a new leaf key is due.
    pub fn is_due(&self, today: u32) -> bool {
        self.0
            .first()
            .is_none_or(|newest| today >= newest.day.saturating_add(LEAF_DAYS))
    }

    /// Whether others seal to a record of this device's that it does not know of: its profile was restored, or copied. Then a new leaf key is due,
    /// once a day at most: a copy draws another in turn.
    pub fn is_superseded(&self, in_use: &LeafRecord, today: u32) -> bool {
        self.0.first().is_some_and(|newest| {
            let is_other = newest.key.mark != Mark::of(in_use.key());
            is_other && in_use.number >= newest.number && today > newest.day
        })
    }

    /// Draws a new leaf key, and forgets those that nothing on its way can need. `seen` is the number
    /// of this device's highest record that is known at all: a restored profile may be behind it.
    /// Keep the ring before the [`record`](Self::record) leaves.
    ///
    /// # Errors
    /// If there is no higher number today.
    pub fn renew(
        &mut self,
        today: u32,
        seen: u32,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), DecodeError> {
        let highest = self.0.first().map_or(0, |newest| newest.number).max(seen);
        let number = highest.checked_add(1).ok_or(DecodeError::OutOfBounds)?;
        if number > highest_number(today) {
            return Err(DecodeError::OutOfBounds);
        }
        let key = SliceKey::new(KemSecret::draw(rng));
        self.0.insert(
            0,
            Leaf {
                number,
                day: today,
                key,
            },
        );
        self.forget_expired(today);
        Ok(())
    }

    /// Forgets leaf keys that were followed by another more than 30 days ago (the longest life of an
    /// envelope), and all but [`MAX_LEAVES`]. Says whether there were any: then the ring must be kept.
    pub fn forget_expired(&mut self, today: u32) -> bool {
        let before = self.0.len();
        // The newest has no successor, and stays.
        let mut followed = u32::MAX;
        self.0.retain(|leaf| {
            let kept = followed == u32::MAX || today <= followed.saturating_add(KEEP_DAYS);
            followed = leaf.day;
            kept
        });
        self.0.truncate(MAX_LEAVES);
        self.0.len() != before
    }

    /// The record of the newest; `None` if there is none yet.
    pub fn record(&self, space: &Space, device: &DeviceKey) -> Option<LeafRecord> {
        let newest = self.0.first()?;
        let key = newest.key.secret.public();
        let (number, day) = (newest.number, newest.day);
        Some(LeafRecord::sign(space, number, day, &key, device))
    }

    /// What opens slices, newest first.
    pub fn keys(&self) -> impl Iterator<Item = &SliceKey> {
        self.0.iter().map(|leaf| &leaf.key)
    }

    /// The whole state, to be sealed in the vault. Layout: version, suite, count, each number (4), day
    /// (4), secret (32).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(3 + MAX_LEAVES * 40));
        out.extend_from_slice(&PREFIX);
        out.push(u8::try_from(self.0.len()).unwrap_or(u8::MAX));
        for leaf in &self.0 {
            out.extend_from_slice(&leaf.number.to_be_bytes());
            out.extend_from_slice(&leaf.day.to_be_bytes());
            out.extend_from_slice(leaf.key.secret.expose());
        }
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version_and_suite(VERSION)?;
        let count = usize::from(reader.u8()?);
        if count > MAX_LEAVES {
            return Err(DecodeError::OutOfBounds);
        }
        let mut leaf = || {
            Ok(Leaf {
                number: reader.u32()?,
                day: reader.u32()?,
                key: SliceKey::new(KemSecret::from_bytes(reader.array()?)),
            })
        };
        let leaves = (0..count).map(|_| leaf()).collect::<Result<Vec<_>, _>>()?;
        reader.finish()?;
        Ok(Self(leaves))
    }
}

impl ZeroizeOnDrop for SliceKey {}
impl ZeroizeOnDrop for LeafRing {}
