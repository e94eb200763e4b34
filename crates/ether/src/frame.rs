//! What two nodes say to each other over a link.
//!
//! A frame is a version byte, a kind byte and a body; the link gives its length. Who puts an envelope waits for
//! the answer that names its id, and keeps it until then; who receives one answers only once it is durable.
//!
//! | kind | body |
//! |---|---|
//! | 1 put | envelope |
//! | 2 ack | id (32), outcome (1) |
//! | 3 fetch | locator (16) |
//! | 4 fetched | locator (16), then an envelope or nothing |
//!
//! A kind that a newer version added is [`Frame::Unknown`], to be skipped; the version byte changes only if
//! skipping is not enough.

use thiserror::Error;

use crate::{Envelope, EnvelopeError, EnvelopeId, ExpiryError, MAX_ENVELOPE_BYTES};

/// The version of the frames spoken here.
pub const FRAME_VERSION: u8 = 1;
/// The largest frame, in bytes: the largest envelope, fetched.
pub const MAX_FRAME_BYTES: usize = 2 + 16 + MAX_ENVELOPE_BYTES;

/// Under which name an envelope waits to be fetched: derived from an invite's secret by whoever knows it.
pub type Locator = [u8; 16];

const PUT: u8 = 1;
const ACK: u8 = 2;
const FETCH: u8 = 3;
const FETCHED: u8 = 4;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// Keep this, please. Answered by [`Frame::Ack`].
    Put {
        /// What to keep.
        envelope: Envelope,
    },
    /// What came of a put.
    Ack {
        /// Of which envelope.
        id: EnvelopeId,
        /// What came of it.
        outcome: Outcome,
    },
    /// Give me the envelope of this name. Answered by [`Frame::Fetched`].
    Fetch {
        /// Its name.
        locator: Locator,
    },
    /// The envelope asked for.
    Fetched {
        /// Its name.
        locator: Locator,
        /// `None`: there is none.
        envelope: Option<Envelope>,
    },
    /// A kind that this version does not know: skip it.
    Unknown(u8),
}

/// What came of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Kept durably.
    Accepted,
    /// Kept durably before.
    AlreadyHave,
    /// No room at the moment.
    Full,
    /// Its day has come.
    Expired,
    /// It asks to be kept longer than anything is.
    TooFar,
    /// No envelope.
    Malformed,
    /// An envelope of a version or class that is not known here.
    Foreign,
    /// Not for whoever runs here, and they keep nothing for others.
    NotForMe,
    /// Too much at once: the same later may be taken.
    Busy,
    /// A code that this version does not know. Make it with [`Outcome::from_code`] only.
    Unknown(u8),
}

impl Outcome {
    /// As it travels.
    pub fn code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::AlreadyHave => 1,
            Self::Full => 2,
            Self::Expired => 3,
            Self::TooFar => 4,
            Self::Malformed => 5,
            Self::Foreign => 6,
            Self::NotForMe => 7,
            Self::Busy => 8,
            Self::Unknown(code) => code,
        }
    }

    /// The outcome of such a code.
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Accepted,
            1 => Self::AlreadyHave,
            2 => Self::Full,
            3 => Self::Expired,
            4 => Self::TooFar,
            5 => Self::Malformed,
            6 => Self::Foreign,
            7 => Self::NotForMe,
            8 => Self::Busy,
            code => Self::Unknown(code),
        }
    }

    /// The other side has it durably: the sender may let go of it.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Accepted | Self::AlreadyHave)
    }

    /// The same bytes may be taken later. If neither this nor [`Outcome::is_held`], they never will be, and the
    /// sender makes a new envelope.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Full | Self::Busy | Self::Unknown(_))
    }
}

impl From<EnvelopeError> for Outcome {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::UnknownVersion(_) | EnvelopeError::UnknownClass(_) => Self::Foreign,
            _ => Self::Malformed,
        }
    }
}

impl From<ExpiryError> for Outcome {
    fn from(error: ExpiryError) -> Self {
        match error {
            ExpiryError::Expired { .. } => Self::Expired,
            ExpiryError::TooFar { .. } => Self::TooFar,
        }
    }
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Shorter than its kind needs.
    #[error("{0} bytes are too short for a frame")]
    TooShort(usize),
    /// Longer than its kind can be.
    #[error("{0} bytes are too long for a frame")]
    TooLong(usize),
    /// Another version of the protocol.
    #[error("unknown version {0} of a frame")]
    UnknownVersion(u8),
    /// A put that holds no envelope known here. The sender is owed an [`Frame::Ack`] of this id, with
    /// `Outcome::from(error)`.
    #[error("put without a known envelope: {error}")]
    Put {
        /// The id of what was put.
        id: EnvelopeId,
        /// What is wrong with it.
        error: EnvelopeError,
    },
    /// What was fetched is no envelope.
    #[error("fetched something that is no envelope: {error}")]
    Fetched {
        /// Under which name.
        locator: Locator,
        /// What is wrong with it.
        error: EnvelopeError,
    },
}

