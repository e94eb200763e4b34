//! Circles: one person writes, and decides who reads.
//!
//! A circle is its owner's set of signed [`Operation`]s: posts, what others commented, what was taken back. Its state follows
//! from the set alone: any order, any duplication, any replica, the same posts. Who reads is no part of it: only the owner's
//! device knows.
//!
//! - The id of a circle is a hash of its owner and of 16 bytes that the owner drew. So nobody else can write in it, and nobody
//!   else's circle can bear its id.
//! - A [`Comment`] is signed by the device of whoever made it, with that device's certificate, and stands inside an operation of
//!   the owner: members who do not know each other can still tell who said it, and the owner cannot put words into a mouth.
//! - Operations are numbered for each device and name the one before, so that a gap is noticed ([`Numbers`]) and two operations of
//!   one number show that a device was copied.
//!
//! | what lives long | bound | reclaimed by |
//! |---|---|---|
//! | operations of a circle | [`MAX_OPERATIONS`], [`MAX_BYTES`]; of what others said the owner's device publishes no more than half of that, see [`Circle::others`] | the oldest go, posts among them; [`Circle::expire`] |
//! | comments shown with a post | [`MAX_COMMENTS`] | with the post |
//! | numbers that have come ahead of a gap | [`MAX_AHEAD`] | the oldest gap is given up |

mod comment;
mod operation;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use komrade_crypto::{identity::PersonId, labels};
use thiserror::Error;

pub use self::{
    comment::{Comment, MAX_COMMENT_BYTES, MAX_COMMENT_TEXT_BYTES},
    operation::{Body, Fields, MAX_CIRCLE_OPERATION_BYTES, MAX_POST_BYTES, Operation},
};
use crate::{DeviceId, OperationId, collective::operation::hash};

/// Operations of one circle that are kept: a few years of somebody who writes every other day, with comments.
pub const MAX_OPERATIONS: usize = 2_000;
/// Bytes of them, in memory and in the store.
pub const MAX_BYTES: usize = 2 * 1_024 * 1_024;
/// Comments shown with one post; the owner's device publishes no more.
pub const MAX_COMMENTS: usize = 200;
/// Numbers beyond a gap that are remembered.
pub const MAX_AHEAD: usize = 1_024;

/// Which circle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircleId(pub [u8; 32]);

komrade_crypto::redacted!(CircleId);

impl CircleId {
    /// The circle of this owner for which these bytes were drawn.
    pub fn of(owner: &PersonId, nonce: &[u8; 16]) -> Self {
        Self(hash(labels::CIRCLE_ID, &[&owner.0, nonce]))
    }
}

/// Why an operation is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// It belongs to another circle.
    #[error("of another circle")]
    OtherCircle,
    /// The device is none of the owner's.
    #[error("not a device of the owner")]
    NotTheOwner,
    /// It is older than what there is room for.
    #[error("older than what is kept")]
    TooOld,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// It is new, and what had to make room for it is gone; it is among that if it is too old itself by what went with it.
    New(Vec<OperationId>),
    /// It was there.
    Known,
}

/// A post, with what was said to it, in the owner's order.
#[derive(Clone)]
pub struct Post<'a> {
    /// The operation of the post.
    pub operation: &'a Operation,
    /// What it says.
    pub text: &'a str,
    /// Each with the operation that published it.
    pub comments: Vec<(OperationId, &'a Comment)>,
}

impl fmt::Debug for Post<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("comments", &self.comments.len())
            .finish_non_exhaustive()
    }
}

/// Where an operation stands: by number, then device, then id.
type Place = (u64, DeviceId, OperationId);

/// A circle.
#[derive(Debug, Clone)]
pub struct Circle {
    id: CircleId,
    devices: BTreeSet<DeviceId>,
    operations: BTreeMap<Place, Operation>,
    places: BTreeMap<OperationId, Place>,
    bytes: usize,
    /// What others said, of all that.
    others: Share,
    /// The newest that had to make room: what is older comes too late, whenever it comes.
    forgotten: Option<Place>,
}

impl Circle {
    /// An empty one. Who asks knows which devices are the owner's.
    pub fn new(id: CircleId, devices: impl IntoIterator<Item = DeviceId>) -> Self {
        Self {
            id,
            devices: devices.into_iter().collect(),
            operations: BTreeMap::new(),
            places: BTreeMap::new(),
            bytes: 0,
            others: Share::default(),
            forgotten: None,
        }
    }

    /// Which it is.
    pub fn id(&self) -> CircleId {
        self.id
    }

