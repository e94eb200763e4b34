//! The vault.
/// A job for Argon2id.
#[derive(Debug)]
pub struct StretchJob;
