//! The pin: the newest final checkpoint that a replica has seen before, or that a newcomer was told with the Welcome.
//!
//! Whoever was a member long ago can make a past of their own final, dated to those days: nothing in the operations shows which of
//! the two was signed first. That is the long-range attack on chains whose validators change, and the answer is theirs,
//! too (weak subjectivity): a client starts from a recent final state. So the pin is an *input*, beside the operations. The
//! state is a pure function of both: a final checkpoint that contradicts the pinned one, or one that the pinned one follows,
//! is as if it were not final, for everything.
//!
//! An input is there before what it decides. So what a pin fixes is read off the operations as they are ([`Pin::of`]: a checkpoint
//! names its source and its frontier, an operation what it builds on) before the first of them is judged. If others counted
//! until the pinned one becomes final here, what a forged past of its own makes final could in the meantime make honest operations
//! senseless.

use std::collections::BTreeMap;

use super::{
    Collective, Refusal,
    body::{Body, CheckpointId},
    graph::Graph,
    operation::Operation,
};
use crate::OperationId;

/// A checkpoint, those that it follows, and what each of them fixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    id: CheckpointId,
    /// For each operation that it fixes the first checkpoint on the way to it that does, from 0.
    places: BTreeMap<OperationId, usize>,
    /// How many operations each of these fixes.
    sizes: Vec<usize>,
}

impl Pin {
    /// What a checkpoint fixes, by operations of which nothing was judged: hashes name all of it. `None`: some of that is not among
    /// them.
    pub fn of<'a>(
        id: CheckpointId,
        operations: impl IntoIterator<Item = &'a Operation>,
    ) -> Option<Self> {
        let (mut known, mut checkpoints) = (BTreeMap::new(), BTreeMap::new());
        for operation in operations {
            if let Body::Checkpoint(checkpoint) = operation.body() {
                checkpoints.insert(checkpoint.id(), checkpoint);
            }
            known.insert(operation.id(), &operation.fields().context);
        }
        let mut way = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let checkpoint = checkpoints.get(&id)?;
            way.push(&checkpoint.frontier);
            next = checkpoint.source;
        }
        let mut pin = Self {
            id,
            places: BTreeMap::new(),
            sizes: Vec::new(),
        };
        for (place, frontier) in way.into_iter().rev().enumerate() {
            let mut below = frontier.clone();
            while let Some(one) = below.pop() {
                let context = known.get(&one)?;
                if pin.places.insert(one, place).is_none() {
                    let new = context.iter().filter(|it| !pin.places.contains_key(*it));
                    below.extend(new);
                }
            }
            pin.sizes.push(pin.places.len());
        }
        Some(pin)
    }

    /// Which checkpoint it is.
    pub fn id(&self) -> CheckpointId {
        self.id
    }
}

impl Graph {
    /// Whether a checkpoint contradicts what is pinned: one of those on the way to it holds something that this one does not, and
    /// the other way round.
    pub(super) fn is_ruled_out(&self, group: usize) -> bool {
        let Some((pin, group)) = self.pin.as_ref().zip(self.group(Some(group))) else {
            return false;
        };
        let mut common = vec![0; pin.sizes.len()];
        let mut all = 0;
        for node in group.closure.iter().filter_map(|index| self.node(index)) {
            all += 1;
            let place = pin.places.get(&node.id());
            if let Some(count) = place.and_then(|place| common.get_mut(*place)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        pin.sizes.iter().zip(common).any(|(size, more)| {
            sum += more;
            sum < all && sum < *size
        })
    }

    /// Whether the pinned checkpoint is final here.
    fn holds_pin(&self) -> bool {
        let pinned = self.pin.as_ref().map(|pin| pin.id);
        let group = pinned.and_then(|id| self.group_of(id));
        group.is_some_and(|group| self.finals.has(group))
    }
}

impl Collective {
    /// As [`found`](Self::found), with a final checkpoint of which one knows otherwise: the vault's, or the Welcome's.
    pub fn found_with(genesis: Operation, pin: Option<Pin>) -> Result<Self, Refusal> {
        let mut collective = Self::found(genesis)?;
        collective.graph.pin = pin;
        Ok(collective)
    }

    /// What is pinned; it may not be final here yet.
    pub fn pinned(&self) -> Option<CheckpointId> {
        self.graph.pin.as_ref().map(|pin| pin.id)
    }

    /// Whether what is pinned is final here.
    pub fn holds_pin(&self) -> bool {
        self.graph.holds_pin()
    }

    /// Pins the newest final checkpoint, and says which is pinned now, for the vault. While final checkpoints contradict each
    /// other, or the one that was pinned is not final here, that one stays.
    pub fn pin(&mut self) -> Option<CheckpointId> {
        let graph = &mut self.graph;
        let waits = graph.pin.is_some() && !graph.holds_pin();
        let newest = graph.group(graph.base).map(|group| group.id);
        let pinned = graph.pin.as_ref().map(|pin| pin.id);
        if !waits
            && newest != pinned
            && !graph.is_split()
            && let Some(newest) = newest
        {
            let operations = graph.nodes.iter().map(|node| &node.operation);
            graph.pin = Pin::of(newest, operations).or(graph.pin.take());
        }
        self.pinned()
    }
}
