//! The graph of control operations: nodes in the order of their arrival, parents first, each with all that lies before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use komrade_crypto::identity::PersonId;

use super::{
    bits::Bits, body::Body, finality::Group, operation::Operation, pin::Pin, proposal::Proposal,
    subject::Subject,
};
use crate::{DeviceId, OperationId};

/// One control operation.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) operation: Operation,
    /// Everything before it.
    pub(super) past: Bits,
    /// Which operation admitted its author, as seen from it.
    pub(super) admission: usize,
    /// The proposal that it is about.
    pub(super) about: Option<usize>,
    /// What it proposes.
    pub(super) proposal: Option<Box<Proposal>>,
    /// For an Accept or an Enact: the vouches and ballots that lie before it.
    pub(super) certificate: Vec<usize>,
    /// For a checkpoint: what it signs.
    pub(super) group: Option<usize>,
    /// The checkpoints that are final in its past, and the newest of them.
    pub(super) finals: Arc<Bits>,
    pub(super) base: Option<usize>,
    /// Its own time, or the latest before it if that is later: nobody is counted in a period before that of what they build on.
    pub(super) latest: u64,
    /// Its device said something else beside it, or its author proposed something else beside it, or it is a ballot of a device that
    /// was added beside what its author said, or that.
    pub(super) parallel: bool,
}

impl Node {
    pub(super) fn id(&self) -> OperationId {
        self.operation.id()
    }

    pub(super) fn person(&self) -> PersonId {
        self.operation.fields().person
    }

    pub(super) fn device(&self) -> DeviceId {
        self.operation.fields().device
    }

    pub(super) fn time(&self) -> u64 {
        self.operation.fields().time
    }

    pub(super) fn body(&self) -> &Body {
        self.operation.body()
    }

    /// Whether it can change who belongs, or the rules.
    pub(super) fn is_effect(&self) -> bool {
        matches!(
            self.operation.body(),
            Body::Genesis { .. }
                | Body::Accept { .. }
                | Body::Enact { .. }
                | Body::Leave
                | Body::Device { .. }
                | Body::Revoke { .. }
                | Body::Return
        )
    }

    /// Whether it is a vouch or a ballot.
    pub(super) fn is_answer(&self) -> bool {
        let body = self.operation.body();
        matches!(body, Body::Vouch { .. } | Body::Ballot { .. })
    }
}

/// The nodes and what is asked of them.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) index: BTreeMap<OperationId, usize>,
    /// All nodes.
    pub(super) all: Bits,
    /// Those that nothing builds on yet.
    pub(super) tips: BTreeSet<usize>,
    /// Those that decide who belongs: effects, and what may make others void by being there.
    pub(super) mask: Bits,
    pub(super) devices: BTreeMap<DeviceId, Vec<usize>>,
    /// What each person did: it is rationed.
    pub(super) acts: BTreeMap<PersonId, Vec<usize>>,
    pub(super) groups: Vec<Group>,
    /// The checkpoints that are final, and the newest of them.
    pub(super) finals: Arc<Bits>,
    pub(super) base: Option<usize>,
    pub(super) pin: Option<Pin>,
}

impl Graph {
    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The nodes of these ids, or those ids that are not here.
    pub(super) fn find(&self, ids: &[OperationId]) -> Result<Vec<usize>, Vec<OperationId>> {
        let missing: Vec<_> = ids
            .iter()
            .filter(|id| !self.index.contains_key(id))
            .copied()
            .collect();
        if missing.is_empty() {
            Ok(ids
                .iter()
                .filter_map(|id| self.index.get(id).copied())
                .collect())
        } else {
            Err(missing)
        }
    }

    /// The nodes and all before them.
    pub(super) fn closure(&self, heads: &[usize]) -> Bits {
        let mut all = Bits::default();
        for &head in heads {
            if let Some(node) = self.node(head) {
                all.add(&node.past);
                all.set(head);
            }
        }
        all
    }

    /// The latest time of these and of all before them.
    pub(super) fn latest(&self, heads: &[usize]) -> u64 {
        let heads = heads.iter().filter_map(|head| self.node(*head));
        heads.map(|node| node.latest).max().unwrap_or(0)
    }

    /// Whether one lies before the other.
    pub(super) fn before(&self, one: usize, other: usize) -> bool {
        self.node(other).is_some_and(|node| node.past.has(one))
    }

    /// How many branches of what the device has said do not lie in this past, counted up to `most`.
    pub(super) fn branches(&self, device: DeviceId, past: &Bits, most: usize) -> usize {
        let own = self.devices.get(&device).into_iter().flatten();
        let mut known = past.clone();
        let mut branches = 0;
        // The newest first: what builds on something has a higher number.
        for index in own.rev() {
            if branches == most {
                break;
            }
            if let Some(node) = self.node(*index).filter(|_| !known.has(*index)) {
                known.add(&node.past);
                branches += 1;
            }
        }
        branches
    }

    fn are_beside(&self, one: usize, other: usize) -> bool {
        one != other && !self.before(one, other) && !self.before(other, one)
    }

