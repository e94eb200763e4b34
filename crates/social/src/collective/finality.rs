//! Checkpoints: what can no longer be undone.
//!
//! A checkpoint names its source, the final checkpoint before it, and a frontier: the newest operations of a past that it fixes.
//! Whoever has to sign one signs what most others have, if it holds all that has to be fixed. It is *final* once
//!
//! - its source is,
//! - more than 2/3 of the members at it who count have signed it, and
//! - more than half of the members at its source have, not counting those who left of their own will, or were removed or put to
//!   rest by more than half of them: otherwise two old members could make a history of their own, with a hundred new members
//!   who sign it. If nobody of them is left to be asked, the others are enough.
//!
//! The rule of two signatures is that of Casper FFG (Buterin and Griffith, 2017): two final checkpoints that contradict each
//! other need somebody who signed both, which [`Graph::double_signed`] finds. That finality grows from one set of members to the
//! next is how light clients follow a changing set of validators. Who signs twice is only reported: if their signatures stopped to
//! count, a few could undo what was final.
//!
//! Of two with one source the one that contains the other applies, also where its state is not what would follow from the other.
//! Honest members sign both, who learn more before they hear that the first was final: if that were a contradiction, one
//! signature that somebody held back would end finality for good.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use komrade_crypto::{identity::PersonId, labels};

use super::{
    bits::Bits,
    body::{Body, Checkpoint, CheckpointId, MAX_FRONTIER},
    graph::Graph,
    operation::hash,
    proposal::{Frame, has},
    subject::Subject,
    view::View,
};
use crate::OperationId;

impl Checkpoint {
    /// Its id: two persons who sign the same have one checkpoint.
    pub fn id(&self) -> CheckpointId {
        let source = self.source.map_or([0; 32], |source| source.0);
        let mut parts: Vec<&[u8]> = vec![&source];
        parts.extend(self.frontier.iter().map(|id| &id.0[..]));
        CheckpointId(hash(labels::COLLECTIVE_CHECKPOINT, &parts))
    }
}

/// A checkpoint that somebody signed.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: CheckpointId,
    pub(super) source: Option<usize>,
    /// How many it follows.
    depth: usize,
    pub(super) frontier: Vec<OperationId>,
    pub(super) closure: Bits,
    pub(super) view: Arc<View>,
    /// Who must sign it: the members at it, and those at its source who are not excused; rising.
    members: Vec<PersonId>,
    before: Vec<PersonId>,
    pub(super) signers: BTreeMap<PersonId, Vec<usize>>,
}

impl Group {
    fn signed_by(&self, persons: &[PersonId], set: &Bits) -> usize {
        let signed = |person: &&PersonId| {
            let nodes = self.signers.get(*person);
            nodes.is_some_and(|nodes| nodes.iter().any(|node| set.has(*node)))
        };
        persons.iter().filter(signed).count()
    }

    /// Whether as many have signed it anywhere as must.
    fn may_be_final(&self) -> bool {
        self.signers.len() * 3 > self.members.len() * 2
    }

    fn is_final(&self, set: &Bits) -> bool {
        let half = self.signed_by(&self.before, set) * 2 > self.before.len();
        self.signed_by(&self.members, set) * 3 > self.members.len() * 2
            && (half || self.before.is_empty())
    }

    /// How many of how many have signed.
    pub(super) fn progress(&self, set: &Bits) -> (usize, usize) {
        (self.signed_by(&self.members, set), self.members.len())
    }
}

/// Two things that one person or one device must never sign both, and that anybody can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DoubleSigning {
    /// Who.
    pub person: PersonId,
    /// The one of the lower hash.
    pub one: OperationId,
    /// The other.
    pub other: OperationId,
}

impl Graph {
    pub(super) fn group(&self, group: Option<usize>) -> Option<&Group> {
        self.groups.get(group?)
    }

    pub(super) fn group_of(&self, id: CheckpointId) -> Option<usize> {
        self.groups.iter().position(|group| group.id == id)
    }

    /// Which checkpoints are final in the past of a node with these parents.
    pub(super) fn finals_at(&self, parents: &[usize], past: &Bits) -> (Arc<Bits>, Option<usize>) {
        let Some(first) = parents.first().and_then(|first| self.node(*first)) else {
            return (Arc::default(), None);
        };
        let silent = first.group.is_none();
        if parents.len() == 1 && silent {
            return (first.finals.clone(), first.base);
        }
        let mut finals = Bits::clone(&first.finals);
        for parent in parents.iter().filter_map(|parent| self.node(*parent)) {
            finals.add(&parent.finals);
        }
        self.advance(&mut finals, past);
        if finals == *first.finals {
            return (first.finals.clone(), first.base);
        }
        let base = self.newest(&finals);
        (Arc::new(finals), base)
    }

    /// What is final in the whole set, after a node was put in.
    pub(super) fn update_finals(&mut self, last: usize) -> bool {
        let signs = self.node(last).is_some_and(|node| node.group.is_some());
        if !signs {
            return false;
        }
        let mut finals = Bits::clone(&self.finals);
        self.advance(&mut finals, &self.all);
        if finals == *self.finals {
            return false;
        }
        self.base = self.newest(&finals);
        self.finals = Arc::new(finals);
        true
    }

