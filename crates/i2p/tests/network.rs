//! Real routers: a private network in this process, shared by all tests, and bridges that misbehave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "network/common.rs"]
mod common;
#[path = "network/offline.rs"]
mod offline;
#[path = "network/process.rs"]
mod process;
#[path = "network/routers.rs"]
mod routers;
#[path = "network/scripted.rs"]
mod scripted;
#[path = "network/streams.rs"]
mod streams;
