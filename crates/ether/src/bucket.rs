//! Buckets: how a node's envelopes are divided.
//!
//! A bucket is a number of 0 to [`MAX_BITS`] bits, and its code knows how many. The lowest set bit of the code is a
//! marker; the bits above it are the number:
//!
//! | bits | code |
//! |---|---|
//! | 0, the whole node | `0` as written; `0x8000` means the same |
//! | 1 to 15 | `(number << (16 - bits)) | (1 << (15 - bits))` |
//!
//! So after a halving, what was put to the old number is told from what was put to either half. The codes are the
//! in-order numbers of a binary tree: a bucket and everything in it are neighbours, which one range of keys covers.

use std::ops::RangeInclusive;

/// The most bits a bucket has: the marker takes one of sixteen.
pub const MAX_BITS: u8 = 15;

/// A shard of a node's envelopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket(
    /// The code with its marker, never 0: it orders as the tree does.
    u16,
);

impl Bucket {
    /// The whole node, in zero bits.
    pub const WHOLE: Self = Self(0x8000);

    /// The bucket of this number; `None` if there are more than [`MAX_BITS`] or the number has more.
    pub const fn new(number: u16, bits: u8) -> Option<Self> {
        if bits > MAX_BITS || (number >> bits) != 0 {
            return None;
        }
        if bits == 0 {
            return Some(Self::WHOLE);
        }
        Some(Self((number << (16 - bits)) | (1 << (15 - bits))))
    }

    /// The bucket of a code in a header or frame. Every code means one.
    pub const fn from_code(code: u16) -> Self {
        if code == 0 { Self::WHOLE } else { Self(code) }
    }

    /// As it is written in headers and frames.
    pub const fn code(self) -> u16 {
        if self.0 == Self::WHOLE.0 { 0 } else { self.0 }
    }

    /// How many bits its number has.
    pub const fn bits(self) -> u8 {
        match self.0.trailing_zeros() {
            zeros @ 0..=15 => MAX_BITS - zeros as u8,
            _ => 0,
        }
    }

    /// Its number, below 2 to the power of [`Self::bits`].
    pub const fn number(self) -> u16 {
        match self.bits() {
            0 => 0,
            bits => self.0 >> (16 - bits),
        }
    }

    /// The two buckets it is halved into; `None` if it has [`MAX_BITS`] already.
    pub fn halves(self) -> Option<[Self; 2]> {
        let (bits, twice) = (self.bits() + 1, self.number() << 1);
        Some([Self::new(twice, bits)?, Self::new(twice | 1, bits)?])
    }

    /// The bucket of which it is a half; `None` if it is the whole node.
    pub const fn parent(self) -> Option<Self> {
        match self.bits() {
            0 => None,
            bits => Self::new(self.number() >> 1, bits - 1),
        }
    }

    /// Itself, or the bucket of at most so many bits in which it lies.
    #[must_use]
    pub fn within(self, bits: u8) -> Self {
        let mut bucket = self;
        while bucket.bits() > bits {
            match bucket.parent() {
                Some(parent) => bucket = parent,
                None => break,
            }
        }
        bucket
    }

    /// Whether one of the two lies in the other, or they are the same.
    pub fn overlaps(self, other: Self) -> bool {
        self.holds(other) || other.holds(self)
    }

    /// Whether `other` is this one or lies in it.
    pub fn holds(self, other: Self) -> bool {
        self.inside().contains(&other.0)
    }

    /// The ordered codes of itself and of all that lies in it.
    fn inside(self) -> RangeInclusive<u16> {
        let marker = self.0 & self.0.wrapping_neg();
        let start = self.0 ^ marker;
        (start | 1)..=(start | marker | (marker - 1))
    }

    /// The ordered codes of everything that overlaps it: one range for what it holds, and one for each bucket in
    /// which it lies.
    pub(crate) fn overlapping(self) -> Vec<RangeInclusive<u16>> {
        let mut ranges = vec![self.inside()];
        let mut bucket = self;
        while let Some(parent) = bucket.parent() {
            ranges.push(parent.0..=parent.0);
            bucket = parent;
        }
        ranges
    }

