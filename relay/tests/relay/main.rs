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
mod folder;
mod forward;
mod killed;
mod member;
mod network;
mod node;
mod proxy;
mod starting;
mod tree;
