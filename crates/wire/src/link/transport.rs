//! Encrypted frames, without I/O.

use std::{fmt, sync::Arc};

use snow::{HandshakeState, StatelessTransportState};
use zeroize::{Zeroize, Zeroizing};

use super::{LinkError, MAX_LINK_FRAME, MAX_MESSAGES, handshake::failed};

const LENGTH: usize = 2;
const TAG: usize = 16;
const MAX_MESSAGE: usize = 65_535;
/// The first byte of each message says whether the frame goes on after it.
const FLAG: usize = 1;
const LAST: u8 = 0;
const MORE: u8 = 1;
const MAX_PIECE: usize = MAX_MESSAGE - TAG - FLAG;
/// An empty message: what a dialler confirms a handshake with.
pub(super) const CONFIRMATION_BYTES: usize = LENGTH + TAG;
/// How far around the expected place a message is looked for that does not open, to say what went wrong.
const DIAGNOSED: u64 = 8;

/// A link: what seals frames and what opens them, which may be used apart.
#[derive(Debug)]
pub struct Transport {
    /// For what is sent.
    pub sealer: Sealer,
    /// For what arrives.
    pub opener: Opener,
}

impl Transport {
    pub(super) fn new(handshake: HandshakeState) -> Result<Self, LinkError> {
        let state = Arc::new(handshake.into_stateless_transport_mode().map_err(failed)?);
        let opener = Opener {
            state: Arc::clone(&state),
            counter: 0,
            message: Vec::new(),
            plaintext: Zeroizing::new(Vec::new()),
            frame: Vec::new(),
        };
        Ok(Self {
            sealer: Sealer { state, counter: 0 },
            opener,
        })
    }
}

/// Seals frames.
pub struct Sealer {
    state: Arc<StatelessTransportState>,
    counter: u64,
}

impl Sealer {
    /// Seals a frame; the bytes are to be sent in order.
    ///
    /// # Errors
    /// [`LinkError::TooLong`]; [`LinkError::Malformed`] if it is empty; [`LinkError::Exhausted`].
    pub fn seal(&mut self, frame: &[u8]) -> Result<Vec<u8>, LinkError> {
        if frame.is_empty() {
            return Err(LinkError::Malformed);
        }
        if frame.len() > MAX_LINK_FRAME {
            return Err(LinkError::TooLong);
        }
        let pieces = frame.len().div_ceil(MAX_PIECE);
        let mut sealed = Vec::with_capacity(frame.len() + pieces * (LENGTH + TAG + FLAG));
        let mut plaintext = Zeroizing::new(Vec::with_capacity(FLAG + frame.len().min(MAX_PIECE)));
        for (number, piece) in frame.chunks(MAX_PIECE).enumerate() {
            plaintext.clear();
            plaintext.push(if number + 1 == pieces { LAST } else { MORE });
            plaintext.extend_from_slice(piece);
            self.message(&plaintext, &mut sealed)?;
        }
        Ok(sealed)
    }

    pub(super) fn confirmation(&mut self) -> Result<Vec<u8>, LinkError> {
        let mut sealed = Vec::with_capacity(CONFIRMATION_BYTES);
        self.message(&[], &mut sealed)?;
        Ok(sealed)
    }

    fn message(&mut self, plaintext: &[u8], sealed: &mut Vec<u8>) -> Result<(), LinkError> {
        if self.counter >= MAX_MESSAGES {
            return Err(LinkError::Exhausted);
        }
        let length = u16::try_from(plaintext.len() + TAG).map_err(|_| LinkError::TooLong)?;
        sealed.extend_from_slice(&length.to_be_bytes());
        let start = sealed.len();
        sealed.resize(start + usize::from(length), 0);
        let out = sealed.get_mut(start..).unwrap_or_default();
        self.state
            .write_message(self.counter, plaintext, out)
            .map_err(failed)?;
        self.counter += 1;
        Ok(())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

/// Opens frames.
pub struct Opener {
    state: Arc<StatelessTransportState>,
    counter: u64,
    /// The length and what has come of the message at hand.
    message: Vec<u8>,
    plaintext: Zeroizing<Vec<u8>>,
    /// What has come of the frame at hand.
    frame: Vec<u8>,
}

impl Opener {
    /// How many more bytes are surely part of the message at hand; at least 1.
    pub fn wanted(&self) -> usize {
        self.message_bytes()
            .saturating_sub(self.message.len())
            .max(1)
    }

    /// Whether the stream may end here.
    pub fn between_frames(&self) -> bool {
        self.message.is_empty() && self.frame.is_empty()
    }

    /// Takes bytes up to the end of the message at hand, says how many it took, and gives the frame once it is
    /// whole.
    ///
    /// # Errors
    /// [`LinkError::Tampered`], [`LinkError::Replayed`], [`LinkError::Reordered`], [`LinkError::TooLong`],
    /// [`LinkError::Malformed`], [`LinkError::Exhausted`]; the link is then of no further use.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Vec<u8>>), LinkError> {
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = bytes.get(taken..).unwrap_or_default();
            let part = rest.get(..self.wanted()).unwrap_or(rest);
            self.message.extend_from_slice(part);
            taken += part.len();
            let complete = self.message.len() == self.message_bytes();
            if self.message.len() == LENGTH && self.message_bytes() < LENGTH + TAG + FLAG {
                return Err(LinkError::Malformed);
            }
            if complete && self.message.len() > LENGTH {
                return Ok((taken, self.piece()?));
            }
        }
        Ok((taken, None))
    }

