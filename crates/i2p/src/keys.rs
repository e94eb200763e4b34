//! A destination with its private keys.

use std::fmt;

use ed25519_dalek::SigningKey;
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    Base64Error, DESTINATION_BYTES, Destination, DestinationError, base64, destination::Encryption,
};

/// Bytes of a private blob made here: destination, 256 unused, 32 of Ed25519 seed.
pub const PRIVATE_BLOB_BYTES: usize = 679;
/// Bytes of a private blob whose certificate names X25519: destination, 32 unused, 32 of Ed25519 seed.
pub const SHORT_PRIVATE_BLOB_BYTES: usize = 455;

/// Bytes of an Ed25519 seed.
const SEED_BYTES: usize = 32;
/// Random bytes at the start of a destination.
const FRONT_BYTES: usize = 352;
/// Unused bytes between destination and seed. Routers read past them; random ones tell nobody who made them.
const UNUSED_BYTES: usize = 256;

/// A destination with its private keys: what a router needs to host it.
///
/// A *transport* key: whoever hosts it can speak in its name, so it never says who somebody is. Erased when dropped; `Debug`
/// shows nothing.
///
/// ```
/// # use rand_core::SeedableRng;
/// # let mut rng = rand_chacha::ChaCha20Rng::from_seed([0; 32]);
/// use komrade_i2p::DestinationKeys;
///
/// let keys = DestinationKeys::generate(&mut rng);
/// let again = DestinationKeys::parse(keys.as_bytes())?;
/// assert_eq!(again.address(), keys.address());
/// # Ok::<(), komrade_i2p::KeysError>(())
/// ```
#[derive(Clone)]
pub struct DestinationKeys {
    destination: Destination,
    /// The private blob, as routers take it.
    blob: Zeroizing<Vec<u8>>,
}

/// Why bytes are no private blob that routers accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeysError {
    /// Neither 679 nor 455 bytes.
    #[error("{got} bytes, a private blob has {PRIVATE_BLOB_BYTES} or {SHORT_PRIVATE_BLOB_BYTES}")]
    Length {
        /// How long it is.
        got: usize,
    },
    /// It does not begin with a destination of the kind made here.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// The certificate asks for a private blob of the other length.
    #[error("{got} bytes, its certificate asks for {expected}")]
    Certificate {
        /// The length that belongs to the certificate.
        expected: usize,
        /// How long it is.
        got: usize,
    },
    /// The seed is not that of the destination's public key.
    #[error("the seed belongs to another destination")]
    Seed,
    /// The text is not Base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
}

impl DestinationKeys {
    /// Makes new keys.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        let mut front = [0; FRONT_BYTES];
        let mut unused = Zeroizing::new([0; UNUSED_BYTES]);
        rng.fill_bytes(seed.as_mut());
        rng.fill_bytes(&mut front);
        rng.fill_bytes(unused.as_mut());

