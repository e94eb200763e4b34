//! The public part of a destination.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use thiserror::Error;

use crate::{Address, Base64Error, base64};

/// Bytes of a destination: 256 unused, 96 of padding, 32 of Ed25519 public key, 7 of certificate.
pub const DESTINATION_BYTES: usize = 391;

/// Where the Ed25519 public key begins.
const KEY_AT: usize = 352;
/// Where the certificate begins.
const CERTIFICATE_AT: usize = 384;
/// A key certificate (5) of four bytes: signatures are Ed25519 (7), encryption is the old default (0), which nobody uses since
/// lease sets carry their own keys. Java routers want it so.
const CERTIFICATE: [u8; 7] = [5, 0, 4, 0, 7, 0, 0];
/// The same with X25519 (4) in the place of the old default.
const CERTIFICATE_X25519: [u8; 7] = [5, 0, 4, 0, 7, 0, 4];

/// A destination: whom a router finds at an [`Address`].
#[derive(Clone, PartialEq, Eq)]
pub struct Destination(Box<[u8; DESTINATION_BYTES]>);

/// Why bytes are no destination of the kind made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Not as long as a destination.
    #[error("{got} bytes, a destination has {DESTINATION_BYTES}")]
    Length {
        /// How long it is.
        got: usize,
    },
    /// Another certificate than that of Ed25519 with the old default or X25519.
    #[error("a certificate of another kind")]
    Certificate,
    /// The bytes in the key's place are no Ed25519 public key.
    #[error("no Ed25519 public key")]
    Key,
    /// The text is not Base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
}

/// What the certificate says of the private encryption key, which follows the destination in a private blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// 256 bytes.
    Old,
    /// 32 bytes.
    X25519,
}

impl Destination {
    /// Puts a destination together.
    pub(crate) fn assemble(random: &[u8; KEY_AT], key: &VerifyingKey) -> Self {
        let mut bytes = Box::new([0; DESTINATION_BYTES]);
        for (to, from) in bytes
            .iter_mut()
            .zip(random.iter().chain(key.as_bytes()).chain(&CERTIFICATE))
        {
            *to = *from;
        }
        Self(bytes)
    }

    /// Reads a destination.
    ///
    /// # Errors
    /// Anything but 391 bytes with a certificate for Ed25519 and a public key in its place.
    pub fn parse(bytes: &[u8]) -> Result<Self, DestinationError> {
        let bytes: [u8; DESTINATION_BYTES] = bytes
            .try_into()
            .map_err(|_| DestinationError::Length { got: bytes.len() })?;
        let destination = Self(Box::new(bytes));
        destination
            .encryption()
            .ok_or(DestinationError::Certificate)?;
        destination.key().ok_or(DestinationError::Key)?;
        Ok(destination)
    }

    /// Reads I2P's Base64 of a destination.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and for text that is no Base64.
    pub fn from_base64(text: &str) -> Result<Self, DestinationError> {
        Self::parse(&base64::decode(text)?)
    }

    /// I2P's Base64: 524 characters.
    pub fn to_base64(&self) -> String {
        base64::encode(self.as_bytes()).to_string()
    }

    /// The 391 bytes.
    pub fn as_bytes(&self) -> &[u8; DESTINATION_BYTES] {
        &self.0
    }

    /// What others dial.
    pub fn address(&self) -> Address {
        Address::hash(self.as_bytes())
    }

    pub(crate) fn encryption(&self) -> Option<Encryption> {
        match self.0.get(CERTIFICATE_AT..)? {
            certificate if certificate == CERTIFICATE => Some(Encryption::Old),
            certificate if certificate == CERTIFICATE_X25519 => Some(Encryption::X25519),
            _ => None,
        }
    }

    pub(crate) fn key(&self) -> Option<VerifyingKey> {
        let bytes = self.0.get(KEY_AT..CERTIFICATE_AT)?.try_into().ok()?;
        VerifyingKey::from_bytes(bytes).ok()
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Destination([redacted])")
    }
}
