//! Hints and shared keys of live links.
//!
//! Whoever opens a link announces which shared key it means by a 20-byte hint that only its holder
//! recognises; a Noise handshake with that key as PSK follows. Both grow from the reunion key of
//! two persons, or from an invite at a first meeting. A replayed hint leads to a handshake that
//! fails.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    derive::derive,
    first_contact::ReunionKey,
    invite::InviteSecret,
    labels,
    outer::{DetectionKey, HINT_BYTES, NONCE_BYTES},
};

/// The length of a hint: a random nonce and what the key makes of it.
pub const LINK_HINT_BYTES: usize = NONCE_BYTES + HINT_BYTES;

/// What two ends of a link share before it is made.
#[derive(Clone)]
pub struct LinkKey {
    detection: DetectionKey,
    psk: Zeroizing<[u8; 32]>,
}

impl LinkKey {
    /// A fresh hint.
    pub fn hint(&self, rng: &mut (impl CryptoRng + ?Sized)) -> [u8; LINK_HINT_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let mut hint = [0; LINK_HINT_BYTES];
        let parts = nonce.into_iter().chain(self.detection.hint(&nonce));
        hint.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        hint
    }

    /// Whether a hint means this key.
    pub fn matches(&self, hint: &[u8; LINK_HINT_BYTES]) -> bool {
        match (hint.first_chunk(), hint.last_chunk()) {
            (Some(nonce), Some(mark)) => self.detection.matches(nonce, mark),
            _ => false,
        }
    }

    /// The PSK of the handshake.
    pub fn psk(&self) -> Zeroizing<[u8; 32]> {
        self.psk.clone()
    }

    fn new(secret: &[u8], hint_label: &str, psk_label: &str) -> Self {
        Self {
            detection: DetectionKey::new(&derive(secret, hint_label, &[])),
            psk: derive(secret, psk_label, &[]),
        }
    }
}

impl ReunionKey {
    /// For links between two comrades.
    pub fn link(&self) -> LinkKey {
        LinkKey::new(
            self.expose(),
            labels::REUNION_LINK_HINT,
            labels::REUNION_LINK,
        )
    }
}

impl InviteSecret {
    /// For links at a first meeting.
    pub fn link(&self) -> LinkKey {
        LinkKey::new(self.expose(), labels::INVITE_LINK_HINT, labels::INVITE_LINK)
    }
}

impl ZeroizeOnDrop for LinkKey {}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
