//! Maps with numbered fields, which is what all formats here are.
//!
//! Writing is deterministic (shortest form, fields in order) and cannot fail. Reading takes any valid CBOR, and refuses
//! trailing bytes, keys that are no numbers, and a key that comes twice.

use std::collections::BTreeMap;

pub(crate) use komrade_cbor::Writer;
use komrade_cbor::{MAX_DEPTH, Value};

/// A map with numbered fields, being read.
pub(crate) struct Map(BTreeMap<u64, Value>);

/// Why a field is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldError {
    Missing(u64),
    Bad(u64),
}

impl Map {
    /// Reads one map and nothing after it. The caller has bounded the length.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Self::of(Value::read(bytes, MAX_DEPTH).ok()?)
    }

    /// A value as such a map.
    pub(crate) fn of(value: Value) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for (key, value) in value.into_map().ok()? {
            let key = number(&key)?;
            if fields.insert(key, value).is_some() {
                return None;
            }
        }
        Some(Self(fields))
    }

    pub(crate) fn optional<T>(
        &mut self,
        field: u64,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let Some(value) = self.0.remove(&field) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or(FieldError::Bad(field))
    }

    pub(crate) fn required<T>(
        &mut self,
        field: u64,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, FieldError> {
        self.optional(field, read)?
            .ok_or(FieldError::Missing(field))
    }

    /// The fields that nobody asked for: a newer version's.
    pub(crate) fn rest(self) -> Vec<(u64, Value)> {
        self.0.into_iter().collect()
    }

    /// A field that is itself a map with numbered fields.
    pub(crate) fn map(&mut self, field: u64) -> Result<Self, FieldError> {
        self.required(field, Self::of)
    }

    pub(crate) fn number(&mut self, field: u64) -> Result<u64, FieldError> {
        self.required(field, |value| number(&value))
    }

    pub(crate) fn text(&mut self, field: u64) -> Result<String, FieldError> {
        self.required(field, |value| value.into_text().ok())
    }

    pub(crate) fn bytes(&mut self, field: u64) -> Result<Vec<u8>, FieldError> {
        self.required(field, |value| value.into_bytes().ok())
    }
}

/// A value as a number.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_number()
}

/// A value as exactly so many bytes.
pub(crate) fn exactly<const N: usize>(value: &Value) -> Option<[u8; N]> {
    value.as_bytes()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn only_a_map_of_distinct_numbers_and_nothing_after_it_is_read() {
        assert!(Map::read(&[0xa1, 1, 2]).is_some());
        assert!(Map::read(&[0xa2, 1, 2, 1, 2]).is_none());
        assert!(Map::read(&[0xa1, 1, 2, 0]).is_none());
        assert!(Map::read(&[0xa1, 0x20, 2]).is_none());
        assert!(Map::read(&[0xa1, 0x61, b'a', 2]).is_none());
        assert!(Map::read(&[0x80]).is_none());
        assert!(Map::read(&[]).is_none());
        // A map that announces 2^64 - 1 entries, and arrays nested without end.
        assert!(Map::read(&[0xbb, 255, 255, 255, 255, 255, 255, 255, 255]).is_none());
        assert!(Map::read(&[0x81; 20_000]).is_none());
    }
}
