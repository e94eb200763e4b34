//! Envelopes, and the frames that move them between nodes: no I/O, no clock, no randomness, no cipher.
//!
//! What travels is an [`Envelope`]: a readable [`Header`] and a ciphertext that is opaque here, padded so that
//! the whole has exactly 2, 4, 8, 16 or 64 KiB. Whoever carries it learns its size class, its bucket and
//! the day on which it may be thrown away, and nothing else.
//!
//! Sending:
//! 1. [`Class::smallest_for`] chooses the class for the content, [`pad`] fills it up;
//! 2. [`expiry`] chooses the day, [`Header::encode`] gives the associated data of the seal;
//! 3. `komrade-crypto` seals the padded content, [`Envelope::new`] puts both together;
//! 4. [`Frame::Put`] carries it over a link, [`Frame::Ack`] answers once the other side has it durably.
//!
//! Receiving: [`Frame::decode`], [`Header::check_expiry`], open, [`unpad`].
//!
//! Everything here is plain binary with fixed widths, big-endian: a header has one encoding, so that it can be
//! associated data and part of the id.

mod bucket;
mod class;
mod day;
mod envelope;
mod frame;
#[cfg(feature = "fuzz")]
mod fuzz;
mod home;
mod link;
mod memory;
pub mod node;
mod outcome;
mod padding;
mod pass;
pub mod reconcile;
mod settings;
pub mod shelf;
#[cfg(feature = "testing")]
pub mod suite;
pub mod work;

#[cfg(feature = "fuzz")]
pub use crate::fuzz::{FUZZ, seeds};
pub use crate::{
    bucket::{Bucket, MAX_BITS},
    class::{Class, INTRO_SEAL_BYTES, SEAL_BYTES, Size},
    day::{DAY_MILLIS, Day, ExpiryError, LIFETIME_DAYS, MAX_DAYS_AHEAD, expiry},
    envelope::{
        Envelope, EnvelopeError, EnvelopeId, HEADER_BYTES, Header, IntroHint, MAX_ENVELOPE_BYTES,
        MIN_ENVELOPE_BYTES, VERSION,
    },
    frame::{
        FRAME_VERSION, Frame, FrameError, Locator, MAX_FRAME_BYTES, MAX_RECONCILE_BYTES,
        MAX_WANT_IDS,
    },
    home::{Account, Home, NodeKey, Party},
    link::{MAX_WANTED, NodeLink, Push},
    memory::{MemoryError, MemoryShelf},
    node::{About, Draw, HOME_TURN_MILLIS, Node, RETURN_MILLIS, Usage, Waiting},
    outcome::Outcome,
    padding::{LENGTH_BYTES, PaddingError, pad, unpad},
    pass::{Pass, Token},
    reconcile::{Learnt, MAX_STEPS, ReconcileError, Reconciler},
    settings::Settings,
    shelf::{Damaged, Shelf, ShelfRead, ShelfTable},
    work::Work,
};
