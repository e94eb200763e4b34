//! IndexedDB keeps the promises of the trait in a real browser, in a dedicated worker, where the engine lives.
#![cfg(all(feature = "testing", target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "indexeddb/fixture.rs"]
mod fixture;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
