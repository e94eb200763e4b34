//! The seal around every envelope after first contact.
//!
//! Each direction between two devices has an [`OuterKey`]; two subkeys grow from it: one seals
//! (AES-256-GCM, the envelope's header as associated data), one makes the *hint* in the header, by
//! which the recipient alone recognises its own mail at one AES block per candidate.
//!
//! Weekly change, each direction on its own:
//!
//! 1. the sender encapsulates to the recipient's newest prekey ([`OuterKey::change`]) and sends the
//!    encapsulation, sealed as always under the current key;
//! 2. the recipient derives the same next key ([`OuterKey::follow`]) and acknowledges;
//! 3. only then the sender seals with it. The recipient keeps the last two.
//!
//! The change is HPKE (RFC 9180) in PSK mode over X-Wing with nothing sealed: the current key is
//! the PSK, the next one the exported secret. Who breaks one of the three (X25519, ML-KEM, the
//! current key) does not learn it.

use core::fmt;

use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use hpke::{
    OpModeR, OpModeS, PskBundle, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing,
    setup_receiver, setup_sender_with_rng,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    OpenError, SealError,
    derive::derive,
    kem::{self, ENCAPSULATION_BYTES, KemPublic, KemSecret},
    labels, seal,
    secret::secret_bytes,
};

/// The length of an envelope's nonce, in bytes.
pub const NONCE_BYTES: usize = seal::NONCE_BYTES;
/// The length of a hint, in bytes: 2^64, so that a peer with 1,000 keys mistakes a stranger's
/// envelope for its own once in 10^16, and then it does not open.
pub const HINT_BYTES: usize = 8;
/// What sealing adds, in bytes.
pub const OVERHEAD_BYTES: usize = seal::TAG_BYTES;

secret_bytes! {
    /// The key of one direction between two devices.
    OuterKey, 32
}

impl OuterKey {
    /// Seals what an envelope holds. `header` is everything that travels before the ciphertext,
    /// `nonce` drawn at random for this envelope. [`OVERHEAD_BYTES`] longer than the plaintext.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        header: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        seal::seal(
            &derive(&self.0, labels::OUTER_SEAL, &[]),
            nonce,
            header,
            plaintext,
        )
    }

    /// Opens what [`seal`](Self::seal) sealed.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        header: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        seal::open(
            &derive(&self.0, labels::OUTER_SEAL, &[]),
            nonce,
            header,
            sealed,
        )
    }

    /// The key that makes and recognises hints. Keep it beside the key: it is one AES block per
    /// question.
    pub fn detection(&self) -> DetectionKey {
        DetectionKey::new(&derive(&self.0, labels::OUTER_DETECT, &[]))
    }

    /// Draws the next key towards whoever holds the prekey, and what they need to follow.
    pub fn change(
        &self,
        to: &KemPublic,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Self, Box<[u8; ENCAPSULATION_BYTES]>), SealError> {
        let psk = derive::<32>(&self.0, labels::OUTER_CHANGE_PSK, &[]);
        let psk = PskBundle::new(&*psk, labels::OUTER_CHANGE_PSK.as_bytes());
        let mode = OpModeS::Psk(psk.map_err(|_| SealError::BadKey)?);
        let info = labels::OUTER_CHANGE.as_bytes();
        let (encapped, context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &mode,
            &to.hpke()?,
            info,
            &mut &mut *rng,
        )
        .map_err(|_| SealError::BadKey)?;
        let mut next = Self([0; 32]);
        context
            .export(labels::OUTER_NEXT.as_bytes(), &mut next.0)
            .map_err(|_| SealError::BadKey)?;
        Ok((next, Box::new(encapped.to_bytes().into())))
    }

    /// The next key, from what [`change`](Self::change) gave the other side. Any bytes of the right
    /// length give some key: only what opens under it proves it.
    pub fn follow(
        &self,
        secret: &KemSecret,
        encapsulation: &[u8; ENCAPSULATION_BYTES],
    ) -> Result<Self, OpenError> {
        let psk = derive::<32>(&self.0, labels::OUTER_CHANGE_PSK, &[]);
        let psk = PskBundle::new(&*psk, labels::OUTER_CHANGE_PSK.as_bytes());
        let context = setup_receiver::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Psk(psk.map_err(|_| OpenError)?),
            &secret.hpke().map_err(|_| OpenError)?,
            &kem::encapsulation(encapsulation).ok_or(OpenError)?,
            labels::OUTER_CHANGE.as_bytes(),
        )
        .map_err(|_| OpenError)?;
        let mut next = Self([0; 32]);
        context
            .export(labels::OUTER_NEXT.as_bytes(), &mut next.0)
            .map_err(|_| OpenError)?;
        Ok(next)
    }
}

/// Makes and recognises hints: AES-256 over nonce ‖ zeros, the first 8 bytes. To whoever lacks the
/// key they are random, and two of them are never linked.
#[derive(Clone)]
pub struct DetectionKey(Aes256);

impl DetectionKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(key.into()))
    }

    /// The hint of an envelope with this nonce.
    pub fn hint(&self, nonce: &[u8; NONCE_BYTES]) -> [u8; HINT_BYTES] {
        let mut block = [0; 16];
        block
            .iter_mut()
            .zip(nonce)
            .for_each(|(to, from)| *to = *from);
        let mut block = block.into();
        self.0.encrypt_block(&mut block);
        let mut hint = [0; HINT_BYTES];
        hint.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        hint
    }

    /// Whether the hint was made with this key.
    pub fn matches(&self, nonce: &[u8; NONCE_BYTES], hint: &[u8; HINT_BYTES]) -> bool {
        self.hint(nonce).ct_eq(hint).into()
    }
}

impl ZeroizeOnDrop for DetectionKey {}

impl fmt::Debug for DetectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
