//! What an operation of a collective does.
//!
//! Kinds below [`FIRST_CONTENT`] are *control*: they form the graph from which membership follows. From it on they are
//! *content*: what is said, which changes nothing about who belongs. An unknown kind is one or the other by its number, so that
//! a newer version's control operations keep their place in the graph.

use std::fmt;

use komrade_cbor::Value;
use komrade_crypto::{
    bundle::is_name,
    identity::{DeviceCertificate, PersonId, Revocation},
};

use super::{
    constitution::Constitution,
    operation::{LARGE_BYTES, MAX_OPERATION_BYTES, SMALL_BYTES},
    subject::Subject,
};
use crate::{
    MAX_HOMES_BYTES, MAX_TEXT_BYTES, OperationError, OperationId,
    cbor::{Map, Writer, exactly, number},
};

/// The first kind that is content.
pub const FIRST_CONTENT: u64 = 64;
/// The most founders.
pub const MAX_FOUNDERS: usize = 16;
/// The longest reason of a vouch or a proposal, in bytes.
pub const MAX_REASON_BYTES: usize = 1_000;
/// The most persons mentioned in one text.
pub const MAX_MENTIONS: usize = 32;
/// The most operations that a checkpoint's frontier names.
pub const MAX_FRONTIER: usize = 256;

const GENESIS: u64 = 1;
const PROPOSE: u64 = 2;
const VOUCH: u64 = 3;
const BALLOT: u64 = 4;
const ACCEPT: u64 = 5;
const ENACT: u64 = 6;
const LEAVE: u64 = 7;
const CHECKPOINT: u64 = 8;
const DEVICE: u64 = 9;
const REVOKE: u64 = 10;
const RETURN: u64 = 11;
const TEXT: u64 = 64;
const PROFILE: u64 = 65;
const SEED: u64 = 66;
const HOMES: u64 = 67;

/// A ballot that says who cast it. Other manners will carry a proof instead.
const NAMED: u64 = 0;

/// What a ballot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Against.
    No,
    /// For.
    Yes,
    /// Present, and neither.
    Abstain,
    /// The option of this place in a free decision, from 0.
    Option(u8),
}

impl Choice {
    fn number(self) -> u64 {
        match self {
            Self::No => 0,
            Self::Yes => 1,
            Self::Abstain => 2,
            Self::Option(place) => 3 + u64::from(place),
        }
    }

    fn of(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::No),
            1 => Some(Self::Yes),
            2 => Some(Self::Abstain),
            _ => number.checked_sub(3)?.try_into().ok().map(Self::Option),
        }
    }
}

/// What a checkpoint fixes.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The checkpoint that it follows, which is final; `None`: the beginning.
    pub source: Option<CheckpointId>,
    /// The newest operations of what it fixes, in rising order: everything before them is fixed, too.
    pub frontier: Vec<OperationId>,
    /// The hash of the members, their devices and the constitution there.
    pub state: [u8; 32],
}

/// Hash of a checkpoint's source and frontier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointId(pub [u8; 32]);

