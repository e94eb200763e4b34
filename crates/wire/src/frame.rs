//! Length-prefixed frames: four bytes of length, big-endian, then as many bytes.
//!
//! [`Decoder`] takes bytes as they come and never more of them than the frame at hand needs, so that what
//! follows a header on the same stream stays there. The length is checked against the maximum of its use before
//! anything is kept, and memory grows with what has arrived, not with what was announced.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of the length.
pub const LENGTH_BYTES: usize = 4;
/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// Why there is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The frame is longer than its use allows.
    #[error("a frame of {length} bytes where at most {maximum} are allowed")]
    TooLong {
        /// As long as it says it is.
        length: usize,
        /// As long as it may be.
        maximum: usize,
    },
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Truncated,
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Puts the length before `payload`. The result is erased on drop, since some frames carry keys.
///
/// # Errors
/// [`FrameError::TooLong`] if `payload` has more than `maximum` bytes.
pub fn encode(payload: &[u8], maximum: usize) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let too_long = FrameError::TooLong {
        length: payload.len(),
        maximum,
    };
    if payload.len() > maximum {
        return Err(too_long);
    }
    let length = u32::try_from(payload.len()).map_err(|_| too_long)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH_BYTES + payload.len()));
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// Takes a stream of frames apart.
#[derive(Debug)]
pub struct Decoder {
    maximum: usize,
    length: [u8; LENGTH_BYTES],
    length_filled: usize,
    payload: Vec<u8>,
}

impl Decoder {
    /// For frames of at most `maximum` bytes.
    pub fn new(maximum: usize) -> Self {
        Self {
            maximum,
            length: [0; LENGTH_BYTES],
            length_filled: 0,
            payload: Vec::new(),
        }
    }

    /// How many more bytes are surely part of the frame at hand; at least 1.
    pub fn wanted(&self) -> usize {
        if self.length_filled < LENGTH_BYTES {
            LENGTH_BYTES - self.length_filled
        } else {
            self.payload_length().saturating_sub(self.payload.len())
        }
    }

    /// Whether the stream may end here.
    pub fn between_frames(&self) -> bool {
        self.length_filled == 0
    }

    /// Takes bytes up to the end of the frame at hand, says how many it took, and gives the frame once it is
    /// whole.
    ///
    /// # Errors
    /// [`FrameError::TooLong`]; the stream is then of no further use.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Vec<u8>>), FrameError> {
        let mut taken = 0;
        for byte in bytes.iter().take(LENGTH_BYTES - self.length_filled) {
            if let Some(place) = self.length.get_mut(self.length_filled) {
                *place = *byte;
            }
            self.length_filled += 1;
            taken += 1;
        }
        if self.length_filled < LENGTH_BYTES {
            return Ok((taken, None));
        }
        let length = self.payload_length();
        if length > self.maximum {
            return Err(FrameError::TooLong {
                length,
                maximum: self.maximum,
            });
        }
        let rest = bytes.get(taken..).unwrap_or_default();
        let missing = length.saturating_sub(self.payload.len());
        let part = rest.get(..missing).unwrap_or(rest);
        self.payload.extend_from_slice(part);
        taken += part.len();
        if self.payload.len() < length {
            return Ok((taken, None));
        }
        self.length_filled = 0;
        Ok((taken, Some(std::mem::take(&mut self.payload))))
    }

    fn payload_length(&self) -> usize {
        usize::try_from(u32::from_be_bytes(self.length)).unwrap_or(usize::MAX)
    }
}

/// Reads frames off a stream, byte for byte no further than their end.
#[derive(Debug)]
pub struct FrameReader<R> {
    stream: R,
    decoder: Decoder,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// For frames of at most `maximum` bytes.
    pub fn new(stream: R, maximum: usize) -> Self {
        Self {
            stream,
            decoder: Decoder::new(maximum),
        }
    }

    /// The next frame; `None` when the stream ended between two. May be dropped and called again without loss.
    ///
    /// # Errors
    /// See [`FrameError`]; the stream is then of no further use.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let mut chunk = Zeroizing::new(Vec::new());
        loop {
            chunk.resize(self.decoder.wanted().clamp(1, CHUNK), 0);
            let read = self.stream.read(&mut chunk).await?;
            if read == 0 {
                let clean = self.decoder.between_frames();
                return if clean {
                    Ok(None)
                } else {
                    Err(FrameError::Truncated)
                };
            }
            let (_, frame) = self.decoder.push(chunk.get(..read).unwrap_or_default())?;
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }

    /// The stream, with everything that follows the last frame still in it.
    pub fn into_inner(self) -> R {
        self.stream
    }
}

/// Reads one frame, byte for byte no further than its end; `None` when the stream ended before it.
///
/// # Errors
/// See [`FrameError`].
pub async fn read<R>(stream: &mut R, maximum: usize) -> Result<Option<Vec<u8>>, FrameError>
where
    R: AsyncRead + Unpin + ?Sized,
{
    FrameReader::new(stream, maximum).next().await
}

/// Writes one frame and flushes.
///
/// # Errors
/// See [`FrameError`].
pub async fn write<W>(stream: &mut W, payload: &[u8], maximum: usize) -> Result<(), FrameError>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    stream.write_all(&encode(payload, maximum)?).await?;
    Ok(stream.flush().await?)
}
