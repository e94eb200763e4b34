//! Writing, item by item.

use zeroize::Zeroizing;

use crate::{
    Value,
    read::{ARRAY, BYTES, FALSE, MAP, NEGATIVE, NULL, SIMPLE, TEXT, TRUE, UNSIGNED},
};

/// The room that memory begins with: most records and messages fit.
const FIRST: usize = 512;

/// Writes CBOR in its shortest form: the same items give the same bytes. Who writes an array or a map writes as
/// many items after it as announced. What it leaves behind when it needs more memory is erased.
#[derive(Default)]
pub struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// A number.
    pub fn number(&mut self, number: u64) {
        self.head(UNSIGNED, number);
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.put(bytes);
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.put(text.as_bytes());
    }

    /// An array, whose items follow.
    pub fn array(&mut self, items: usize) {
        self.head(ARRAY, items as u64);
    }

    /// A map, whose entries follow: key, item, key, item.
    pub fn map(&mut self, entries: usize) {
        self.head(MAP, entries as u64);
    }

    /// A value and all within it.
    pub fn value(&mut self, value: &Value) {
        value.write(self);
    }

    /// What was written.
    pub fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// What was written, where nothing of it is secret.
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }

    pub(crate) fn signed(&mut self, number: i64) {
        match u64::try_from(number) {
            Ok(number) => self.head(UNSIGNED, number),
            // -1 - n is written as n, which is what turning all bits around gives.
            Err(_) => self.head(NEGATIVE, (!number).unsigned_abs()),
        }
    }

    pub(crate) fn truth(&mut self, truth: bool) {
        self.head(SIMPLE, if truth { TRUE } else { FALSE });
    }

    pub(crate) fn null(&mut self) {
        self.head(SIMPLE, NULL);
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let [.., b4, b5, b6, b7] = argument.to_be_bytes();
        match argument {
            0..24 => self.put(&[major | b7]),
            24..0x100 => self.put(&[major | 24, b7]),
            0x100..0x1_0000 => self.put(&[major | 25, b6, b7]),
            0x1_0000..0x1_0000_0000 => self.put(&[major | 26, b4, b5, b6, b7]),
            _ => {
                self.put(&[major | 27]);
                self.put(&argument.to_be_bytes());
            }
        }
    }

    /// Moves by itself, so that the old place is dropped, and erased, as a whole.
    fn put(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let larger = self.0.capacity().saturating_mul(2).max(needed).max(FIRST);
            let mut larger = Zeroizing::new(Vec::with_capacity(larger));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_erases_what_it_leaves_never_moves_by_itself() {
        let mut writer = Writer::default();
        let mut all = Vec::new();
        for n in 0..100_u8 {
            let (place, capacity) = (writer.0.as_ptr(), writer.0.capacity());
            let fits = writer.0.len() + 70 <= capacity;
            writer.put(&[n; 70]);
            all.extend([n; 70]);
            // Otherwise it moved to a place of its own, and the old one was dropped as a whole.
            assert!(!fits || (writer.0.as_ptr(), writer.0.capacity()) == (place, capacity));
        }
        assert_eq!(*writer.finish(), all);
    }
}
