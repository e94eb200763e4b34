//! What it costs a peer to find its own mail among everybody's: hints of all envelopes of a bucket, asked of every key.
//!
//! Natively and in a browser (`cargo xtask bench ether` runs both and prints the ratio); each prints one line for that.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark is a host"
)]

use std::hint::black_box;

use komrade_crypto::outer::{DetectionKey, HINT_BYTES, NONCE_BYTES, OuterKey};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

#[cfg(not(target_arch = "wasm32"))]
use std::time::Instant;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{Instant, console_log as println, wasm_bindgen_test};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Spaces of the peer, each with one key.
const SPACES: usize = 200;
/// Envelopes in its bucket.
const ENVELOPES: usize = 10_000;
/// Of them one in so many is for the peer.
const OWN: usize = 100;
/// Times that everything is scanned.
const ROUNDS: usize = 7;

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn scan() {
    let mut chance = ChaCha20Rng::seed_from_u64(1);
    let keys: Vec<DetectionKey> = (0..SPACES)
        .map(|_| OuterKey::draw(&mut chance).detection())
        .collect();
    let envelopes: Vec<_> = (0..ENVELOPES)
        .map(|number| {
            let (mut nonce, mut hint) = ([0; NONCE_BYTES], [0; HINT_BYTES]);
            chance.fill_bytes(&mut nonce);
            chance.fill_bytes(&mut hint);
            if let Some(key) = keys.get(number / OWN).filter(|_| number % OWN == 0) {
                hint = key.hint(&nonce);
            }
            (nonce, hint)
        })
        .collect();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            let found = envelopes.iter().filter(|(nonce, hint)| {
                let mut keys = black_box(&keys).iter();
                keys.any(|key| key.matches(nonce, hint))
            });
            assert_eq!(found.count(), ENVELOPES / OWN);
            started.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times.get(ROUNDS / 2).copied().unwrap_or_default();
    println!("scan of {ENVELOPES} envelopes for {SPACES} spaces: {median:.3} ms");
}

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    scan();
}
