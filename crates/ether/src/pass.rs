//! What a put brings so that a node takes it: a token, work, both or neither.
//!
//! It travels beside the envelope, not in it: flags (1; bit 0 token, bit 1 work, others 0), token (16) if there is one,
//! work (day 4, nonce 8) if there is some.

use std::fmt;

use crate::{Day, Work};

const TOKEN_FLAG: u8 = 1;
const WORK_FLAG: u8 = 2;

/// The longest pass, in bytes.
pub(crate) const MAX_PASS_BYTES: usize = 1 + 16 + 4 + 8;

/// What a relay's members hand to those who may put: one for the whole node, changed monthly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token(pub [u8; 16]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// Token and work of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pass {
    /// Excuses a stranger from work, but for intros.
    pub token: Option<Token>,
    /// Excuses from the token; every intro needs it.
    pub work: Option<Work>,
}

impl Pass {
    /// As it travels.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut flags = 0;
        let mut bytes = vec![0];
        if let Some(token) = self.token {
            flags |= TOKEN_FLAG;
            bytes.extend(token.0);
        }
        if let Some(work) = self.work {
            flags |= WORK_FLAG;
            bytes.extend(work.day.0.to_be_bytes());
            bytes.extend(work.nonce.to_be_bytes());
        }
        if let Some(first) = bytes.first_mut() {
            *first = flags;
        }
        bytes
    }

    /// Reads it from the front; the rest follows.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), PassError> {
        let (&flags, mut rest) = bytes.split_first().ok_or(PassError::TooShort)?;
        if flags & !(TOKEN_FLAG | WORK_FLAG) != 0 {
            return Err(PassError::UnknownFlags(flags));
        }
        let mut pass = Self::default();
        if flags & TOKEN_FLAG != 0 {
            let (token, after) = rest.split_first_chunk().ok_or(PassError::TooShort)?;
            pass.token = Some(Token(*token));
            rest = after;
        }
        if flags & WORK_FLAG != 0 {
            let (day, after) = rest.split_first_chunk().ok_or(PassError::TooShort)?;
            let (nonce, after) = after.split_first_chunk().ok_or(PassError::TooShort)?;
            pass.work = Some(Work {
                day: Day(u32::from_be_bytes(*day)),
                nonce: u64::from_be_bytes(*nonce),
            });
            rest = after;
        }
        Ok((pass, rest))
    }
}

/// Why bytes begin with no pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassError {
    TooShort,
    UnknownFlags(u8),
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    pub(crate) fn passes() -> impl Strategy<Value = Pass> {
        let work = (any::<u32>(), any::<u64>()).prop_map(|(day, nonce)| Work {
            day: Day(day),
            nonce,
        });
        (prop::option::of(any::<[u8; 16]>()), prop::option::of(work)).prop_map(|(token, work)| {
            Pass {
                token: token.map(Token),
                work,
            }
        })
    }

    #[test]
    fn the_bytes_are_frozen() {
        let token = Some(Token([7; 16]));
        let work = Some(Work {
            day: Day(20_750),
            nonce: 0x0102_0304_0506_0708,
        });
        let mut both = vec![3];
        both.extend([7; 16]);
        both.extend([0, 0, 0x51, 0x0e, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Pass { token, work }.encode(), both);
        assert_eq!(Pass::default().encode(), [0]);
        assert_eq!(both.len(), MAX_PASS_BYTES);
    }

    #[test]
    fn unknown_flags_are_refused() {
        for flags in 4..=u8::MAX {
            assert_eq!(
                Pass::decode(&[flags; 40]),
                Err(PassError::UnknownFlags(flags))
            );
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", Token([7; 16])), "Token([redacted])");
    }

    proptest! {
        #[test]
        fn passes_round_trip(pass in passes(), after in prop::collection::vec(any::<u8>(), 0..9)) {
            let bytes = [pass.encode(), after.clone()].concat();
            prop_assert_eq!(Pass::decode(&bytes), Ok((pass, after.as_slice())));
            for length in 0..pass.encode().len() {
                prop_assert_eq!(Pass::decode(&bytes[..length]), Err(PassError::TooShort));
            }
        }
    }
}
