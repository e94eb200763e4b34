//! What two nodes say to each other over a link.
//!
//! A frame is a version byte, a kind byte and a body; the link gives its length. Integers are big-endian. Who asks
//! to keep an envelope waits for the answer that names its id, and keeps it until then; who receives one answers
//! only once it is durable.
//!
//! | kind | body | from |
//! |---|---|---|
//! | 1 put | envelope | anybody; with neither token nor work |
//! | 2 ack | id 32, outcome 1, of *needs work* also bits 1 | answer to 1, 5, 12, 13, 15 |
//! | 3 fetch | locator 16 | anybody |
//! | 4 fetched | locator 16, then an envelope or nothing | answer to 3 |
//! | 5 deposit | pass, envelope | anybody |
//! | 6 subscribe | bucket 2, incarnation 8, after 8 | member to own node; a second replaces the first |
//! | 7 log | incarnation 8, after 8, until 8 | answer to 6: what is sent begins above `after`, catch-up ends at `until` |
//! | 8 arrived | number 8, envelope | node: catch-up, then as it comes; numbers ascend, holes are normal |
//! | 9 caught up | until 8 | node, once, when all up to `until` was sent: the cursor may go there |
//! | 10 reconcile | bucket 2, message | both ways; an empty message: done |
//! | 11 want | ids 32 each, 1 to 1,000 | member, during or after 10; unknown ones are skipped |
//! | 12 replica | envelope | node: answer to 11. Member: returned after a wipe, answered by 2 |
//! | 13 place | locator 16, envelope | member to own node: kept under a name until it expires |
//! | 14 unplace | locator 16 | whoever placed it |
//! | 15 forward | address 32, node key 32, pass, envelope | member to own node: queued, and answered once that is durable |
//! | 16 returned | id 32, outcome 1 or 2 | node: that forward came to nothing; again on every new link until 17 |
//! | 17 noted | id 32 | member: heard 16 |
//! | 18 subscribe to a part | bucket 2, incarnation 8, after 8, part 1 | as 6, for whoever saves data: only up to 8 KiB (0), or only larger (1) |
//! | 19 seek | tag of a node 8, bucket 2, lost 1 | a device to a comrade's: let us compare what we have of that node; lost (1): mine lost it |
//! | 20 unreached | address 32, node key 32 | node: something of yours waits for this home, which was not reached for long; it is tried on |
//!
//! Two devices compare with 10, 11 and 12, too, about the node that whoever dialled has named last: that side leads. A
//! replica is answered by 2, whoever sends it; there it only says that the next one may come, for a device keeps its copy.
//!
//! A kind that a newer version added is [`Frame::Unknown`], to be skipped; the version byte changes only if
//! skipping is not enough.

use std::fmt;

use thiserror::Error;

use crate::{
    Bucket, Envelope, EnvelopeError, EnvelopeId, Home, MAX_ENVELOPE_BYTES, NodeKey, Outcome, Part,
    Pass,
    home::HOME_BYTES,
    pass::{MAX_PASS_BYTES, PassError},
};

/// The version of the frames spoken here.
pub const FRAME_VERSION: u8 = 1;
/// The largest message of a reconciliation, in bytes: I2P is bound by bandwidth times delay, so large frames save round
/// trips; and a link carries no more.
pub const MAX_RECONCILE_BYTES: usize = 128 * 1024;
/// The most ids in one [`Frame::Want`]: 32,000 bytes, answered by 2 to 64 MB.
pub const MAX_WANT_IDS: usize = 1_000;
/// The largest frame, in bytes: the largest message of a reconciliation.
pub const MAX_FRAME_BYTES: usize = 2 + 2 + MAX_RECONCILE_BYTES;

const _: () = assert!(MAX_FRAME_BYTES >= 2 + HOME_BYTES + MAX_PASS_BYTES + MAX_ENVELOPE_BYTES);

