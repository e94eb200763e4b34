//! What a browser and its relay say to each other over one WebSocket, and how two nodes greet each other
//! through them.
//!
//! From the outside in:
//! 1. [`websocket`]: the binary messages of a WebSocket as one stream of bytes;
//! 2. [`mux`]: many streams over it (yamux), each with its own back-pressure;
//! 3. [`control`]: the first stream, on which a browser and its relay talk to each other;
//! 4. [`header`]: how every other stream begins;
//! 5. [`greeting`]: how two relays greet each other on an I2P stream;
//! 6. [`link`]: the Noise handshake and the encrypted frames between two nodes, which no relay can read;
//! 7. [`frame`]: the length prefix that all of them use.
//!
//! The formats do no I/O, read no clock and draw no randomness of their own; the asynchronous helpers run on
//! any executor. Everything an outsider can send has a bound and a distinct error.

mod fields;

pub mod control;
pub mod frame;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod greeting;
pub mod header;
pub mod link;
pub mod mux;
pub mod websocket;

pub use fields::DecodeError;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
