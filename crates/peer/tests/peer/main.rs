//! Engines in a small deterministic world, from the first key to the last acknowledgement.
//!
//! They run natively, and in a worker of a real browser, where the engine lives: all but those whose many lives,
//! frames and days take minutes there, which do not name `wasm_bindgen_test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod again;
mod burns;
mod carriers;
mod catching_up;
mod circle;
mod circle_bounds;
mod circle_kill;
#[cfg(feature = "collectives")]
mod collective;
#[cfg(feature = "collectives")]
mod collective_kill;
#[cfg(feature = "collectives")]
mod collective_link;
#[cfg(feature = "collectives")]
mod collective_races;
#[cfg(feature = "collectives")]
mod collective_refused;
#[cfg(feature = "collectives")]
mod collective_rift;
#[cfg(feature = "collectives")]
mod collective_rules;
#[cfg(feature = "collectives")]
mod collective_split;
mod conversation;
mod copied;
mod halving;
mod homes;
mod hostile;
mod introducing;
mod kill;
mod lost;
mod meeting;
mod moving;
mod nodes;
mod queue;
#[cfg(not(target_arch = "wasm32"))]
mod redacted;
mod refused;
mod removing;
mod saver;
mod seeking;
mod seeking_harm;
mod several;
mod trouble;
mod vault;
mod weeks;
mod world;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
