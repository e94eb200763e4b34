//! CBOR maps with numbered fields: the one way in which messages of this crate are encoded.
//!
//! A message is a map from unsigned numbers to values, keys ascending, field 0 the kind. Unknown fields are
//! skipped, so that later versions may add some; what decodes differently twice is refused.

use komrade_cbor::{MAX_DEPTH, Value, Writer};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// The field that says what a message is.
pub(crate) const KIND: u64 = 0;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More bytes than such a message may have.
    #[error("a message of {length} bytes where at most {maximum} are allowed")]
    TooLong {
        /// As many as there are.
        length: usize,
        /// As many as there may be.
        maximum: usize,
    },
    /// No CBOR, or something follows it.
    #[error("not exactly one CBOR item")]
    NotCbor,
    /// No map whose keys are ascending unsigned numbers.
    #[error("not a map of numbered fields")]
    NotFields,
    /// A field is missing.
    #[error("field {0} is missing")]
    Missing(u64),
    /// A field has the wrong type, length or range.
    #[error("field {0} is invalid")]
    Invalid(u64),
    /// The kind is not known here, and skipping it is no answer.
    #[error("kind {0} is not known here")]
    Unknown(u64),
}

/// The fields of one message; byte strings are erased on drop, since some are keys.
pub(crate) struct Fields(Vec<(u64, Value)>);

impl Fields {
    pub(crate) fn new(kind: u64) -> Self {
        Self(vec![(KIND, Value::Number(kind))])
    }

    /// Adds a number; fields are added in ascending order.
    pub(crate) fn number(mut self, field: u64, value: impl Into<u64>) -> Self {
        self.0.push((field, Value::Number(value.into())));
        self
    }

    /// Adds a byte string.
    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.0.push((field, Value::Bytes(value.to_vec())));
        self
    }

    /// Adds the fields of something within, as a map of its own.
    pub(crate) fn nested(mut self, field: u64, mut inner: Self) -> Self {
        let inner = std::mem::take(&mut inner.0);
        self.0.push((field, value(inner)));
        self
    }

    pub(crate) fn encode(mut self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::default();
        let mut map = value(std::mem::take(&mut self.0));
        writer.value(&map);
        erase(&mut map);
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8], maximum: usize) -> Result<Self, DecodeError> {
        if bytes.len() > maximum {
            return Err(DecodeError::TooLong {
                length: bytes.len(),
                maximum,
            });
        }
        Self::from_value(Value::read(bytes, MAX_DEPTH).map_err(|_| DecodeError::NotCbor)?)
    }

    fn from_value(value: Value) -> Result<Self, DecodeError> {
        let Value::Map(entries) = value else {
            return Err(DecodeError::NotFields);
        };
        let mut fields = Self(Vec::with_capacity(entries.len()));
        for (key, value) in entries {
            let number = key.as_number().ok_or(DecodeError::NotFields)?;
            if fields.0.last().is_some_and(|(last, _)| *last >= number) {
                return Err(DecodeError::NotFields);
            }
            fields.0.push((number, value));
        }
        Ok(fields)
    }

    fn value(&self, field: u64) -> Result<&Value, DecodeError> {
        let found = self.0.iter().find(|(number, _)| *number == field);
        found
            .map(|(_, value)| value)
            .ok_or(DecodeError::Missing(field))
    }

    /// A number that fits `T`.
    pub(crate) fn get_number<T: TryFrom<u64>>(&self, field: u64) -> Result<T, DecodeError> {
        self.value(field)?
            .as_number()
            .and_then(|number| T::try_from(number).ok())
            .ok_or(DecodeError::Invalid(field))
    }

    pub(crate) fn get_bytes(&self, field: u64) -> Result<&[u8], DecodeError> {
        self.value(field)?
            .as_bytes()
            .ok_or(DecodeError::Invalid(field))
    }

    /// A byte string of exactly `N` bytes.
    pub(crate) fn get_array<const N: usize>(&self, field: u64) -> Result<[u8; N], DecodeError> {
        self.get_bytes(field)?
            .try_into()
            .map_err(|_| DecodeError::Invalid(field))
    }

    pub(crate) fn get_nested(&self, field: u64) -> Result<Self, DecodeError> {
        Self::from_value(self.value(field)?.clone()).map_err(|_| DecodeError::Invalid(field))
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| erase(value));
    }
}

fn value(fields: Vec<(u64, Value)>) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(field, value)| (Value::Number(field), value))
            .collect(),
    )
}

fn erase(value: &mut Value) {
    match value {
        Value::Bytes(bytes) => bytes.zeroize(),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| erase(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn decode(bytes: &[u8]) -> Result<(), DecodeError> {
        Fields::decode(bytes, 64).map(|_| ())
    }

    #[test]
    fn what_is_no_map_of_ascending_numbers_is_refused() {
        assert_eq!(decode(&[]), Err(DecodeError::NotCbor));
        assert_eq!(decode(&[0xa1, 0x00]), Err(DecodeError::NotCbor), "cut off");
        assert_eq!(
            decode(&[0xa0, 0x00]),
            Err(DecodeError::NotCbor),
            "something follows"
        );
        assert_eq!(decode(&[0x80]), Err(DecodeError::NotFields), "a list");
        assert_eq!(
            decode(&[0xa1, 0x20, 0x00]),
            Err(DecodeError::NotFields),
            "a negative key"
        );
        assert_eq!(
            decode(&[0xa2, 1, 0, 1, 0]),
            Err(DecodeError::NotFields),
            "the same key twice"
        );
        assert_eq!(
            decode(&[0xa2, 2, 0, 1, 0]),
            Err(DecodeError::NotFields),
            "descending keys"
        );
        assert_eq!(
            decode(&[0; 65]),
            Err(DecodeError::TooLong {
                length: 65,
                maximum: 64
            })
        );
    }

    #[test]
    fn fields_of_the_wrong_kind_or_range_are_named() {
        let bytes = Fields::new(1).number(1, 300_u32).bytes(2, &[7; 3]).encode();
        let fields = Fields::decode(&bytes, 64).unwrap();
        assert_eq!(fields.get_number::<u8>(1), Err(DecodeError::Invalid(1)));
        assert_eq!(fields.get_number::<u64>(2), Err(DecodeError::Invalid(2)));
        assert_eq!(fields.get_array::<4>(2), Err(DecodeError::Invalid(2)));
        assert_eq!(fields.get_bytes(3), Err(DecodeError::Missing(3)));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        assert_eq!(
            Fields::decode(&[0x81; 4096], 4096).map(|_| ()),
            Err(DecodeError::NotCbor)
        );
    }
}
