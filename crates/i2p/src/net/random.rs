//! Randomness of the operating system: this part of the crate is a host.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::DestinationKeys;

/// The operating system has none to give.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoRandomness;

#[expect(
    clippy::disallowed_methods,
    reason = "routers and sessions are run by hosts"
)]
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|_| NoRandomness)
}

/// New keys for a session that nobody finds again.
pub(super) fn destination_keys() -> Result<DestinationKeys, NoRandomness> {
    let mut seed = Zeroizing::new([0; 32]);
    fill(seed.as_mut())?;
    Ok(DestinationKeys::generate(&mut ChaCha20Rng::from_seed(
        *seed,
    )))
}

/// A part of one, evenly spread; 0 if there is no randomness.
pub(super) fn fraction() -> f64 {
    let mut bytes = [0; 4];
    let _ = fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}
