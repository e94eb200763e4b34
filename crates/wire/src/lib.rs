//! What a browser and its relay say to each other over one WebSocket, and how two nodes greet each other through them.
//!
//! The formats do no I/O, read no clock and draw no randomness of their own.

pub mod control;
pub mod header;
