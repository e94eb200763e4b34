//! Which devices a seed is for, as one hash.
//!
//! It covers persons, their admissions and their devices, not their leaf keys: those change weekly,
//! and only another set of members forces another seed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Space;
use crate::{SUITE, derive, identity::PersonId, labels};

/// The most devices that one seed is for: 75 envelopes of 64 KiB.
pub const MAX_DEVICES: usize = 4_096;

const MEMBER_BYTES: usize = 32 * 3;

/// One device of one member.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Whose.
    pub person: PersonId,
    /// The id of the operation that admitted the person: who was removed and comes back is another
    /// member.
    pub admission: [u8; 32],
    /// The device's public key.
    pub device: [u8; 32],
}

crate::redacted!(Member);

/// Two members who compute the same one mean the same devices. Public within the space.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemberRoot(pub [u8; 32]);

crate::redacted!(MemberRoot);

/// There is no such set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MembersError {
    /// The same device twice, whether for one person or for two.
    #[error("a device twice")]
    Duplicate,
    /// Nobody, or more than [`MAX_DEVICES`].
    #[error("{0} devices")]
    Count(usize),
}

impl MemberRoot {
    /// Of every circle: its writer alone knows who reads.
    pub const CIRCLE: Self = Self([0; 32]);

    /// Of a collective. The order does not matter.
    ///
    /// # Errors
    /// See [`MembersError`].
    pub fn of(
        space: &Space,
        members: impl IntoIterator<Item = Member>,
    ) -> Result<Self, MembersError> {
        let mut members: Vec<_> = members.into_iter().take(MAX_DEVICES + 1).collect();
        let count = members.len();
        if count == 0 || count > MAX_DEVICES {
            return Err(MembersError::Count(count));
        }
        members.sort_unstable_by_key(|member| member.device);
        let twice = |pair: &[Member]| matches!(pair, [one, other] if one.device == other.device);
        if members.windows(2).any(twice) {
            return Err(MembersError::Duplicate);
        }
        members.sort_unstable();
        let mut listed = Vec::with_capacity(count * MEMBER_BYTES);
        for member in &members {
            listed.extend_from_slice(&member.person.0);
            listed.extend_from_slice(&member.admission);
            listed.extend_from_slice(&member.device);
        }
        Ok(Self(derive::hash(
            labels::GROUP_MEMBERS,
            &[&[SUITE], &space.encode(), &listed],
        )))
    }
}
