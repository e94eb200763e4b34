//! The rules of a node, one by one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod forward;
mod house;
mod link;
mod place;
mod put;
mod random;
mod reconcile;
mod world;