/// What an operation does.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Founds the collective. Its id is the space's.
    Genesis {
        /// What the collective is called.
        name: String,
        /// Its first rules.
        constitution: Box<Constitution>,
        /// The founders' devices, one person may have several; the author's among them.
        founders: Vec<DeviceCertificate>,
    },
    /// Proposes something. The electorate is the members at its heads who do not rest, without whom it is about.
    Propose {
        /// What.
        subject: Subject,
        /// Why, at most [`MAX_REASON_BYTES`].
        reason: String,
    },
    /// Vouches for the candidate of a proposal.
    Vouch {
        /// Which.
        proposal: OperationId,
        /// Why, at most [`MAX_REASON_BYTES`].
        reason: String,
    },
    /// Votes.
    Ballot {
        /// On which proposal.
        proposal: OperationId,
        /// What for.
        choice: Choice,
    },
    /// The candidate enters: signed by the device that it certifies, with enough vouches before it.
    Accept {
        /// Which proposal admitted them.
        proposal: OperationId,
        /// Their device.
        certificate: DeviceCertificate,
    },
    /// Puts into force what was proposed, with enough ballots before it. Any member's device does it, by itself.
    Enact {
        /// Which proposal.
        proposal: OperationId,
    },
    /// Leaves.
    Leave,
    /// Fixes the past.
    Checkpoint(Checkpoint),
    /// Adds a device of the author, signed by that device itself.
    Device {
        /// The root's word for it.
        certificate: DeviceCertificate,
    },
    /// Passes on a root's word that a device is lost.
    Revoke {
        /// The root's word.
        revocation: Revocation,
    },
    /// Ends the author's rest.
    Return,
    /// Says something.
    Text {
        /// What, at most [`MAX_TEXT_BYTES`].
        text: String,
        /// To which operation it answers.
        reply_to: Option<OperationId>,
        /// Whom it mentions, at most [`MAX_MENTIONS`].
        mentions: Vec<PersonId>,
    },
    /// Says how the author wants to be called here. The latest counts.
    Profile {
        /// As in a conversation.
        name: String,
    },
    /// A new seed of the group keys. Receivers take it only if they compute the same member root at its heads.
    Seed {
        /// The commitment to the seed.
        commit: [u8; 32],
        /// Over `Collective::devices_at` its heads.
        member_root: [u8; 32],
    },
    /// Says where envelopes for the author's device are put from now on. The latest of each device counts.
    Homes {
        /// Opaque here, at most [`MAX_HOMES_BYTES`](crate::MAX_HOMES_BYTES).
        homes: Vec<u8>,
    },
    /// What only a newer version knows.
    Unknown {
        /// Its number.
        kind: u64,
    },
}

impl Body {
    /// The number of the kind.
    pub fn kind(&self) -> u64 {
        match self {
            Self::Genesis { .. } => GENESIS,
            Self::Propose { .. } => PROPOSE,
            Self::Vouch { .. } => VOUCH,
            Self::Ballot { .. } => BALLOT,
            Self::Accept { .. } => ACCEPT,
            Self::Enact { .. } => ENACT,
            Self::Leave => LEAVE,
            Self::Checkpoint(_) => CHECKPOINT,
            Self::Device { .. } => DEVICE,
            Self::Revoke { .. } => REVOKE,
            Self::Return => RETURN,
            Self::Text { .. } => TEXT,
            Self::Profile { .. } => PROFILE,
            Self::Seed { .. } => SEED,
            Self::Homes { .. } => HOMES,
            Self::Unknown { kind } => *kind,
        }
    }

    /// Whether it belongs to the graph from which membership follows.
    pub fn is_control(&self) -> bool {
        self.kind() < FIRST_CONTENT
    }

    /// How long an operation with it may be, without its context. Newer kinds of control keep to it, too, or older versions could
    /// not take what builds on them.
    pub(super) fn most_bytes(&self) -> usize {
        match self {
            Self::Genesis { .. }
            | Self::Checkpoint(_)
            | Self::Propose {
                subject: Subject::Amend { .. } | Subject::Split { .. } | Subject::Unknown { .. },
                ..
            } => LARGE_BYTES,
            Self::Profile { .. } | Self::Seed { .. } | Self::Homes { .. } => SMALL_BYTES,
            _ if self.is_control() => SMALL_BYTES,
            _ => MAX_OPERATION_BYTES,
        }
    }

