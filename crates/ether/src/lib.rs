//! Envelopes, the frames that move them, and the nodes that keep them: no I/O, no clock, no randomness, no cipher.
//!
//! What travels is an [`Envelope`]: a readable [`Header`] and a ciphertext that is opaque here, padded so that
//! the whole has exactly 2, 4, 8, 16 or 64 KiB. Whoever carries it learns its size class, its bucket and
//! the day on which it may be thrown away, and nothing else.
//!
//! Sending:
//! 1. [`Class::smallest_for`] chooses the class for the content, [`pad`] fills it up;
//! 2. [`expiry`] chooses the day, [`Header::encode`] gives the associated data of the seal;
//! 3. `komrade-crypto` seals the padded content, [`Envelope::new`] puts both together;
//! 4. [`Frame::Put`] or [`Frame::Deposit`] carries it over a link, with the [`Work`] that is due; [`Frame::Ack`] answers
//!    once the other side has it durably.
//!
//! Keeping: a [`Node`] on a [`Shelf`] takes envelopes and gives them to whoever subscribes to their [`Bucket`]; a
//! [`NodeLink`] for each link says what is to be sent when. A relay gives them a disk, the simulator a [`MemoryShelf`].
//!
//! Receiving: [`Frame::decode`], [`Header::check_expiry`], open, [`unpad`]. A peer that comes back subscribes with its
//! cursor; what cursors cannot repair, a [`Reconciler`] does, with a node or with the [`Responder`] of another peer.
//!
//! Everything here is plain binary with fixed widths, big-endian: a header has one encoding, so that it can be
//! associated data and part of the id.
//!
//! | what grows | bound | reclaimed by |
//! |---|---|---|
//! | what a node keeps | [`Settings`]; see the table of [`node`] | a day's sweep, answers |
//! | ids wanted on one link | [`MAX_WANTED`], 128 KB | as they are sent; the caller reads no more while [`NodeLink::is_full`] |
//! | frames to be pushed | the budget that [`NodeLink::poll_push`] is given, and one envelope | the caller sends them |
//! | an answer of a node to a reconciliation | [`MAX_RECONCILE_BYTES`]; beside it 500 KB and 72 bytes for each of a 256th of a day's envelopes while it is made, of some 65,536 records | at once |
//! | a peer's [`Reconciler`] or [`Responder`] | 40 bytes for each of its envelopes, [`MAX_STEPS`] steps | its end |

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
    class::{Class, INTRO_SEAL_BYTES, Part, SEAL_BYTES, Size},
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
    reconcile::{Learnt, MAX_STEPS, ReconcileError, Reconciler, Responder},
    settings::Settings,
    shelf::{Damaged, Shelf, ShelfRead, ShelfTable},
    work::Work,
};

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
