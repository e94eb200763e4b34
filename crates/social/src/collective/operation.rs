//! The signed operation of a collective.
//!
//! 64 bytes of signature, then a CBOR map, which is what is signed and hashed:
//!
//! | field | what | type |
//! |---|---|---|
//! | 1–7 | as in a conversation: number, previous, newest seen, time, expiry, kind, content | |
//! | 8 | the space; absent in the Genesis, whose id it is | 32 bytes |
//! | 9 | the author | 32 bytes |
//! | 10 | the author's device, which signs | 32 bytes |
//! | 11 | the newest control operations seen; empty in the Genesis only | array of 32 bytes, rising |
//! | 12 | the suite | unsigned |
//!
//! Number, previous and newest seen are the account of what has arrived: they run over everything that a device says. Field 11
//! alone is the *causal past* from which membership follows: control operations only, so that a newcomer, who may never read
//! what was said before, computes the same members as everybody.
//!
//! The id is a hash of the map alone: whoever signs one map twice has made one operation.
//!
//! Control never expires: its field 5 is the last day that there is. One that others deleted would be missing under all that builds on it.

use std::fmt;

use komrade_cbor::Value;
use komrade_crypto::{
    SUITE,
    identity::{DeviceKey, PersonId, verify_operation},
    labels,
};
use sha2::{Digest, Sha256};

use super::{body::Body, subject::Subject};
use crate::{
    DeviceId, Head, MAX_HEADS, OperationError, OperationId,
    cbor::{Map, Writer, exactly, number},
    operation::{check_link, read_heads, write_heads},
};

/// The longest operation of a collective, in bytes: the longest text, the most heads, and room for newer fields.
pub const MAX_OPERATION_BYTES: usize = 48 * 1_024;
/// The longest operation of most kinds, beside what it names as its context: the longest reason, question and options, the most
/// heads, and room for newer fields.
pub(super) const SMALL_BYTES: usize = 8 * 1_024;
/// The same of those that hold rules, the members of a split or a frontier.
pub(super) const LARGE_BYTES: usize = 24 * 1_024;
/// What naming one operation takes.
const NAMED_BYTES: usize = 34;
/// The most control operations that one operation names: as many as 500 members can make at once.
pub const MAX_CONTEXT: usize = 512;

const SEQUENCE: u64 = 1;
const PREVIOUS: u64 = 2;
const SEEN: u64 = 3;
const TIME: u64 = 4;
const EXPIRY: u64 = 5;
const KIND: u64 = 6;
const CONTENT: u64 = 7;
const SPACE: u64 = 8;
const PERSON: u64 = 9;
const DEVICE: u64 = 10;
const CONTEXT: u64 = 11;
const SUITE_ID: u64 = 12;

/// What an operation says, as far as this version knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The collective; `None` in its Genesis.
    pub space: Option<OperationId>,
    /// The author.
    pub person: PersonId,
    /// The author's device.
    pub device: DeviceId,
    /// From 1, one more with each operation of this device in this space.
    pub sequence: u64,
    /// The id of the operation before; `None` for number 1, and for that one only.
    pub previous: Option<OperationId>,
    /// What the author had seen of other devices, at most [`MAX_HEADS`]; an acknowledgement, nothing more. Whoever enacts a
    /// removal names the last of each device of the removed person here: what those say beyond is void.
    pub seen: Vec<Head>,
    /// The newest control operations that the author had seen, rising, at most [`MAX_CONTEXT`].
    pub context: Vec<OperationId>,
    /// When the author's clock says it was made, in milliseconds since the epoch.
    pub time: u64,
    /// The day (since the epoch) after which it is no longer delivered; of control, which never expires, [`u32::MAX`].
    pub expiry_day: u32,
    /// What it does.
    pub body: Body,
}

/// A signed operation: its exact bytes and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    id: OperationId,
    fields: Fields,
    bytes: Vec<u8>,
}

impl Operation {
    /// Makes and signs an operation. The context is put in order.
    pub fn sign(mut fields: Fields, key: &DeviceKey) -> Result<Self, OperationError> {
        fields.device = DeviceId(key.public());
        fields.context.sort_unstable();
        fields.context.dedup();
        let unknown = match &fields.body {
            Body::Unknown { kind }
            | Body::Propose {
                subject: Subject::Unknown { kind },
                ..
            } => Some(*kind),
            _ => None,
        };
        if let Some(kind) = unknown {
            return Err(OperationError::UnknownKind(kind));
        }
        fields.check()?;
        let signed = fields.encode();
        let mut bytes = key.sign_operation(&signed).to_vec();
        bytes.extend_from_slice(&signed);
        fields.check_length(bytes.len())?;
        let id = id_of(&signed);
        Ok(Self { id, fields, bytes })
    }

    /// Reads one that came from elsewhere, checks its signature and keeps its exact bytes. Whether the device is a member's
    /// is asked of the collective.
    pub fn decode(bytes: &[u8]) -> Result<Self, OperationError> {
        let operation = Self::decode_stored(bytes)?;
        operation.verify()?;
        Ok(operation)
    }

    /// Checks its signature.
    ///
    /// # Errors
    /// [`OperationError::BadSignature`].
    pub fn verify(&self) -> Result<(), OperationError> {
        let (signature, signed) = split(&self.bytes)?;
        verify_operation(&self.fields.device.0, signed, signature)
            .map_err(|_| OperationError::BadSignature)
    }

