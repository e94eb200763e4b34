//! The operation.
//!
//! A CBOR map:
//!
//! | field | what | type |
//! |---|---|---|
//! | 1 | number, from 1, per device and space | unsigned |
//! | 2 | id of the same device's operation before; absent in the first | 32 bytes |
//! | 3 | newest operations seen of other devices | array of [device, number, id] |
//! | 4 | when it was made, in milliseconds since 1970 | unsigned |
//! | 5 | the day after which nobody needs to deliver it | unsigned |
//! | 6 | kind of body | unsigned |
//! | 7 | content of body | map |
//!
//! Other fields, and fields within the content, belong to newer versions. The id is a hash of the exact bytes, so
//! an operation is never encoded twice.

use std::fmt;

use komrade_cbor::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    Body,
    cbor::{FieldError, Map, Writer, exactly, number},
};

/// The longest operation, in bytes: the longest text, the most heads, and room for newer fields.
pub const MAX_OPERATION_BYTES: usize = 24 * 1_024;
/// The most heads in one operation: the devices of two persons, with room.
pub const MAX_HEADS: usize = 16;

/// So that this hash is no hash of anything else.
const LABEL: &[u8] = b"komrade/operation/v1";

const SEQUENCE: u64 = 1;
const PREVIOUS: u64 = 2;
const SEEN: u64 = 3;
const TIME: u64 = 4;
const EXPIRY: u64 = 5;
const KIND: u64 = 6;
const CONTENT: u64 = 7;

/// SHA-256 of a label and the exact bytes of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub [u8; 32]);

/// A device, as operations name it: opaque here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub [u8; 32]);

/// The newest operation that the author had seen of another device.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// Whose operation.
    pub device: DeviceId,
    /// Its number; everything before was seen too.
    pub sequence: u64,
    /// Its id.
    pub id: OperationId,
}

/// What an operation says, as far as this version knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// From 1, one more with each operation of this device in this space.
    pub sequence: u64,
    /// The id of the operation before; `None` for number 1, and for that one only.
    pub previous: Option<OperationId>,
    /// What the author had seen of other devices, at most [`MAX_HEADS`].
    pub seen: Vec<Head>,
    /// When the author's clock says it was made, in milliseconds since the epoch.
    pub time: u64,
    /// The day (since the epoch) after which it is no longer delivered.
    pub expiry_day: u32,
    /// What it does.
    pub body: Body,
}

/// An operation: its exact bytes and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    fields: Fields,
    bytes: Zeroizing<Vec<u8>>,
}

/// Why bytes are no operation, or fields make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OperationError {
    /// Longer than [`MAX_OPERATION_BYTES`].
    #[error("an operation of {0} bytes")]
    TooLong(usize),
    /// No CBOR map with distinct numbers as keys, or something follows it.
    #[error("not a map of numbered fields")]
    Malformed,
    /// A field is missing.
    #[error("field {0} is missing")]
    Missing(u64),
    /// A field has a type or value that it cannot have.
    #[error("field {0} is bad")]
    BadField(u64),
    /// The first operation names one before, or a later one does not, or the number is 0.
    #[error("number and link do not go together")]
    BadLink,
    /// More than [`MAX_HEADS`].
    #[error("{0} heads")]
    TooManyHeads(usize),
    /// Longer than [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES).
    #[error("a text of {0} bytes")]
    TextTooLong(usize),
    /// Empty, longer than [`MAX_NAME_CHARS`](crate::MAX_NAME_CHARS), or with control characters.
    #[error("a name that cannot be one")]
    BadName,
    /// Longer than [`MAX_HOMES_BYTES`](crate::MAX_HOMES_BYTES).
    #[error("homes of {0} bytes")]
    HomesTooLong(usize),
    /// More of something than there may be.
    #[error("too many in field {0}")]
    TooMany(u64),
    /// The signature is not the device's.
    #[error("not signed by its device")]
    BadSignature,
    /// A certificate or revocation that its root did not sign.
    #[error("a certificate that is none")]
    BadCertificate,
    /// Longer than [`MAX_COLLECTIVE_BYTES`](crate::MAX_COLLECTIVE_BYTES).
    #[error("{0} bytes about a collective")]
    CollectiveTooLong(usize),
    /// Of a kind that this version can read past, but not make.
    #[error("kind {0} is unknown")]
    UnknownKind(u64),
}