    pub(super) fn confirmed(&mut self, bytes: &[u8; CONFIRMATION_BYTES]) -> Result<(), LinkError> {
        let (length, message) = bytes.split_at(LENGTH);
        let announced = length
            .try_into()
            .map(u16::from_be_bytes)
            .unwrap_or_default();
        if usize::from(announced) != message.len() {
            return Err(LinkError::Unconfirmed);
        }
        self.state
            .read_message(self.counter, message, &mut [])
            .map_err(|_| LinkError::Unconfirmed)?;
        self.counter += 1;
        Ok(())
    }

    /// Length and content of the message at hand, as far as its length is known.
    fn message_bytes(&self) -> usize {
        match self.message.first_chunk::<LENGTH>() {
            Some(length) => LENGTH + usize::from(u16::from_be_bytes(*length)),
            None => LENGTH,
        }
    }

    fn piece(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        if self.counter >= MAX_MESSAGES {
            return Err(LinkError::Exhausted);
        }
        let message = self.message.get(LENGTH..).unwrap_or_default();
        self.plaintext.resize(message.len(), 0);
        let opened = self
            .state
            .read_message(self.counter, message, &mut self.plaintext);
        let Ok(length) = opened else {
            return Err(self.diagnose());
        };
        self.counter += 1;
        self.message.clear();
        let plaintext = self.plaintext.get(..length).unwrap_or_default();
        let (flag, piece) = plaintext.split_first().ok_or(LinkError::Malformed)?;
        if piece.is_empty() {
            return Err(LinkError::Malformed);
        }
        if self.frame.len() + piece.len() > MAX_LINK_FRAME {
            return Err(LinkError::TooLong);
        }
        self.frame.extend_from_slice(piece);
        match *flag {
            LAST => Ok(Some(std::mem::take(&mut self.frame))),
            MORE => Ok(None),
            _ => Err(LinkError::Malformed),
        }
    }

    /// Says what is wrong with a message that does not open in its place: whether it would have in another.
    fn diagnose(&mut self) -> LinkError {
        let message = self.message.get(LENGTH..).unwrap_or_default();
        let mut opens = |counter| {
            self.state
                .read_message(counter, message, &mut self.plaintext)
                .is_ok()
        };
        let earlier = self.counter.saturating_sub(DIAGNOSED)..self.counter;
        let later = self.counter + 1..=self.counter + DIAGNOSED;
        if earlier.into_iter().any(&mut opens) {
            LinkError::Replayed
        } else if later.into_iter().any(opens) {
            LinkError::Reordered
        } else {
            LinkError::Tampered
        }
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        self.frame.zeroize();
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener([redacted])")
    }
}

/// What only tests may do.
#[cfg(test)]
mod unguarded {
    use super::{LinkError, MORE, Opener, Sealer};

    impl Sealer {
        /// As if so many messages had been sent.
        pub(in crate::link) fn skip_to(&mut self, counter: u64) {
            self.counter = counter;
        }

        /// A message that says that its frame goes on.
        pub(in crate::link) fn piece_of_more(&mut self, piece: &[u8]) -> Vec<u8> {
            let mut sealed = Vec::new();
            let written: Result<(), LinkError> =
                self.message(&[&[MORE], piece].concat(), &mut sealed);
            assert_eq!(written, Ok(()));
            sealed
        }
    }

    impl Opener {
        /// As if so many messages had arrived.
        pub(in crate::link) fn skip_to(&mut self, counter: u64) {
            self.counter = counter;
        }
    }
}