/// Under which name an envelope waits to be fetched: derived from an invite's secret by whoever knows it.
pub type Locator = [u8; 16];

const PUT: u8 = 1;
const ACK: u8 = 2;
const FETCH: u8 = 3;
const FETCHED: u8 = 4;
const DEPOSIT: u8 = 5;
const SUBSCRIBE: u8 = 6;
const LOG: u8 = 7;
const ARRIVED: u8 = 8;
const CAUGHT_UP: u8 = 9;
const RECONCILE: u8 = 10;
const WANT: u8 = 11;
const REPLICA: u8 = 12;
const PLACE: u8 = 13;
const UNPLACE: u8 = 14;
const FORWARD: u8 = 15;
const RETURNED: u8 = 16;
const NOTED: u8 = 17;
const SUBSCRIBE_PART: u8 = 18;
const SEEK: u8 = 19;
const UNREACHED: u8 = 20;

/// One frame.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// Keep this, please. Answered by [`Frame::Ack`].
    Put {
        /// What to keep.
        envelope: Envelope,
    },
    /// What came of a frame that asked to keep an envelope.
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
    /// Keep this, please; here is why you should. Answered by [`Frame::Ack`].
    Deposit {
        /// Token and work.
        pass: Pass,
        /// What to keep.
        envelope: Envelope,
    },
    /// Send what arrived in this bucket and what arrives from now on. Answered by [`Frame::Log`].
    Subscribe {
        /// Which bucket.
        bucket: Bucket,
        /// Of which incarnation of the node the cursor is; 0 if of none.
        incarnation: u64,
        /// The cursor: everything up to this number is held.
        after: u64,
    },
    /// The same, but only of one part of the sizes. Which envelopes are for whom plays no part in it:
    /// whoever asked for single ones would tell the node which are theirs.
    SubscribePart {
        /// Which bucket.
        bucket: Bucket,
        /// Of which incarnation of the node the cursor is; 0 if of none.
        incarnation: u64,
        /// The cursor: everything of this part up to this number is held.
        after: u64,
        /// Which sizes.
        part: Part,
    },
    /// What a subscription will send.
    Log {
        /// The node's incarnation.
        incarnation: u64,
        /// What is sent begins above this number: the cursor, or 0 if it was of another incarnation.
        after: u64,
        /// Catching up ends with this number.
        until: u64,
    },
    /// An envelope of the subscribed bucket.
    Arrived {
        /// Its number in the node's log.
        number: u64,
        /// What arrived.
        envelope: Envelope,
    },
    /// Everything of the bucket up to this number was sent.
    CaughtUp {
        /// Where the cursor may go.
        until: u64,
    },
    /// One step of a reconciliation.
    Reconcile {
        /// Of which bucket.
        bucket: Bucket,
        /// Of the protocol *negentropy*; empty: done. At most [`MAX_RECONCILE_BYTES`].
        message: Vec<u8>,
    },
    /// Send these, please. Answered by a [`Frame::Replica`] for each that is there.
    Want {
        /// 1 to [`MAX_WANT_IDS`].
        ids: Vec<EnvelopeId>,
    },
    /// An envelope that was wanted, that a member returns after a wipe, or a comrade's device lacks.
    Replica {
        /// The envelope.
        envelope: Envelope,
    },
    /// Keep this under a name, for [`Frame::Fetch`]. Answered by [`Frame::Ack`].
    Place {
        /// The name.
        locator: Locator,
        /// What to keep.
        envelope: Envelope,
    },
    /// Drop what I placed under this name. Not answered: a second one does no harm.
    Unplace {
        /// The name.
        locator: Locator,
    },
    /// Put this to a foreign home for me. Answered by [`Frame::Ack`] once it is queued.
    Forward {
        /// Where.
        home: Home,
        /// Token and work for that home.
        pass: Pass,
        /// What to put.
        envelope: Envelope,
    },
    /// A forward came to nothing.
    Returned {
        /// Of which envelope.
        id: EnvelopeId,
        /// Why.
        outcome: Outcome,
    },
    /// [`Frame::Returned`] was heard.
    Noted {
        /// Of which envelope.
        id: EnvelopeId,
    },
    /// Let us compare the copies that we have of what a node held. Answered by whoever was dialled with the same,
    /// or by nothing; by whoever dialled with the same and a [`Frame::Reconcile`].
    Seek {
        /// By this both know the node.
        tag: u64,
        /// What was put into this bucket of it.
        bucket: Bucket,
        /// The node lost what it held for the sender, who wants what the other has.
        is_lost: bool,
    },
    /// Something that the member wants forwarded waits for this home, which was not reached for long. The node tries on;
    /// it says so once on each link, and again when more is left for that home.
    Unreached {
        /// Which home.
        home: Home,
    },
    /// A kind that this version does not know: skip it.
    Unknown(u8),
}

