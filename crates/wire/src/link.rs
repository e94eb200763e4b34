//! Links: the [Noise](https://noiseprotocol.org/noise.html) handshake and the encrypted frames between two nodes.
//!
//! SAM ends I2P's own encryption at the router, so without this a relay could read what two nodes say. A link is
//! `Noise_NNpsk0_25519_AESGCM_SHA256` between comrades, under a key that both hold, or
//! `Noise_NK_25519_AESGCM_SHA256` towards a relay's node, whose key is known.
//!
//! Flow, on a stream that has just been opened:
//! 1. dialler: [`Preamble`] (version, pattern, and for comrades a hint at the key that is meant), which the
//!    handshake binds as its prologue, and the first handshake message;
//! 2. other side: the second handshake message;
//! 3. dialler: an empty encrypted message. Only with this does the other side know that the first message was no
//!    recording of an earlier one: until then the link is not up there.
//! 4. both: frames of at most [`MAX_LINK_FRAME`] bytes, each cut into Noise messages of at most 65,535 bytes with
//!    a length of two bytes before each.
//!
//! Two layers: [`Initiator`], [`Responder`] and [`Transport`] do no I/O; [`dial`], [`accept`], [`LinkReader`] and
//! [`LinkWriter`] run them over any stream, with a deadline given by the caller.
//!
//! Left out on purpose: rekeying within a link. A link ends after [`MAX_MESSAGES`] in one direction and is dialled
//! anew, with fresh keys.

mod handshake;
mod resolver;
mod stream;
#[cfg(test)]
mod tests;
mod transport;
#[cfg(test)]
mod vectors;

use std::io;

use thiserror::Error;

pub use handshake::{HANDSHAKE_BYTES, Initiator, MAX_PREAMBLE_BYTES, Preamble, Responder};
pub use stream::{Accepting, Halves, LinkReader, LinkWriter, accept, dial};
pub use transport::{Opener, Sealer, Transport};

/// The version spoken here.
pub const VERSION: u8 = 1;
/// The largest frame, in bytes: a message of reconciliation of 128 KiB, or two of the largest envelopes, and what goes
/// around them.
pub const MAX_LINK_FRAME: usize = 132 * 1024;
/// Noise messages in one direction before a link ends, in the order of what AES-GCM allows under one key at this
/// message size (RFC 8446, section 5.5, gives 2^24.5): a tebibyte, more than any I2P tunnel carries.
pub const MAX_MESSAGES: u64 = 1 << 24;

/// Why a link does not come up or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The preamble is of a version that is not spoken here.
    #[error("link version {0} is not spoken here")]
    Version(u8),
    /// The preamble names no pattern that is spoken here.
    #[error("link pattern {0} is not spoken here")]
    Pattern(u8),
    /// The other side does not hold the key that it should.
    #[error("the other side did not prove its key")]
    WrongKey,
    /// The other side sent a public key that leads to a secret everyone knows.
    #[error("the other side sent a public key of small order")]
    WeakKey,
    /// The dialler never confirmed the handshake: it was a recording of an earlier one, or broken off.
    #[error("the handshake was not confirmed")]
    Unconfirmed,
    /// A message was changed on the way.
    #[error("a message was changed on the way")]
    Tampered,
    /// A message came a second time.
    #[error("a message came a second time")]
    Replayed,
    /// A message came before its time, or one before it is missing.
    #[error("a message is missing or came before its time")]
    Reordered,
    /// The stream ended within a frame or the handshake.
    #[error("the stream ended too early")]
    Truncated,
    /// A frame is longer than allowed.
    #[error("a frame of more than {MAX_LINK_FRAME} bytes")]
    TooLong,
    /// A frame or message has no content, or a message has a length that none can have.
    #[error("a frame or message that cannot be")]
    Malformed,
    /// [`MAX_MESSAGES`] were sent: dial anew.
    #[error("the link's keys are used up")]
    Exhausted,
    /// The caller's deadline passed before the handshake was complete.
    #[error("the handshake took too long")]
    Deadline,
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Io(io::ErrorKind),
    /// The cryptography could not be set up.
    #[error("the link could not be set up")]
    Setup,
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            kind => Self::Io(kind),
        }
    }
}
