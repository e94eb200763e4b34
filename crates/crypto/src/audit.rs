//! Feature `audit`: a record of every seal of this thread, for the test that no (key, nonce) pair
//! is ever used twice. Never part of a shipped build.
//!
//! And of every Olm message that this thread reads, for the test that no message key of a ratchet ever
//! encrypted two messages that left.
//!
//! Holds what this crate seals with a bare key. HPKE contexts (one key per encapsulation, one
//! message each) and Olm (its own key per message) keep their nonces to themselves.

use std::cell::RefCell;

use sha2::{Digest, Sha256};

/// SHA-256 of the key, and the nonce.
pub type Seal = ([u8; 32], [u8; 12]);

/// The sender's ratchet key and the place in its chain, which give the message key; SHA-256 of the
/// message.
pub type Heard = (([u8; 32], u64), [u8; 32]);

thread_local! {
    static HEARD: RefCell<Vec<Heard>> = const { RefCell::new(Vec::new()) };
    static SEALS: RefCell<Vec<Seal>> = const { RefCell::new(Vec::new()) };
}

/// Everything sealed on this thread since the last call, in order.
pub fn take() -> Vec<Seal> {
    SEALS.with(RefCell::take)
}

/// Every Olm message read on this thread since the last call, in order, as often as it was read.
pub fn take_heard() -> Vec<Heard> {
    HEARD.with(RefCell::take)
}

pub(crate) fn hear(ratchet: [u8; 32], index: u64, message: &[u8]) {
    HEARD.with(|heard| {
        heard
            .borrow_mut()
            .push(((ratchet, index), Sha256::digest(message).into()))
    });
}

pub(crate) fn record(key: &[u8; 32], nonce: &[u8; 12]) {
    SEALS.with(|seals| {
        seals
            .borrow_mut()
            .push((Sha256::digest(key).into(), *nonce))
    });
}

#[cfg(test)]
mod tests {
    use super::take;
    use crate::outer::OuterKey;

    #[test]
    fn every_seal_is_recorded_and_a_repeated_pair_shows() {
        let key = OuterKey::from_bytes([1; 32]);
        take();
        for nonce in [[1; 12], [2; 12], [1; 12]] {
            assert!(key.seal(&nonce, b"", b"text").is_ok());
        }
        let seals = take();
        assert_eq!(seals.len(), 3);
        assert!(seals.first() == seals.last() && seals.first() != seals.get(1));
        assert!(take().is_empty());
    }
}
