//! Work: what a put costs whoever has no token, and every intro.
//!
//! SHA-256("komrade/work/v1" ‖ envelope id ‖ node key ‖ day (4) ‖ nonce (8)) must begin with enough zero bits. It is
//! bound to one envelope, one node and one day, so it can be neither bought in advance nor used twice.

use sha2::{Digest, Sha256};

use crate::{Day, EnvelopeId, NodeKey, Size};

/// Zero bits asked by default: 65,536 hashes on average, some tens of milliseconds in a browser.
pub const WORK_BITS: u8 = 16;
/// The most bits a node asks, and a sender spends: 16 million hashes, some tens of seconds on a phone.
pub const MAX_WORK_BITS: u8 = 24;
/// How many days work is still good: clocks disagree, and a forward may wait a day for its home.
pub const WORK_DAYS_BEFORE: u32 = 2;
/// How many days ahead work may be dated: clocks disagree.
pub const WORK_DAYS_AHEAD: u32 = 1;

const LABEL: &[u8] = b"komrade/work/v1";

/// Work done for one envelope, one node and one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The day for which it was done.
    pub day: Day,
    /// What was found.
    pub nonce: u64,
}

impl Work {
    /// Whether it is work of at least `bits` for this envelope and node, and good `today`.
    pub fn is_enough(&self, id: &EnvelopeId, node: &NodeKey, bits: u8, today: Day) -> bool {
        let earliest = today.0.saturating_sub(WORK_DAYS_BEFORE);
        let latest = today.plus(WORK_DAYS_AHEAD).0;
        (earliest..=latest).contains(&self.day.0)
            && zero_bits(&start(id, node, self.day), self.nonce) >= u32::from(bits)
    }
}

/// Bits that a size adds to the work of whoever has no token: twice the room, twice the work.
pub fn size_bits(size: Size) -> u32 {
    (size.bytes() / Size::K2.bytes()).ilog2()
}

/// Tries the nonces from `from_nonce` on, `tries` of them; the first that is enough. The caller goes on with
/// `from_nonce + tries`, so that a browser can do other things between.
pub fn search(
    id: &EnvelopeId,
    node: &NodeKey,
    day: Day,
    bits: u8,
    from_nonce: u64,
    tries: u32,
) -> Option<u64> {
    let start = start(id, node, day);
    (0..u64::from(tries))
        .map(|step| from_nonce.wrapping_add(step))
        .find(|nonce| zero_bits(&start, *nonce) >= u32::from(bits))
}

/// The hash of everything before the nonce.
fn start(id: &EnvelopeId, node: &NodeKey, day: Day) -> Sha256 {
    Sha256::new()
        .chain_update(LABEL)
        .chain_update(id.0)
        .chain_update(node.0)
        .chain_update(day.0.to_be_bytes())
}

fn zero_bits(start: &Sha256, nonce: u64) -> u32 {
    let hash = start.clone().chain_update(nonce.to_be_bytes()).finalize();
    let mut zeros = 0;
    for byte in hash {
        zeros += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    zeros
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const ID: EnvelopeId = EnvelopeId([1; 32]);
    const NODE: NodeKey = NodeKey([2; 32]);
    const TODAY: Day = Day(20_750);

    fn work(day: Day, bits: u8) -> Work {
        let nonce = search(&ID, &NODE, day, bits, 0, u32::MAX).unwrap();
        Work { day, nonce }
    }

    #[test]
    fn the_found_nonces_are_frozen() {
        // Computed by another program.
        assert_eq!(work(TODAY, 8).nonce, 1_132);
        assert_eq!(work(TODAY, 16).nonce, 114_989);
    }

    #[test]
    fn found_work_is_enough_for_its_envelope_node_and_bits_alone() {
        let work = work(TODAY, 12);
        assert!(work.is_enough(&ID, &NODE, 12, TODAY));
        assert!(work.is_enough(&ID, &NODE, 0, TODAY));
        assert!(!work.is_enough(&ID, &NODE, 30, TODAY));
        assert!(!work.is_enough(&EnvelopeId([3; 32]), &NODE, 12, TODAY));
        assert!(!work.is_enough(&ID, &NodeKey([3; 32]), 12, TODAY));
        let later = Work {
            day: TODAY.plus(1),
            ..work
        };
        assert!(!later.is_enough(&ID, &NODE, 12, TODAY));
    }

    #[test]
    fn work_is_good_from_two_days_before_to_one_after() {
        for (day, good) in [(-3, false), (-2, true), (0, true), (1, true), (2, false)] {
            let day = Day(TODAY.0.checked_add_signed(day).unwrap());
            assert_eq!(work(day, 4).is_enough(&ID, &NODE, 4, TODAY), good);
        }
        assert!(work(Day(0), 4).is_enough(&ID, &NODE, 4, Day(0)));
        assert!(work(Day(u32::MAX), 4).is_enough(&ID, &NODE, 4, Day(u32::MAX)));
    }

    #[test]
    fn a_search_in_slices_finds_what_one_search_finds() {
        let whole = search(&ID, &NODE, TODAY, 12, 0, u32::MAX).unwrap();
        let mut from = 0;
        let found = loop {
            match search(&ID, &NODE, TODAY, 12, from, 100) {
                Some(nonce) => break nonce,
                None => from += 100,
            }
        };
        assert_eq!(found, whole);
        assert_eq!(search(&ID, &NODE, TODAY, 12, 0, 0), None);
    }
}
