//! Reconciliation: what cursors cannot repair. A wiped relay, a new one, two peers.
//!
//! Two sides compare sets by ranges (crate [`negentropy`], protocol version 1): equal fingerprints settle a range, other
//! ranges are split until ids can be named. An envelope stands at its day of expiry, then its id. What has expired on
//! either side's clock is left out by that side.
//!
//! The peer leads with a [`Reconciler`]; each step tells at once which ids it lacks and which the other side lacks, so
//! that [`Frame::Want`] and [`Frame::Replica`] flow while other ranges are still compared. A node answers each message by
//! itself, from its shelf, and remembers nothing between two; another peer answers with a [`Responder`], from a list.

pub(crate) mod answer;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use thiserror::Error;

use crate::{
    Bucket, Day, EnvelopeId, Frame, MAX_RECONCILE_BYTES, ShelfRead, node::Items,
    reconcile::answer::NoAnswer,
};

/// The most steps of one reconciliation: each splits ranges by 16, and a full message holds thousands of ranges, so even
/// a million envelopes with nothing in common end far below it.
pub const MAX_STEPS: u32 = 1_000;

/// Why a reconciliation ends early. What was learnt so far stays true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The other side said what the protocol does not know.
    #[error("not a message of the reconciliation")]
    Malformed,
    /// The other side does not come to an end.
    #[error("no end after {MAX_STEPS} steps")]
    TooManySteps,
}

/// What a message of the other side brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learnt {
    /// What the other side has and this one lacks, in order: to be wanted.
    pub lacked_here: Vec<EnvelopeId>,
    /// What this side has and the other lacks, in order: to be offered.
    pub lacked_there: Vec<EnvelopeId>,
    /// What to answer.
    pub answer: Frame,
    /// Whether that answer ends it.
    pub is_done: bool,
}

/// The leading side of a reconciliation of one bucket. Memory: 40 bytes for each item.
#[derive(Debug)]
pub struct Reconciler {
    bucket: Bucket,
    negentropy: Negentropy<'static, NegentropyStorageVector>,
    steps: u32,
}

impl Reconciler {
    /// Begins with what this side holds of the bucket, in any order; and the frame to send first. A node counts what was
    /// put into a finer bucket than its own bits to the one of its bits ([`Bucket::within`]): so should the items.
    ///
    /// # Errors
    /// Never, as far as is known: the protocol only refuses what was begun twice.
    pub fn begin(
        bucket: Bucket,
        items: impl IntoIterator<Item = (Day, EnvelopeId)>,
    ) -> Result<(Self, Frame), ReconcileError> {
        let mut negentropy = over(items)?;
        let message = negentropy.initiate().map_err(malformed)?;
        let reconciler = Self {
            bucket,
            negentropy,
            steps: 0,
        };
        Ok((reconciler, Frame::Reconcile { bucket, message }))
    }

    /// The bucket that is compared.
    pub fn bucket(&self) -> Bucket {
        self.bucket
    }

    /// Takes the other side's message, from [`Frame::Reconcile`].
    ///
    /// # Errors
    /// See [`ReconcileError`]; this one is then of no further use.
    pub fn handle(&mut self, message: &[u8]) -> Result<Learnt, ReconcileError> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(ReconcileError::TooManySteps);
        }
        let (mut there, mut here) = (Vec::new(), Vec::new());
        let next = if message.is_empty() {
            None
        } else {
            self.negentropy
                .reconcile_with_ids(message, &mut there, &mut here)
                .map_err(malformed)?
        };
        let is_done = next.is_none();
        Ok(Learnt {
            lacked_here: in_order(here),
            lacked_there: in_order(there),
            answer: Frame::Reconcile {
                bucket: self.bucket,
                message: next.unwrap_or_default(),
            },
            is_done,
        })
    }
}

/// The answering side of a reconciliation between two peers. Memory: 40 bytes for each item.
///
/// It learns nothing by itself: whoever leads asks for what it lacks, and sends what is lacking here.
#[derive(Debug)]
pub struct Responder {
    negentropy: Negentropy<'static, NegentropyStorageVector>,
    steps: u32,
}

impl Responder {
    /// Begins with what this side holds of what is compared, in any order.
    ///
    /// # Errors
    /// Never, as far as is known, as for [`Reconciler::begin`].
    pub fn begin(
        items: impl IntoIterator<Item = (Day, EnvelopeId)>,
    ) -> Result<Self, ReconcileError> {
        let negentropy = over(items)?;
        let steps = 0;
        Ok(Self { negentropy, steps })
    }

    /// Answers the leading side's message, in at most [`MAX_RECONCILE_BYTES`]. It reads each item at most a few
    /// times, whatever the message says.
    ///
    /// # Errors
    /// See [`ReconcileError`]; this one is then of no further use.
    pub fn handle(&mut self, message: &[u8]) -> Result<Vec<u8>, ReconcileError> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(ReconcileError::TooManySteps);
        }
        self.negentropy.reconcile(message).map_err(malformed)
    }
}

fn over(
    items: impl IntoIterator<Item = (Day, EnvelopeId)>,
) -> Result<Negentropy<'static, NegentropyStorageVector>, ReconcileError> {
    let mut storage = NegentropyStorageVector::new();
    for (expiry, id) in items {
        let (day, id) = (u64::from(expiry.0), Id::from_byte_array(id.0));
        storage.insert(day, id).map_err(malformed)?;
    }
    storage.seal().map_err(malformed)?;
    Negentropy::owned(storage, MAX_RECONCILE_BYTES as u64).map_err(malformed)
}

/// A node's answer to one message; `None`: it is no message of the protocol.
pub(crate) fn answer<S: ShelfRead>(
    shelf: &S,
    bucket: Bucket,
    today: Day,
    message: &[u8],
) -> Result<Option<Vec<u8>>, S::Error> {
    let mut items = Items::read(shelf, bucket, today)?;
    match answer::answer(&mut items, message, MAX_RECONCILE_BYTES, answer::MAX_READ) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(NoAnswer::Malformed) => Ok(None),
        Err(NoAnswer::Shelf(error)) => Err(error),
    }
}

/// The crate collects in sets without an order; nothing here may depend on chance.
fn in_order(ids: Vec<Id>) -> Vec<EnvelopeId> {
    let mut ids: Vec<_> = ids.iter().map(|id| EnvelopeId(id.to_bytes())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn malformed(_: negentropy::Error) -> ReconcileError {
    ReconcileError::Malformed
}

#[cfg(test)]
mod tests;
