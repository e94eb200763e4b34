//! Runs the comparison, natively or in a browser, and prints one line for each figure: `cargo xtask bench groups` reads them.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark is a host"
)]

#[cfg(not(target_arch = "wasm32"))]
use std::time::Instant;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{Instant, console_log as println, wasm_bindgen_test};

use komrade_bench_groups::compare;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn groups() {
    let began = Instant::now();
    let clock = || began.elapsed().as_secs_f64() * 1_000.0;
    compare(&clock, &|line| println!("{line}")).expect("what is compared works");
}

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    groups();
}
