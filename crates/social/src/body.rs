//! What an operation does.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    OperationError,
    cbor::{Map, Writer},
};

/// The longest text, in bytes: a long letter, and in one 64 KiB envelope however it is written.
pub const MAX_TEXT_BYTES: usize = 20_000;
/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// The longest list of homes, encoded, in bytes.
pub const MAX_HOMES_BYTES: usize = 1_024;
/// The longest part of what is said about a collective, in bytes.
pub const MAX_COLLECTIVE_BYTES: usize = 20_000;
/// The longest part of what is said of an introduction, in bytes: a name, some words, or an invite.
pub const MAX_INTRODUCTION_BYTES: usize = 4_000;
/// The longest part of what is said for a circle, in bytes.
pub const MAX_CIRCLE_BYTES: usize = 20_000;

const TEXT: u64 = 1;
const PROFILE: u64 = 2;
const HOMES: u64 = 3;
const CONFIRMED: u64 = 4;
const COLLECTIVE: u64 = 5;
const CIRCLE: u64 = 6;
const INTRODUCTION: u64 = 7;

/// What an operation does. Every kind has its content in a map; all of them have one field, number 1, or none.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Says something.
    Text {
        /// What, at most [`MAX_TEXT_BYTES`].
        text: String,
    },
    /// Says how the author wants to be called. The latest counts.
    Profile {
        /// 1 to [`MAX_NAME_CHARS`] characters, none of them a control character.
        name: String,
    },
    /// Says where envelopes for the author are put from now on. The latest counts.
    Homes {
        /// Opaque here, at most [`MAX_HOMES_BYTES`].
        homes: Vec<u8>,
    },
    /// The inviter confirms whoever answered the invite.
    Confirmed,
    /// Something about a collective that one of the two is in: an offer, an answer, a part of a welcome.
    Collective {
        /// Opaque here, at most [`MAX_COLLECTIVE_BYTES`].
        content: Vec<u8>,
    },
    /// Something about meeting somebody through a common comrade: an offer, an answer, an invite.
    Introduction {
        /// Opaque here, at most [`MAX_INTRODUCTION_BYTES`]; the secret of an invite may be in it.
        content: Zeroizing<Vec<u8>>,
    },
    /// Something about a circle that one of the two owns: what is said in it, a comment, a farewell.
    Circle {
        /// Opaque here, at most [`MAX_CIRCLE_BYTES`].
        content: Vec<u8>,
    },
    /// A kind that this version does not know: keep it, acknowledge it, show nothing.
    Unknown {
        /// Its number.
        kind: u64,
    },
}

impl Body {
    /// The number of the kind.
    pub fn kind(&self) -> u64 {
        match self {
            Self::Text { .. } => TEXT,
            Self::Profile { .. } => PROFILE,
            Self::Homes { .. } => HOMES,
            Self::Confirmed => CONFIRMED,
            Self::Collective { .. } => COLLECTIVE,
            Self::Introduction { .. } => INTRODUCTION,
            Self::Circle { .. } => CIRCLE,
            Self::Unknown { kind } => *kind,
        }
    }

    /// The rules, for own operations and for those of others.
    pub(crate) fn check(&self) -> Result<(), OperationError> {
        match self {
            Self::Text { text } if text.len() > MAX_TEXT_BYTES => {
                Err(OperationError::TextTooLong(text.len()))
            }
            Self::Profile { name } if !name_is_good(name) => Err(OperationError::BadName),
            Self::Homes { homes } if homes.len() > MAX_HOMES_BYTES => {
                Err(OperationError::HomesTooLong(homes.len()))
            }
            Self::Collective { content } if content.len() > MAX_COLLECTIVE_BYTES => {
                Err(OperationError::CollectiveTooLong(content.len()))
            }
            Self::Introduction { content } if content.len() > MAX_INTRODUCTION_BYTES => {
                Err(OperationError::TooLong(content.len()))
            }
            Self::Circle { content } if content.len() > MAX_CIRCLE_BYTES => {
                Err(OperationError::TooLong(content.len()))
            }
            _ => Ok(()),
        }
    }

    /// Writes the content, without the kind.
    pub(crate) fn write(&self, to: &mut Writer) {
        match self {
            Self::Text { text: value } | Self::Profile { name: value } => {
                to.map(1);
                to.number(1);
                to.text(value);
            }
            Self::Homes { homes: value }
            | Self::Collective { content: value }
            | Self::Circle { content: value } => {
                to.map(1);
                to.number(1);
                to.bytes(value);
            }
            Self::Introduction { content } => {
                to.map(1);
                to.number(1);
                to.bytes(content);
            }
            Self::Confirmed | Self::Unknown { .. } => to.map(0),
        }
    }

    /// Reads the content, which is in the numbered field, and checks it.
    pub(crate) fn read(kind: u64, from: &mut Map, field: u64) -> Result<Self, OperationError> {
        let body = match kind {
            TEXT => Self::Text {
                text: from.map(field)?.text(1)?,
            },
            PROFILE => Self::Profile {
                name: from.map(field)?.text(1)?,
            },
            HOMES => Self::Homes {
                homes: from.map(field)?.bytes(1)?,
            },
            CONFIRMED => Self::Confirmed,
            COLLECTIVE => Self::Collective {
                content: from.map(field)?.bytes(1)?,
            },
            INTRODUCTION => Self::Introduction {
                content: from.map(field)?.bytes(1)?.into(),
            },
            CIRCLE => Self::Circle {
                content: from.map(field)?.bytes(1)?,
            },
            kind => Self::Unknown { kind },
        };
        body.check()?;
        Ok(body)
    }
}

/// Control characters could make a name look like something else.
pub(crate) fn name_is_good(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(char::is_control)
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body(kind {}, [redacted])", self.kind())
    }
}