impl From<FieldError> for OperationError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Missing(field) => Self::Missing(field),
            FieldError::Bad(field) => Self::BadField(field),
        }
    }
}

impl Operation {
    /// Makes an operation.
    pub fn new(fields: Fields) -> Result<Self, OperationError> {
        if let Body::Unknown { kind } = fields.body {
            return Err(OperationError::UnknownKind(kind));
        }
        fields.check()?;
        let bytes = fields.encode().into();
        Ok(Self { fields, bytes })
    }

    /// Reads one that came from elsewhere, and keeps its exact bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, OperationError> {
        if bytes.len() > MAX_OPERATION_BYTES {
            return Err(OperationError::TooLong(bytes.len()));
        }
        let mut map = Map::read(bytes).ok_or(OperationError::Malformed)?;
        let kind = map.number(KIND)?;
        let fields = Fields {
            sequence: map.number(SEQUENCE)?,
            previous: map.optional(PREVIOUS, |value| exactly(&value).map(OperationId))?,
            seen: read_heads(&mut map, SEEN)?,
            time: map.number(TIME)?,
            expiry_day: map.required(EXPIRY, |value| number(&value)?.try_into().ok())?,
            body: Body::read(kind, &mut map, CONTENT)?,
        };
        fields.check()?;
        Ok(Self {
            fields,
            bytes: bytes.to_vec().into(),
        })
    }

    /// What it says.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What it does.
    pub fn body(&self) -> &Body {
        &self.fields.body
    }

    /// Its exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its exact bytes, without a copy.
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    /// Its id.
    pub fn id(&self) -> OperationId {
        OperationId(
            Sha256::new()
                .chain_update(LABEL)
                .chain_update(&self.bytes)
                .finalize()
                .into(),
        )
    }

    /// Where it stands among the operations of its author: by number, those of one number in the order of their
    /// hashes. The same at every peer.
    pub fn place(&self) -> (u64, OperationId) {
        (self.fields.sequence, self.id())
    }
}

impl Fields {
    fn check(&self) -> Result<(), OperationError> {
        check_link(self.sequence, self.previous)?;
        if self.seen.len() > MAX_HEADS {
            return Err(OperationError::TooManyHeads(self.seen.len()));
        }
        self.body.check()
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(6 + usize::from(self.previous.is_some()));
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
        writer.into_vec()
    }
}

/// The first operation of a device has none before it, and every other one.
pub(crate) fn check_link(
    sequence: u64,
    previous: Option<OperationId>,
) -> Result<(), OperationError> {
    let linked = match sequence {
        0 => false,
        1 => previous.is_none(),
        _ => previous.is_some(),
    };
    if linked {
        Ok(())
    } else {
        Err(OperationError::BadLink)
    }
}

pub(crate) fn write_heads(writer: &mut Writer, heads: &[Head]) {
    writer.array(heads.len());
    for head in heads {
        writer.array(3);
        writer.bytes(&head.device.0);
        writer.number(head.sequence);
        writer.bytes(&head.id.0);
    }
}

pub(crate) fn read_heads(map: &mut Map, field: u64) -> Result<Vec<Head>, OperationError> {
    let heads = map
        .optional(field, |value| value.into_array().ok())?
        .unwrap_or_default();
    if heads.len() > MAX_HEADS {
        return Err(OperationError::TooManyHeads(heads.len()));
    }
    heads
        .iter()
        .map(|head| read_head(head).ok_or(OperationError::BadField(field)))
        .collect()
}

/// A head may grow: what follows its three parts belongs to newer versions.
fn read_head(value: &Value) -> Option<Head> {
    let [device, sequence, id, ..] = value.as_array()? else {
        return None;
    };
    let sequence = number(sequence).filter(|sequence| *sequence > 0)?;
    Some(Head {
        device: DeviceId(exactly(device)?),
        sequence,
        id: OperationId(exactly(id)?),
    })
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("body", &self.fields.body)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperationId([redacted])")
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId([redacted])")
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Head([redacted])")
    }
}

#[cfg(test)]
mod tests;
