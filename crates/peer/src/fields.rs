//! CBOR maps with numbered fields: the form of what one engine says to another.
//!
//! A map has unsigned keys in ascending order, each once. Fields of a newer version are skipped.
//! Reading is bounded by the length of the input and by [`MAX_DEPTH`].

use komrade_cbor::Value;
use zeroize::{Zeroize, Zeroizing};

/// Maps within maps.
const MAX_DEPTH: usize = 8;
/// Fields of one map; far more than any version needs.
const MAX_FIELDS: usize = 64;

/// Bytes that are no map with numbered fields, or lack what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a map with the numbered fields expected")]
pub struct Unreadable;

/// Collects fields. Number them in ascending order.
#[derive(Default)]
pub(crate) struct Writer(Vec<(Value, Value)>);

impl Writer {
    pub(crate) fn uint(mut self, number: u64, value: u64) -> Self {
        self.0.push((Value::Number(number), Value::Number(value)));
        self
    }

    pub(crate) fn bytes(mut self, number: u64, value: &[u8]) -> Self {
        self.0
            .push((Value::Number(number), Value::Bytes(value.to_vec())));
        self
    }

    /// Leaves the field out if there is nothing.
    pub(crate) fn optional(self, number: u64, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.bytes(number, value),
            None => self,
        }
    }

    pub(crate) fn optional_uint(self, number: u64, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.uint(number, value),
            None => self,
        }
    }

    pub(crate) fn list(mut self, number: u64, values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let values = values.into_iter().map(Value::Bytes).collect();
        self.0.push((Value::Number(number), Value::Array(values)));
        self
    }

    pub(crate) fn finish(mut self) -> Zeroizing<Vec<u8>> {
        let mut writer = komrade_cbor::Writer::default();
        let fields = Value::Map(std::mem::take(&mut self.0));
        writer.value(&fields);
        if let Value::Map(fields) = fields {
            for (_, value) in fields {
                if let Value::Bytes(mut bytes) = value {
                    bytes.zeroize();
                }
            }
        }
        writer.finish()
    }
}

/// The fields of one map.
pub(crate) struct Reader(Vec<(u64, Value)>);

impl Reader {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let value = Value::read(bytes, MAX_DEPTH).map_err(|_| Unreadable)?;
        let entries = value.into_map().map_err(|_| Unreadable)?;
        if entries.len() > MAX_FIELDS {
            return Err(Unreadable);
        }
        let mut fields: Vec<(u64, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = key.as_number().ok_or(Unreadable)?;
            if fields.last().is_some_and(|(last, _)| *last >= key) {
                return Err(Unreadable);
            }
            fields.push((key, value));
        }
        Ok(Self(fields))
    }

    fn take(&mut self, number: u64) -> Option<Value> {
        let (_, value) = self.0.iter_mut().find(|(key, _)| *key == number)?;
        Some(std::mem::replace(value, Value::Other))
    }

    pub(crate) fn uint(&mut self, number: u64) -> Result<u64, Unreadable> {
        self.optional_uint(number)?.ok_or(Unreadable)
    }

    pub(crate) fn optional_uint(&mut self, number: u64) -> Result<Option<u64>, Unreadable> {
        match self.take(number) {
            None => Ok(None),
            Some(value) => value.as_number().map(Some).ok_or(Unreadable),
        }
    }

    pub(crate) fn bytes(&mut self, number: u64) -> Result<Vec<u8>, Unreadable> {
        self.optional_bytes(number)?.ok_or(Unreadable)
    }

    pub(crate) fn optional_bytes(&mut self, number: u64) -> Result<Option<Vec<u8>>, Unreadable> {
        match self.take(number) {
            None => Ok(None),
            Some(value) => value.into_bytes().map(Some).map_err(|_| Unreadable),
        }
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, number: u64) -> Result<[u8; N], Unreadable> {
        self.bytes(number)?.try_into().map_err(|_| Unreadable)
    }

    /// The same, if it is there.
    pub(crate) fn optional_array<const N: usize>(
        &mut self,
        number: u64,
    ) -> Result<Option<[u8; N]>, Unreadable> {
        let bytes = self.optional_bytes(number)?;
        let array = bytes.map(|bytes| bytes.try_into().map_err(|_| Unreadable));
        array.transpose()
    }

    /// A list of at most `most` byte strings; empty if the field is missing.
    pub(crate) fn list(&mut self, number: u64, most: usize) -> Result<Vec<Vec<u8>>, Unreadable> {
        let Some(value) = self.take(number) else {
            return Ok(Vec::new());
        };
        let values = value.into_array().map_err(|_| Unreadable)?;
        if values.len() > most {
            return Err(Unreadable);
        }
        values
            .into_iter()
            .map(|value| value.into_bytes().map_err(|_| Unreadable))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn fields_come_back_and_unknown_ones_are_skipped() {
        let bytes = Writer::default()
            .uint(1, 7)
            .bytes(2, b"abc")
            .optional(3, None)
            .list(4, [vec![1], vec![2, 3]])
            .uint(99, 1)
            .finish();
        let mut reader = Reader::parse(&bytes).unwrap();
        assert_eq!(reader.uint(1), Ok(7));
        assert_eq!(reader.array::<3>(2), Ok(*b"abc"));
        assert_eq!(reader.optional_bytes(3), Ok(None));
        assert_eq!(reader.list(4, 2), Ok(vec![vec![1], vec![2, 3]]));
        assert_eq!(reader.uint(5), Err(Unreadable));
    }

    #[test]
    fn what_is_no_such_map_is_refused() {
        let doubled = [0xa2, 1, 1, 1, 2];
        let descending = [0xa2, 2, 1, 1, 2];
        let trailing = [0xa1, 1, 1, 0];
        let text_key = [0xa1, 0x61, b'a', 1];
        let deep = [0x81; 40];
        for bytes in [
            &[][..],
            &[0x01],
            &doubled,
            &descending,
            &trailing,
            &text_key,
            &deep,
            &[0xbf, 1, 1],
        ] {
            assert!(Reader::parse(bytes).is_err());
        }
        let mut reader = Reader::parse(&[0xa1, 1, 0x83, 0x40, 0x40, 0x40]).unwrap();
        assert_eq!(reader.list(1, 2), Err(Unreadable));
    }
}
