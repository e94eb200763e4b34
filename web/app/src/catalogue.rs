//! Every text a person reads, and nothing else.
//!
//! Screens name a text by a constant or a typed function; they hold no words of their own (a test
//! reads their sources and holds that line). One language is one module with the same names:
//! `english` is the first. How numbers, times and spans are written belongs to the language too.
//!
//! The voice: short, plain, warm, exact. What happened, what is safe, what to do. No exclamation
//! marks, no blame, numbers and names instead of adjectives.

mod english;

pub use english::*;

#[cfg(test)]
mod tests;
