//! What others dial: SHA-256 of a destination.

use std::{fmt, str::FromStr};

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Base64Error, base64};

/// What follows the base32 of an address.
const SUFFIX: &str = ".b32.i2p";
/// Characters of 32 bytes in base32 without padding.
const BASE32_CHARS: usize = 52;
/// Characters of an address.
const TEXT_CHARS: usize = BASE32_CHARS + SUFFIX.len();

/// Bytes of every destination before its certificate.
const KEYS_BYTES: usize = 384;
/// Bytes of a certificate's type and length.
const CERTIFICATE_HEADER_BYTES: usize = 3;

/// An I2P address: SHA-256 of a destination.
///
/// As text (`Display`, [`FromStr`]) 52 characters of lowercase base32 and `.b32.i2p`. `Debug` shows nothing, since an
/// address in a log would say who talks to whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address([u8; 32]);

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not the length of an address.
    #[error("{got} bytes, an address has {TEXT_CHARS}")]
    Length {
        /// How long it is.
        got: usize,
    },
    /// It does not end in `.b32.i2p`.
    #[error("it does not end in {SUFFIX}")]
    Suffix,
    /// A character outside lowercase base32, or bits set after the end.
    #[error("not lowercase base32")]
    Base32,
    /// The Base64 of a destination is malformed.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// The bytes are no destination of any kind.
    #[error("not a destination")]
    Destination,
}

impl Address {
    /// The address with this hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The address of a destination of *any* kind, as a router names a caller: Base64 of 384 bytes of keys and a certificate
    /// that ends where it says.
    ///
    /// # Errors
    /// [`AddressError::Base64`] or [`AddressError::Destination`].
    pub fn of_any_destination(base64: &str) -> Result<Self, AddressError> {
        let bytes = base64::decode(base64)?;
        let length = match bytes.get(KEYS_BYTES..KEYS_BYTES + CERTIFICATE_HEADER_BYTES) {
            Some(&[_, high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => return Err(AddressError::Destination),
        };
        if bytes.len() != KEYS_BYTES + CERTIFICATE_HEADER_BYTES + length {
            return Err(AddressError::Destination);
        }
        Ok(Self::hash(&bytes))
    }

    pub(crate) fn hash(destination: &[u8]) -> Self {
        Self(Sha256::digest(destination).into())
    }
}

impl From<[u8; 32]> for Address {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Address> for [u8; 32] {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = BASE32_NOPAD.encode(&self.0);
        text.make_ascii_lowercase();
        f.write_str(&text)?;
        f.write_str(SUFFIX)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address([redacted])")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() != TEXT_CHARS {
            return Err(AddressError::Length { got: text.len() });
        }
        let base32 = text.strip_suffix(SUFFIX).ok_or(AddressError::Suffix)?;
        // One spelling only, so that equal addresses are equal texts.
        if base32.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(AddressError::Base32);
        }
        let bytes = BASE32_NOPAD
            .decode(base32.to_ascii_uppercase().as_bytes())
            .map_err(|_| AddressError::Base32)?;
        bytes.try_into().map(Self).map_err(|_| AddressError::Base32)
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

    use super::*;

    #[test]
    fn an_address_is_written_as_others_write_it() {
        // RFC 4648: thirty-two zero bytes; and the alphabet's end.
        assert_eq!(
            Address([0; 32]).to_string(),
            format!("{}.b32.i2p", "a".repeat(52))
        );
        assert_eq!(
            Address([0xff; 32]).to_string(),
            format!("{}q.b32.i2p", "7".repeat(51))
        );
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        let good = Address([7; 32]).to_string();
        let length = |text: &str| AddressError::Length { got: text.len() };
        assert_eq!("".parse::<Address>(), Err(length("")));
        assert_eq!(good[1..].parse::<Address>(), Err(length(&good[1..])));
        assert_eq!("a".repeat(60).parse::<Address>(), Err(AddressError::Suffix));
        assert_eq!(
            good.to_uppercase()
                .replace(".B32.I2P", ".b32.i2p")
                .parse::<Address>(),
            Err(AddressError::Base32)
        );
        assert_eq!(
            format!("1{}", &good[1..]).parse::<Address>(),
            Err(AddressError::Base32)
        );
        // The last character carries one bit of the hash; the other four must be zero.
        assert_eq!(
            format!("{}b{SUFFIX}", "a".repeat(51)).parse::<Address>(),
            Err(AddressError::Base32)
        );
        // Sixty bytes that cannot be cut at the suffix.
        assert_eq!("é".repeat(30).parse::<Address>(), Err(AddressError::Suffix));
    }

    #[test]
    fn an_address_does_not_show_in_a_debug_print() {
        assert_eq!(format!("{:?}", Address([7; 32])), "Address([redacted])");
    }

    #[test]
    fn a_caller_of_an_older_kind_has_an_address_too() {
        // A NULL certificate: 387 bytes.
        let older = [5u8; 384]
            .iter()
            .copied()
            .chain([0, 0, 0])
            .collect::<Vec<_>>();
        let address = Address::of_any_destination(&base64::encode(&older)).unwrap();
        assert_eq!(address, Address::hash(&older));
        for wrong in [&older[..386], &older[..100], &[]] {
            assert_eq!(
                Address::of_any_destination(&base64::encode(wrong)),
                Err(AddressError::Destination)
            );
        }
        let longer = [&older[..], &[0]].concat();
        assert_eq!(
            Address::of_any_destination(&base64::encode(&longer)),
            Err(AddressError::Destination)
        );
    }

    proptest! {
        #[test]
        fn text_and_hash_are_the_same(bytes: [u8; 32]) {
            let address = Address(bytes);
            prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            prop_assert_eq!(<[u8; 32]>::from(address), bytes);
        }

        #[test]
        fn any_text_is_an_address_or_an_error(text in ".{0,80}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string(), text);
            }
        }
    }
}
