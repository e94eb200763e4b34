//! CBOR ([RFC 8949](https://www.rfc-editor.org/rfc/rfc8949)) for everything that is sent or kept. No I/O.
//!
//! - [`Value`]: what others sent, read whole and within bounds, to be looked at field by field.
//! - [`Writer`]: what is sent, item by item, always in the shortest form.
//! - [`to_bytes`] and [`from_bytes`]: the records of one's own vault, by serde.
//!
//! The usual library for this is `ciborium`, and the tests hold this one to its bytes and its verdicts. It
//! reads from any stream and words every error, once per type that is read, which made an eighth of all that a browser loads
//! for the engine. Here everything lies in memory, an error is an [`Error`], and only what differs from type to type
//! is compiled per type.
//!
//! Left out on purpose: floating point, tags and big numbers, which no format of ours uses. As part of a foreign
//! value they are checked and skipped ([`Value::Other`]); in a record they are an error.

mod deserialize;
mod read;
mod serialize;
mod value;
mod write;

pub use crate::{
    deserialize::from_bytes, serialize::to_bytes, value::MAX_DEPTH, value::Value, write::Writer,
};

/// The bytes are not what was to be read, or the record cannot be written. Which of all reasons it was
/// would help nobody: whoever reads says in its own words what is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error;

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not the CBOR expected")
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