impl Frame {
    /// As it travels; at most [`MAX_FRAME_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        let (kind, start, envelope): (u8, &[u8], Option<&Envelope>) = match self {
            Self::Put { envelope } => (PUT, &[], Some(envelope)),
            Self::Ack { id, outcome } => return ack(id, *outcome),
            Self::Fetch { locator } => (FETCH, locator, None),
            Self::Fetched { locator, envelope } => (FETCHED, locator, envelope.as_ref()),
            Self::Unknown(kind) => (*kind, &[], None),
        };
        let envelope = envelope.map(Envelope::as_bytes).unwrap_or_default();
        [&[FRAME_VERSION, kind], start, envelope].concat()
    }

    /// Reads one whole frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(bytes.len()));
        }
        let too_short = FrameError::TooShort(bytes.len());
        let (&version, rest) = bytes.split_first().ok_or(too_short)?;
        if version != FRAME_VERSION {
            return Err(FrameError::UnknownVersion(version));
        }
        let (&kind, body) = rest.split_first().ok_or(too_short)?;
        match kind {
            PUT => Envelope::decode(body.to_vec())
                .map(|envelope| Self::Put { envelope })
                .map_err(|error| FrameError::Put {
                    id: EnvelopeId::of(body),
                    error,
                }),
            ACK => {
                let (id, rest) = body.split_first_chunk().ok_or(too_short)?;
                match rest {
                    [] => Err(too_short),
                    [code] => Ok(Self::Ack {
                        id: EnvelopeId(*id),
                        outcome: Outcome::from_code(*code),
                    }),
                    _ => Err(FrameError::TooLong(bytes.len())),
                }
            }
            FETCH => match body.split_first_chunk().ok_or(too_short)? {
                (locator, []) => Ok(Self::Fetch { locator: *locator }),
                _ => Err(FrameError::TooLong(bytes.len())),
            },
            FETCHED => match body.split_first_chunk().ok_or(too_short)? {
                (locator, []) => Ok(Self::Fetched {
                    locator: *locator,
                    envelope: None,
                }),
                (locator, envelope) => Envelope::decode(envelope.to_vec())
                    .map(|envelope| Self::Fetched {
                        locator: *locator,
                        envelope: Some(envelope),
                    })
                    .map_err(|error| FrameError::Fetched {
                        locator: *locator,
                        error,
                    }),
            },
            kind => Ok(Self::Unknown(kind)),
        }
    }
}

