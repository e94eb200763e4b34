//! What one side has of the other's operations.
//!
//! A CBOR map: 1 the number up to which everything was received or is lost; 2 what was received beyond; 3 what is wanted
//! again; 4 and 5 from which number on, and by which tags, what was received is named; 6 up to where a number alone says
//! nothing. Ranges are a flat array: first, last, first, last … in rising order; tags are one byte string. 4, 5 and 6 are
//! absent where there is nothing to say.
//!
//! A device that was copied, or set back to an older state, gives out numbers a second time. Whether *its* operation of a
//! number came, or that of its other half, only the tags tell.

use thiserror::Error;

use crate::{
    OperationId,
    cbor::{FieldError, Map, Writer, number},
};

/// The most ranges of each sort in one acknowledgement. More wait for the next: the first ones matter most.
pub const MAX_RANGES: usize = 32;
/// The most tags in one acknowledgement: 2 KB, and only of a device that was copied lately.
pub const MAX_TAGS: usize = 256;
/// The longest acknowledgement, in bytes: two full lists of ranges, all tags, and room for newer fields.
pub const MAX_ACKNOWLEDGEMENT_BYTES: usize = 4 * 1_024;

const UP_TO: u64 = 1;
const BEYOND: u64 = 2;
const WANTED: u64 = 3;
const NAMED_FROM: u64 = 4;
const TAGS: u64 = 5;
const COPIED_UP_TO: u64 = 6;

/// Bytes of a tag.
const TAG_BYTES: usize = 8;

/// The first bytes of an operation's id: two operations of one device that share them are not to be expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub [u8; TAG_BYTES]);

impl From<OperationId> for Tag {
    fn from(id: OperationId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = id.0;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tag([redacted])")
    }
}

/// Numbers in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first of them.
    pub first: u64,
    /// The last of them, not below the first.
    pub last: u64,
}

impl Range {
    /// Whether the number is one of them.
    pub fn contains(self, sequence: u64) -> bool {
        (self.first..=self.last).contains(&sequence)
    }

    /// How many they are.
    pub fn count(self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// What one side has of the operations of one of the other's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Everything from 1 to this was received; 0: nothing.
    pub up_to: u64,
    /// Received beyond that, in rising order, at most [`MAX_RANGES`].
    pub beyond: Vec<Range>,
    /// To be sent again, in rising order, at most [`MAX_RANGES`].
    pub wanted: Vec<Range>,
    /// Whatever was received from this number on has its tag among `tags`; of no meaning if there are none.
    pub named_from: u64,
    /// Of operations that were received, at most [`MAX_TAGS`]. Among them what comes right before each gap, for it alone can say of
    /// whom everything before it is: what follows it, and names it, is missing.
    pub tags: Vec<Tag>,
    /// Up to here the device has used numbers twice: there only a tag says that an operation was received; 0: nowhere.
    pub copied_up_to: u64,
}

/// Why bytes are no acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AcknowledgementError {
    /// Longer than [`MAX_ACKNOWLEDGEMENT_BYTES`].
    #[error("an acknowledgement of {0} bytes")]
    TooLong(usize),
    /// No CBOR map with distinct numbers as keys, or something follows it.
    #[error("not a map of numbered fields")]
    Malformed,
    /// A field is missing.
    #[error("field {0} is missing")]
    Missing(u64),
    /// A field has a type that it cannot have.
    #[error("field {0} is bad")]
    BadField(u64),
    /// More than [`MAX_RANGES`] of one sort.
    #[error("{0} ranges")]
    TooManyRanges(usize),
    /// More than [`MAX_TAGS`].
    #[error("{0} tags")]
    TooManyTags(usize),
    /// Ranges that overlap, run backwards, or lie among what was received without a gap.
    #[error("ranges out of order")]
    BadRanges,
}

impl From<FieldError> for AcknowledgementError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Missing(field) => Self::Missing(field),
            FieldError::Bad(field) => Self::BadField(field),
        }
    }
}

impl Acknowledgement {
    /// Whether the operation of this number was received.
    pub fn covers(&self, sequence: u64) -> bool {
        self.covers_all(Range {
            first: sequence,
            last: sequence,
        })
    }

