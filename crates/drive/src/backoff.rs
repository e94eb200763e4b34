//! The pauses between attempts to reach the relay.

use rand_core::CryptoRng;

use crate::limits::{FIRST_PAUSE, LONGEST_PAUSE};

/// Doubling pauses, each shortened by up to a half, so that the members of a relay that comes back do not all
/// arrive at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How many attempts failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked, or the person asks for it.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Pauses are the longest from now on.
    pub(crate) fn slowest(&mut self) {
        self.failures = self.failures.max(16);
    }

    /// An attempt failed: the pause until the next one, in milliseconds.
    pub(crate) fn failed(&mut self, rng: &mut impl CryptoRng) -> u64 {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        pause - u64::from(rng.next_u32()) % (pause / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn pauses_double_up_to_two_minutes_and_start_anew() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        for expected in [1, 2, 4, 8, 16, 32, 64, 120, 120] {
            let pause = backoff.failed(&mut rng);
            assert!(
                (expected * 500..=expected * 1_000).contains(&pause),
                "{pause}"
            );
        }
        assert_eq!(backoff.failures(), 9);
        backoff.reset();
        assert!(backoff.failed(&mut rng) <= FIRST_PAUSE);
        backoff.slowest();
        assert!(backoff.failed(&mut rng) >= LONGEST_PAUSE / 2);
    }
}
