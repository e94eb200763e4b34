//! The rules of the lease and the form in which it is kept, the same in every store.

use crate::{LEASE_MILLIS, Lease, LeaseOutcome};

/// The length of a kept lease, in bytes.
const BYTES: usize = 16 + 8 + 8 + 1;

/// What is kept of the lease. It is never removed, so that fence numbers only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    lease: Lease,
    renewed_at: u64,
    held: bool,
}

impl Kept {
    /// Takes or renews the lease: what to keep, and what to answer. Nothing changes unless it is held then.
    pub(crate) fn take(
        kept: Option<Self>,
        owner: [u8; 16],
        now: u64,
        force: bool,
    ) -> (Option<Self>, LeaseOutcome) {
        let held = kept.filter(|kept| kept.held);
        let lease = match held {
            Some(held) if held.lease.owner == owner => held.lease,
            // A clock that was set back must not lock everybody out until it catches up: so the distance counts.
            Some(Self { renewed_at, .. }) if !force && now.abs_diff(renewed_at) < LEASE_MILLIS => {
                return (kept, LeaseOutcome::HeldElsewhere { renewed_at });
            }
            _ => {
                let last = kept.map_or(0, |kept| kept.lease.fence);
                Lease {
                    owner,
                    fence: last.saturating_add(1),
                }
            }
        };
        let kept = Self {
            lease,
            renewed_at: now,
            held: true,
        };
        (Some(kept), LeaseOutcome::Held(lease))
    }

    /// Gives it back; `None` if somebody else holds it by now and nothing is to change.
    pub(crate) fn release(kept: Option<Self>, lease: Lease) -> Option<Self> {
        let kept = kept.filter(|kept| kept.allows(lease))?;
        Some(Self {
            held: false,
            ..kept
        })
    }

    /// Whether the holder of this lease may write.
    pub(crate) fn allows(&self, lease: Lease) -> bool {
        self.held && self.lease == lease
    }

    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(self.lease.owner);
        bytes.extend(self.lease.fence.to_be_bytes());
        bytes.extend(self.renewed_at.to_be_bytes());
        bytes.push(self.held.into());
        bytes
    }

    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (owner, rest) = bytes.split_first_chunk()?;
        let (fence, rest) = rest.split_first_chunk()?;
        let (renewed_at, rest) = rest.split_first_chunk()?;
        let [held @ 0..=1] = rest else { return None };
        Some(Self {
            lease: Lease {
                owner: *owner,
                fence: u64::from_be_bytes(*fence),
            },
            renewed_at: u64::from_be_bytes(*renewed_at),
            held: *held == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_form_is_frozen() {
        let lease = Lease {
            owner: [0xab; 16],
            fence: 258,
        };
        let kept = Kept {
            lease,
            renewed_at: 1_795_392_000_000,
            held: true,
        };
        let expected = [
            vec![0xab; 16],
            vec![0, 0, 0, 0, 0, 0, 1, 2],
            vec![0, 0, 1, 0xa2, 0x05, 0xb3, 0xd0, 0],
            vec![1],
        ]
        .concat();
        assert_eq!(kept.encode(), expected);
        assert_eq!(Kept::decode(&expected), Some(kept));
        for length in 0..expected.len() {
            assert_eq!(
                Kept::decode(expected.get(..length).unwrap_or_default()),
                None
            );
        }
        assert_eq!(Kept::decode(&[expected.as_slice(), &[0]].concat()), None);
    }

    #[test]
    fn a_clock_that_was_set_back_frees_the_lease_in_time() {
        let (kept, _) = Kept::take(None, [1; 16], 1_000_000, false);
        let at = |now| Kept::take(kept, [2; 16], now, false).1;
        assert_eq!(
            at(1_000_000 - LEASE_MILLIS + 1),
            LeaseOutcome::HeldElsewhere {
                renewed_at: 1_000_000
            }
        );
        assert!(matches!(
            at(1_000_000 - LEASE_MILLIS),
            LeaseOutcome::Held(_)
        ));
    }
}