    /// Whether the operations of all these numbers were received. However many they are, it costs the same.
    pub fn covers_all(&self, numbers: Range) -> bool {
        let first = numbers.first.max(self.up_to.saturating_add(1));
        let mut beyond = self.beyond.iter();
        numbers.last <= self.up_to
            || beyond.any(|it| it.contains(first) && it.contains(numbers.last))
    }

    /// The highest number of all that was received.
    pub fn highest(&self) -> u64 {
        self.beyond.last().map_or(self.up_to, |range| range.last)
    }

    /// Whether the tag of the operation that was received under this number is here.
    pub fn names(&self, sequence: u64) -> bool {
        let mut ends = self.beyond.iter().map(|range| range.last);
        let is_end = sequence == self.up_to || ends.any(|end| end == sequence);
        let is_named = is_end || (sequence >= self.named_from && self.covers(sequence));
        !self.tags.is_empty() && is_named
    }

    /// Whether this very operation was received.
    pub fn has(&self, tag: Tag) -> bool {
        self.tags.contains(&tag)
    }

    /// Whether the operation of this number is to be sent again.
    pub fn wants(&self, sequence: u64) -> bool {
        self.wanted.iter().any(|range| range.contains(sequence))
    }

    /// As it travels, inside something encrypted. Ranges past [`MAX_RANGES`] are left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let (has_tags, is_copied) = (!self.tags.is_empty(), self.copied_up_to > 0);
        writer.map(3 + 2 * usize::from(has_tags) + usize::from(is_copied));
        writer.number(UP_TO);
        writer.number(self.up_to);
        for (field, ranges) in [(BEYOND, &self.beyond), (WANTED, &self.wanted)] {
            writer.number(field);
            writer.array(2 * ranges.len().min(MAX_RANGES));
            for range in ranges.iter().take(MAX_RANGES) {
                writer.number(range.first);
                writer.number(range.last);
            }
        }
        if has_tags {
            writer.number(NAMED_FROM);
            writer.number(self.named_from);
            writer.number(TAGS);
            let tags: Vec<u8> = self.tags.iter().flat_map(|tag| tag.0).collect();
            writer.bytes(&tags);
        }
        if is_copied {
            writer.number(COPIED_UP_TO);
            writer.number(self.copied_up_to);
        }
        writer.into_vec()
    }

    /// Reads one that came from elsewhere.
    pub fn decode(bytes: &[u8]) -> Result<Self, AcknowledgementError> {
        if bytes.len() > MAX_ACKNOWLEDGEMENT_BYTES {
            return Err(AcknowledgementError::TooLong(bytes.len()));
        }
        let mut map = Map::read(bytes).ok_or(AcknowledgementError::Malformed)?;
        let up_to = map.number(UP_TO)?;
        let beyond = read_ranges(&mut map, BEYOND, up_to)?;
        let wanted = read_ranges(&mut map, WANTED, up_to)?;
        let tags = read_tags(&mut map)?;
        let named_from = match tags.is_empty() {
            true => 0,
            false => map.number(NAMED_FROM)?,
        };
        let copied_up_to = map.optional(COPIED_UP_TO, |value| number(&value))?;
        Ok(Self {
            up_to,
            beyond,
            wanted,
            named_from,
            tags,
            copied_up_to: copied_up_to.unwrap_or(0),
        })
    }
}

fn read_tags(map: &mut Map) -> Result<Vec<Tag>, AcknowledgementError> {
    let bytes = map.optional(TAGS, |value| value.into_bytes().ok())?;
    let bytes = bytes.unwrap_or_default();
    let (tags, rest) = bytes.as_chunks::<TAG_BYTES>();
    if !rest.is_empty() {
        return Err(AcknowledgementError::BadField(TAGS));
    }
    if tags.len() > MAX_TAGS {
        return Err(AcknowledgementError::TooManyTags(tags.len()));
    }
    Ok(tags.iter().copied().map(Tag).collect())
}

