//! A real relay on a real port, and members' ends of the WebSocket.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod client;
mod control;
mod network;
mod proxy;
mod starting;
mod tree;