    /// Takes an operation.
    ///
    /// # Errors
    /// See [`Refused`]. Nothing was changed.
    pub fn insert(&mut self, operation: Operation) -> Result<Inserted, Refused> {
        let id = operation.id();
        let fields = operation.fields();
        self.check_owner(&operation)?;
        if self.places.contains_key(&id) {
            return Ok(Inserted::Known);
        }
        let place = (fields.sequence, fields.device, id);
        if self.forgotten.is_some_and(|newest| place <= newest) {
            return Err(Refused::TooOld);
        }
        self.bytes = self.bytes.saturating_add(operation.as_bytes().len());
        if operation.is_of_another() {
            self.others.add(&operation);
        }
        self.places.insert(id, place);
        self.operations.insert(place, operation);
        let mut gone = Vec::new();
        while self.operations.len() > MAX_OPERATIONS || self.bytes > MAX_BYTES {
            gone.extend(self.forget_oldest());
        }
        match gone == [id] {
            true => Err(Refused::TooOld),
            false => Ok(Inserted::New(gone)),
        }
    }

    /// Forgets what expired before this day, so many at most; says what.
    pub fn expire(&mut self, today: u32, most: usize) -> Vec<OperationId> {
        let over = |operation: &&Operation| operation.fields().expiry_day < today;
        let over = self.operations.values().filter(over);
        let over: Vec<OperationId> = over.map(Operation::id).take(most).collect();
        self.forget(&over);
        over
    }

    /// Whether it belongs here and names a device of the owner: cheap, to be asked before its signatures are checked.
    ///
    /// # Errors
    /// [`Refused::OtherCircle`], [`Refused::NotTheOwner`].
    pub fn check_owner(&self, operation: &Operation) -> Result<(), Refused> {
        if operation.circle() != self.id {
            return Err(Refused::OtherCircle);
        }
        match self.devices.contains(&operation.fields().device) {
            true => Ok(()),
            false => Err(Refused::NotTheOwner),
        }
    }

    /// Forgets the oldest, to make room; what is older than that is not taken any more.
    pub fn forget_oldest(&mut self) -> Option<OperationId> {
        let oldest = *self.operations.first_key_value()?.0;
        self.forgotten = Some(oldest);
        self.remove(&oldest);
        Some(oldest.2)
    }

    /// Forgets these.
    pub fn forget(&mut self, ids: &[OperationId]) {
        for id in ids {
            if let Some(place) = self.places.get(id).copied() {
                self.remove(&place);
            }
        }
    }

    fn remove(&mut self, place: &Place) {
        if let Some(operation) = self.operations.remove(place) {
            self.bytes = self.bytes.saturating_sub(operation.as_bytes().len());
            if operation.is_of_another() {
                self.others.subtract(&operation);
            }
            self.places.remove(&place.2);
        }
    }

    /// One of them.
    pub fn get(&self, id: &OperationId) -> Option<&Operation> {
        self.operations.get(self.places.get(id)?)
    }

    /// All of them, the oldest first.
    pub fn operations(&self) -> impl DoubleEndedIterator<Item = &Operation> {
        self.operations.values()
    }

    /// A device numbered two operations alike: it was copied, or restored.
    pub fn is_copied(&self) -> bool {
        let mut places = self
            .operations
            .keys()
            .map(|(number, device, _)| (number, device));
        let mut before = None;
        places.any(|place| before.replace(place) == Some(place))
    }

    /// Whether it was taken back.
    pub fn is_removed(&self, id: &OperationId) -> bool {
        let mut all = self.operations();
        all.any(|it| matches!(it.body(), Body::Remove { of } if of == id))
    }

    /// What was taken back.
    fn removed(&self) -> BTreeSet<OperationId> {
        let removed = |operation: &Operation| match operation.body() {
            Body::Remove { of } => Some(*of),
            _ => None,
        };
        self.operations().filter_map(removed).collect()
    }

    /// What is here and was taken back, with what was said to it: so many at most.
    pub fn taken_back(&self, most: usize) -> Vec<OperationId> {
        let removed = self.removed();
        let is_over = |it: &&Operation| {
            let on = match it.body() {
                Body::Comment { comment } => removed.contains(&comment.on()),
                _ => false,
            };
            on || removed.contains(&it.id())
        };
        let over = self.operations().filter(is_over);
        over.map(Operation::id).take(most).collect()
    }

