//! The envelope.
//!
//! Layout, big-endian:
//!
//! | bytes | field |
//! |---|---|
//! | 1 | version |
//! | 1 | class: size in the low bits, bit 7 for an intro |
//! | 2 | bucket |
//! | 4 | expiry day |
//! | 12 | nonce |
//! | 8 | hint; of an intro: week of the prekey (4) and random bytes (4) |
//! | rest | ciphertext |
//!
//! The first 28 bytes are the associated data of the seal. Nothing follows the ciphertext, and the whole has
//! exactly the size of its class.

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Bucket, Class, Day, ExpiryError, Size, day};

/// The version of the envelope made here.
pub const VERSION: u8 = 1;
/// The length of a header, in bytes.
pub const HEADER_BYTES: usize = 1 + 1 + 2 + 4 + 12 + 8;
/// The smallest envelope, in bytes.
pub const MIN_ENVELOPE_BYTES: usize = Size::K2.bytes();
/// The largest envelope, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = Size::K64.bytes();

/// What everybody who carries an envelope can read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its size, and whether it is an intro.
    pub class: Class,
    /// The code of the shard of a node in which it is kept: see [`Header::in_bucket`].
    pub bucket: u16,
    /// At the start of this day it may be thrown away.
    pub expiry: Day,
    /// The nonce of the seal (of an intro: random, and part of the associated data only).
    pub nonce: [u8; 12],
    /// By this the recipient finds it. See [`IntroHint`] for that of an intro.
    pub hint: [u8; 8],
}

impl Header {
    /// The one encoding; associated data of the seal.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let [b0, b1] = self.bucket.to_be_bytes();
        let [e0, e1, e2, e3] = self.expiry.0.to_be_bytes();
        let [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11] = self.nonce;
        let [h0, h1, h2, h3, h4, h5, h6, h7] = self.hint;
        let class = self.class.encode();
        [
            VERSION, class, b0, b1, e0, e1, e2, e3, n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10,
            n11, h0, h1, h2, h3, h4, h5, h6, h7,
        ]
    }

    /// Reads a header: the version first, since all else depends on it.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, EnvelopeError> {
        let &[
            version,
            class,
            b0,
            b1,
            e0,
            e1,
            e2,
            e3,
            n0,
            n1,
            n2,
            n3,
            n4,
            n5,
            n6,
            n7,
            n8,
            n9,
            n10,
            n11,
            h0,
            h1,
            h2,
            h3,
            h4,
            h5,
            h6,
            h7,
        ] = bytes;
        if version != VERSION {
            return Err(EnvelopeError::UnknownVersion(version));
        }
        Ok(Self {
            class: Class::decode(class).ok_or(EnvelopeError::UnknownClass(class))?,
            bucket: u16::from_be_bytes([b0, b1]),
            expiry: Day(u32::from_be_bytes([e0, e1, e2, e3])),
            nonce: [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11],
            hint: [h0, h1, h2, h3, h4, h5, h6, h7],
        })
    }

    /// The bucket in which it is kept.
    pub fn in_bucket(&self) -> Bucket {
        Bucket::from_code(self.bucket)
    }

    /// Whether the envelope may be taken and kept on this day.
    pub fn check_expiry(&self, today: Day) -> Result<(), ExpiryError> {
        day::check(self.expiry, today)
    }

    /// What the hint says if this is an intro.
    pub fn intro_hint(&self) -> Option<IntroHint> {
        self.class.intro.then(|| IntroHint::decode(self.hint))
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

/// The hint of an intro: the recipient tries one prekey, that of the week.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IntroHint {
    /// The number of the week in which the prekey was made.
    pub week: u32,
    /// So that two hints of one week differ as others do.
    pub random: [u8; 4],
}

impl IntroHint {
    /// As it stands in the header.
    pub fn encode(self) -> [u8; 8] {
        let [w0, w1, w2, w3] = self.week.to_be_bytes();
        let [r0, r1, r2, r3] = self.random;
        [w0, w1, w2, w3, r0, r1, r2, r3]
    }

    /// Reads it.
    pub fn decode(hint: [u8; 8]) -> Self {
        let [w0, w1, w2, w3, random @ ..] = hint;
        Self {
            week: u32::from_be_bytes([w0, w1, w2, w3]),
            random,
        }
    }
}

impl fmt::Debug for IntroHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntroHint([redacted])")
    }
}

/// SHA-256 of all bytes of an envelope.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvelopeId(pub [u8; 32]);

