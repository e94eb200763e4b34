//! Operations that arrived before what they build on.
//!
//! Bounds: [`MAX_WAITING`] operations, [`MAX_WAITING_BYTES`], of one device [`MAX_WAITING_EACH`]. When there is no room the oldest
//! goes: it is not lost, since whatever builds on it shows that it is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::operation::Operation;
use crate::{DeviceId, OperationId};

/// The most operations that wait.
pub const MAX_WAITING: usize = 512;
/// The most bytes that wait.
pub const MAX_WAITING_BYTES: usize = 2 * 1_024 * 1_024;
/// The most operations of one device that wait.
pub const MAX_WAITING_EACH: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Each with the first of those that it misses; one that misses itself is held.
    operations: BTreeMap<OperationId, (Operation, OperationId)>,
    order: VecDeque<OperationId>,
    /// What waits for an operation.
    awaited: BTreeMap<OperationId, Vec<OperationId>>,
    /// Held ones on which something that was said builds: they get their place with whatever arrives next.
    wanted: BTreeSet<OperationId>,
    bytes: usize,
}

impl Waiting {
    pub(super) fn has(&self, id: OperationId) -> bool {
        self.operations.contains_key(&id)
    }

    /// Keeps one that misses something; one that misses itself is held until somebody else builds on it. Says what had to
    /// go for it.
    pub(super) fn keep(&mut self, operation: Operation, misses: OperationId) -> Vec<OperationId> {
        let (id, device) = (operation.id(), operation.fields().device);
        self.bytes += operation.as_bytes().len();
        self.operations.insert(id, (operation, misses));
        self.order.push_back(id);
        self.awaited.entry(misses).or_default().push(id);
        let mut gone = Vec::new();
        let same = |other: &(Operation, OperationId)| other.0.fields().device == device;
        if self.operations.values().filter(|other| same(other)).count() > MAX_WAITING_EACH {
            let first = self
                .order
                .iter()
                .find(|id| self.operations.get(id).is_some_and(same));
            gone.extend(first.copied());
            gone.iter().for_each(|id| drop(self.take(*id)));
        }
        while self.operations.len() > MAX_WAITING || self.bytes > MAX_WAITING_BYTES {
            let Some(oldest) = self.order.front().copied() else {
                break;
            };
            self.take(oldest);
            gone.push(oldest);
        }
        gone
    }

    /// Whether another device than its own builds on this one, itself or by what builds on it.
    pub(super) fn is_wanted(&self, id: OperationId, device: DeviceId) -> bool {
        let mut above = vec![id];
        while let Some(id) = above.pop() {
            let waits = self.awaited.get(&id).into_iter().flatten();
            for other in waits.copied().filter(|other| *other != id) {
                let operation = self.operations.get(&other);
                if operation.is_some_and(|(operation, _)| operation.fields().device != device) {
                    return true;
                }
                above.push(other);
            }
        }
        false
    }

    /// The held one that this one is or waits for in the end, if somebody else builds on it: a device does; `None`: more than its own
    /// do.
    fn held_below(&self, id: OperationId, by: Option<DeviceId>) -> Option<OperationId> {
        let mut below = id;
        let mut others = by.is_none();
        loop {
            let (operation, misses) = self.operations.get(&below)?;
            others |= by != Some(operation.fields().device);
            if *misses == below {
                return others.then_some(below);
            }
            below = *misses;
        }
    }

    /// Takes that one.
    pub(super) fn take_held(&mut self, id: OperationId, by: Option<DeviceId>) -> Option<Operation> {
        let held = self.held_below(id, by)?;
        self.take(held)
    }

    /// Notes that something which was said builds on these.
    pub(super) fn want(&mut self, ids: &[OperationId], by: Option<DeviceId>) {
        let held = ids.iter().filter_map(|id| self.held_below(*id, by));
        let held: Vec<_> = held.collect();
        self.wanted.extend(held);
    }

    /// Takes those.
    pub(super) fn take_wanted(&mut self) -> Vec<Operation> {
        let wanted = std::mem::take(&mut self.wanted).into_iter();
        wanted.filter_map(|id| self.take(id)).collect()
    }

    /// What waited for this one.
    pub(super) fn release(&mut self, arrived: OperationId) -> Vec<Operation> {
        let ids = self.awaited.remove(&arrived).unwrap_or_default();
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// What is missing and not here, rising.
    pub(super) fn missing(&self) -> impl Iterator<Item = OperationId> {
        let known = |id: &&OperationId| !self.operations.contains_key(*id);
        self.awaited.keys().filter(known).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.operations.len()
    }

    fn take(&mut self, id: OperationId) -> Option<Operation> {
        let (operation, _) = self.operations.remove(&id)?;
        self.wanted.remove(&id);
        self.bytes -= operation.as_bytes().len();
        self.order.retain(|other| *other != id);
        self.awaited.retain(|_, waits| {
            waits.retain(|other| *other != id);
            !waits.is_empty()
        });
        Some(operation)
    }
}