        let destination =
            Destination::assemble(&front, &SigningKey::from_bytes(&seed).verifying_key());
        let mut blob = Zeroizing::new(Vec::with_capacity(PRIVATE_BLOB_BYTES));
        blob.extend_from_slice(destination.as_bytes());
        blob.extend_from_slice(unused.as_ref());
        blob.extend_from_slice(seed.as_ref());
        Self { destination, blob }
    }

    /// Reads a private blob.
    ///
    /// # Errors
    /// Anything a router could stumble over: another length or certificate, a key that is none, a seed of another key.
    pub fn parse(blob: &[u8]) -> Result<Self, KeysError> {
        let got = blob.len();
        if got != PRIVATE_BLOB_BYTES && got != SHORT_PRIVATE_BLOB_BYTES {
            return Err(KeysError::Length { got });
        }
        let (destination, private) = blob
            .split_at_checked(DESTINATION_BYTES)
            .ok_or(KeysError::Length { got })?;
        let destination = Destination::parse(destination)?;
        let expected = match destination.encryption() {
            Some(Encryption::Old) => PRIVATE_BLOB_BYTES,
            Some(Encryption::X25519) => SHORT_PRIVATE_BLOB_BYTES,
            None => return Err(DestinationError::Certificate.into()),
        };
        if got != expected {
            return Err(KeysError::Certificate { expected, got });
        }
        let seed = private
            .last_chunk::<SEED_BYTES>()
            .ok_or(KeysError::Length { got })?;
        if destination.key() != Some(SigningKey::from_bytes(seed).verifying_key()) {
            return Err(KeysError::Seed);
        }
        Ok(Self {
            destination,
            blob: Zeroizing::new(blob.to_vec()),
        })
    }

    /// The address of a private blob that was made here, as far as its length says so. The keys in it are not looked at, which costs as
    /// much as signing twice: that is for [`parse`](Self::parse).
    pub fn address_of(blob: &[u8]) -> Option<crate::Address> {
        let is_blob = [PRIVATE_BLOB_BYTES, SHORT_PRIVATE_BLOB_BYTES].contains(&blob.len());
        let destination = blob.get(..DESTINATION_BYTES).filter(|_| is_blob)?;
        Some(crate::Address::hash(destination))
    }

    /// Reads I2P's Base64 of a private blob.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and for text that is no Base64.
    pub fn from_base64(text: &str) -> Result<Self, KeysError> {
        Self::parse(&base64::decode(text)?)
    }

    /// The private blob: 679 bytes if made here.
    pub fn as_bytes(&self) -> &[u8] {
        &self.blob
    }

    /// I2P's Base64 of the private blob.
    pub fn to_base64(&self) -> Zeroizing<String> {
        base64::encode(&self.blob)
    }

    /// The public part.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// What others dial.
    pub fn address(&self) -> crate::Address {
        self.destination.address()
    }
}

