//! The screens of Komrade.

mod bridge;

fn main() {}