    /// Reads one from the own vault, whose signature was checked when it came, or one that is checked later by
    /// [`verify`](Self::verify).
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, OperationError> {
        if bytes.len() > MAX_OPERATION_BYTES {
            return Err(OperationError::TooLong(bytes.len()));
        }
        let (_, signed) = split(bytes)?;
        let fields = Fields::decode(signed)?;
        fields.check_length(bytes.len())?;
        Ok(Self {
            id: id_of(signed),
            fields,
            bytes: bytes.to_vec(),
        })
    }

    /// The id of these bytes, if they are an operation at all: one that is here already need not be read.
    pub fn id_of(bytes: &[u8]) -> Option<OperationId> {
        let (_, signed) = split(bytes).ok()?;
        Some(id_of(signed))
    }

    /// Its id.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// What it says.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What it does.
    pub fn body(&self) -> &Body {
        &self.fields.body
    }

    /// Its exact bytes, with the signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The collective it belongs to.
    pub fn space(&self) -> OperationId {
        self.fields.space.unwrap_or(self.id)
    }
}

fn split(bytes: &[u8]) -> Result<(&[u8; 64], &[u8]), OperationError> {
    bytes
        .split_first_chunk()
        .ok_or(OperationError::TooLong(bytes.len()))
}

fn id_of(signed: &[u8]) -> OperationId {
    OperationId(hash(labels::COLLECTIVE_OPERATION_ID, &[signed]))
}

/// SHA-256 of a label, a zero byte and what follows.
pub(crate) fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(label).chain_update([0]);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

impl Fields {
    fn check(&self) -> Result<(), OperationError> {
        check_link(self.sequence, self.previous)?;
        if self.seen.len() > MAX_HEADS {
            return Err(OperationError::TooManyHeads(self.seen.len()));
        }
        let context = &self.context;
        if context.len() > MAX_CONTEXT {
            return Err(OperationError::TooMany(CONTEXT));
        }
        let genesis = matches!(self.body, Body::Genesis { .. });
        let rooted = genesis == self.space.is_none() && genesis == context.is_empty();
        if !rooted || !context.is_sorted_by(|a, b| a < b) {
            return Err(OperationError::BadField(CONTEXT));
        }
        if self.body.is_control() && self.expiry_day != u32::MAX {
            return Err(OperationError::BadField(EXPIRY));
        }
        self.body.check()
    }

    /// Whether so many bytes, with the signature, are not too many for what it does.
    fn check_length(&self, bytes: usize) -> Result<(), OperationError> {
        let named = self.context.len().saturating_mul(NAMED_BYTES);
        let is_long = bytes.saturating_sub(named) > self.body.most_bytes();
        if is_long || bytes > MAX_OPERATION_BYTES {
            return Err(OperationError::TooLong(bytes));
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let optional = usize::from(self.previous.is_some()) + usize::from(self.space.is_some());
        writer.map(10 + optional);
        writer.number(SEQUENCE);
        writer.number(self.sequence);
        if let Some(previous) = &self.previous {
            writer.number(PREVIOUS);
            writer.bytes(&previous.0);
        }
        writer.number(SEEN);
        write_heads(&mut writer, &self.seen);
        writer.number(TIME);
        writer.number(self.time);
        writer.number(EXPIRY);
        writer.number(self.expiry_day.into());
        writer.number(KIND);
        writer.number(self.body.kind());
        writer.number(CONTENT);
        self.body.write(&mut writer);
        if let Some(space) = &self.space {
            writer.number(SPACE);
            writer.bytes(&space.0);
        }
        writer.number(PERSON);
        writer.bytes(&self.person.0);
        writer.number(DEVICE);
        writer.bytes(&self.device.0);
        writer.number(CONTEXT);
        writer.array(self.context.len());
        self.context.iter().for_each(|id| writer.bytes(&id.0));
        writer.number(SUITE_ID);
        writer.number(SUITE.into());
        writer.into_vec()
    }

    fn decode(signed: &[u8]) -> Result<Self, OperationError> {
        let mut map = Map::read(signed).ok_or(OperationError::Malformed)?;
        if map.number(SUITE_ID)? != u64::from(SUITE) {
            return Err(OperationError::BadField(SUITE_ID));
        }
        let id = |value: &Value| exactly(value).map(OperationId);
        let kind = map.number(KIND)?;
        let fields = Self {
            space: map.optional(SPACE, |value| id(&value))?,
            person: map.required(PERSON, |value| exactly(&value).map(PersonId))?,
            device: map.required(DEVICE, |value| exactly(&value).map(DeviceId))?,
            sequence: map.number(SEQUENCE)?,
            previous: map.optional(PREVIOUS, |value| id(&value))?,
            seen: read_heads(&mut map, SEEN)?,
            context: map.required(CONTEXT, |value| value.as_array()?.iter().map(id).collect())?,
            time: map.number(TIME)?,
            expiry_day: map.required(EXPIRY, |value| number(&value)?.try_into().ok())?,
            body: Body::read(kind, map.map(CONTENT)?)?,
        };
        fields.check()?;
        Ok(fields)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("body", &self.fields.body)
            .finish_non_exhaustive()
    }
}
