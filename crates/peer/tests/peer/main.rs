//! Engines in a small deterministic world, from the first key to the last acknowledgement.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod again;
mod conversation;
mod hostile;
mod kill;
mod meeting;
mod nodes;
mod removing;
mod trouble;
mod vault;
mod weeks;
mod world;
