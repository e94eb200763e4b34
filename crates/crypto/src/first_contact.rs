//! First contact: how somebody who holds a bundle writes to its owner for the first time.
//!
//! HPKE (RFC 9180; X-Wing, HKDF-SHA256, AES-256-GCM) to the recipient's prekey of the week that the
//! envelope names. The sender is named only inside. With a shared secret (an invite's, or the
//! reunion key of two comrades of whom one has a new device) it is PSK mode, and the envelope's
//! hint carries [`IntroKey::mark`] beside the week, so that one decapsulation decides.
//!
//! 1. The initiator draws a [`ContactSecret`] once, opens a pairwise session, and puts
//!    [`ContactSecret::binding`] into its plaintext.
//! 2. [`seal`] seals contact secret, bundle and first message. Each repetition until the first
//!    answer is a fresh encapsulation of the same contact secret.
//! 3. The recipient [`open`]s it, checks the bundle inside, opens the pairwise message and compares
//!    the binding: who wrote the intro and who holds the session are then the same.
//! 4. Both derive the [`ReunionKey`] of the two persons and the first [`OuterKey`] of each
//!    direction.
//!
//! Two first contacts at once: receive on both, send on the one with the lower
//! [`ContactSecret::rank`].
//!
//! Layout: encapsulation (1120), ciphertext, tag (16).

use hpke::{OpModeR, OpModeS, PskBundle};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    OpenError, SealError,
    derive::derive,
    identity::PersonId,
    invite::InviteSecret,
    kem::{self, KemPublic, KemSecret},
    labels,
    outer::{DetectionKey, NONCE_BYTES, OuterKey},
    secret::secret_bytes,
};

/// What sealing an intro adds, in bytes.
pub const OVERHEAD_BYTES: usize = kem::SEALED_OVERHEAD_BYTES;
/// The length of an intro's mark, in bytes: enough to choose among a person's invites; the seal
/// decides.
pub const MARK_BYTES: usize = 4;

secret_bytes! {
    /// Drawn once for a first contact; everything that two comrades share beside the pairwise
    /// session grows from it.
    ContactSecret, 32
}

secret_bytes! {
    /// What two persons share for good: for hints, links, and to come back on a new device. Never
    /// seals.
    ReunionKey, 32
}

/// A person and one of their devices.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Party {
    /// The person.
    pub person: PersonId,
    /// The device's public key.
    pub device: [u8; 32],
}

crate::redacted!(Party);

impl ContactSecret {
    /// The reunion key of the two persons; the order does not matter.
    pub fn reunion(&self, one: &PersonId, other: &PersonId) -> ReunionKey {
        let (low, high) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        ReunionKey(*derive(&self.0, labels::REUNION, &[&low.0, &high.0]))
    }

    /// The first outer key from one device to the other.
    pub fn outer(&self, from: &Party, to: &Party) -> OuterKey {
        OuterKey::from_bytes(*derive(
            &self.0,
            labels::OUTER_FIRST,
            &[&from.person.0, &from.device, &to.person.0, &to.device],
        ))
    }

    /// What the first pairwise message must repeat, in the plaintext that only the session
    /// protects.
    pub fn binding(&self, initiator: &Party, responder: &Party) -> [u8; 32] {
        *derive(
            &self.0,
            labels::CONTACT_BINDING,
            &[
                &initiator.person.0,
                &initiator.device,
                &responder.person.0,
                &responder.device,
            ],
        )
    }

    /// The lower of two concurrent first contacts wins. Tells nothing of the secret.
    pub fn rank(&self) -> [u8; 32] {
        *derive(&self.0, labels::CONTACT_RANK, &[])
    }
}

/// What two already share when one writes an intro to the other.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct IntroKey {
    psk: [u8; 32],
    hint: [u8; 32],
}

impl IntroKey {
    /// The mark of an intro whose envelope has this nonce. It stands beside the week in the
    /// envelope's hint; to whoever lacks the key it is random, as it is for intros without one.
    pub fn mark(&self, nonce: &[u8; NONCE_BYTES]) -> [u8; MARK_BYTES] {
        let [one, two, three, four, ..] = DetectionKey::new(&self.hint).hint(nonce);
        [one, two, three, four]
    }

    /// Whether the mark was made with this key: then try it.
    pub fn is_marked(&self, nonce: &[u8; NONCE_BYTES], mark: &[u8; MARK_BYTES]) -> bool {
        self.mark(nonce).ct_eq(mark).into()
    }

    fn bundle(&self) -> Option<PskBundle<'_>> {
        PskBundle::new(&self.psk, labels::INTRO_PSK.as_bytes()).ok()
    }
}

impl core::fmt::Debug for IntroKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl InviteSecret {
    /// For the answer to an invite.
    pub fn intro(&self) -> IntroKey {
        IntroKey {
            psk: *derive(self.expose(), labels::INVITE_INTRO, &[]),
            hint: *derive(self.expose(), labels::INVITE_HINT, &[]),
        }
    }
}

impl ReunionKey {
    /// For "I am back on a new device".
    pub fn intro(&self) -> IntroKey {
        IntroKey {
            psk: *derive(&self.0, labels::REUNION_INTRO, &[]),
            hint: *derive(&self.0, labels::REUNION_HINT, &[]),
        }
    }
}

/// Seals an intro to a prekey. `header` is everything that travels before it in the envelope.
/// [`OVERHEAD_BYTES`] longer than the plaintext, which carries the contact secret.
pub fn seal(
    to: &KemPublic,
    key: Option<&IntroKey>,
    header: &[u8],
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, SealError> {
    let mode = match key {
        Some(key) => OpModeS::Psk(key.bundle().ok_or(SealError::BadKey)?),
        None => OpModeS::Base,
    };
    kem::seal_to(to, &mode, labels::INTRO.as_bytes(), header, plaintext, rng)
}

/// Opens an intro. Nothing in it is trusted before the bundle inside is checked and the binding
/// compared.
pub fn open(
    secret: &KemSecret,
    key: Option<&IntroKey>,
    header: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let mode = match key {
        Some(key) => OpModeR::Psk(key.bundle().ok_or(OpenError)?),
        None => OpModeR::Base,
    };
    kem::open_by(secret, &mode, labels::INTRO.as_bytes(), header, sealed)
}
