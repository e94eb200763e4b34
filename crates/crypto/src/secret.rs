//! Types that hold secret bytes.

use core::fmt;

use serde::{
    Deserializer, Serializer,
    de::{Error, SeqAccess, Visitor},
};
use zeroize::Zeroizing;

/// `Debug` that says which type it is and nothing else: for what holds texts, names, keys or ids of people.
#[macro_export]
macro_rules! redacted {
    ($($name:ident),+ $(,)?) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )+};
}

/// Defines a type of secret bytes: erased on drop, compared in constant time, `[redacted]` in
/// `Debug`. It serialises as a byte string, for sealed records and backups only.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident, $length:expr) => {
        $(#[$doc])*
        #[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
        pub struct $name([u8; $length]);

        impl $name {
            /// The length in bytes.
            pub const BYTES: usize = $length;

            /// Takes bytes that were [exposed](Self::expose) before.
            pub fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The bytes. Only to be sealed, never to be logged.
            pub fn expose(&self) -> &[u8; $length] {
                &self.0
            }

            /// Draws fresh random bytes.
            pub fn draw(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
                let mut secret = Self([0; $length]);
                rand_core::Rng::fill_bytes(rng, &mut secret.0);
                secret
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("[redacted]")
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
            }
        }

        impl Eq for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::secret::serialize(&self.0, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::secret::deserialize(deserializer).map(|bytes| Self(*bytes))
            }
        }
    };
}

pub(crate) use secret_bytes;

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Zeroizing<[u8; N]>, D::Error> {
    deserializer.deserialize_bytes(Bytes::<N>)
}

struct Bytes<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
    type Value = Zeroizing<[u8; N]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        // Not the bytes: they are secret, so the error may name the length only.
        bytes
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
        self.visit_bytes(&Zeroizing::new(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut out = Zeroizing::new([0; N]);
        for (place, byte) in out.iter_mut().enumerate() {
            *byte = sequence
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(place, &self))?;
        }
        match sequence.next_element::<u8>()? {
            None => Ok(out),
            Some(_) => Err(A::Error::invalid_length(N + 1, &self)),
        }
    }
}
