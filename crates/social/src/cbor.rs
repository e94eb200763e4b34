//! The little of CBOR (RFC 8949) that the formats here use.
//!
//! Writing is deterministic (shortest form, fields in order) and cannot fail. Reading goes through `ciborium`,
//! takes any valid CBOR, and refuses trailing bytes, keys that are no numbers, and a key that comes twice.

use std::collections::BTreeMap;

use ciborium::Value;

/// Writes CBOR.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn map(&mut self, entries: usize) {
        self.head(5, entries as u64);
    }

    pub(crate) fn array(&mut self, elements: usize) {
        self.head(4, elements as u64);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.head(0, number);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(2, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(3, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let [.., b4, b5, b6, b7] = argument.to_be_bytes();
        match argument {
            0..24 => self.0.push(major | b7),
            24..0x100 => self.0.extend([major | 24, b7]),
            0x100..0x1_0000 => self.0.extend([major | 25, b6, b7]),
            0x1_0000..0x1_0000_0000 => self.0.extend([major | 26, b4, b5, b6, b7]),
            _ => {
                self.0.push(major | 27);
                self.0.extend(argument.to_be_bytes());
            }
        }
    }
}

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
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let value = ciborium::from_reader(&mut bytes).ok()?;
        if bytes.is_empty() {
            Self::of(value)
        } else {
            None
        }
    }

    fn of(value: Value) -> Option<Self> {
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
    u64::try_from(value.as_integer()?).ok()
}

/// A value as exactly so many bytes.
pub(crate) fn exactly<const N: usize>(value: &Value) -> Option<[u8; N]> {
    value.as_bytes()?.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    proptest! {
        #[test]
        fn another_implementation_reads_what_is_written(
            number in prop_oneof![0..300_u64, 0xfff0..0x1_0010_u64, 0xffff_fff0..=u64::MAX],
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            text in ".{0,40}",
        ) {
            let mut writer = Writer::default();
            writer.map(1);
            writer.number(number);
            writer.array(3);
            writer.number(number);
            writer.bytes(&bytes);
            writer.text(&text);
            let written = writer.finish();
            let value: Value = ciborium::from_reader(written.as_slice()).unwrap();
            let expected =
                Value::Array(vec![number.into(), Value::Bytes(bytes), Value::Text(text)]);
            prop_assert_eq!(&value, &Value::Map(vec![(number.into(), expected)]));
            let mut again = Vec::new();
            ciborium::into_writer(&value, &mut again).unwrap();
            prop_assert_eq!(again, written);
        }
    }

    #[test]
    fn numbers_take_the_shortest_form() {
        let lengths = [
            (0, 1),
            (23, 1),
            (24, 2),
            (0xff, 2),
            (0x100, 3),
            (0xffff, 3),
            (0x1_0000, 5),
            (0xffff_ffff, 5),
            (0x1_0000_0000, 9),
            (u64::MAX, 9),
        ];
        for (number, length) in lengths {
            let mut writer = Writer::default();
            writer.number(number);
            assert_eq!(writer.finish().len(), length, "{number}");
        }
    }

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