    /// What there is to read, the newest post first, each with its comments, the oldest first. A comment that was published twice
    /// is shown once.
    pub fn posts(&self) -> Vec<Post<'_>> {
        let removed = self.removed();
        let mut comments: BTreeMap<OperationId, Vec<(OperationId, &Comment)>> = BTreeMap::new();
        let mut posts: Vec<(&Operation, &str)> = Vec::new();
        for operation in self.operations() {
            let id = operation.id();
            if removed.contains(&id) {
                continue;
            }
            match operation.body() {
                Body::Post { text } => posts.push((operation, text)),
                Body::Comment { comment } => {
                    let all = comments.entry(comment.on()).or_default();
                    let is_new = all.iter().all(|(_, other)| other.id() != comment.id());
                    if is_new && all.len() < MAX_COMMENTS {
                        all.push((id, comment));
                    }
                }
                Body::Remove { .. } | Body::Unknown { .. } => {}
            }
        }
        let posts = posts.into_iter().rev();
        posts
            .map(|(operation, text)| Post {
                operation,
                text,
                comments: comments.remove(&operation.id()).unwrap_or_default(),
            })
            .collect()
    }

    /// Whether there is such a post to comment on, and how many comments it has: in all, and of this person.
    pub fn comments_on(&self, post: &OperationId, by: &PersonId) -> Option<(usize, usize)> {
        let posts = self.posts();
        let post = posts.iter().find(|it| it.operation.id() == *post)?;
        let theirs = post.comments.iter().filter(|(_, it)| it.person() == *by);
        Some((post.comments.len(), theirs.count()))
    }

    /// Bytes of all operations.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What others than the owner said here, all of them together.
    pub fn others(&self) -> Share {
        self.others
    }

    /// What this person said here.
    pub fn said(&self, by: &PersonId) -> Share {
        let mut theirs = Share::default();
        for operation in self.operations() {
            if matches!(operation.body(), Body::Comment { comment } if comment.person() == *by) {
                theirs.add(operation);
            }
        }
        theirs
    }

    /// Whether this comment was published here and is not forgotten.
    pub fn has_comment(&self, id: &OperationId) -> bool {
        self.operations()
            .any(|it| matches!(it.body(), Body::Comment { comment } if comment.id() == *id))
    }
}

/// How much of a circle something takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// In operations.
    pub operations: usize,
    /// In bytes of operations.
    pub bytes: usize,
}

impl Share {
    fn add(&mut self, operation: &Operation) {
        self.operations = self.operations.saturating_add(1);
        self.bytes = self.bytes.saturating_add(operation.as_bytes().len());
    }

    fn subtract(&mut self, operation: &Operation) {
        self.operations = self.operations.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(operation.as_bytes().len());
    }

    /// Whether it is below both bounds.
    pub fn is_below(&self, operations: usize, bytes: usize) -> bool {
        self.operations < operations && self.bytes < bytes
    }
}

/// Which numbers of one device have come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    up_to: u64,
    beyond: BTreeSet<u64>,
}

impl Numbers {
    /// Takes what [`parts`](Self::parts) gave.
    pub fn from_parts(up_to: u64, beyond: impl IntoIterator<Item = u64>) -> Self {
        let mut numbers = Self {
            up_to,
            beyond: BTreeSet::new(),
        };
        beyond.into_iter().for_each(|number| numbers.note(number));
        numbers
    }

    /// Up to where there is no gap, and what there is beyond.
    pub fn parts(&self) -> (u64, impl Iterator<Item = u64>) {
        (self.up_to, self.beyond.iter().copied())
    }

    /// This one came, or will not come any more.
    pub fn note(&mut self, number: u64) {
        if number <= self.up_to {
            return;
        }
        self.beyond.insert(number);
        if self.beyond.len() > MAX_AHEAD
            && let Some(first) = self.beyond.first()
        {
            self.up_to = *first;
        }
        self.settle();
    }

    /// With what came all is there after one number and up to another.
    pub fn cover(&mut self, after: u64, to: u64) {
        if after <= self.up_to {
            self.up_to = self.up_to.max(to);
            self.settle();
        } else {
            let many = (after.saturating_add(1)..=to).take(MAX_AHEAD);
            many.for_each(|number| self.note(number));
        }
    }

    fn settle(&mut self) {
        while let Some(first) = self.beyond.first().copied() {
            if first > self.up_to.saturating_add(1) {
                return;
            }
            self.up_to = self.up_to.max(first);
            self.beyond.pop_first();
        }
    }

    /// The lowest numbers that are missing up to the newest that was heard of, at most so many.
    pub fn missing(&self, newest: u64, most: usize) -> Vec<u64> {
        let mut next = self.up_to.saturating_add(1);
        let mut missing = Vec::new();
        let end = newest.saturating_add(1);
        for number in self.beyond.iter().copied().chain([end]) {
            let room = most.saturating_sub(missing.len());
            missing.extend((next..number).take(room));
            next = next.max(number.saturating_add(1));
        }
        missing
    }
}
