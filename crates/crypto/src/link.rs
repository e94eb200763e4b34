//! Hints and shared keys of live links.
//!
//! Whoever opens a link announces which shared key it means by a 20-byte hint that only its holder
//! recognises; a Noise handshake with that key as PSK follows. Both grow from the reunion key of
//! two persons, or from an invite at a first meeting. A replayed hint leads to a handshake that
//! fails.
//!
//! Both also depend on the address that is called: the caller knows whom it calls, the callee where
//! it is. So a call that was led elsewhere means nothing there, least of all if a relay leads it
//! back to the caller.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    derive::{derive, hash},
    first_contact::ReunionKey,
    invite::InviteSecret,
    labels,
    outer::{DetectionKey, HINT_BYTES, NONCE_BYTES},
};

/// The length of a hint: a random nonce and what the key makes of it.
pub const LINK_HINT_BYTES: usize = NONCE_BYTES + HINT_BYTES;

/// The address of whoever is called.
pub type Callee = [u8; 32];

/// What two ends of a link share before it is made.
#[derive(Clone)]
pub struct LinkKey {
    detection: DetectionKey,
    root: Zeroizing<[u8; 32]>,
}

impl LinkKey {
    /// A fresh hint for a call to this address.
    pub fn hint(
        &self,
        callee: &Callee,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> [u8; LINK_HINT_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let mut hint = [0; LINK_HINT_BYTES];
        let mark = self.detection.hint(&bind(callee, &nonce));
        let parts = nonce.into_iter().chain(mark);
        hint.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        hint
    }

    /// Whether a hint means this key in a call to this address.
    pub fn matches(&self, callee: &Callee, hint: &[u8; LINK_HINT_BYTES]) -> bool {
        match (hint.first_chunk(), hint.last_chunk()) {
            (Some(nonce), Some(mark)) => self.detection.matches(&bind(callee, nonce), mark),
            _ => false,
        }
    }

    /// The PSK of the handshake in a call to this address.
    pub fn psk(&self, callee: &Callee) -> Zeroizing<[u8; 32]> {
        derive(self.root.as_slice(), labels::LINK_PSK, &[callee])
    }

    fn new(secret: &[u8], hint_label: &str, root_label: &str) -> Self {
        Self {
            detection: DetectionKey::new(&derive(secret, hint_label, &[])),
            root: derive(secret, root_label, &[]),
        }
    }
}

/// What a hint to this address marks: whoever is called has thousands of keys to try, so that one
/// hash has to do where a derived key for each would be dear.
fn bind(callee: &Callee, nonce: &[u8; NONCE_BYTES]) -> [u8; NONCE_BYTES] {
    let hash = hash(labels::LINK_CALLEE, &[callee, nonce]);
    let mut bound = [0; NONCE_BYTES];
    bound.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    bound
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