    /// What the same device said beside this.
    pub(super) fn forks(&self, of: usize) -> impl Iterator<Item = usize> {
        let node = self.node(of).filter(|node| node.parallel);
        let same = node.and_then(|node| self.devices.get(&node.device()));
        let same = same.map_or(&[][..], Vec::as_slice);
        same.iter()
            .copied()
            .filter(move |other| self.are_beside(of, *other))
    }

    /// What the same person said on other devices beside this ballot, not knowing of the device that cast it: the ballot says not to
    /// know of that, as one could of a device that was added to be young.
    pub(super) fn older_self(&self, of: usize) -> impl Iterator<Item = usize> {
        let node = self.node(of).filter(|node| node.parallel);
        let added = node.map_or(Vec::new(), |node| self.additions(node));
        let same = node.and_then(|node| self.acts.get(&node.person()));
        let same = same.map_or(&[][..], Vec::as_slice);
        let beside = move |other: &usize| self.is_older_self(*other, of, &added);
        same.iter().copied().filter(beside)
    }

    fn is_older_self(&self, other: usize, ballot: usize, added: &[usize]) -> bool {
        let device = |index: usize| self.node(index).map(Node::device);
        let unknown = |addition: &usize| self.are_beside(other, *addition);
        !added.is_empty()
            && device(other) != device(ballot)
            && self.are_beside(other, ballot)
            && added.iter().all(unknown)
    }

    /// For a ballot of a device that its person added: the additions, of which a lie can make several.
    fn additions(&self, node: &Node) -> Vec<usize> {
        let ballot = matches!(node.operation.body(), Body::Ballot { .. });
        let own = self.devices.get(&node.device()).filter(|_| ballot);
        let adds = |index: &usize| {
            let body = self.node(*index).map(|node| node.operation.body());
            node.past.has(*index) && matches!(body, Some(Body::Device { .. }))
        };
        own.into_iter().flatten().copied().filter(adds).collect()
    }

    /// What the same person proposed beside this.
    pub(super) fn rivals(&self, of: usize) -> impl Iterator<Item = usize> {
        let node = self
            .node(of)
            .filter(|node| node.parallel && node.proposal.is_some());
        let same = node.and_then(|node| self.acts.get(&node.person()));
        let same = same.map_or(&[][..], Vec::as_slice);
        same.iter().copied().filter(move |other| {
            let proposes = |node: &Node| node.proposal.is_some();
            self.node(*other).is_some_and(proposes) && self.are_beside(of, *other)
        })
    }

    /// What is proposed by the node, or by the proposal that it is about.
    pub(super) fn subject(&self, index: usize) -> Option<&Subject> {
        let node = self.node(index)?;
        let proposal = node.about.and_then(|about| self.node(about));
        match proposal.unwrap_or(node).operation.body() {
            Body::Propose { subject, .. } => Some(subject),
            _ => None,
        }
    }

    /// Puts a judged node in. Says whether older nodes now count differently.
    pub(super) fn push(&mut self, node: Node) -> (usize, bool) {
        let index = self.nodes.len();
        let (id, device, person) = (node.id(), node.device(), node.person());
        self.tips.retain(|tip| !node.past.has(*tip));
        self.tips.insert(index);
        self.all.set(index);
        if node.is_effect() {
            self.mask.set(index);
        }
        if let Some(proposal) = node.about.and_then(|about| self.nodes.get_mut(about))
            && let Some(proposal) = &mut proposal.proposal
        {
            proposal.answers.push(index);
        }
        self.index.insert(id, index);
        self.nodes.push(node);
        self.devices.entry(device).or_default().push(index);
        self.acts.entry(person).or_default().push(index);
        (index, self.mark_parallel(index))
    }

    fn mark_parallel(&mut self, index: usize) -> bool {
        let Some(node) = self.node(index) else {
            return false;
        };
        let forks = self.devices.get(&node.device()).into_iter().flatten();
        let acts = self.acts.get(&node.person()).into_iter().flatten();
        let proposals = acts.filter(|other| {
            let other = self.node(**other);
            node.proposal.is_some() && other.is_some_and(|other| other.proposal.is_some())
        });
        let added = self.additions(node);
        // A ballot that says not to know of this, or of which this says so.
        let selves = self.acts.get(&node.person()).into_iter().flatten();
        let selves = selves.filter(|other| {
            let device = |other: &Node| other.device() != node.device();
            let node = self.node(**other).filter(|other| device(other));
            node.is_some_and(|node| {
                self.is_older_self(**other, index, &added)
                    || self.is_older_self(index, **other, &self.additions(node))
            })
        });
        let forks = forks
            .chain(proposals)
            .filter(|other| self.are_beside(index, **other));
        let beside: Vec<usize> = forks.chain(selves).copied().collect();
        if beside.is_empty() {
            return false;
        }
        for marked in beside.into_iter().chain([index]) {
            self.mask.set(marked);
            if let Some(node) = self.nodes.get_mut(marked) {
                node.parallel = true;
            }
        }
        true
    }
}