fn ack(id: &EnvelopeId, outcome: Outcome) -> Vec<u8> {
    [&[FRAME_VERSION, ACK], id.0.as_slice(), &[outcome.code()]].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

    use proptest::prelude::*;

    use super::*;
    use crate::{
        Class, Day, Size,
        envelope::tests::{example, headers, hex},
    };

    const LOCATOR: Locator = [7; 16];

    #[test]
    fn frames_are_frozen() {
        let id = EnvelopeId([9; 32]);
        let frame = Frame::Ack {
            id,
            outcome: Outcome::Full,
        };
        assert_eq!(hex(&frame.encode()), format!("0102{}02", "09".repeat(32)));
        let frame = Frame::Fetch { locator: LOCATOR };
        assert_eq!(hex(&frame.encode()), format!("0103{}", "07".repeat(16)));
        let frame = Frame::Fetched {
            locator: LOCATOR,
            envelope: None,
        };
        assert_eq!(hex(&frame.encode()), format!("0104{}", "07".repeat(16)));

        let envelope = example(Class::ordinary(Size::K2));
        let frame = Frame::Fetched {
            locator: LOCATOR,
            envelope: Some(envelope.clone()),
        };
        let body = hex(envelope.as_bytes());
        assert_eq!(
            hex(&frame.encode()),
            format!("0104{}{body}", "07".repeat(16))
        );
        assert_eq!(
            hex(&Frame::Put { envelope }.encode()),
            format!("0101{body}")
        );
    }

    #[test]
    fn codes_are_frozen_and_mean_one_thing() {
        let known = [
            Outcome::Accepted,
            Outcome::AlreadyHave,
            Outcome::Full,
            Outcome::Expired,
            Outcome::TooFar,
            Outcome::Malformed,
            Outcome::Foreign,
            Outcome::NotForMe,
            Outcome::Busy,
        ];
        assert_eq!(known.map(Outcome::code), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        for code in 0..=u8::MAX {
            assert_eq!(Outcome::from_code(code).code(), code);
        }
        assert!(
            known
                .iter()
                .all(|outcome| !(outcome.is_held() && outcome.is_passing()))
        );
    }

    #[test]
    fn the_largest_frame_is_as_large_as_announced() {
        let envelope = Some(example(Class::intro(Size::K64)));
        let frame = Frame::Fetched {
            locator: LOCATOR,
            envelope,
        };
        assert_eq!(frame.encode().len(), MAX_FRAME_BYTES);
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn a_newer_kind_is_skipped_and_a_newer_version_refused() {
        assert_eq!(Frame::decode(&[1, 5]), Ok(Frame::Unknown(5)));
        assert_eq!(Frame::decode(&[1, 0xff, 1, 2, 3]), Ok(Frame::Unknown(0xff)));
        assert_eq!(Frame::decode(&[2, 1]), Err(FrameError::UnknownVersion(2)));
        assert_eq!(Frame::decode(&[0]), Err(FrameError::UnknownVersion(0)));
    }

    #[test]
    fn each_length_is_checked() {
        let short = |length| Err(FrameError::TooShort(length));
        let long = |length| Err(FrameError::TooLong(length));
        assert_eq!(Frame::decode(&[]), short(0));
        assert_eq!(Frame::decode(&[1]), short(1));
        for (kind, length) in [(ACK, 35), (FETCH, 18)] {
            let mut bytes = vec![0; length];
            bytes[..2].copy_from_slice(&[1, kind]);
            assert!(Frame::decode(&bytes).is_ok());
            assert_eq!(Frame::decode(&bytes[..length - 1]), short(length - 1));
            bytes.push(0);
            assert_eq!(Frame::decode(&bytes), long(length + 1));
        }
        let mut bytes = vec![1; MAX_FRAME_BYTES];
        assert!(!matches!(
            Frame::decode(&bytes),
            Err(FrameError::TooLong(_))
        ));
        bytes.push(1);
        assert_eq!(Frame::decode(&bytes), long(MAX_FRAME_BYTES + 1));
    }

    #[test]
    fn a_put_that_is_not_understood_can_still_be_answered() {
        let envelope = example(Class::ordinary(Size::K2));
        let mut bytes = Frame::Put { envelope }.encode();
        bytes[2] = 9;
        let Err(FrameError::Put { id, error }) = Frame::decode(&bytes) else {
            panic!("a put of version 9 was understood");
        };
        assert_eq!(id, EnvelopeId::of(&bytes[2..]));
        assert_eq!(Outcome::from(error), Outcome::Foreign);
        let Err(FrameError::Put { error, .. }) = Frame::decode(&[1, PUT]) else {
            panic!("an empty put was understood");
        };
        assert_eq!(Outcome::from(error), Outcome::Malformed);
    }

    #[test]
    fn an_expired_envelope_has_its_own_outcome() {
        let header = *example(Class::ordinary(Size::K2)).header();
        let outcome = |today| header.check_expiry(Day(today)).map_err(Outcome::from);
        assert_eq!(outcome(20_779), Ok(()));
        assert_eq!(outcome(20_780), Err(Outcome::Expired));
        assert_eq!(outcome(20_000), Err(Outcome::TooFar));
    }

    fn envelopes() -> impl Strategy<Value = Envelope> {
        (headers(), any::<u8>()).prop_map(|(header, fill)| {
            Envelope::new(header, &vec![fill; header.class.ciphertext_bytes()]).unwrap()
        })
    }

    fn frames() -> impl Strategy<Value = Frame> {
        prop_oneof![
            envelopes().prop_map(|envelope| Frame::Put { envelope }),
            (any::<[u8; 32]>(), any::<u8>()).prop_map(|(id, code)| Frame::Ack {
                id: EnvelopeId(id),
                outcome: Outcome::from_code(code)
            }),
            any::<[u8; 16]>().prop_map(|locator| Frame::Fetch { locator }),
            (any::<[u8; 16]>(), prop::option::of(envelopes()))
                .prop_map(|(locator, envelope)| Frame::Fetched { locator, envelope }),
            (5..=u8::MAX).prop_map(Frame::Unknown),
        ]
    }

    proptest! {
        #[test]
        fn frames_round_trip(frame in frames()) {
            prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            kind in 0..7_u8,
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = Frame::decode(&bytes);
            let bytes = [&[FRAME_VERSION, kind], bytes.as_slice()].concat();
            if let Ok(frame) = Frame::decode(&bytes)
                && !matches!(frame, Frame::Unknown(_))
            {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }
    }
}
