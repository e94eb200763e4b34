//! Operations and what follows from them: pure functions, no I/O, no clock, no randomness, no keys kept.
//!
//! Whatever a person does in a space is an [`Operation`], an immutable record. The state of a space follows from
//! its *set* of operations: any delivery order, any duplication, the same state. This crate holds what a
//! conversation of two persons needs, the government of a [`collective`], and the posts of a [`circle`]; the world comes later.
//!
//! Per device and space, operations are numbered from 1 and each names the one before by its hash, so
//! that a gap is noticed and two operations of one number show that a device was copied or restored.
//! [`Received`] keeps that account for one author; [`Acknowledgement`] tells it to the author.
//!
//! Sending: take the next number, [`Operation::new`], encrypt [`Operation::as_bytes`].
//!
//! Receiving: [`Operation::decode`], [`Received::insert`], keep it if [`Inserted::is_kept`], and answer with
//! [`Received::acknowledgement`].
//!
//! In a collective operations are signed, and [`collective::Collective`] tells from them who belongs and what was decided. In a
//! circle they are signed by its owner, and [`circle::Circle`] tells from them what there is to read.
//!
//! In a conversation operations are not signed: the pairwise session shows the recipient who speaks, and proves
//! nothing to anybody else.
//!
//! Formats are CBOR maps with numbered fields. What a newer version adds is skipped when read and kept in the
//! exact bytes, which are what is hashed and passed on.

mod acknowledgement;
mod body;
mod cbor;
pub mod circle;
pub mod collective;
#[cfg(feature = "fuzz")]
mod fuzz;
mod operation;
mod received;

#[cfg(feature = "fuzz")]
pub use crate::fuzz::{FUZZ, Target, seeds};
pub use crate::{
    acknowledgement::{
        Acknowledgement, AcknowledgementError, MAX_ACKNOWLEDGEMENT_BYTES, MAX_RANGES, MAX_TAGS,
        Range, Tag,
    },
    body::{
        Body, MAX_CIRCLE_BYTES, MAX_COLLECTIVE_BYTES, MAX_HOMES_BYTES, MAX_INTRODUCTION_BYTES,
        MAX_NAME_CHARS, MAX_TEXT_BYTES,
    },
    operation::{
        DeviceId, Fields, Head, MAX_HEADS, MAX_OPERATION_BYTES, Operation, OperationError,
        OperationId,
    },
    received::{
        Inserted, MAX_AHEAD, MAX_FORKS, MAX_RECEIVED_BYTES, Received, ReceivedError, WINDOW,
    },
};

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
