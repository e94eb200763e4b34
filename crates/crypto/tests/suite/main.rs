//! The tests of the crate as others see it, in one program, so that a browser starts once.
//!
//! `cargo test -p komrade-crypto` runs it natively; with
//! `CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner` and `CHROMEDRIVER` set,
//! `--target wasm32-unknown-unknown` runs the same in a worker of headless Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bundle;
mod first_contact;
mod frozen;
mod frozen_group;
mod group;
mod group_attacks;
mod group_ratchet;
mod group_rules;
mod identity;
mod invite;
mod known;
mod moving;
mod outer;
mod pairwise;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
#[cfg(not(target_arch = "wasm32"))]
mod properties_group;
mod redacted;
mod vault;
mod vectors;
mod wycheproof;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

use komrade_crypto::{
    bundle::{Bundle, Content},
    first_contact::Party,
    identity::{DeviceKey, RecoveryWords},
    kem::KemSecret,
    pairwise::Account,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

/// The same numbers in every run.
pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// What every host brings along.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn nfkd(text: &str) -> Zeroizing<String> {
    Zeroizing::new(unicode_normalization::UnicodeNormalization::nfkd(text).collect())
}

/// As the worker does it.
#[cfg(target_arch = "wasm32")]
pub(crate) fn nfkd(text: &str) -> Zeroizing<String> {
    Zeroizing::new(String::from(js_sys::JsString::from(text).normalize("NFKD")))
}

/// A person with one device.
pub(crate) struct Person {
    pub(crate) words: RecoveryWords,
    pub(crate) device: DeviceKey,
    pub(crate) kem: KemSecret,
    pub(crate) account: Account,
}

impl Person {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = &mut rng(seed);
        Self {
            words: RecoveryWords::draw(rng),
            device: DeviceKey::draw(rng),
            kem: KemSecret::draw(rng),
            account: Account::new(),
        }
    }

    pub(crate) fn party(&self) -> Party {
        Party {
            person: self.words.root().person(),
            device: self.device.public(),
        }
    }

    pub(crate) fn content(&self, olm_prekey: [u8; 32]) -> Content {
        Content {
            certificate: self.words.root().certify(&self.device.public(), 20_000),
            olm_identity: self.account.identity(),
            olm_prekey,
            kem: self.kem.public(),
            week: 2_857,
            valid_until: 20_021,
            name: "Ana".to_owned(),
            homes: vec![vec![1; 100], vec![2; 50]],
        }
    }

    pub(crate) fn bundle(&mut self) -> Bundle {
        let prekey = self.account.fallback_key(2_857).unwrap();
        Bundle::sign(self.content(prekey), &self.device).unwrap()
    }
}