/// Neither names nor ids nor what is compared.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.encode().get(1).copied().unwrap_or_default();
        match self {
            Self::Ack { outcome, .. } | Self::Returned { outcome, .. } => {
                write!(f, "Frame(kind {kind}, {outcome:?})")
            }
            _ => write!(f, "Frame(kind {kind}, [redacted])"),
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
    /// A pass of a kind that is not known here, so that it is not known where the envelope begins.
    #[error("unknown flags {0} of a pass")]
    UnknownPass(u8),
    /// Something to keep (kinds 1, 5, 12, 13, 15) that is no envelope known here. See [`FrameError::answer`].
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
    /// What arrived is no envelope known here: a subscriber may go on behind its number.
    #[error("what arrived is no known envelope: {error}")]
    Arrived {
        /// Its number.
        number: u64,
        /// What is wrong with it.
        error: EnvelopeError,
    },
}

impl FrameError {
    /// The [`Frame::Ack`] that is owed to whoever put it; `None` if the frame cannot be answered.
    pub fn answer(&self) -> Option<Frame> {
        match *self {
            Self::Put { id, error } => Some(Frame::Ack {
                id,
                outcome: error.into(),
            }),
            _ => None,
        }
    }
}

impl Frame {
    /// As it travels; at most [`MAX_FRAME_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        let whole = |kind: u8, parts: &[&[u8]]| {
            let mut bytes = vec![FRAME_VERSION, kind];
            bytes.reserve_exact(parts.iter().map(|part| part.len()).sum());
            parts.iter().for_each(|part| bytes.extend_from_slice(part));
            bytes
        };
        match self {
            Self::Put { envelope } => whole(PUT, &[envelope.as_bytes()]),
            Self::Ack { id, outcome } => whole(ACK, &[&id.0, &outcome.encode()]),
            Self::Fetch { locator } => whole(FETCH, &[locator]),
            Self::Fetched { locator, envelope } => {
                let envelope = envelope.as_ref().map(Envelope::as_bytes);
                whole(FETCHED, &[locator, envelope.unwrap_or_default()])
            }
            Self::Deposit { pass, envelope } => {
                whole(DEPOSIT, &[&pass.encode(), envelope.as_bytes()])
            }
            Self::Subscribe {
                bucket,
                incarnation,
                after,
            } => whole(
                SUBSCRIBE,
                &[
                    &bucket.code().to_be_bytes(),
                    &incarnation.to_be_bytes(),
                    &after.to_be_bytes(),
                ],
            ),
            Self::SubscribePart {
                bucket,
                incarnation,
                after,
                part,
            } => whole(
                SUBSCRIBE_PART,
                &[
                    &bucket.code().to_be_bytes(),
                    &incarnation.to_be_bytes(),
                    &after.to_be_bytes(),
                    &[*part as u8],
                ],
            ),
            Self::Log {
                incarnation,
                after,
                until,
            } => whole(
                LOG,
                &[
                    &incarnation.to_be_bytes(),
                    &after.to_be_bytes(),
                    &until.to_be_bytes(),
                ],
            ),
            Self::Arrived { number, envelope } => {
                whole(ARRIVED, &[&number.to_be_bytes(), envelope.as_bytes()])
            }
            Self::CaughtUp { until } => whole(CAUGHT_UP, &[&until.to_be_bytes()]),
            Self::Reconcile { bucket, message } => {
                whole(RECONCILE, &[&bucket.code().to_be_bytes(), message])
            }
            Self::Want { ids } => {
                let ids: Vec<&[u8]> = ids.iter().map(|id| id.0.as_slice()).collect();
                whole(WANT, &ids)
            }
            Self::Replica { envelope } => whole(REPLICA, &[envelope.as_bytes()]),
            Self::Place { locator, envelope } => whole(PLACE, &[locator, envelope.as_bytes()]),
            Self::Unplace { locator } => whole(UNPLACE, &[locator]),
            Self::Forward {
                home,
                pass,
                envelope,
            } => whole(
                FORWARD,
                &[&home.encode(), &pass.encode(), envelope.as_bytes()],
            ),
            Self::Returned { id, outcome } => whole(RETURNED, &[&id.0, &outcome.encode()]),
            Self::Noted { id } => whole(NOTED, &[&id.0]),
            Self::Seek {
                tag,
                bucket,
                is_lost,
            } => whole(
                SEEK,
                &[
                    &tag.to_be_bytes(),
                    &bucket.code().to_be_bytes(),
                    &[u8::from(*is_lost)],
                ],
            ),
            Self::Unreached { home } => whole(UNREACHED, &[&home.encode()]),
            Self::Unknown(kind) => whole(*kind, &[]),
        }
    }

    /// Reads one whole frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(bytes.len()));
        }
        let mut body = Body {
            rest: bytes,
            whole: bytes.len(),
        };
        let [version] = body.array()?;
        if version != FRAME_VERSION {
            return Err(FrameError::UnknownVersion(version));
        }
        let [kind] = body.array()?;
        let frame = match kind {
            PUT => Self::Put {
                envelope: body.kept()?,
            },
            ACK => Self::Ack {
                id: body.id()?,
                outcome: body.outcome()?,
            },
            FETCH => Self::Fetch {
                locator: body.array()?,
            },
            FETCHED => body.fetched()?,
            DEPOSIT => Self::Deposit {
                pass: body.pass()?,
                envelope: body.kept()?,
            },
            SUBSCRIBE => Self::Subscribe {
                bucket: body.bucket()?,
                incarnation: body.number()?,
                after: body.number()?,
            },
            SUBSCRIBE_PART => body.subscribe_part()?,
            LOG => Self::Log {
                incarnation: body.number()?,
                after: body.number()?,
                until: body.number()?,
            },
            ARRIVED => body.arrived()?,
            CAUGHT_UP => Self::CaughtUp {
                until: body.number()?,
            },
            RECONCILE => Self::Reconcile {
                bucket: body.bucket()?,
                message: body.take().to_vec(),
            },
            WANT => Self::Want { ids: body.ids()? },
            REPLICA => Self::Replica {
                envelope: body.kept()?,
            },
            PLACE => Self::Place {
                locator: body.array()?,
                envelope: body.kept()?,
            },
            UNPLACE => Self::Unplace {
                locator: body.array()?,
            },
            FORWARD => Self::Forward {
                home: body.home()?,
                pass: body.pass()?,
                envelope: body.kept()?,
            },
            RETURNED => Self::Returned {
                id: body.id()?,
                outcome: body.outcome()?,
            },
            NOTED => Self::Noted { id: body.id()? },
            SEEK => body.seek()?,
            UNREACHED => Self::Unreached { home: body.home()? },
            kind => {
                body.take();
                Self::Unknown(kind)
            }
        };
        body.end()?;
        Ok(frame)
    }
}