impl EnvelopeId {
    /// The id of these bytes, whether they are an envelope or not.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Debug for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvelopeId([redacted])")
    }
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Shorter than the smallest one.
    #[error("{0} bytes are too short for an envelope")]
    TooShort(usize),
    /// Longer than the largest one.
    #[error("{0} bytes are too long for an envelope")]
    TooLong(usize),
    /// Made by another version.
    #[error("unknown version {0} of an envelope")]
    UnknownVersion(u8),
    /// A class that this version does not know.
    #[error("unknown class {0} of an envelope")]
    UnknownClass(u8),
    /// Not the size of its class.
    #[error("{got} bytes where the class has {expected}")]
    WrongSize {
        /// The size of the class.
        expected: usize,
        /// The size it has.
        got: usize,
    },
}

/// A sealed, padded envelope: what travels and what others keep.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    header: Header,
    /// All of it, with the encoded header in front: exactly the size of the class.
    bytes: Vec<u8>,
}

impl Envelope {
    /// Puts a header and what was sealed under it together. `ciphertext` must have exactly
    /// [`Class::ciphertext_bytes`].
    pub fn new(header: Header, ciphertext: &[u8]) -> Result<Self, EnvelopeError> {
        let expected = header.class.size.bytes();
        let got = HEADER_BYTES.saturating_add(ciphertext.len());
        if got != expected {
            return Err(EnvelopeError::WrongSize { expected, got });
        }
        Ok(Self {
            header,
            bytes: [&header.encode(), ciphertext].concat(),
        })
    }

