//! What comes of a frame that asks to keep something: one byte, and for [`Outcome::NeedsWork`] a second.

use crate::{EnvelopeError, ExpiryError};

/// What came of a put, deposit, replica, placing or forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Kept durably.
    Accepted,
    /// Kept durably before.
    AlreadyHave,
    /// No room at the moment.
    Full,
    /// Its day has come.
    Expired,
    /// It asks to be kept longer than anything is.
    TooFar,
    /// No envelope.
    Malformed,
    /// An envelope of a version or class that is not known here.
    Foreign,
    /// Not for whoever runs here, and they keep nothing for others.
    NotForMe,
    /// Too much at once: the same later may be taken.
    Busy,
    /// Work of so many bits is due: from strangers without a token, and for every intro. The fuller it gets, the more.
    NeedsWork(u8),
    /// The work is too little, too old, or for something else.
    WrongWork,
    /// The token is none of this node, or none any more.
    WrongToken,
    /// The member's share of the room is used up, or the strangers' is.
    OverShare,
    /// Only members may, or only whoever placed it, or no longer.
    NotAllowed,
    /// Too much waits for foreign homes already.
    QueueFull,
    /// The home did not answer until the envelope expired.
    Unreachable,
    /// More bytes than any envelope has. Versions before this code take it for one that they do not know.
    TooLarge,
    /// A code that this version does not know. It comes from [`Outcome::decode`] only.
    Unknown(u8),
}

impl Outcome {
    const NEEDS_WORK: u8 = 9;

    /// Its code, the first byte that travels.
    pub fn code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::AlreadyHave => 1,
            Self::Full => 2,
            Self::Expired => 3,
            Self::TooFar => 4,
            Self::Malformed => 5,
            Self::Foreign => 6,
            Self::NotForMe => 7,
            Self::Busy => 8,
            Self::NeedsWork(_) => Self::NEEDS_WORK,
            Self::WrongWork => 10,
            Self::WrongToken => 11,
            Self::OverShare => 12,
            Self::NotAllowed => 13,
            Self::QueueFull => 14,
            Self::Unreachable => 15,
            Self::TooLarge => 16,
            Self::Unknown(code) => code,
        }
    }

    /// As it travels: one or two bytes.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::NeedsWork(bits) => vec![Self::NEEDS_WORK, bits],
            other => vec![other.code()],
        }
    }

    /// Reads all of `bytes`; `None` if they are too few or too many.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [Self::NEEDS_WORK, bits] => Some(Self::NeedsWork(bits)),
            [0] => Some(Self::Accepted),
            [1] => Some(Self::AlreadyHave),
            [2] => Some(Self::Full),
            [3] => Some(Self::Expired),
            [4] => Some(Self::TooFar),
            [5] => Some(Self::Malformed),
            [6] => Some(Self::Foreign),
            [7] => Some(Self::NotForMe),
            [8] => Some(Self::Busy),
            [10] => Some(Self::WrongWork),
            [11] => Some(Self::WrongToken),
            [12] => Some(Self::OverShare),
            [13] => Some(Self::NotAllowed),
            [14] => Some(Self::QueueFull),
            [15] => Some(Self::Unreachable),
            [16] => Some(Self::TooLarge),
            [code] if code > 16 => Some(Self::Unknown(code)),
            _ => None,
        }
    }

    /// The other side has it durably: the sender may let go of it.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Accepted | Self::AlreadyHave)
    }

    /// The same bytes may be taken later, as they are.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Full | Self::Busy | Self::OverShare | Self::QueueFull | Self::Unknown(_)
        )
    }

    /// The same envelope may be taken with another pass. If neither this nor [`Outcome::is_held`] nor
    /// [`Outcome::is_passing`], that envelope never will be, and the sender makes a new one.
    pub fn wants_pass(self) -> bool {
        matches!(
            self,
            Self::NeedsWork(_) | Self::WrongWork | Self::WrongToken
        )
    }
}

impl From<EnvelopeError> for Outcome {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::UnknownVersion(_) | EnvelopeError::UnknownClass(_) => Self::Foreign,
            EnvelopeError::TooLong(_) => Self::TooLarge,
            _ => Self::Malformed,
        }
    }
}

impl From<ExpiryError> for Outcome {
    fn from(error: ExpiryError) -> Self {
        match error {
            ExpiryError::Expired { .. } => Self::Expired,
            ExpiryError::TooFar { .. } => Self::TooFar,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// All that this version knows, in the order of their codes.
    pub(crate) const KNOWN: [Outcome; 17] = [
        Outcome::Accepted,
        Outcome::AlreadyHave,
        Outcome::Full,
        Outcome::Expired,
        Outcome::TooFar,
        Outcome::Malformed,
        Outcome::Foreign,
        Outcome::NotForMe,
        Outcome::Busy,
        Outcome::NeedsWork(16),
        Outcome::WrongWork,
        Outcome::WrongToken,
        Outcome::OverShare,
        Outcome::NotAllowed,
        Outcome::QueueFull,
        Outcome::Unreachable,
        Outcome::TooLarge,
    ];

    pub(crate) fn outcomes() -> impl Strategy<Value = Outcome> {
        (any::<u8>(), any::<u8>())
            .prop_map(|(code, bits)| Outcome::decode(&[code]).unwrap_or(Outcome::NeedsWork(bits)))
    }

    #[test]
    fn codes_are_frozen_and_mean_one_thing() {
        let codes: Vec<u8> = (0..17).collect();
        assert_eq!(KNOWN.map(Outcome::code).as_slice(), codes);
        assert_eq!(Outcome::NeedsWork(16).encode(), [9, 16]);
        for code in (0..=u8::MAX).filter(|code| *code != 9) {
            assert_eq!(Outcome::decode(&[code]).unwrap().encode(), [code]);
            assert_eq!(Outcome::decode(&[code, 0]), None);
        }
        assert_eq!(Outcome::decode(&[]), None);
        assert_eq!(Outcome::decode(&[9]), None);
        assert_eq!(Outcome::decode(&[9, 1, 2]), None);
    }

    #[test]
    fn an_outcome_asks_for_one_thing_at_most() {
        for outcome in KNOWN {
            let says = [
                outcome.is_held(),
                outcome.is_passing(),
                outcome.wants_pass(),
            ];
            assert!(says.into_iter().filter(|says| *says).count() <= 1);
        }
    }

    proptest! {
        #[test]
        fn outcomes_round_trip(outcome in outcomes()) {
            prop_assert_eq!(Outcome::decode(&outcome.encode()), Some(outcome));
        }
    }
}
