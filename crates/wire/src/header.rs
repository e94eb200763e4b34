//! The header of every stream but the first.
//!
//! Whoever opens a stream says what it is for; whoever is asked to dial answers with an [`Opened`] before any other byte flows.
//! After that the stream carries a link (see [`crate::link`]), which neither relay can read.

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