    /// The rules that need no graph, for own operations and for those of others.
    pub(super) fn check(&self) -> Result<(), OperationError> {
        let (text, longest) = match self {
            Self::Text { text, mentions, .. } => {
                if mentions.len() > MAX_MENTIONS {
                    return Err(OperationError::TooMany(3));
                }
                (text, MAX_TEXT_BYTES)
            }
            Self::Vouch { reason, .. } => (reason, MAX_REASON_BYTES),
            Self::Propose { subject, reason } => {
                subject.check()?;
                (reason, MAX_REASON_BYTES)
            }
            Self::Genesis { name, founders, .. } => {
                if founders.is_empty() || founders.len() > MAX_FOUNDERS {
                    return Err(OperationError::TooMany(3));
                }
                return name_of(name);
            }
            Self::Profile { name } => return name_of(name),
            Self::Homes { homes } if homes.len() > MAX_HOMES_BYTES => {
                return Err(OperationError::HomesTooLong(homes.len()));
            }
            Self::Checkpoint(checkpoint) => {
                let frontier = &checkpoint.frontier;
                if frontier.is_empty() || frontier.len() > MAX_FRONTIER {
                    return Err(OperationError::TooMany(2));
                }
                if !frontier.is_sorted_by(|a, b| a < b) {
                    return Err(OperationError::BadField(2));
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        if text.len() > longest {
            return Err(OperationError::TextTooLong(text.len()));
        }
        Ok(())
    }

    /// Writes the content, without the kind.
    pub(super) fn write(&self, to: &mut Writer) {
        match self {
            Self::Genesis {
                name,
                constitution,
                founders,
            } => {
                to.map(3);
                to.number(1);
                to.text(name);
                to.number(2);
                constitution.write(to);
                to.number(3);
                to.array(founders.len());
                founders.iter().for_each(|one| to.bytes(&one.encode()));
            }
            Self::Propose { subject, reason } => {
                to.map(2 + subject.fields());
                to.number(1);
                to.number(subject.kind());
                to.number(2);
                to.text(reason);
                subject.write(to);
            }
            Self::Vouch { proposal, reason } => {
                to.map(2);
                to.number(1);
                to.bytes(&proposal.0);
                to.number(2);
                to.text(reason);
            }
            Self::Ballot { proposal, choice } => {
                to.map(3);
                to.number(1);
                to.bytes(&proposal.0);
                to.number(2);
                to.number(NAMED);
                to.number(3);
                to.number(choice.number());
            }
            Self::Accept {
                proposal,
                certificate,
            } => {
                to.map(2);
                to.number(1);
                to.bytes(&proposal.0);
                to.number(2);
                to.bytes(&certificate.encode());
            }
            Self::Enact { proposal } => one(to, &proposal.0),
            Self::Checkpoint(checkpoint) => checkpoint.write(to),
            Self::Device { certificate } => one(to, &certificate.encode()),
            Self::Revoke { revocation } => one(to, &revocation.encode()),
            Self::Text {
                text,
                reply_to,
                mentions,
            } => {
                to.map(1 + usize::from(reply_to.is_some()) + usize::from(!mentions.is_empty()));
                to.number(1);
                to.text(text);
                if let Some(id) = reply_to {
                    to.number(2);
                    to.bytes(&id.0);
                }
                if !mentions.is_empty() {
                    to.number(3);
                    to.array(mentions.len());
                    mentions.iter().for_each(|person| to.bytes(&person.0));
                }
            }
            Self::Profile { name } => {
                to.map(1);
                to.number(1);
                to.text(name);
            }
            Self::Seed {
                commit,
                member_root,
            } => {
                to.map(2);
                to.number(1);
                to.bytes(commit);
                to.number(2);
                to.bytes(member_root);
            }
            Self::Homes { homes } => one(to, homes),
            Self::Leave | Self::Return | Self::Unknown { .. } => to.map(0),
        }
    }

    /// Reads the content and checks it.
    pub(super) fn read(kind: u64, mut from: Map) -> Result<Self, OperationError> {
        let from = &mut from;
        let body = match kind {
            GENESIS => Self::Genesis {
                name: from.text(1)?,
                constitution: Box::new(Constitution::read(from.map(2)?)?),
                founders: read_founders(from)?,
            },
            PROPOSE => {
                let kind = from.number(1)?;
                Self::Propose {
                    reason: from.text(2)?,
                    subject: Subject::read(kind, from)?,
                }
            }
            VOUCH => Self::Vouch {
                proposal: read_id(from, 1)?,
                reason: from.text(2)?,
            },
            BALLOT => {
                let proposal = read_id(from, 1)?;
                match from.number(2)? {
                    NAMED => Self::Ballot {
                        proposal,
                        choice: from.required(3, |value| Choice::of(number(&value)?))?,
                    },
                    // A newer manner of voting.
                    _ => Self::Unknown { kind },
                }
            }
            ACCEPT => Self::Accept {
                proposal: read_id(from, 1)?,
                certificate: read_certificate(&from.bytes(2)?)?,
            },
            ENACT => Self::Enact {
                proposal: read_id(from, 1)?,
            },
            LEAVE => Self::Leave,
            CHECKPOINT => Self::Checkpoint(Checkpoint::read(from)?),
            DEVICE => Self::Device {
                certificate: read_certificate(&from.bytes(1)?)?,
            },
            REVOKE => Self::Revoke {
                revocation: Revocation::decode(&from.bytes(1)?)
                    .map_err(|_| OperationError::BadCertificate)?,
            },
            RETURN => Self::Return,
            TEXT => Self::Text {
                text: from.text(1)?,
                reply_to: from.optional(2, |value| exactly(&value).map(OperationId))?,
                mentions: read_persons(from, 3)?,
            },
            PROFILE => Self::Profile {
                name: from.text(1)?,
            },
            SEED => Self::Seed {
                commit: from.required(1, |value| exactly(&value))?,
                member_root: from.required(2, |value| exactly(&value))?,
            },
            HOMES => Self::Homes {
                homes: from.bytes(1)?,
            },
            kind => Self::Unknown { kind },
        };
        body.check()?;
        Ok(body)
    }
}

impl Checkpoint {
    fn write(&self, to: &mut Writer) {
        to.map(2 + usize::from(self.source.is_some()));
        if let Some(source) = &self.source {
            to.number(1);
            to.bytes(&source.0);
        }
        to.number(2);
        to.array(self.frontier.len());
        self.frontier.iter().for_each(|id| to.bytes(&id.0));
        to.number(3);
        to.bytes(&self.state);
    }

    fn read(from: &mut Map) -> Result<Self, OperationError> {
        let id = |value: &Value| exactly(value).map(OperationId);
        Ok(Self {
            source: from.optional(1, |value| exactly(&value).map(CheckpointId))?,
            frontier: from.required(2, |value| value.as_array()?.iter().map(id).collect())?,
            state: from.required(3, |value| exactly(&value))?,
        })
    }
}

/// The only field is this.
fn one(to: &mut Writer, bytes: &[u8]) {
    to.map(1);
    to.number(1);
    to.bytes(bytes);
}

pub(super) fn name_of(name: &str) -> Result<(), OperationError> {
    if is_name(name) {
        Ok(())
    } else {
        Err(OperationError::BadName)
    }
}

fn read_id(from: &mut Map, field: u64) -> Result<OperationId, OperationError> {
    Ok(from.required(field, |value| exactly(&value).map(OperationId))?)
}

/// An absent field names nobody.
pub(super) fn read_persons(from: &mut Map, field: u64) -> Result<Vec<PersonId>, OperationError> {
    let person = |value: &Value| exactly(value).map(PersonId);
    let persons = from.optional(field, |value| {
        value.as_array()?.iter().map(person).collect()
    })?;
    Ok(persons.unwrap_or_default())
}

fn read_certificate(bytes: &[u8]) -> Result<DeviceCertificate, OperationError> {
    DeviceCertificate::decode(bytes).map_err(|_| OperationError::BadCertificate)
}

/// Counted before any signature is checked.
fn read_founders(from: &mut Map) -> Result<Vec<DeviceCertificate>, OperationError> {
    let founders = from.required(3, |value| value.into_array().ok())?;
    if founders.len() > MAX_FOUNDERS {
        return Err(OperationError::TooMany(3));
    }
    let bytes = |one: &Value| one.as_bytes().map(<[u8]>::to_vec);
    founders
        .iter()
        .map(|one| read_certificate(&bytes(one).ok_or(OperationError::BadField(3))?))
        .collect()
}

komrade_crypto::redacted!(CheckpointId, Checkpoint);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body(kind {}, [redacted])", self.kind())
    }
}