impl fmt::Debug for DestinationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DestinationKeys([redacted])")
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::Address;

    fn keys(seed: u8) -> DestinationKeys {
        DestinationKeys::generate(&mut ChaCha20Rng::from_seed([seed; 32]))
    }

    /// The same destination in the shorter form, as emissary and i2pd write it for X25519.
    fn short(keys: &DestinationKeys) -> Vec<u8> {
        let mut blob = keys.as_bytes()[..DESTINATION_BYTES].to_vec();
        blob[390] = 4;
        blob.extend_from_slice(&[9; 32]);
        blob.extend_from_slice(&keys.as_bytes()[PRIVATE_BLOB_BYTES - SEED_BYTES..]);
        blob
    }

    #[test]
    fn one_seed_makes_the_same_keys_for_ever() {
        let keys = keys(1);
        assert_eq!(keys.as_bytes().len(), PRIVATE_BLOB_BYTES);
        for blob in [keys.as_bytes().to_vec(), short(&keys)] {
            let parsed = DestinationKeys::parse(&blob).unwrap();
            assert_eq!(DestinationKeys::address_of(&blob), Some(parsed.address()));
            assert_eq!(DestinationKeys::address_of(&blob[1..]), None);
        }
        assert_eq!(&keys.as_bytes()[384..391], &[5, 0, 4, 0, 7, 0, 0]);
        // Confirmed by a real router: tests/network.rs.
        assert_eq!(
            keys.address().to_string(),
            "tm5ubscj6rid3dmumqvvauj47zytc5xcr56j3h4t2vyx4jvhjmba.b32.i2p"
        );
    }

    #[test]
    fn both_forms_of_a_private_blob_are_read() {
        for blob in [keys(2).as_bytes().to_vec(), short(&keys(2))] {
            let read = DestinationKeys::parse(&blob).unwrap();
            assert_eq!(read.as_bytes(), blob);
            assert_eq!(read.destination().as_bytes()[..], blob[..DESTINATION_BYTES]);
            assert_eq!(
                DestinationKeys::from_base64(&read.to_base64())
                    .unwrap()
                    .as_bytes(),
                blob
            );
        }
    }

    #[test]
    fn what_routers_would_stumble_over_is_told_apart() {
        let good = keys(3).as_bytes().to_vec();
        let refused = |blob: &[u8]| DestinationKeys::parse(blob).map(drop).unwrap_err();
        let with = |at: usize, bytes: &[u8]| {
            let mut blob = good.clone();
            blob[at..at + bytes.len()].copy_from_slice(bytes);
            blob
        };

        assert_eq!(refused(&[]), KeysError::Length { got: 0 });
        assert_eq!(refused(&good[..678]), KeysError::Length { got: 678 });
        assert_eq!(
            refused(&[&good[..], &[0]].concat()),
            KeysError::Length { got: 680 }
        );
        // A NULL certificate makes emissary's SAM bridge panic.
        assert_eq!(
            refused(&with(384, &[0, 0, 0])),
            DestinationError::Certificate.into()
        );
        // DSA, P-256, RedDSA; a certificate that is longer than it says.
        for kind in [0, 1, 11] {
            assert_eq!(
                refused(&with(387, &[0, kind])),
                DestinationError::Certificate.into()
            );
        }
        assert_eq!(
            refused(&with(385, &[0, 5])),
            DestinationError::Certificate.into()
        );
        // y = 2 is on no point of the curve.
        let mut no_point = [0; 32];
        no_point[0] = 2;
        assert_eq!(refused(&with(352, &no_point)), DestinationError::Key.into());
        // Certificate and length do not belong together.
        assert_eq!(
            refused(&with(390, &[4])),
            KeysError::Certificate {
                expected: 455,
                got: 679
            }
        );
        let mut other = short(&keys(3));
        other[390] = 0;
        assert_eq!(
            refused(&other),
            KeysError::Certificate {
                expected: 679,
                got: 455
            }
        );
        // Another's seed.
        assert_eq!(
            refused(&with(647, &keys(4).as_bytes()[647..])),
            KeysError::Seed
        );

        assert_eq!(
            DestinationKeys::from_base64("+").map(drop),
            Err(Base64Error::Malformed.into())
        );
        let long = "A".repeat(3_000);
        assert_eq!(
            DestinationKeys::from_base64(&long).map(drop),
            Err(Base64Error::TooLong { got: 3_000 }.into())
        );
    }

    #[test]
    fn keys_do_not_show_in_a_debug_print() {
        let keys = keys(5);
        assert_eq!(format!("{keys:?}"), "DestinationKeys([redacted])");
        assert_eq!(
            format!("{:?}", keys.destination()),
            "Destination([redacted])"
        );
    }

    proptest! {
        #[test]
        fn keys_survive_both_forms(seed: [u8; 32]) {
            let keys = DestinationKeys::generate(&mut ChaCha20Rng::from_seed(seed));
            let text = keys.to_base64();
            prop_assert!(!text.contains(['+', '/']));
            let again = DestinationKeys::from_base64(&text).unwrap();
            prop_assert_eq!(again.as_bytes(), keys.as_bytes());
            let public = keys.destination();
            prop_assert_eq!(&Destination::from_base64(&public.to_base64()).unwrap(), public);
            prop_assert_eq!(Address::of_any_destination(&public.to_base64()).unwrap(), keys.address());
        }

        #[test]
        fn a_changed_bit_is_refused_or_harmless(at in 0usize..PRIVATE_BLOB_BYTES, bit in 0u8..8) {
            let mut blob = keys(6).as_bytes().to_vec();
            blob[at] ^= 1 << bit;
            let read = DestinationKeys::parse(&blob);
            // Random bytes may be anything; keys and certificate may not.
            let counts = (352..391).contains(&at) || at >= 647;
            prop_assert_eq!(read.is_err(), counts);
        }
    }
}
