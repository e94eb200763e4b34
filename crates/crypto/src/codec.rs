//! Reading and writing fixed layouts: big-endian, lengths before what varies.

use thiserror::Error;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They end too early.
    #[error("too short")]
    Truncated,
    /// Something follows the end.
    #[error("too long")]
    TrailingBytes,
    /// A newer version wrote them.
    #[error("version {found}, this build reads {expected}")]
    NewerVersion {
        /// What stands there.
        found: u8,
        /// What this build reads.
        expected: u8,
    },
    /// Another suite than this build has.
    #[error("unknown suite {found}")]
    UnknownSuite {
        /// What stands there.
        found: u8,
    },
    /// A field is outside its bounds.
    #[error("a field is out of bounds")]
    OutOfBounds,
    /// A public key is none, or one of the few that give no secret.
    #[error("bad public key")]
    BadKey,
    /// A signature is not by the key that should have made it.
    #[error("bad signature")]
    BadSignature,
}

/// What has not been read yet.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Checks the two bytes that every structure starts with.
    pub(crate) fn version_and_suite(&mut self, expected: u8) -> Result<(), DecodeError> {
        self.version(expected)?;
        match self.u8()? {
            crate::SUITE => Ok(()),
            found => Err(DecodeError::UnknownSuite { found }),
        }
    }

    pub(crate) fn version(&mut self, expected: u8) -> Result<(), DecodeError> {
        match self.u8()? {
            found if found == expected => Ok(()),
            0 => Err(DecodeError::OutOfBounds),
            found => Err(DecodeError::NewerVersion { found, expected }),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    /// A two-byte length of at most `max`, then so many bytes.
    pub(crate) fn prefixed(&mut self, max: usize) -> Result<&'a [u8], DecodeError> {
        let length = usize::from(self.u16()?);
        if length > max {
            return Err(DecodeError::OutOfBounds);
        }
        self.bytes(length)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::TrailingBytes)
        }
    }
}

/// Appends a two-byte length and the bytes; `None` if they are longer than `max`.
pub(crate) fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8], max: usize) -> Option<()> {
    let length = u16::try_from(bytes.len())
        .ok()
        .filter(|&length| usize::from(length) <= max)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}
