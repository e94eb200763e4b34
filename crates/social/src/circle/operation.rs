//! The signed operation of a circle.
//!
//! 64 bytes of signature, then a CBOR map, which is what is signed and hashed:
//!
//! | field | what | type |
//! |---|---|---|
//! | 1 | number, from 1, per device and circle | unsigned |
//! | 2 | id of the same device's operation before; absent in the first | 32 bytes |
//! | 4 | when it was made, in milliseconds since 1970 | unsigned |
//! | 5 | the last day on which it is kept | unsigned |
//! | 6 | kind of body | unsigned |
//! | 7 | content of body | map |
//! | 8 | what the owner drew for the circle | 16 bytes |
//! | 9 | the owner | 32 bytes |
//! | 10 | the owner's device, which signs | 32 bytes |
//! | 12 | the suite | unsigned |
//!
//! Other fields belong to newer versions. The id is a hash of the map alone.

use std::fmt;

use komrade_crypto::{
    SUITE,
    identity::{DeviceKey, PersonId, verify_circle_operation},
    labels,
};

use super::{CircleId, Comment, MAX_COMMENT_BYTES};
use crate::{
    DeviceId, OperationError, OperationId,
    cbor::{Map, Writer, exactly, number},
    collective::operation::hash,
    operation::check_link,
};

/// The longest post, in bytes.
pub const MAX_POST_BYTES: usize = 8_000;
/// The longest operation, in bytes: the longest post, with room for newer fields.
pub const MAX_CIRCLE_OPERATION_BYTES: usize = 9 * 1_024;

const POST: u64 = 1;
const COMMENT: u64 = 2;
const REMOVE: u64 = 3;

/// What an operation of a circle does.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Says something.
    Post {
        /// 1 to [`MAX_POST_BYTES`] bytes.
        text: String,
    },
    /// Publishes what somebody said to a post.
    Comment {
        /// Signed by whoever made it.
        comment: Box<Comment>,
    },
    /// Takes a post or a comment back.
    Remove {
        /// The operation.
        of: OperationId,
    },
    /// A kind that this version does not know: keep it, show nothing.
    Unknown {
        /// Its number.
        kind: u64,
    },
}

impl Body {
    fn kind(&self) -> u64 {
        match self {
            Self::Post { .. } => POST,
            Self::Comment { .. } => COMMENT,
            Self::Remove { .. } => REMOVE,
            Self::Unknown { kind } => *kind,
        }
    }
}

/// What an operation says, as far as this version knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Fields {
    /// From 1, one more with each operation of this device in this circle.
    pub sequence: u64,
    /// The id of the operation before; `None` for number 1, and for that one only.
    pub previous: Option<OperationId>,
    /// When the author's clock says it was made, in milliseconds since the epoch.
    pub time: u64,
    /// The last day (since the epoch) on which it is kept.
    pub expiry_day: u32,
    /// What the owner drew for the circle.
    pub nonce: [u8; 16],
    /// The owner.
    pub person: PersonId,
    /// The owner's device.
    pub device: DeviceId,
    /// What it does.
    pub body: Body,
}

/// A signed operation: its exact bytes and what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    id: OperationId,
    circle: CircleId,
    fields: Fields,
    bytes: Vec<u8>,
}

impl Operation {
    /// Makes and signs one.
    ///
    /// # Errors
    /// If it is out of bounds, or of a kind that this version cannot make.
    pub fn sign(mut fields: Fields, key: &DeviceKey) -> Result<Self, OperationError> {
        fields.device = DeviceId(key.public());
        if let Body::Unknown { kind } = fields.body {
            return Err(OperationError::UnknownKind(kind));
        }
        fields.check()?;
        let signed = fields.encode();
        let bytes = [&key.sign_circle_operation(&signed)[..], &signed].concat();
        Self::new(fields, &signed, bytes)
    }

    /// Reads one that came from elsewhere, checks its signature, and that of the comment in it, and keeps its exact bytes. Whether
    /// the device is the owner's is asked of the circle.
    ///
    /// # Errors
    /// If it is none, or a signature is not right.
    pub fn decode(bytes: &[u8]) -> Result<Self, OperationError> {
        let operation = Self::decode_stored(bytes)?;
        operation.verify()?;
        Ok(operation)
    }

    /// Checks its signature, and those of the comment in it.
    ///
    /// # Errors
    /// If one of them is not right.
    pub fn verify(&self) -> Result<(), OperationError> {
        let (signature, signed) = split(&self.bytes)?;
        verify_circle_operation(&self.fields.device.0, signed, signature)
            .map_err(|_| OperationError::BadSignature)?;
        match self.body() {
            Body::Comment { comment } => comment.verify(),
            _ => Ok(()),
        }
    }