    /// Takes bytes that came from elsewhere. Whether it has expired is asked of
    /// [`Header::check_expiry`].
    pub fn decode(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLong(bytes.len()));
        }
        let (header, _) = bytes
            .split_first_chunk()
            .ok_or(EnvelopeError::TooShort(bytes.len()))?;
        let header = Header::decode(header)?;
        if bytes.len() < MIN_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooShort(bytes.len()));
        }
        let expected = header.class.size.bytes();
        if bytes.len() != expected {
            return Err(EnvelopeError::WrongSize {
                expected,
                got: bytes.len(),
            });
        }
        Ok(Self { header, bytes })
    }

    /// What everybody can read.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What only the recipient can open; the associated data is the encoded header.
    pub fn ciphertext(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// All of it, as it travels and is kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All of it, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Its id.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId::of(&self.bytes)
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("class", &self.header.class)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// An envelope with nothing random in it.
    pub(crate) fn example(class: Class) -> Envelope {
        let hint = if class.intro {
            IntroHint {
                week: 2_951,
                random: [0xf0, 0xf1, 0xf2, 0xf3],
            }
            .encode()
        } else {
            [0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7]
        };
        let header = Header {
            class,
            bucket: 0x0102,
            expiry: Day(20_780),
            nonce: [
                0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
            ],
            hint,
        };
        Envelope::new(header, &vec![0xc5; class.ciphertext_bytes()]).unwrap()
    }

    /// Any header.
    pub(crate) fn headers() -> impl Strategy<Value = Header> {
        (
            0..5_usize,
            any::<bool>(),
            any::<u16>(),
            any::<u32>(),
            any::<[u8; 12]>(),
            any::<[u8; 8]>(),
        )
            .prop_map(|(size, intro, bucket, expiry, nonce, hint)| Header {
                class: Class {
                    size: Size::ALL[size],
                    intro,
                },
                bucket,
                expiry: Day(expiry),
                nonce,
                hint,
            })
    }

    pub(crate) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn headers_are_frozen() {
        assert_eq!(
            hex(&example(Class::ordinary(Size::K8)).header.encode()),
            "010201020000512ca0a1a2a3a4a5a6a7a8a9aaabe0e1e2e3e4e5e6e7"
        );
        assert_eq!(
            hex(&example(Class::intro(Size::K4)).header.encode()),
            "018101020000512ca0a1a2a3a4a5a6a7a8a9aaab00000b87f0f1f2f3"
        );
    }

    #[test]
    fn ids_are_frozen() {
        let ids = Size::ALL.map(|size| hex(&example(Class::ordinary(size)).id().0));
        // Computed by another program.
        let expected = [
            "a55871e10853a93a6d0eb20455c8229462b1cd064d1a3245a4ff8a480b3b8abc",
            "7305e52d38716aeb8076ca5180dfb86af9bc0f8255065637ff904ea92e9c1a7a",
            "230a9bc6396d1ed3681304759bc95ec9433e7896f90e115285e25775cb199153",
            "6c92c38dea67d9f10a73225599a759bb324b3bf87459e8ffe0c5f23a64ddf3d9",
            "c7ca54c4490bb1a4a80ad1bb7c52e3d7f65f43532a5080c3b9c612e1fb447fb5",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn every_class_has_exactly_its_size_and_comes_back() {
        for intro in [false, true] {
            for size in Size::ALL {
                let envelope = example(Class { size, intro });
                assert_eq!(envelope.as_bytes().len(), size.bytes());
                assert_eq!(
                    envelope.ciphertext().len(),
                    envelope.header.class.ciphertext_bytes()
                );
                assert_eq!(
                    Envelope::decode(envelope.clone().into_bytes()),
                    Ok(envelope)
                );
            }
        }
    }

    #[test]
    fn the_hint_of_an_intro_names_the_week() {
        let intro = example(Class::intro(Size::K4));
        assert_eq!(
            intro.header().intro_hint().map(|hint| hint.week),
            Some(2_951)
        );
        assert_eq!(
            example(Class::ordinary(Size::K4)).header().intro_hint(),
            None
        );
    }

    #[test]
    fn a_ciphertext_of_another_length_makes_no_envelope() {
        let header = *example(Class::ordinary(Size::K2)).header();
        for length in [0, 2_019, 2_021, 4_068] {
            let wrong = EnvelopeError::WrongSize {
                expected: 2_048,
                got: length + 28,
            };
            assert_eq!(Envelope::new(header, &vec![0; length]), Err(wrong));
        }
    }

    #[test]
    fn each_defect_has_its_own_error() {
        let good = example(Class::ordinary(Size::K4)).into_bytes();
        let with = |position: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[position] = byte;
            Envelope::decode(bytes)
        };
        assert_eq!(
            Envelope::decode(Vec::new()),
            Err(EnvelopeError::TooShort(0))
        );
        assert_eq!(
            Envelope::decode(good[..27].to_vec()),
            Err(EnvelopeError::TooShort(27))
        );
        assert_eq!(
            Envelope::decode(good[..2_047].to_vec()),
            Err(EnvelopeError::TooShort(2_047))
        );
        assert_eq!(
            Envelope::decode(vec![1; 65_537]),
            Err(EnvelopeError::TooLong(65_537))
        );
        assert_eq!(with(0, 0), Err(EnvelopeError::UnknownVersion(0)));
        assert_eq!(with(0, 2), Err(EnvelopeError::UnknownVersion(2)));
        assert_eq!(with(1, 5), Err(EnvelopeError::UnknownClass(5)));
        assert_eq!(with(1, 0x41), Err(EnvelopeError::UnknownClass(0x41)));
        let wrong = |expected, got| Err(EnvelopeError::WrongSize { expected, got });
        assert_eq!(with(1, 0), wrong(2_048, 4_096));
        assert_eq!(
            Envelope::decode(good[..4_095].to_vec()),
            wrong(4_096, 4_095)
        );
    }

    #[test]
    fn nothing_that_identifies_is_printed() {
        let envelope = example(Class::ordinary(Size::K2));
        let class = "Class { size: K2, intro: false }";
        assert_eq!(
            format!("{envelope:?}"),
            format!("Envelope {{ class: {class}, .. }}")
        );
        assert_eq!(
            format!("{:?}", envelope.header()),
            format!("Header {{ class: {class}, .. }}")
        );
        assert_eq!(format!("{:?}", envelope.id()), "EnvelopeId([redacted])");
    }

    proptest! {
        #[test]
        fn headers_round_trip(header in headers()) {
            prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
        }

        #[test]
        fn header_bytes_have_one_meaning(bytes in any::<[u8; HEADER_BYTES]>(), class in 0..5_u8) {
            let mut bytes = bytes;
            bytes[0] = VERSION;
            bytes[1] = class | (bytes[1] & 0x80);
            prop_assert_eq!(Header::decode(&bytes).unwrap().encode(), bytes);
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_kept_as_they_are(
            start in prop::collection::vec(any::<u8>(), 0..64),
            length in prop_oneof![0..70_000_usize, Just(2_048_usize), Just(65_536_usize)],
            good_start in any::<bool>(),
        ) {
            let mut bytes = if good_start { vec![VERSION, 0] } else { Vec::new() };
            bytes.extend(start);
            bytes.resize(length, 0x5a);
            if let Ok(envelope) = Envelope::decode(bytes.clone()) {
                prop_assert_eq!(envelope.as_bytes(), bytes.as_slice());
            }
        }
    }
}
