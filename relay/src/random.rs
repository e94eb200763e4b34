//! Random draws: waits, choices and secrets that nobody outside should be able to predict.

use std::io;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

/// Fills `bytes` from the operating system's source.
///
/// # Errors
/// That source fails.
#[expect(
    clippy::disallowed_methods,
    reason = "the relay is a host: this is where its randomness comes from"
)]
pub(crate) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::other)
}

/// A source for whoever wants one, seeded anew.
///
/// # Errors
/// As [`fill`].
pub(crate) fn source() -> io::Result<ChaCha20Rng> {
    let mut seed = Zeroizing::new([0; 32]);
    fill(seed.as_mut_slice())?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// A time between the two, both included, evenly distributed.
///
/// Without randomness, which the operating system has never refused so far, it is the longest.
pub(crate) fn between(shortest: Duration, longest: Duration) -> Duration {
    let span = longest.saturating_sub(shortest);
    let part = getrandom::u32().map_or(1.0, |drawn| f64::from(drawn) / f64::from(u32::MAX));
    shortest + span.mul_f64(part)
}

/// One of `0..count`; 0 if there is none.
pub(crate) fn below(count: usize) -> usize {
    let drawn = getrandom::u64().unwrap_or_default();
    // The upper half of the product is evenly distributed over 0..count.
    usize::try_from((u128::from(drawn) * (count as u128)) >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_within_their_bounds_and_differ() {
        let (shortest, longest) = (Duration::from_secs(120), Duration::from_secs(300));
        let drawn: Vec<_> = (0..100).map(|_| between(shortest, longest)).collect();
        assert!(drawn.iter().all(|time| (shortest..=longest).contains(time)));
        assert!(drawn.iter().max() > drawn.iter().min());
        assert_eq!(between(longest, longest), longest);
    }

    #[test]
    fn every_choice_comes_up() {
        let mut seen = [false; 3];
        for _ in 0..1000 {
            if let Some(seen) = seen.get_mut(below(3)) {
                *seen = true;
            }
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(below(0), 0);
    }
}