    /// Adds what is final in a set.
    pub(super) fn advance(&self, finals: &mut Bits, set: &Bits) {
        self.advance_if(finals, set, |index| !self.is_ruled_out(index));
    }

    /// Whether something would be final if nothing were pinned that is not so.
    pub(super) fn has_other_past(&self) -> bool {
        let mut finals = Bits::clone(&self.finals);
        if self.pin.is_some() {
            self.advance_if(&mut finals, &self.all, |_| true);
        }
        finals != *self.finals
    }

    /// Adds what is final in a set and may be. A source has a lower number than what follows it.
    fn advance_if(&self, finals: &mut Bits, set: &Bits, may: impl Fn(usize) -> bool) {
        for (index, group) in self.groups.iter().enumerate() {
            if !finals.has(index)
                && group.may_be_final()
                && group.source.is_none_or(|source| finals.has(source))
                && set.covers(&group.closure)
                && group.is_final(set)
                && may(index)
            {
                finals.set(index);
            }
        }
    }

    /// The final checkpoints that no other one contains.
    fn tops(&self, finals: &Bits) -> Vec<usize> {
        let mut tops: Vec<usize> = Vec::new();
        for index in finals.iter() {
            let Some(group) = self.group(Some(index)) else {
                continue;
            };
            // Of two that fix the same the one that follows more.
            let within = |one: &Group, other: &Group| {
                let rank = |group: &Group| (group.depth, std::cmp::Reverse(group.id));
                other.closure.covers(&one.closure)
                    && (other.closure != one.closure || rank(other) >= rank(one))
            };
            let known = |top: &usize| self.group(Some(*top));
            if tops.iter().filter_map(known).any(|top| within(group, top)) {
                continue;
            }
            tops.retain(|top| !known(top).is_some_and(|top| within(top, group)));
            tops.push(index);
        }
        tops
    }

    /// The newest final checkpoint; of several that contradict each other the newest that all of them contain: to choose one would
    /// void what the others hold, and let whoever makes many choose.
    fn newest(&self, finals: &Bits) -> Option<usize> {
        let mut finals = finals.clone();
        loop {
            let tops = self.tops(&finals);
            if tops.len() < 2 {
                return tops.first().copied();
            }
            let contains = |top: &usize, index: usize| {
                let known = self.group(Some(*top)).zip(self.group(Some(index)));
                *top != index && known.is_some_and(|(top, one)| top.closure.covers(&one.closure))
            };
            let mut within = Bits::default();
            let common = |index: &usize| tops.iter().all(|top| contains(top, *index));
            finals
                .iter()
                .filter(common)
                .for_each(|index| within.set(index));
            finals = within;
        }
    }

    /// Whether final checkpoints contradict each other.
    pub(super) fn is_split(&self) -> bool {
        self.tops(&self.finals).len() > 1
    }

    /// The effects of before a time that no final checkpoint holds yet, and that may still be held by one.
    pub(super) fn unfixed(&self, before: u64) -> Bits {
        let mut unfixed = Bits::default();
        let known = self.group(self.base).map(|group| &group.closure);
        for index in self.mask.iter() {
            let due = |node: &super::graph::Node| node.is_effect() && node.time() <= before;
            if self.node(index).is_some_and(due)
                && !known.is_some_and(|closure| closure.has(index))
                && self.is_within(index, self.base)
            {
                unfixed.set(index);
            }
        }
        unfixed
    }

    /// The checkpoint that a person should sign, so that what happened before a time becomes final: `None` if they have signed
    /// one, or nothing happened. The one that most have signed, of those that contradict nothing that they signed; a new one
    /// of everything that is here if there is none.
    pub(super) fn next_checkpoint(&self, person: PersonId, before: u64) -> Option<Checkpoint> {
        let unfixed = self.unfixed(before);
        if unfixed.is_empty() || self.is_split() {
            return None;
        }
        let open = |group: &&Group| group.source == self.base && group.closure.covers(&unfixed);
        let signed = |group: &&Group| group.signers.contains_key(&person);
        let same_source = self.groups.iter().filter(|group| group.source == self.base);
        let own: Vec<_> = same_source.filter(signed).collect();
        if own.iter().any(open) {
            return None;
        }
        let fits = |group: &&Group| {
            let mut own = own.iter();
            own.all(|one| group.closure.covers(&one.closure))
        };
        let known = self.groups.iter().filter(open).filter(fits);
        let rank = |group: &&Group| (group.signers.len(), std::cmp::Reverse(group.id));
        match known.max_by_key(rank) {
            Some(group) => Some(Checkpoint {
                source: self.group(group.source).map(|source| source.id),
                frontier: group.frontier.clone(),
                state: self.digest(&group.view),
            }),
            None => {
                let tips: Vec<_> = self.tips.iter().copied().collect();
                (tips.len() <= MAX_FRONTIER).then(|| self.checkpoint(self.base, &tips))
            }
        }
    }

