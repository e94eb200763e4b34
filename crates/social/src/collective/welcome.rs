//! What lets a newcomer in: the control history, from which they compute for themselves who the members are and that their own
//! certificate is enough, and opaquely the homes of the members and the slice of the newest seed.
//!
//! It goes twice by the same form: to the candidate, when their certificate is complete, without a slice; and after their Accept,
//! which travels through whoever sent it, with one. It is cut into parts that fit into one envelope each:
//!
//! | field | what | type |
//! |---|---|---|
//! | 1 | the space | 32 bytes |
//! | 2 | the proposal that admits | 32 bytes |
//! | 3, 4 | which part, from 0, of how many | unsigned |
//! | 5 | control operations, causes before what follows | array of bytes |
//! | 6 | homes | array of bytes |
//! | 7 | slice; absent: none | bytes |

use komrade_cbor::Value;
use thiserror::Error;

use super::{Collective, Operation, Refusal, Taken, operation::MAX_OPERATION_BYTES};
use crate::{
    MAX_HOMES_BYTES, OperationError, OperationId,
    cbor::{FieldError, Map, Writer, exactly, number},
};

/// The longest part, in bytes: it fits in one 64 KiB envelope.
pub const MAX_WELCOME_BYTES: usize = 60 * 1_024;
/// The most parts: more than the largest graph needs.
pub const MAX_WELCOME_PARTS: u16 = 1_024;
/// The most homes in all parts together: two of every member.
pub const MAX_HOMES: usize = 1_000;
/// The longest slice, in bytes.
pub const MAX_SLICE_BYTES: usize = 4 * 1_024;

/// What a part is filled with up to here: the longest operation fits above.
const FULL: usize = MAX_WELCOME_BYTES - MAX_OPERATION_BYTES - 1_024;

const SPACE: u64 = 1;
const PROPOSAL: u64 = 2;
const PART: u64 = 3;
const PARTS: u64 = 4;
const OPERATIONS: u64 = 5;
const HOMES: u64 = 6;
const SLICE: u64 = 7;

/// One part of a welcome.
#[derive(Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The collective.
    pub space: OperationId,
    /// The proposal that admits whom it is for.
    pub proposal: OperationId,
    /// Which part, from 0.
    pub part: u16,
    /// Of how many.
    pub parts: u16,
    /// Control operations as they were signed, causes first.
    pub operations: Vec<Vec<u8>>,
    /// Opaque here, each at most [`MAX_HOMES_BYTES`].
    pub homes: Vec<Vec<u8>>,
    /// Opaque here, at most [`MAX_SLICE_BYTES`]; in the first part.
    pub slice: Option<Vec<u8>>,
}

/// Why bytes are no welcome, or parts make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WelcomeError {
    /// Longer than [`MAX_WELCOME_BYTES`].
    #[error("a welcome of {0} bytes")]
    TooLong(usize),
    /// No CBOR map with distinct numbers as keys, or something follows it.
    #[error("not a map of numbered fields")]
    Malformed,
    /// A field is missing or has a value that it cannot have.
    #[error("field {0} is bad")]
    BadField(u64),
    /// Parts are missing, or do not belong together.
    #[error("not all parts, or of several welcomes")]
    Incomplete,
    /// An operation that is none.
    #[error("an operation that is none: {0}")]
    BadOperation(#[from] OperationError),
    /// The history does not begin with a Genesis that can be one, or holds what can never count.
    #[error("a history that does not hold: {0}")]
    BadHistory(#[from] Refusal),
    /// Something that the history builds on is not in it.
    #[error("a history with gaps")]
    Gaps,
}

impl From<FieldError> for WelcomeError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Missing(field) | FieldError::Bad(field) => Self::BadField(field),
        }
    }
}

/// What a newcomer has of a whole welcome.
#[derive(Debug)]
pub struct Arrival {
    /// The collective, computed from its history.
    pub collective: Collective,
    /// The proposal that admits.
    pub proposal: OperationId,
    /// The homes, as they came.
    pub homes: Vec<Vec<u8>>,
    /// The slice, if it was sent.
    pub slice: Option<Vec<u8>>,
}

