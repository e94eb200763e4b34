//! The header of every stream but the first.
//!
//! Whoever opens a stream says what it is for; whoever is asked to dial answers with an [`Opened`] before any other byte flows.
//! After that the stream carries a link (see [`crate::link`]), which neither relay can read.

use crate::{
    DecodeError,
    fields::{Fields, KIND},
};

/// The largest encoded header or answer, in bytes.
pub const MAX_HEADER_BYTES: usize = 64;

/// What a new stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// Browser to relay: dial this I2P address (SHA-256 of the destination), out of the pool. Answered by [`Opened`].
    Dial {
        /// SHA-256 of the destination.
        address: [u8; 32],
    },
    /// Relay to browser: somebody dialled the member's destination. Not answered.
    Incoming,
    /// Browser to relay: the relay's own node. Answered by [`Opened`]; relays without a node answer [`Opened::Unsupported`].
    Node,
}

/// What came of a dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Opened {
    /// The other relay handed the stream to its member's app.
    Connected = 0,
    /// The other relay answers, but the member's app is not connected.
    Away = 1,
    /// The address is not published, or no tunnel reaches it.
    Unreachable = 2,
    /// This relay's router is not ready.
    NotReady = 3,
    /// Too many streams are open.
    TooMany = 4,
    /// It took too long.
    TimedOut = 5,
    /// The other end is no Komrade relay or speaks another version.
    Foreign = 6,
    /// This relay cannot do that.
    Unsupported = 7,
}

impl Header {
    /// The bytes of the header, to be framed.
    pub fn encode(&self) -> Vec<u8> {
        let fields = match self {
            Self::Dial { address } => Fields::new(1).bytes(1, address),
            Self::Incoming => Fields::new(2),
            Self::Node => Fields::new(3),
        };
        fields.encode().to_vec()
    }

    /// Reads a header.
    ///
    /// # Errors
    /// See [`DecodeError`]; [`DecodeError::Unknown`] for a purpose that only newer versions know, to be answered
    /// with [`Opened::Unsupported`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::decode(bytes, MAX_HEADER_BYTES)?;
        match fields.get_number::<u64>(KIND)? {
            1 => Ok(Self::Dial {
                address: fields.get_array(1)?,
            }),
            2 => Ok(Self::Incoming),
            3 => Ok(Self::Node),
            kind => Err(DecodeError::Unknown(kind)),
        }
    }
}

impl Opened {
    /// The bytes of the answer, to be framed.
    pub fn encode(&self) -> Vec<u8> {
        Fields::new(u64::from(*self as u8)).encode().to_vec()
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// See [`DecodeError`]; [`DecodeError::Unknown`] for an outcome that only newer versions know: not connected.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::decode(bytes, MAX_HEADER_BYTES)?;
        Ok(match fields.get_number::<u64>(KIND)? {
            0 => Self::Connected,
            1 => Self::Away,
            2 => Self::Unreachable,
            3 => Self::NotReady,
            4 => Self::TooMany,
            5 => Self::TimedOut,
            6 => Self::Foreign,
            7 => Self::Unsupported,
            kind => return Err(DecodeError::Unknown(kind)),
        })
    }
}
