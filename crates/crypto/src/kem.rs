//! X-Wing keys (X25519 + ML-KEM-768, draft-connolly-cfrg-xwing-kem) and the ring of a device's
//! prekeys.
//!
//! A device draws one key pair a week. The public half stands in its bundle; the private half is
//! kept until 30 days after the week, since bundles, invites (21 days) and envelopes on their way
//! name it by week.

use core::fmt;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256,
    kem::XWing, setup_receiver, setup_sender_with_rng,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::{DecodeError, OpenError, SealError, seal::TAG_BYTES, secret::secret_bytes};

/// The length of a public key, in bytes.
pub const PUBLIC_BYTES: usize = 1216;
/// The length of an encapsulation, in bytes.
pub const ENCAPSULATION_BYTES: usize = 1120;
/// What sealing one message to a key adds, in bytes.
pub const SEALED_OVERHEAD_BYTES: usize = ENCAPSULATION_BYTES + TAG_BYTES;
/// How long after its week a private half is kept, in days: the longest life of an invite (21) or
/// envelope (30).
pub const KEEP_DAYS: u32 = 30;
/// The most private halves a device holds: the weeks that touch [`KEEP_DAYS`], and one more for a
/// clock that was set back.
pub const MAX_PREKEYS: usize = 8;

pub(crate) type HpkePublic = <XWing as Kem>::PublicKey;
pub(crate) type HpkeSecret = <XWing as Kem>::PrivateKey;
pub(crate) type HpkeEncapped = <XWing as Kem>::EncappedKey;

secret_bytes! {
    /// A private key: the 32-byte seed from which both parts grow.
    KemSecret, 32
}

impl KemSecret {
    /// The public half.
    pub fn public(&self) -> KemPublic {
        let public = match self.hpke() {
            Ok(secret) => XWing::sk_to_pk(&secret).to_bytes().into(),
            // Never: every 32 bytes are a seed.
            Err(_) => [0; PUBLIC_BYTES],
        };
        KemPublic(Box::new(public))
    }

    pub(crate) fn hpke(&self) -> Result<HpkeSecret, DecodeError> {
        HpkeSecret::from_bytes(&self.0).map_err(|_| DecodeError::BadKey)
    }
}

/// A public key that was checked: its ML-KEM part is in range, its X25519 part gives a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KemPublic(Box<[u8; PUBLIC_BYTES]>);

impl KemPublic {
    /// Reads and checks a public key.
    pub fn from_bytes(bytes: &[u8; PUBLIC_BYTES]) -> Result<Self, DecodeError> {
        HpkePublic::from_bytes(bytes).map_err(|_| DecodeError::BadKey)?;
        x25519_part(bytes)
            .filter(contributory)
            .ok_or(DecodeError::BadKey)?;
        Ok(Self(Box::new(*bytes)))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; PUBLIC_BYTES] {
        &self.0
    }

    pub(crate) fn hpke(&self) -> Result<HpkePublic, SealError> {
        HpkePublic::from_bytes(&*self.0).map_err(|_| SealError::BadKey)
    }
}

impl fmt::Debug for KemPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KemPublic").finish_non_exhaustive()
    }
}

/// HPKE (RFC 9180; X-Wing, HKDF-SHA256, AES-256-GCM), one message to one key. Layout: encapsulation
/// (1120), ciphertext, tag (16).
pub(crate) fn seal_to(
    to: &KemPublic,
    mode: &OpModeS<'_, XWing>,
    info: &[u8],
    header: &[u8],
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, SealError> {
    let (encapped, mut context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
        mode,
        &to.hpke()?,
        info,
        &mut &mut *rng,
    )
    .map_err(|_| SealError::BadKey)?;
    let sealed = context
        .seal(plaintext, header)
        .map_err(|_| SealError::TooLong)?;
    let mut out = Vec::with_capacity(ENCAPSULATION_BYTES + sealed.len());
    out.extend_from_slice(&encapped.to_bytes());
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// What [`seal_to`] sealed.
pub(crate) fn open_by(
    secret: &KemSecret,
    mode: &OpModeR<'_, XWing>,
    info: &[u8],
    header: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (encapped, sealed) = sealed.split_first_chunk().ok_or(OpenError)?;
    let mut context = setup_receiver::<AesGcm256, HkdfSha256, XWing>(
        mode,
        &secret.hpke().map_err(|_| OpenError)?,
        &encapsulation(encapped).ok_or(OpenError)?,
        info,
    )
    .map_err(|_| OpenError)?;
    context
        .open(sealed, header)
        .map(Zeroizing::new)
        .map_err(|_| OpenError)
}

/// Reads an encapsulation; `None` unless its X25519 part gives a secret.
pub(crate) fn encapsulation(bytes: &[u8; ENCAPSULATION_BYTES]) -> Option<HpkeEncapped> {
    x25519_part(bytes).filter(contributory)?;
    HpkeEncapped::from_bytes(bytes).ok()
}

/// The X25519 part stands last, in public keys and in encapsulations.
fn x25519_part(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.last_chunk().copied()
}

/// Whether a point gives a secret at all. Points of small order give zero with every scalar, since
/// clamping makes each a multiple of eight: trying one scalar decides.
pub(crate) fn contributory(point: &[u8; 32]) -> bool {
    StaticSecret::from([0x55; 32])
        .diffie_hellman(&PublicKey::from(*point))
        .was_contributory()
}

/// The private halves of a device's weekly prekeys, newest first. Serialised only into a sealed
/// record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrekeyRing(Vec<(u32, KemSecret)>);

impl PrekeyRing {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes sure that there is a prekey for this week and forgets those that are too old. Says
    /// whether anything changed: then the ring must be kept before a bundle with the new key
    /// leaves.
    pub fn rotate(&mut self, week: u32, rng: &mut (impl CryptoRng + ?Sized)) -> bool {
        let before = self.0.len();
        self.0
            .retain(|(old, _)| !expired(*old, week.saturating_mul(7)));
        let mut changed = self.0.len() != before;
        if self.secret(week).is_none() {
            self.0.push((week, KemSecret::draw(rng)));
            self.0.sort_by_key(|(week, _)| core::cmp::Reverse(*week));
            self.0.truncate(MAX_PREKEYS);
            changed = true;
        }
        changed
    }

    /// The newest prekey and its week.
    pub fn newest(&self) -> Option<(u32, &KemSecret)> {
        self.0.first().map(|(week, secret)| (*week, secret))
    }

    /// The prekey of a week.
    pub fn secret(&self, week: u32) -> Option<&KemSecret> {
        self.0
            .iter()
            .find(|(number, _)| *number == week)
            .map(|(_, secret)| secret)
    }

    /// All of them, newest first.
    pub fn secrets(&self) -> impl Iterator<Item = &KemSecret> {
        self.0.iter().map(|(_, secret)| secret)
    }
}

/// Whether what was drawn in a week is no longer needed on a day.
pub(crate) fn expired(week: u32, today: u32) -> bool {
    today
        >= week
            .saturating_add(1)
            .saturating_mul(7)
            .saturating_add(KEEP_DAYS)
}
