//! Size classes: the only lengths an envelope can have.

use crate::{HEADER_BYTES, LENGTH_BYTES};

/// What the seal of an ordinary envelope adds to the padded content: the tag of AES-256-GCM.
pub const SEAL_BYTES: usize = 16;
/// What the seal of an intro adds: the X-Wing encapsulation (1,120 bytes) and the tag.
pub const INTRO_SEAL_BYTES: usize = 1_120 + SEAL_BYTES;

/// The size of a whole envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Size {
    /// 2 KiB: a short message.
    K2 = 0,
    /// 4 KiB: a message with its first contact, or a long one.
    K4 = 1,
    /// 8 KiB: the largest that a peer on a metered line still takes first.
    K8 = 2,
    /// 16 KiB.
    K16 = 3,
    /// 64 KiB: a picture, or many slices of a group's seed.
    K64 = 4,
}

impl Size {
    /// All sizes, smallest first.
    pub const ALL: [Self; 5] = [Self::K2, Self::K4, Self::K8, Self::K16, Self::K64];

    /// The length of the whole envelope, in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::K2 => 2 * 1024,
            Self::K4 => 4 * 1024,
            Self::K8 => 8 * 1024,
            Self::K16 => 16 * 1024,
            Self::K64 => 64 * 1024,
        }
    }
}

/// A part of the sizes, for whoever pays for each byte: the smaller ones first, the others when there
/// is room for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Part {
    /// Up to [`Size::K8`].
    Smaller = 0,
    /// All others.
    Larger = 1,
}

impl Part {
    /// Whether a size belongs to it.
    pub fn holds(self, size: Size) -> bool {
        (size <= Size::K8) == (self == Self::Smaller)
    }

    pub(crate) fn decode(byte: u8) -> Option<Self> {
        [Self::Smaller, Self::Larger]
            .into_iter()
            .find(|part| *part as u8 == byte)
    }
}

/// The class of an envelope: its size, and whether it is an intro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class {
    /// How large the whole is.
    pub size: Size,
    /// For first contact only: sealed to a prekey, and the hint carries that prekey's week.
    pub intro: bool,
}

impl Class {
    /// The bit of the class byte that marks an intro; the rest is the size.
    const INTRO_BIT: u8 = 0x80;

    /// An ordinary envelope of this size.
    pub const fn ordinary(size: Size) -> Self {
        Self { size, intro: false }
    }

    /// An intro of this size.
    pub const fn intro(size: Size) -> Self {
        Self { size, intro: true }
    }

    /// The smallest class that holds `content` bytes; `None` if not even the largest does.
    pub fn smallest_for(content: usize, intro: bool) -> Option<Self> {
        let fits = |class: &Self| content <= class.capacity();
        Size::ALL
            .map(|size| Self { size, intro })
            .into_iter()
            .find(fits)
    }

    /// The bytes of content that fit at most.
    pub const fn capacity(self) -> usize {
        self.padded_bytes() - LENGTH_BYTES
    }

    /// The length of the padded content, as it goes into the seal.
    pub const fn padded_bytes(self) -> usize {
        self.ciphertext_bytes() - self.seal_bytes()
    }

    /// The length of everything after the header.
    pub const fn ciphertext_bytes(self) -> usize {
        self.size.bytes() - HEADER_BYTES
    }

    /// What the seal adds: [`SEAL_BYTES`] or [`INTRO_SEAL_BYTES`].
    pub const fn seal_bytes(self) -> usize {
        if self.intro {
            INTRO_SEAL_BYTES
        } else {
            SEAL_BYTES
        }
    }

    /// The class as a byte of the header.
    pub(crate) const fn encode(self) -> u8 {
        let flag = if self.intro { Self::INTRO_BIT } else { 0 };
        self.size as u8 | flag
    }

    /// The class of such a byte; `None` if this version knows none.
    pub(crate) fn decode(byte: u8) -> Option<Self> {
        let size = *Size::ALL.get(usize::from(byte & !Self::INTRO_BIT))?;
        Some(Self {
            size,
            intro: byte & Self::INTRO_BIT != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_class_byte_means_one_class_or_none() {
        let known: Vec<u8> = (0..=u8::MAX)
            .filter(|byte| Class::decode(*byte).is_some())
            .collect();
        assert_eq!(known, [0, 1, 2, 3, 4, 0x80, 0x81, 0x82, 0x83, 0x84]);
        assert!(
            known
                .iter()
                .all(|byte| Class::decode(*byte).map(Class::encode) == Some(*byte))
        );
    }

    #[test]
    fn capacities_are_frozen() {
        let capacities = |intro| Size::ALL.map(|size| Class { size, intro }.capacity());
        assert_eq!(capacities(false), [2_000, 4_048, 8_144, 16_336, 65_488]);
        assert_eq!(capacities(true), [880, 2_928, 7_024, 15_216, 64_368]);
    }

    #[test]
    fn the_smallest_class_changes_exactly_at_each_capacity() {
        for intro in [false, true] {
            assert_eq!(
                Class::smallest_for(0, intro),
                Some(Class {
                    size: Size::K2,
                    intro
                })
            );
            let larger = Size::ALL.into_iter().skip(1).map(Some).chain([None]);
            for (size, next) in Size::ALL.into_iter().zip(larger) {
                let class = Class { size, intro };
                let next = next.map(|size| Class { size, intro });
                assert_eq!(
                    Class::smallest_for(class.capacity() - 1, intro),
                    Some(class)
                );
                assert_eq!(Class::smallest_for(class.capacity(), intro), Some(class));
                assert_eq!(Class::smallest_for(class.capacity() + 1, intro), next);
            }
            assert_eq!(Class::smallest_for(usize::MAX, intro), None);
        }
    }
}