impl Welcome {
    /// Cuts a welcome into parts. Homes past [`MAX_HOMES`], and what is longer than it may be, are left out.
    pub fn pack(
        collective: &Collective,
        proposal: OperationId,
        homes: &[Vec<u8>],
        slice: Option<Vec<u8>>,
    ) -> Vec<Self> {
        let new = |slice| Self {
            space: collective.space(),
            proposal,
            part: 0,
            parts: 0,
            operations: Vec::new(),
            homes: Vec::new(),
            slice,
        };
        let slice = slice.filter(|slice| slice.len() <= MAX_SLICE_BYTES);
        let mut size = slice.as_ref().map_or(0, Vec::len);
        let mut parts = Vec::new();
        let mut part = new(slice);
        let homes = homes.iter().filter(|homes| homes.len() <= MAX_HOMES_BYTES);
        let homes = homes.take(MAX_HOMES).map(|homes| (false, homes.as_slice()));
        let operations = collective.history().map(|one| (true, one.as_bytes()));
        for (is_operation, bytes) in homes.chain(operations) {
            if size > FULL {
                parts.push(std::mem::replace(&mut part, new(None)));
                size = 0;
            }
            size += bytes.len() + 4;
            let list = match is_operation {
                true => &mut part.operations,
                false => &mut part.homes,
            };
            list.push(bytes.to_vec());
        }
        parts.push(part);
        let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        for (number, part) in (0..).zip(&mut parts) {
            (part.part, part.parts) = (number, count);
        }
        parts
    }

    /// Puts the parts together, in any order, checks every signature and computes the collective.
    pub fn join(mut parts: Vec<Self>) -> Result<Arrival, WelcomeError> {
        parts.sort_unstable_by_key(|part| part.part);
        parts.dedup();
        let incomplete = WelcomeError::Incomplete;
        let first = parts.first().ok_or(incomplete)?;
        let (space, proposal, count) = (first.space, first.proposal, first.parts);
        let whole = parts.len() == usize::from(count);
        let mut numbers = (0..).zip(&parts);
        if !whole
            || !numbers.all(|(number, part): (u16, &Self)| {
                (part.part, part.parts, part.space, part.proposal)
                    == (number, count, space, proposal)
            })
        {
            return Err(incomplete);
        }
        let slice = parts.iter_mut().find_map(|part| part.slice.take());
        let homes: Vec<_> = parts
            .iter_mut()
            .flat_map(|part| std::mem::take(&mut part.homes))
            .collect();
        let mut operations = parts.iter().flat_map(|part| &part.operations);
        let genesis = Operation::decode(operations.next().ok_or(incomplete)?)?;
        if genesis.id() != space || homes.len() > MAX_HOMES {
            return Err(incomplete);
        }
        let mut collective = Collective::found(genesis)?;
        for bytes in operations {
            match collective.insert(Operation::decode(bytes)?).taken {
                Taken::New | Taken::Duplicate => {}
                Taken::Refused(refusal) => return Err(refusal.into()),
                Taken::Waiting | Taken::Full => return Err(WelcomeError::Gaps),
            }
        }
        Ok(Arrival {
            collective,
            proposal,
            homes,
            slice,
        })
    }

    /// As it travels, inside something encrypted.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(6 + usize::from(self.slice.is_some()));
        writer.number(SPACE);
        writer.bytes(&self.space.0);
        writer.number(PROPOSAL);
        writer.bytes(&self.proposal.0);
        writer.number(PART);
        writer.number(self.part.into());
        writer.number(PARTS);
        writer.number(self.parts.into());
        for (field, list) in [(OPERATIONS, &self.operations), (HOMES, &self.homes)] {
            writer.number(field);
            writer.array(list.len());
            list.iter().for_each(|bytes| writer.bytes(bytes));
        }
        if let Some(slice) = &self.slice {
            writer.number(SLICE);
            writer.bytes(slice);
        }
        writer.into_vec()
    }

    /// Reads one that came from elsewhere. What is in it is checked by [`join`](Self::join).
    pub fn decode(bytes: &[u8]) -> Result<Self, WelcomeError> {
        if bytes.len() > MAX_WELCOME_BYTES {
            return Err(WelcomeError::TooLong(bytes.len()));
        }
        let mut map = Map::read(bytes).ok_or(WelcomeError::Malformed)?;
        let id = |value: Value| exactly(&value).map(OperationId);
        let count = |value: Value| number(&value)?.try_into().ok();
        let list = |longest: usize| {
            move |value: Value| -> Option<Vec<Vec<u8>>> {
                let items = value.into_array().ok()?.into_iter();
                let bytes = items.map(|item| item.into_bytes().ok());
                bytes
                    .map(|item| item.filter(|item| item.len() <= longest))
                    .collect()
            }
        };
        let welcome = Self {
            space: map.required(SPACE, id)?,
            proposal: map.required(PROPOSAL, id)?,
            part: map.required(PART, count)?,
            parts: map.required(PARTS, count)?,
            operations: map.required(OPERATIONS, list(MAX_OPERATION_BYTES))?,
            homes: map.required(HOMES, list(MAX_HOMES_BYTES))?,
            slice: map.optional(SLICE, |value| {
                let slice = value.into_bytes().ok()?;
                (slice.len() <= MAX_SLICE_BYTES).then_some(slice)
            })?,
        };
        if welcome.part >= welcome.parts || welcome.parts > MAX_WELCOME_PARTS {
            return Err(WelcomeError::BadField(PART));
        }
        Ok(welcome)
    }
}

impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Welcome({} of {}, [redacted])", self.part, self.parts)
    }
}
