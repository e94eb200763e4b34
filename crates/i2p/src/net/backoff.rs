//! Waiting longer after each failure, never in step with others.

use std::time::Duration;

use super::random;

/// Doubling waits between two bounds, each shortened by up to a quarter at random.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first,
        }
    }

    /// How long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.most);
        // Without randomness many would come back at once; that is all that is lost.
        wait - wait.mul_f64(random::fraction() / 4.0)
    }

    /// The last attempt succeeded.
    pub(super) const fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Whole seconds for a screen, rounded up.
pub(super) fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_start_again() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        for whole in [1, 2, 4, 5, 5] {
            let wait = backoff.wait();
            let whole = Duration::from_secs(whole);
            assert!(
                wait <= whole && wait >= whole.mul_f64(0.749),
                "{wait:?} of {whole:?}"
            );
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_secs(1));
        assert_eq!(seconds(Duration::from_millis(1_001)), 2);
    }
}
