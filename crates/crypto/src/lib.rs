//! komrade-crypto
pub mod vault;
