//! When to draw a seed, which one to send under, how long each is good for, who answers: pure
//! functions.
//!
//! The age of a seed counts from the day that its author wrote, or from the day on which this device
//! first saw it if that is earlier: a day of the future prolongs nothing.

use rand_core::CryptoRng;

use super::{Commit, MemberRoot};
use crate::{derive, labels};

/// From this age on, in days, a seed invites another one.
pub const INVITE_DAYS: u32 = 7;
/// Up to this age, in days, content is sealed under a seed.
pub const USABLE_DAYS: u32 = 14;
/// Up to this age, in days, the seed itself is kept, and with it content that was sealed under it: what
/// was put on the last usable day lies in the ether for 32 days at most.
pub const CONTENT_DAYS: u32 = USABLE_DAYS + 32;
/// Up to this age, in days, [`LastingKeys`](super::LastingKeys) are kept.
pub const LASTING_DAYS: u32 = 60;
/// The longest that the author of a seed waits before it sends one, in milliseconds: whoever sees
/// another's valid one meanwhile sends none.
pub const MAX_WAIT_MILLIS: u32 = 10 * 60 * 1_000;
/// The same after a removal, and if the person wants new keys at once.
pub const MAX_URGENT_WAIT_MILLIS: u32 = 60 * 1_000;

/// What a seed is still good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Send under it.
    Fresh,
    /// Send under it; it is time for another.
    Aging,
    /// Only read under it, and answer who misses it.
    Reading,
    /// Only [`LastingKeys`](super::LastingKeys) are left: erase the seed and its ratchets.
    Lasting,
    /// Erase them, too.
    Gone,
}

/// What a seed of this age is good for.
pub fn phase(since: u32, today: u32) -> Phase {
    let age = today.saturating_sub(since);
    let last_days = [
        (INVITE_DAYS - 1, Phase::Fresh),
        (USABLE_DAYS, Phase::Aging),
        (CONTENT_DAYS, Phase::Reading),
        (LASTING_DAYS, Phase::Lasting),
    ];
    let phase = last_days.into_iter().find(|(last, _)| age <= *last);
    phase.map_or(Phase::Gone, |(_, phase)| phase)
}

/// A seed that this device has and accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub commit: Commit,
    /// Whom it is for.
    pub root: MemberRoot,
    /// The day from which its age counts.
    pub since: u32,
    /// Of two the later one has more: when it was drawn, as far as its author can be believed. What the author says of the
    /// future, the caller brings down to the present: or one seed of a clock that is ahead would be chosen before all that
    /// follow. Devices may differ in that, and then send under different seeds, which all of them read.
    pub height: u64,
}

/// Which seed to send under: usable, for exactly the members that this device computes now, latest by
/// height, of concurrent ones the lowest commitment. All who know the same seeds choose the same.
/// `None`: nothing may be sent before there is another seed.
pub fn choose<'a>(
    candidates: impl IntoIterator<Item = &'a Candidate>,
    ours: &MemberRoot,
    today: u32,
) -> Option<&'a Candidate> {
    candidates
        .into_iter()
        .filter(|seed| seed.root == *ours && phase(seed.since, today) <= Phase::Aging)
        .max_by_key(|seed| (seed.height, core::cmp::Reverse(seed.commit)))
}

/// Whether to draw a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reseed {
    /// No.
    No,
    /// It would be good: draw one together with the next message, after a wait.
    Invited,
    /// Nothing can be sent without: the members changed, or all seeds are too old.
    Forced,
}

/// Whether to draw a seed. Leaf keys have no say in it, so that their weekly change makes no storm.
pub fn reseed<'a>(
    candidates: impl IntoIterator<Item = &'a Candidate>,
    ours: &MemberRoot,
    today: u32,
) -> Reseed {
    match choose(candidates, ours, today).map(|seed| phase(seed.since, today)) {
        Some(Phase::Fresh) => Reseed::No,
        Some(_) => Reseed::Invited,
        None => Reseed::Forced,
    }
}

/// How long to wait before a seed is drawn and sent, in milliseconds: 0 to [`MAX_WAIT_MILLIS`], evenly;
/// [`MAX_URGENT_WAIT_MILLIS`] after a removal or for "lock now".
pub fn wait_millis(urgent: bool, rng: &mut (impl CryptoRng + ?Sized)) -> u32 {
    let longest = if urgent {
        MAX_URGENT_WAIT_MILLIS
    } else {
        MAX_WAIT_MILLIS
    };
    // Of 64 bits, so that no value is likelier than another by more than one in 10^13.
    u32::try_from(rng.next_u64() % (u64::from(longest) + 1)).unwrap_or(longest)
}

/// How many of the others answer a question before this device does: they stand in the order of a hash
/// that is another for each question, so that nobody always carries the load. The first answers at
/// once, the others stand by.
pub fn turn<'a>(
    question: &[u8; 32],
    mine: &[u8; 32],
    others: impl IntoIterator<Item = &'a [u8; 32]>,
) -> usize {
    let rank = |device: &[u8; 32]| derive::hash(labels::GROUP_ANSWER, &[question, device]);
    let mine = rank(mine);
    others
        .into_iter()
        .filter(|device| rank(device) < mine)
        .count()
}
