//! How two relays greet each other on an I2P stream, before a byte of the link between their members flows.
//!
//! A router may report a stream as open before anybody accepted it, so only an answer proves that the other end
//! is there, is a relay, and handed the stream to its member's app:
//! 1. dialling relay: magic and version;
//! 2. accepting relay: magic, version and [`Status`].
//!
//! The dialling relay turns the outcome into [`Opened`] for its own member. Deadlines are the caller's: an I2P
//! round trip takes seconds.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use thiserror::Error;

use crate::header::Opened;

/// The version spoken here.
pub const VERSION: u8 = 1;
/// Bytes of the dialling relay's greeting.
pub const GREETING_BYTES: usize = 5;
/// Bytes of the accepting relay's answer.
pub const ANSWER_BYTES: usize = 6;

const MAGIC: [u8; 4] = *b"kmrd";

/// What the accepting relay did with the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Status {
    /// Handed to the member's app.
    Connected = 0,
    /// The member's app is not connected.
    Away = 1,
    /// The member has as many streams as are allowed.
    TooMany = 2,
    /// The greeting is of a version that is not spoken here.
    Version = 3,
}

impl Status {
    /// What the dialling relay tells its own member.
    pub fn opened(self) -> Opened {
        match self {
            Self::Connected => Opened::Connected,
            Self::Away => Opened::Away,
            Self::TooMany => Opened::TooMany,
            Self::Version => Opened::Foreign,
        }
    }
}

/// Why there is no greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// The other end is no Komrade relay.
    #[error("the other end is no relay")]
    Foreign,
    /// The other end speaks another version.
    #[error("the other relay speaks version {0}")]
    Version(u8),
    /// The status is not known here.
    #[error("the other relay answered {0}, which is not known here")]
    Status(u8),
    /// The stream failed or ended too early.
    #[error("the stream failed: {0}")]
    Io(io::ErrorKind),
}

impl GreetingError {
    /// What the dialling relay tells its own member.
    pub fn opened(self) -> Opened {
        match self {
            Self::Io(_) => Opened::Unreachable,
            Self::Foreign | Self::Version(_) | Self::Status(_) => Opened::Foreign,
        }
    }
}

impl From<io::Error> for GreetingError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// The dialling relay's greeting.
pub fn greeting() -> [u8; GREETING_BYTES] {
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, VERSION]
}

/// Reads a dialling relay's greeting.
///
/// # Errors
/// [`GreetingError::Foreign`], or [`GreetingError::Version`], which is to be answered with [`Status::Version`].
pub fn check_greeting(bytes: [u8; GREETING_BYTES]) -> Result<(), GreetingError> {
    let [a, b, c, d, version] = bytes;
    check([a, b, c, d], version)
}

/// The accepting relay's answer.
pub fn answer(status: Status) -> [u8; ANSWER_BYTES] {
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, VERSION, status as u8]
}

/// Reads an accepting relay's answer.
///
/// # Errors
/// See [`GreetingError`].
pub fn check_answer(bytes: [u8; ANSWER_BYTES]) -> Result<Status, GreetingError> {
    let [a, b, c, d, version, status] = bytes;
    check([a, b, c, d], version)?;
    match status {
        0 => Ok(Status::Connected),
        1 => Ok(Status::Away),
        2 => Ok(Status::TooMany),
        3 => Ok(Status::Version),
        other => Err(GreetingError::Status(other)),
    }
}

/// Greets the relay at the other end of a stream that was just dialled and waits for its answer.
///
/// # Errors
/// See [`GreetingError`].
pub async fn greet<S>(stream: &mut S) -> Result<Status, GreetingError>
where
    S: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    stream.write_all(&greeting()).await?;
    stream.flush().await?;
    let mut bytes = [0; ANSWER_BYTES];
    stream.read_exact(&mut bytes).await?;
    check_answer(bytes)
}

/// Waits for the greeting on a stream that was just accepted; [`reply`] answers it.
///
/// # Errors
/// See [`GreetingError`].
pub async fn wait<S>(stream: &mut S) -> Result<(), GreetingError>
where
    S: AsyncRead + Unpin + ?Sized,
{
    let mut bytes = [0; GREETING_BYTES];
    stream.read_exact(&mut bytes).await?;
    check_greeting(bytes)
}

/// Answers a greeting.
///
/// # Errors
/// [`GreetingError::Io`].
pub async fn reply<S>(stream: &mut S, status: Status) -> Result<(), GreetingError>
where
    S: AsyncWrite + Unpin + ?Sized,
{
    stream.write_all(&answer(status)).await?;
    Ok(stream.flush().await?)
}

fn check(magic: [u8; 4], version: u8) -> Result<(), GreetingError> {
    if magic != MAGIC {
        Err(GreetingError::Foreign)
    } else if version != VERSION {
        Err(GreetingError::Version(version))
    } else {
        Ok(())
    }
}