    /// Reads one from the own vault, whose signatures were checked when it came, or one that is checked later by
    /// [`verify`](Self::verify).
    ///
    /// # Errors
    /// If it is none.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, OperationError> {
        if bytes.len() > MAX_CIRCLE_OPERATION_BYTES {
            return Err(OperationError::TooLong(bytes.len()));
        }
        let (_, signed) = split(bytes)?;
        Self::new(Fields::decode(signed)?, signed, bytes.to_vec())
    }

    fn new(fields: Fields, signed: &[u8], bytes: Vec<u8>) -> Result<Self, OperationError> {
        if bytes.len() > MAX_CIRCLE_OPERATION_BYTES {
            return Err(OperationError::TooLong(bytes.len()));
        }
        let circle = CircleId::of(&fields.person, &fields.nonce);
        if let Body::Comment { comment } = &fields.body
            && comment.circle() != circle
        {
            return Err(OperationError::BadField(CONTENT));
        }
        Ok(Self {
            id: OperationId(hash(labels::CIRCLE_OPERATION_ID, &[signed])),
            circle,
            fields,
            bytes,
        })
    }

    /// Its id.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// Which circle it belongs to: that of the person and the nonce that it names.
    pub fn circle(&self) -> CircleId {
        self.circle
    }

    /// What it says.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What it does.
    pub fn body(&self) -> &Body {
        &self.fields.body
    }

    /// Whether it publishes what somebody else than the owner said.
    pub(super) fn is_of_another(&self) -> bool {
        let person = &self.fields.person;
        matches!(self.body(), Body::Comment { comment } if comment.person() != *person)
    }

    /// Its exact bytes, with the signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Signature and signed bytes.
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8; 64], &[u8]), OperationError> {
    bytes
        .split_first_chunk()
        .ok_or(OperationError::TooLong(bytes.len()))
}

const SEQUENCE: u64 = 1;
const PREVIOUS: u64 = 2;
const TIME: u64 = 4;
const EXPIRY: u64 = 5;
const KIND: u64 = 6;
const CONTENT: u64 = 7;
const NONCE: u64 = 8;
const PERSON: u64 = 9;
const DEVICE: u64 = 10;
const SUITE_ID: u64 = 12;

impl Fields {
    fn check(&self) -> Result<(), OperationError> {
        check_link(self.sequence, self.previous)?;
        match &self.body {
            Body::Post { text } if text.is_empty() || text.len() > MAX_POST_BYTES => {
                Err(OperationError::TextTooLong(text.len()))
            }
            _ => Ok(()),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(9 + usize::from(self.previous.is_some()));
        writer.number(SEQUENCE);
        writer.number(self.sequence);
        if let Some(previous) = &self.previous {
            writer.number(PREVIOUS);
            writer.bytes(&previous.0);
        }
        writer.number(TIME);
        writer.number(self.time);
        writer.number(EXPIRY);
        writer.number(self.expiry_day.into());
        writer.number(KIND);
        writer.number(self.body.kind());
        writer.number(CONTENT);
        writer.map(1);
        writer.number(1);
        match &self.body {
            Body::Post { text } => writer.text(text),
            Body::Comment { comment } => writer.bytes(comment.as_bytes()),
            Body::Remove { of } => writer.bytes(&of.0),
            Body::Unknown { .. } => writer.bytes(&[]),
        }
        writer.number(NONCE);
        writer.bytes(&self.nonce);
        writer.number(PERSON);
        writer.bytes(&self.person.0);
        writer.number(DEVICE);
        writer.bytes(&self.device.0);
        writer.number(SUITE_ID);
        writer.number(SUITE.into());
        writer.into_vec()
    }

    fn decode(signed: &[u8]) -> Result<Self, OperationError> {
        let mut map = Map::read(signed).ok_or(OperationError::Malformed)?;
        if map.number(SUITE_ID)? != u64::from(SUITE) {
            return Err(OperationError::BadField(SUITE_ID));
        }
        let kind = map.number(KIND)?;
        let mut content = map.map(CONTENT)?;
        let body = match kind {
            POST => Body::Post {
                text: content.text(1)?,
            },
            COMMENT => {
                let bytes = content.bytes(1)?;
                if bytes.len() > MAX_COMMENT_BYTES {
                    return Err(OperationError::TooLong(bytes.len()));
                }
                Body::Comment {
                    comment: Box::new(Comment::decode_stored(&bytes)?),
                }
            }
            REMOVE => Body::Remove {
                of: OperationId(content.required(1, |value| exactly(&value))?),
            },
            kind => Body::Unknown { kind },
        };
        let fields = Self {
            sequence: map.number(SEQUENCE)?,
            previous: map.optional(PREVIOUS, |value| exactly(&value).map(OperationId))?,
            time: map.number(TIME)?,
            expiry_day: map.required(EXPIRY, |value| number(&value)?.try_into().ok())?,
            nonce: map.required(NONCE, |value| exactly(&value))?,
            person: map.required(PERSON, |value| exactly(&value).map(PersonId))?,
            device: map.required(DEVICE, |value| exactly(&value).map(DeviceId))?,
            body,
        };
        fields.check()?;
        Ok(fields)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body(kind {}, [redacted])", self.kind())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("sequence", &self.sequence)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").finish_non_exhaustive()
    }
}