    pub(super) fn checkpoint(&self, source: Option<usize>, frontier: &[usize]) -> Checkpoint {
        let (view, _) = self.resolve(&self.closure(frontier), source);
        let ids = frontier.iter().filter_map(|index| self.node(*index));
        let mut frontier: Vec<_> = ids.map(|node| node.id()).collect();
        frontier.sort_unstable();
        Checkpoint {
            source: self.group(source).map(|group| group.id),
            frontier,
            state: self.digest(&view),
        }
    }

    /// Takes in what a checkpoint signs. The caller has checked the source, the frontier and the state.
    pub(super) fn add_group(
        &mut self,
        checkpoint: &Checkpoint,
        source: Option<usize>,
        closure: Bits,
        view: View,
    ) -> usize {
        let mut before = match self.group(source) {
            Some(group) => group.members.clone(),
            None => self.founders(),
        };
        let excused: Vec<_> = before
            .iter()
            .filter(|person| self.is_excused(**person, &before, &closure, &view))
            .copied()
            .collect();
        before.retain(|person| !has(&excused, person));
        self.groups.push(Group {
            id: checkpoint.id(),
            source,
            depth: self.group(source).map_or(0, |source| source.depth + 1),
            frontier: checkpoint.frontier.clone(),
            closure,
            members: view.electorate(&[]),
            before,
            view: Arc::new(view),
            signers: BTreeMap::new(),
        });
        self.groups.len() - 1
    }

    /// Whether somebody who was a member at a checkpoint's source need not sign it: they left, or were removed or put to rest by more
    /// than half of those who were.
    fn is_excused(
        &self,
        person: PersonId,
        before: &[PersonId],
        closure: &Bits,
        view: &View,
    ) -> bool {
        let removals = view.removals.of_person(person).iter();
        let rests = view.members.get(&person).into_iter();
        let mut rests = rests.flat_map(|member| member.rests());
        let by_most = |index: usize| {
            let certificate = self.node(index).map(|node| &node.certificate[..]);
            let support = self.support(certificate.unwrap_or(&[]), Frame::of(closure, view));
            let most = support.ballots.iter().filter(|one| has(before, one));
            most.count() * 2 > before.len()
        };
        let left = |index: usize| {
            let body = self.node(index).map(|node| node.operation.body());
            let splits = matches!(self.subject(index), Some(Subject::Split { .. }));
            splits || matches!(body, Some(Body::Leave))
        };
        removals.copied().any(|one| left(one) || by_most(one)) || rests.any(by_most)
    }

    fn founders(&self) -> Vec<PersonId> {
        let genesis = self.node(0).map(|node| node.operation.body());
        let mut founders: Vec<_> = match genesis {
            Some(Body::Genesis { founders, .. }) => {
                founders.iter().map(|one| one.person()).collect()
            }
            _ => Vec::new(),
        };
        founders.sort_unstable();
        founders.dedup();
        founders
    }

    /// Who signed two checkpoints with one source of which neither contains the other, which nobody does who only ever learns
    /// more.
    pub(super) fn double_signed(&self) -> Vec<DoubleSigning> {
        let mut found = BTreeSet::new();
        // What each person signed: few, of many that others signed.
        let mut signed: BTreeMap<_, Vec<(&Group, &Vec<usize>)>> = BTreeMap::new();
        for group in &self.groups {
            for (person, nodes) in &group.signers {
                let signed = signed.entry((*person, group.source)).or_default();
                signed.push((group, nodes));
            }
        }
        for signed in signed.values() {
            for (place, (one, first)) in signed.iter().enumerate() {
                for (other, second) in signed.iter().skip(place + 1) {
                    if one.closure.covers(&other.closure) || other.closure.covers(&one.closure) {
                        continue;
                    }
                    let pair = self.lowest(first).zip(self.lowest(second));
                    found.extend(pair.and_then(|(one, other)| self.double(one, other)));
                }
            }
        }
        found.into_iter().collect()
    }

    /// What devices said twice, beside each other: a device that was copied, or a lie to two halves. One pair for each device.
    pub(super) fn forked(&self) -> Vec<DoubleSigning> {
        let mut found = BTreeSet::new();
        for nodes in self.devices.values() {
            let forked = nodes.iter().copied();
            let forked: Vec<_> = forked
                .filter(|one| self.forks(*one).next().is_some())
                .collect();
            let pair = self.lowest(&forked).and_then(|one| {
                let others: Vec<_> = self.forks(one).collect();
                self.double(one, self.lowest(&others)?)
            });
            found.extend(pair);
        }
        found.into_iter().collect()
    }

    /// Of these the one of the lowest hash.
    fn lowest(&self, nodes: &[usize]) -> Option<usize> {
        let nodes = nodes.iter().copied();
        nodes.min_by_key(|node| self.node(*node).map(|node| node.id()))
    }

    fn double(&self, one: usize, other: usize) -> Option<DoubleSigning> {
        let (one, other) = (self.node(one)?, self.node(other)?);
        let person = one.person();
        let (one, other) = (one.id().min(other.id()), one.id().max(other.id()));
        Some(DoubleSigning { person, one, other })
    }
}