    /// The code by which keys order.
    pub(crate) const fn ordered(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    pub(crate) fn buckets() -> impl Strategy<Value = Bucket> {
        prop_oneof![
            any::<u16>().prop_map(Bucket::from_code),
            // Few bits are what nodes have.
            (0..8_u16).prop_map(|number| Bucket::from_code(number << 13)),
        ]
    }

    #[test]
    fn codes_are_frozen() {
        let code = |number, bits| Bucket::new(number, bits).unwrap().code();
        assert_eq!(code(0, 0), 0);
        assert_eq!([code(0, 1), code(1, 1)], [0x4000, 0xc000]);
        assert_eq!(
            [code(0, 2), code(1, 2), code(2, 2), code(3, 2)],
            [0x2000, 0x6000, 0xa000, 0xe000]
        );
        assert_eq!(code(5, 3), 0xb000);
        assert_eq!([code(0, 15), code(1, 15), code(0x7fff, 15)], [1, 3, 0xffff]);
        assert_eq!(Bucket::from_code(0x8000), Bucket::WHOLE);
        assert_eq!(Bucket::from_code(0), Bucket::WHOLE);
    }

    #[test]
    fn every_code_means_one_bucket() {
        for code in 0..=u16::MAX {
            let bucket = Bucket::from_code(code);
            assert_eq!(Bucket::new(bucket.number(), bucket.bits()), Some(bucket));
            if code != 0x8000 {
                assert_eq!(bucket.code(), code);
            }
        }
    }

    #[test]
    fn too_many_bits_or_too_large_a_number_make_none() {
        assert_eq!(Bucket::new(0, 16), None);
        assert_eq!(Bucket::new(1, 0), None);
        assert_eq!(Bucket::new(2, 1), None);
        assert_eq!(Bucket::new(0x8000, 15), None);
        assert_eq!(Bucket::new(0, 15).unwrap().halves(), None);
        assert_eq!(Bucket::WHOLE.parent(), None);
    }

    #[test]
    fn everything_overlaps_the_whole_and_halves_do_not_overlap() {
        let [low, high] = Bucket::WHOLE.halves().unwrap();
        for code in 0..=u16::MAX {
            let bucket = Bucket::from_code(code);
            assert!(bucket.overlaps(Bucket::WHOLE) && Bucket::WHOLE.overlaps(bucket));
            assert_eq!(
                bucket.overlaps(low) && bucket.overlaps(high),
                bucket == Bucket::WHOLE
            );
        }
    }

    proptest! {
        #[test]
        fn overlap_means_that_one_number_begins_with_the_other(a in buckets(), b in buckets()) {
            let bits = a.bits().min(b.bits());
            let begins = a.number() >> (a.bits() - bits) == b.number() >> (b.bits() - bits);
            prop_assert_eq!(a.overlaps(b), begins);
            prop_assert_eq!(b.overlaps(a), begins);
            let ranges = a.overlapping();
            prop_assert_eq!(ranges.iter().filter(|range| range.contains(&b.ordered())).count(), usize::from(begins));
        }

        #[test]
        fn halves_and_parent_are_opposites(bucket in buckets()) {
            if let Some(halves) = bucket.halves() {
                for half in halves {
                    prop_assert_eq!(half.parent(), Some(bucket));
                    prop_assert!(bucket.holds(half) && !half.holds(bucket));
                }
                prop_assert!(!halves[0].overlaps(halves[1]));
            }
        }

        #[test]
        fn within_cuts_to_so_many_bits(bucket in buckets(), bits in 0..=MAX_BITS) {
            let cut = bucket.within(bits);
            prop_assert_eq!(cut.bits(), bucket.bits().min(bits));
            prop_assert!(cut.holds(bucket));
        }
    }
}