fn read_ranges(map: &mut Map, field: u64, up_to: u64) -> Result<Vec<Range>, AcknowledgementError> {
    let numbers = map
        .optional(field, |value| {
            value.into_array().ok()?.iter().map(number).collect()
        })?
        .unwrap_or_else(Vec::<u64>::new);
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(AcknowledgementError::BadField(field));
    }
    if pairs.len() > MAX_RANGES {
        return Err(AcknowledgementError::TooManyRanges(pairs.len()));
    }
    let mut end = up_to;
    let mut ranges = Vec::with_capacity(pairs.len());
    for &[first, last] in pairs {
        if first <= end || last < first {
            return Err(AcknowledgementError::BadRanges);
        }
        end = last;
        ranges.push(Range { first, last });
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn range(first: u64, last: u64) -> Range {
        Range { first, last }
    }

    fn raw(up_to: u64, beyond: &[u64], wanted: &[u64]) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(3);
        writer.number(1);
        writer.number(up_to);
        for (field, numbers) in [(2, beyond), (3, wanted)] {
            writer.number(field);
            writer.array(numbers.len());
            numbers.iter().for_each(|number| writer.number(*number));
        }
        writer.into_vec()
    }

    #[test]
    fn the_bytes_are_frozen() {
        let beyond = vec![range(7, 9), range(300, 300)];
        let acknowledgement = Acknowledgement {
            up_to: 5,
            beyond,
            wanted: vec![range(6, 6)],
            ..Acknowledgement::default()
        };
        let expected = [
            0xa3, 1, 5, 2, 0x84, 7, 9, 0x19, 1, 0x2c, 0x19, 1, 0x2c, 3, 0x82, 6, 6,
        ];
        assert_eq!(acknowledgement.encode(), expected);
        assert_eq!(Acknowledgement::decode(&expected), Ok(acknowledgement));
        assert_eq!(
            Acknowledgement::default().encode(),
            [0xa3, 1, 0, 2, 0x80, 3, 0x80]
        );
        let named = Acknowledgement {
            up_to: 5,
            named_from: 4,
            tags: vec![Tag([7; 8]), Tag([8; 8])],
            copied_up_to: 3,
            ..Acknowledgement::default()
        };
        let expected = [
            0xa6, 1, 5, 2, 0x80, 3, 0x80, 4, 4, 5, 0x50, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8,
            8, 8, 6, 3,
        ];
        assert_eq!(named.encode(), expected);
        assert_eq!(Acknowledgement::decode(&expected), Ok(named));
    }

    #[test]
    fn it_answers_for_each_number() {
        let acknowledgement = Acknowledgement {
            up_to: 5,
            beyond: vec![range(8, 9)],
            wanted: vec![range(6, 7)],
            named_from: 9,
            tags: vec![Tag([4; 8])],
            copied_up_to: 0,
        };
        let covered: Vec<_> = (0..12).filter(|n| acknowledgement.covers(*n)).collect();
        assert_eq!(covered, [0, 1, 2, 3, 4, 5, 8, 9]);
        let wanted: Vec<_> = (0..12).filter(|n| acknowledgement.wants(*n)).collect();
        assert_eq!(wanted, [6, 7]);
        let named: Vec<_> = (0..12).filter(|n| acknowledgement.names(*n)).collect();
        assert_eq!(named, [5, 9], "right before a gap, or from there on");
        assert!(acknowledgement.has(Tag([4; 8])) && !acknowledgement.has(Tag([5; 8])));
        assert_eq!(acknowledgement.highest(), 9);
        for first in 1..12 {
            for last in first..12 {
                let all = (first..=last).all(|n| acknowledgement.covers(n));
                let range = Range { first, last };
                assert_eq!(acknowledgement.covers_all(range), all, "{range:?}");
            }
        }
        // Nobody counts them one by one.
        let last = u64::MAX;
        assert!(!acknowledgement.covers_all(Range { first: 1, last }));
        let without = Acknowledgement {
            tags: Vec::new(),
            beyond: Vec::new(),
            ..acknowledgement
        };
        assert!(!without.names(5));
        assert_eq!(without.highest(), 5);
        assert_eq!(range(6, 7).count(), 2);
        assert_eq!(range(0, u64::MAX).count(), u64::MAX);
    }

    #[test]
    fn each_defect_has_its_own_error() {
        let decode = |bytes: &[u8]| Acknowledgement::decode(bytes).unwrap_err();
        assert_eq!(decode(&[0; 4_097]), AcknowledgementError::TooLong(4_097));
        assert_eq!(decode(&[0x80]), AcknowledgementError::Malformed);
        assert_eq!(decode(&[0xa0]), AcknowledgementError::Missing(1));
        assert_eq!(decode(&[0xa1, 1, 0x40]), AcknowledgementError::BadField(1));
        assert_eq!(
            decode(&[0xa2, 1, 1, 2, 3]),
            AcknowledgementError::BadField(2)
        );
        assert_eq!(
            decode(&raw(5, &[7], &[])),
            AcknowledgementError::BadField(2)
        );
        for bad in [&[5, 7][..], &[8, 7], &[7, 9, 9, 10], &[7, 9, 6, 6], &[0, 1]] {
            assert_eq!(decode(&raw(5, bad, &[])), AcknowledgementError::BadRanges);
            assert_eq!(decode(&raw(5, &[], bad)), AcknowledgementError::BadRanges);
        }
        let many: Vec<u64> = (10..10 + 33 * 4).step_by(2).collect();
        assert_eq!(
            decode(&raw(5, &many, &[])),
            AcknowledgementError::TooManyRanges(33)
        );
        let tagged = |bytes: &[u8]| {
            let mut writer = Writer::default();
            writer.map(2);
            writer.number(1);
            writer.number(1);
            writer.number(5);
            writer.bytes(bytes);
            writer.into_vec()
        };
        assert_eq!(decode(&tagged(&[0; 9])), AcknowledgementError::BadField(5));
        assert_eq!(decode(&tagged(&[0; 8])), AcknowledgementError::Missing(4));
        let many = [0; 8 * (MAX_TAGS + 1)];
        assert_eq!(
            decode(&tagged(&many)),
            AcknowledgementError::TooManyTags(257)
        );
    }

    #[test]
    fn newer_fields_are_skipped_and_absent_lists_are_empty() {
        let expected = Acknowledgement {
            up_to: 4,
            ..Acknowledgement::default()
        };
        assert_eq!(
            Acknowledgement::decode(&[0xa2, 1, 4, 9, 0xf6]),
            Ok(expected)
        );
    }

    #[test]
    fn the_largest_fits_and_what_is_too_much_is_left_out() {
        let ranges: Vec<_> = (0..40)
            .map(|n| range(u64::MAX - 200 + 2 * n, u64::MAX - 200 + 2 * n))
            .collect();
        let all = Acknowledgement {
            up_to: 1,
            beyond: ranges.clone(),
            wanted: ranges,
            named_from: u64::MAX,
            tags: vec![Tag([9; 8]); MAX_TAGS],
            copied_up_to: u64::MAX,
        };
        assert!(all.encode().len() < MAX_ACKNOWLEDGEMENT_BYTES);
        assert_eq!(
            Acknowledgement::decode(&all.encode()).unwrap().beyond.len(),
            MAX_RANGES
        );
    }

    fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((1..1_000_u64, 0..1_000_u64), 0..=MAX_RANGES)
    }

    proptest! {
        #[test]
        fn acknowledgements_round_trip(
            up_to in 0..u64::MAX / 2,
            lists in (ranges(), ranges()),
            tags in prop::collection::vec(any::<[u8; 8]>(), 0..=MAX_TAGS),
            (from, copied_up_to) in any::<(u64, u64)>(),
        ) {
            let rising = |list: Vec<(u64, u64)>| {
                let mut end = up_to;
                let mut next = |(gap, more): (u64, u64)| {
                    let first = end + gap;
                    end = first + more;
                    Range { first, last: end }
                };
                list.into_iter().map(&mut next).collect::<Vec<_>>()
            };
            let all = Acknowledgement {
                up_to,
                beyond: rising(lists.0),
                wanted: rising(lists.1),
                named_from: if tags.is_empty() { 0 } else { from },
                tags: tags.into_iter().map(Tag).collect(),
                copied_up_to,
            };
            prop_assert_eq!(Acknowledgement::decode(&all.encode()), Ok(all));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Acknowledgement::decode(&bytes);
        }
    }
}
