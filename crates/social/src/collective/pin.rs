//! The pin: the newest final checkpoint that a replica has seen before, or that a newcomer was told with the Welcome.
//!
//! Whoever was a member long ago can make a past of their own final, dated to those days: nothing in the operations shows which of
//! the two was signed first. That is the long-range attack on chains whose validators change, and the answer is theirs,
//! too (weak subjectivity): a client starts from a recent final state. So the pin is an *input*, beside the operations. The
//! state is a pure function of both: a final checkpoint that contradicts the pinned one, or one that the pinned one follows,
//! is as if it were not final, for everything.

use std::collections::BTreeMap;

use super::{Collective, body::CheckpointId, graph::Graph, insert::Outcome, operation::Operation};
use crate::OperationId;

/// What is pinned.
#[derive(Debug, Clone, Default)]
pub(super) struct Pin {
    id: Option<CheckpointId>,
    /// For each operation that it fixes the first checkpoint on the way to it that does, from 0.
    places: BTreeMap<OperationId, usize>,
    /// How many operations each of these fixes.
    sizes: Vec<usize>,
}

impl Pin {
    fn is_known(&self) -> bool {
        !self.sizes.is_empty()
    }
}

impl Graph {
    /// Whether a checkpoint contradicts what is pinned: one of those on the way to it holds something that this one does not, and
    /// the other way round.
    pub(super) fn is_ruled_out(&self, group: usize) -> bool {
        let pin = &self.pin;
        let Some(group) = self.group(Some(group)).filter(|_| pin.is_known()) else {
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

    /// What a checkpoint fixes, and those on the way to it.
    fn pin_of(&self, group: usize) -> Pin {
        let mut way = vec![];
        let mut next = Some(group);
        while let Some(group) = self.group(next) {
            way.push(group);
            next = group.source;
        }
        let mut pin = Pin {
            id: way.first().map(|group| group.id),
            ..Pin::default()
        };
        for (place, group) in way.iter().rev().enumerate() {
            for node in group.closure.iter().filter_map(|index| self.node(index)) {
                pin.places.entry(node.id()).or_insert(place);
            }
            pin.sizes.push(pin.places.len());
        }
        pin
    }
}

impl Collective {
    /// As [`found`](Self::found), with a final checkpoint of which one knows otherwise: the vault's, or the Welcome's.
    ///
    /// Until it is here as well, all others count. If one of them contradicts it, everything is judged anew then.
    pub fn found_with(
        genesis: Operation,
        pinned: Option<CheckpointId>,
    ) -> Result<Self, super::Refusal> {
        let mut collective = Self::found(genesis)?;
        collective.graph.pin.id = pinned;
        Ok(collective)
    }

    /// What is pinned; it may not be here yet.
    pub fn pinned(&self) -> Option<CheckpointId> {
        self.graph.pin.id
    }

    /// Learns otherwise of a final checkpoint, as [`found_with`](Self::found_with): what was pinned before stays. The outcome is about
    /// what that changes.
    pub fn expect(&mut self, pinned: CheckpointId) -> Outcome {
        let mut outcome = Outcome::default();
        self.graph.pin.id.get_or_insert(pinned);
        self.find_pinned(&mut outcome);
        outcome
    }

    /// Waits no more for a pinned checkpoint that is not here: whoever told of it told all that there was.
    pub fn expect_no_more(&mut self) {
        if !self.graph.pin.is_known() {
            self.graph.pin.id = None;
        }
    }

    /// Pins the newest final checkpoint, and says which is pinned now, for the vault. While final checkpoints contradict each
    /// other, or the one that was pinned is not here, that one stays.
    pub fn pin(&mut self) -> Option<CheckpointId> {
        let graph = &mut self.graph;
        let waits = graph.pin.id.is_some() && !graph.pin.is_known();
        if !waits
            && !graph.is_split()
            && let Some(newest) = graph.base
            && graph.group(graph.base).map(|group| group.id) != graph.pin.id
        {
            graph.pin = graph.pin_of(newest);
        }
        graph.pin.id
    }

    /// Looks whether the pinned checkpoint has become final here. What was judged before without it is judged anew then, if
    /// something that contradicts it was final: causes come before what follows, so that all finds its place again.
    pub(super) fn find_pinned(&mut self, outcome: &mut Outcome) {
        let graph = &mut self.graph;
        let Some(id) = graph.pin.id.filter(|_| !graph.pin.is_known()) else {
            return;
        };
        let group = graph.group_of(id).filter(|group| graph.finals.has(*group));
        let Some(group) = group else {
            return;
        };
        graph.pin = graph.pin_of(group);
        if !graph.finals.iter().any(|one| graph.is_ruled_out(one)) {
            return;
        }
        let mut operations = graph.nodes.iter().map(|node| node.operation.clone());
        let Some(Ok(mut again)) = operations.next().map(Self::found) else {
            return;
        };
        again.graph.pin = graph.pin.clone();
        for operation in operations.chain(self.waiting.all()) {
            let id = operation.id();
            let judged = again.insert(operation);
            outcome.gone.extend(judged.gone);
            if matches!(judged.taken, super::Taken::Refused(_)) {
                outcome.gone.push(id);
            }
        }
        outcome.new.retain(|id| again.graph.index.contains_key(id));
        again.work.resolved += self.work.resolved;
        again.work.effects += self.work.effects;
        *self = again;
    }
}
