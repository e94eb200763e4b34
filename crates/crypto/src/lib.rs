//! Identity, devices, first contact, pairwise sessions, envelope seals and the vault of Komrade.
//!
//! Sans-IO: nothing here reads a clock, touches storage or draws randomness of its own. Time comes
//! in as a number of days or weeks, randomness as a [`rand_core::CryptoRng`]. The one exception is
//! vodozemac (module [`pairwise`]), which asks the operating system or the browser.
//!
//! Primitives and the pairwise ratchet are libraries; our own are the framing, the labels and the
//! order of things:
//!
//! | module | what it is |
//! |---|---|
//! | [`labels`] | every domain-separation label, in one table |
//! | [`identity`] | 24 words → root key → person id, device certificates, revocations |
//! | [`kem`] | X-Wing prekeys, by week |
//! | [`bundle`] | what a device publishes so that others can write to it |
//! | [`invite`] | what a link or QR code carries, and the keys that grow from it |
//! | [`first_contact`] | HPKE: the intro, the contact secret, what both sides derive from it |
//! | [`outer`] | the seal around every later envelope, its hint, its weekly change |
//! | [`link`] | hints and shared keys of live links |
//! | [`group`] | seeds, slices, ratchets: the keys of collectives and circles |
//! | [`pairwise`] | Olm V2 sessions (vodozemac) |
//! | [`vault`] | passphrase, master key, sealed records |
//!
//! Every structure carries a version and a suite; every decoder is bounded, never panics, and every
//! signature is over the exact bytes received. Secrets are erased when dropped and print as
//! `[redacted]`.
//!
//! Left out on purpose: the world comes with its own work; recovery files too.

#[cfg(feature = "audit")]
pub mod audit;
pub mod bundle;
mod codec;
mod derive;
pub mod first_contact;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod group;
pub mod identity;
pub mod invite;
pub mod kem;
pub mod labels;
pub mod link;
pub mod outer;
pub mod pairwise;
mod seal;
mod secret;
pub mod vault;
mod wordlist;

pub use codec::DecodeError;
pub use seal::{OpenError, SealError};

/// The suite written into every structure: Ed25519, X-Wing, HKDF-SHA256, AES-256-GCM, Olm V2.
pub const SUITE: u8 = 1;

const MILLIS_PER_DAY: u64 = 24 * 60 * 60 * 1_000;

/// The day (since the epoch) that a time in milliseconds since the epoch falls on.
pub fn day_of(millis: u64) -> u32 {
    u32::try_from(millis / MILLIS_PER_DAY).unwrap_or(u32::MAX)
}

/// The week (since the epoch) that a day falls in: the number of a prekey.
pub fn week_of(day: u32) -> u32 {
    day / 7
}