/// What is not read yet of a frame.
struct Body<'a> {
    rest: &'a [u8],
    /// The length of the whole frame, for errors.
    whole: usize,
}

impl<'a> Body<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(self.too_short())?;
        self.rest = rest;
        Ok(*array)
    }

    fn number(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_be_bytes)
    }

    fn bucket(&mut self) -> Result<Bucket, FrameError> {
        self.array().map(u16::from_be_bytes).map(Bucket::from_code)
    }

    fn id(&mut self) -> Result<EnvelopeId, FrameError> {
        self.array().map(EnvelopeId)
    }

    fn home(&mut self) -> Result<Home, FrameError> {
        Ok(Home {
            address: self.array()?,
            node: NodeKey(self.array()?),
        })
    }

    fn take(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    fn subscribe_part(&mut self) -> Result<Frame, FrameError> {
        let bucket = self.bucket()?;
        let (incarnation, after) = (self.number()?, self.number()?);
        let [part] = self.array()?;
        // A part that a newer version added: not known here.
        let part = Part::decode(part);
        Ok(part.map_or(Frame::Unknown(SUBSCRIBE_PART), |part| {
            Frame::SubscribePart {
                bucket,
                incarnation,
                after,
                part,
            }
        }))
    }

    fn seek(&mut self) -> Result<Frame, FrameError> {
        let (tag, bucket) = (self.number()?, self.bucket()?);
        let [lost] = self.array()?;
        // A reason that a newer version added: not known here.
        let is_lost = match lost {
            0 => false,
            1 => true,
            _ => return Ok(Frame::Unknown(SEEK)),
        };
        Ok(Frame::Seek {
            tag,
            bucket,
            is_lost,
        })
    }

    fn outcome(&mut self) -> Result<Outcome, FrameError> {
        let bytes = self.take();
        Outcome::decode(bytes).ok_or(match bytes {
            [] | [_] => self.too_short(),
            _ => FrameError::TooLong(self.whole),
        })
    }

    fn pass(&mut self) -> Result<Pass, FrameError> {
        let (pass, rest) = Pass::decode(self.rest).map_err(|error| match error {
            PassError::TooShort => self.too_short(),
            PassError::UnknownFlags(flags) => FrameError::UnknownPass(flags),
        })?;
        self.rest = rest;
        Ok(pass)
    }

    fn ids(&mut self) -> Result<Vec<EnvelopeId>, FrameError> {
        let (ids, rest) = self.take().as_chunks();
        if ids.len() > MAX_WANT_IDS {
            return Err(FrameError::TooLong(self.whole));
        }
        if ids.is_empty() || !rest.is_empty() {
            return Err(self.too_short());
        }
        Ok(ids.iter().copied().map(EnvelopeId).collect())
    }

    /// All the rest, as an envelope whose sender is owed an answer.
    fn kept(&mut self) -> Result<Envelope, FrameError> {
        let bytes = self.take();
        Envelope::decode(bytes.to_vec()).map_err(|error| FrameError::Put {
            id: EnvelopeId::of(bytes),
            error,
        })
    }

    fn fetched(&mut self) -> Result<Frame, FrameError> {
        let locator = self.array()?;
        let envelope = match self.take() {
            [] => None,
            bytes => Some(
                Envelope::decode(bytes.to_vec())
                    .map_err(|error| FrameError::Fetched { locator, error })?,
            ),
        };
        Ok(Frame::Fetched { locator, envelope })
    }

    fn arrived(&mut self) -> Result<Frame, FrameError> {
        let number = self.number()?;
        let envelope = Envelope::decode(self.take().to_vec())
            .map_err(|error| FrameError::Arrived { number, error })?;
        Ok(Frame::Arrived { number, envelope })
    }

    fn end(&self) -> Result<(), FrameError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(FrameError::TooLong(self.whole))
        }
    }

    fn too_short(&self) -> FrameError {
        FrameError::TooShort(self.whole)
    }
}

#[cfg(test)]
mod tests;
