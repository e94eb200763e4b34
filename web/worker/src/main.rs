//! The engine of Komrade in a Web Worker: the driver with a browser around it.
//!
//! `web/public/worker.js` starts it. Everything here talks to a browser: on other targets there is nothing,
//! so that the workspace builds.

#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod lead;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod run;
#[cfg(target_arch = "wasm32")]
mod socket;
#[cfg(target_arch = "wasm32")]
mod stretch;

/// Called by the glue as soon as the code is loaded, before anything else.
fn main() {
    #[cfg(target_arch = "wasm32")]
    page::tell_panics();
}
