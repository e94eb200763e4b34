//! Padding: length (4 bytes, big-endian) ‖ content ‖ zeros.
//!
//! It lies inside the seal, so nobody outside can touch it. Opening checks it all the same, and looks at every
//! byte whatever it finds, so that time tells nothing about where the content ends.

use thiserror::Error;

/// The length in front of the content, in bytes.
pub const LENGTH_BYTES: usize = 4;

/// Why content cannot be padded, or padding not be taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PaddingError {
    /// The content does not fit.
    #[error("content of {content} bytes in a padded length of {padded}")]
    TooLong {
        /// The length of the content.
        content: usize,
        /// The padded length asked for.
        padded: usize,
    },
    /// Too short to hold even the length.
    #[error("padded content of {0} bytes")]
    TooShort(usize),
    /// The length points beyond the end, or the padding is not zero.
    #[error("bad padding")]
    Bad,
}

/// Pads `content` to exactly `padded` bytes, usually [`Class::padded_bytes`](crate::Class::padded_bytes).
pub fn pad(content: &[u8], padded: usize) -> Result<Vec<u8>, PaddingError> {
    let too_long = PaddingError::TooLong {
        content: content.len(),
        padded,
    };
    let length = u32::try_from(content.len()).map_err(|_| too_long)?;
    if padded
        .checked_sub(LENGTH_BYTES)
        .is_none_or(|room| content.len() > room)
    {
        return Err(too_long);
    }
    // The capacity is exact: growing would leave copies of the content behind.
    let mut bytes = Vec::with_capacity(padded);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(padded, 0);
    Ok(bytes)
}

/// The content of padded bytes.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PaddingError> {
    let (length, rest) = padded
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or(PaddingError::TooShort(padded.len()))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| PaddingError::Bad)?;
    let mut stray = 0;
    for (position, byte) in rest.iter().enumerate() {
        let mask = 0_u8.wrapping_sub(u8::from(position >= length));
        stray |= byte & mask;
    }
    let content = rest.get(..length).ok_or(PaddingError::Bad)?;
    if stray == 0 {
        Ok(content)
    } else {
        Err(PaddingError::Bad)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::{Class, Size};

    #[test]
    fn content_comes_back_at_every_boundary_of_every_class() {
        for intro in [false, true] {
            for size in Size::ALL {
                let class = Class { size, intro };
                for length in [0, 1, class.capacity() - 1, class.capacity()] {
                    // Zeros as content are the hard case: they look like padding.
                    for fill in [0, 0xa5] {
                        let content = vec![fill; length];
                        let padded = pad(&content, class.padded_bytes()).unwrap();
                        assert_eq!(padded.len(), class.padded_bytes());
                        assert_eq!(unpad(&padded), Ok(content.as_slice()));
                    }
                }
                let content = vec![0; class.capacity() + 1];
                assert!(matches!(
                    pad(&content, class.padded_bytes()),
                    Err(PaddingError::TooLong { .. })
                ));
            }
        }
    }

    #[test]
    fn the_bytes_are_frozen() {
        assert_eq!(
            pad(b"abc", 10).unwrap(),
            [0, 0, 0, 3, b'a', b'b', b'c', 0, 0, 0]
        );
        assert_eq!(pad(b"", 4).unwrap(), [0; 4]);
    }

    #[test]
    fn one_set_bit_anywhere_in_the_padding_is_refused() {
        let padded = pad(b"abc", 40).unwrap();
        for position in LENGTH_BYTES + 3..padded.len() {
            let mut bad = padded.clone();
            bad[position] = 0x10;
            assert_eq!(unpad(&bad), Err(PaddingError::Bad));
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        for length in [5_u32, 6, u32::MAX] {
            let bytes = [length.to_be_bytes(), [0; 4]].concat();
            assert_eq!(unpad(&bytes), Err(PaddingError::Bad));
        }
        assert_eq!(unpad(&[0; 3]), Err(PaddingError::TooShort(3)));
        assert_eq!(
            pad(b"", 3),
            Err(PaddingError::TooLong {
                content: 0,
                padded: 3
            })
        );
    }

    proptest! {
        #[test]
        fn whatever_unpads_is_the_padding_of_its_content(
            bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..64),
        ) {
            if let Ok(content) = unpad(&bytes) {
                prop_assert_eq!(pad(content, bytes.len()).unwrap(), bytes);
            }
        }
    }
}
